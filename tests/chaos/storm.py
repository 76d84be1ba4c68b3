"""An hour of a venue that misbehaves in every way, in a minute: no false Top, no order and no fill unaccounted for.

`python -m tests.chaos.storm --runs 1` (a run is an hour of the venue; `--minutes` of it for a shorter one)
"""

from __future__ import annotations

import bisect
import random
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from native._core import tape_tops
from tests.chaos.command import main
from tests.chaos.harness import DEFAULTS, Lab, NotInTime, lab, lines_of
from tests.chaos.orders import orders_of
from tests.chaos.truth import agree, sound, truth, whole

SPEED = 60
#: Probabilities of a message or a request; a delay is 50 ms here and 3 s there.
RATES = {
    "drop": 0.001, "dup": 0.002, "reorder": 0.002, "gap": 0.001, "delay": 0.001, "disconnect": 0.0002,
    "user_drop": 0.01, "user_dup": 0.02, "user_reorder": 0.01, "user_delay": 0.01, "user_disconnect": 0.001,
    "lost_ack": 0.01, "lost_request": 0.01, "reject": 0.01, "throttle": 0.002,
}  # fmt: skip
DELAY_MS = 50
#: A wait of 10 ms here is 0.6 s there: what a lane allows its venue is measured accordingly. A feed is late after 4 s
#: here, because the host may hold up either of them.
PATIENT = {
    "ack_timeout_ms": 15_000, "reconcile_every_s": 120, "max_feed_latency_ms": 240_000, "max_book_age_ms": 60_000,
    "stop_deadline_s": 20, "params": "cross_every = 10",
}  # fmt: skip
#: Beside the rates, now and then. Clock skew stays within what a request may be off (recvWindow 60 s, 1 s ahead).
BLOWS = (
    {"disconnect": "market"}, {"disconnect": "orders"}, {"disconnect": "user"}, {"disconnect": "all"}, {"cut_s": 0.2},
    {"lost_ack": 3}, {"lost_request": 3}, {"reject": 3}, {"throttle": {"status": 429, "ms": 5_000}},
    {"throttle": {"status": 418, "ms": 20_000}}, {"skew_ms": 20_000}, {"skew_ms": -800}, {"skew_ms": 0},
    {"expire_listen_key": True}, {"freeze_ms": 5_000},
)  # fmt: skip


@dataclass
class Stormed:
    """What the storm met, and what was wrong afterwards. `faults` are the exchange's own counts."""

    tops: int = 0
    placed: int = 0
    arrived: int = 0
    fills: int = 0
    venue_s: float = 0.0
    blind_s: float = 0.0
    blows: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def run(venue: str, runs: int, seed: int, folder: Path) -> Stormed:
    """So many hours of the venue."""
    found = Stormed()
    for number in range(runs):
        storm(venue, 60.0, seed + number, folder / str(number), found)
    return found


def storm(venue: str, minutes: float, seed: int, folder: Path, found: Stormed) -> None:
    """So many minutes of the venue, at sixty times its pace; the rest of the proof is made when it is over."""
    chance, what = random.Random(seed), f"{venue} storm, seed {seed}"
    faults = ",".join(f"{name}={rate}" + (f":{DELAY_MS}" if name == "delay" else "") for name, rate in RATES.items())
    arguments = ["--seed", str(seed), "--speed", str(SPEED), "--rate", "0.004", "--fault-seed", str(seed)]
    size = "qty_lots = 2, max_lots = 40" if venue == "binance_usdm" else "qty_lots = 100, max_lots = 2000"
    settings = PATIENT | {"params": f"{size}, {PATIENT['params']}"}
    with lab(venue, folder, *arguments, "--faults", faults, **settings) as made:
        made.start()
        try:
            made.until("it trades", lambda s: s["messages"]["place"])
            _blow(made, minutes, chance, found)
            calm = dict.fromkeys(RATES, 0.0)
            made.exchange.misbehave(rates=calm, skew_ms=0)
            made.until("it is reconciled in the calm", lambda s: s["reconciled"], 20.0)
        except NotInTime as error:
            found.wrong.append(f"{what}: {error}")
        status = made.status()
        if status and status["state"] != "active":
            found.wrong.append(f"{what}: it halted: {status['reason'] or status['switch']}")
        found.blind_s += sum(one["blind_ns"] for one in status.get("instruments", [])) / 1e9
        for name, n in made.exchange.state()["faults"]["counts"].items():
            found.faults[name] = found.faults.get(name, 0) + n
        code = made.stop(40.0)
        if code:
            found.wrong.append(f"{what}: exit code {code}: {made.said()}")
        found.wrong += [f"{what}: {line}" for line in agree(made)]
        found.wrong += [f"{what}: {line}" for line in sound(truth(made.exchange.log()), DEFAULTS["max_open_orders"])]
        found.wrong += [f"{what}: {line}" for line in _accounted(made, found)]
        found.wrong += [f"{what}: {line}" for line in whole(made)]
        made.exchange.end()
        found.wrong += [f"{what}: {line}" for line in false_tops(made, found)]


def _blow(made: Lab, minutes: float, chance: random.Random, found: Stormed) -> None:
    begun = time.monotonic()
    while (left := begun + minutes * 60 / SPEED - time.monotonic()) > 0:
        time.sleep(min(left, chance.uniform(0.3, 1.5)))
        made.exchange.misbehave(**chance.choice(BLOWS))
        found.blows += 1
        made.until("it goes on", lambda s: s)
    found.venue_s += (time.monotonic() - begun) * SPEED


def _accounted(made: Lab, found: Stormed) -> list[str]:
    """Every order that the exchange accepted was permitted, and every permitted one came to an end."""
    log, wrong = truth(made.exchange.log()), []
    found.fills += len(log.fills)
    found.arrived += len(log.placed)
    placed: set[str] = set()
    for tape in made.tapes():
        orders = orders_of(tape)
        placed |= orders.placed
        found.placed += len(orders.placed)
        wrong += [
            f"{tape.name}: {order} was permitted, and no receipt ends it" for order in orders.placed - orders.ended
        ]
    wrong += [f"{order} was accepted by the exchange, and never permitted" for order in set(log.placed) - placed]
    wrong += [f"{o['client']} is open at the exchange" for o in log.open.values()]
    return wrong


def false_tops(made: Lab, found: Stormed) -> list[str]:
    """Every Top that the lane had, against the exchange's own at the same update id."""
    usdm = made.venue == "binance_usdm"
    tick, lot = (Decimal("0.1"), Decimal("0.001")) if usdm else (Decimal("0.01"), Decimal("0.00001"))
    steps, own = (tick, lot, tick, lot), lines_of(made.exchange.tops_path)
    ids = [line[1] for line in own]
    wrong = []
    for tape in made.tapes():
        for _, update, *top in tape_tops(tape):
            found.tops += 1
            theirs = own[bisect.bisect_right(ids, update) - 1]
            if [n * step for n, step in zip(top, steps, strict=True)] != [Decimal(text) for text in theirs[2:]]:
                wrong.append(f"{tape.name}: at update {update} the lane's Top is {top}, the exchange's {theirs}")
    return wrong[:20]


def show(found: Stormed) -> None:
    """What was met."""
    faults = ", ".join(f"{name} {n}" for name, n in sorted(found.faults.items()))
    print(f"  {found.venue_s / 60:.0f} minutes of the venue; {found.blows} blows; {faults}")
    print(
        f"  {found.tops} Tops, each the exchange's own at its update id; blind {found.blind_s / 60:.1f} minutes in all"
    )
    print(f"  {found.placed} orders permitted, {found.arrived} accepted, {found.fills} fills; each accounted for")


if __name__ == "__main__":
    main("storm", run, show, runs=1)
