"""The benchmark: our quoting backtest and those of hftbacktest and FastMM, side by side in one run.

usage: python -m bench.run [--rounds N] [CAPTURE]      (`make bench` does it, from the project's environment)

Makes an environment of its own for the rivals (bench/.venv, from the hashed bench/requirements.txt), then runs, round
after round, each engine in a process of its own, so that what else the machine does falls on all of them alike. Each
process reports its best of three; the table shows the medians of the rounds. CAPTURE is by default the recorded USD-M
file in ../shared/data, or in $SEARCHER_DATA. Exit code 2: no capture.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LOCK = HERE / "requirements.txt"
#: ru_maxrss is in KiB on Linux and in bytes on macOS.
RSS_TO_MIB = 1 / 2**20 if sys.platform == "darwin" else 1 / 2**10

Figures = dict[str, Any]


def rival_lock() -> tuple[Path, Path, str]:
    """The rivals' interpreter, the file that says what is installed there, and what it must say."""
    home = HERE / ".venv"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return python, home / "lock.sha256", hashlib.sha256(LOCK.read_bytes()).hexdigest()


def rival_ready() -> Path | None:
    """The interpreter of the rivals' environment if it is there as the lock has it."""
    python, stamp, wanted = rival_lock()
    return python if stamp.exists() and stamp.read_text() == wanted else None


def rival_python() -> Path:
    """The interpreter of the rivals' environment, made anew when their lock has changed."""
    python, stamp, wanted = rival_lock()
    if not rival_ready():
        home = stamp.parent
        print(f"making {home} for the rivals", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "-r", str(LOCK)], check=True)
        stamp.write_text(wanted)
    return python


def measure(*command: str | Path) -> Figures:
    """The JSON on the last line of what a process prints."""
    done = subprocess.run([str(c) for c in command], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def medians(rounds: list[Figures]) -> Figures:
    """Of every number; the rest as in the first round."""
    first = rounds[0]
    numbers = {k for k, v in first.items() if isinstance(v, int | float)}
    return {k: statistics.median(r[k] for r in rounds) if k in numbers else v for k, v in first.items()}


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Columns as wide as their widest cell: the first to the left, the others to the right."""
    rows = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def speed(f: Figures, seconds: str = "seconds") -> float:
    """Rows a second."""
    return float(f["rows"]) / float(f[seconds])


def backtests(named: dict[str, Figures], rival: Figures) -> str:
    """The table of the quoting backtests; ratios are of rows a second, to `rival`."""
    head = ("quoting every 10 ms", "rows", "run s", "M rows/s", "ratio", "load s", "orders", "fills", "peak MiB")
    rows = [
        (
            name,
            f"{f['rows']:,.0f}",
            f"{f['seconds']:.4f}",
            f"{speed(f) / 1e6:.2f}",
            f"{speed(f) / speed(rival):.2f}",
            f"{f['load_seconds']:.3f}",
            f"{f['orders']:,.0f}",
            f"{f['fills']:,.0f}",
            f"{f['peak_rss'] * RSS_TO_MIB:.0f}",
        )
        for name, f in named.items()
    ]
    return table([head, *rows])


def main() -> int:
    """Measures and prints."""
    data = Path(os.environ.get("SEARCHER_DATA", ROOT.parent / "shared" / "data"))
    parser = argparse.ArgumentParser(prog="bench", description="Our backtest beside hftbacktest and FastMM.")
    parser.add_argument("capture", nargs="?", type=Path, default=data / "binance" / "usdm_btcusdt_20240808.gz")
    parser.add_argument("--rounds", type=int, default=3, help="how often each engine runs (default 3)")
    args = parser.parse_args()
    if not args.capture.is_file():
        print(f"no capture at {args.capture}: name one, or its data folder in SEARCHER_DATA", file=sys.stderr)
        return 2
    capture, python = args.capture.resolve(), rival_python()
    ours: tuple[str | Path, ...] = (sys.executable, "-m", "bench.ours")
    found: dict[str, list[Figures]] = {"raw": [], "tape": [], "hft": [], "fastmm": [], "parts": []}
    with tempfile.TemporaryDirectory() as folder:
        tape = Path(folder) / "day.tape"
        measure(*ours, "record", capture, tape)
        for n in range(max(args.rounds, 1)):
            print(f"round {n + 1} of {max(args.rounds, 1)}", file=sys.stderr)
            found["raw"].append(measure(*ours, "replay", capture))
            found["hft"].append(measure(python, HERE / "rival_hftbacktest.py", capture))
            found["tape"].append(measure(*ours, "replay", tape))
            found["fastmm"].append(measure(python, HERE / "rival_fastmm.py", capture))
            found["parts"].append(measure(*ours, "parts", capture))
    raw, taped, hft, fastmm, parts = (medians(found[k]) for k in ("raw", "tape", "hft", "fastmm", "parts"))
    print(f"{capture.name}, {platform.machine()}, {os.cpu_count()} cores, medians of {len(found['raw'])} rounds\n")
    hashmap = {**hft, "seconds": hft["hashmap_seconds"]}
    named = {
        f"{raw['engine']}, raw capture": raw,
        f"{taped['engine']}, Tape": taped,
        f"{hft['engine']}, ROIVector": hft,
        f"{hft['engine']}, HashMap": hashmap,
        fastmm["engine"]: fastmm,
    }
    print(backtests(named, hft))
    print(f"\nOur gate judged every order and refused {raw['refusals']:,.0f} intents; the others have no such gate.")
    print("Rows are level updates and trades as each engine counts them. Our run from a raw capture parses its JSON;")
    print("our load only reads and unzips. The rivals parse while they load. Ratios are to hftbacktest, ROIVector.\n")
    book_bytes = parts.pop("book in memory, bytes")
    held, answered = parts.pop("levels in such an event"), parts.pop("requests it is answered with")
    print(table([("part", "ns"), *((name, f"{ns:.1f}") for name, ns in parts.items())]))
    print(
        f"An event that is answered holds {held:.0f} levels and is answered with {answered:.1f} requests, on average."
    )
    print(f"\nA book of that day takes {book_bytes / 2**20:.2f} MiB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
