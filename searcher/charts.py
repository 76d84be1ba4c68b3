"""Plotly figures of a replay, in the page's own colours so that they read in light and in dark."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from searcher.report import Report

#: One instrument's samples, as the native side gives them: parallel lists.
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


def _seconds(series: Series) -> list[float]:
    return [(t - series["t_ns"][0]) / 1e9 for t in series["t_ns"]]


def price(report: Report, series: Series) -> go.Figure:
    """Mid price of one instrument, and our fills where they happened. Where the book had no Top, there is no line."""
    symbol, start = series["symbol"], series["t_ns"][0]
    figure = _figure(f"{symbol}: mid price" + (" and fills" if report["fills"] else ""), "quote currency", height=380)
    figure.add_scatter(x=_seconds(series), y=series["mid"], name="mid", line={"color": GREY, "width": 1.2})
    figure.update_xaxes(range=[0, _seconds(series)[-1]])
    for side, colour, marker in (("buy", GREEN, "triangle-up"), ("sell", RED, "triangle-down")):
        fills = [f for f in report["fill_log"] if f["side"] == side and f["symbol"] == symbol]
        if fills:
            figure.add_scatter(
                x=[(f["time_ns"] - start) / 1e9 for f in fills],
                y=[float(f["price"]) for f in fills],
                mode="markers",
                name=side,
                text=[f"{side} {f['quantity']}, {'maker' if f['maker'] else 'taker'}" for f in fills],
                hovertemplate="%{y}<br>%{text}<extra></extra>",
                marker={"color": colour, "symbol": marker, "size": 8},
            )
    return figure


def position(series: Series) -> go.Figure:
    """Position of one instrument over time."""
    figure = _figure(f"{series['symbol']}: position", "base currency")
    figure.add_scatter(
        x=_seconds(series),
        y=series["position"],
        line={"color": BLUE, "width": 1.4, "shape": "hv"},
        fill="tozeroy",
        fillcolor="rgba(59,130,196,0.12)",
        showlegend=False,
    )
    return figure


def pnl(series: Sequence[Series]) -> go.Figure:
    """The lane's PnL over time with its parts, summed over the instruments: all are sampled at the same times."""
    figure = _figure("PnL and its parts", "quote currency")
    lines = (("total", "pnl", BLUE, 1), ("spread", "spread", GREEN, 1), ("drift", "drift", ORANGE, 1),
             ("fees", "fees", RED, -1), ("rebates", "rebates", PURPLE, 1))  # fmt: skip
    for name, key, colour, sign in lines:
        values = [sign * sum(points) for points in zip(*(s[key] for s in series), strict=True)]
        if name == "total" or any(values):
            width = 2.4 if name == "total" else 1.2
            figure.add_scatter(x=_seconds(series[0]), y=values, name=name, line={"color": colour, "width": width})
    return figure


def pnl_parts(report: Report) -> go.Figure:
    """The parts of the PnL at the end: they add up to the total."""
    p = report["pnl"]
    parts = {"spread": p["spread"], "drift": p["drift"], "fees": p["fees"], "rebates": p["rebates"]}
    values = {name: (-float(v) if name == "fees" else float(v)) or 0.0 for name, v in parts.items()}
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
    symbols = {f["symbol"] for f in report["fill_log"]}
    figure = _figure("Queue ahead when joining", "maker fills", x="base currency" if len(symbols) == 1 else "lots")
    lots = {i["symbol"]: float(i["lot"]) if len(symbols) > 1 else 1.0 for i in report["instruments"]}
    known = [f for f in report["fill_log"] if f["maker"] and f["queue_joined"] is not None]
    joined = [float(f["queue_joined"]) / lots[f["symbol"]] for f in known]
    figure.add_histogram(x=joined, nbinsx=40, marker={"color": PURPLE}, showlegend=False)
    return figure


def time_to_fill(report: Report) -> go.Figure:
    """Time from the order's acceptance to its fill."""
    figure = _figure("Time to fill", "maker fills", x="seconds")
    seconds = [f["time_to_fill_ns"] / 1e9 for f in report["fill_log"] if f["maker"]]
    figure.add_histogram(x=seconds, nbinsx=40, marker={"color": GREEN}, showlegend=False)
    return figure


def all_of(report: Report, series: Sequence[Series]) -> list[tuple[str, go.Figure]]:
    """The figures of a report with their place: `wide` or `half`. Those without data are left out."""
    sampled = [s for s in series if s["t_ns"]]
    figures = [("wide", price(report, s)) for s in sampled]
    if not report["fills"]:
        return figures
    figures += [("wide", pnl(sampled)), *(("half", position(s)) for s in sampled)]
    figures += [("half", pnl_parts(report)), ("half", markouts(report))]
    if any(f["maker"] for f in report["fill_log"]):
        figures += [("half", queue(report)), ("half", time_to_fill(report))]
    if sum(place == "half" for place, _ in figures) % 2:
        figures[-1] = ("wide", figures[-1][1])  # no hole in the grid
    return figures
