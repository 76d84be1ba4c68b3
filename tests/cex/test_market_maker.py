"""The market maker against a plain-Python twin of its formula, through the compiled kernel."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cex.strategies.market_maker import MarketMaker
from cex.strategies.touch import JoinTouch
from native import Kernel, _core, compile_strategy
from native.kernel import OUT_DTYPE, VIEW_DTYPE, KernelError

Ladder = tuple[list[tuple[int, int]], list[tuple[int, int]]] | None


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def view(**fields: Any) -> npt.NDArray[np.void]:
    v = np.zeros(1, VIEW_DTYPE)
    defaults = {"has_top": 1, "bid_px": 100_000, "ask_px": 100_001, "bid_qty": 5, "ask_qty": 5}
    for name, value in {**defaults, **fields}.items():
        if name in ("microprice", "volatility"):
            v["features"][name] = value
        else:
            v[name] = value
    return v


class Maker:
    """One kernel and its desire."""

    def __init__(self, cache: Path, cls: type = MarketMaker, **params: Any) -> None:
        self.kernel = Kernel(compile_strategy(cls, params, cache_dir=cache))

    def wrote(self, hook: str = "on_book", **fields: Any) -> Ladder:
        out = self.kernel.call(hook, view(**fields).tobytes())
        assert np.frombuffer(out, OUT_DTYPE)["n_actions"][0] == 0
        return _core.desired_ladder(out)

    def prices(self, **fields: Any) -> tuple[int, int]:
        ladder = self.wrote(**fields)
        assert ladder is not None
        return ladder[0][0][0], ladder[1][0][0]


def twin(s: float, sigma: float, q: float, gamma: float, k: float, tau: float, fee: float) -> tuple[float, float]:
    """Each side from its own indifference price, as the paper writes them."""
    r_b = s - (1 + 2 * q) * gamma * sigma**2 * tau / 2
    r_a = s + (1 - 2 * q) * gamma * sigma**2 * tau / 2
    x = math.log(1 + gamma / k) / gamma
    c = fee * s
    return s - ((s - r_b) + x + c), s + ((r_a - s) + x + c)


@settings(max_examples=40, deadline=None)
@given(
    s=st.floats(99_990, 100_010),
    sigma=st.floats(0, 50),
    position=st.integers(-9, 9),
    gamma=st.floats(1e-4, 1),
    k=st.floats(0.01, 5),
    tau=st.floats(0.1, 100),
    fee=st.floats(-0.001, 0.001),
)
def test_the_quotes_are_the_papers(
    cache: Path, s: float, sigma: float, position: int, gamma: float, k: float, tau: float, fee: float
) -> None:
    bid, ask = twin(s, sigma, position / 2, gamma, k, tau, fee)
    maker = Maker(cache, gamma=gamma, k=k, horizon_s=tau, order_lots=2, max_position_lots=10)
    ladder = maker.wrote(microprice=s, volatility=sigma, position=position, maker_fee=fee)
    assert ladder is not None
    want_bid, want_ask = min(math.floor(bid), 100_000), max(math.ceil(ask), 100_001)
    # Two ways of writing one sum differ in the last bits, and so by a tick where it is a whole number.
    if want_bid >= 1:
        assert abs(ladder[0][0][0] - want_bid) <= (abs(bid - round(bid)) < 1e-6)
    else:
        assert ladder[0] == []
    assert abs(ladder[1][0][0] - want_ask) <= (abs(ask - round(ask)) < 1e-6)


def test_symmetric_without_inventory_and_skewed_against_it(cache: Path) -> None:
    # A fee of 200 ticks a side, so that no quote is held back by the touch.
    at: dict[str, Any] = {"microprice": 100_000.5, "volatility": 20.0, "maker_fee": 0.002}
    flat = Maker(cache).prices(**at)
    assert flat[0] + flat[1] == 2 * 100_000.5
    long, short = Maker(cache).prices(position=3, **at), Maker(cache).prices(position=-3, **at)
    skew = 3 * 0.01 * 20.0**2 * 10.0  # q·γσ²τ = 120 ticks
    assert long == (flat[0] - skew, flat[1] - skew)
    assert short == (flat[0] + skew, flat[1] + skew)


def test_wider_with_volatility_and_narrower_by_exactly_the_rebate(cache: Path) -> None:
    calm = Maker(cache).prices(microprice=100_000.5, volatility=10.0)
    wild = Maker(cache).prices(microprice=100_000.5, volatility=30.0)
    assert wild[1] - wild[0] > calm[1] - calm[0]
    # γσ²τ/2 grows from 5 to 45 ticks; 0.00005 × 100 000 = 5 ticks a side
    assert (wild[1] - wild[0]) - (calm[1] - calm[0]) == 80
    free = Maker(cache).prices(microprice=100_000.0, volatility=30.0)
    rebate = Maker(cache).prices(microprice=100_000.0, volatility=30.0, maker_fee=-0.00005)
    charged = Maker(cache).prices(microprice=100_000.0, volatility=30.0, maker_fee=0.00005)
    assert (rebate[0] - free[0], rebate[1] - free[1]) == (5, -5)
    assert (charged[0] - free[0], charged[1] - free[1]) == (-5, 5)


def test_quotes_never_cross_the_touch(cache: Path) -> None:
    bid, ask = Maker(cache).prices(microprice=100_000.5, volatility=0.0, maker_fee=-0.01)  # a rebate of 1000 ticks
    assert (bid, ask) == (100_000, 100_001)
    bid, ask = Maker(cache).prices(microprice=100_000.5, volatility=50.0, position=-9)
    assert bid == 100_000 < 100_001 <= ask


@settings(max_examples=40, deadline=None)
@given(
    spread=st.integers(1, 40),
    weight=st.floats(0, 1),
    sigma=st.floats(0, 5),
    position=st.integers(-9, 9),
    rebate=st.floats(0, 0.001),
)
def test_a_rebate_above_the_half_spread_never_crosses_our_own_quotes(
    cache: Path, spread: int, weight: float, sigma: float, position: int, rebate: float
) -> None:
    touch = {"bid_px": 100_000, "ask_px": 100_000 + spread}
    fair = 100_000 + weight * spread
    at = {"microprice": fair, "volatility": sigma, "position": position, "maker_fee": -rebate}
    bid, ask = Maker(cache).prices(**touch, **at)
    assert bid < ask
    assert bid < touch["ask_px"]
    assert ask > touch["bid_px"]


def test_inventory_is_bounded_and_levels_share_the_room(cache: Path) -> None:
    at: dict[str, Any] = {"microprice": 100_000.5, "volatility": 1.0}
    maker = Maker(cache, order_lots=4, max_position_lots=10, levels=4, level_ticks=5)
    ladder = maker.wrote(position=0, **at)
    assert ladder is not None
    bids, asks = ladder
    assert [q for _, q in bids] == [4, 4, 2] == [q for _, q in asks]
    assert [bids[0][0] - px for px, _ in bids] == [0, 5, 10] == [px - asks[0][0] for px, _ in asks]
    full = maker.wrote(position=10, **at)
    assert full is not None
    assert (full[0], [q for _, q in full[1]]) == ([], [4, 4, 4, 4])


def test_a_ladder_stands_until_there_is_a_reason(cache: Path) -> None:
    maker = Maker(cache, requote_ticks=3.0)
    at: dict[str, Any] = {"volatility": 1.0}
    assert maker.wrote(microprice=100_000.5, **at) is not None
    assert maker.wrote(microprice=100_000.5, **at) is None
    assert maker.wrote(microprice=100_002.4, **at) is None, "less than three ticks"
    assert maker.wrote(microprice=100_003.6, **at) is not None
    assert maker.wrote("on_receipt", microprice=100_003.6, position=1, **at) is not None, "the inventory changed"
    assert maker.wrote(microprice=100_003.6, position=1, has_top=0, **at) == ([], []), "no top: everything is pulled"
    assert maker.wrote(microprice=100_003.6, position=1, has_top=0, **at) is None, "once"
    assert maker.wrote(microprice=100_003.6, position=1, **at) is not None
    assert maker.wrote(microprice=100_003.6, volatility=math.nan, position=1) == ([], [])


def test_parameters_have_bounds(cache: Path) -> None:
    for params, message in (
        ({"gamma": 0.0}, "gamma must be > 0.0"),
        ({"gama": 0.1}, "no parameter 'gama'; did you mean 'gamma'"),
        ({"levels": 9}, "levels must be <= 8"),
        ({"order_lots": 1.5}, "order_lots must be of type int"),
    ):
        with pytest.raises(KernelError, match=message):
            compile_strategy(MarketMaker, params, cache_dir=cache)


def test_join_touch_joins_and_pulls(cache: Path) -> None:
    maker = Maker(cache, JoinTouch, qty_lots=3)
    assert maker.wrote("on_timer") == ([(100_000, 3)], [(100_001, 3)])
    assert maker.wrote("on_timer", has_top=0) == ([], [])
    assert compile_strategy(JoinTouch, {"timer_ms": 25}, cache_dir=cache).timer_ns == 25_000_000
