"""The form of a venue's facts. Each set names its source and the day on which it was read, because facts move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum


class DeadMan(Enum):
    """What the venue does about open orders when their owner falls silent."""

    COUNTDOWN = "a countdown that must be refreshed"
    CONNECTION = "bound to the connection"
    NONE = "nothing: a process of our own must watch"


@dataclass(frozen=True, slots=True)
class DeadManSwitch:
    """`scope` is what one call covers (`symbol` or `account`); `endpoint` and times are None where there is none."""

    kind: DeadMan
    scope: str | None = None
    endpoint: str | None = None
    refresh_ms: int | None = None
    countdown_ms: int | None = None


@dataclass(frozen=True, slots=True)
class OrderLimit:
    """At most `orders` (places and replaces) in any `window_s` seconds, over all symbols of an account."""

    orders: int
    window_s: int

    def allows(self, per_second: int) -> bool:
        """Whether `per_second` orders, each second of the window, stay within it."""
        return per_second * self.window_s <= self.orders


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where one of a venue's networks is reached. `market` and `user` are followed by `/stream?streams=...` and
    `/ws/<listenKey>`; `user` is None where user data come over `orders`; `account` serves what a key may do, None where
    the network does not say."""

    market: str
    orders: str
    user: str | None
    rest: str
    account: str | None


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """One venue. `client_id` is the pattern of a client order id; `streams_per_connection` the most that it takes;
    `depth_ms` how often it can send changes of the book."""

    name: str
    networks: dict[str, Endpoints]
    client_id: str
    streams_per_connection: int
    depth_ms: tuple[int, ...]
    connection_life_s: int
    order_limits: tuple[OrderLimit, ...]
    dead_man: DeadManSwitch
    source: str
    read_on: date

    def sustained_orders_per_second(self) -> float:
        """Orders a second, over all symbols, that no window of the venue ever refuses."""
        return min(limit.orders / limit.window_s for limit in self.order_limits)
