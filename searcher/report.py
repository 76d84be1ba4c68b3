"""A replay's report for the terminal, and as JSON. The native side computes; here is only how it is shown."""

import json
from collections.abc import Iterable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

Report = dict[str, Any]

BOOK_HEADS = ("instrument", "agreed", "gaps", "crossed", "blind", "bid at the end", "ask at the end")
LIMIT_HEADS = ("limit", "written", "refused, ignored or tripped")

LIMITS_AND_ASSUMPTIONS = (
    "Simulated fills: our orders do not move the market, and the queue ahead of them is estimated, not known.",
    "Latency is as configured; what the recording does not show (hidden orders, outages, other prices) did not happen.",
)


def as_json(report: Report) -> str:
    """The documented report (schema 1), indented, with a final newline."""
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def traded(report: Report) -> bool:
    """Whether a kernel ran: a report without one is about the data only."""
    return report["switch"] is not None


def span(ns: int | float | None) -> str:
    """Nanoseconds for people: milliseconds, from ten seconds on seconds; a dash for none."""
    if ns is None:
        return "–"
    return f"{ns / 1e6:,.1f} ms" if abs(ns) < 10e9 else f"{ns / 1e9:,.1f} s"


def quality_rows(report: Report) -> list[tuple[str, str]]:
    """The quality of the data: name and value, in the order in which they matter."""
    b = report["book"]
    agreed = f"{b['matched']:,} of {b['checked']:,}" + (f" ({b['matched'] / b['checked']:.2%})" if b["checked"] else "")
    best = [("Best bid at the end", _level(b["bid"])), ("Best ask at the end", _level(b["ask"]))]
    if len(report["instruments"]) > 1:
        best = []  # each has its own: see the books
    return [
        ("Book agrees with bookTicker", agreed),
        ("Gaps", f"{b['gaps']:,}"),
        ("Crossed states", f"{b['crossed']:,}"),
        ("Time blind", span(b["blind_ns"])),
        ("Resynchronised", f"{b['resyncs']:,}"),
        ("Levels at the end", f"{b['levels']:,}"),
        *best,
        ("Recorded", f"{report['recorded_seconds']:,.1f} s"),
        ("Rows", f"{report['rows']:,} in {report['seconds']:.3f} s ({_rate(report)})"),
        ("Before them, to look the file over", f"{report['load_seconds']:.3f} s"),
    ]


def _level(level: list[str] | None) -> str:
    return f"{level[0]} × {level[1]}" if level else "none: not in sync"


def _rate(report: Report) -> str:
    return f"{report['rows'] / report['seconds'] / 1e6:.2f} M rows/s" if report["seconds"] else "–"


def book_rows(report: Report) -> list[tuple[str, ...]]:
    """The book of each instrument, where there are several."""
    if len(report["instruments"]) < 2:
        return []
    return [
        (
            i["symbol"],
            f"{b['matched']:,} of {b['checked']:,}",
            f"{b['gaps']:,}",
            f"{b['crossed']:,}",
            span(b["blind_ns"]),
            _level(b["bid"]),
            _level(b["ask"]),
        )
        for i in report["instruments"]
        for b in [i["book"]]
    ]


def frame_rows(report: Report) -> list[tuple[str, str]]:
    """Frames by kind, those that occurred."""
    return [(kind, f"{n:,}") for kind, n in report["frames"].items() if n]


def pnl_rows(report: Report) -> list[tuple[str, str]]:
    """PnL and its parts in quote currency: total = spread + drift − fees + rebates."""
    p = report["pnl"]
    return [
        ("Spread capture", p["spread"]),
        ("Drift", p["drift"]),
        ("Fees", f"−{p['fees']}" if p["fees"].strip("0.") else p["fees"]),
        ("Rebates", p["rebates"]),
        ("Total", p["total"]),
    ]


def trading_rows(report: Report) -> list[tuple[str, str]]:
    """What the kernels did and what became of it."""
    t, m = report["time_to_fill_ns"], report["messages"]
    makers = sum(1 for f in report["fill_log"] if f["maker"])
    return [
        ("Fills", f"{report['fills']:,} ({makers:,} as maker)"),
        (
            "Intents",
            f"{report['intents']:,} → {report['permits']:,} permits, {report['refused']:,} refusals"
            + (f"; {report['unsendable']:,} wishes could not be sent" if report["unsendable"] else ""),
        ),
        ("Messages", f"{m['place']:,} place, {m['replace']:,} replace, {m['cancel']:,} cancel"),
        ("Time to fill", f"median {span(t['p50'])}, 90 % {span(t['p90'])}, most {span(t['max'])}"),
        *((f"Position {i['symbol']}", i["position"]) for i in report["instruments"]),
        ("Switch", switch_text(report)),
    ]


def switch_text(report: Report) -> str:
    """State of the switch at the end, and what brought it there."""
    s = report["switch"]
    why = " ".join(str(s[k]) for k in ("cause", "reason") if s.get(k))
    return f"{s['state']}: {why}" if why else str(s["state"])


def markout_rows(report: Report) -> list[tuple[str, ...]]:
    """Mean move of the mid in our favour after a fill."""
    return [
        (f"{m['horizon_s']} s", f"{m['fills']:,}", f"{float(m['mean_ticks']):+.3f}", f"{float(m['mean_bps']):+.4f}")
        for m in report["markouts"]
        if m["fills"]
    ]


#: The key under which a person writes a limit, by the name that the gate counts it by. Rules that are not here
#: (`self_trade`, `no_top`, …) have no number.
WRITTEN_AS = {
    "order_qty": "max_order_qty",
    "order_notional": "max_order_notional",
    "position": "max_position_qty",
    "open_orders": "max_open_orders",
    "price_collar": "price_collar_bps",
    "stale_book": "max_book_age_ms",
    "order_rate": "max_orders_per_second",
    "outlier": "outlier_bps",
    "feed_latency": "max_feed_latency_ms",
    "drawdown": "max_drawdown_bps",
    "reject_rate": "max_reject_rate_bps",
}


def limit_rows(report: Report) -> list[tuple[str, str, str]]:
    """Every limit with the number written for it and how often it refused, ignored a tick or tripped the switch; then
    the rules without a number that did."""
    written: dict[str, list[str]] = {}
    for table in [*report["limits"]["instrument"], report["limits"]["lane"]]:
        for key, value in table.items():
            written.setdefault(key, []).append(str(value))
    counts = {WRITTEN_AS.get(name, name): n for name, n in report["refusals"].items()}
    rows = [(key, " / ".join(dict.fromkeys(values)), f"{counts.pop(key, 0):,}") for key, values in written.items()]
    return rows + [(name, "–", f"{n:,}") for name, n in counts.items() if n]


def assumption_rows(report: Report) -> list[tuple[str, str]]:
    """What the figures rest on: the kernels' parameters, the fees, and how the simulated exchange behaves.

    Nothing where no kernel ran.
    """
    if not traded(report):
        return []
    exchange, latency = report["simulation"]["exchange"], report["simulation"]["latency"]
    feed_ns = report["simulation"].get("feed_latency_ns")
    model = exchange["queue_model"]
    if latency["kind"] == "constant":
        delays = f"{latency['entry_ns'] / 1e6:g} ms there, {latency['response_ns'] / 1e6:g} ms back"
    else:
        delays = f"interpolated from {latency['rows']:,} recorded requests"
        if offset_ns := latency["latency_offset_ns"]:
            delays += f", {offset_ns / 1e6:+g} ms a way"
    return [
        *(
            (f"Kernel {name}", ", ".join(f"{key} {value}" for key, value in params.items()) or "no parameters")
            for name, params in zip(report["kernels"], report["parameters"], strict=True)
        ),
        *((f"Fees {i['symbol']}", f"{_fee('maker', i)}, {_fee('taker', i)}") for i in report["instruments"]),
        ("Order latency", delays),
        ("Feed latency", "as recorded" if feed_ns is None else f"{feed_ns / 1e6:g} ms"),
        ("Queue model", model["kind"] + (f", exponent {model['n']:g}" if "n" in model else "")),
        ("Equity", report["simulation"]["equity"]),
        ("Exchange's clock", f"moved by {span(report['clock_offset_ns'])} to ours"),
    ]


def _fee(who: str, instrument: Report) -> str:
    bps = instrument[f"{who}_fee_bps"]
    return f"{who} rebate {bps[1:]} bps" if bps.startswith("-") else f"{who} {bps} bps"


def _table(title: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    heads = tuple(heads)
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False,
                  show_header=any(heads))  # fmt: skip
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i == 0 else "right", no_wrap=i == 0)
    for row in rows:
        table.add_row(*row)
    return table


def show(report: Report, console: Console | None = None) -> None:
    """Prints the quality report, and with a kernel the trading report."""
    console = console or Console(highlight=False)
    if report["notice"]:
        console.print(f"Notice: {report['notice']}", style="bold", soft_wrap=True)
    console.print(_table("Quality of the data", ("", ""), quality_rows(report)))
    console.print(_table("Frames", ("kind", "frames"), frame_rows(report)))
    if books := book_rows(report):
        console.print(_table("Books", BOOK_HEADS, books))
    if traded(report):
        console.print(_table("Trading", ("", ""), trading_rows(report)))
        console.print(_table("PnL", ("part", "quote currency"), pnl_rows(report)))
        if markouts := markout_rows(report):
            console.print(_table("Markouts", ("after", "fills", "ticks", "bps"), markouts))
        console.print(_table("Limits", LIMIT_HEADS, (row for row in limit_rows(report) if row[2] != "0")))
        console.print(_table("Assumed", ("", ""), assumption_rows(report)))
        for line in LIMITS_AND_ASSUMPTIONS:
            console.print(line, style="dim")
    console.print(f"sha256 {report['sha256']}", soft_wrap=True)
