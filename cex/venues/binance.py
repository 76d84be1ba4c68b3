"""Binance spot and USD-M futures. The limits are those of an account without a special arrangement; the venue says its
own at `exchangeInfo.rateLimits`, and where the two differ the venue is right."""

from __future__ import annotations

from datetime import date

from .facts import DeadMan, DeadManSwitch, Endpoints, OrderLimit, VenueFacts

_DAY_S = 86_400
_CLIENT_ID = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"

#: Serves `GET /sapi/v1/account/apiRestrictions` for the keys of both markets; no test network has it.
_ACCOUNT = "https://api.binance.com"

SPOT = VenueFacts(
    name="binance_spot",
    networks={
        "production": Endpoints(
            market="wss://stream.binance.com:9443",
            orders="wss://ws-api.binance.com:443/ws-api/v3",
            user=None,
            rest="https://api.binance.com",
            account=_ACCOUNT,
        ),
        "testnet": Endpoints(
            market="wss://stream.testnet.binance.vision:9443",
            orders="wss://ws-api.testnet.binance.vision/ws-api/v3",
            user=None,
            rest="https://testnet.binance.vision",
            account=None,
        ),
    },
    client_id=_CLIENT_ID,
    streams_per_connection=1024,
    depth_ms=(100, 1000),
    connection_life_s=_DAY_S,
    order_limits=(OrderLimit(50, 10), OrderLimit(160_000, _DAY_S)),
    dead_man=DeadManSwitch(DeadMan.NONE),
    source="binance-spot-api-docs: web-socket-api.md, web-socket-streams.md, testnet/general-info.md",
    read_on=date(2026, 11, 22),
)

# Since 2026-04-23 the streams of USD-M have three entries: /public carries depth, bookTicker and trade, /market what is
# aggregated, /private user data. A stream at the wrong entry is acknowledged and stays silent. ("Important WebSocket
# Change Notice", developers.binance.com, USDS-M futures.)
USDM = VenueFacts(
    name="binance_usdm",
    networks={
        "production": Endpoints(
            market="wss://fstream.binance.com/public",
            orders="wss://ws-fapi.binance.com/ws-fapi/v1",
            user="wss://fstream.binance.com/private",
            rest="https://fapi.binance.com",
            account=_ACCOUNT,
        ),
        "testnet": Endpoints(
            market="wss://fstream.binancefuture.com/public",
            orders="wss://testnet.binancefuture.com/ws-fapi/v1",
            user="wss://fstream.binancefuture.com/private",
            rest="https://testnet.binancefuture.com",
            account=None,
        ),
    },
    client_id=_CLIENT_ID,
    streams_per_connection=1024,
    depth_ms=(100, 250, 500),
    connection_life_s=_DAY_S,
    order_limits=(OrderLimit(300, 10), OrderLimit(1_200, 60)),
    dead_man=DeadManSwitch(
        DeadMan.COUNTDOWN,
        scope="symbol",
        endpoint="POST /fapi/v1/countdownCancelAll",
        refresh_ms=30_000,
        countdown_ms=120_000,
    ),
    source="developers.binance.com, USDS-M futures: general info, websocket market streams, websocket API, auto-cancel",
    read_on=date(2026, 11, 22),
)

ALL = {facts.name: facts for facts in (SPOT, USDM)}


def streams(facts: VenueFacts, symbols: tuple[str, ...], depth_ms: int, per_connection: int) -> list[list[str]]:
    """Names of the streams that a lane of `symbols` reads, one list for each connection.

    The three of one symbol stay on one connection, so that its book is never half connected. `per_connection` is at
    least 3. The default speeds (spot 1000 ms, USD-M 250 ms) have no suffix.
    """
    usual = 1000 if facts is SPOT else 250
    depth = "depth" if depth_ms == usual else f"depth@{depth_ms}ms"
    each = per_connection // 3
    names = [[f"{s.lower()}@{kind}" for kind in (depth, "bookTicker", "trade")] for s in symbols]
    return [[name for three in names[at : at + each] for name in three] for at in range(0, len(names), each)]
