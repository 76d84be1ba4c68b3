"""`searcher status`: how the switch stands and what every lane of this machine is doing."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from risk.killswitch import KillSwitch, default_path
from searcher.lane_page import Page, read_all
from searcher.live_config import state_root

#: How often `--watch` looks; a lane renews its page at about this pace.
WATCH_S = 0.5
#: Columns of what goes into a pipe: nothing of it is cut off.
PIPE_WIDTH = 240
#: Beyond this a book is old for a person to see.
OLD_BOOK_NS = 2_000_000_000

#: From socket read to order written, and its parts in the order in which they happen.
PARTS = ("total", "wait", "decode", "book", "kernel", "gate", "encode", "write")

HEALTH = {"running": "green", "stopped": "dim", "stale": "bold red", "dead": "bold red", "unreadable": "red"}
STATE = {"active": "green", "reducing": "yellow", "halted": "bold red"}


def run(args: argparse.Namespace) -> int:
    """`searcher status`; returns its exit code: 1 where a lane is dead, stale or unreadable."""
    root: Path = args.state or state_root()
    switch = KillSwitch(args.switch or default_path())
    if args.json:
        print(json.dumps(as_dict(switch, read_all(root)), indent=2))
    elif args.watch:
        watch(switch, root)
    else:
        console = Console()
        if not console.is_terminal:
            console = Console(width=PIPE_WIDTH)
        pages = read_all(root)
        console.print(view(switch, pages), soft_wrap=True)
        if not pages and console.is_terminal:
            console.print(Text(f"No lane has run here ({root}).", style="dim"))
    return 1 if any(p.health in ("stale", "dead", "unreadable") for p in read_all(root)) else 0


def watch(switch: KillSwitch, root: Path) -> None:
    """The view in the terminal, renewed until Ctrl-C."""
    try:
        with Live(view(switch, read_all(root)), refresh_per_second=4, screen=False) as live:
            while True:
                time.sleep(WATCH_S)
                live.update(view(switch, read_all(root)))
    except KeyboardInterrupt:
        return


def as_dict(switch: KillSwitch, pages: list[Page]) -> dict[str, Any]:
    """The whole status as data; schema 1."""
    reason = switch.reason
    why = {"cause": reason.cause, "text": reason.text, "at_ns": reason.at_ns, "pid": reason.pid} if reason else None
    return {
        "schema": 1,
        "switch": {"path": str(switch.path), "state": switch.state, "reason": why},
        "lanes": [p.as_dict() for p in pages],
    }


def view(switch: KillSwitch, pages: list[Page]) -> RenderableType:
    """The switch, and of each lane its head, books, orders, connections and latencies."""
    parts: list[RenderableType] = [_switch(switch)]
    for page in pages:
        parts += [Text(), _head(page)]
        if page.status and page.health != "stopped":
            parts += [_books(page.status), _orders(page.status), _connections(page.status), _latency(page.status)]
    return Group(*parts)


def _switch(switch: KillSwitch) -> Text:
    reason = switch.reason
    why = f" ({reason.cause}: {reason.text})" if reason else ""
    return Text.assemble(f"{switch.path}: ", (switch.state, STATE[switch.state]), why)


def _head(page: Page) -> Text:
    status = page.status
    text = Text.assemble(("Lane ", ""), (page.lane, "bold"), " ", (page.health, HEALTH[page.health]), f"  {page.says}")
    if not status:
        return text
    text.append(f"  {status['mode']} {status['venue']}  ")
    text.append(status["state"], style=STATE.get(status["state"], ""))
    if status["reason"]:
        text.append(f" ({status['reason']['cause']}: {status['reason']['text']})")
    if status["stopping"]:
        text.append(f"  stopping ({status['stopping']})", style="yellow")
    if status["panic"]:
        text.append(f"\n  panic: {status['panic']}", style="bold red")
    if status["reconciled"] is False:
        text.append("  not reconciled with the venue: places nothing", style="yellow")
    return text


def _books(status: dict[str, Any]) -> Table:
    table = _table("book", "bid", "ask", "age", "blind", "gaps", "position", "orders", "fills", "PnL", "fees")
    for one in status["instruments"]:
        age = status["now_ns"] - one["last_depth_ns"] if one["last_depth_ns"] else None
        old = age is None or age > OLD_BOOK_NS
        table.add_row(
            one["symbol"],
            one["bid"][0] if one["bid"] else "–",
            one["ask"][0] if one["ask"] else "–",
            Text("–" if age is None else duration(age), style="yellow" if old else ""),
            duration(one["blind_ns"]),
            str(one["gaps"]),
            one["position"],
            str(one["open_orders"]),
            str(one["fills"]),
            one["pnl"]["total"],
            one["pnl"]["fees"],
        )
    return table


def _orders(status: dict[str, Any]) -> Text:
    sent = status["messages"]
    text = Text(
        f"  sent {sent['place']} places, {sent['replace']} replaces, {sent['cancel']} cancels; "
        f"open {status['open_orders']}, of unknown fate {status['unknown_orders']}; refused {status['refused']}"
    )
    if status["refusals"]:
        most = sorted(status["refusals"].items(), key=lambda kv: -kv[1])[:4]
        text.append(" (" + ", ".join(f"{name} {n}" for name, n in most) + ")")
    if status["unsent"]:
        text.append(f"; {status['unsent']} could not be sent", style="yellow")
    if account := status.get("account"):
        text.append(f"\n  account compared {account['rounds']} times with the venue's")
        odd = {k: account[k] for k in ("adopted", "recovered", "missing", "foreign", "differing") if account.get(k)}
        if odd:
            text.append(": " + ", ".join(f"{name} {n}" for name, n in odd.items()), style="yellow")
    tape = status["tape"]
    text.append(f"\n  tape {tape['records']} records, {tape['bytes'] / 1e6:.1f} MB")
    if tape["lost"]:
        text.append(f", {tape['lost']} LOST", style="bold red")
    text.append(f"  {tape['path']}", style="dim")
    return text


def _connections(status: dict[str, Any]) -> Text:
    text = Text("  ")
    for one in status["connections"]:
        text.append(f"{one['name']} ")
        text.append("up" if one["up"] else "down", style="green" if one["up"] else "bold red")
        text.append(f" {duration(max(0, status['now_ns'] - one['since_ns']))}")
        if one["connects"] > 1:
            text.append(f", {one['connects']} times")
        if not one["up"] and one["why"]:
            text.append(f" ({one['why']})", style="dim")
        text.append("   ")
    return text


def _latency(status: dict[str, Any]) -> Text:
    measured = status["latency_ns"]
    parts = [(name, measured[name]) for name in PARTS if measured.get(name, {}).get("count")]
    if not parts:
        return Text("  latency: nothing sent yet", style="dim")
    said = "  ".join(f"{name} {duration(h['p50'])}/{duration(h['p99'])}" for name, h in parts)
    return Text(f"  latency p50/p99  {said}", style="dim")


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 2))
    for n, column in enumerate(columns):
        table.add_column(column, justify="left" if n == 0 else "right", style="" if n else "bold", header_style="dim")
    return table


def duration(ns: int) -> str:
    """A time with three digits and its unit."""
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if ns < 1_000 * size:
            return f"{ns / size:.3g} {unit}"
    seconds = ns / 1e9
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7_200 else f"{seconds / 3_600:.3g} h"


def wait(root: Path, *, flat: bool, seconds: float) -> bool:
    """Until every lane that runs is flat (or only without orders); False where `seconds` did not do."""
    until = time.monotonic() + seconds
    while True:
        busy = [p for p in read_all(root) if p.health in ("running", "stale", "dead") and _busy(p, flat)]
        if not busy or time.monotonic() >= until:
            for page in busy:
                print(f"{page.lane} ({page.health}): still has {'orders or a position' if flat else 'orders'}")
            return not busy
        time.sleep(0.1)


def _busy(page: Page, flat: bool) -> bool:
    return bool(page.status) and page.status["mode"] != "record" and not (page.is_flat if flat else not page.has_orders)
