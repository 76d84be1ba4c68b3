"""Our fills beside hftbacktest's, and what it takes for a difference to be explained."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import fills
from bench.fills_market import MS, Market, load
from bench.fills_ours import FIRST_ID, PROBE, Rows, Run, Setup, gather, play, run, wide
from bench.fills_rule import BUY, FIRST_POLL, GTX, SELL
from bench.fills_twin import CANCELLED, FILLED, OFFERS_TWICE, SWITCHES, Order, simulate
from bench.run import rival_ready
from native import Replay, compile_strategy, load_strategy
from searcher.generate import write_day
from searcher.plan import plan_json

RECORDED = "binance/usdm_btcusdt_20240808.gz"
PARTIAL = Setup("power_prob3", 3.0, True, 1)
WHOLE = replace(PARTIAL, partial=False)


def test_our_engine_fills_a_synthetic_day_as_the_plain_model_does(tmp_path: Path) -> None:
    day = tmp_path / "day.gz"
    write_day(day, 120, 5)
    market = load(day)
    filled = 0
    for setup in (Setup("risk_averse", 1.0, False, 1), PARTIAL, Setup("log_prob", 1.0, True, 2)):
        ours = run(day, setup, market.clock_offset_ns)
        until_ns = int(ours.books[-1, 0]) - 3 * fills.LATENCY_NS
        done = simulate(market, fills.orders_of(ours, setup.seed), fills.rules(setup, frozenset()))
        assert fills.modelled(done, until_ns) == fills.stories(ours, until_ns)
        filled += len(ours.fills)
    assert filled > 300


def test_a_replay_gives_a_kernels_state_and_says_when_there_is_no_such_kernel(tmp_path: Path) -> None:
    day = tmp_path / "day.gz"
    write_day(day, 5, 5)
    config = wide(PARTIAL, 0)
    kernel = compile_strategy(load_strategy(PROBE), config.kernels[0].params)
    replay = Replay(str(day), plan_json(config), [kernel])
    assert np.frombuffer(replay.kernel_state(0), kernel.state_dtype)[0]["polls"] == 0
    replay.run()
    assert 400 < np.frombuffer(replay.kernel_state(0), kernel.state_dtype)[0]["polls"] <= 500
    with pytest.raises(IndexError, match="no kernel 1"):
        replay.kernel_state(1)


def test_a_refused_order_is_an_error_of_the_comparison(tmp_path: Path) -> None:
    day = tmp_path / "day.gz"
    write_day(day, 5, 5)
    config = wide(PARTIAL, 0)
    limits = {**(config.instruments[0].limits or {}), "max_order_qty": "0.001"}
    narrow = replace(config, instruments=(replace(config.instruments[0], limits=limits),))
    with pytest.raises(ValueError, match=r"refused .*order_qty"):
        play(day, narrow, 0)


SENT = FIRST_POLL + 40


def scene(partial: bool = True) -> tuple[Market, Run]:
    """Two orders of ours behind 10 lots at 100, and a trade of 14; seed 1's first two lives are long enough."""
    market = Market()
    market.set(0, BUY, 100, 10)
    market.set(0, SELL, 101, 20)
    at = [n * 10 * MS for n in range(SENT + 100)]
    market.trade(at[SENT] + 15 * MS, SELL, 100, 14)
    market.freeze()
    books = np.array([[t, 100, 10, 101, 20] for t in at])
    orders = np.array([[at[SENT], BUY, 100, 3, GTX], [at[SENT], BUY, 100, 3, GTX]])
    done = simulate(market, fills.orders_of(Run(books, orders, *nothing()), 1), fills.rules(PARTIAL, frozenset()))
    return market, as_run(books, orders, done)


def nothing() -> tuple[Rows, Rows]:
    return np.zeros((0, 5), np.int64), np.zeros((0, 3), np.int64)


def as_run(books: Rows, orders: Rows, done: dict[int, Order]) -> Run:
    rows = [[n, *f] for n, o in done.items() for f in o.fills]
    ends = [[n, *o.end] for n, o in done.items() if o.end]
    return Run(books, orders, np.array(rows, np.int64).reshape(-1, 5), np.array(ends, np.int64).reshape(-1, 3))


def as_they_do(market: Market, ours: Run) -> Run:
    done = simulate(market, fills.orders_of(ours, 1), fills.rules(PARTIAL, frozenset(SWITCHES)))
    return as_run(ours.books, ours.orders, done)


def test_a_difference_that_a_rule_explains_is_counted_under_it() -> None:
    market, ours = scene()
    verdict = fills.compare(market, PARTIAL, ours, as_they_do(market, ours))
    assert (verdict.ours, verdict.theirs, verdict.matched, verdict.orders) == (2, 2, 1, 2)
    assert dict(verdict.explained) == {OFFERS_TWICE: 1}
    assert verdict.unexplained == []
    assert "rule 5: 1" in fills.render([verdict])


@pytest.mark.parametrize("column", [1, 2, 3, 4])
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_any_other_difference_is_not_explained(whose: str, column: int) -> None:
    market, ours = scene()
    runs = {"ours": ours, "theirs": as_they_do(market, ours)}
    wrong = runs[whose].fills.copy()
    wrong[0, column] += 1
    runs[whose] = replace(runs[whose], fills=wrong)
    verdict = fills.compare(market, PARTIAL, runs["ours"], runs["theirs"])
    assert [line for line in verdict.unexplained if line.startswith("order 0")]


def test_a_fill_or_an_end_that_is_missing_is_not_explained() -> None:
    market, ours = scene()
    theirs = as_they_do(market, ours)
    for less in (replace(theirs, fills=theirs.fills[1:]), replace(theirs, ends=theirs.ends[1:])):
        assert fills.compare(market, PARTIAL, ours, less).unexplained
    assert fills.compare(market, PARTIAL, replace(ours, fills=ours.fills[:1]), theirs).unexplained


def test_books_orders_and_an_early_stop_are_told() -> None:
    market, ours = scene()
    theirs = as_they_do(market, ours)
    books, orders = theirs.books.copy(), theirs.orders.copy()
    books[FIRST_POLL + 7, 2] += 1
    orders[1, 3] += 1
    for wrong, name in (
        (replace(theirs, books=books), "poll 7"),
        (replace(theirs, orders=orders), "order 1"),
        (replace(theirs, stopped=(14, 5)), "stopped with 14"),
    ):
        assert any(name in line for line in fills.compare(market, PARTIAL, ours, wrong).unexplained)
    books = theirs.books.copy()
    books[3, 2] += 1  # before the first order either side may still be without a book
    assert not fills.compare(market, PARTIAL, ours, replace(theirs, books=books)).unexplained


def test_what_is_withheld_is_not_compared() -> None:
    market, ours = scene()
    theirs = as_they_do(market, ours)
    gone = replace(theirs, fills=theirs.fills[1:], ends=theirs.ends[1:])
    verdict = fills.compare(market, PARTIAL, ours, gone, withheld=[0])
    assert (verdict.withheld, verdict.ours, verdict.theirs, verdict.unexplained) == (1, 1, 1, [])


def test_parts_of_one_moment_are_one_fill() -> None:
    rows = gather([[1, 50, 100, 3, 0], [1, 50, 101, 2, 0], [1, 60, 101, 1, 1], [2, 50, 99, 4, 1]])
    assert rows.tolist() == [[1, 50, 101, 5, 0], [1, 60, 101, 1, 1], [2, 50, 99, 4, 1]]


def test_ends_are_those_of_the_model() -> None:
    _, ours = scene()
    assert {how for _, _, how in ours.ends.tolist()} == {FILLED, CANCELLED}
    assert FIRST_ID == (1 << 48) + 1


def test_on_the_recorded_file_every_difference_is_explained(recorded: Callable[[str], Path]) -> None:
    capture, python = recorded(RECORDED), rival_ready()
    if python is None:
        pytest.skip("needs hftbacktest's wheel in bench/.venv: `make fills` installs it and compares every queue model")
    whole, partial = fills.judge(capture, python, (WHOLE, PARTIAL))
    assert whole.unexplained == []
    assert partial.unexplained == []
    assert whole.ours == whole.theirs == whole.matched > 1500
    assert not whole.explained
    assert set(partial.explained) <= {"5", "7", "5+7"}
    assert partial.matched > 1500
    assert partial.withheld < 20


def test_on_the_recorded_file_our_engine_fills_as_the_plain_model_does(recorded: Callable[[str], Path]) -> None:
    market, setup = load(recorded(RECORDED)), Setup("power_prob2", 1.5, True, 2)
    ours = run(recorded(RECORDED), setup, market.clock_offset_ns)
    until_ns = int(ours.books[-1, 0]) - 3 * fills.LATENCY_NS
    done = simulate(market, fills.orders_of(ours, setup.seed), fills.rules(setup, frozenset()))
    assert fills.modelled(done, until_ns) == fills.stories(ours, until_ns)
    assert len(ours.fills) > 1500
