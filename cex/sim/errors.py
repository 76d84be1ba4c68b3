"""The venue's refusals, with its own codes and texts (errors.md of binance-spot-api-docs; USD-M: "Error codes")."""

from typing import Any


class VenueError(Exception):
    """A refusal as the venue writes it: code, text, HTTP status, and for throttling when to come back (venue ms)."""

    def __init__(self, code: int, msg: str, status: int = 400, data: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code} {msg}")
        self.code, self.msg, self.status, self.data = code, msg, status, data

    def body(self) -> dict[str, Any]:
        """The error's JSON object."""
        body: dict[str, Any] = {"code": self.code, "msg": self.msg}
        return {**body, "data": self.data} if self.data else body


class Lost(Exception):
    """Nothing is answered: the request, or its answer, was lost on the way."""


def missing(name: str) -> VenueError:
    """A mandatory parameter that is not there or cannot be read."""
    return VenueError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


BAD_SYMBOL = (-1121, "Invalid symbol.")
UNKNOWN_ORDER = (-2011, "Unknown order sent.")
NO_SUCH_ORDER = (-2013, "Order does not exist.")
BAD_KEY = (-2015, "Invalid API-key, IP, or permissions for action.")
BAD_SIGNATURE = (-1022, "Signature for this request is not valid.")
LATE = (-1021, "Timestamp for this request is outside of the recvWindow.")
EARLY = (-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
BAD_LISTEN_KEY = (-1125, "This listenKey does not exist.")
