"""Each misbehaviour does what it says, and the exchange's own log is what a client was told."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from cex.sim.faults import Faults, parse
from tests.cex.simulated import Client, Json, on_exchange

DEPTH = "/stream?streams=btcusdt@depth@100ms"


def chain(events: list[Json]) -> tuple[int, int, int]:
    """Of depth events: gaps, repetitions, and events that came too early."""
    gaps = repeated = late = 0
    last = events[0]["pu"]
    for e in events:
        if e["u"] == last:
            repeated += 1
        elif e["u"] < last:
            late += 1
        elif e["pu"] != last:
            gaps += 1
        last = max(last, e["u"])
    return gaps, repeated, late


@pytest.mark.parametrize(
    ("rates", "sound"),
    [
        ({}, lambda g, r, o: (g, r, o) == (0, 0, 0)),
        ({"drop": 0.2}, lambda g, r, o: g > 3 and (r, o) == (0, 0)),
        ({"gap": 0.1}, lambda g, r, o: g > 2 and (r, o) == (0, 0)),
        ({"dup": 0.2}, lambda g, r, o: r > 3 and (g, o) == (0, 0)),
        ({"reorder": 0.2}, lambda g, r, o: o > 3 and g == o and r == 0),
        ({"delay": 0.1}, lambda g, r, o: (g, r, o) == (0, 0, 0)),
    ],
    ids=["none", "drop", "gap", "dup", "reorder", "delay"],
)
def test_market_messages_by_a_seeded_schedule(rates: dict[str, float], sound: Any) -> None:
    async def body(c: Client) -> None:
        ws = await c.socket(DEPTH)
        events = [(await ws.read())["data"] for _ in range(60)]
        assert sound(*chain(events)), chain(events)
        counts = c.x.faults.counts
        assert set(counts) - {"gap_event"} == set(rates)

    on_exchange(True, body, speed=20, rate=0.2, fault_rates=rates, fault_seed=3, delay_ms=20)


def test_the_same_seed_gives_the_same_faults() -> None:
    def fates(seed: int) -> list[str]:
        faults = Faults(seed, {"drop": 0.1, "dup": 0.1, "gap": 0.1}, None)
        return [faults.fate("depth", 1) for _ in range(200)]

    assert fates(1) == fates(1) != fates(2)
    assert parse("drop=0.5,delay=0.25:40") == ({"drop": 0.5, "delay": 0.25}, 40)
    for wrong in ("drip=0.1", "drop", "drop=2", "delay=0.1:soon"):
        with pytest.raises(ValueError, match=wrong.partition("=")[0]):
            parse(wrong)


@pytest.mark.parametrize("futures", [False, True], ids=["spot", "usdm"])
def test_an_ack_is_lost_and_the_order_is_there_or_the_request_is_and_it_is_not(futures: bool) -> None:
    async def body(c: Client) -> None:
        ws, (bid, _) = await c.orders(), await c.touch()
        path = "/fapi/v1/order" if futures else "/api/v3/order"
        for fault, lives in (("lost_ack", True), ("lost_request", False)):
            await c.faults(**{fault: 1})
            with pytest.raises(TimeoutError):
                await ws.call("order.place", timeout_s=0.2, **c.maker("BUY", bid, newClientOrderId=fault))
            status, _, _ = await c.rest("GET", path, symbol="BTCUSDT", origClientOrderId=fault)
            assert (status == 200) is lives
            ws = await c.socket("/ws-fapi/v1" if futures else "/ws-api/v3")
            await c.faults(**{fault: 1})
            with pytest.raises(TimeoutError):  # over REST, too
                async with asyncio.timeout(0.2):
                    await c.rest("POST", path, **c.maker("BUY", bid, newClientOrderId=fault + "-rest"))
            status, _, _ = await c.rest("GET", path, symbol="BTCUSDT", origClientOrderId=fault + "-rest")
            assert (status == 200) is lives

    assert len(on_exchange(futures, body).engine.open) == 2


def test_rejected_throttled_and_banned() -> None:
    async def body(c: Client) -> None:
        ws, (bid, _) = await c.orders(), await c.touch()
        await c.faults(reject=2)
        codes = [(await ws.call("order.place", **c.maker("BUY", bid))).get("error", {}).get("code") for _ in range(3)]
        assert codes == [-2010, -2010, None]
        for status in (429, 418):
            await c.faults(throttle={"status": status, "ms": 300})
            refused = await ws.call("time", signed=False)
            assert (refused["status"], refused["error"]["code"]) == (status, -1003)
            assert refused["error"]["data"]["retryAfter"] > c.x.clock.ms()
            got, _, headers = await c.rest("GET", "/api/v3/time", signed=False)
            assert (got, headers["Retry-After"]) == (status, "1")
            await asyncio.sleep(0.35)
            assert (await ws.call("time", signed=False))["status"] == 200

    on_exchange(False, body)


def test_disconnections_of_all_kinds_and_of_the_network() -> None:
    async def body(c: Client) -> None:
        market, orders, user = await c.socket(DEPTH), await c.orders(), await c.user()
        await c.faults(disconnect="market")
        await market.ended()
        await c.faults(disconnect="user")
        await user.ended()
        assert (await orders.call("time", signed=False))["status"] == 200
        number = next(link.number for link in c.x.links)
        await c.faults(disconnect=number)
        await orders.ended()
        market = await c.socket(DEPTH)
        await c.faults(cut_s=0.4)
        await market.ended()
        with pytest.raises(aiohttp.ClientError):
            await c.socket(DEPTH)
        with pytest.raises(aiohttp.ClientError):
            await c.get("/fapi/v1/time")
        assert (await c.get("/sim/state"))["open"] == []  # the control endpoint goes on
        await asyncio.sleep(0.45)
        assert "serverTime" in await c.get("/fapi/v1/time")

    on_exchange(True, body)


def test_clock_skew_is_in_the_venues_time_and_in_its_checks() -> None:
    async def body(c: Client) -> None:
        c.clock_ms = c.x.clock.steady_ms
        ws = await c.socket("/stream?streams=btcusdt@bookTicker")
        for skew_ms, refusal in ((-30_000, "Timestamp for this request was 1000ms ahead of the server's time."),
                                 (30_000, "Timestamp for this request is outside of the recvWindow.")):  # fmt: skip
            await c.faults(skew_ms=skew_ms)
            answer = await c.get("/fapi/v1/time")
            assert skew_ms - 1_000 < answer["serverTime"] - c.clock_ms() <= skew_ms
            status, error, _ = await c.rest("GET", "/fapi/v2/balance")
            assert (status, error) == (400, {"code": -1021, "msg": refusal})
            quote = await ws.until(lambda m: abs(m["data"]["E"] - c.clock_ms() - skew_ms) < 5_000)  # noqa: B023
            assert quote["data"]["e"] == "bookTicker"
        await c.faults(skew_ms=0)
        assert (await c.rest("GET", "/fapi/v2/balance"))[0] == 200

    on_exchange(True, body, rate=1.0)


def test_a_muted_user_stream_and_an_expired_listen_key() -> None:
    async def body(c: Client) -> None:
        ws, user, (bid, _) = await c.orders(), await c.user(), await c.touch()
        await c.faults(mute_user=True)
        await ws.call("order.place", **c.maker("BUY", bid, newClientOrderId="unheard"))
        await c.faults(mute_user=False)
        await ws.call("order.cancel", symbol="BTCUSDT", origClientOrderId="unheard")
        assert (await user.read())["o"]["x"] == "CANCELED"
        assert c.x.listen_key is not None
        key = c.x.listen_key[0]
        await c.faults(expire_listen_key=True)
        ended = await user.read()
        assert (ended["e"], ended["listenKey"]) == ("listenKeyExpired", key)
        status, body, _ = await c.rest("PUT", "/fapi/v1/listenKey", signed=False)
        assert (status, body["code"]) == (400, -1125)

    on_exchange(True, body)


def test_a_listen_key_lives_an_hour_unless_it_is_kept() -> None:
    async def body(c: Client) -> None:
        user = await c.user()
        assert (await c.rest("PUT", "/fapi/v1/listenKey", signed=False))[0] == 200
        ended = await user.read(3.0)
        assert ended["e"] == "listenKeyExpired"

    on_exchange(True, body, speed=36_000, rate=0.00001)  # an hour is a tenth of a second


def test_a_frozen_feed_sends_nothing_and_then_goes_on_without_a_gap() -> None:
    async def body(c: Client) -> None:
        ws = await c.socket(DEPTH)
        first = await ws.read()
        await c.faults(freeze_ms=8_000)  # 0.4 s
        before = [first, *await ws.rest(0.2)][-1]
        after = await ws.read(1.0)
        assert after["data"]["pu"] == before["data"]["u"]

    on_exchange(True, body, speed=20, rate=0.3)


def test_unknown_orders_to_the_control_endpoint_change_nothing() -> None:
    async def body(c: Client) -> None:
        for wrong in ({"skew_ms": 5, "sulk": 1}, {"rates": {"drip": 1}}, {"disconnect": "everything"}, [1]):
            async with c.http.post(c.base + "/sim/faults", json=wrong) as answer:
                assert answer.status == 400
        assert c.x.clock.skew_ms == 0

    on_exchange(True, body)


@pytest.mark.parametrize("futures", [False, True], ids=["spot", "usdm"])
def test_the_log_is_what_a_client_was_told(futures: bool, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    told: list[tuple[Any, ...]] = []

    async def body(c: Client) -> None:
        ws = await c.orders()
        user = await c.user() if futures else ws

        def hear(m: Json) -> None:
            o = m.get("o", {}) if futures else m.get("event", {})
            if o.get("x"):
                told.append((o["x"], o["i"], o["t"] if o["x"] == "TRADE" else 0, o["n"] if o["x"] == "TRADE" else ""))

        for n in range(12):
            bid, ask = await c.touch()
            px = (ask, bid, bid, ask)[n % 4]
            await ws.call("order.place", **c.limit("BUY" if n % 2 == 0 else "SELL", px, tif=("IOC", "GTC")[n % 3 > 0]))
            if n % 4 == 3:
                for o in c.x.engine.opened(None)[:1]:
                    await ws.call("order.cancel", symbol="BTCUSDT", orderId=o.id)
            assert path.read_bytes().endswith(b"}\n")
        await asyncio.sleep(0.3)
        for event in ws.events:
            hear({"event": event})
        ws.events.clear()
        c.x.freeze(10**9)
        for message in await user.rest(0.3):
            hear(message)
        state = await c.get("/sim/state")
        log = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        fills = [x for x in log if x["what"] == "fill"]
        assert [f["trade"] for f in fills] == [f["trade"] for f in state["fills"]]
        sums: dict[str, int] = {}
        for f in fills:
            sums[f["fee_asset"]] = sums.get(f["fee_asset"], 0) + f["fee_e8"]
        assert sums == state["fees_e8"]
        signed = sum((Decimal(f["qty"]) * (1 if f["side"] == "BUY" else -1) for f in fills), Decimal(0))
        assert signed == Decimal(state["positions"]["BTCUSDT"])

    on_exchange(futures, body, speed=5, rate=1.0, log=path)
    log = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    names = {"place": "NEW", "cancel": "CANCELED"}
    written = [
        (names[x["act"]], x["order"], 0, "")
        if x["what"] == "accepted"
        else ("TRADE", x["order"], x["trade"], str(Decimal(x["fee_e8"]).scaleb(-8)))
        if x["what"] == "fill"
        else ("TRADE_PREVENTION" if x["why"] == "self_trade" and not futures else "EXPIRED", x["order"], 0, "")
        for x in log
    ]
    assert [(t[0], t[1], t[2], Decimal(t[3] or 0)) for t in told] == [(*w[:3], Decimal(w[3] or 0)) for w in written]
    assert {"NEW", "TRADE", "CANCELED"} <= {t[0] for t in told}
    assert all(x["wall_ns"] > 0 and x["venue_ns"] > 0 for x in log)
