"""REST: paths to methods, query and form to parameters, the venue's headers on the answer."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl, unquote

import orjson
from aiohttp import web

from cex.sim.door import Credentials, Door
from cex.sim.errors import Lost, VenueError

SPOT = {
    ("GET", "/api/v3/ping"): "ping",
    ("GET", "/api/v3/time"): "time",
    ("GET", "/api/v3/exchangeInfo"): "exchangeInfo",
    ("GET", "/api/v3/depth"): "depth",
    ("POST", "/api/v3/order"): "order.place",
    ("POST", "/api/v3/order/test"): "order.test",
    ("GET", "/api/v3/order"): "order.status",
    ("DELETE", "/api/v3/order"): "order.cancel",
    ("POST", "/api/v3/order/cancelReplace"): "order.cancelReplace",
    ("GET", "/api/v3/openOrders"): "openOrders.status",
    ("DELETE", "/api/v3/openOrders"): "openOrders.cancelAll",
    ("GET", "/api/v3/myTrades"): "myTrades",
    ("GET", "/api/v3/account"): "account.status",
    ("GET", "/api/v3/account/commission"): "account.commission",
    ("GET", "/sapi/v1/account/apiRestrictions"): "apiRestrictions",
    ("POST", "/api/v3/userDataStream"): "listenKey.start",
    ("PUT", "/api/v3/userDataStream"): "listenKey.ping",
    ("DELETE", "/api/v3/userDataStream"): "listenKey.stop",
}
USDM = {
    ("GET", "/fapi/v1/ping"): "ping",
    ("GET", "/fapi/v1/time"): "time",
    ("GET", "/fapi/v1/exchangeInfo"): "exchangeInfo",
    ("GET", "/fapi/v1/depth"): "depth",
    ("POST", "/fapi/v1/order"): "order.place",
    ("POST", "/fapi/v1/order/test"): "order.test",
    ("GET", "/fapi/v1/order"): "order.status",
    ("DELETE", "/fapi/v1/order"): "order.cancel",
    ("PUT", "/fapi/v1/order"): "order.modify",
    ("GET", "/fapi/v1/openOrders"): "openOrders.status",
    ("DELETE", "/fapi/v1/allOpenOrders"): "openOrders.cancelAll",
    ("GET", "/fapi/v1/userTrades"): "myTrades",
    ("POST", "/fapi/v1/countdownCancelAll"): "countdown",
    ("GET", "/fapi/v1/commissionRate"): "account.commission",
    ("GET", "/fapi/v1/positionSide/dual"): "positionMode",
    ("POST", "/fapi/v1/listenKey"): "listenKey.start",
    ("PUT", "/fapi/v1/listenKey"): "listenKey.ping",
    ("DELETE", "/fapi/v1/listenKey"): "listenKey.stop",
    ("GET", "/sapi/v1/account/apiRestrictions"): "apiRestrictions",  # the venue has it on its spot host only
    **{("GET", f"/fapi/v{n}/account"): "account.status" for n in (2, 3)},
    **{("GET", f"/fapi/v{n}/balance"): "account.balance" for n in (2, 3)},
    **{("GET", f"/fapi/v{n}/positionRisk"): "account.position" for n in (2, 3)},
}
PLACING = ("order.place", "order.modify", "order.cancelReplace")


def split_signature(query: str) -> tuple[str, str | None]:
    """A query or form body without its `signature`, and that."""
    parts = query.split("&") if query else []
    signature = next((p[10:] for p in parts if p.startswith("signature=")), None)
    return "&".join(p for p in parts if not p.startswith("signature=")), signature and unquote(signature)


class Rest:
    """Answers HTTP requests."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.routes = USDM if door.x.futures else SPOT

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request. A lost one is never answered: the connection stays open until the client gives up."""
        name = self.routes.get((request.method, request.path))
        if name is None:
            return web.Response(status=404, text="")
        query, body = request.rel_url.raw_query_string, (await request.read()).decode("ascii", "replace")
        signed_query, signature = split_signature(query)
        signed_body, body_signature = split_signature(body)
        payload = (signed_query + signed_body).encode()
        params = dict(parse_qsl(signed_query, keep_blank_values=True) + parse_qsl(signed_body, keep_blank_values=True))
        shown = Credentials(request.headers.get("X-MBX-APIKEY"), payload, signature or body_signature)
        headers: dict[str, str] = {}
        try:
            status, answer = 200, self.door.enter(name, params, shown)
        except Lost:
            await asyncio.Event().wait()
            raise
        except VenueError as error:
            status, answer = error.status, error.body()
            if status in (418, 429) and error.data:
                wait_ms = error.data["retryAfter"] - error.data["serverTime"]
                headers["Retry-After"] = str(max(-(-wait_ms // 1000), 1))
                del answer["data"]
        headers |= self.door.x.limits.headers(name in PLACING)
        return web.Response(
            body=orjson.dumps(answer), status=status, headers=headers, content_type="application/json", charset="utf-8"
        )
