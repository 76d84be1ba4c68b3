"""A few REST answers of Binance on a real socket, for what a loopback exchange does not do: a key that may withdraw,
hedge mode, other filters and fees, a clock that is off. It checks signatures; it takes no orders at all."""

import asyncio
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

API_KEY, SECRET = "stub-api-key", "stub-secret"

RIGHTS = {
    "ipRestrict": True,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "permitsUniversalTransfer": False,
    "enableSpotAndMarginTrading": True,
    "enableFutures": True,
}


def info(**filters: dict[str, Any]) -> dict[str, Any]:
    usual: dict[str, dict[str, Any]] = {
        "PRICE_FILTER": {"minPrice": "0.1", "maxPrice": "1000000", "tickSize": "0.10"},
        "LOT_SIZE": {"minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        "MIN_NOTIONAL": {"notional": "100"},
        "MAX_NUM_ORDERS": {"limit": 200},
        "PERCENT_PRICE": {"multiplierUp": "1.05", "multiplierDown": "0.95"},
    }
    return {
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 1000},
        ],
        "symbols": [
            {
                "symbol": "BTCUSDT",
                "status": "TRADING",
                "filters": [{"filterType": name, **body} for name, body in (usual | filters).items()],
            }
        ],
    }


class Stub:
    """Answers by path; a callable is called, a pair is a status and a body. Absent paths are 404."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.clock_ahead_ms = 0
        self.answers: dict[str, Any] = {
            "/fapi/v1/time": lambda: {"serverTime": time.time_ns() // 1_000_000 + self.clock_ahead_ms},
            "/fapi/v1/exchangeInfo": info(),
            "/fapi/v3/account": {"canTrade": True},
            "/fapi/v1/positionSide/dual": {"dualSidePosition": False},
            "/fapi/v1/commissionRate": {"makerCommissionRate": "-0.000050", "takerCommissionRate": "0.000500"},
            "/sapi/v1/account/apiRestrictions": RIGHTS,
        }

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        if "signature=" in request.query_string:
            payload, _, signature = request.query_string.rpartition("&signature=")
            proper = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
            if signature != proper or request.headers.get("X-MBX-APIKEY") != API_KEY:
                return web.json_response({"code": -1022, "msg": "Signature for this request is not valid."}, status=400)
        said = self.answers.get(request.path, (404, {}))
        said = said() if isinstance(said, Callable) else said  # type: ignore[arg-type]
        status, body = said if isinstance(said, tuple) else (200, said)
        return web.json_response(body, status=status)


@contextmanager
def serving() -> Iterator[Stub]:
    """A stub on a port of its own, in a thread of its own."""
    stub, loop, ready = Stub(), asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", stub.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    def serve() -> None:
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait(10)
    try:
        yield stub
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
