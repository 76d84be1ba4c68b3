"""Binance spot and USD-M futures. The limits are those of an account without a special arrangement; the venue says its
own at `exchangeInfo.rateLimits`, and where the two differ the venue is right."""

from __future__ import annotations

from datetime import date

from .facts import DeadMan, DeadManSwitch, OrderLimit, VenueFacts

_DAY_S = 86_400
_CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"

SPOT = VenueFacts(
    name="binance_spot",
    market_url="wss://stream.binance.com:9443/stream",
    orders_url="wss://ws-api.binance.com:443/ws-api/v3",
    rest_url="https://api.binance.com",
    client_id=_CLIENT_ID,
    connection_life_s=_DAY_S,
    order_limits=(OrderLimit(50, 10), OrderLimit(160_000, _DAY_S)),
    dead_man=DeadManSwitch(DeadMan.NONE),
    source="binance-spot-api-docs, web-socket-api.md and web-socket-streams.md (2025-04-25)",
    read_on=date(2026, 11, 22),
)

USDM = VenueFacts(
    name="binance_usdm",
    market_url="wss://fstream.binance.com/stream",
    orders_url="wss://ws-fapi.binance.com/ws-fapi/v1",
    rest_url="https://fapi.binance.com",
    client_id=_CLIENT_ID,
    connection_life_s=_DAY_S,
    order_limits=(OrderLimit(300, 10), OrderLimit(1_200, 60)),
    dead_man=DeadManSwitch(
        DeadMan.COUNTDOWN,
        scope="symbol",
        endpoint="POST /fapi/v1/countdownCancelAll",
        refresh_ms=30_000,
        countdown_ms=120_000,
    ),
    source="developers.binance.com, USDS-M futures: websocket API, auto-cancel all open orders",
    read_on=date(2026, 11, 22),
)

ALL = {facts.name: facts for facts in (SPOT, USDM)}
