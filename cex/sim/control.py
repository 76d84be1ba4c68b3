"""The control endpoint, for those on the same machine: what the exchange knows, and how it shall misbehave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cex.sim.exchange import Exchange
from cex.sim.faults import RATES
from cex.sim.orders import Fill, Order
from cex.sim.symbols import digits


def state(x: Exchange, *, brief: bool = False) -> dict[str, Any]:
    """Everything: orders, fills, fees, positions, balances, books, connections, faults. `brief` leaves out closed
    orders and fills."""
    shown = {
        "venue": "binance_usdm" if x.futures else "binance_spot",
        "venue_ms": x.clock.ms(),
        "skew_ms": x.clock.skew_ms,
        "orders": [_order(o) for o in (x.engine.open if brief else x.engine.orders).values()],
        "open": sorted(x.engine.open),
        "placed": len(x.engine.orders),
        "filled": sum(map(len, x.engine.fills.values())),
        "fees_e8": x.account.fees_e8,
        "positions": {name: s.lot.text(x.engine.native.position(s.number)) for name, s in x.symbols.items()},
        "balances": {a: digits(v, 8) for a, v in x.account.total_e8.items()},
        "books": {name: book(x, name) for name in x.symbols},
        "countdowns": x.countdowns,
        "links": [{"number": c.number, "kind": c.kind, "streams": sorted(c.streams)} for c in x.links],
        "faults": x.faults.shown(),
    }
    if not brief:
        fills = [f for fills in x.engine.fills.values() for f in fills]
        shown["fills"] = [_fill(f) for f in sorted(fills, key=lambda f: (f.ms, f.trade_id))]
    return shown


def _fill(f: Fill) -> dict[str, Any]:
    o = f.order
    return {
        "trade": f.trade_id,
        "order": o.id,
        "client": o.client,
        "symbol": o.symbol.name,
        "side": o.side_name,
        "px": o.symbol.tick.text(f.px),
        "qty": o.symbol.lot.text(f.lots),
        "maker": f.maker,
        "fee_e8": f.fee_e8,
        "fee_asset": f.fee_asset,
    }


def _order(o: Order) -> dict[str, Any]:
    return {
        "order": o.id,
        "client": o.client,
        "symbol": o.symbol.name,
        "side": o.side_name,
        "type": o.kind,
        "tif": o.tif,
        "px": o.px_text(),
        "qty": o.symbol.lot.text(o.lots),
        "filled": o.symbol.lot.text(o.filled),
        "status": o.status,
        "reduce_only": o.reduce_only,
    }


def book(x: Exchange, name: str) -> dict[str, Any]:
    """The exchange's own best prices and the id of its last update. Raises KeyError for another instrument."""
    market = x.markets[name]
    bid, ask = market.best()
    px, qty = market.symbol.tick.text, market.symbol.lot.text
    return {
        "symbol": name,
        "lastUpdateId": market.last_id,
        "bid": px(bid),
        "bidQty": qty(market.lots[0].get(bid, 0)),
        "ask": px(ask),
        "askQty": qty(market.lots[1].get(ask, 0)),
    }


class Control:
    """`POST /sim/faults`: each key of the JSON object is one order, and one that is not known refuses all of them."""

    def __init__(self, exchange: Exchange, now_s: Callable[[], float]) -> None:
        self.x, self._now_s = exchange, now_s
        self._orders: dict[str, Callable[[Any], Any]] = {
            "rates": self._rates,
            "delay_ms": lambda ms: setattr(self.x.faults, "delay_ms", int(ms)),
            "skew_ms": lambda ms: setattr(self.x.clock, "skew_ms", int(ms)),
            "mute_user": lambda on: setattr(self.x.faults, "mute_user", bool(on)),
            "reject": lambda n: self.x.faults.next.update(reject=int(n)),
            "lost_ack": lambda n: self.x.faults.next.update(lost_ack=int(n)),
            "lost_request": lambda n: self.x.faults.next.update(lost_request=int(n)),
            "throttle": self._throttle,
            "disconnect": self._disconnect,
            "cut_s": self._cut,
            "freeze_ms": lambda ms: self.x.freeze(int(ms)),
            "expire_listen_key": lambda on: self.x.expire_listen_key() if on else None,
            "withdrawals": lambda on: setattr(self.x, "withdrawals", bool(on)),
        }

    def orders(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Raises ValueError that names what can be ordered."""
        if unknown := sorted(set(wanted) - set(self._orders)):
            raise ValueError(f"no such fault: {', '.join(unknown)}; there are {', '.join(self._orders)}")
        for name, value in wanted.items():
            self._orders[name](value)
        return self.x.faults.shown()

    def _rates(self, rates: dict[str, float]) -> None:
        if unknown := sorted(set(rates) - set(RATES)):
            raise ValueError(f"no such rate: {', '.join(unknown)}; there are {', '.join(RATES)}")
        self.x.faults.rates.update({name: float(rate) for name, rate in rates.items()})

    def _throttle(self, wanted: dict[str, int]) -> None:
        status, ms = wanted.get("status", 429), wanted.get("ms", 1_000)
        until = self.x.clock.ms() + ms
        if status not in (418, 429):
            raise ValueError("throttle: status is 429 or 418")
        self.x.faults.throttled = (status, until)

    def _disconnect(self, which: str | int) -> None:
        if isinstance(which, int):
            for link in [c for c in self.x.links if c.number == which]:
                link.cut()
        elif which in ("market", "orders", "user", "all"):
            self.x.cut(which)
        else:
            raise ValueError("disconnect: market, orders, user, all, or the number of a connection")

    def _cut(self, seconds: float) -> None:
        self.x.cut_until_s = self._now_s() + float(seconds)
        self.x.cut("all")
