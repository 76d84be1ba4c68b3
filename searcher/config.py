"""One TOML file says what a lane trades, within which limits, how a simulation behaves, and where a lane connects.

Unknown keys are refused with the nearest known one. Money and quantities are written in quotes and never become a
float. Limits have no defaults: a strategy runs only when a person has written every one of them.
"""

import tomllib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from searcher.errors import ConfigError
from searcher.live_config import Live, parse_live
from searcher.tables import Table

VENUES = ("binance_usdm", "binance_spot")
QUEUE_MODELS = ("risk_averse", "power_prob", "power_prob2", "power_prob3", "log_prob", "log_prob2")
SELF_TRADE = ("none", "expire_taker", "expire_maker", "expire_both")

#: Limits of an instrument and of the lane. Quantities and notionals are decimals, everything else whole numbers.
INSTRUMENT_LIMITS = ("max_order_qty", "max_order_notional", "max_position_qty", "max_open_orders", "price_collar_bps",
                     "max_book_age_ms", "max_orders_per_second", "outlier_bps")  # fmt: skip
LANE_LIMITS = ("max_feed_latency_ms", "feed_latency_ticks", "max_drawdown_bps", "max_reject_rate_bps", "reject_window")

Limits = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Instrument:
    """What an instrument's integers mean and what the venue takes for a trade. Fees are 10⁻⁸ of the traded value."""

    symbol: str
    tick: str
    lot: str
    maker_fee_e8: int
    taker_fee_e8: int
    limits: Limits | None


@dataclass(frozen=True, slots=True)
class Features:
    """Parameters of the recursive features."""

    ew_halflife_ms: int = 1000
    window: int = 256
    vwap_trades: int = 256
    levels: int = 5


@dataclass(frozen=True, slots=True)
class Simulation:
    """How the simulated exchange behaves. Latencies in microseconds, or interpolated from a recording.

    `latency_offset_us` is added to each way of a recording: another site is nearer or farther. Without
    `feed_latency_us` market data takes as long as it was recorded to take.
    """

    queue_model: str = "power_prob3"
    queue_exponent: float = 3.0
    partial_fills: bool = True
    self_trade_prevention: str = "expire_taker"
    amend_requeues: bool = False
    entry_latency_us: int = 10_000
    response_latency_us: int = 10_000
    latency_file: Path | None = None
    latency_offset_us: int = 0
    feed_latency_us: int | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """A strategy and what it is given. No instruments means all of the lane's."""

    strategy: str
    instruments: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    budget_us: int = 1000


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration. Without instruments they are inferred from the data (quality report only)."""

    venue: str | None = None
    equity: str = "100000"
    clock_offset_ns: int | None = None
    instruments: tuple[Instrument, ...] = ()
    limits: Limits | None = None
    features: Features = Features()
    simulation: Simulation = Simulation()
    kernels: tuple[Kernel, ...] = ()
    live: Live = field(default_factory=Live)


def load(path: Path) -> Config:
    """Reads a configuration file. Raises ConfigError, with the file's name, for anything that is not right in it."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}; `searcher init DIR` writes one to start from"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    try:
        return parse(values, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(values: dict[str, Any], folder: Path) -> Config:
    """A configuration from parsed TOML. `folder` is where its relative paths start. Raises ConfigError."""
    top = Table(values, "")
    lane = top.table("lane", required=True)
    venue = lane.choice("venue", VENUES)
    equity = lane.decimal("equity")
    offset = _clock_offset(lane)
    live = parse_live(top, lane, venue, folder)
    lane.done()
    instruments = tuple(_instrument(t) for t in top.tables("instrument"))
    symbols = [i.symbol for i in instruments]
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise ConfigError(f"instrument {symbol} is written twice")
    limits = _limits(top.table("limits"), LANE_LIMITS) if top.has("limits") else None
    config = Config(
        venue=venue,
        equity=equity,
        clock_offset_ns=offset,
        instruments=instruments,
        limits=limits,
        features=_features(top.table("features")),
        simulation=_simulation(top.table("simulation"), folder),
        kernels=tuple(_kernel(t, symbols, folder) for t in top.tables("kernel")),
        live=live,
    )
    top.done()
    return config


def check_tradable(config: Config) -> None:
    """Raises ConfigError, naming the first thing missing, unless a strategy may run with this configuration."""
    if not config.instruments:
        raise ConfigError(
            "limits are missing: a strategy needs an [[instrument]] and every limit written by a person; "
            "`searcher init DIR` writes a file to start from, pass it with --config"
        )
    for i, instrument in enumerate(config.instruments):
        if instrument.limits is None:
            raise ConfigError(
                f"instrument[{i}].limits is missing: {instrument.symbol} needs {', '.join(INSTRUMENT_LIMITS)}"
            )
    if config.limits is None:
        raise ConfigError(f"limits is missing: the lane needs {', '.join(LANE_LIMITS)}")


def with_strategy(config: Config, spec: str) -> Config:
    """The configuration with its one kernel's strategy replaced; parameters written for another are dropped."""
    if len(config.kernels) > 1:
        raise ConfigError(f"--strategy cannot say which of {len(config.kernels)} kernels it replaces: edit [[kernel]]")
    spec = resolve(spec, Path())
    old = config.kernels[0] if config.kernels else Kernel(spec)
    return replace(config, kernels=(replace(old, strategy=spec, params=old.params if old.strategy == spec else {}),))


def with_setting(config: Config, setting: str) -> Config:
    """`kernel.param=value` applied: `kernel` is that word (of a single kernel) or a strategy's class name."""
    name, equals, text = setting.partition("=")
    owner, dot, param = name.strip().rpartition(".")
    if not (equals and dot and param):
        raise ConfigError(f"--set {setting}: write kernel.param=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        raise ConfigError(f"--set {setting}: {text!r} is not a TOML value; put strings in quotes") from None
    chosen = [k for k in config.kernels if owner in ("kernel", k.strategy.rpartition(":")[2])]
    if len(chosen) != 1:
        classes = ", ".join(k.strategy.rpartition(":")[2] for k in config.kernels) or "none: give --strategy"
        raise ConfigError(f"--set {setting}: {owner!r} names {len(chosen)} kernels (kernels: {classes})")
    kernels = (replace(k, params={**k.params, param: value}) if k is chosen[0] else k for k in config.kernels)
    return replace(config, kernels=tuple(kernels))


def resolve(spec: str, folder: Path) -> str:
    """`module:Class` as it is, `file.py:Class` with its path made absolute from `folder`."""
    where, colon, name = spec.rpartition(":")
    if not (colon and where and name.isidentifier()):
        raise ConfigError(f"strategy {spec!r}: write module:Class or file.py:Class")
    return f"{(folder / where).resolve()}:{name}" if where.endswith(".py") else spec


def fee_e8(table: Table, name: str) -> int:
    """A fee in basis points (a decimal in quotes; negative is a rebate) as an integer of 10⁻⁸, exactly."""
    text = table.decimal(name, signed=True)
    scaled = Decimal(text).scaleb(4)
    if scaled != scaled.to_integral_value():
        raise ConfigError(f"{table.key(name)} = {text!r}: at most four decimals of a basis point")
    return int(scaled)


def _clock_offset(lane: Table) -> int | None:
    value = lane.raw("clock_offset")
    if value in (None, "auto"):
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f'{lane.key("clock_offset")} = {value!r}: it must be "auto" or whole nanoseconds')
    return value


def _instrument(table: Table) -> Instrument:
    instrument = Instrument(
        symbol=table.text("symbol").upper(),
        tick=table.decimal("tick"),
        lot=table.decimal("lot"),
        maker_fee_e8=fee_e8(table, "maker_fee_bps"),
        taker_fee_e8=fee_e8(table, "taker_fee_bps"),
        limits=_limits(table.table("limits"), INSTRUMENT_LIMITS) if table.has("limits") else None,
    )
    table.done()
    return instrument


def _limits(table: Table, names: tuple[str, ...]) -> Limits:
    limits: Limits = {}
    for name in names:
        limits[name] = table.decimal(name) if name.endswith(("_qty", "_notional")) else table.whole(name, least=1)
    table.done()
    return limits


def _features(table: Table) -> Features:
    d = Features()
    features = Features(
        ew_halflife_ms=table.whole("ew_halflife_ms", d.ew_halflife_ms, least=1),
        window=table.whole("window", d.window, least=2),
        vwap_trades=table.whole("vwap_trades", d.vwap_trades, least=1),
        levels=table.whole("levels", d.levels, least=1),
    )
    table.done()
    return features


def _simulation(table: Table, folder: Path) -> Simulation:
    d = Simulation()
    recording = folder / table.text("latency_file") if table.has("latency_file") else None
    if recording and (table.has("entry_latency_us") or table.has("response_latency_us")):
        raise ConfigError(f"{table.key('latency_file')}: give either a recording or constant latencies, not both")
    if table.has("latency_offset_us") and not recording:
        raise ConfigError(f"{table.key('latency_offset_us')} belongs to a latency_file, and there is none")
    simulation = Simulation(
        queue_model=table.choice("queue_model", QUEUE_MODELS, d.queue_model),
        queue_exponent=table.number("queue_exponent", d.queue_exponent),
        partial_fills=table.flag("partial_fills", d.partial_fills),
        self_trade_prevention=table.choice("self_trade_prevention", SELF_TRADE, d.self_trade_prevention),
        amend_requeues=table.flag("amend_requeues", d.amend_requeues),
        entry_latency_us=table.whole("entry_latency_us", d.entry_latency_us),
        response_latency_us=table.whole("response_latency_us", d.response_latency_us),
        latency_file=recording,
        latency_offset_us=table.whole("latency_offset_us", d.latency_offset_us, least=-1_000_000),
        feed_latency_us=table.whole("feed_latency_us") if table.has("feed_latency_us") else None,
    )
    table.done()
    return simulation


def _kernel(table: Table, symbols: list[str], folder: Path) -> Kernel:
    d = Kernel("")
    kernel = Kernel(
        strategy=resolve(table.text("strategy"), folder),
        instruments=tuple(s.upper() for s in table.texts("instruments")),
        params=table.table("params").rest(),
        budget_us=table.whole("budget_us", d.budget_us, least=1),
    )
    for symbol in kernel.instruments:
        if symbol not in symbols:
            raise ConfigError(f"{table.key('instruments')}: {symbol} has no [[instrument]]")
    table.done()
    return kernel
