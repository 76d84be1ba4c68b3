"""The plain model, by hand: what a recorded market gives an order, our way and hftbacktest's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fills_market import MS, Market, steps
from bench.fills_rule import BUY, FOK, GTC, GTX, IOC, SELL
from bench.fills_twin import CANCELLED, EXPIRED, FILLED, OFFERS_TWICE, UNCLAMPED, Order, Rules, simulate, subsets

BID, ASK = 100, 101
END = 1000 * MS


def market(*events: tuple[int, str, int, int, int]) -> Market:
    """10 lots at 100 bid and 20 at 101 asked; then (ms, "trade" or "set", side, price, lots) in order."""
    m = Market()
    m.set(0, BUY, BID, 10)
    m.set(0, SELL, ASK, 20)
    for ms, what, side, px, lots in events:
        (m.trade if what == "trade" else m.set)(ms * MS, side, px, lots)
    return m.freeze()


def order(number: int = 0, lots: int = 3, side: int = BUY, px: int = BID, tif: int = GTX, at: int = 1) -> Order:
    return Order(number, at * MS, END, side, px, lots, tif)


def rules(model: str = "risk_averse", n: float = 1.0, partial: bool = True, *switches: str) -> Rules:
    return Rules(model, n, partial, frozenset(switches))


def fills(m: Market, *orders: Order, by: Rules) -> list[list[tuple[int, int, int, int]]]:
    done = simulate(m, orders, by)
    return [done[o.number].fills for o in orders]


def test_a_trade_uses_up_the_queue_then_fills() -> None:
    m = market((5, "trade", SELL, BID, 10), (6, "trade", SELL, BID, 2), (7, "trade", SELL, BID, 2))
    assert fills(m, order(), by=rules()) == [[(6 * MS, BID, 2, 1), (7 * MS, BID, 1, 1)]]
    assert fills(m, order(), by=rules(partial=False)) == [[(6 * MS, BID, 3, 1)]]


def test_a_trade_through_the_price_and_a_quote_at_it_fill_whole() -> None:
    assert fills(market((5, "trade", SELL, BID - 1, 1)), order(), by=rules()) == [[(5 * MS, BID, 3, 1)]]
    assert fills(market((5, "set", SELL, BID, 1)), order(), by=rules()) == [[(5 * MS, BID, 3, 1)]]
    assert fills(market((5, "trade", SELL, BID + 1, 1)), order(), by=rules()) == [[]]
    assert fills(market((5, "trade", BUY, BID - 1, 1)), order(), by=rules()) == [[]]


def test_a_request_comes_after_the_market_of_its_moment() -> None:
    m = market((1, "trade", SELL, BID, 100), (1, "set", BUY, BID, 4), (2, "trade", SELL, BID, 5))
    assert fills(m, order(), by=rules()) == [[(2 * MS, BID, 1, 1)]]


def test_a_cancel_ends_what_is_left() -> None:
    o = Order(0, MS, 5 * MS, BUY, BID, 3, GTX)
    done = simulate(market((5, "trade", SELL, BID, 12), (6, "trade", SELL, BID, 99)), [o], rules())
    assert (done[0].fills, done[0].end) == ([(5 * MS, BID, 2, 1)], (5 * MS, CANCELLED))


@pytest.mark.parametrize(
    ("tif", "px", "lots", "got", "end"),
    [
        (GTX, ASK, 1, [], EXPIRED),
        (IOC, BID, 1, [], EXPIRED),
        (FOK, BID, 1, [], EXPIRED),
        (IOC, ASK, 25, [(MS, ASK, 20, 0)], EXPIRED),
        (IOC, ASK + 2, 25, [(MS, ASK + 2, 25, 0)], FILLED),
        (FOK, ASK, 25, [], EXPIRED),
        (FOK, ASK + 2, 25, [(MS, ASK + 2, 25, 0)], FILLED),
        (GTC, ASK + 1, 25, [(MS, ASK + 1, 25, 0)], FILLED),
        (GTC, ASK + 5, 7, [(MS, ASK, 7, 0)], FILLED),
    ],
)
def test_taking_walks_the_levels(tif: int, px: int, lots: int, got: list[tuple[int, ...]], end: int) -> None:
    done = simulate(market((1, "set", SELL, ASK + 2, 50)), [order(lots=lots, px=px, tif=tif)], rules())[0]
    assert (done.fills, done.end) == (got, (MS, end))
    whole = simulate(market((1, "set", SELL, ASK + 2, 50)), [order(lots=lots, px=px, tif=tif)], rules(partial=False))[0]
    assert whole.fills == ([(MS, ASK, lots, 0)] if px >= ASK and tif != GTX else [])


def test_rule_5_orders_at_one_price_share_a_trade() -> None:
    m = market((5, "trade", SELL, BID, 14))
    first, second = order(0), order(1)
    assert fills(m, first, second, by=rules()) == [[(5 * MS, BID, 3, 1)], [(5 * MS, BID, 1, 1)]]
    twice = rules("risk_averse", 1.0, True, OFFERS_TWICE)
    assert fills(m, order(0), order(1), by=twice) == [[(5 * MS, BID, 3, 1)], [(5 * MS, BID, 3, 1)]]


@pytest.mark.parametrize(("traded", "haunts"), [(12, False), (13, True), (14, False)])
def test_what_a_trade_fills_exactly_would_stop_hftbacktest(traded: int, haunts: bool) -> None:
    m = market((5, "trade", SELL, BID, traded))
    assert simulate(m, [order()], rules("risk_averse", 1.0, True, OFFERS_TWICE))[0].haunts is haunts


def test_rule_7_a_position_below_zero_fills_more_than_was_traded() -> None:
    # 5 lots ahead and 7 behind; of the 11 that go, the model takes 6.1 from ahead: there were no more than 5.
    m = market(
        (2, "trade", SELL, BID, 5), (3, "set", BUY, BID, 5), (4, "set", BUY, BID, 12), (5, "set", BUY, BID, 1),
        (6, "trade", SELL, BID, 1),
    )  # fmt: skip
    assert fills(m, order(), by=rules("power_prob2", 1.5)) == [[(6 * MS, BID, 1, 1)]]
    there = rules("power_prob2", 1.5, True, UNCLAMPED)
    assert fills(m, order(), by=there) == [[(6 * MS, BID, 2, 1)]]  # more than was traded


def test_rule_7_what_is_no_number_goes_to_the_back() -> None:
    # As above, below 0 by a hair; then the level grows and shrinks: the root of a number below 0 is none.
    m = market(
        (2, "trade", SELL, BID, 5), (3, "set", BUY, BID, 5), (4, "set", BUY, BID, 12), (5, "set", BUY, BID, 1),
        (6, "set", BUY, BID, 9), (7, "set", BUY, BID, 8), (8, "trade", SELL, BID, 2),
    )  # fmt: skip
    assert fills(m, order(), by=rules("power_prob", 0.5)) == [[(8 * MS, BID, 2, 1)]]
    assert fills(m, order(), by=rules("power_prob", 0.5, True, UNCLAMPED)) == [[]]


@given(
    st.sampled_from(["risk_averse", "power_prob", "power_prob2", "power_prob3", "log_prob", "log_prob2"]),
    st.sampled_from([1.0, 1.5, 2.0, 3.0]),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_a_probability_is_one_as_the_native_module_has_it(model: str, n: float, front: int, back: int) -> None:
    from native import _core

    kind = f'{{"kind": "{model}", "n": {n}}}' if model.startswith("power") else f'{{"kind": "{model}"}}'
    ours = _core.queue_probability(kind, front / 1000, back / 1000)
    twin = rules(model, n).probability(front / 1000, back / 1000)
    assert ours == pytest.approx(1.0 if math.isnan(twin) else twin, rel=1e-12, abs=1e-15)


@given(st.lists(st.tuples(st.sampled_from([BUY, SELL]), st.integers(90, 110), st.integers(0, 3)), max_size=60))
def test_the_best_prices_never_cross_and_are_levels_that_are_there(changes: list[tuple[int, int, int]]) -> None:
    m = Market()
    for side, px, lots in changes:
        m.set(0, side, px, lots)
        bid, ask = m.bid[-1], m.ask[-1]
        assert not bid or not ask or bid < ask
        assert not bid or m.lots(BUY, bid, len(m.time)) > 0
        assert not ask or m.lots(SELL, ask, len(m.time)) > 0


def test_lots_are_as_of_a_row() -> None:
    m = market((1, "set", BUY, BID, 4), (2, "set", BUY, BID, 0))
    assert [m.lots(BUY, BID, rows) for rows in range(5)] == [0, 10, 10, 4, 0]
    assert m.lots(BUY, BID - 1, 4) == 0
    assert (m.rows_at(0), m.rows_at(MS), m.rows_at(99 * MS)) == (2, 3, 4)


def test_digits_become_steps() -> None:
    assert (steps("61659.70", 1), steps("0.014", 3), steps("5", 3), steps("61800.2", 1)) == (616597, 14, 5000, 618002)


def test_switches_are_tried_from_the_fewest() -> None:
    assert [len(s) for s in subsets()] == [1, 1, 2]
