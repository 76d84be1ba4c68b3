"""`searcher run`: starts lanes, watches them, and ends them. Python is never on the path of a message or an order."""

import argparse
import json
import logging
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from risk.killswitch import KillSwitch, default_path
from searcher import check
from searcher.config import Config, load
from searcher.errors import ConfigError, RunError
from searcher.findings import Level
from searcher.live_plan import compile_kernels, for_mode, live_plan_json
from searcher.logs import LEVELS, say, set_up
from searcher.preflight import examine
from searcher.state import StateLock

if TYPE_CHECKING:
    from native import _core

#: Between two looks at the lanes; what they have to say waits no longer than this.
LOOK_S = 0.05
#: What a lane gets beyond its deadline to close its connections and its Tape.
JOIN_S = 0.5


@dataclass(slots=True)
class Running:
    """A lane that was started."""

    config: Config
    native: "_core.LiveLane"
    lock: StateLock

    @property
    def name(self) -> str:
        """As it is configured."""
        return self.config.live.name


class Signals:
    """SIGINT and SIGTERM, counted: the first asks to stop, the second to leave at once."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


def read(paths: Sequence[Path], mode: str | None) -> list[tuple[Config, str]]:
    """The lanes' configurations with their modes. Raises ConfigError where one is wrong or two are one lane."""
    found: list[tuple[Config, str]] = []
    for path in paths:
        config = load(path)
        chosen = mode or config.live.run.mode
        try:
            found.append((for_mode(config, chosen), chosen))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
    for what, values in (
        ("lane.name", [c.live.name for c, _ in found]),
        ("lane.number", [str(c.live.number) for c, _ in found]),
        ("lane.state", [str(c.live.state_folder) for c, _ in found]),
    ):
        for value in values:
            if values.count(value) > 1:
                raise ConfigError(f"two configurations have {what} = {value}: each lane needs its own")
    return found


def start(config: Config, mode: str, switch: Path) -> Running:
    """Checks the venue and starts a lane. Raises ConfigError or RunError with the first thing that forbids it."""
    from native import _core

    lock = StateLock(config.live.state_folder)
    kernels, made_of = compile_kernels(config)
    keys, found = check.credentials(config, mode)
    if not any(f.level.exit_code for f in found):
        asked = examine(config, keys)
        found += asked.findings
    forbidding = [f for f in found if f.level.exit_code]
    for finding in found:
        level = logging.ERROR if finding.level.exit_code else logging.WARNING
        if finding.level is not Level.OK:
            say(level, finding.about, lane=config.live.name, is_=finding.said, todo=finding.todo)
    if forbidding:
        raise_as = ConfigError if forbidding[0].level is Level.CONFIG else RunError
        raise raise_as(f"{config.live.name} does not start: {forbidding[0].line()}")
    assert asked.clock is not None, "without a reading there is a finding that forbids"
    plan = live_plan_json(
        config,
        mode,
        clock_offset_ns=asked.clock.offset_ns,
        rates=asked.rates,
        keys=keys,
        switch=switch,
        strategies=made_of,
        min_notional=asked.min_notional,
    )
    try:
        lane = _core.LiveLane(plan, kernels, keys.api_key if keys else None, keys.secret if keys else None)
        lane.start()
    except (OSError, ValueError, RuntimeError) as error:
        raise RunError(f"{config.live.name} does not start: {error}") from None
    say(
        logging.INFO,
        "lane started",
        lane=config.live.name,
        mode=mode,
        venue=config.venue,
        number=config.live.number,
        state=str(config.live.state_folder),
        clock_offset_ns=asked.clock.offset_ns,
    )
    return Running(config, lane, lock)


def supervise(lanes: Sequence[Running], signals: Signals, switch: KillSwitch, for_s: float | None) -> int:
    """Watches until a signal, the end of `for_s`, or the end of a lane; then stops all. Returns the exit code."""
    until = None if for_s is None else time.monotonic() + for_s
    next_verify = time.monotonic() + 1.0
    failed = False
    while not signals.count and not failed and (until is None or time.monotonic() < until):
        _relay(lanes)
        for lane in lanes:
            if not lane.native.is_running():
                failed = True
                text = f"the thread of lane {lane.name} ended by itself"
                switch.trip(text, "halted", "panic")
                say(logging.CRITICAL, "lane dead", lane=lane.name, switch=switch.state)
        if time.monotonic() >= next_verify:
            next_verify += 1.0
            if not switch.verify():
                failed = True
                say(logging.CRITICAL, "switch gone", path=str(switch.path), is_="its file was removed or replaced")
        time.sleep(LOOK_S)
    return stop(lanes, signals, failed=failed)


def stop(lanes: Sequence[Running], signals: Signals, *, failed: bool) -> int:
    """Asks every lane to stop and waits for it, at most to its deadline; says what is left. Returns the exit code."""
    before = signals.count
    deadlines = {}
    for lane in lanes:
        flat = lane.config.live.run.on_stop == "flatten"
        deadlines[lane.name] = time.monotonic() + lane.config.live.run.stop_deadline_s
        say(logging.INFO, "lane stopping", lane=lane.name, flatten=flat)
        lane.native.stop(flat)
    while any(not lane.native.is_done() and time.monotonic() < deadlines[lane.name] for lane in lanes):
        _relay(lanes)
        if signals.count > max(before, 1):
            say(logging.WARNING, "second signal", is_="leaving at once")
            break
        time.sleep(LOOK_S)
    hurried = signals.count > max(before, 1)
    left = False
    for lane in lanes:
        # Here a thread that has not ended by itself is ended as it stands.
        end = Ending.of(json.loads(lane.native.join(0.0 if hurried else JOIN_S)), lane.config.live.run.on_stop)
        left = left or end.is_bad
        level = logging.ERROR if end.is_bad else logging.INFO
        say(
            level, "lane stopped", lane=lane.name, ended=end.how, left=end.left or "nothing", held=end.held or "nothing"
        )
        if end.tape:
            say(logging.ERROR, "tape not whole", lane=lane.name, why=end.tape)
    _relay(lanes)
    if hurried:
        logging.shutdown()
        os._exit(1 if left or failed else 0)  # a thread that hangs must not hold the process
    for lane in lanes:
        lane.lock.release()
    return 1 if left or failed else 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a lane ended. `left` is what should not be there: open orders, and where it was to be flat, positions; `held`
    is the rest of the positions, `tape` why the session's Tape is not whole."""

    how: str
    left: list[str]
    held: list[str]
    tape: str | None = None

    @property
    def is_bad(self) -> bool:
        """A person must look at the venue, or at the disk."""
        return bool(self.left or self.tape) or self.how not in ("stopped", "quit")

    @classmethod
    def of(cls, summary: dict[str, Any], on_stop: str) -> Self:
        """From the summary of a lane's end (`LiveLane.join`)."""
        orders = [
            f"{o['symbol']}: {o['side']} {o['quantity']} at {o['price']} ({o['state']})"
            for o in summary.get("orders", [])
        ]
        positions = [f"{s}: a position of {qty}" for s, qty in summary.get("positions", {}).items() if Decimal(qty)]
        unknown = [str(summary["left"])] if "left" in summary else []
        tape = summary.get("tape", {}).get("error")
        if on_stop == "flatten":
            return cls(summary["ended"], unknown + orders + positions, [], tape)
        return cls(summary["ended"], unknown + orders, positions, tape)


def _relay(lanes: Sequence[Running]) -> None:
    for lane in lanes:
        for line in lane.native.events():
            event = json.loads(line)
            what = event.pop("event")
            say(LEVELS.get(what, logging.INFO), what, lane=lane.name, **event)


def run(args: argparse.Namespace) -> int:
    """`searcher run`; returns its exit code."""
    set_up(args.log)
    configs = read(args.config, args.mode)
    path = args.switch or default_path()
    switch = KillSwitch(path)
    if switch.state != "active":
        why = f"{switch.reason.cause}: {switch.reason.text}" if switch.reason else ""
        say(logging.WARNING, "switch", state=switch.state, why=why, todo="lanes start, and send nothing but cancels")
    signals = Signals()
    lanes: list[Running] = []
    try:
        for config, mode in configs:
            lanes.append(start(config, mode, path))
    except BaseException:
        if lanes:
            stop(lanes, signals, failed=True)
        raise
    return supervise(lanes, signals, switch, args.for_s)
