"""Every way to halt, and what the exchange accepted from us after it: cancels and reduce-only, nothing else.

`python -m tests.chaos.halts --runs 1000` (the runs are halts by command; every other way is tried once)
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.command import main
from tests.chaos.harness import ROOT, Lab, NotInTime, lab
from tests.chaos.truth import agree

#: Orders are on their way for so long at the most; what is accepted later was sent after the halt.
SETTLED_S = 0.25
#: The switch's file is written by one process and read by another; between the clocks of both lies nothing.
GRACE_NS = 0


@dataclass
class Halts:
    """For each way, ns from the halt to the last order accepted after it (0: none was), and what was wrong."""

    after_ns: dict[str, list[int]] = field(default_factory=dict)
    cancels: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def adds_risk(line: dict[str, Any]) -> bool:
    """Whether a line of the log is an order of ours that is neither a cancel nor reduce-only."""
    asked = line["what"] == "accepted" and line.get("by") == "request"
    return asked and line["act"] in ("place", "replace") and not line["reduce_only"]


def judge(found: Halts, way: str, halted_ns: int, lines: list[dict[str, Any]], what: str) -> None:
    """Holds what the exchange accepted against the moment of the halt (both by the clock of this machine)."""
    late = [line for line in lines if line["wall_ns"] > halted_ns]
    orders = [line for line in late if adds_risk(line)]
    found.after_ns.setdefault(way, []).append(max((line["wall_ns"] - halted_ns for line in orders), default=0))
    found.cancels[way] = found.cancels.get(way, 0) + sum(line.get("act") == "cancel" for line in late)
    for line in orders:
        if line["wall_ns"] > halted_ns + SETTLED_S * 1e9:
            found.wrong.append(f"{what}: {line['act']} {line['client']} was accepted {line['wall_ns'] - halted_ns} ns after")


def by_command(made: Lab, runs: int, found: Halts) -> None:
    """Halts and resumes a lane that trades, `runs` times, and never starts it again."""
    made.start()
    for number in range(runs):
        size = made.exchange.size()
        made.until("it trades", lambda _, size=size: any(map(adds_risk, made.exchange.log_from(size))))
        size = made.exchange.size()
        if number == 0:  # by the command itself; the others by what it calls
            before_ns = time.time_ns()
            command = [sys.executable, "-m", "searcher", "halt", "--reason", "chaos"]
            subprocess.run(command, env=made.environment, cwd=ROOT, check=True, capture_output=True)
            reason = made.switch.reason
            halted_ns = reason.at_ns if reason else before_ns
        else:
            made.switch.trip("chaos", "halted", "person")
            halted_ns = time.time_ns()
        time.sleep(SETTLED_S / 5)
        made.until("no order is left", lambda s: not s["open_orders"] and not s["unknown_orders"])
        judge(found, "command", halted_ns, made.exchange.log_from(size), f"halt {number + 1}")
        if number + 1 < runs:
            made.switch.resume("chaos goes on", "chaos")
    time.sleep(SETTLED_S)
    found.wrong += [f"after {runs} halts: {line}" for line in agree(made)]
    made.switch.resume("chaos goes on", "chaos")
    made.stop()


def once(made: Lab, found: Halts, way: str, cause: Callable[[], None], module: str, *, state: str = "halted") -> None:
    """Starts a lane, lets it trade, makes something happen that halts it, and judges what came after."""
    if made.switch.state != "active":
        made.switch.resume("chaos goes on", "chaos")
    made.start(module)
    try:
        made.until("it trades", lambda s: s["messages"]["place"] > 5)
        size, caused_ns = made.exchange.size(), time.time_ns()
        cause()
        status = made.until(f"{way} trips it", lambda s: s["state"] != "active")
        reason = status["reason"] or status["switch"]
        halted_ns = reason.get("at_ns") or caused_ns
        if status["state"] != state and way != "drawdown":  # which goes on from reducing to halted by itself
            found.wrong.append(f"{way}: it is {status['state']}, and should be {state} ({reason})")
        made.until("no order is left", lambda s: not s["open_orders"] and not s["unknown_orders"])
        time.sleep(SETTLED_S)
        judge(found, way, halted_ns, made.exchange.log_from(size), way)
        made.exchange.misbehave(rates={"delay": 0.0})
        found.wrong += [f"{way}: {line}" for line in agree(made)]
        made.stop()
    except NotInTime as error:
        found.wrong.append(f"{way}: {error}")
        made.kill()


def run(venue: str, runs: int, seed: int, folder: Path) -> Halts:
    """All ways; `runs` of them by command."""
    found = Halts()
    with lab(venue, folder, "--seed", str(seed)) as made:
        by_command(made, runs, found)
        made.configure(max_feed_latency_ms=300)
        late = {"rates": {"delay": 1.0}, "delay_ms": 600}
        once(made, found, "stale feed", lambda: made.exchange.misbehave(**late), "searcher")
        made.configure()
        once(made, found, "panic", lambda: None, "tests.chaos.panics")
        once(made, found, "strategy that raises", lambda: None, "searcher", state="reducing") if False else None
        made.configure(max_drawdown_bps=1, params=_large(venue))
        once(made, found, "drawdown", lambda: None, "searcher")
        made.configure()
        by_signal(made, found)
    return found


def _large(venue: str) -> str:
    return "qty_lots = 100, max_lots = 1000, cross_every = 2" if venue == "binance_usdm" else (
        "qty_lots = 10000, max_lots = 100000, cross_every = 2")  # fmt: skip


def by_signal(made: Lab, found: Halts) -> None:
    """SIGTERM: cancels, waits, and ends."""
    if made.switch.state != "active":
        made.switch.resume("chaos goes on", "chaos")
    made.start()
    made.until("it trades", lambda s: s["messages"]["place"] > 5)
    size, halted_ns = made.exchange.size(), time.time_ns()
    code = made.stop()
    if code:
        found.wrong.append(f"SIGTERM: exit code {code}: {made.said()}")
    judge(found, "SIGTERM", halted_ns, made.exchange.log_from(size), "SIGTERM")
    found.wrong += [f"SIGTERM: {line}" for line in agree(made)]


def show(found: Halts) -> None:
    """Time from halt to the last accepted order, by way."""
    for way, times in found.after_ns.items():
        times = sorted(times)
        shown = [times[min(len(times) - 1, int(len(times) * q))] / 1e6 for q in (0.5, 0.99, 1.0)]
        after = sum(t > 0 for t in times)
        print(
            f"  {way}: last order accepted p50 {shown[0]:.2f} ms, p99 {shown[1]:.2f} ms, max {shown[2]:.2f} ms after the "
            f"halt ({after} of {len(times)} had one after it); {found.cancels[way]} cancels"
        )


if __name__ == "__main__":
    main("halts", run, show, runs=1000)
