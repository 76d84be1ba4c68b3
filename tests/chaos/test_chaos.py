"""Each proof at a small count. The full ones: `make chaos`."""

from pathlib import Path

import pytest

from tests.chaos import countdown, fastmm, halts, kill9, storm
from tests.chaos.harness import VENUES
from tests.chaos.tapes import verify_all

pytestmark = pytest.mark.chaos


def clean(wrong: list[str], folder: Path, least_tapes: int) -> None:
    """Nothing is wrong, and every Tape of the folder is what its session decided."""
    assert wrong == []
    tapes, bad = verify_all(folder)
    assert bad == []
    assert tapes >= least_tapes


@pytest.mark.parametrize("venue", VENUES)
def test_killed_at_any_moment_nothing_is_lost(venue: str, tmp_path: Path) -> None:
    found = kill9.run(venue, 4, 3, tmp_path)
    assert found.fills > 0
    clean(found.wrong, tmp_path, 4)


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_that_misbehaves_makes_no_false_top_and_loses_no_order(venue: str, tmp_path: Path) -> None:
    found = storm.Stormed()
    storm.storm(venue, 6.0, 5, tmp_path, found)
    assert found.tops > 100
    assert found.arrived > 10
    assert found.faults
    clean(found.wrong, tmp_path, 1)


@pytest.mark.parametrize("venue", VENUES)
def test_halted_in_any_way_nothing_but_cancels_and_reduce_only_is_accepted(venue: str, tmp_path: Path) -> None:
    found = halts.run(venue, 5, 2, tmp_path)
    assert len(found.after_ns) == 6
    clean(found.wrong, tmp_path, 6)


def test_cut_off_for_longer_than_the_countdown_the_exchange_cancels_by_itself(tmp_path: Path) -> None:
    found = countdown.run("binance_usdm", 1, 1, tmp_path)
    assert found.cancelled > 0
    clean(found.wrong, tmp_path, 1)


@pytest.mark.skipif(fastmm.command() is None, reason="needs FastMM: `make bench` installs it, or FASTMM names it")
def test_on_an_exchange_that_nobody_here_wrote_the_daemon_trades_unchanged(tmp_path: Path) -> None:
    found = fastmm.run("binance_spot", 1, 1, tmp_path)
    assert found.fills > 0
    clean(found.wrong, tmp_path, 2)
