"""Plotly figures of a replay, in the page's own colours so that they read in light and in dark."""

import math
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from searcher.report import Report

Series = dict[str, Any]

#: Colours that keep their contrast on white and on near-black.
BLUE, ORANGE, GREEN, RED, GREY, PURPLE = "#3b82c4", "#d9822b", "#2f9e6e", "#cf4f4f", "#8a8f98", "#8b6fc9"


def plotly_js() -> str:
    """Plotly's own script, to be put into the page: it needs no network afterwards."""
    script: str = get_plotlyjs()
    return script


def _figure(title: str, y: str, x: str = "seconds", height: int = 300) -> go.Figure:
    figure = go.Figure()
    grid = "rgba(138,143,152,0.22)"
    axis = {"gridcolor": grid, "zerolinecolor": "rgba(138,143,152,0.5)", "linecolor": grid}
    figure.update_layout(
        title={"text": title, "x": 0, "xanchor": "left", "font": {"size": 15}},
        height=height,
        margin={"l": 64, "r": 12, "t": 44, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12, "color": GREY},
        legend={"orientation": "h", "y": 1.14, "x": 1, "xanchor": "right"},
        hovermode="closest",
        xaxis=axis | {"title": {"text": x, "standoff": 8}, "zeroline": False},
        yaxis=axis | {"title": {"text": y, "standoff": 8}, "separatethousands": True, "exponentformat": "none"},
    )
    return figure


def _numbers(values: list[Any]) -> list[float | None]:
    return [None if v is None else float(v) for v in values]


def price(report: Report, series: Series) -> go.Figure:
    """Mid price, and our fills where they happened."""
    figure = _figure("Mid price and fills", "price", height=380)
    start = series["t_ns"][0]
    figure.add_scatter(x=_seconds(series), y=_numbers(series["mid"]), name="mid", line={"color": GREY, "width": 1.2})
    for side, colour, symbol in (("buy", GREEN, "triangle-up"), ("sell", RED, "triangle-down")):
        fills = [f for f in report["fill_log"] if f["side"].lower() == side]
        figure.add_scatter(
            x=[(f["time_ns"] - start) / 1e9 for f in fills],
            y=[float(f["price"]) for f in fills],
            mode="markers",
            name=side,
            text=[f"{f['qty']} {f['symbol']}, {'maker' if f['maker'] else 'taker'}" for f in fills],
            marker={"color": colour, "symbol": symbol, "size": 8},
        )
    return figure


def _seconds(series: Series) -> list[float]:
    return [(t - series["t_ns"][0]) / 1e9 for t in series["t_ns"]]


def position(series: Series) -> go.Figure:
    """Position over time."""
    figure = _figure("Position", "base currency")
    figure.add_scatter(
        x=_seconds(series),
        y=_numbers(series["position"]),
        name="position",
        line={"color": BLUE, "width": 1.4, "shape": "hv"},
        fill="tozeroy",
        fillcolor="rgba(59,130,196,0.12)",
        showlegend=False,
    )
    return figure


def pnl(series: Series) -> go.Figure:
    """PnL over time."""
    figure = _figure("PnL", "quote currency")
    figure.add_scatter(
        x=_seconds(series), y=_numbers(series["pnl"]), line={"color": BLUE, "width": 1.4}, showlegend=False
    )
    return figure


def pnl_parts(report: Report) -> go.Figure:
    """The parts of the PnL at the end: they add up to the total."""
    p = report["pnl"]
    parts = {"spread": p["spread"], "drift": p["drift"], "fees": p["fees"], "rebates": p["rebates"]}
    values = {name: -float(v) if name == "fees" else float(v) for name, v in parts.items()}
    figure = _figure("PnL by part", "quote currency", x="")
    figure.add_waterfall(
        x=[*values, "total"],
        y=[*values.values(), None],
        measure=["relative"] * len(values) + ["total"],
        connector={"line": {"color": GREY, "width": 1}},
        increasing={"marker": {"color": GREEN}},
        decreasing={"marker": {"color": RED}},
        totals={"marker": {"color": BLUE}},
        text=[f"{v:+.4g}" for v in values.values()] + [f"{float(p['total']):+.4g}"],
        textposition="outside",
        cliponaxis=False,
    )
    return figure


def markouts(report: Report) -> go.Figure:
    """Move of the mid in our favour after our fills: mean, and the mean's standard error."""
    figure = _figure("Markouts", "ticks in our favour", x="after the fill")
    horizons = [m["horizon_s"] for m in report["markouts"] if m["fills"]]
    for name, colour, maker in (("maker", BLUE, True), ("taker", ORANGE, False)):
        means, errors, at = [], [], []
        for horizon in horizons:
            seen = [f["markout_ticks"].get(str(horizon)) for f in report["fill_log"] if f["maker"] == maker]
            values = [float(v) for v in seen if v is not None]
            if values:
                mean = sum(values) / len(values)
                variance = sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1)
                at.append(f"{horizon} s")
                means.append(mean)
                errors.append(math.sqrt(variance / len(values)))
        if at:
            error = {"type": "data", "array": errors, "thickness": 1, "width": 4}
            figure.add_scatter(x=at, y=means, error_y=error, name=name, mode="lines+markers", line={"color": colour})
    return figure


def queue(report: Report) -> go.Figure:
    """Quantity ahead of our orders when they joined their level."""
    figure = _figure("Queue ahead when joining", "maker fills", x="lots")
    joined = [f["queue_joined"] for f in report["fill_log"] if f["maker"] and f["queue_joined"] >= 0]
    figure.add_histogram(x=joined, nbinsx=40, marker={"color": PURPLE}, showlegend=False)
    return figure


def time_to_fill(report: Report) -> go.Figure:
    """Time from the order's acceptance to its fill."""
    figure = _figure("Time to fill", "fills", x="seconds")
    seconds = [f["time_to_fill_ns"] / 1e9 for f in report["fill_log"] if f["maker"]]
    figure.add_histogram(x=seconds, nbinsx=40, marker={"color": GREEN}, showlegend=False)
    return figure


def all_of(report: Report, series: Series) -> list[tuple[str, go.Figure]]:
    """The figures of a report with their place: `wide` or `half`. Those without data are left out."""
    figures: list[tuple[str, go.Figure]] = []
    if series.get("t_ns"):
        figures.append(("wide", price(report, series)))
    if report["fills"] and series.get("t_ns"):
        figures += [("half", position(series)), ("half", pnl(series))]
    if report["fills"]:
        figures += [("half", pnl_parts(report)), ("half", markouts(report))]
        if any(f["maker"] for f in report["fill_log"]):
            figures += [("half", queue(report)), ("half", time_to_fill(report))]
    return figures
