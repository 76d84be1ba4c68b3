"""Stream connections: `/ws/<stream>`, `/stream?streams=a/b`, and SUBSCRIBE on either (web-socket-streams.md)."""

from __future__ import annotations

from typing import Any

import orjson

from cex.sim.errors import VenueError
from cex.sim.exchange import Exchange
from cex.sim.link import Link

MOST_STREAMS = 1024
MESSAGES_PER_S = {False: 5, True: 10}


class Streams:
    """Subscriptions of stream connections."""

    def __init__(self, exchange: Exchange) -> None:
        self.x = exchange

    def subscribe(self, link: Link, names: list[str]) -> None:
        """Raises VenueError for a listen key that is none, or for more streams than a connection may have."""
        if len(link.streams | set(names)) > MOST_STREAMS:
            raise VenueError(4, "Too many streams")
        for name in names:
            self.x.subscribe(link, name)

    def handle(self, link: Link, text: str) -> None:
        """One message of the client."""
        request_id: Any = None
        try:
            request = orjson.loads(text)
            request_id = request.get("id")
            result = self._run(link, request["method"], request.get("params") or [])
            answer = {"result": result, "id": request_id}
        except VenueError as error:
            answer = {"error": {"code": error.code, "msg": error.msg}, "id": request_id}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            answer = {"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}}
        link.push(orjson.dumps(answer), "answer")

    def _run(self, link: Link, method: str, params: list[Any]) -> Any:
        if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            if not all(isinstance(p, str) for p in params):
                raise VenueError(2, "Invalid request: invalid type, expected a string")
            if method == "SUBSCRIBE":
                self.subscribe(link, params)
            else:
                for name in params:
                    self.x.unsubscribe(link, name)
            return None
        if method == "LIST_SUBSCRIPTIONS":
            return sorted(link.streams)
        if method == "SET_PROPERTY" and params[:1] == ["combined"]:
            link.combined = bool(params[1])
            return None
        raise VenueError(2, f"Invalid request: unknown variant `{method}`")
