"""What every test may ask for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

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
