"""A loopback exchange on a real socket, and a client that signs as the venue's documentation says."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from cex.sim.auth import Keys, ws_payload
from cex.sim.exchange import Exchange, Setup
from cex.sim.server import Server

KEY, SECRET = "key-of-a-test", "secret-of-a-test"
STILL = 0.0005  # an order flow in which nothing happens for the length of a test
Json = dict[str, Any]
ENDED = (
    aiohttp.WSMsgType.CLOSE,
    aiohttp.WSMsgType.CLOSED,
    aiohttp.WSMsgType.CLOSING,
    aiohttp.WSMsgType.ERROR,
)


class Socket:
    """A websocket whose messages are JSON."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, client: "Client") -> None:
        self.ws, self.client = ws, client
        self.events: list[Json] = []  # user data that came while an answer was awaited
        self._calls = 0

    async def read(self, timeout_s: float = 2.0) -> Json:
        message: Json = await self.ws.receive_json(timeout=timeout_s)
        return message

    async def until(self, wanted: Callable[[Json], bool], timeout_s: float = 3.0) -> Json:
        async with asyncio.timeout(timeout_s):
            while True:
                message = await self.read(timeout_s)
                if wanted(message):
                    return message

    async def ended(self, timeout_s: float = 3.0) -> None:
        """Until the other side has closed it."""
        async with asyncio.timeout(timeout_s):
            while (await self.ws.receive()).type not in ENDED:
                pass

    async def rest(self, silence_s: float) -> list[Json]:
        """What comes until nothing has come for so long."""
        heard = []
        try:
            while True:
                heard.append(await self.read(silence_s))
        except TimeoutError:
            return heard

    async def call(self, method: str, *, signed: bool = True, timeout_s: float = 2.0, **params: Any) -> Json:
        """The answer to a request of the websocket API; events that come before it are kept."""
        self._calls += 1
        if signed:
            params |= {"apiKey": KEY, "timestamp": self.client.clock_ms()}
            params["signature"] = hmac.new(SECRET.encode(), ws_payload(params), hashlib.sha256).hexdigest()
        await self.ws.send_json({"id": self._calls, "method": method, "params": params})
        while "event" in (message := await self.read(timeout_s)):
            self.events.append(message["event"])
        assert message["id"] == self._calls
        return message


class Client:
    """Speaks to one exchange."""

    def __init__(self, server: Server, http: aiohttp.ClientSession) -> None:
        self.server, self.x, self.http = server, server.x, http
        self.clock_ms = self.x.clock.ms  # what the client takes for the time
        self.base = f"http://127.0.0.1:{server.port}"

    async def rest(self, method: str, path: str, *, signed: bool = True, **params: Any) -> tuple[int, Any, Json]:
        """Status, JSON and headers."""
        if signed:
            params["timestamp"] = self.clock_ms()
        query = urlencode(params)
        if signed:
            query += "&signature=" + hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = URL(f"{self.base}{path}?{query}", encoded=True)
        async with self.http.request(method, url, headers={"X-MBX-APIKEY": KEY}) as answer:
            return answer.status, await answer.json(), dict(answer.headers)

    async def get(self, path: str, **params: Any) -> Any:
        return (await self.rest("GET", path, signed=False, **params))[1]

    async def faults(self, **orders: Any) -> Json:
        async with self.http.post(self.base + "/sim/faults", json=orders) as answer:
            assert answer.status == 200, await answer.text()
            shown: Json = await answer.json()
            return shown

    async def socket(self, path: str) -> Socket:
        return Socket(await self.http.ws_connect(self.base + path), self)

    async def orders(self) -> Socket:
        """The websocket API; on spot with the user data stream."""
        socket = await self.socket("/ws-fapi/v1" if self.x.futures else "/ws-api/v3")
        if not self.x.futures:
            answer = await socket.call("userDataStream.subscribe.signature")
            assert answer["result"] == {"subscriptionId": 0}
        return socket

    async def user(self) -> Socket:
        """USD-M: the user data stream."""
        _, body, _ = await self.rest("POST", "/fapi/v1/listenKey", signed=False)
        return await self.socket("/ws/" + body["listenKey"])

    async def touch(self, symbol: str = "BTCUSDT") -> tuple[str, str]:
        """Best bid and ask, digits."""
        book = await self.get("/sim/book", symbol=symbol)
        return book["bid"], book["ask"]

    def maker(self, side: str, px: str, qty: str = "0.01", **more: Any) -> Json:
        """A post-only order."""
        kind = {"type": "LIMIT", "timeInForce": "GTX"} if self.x.futures else {"type": "LIMIT_MAKER"}
        return {"symbol": "BTCUSDT", "side": side, "price": px, "quantity": qty, **kind, **more}

    def limit(self, side: str, px: str, qty: str = "0.01", tif: str = "GTC", **more: Any) -> Json:
        return {"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": tif, "price": px, "quantity": qty,
                **more}  # fmt: skip


@asynccontextmanager
async def exchange(futures: bool, **setup: Any) -> AsyncIterator[Client]:
    """A running exchange; its market stands still unless `rate` is given."""
    keys = setup.pop("keys", None) or Keys(KEY, SECRET)
    server = Server(Setup(futures=futures, keys=keys, **{"rate": STILL, **setup}))
    await server.start(0)
    try:
        async with aiohttp.ClientSession() as http:
            yield Client(server, http)
    finally:
        await server.stop()


def on_exchange(futures: bool, body: Callable[[Client], Awaitable[None]], **setup: Any) -> Exchange:
    """Runs `body` against an exchange of its own, which is returned as it was left."""

    async def run() -> Exchange:
        async with exchange(futures, **setup) as client:
            await body(client)
            return client.x

    return asyncio.run(run())
