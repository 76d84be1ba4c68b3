"""One websocket connection of the loopback exchange: what it is sent, in order, and what goes wrong with that."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Literal

from aiohttp import WSMsgType, web

from cex.sim.faults import Faults

Kind = Literal["market", "orders", "user"]
MOST_WAITING = 200_000
PING_EVERY_S, PONG_WITHIN_S, LIFE_S = 20.0, 60.0, 86_400.0


class Link:
    """Messages for one client. `push` never waits; one task sends them in order.

    The venue pings every 20 s, drops who does not answer within a minute and whoever has been connected for a day, and
    does not wait for those who do not read (web-socket-streams.md, "General WSS information").
    """

    def __init__(
        self,
        number: int,
        kind: Kind,
        ws: web.WebSocketResponse,
        faults: Faults,
        life_s: float,
        transport: asyncio.Transport | None,
    ) -> None:
        self.number, self.kind, self.ws, self._transport = number, kind, ws, transport
        self.streams: set[str] = set()
        self.combined = False
        self.key: str | None = None  # logged on with this API key
        self.user_data: int | None = None  # subscription to the user data stream
        self._faults = faults
        self._life_s = life_s
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._held: bytes | None = None
        self._free_at = 0.0
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._ponged = self._loop.time()
        self._tasks: list[asyncio.Task[None]] = []
        self.closing = False

    def push(self, message: bytes, what: str) -> None:
        """Sends `message`; `what` it is decides which misbehaviour may befall it."""
        if self.closing:
            return
        fate = self._faults.fate(what, self.number)
        if fate == "disconnect":
            self.cut()
        if fate in ("disconnect", "drop"):
            return
        if fate == "reorder" and self._held is None:
            self._held = message
            self._loop.call_later(1.0, self._release)
            return
        if fate == "delay":
            self._free_at = max(self._free_at, self._loop.time()) + self._faults.delay_s()
        self._put(message)
        if fate == "dup":
            self._put(message)
        self._release()

    def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._put(held)

    def _put(self, message: bytes) -> None:
        self._waiting.append((self._free_at, message))
        self._ready.set()
        if len(self._waiting) > MOST_WAITING:
            self.cut()

    def cut(self) -> None:
        """Ends the connection at once, without a closing handshake."""
        self.closing = True
        self._waiting.clear()
        self._ready.set()
        if self._transport is not None:
            self._transport.abort()

    def ponged(self) -> None:
        """The client answered a ping."""
        self._ponged = self._loop.time()

    async def __aenter__(self) -> Link:
        self._tasks = [self._loop.create_task(self._send()), self._loop.create_task(self._ping())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self) -> None:
        while not self.closing:
            if not self._waiting:
                self._ready.clear()
                await self._ready.wait()
                continue
            at, message = self._waiting.popleft()
            if (wait := at - self._loop.time()) > 0:
                await asyncio.sleep(wait)
            try:
                await self.ws.send_frame(message, WSMsgType.TEXT)
            except (ConnectionError, RuntimeError):
                self.cut()

    async def _ping(self) -> None:
        born = self._loop.time()
        while not self.closing:
            await asyncio.sleep(min(PING_EVERY_S, max(self._life_s - (self._loop.time() - born), 0.01)))
            now = self._loop.time()
            if now - born >= self._life_s:
                await self.ws.close(code=1008, message=b"disconnected at the end of the connection's life")
                return
            if now - self._ponged > PONG_WITHIN_S:
                return self.cut()
            try:
                await self.ws.send_frame(str(int(now * 1000)).encode(), WSMsgType.PING)
            except (ConnectionError, RuntimeError):
                self.cut()
