"""Runs a recorded day through the native replay, and says how far it is."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from native import Replay
from searcher.config import Config
from searcher.errors import RunError
from searcher.plan import plan_json

if TYPE_CHECKING:
    from native import CompiledKernel

#: Frames between two looks at the progress: a few milliseconds of work, so that Ctrl-C is answered at once.
FRAMES_A_STEP = 20_000
#: Recordings from this size on show a progress bar on a terminal.
LONG_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay gives back: the report (schema 1, see the README), and by instrument one sample a second."""

    report: dict[str, Any]
    series: list[dict[str, Any]]


def run(
    path: Path,
    config: Config,
    tape: Path | None = None,
    progress: Callable[[float], None] | None = None,
    *,
    salvage: bool = False,
) -> Outcome:
    """Replays `path` (a Tape or a raw capture) through the lane with the configuration's kernels.

    `progress` is called with the part done, 0 to 1, between steps; `salvage` replays a capture that is cut off up to
    the cut, which the report's notice then says. Raises ConfigError where a limit is missing,
    RunError where a strategy does not compile or the data cannot be read.
    """
    if not path.exists():
        raise RunError(f"{path}: there is no such capture or Tape")
    if tape is not None and tape.exists():
        raise RunError(f"{tape}: there is something already; nothing was written, choose another name for the Tape")
    plan = plan_json(config, tape, salvage=salvage)
    kernels = _compile(config)
    try:
        replay = Replay(str(path), plan, kernels)
        while not replay.advance(FRAMES_A_STEP):
            if progress:
                progress(replay.progress())
    except (OSError, ValueError) as error:
        text = str(error)
        named = str(path) in text or (tape is not None and str(tape) in text)
        raise RunError(text if named else f"{path}: {text}") from error
    report = json.loads(replay.report()) | {"parameters": [k.params for k in kernels]}
    return Outcome(report, json.loads(replay.series()))


def _compile(config: Config) -> list["CompiledKernel"]:
    if not config.kernels:
        return []  # checking data needs no compiler, and numba takes a second to import
    from native import KernelError, compile_strategy, load_strategy

    try:
        return [compile_strategy(load_strategy(k.strategy), k.params) for k in config.kernels]
    except KernelError as error:
        raise RunError(str(error)) from error


def _bytes(path: Path) -> int:
    """Size of a capture, or of a Tape's segments."""
    return sum(p.stat().st_size for p in ([path] if path.is_file() else path.glob("*")))


def run_with_bar(path: Path, config: Config, tape: Path | None = None, *, salvage: bool = False) -> Outcome:
    """`run` with a progress bar on stderr, where that is a terminal and the file is long."""
    if not sys.stderr.isatty() or _bytes(path) < LONG_BYTES:
        return run(path, config, tape, salvage=salvage)
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(path.name, total=1.0)
        return run(path, config, tape, lambda part: bar.update(task, completed=part), salvage=salvage)
