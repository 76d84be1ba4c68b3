"""A naive gate in plain Python, written from the rules in `native/src/risk/rules.rs` and sharing nothing with them."""

from dataclasses import dataclass, field
from fractions import Fraction as F

MAX_PX, MAX_QTY = 1 << 43, 1 << 47
STATES = ["active", "reducing", "halted"]
SECOND, DAY = 10**9, 86_400 * 10**9


@dataclass
class Order:
    side: str
    px: int
    most: int  # largest total ever asked for
    reduce_only: bool
    leaves: int
    filled: int = 0
    asked: list[tuple[int, int]] = field(default_factory=list)  # (px, total) of replaces since none was in flight
    in_flight: int = 0
    cancels: int = 0
    answered: bool = False

    def worst(self) -> int:
        return max([self.leaves] + [total - self.filled for _, total in self.asked])

    def prices(self) -> list[int]:
        return [self.px] + [px for px, _ in self.asked]

    def end_replace(self) -> None:
        self.in_flight = max(0, self.in_flight - 1)
        if self.in_flight == 0:
            self.asked = []


class Instrument:
    def __init__(self, spec: dict[str, object], limits: dict[str, object]) -> None:
        self.tick, self.lot = F(str(spec["tick"])), F(str(spec["lot"]))
        self.maker, self.taker = (F(int(str(spec[k])), 10**8) for k in ("maker_fee_e8", "taker_fee_e8"))
        self.limits = {k: F(str(v)) for k, v in limits.items()}
        self.orders: dict[int, Order] = {}
        self.position = 0
        self.mid: F | None = None  # in ticks
        self.spread = self.drift = self.fees = self.rebates = self.cash = F(0)  # in ticks x lots
        self.permitted_ns: list[int] = []
        self.ticks: list[tuple[int, bool]] = []
        self.late = 0

    def total(self) -> F:
        return self.cash + self.position * (self.mid or 0)


class NaiveGate:
    def __init__(self, specs: list[dict[str, object]], limits: dict[str, object], equity: str) -> None:
        per, lane = limits["instrument"], limits["lane"]
        assert isinstance(per, list)
        assert isinstance(lane, dict)
        self.instruments = [Instrument(s, i) for s, i in zip(specs, per, strict=True)]
        self.lane = {k: F(str(v)) for k, v in lane.items()}
        self.start = F(equity)
        self.own = self.switch = 0
        self.flatten = False
        self.last_id = 0
        self.answers: list[bool] = []
        self.day: int | None = None
        self.day_open = self.peak = F(0)
        self.refusals: dict[str, int] = {}

    def state(self) -> str:
        return STATES[max(self.own, self.switch)]

    def count(self, limit: str) -> None:
        self.refusals[limit] = self.refusals.get(limit, 0) + 1

    def trip(self, to: str, *, node: bool) -> None:
        self.own = max(self.own, STATES.index(to))
        if node:
            self.switch = max(self.switch, STATES.index(to))

    # --- verdicts

    def judge(
        self, intent: tuple[str, int, int, str, int, int, bool], top: tuple[int, int] | None, book_ns: int, now_ns: int
    ) -> str | None:
        limit = self.verdict(intent, top, book_ns, now_ns)
        if limit:
            self.count(limit)
            return limit
        action, id_, at, side, px, qty, reduce_only = intent
        own = self.instruments[at]
        if action == "cancel":
            if id_ in own.orders:
                own.orders[id_].cancels += 1
            return None
        own.permitted_ns.append(now_ns)
        if action == "place":
            own.orders[id_] = Order(side, px, qty, reduce_only, qty)
            self.last_id = id_
        else:
            own.orders[id_].asked.append((px, qty))
            own.orders[id_].in_flight += 1
            own.orders[id_].most = max(own.orders[id_].most, qty)
        return None

    def verdict(
        self, intent: tuple[str, int, int, str, int, int, bool], top: tuple[int, int] | None, book_ns: int, now_ns: int
    ) -> str | None:
        action, id_, at, side, px, qty, reduce_only = intent
        if at >= len(self.instruments):
            return "unknown_instrument"
        if action == "cancel":
            return None if 0 < id_ <= self.last_id else "unknown_order"
        own = self.instruments[at]
        limits = own.limits
        if self.state() == "halted":
            return "halted"
        if not 0 < px <= MAX_PX:
            return "bad_price"
        if not 0 < qty <= MAX_QTY:
            return "bad_qty"
        order = own.orders.get(id_)
        if action == "place" and id_ <= self.last_id:
            return "duplicate_id"
        if action == "replace" and (order is None or order.side != side):
            return "unknown_order"
        if action == "place":
            order = None
        before = order.worst() if order else 0
        after = max(before, qty - (order.filled if order else 0))
        same = sum(o.worst() for i, o in own.orders.items() if i != id_ and o.side == side)
        if self.state() == "reducing":
            marked = reduce_only and (order is None or order.reduce_only)
            long = own.position if side == "sell" else -own.position
            if not marked or same + after > long:
                return "reduce_only"
        if qty * own.lot > limits["max_order_qty"]:
            return "order_qty"
        if px * own.tick * qty * own.lot > limits["max_order_notional"]:
            return "order_notional"
        if top is None or not 0 < top[0] < top[1] <= MAX_PX:
            return "no_top"
        if now_ns - book_ns > limits["max_book_age_ms"] * 10**6:
            return "stale_book"
        mid = F(top[0] + top[1], 2)
        if abs(px - mid) / mid > limits["price_collar_bps"] / 10_000:
            return "price_collar"
        if action == "place" and len(own.orders) + 1 > limits["max_open_orders"]:
            return "open_orders"
        reach = (own.position if side == "buy" else -own.position) + same + after
        if after > before and reach * own.lot > limits["max_position_qty"]:
            return "position"
        others = [p for i, o in own.orders.items() if i != id_ and o.side != side for p in o.prices()]
        if any(px >= p if side == "buy" else px <= p for p in others):
            return "self_trade"
        if sum(now_ns - t < SECOND for t in own.permitted_ns) >= limits["max_orders_per_second"]:
            return "order_rate"
        return None

    # --- what it learns

    def equity(self) -> F:
        return self.start + sum((i.total() * i.tick * i.lot for i in self.instruments), F(0))

    def begin(self, now_ns: int) -> None:
        if self.day is None or now_ns // DAY > self.day:
            self.day = now_ns // DAY
            self.day_open = self.peak = self.equity()

    def watch_drawdown(self) -> None:
        self.peak = max(self.peak, self.equity())
        if not self.flatten and self.peak - self.equity() > self.day_open * self.lane["max_drawdown_bps"] / 10_000:
            self.flatten = True
            self.count("drawdown")
            self.trip("reducing", node=True)

    def on_receipt(self, receipt: tuple[str, int, int, str, int, int, int, bool], now_ns: int) -> None:
        kind, id_, at, side, px, qty, leaves, maker = receipt
        self.begin(now_ns)
        own = self.instruments[at]
        order = own.orders.get(id_)
        if kind == "filled":
            sign = 1 if side == "buy" else -1
            own.mid = own.mid or F(px)
            fee = px * qty * (own.maker if maker else own.taker)
            own.position += sign * qty
            own.cash -= sign * px * qty + fee
            own.spread += sign * (own.mid - px) * qty
            own.fees += max(fee, F(0))
            own.rebates += max(-fee, F(0))
            self.watch_drawdown()
            if order and order.filled + qty > order.most:
                self.trip("halted", node=True)
                return
        if order is None:
            return
        if kind == "filled":
            order.filled += qty
            order.leaves = max(order.leaves - qty, leaves)
        elif kind == "replaced":
            asked = [total - order.filled for _, total in order.asked] if order.in_flight == 1 else []
            order.px, order.leaves = px, max([leaves, *asked])
            order.end_replace()
        elif kind == "change_rejected":
            if order.cancels:
                order.cancels -= 1
            else:
                order.end_replace()
        dead = kind in ("rejected", "cancelled", "expired") or (kind in ("filled", "change_rejected") and leaves == 0)
        if dead:
            del own.orders[id_]
        if kind != "unknown" and not order.answered:
            order.answered = True
            self.answers.append(kind == "rejected")
            recent = self.answers[-int(self.lane["reject_window"]) :]
            share = F(sum(recent)) / self.lane["reject_window"]
            if kind == "rejected" and self.own == 0 and share > self.lane["max_reject_rate_bps"] / 10_000:
                self.count("reject_rate")
                self.trip("reducing", node=False)

    def on_tick(self, at: int, half_ticks: int) -> bool:
        own = self.instruments[at]
        if not 0 < half_ticks <= 2 * MAX_PX:
            self.count("outlier")
            return False
        accepted = [t for t, ok in own.ticks if ok][-1:]
        before = accepted + [t for t, _ in own.ticks[-1:]]
        near = [abs(half_ticks - t) * 10_000 <= own.limits["outlier_bps"] * t for t in before]
        ok = not near or any(near)
        own.ticks.append((half_ticks, ok))
        if not ok:
            self.count("outlier")
        return ok

    def on_feed_latency(self, at: int, latency_ns: int) -> None:
        own = self.instruments[at]
        own.late = own.late + 1 if latency_ns > self.lane["max_feed_latency_ms"] * 10**6 else 0
        if own.late >= self.lane["feed_latency_ticks"] and self.own < 2:
            self.count("feed_latency")
            self.trip("halted", node=False)

    def on_mark(self, at: int, half_ticks: int, now_ns: int) -> None:
        self.begin(now_ns)
        own = self.instruments[at]
        if not 0 < half_ticks <= 2 * MAX_PX:
            return
        mid = F(half_ticks, 2)
        own.drift += own.position * (mid - (own.mid or mid))
        own.mid = mid
        self.watch_drawdown()

    def finish_flatten(self) -> bool:
        if not self.flatten or self.state() != "reducing":
            return False
        if any(i.position or i.orders for i in self.instruments):
            return False
        self.own = 2
        return True
