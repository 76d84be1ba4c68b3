"""A replay's report for the terminal, and as JSON. The native side computes; here is only how it is shown."""

import json
from collections.abc import Iterable
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

Report = dict[str, Any]

LIMITS_AND_ASSUMPTIONS = (
    "Simulated fills: our orders do not move the market, and the queue ahead of them is estimated, not known.",
    "Latency is as configured; what the recording does not show (hidden orders, outages, other prices) did not happen.",
)


def as_json(report: Report) -> str:
    """The documented report (schema 1), indented, with a final newline."""
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def traded(report: Report) -> bool:
    """Whether a kernel wanted anything: a report without that is about the data only."""
    return bool(report["intents"])


def millis(ns: int | float | None) -> str:
    """Nanoseconds as milliseconds for people; a dash for none."""
    return "–" if ns is None else f"{ns / 1e6:,.1f} ms"


def quality_rows(report: Report) -> list[tuple[str, str]]:
    """The quality of the data: name and value, in the order in which they matter."""
    b = report["book"]
    agreed = f"{b['matched']:,} of {b['checked']:,}" + (f" ({b['matched'] / b['checked']:.2%})" if b["checked"] else "")
    return [
        ("Book agrees with bookTicker", agreed),
        ("Gaps", f"{b['gaps']:,}"),
        ("Crossed states", f"{b['crossed']:,}"),
        ("Time blind", millis(b["blind_ns"])),
        ("Resynchronised", f"{b['resyncs']:,}"),
        ("Levels at the end", f"{b['levels']:,}"),
        ("Best bid at the end", _level(b["bid"])),
        ("Best ask at the end", _level(b["ask"])),
        ("Recorded", f"{report['recorded_seconds']:,.1f} s"),
        ("Rows", f"{report['rows']:,} in {report['seconds']:.2f} s ({_rate(report)})"),
    ]


def _level(level: list[str] | None) -> str:
    return f"{level[0]} × {level[1]}" if level else "none: the book is not in sync"


def _rate(report: Report) -> str:
    return f"{report['rows'] / report['seconds'] / 1e6:.2f} M rows/s" if report["seconds"] else "–"


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
            f"{report['intents']:,} → {report['permits']:,} permits, {sum(report['refusals'].values()):,} refusals",
        ),
        ("Messages", f"{m['place']:,} place, {m['replace']:,} replace, {m['cancel']:,} cancel"),
        ("Time to fill", f"median {millis(t['p50'])}, 90 % {millis(t['p90'])}, most {millis(t['max'])}"),
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


def refusal_rows(report: Report) -> list[tuple[str, str]]:
    """Refusals by limit, most first."""
    counted = sorted(report["refusals"].items(), key=lambda item: (-item[1], item[0]))
    return [(limit, f"{n:,}") for limit, n in counted if n]


def _table(title: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i == 0 else "right", no_wrap=i == 0)
    for row in rows:
        table.add_row(*row)
    return table


def show(report: Report, console: Console | None = None) -> None:
    """Prints the quality report, and with a kernel the trading report."""
    console = console or Console(highlight=False)
    console.print(_table("Quality of the data", ("", ""), quality_rows(report)))
    console.print(_table("Frames", ("kind", "frames"), frame_rows(report)))
    if len(report["instruments"]) > 1:
        heads = ("instrument", "agreed", "checked", "gaps", "crossed", "blind")
        rows = [(i["symbol"], i["book"]) for i in report["instruments"]]
        console.print(_table("Books", heads, [
            (s, f"{b['matched']:,}", f"{b['checked']:,}", f"{b['gaps']:,}", f"{b['crossed']:,}", millis(b["blind_ns"]))
            for s, b in rows
        ]))  # fmt: skip
    if traded(report):
        console.print(_table("Trading", ("", ""), trading_rows(report)))
        console.print(_table("PnL", ("part", "quote currency"), pnl_rows(report)))
        if markouts := markout_rows(report):
            console.print(_table("Markouts", ("after", "fills", "ticks", "bps"), markouts))
        if refusals := refusal_rows(report):
            console.print(_table("Refusals", ("limit", "refused"), refusals))
        for line in LIMITS_AND_ASSUMPTIONS:
            console.print(line, style="dim")
    console.print(f"sha256 {report['sha256']}", soft_wrap=True)
