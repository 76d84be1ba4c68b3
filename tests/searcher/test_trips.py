"""What trips the switch, and that nothing follows a trip but cancels and reduce-only orders, as the Tape has it."""

import gzip
from pathlib import Path

import pytest

from tests.searcher.run import CANCEL, PLACE, REPLACE, Trace, config, trace, traded
from tests.searcher.strategy_that_fails import BOOK, NAN, RAISE, RECEIPT, SPIN, TIMER, TRADE

FAILS = "tests.searcher.strategy_that_fails:Fails"
HOOKS = {BOOK: "on_book", TRADE: "on_trade", RECEIPT: "on_receipt", TIMER: "on_timer"}
SAYS = {NAN: "wrote NaN as a price", RAISE: "raised an exception", SPIN: "ns of CPU time, more than its budget"}


def only_winds_down(told: Trace) -> None:
    """Before the trip it traded; afterwards there are cancels, and places only to reduce."""
    assert {t.action for t in told.before if t.kind == "permit"} >= {PLACE, REPLACE}
    assert not any(t.reduce_only for t in told.before)
    assert any(t.kind == "permit" and t.action == CANCEL for t in told.after)
    for t in told.after:
        assert t.action == CANCEL or (t.action == PLACE and t.reduce_only), t


@pytest.mark.parametrize("hook", HOOKS, ids=HOOKS.values())
@pytest.mark.parametrize("how", SAYS, ids=["nan", "raise", "overrun"])
def test_a_hook_that_goes_wrong_trips_the_switch_by_its_name(
    synthetic: Path, tmp_path: Path, how: int, hook: int
) -> None:
    tape = tmp_path / "run.tape"
    given = config(FAILS, {"how": how, "hook": hook, "after": 60})
    report = traded(synthetic, given, tape)
    switch = report["switch"]
    assert (switch["state"], switch["cause"]) == ("reducing", "Kernel")
    assert switch["reason"].startswith(f"kernel Fails {HOOKS[hook]}: ")
    assert SAYS[how] in switch["reason"]
    told = trace(tape)
    only_winds_down(told)
    assert told.trips == [f"Reducing: Kernel: {switch['reason']}"]
    # Reducing does not flatten by itself: a person decides what becomes of the position.
    assert report["instruments"][0]["position"] != "0.000"
    # From its own Tape the run is the same again, though nobody measures the hook's time there.
    again = traded(tape, given)
    assert (again["sha256"], again["switch"]) == (report["sha256"], switch)


def test_an_overrun_on_the_tape_is_not_another_strategys(synthetic: Path, tmp_path: Path) -> None:
    tape = tmp_path / "run.tape"
    traded(synthetic, config(FAILS, {"how": SPIN, "hook": BOOK, "after": 60}), tape)
    maker = config("cex.strategies.market_maker:MarketMaker")
    other = traded(tape, maker)
    assert other["switch"]["state"] == "active"
    assert other["sha256"] == traded(synthetic, maker)["sha256"]


def test_a_panic_in_the_lane_halts_it(synthetic: Path, tmp_path: Path) -> None:
    tape = tmp_path / "run.tape"
    report = traded(synthetic, config(FAILS), tape, [{"after_frames": 700, "kind": "panic"}])
    assert report["switch"] == {"state": "halted", "cause": "Panic", "reason": "panic in the lane: injected"}
    assert report["frames"]["fault"] == 1
    told = trace(tape)
    only_winds_down(told)
    assert {t.action for t in told.after} == {CANCEL}
    assert told.trips == ["Halted: Panic: panic in the lane: injected"]
    assert traded(tape, config(FAILS))["sha256"] == report["sha256"]


def test_a_lost_connection_pulls_the_orders_and_trips_nothing(synthetic: Path, tmp_path: Path) -> None:
    tape = tmp_path / "run.tape"
    report = traded(synthetic, config(FAILS), tape, [{"after_frames": 700, "kind": "disconnected"}])
    assert report["switch"]["state"] == "active"
    assert (report["book"]["bid"], report["book"]["ask"]) == (None, None)
    told = trace(tape).before
    # No Top, no quote: the last that is permitted are the cancels of what rested.
    assert [t.action for t in told if t.kind == "permit"][-1] == CANCEL
    assert traded(tape, config(FAILS))["sha256"] == report["sha256"]


def test_a_drawdown_flattens_and_halts(synthetic: Path, tmp_path: Path) -> None:
    tape = tmp_path / "run.tape"
    costly = (('maker_fee_bps = "-0.5"', 'maker_fee_bps = "2"'), ('equity = "100000"', 'equity = "1000"'))
    given = config(FAILS, {}, *costly, ("max_drawdown_bps = 200", "max_drawdown_bps = 1"))
    report = traded(synthetic, given, tape)
    assert (report["switch"]["state"], report["switch"]["cause"]) == ("halted", "Drawdown")
    assert "bps below the day's peak, 1 allowed" in report["switch"]["reason"]
    assert report["refusals"]["drawdown"] == 1
    assert report["instruments"][0]["position"] == "0.000"
    told = trace(tape)
    only_winds_down(told)
    flattening = [t for t in told.after if t.kind == "permit" and t.action == PLACE]
    assert flattening
    assert all(t.reduce_only for t in flattening)
    assert len(told.trips) == 2
    assert told.trips[0].startswith("Reducing: Drawdown: equity ")
    assert told.trips[1] == "Halted: flat, and nothing is open"
    # It was a position when it fell, and a taker's order brought it back.
    assert not report["fill_log"][-1]["maker"]
    assert traded(tape, given)["sha256"] == report["sha256"]


def test_late_market_data_halts_the_lane(synthetic: Path, tmp_path: Path) -> None:
    late, tape = tmp_path / "late", tmp_path / "run.tape"
    lines = gzip.decompress(synthetic.read_bytes()).decode().splitlines(keepends=True)
    with late.open("w", encoding="utf-8") as file:
        for n, line in enumerate(lines):
            received, text = line.split(" ", 1)
            file.write(f"{int(received) + (100_000_000 if n >= 900 else 0)} {text}")
    given = config(FAILS, {}, ("max_feed_latency_ms = 250", "max_feed_latency_ms = 50"))
    report = traded(late, given, tape)
    assert (report["switch"]["state"], report["switch"]["cause"]) == ("halted", "FeedLatency")
    assert "3 ticks in a row above 50 ms" in report["switch"]["reason"]
    told = trace(tape)
    only_winds_down(told)
    assert {t.action for t in told.after} == {CANCEL}
    assert traded(late, config(FAILS))["switch"]["state"] == "active"
