"""Replays a recorded day, best of three, then runs the peers' own scripts on the same file.

usage: python -m tests.bench.side_by_side DAY CONFIG [RIVAL_PYTHON RIVAL_SCRIPTS]

Prints rows (level updates plus trades) a second of the quality check and of joining the touch every 10 ms, from the raw
capture and from a Tape, and the most memory that the process held.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from searcher.config import Config, load, with_strategy
from searcher.replay import run

QUOTING = "cex.strategies.touch:JoinTouch"
RIVALS = ("rival_hftbacktest.py", "rival_fastmm.py")


def best(path: Path, config: Config, times: int = 3) -> dict[str, Any]:
    """The report of the quickest of so many runs."""
    return min((run(path, config).report for _ in range(times)), key=lambda r: float(r["seconds"]))


def line(name: str, report: dict[str, Any]) -> str:
    """One row of the table."""
    seconds = report["seconds"]
    return (
        f"{name:34} {report['rows'] / seconds / 1e6:8.2f} M rows/s {seconds * 1e3:9.1f} ms"
        f" {report['load_seconds'] * 1e3:9.1f} ms load {report['fills']:6} fills"
    )


def main() -> None:
    """Ours first, then the peers'."""
    day, config = Path(sys.argv[1]), load(Path(sys.argv[2]))
    quoting = with_strategy(config, QUOTING)
    with tempfile.TemporaryDirectory() as folder:
        tape = Path(folder) / "day.tape"
        run(day, Config(), tape)
        print(line("check, raw capture", best(day, Config())))
        print(line("check, Tape", best(tape, Config())))
        print(line("quote 10 ms, raw capture", best(day, quoting)))
        print(line("quote 10 ms, Tape", best(tape, quoting)))
    print(f"most memory held: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if len(sys.argv) < 5:
        print("No peers: they need their scripts and an environment of their own.")
        return
    for script in RIVALS:
        print(f"\n{script}", flush=True)
        subprocess.run([sys.argv[3], str(Path(sys.argv[4]) / script), str(day)], check=True)


if __name__ == "__main__":
    main()
