"""The native gate and the naive one, side by side: both are told the same, and must agree on everything."""

import json
from fractions import Fraction as F

from native import _core
from tests.risk.oracle import STATES, NaiveGate

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


class Pair:
    def start(self) -> None:
        self.switch = _core.Switch.anonymous()
        self.native = _core.Gate(json.dumps(SPECS), json.dumps(LIMITS), EQUITY, self.switch)
        self.naive = NaiveGate(SPECS, LIMITS, EQUITY)
        self.now = 20_000 * 86_400 * 10**9 - 3 * 10**9  # three seconds before midnight
        self.top: tuple[int, int] | None = (MID - 1, MID + 1)
        self.book_ns = self.now
        self.worst = 0

    def judge(self, intent: tuple[str, int, int, str, int, int, bool]) -> bool:
        state = self.naive.state()
        seen = self.native.judge(intent, self.top, self.book_ns, self.now)
        assert (seen and seen[0]) == self.naive.judge(intent, self.top, self.book_ns, self.now)
        if seen is None and state != "active":
            assert intent[0] == "cancel" or (state == "reducing" and intent[6])
        return seen is None

    def receipt(self, receipt: tuple[str, int, int, str, int, int, int, bool]) -> None:
        self.native.on_receipt(receipt, self.now)
        self.naive.on_receipt(receipt, self.now)

    def tick(self, at: int, half: int) -> None:
        assert self.native.on_tick(at, half, self.now) == self.naive.on_tick(at, half)

    def mark(self, at: int, half: int) -> None:
        self.native.on_mark(at, half, self.now)
        self.naive.on_mark(at, half, self.now)

    def latency(self, at: int, late_ms: int) -> None:
        self.native.on_feed_latency(at, late_ms * 10**6, self.now)
        self.naive.on_feed_latency(at, late_ms * 10**6)

    def trip(self, state: str) -> None:
        self.switch.trip(state, "person", "test", self.now)
        self.naive.switch = max(self.naive.switch, STATES.index(state))

    def finish(self) -> None:
        assert self.native.finish_flatten(self.now) == self.naive.finish_flatten()

    def agree(self) -> None:
        assert self.native.state() == self.naive.state()
        assert self.switch.state() == STATES[self.naive.switch], "only what concerns the node trips its switch"
        rank = STATES.index(self.native.state())
        assert rank >= self.worst, "the state never climbs"
        self.worst = rank
        assert {k: v for k, v in self.native.refusals().items() if v} == self.naive.refusals
        for at, own in enumerate(self.naive.instruments):
            assert self.native.position(at) == own.position
            assert dict(self.native.open_orders(at)) == {i: o.worst() for i, o in own.orders.items()}
            unit = 2 * 10**8  # of Money, in a tick x a lot
            parts = [own.spread, own.drift, own.fees, own.rebates, own.total()]
            assert list(self.native.pnl(at)) == [p * unit for p in parts]
        assert F(self.native.equity()) == self.naive.equity()
