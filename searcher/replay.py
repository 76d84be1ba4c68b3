"""Runs a recorded day through the native replay, and says how far it is."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from native import Replay
from searcher.config import Config
from searcher.plan import plan_json

if TYPE_CHECKING:
    from native import CompiledKernel

#: Frames between two looks at the progress: a few milliseconds of work, so that Ctrl-C is answered at once.
FRAMES_A_STEP = 20_000
#: Files from this size on show a progress bar on a terminal.
LONG_FILE_BYTES = 1_000_000


class RunError(RuntimeError):
    """A run that could not be finished: data that cannot be read, a kernel that does not compile."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay gives back: the report (schema 1, see the README) and one sample a second for the charts."""

    report: dict[str, Any]
    series: dict[str, Any]


def run(
    path: Path, config: Config, tape: Path | None = None, progress: Callable[[float], None] | None = None
) -> Outcome:
    """Replays `path` (a Tape or a raw capture) through the lane with the configuration's kernels.

    `progress` is called with the part done, 0 to 1, between steps. Raises ConfigError where a limit is missing,
    KernelError where a strategy does not compile, RunError where the data cannot be read.
    """
    if not path.is_file():
        raise RunError(f"no such file: {path}")
    plan = plan_json(config, tape)
    kernels = _compile(config)
    try:
        replay = Replay(str(path), plan, kernels)
        while not replay.advance(FRAMES_A_STEP):
            if progress:
                progress(replay.progress())
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: {error}") from error
    return Outcome(json.loads(replay.report()), json.loads(replay.series()))


def _compile(config: Config) -> list["CompiledKernel"]:
    if not config.kernels:
        return []  # checking data needs no compiler, and numba takes a second to import
    from native import compile_strategy, load_strategy

    return [compile_strategy(load_strategy(k.strategy), k.params) for k in config.kernels]


def run_with_bar(path: Path, config: Config, tape: Path | None = None) -> Outcome:
    """`run` with a progress bar on stderr, where that is a terminal and the file is long."""
    if not sys.stderr.isatty() or not path.is_file() or path.stat().st_size < LONG_FILE_BYTES:
        return run(path, config, tape)
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(path.name, total=1.0)
        return run(path, config, tape, lambda part: bar.update(task, completed=part))
