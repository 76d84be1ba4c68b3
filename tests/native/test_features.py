"""The native features against their twins, on event sequences that Hypothesis invents."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from native import _core
from tests.native.twins import PRICE_LIMIT, FeaturesTwin, window_moments

CONFIG = {"ew_halflife_ms": 1000, "window": 3, "vwap_trades": 3, "levels": 3}
MS = 1_000_000
Event = tuple[Any, ...]


def native(**changes: int) -> _core.Features:
    return _core.Features(json.dumps(CONFIG | changes))


@st.composite
def ladders(draw: st.DrawFn, size: int = 10**6) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Both sides of a book near one of a few prices, up to six levels deep."""
    best = draw(st.sampled_from([1000, 1001, 1002, 5]) | st.integers(-(10**6), 10**6))
    steps = st.lists(st.integers(1, 3), min_size=1, max_size=6)
    quantities = st.integers(1, 4) | st.integers(1, size)
    bids = [(best - down, draw(quantities)) for down in accumulate(draw(steps))]
    asks = [(best + up - 1, draw(quantities)) for up in accumulate(draw(steps))]
    return bids, asks


# Most gaps are ordinary; some are none, some backwards, some long enough to forget, some at the bounds of the clock.
gaps = (
    st.integers(0, 2_000 * MS)
    | st.sampled_from([0, 1, -1, -5_000 * MS, 63_999 * MS, 64_000 * MS, 10**15])
    | st.integers(0, 100_000 * MS)
)
events = st.one_of(
    st.tuples(st.just("book"), gaps, ladders()),
    st.tuples(st.just("book"), gaps, ladders()),
    st.tuples(st.just("trade"), gaps, st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["buy", "sell"])),
    st.tuples(st.just("reset"), st.just(0)),
    st.tuples(st.just("half"), gaps, ladders()),
)


def play(event: Event, now_ns: int, *targets: _core.Features | FeaturesTwin) -> None:
    for target in targets:
        match event:
            case ("book", _, (bids, asks)):
                target.on_book(now_ns, bids, asks)
            case ("half", _, (bids, _)):
                target.on_book(now_ns, bids, [])
            case ("trade", _, px, qty, side):
                target.on_trade(now_ns, px, qty, side)
            case _:
                target.reset_book()


def agree(got: dict[str, float], want: dict[str, float]) -> None:
    """Same names, NaN at the same places, equal to rounding; the absolute tolerances are for prices of 10⁶ ticks."""
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert math.isnan(got[name]) == math.isnan(value), (name, got[name], value)
        near = math.isclose(got[name], value, rel_tol=1e-9, abs_tol=1e-6)
        assert math.isnan(value) or near, (name, got[name], value)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(events, max_size=25),
    st.builds(
        dict,
        ew_halflife_ms=st.sampled_from([1, 1000, 86_400_000]),
        window=st.integers(2, 5),
        vwap_trades=st.integers(1, 4),
        levels=st.integers(1, 4) | st.just(10),
    ),
)
def test_every_feature_equals_its_twin(happened: list[Event], config: dict[str, int]) -> None:
    ours, twin, now_ns = native(**config), FeaturesTwin(**config), 0
    agree(ours.values(), twin.values())
    for event in happened:
        now_ns += event[1]
        play(event, now_ns, ours, twin)
        agree(ours.values(), twin.values())
    assert (ours.backward_steps, ours.refused) == (twin.backward_steps, twin.refused)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32), st.integers(2, 50))
def test_windowed_moments_do_not_drift(seed: int, window: int) -> None:
    """After prices of every size, a quiet window is what its own few prices say, to the last bit or two."""
    ours, random = native(window=window), Random(seed)
    mids: list[Fraction] = []
    for i in range(5_000):
        size = 3 if i >= 4_900 else PRICE_LIMIT - 2
        bid = random.randint(-size, size)
        ours.on_book(i, [(bid, 1)], [(bid + 1, 1)])
        mids.append(Fraction(2 * bid + 1, 2))
        if i % 500 == 0 or i == 4_999:
            mean, std = window_moments(mids[-window:])
            got = ours.values()
            assert got["mid_window_mean"] == pytest.approx(mean, rel=1e-15, abs=0)
            assert math.isnan(std) or got["mid_window_std"] == pytest.approx(std, rel=1e-15, abs=0)


def test_a_full_window_of_the_largest_prices_does_not_overflow() -> None:
    ours = native(window=2**16)
    top = PRICE_LIMIT - 1
    for i in range(2**16 + 10):
        px = top if i % 2 else -top
        ours.on_book(i, [(px, 1)], [(px, 1)])
    n = 2**16
    assert ours.values()["mid_window_mean"] == 0
    assert ours.values()["mid_window_std"] == pytest.approx(top * math.sqrt(n / (n - 1)), rel=1e-15)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(-PRICE_LIMIT + 1, PRICE_LIMIT - 1), st.integers(1, 2**63 - 1)), min_size=1))
def test_vwap_of_any_trades_is_exact(trades: list[tuple[int, int]]) -> None:
    ours, twin = native(), FeaturesTwin(**CONFIG)
    for target in (ours, twin):
        for i, (px, qty) in enumerate(trades):
            target.on_trade(i, px, qty, "buy")
    assert ours.values()["vwap"] == pytest.approx(twin.values()["vwap"], rel=1e-15, abs=0)


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32))
def test_exponential_moments_forget_their_rounding(seed: int) -> None:
    """300 updates, a third of them near 10¹² ticks: the twin's many digits agree once those are forgotten."""
    ours, twin, random, now_ns = native(), FeaturesTwin(**CONFIG), Random(seed), 0
    for i in range(300):
        now_ns += random.randint(0, 400 * MS)
        bid = random.randint(-5, 5) + (10**12 if i < 100 else 0)
        for target in (ours, twin):
            target.on_book(now_ns, [(bid, random.randint(1, 9))], [(bid + 1, 1)])
    got, want = ours.values(), twin.values()
    for name in ("mid_ew_mean", "mid_ew_std", "volatility"):
        assert got[name] == pytest.approx(want[name], rel=1e-9), name


def test_a_worked_example() -> None:
    """By hand: three books a second (one half-life) apart, three trades."""
    ours = native(levels=2)
    ours.on_book(0, [(100, 5), (99, 7)], [(102, 3), (103, 4)])
    ours.on_book(1_000 * MS, [(101, 6), (100, 5)], [(103, 4)])  # both sides a tick up; the second ask is gone
    ours.on_book(2_000 * MS, [(101, 2), (99, 9)], [(103, 1)])
    ours.on_trade(0, 100, 1, "buy")
    ours.on_trade(1_000 * MS, 103, 2, "buy")
    ours.on_trade(2_000 * MS, 101, 1, "sell")
    v = ours.values()
    # weights 1/4, 1/2, 1 of mids 101, 102, 102
    assert v["mid_ew_mean"] == pytest.approx((101 / 4 + 102 / 2 + 102) / 1.75)
    total, squares, share = 1.75, 1 + 1 / 4 + 1 / 16, 0.25 / 1.75
    assert v["mid_ew_std"] == pytest.approx(math.sqrt(total * share * (1 - share) / (total - squares / total)))
    assert (v["mid_window_mean"], v["mid_window_std"]) == pytest.approx((305 / 3, math.sqrt(1 / 3)))
    # a change of 1 tick in a second, at weight 1/2, of 1.5 weighted seconds
    assert v["volatility"] == pytest.approx(math.sqrt(0.5 / 1.5))
    assert v["vwap"] == (100 + 206 + 101) / 4
    assert v["trade_imbalance"] == pytest.approx((0.25 + 0.5 - 1) / 1.75)
    assert v["microprice"] == pytest.approx((101 * 1 + 103 * 2) / 3)
    assert v["imbalance"] == pytest.approx((11 - 1) / 12)
    assert (v["spread"], v["spread_ew_mean"]) == (2, 2)
    assert math.isnan(v["spread_zscore"])  # the spread never moved
    # best: bid up, 6 join; ask up, 3 gone: +9. Then 4 leave the bid, 3 leave the ask: -1
    assert (v["ofi_event_1"], v["ofi"], v["mlofi_1"], v["ofi_ew"]) == (-1, 8, 8, 3.5)
    # second: bid up, 5 join; ask gone with its 4: +9. Then bid down, 5 gone: -5
    assert (v["ofi_event_2"], v["mlofi_2"], v["mlofi_ew_2"]) == (-5, 4, -0.5)
    assert math.isnan(v["mlofi_3"])


def test_a_value_exists_from_its_count_on_and_never_before() -> None:
    ours = native()

    def existing() -> set[str]:
        return {name for name, value in ours.values().items() if not math.isnan(value)}

    assert existing() == set()
    ours.on_trade(0, 100, 1, "buy")
    first_trade = {"vwap", "trade_imbalance"}
    assert existing() == first_trade
    ours.on_book(0, [(99, 1)], [(101, 1)])
    past = {"mid_ew_mean", "mid_window_mean", "spread_ew_mean"} | first_trade
    present = {"microprice", "imbalance", "spread"}
    assert existing() == past | present
    ours.on_book(0, [(99, 1)], [(102, 1)])
    past |= {"mid_ew_std", "mid_window_std", "spread_ew_std"}
    flow = {f"{name}_{m}" for name in ("ofi_event", "mlofi", "mlofi_ew") for m in (1, 2, 3)} | {"ofi", "ofi_ew"}
    assert existing() == past | present | flow | {"spread_zscore"}
    ours.on_book(1, [(99, 1)], [(102, 1)])
    past |= {"volatility"}
    assert existing() == past | present | flow | {"spread_zscore"}
    ours.reset_book()
    assert existing() == past


def test_nothing_bridges_a_hole() -> None:
    ours, unbroken = native(), native()
    for target in (ours, unbroken):
        target.on_book(0, [(99, 5)], [(101, 5)])
        target.on_book(1_000 * MS, [(100, 5)], [(102, 5)])
        assert (target.values()["volatility"], target.values()["ofi"]) == (1, 10)
    ours.reset_book()
    for target in (ours, unbroken):
        target.on_book(2_000 * MS, [(199, 5)], [(201, 5)])
    # changes of 1 and 99 ticks at weights 1/2 and 1, in as many weighted seconds
    assert unbroken.values()["volatility"] == pytest.approx(math.sqrt((0.5 + 99**2) / 1.5))
    assert unbroken.values()["ofi"] == 20
    assert ours.values()["volatility"] == 1
    assert math.isnan(ours.values()["ofi"])
    ours.on_book(3_000 * MS, [(199, 6)], [(201, 5)])
    # the second before the hole has aged by two: weight 1/4
    assert ours.values()["volatility"] == pytest.approx(math.sqrt(0.25 / 1.25))
    assert (ours.values()["ofi"], ours.values()["ofi_ew"]) == (1, 1)


@pytest.mark.parametrize("times", [(0, 0, 0), (10, 5, 7), (2**63 - 1, -(2**63), 0), (-(2**63), 2**63 - 1, 0)])
def test_time_that_stands_still_or_goes_backwards_is_harmless_and_counted(times: tuple[int, ...]) -> None:
    ours = native()
    for i, now_ns in enumerate(times):
        ours.on_book(now_ns, [(99 + i, 1)], [(101 + 3 * i, 1)])
        ours.on_trade(now_ns, 100, 1, "buy")
        assert not any(math.isinf(value) for value in ours.values().values())
    for name in ("mid_ew_mean", "mid_ew_std", "spread_zscore", "ofi_ew", "trade_imbalance"):
        assert math.isfinite(ours.values()[name]), name
    latest = list(accumulate(times, max))
    assert ours.backward_steps == 2 * sum(now < last for now, last in zip(times[1:], latest[:-1], strict=True))


@pytest.mark.parametrize("px", [PRICE_LIMIT, -PRICE_LIMIT, 2**63 - 1, -(2**63)])
def test_a_price_out_of_range_is_refused_and_counted(px: int) -> None:
    ours = native()
    ours.on_book(0, [(99, 1)], [(101, 1)])
    ours.on_trade(0, px, 1, "buy")
    ours.on_trade(0, 100, 0, "buy")
    ours.on_book(0, [(min(px, 100), 1)], [(max(px, 101), 1)])
    assert ours.refused == 3
    assert math.isnan(ours.values()["microprice"])
    assert math.isnan(ours.values()["vwap"])
    assert ours.values()["mid_window_mean"] == 100


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"ew_halflife_ms": 0}, "ew_halflife_ms is 0; set it to a whole number from 1 to 604800000"),
        ({"ew_halflife_ms": 604_800_001}, "ew_halflife_ms is 604800001"),
        ({"window": 1}, "window is 1; set it to a whole number from 2 to 65536"),
        ({"window": 65_537}, "window is 65537"),
        ({"vwap_trades": 0}, "vwap_trades is 0; set it to a whole number from 1 to 65536"),
        ({"levels": 0}, "levels is 0; set it to a whole number from 1 to 10"),
        ({"levels": 11}, "levels is 11"),
        ({"halflife": 3}, "unknown field `halflife`"),
        ({"window": 2.5}, "floating point"),
        ({"window": -1}, "integer `-1`"),
    ],
)
def test_a_bad_config_is_one_clear_error(changes: dict[str, int], complaint: str) -> None:
    with pytest.raises(ValueError, match="feature config") as refused:
        native(**changes)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(ValueError, match="missing field `levels`"):
        _core.Features('{"ew_halflife_ms": 1, "window": 2, "vwap_trades": 1}')


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda f: f.on_book(0, [(99, 1), (100, 1)], [(101, 1)]), "bids are not best first: 99 before 100"),
        (lambda f: f.on_book(0, [(99, 1)], [(101, 1), (101, 2)]), "asks are not best first: 101 before 101"),
        (lambda f: f.on_book(0, [(99, 0)], [(101, 1)]), "bids have 0 lots at 99"),
        (lambda f: f.on_trade(0, 99, 1, "Buy"), 'side is "Buy"'),
    ],
)
def test_bad_input_is_an_error_and_changes_nothing(call: Callable[[_core.Features], None], complaint: str) -> None:
    ours = native()
    with pytest.raises(ValueError, match=complaint):
        call(ours)
    assert all(math.isnan(value) for value in ours.values().values())


def test_the_benchmark_measures_and_refuses_nonsense() -> None:
    assert 0 < _core.bench_features(1_000, 5) < 1e6
    for n, levels in ((0, 5), (1, 0), (1, 11)):
        with pytest.raises(ValueError, match="set it to"):
            _core.bench_features(n, levels)
