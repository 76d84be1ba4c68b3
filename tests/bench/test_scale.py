"""The benchmark of growth, small: many instruments are fed what one was, and a full queue is counted and told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from native import _core
from searcher.config import load
from searcher.plan import plan_json

PLAN = plan_json(load(Path(__file__).parents[2] / "bench" / "config.toml"))


@pytest.fixture(scope="module")
def capture(recorded: Callable[[str], Path]) -> str:
    return str(recorded("binance/usdm_btcusdt_20240808.gz"))


def test_every_instrument_gets_the_whole_window(capture: str) -> None:
    one = json.loads(_core.bench_scale(capture, PLAN, 1, 1))
    many = json.loads(_core.bench_scale(capture, PLAN, 20, 1))
    # Frames of the warm-up do not count, so the last batch of it may be off.
    assert abs(many["frames"] - 20 * one["frames"]) < 20 * 256
    assert many["book_bytes_each"] == one["book_bytes_each"] > 0
    assert 0 < one["ns_per_frame"] < 1e6


def test_a_number_of_instruments_that_cannot_be_named_is_refused(capture: str) -> None:
    with pytest.raises(ValueError, match="from 1 to 1000"):
        _core.bench_scale(capture, PLAN, 1001, 1)


def test_every_frame_is_on_the_tape_or_told_to_be_missing(capture: str, tmp_path: Path) -> None:
    found = json.loads(_core.bench_queue(capture, PLAN, 10, tmp_path, 500_000_000))
    assert found["offered"] > 1000
    assert found["recorded"] + found["lost"] == found["offered"]
    assert found["told"] == found["lost"]
    assert (found["said_at_the_end"] is None) == (found["lost"] == 0)
