"""The sockets of the loopback exchange: one port for REST, streams, the websocket API and the control endpoint."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import WSMsgType, web

from cex.sim import control
from cex.sim.api import Api
from cex.sim.door import Door
from cex.sim.errors import VenueError
from cex.sim.exchange import Exchange, Setup
from cex.sim.link import Kind, Link
from cex.sim.rest import Rest
from cex.sim.streams import MESSAGES_PER_S, Streams
from cex.sim.wsapi import WsApi

LONGEST_NAP_S, SHORTEST_NAP_S = 0.005, 0.0005
WS_API = ("/ws-api/v3", "/ws-fapi/v1")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Server:
    """A running loopback exchange. `start` listens, `wait` returns after a shutdown, `stop` ends it."""

    def __init__(self, setup: Setup) -> None:
        self.x = Exchange(setup)
        self.door = Door(self.x, Api(self.x))
        self.rest, self.wsapi, self.streams = Rest(self.door), WsApi(self.door), Streams(self.x)
        self.port = 0
        self._links = 0
        self._over = asyncio.Event()
        self._clock: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None
        self.control = control.Control(self.x, asyncio.get_running_loop().time)

    async def start(self, port: int, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        """Listens on `port`, or on a free one for 0; `self.port` is it."""
        app = web.Application(middlewares=[self._network])
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=tls, reuse_address=True)
        await site.start()
        assert self._runner.addresses
        self.port = self._runner.addresses[0][1]
        self._clock = asyncio.get_running_loop().create_task(self._tick())

    async def wait(self) -> None:
        """Until somebody asks for a shutdown, or the market fails."""
        over = asyncio.ensure_future(self._over.wait())
        assert self._clock is not None
        await asyncio.wait([over, self._clock], return_when=asyncio.FIRST_COMPLETED)
        if self._clock.done() and not self._clock.cancelled():
            self._clock.result()

    async def stop(self) -> None:
        """Ends all connections and closes the log."""
        if self._clock:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)
        self.x.cut("all")
        if self._runner:
            await self._runner.cleanup()
        self.x.log.close()

    async def _tick(self) -> None:
        while True:
            self.x.tick()
            due = min(m.due_ns() for m in self.x.markets.values()) - self.x.clock.now_ns()
            await asyncio.sleep(min(max(self.x.clock.wall_s(due), SHORTEST_NAP_S), LONGEST_NAP_S))

    @web.middleware
    async def _network(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if asyncio.get_running_loop().time() < self.x.cut_until_s and not request.path.startswith("/sim/"):
            if request.transport:
                request.transport.abort()
            raise ConnectionResetError
        return await handler(request)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.startswith("/sim/"):
            return await self._control(request)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return await self.rest.handle(request)
        for prefix in ("/public", "/market", "/private"):
            path = path.removeprefix(prefix) if self.x.futures else path
        if path == WS_API[self.x.futures]:
            return await self._ws_api(request)
        if path == "/stream" or path == "/ws" or path.startswith("/ws/"):
            return await self._stream(request, path)
        return web.Response(status=404, text="")

    async def _open(self, request: web.Request, kind: Kind) -> Link:
        ws = web.WebSocketResponse(autoping=False, max_msg_size=1 << 20, compress=False)
        await ws.prepare(request)
        self._links += 1
        link = Link(self._links, kind, ws, self.x.faults, self.x.setup.connection_life_s, request.transport)
        self.x.links.add(link)
        return link

    async def _ws_api(self, request: web.Request) -> web.StreamResponse:
        try:
            self.door.spend(2)
        except VenueError as error:
            return web.Response(status=error.status, body=orjson.dumps(error.body()), content_type="application/json")
        link = await self._open(request, "orders")
        shown = request.query.get("returnRateLimits", "true") != "false"
        await self._serve(link, lambda text: self.wsapi.handle(link, text, shown))
        return link.ws

    async def _stream(self, request: web.Request, path: str) -> web.StreamResponse:
        link = await self._open(request, "market")
        link.combined = path == "/stream"
        names = request.query.get("streams", "") if link.combined else path.removeprefix("/ws").removeprefix("/")
        recent: deque[float] = deque(maxlen=MESSAGES_PER_S[self.x.futures])
        now_s = asyncio.get_running_loop().time

        def message(text: str) -> None:
            if len(recent) == recent.maxlen and now_s() - recent[0] < 1.0:
                return link.cut()  # too many messages: "a connection that goes beyond the limit will be disconnected"
            recent.append(now_s())
            self.streams.handle(link, text)

        try:
            self.streams.subscribe(link, [name for name in names.split("/") if name])
        except VenueError as error:
            link.push(orjson.dumps({"error": {"code": error.code, "msg": error.msg}}), "answer")
        await self._serve(link, message)
        return link.ws

    async def _serve(self, link: Link, message: Callable[[str], None]) -> None:
        try:
            async with link:
                async for received in link.ws:
                    if received.type == WSMsgType.TEXT:
                        message(received.data)
                    elif received.type == WSMsgType.PING:
                        await link.ws.pong(received.data)
                    elif received.type == WSMsgType.PONG:
                        link.ponged()
        finally:
            self.x.gone(link)

    async def _control(self, request: web.Request) -> web.StreamResponse:
        if request.remote not in LOOPBACK:
            return web.Response(status=403, text="the control endpoint is for this machine only\n")
        try:
            if (request.method, request.path) == ("POST", "/sim/faults"):
                return _json(self.control.orders(orjson.loads(await request.read())))
            if (request.method, request.path) == ("POST", "/sim/shutdown"):
                self._over.set()
                return _json({})
            if (request.method, request.path) == ("GET", "/sim/state"):
                return _json(control.state(self.x, brief=bool(request.query.get("brief"))))
            if (request.method, request.path) == ("GET", "/sim/book"):
                return _json(control.book(self.x, request.query.get("symbol", "")))
        except (ValueError, TypeError, AttributeError) as error:
            return _json({"error": str(error)}, 400)
        except KeyError as error:
            return _json({"error": f"no instrument {error}"}, 404)
        return _json({"error": "there are POST /sim/faults and /sim/shutdown, GET /sim/state and /sim/book"}, 404)


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
