"""What every test may ask for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from searcher.generate import write_day

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], Path]:
    """Path of a recorded file below `$SEARCHER_DATA` (or `../shared/data`); skips the test where it is absent."""
    folder = Path(os.environ.get("SEARCHER_DATA") or ROOT.parent / "shared" / "data")

    def find(name: str) -> Path:
        path = folder / name
        if not path.is_file():
            pytest.skip(f"needs the recorded file {name}: set SEARCHER_DATA to the folder that holds it")
        return path

    return find


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic USD-M day of 12 s; the same in every run."""
    path = tmp_path_factory.mktemp("synthetic") / "day.gz"
    write_day(path, 12, 7)
    return path
