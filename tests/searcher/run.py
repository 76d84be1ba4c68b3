"""Runs of the starter's configuration with changes, and what a Tape has of them."""

import json
import struct
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from native import Replay, compile_strategy, load_strategy
from native._core import TapeReader
from searcher.config import Config, parse
from searcher.plan import plan_json
from searcher.starter import CONFIG

PLACE, CANCEL, REPLACE = 1, 2, 3
#: `Intent` as on the Tape (`native/src/event.rs`): id, kernel, instrument, action, side, tif, reduce-only, price in
#: ticks, quantity in lots, time.
INTENT = struct.Struct("<QHHBBB?qqq")
PERMIT = struct.Struct("<QB")


def config(strategy: str, params: dict[str, object] | None = None, *changes: tuple[str, str]) -> Config:
    """The starter's configuration with another strategy; `changes` are replacements in its text."""
    text = CONFIG[: CONFIG.index("params =")].replace("strategy.py:JoinTouch", strategy)
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    values = ", ".join(f"{name} = {value}" for name, value in (params or {}).items())
    return parse(tomllib.loads(f"{text}params = {{ {values} }}\n"), Path())


def traded(
    day: Path, given: Config, tape: Path | None = None, faults: Sequence[dict[str, object]] = ()
) -> dict[str, Any]:
    """The report of a run; `faults` befall the lane (`native/src/sim/plan.rs`)."""
    plan = json.loads(plan_json(given, tape)) | {"faults": list(faults)}
    kernels = [compile_strategy(load_strategy(k.strategy), k.params) for k in given.kernels]
    running = Replay(str(day), json.dumps(plan), kernels)
    running.run()
    report: dict[str, Any] = json.loads(running.report())
    return report


@dataclass(frozen=True, slots=True)
class Told:
    """What a Tape says of one wish or permit: its action, and of a place whether it is reduce-only."""

    kind: str
    action: int
    reduce_only: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """A Tape's decisions before and after the switch was tripped, and what the trip records say."""

    before: list[Told]
    after: list[Told]
    trips: list[str]


def trace(tape: Path) -> Trace:
    found = Trace([], [], [])
    placed: dict[int, bool] = {}
    for record in TapeReader(tape):
        side = found.after if found.trips else found.before
        if record.kind == "trip":
            found.trips.append(record.payload.decode())
        elif record.kind == "intent":
            order, _, _, action, _, _, reduce_only, _, _, _ = INTENT.unpack(record.payload)
            if action == PLACE:
                placed[order] = reduce_only
            side.append(Told("intent", action, reduce_only))
        elif record.kind == "permit":
            order, action = PERMIT.unpack(record.payload)
            side.append(Told("permit", action, placed[order]))
    return found
