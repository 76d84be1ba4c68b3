"""Misbehaviour: by a seeded schedule, or told to by the control endpoint.

Probabilities (a message, or a request): `drop`, `dup`, `reorder` (after the next message), `delay`, `disconnect` of
market messages; `gap` of depth events (one to three of them are missing); the same with `user_` before them for events
of the user data stream; `lost_ack` (carried out, never answered), `lost_request` (neither), `reject` and `throttle`
(429) of order requests.
"""

import random
from typing import Any

from cex.sim.errors import VenueError

MESSAGE = ("drop", "dup", "reorder", "gap", "delay", "disconnect")
USER = tuple(f"user_{name}" for name in MESSAGE if name != "gap")
REQUEST = ("lost_ack", "lost_request", "reject", "throttle")
RATES = (*MESSAGE, *USER, *REQUEST)


def parse(text: str) -> tuple[dict[str, float], int | None]:
    """`"drop=0.01,delay=0.02:250"` to probabilities and the delay in ms. Raises ValueError with what may be written."""
    rates: dict[str, float] = {}
    delay_ms = None
    for part in filter(None, text.split(",")):
        name, _, value = part.strip().partition("=")
        value, _, ms = value.partition(":")
        if name not in RATES:
            raise ValueError(f"no fault {name!r}; there are {', '.join(RATES)}")
        try:
            rates[name] = float(value)
            delay_ms = int(ms) if ms else delay_ms
        except ValueError:
            raise ValueError(f"{part!r}: write name=probability, for delays name=probability:milliseconds") from None
        if not 0 <= rates[name] <= 1:
            raise ValueError(f"{name}={value}: a probability is 0 to 1")
    return rates, delay_ms


class Faults:
    """What goes wrong next. The same seed and the same messages give the same faults."""

    def __init__(self, seed: int, rates: dict[str, float], delay_ms: int | None) -> None:
        self._chance = random.Random(seed)
        self.rates = {name: rates.get(name, 0.0) for name in RATES}
        self.delay_ms = 200 if delay_ms is None else delay_ms
        self.counts: dict[str, int] = {}
        #: How many of the next order requests meet this: reject, lost_ack, lost_request.
        self.next: dict[str, int] = {"reject": 0, "lost_ack": 0, "lost_request": 0}
        #: Refusal of every request until a venue time: status, until ms.
        self.throttled: tuple[int, int] | None = None
        self.mute_user = False
        self._gaps: dict[int, int] = {}

    def count(self, name: str) -> None:
        """Notes that a fault happened."""
        self.counts[name] = self.counts.get(name, 0) + 1

    def delay_s(self) -> float:
        """How long a delayed message waits, seconds on the machine's clock."""
        return self.delay_ms / 1000

    def fate(self, what: str, link: int) -> str:
        """What befalls a message on a connection: "" or drop, dup, reorder, delay, disconnect."""
        if what == "answer":
            return ""
        user = what == "user"
        if user and self.mute_user:
            self.count("mute")
            return "drop"
        if what == "depth" and self._gaps.get(link, 0) > 0:
            self._gaps[link] -= 1
            self.count("gap_event")
            return "drop"
        at = self._chance.random()
        for name in USER if user else MESSAGE:
            if name == "gap" and what != "depth":
                continue
            at -= self.rates[name]
            if at < 0:
                self.count(name)
                if name == "gap":
                    self._gaps[link] = self._chance.randrange(3)
                    return "drop"
                return name.removeprefix("user_")
        return ""

    def request(self) -> str:
        """What befalls an order request: "" or one of `REQUEST`."""
        for name, left in self.next.items():
            if left > 0:
                self.next[name] -= 1
                self.count(name)
                return name
        at = self._chance.random()
        for name in REQUEST:
            at -= self.rates[name]
            if at < 0:
                self.count(name)
                return name
        return ""

    def check_throttle(self, now_ms: int) -> None:
        """Raises 429 or 418 while requests are refused."""
        if self.throttled is None:
            return
        status, until = self.throttled
        if now_ms >= until:
            self.throttled = None
            return
        self.count("throttled")
        raise throttled(status, now_ms, until)

    def shown(self) -> dict[str, Any]:
        """For the control endpoint."""
        return {
            "rates": self.rates,
            "delay_ms": self.delay_ms,
            "counts": self.counts,
            "next": self.next,
            "throttled": self.throttled,
            "mute_user": self.mute_user,
        }


def throttled(status: int, now_ms: int, until_ms: int, text: str = "") -> VenueError:
    """429 or 418 until a venue time (rest-api.md, "IP Limits"; web-socket-api.md has its `data`)."""
    advice = "Please use WebSocket Streams for live updates to avoid"
    if status == 418:
        text = f"Way too much request weight used; IP banned until {until_ms}. {advice} bans."
    text = text or f"Too much request weight used. {advice} polling the API."
    return VenueError(-1003, text, status, {"serverTime": now_ms, "retryAfter": until_ms})
