"""The few requests to Binance that Python makes, before a lane starts: none of them can place, change or cancel."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from .binance_auth import Credentials
from .facts import Endpoints

#: Requests for the venue's time.
TIME_SAMPLES = 8
#: The venue says whole milliseconds: the true time is up to so much later.
GRAIN_NS = 1_000_000
TIMEOUT_S = 10.0


class VenueError(Exception):
    """The venue said no or nothing; `status` is the HTTP status (0: no answer came), `code` the venue's own (0: none).
    The text never holds a key."""

    def __init__(self, what: str, status: int = 0, code: int = 0) -> None:
        super().__init__(what)
        self.status = status
        self.code = code

    @property
    def missing(self) -> bool:
        """The host does not have this endpoint, as loopback and test exchanges may not."""
        return self.status in (404, 405, 501)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """`offset_ns` is our clock minus the venue's; the truth lies within `error_ns` of it. `round_trip_ns` is the least
    seen."""

    offset_ns: int
    error_ns: int
    round_trip_ns: int

    @classmethod
    def of(cls, samples: Sequence[tuple[int, int, int]]) -> Self:
        """From (before, venue's, after) of each request, ns. The venue looked at its clock in between, so each sample
        bounds the offset from both sides, and all together bound it better than the best alone."""

        def bounds(chosen: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
            lowest = max(before - venue - GRAIN_NS for before, venue, _ in chosen)
            return lowest, min(after - venue for _, venue, after in chosen)

        best = min(samples, key=lambda s: s[2] - s[0])
        low, high = bounds(samples)
        if low > high:  # a clock was stepped meanwhile
            low, high = bounds([best])
        return cls((low + high) // 2, (high - low) // 2, best[2] - best[0])


class Client:
    """A session with one network of one market (`binance_spot` or `binance_usdm`); an asynchronous context manager.

    `now_ns` is the lane's clock. Raises VenueError for every answer but a good one.
    """

    def __init__(
        self,
        venue: str,
        endpoints: Endpoints,
        now_ns: Callable[[], int] = time.time_ns,
        ca_file: Path | None = None,
        recv_window_ms: int = 5_000,
    ) -> None:
        self._prefix = "/api/v3" if venue == "binance_spot" else "/fapi/v1"
        self._spot = venue == "binance_spot"
        self._endpoints = endpoints
        self._now_ns = now_ns
        self._ca_file = ca_file
        self._recv_window_ms = recv_window_ms
        self._session: aiohttp.ClientSession | None = None
        self.offset_ns = 0
        """Our clock minus the venue's, for the timestamps of signed requests."""

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            connector=aiohttp.TCPConnector(ssl=context),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def clock(self, samples: int = TIME_SAMPLES) -> ClockReading:
        """How our clock stands to the venue's."""
        seen = []
        for _ in range(samples):
            before = self._now_ns()
            answer = await self._get(self._endpoints.rest, f"{self._prefix}/time")
            seen.append((before, int(answer["serverTime"]) * 1_000_000, self._now_ns()))
        return ClockReading.of(seen)

    async def exchange_info(self, symbols: Sequence[str]) -> dict[str, Any]:
        """The venue's rules: of `symbols` alone on spot, of everything on USD-M, which takes no symbol."""
        if not self._spot:
            return await self._get(self._endpoints.rest, "/fapi/v1/exchangeInfo")
        names = ",".join(f'"{s}"' for s in symbols)
        return await self._get(self._endpoints.rest, "/api/v3/exchangeInfo", {"symbols": f"[{names}]"})

    async def permissions(self, keys: Credentials) -> dict[str, Any] | None:
        """What the key may do (`GET /sapi/v1/account/apiRestrictions`); None where this network does not say."""
        if self._endpoints.account is None:
            return None
        return await self._get(self._endpoints.account, "/sapi/v1/account/apiRestrictions", {}, keys)

    async def account(self, keys: Credentials) -> dict[str, Any]:
        """The account, which only a valid key can read."""
        path = "/api/v3/account" if self._spot else "/fapi/v3/account"
        return await self._get(self._endpoints.rest, path, {}, keys)

    async def hedge_mode(self, keys: Credentials) -> bool:
        """USD-M: whether longs and shorts are held side by side, which a lane does not understand."""
        answer = await self._get(self._endpoints.rest, "/fapi/v1/positionSide/dual", {}, keys)
        return bool(answer["dualSidePosition"])

    async def commission(self, symbol: str, keys: Credentials) -> dict[str, Any]:
        """What the account pays for a trade in `symbol`."""
        path = "/api/v3/account/commission" if self._spot else "/fapi/v1/commissionRate"
        return await self._get(self._endpoints.rest, path, {"symbol": symbol}, keys)

    async def _get(
        self, host: str, path: str, params: Mapping[str, str] | None = None, keys: Credentials | None = None
    ) -> dict[str, Any]:
        assert self._session is not None, "used as a context manager"
        query, headers = "", {}
        if keys is not None:
            stamp_ms = (self._now_ns() - self.offset_ns) // 1_000_000
            query = "?" + keys.signed_query(params or {}, stamp_ms, self._recv_window_ms)
            headers["X-MBX-APIKEY"] = keys.api_key
        elif params:
            query = "?" + urlencode(params)
        where = f"GET {host}{path}"
        try:
            # The query is signed as it stands: nothing may encode it anew.
            async with self._session.get(URL(f"{host}{path}{query}", encoded=True), headers=headers) as response:
                text = await response.text()
                return self._answer(where, response.status, text)
        except TimeoutError:
            raise VenueError(f"{where}: no answer within {TIMEOUT_S:g} s") from None
        except aiohttp.ClientError as error:
            raise VenueError(f"{where}: {_plain(error)}") from None

    @staticmethod
    def _answer(where: str, status: int, text: str) -> dict[str, Any]:
        try:
            answer = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise VenueError(f"{where}: HTTP {status}, and no JSON", status) from None
        if status != 200 or not isinstance(answer, dict):
            code = answer.get("code", 0) if isinstance(answer, dict) else 0
            said = answer.get("msg", "") if isinstance(answer, dict) else ""
            raise VenueError(f"{where}: HTTP {status}, code {code}: {said}", status, int(code or 0))
        return answer


def _plain(error: aiohttp.ClientError) -> str:
    """Without the request's address, which holds a signature."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted ({error.certificate_error}); name its issuer in connection.ca_file"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect: {error.os_error.strerror or error.os_error}"
    return f"the connection broke ({type(error).__name__})"
