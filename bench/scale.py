"""The benchmark of growth: one lane with 1, 10, 100 and 1,000 instruments at their recorded rate each.

usage: python -m bench.scale [--rounds N] [CAPTURE]      (`make bench-scale` does it, from the project's environment)

The 30 seconds after the snapshot of a recorded day are played as so many instruments of other names, each with a seeded
offset below 100 ms, so that their frames lie among each other as on one connection. A frame is decoded and applied:
book, features and, in the second table, a kernel of its own for each instrument that looks at every book and wishes
nothing. Times are CPU times of the thread; what is copied and renamed lies outside of them. Each cell is the median of
the rounds, each measured in a process of its own; sizes take turns within a round. Memory is what the resident set of
the process grew by, from before the lane was made to the end of its window.

Then the first queue is filled: a lane of ten instruments takes frames as fast as it can, and between it and the disk is
the ring of its Tape. What does not fit is counted, told on the Tape itself (a Lost record where it is missing) and at
its end; in a live lane the first loss also brings the Switch to reducing.

Exit codes: 1 when the Tape's account of what is missing is not what the lane counted, 2 without a capture.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.run import ROOT, table
from native import _core, compile_strategy, load_strategy
from searcher.config import load
from searcher.plan import plan_json

CONFIG = Path(__file__).with_name("config.toml")
SIZES = (1, 10, 100, 1000)
#: A cell has at least so many instruments' windows, so that the smallest is measured as long as others.
WINDOWS = 200
#: How long the first queue is filled.
QUEUE_NS = 2_000_000_000
MODES = {"books": "decode, book, features", "kernels": "and a kernel each"}

Figures = dict[str, Any]


def one(capture: str, mode: str, count: int) -> Figures:
    """One cell in this process."""
    kernel = compile_strategy(load_strategy("bench.scale_watch:Watch"), {}) if mode == "kernels" else None
    passes = max(1, WINDOWS // count)
    found: Figures = json.loads(
        _core.bench_scale(capture, plan_json(load(CONFIG)), count, passes, kernel, one_each=True)
    )
    return found


def cell(capture: Path, mode: str, count: int) -> Figures:
    """One cell in a process of its own."""
    command = [sys.executable, "-m", "bench.scale", "--one", mode, str(count), str(capture)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def overflow(capture: Path) -> tuple[str, bool]:
    """What the full queue did, in words, and whether every lost frame is accounted for."""
    with tempfile.TemporaryDirectory() as folder:
        q: Figures = json.loads(_core.bench_queue(str(capture), plan_json(load(CONFIG)), 10, folder, QUEUE_NS))
    lines = [
        f"One lane of 10 instruments and its Tape for {QUEUE_NS / 1e9:.0f} s: {q['offered_per_second']:,.0f} frames/s "
        f"offered ({q['bytes_per_second'] / 2**20:.0f} MiB/s), {q['recorded_per_second']:,.0f} recorded."
    ]
    if q["frames_before_the_first_loss"] is None:
        lines.append("The ring never filled.")
    else:
        lines.append(
            f"The ring was full after {q['frames_before_the_first_loss']:,} frames, "
            f"{q['ns_before_the_first_loss'] / 1e6:.0f} ms; from then on {q['lost']:,} of {q['offered']:,} frames were "
            f"lost, and {q['lost_records']:,} Lost records tell of {q['told']:,}."
        )
        lines.append(f"At its end it says: {q['said_at_the_end']}")
    whole = q["told"] == q["lost"] and q["recorded"] + q["lost"] == q["offered"]
    return "\n".join(lines), whole


def median(rounds: list[Figures], key: str) -> float:
    """Of one figure."""
    return float(statistics.median(r[key] for r in rounds))


def growth(mode: str, found: dict[int, list[Figures]]) -> str:
    """The table of one mode."""
    head = (MODES[mode], "ns a frame", "lowest", "highest", "to one", "M frames/s", "MiB", "KiB each", "of it the book")
    first = median(found[SIZES[0]], "ns_per_frame")
    rows = []
    for count, rounds in found.items():
        times = [r["ns_per_frame"] for r in rounds]
        ns = statistics.median(times)
        rows.append(
            (
                f"{count:,}",
                f"{ns:.0f}",
                f"{min(times):.0f}",
                f"{max(times):.0f}",
                f"{ns / first:.2f}",
                f"{1e3 / ns:.2f}",
                f"{median(rounds, 'resident_bytes') / 2**20:.1f}",
                f"{median(rounds, 'resident_bytes_each') / 2**10:.0f}",
                f"{median(rounds, 'book_bytes_each') / 2**10:.0f}",
            )
        )
    return table([head, *rows])


def main() -> int:
    """Measures and prints."""
    data = Path(os.environ.get("SEARCHER_DATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(prog="bench.scale", description="One lane with more and more instruments.")
    parser.add_argument("capture", nargs="?", type=Path, default=data / "binance" / "usdm_btcusdt_20240808.gz")
    parser.add_argument("--rounds", type=int, default=3, help="how often each size is measured (default 3)")
    parser.add_argument("--one", nargs=2, metavar=("MODE", "COUNT"), help="one cell, as JSON")
    args = parser.parse_args()
    if not args.capture.is_file():
        print(f"no capture at {args.capture}: name one, or its data folder in SEARCHER_DATA", file=sys.stderr)
        return 2
    capture = args.capture.resolve()
    if args.one:
        print(json.dumps(one(str(capture), args.one[0], int(args.one[1]))))
        return 0
    found: dict[str, dict[int, list[Figures]]] = {mode: {count: [] for count in SIZES} for mode in MODES}
    for n in range(max(args.rounds, 1)):
        print(f"round {n + 1} of {max(args.rounds, 1)}", file=sys.stderr)
        for mode, sizes in found.items():
            for count, rounds in sizes.items():
                rounds.append(cell(capture, mode, count))
    print("\n\n".join(growth(mode, sizes) for mode, sizes in found.items()))
    text, whole = overflow(capture)
    print(f"\n{text}")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
