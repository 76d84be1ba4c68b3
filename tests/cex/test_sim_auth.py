"""Signatures, keys and times, held against the venue's own examples."""

import asyncio
import base64
import hashlib
import hmac

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from yarl import URL

from cex.sim import link
from cex.sim.auth import Keys, ws_payload
from tests.cex.simulated import KEY, SECRET, Client, Json, Socket, on_exchange

# rest-api.md and web-socket-api.md, "SIGNED request example (HMAC)"
DOC_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
DOC_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ORDER = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&"
REST_OF_IT = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
TOO_FAR = -1013  # what the order of the examples meets once its signature is good


@pytest.mark.parametrize(
    ("query", "body", "signature"),
    [
        (ORDER + REST_OF_IT, "", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        ("", ORDER + REST_OF_IT, "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (ORDER[:-1], REST_OF_IT, "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"),
    ],
    ids=["query", "body", "both"],
)
def test_the_documented_rest_requests_are_good_and_altered_ones_are_not(query: str, body: str, signature: str) -> None:
    async def send(c: Client) -> None:
        c.x.clock.skew_ms = 1499827319559 - c.x.clock.steady_ms()
        for sent, code in ((signature, TOO_FAR), (signature[:-1] + "0", -1022), (signature.upper(), TOO_FAR)):
            url = URL(f"{c.base}/api/v3/order?{query + '&' if query else ''}signature={sent}", encoded=True)
            headers = {"X-MBX-APIKEY": DOC_KEY, "Content-Type": "application/x-www-form-urlencoded"}
            async with c.http.post(url, data=body, headers=headers) as answer:
                assert (await answer.json())["code"] == code

    on_exchange(False, send, keys=Keys(DOC_KEY, DOC_SECRET), symbols=("LTCBTC",))


def test_the_documented_websocket_request_is_good() -> None:
    params: Json = {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000",
        "price": "52000.00", "newOrderRespType": "ACK", "recvWindow": 100, "timestamp": 1645423376532,
        "apiKey": DOC_KEY, "signature": "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a",
    }  # fmt: skip

    async def send(c: Client) -> None:
        ws = await c.socket("/ws-api/v3")
        c.x.clock.skew_ms = 1645423376532 - c.x.clock.steady_ms()
        assert (await ws.call("order.place", signed=False, **params))["result"]["symbol"] == "BTCUSDT"
        changed = await ws.call("order.place", signed=False, **(params | {"price": "52000.01"}))
        assert changed["error"] == {"code": -1022, "msg": "Signature for this request is not valid."}

    on_exchange(False, send, keys=Keys(DOC_KEY, DOC_SECRET))


def test_times_outside_the_window_are_refused() -> None:
    async def send(c: Client) -> None:
        ws = await c.orders()
        for skew_ms, code in ((0, 200), (6_000, -1021), (-1_500, -1021), (4_000, 200)):
            stamp = c.x.clock.ms()
            params: Json = {"symbol": "BTCUSDT", "apiKey": KEY, "timestamp": stamp - skew_ms}
            params["signature"] = hmac.new(SECRET.encode(), ws_payload(params), hashlib.sha256).hexdigest()
            answer = await ws.call("openOrders.status", signed=False, **params)
            assert answer.get("error", {"code": answer["status"]})["code"] == code

    on_exchange(False, send)


def test_keys_are_checked() -> None:
    async def send(c: Client) -> None:
        for headers, status, code in (({}, 401, -2014), ({"X-MBX-APIKEY": "other"}, 401, -2015)):
            async with c.http.get(c.base + "/api/v3/account?timestamp=1&signature=x", headers=headers) as answer:
                assert (answer.status, (await answer.json())["code"]) == (status, code)
        async with c.http.get(c.base + "/api/v3/account", headers={"X-MBX-APIKEY": KEY}) as answer:
            assert (await answer.json())["code"] == -1102

    on_exchange(False, send)


def test_ed25519_logs_on_and_then_needs_no_signature() -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    async def send(c: Client) -> None:
        ws = await c.socket("/ws-api/v3")
        early = await ws.call("userDataStream.subscribe", signed=False)
        assert early["status"] == 401
        hmac_logon = await ws.call("session.logon")
        assert hmac_logon["error"]["code"] == -4056
        params: Json = {"apiKey": KEY, "timestamp": c.x.clock.ms()}
        params["signature"] = base64.b64encode(private.sign(ws_payload(params))).decode()
        logon = await ws.call("session.logon", signed=False, **params)
        assert logon["result"]["apiKey"] == KEY
        assert (await ws.call("userDataStream.subscribe", signed=False))["result"] == {"subscriptionId": 0}
        bid, _ = await c.touch()
        order = c.maker("BUY", bid, timestamp=c.x.clock.ms())
        assert (await ws.call("order.place", signed=False, **order))["status"] == 200
        assert (await ws.read())["event"]["x"] == "NEW"

    on_exchange(False, send, keys=Keys(KEY, SECRET, pem))


def test_who_does_not_answer_pings_is_disconnected_and_who_does_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "PING_EVERY_S", 0.1)
    monkeypatch.setattr(link, "PONG_WITHIN_S", 0.35)

    async def send(c: Client) -> None:
        deaf = await c.http.ws_connect(c.base + "/stream", autoping=False)
        polite = await c.http.ws_connect(c.base + "/stream")
        reading = asyncio.ensure_future(polite.receive())  # aiohttp answers pings while it reads
        kinds = [(await deaf.receive(2.0)).type for _ in range(3)]
        assert kinds == [aiohttp.WSMsgType.PING] * 3
        await Socket(deaf, c).ended()
        await asyncio.sleep(0.2)
        assert not reading.done()
        reading.cancel()

    on_exchange(False, send)


def test_a_connection_ends_with_its_life() -> None:
    async def send(c: Client) -> None:
        ws = await c.socket("/stream?streams=btcusdt@trade")
        await ws.ended()
        assert ws.ws.close_code == 1008

    on_exchange(False, send, connection_life_s=0.3)
