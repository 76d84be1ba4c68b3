"""Every way to halt, and what the exchange accepted from us after it: cancels and reduce-only, nothing else.

`python -m tests.chaos.halts --runs 1000` (the runs are halts by command; every other way is tried once)
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.chaos.command import main
from tests.chaos.harness import BUSY, ROOT, Lab, NotInTime, lab, until
from tests.chaos.orders import permitted_ns
from tests.chaos.truth import agree, truth

RAISES = "tests.chaos.strategies:Raises"

#: Orders are on their way for so long at the most, unless the host holds up a process: of what is accepted later the
#: Tape says whether it was decided after the halt.
SETTLED_S = 0.25
#: The market stands still for so long, and a lane that is halted meanwhile has cancelled within so long. Without a look
#: at the switch the next thing that it does is to compare its account, every 5 s.
SILENT_MS, SILENT_S = 4_000, 1.5
#: From a signal until the daemon, which looks at signals 20 times a second, has told its lane.
TOLD_S = 3.0
#: A halt by command comes at a moment drawn from so long after the lane was seen to trade.
TRADING_S = 0.2


@dataclass
class Halts:
    """For each way: ns from the halt to the last order accepted after it (0: none was), ns from the halt until none was
    open, cancels after it; and what was wrong."""

    after_ns: dict[str, list[int]] = field(default_factory=dict)
    clear_ns: dict[str, list[int]] = field(default_factory=dict)
    cancels: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def asked(line: dict[str, Any]) -> bool:
    """Whether a line of the log is an order, or a change of one, that we asked for."""
    return line["what"] == "accepted" and line.get("by") == "request" and line["act"] in ("place", "replace")


def adding(lines: list[dict[str, Any]], usdm: bool) -> Iterator[dict[str, Any]]:
    """Orders of a whole log that may add to a position. Spot knows no reduce-only: there an order reduces when it is on
    the other side of the position, with all that are open beside it, and no larger."""
    position, open_ = Decimal(0), dict[int, Decimal]()
    for line in lines:
        signed = Decimal(line["qty"]) if line.get("side") == "BUY" else -Decimal(line.get("qty", 0))
        if line["what"] == "fill":
            position += signed
            open_[line["order"]] = open_.get(line["order"], Decimal(0)) - signed
        elif line["what"] == "expired" or line.get("act") == "cancel":
            open_.pop(line["order"], None)
        elif asked(line):
            open_[line["order"]] = signed
            same = sum((left for left in open_.values() if left * signed > 0), Decimal(0))
            reduces = line["reduce_only"] if usdm else position * same < 0 and abs(same) <= abs(position)
            if not reduces:
                yield line


def judge(made: Lab, found: Halts, way: str, halted_ns: int, size: int, *, flattens: bool = False) -> None:
    """Holds what the exchange accepted since its log had `size` bytes against the moment of the halt (both by the clock
    of this machine). `flattens`: orders that reduce a position may come after it. Wrong is an order that was accepted
    later than orders are on their way, and decided after the halt."""
    lines = made.exchange.log_from(0 if flattens else size)
    late = [line for line in lines if line["wall_ns"] > halted_ns]
    judged = adding(lines, made.venue == "binance_usdm") if flattens else filter(asked, lines)
    orders = [line for line in judged if line["wall_ns"] > halted_ns]
    after_ns = max((line["wall_ns"] - halted_ns for line in orders), default=0)
    found.after_ns.setdefault(way, []).append(after_ns)
    ended = [line["wall_ns"] for line in late if line["what"] in ("expired", "fill") or line.get("act") == "cancel"]
    found.clear_ns.setdefault(way, []).append(max(ended, default=halted_ns) - halted_ns)
    found.cancels[way] = found.cancels.get(way, 0) + sum(line.get("act") == "cancel" for line in late)
    for line in orders:
        taken_ns = line["wall_ns"] - halted_ns
        if taken_ns > SETTLED_S * 1e9 and (said := decided_after(made, line["client"], halted_ns)):
            what = f"{line['act']} {line['client']}"
            found.wrong.append(f"{way}: {what} was accepted {taken_ns / 1e6:.1f} ms after; {said}")


def decided_after(made: Lab, order: str, halted_ns: int) -> str | None:
    """Whether the lane decided on this order after the halt, in words; None where it was before, and the order late."""
    try:
        at_ns = until("it is on the Tape", lambda: permitted_ns(made.tapes(), order))
    except NotInTime:
        return "no Tape has a permit of it"
    assert isinstance(at_ns, int), "a time"
    return f"decided {(at_ns - halted_ns) / 1e6:.1f} ms after" if at_ns > halted_ns else None


def by_command(made: Lab, runs: int, chance: random.Random, found: Halts) -> None:
    """Halts and resumes a lane that trades, `runs` times, and never starts it again."""
    made.start()
    for number in range(runs):
        _trades(made, made.exchange.size())
        time.sleep(chance.uniform(0.0, TRADING_S))
        size = made.exchange.size()
        if number == 0:  # by the command itself; the others by what it calls
            command = [sys.executable, "-m", "searcher", "halt", "--reason", "chaos"]
            subprocess.run(command, env=made.environment, cwd=ROOT, check=True, capture_output=True)
        else:
            made.switch.trip("chaos", "halted", "person")
        reason = made.switch.reason
        assert reason is not None
        made.until("no order is left", lambda s: not s["open_orders"] and not s["unknown_orders"])
        if number % 50 == 0:
            time.sleep(SETTLED_S)  # now and then for longer than an order can be on its way
        judge(made, found, "command", reason.at_ns, size)
        if number + 1 < runs:
            made.switch.resume("chaos goes on", "chaos")
    in_silence(made, found)
    time.sleep(SETTLED_S)
    found.wrong += [f"after {runs} halts: {line}" for line in agree(made)]
    made.stop()


def in_silence(made: Lab, found: Halts) -> None:
    """By command while the market is silent: the lane cancels all the same, and at once."""
    made.switch.resume("chaos goes on", "chaos")
    _trades(made, made.exchange.size())
    made.exchange.misbehave(freeze_ms=SILENT_MS)
    until("orders rest", lambda: truth(made.exchange.log()).open)
    time.sleep(SETTLED_S)
    size, resting = made.exchange.size(), len(truth(made.exchange.log()).open)
    made.switch.trip("chaos", "halted", "person")
    reason = made.switch.reason
    assert reason is not None
    made.until("no order is left", lambda s: not s["open_orders"] and not s["unknown_orders"])
    way = "command, on a silent market"
    judge(made, found, way, reason.at_ns, size)
    took_s = found.clear_ns[way][-1] / 1e9
    if found.cancels[way] != resting or took_s > SILENT_S:
        found.wrong.append(f"{way}: {found.cancels[way]} of {resting} orders were cancelled, in {took_s:.2f} s")


def _trades(made: Lab, size: int) -> None:
    made.until("it trades", lambda _: any(map(asked, made.exchange.log_from(size))))


def once(made: Lab, found: Halts, way: str, state: str, cause: Callable[[], None], module: str = "searcher") -> None:
    """Starts a lane, lets it trade, makes something happen that ends it in `state`, and judges what came after."""
    if made.switch.state != "active":
        made.switch.resume("chaos goes on", "chaos")
    made.start(module)
    try:
        made.until("it trades", lambda s: s["messages"]["place"])
        size = made.exchange.size()
        cause()
        status = made.until(f"{way} makes it {state}", lambda s: s["state"] == state)
        reason = status["reason"] or {}
        if not reason:
            why = made.switch.reason
            assert why is not None, "the lane or the node has a reason"
            reason = {"at_ns": why.at_ns, "cause": why.cause}
        made.until("no order is left", lambda s: not s["open_orders"] and not s["unknown_orders"])
        time.sleep(SETTLED_S)
        judge(made, found, f"{way} ({reason['cause']})", reason["at_ns"], size, flattens=True)
        made.exchange.misbehave(rates={"delay": 0.0})
        found.wrong += [f"{way}: {line}" for line in agree(made)]
        made.stop()
    except NotInTime as error:
        found.wrong.append(f"{way}: {error}")
        made.kill()


def by_signal(made: Lab, found: Halts) -> None:
    """SIGTERM: the daemon tells its lane, which cancels, waits, and ends."""
    if made.switch.state != "active":
        made.switch.resume("chaos goes on", "chaos")
    made.start()
    made.until("it trades", lambda s: s["messages"]["place"] > 5)
    size, signal_ns = made.exchange.size(), time.time_ns()
    if code := made.stop():
        found.wrong.append(f"SIGTERM: exit code {code}: {made.said()}")
    reason = made.page().status["reason"]
    told_s = (reason["at_ns"] - signal_ns) / 1e9
    if reason["cause"] != "stop" or told_s > TOLD_S:
        found.wrong.append(f"SIGTERM: the lane stopped by {reason['cause']} {told_s:.2f} s after the signal")
    judge(made, found, "SIGTERM", reason["at_ns"], size)
    found.wrong += [f"SIGTERM: {line}" for line in agree(made)]
    found.wrong += [f"SIGTERM: {o['client']} is still open" for o in truth(made.exchange.log()).open.values()]


def run(venue: str, runs: int, seed: int, folder: Path) -> Halts:
    """All ways; `runs` of them by command."""
    found = Halts()
    usdm = venue == "binance_usdm"
    large = "qty_lots = 100, max_lots = 1000" if usdm else "qty_lots = 10000, max_lots = 100000"
    late = {"rates": {"delay": 0.05}, "delay_ms": 900}  # what follows a delayed message waits behind it
    raises = f"qty_lots = {2 if usdm else 100}"
    with lab(venue, folder, "--seed", str(seed), *BUSY) as made:
        by_command(made, runs, random.Random(seed), found)
        by_signal(made, found)
        made.configure(max_feed_latency_ms=500)
        once(made, found, "a stale feed", "halted", lambda: made.exchange.misbehave(**late))
        made.configure()
        once(made, found, "a panic", "halted", lambda: None, "tests.chaos.panics")
        made.configure(strategy=RAISES, params=raises)
        once(made, found, "a strategy that raises", "reducing", lambda: None)
        made.configure(max_drawdown_bps=1, params=f"{large}, cross_every = 2")
        once(made, found, "a drawdown", "halted", lambda: None)
    return found


def show(found: Halts) -> None:
    """Time from halt to the last accepted order, by way."""
    for way, times in found.after_ns.items():
        after, clear = _percentiles(times), _percentiles(found.clear_ns[way])
        print(f"  {way}: {len(times)} times, {found.cancels[way]} cancels; p50, p99, longest in ms from the halt")
        print(f"    to the last order accepted: {after} ({sum(t > 0 for t in times)} had one after it)")
        print(f"    until none was open:        {clear}")


def _percentiles(ns: list[int]) -> str:
    ordered = sorted(ns)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * q))] / 1e6 for q in (0.5, 0.99, 1.0)]
    return ", ".join(f"{ms:.2f}" for ms in at)


if __name__ == "__main__":
    main("halts", run, show, runs=1000)
