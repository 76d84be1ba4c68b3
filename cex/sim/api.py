"""The methods of the websocket API and of REST, which are the same ones: parameters in, the venue's JSON out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cex.sim import filters, spot, usdm
from cex.sim.engine import Wish
from cex.sim.errors import UNKNOWN_ORDER, VenueError, missing
from cex.sim.exchange import Exchange
from cex.sim.orders import SIDES, Order
from cex.sim.symbols import Symbol

Params = dict[str, str]


@dataclass(frozen=True, slots=True)
class Method:
    """`security` as the venue names it: NONE, USER_STREAM (key), TRADE and USER_DATA (key and signature)."""

    run: Callable[[Params], Any]
    weight: int | Callable[[Params], int]
    security: str = "USER_DATA"
    counts_order: bool = False


def integer(params: Params, name: str) -> int | None:
    """An optional whole number."""
    text = params.get(name)
    if text is None or text == "":
        return None
    if not text.isdigit():
        raise VenueError(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
        )  # fmt: skip
    return int(text)


def flag(params: Params, name: str) -> bool:
    """An optional true or false, however it is written."""
    return params.get(name, "false").lower() == "true"


class Api:
    """Every method by the name it has on the websocket API; REST's own have one of the same form."""

    def __init__(self, exchange: Exchange) -> None:
        self.x, self.engine = exchange, exchange.engine
        self._given = 0
        futures = exchange.futures
        m = Method
        self.methods: dict[str, Method] = {
            "ping": m(lambda p: {}, 1, "NONE"),
            "time": m(lambda p: {"serverTime": self.x.clock.ms()}, 1, "NONE"),
            "exchangeInfo": m(self.exchange_info, 1 if futures else 20, "NONE"),
            "depth": m(self.depth, self.depth_weight, "NONE"),
            "order.place": m(self.place, 0 if futures else 1, "TRADE", True),
            "order.test": m(self.test, 1, "TRADE"),
            "order.cancel": m(self.cancel, 1, "TRADE"),
            "order.status": m(self.status, 1 if futures else 4),
            "openOrders.status": m(self.open_orders, 1 if futures else 6),
            "openOrders.cancelAll": m(self.cancel_all, 1, "TRADE"),
            "myTrades": m(self.trades, 5 if futures else 20),
            "account.status": m(self.account, 5 if futures else 20),
            "account.commission": m(self.commission, 20),
            "apiRestrictions": m(self.restrictions, 1),
            "positionMode": m(self.position_mode, 30),
            "listenKey.start": m(lambda p: {"listenKey": self.x.new_listen_key()}, 1, "USER_STREAM"),
            "listenKey.ping": m(self.keep_key, 1, "USER_STREAM"),
            "listenKey.stop": m(self.stop_key, 1, "USER_STREAM"),
        }
        if futures:
            self.methods |= {
                "order.modify": m(self.modify, 1, "TRADE", True),
                "countdown": m(self.countdown, 10, "TRADE"),
                "account.balance": m(lambda p: usdm.balance(self.x.account, self.x.clock.ms()), 5),
                "account.position": m(self.positions, 5),
            }
        else:
            self.methods |= {
                "order.cancelReplace": m(self.cancel_replace, 1, "TRADE", True),
            }

    # --- market ---

    def exchange_info(self, p: Params) -> Any:
        """All instruments, or those asked for."""
        names = [p["symbol"]] if p.get("symbol") else list(self.x.symbols)
        if several := p.get("symbols"):
            names = [name.strip('" ') for name in several.strip("[]").split(",")]
        listed = [self.x.symbol(name) for name in names]
        return (usdm if self.x.futures else spot).exchange_info(listed, self.x.limits, self.x.clock.ms())

    def depth(self, p: Params) -> Any:
        """The book; `limit` levels a side."""
        book = self.x.markets[self.x.symbol(p.get("symbol")).name]
        most = 1000 if self.x.futures else 5000
        bids, asks = book.levels(min(integer(p, "limit") or (500 if self.x.futures else 100), most))
        px, qty = book.symbol.tick.text, book.symbol.lot.text
        ms = self.x.clock.ms()
        times = {"E": ms, "T": ms} if self.x.futures else {}
        sides = {n: [[px(a), qty(b)] for a, b in side] for n, side in (("bids", bids), ("asks", asks))}
        return {"lastUpdateId": book.last_id, **times, **sides}

    def depth_weight(self, p: Params) -> int:
        """A deeper book costs more."""
        limit = integer(p, "limit") or (500 if self.x.futures else 100)
        steps = ((50, 2), (100, 5), (500, 10)) if self.x.futures else ((100, 5), (500, 25), (1000, 50))
        return next((weight for most, weight in steps if limit <= most), 20 if self.x.futures else 250)

    # --- orders ---

    def wish(self, p: Params) -> Wish:
        """An order request, checked as far as it can be without the matching engine."""
        futures, s = self.x.futures, self.x.symbol(p.get("symbol"))
        if p.get("side") not in SIDES:
            raise missing("side") if not p.get("side") else VenueError(-1117, "Invalid side.")
        kind, tif = p.get("type", ""), p.get("timeInForce", "")
        if kind not in (("LIMIT", "MARKET") if futures else ("LIMIT", "LIMIT_MAKER", "MARKET")):
            raise missing("type") if not kind else VenueError(-1116, "Invalid orderType.")
        if kind == "LIMIT" and tif not in (("GTC", "IOC", "FOK", "GTX") if futures else ("GTC", "IOC", "FOK")):
            raise missing("timeInForce") if not tif else VenueError(-1115, "Invalid timeInForce.")
        if kind != "LIMIT" and tif:
            raise VenueError(-1106, "Parameter 'timeInForce' sent when not required.")
        if kind == "MARKET" and p.get("price"):
            raise VenueError(-1106, "Parameter 'price' sent when not required.")
        if p.get("positionSide", "BOTH") != "BOTH":
            raise VenueError(-4061, "Order's position side does not match user's setting.")
        if not futures and "reduceOnly" in p:
            raise VenueError(-1104, "Not all sent parameters were read; read '8' parameter(s) but was sent '9'.")
        px = filters.price(p.get("price"), s, futures) if kind != "MARKET" else 0
        wish = Wish(s, SIDES.index(p["side"]), kind, tif or "GTC", px, filters.quantity(p.get("quantity"), s, futures),
                    flag(p, "reduceOnly"), self.client(p.get("newClientOrderId")))  # fmt: skip
        filters.check(wish, self.engine.books[s.name].best(), len(self.engine.opened(s.name)), futures)
        return wish

    def client(self, given: str | None) -> str:
        """A client order id: the one that was sent, or one of the venue's."""
        if given and not filters.CLIENT_ID.match(given):
            raise VenueError(
                -1100, "Illegal characters found in parameter 'newClientOrderId'; legal range is "
                "'^[\\.A-Z\\:/a-z0-9_-]{1,36}$'."
            )  # fmt: skip
        self._given += 1
        return given or f"sim{self._given:019d}"

    def answer(self, order: Order, wanted: str | None) -> Any:
        """A placed order in the form that was asked for, or the venue's default."""
        if self.x.futures:
            return usdm.placed(order) if wanted == "RESULT" else usdm.ack(order)
        wanted = wanted or ("ACK" if order.kind == "LIMIT_MAKER" else "FULL")
        return {"ACK": spot.ack, "RESULT": spot.result}.get(wanted, spot.full)(order)

    def place(self, p: Params) -> Any:
        """Place new order."""
        return self.answer(self.engine.place(self.wish(p)), p.get("newOrderRespType"))

    def test(self, p: Params) -> Any:
        """Test new order: everything but the order."""
        self.wish(p)
        return {}

    def named(self, p: Params, *, alive: bool) -> Order:
        """The order that the request names."""
        s = self.x.symbol(p.get("symbol"))
        order_id, client = integer(p, "orderId"), p.get("origClientOrderId")
        if order_id is None and not client:
            raise VenueError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        return self.engine.find(s.name, order_id, client, alive=alive)

    def cancel(self, p: Params) -> Any:
        """Cancel order."""
        order = self.named(p, alive=True)
        restriction, status = p.get("cancelRestrictions"), order.status
        if restriction and restriction != f"ONLY_{status}":
            raise VenueError(-2011, "Order was not canceled due to cancel restrictions.")
        requested = order.client if self.x.futures else self.client(p.get("newClientOrderId"))
        self.engine.cancel(order, requested=requested)
        return usdm.placed(order) if self.x.futures else spot.cancelled(order, requested)

    def cancel_all(self, p: Params) -> Any:
        """Cancel open orders of an instrument."""
        orders = self.engine.opened(self.x.symbol(p.get("symbol")).name)
        if not orders and not self.x.futures:
            raise VenueError(*UNKNOWN_ORDER)
        for order in orders:
            self.engine.cancel(order, requested=order.client)
        if self.x.futures:
            return {"code": 200, "msg": "The operation of cancel all open order is done."}
        return [spot.cancelled(order, order.client) for order in orders]

    def modify(self, p: Params) -> Any:
        """USD-M, Modify order: the quantity is the order's new total."""
        order = self.named(p, alive=True)
        s = order.symbol
        if p.get("side") != order.side_name:
            raise missing("side") if not p.get("side") else VenueError(-1117, "Invalid side.")
        px, lots = filters.price(p.get("price"), s, True), filters.quantity(p.get("quantity"), s, True)
        filters.percent_price(px, order.side, sum(self.engine.books[s.name].best()), s, True)
        return usdm.placed(self.engine.replace(order, px, lots))

    def cancel_replace(self, p: Params) -> Any:
        """Spot, Cancel and replace: one step after the other, as its mode says (409 if one of them failed)."""
        mode = p.get("cancelReplaceMode")
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise missing("cancelReplaceMode")
        wanted = {"origClientOrderId": p.get("cancelOrigClientOrderId", ""), "orderId": p.get("cancelOrderId", "")}
        rules = {"cancelRestrictions": p.get("cancelRestrictions", "")}
        request = {"symbol": p.get("symbol", ""), "newClientOrderId": p.get("cancelNewClientOrderId", "")}
        new = self.wish(p)
        done: dict[str, Any] = {"cancelResult": "SUCCESS", "newOrderResult": "NOT_ATTEMPTED"}
        responses: dict[str, Any] = {"cancelResponse": None, "newOrderResponse": None}
        try:
            responses["cancelResponse"] = self.cancel(request | wanted | rules)
        except VenueError as error:
            done["cancelResult"], responses["cancelResponse"] = "FAILURE", error.body()
        if done["cancelResult"] == "SUCCESS" or mode == "ALLOW_FAILURE":
            try:
                responses["newOrderResponse"] = self.answer(self.engine.place(new), p.get("newOrderRespType"))
                done["newOrderResult"] = "SUCCESS"
            except VenueError as error:
                done["newOrderResult"], responses["newOrderResponse"] = "FAILURE", error.body()
        results = (done["cancelResult"], done["newOrderResult"])
        if results == ("SUCCESS", "SUCCESS"):
            return done | responses
        if "SUCCESS" in results:
            raise VenueError(-2021, "Order cancel-replace partially failed.", 409, done | responses)
        raise VenueError(-2022, "Order cancel-replace failed.", 400, done | responses)

    def status(self, p: Params) -> Any:
        """Query order."""
        order = self.named(p, alive=False)
        return usdm.shown(order) if self.x.futures else spot.shown(order)

    def open_orders(self, p: Params) -> Any:
        """Current open orders."""
        name = self.x.symbol(p["symbol"]).name if p.get("symbol") else None
        return [(usdm if self.x.futures else spot).shown(o) for o in self.engine.opened(name)]

    def trades(self, p: Params) -> Any:
        """myTrades, userTrades: from an id or a time on, oldest first; without either the latest."""
        s = self.x.symbol(p.get("symbol"))
        fills, limit = self.engine.fills[s.name], min(integer(p, "limit") or 500, 1000)
        from_id, start, end = integer(p, "fromId"), integer(p, "startTime"), integer(p, "endTime")
        order_id = integer(p, "orderId")
        if from_id is not None and (start is not None or end is not None):
            raise VenueError(-1128, "Combination of optional parameters invalid.")
        first = bisect_left(fills, from_id, key=lambda f: f.trade_id) if from_id is not None else 0
        found = [
            f
            for f in fills[first:]
            if (start is None or f.ms >= start)
            and (end is None or f.ms <= end)
            and (order_id is None or f.order.id == order_id)
        ]
        newest = from_id is None and start is None
        cut = found[-limit:] if newest else found[:limit]
        return [(usdm if self.x.futures else spot).trade(f) for f in cut]

    # --- account ---

    def mid2(self, s: Symbol) -> int:
        """Twice the middle of the book, ticks."""
        return sum(self.engine.books[s.name].best())

    def account(self, p: Params) -> Any:
        """Account information."""
        ms = self.x.clock.ms()
        if not self.x.futures:
            return spot.account_info(self.x.account, ms)
        symbols = list(self.x.symbols.values())
        return usdm.account_info(self.x.account, symbols, {s.name: self.mid2(s) for s in symbols}, ms)

    def positions(self, p: Params) -> Any:
        """positionRisk: one instrument, or all."""
        symbols = [self.x.symbol(p["symbol"])] if p.get("symbol") else list(self.x.symbols.values())
        return [usdm.position_risk(self.x.account, s, self.mid2(s), self.x.clock.ms()) for s in symbols]

    def commission(self, p: Params) -> Any:
        """Commission rates."""
        return (usdm if self.x.futures else spot).commission(self.x.account, self.x.symbol(p.get("symbol")))

    def restrictions(self, p: Params) -> Any:
        """What the key may do (wallet: Get API Key Permission)."""
        return {
            "ipRestrict": False,
            "createTime": 0,
            "enableInternalTransfer": False,
            "enableFutures": self.x.futures,
            "enableVanillaOptions": False,
            "permitsUniversalTransfer": False,
            "enableReading": True,
            "enableSpotAndMarginTrading": True,
            "enableWithdrawals": self.x.withdrawals,
            "enableMargin": False,
        }

    def position_mode(self, p: Params) -> Any:
        """Whether longs and shorts are held side by side: never here."""
        return {"dualSidePosition": False}

    def countdown(self, p: Params) -> Any:
        """Auto-cancel all open orders: everything of the instrument, unless it is said again in time; 0 disarms."""
        s, time_ms = self.x.symbol(p.get("symbol")), integer(p, "countdownTime")
        if time_ms is None:
            raise missing("countdownTime")
        self.x.countdowns.pop(s.name, None)
        if time_ms:
            self.x.countdowns[s.name] = self.x.clock.steady_ms() + time_ms
        return {"symbol": s.name, "countdownTime": str(time_ms)}

    def keep_key(self, p: Params) -> Any:
        """Another hour for the listen key."""
        self.x.keep_listen_key(p.get("listenKey"))
        return {"listenKey": self.x.new_listen_key()} if self.x.futures else {}

    def stop_key(self, p: Params) -> Any:
        """The listen key ends."""
        self.x.keep_listen_key(p.get("listenKey"))
        self.x.expire_listen_key()
        return {}
