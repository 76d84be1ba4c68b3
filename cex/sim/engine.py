"""The matching engine as the venue sees it: requests become intents of the native model, its receipts become events."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from cex.sim import filters
from cex.sim.account import Account
from cex.sim.clock import Clock
from cex.sim.errors import NO_SUCH_ORDER, UNKNOWN_ORDER, VenueError
from cex.sim.log import Log
from cex.sim.market import Book
from cex.sim.market import Told as Receipt
from cex.sim.orders import BUY, Fill, Order, Told
from cex.sim.symbols import Symbol
from native._core import SimExchange

PLACE, CANCEL, REPLACE = 1, 2, 3
ACCEPTED, FILLED, REJECTED, CANCELLED, EXPIRED, REPLACED, CHANGE_REJECTED = 1, 2, 3, 4, 5, 6, 7
TIFS = {"GTC": 0, "IOC": 1, "FOK": 2, "GTX": 3}
FAR_PX = 10**12  # the limit of a market order to buy: beyond any price

POST_ONLY = {
    False: (-2010, "Order would immediately match and take."),
    True: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
    ),
}
FILL_OR_KILL = (
    -5021,
    "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history",
)
REDUCE_ONLY = (-2022, "ReduceOnly Order is rejected.")
DUPLICATE = {False: (-2010, "Duplicate order sent."), True: (-4116, "ClientOrderId is duplicated.")}


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as it was asked for, read and sound by itself."""

    symbol: Symbol
    side: int
    kind: str
    tif: str
    px: int
    lots: int
    reduce_only: bool
    client: str


class Engine:
    """Orders, fills and the account. Every change is in the log before a method returns; `tell` hears of each in
    order."""

    def __init__(
        self, futures: bool, symbols: dict[str, Symbol], account: Account, clock: Clock, log: Log, matching: str
    ) -> None:
        specs = [
            {"symbol": s.name, "tick": s.tick.plain(), "lot": s.lot.plain(), "maker_fee_e8": 0, "taker_fee_e8": 0}
            for s in symbols.values()
        ]
        self.futures, self.symbols, self.account, self.clock, self.log = futures, symbols, account, clock, log
        self.native = SimExchange(matching, json.dumps(specs))
        self.books: dict[str, Book] = {}
        self.orders: dict[int, Order] = {}
        self.open: dict[int, Order] = {}
        self.fills: dict[str, list[Fill]] = {name: [] for name in symbols}
        self.by_client: dict[tuple[str, str], Order] = {}
        self.tell: Callable[[Told], None] = lambda told: None
        self._last_id = 10_000_000

    # --- the market moves ---

    def settle(self, receipts: list[Receipt]) -> None:
        """Carries out what the market did to resting orders."""
        for receipt in receipts:
            self._apply(receipt, None)

    # --- requests ---

    def place(self, wish: Wish, by: str = "request") -> Order:
        """A new order. Raises VenueError with the venue's reason; nothing has happened then."""
        open_one = self.by_client.get((wish.symbol.name, wish.client))
        if open_one is not None and open_one.is_open:
            raise VenueError(*DUPLICATE[self.futures])
        self._last_id += 1
        s, ms = wish.symbol, self.clock.ms()
        order = Order(
            self._last_id, wish.client, s, wish.side, wish.kind, wish.tif, wish.px, wish.lots, wish.reduce_only, ms
        )
        order.updated_ms = ms
        filters.funds(self.account, order, self.books[s.name].best(), self.futures)
        tif = 1 if wish.kind == "MARKET" else 3 if wish.kind == "LIMIT_MAKER" else TIFS[wish.tif]
        px = wish.px if wish.kind != "MARKET" else FAR_PX if wish.side == BUY else 1
        receipts = self.native.request(
            PLACE, order.id, wish.side, px, wish.lots, self.clock.now_ns(),
            instrument=s.number, tif=tif, reduce_only=wish.reduce_only,
        )  # fmt: skip
        first = next((r for r in receipts if r[1] == order.id), None)
        if first is None or first[0] == REJECTED:
            raise VenueError(*REDUCE_ONLY)
        if first[0] == EXPIRED and tif == 3:
            raise VenueError(*POST_ONLY[self.futures])
        if first[0] == EXPIRED and tif == 2 and self.futures:
            raise VenueError(*FILL_OR_KILL)
        self.orders[order.id] = self.open[order.id] = self.by_client[s.name, order.client] = order
        self.account.lock(order, 1)
        self.log.accepted("place", order, by)
        self._say(order, "NEW")
        for receipt in receipts:
            self._apply(receipt, order)
        return order

    def cancel(self, order: Order, by: str = "request", requested: str = "") -> Order:
        """Cancels an open order."""
        self.native.request(CANCEL, order.id, order.side, order.px, order.lots, self.clock.now_ns(),
                            instrument=order.symbol.number)  # fmt: skip
        self._end(order, "CANCELED")
        self.log.accepted("cancel", order, by)
        self._say(order, "CANCELED", requested=requested)
        return order

    def replace(self, order: Order, px: int, lots: int) -> Order:
        """New price and whole quantity for an open order (USD-M, "Modify Order")."""
        if (px, lots) == (order.px, order.lots):
            raise VenueError(-5027, "No need to modify the order.")
        receipts = self.native.request(
            REPLACE, order.id, order.side, px, lots, self.clock.now_ns(),
            instrument=order.symbol.number, reduce_only=order.reduce_only,
        )  # fmt: skip
        first = next(r for r in receipts if r[1] == order.id)
        if first[0] == CHANGE_REJECTED:
            raise VenueError(*REDUCE_ONLY)
        if first[0] in (REPLACED, FILLED):
            order.px, order.lots, order.updated_ms = px, lots, self.clock.ms()
            self.log.accepted("replace", order, "request")
            self._say(order, "AMENDMENT")
            receipts = [r for r in receipts if not (r[0] == REPLACED and r[1] == order.id)]
        for receipt in receipts:
            self._apply(receipt, order)
        return order

    def find(self, symbol: str, order_id: int | None, client: str | None, *, alive: bool = False) -> Order:
        """An order by either id. `alive`: raises "Unknown order sent." unless it is open."""
        order = self.orders.get(order_id) if order_id is not None else self.by_client.get((symbol, client or ""))
        if order is None or order.symbol.name != symbol or (alive and not order.is_open):
            raise VenueError(*(UNKNOWN_ORDER if alive else NO_SUCH_ORDER))
        return order

    def opened(self, symbol: str | None) -> list[Order]:
        """Open orders in an instrument, or all, oldest first."""
        return [o for o in self.open.values() if symbol is None or o.symbol.name == symbol]

    # --- receipts ---

    def _apply(self, receipt: Receipt, taker: Order | None) -> None:
        kind, order_id, px, lots, leaves, maker, _ = receipt
        order = self.open.get(order_id)
        if order is None:
            return
        if kind == FILLED:
            self._fill(order, px, lots, maker)
        elif kind == EXPIRED:
            stays = order.kind == "LIMIT" and order.tif == "GTC"  # nothing else ends it on arrival
            prevented = stays if order is taker else not order.reduce_only
            self._end(order, "EXPIRED_IN_MATCH" if prevented else "EXPIRED")
            self.log.expired(order, "self_trade" if prevented else "rule")
            self._say(order, "TRADE_PREVENTION" if prevented and not self.futures else "EXPIRED")
        elif kind == CANCELLED:
            self._end(order, "CANCELED")
            self.log.accepted("cancel", order, "exchange")
            self._say(order, "CANCELED")
        elif kind == REPLACED:
            order.lots, order.updated_ms = order.filled + leaves, self.clock.ms()
            self.log.accepted("replace", order, "exchange")
            self._say(order, "AMENDMENT")

    def _fill(self, order: Order, px: int, lots: int, maker: bool) -> None:
        ms, s = self.clock.ms(), order.symbol
        self.account.lock(order, -1)
        fee, asset, realized = self.account.trade(order, px, lots, maker)
        order.filled += lots
        order.quote_e8 += s.value_e8(px, lots)
        order.updated_ms = ms
        order.status = "FILLED" if order.leaves == 0 else "PARTIALLY_FILLED"
        fill = Fill(self.books[s.name].next_trade_id(), order, px, lots, maker, fee, asset, realized, ms)
        order.fills.append(fill)
        self.fills[s.name].append(fill)
        if order.is_open:
            self.account.lock(order, 1)
        else:
            del self.open[order.id]
        self.log.fill(fill)
        self._say(order, "TRADE", fill=fill)

    def _end(self, order: Order, status: str) -> None:
        order.status, order.updated_ms = status, self.clock.ms()
        self.account.lock(order, -1)
        del self.open[order.id]

    def _say(self, order: Order, execution: str, fill: Fill | None = None, requested: str = "") -> None:
        self.tell(Told(order, execution, self.clock.ms(), fill, requested))
