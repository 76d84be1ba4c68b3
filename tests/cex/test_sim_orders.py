"""The documented flows of orders, on spot and on USD-M, over the websocket API and over REST."""

import asyncio
from decimal import Decimal

import pytest

from cex.sim.account import Fees
from tests.cex.simulated import Client, Json, on_exchange

VENUES = pytest.mark.parametrize("futures", [False, True], ids=["spot", "usdm"])


def test_spot_a_maker_order_is_placed_and_cancelled_with_its_events_in_order() -> None:
    async def body(c: Client) -> None:
        ws, (bid, _) = await c.orders(), await c.touch()
        placed = await ws.call("order.place", **c.maker("BUY", bid, newClientOrderId="se-1"))
        assert placed["status"] == 200
        assert set(placed["result"]) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
        assert [r["rateLimitType"] for r in placed["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
        new, held = (await ws.read())["event"], (await ws.read())["event"]
        assert (new["e"], new["x"], new["X"], new["c"], new["C"], new["w"]) == (
            "executionReport", "NEW", "NEW", "se-1", "", True)  # fmt: skip
        assert held["e"] == "outboundAccountPosition"
        usdt = next(b for b in held["B"] if b["a"] == "USDT")
        assert Decimal(usdt["l"]) == Decimal(bid) * Decimal("0.01")
        gone = await ws.call("order.cancel", symbol="BTCUSDT", origClientOrderId="se-1", newClientOrderId="cx")
        assert (gone["result"]["status"], gone["result"]["origClientOrderId"]) == ("CANCELED", "se-1")
        report = (await ws.read())["event"]
        # the event of a cancel names the request as "c" and the order as "C"
        assert (report["x"], report["X"], report["c"], report["C"]) == ("CANCELED", "CANCELED", "cx", "se-1")
        again = await ws.call("order.cancel", symbol="BTCUSDT", origClientOrderId="se-1")
        assert (again["status"], again["error"]) == (400, {"code": -2011, "msg": "Unknown order sent."})

    x = on_exchange(False, body)
    assert not x.engine.open
    assert set(x.account.locked_e8.values()) == {0}


def test_usdm_a_taker_order_trades_and_the_account_is_told_before_the_order() -> None:
    async def body(c: Client) -> None:
        ws, user, (bid, ask) = await c.orders(), await c.user(), await c.touch()
        placed = await ws.call("order.place", **c.limit("BUY", ask, "0.004", "IOC", newClientOrderId="se-2"))
        assert placed["result"]["status"] == "NEW"  # ACK, the default, shows it as accepted
        told = [await user.read() for _ in range(4)]
        assert [m["e"] for m in told] == ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]
        fill = told[3]["o"]
        assert (told[0]["o"]["x"], fill["x"], fill["X"], fill["m"]) == ("NEW", "TRADE", "FILLED", False)
        fee = Decimal(ask) * Decimal("0.004") * Decimal("0.0005")
        assert (Decimal(fill["n"]), fill["N"]) == (fee, "USDT")
        assert told[2]["a"]["P"][0]["pa"] == "0.004"
        assert Decimal(told[2]["a"]["B"][0]["wb"]) == 1_000_000 - fee
        for version in ("v2", "v3"):
            _, risk, _ = await c.rest("GET", f"/fapi/{version}/positionRisk", symbol="BTCUSDT")
            assert (risk[0]["positionAmt"], Decimal(risk[0]["entryPrice"])) == ("0.004", Decimal(ask))
        closing = await ws.call(
            "order.place", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.009", reduceOnly="true",
            newOrderRespType="RESULT",
        )  # fmt: skip
        assert (closing["result"]["status"], closing["result"]["executedQty"]) == ("EXPIRED", "0.004")
        _, trades, _ = await c.rest("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
        assert [t["id"] for t in trades] == sorted({t["id"] for t in trades})
        assert Decimal(trades[1]["realizedPnl"]) == (Decimal(bid) - Decimal(ask)) * Decimal("0.004")
        _, later, _ = await c.rest("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", fromId=trades[1]["id"], limit=5)
        assert later == trades[1:]

    x = on_exchange(True, body)
    assert x.engine.native.position(0) == 0


@VENUES
def test_post_only_that_would_take_is_refused(futures: bool) -> None:
    async def body(c: Client) -> None:
        ws, (_, ask) = await c.orders(), await c.touch()
        refused = await ws.call("order.place", **c.maker("BUY", ask))
        code = -5022 if futures else -2010
        assert (refused["status"], refused["error"]["code"]) == (400, code)
        assert not futures or refused["error"]["msg"].startswith("Due to the order could not be executed as maker")
        assert futures or refused["error"]["msg"] == "Order would immediately match and take."

    assert not on_exchange(futures, body).engine.orders


@VENUES
def test_immediate_orders(futures: bool) -> None:
    async def body(c: Client) -> None:
        ws, (bid, ask) = await c.orders(), await c.touch()
        path = "/fapi/v1/order" if futures else "/api/v3/order"
        # nothing to take: expired at once
        status, none, _ = await c.rest("POST", path, newOrderRespType="RESULT", **c.limit("BUY", bid, tif="IOC"))
        assert (status, none["status"], Decimal(none["executedQty"])) == (200, "EXPIRED", Decimal(0))
        status, killed, _ = await c.rest("POST", path, newOrderRespType="RESULT", **c.limit("BUY", ask, "80", "FOK"))
        if futures:
            assert (status, killed["code"]) == (400, -5021)
        else:
            assert (status, killed["code"]) == (400, -2010)  # 4.8 million USDT are not there
            status, killed, _ = await c.rest("POST", path, **c.limit("BUY", ask, "9", "FOK"))
            assert (status, killed["status"], killed["fills"]) == (200, "EXPIRED", [])
        market: Json = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
        answer = await ws.call("order.place", newOrderRespType="RESULT", **market)
        assert answer["result"]["status"] == "FILLED"

    on_exchange(futures, body)


@pytest.mark.parametrize(("asset", "paid"), [("bnb", "BNB"), ("received", "BTC"), ("quote", "USDT")])
def test_spot_commission_in_what_the_configuration_says(asset: str, paid: str) -> None:
    async def body(c: Client) -> None:
        _, ask = await c.touch()
        _, done, _ = await c.rest("POST", "/api/v3/order", **c.limit("BUY", str(Decimal(ask) + 5), tif="IOC"))
        for fill in done["fills"]:
            value = Decimal(fill["price"]) * Decimal(fill["qty"])
            right = {
                "BNB": value * Decimal("0.001") * Decimal("0.75") / 600,
                "BTC": Decimal(fill["qty"]) * Decimal("0.001"),
                "USDT": value * Decimal("0.001"),
            }[fill["commissionAsset"]]
            assert fill["commissionAsset"] == paid
            assert Decimal(fill["commission"]) == right.quantize(Decimal("1e-8"), rounding="ROUND_DOWN")
        assert done["status"] == "FILLED"
        _, account, _ = await c.rest("GET", "/api/v3/account")
        held = {b["asset"]: Decimal(b["free"]) for b in account["balances"]}
        fees = sum(Decimal(f["commission"]) for f in done["fills"])
        before = {"BNB": 1000, "BTC": Decimal("100.01"), "USDT": 1_000_000 - Decimal(done["cummulativeQuoteQty"])}
        assert held[paid] + fees == before[paid]

    on_exchange(False, body, fees=Fees(100_000, 100_000, asset))


def test_usdm_modify_keeps_the_id_and_counts_what_is_filled() -> None:
    async def body(c: Client) -> None:
        ws, user, (bid, ask) = await c.orders(), await c.user(), await c.touch()
        first = (await ws.call("order.place", **c.maker("BUY", bid, newClientOrderId="m")))["result"]
        lower = str(Decimal(bid) - 1)
        named: Json = {"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": "m"}
        moved = (await ws.call("order.modify", price=lower, quantity="0.02", **named))["result"]
        assert (moved["orderId"], moved["clientOrderId"], moved["price"]) == (first["orderId"], "m", lower)
        event = await user.until(lambda m: m["o"]["x"] == "AMENDMENT")
        assert (event["o"]["q"], event["o"]["X"]) == ("0.020", "NEW")
        same = await ws.call("order.modify", price=lower, quantity="0.02", **named)
        assert same["error"]["code"] == -5027
        crossing = await ws.call("order.modify", price=ask, quantity="0.02", **named)
        assert crossing["result"]["status"] == "EXPIRED"  # post-only: the amendment ends the order
        assert (await user.until(lambda m: m["o"]["x"] == "EXPIRED"))["o"]["i"] == first["orderId"]
        other = await ws.call("order.modify", price=lower, quantity="0.02", **named)
        assert other["error"]["code"] == -2011

    on_exchange(True, body)


def test_spot_cancel_replace_in_all_its_outcomes() -> None:
    async def body(c: Client) -> None:
        ws, (bid, ask) = await c.orders(), await c.touch()
        await ws.call("order.place", **c.maker("BUY", bid, newClientOrderId="a"))
        stop: Json = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelRestrictions": "ONLY_NEW"}
        lower = str(Decimal(bid) - 1)
        both = await ws.call("order.cancelReplace", cancelOrigClientOrderId="a", **stop,
                             **c.maker("BUY", lower, newClientOrderId="a"))  # fmt: skip
        assert both["status"] == 200
        assert both["result"]["cancelResponse"]["origClientOrderId"] == "a"
        assert both["result"]["newOrderResponse"]["clientOrderId"] == "a"
        neither = await ws.call("order.cancelReplace", cancelOrigClientOrderId="zz", **stop, **c.maker("BUY", lower))
        assert (neither["status"], neither["error"]["code"]) == (400, -2022)
        assert neither["error"]["data"]["newOrderResult"] == "NOT_ATTEMPTED"
        half = await ws.call("order.cancelReplace", cancelOrigClientOrderId="a", **stop, **c.maker("BUY", ask))
        assert (half["status"], half["error"]["code"]) == (409, -2021)
        assert half["error"]["data"]["newOrderResponse"]["code"] == -2010
        _, still, _ = await c.rest("GET", "/api/v3/openOrders", symbol="BTCUSDT")
        assert still == []

    on_exchange(False, body)


@VENUES
def test_client_ids_are_unique_among_open_orders_only(futures: bool) -> None:
    async def body(c: Client) -> None:
        ws, (bid, _) = await c.orders(), await c.touch()
        order = c.maker("BUY", bid, newClientOrderId="same")
        first = await ws.call("order.place", **order)
        twice = await ws.call("order.place", **order)
        assert twice["error"] == (
            {"code": -4116, "msg": "ClientOrderId is duplicated."}
            if futures
            else {"code": -2010, "msg": "Duplicate order sent."}
        )
        await ws.call("order.cancel", symbol="BTCUSDT", orderId=first["result"]["orderId"])
        third = await ws.call("order.place", **order)
        assert third["result"]["orderId"] > first["result"]["orderId"]

    on_exchange(futures, body)


def test_usdm_reduce_only_never_opens() -> None:
    async def body(c: Client) -> None:
        ws, (bid, _) = await c.orders(), await c.touch()
        refused = await ws.call("order.place", **c.maker("BUY", bid, reduceOnly="true"))
        assert refused["error"] == {"code": -2022, "msg": "ReduceOnly Order is rejected."}

    on_exchange(True, body)


@VENUES
def test_resting_orders_trade_when_the_market_comes_to_them(futures: bool) -> None:
    async def body(c: Client) -> None:
        ws = await c.orders()
        user = await c.user() if futures else ws
        for n, side in enumerate(("BUY", "SELL")):
            # the market moves: a price that has become a taker's is refused, and asked for again
            while (await ws.call("order.place", **c.maker(side, (await c.touch())[n])))["status"] != 200:
                pass

        def report(m: Json) -> Json:
            told: Json = m.get("o", {}) if futures else m["event"]
            return told

        told = report(await user.until(lambda m: report(m).get("x") == "TRADE", 8.0))
        assert told["X"] in ("FILLED", "PARTIALLY_FILLED")
        assert (told["m"], int(told["t"]) > 1_000_000) == (True, True)

    x = on_exchange(futures, body, rate=1.0, speed=10, order_limits=((1_000, 10_000),))
    assert all(f.maker for f in x.engine.fills["BTCUSDT"])


def test_the_countdown_cancels_by_itself_and_only_in_its_instrument() -> None:
    async def body(c: Client) -> None:
        ws, user = await c.orders(), await c.user()
        for symbol in ("BTCUSDT", "ETHUSDT"):
            bid, _ = await c.touch(symbol)
            await ws.call("order.place", **(c.maker("BUY", bid, "0.1") | {"symbol": symbol}))
        _, armed, _ = await c.rest("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=200)
        assert armed == {"symbol": "BTCUSDT", "countdownTime": "200"}
        gone = await user.until(lambda m: m["o"]["x"] == "CANCELED")
        assert gone["o"]["s"] == "BTCUSDT"
        await c.rest("POST", "/fapi/v1/countdownCancelAll", symbol="ETHUSDT", countdownTime=150)
        await c.rest("POST", "/fapi/v1/countdownCancelAll", symbol="ETHUSDT", countdownTime=0)
        await asyncio.sleep(0.3)
        assert [o.symbol.name for o in c.x.engine.open.values()] == ["ETHUSDT"]

    on_exchange(True, body, symbols=("BTCUSDT", "ETHUSDT"))


@VENUES
def test_what_is_asked_about_orders(futures: bool) -> None:
    async def body(c: Client) -> None:
        prefix = "/fapi/v1" if futures else "/api/v3"
        bid, _ = await c.touch()
        _, placed, _ = await c.rest("POST", f"{prefix}/order", **c.maker("BUY", bid, newClientOrderId="q"))
        _, shown, _ = await c.rest("GET", f"{prefix}/order", symbol="BTCUSDT", origClientOrderId="q")
        assert (shown["orderId"], shown["status"]) == (placed["orderId"], "NEW")
        _, opened, _ = await c.rest("GET", f"{prefix}/openOrders", symbol="BTCUSDT")
        assert opened == [shown]
        _, none, _ = await c.rest("GET", f"{prefix}/order", symbol="BTCUSDT", origClientOrderId="other")
        assert none == {"code": -2013, "msg": "Order does not exist."}
        _, gone, _ = await c.rest("DELETE", f"{prefix}/order", symbol="BTCUSDT", orderId=placed["orderId"])
        assert gone["status"] == "CANCELED"
        _, info, _ = await c.rest("GET", f"{prefix}/exchangeInfo", signed=False)
        filters = {f["filterType"] for f in info["symbols"][0]["filters"]}
        assert {"PRICE_FILTER", "LOT_SIZE", "MIN_NOTIONAL" if futures else "NOTIONAL"} <= filters
        _, rights, _ = await c.rest("GET", "/sapi/v1/account/apiRestrictions")
        assert (rights["enableReading"], rights["enableWithdrawals"]) == (True, False)
        _, rate, _ = await c.rest("GET", f"{prefix}/{'commissionRate' if futures else 'account/commission'}",
                                  symbol="BTCUSDT")  # fmt: skip
        maker = rate["makerCommissionRate"] if futures else rate["standardCommission"]["maker"]
        assert Decimal(maker) == (Decimal("0.0002") if futures else Decimal("0.001"))

    on_exchange(futures, body)
