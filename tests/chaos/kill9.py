"""`kill -9` at random moments of a daemon that trades: each time nothing is lost, doubled or left over.

`python -m tests.chaos.kill9 --runs 100`
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.command import main
from tests.chaos.harness import BUSY, DEFAULTS, Lab, NotInTime, lab
from tests.chaos.truth import agree, kept, sound, truth, whole

#: The moment of a kill is drawn from these, in seconds: after the start of the process (the switch is active), or after
#: the lane was seen to trade.
STARTING_S, TRADING_S = 3.0, 1.0
#: The market stands still for so long, in which both sides come to rest and are compared.
STILL_MS = 2_500
#: Which moments there are, and how often each is drawn.
MOMENTS = {"starting": 3, "trading": 5, "stopping": 1, "flattening": 1}


@dataclass
class Killed:
    """How many kills met which moment, what they met at the exchange, and what was wrong afterwards."""

    moments: dict[str, int] = field(default_factory=dict)
    open_at_kill: int = 0
    open_compared: int = 0
    fills_while_dead: int = 0
    fills: int = 0
    placed: int = 0
    wrong: list[str] = field(default_factory=list)
    recovered_s: list[float] = field(default_factory=list)


def run(venue: str, runs: int, seed: int, folder: Path) -> Killed:
    """So many kills; `seed` draws their moments."""
    chance, found = random.Random(seed), Killed()
    with lab(venue, folder, "--seed", str(seed), *BUSY) as made:
        for number in range(runs):
            moment = chance.choices(list(MOMENTS), list(MOMENTS.values()))[0]
            found.moments[moment] = found.moments.get(moment, 0) + 1
            _kill_at(made, moment, chance)
            _recover(made, found, f"{venue} kill {number + 1} ({moment}, seed {seed})", halted=chance.random() < 0.5)
        made.stop()
        log = truth(made.exchange.log())
        found.wrong += sound(log, int(DEFAULTS["max_open_orders"]))
        found.wrong += _blocks(made) + whole(made)
        found.fills, found.placed = len(log.fills), len(log.placed)
    return found


def _kill_at(made: Lab, moment: str, chance: random.Random) -> None:
    running = bool(made.daemons) and made.daemons[-1].poll() is None
    if moment == "starting" or not running:
        if running:
            made.kill()  # of no interest: the next one is
        made.start()
        if moment == "starting":
            time.sleep(chance.uniform(0.0, STARTING_S))
            return made.kill()
    if made.switch.state != "active":
        made.switch.resume("the test goes on", "chaos")
    before = len(truth(made.exchange.log()).placed)
    made.until("it trades", lambda s: s["messages"]["place"] and len(truth(made.exchange.log()).placed) > before)
    time.sleep(chance.uniform(0.0, TRADING_S))
    if moment == "stopping":
        made.daemons[-1].terminate()
        time.sleep(chance.uniform(0.0, 0.3))
    elif moment == "flattening":
        made.switch.trip("chaos: flatten", "reducing", "flatten")
        time.sleep(chance.uniform(0.0, 0.3))
    made.kill()


def _recover(made: Lab, found: Killed, what: str, *, halted: bool) -> None:
    """Starts it again, halted or not, waits until it agrees with the venue, and compares when nothing is under way."""
    at_kill = truth(made.exchange.log())
    found.open_at_kill += len(at_kill.open)
    if halted:
        made.switch.trip("chaos: look first", "halted", "person")
    elif made.switch.state != "active":
        made.switch.resume("the test goes on", "chaos")
    begun, size = time.monotonic(), made.exchange.size()
    try:
        made.start()
        made.until("it is reconciled", lambda s: s["reconciled"])
        found.recovered_s.append(time.monotonic() - begun)
        if not halted:
            made.until("it trades again", lambda s: s["messages"]["place"])
            # On a market that stands still the strategy leaves its orders alone: those that rest are compared, too.
            made.exchange.misbehave(freeze_ms=STILL_MS)
            time.sleep(0.1)
            found.open_compared += len(truth(made.exchange.log()).open)
            found.wrong += [f"{what}, still trading: {line}" for line in agree(made, STILL_MS / 1_000 - 0.3)]
            made.switch.trip("chaos: compare", "halted", "person")
        else:
            placed = [o["client"] for o in made.exchange.log_from(size) if o.get("act") == "place"]
            found.wrong += [f"{what}: {client} was placed by a halted lane" for client in placed]
        made.until("no order is left", lambda s: not s["open_orders"] and not s["unknown_orders"])
    except NotInTime as error:
        found.wrong.append(f"{what}: {error}")
    died = set(at_kill.fills)
    first_id = kept(made).starts[-1]
    after = truth(made.exchange.log()).fills
    old = [k for k, f in after.items() if k not in died and _number(f[0]) < first_id]
    found.fills_while_dead += len(old)
    found.wrong += [f"{what}: {line}" for line in agree(made)]


def _number(client: str) -> int:
    """The number in a client order id."""
    return int(client[3:], 16)  # `native/src/cex/venues/binance_orders.rs`, client_id_text


def _blocks(made: Lab) -> list[str]:
    starts = kept(made).starts
    return [] if starts == sorted(set(starts)) else [f"blocks of order ids overlap: {starts}"]


def show(found: Killed) -> None:
    """What was seen, in a few lines."""
    moments = ", ".join(f"{name} {n}" for name, n in sorted(found.moments.items()))
    print(
        f"  kills: {moments}; {found.open_at_kill} orders were open at them, {found.fills_while_dead} fills of theirs"
    )
    print(f"  came after them; {found.open_compared} resting orders were compared after restarts")
    print(f"  {found.placed} orders and {found.fills} fills in all, each once")
    if found.recovered_s:
        times = sorted(found.recovered_s)
        print(f"  start to reconciled: median {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s")


if __name__ == "__main__":
    main("kill9", run, show, runs=100)
