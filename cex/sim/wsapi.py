"""The websocket API: one request a frame, answered by its id (web-socket-api.md; USD-M: "Websocket API general
info")."""

from __future__ import annotations

from typing import Any

import orjson

from cex.sim.auth import check_time, text_of, ws_payload
from cex.sim.door import UNKNOWN_METHOD, Credentials, Door
from cex.sim.errors import Lost, VenueError
from cex.sim.link import Link

NAMES = {
    "v3/": "",
    "myTrades": "myTrades",
    "v2/account.position": "account.position",
    "v2/account.balance": "account.balance",
    "v2/account.status": "account.status",
    "account.rateLimits.orders": "rateLimits",
    "userDataStream.start": "listenKey.start",
    "userDataStream.ping": "listenKey.ping",
    "userDataStream.stop": "listenKey.stop",
}
LOGON = (-4056, "HMAC_SHA256 API key is not supported.")


class WsApi:
    """Answers requests of one kind of connection."""

    def __init__(self, door: Door) -> None:
        self.door, self.x = door, door.x
        self._subscriptions = 0

    def handle(self, link: Link, text: str, limits_shown: bool) -> None:
        """One frame. The answer goes out before the events that the request brought about."""
        request_id: Any = None
        try:
            request = orjson.loads(text)
            request_id, name = request["id"], request["method"]
            params = request.get("params") or {}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            error = {"code": -1135, "msg": "Invalid JSON Request"}
            link.push(orjson.dumps({"id": request_id, "status": 400, "error": error, "rateLimits": []}), "answer")
            return
        shown = params.get("returnRateLimits", limits_shown) in (True, "true")
        with self.x.held():
            answer = self._answer(link, str(name), params)
            if answer is None:
                return
            if shown:
                answer["rateLimits"] = self.x.limits.shown(str(name).startswith("order."))
            link.push(orjson.dumps({"id": request_id, **answer}), "answer")

    def _answer(self, link: Link, name: str, raw: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return {"status": 200, "result": self._run(link, name, raw)}
        except Lost:
            return None
        except VenueError as error:
            return {"status": error.status, "error": error.body()}

    def _run(self, link: Link, name: str, raw: dict[str, Any]) -> Any:
        params = {k: text_of(v) for k, v in raw.items() if k not in ("signature", "returnRateLimits")}
        name = NAMES.get(name, name.removeprefix("v3/"))
        api_key, signature = params.get("apiKey"), raw.get("signature")
        logged_on = link.key is not None and not signature
        shown = Credentials(api_key or link.key, ws_payload(raw), signature, logged_on)
        session = (
            getattr(self, "_" + name.replace(".", "_"), None) if name.startswith(("session.", "userData")) else None
        )
        if session is not None:
            self.door.spend(2)
            return session(link, params, shown)
        if name == "rateLimits":
            self.door.spend(40)
            return self.x.limits.shown(True)[:-1]
        if name not in self.door.api.methods or name.startswith(("countdown", "apiRestrictions")):
            raise VenueError(*UNKNOWN_METHOD)
        return self.door.enter(name, params, shown)

    def _session_logon(self, link: Link, params: dict[str, str], shown: Credentials) -> Any:
        key = self.x.keys.check_key(shown.api_key)
        check_time(params, self.x.clock.ms())
        self.x.keys.check(shown.payload, shown.signature)
        if shown.signature and not self.x.keys.is_ed25519(shown.signature):
            raise VenueError(*LOGON)
        link.key = key
        return self._session_status(link, params, shown)

    def _session_status(self, link: Link, params: dict[str, str], shown: Credentials) -> Any:
        now_ms = self.x.clock.ms()
        since = now_ms if link.key else None
        return {
            "apiKey": link.key,
            "authorizedSince": since,
            "connectedSince": now_ms,
            "returnRateLimits": True,
            "serverTime": now_ms,
            "userDataStream": link.user_data is not None,
        }

    def _session_logout(self, link: Link, params: dict[str, str], shown: Credentials) -> Any:
        link.key = link.user_data = None
        return self._session_status(link, params, shown)

    def _userDataStream_subscribe(self, link: Link, params: dict[str, str], shown: Credentials) -> Any:
        if self.x.futures:
            raise VenueError(*UNKNOWN_METHOD)
        if link.key is None:
            raise VenueError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return self._subscribed(link)

    def _userDataStream_subscribe_signature(self, link: Link, params: dict[str, str], shown: Credentials) -> Any:
        if self.x.futures:
            raise VenueError(*UNKNOWN_METHOD)
        self.x.keys.check_key(params.get("apiKey"))
        check_time(params, self.x.clock.ms())
        self.x.keys.check(shown.payload, shown.signature)
        return self._subscribed(link)

    def _userDataStream_unsubscribe(self, link: Link, params: dict[str, str], shown: Credentials) -> Any:
        link.user_data = None
        return {}

    def _subscribed(self, link: Link) -> Any:
        if link.user_data is None:
            link.user_data = self._subscriptions
            self._subscriptions += 1
        return {"subscriptionId": link.user_data}
