"""What only a live lane reads of a configuration: where it connects, with which keys, how it starts and ends.

None of it is a limit. What is left out has the default that stands here; whoever wants another writes it.
"""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from cex.venues.binance import ALL
from cex.venues.facts import DeadMan, Endpoints
from searcher.errors import ConfigError
from searcher.tables import Table

MODES = ("live", "paper", "record")
ON_STOP = ("cancel", "flatten")
KEY_KINDS = ("hmac", "ed25519")
NETWORKS = ("production", "testnet")
ORDER_ENTRY = ("websocket", "rest")
POLL = ("sleep", "busy")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Run:
    """`[run]`: what a lane does, and how it ends. With `flatten`, stopping also brings positions to zero."""

    mode: str = "paper"
    on_stop: str = "cancel"
    stop_deadline_s: int = 10


@dataclass(frozen=True, slots=True)
class Venue:
    """`[venue]`: where the venue is and how it is dealt with.

    `market`, `orders`, `user`, `rest` and `account` replace single endpoints of `network`. Without `countdown_ms` the
    venue's dead-man switch is armed as it recommends; 0 leaves it alone.
    """

    network: str = "production"
    market: str | None = None
    orders: str | None = None
    user: str | None = None
    rest: str | None = None
    account: str | None = None
    depth_ms: int = 100
    streams_per_connection: int = 300
    order_entry: str = "websocket"
    recv_window_ms: int = 5_000
    ack_timeout_ms: int = 2_000
    reconcile_every_s: int = 60
    countdown_ms: int | None = None
    cancel_reserve_bps: int = 2_000


@dataclass(frozen=True, slots=True)
class Connection:
    """`[connection]`: the lane's thread and its sockets. A clock other than the host's is for loopback exchanges."""

    poll: str = "sleep"
    cpu: int | None = None
    ca_file: Path | None = None
    clock_speed: int = 1
    clock_origin_ns: int = 0


@dataclass(frozen=True, slots=True)
class Keys:
    """`[keys]`: where the keys are; never the keys themselves."""

    key_kind: str = "ed25519"
    api_key_env: str | None = None
    secret_env: str | None = None
    keystore: Path | None = None
    name: str | None = None
    password_env: str | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """Everything a lane needs besides what a replay needs. `number` (1 to 65535) is part of its order ids, so no two
    lanes of an account share one; `state` is None for the default below the state root."""

    name: str = "lane1"
    number: int = 1
    state: Path | None = None
    run: Run = Run()
    venue: Venue = Venue()
    connection: Connection = Connection()
    keys: Keys | None = None

    @property
    def state_folder(self) -> Path:
        """Where the lane keeps what survives it: fills, Tapes, its page and its lock."""
        return self.state if self.state is not None else state_root() / self.name


def state_root() -> Path:
    """`$SEARCHER_STATE`, or `~/.local/state/searcher`: the folder of the lanes' folders."""
    named = os.environ.get("SEARCHER_STATE")
    return Path(named).expanduser() if named else Path.home().joinpath(".local", "state", "searcher")


def parse_live(top: Table, lane: Table, venue: str, folder: Path) -> Live:
    """Reads `[run]`, `[venue]`, `[connection]`, `[keys]` and the lane's own keys. Raises ConfigError."""
    d = Live()
    number = lane.whole("number", d.number, least=1)
    if number > 65_535:
        raise ConfigError(f"{lane.key('number')} = {number}: it must be at most 65535")
    name = lane.text("name", f"lane{number}")
    if not NAME.fullmatch(name):
        raise ConfigError(f"{lane.key('name')} = {name!r}: letters, digits, '.', '_' and '-', at most 32")
    live = Live(
        name=name,
        number=number,
        state=_path(lane, "state", folder),
        run=_run(top.table("run")),
        venue=_venue(top.table("venue"), venue),
        connection=_connection(top.table("connection"), folder),
        keys=_keys(top.table("keys"), folder) if top.has("keys") else None,
    )
    if (live.connection.clock_speed, live.connection.clock_origin_ns) != (1, 0):
        ends = endpoints(live, venue)
        for url in filter(None, (ends.market, ends.orders, ends.user, ends.rest)):
            if urlsplit(url).hostname not in LOOPBACK:
                raise ConfigError(
                    f"connection.clock_speed is for a loopback exchange, and {url} is none: remove it and clock_origin"
                )
    return live


def endpoints(live: Live, venue: str) -> Endpoints:
    """Where a lane connects: its network's endpoints, with those that were written in their place.

    With a `rest` of its own the keys' permissions are asked for there too, unless `account` says otherwise.
    """
    written = live.venue
    given = ALL[venue].networks[written.network]
    named = {n: v for n in ("market", "orders", "user", "rest", "account") if (v := getattr(written, n)) is not None}
    if written.rest is not None and written.account is None:
        named["account"] = written.rest
    return replace(given, **named)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this host."""
    return urlsplit(url).hostname in LOOPBACK


def _path(table: Table, name: str, folder: Path) -> Path | None:
    return (folder / Path(table.text(name)).expanduser()).resolve() if table.has(name) else None


def _run(table: Table) -> Run:
    d = Run()
    run = Run(
        mode=table.choice("mode", MODES, d.mode),
        on_stop=table.choice("on_stop", ON_STOP, d.on_stop),
        stop_deadline_s=table.whole("stop_deadline_s", d.stop_deadline_s, least=1),
    )
    table.done()
    return run


def _venue(table: Table, venue: str) -> Venue:
    d, facts = Venue(), ALL[venue]
    result = Venue(
        network=table.choice("network", NETWORKS, d.network),
        market=_url(table, "market", ("wss", "ws")),
        orders=_url(table, "orders", ("wss", "ws")),
        user=_url(table, "user", ("wss", "ws")),
        rest=_url(table, "rest", ("https", "http")),
        account=_url(table, "account", ("https", "http")),
        depth_ms=table.whole("depth_ms", d.depth_ms),
        streams_per_connection=table.whole("streams_per_connection", d.streams_per_connection, least=3),
        order_entry=table.choice("order_entry", ORDER_ENTRY, d.order_entry),
        recv_window_ms=table.whole("recv_window_ms", d.recv_window_ms, least=1),
        ack_timeout_ms=table.whole("ack_timeout_ms", d.ack_timeout_ms, least=1),
        reconcile_every_s=table.whole("reconcile_every_s", d.reconcile_every_s, least=1),
        countdown_ms=_countdown(table, facts.dead_man.kind),
        cancel_reserve_bps=table.whole("cancel_reserve_bps", d.cancel_reserve_bps),
    )
    table.done()
    _at_most(table, "recv_window_ms", result.recv_window_ms, 60_000)  # the venue's own bound
    _at_most(table, "streams_per_connection", result.streams_per_connection, facts.streams_per_connection)
    _at_most(table, "cancel_reserve_bps", result.cancel_reserve_bps, 9_000)
    _at_most(table, "ack_timeout_ms", result.ack_timeout_ms, 60_000)
    _at_most(table, "reconcile_every_s", result.reconcile_every_s, 3_600)
    if result.depth_ms not in facts.depth_ms:
        known = ", ".join(map(str, facts.depth_ms))
        raise ConfigError(f"{table.key('depth_ms')} = {result.depth_ms}: {venue} sends depth every {known} ms")
    return result


def _countdown(table: Table, kind: DeadMan) -> int | None:
    if not table.has("countdown_ms"):
        return None
    value = table.whole("countdown_ms")
    if value and kind is not DeadMan.COUNTDOWN:
        raise ConfigError(f"{table.key('countdown_ms')}: this venue has no countdown; remove it")
    if value and not 5_000 <= value <= 600_000:
        raise ConfigError(f"{table.key('countdown_ms')} = {value}: it must be 0 (off), or 5000 to 600000")
    return value


def _connection(table: Table, folder: Path) -> Connection:
    d = Connection()
    connection = Connection(
        poll=table.choice("poll", POLL, d.poll),
        cpu=table.whole("cpu") if table.has("cpu") else None,
        ca_file=_path(table, "ca_file", folder),
        clock_speed=table.whole("clock_speed", d.clock_speed, least=1),
        clock_origin_ns=table.whole("clock_origin_ns", d.clock_origin_ns),
    )
    table.done()
    _at_most(table, "clock_speed", connection.clock_speed, 10_000)
    return connection


def _keys(table: Table, folder: Path) -> Keys:
    for secret in ("api_key", "secret", "password", "private_key"):
        if table.has(secret):
            raise ConfigError(
                f"{table.key(secret)}: a key does not belong in a configuration; name an environment variable "
                "(api_key_env, secret_env) or a keystore (`searcher keys add`), and revoke this one if it was shared"
            )
    from_store = table.has("keystore")
    names = ("keystore", "name", "password_env") if from_store else ("api_key_env", "secret_env")
    wrong = ("api_key_env", "secret_env", "key_kind") if from_store else ("name", "password_env")
    for name in wrong:
        if table.has(name):
            where = "a keystore holds it" if from_store else "it belongs to a keystore, and there is none"
            raise ConfigError(f"{table.key(name)}: {where}; remove one of the two")
    for name in names:
        if name.endswith("_env") and (not from_store or table.has(name)):
            variable = table.text(name)
            if not ENVIRONMENT.fullmatch(variable):
                raise ConfigError(f"{table.key(name)}: write the name of an environment variable, not what is in it")
    keys = Keys(
        key_kind=table.choice("key_kind", KEY_KINDS, Keys().key_kind),
        api_key_env=None if from_store else table.text("api_key_env"),
        secret_env=None if from_store else table.text("secret_env"),
        keystore=_path(table, "keystore", folder),
        name=table.text("name") if from_store else None,
        password_env=table.text("password_env") if from_store and table.has("password_env") else None,
    )
    table.done()
    return keys


def _url(table: Table, name: str, schemes: tuple[str, ...]) -> str | None:
    if not table.has(name):
        return None
    url = table.text(name).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.username:
        raise ConfigError(f"{table.key(name)} = {url!r}: it must be {schemes[0]}://host, perhaps with port and path")
    if parts.scheme in ("ws", "http") and parts.hostname not in LOOPBACK:
        raise ConfigError(f"{table.key(name)} = {url!r}: without TLS only to this host; write {schemes[0]}://")
    return url


def _at_most(table: Table, name: str, value: int, most: int) -> None:
    if value > most:
        raise ConfigError(f"{table.key(name)} = {value}: it must be at most {most}")
