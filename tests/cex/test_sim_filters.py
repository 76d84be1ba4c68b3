"""What the venue refuses before the matching engine, with its codes and texts; and its rate limits."""

import pytest

from tests.cex.simulated import STILL, Client, Json, on_exchange

SPOT = [
    ({"price": "59000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    ({"price": "59000.000000001"}, -1111, "Parameter 'price' has too much precision."),
    ({"price": "-1"}, -1100, "Illegal characters found in parameter 'price'"),
    ({"price": ""}, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
    ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
    ({"quantity": "0"}, -1013, "Filter failure: LOT_SIZE"),
    ({"quantity": "100000"}, -1013, "Filter failure: LOT_SIZE"),
    ({"quantity": "0.00005"}, -1013, "Filter failure: NOTIONAL"),
    ({"price": "400000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    ({"price": "9000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    ({"quantity": "20"}, -2010, "Account has insufficient balance for requested action."),
    ({"symbol": "NOTUSDT"}, -1121, "Invalid symbol."),
    ({"side": "HOLD"}, -1117, "Invalid side."),
    ({"type": "WISH"}, -1116, "Invalid orderType."),
    ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
    ({"timeInForce": ""}, -1102, "Mandatory parameter 'timeInForce'"),
    ({"newClientOrderId": "no blanks"}, -1100, "Illegal characters found in parameter 'newClientOrderId'"),
    ({"type": "MARKET"}, -1106, "Parameter 'timeInForce' sent when not required."),
]
USDM = [
    ({"price": "59000.05"}, -4014, "Price not increased by tick size."),
    ({"price": "59000.001"}, -1111, "Precision is over the maximum defined for this asset."),
    ({"price": "0"}, -4001, "Price less than 0."),
    ({"quantity": "0.0001"}, -1111, "Precision is over the maximum defined for this asset."),
    ({"quantity": "0"}, -4003, "Quantity less than or equal to zero."),
    ({"quantity": "10000"}, -4005, "Quantity greater than max quantity."),
    ({"quantity": "0.001"}, -4164, "Order's notional must be no smaller than 100 (unless you choose reduce only)."),
    ({"price": "64000"}, -4016, "Limit price can't be higher than"),
    ({"price": "50000", "side": "SELL"}, -4024, "Limit price can't be lower than"),
    ({"quantity": "400"}, -2019, "Margin is insufficient."),
    ({"positionSide": "LONG"}, -4061, "Order's position side does not match user's setting."),
]


@pytest.mark.parametrize(("futures", "cases"), [(False, SPOT), (True, USDM)], ids=["spot", "usdm"])
def test_each_filter_has_its_code_and_text(futures: bool, cases: list[tuple[Json, int, str]]) -> None:
    async def body(c: Client) -> None:
        ws = await c.orders()
        for wrong, code, text in cases:
            answer = await ws.call("order.place", **(c.limit("BUY", "59000") | wrong))
            assert answer["status"] == 400
            assert (answer["error"]["code"], answer["error"]["msg"][: len(text)]) == (code, text), wrong
        good = await ws.call("order.test", **c.limit("BUY", "59000"))
        assert good["result"] == {}
        await ws.call("order.place", **c.limit("BUY", "59000"))

    limits = ((10_000, 10_000),)
    assert len(on_exchange(futures, body, order_limits=limits).engine.orders) == 1


@pytest.mark.parametrize("futures", [False, True], ids=["spot", "usdm"])
def test_no_more_open_orders_than_the_venue_allows(futures: bool) -> None:
    async def body(c: Client) -> None:
        ws = await c.orders()
        for _ in range(200):
            assert (await ws.call("order.place", **c.limit("BUY", "59000", "0.003")))["status"] == 200
        over = await ws.call("order.place", **c.limit("BUY", "59000", "0.003"))
        assert over["error"]["code"] == (-2025 if futures else -2010)
        assert over["error"]["msg"] == ("Reach max open order limit." if futures else "Filter failure: MAX_NUM_ORDERS")

    on_exchange(futures, body, order_limits=((10_000, 10_000),))


def test_too_many_orders_are_refused_and_cancels_are_not() -> None:
    async def body(c: Client) -> None:
        ws = await c.orders()
        answers = [await ws.call("order.place", **c.limit("BUY", "59000")) for _ in range(4)]
        assert [a["status"] for a in answers] == [200, 200, 200, 429]
        error = answers[3]["error"]
        assert (error["code"], error["msg"]) == (
            -1015, "Too many new orders; current limit is 3 orders per 1 DAY.")  # fmt: skip
        assert error["data"]["retryAfter"] > error["data"]["serverTime"]
        used = [r["count"] for r in answers[2]["rateLimits"]]
        assert used[0] == 3
        gone = await ws.call("order.cancel", symbol="BTCUSDT", orderId=answers[0]["result"]["orderId"])
        assert gone["status"] == 200
        status, body, headers = await c.rest("POST", "/api/v3/order", **c.limit("BUY", "59000"))
        assert (status, body["code"], "data" in body) == (429, -1015, False)
        assert int(headers["Retry-After"]) > 0
        assert headers["X-MBX-ORDER-COUNT-1D"] == "3"

    on_exchange(False, body, order_limits=((3, 86_400_000),))


def test_weight_is_counted_and_who_goes_on_is_banned() -> None:
    async def body(c: Client) -> None:
        _, _, headers = await c.rest("GET", "/api/v3/depth", signed=False, symbol="BTCUSDT", limit=5000)
        assert headers["X-MBX-USED-WEIGHT-1M"] == "250"
        seen = []
        for _ in range(30):
            status, answer, headers = await c.rest("GET", "/api/v3/depth", signed=False, symbol="BTCUSDT", limit=5000)
            seen.append(status)
            assert status == 200 or (answer["code"], "Retry-After" in headers) == (-1003, True)
        assert seen[:3] == [200, 200, 200]
        assert seen[3] == 429
        assert seen.index(418) == 3 + 19  # twenty refusals
        assert set(seen[22:]) == {418}
        assert int(headers["Retry-After"]) > 60

    on_exchange(False, body, weight_limit=1000, rate=STILL)


def test_a_window_begins_anew() -> None:
    from cex.sim.errors import VenueError
    from cex.sim.limits import Limits

    limits = Limits(100, [(2, 10_000)])
    for now_ms in (19_998, 19_999, 20_000, 20_001):
        limits.spend(1, True, now_ms)
    with pytest.raises(VenueError, match="2 orders per 10 SECOND"):
        limits.spend(1, True, 29_999)
    limits.spend(1, True, 30_000)
    assert limits.shown(True)[0]["count"] == 1
