"""Rate limits: what the venue counts, in windows that begin at whole multiples of their length (web-socket-api.md,
"How to interpret rate limits"), and what becomes of those who go on after a 429."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cex.sim.errors import VenueError
from cex.sim.faults import throttled

_NAMES = {1_000: ("SECOND", "S"), 60_000: ("MINUTE", "M"), 3_600_000: ("HOUR", "H"), 86_400_000: ("DAY", "D")}
REFUSED_BEFORE_BAN = 20
FIRST_BAN_MS, LONGEST_BAN_MS = 120_000, 3 * 86_400_000


@dataclass(slots=True)
class Window:
    """At most `limit` in each `every_ms`."""

    kind: str
    every_ms: int
    limit: int
    begun_ms: int = 0
    count: int = 0

    def interval(self) -> tuple[str, int, str]:
        """The unit's name, how many of them, and the unit's letter."""
        unit = max(u for u in _NAMES if self.every_ms % u == 0)
        name, letter = _NAMES[unit]
        return name, self.every_ms // unit, letter

    def turn(self, now_ms: int) -> None:
        """Begins again if a new interval has begun."""
        begun = now_ms - now_ms % self.every_ms
        if begun != self.begun_ms:
            self.begun_ms, self.count = begun, 0

    def shown(self, counted: bool = True) -> dict[str, Any]:
        """As in `rateLimits`."""
        name, n, _ = self.interval()
        shown = {"rateLimitType": self.kind, "interval": name, "intervalNum": n, "limit": self.limit}
        return {**shown, "count": self.count} if counted else shown


class Limits:
    """Weight of requests and number of orders."""

    def __init__(self, weight: int, orders: list[tuple[int, int]]) -> None:
        self.weight = Window("REQUEST_WEIGHT", 60_000, weight)
        self.orders = [Window("ORDERS", every_ms, limit) for limit, every_ms in orders]
        self._refused = 0
        self._bans = 0
        self._banned_until = 0

    def spend(self, weight: int, order: bool, now_ms: int) -> None:
        """Counts a request. Raises 429 where it is too much, 418 for those who do not stop."""
        windows = [self.weight, *self.orders]
        for window in windows:
            window.turn(now_ms)
        if now_ms < self._banned_until:
            raise throttled(418, now_ms, self._banned_until)
        self.weight.count += weight
        if self.weight.count > self.weight.limit:
            name, n, _ = self.weight.interval()
            text = (
                f"Too much request weight used; current limit is {self.weight.limit} request weight per {n} {name}. "
                "Please use WebSocket Streams for live updates to avoid polling the API."
            )
            self._refuse(throttled(429, now_ms, self.weight.begun_ms + self.weight.every_ms, text), now_ms)
        if order:
            for window in self.orders:
                if window.count >= window.limit:
                    name, n, _ = window.interval()
                    text = f"Too many new orders; current limit is {window.limit} orders per {n} {name}."
                    data = {"serverTime": now_ms, "retryAfter": window.begun_ms + window.every_ms}
                    self._refuse(VenueError(-1015, text, 429, data), now_ms)
            for window in self.orders:
                window.count += 1

    def _refuse(self, error: VenueError, now_ms: int) -> None:
        self._refused += 1
        if self._refused % REFUSED_BEFORE_BAN == 0:
            self._banned_until = now_ms + min(FIRST_BAN_MS << self._bans, LONGEST_BAN_MS)
            self._bans += 1
            raise throttled(418, now_ms, self._banned_until)
        raise error

    def headers(self, order: bool) -> dict[str, str]:
        """Of a REST answer."""
        headers = {"X-MBX-USED-WEIGHT": str(self.weight.count), "X-MBX-USED-WEIGHT-1M": str(self.weight.count)}
        for window in self.orders if order else []:
            _, n, letter = window.interval()
            headers[f"X-MBX-ORDER-COUNT-{n}{letter}"] = str(window.count)
        return headers

    def shown(self, order: bool) -> list[dict[str, Any]]:
        """Of a websocket answer."""
        return [w.shown() for w in [*(self.orders if order else []), self.weight]]
