"""`searcher replay --verify` for every Tape below a folder: each session decided what its Tape says.

`python -m tests.chaos.tapes FOLDER`
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from searcher.errors import SearcherError
from searcher.verify import verify


def verify_all(folder: Path) -> tuple[int, list[str]]:
    """How many Tapes there are, and a line for each that does not agree."""
    os.environ["RUST_BACKTRACE"] = "0"  # a session that panicked does so again
    tapes = sorted(folder.rglob("*.tape"))
    wrong = []
    for tape in tapes:
        try:
            found, notes = verify(tape)
        except SearcherError as error:
            wrong.append(f"--verify: {error}")
            continue
        if notes or not found["agrees"]:
            wrong.append(f"--verify: {tape}: {found} {notes}")
    return len(tapes), wrong


if __name__ == "__main__":
    count, bad = verify_all(Path(sys.argv[1]))
    print(f"{count} Tapes, {len(bad)} do not agree")
    print("\n".join(bad))
    sys.exit(1 if bad else 0)
