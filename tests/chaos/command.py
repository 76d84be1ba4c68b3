"""`python -m tests.chaos.NAME`: a proof at its full count, on each venue; the exit code says whether it holds."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.chaos.harness import ROOT, VENUES
from tests.chaos.tapes import verify_all


class Found(Protocol):
    """What a proof gives: its lines in `wrong` are what does not hold."""

    wrong: list[str]


def main(
    name: str,
    run: Callable[[str, int, int, Path], Any],
    show: Callable[[Any], None],
    *,
    runs: int,
    venues: Sequence[str] = VENUES,
) -> None:
    """Reads the arguments, runs the proof and every Tape it made, says what was found, and ends the process."""
    p = argparse.ArgumentParser(prog=f"python -m tests.chaos.{name}")
    p.add_argument("--runs", type=int, default=runs, metavar="N", help=f"default: {runs}")
    p.add_argument("--seed", type=int, default=1, metavar="S")
    p.add_argument("--venue", choices=venues, action="append", help="default: each")
    p.add_argument("--folder", type=Path, default=ROOT / "out" / "chaos", metavar="DIR")
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # in order, so that no process is left behind
    bad = 0
    for venue in args.venue or venues:
        folder = args.folder / name / venue
        shutil.rmtree(folder, ignore_errors=True)
        begun = time.monotonic()
        found = run(venue, args.runs, args.seed, folder)
        took = time.monotonic() - begun
        tapes, wrong = verify_all(folder)
        wrong = found.wrong + wrong
        print(f"{name} {venue}: {args.runs} runs, seed {args.seed}, {took:.0f} s; {tapes} Tapes verified")
        show(found)
        for line in wrong:
            print(f"  WRONG: {line}")
        bad += len(wrong)
    sys.exit(1 if bad else 0)
