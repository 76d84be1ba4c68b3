"""The native gate against the naive one: every verdict, limit, position and every part of the PnL."""

import json
from fractions import Fraction as F
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from native import _core
from tests.risk.oracle import NaiveGate

SPECS: list[dict[str, object]] = [
    {"symbol": "BTCUSDT", "tick": "0.1", "lot": "0.001", "maker_fee_e8": 20_000, "taker_fee_e8": 50_000},
    {"symbol": "ETHUSDT", "tick": "0.25", "lot": "0.02", "maker_fee_e8": -5_000, "taker_fee_e8": 40_001},
]
LIMITS: dict[str, object] = {
    "instrument": [
        {
            "max_order_qty": "0.0105",
            "max_order_notional": "9.5",
            "max_position_qty": "0.02",
            "max_open_orders": 4,
            "price_collar_bps": 100,
            "max_book_age_ms": 500,
            "max_orders_per_second": 6,
            "outlier_bps": 500,
        },
        {
            "max_order_qty": "0.2",
            "max_order_notional": "500",
            "max_position_qty": "0.31",
            "max_open_orders": 3,
            "price_collar_bps": 50,
            "max_book_age_ms": 1000,
            "max_orders_per_second": 5,
            "outlier_bps": 300,
        },
    ],
    "lane": {
        "max_feed_latency_ms": 50,
        "feed_latency_ticks": 3,
        "max_drawdown_bps": 200,
        "max_reject_rate_bps": 3000,
        "reject_window": 10,
    },
}
EQUITY = "120.5"
MID = 10_000
PX = st.integers(MID - 130, MID + 130)
WILD = st.sampled_from([0, -1, 1, 1 << 43, (1 << 43) + 1, 1 << 47, (1 << 63) - 1, -(1 << 63)])
QTY = st.one_of(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), WILD)
SIDE = st.sampled_from(["buy", "sell"])
AT = st.integers(0, 1)


class Gates(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.switch = _core.Switch.anonymous()
        self.native = _core.Gate(json.dumps(SPECS), json.dumps(LIMITS), EQUITY, self.switch)
        self.naive = NaiveGate(SPECS, LIMITS, EQUITY)
        self.now = 20_000 * 86_400 * 10**9 - 3 * 10**9
        self.top: tuple[int, int] | None = (MID - 1, MID + 1)
        self.book_ns = self.now
        self.worst = 0

    def ids(self, at: int) -> list[int]:
        return [*self.naive.instruments[at].orders, self.naive.last_id, self.naive.last_id + 1]

    def judge(self, intent: tuple[str, int, int, str, int, int, bool]) -> None:
        state = self.naive.state()
        seen = self.native.judge(intent, self.top, self.book_ns, self.now)
        assert (seen and seen[0]) == self.naive.judge(intent, self.top, self.book_ns, self.now)
        if seen is None and state != "active":
            assert intent[0] == "cancel" or (state == "reducing" and intent[6])

    @rule(at=AT, side=SIDE, px=st.one_of(PX, PX, PX, WILD), qty=QTY, reduce_only=st.booleans(), old=st.booleans())
    def place(self, at: int, side: str, px: int, qty: int, reduce_only: bool, old: bool) -> None:
        self.judge(("place", self.naive.last_id + (not old or qty != 7), at, side, px, qty, reduce_only))

    @rule(at=AT, px=st.integers(-2, 9), qty=st.integers(3, 9), side=SIDE)
    def quote(self, at: int, px: int, qty: int, side: str) -> None:
        away = -px if side == "buy" else px
        self.judge(("place", self.naive.last_id + 1, at, side, MID + away, qty, False))

    @rule(at=AT, side=SIDE, qty=st.integers(5, 9))
    def take(self, at: int, side: str, qty: int) -> None:
        self.now += 200 * 10**6
        self.book_ns = self.now
        id_ = self.naive.last_id + 1
        px = MID + 20 if side == "buy" else MID - 20
        self.judge(("place", id_, at, side, px, qty, False))
        if id_ in self.naive.instruments[at].orders:
            self.receipt(("filled", id_, at, side, MID, qty, 0, False))

    @precondition(lambda self: any(i.orders for i in self.naive.instruments))
    @rule(data=st.data(), px=st.integers(-4, 4), qty=st.integers(1, 9))
    def requote(self, data: Any, px: int, qty: int) -> None:
        at = data.draw(st.sampled_from([n for n, i in enumerate(self.naive.instruments) if i.orders]))
        id_ = data.draw(st.sampled_from(list(self.naive.instruments[at].orders)))
        order = self.naive.instruments[at].orders[id_]
        self.judge(("replace", id_, at, order.side, order.px + px, qty, order.reduce_only))

    @rule(at=AT, data=st.data(), px=PX, qty=QTY, other=st.integers(0, 9))
    def replace(self, at: int, data: Any, px: int, qty: int, other: int) -> None:
        id_ = data.draw(st.sampled_from(self.ids(at)))
        order = self.naive.instruments[at].orders.get(id_)
        side = order.side if order and other else "sell"
        self.judge(("replace", id_, at, side, px, qty, bool(order and order.reduce_only)))

    @rule(at=st.integers(0, 2), data=st.data())
    def cancel(self, at: int, data: Any) -> None:
        self.judge(("cancel", data.draw(st.sampled_from([0, *self.ids(min(at, 1))])), at, "buy", 0, 0, False))

    @precondition(lambda self: any(i.orders for i in self.naive.instruments))
    @rule(data=st.data(), kind=st.sampled_from(["accepted", "replaced", "change_rejected", "unknown", "cancelled",
                                                "expired", "rejected"]), px=PX, late=st.integers(0, 9))  # fmt: skip
    def answer(self, data: Any, kind: str, px: int, late: int) -> None:
        at = data.draw(st.sampled_from([n for n, i in enumerate(self.naive.instruments) if i.orders]))
        orders = self.naive.instruments[at].orders
        id_ = data.draw(st.sampled_from(list(orders)))
        order = orders[id_]
        leaves = data.draw(st.integers(0, 12)) if kind in ("replaced", "change_rejected") else 0
        self.receipt((kind, id_ if late else self.naive.last_id + 5, at, order.side, px, 0, leaves, False))

    @precondition(lambda self: any(i.orders for i in self.naive.instruments))
    @rule(data=st.data(), over=st.integers(0, 40), maker=st.booleans(), late=st.integers(0, 9))
    def fill(self, data: Any, over: int, maker: bool, late: int) -> None:
        at = data.draw(st.sampled_from([n for n, i in enumerate(self.naive.instruments) if i.orders]))
        orders = self.naive.instruments[at].orders
        id_ = data.draw(st.sampled_from(list(orders)))
        order = orders[id_]
        room = order.most - order.filled
        qty = data.draw(st.integers(1, max(1, room))) if over else room + 1
        leaves = data.draw(st.integers(0, max(0, room - qty)))
        self.receipt(("filled", id_ if late else self.naive.last_id + 5, at, order.side, order.px, qty, leaves, maker))

    def receipt(self, receipt: tuple[str, int, int, str, int, int, int, bool]) -> None:
        self.native.on_receipt(receipt, self.now)
        self.naive.on_receipt(receipt, self.now)

    @rule(at=AT, half=st.one_of(st.integers(2 * MID - 3000, 2 * MID + 3000), WILD))
    def tick(self, at: int, half: int) -> None:
        assert self.native.on_tick(at, half, self.now) == self.naive.on_tick(at, half)

    @rule(at=AT, half=st.one_of(st.integers(2 * MID - 60, 2 * MID + 60), st.integers(2 * MID - 4000, 2 * MID + 4000)))
    def mark(self, at: int, half: int) -> None:
        self.native.on_mark(at, half, self.now)
        self.naive.on_mark(at, half, self.now)

    @rule(at=AT, late_ms=st.sampled_from([0, 0, 50, 51, 10_000]))
    def latency(self, at: int, late_ms: int) -> None:
        self.native.on_feed_latency(at, late_ms * 10**6, self.now)
        self.naive.on_feed_latency(at, late_ms * 10**6)

    @rule(ms=st.sampled_from([0, 1, 100, 499, 500, 501, 1000, 3000]), fresh=st.booleans(), move=st.integers(-30, 30))
    def wait(self, ms: int, fresh: bool, move: int) -> None:
        self.now += ms * 10**6
        if fresh:
            self.book_ns = self.now
            self.top = (MID + move - 1, MID + move + 2) if move != 30 else None

    @rule(state=st.sampled_from(["reducing", "halted"]), rarely=st.integers(0, 15))
    def trip(self, state: str, rarely: int) -> None:
        if rarely == 0:
            self.switch.trip(state, "person", "test", self.now)
            self.naive.switch = max(self.naive.switch, ["active", "reducing", "halted"].index(state))

    @rule()
    def finish(self) -> None:
        assert self.native.finish_flatten(self.now) == self.naive.finish_flatten()

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "naive"):
            return
        assert self.native.state() == self.naive.state()
        rank = ["active", "reducing", "halted"].index(self.native.state())
        assert rank >= self.worst
        self.worst = rank
        assert {k: v for k, v in self.native.refusals().items() if v} == self.naive.refusals
        for at, own in enumerate(self.naive.instruments):
            assert self.native.position(at) == own.position
            assert dict(self.native.open_orders(at)) == {i: o.worst() for i, o in own.orders.items()}
            unit = 2 * 10**8  # of Money, in a tick x a lot
            parts = [own.spread, own.drift, own.fees, own.rebates, own.total()]
            assert list(self.native.pnl(at)) == [p * unit for p in parts]
        assert F(self.native.equity()) == self.naive.equity()


TestGates = Gates.TestCase
TestGates.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


def test_limits_are_listed_with_level_and_unit() -> None:
    table = _core.limits()
    assert [name for name, _, _ in table][:2] == ["unknown_instrument", "halted"]
    assert set(_core.Gate(json.dumps(SPECS), json.dumps(LIMITS), "1", _core.Switch.anonymous()).refusals()) == {
        name for name, _, _ in table
    }
