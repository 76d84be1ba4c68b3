"""What the loopback exchange writes down before it answers: the independent truth of a session."""

from pathlib import Path
from typing import Any, BinaryIO

import orjson

from cex.sim.clock import Clock
from cex.sim.orders import Fill, Order
from cex.sim.symbols import Symbol


def _open(path: Path | None) -> BinaryIO | None:
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab", buffering=0)


class Log:
    """JSON lines: `what` is `accepted` (with `act` place, cancel, replace and `by` request, countdown, exchange),
    `fill` or `expired`. Each has `wall_ns` and `venue_ns`, prices and quantities as the venue writes them, and is with
    the operating system when the call returns."""

    def __init__(self, path: Path | None, tops: Path | None, clock: Clock) -> None:
        self._file, self._tops, self._clock = _open(path), _open(tops), clock

    def write(self, what: str, **fields: Any) -> None:
        """Appends a line."""
        if self._file:
            line = {"wall_ns": self._clock.wall_ns(), "venue_ns": self._clock.now_ns(), "what": what, **fields}
            self._file.write(orjson.dumps(line) + b"\n")

    def accepted(self, act: str, order: Order, by: str) -> None:
        """The matching engine has carried out a request, or cancelled by itself."""
        self.write("accepted", act=act, by=by, **_shown(order))

    def expired(self, order: Order, why: str) -> None:
        """An order, or what was left of it, is gone by a rule."""
        self.write("expired", why=why, **_shown(order))

    def fill(self, fill: Fill) -> None:
        """A trade of ours."""
        tick, lot = fill.order.symbol.tick, fill.order.symbol.lot
        self.write(
            "fill",
            trade=fill.trade_id,
            **{**_shown(fill.order), "px": tick.text(fill.px), "qty": lot.text(fill.lots)},
            maker=fill.maker,
            fee_e8=fill.fee_e8,
            fee_asset=fill.fee_asset,
        )

    def top(self, symbol: Symbol, update: int, touch: tuple[int, int, int, int]) -> None:
        """The best prices or their quantities changed with this update id: bid, its quantity, ask, its quantity, as the
        venue writes them."""
        if self._tops:
            px, qty = symbol.tick.text, symbol.lot.text
            shown = (px(touch[0]), qty(touch[1]), px(touch[2]), qty(touch[3]))
            self._tops.write(orjson.dumps([symbol.name, update, *shown]) + b"\n")

    def close(self) -> None:
        """No more lines."""
        for file in (self._file, self._tops):
            if file:
                file.close()


def _shown(order: Order) -> dict[str, Any]:
    return {
        "symbol": order.symbol.name,
        "order": order.id,
        "client": order.client,
        "side": order.side_name,
        "type": order.kind,
        "tif": order.tif,
        "px": order.px_text(),
        "qty": order.symbol.lot.text(order.lots),
        "filled": order.symbol.lot.text(order.filled),
        "reduce_only": order.reduce_only,
    }
