"""One loopback exchange: markets, engine, account, and who is told of what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from cex.sim import spot, usdm
from cex.sim.account import Account, Fees
from cex.sim.auth import Keys
from cex.sim.clock import Clock
from cex.sim.engine import Engine
from cex.sim.errors import BAD_LISTEN_KEY, BAD_SYMBOL, VenueError
from cex.sim.faults import Faults
from cex.sim.limits import Limits
from cex.sim.link import Link
from cex.sim.log import Log
from cex.sim.market import FlowMarket, Levels, Touch
from cex.sim.orders import Told
from cex.sim.recording import Recording
from cex.sim.symbols import E8, Symbol, listed

MATCHING = (
    '{"queue_model": {"kind": "power_prob", "n": 3.0}, "partial_fills": true, '
    '"self_trade_prevention": "expire_maker", "amend_requeues": %s}'
)
LISTEN_KEY_MS = 3_600_000
DEPTH_MS = {False: {"": 1000, "100ms": 100, "1000ms": 1000}, True: {"": 250, "0ms": 50, "100ms": 100, "250ms": 250,
                                                                    "500ms": 500}}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a loopback exchange is started with. `order_limits`: (orders, window in ms)."""

    futures: bool
    keys: Keys
    symbols: tuple[str, ...] = ("BTCUSDT",)
    seed: int = 7
    rate: float = 1.0
    recording: Path | None = None
    speed: int = 1
    origin_ns: int = 0
    fees: Fees | None = None
    balances_e8: dict[str, int] = field(default_factory=dict)
    fault_rates: dict[str, float] = field(default_factory=dict)
    delay_ms: int | None = None
    fault_seed: int = 1
    log: Path | None = None
    tops: Path | None = None
    weight_limit: int = 0
    order_limits: tuple[tuple[int, int], ...] = ()
    connection_life_s: float = 86_400.0
    withdrawals: bool = False


class Exchange:
    """The venue behind the sockets. Nothing here waits."""

    def __init__(self, setup: Setup) -> None:
        self.setup, self.futures, self.keys = setup, setup.futures, setup.keys
        self.clock = Clock(setup.speed, setup.origin_ns)
        self.symbols = listed(setup.futures, list(setup.symbols))
        fees = setup.fees or (Fees(20_000, 50_000) if setup.futures else Fees(100_000, 100_000))
        self.account = Account(setup.futures, fees, setup.balances_e8 or _opening(setup.futures, self.symbols))
        self.log = Log(setup.log, setup.tops, self.clock)
        matching = MATCHING % ("true" if setup.futures else "false")
        self.engine = Engine(setup.futures, self.symbols, self.account, self.clock, self.log, matching)
        self.engine.tell = self._tell
        default = (
            (2400, ((300, 10_000), (1200, 60_000))) if setup.futures else (6000, ((50, 10_000), (160_000, 86_400_000)))
        )
        self.limits = Limits(setup.weight_limit or default[0], list(setup.order_limits or default[1]))
        self.faults = Faults(setup.fault_seed, setup.fault_rates, setup.delay_ms)
        self._listen_keys = 0
        self.links: set[Link] = set()
        self._holding, self._held = 0, list[bytes]()
        self._subscribers: dict[str, set[Link]] = defaultdict(set)
        self.listen_key: tuple[str, int] | None = None  # key, venue ms at which it ends
        self.countdowns: dict[str, int] = {}
        self.withdrawals = setup.withdrawals
        self.cut_until_s = 0.0
        self.frozen_until_ns = 0
        start_ns = self.clock.now_ns()
        self.markets: dict[str, FlowMarket | Recording] = {}
        for s in self.symbols.values():
            if setup.recording:
                market: FlowMarket | Recording = Recording(s, self, setup.recording, start_ns)
            else:
                market = FlowMarket(s, self, setup.seed + s.number, setup.rate, start_ns)
            self.markets[s.name] = self.engine.books[s.name] = market

    # --- the market's side ---

    def on_depth(self, symbol: Symbol, ids: tuple[int, int, int], bids: Levels, asks: Levels, ns: int) -> None:
        """The book changed."""
        if receipts := self.engine.native.depth(symbol.number, ids, bids, asks, ns):
            self.engine.settle(receipts)

    def on_snapshot(self, symbol: Symbol, last_id: int, bids: Levels, asks: Levels, ns: int) -> None:
        """The book as it stands at the start."""
        self.engine.settle(self.engine.native.snapshot(symbol.number, last_id, bids, asks, ns))

    def on_trade(self, symbol: Symbol, px: int, lots: int, side: int, ns: int) -> None:
        """Somebody traded; `side` is the aggressor's."""
        if receipts := self.engine.native.trade(symbol.number, px, lots, side, ns):
            self.engine.settle(receipts)

    def on_top(self, symbol: Symbol, update: int, touch: Touch) -> None:
        """The best prices or their quantities changed."""
        self.log.top(symbol, update, touch)

    def venue_ms(self, ns: int) -> int:
        """The time that the venue writes for a moment of the market."""
        return ns // 1_000_000 + self.clock.skew_ms

    def wanted(self, stream: str) -> bool:
        """Whether anybody has subscribed to it."""
        return bool(self._subscribers.get(stream))

    def publish(self, stream: str, payload: bytes, what: str) -> None:
        """Sends a message to all who have."""
        wrapped = b'{"stream":"%s","data":%s}' % (stream.encode(), payload)
        for link in list(self._subscribers.get(stream, ())):
            link.push(wrapped if link.combined else payload, what)

    def tick(self) -> None:
        """Time goes on: markets, countdowns, listen keys."""
        now_ns = self.clock.now_ns()
        if now_ns >= self.frozen_until_ns:
            for market in self.markets.values():
                market.advance(now_ns)
        now_ms = self.clock.steady_ms()
        for name, until in list(self.countdowns.items()):
            if now_ms >= until:
                del self.countdowns[name]
                for order in self.engine.opened(name):
                    self.engine.cancel(order, by="countdown")
        if self.listen_key and now_ms >= self.listen_key[1]:
            self.expire_listen_key()

    def freeze(self, ms: int) -> None:
        """The markets stand still for so long (venue ms)."""
        now_ns = self.clock.now_ns()
        self.frozen_until_ns = now_ns + ms * 1_000_000
        for market in self.markets.values():
            market.pause(ms * 1_000_000)

    # --- streams ---

    def subscribe(self, link: Link, stream: str) -> None:
        """A market stream, or the user data stream by its listen key. Raises -1125 for a key that is none."""
        symbol, _, kind = stream.partition("@")
        name, _, speed = kind.partition("@")
        if not kind:
            if self.listen_key is None or stream != self.listen_key[0]:
                raise VenueError(*BAD_LISTEN_KEY)
            link.kind = "user"
        elif name == "depth" and symbol.upper() in self.markets and speed in DEPTH_MS[self.futures]:
            every_ms = DEPTH_MS[self.futures][speed]
            self.markets[symbol.upper()].open_depth(stream, every_ms, self.clock.now_ns())
        link.streams.add(stream)
        self._subscribers[stream].add(link)

    def unsubscribe(self, link: Link, stream: str) -> None:
        """No more of it."""
        link.streams.discard(stream)
        self._subscribers[stream].discard(link)

    def gone(self, link: Link) -> None:
        """The connection is no more."""
        self.links.discard(link)
        for stream in list(link.streams):
            self.unsubscribe(link, stream)

    # --- the account's side ---

    def symbol(self, name: str | None) -> Symbol:
        """An instrument by its name. Raises -1121."""
        if name not in self.symbols:
            raise VenueError(*BAD_SYMBOL)
        return self.symbols[name]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Events of the user data stream wait until the block is over: the answer to a request goes first."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1
            if not self._holding:
                events, self._held = self._held, []
                for payload in events:
                    self._send_user(payload)

    def _tell(self, told: Told) -> None:
        for event in (usdm if self.futures else spot).events(told, self.account):
            self.tell(event)

    def tell(self, event: dict[str, Any]) -> None:
        """An event of the user data stream, to all who listen to it."""
        payload = orjson.dumps(event)
        if self._holding:
            self._held.append(payload)
        else:
            self._send_user(payload)

    def _send_user(self, payload: bytes) -> None:
        if self.listen_key:
            self.publish(self.listen_key[0], payload, "user")
        for link in list(self.links):
            if link.user_data is not None:
                link.push(b'{"subscriptionId":%d,"event":%s}' % (link.user_data, payload), "user")

    def new_listen_key(self) -> str:
        """The account's listen key, good for another hour."""
        if self.listen_key is None:
            self._listen_keys += 1
        key = self.listen_key[0] if self.listen_key else f"{self._listen_keys:064x}"
        self.listen_key = (key, self.clock.steady_ms() + LISTEN_KEY_MS)
        return key

    def keep_listen_key(self, key: str | None) -> None:
        """Another hour. `None` is the account's own (USD-M names none). Raises -1125."""
        if self.listen_key is None or key not in (None, self.listen_key[0]):
            raise VenueError(*BAD_LISTEN_KEY)
        self.new_listen_key()

    def expire_listen_key(self) -> None:
        """The key and its streams are no more, nor subscriptions over the websocket API. They are told."""
        ended: dict[str, Any] = {"e": "eventStreamTerminated", "E": self.clock.ms()}
        for link in list(self.links):
            if link.user_data is not None:
                link.push(b'{"subscriptionId":%d,"event":%s}' % (link.user_data, orjson.dumps(ended)), "user")
                link.user_data = None
        if self.listen_key is None:
            return
        key, _ = self.listen_key
        self.tell({"e": "listenKeyExpired", "E": self.clock.ms(), "listenKey": key})
        self.listen_key = None
        for link in list(self._subscribers.pop(key, ())):
            link.streams.discard(key)

    def cut(self, which: str) -> int:
        """Ends connections: market, orders, user or all; returns how many."""
        hit = [x for x in list(self.links) if which in ("all", x.kind) or (which == "user" and x.user_data is not None)]
        for link in hit:
            link.cut()
        return len(hit)


def _opening(futures: bool, symbols: dict[str, Symbol]) -> dict[str, int]:
    quotes = {s.quote: 1_000_000 * E8 for s in symbols.values()}
    return quotes if futures else {**{s.base: 100 * E8 for s in symbols.values()}, "BNB": 1_000 * E8, **quotes}
