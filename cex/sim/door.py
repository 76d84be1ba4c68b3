"""What every request passes, over REST and over the websocket API: throttling, key, signature, time, limits, faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cex.sim.api import Api, Method, Params
from cex.sim.auth import check_time
from cex.sim.errors import Lost, VenueError
from cex.sim.exchange import Exchange
from cex.sim.faults import throttled

UNKNOWN_METHOD = (-1000, "Unknown method.")
REJECT = "The request was rejected by the fault schedule."
THROTTLE_MS = 1_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows: its key, what it signed and the signature; `logged_on` needs neither signature nor key."""

    api_key: str | None
    payload: bytes
    signature: str | None
    logged_on: bool = False


class Door:
    """Lets requests in."""

    def __init__(self, exchange: Exchange, api: Api) -> None:
        self.x, self.api = exchange, api

    def check(self, method: Method, params: Params, shown: Credentials) -> None:
        """Key, signature and time, as the method's security asks."""
        now_ms = self.x.clock.ms()
        if method.security == "NONE":
            return
        if not shown.logged_on:
            self.x.keys.check_key(shown.api_key)
        if method.security != "USER_STREAM":
            check_time(params, now_ms)
            if not shown.logged_on:
                self.x.keys.check(shown.payload, shown.signature)

    def spend(self, weight: int, order: bool = False) -> None:
        """Counts a request; raises 429 or 418."""
        now_ms = self.x.clock.ms()
        self.x.faults.check_throttle(now_ms)
        self.x.limits.spend(weight, order, now_ms)

    def enter(self, name: str, params: Params, shown: Credentials) -> Any:
        """Carries out a request and returns its JSON.

        Raises VenueError, or Lost where nothing must be answered (the request may have been carried out).
        """
        method = self.api.methods.get(name)
        if method is None:
            raise VenueError(*UNKNOWN_METHOD)
        self.spend(method.weight if isinstance(method.weight, int) else method.weight(params), method.counts_order)
        self.check(method, params, shown)
        fate = self.x.faults.request() if method.security == "TRADE" else ""
        if fate == "lost_request":
            raise Lost
        if fate == "throttle":
            now_ms = self.x.clock.ms()
            raise throttled(429, now_ms, now_ms + THROTTLE_MS)
        if fate == "reject":
            raise VenueError(-2010 if method.counts_order else -2011, REJECT)
        try:
            result = method.run(params)
        except VenueError:
            if fate == "lost_ack":
                raise Lost from None
            raise
        if fate == "lost_ack":
            raise Lost
        return result
