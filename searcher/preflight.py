"""What is asked of the venue before a lane starts: its clock, its rules, what the key may do. No order is sent."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from cex.venues.binance_auth import Credentials
from cex.venues.binance_client import Client, ClockReading, VenueError
from cex.venues.binance_rules import RateLimit, commission_e8, rate_limits, symbol_rules
from cex.venues.facts import Endpoints
from searcher import rules
from searcher.config import Config
from searcher.findings import Finding, ok, warning, wrong
from searcher.live_config import Connection, endpoints, is_loopback

#: An offset that is less sure than this makes every latency that is measured with it worthless.
POOR_ROUND_TRIP_NS = 200_000_000
#: A clock that is further off than this is not kept by anyone.
POOR_OFFSET_NS = 250_000_000


@dataclass(slots=True)
class Preflight:
    """What was found, and what a lane is started with: `clock`, `rates` and `min_notional` are empty where the venue
    was silent. `min_notional` is by instrument, quote currency; 0 where the venue takes an order of any worth."""

    findings: list[Finding] = field(default_factory=list)
    clock: ClockReading | None = None
    rates: list[RateLimit] = field(default_factory=list)
    min_notional: list[Decimal] = field(default_factory=list)


def lane_clock(connection: Connection) -> Callable[[], int]:
    """The clock that a lane lives by, ns since 1970: the host's, or a faster one for loopback exchanges."""
    speed, origin = connection.clock_speed, connection.clock_origin_ns
    if speed == 1:
        return time.time_ns
    return lambda: origin + (time.time_ns() - origin) * speed


def examine(config: Config, keys: Credentials | None) -> Preflight:
    """Asks the venue. `keys` are None where the lane sends no orders. Raises nothing that the venue does."""
    return asyncio.run(_examine(config, keys))


async def _examine(config: Config, keys: Credentials | None) -> Preflight:
    assert config.venue is not None, "a parsed configuration has a venue"
    result = Preflight()
    where = endpoints(config.live, config.venue)
    connection = config.live.connection
    client = Client(config.venue, where, lane_clock(connection), connection.ca_file, config.live.venue.recv_window_ms)
    async with client:
        try:
            result.clock = await client.clock()
            client.offset_ns = result.clock.offset_ns
            result.findings += _clock(config, result.clock, is_loopback(where.rest))
            await _venue_rules(config, client, result)
        except (VenueError, ValueError, KeyError) as error:
            result.findings.append(wrong("venue", str(error), "check [venue] and the network between"))
            return result
        if keys is not None:
            await _account(config, client, keys, where, result)
    return result


def _clock(config: Config, reading: ClockReading, loopback: bool) -> list[Finding]:
    said = f"{reading.offset_ns / 1e6:+.2f} ms against the venue, round trip {reading.round_trip_ns / 1e6:.2f} ms"
    found = []
    if abs(reading.offset_ns) > POOR_OFFSET_NS and not loopback:
        found.append(wrong("clock", said, "keep this host's clock with chrony or PTP"))
    if reading.round_trip_ns > POOR_ROUND_TRIP_NS * config.live.connection.clock_speed:
        found.append(warning("clock", said, "a lane so far from its venue is late with everything; move nearer"))
    written = config.clock_offset_ns
    if written is not None and abs(written - reading.offset_ns) > reading.error_ns:
        found.append(
            warning(
                "clock", f"{said}, and lane.clock_offset says {written / 1e6:+.2f} ms", 'write clock_offset = "auto"'
            )
        )
    return found or [ok("clock", said)]


async def _venue_rules(config: Config, client: Client, result: Preflight) -> None:
    info = await client.exchange_info([i.symbol for i in config.instruments])
    result.rates = rate_limits(info)
    for n, instrument in enumerate(config.instruments):
        theirs = symbol_rules(info, instrument.symbol)
        result.findings += rules.instrument(n, instrument, theirs)
        result.min_notional.append(theirs.min_notional or Decimal(0) if theirs else Decimal(0))
    if config.kernels:
        result.findings += rules.order_rate(config, result.rates)


async def _account(config: Config, client: Client, keys: Credentials, where: Endpoints, result: Preflight) -> None:
    spot, loopback = config.venue == "binance_spot", is_loopback(where.rest)
    try:
        await client.account(keys)
    except (VenueError, ValueError) as error:
        todo = "check the key, its secret, its kind, and from which addresses it may be used"
        result.findings.append(wrong("key", str(error), todo))
        return
    try:
        answer = await client.permissions(keys)
        if answer is None:
            result.findings.append(
                warning("key", "this network does not say what a key may do", "never use its key elsewhere")
            )
        else:
            result.findings += rules.permissions(answer, spot, str(where.account))
    except VenueError as error:
        # A loopback exchange may not have this; a real venue always has, so there its silence stops the start.
        said = f"what it may do is not known ({error})"
        stop = wrong("key", said, "a lane does not start with a key that might withdraw")
        result.findings.append(
            warning("key", said, "nothing: the exchange is on this host") if loopback and error.missing else stop
        )
    if not spot:
        await _hedge_mode(client, keys, loopback, result)
    for n, instrument in enumerate(config.instruments):
        try:
            maker, taker = commission_e8(await client.commission(instrument.symbol, keys))
            result.findings.append(rules.commission(n, instrument, maker, taker))
        except (VenueError, ValueError) as error:
            result.findings.append(
                warning(f"{instrument.symbol} fees", f"not compared ({error})", "see yourself what the account pays")
            )


async def _hedge_mode(client: Client, keys: Credentials, loopback: bool, result: Preflight) -> None:
    try:
        hedged = await client.hedge_mode(keys)
    except (VenueError, KeyError) as error:
        missing = loopback and isinstance(error, VenueError) and error.missing
        say = warning if missing else wrong
        result.findings.append(say("account", f"its position mode is not known ({error})", "it must be one-way"))
        return
    if hedged:
        result.findings.append(
            wrong("account", "it is in hedge mode", "set it to one-way mode: a lane has one position")
        )
    else:
        result.findings.append(ok("account", "one-way mode"))
