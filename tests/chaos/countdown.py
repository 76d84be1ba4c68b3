"""USD-M's dead-man switch: the network is cut for longer than the countdown, and the exchange cancels by itself.

`python -m tests.chaos.countdown --runs 20`
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.command import main
from tests.chaos.harness import Lab, NotInTime, lab, until
from tests.chaos.truth import agree, truth

#: The least that a configuration may say.
COUNTDOWN_MS = 5_000


@dataclass
class Cut:
    """Orders that the exchange cancelled by itself, how long after the cut, and what was wrong."""

    cancelled: int = 0
    after_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def run(venue: str, runs: int, seed: int, folder: Path) -> Cut:
    """So many cuts of one session."""
    found = Cut()
    settings = {"countdown": f"countdown_ms = {COUNTDOWN_MS}\n", "max_drawdown_bps": 9_000}
    with lab(venue, folder, "--seed", str(seed), **settings) as made:
        made.start()
        for number in range(runs):
            _cut(made, found, f"cut {number + 1}")
        made.stop()
    return found


def _cut(made: Lab, found: Cut, what: str) -> None:
    """Waits for orders that rest on a market that stands still, cuts, and waits for the exchange to act."""
    try:
        size = made.exchange.size()
        made.until("it trades", lambda _: any(o.get("act") == "place" for o in made.exchange.log_from(size)))
        made.until("the countdown is armed", lambda _: made.exchange.state()["countdowns"])
        made.exchange.misbehave(freeze_ms=COUNTDOWN_MS * 2)
        until("orders rest", lambda: len(truth(made.exchange.log()).open) > 0)
        time.sleep(0.2)
        size, begun_ns = made.exchange.size(), time.time_ns()
        made.exchange.misbehave(cut_s=COUNTDOWN_MS / 1000 * 1.5)
        resting = truth(made.exchange.log()).open
        if not resting:
            found.wrong.append(f"{what}: no order rested when the network was cut")
        until("the exchange cancels", lambda: not truth(made.exchange.log()).open, COUNTDOWN_MS / 1000 * 1.5)
        by = [line for line in made.exchange.log_from(size) if line.get("act") == "cancel"]
        found.cancelled += len(by)
        found.wrong += [f"{what}: {o['client']} was cancelled by {o['by']}" for o in by if o["by"] != "countdown"]
        found.after_s += [(line["wall_ns"] - begun_ns) / 1e9 for line in by]
        made.until("it is reconciled", lambda s: s["reconciled"] and all(c["up"] for c in s["connections"]))
        made.switch.trip("chaos: compare", "halted", "person")
        made.until("no order is left", lambda s: not s["open_orders"] and not s["unknown_orders"])
        found.wrong += [f"{what}: {line}" for line in agree(made)]
        made.switch.resume("chaos goes on", "chaos")
    except NotInTime as error:
        found.wrong.append(f"{what}: {error}")


def show(found: Cut) -> None:
    """What the exchange did."""
    if found.after_s:
        print(
            f"  {found.cancelled} orders cancelled by the exchange, {min(found.after_s):.2f} to "
            f"{max(found.after_s):.2f} s after the cut (countdown {COUNTDOWN_MS / 1000:g} s)"
        )


if __name__ == "__main__":
    main("countdown", run, show, runs=20, venues=("binance_usdm",))
