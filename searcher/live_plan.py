"""What a live lane is told: the replay's plan and, around it, where it connects and how it deals with its venue.

The JSON becomes the header of the session's Tape. It holds no key and no secret.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from cex.venues.binance import ALL, streams
from cex.venues.binance_auth import Credentials
from cex.venues.binance_rules import RateLimit
from searcher.config import Config, Kernel, check_tradable
from searcher.errors import ConfigError, RunError
from searcher.live_config import endpoints
from searcher.plan import plan_json

if TYPE_CHECKING:
    from native import CompiledKernel


def for_mode(config: Config, mode: str) -> Config:
    """The configuration as a mode needs it: `record` has no kernels. Raises ConfigError for what it lacks."""
    if not config.instruments:
        raise ConfigError("[[instrument]] is missing: a live lane needs at least one")
    if mode == "record":
        return replace(config, kernels=())
    if not config.kernels:
        raise ConfigError(f"[[kernel]] is missing: mode {mode} needs a strategy; to only record, use --mode record")
    check_tradable(config)
    if mode == "live" and config.live.keys is None:
        raise ConfigError("[keys] is missing: mode live signs its orders; `searcher keys add` stores a key")
    return config


def compile_kernels(config: Config) -> "tuple[list[CompiledKernel], list[dict[str, Any]]]":
    """The compiled strategies, and for the Tape what each was made of. Raises RunError where one does not compile."""
    if not config.kernels:
        return [], []
    from native import KernelError, compile_strategy, load_strategy

    compiled, made_of = [], []
    try:
        for kernel in config.kernels:
            cls = load_strategy(kernel.strategy)
            one = compile_strategy(cls, kernel.params)
            compiled.append(one)
            made_of.append({"strategy": kernel.strategy, "params": one.params, "source_sha256": source_sha256(kernel)})
    except KernelError as error:
        raise RunError(str(error)) from error
    return compiled, made_of


def source_sha256(kernel: Kernel) -> str:
    """SHA-256 of the file that a strategy is written in."""
    where = kernel.strategy.rpartition(":")[0]
    if not where.endswith(".py"):
        import importlib.util

        found = importlib.util.find_spec(where)
        if found is None or found.origin is None:
            raise RunError(f"{kernel.strategy}: its source file is not found")
        where = found.origin
    return hashlib.sha256(Path(where).read_bytes()).hexdigest()


def live_plan_json(
    config: Config,
    mode: str,
    *,
    clock_offset_ns: int,
    rates: Sequence[RateLimit],
    keys: Credentials | None,
    switch: Path | None,
    strategies: Sequence[dict[str, Any]],
    min_notional: Sequence[Decimal] = (),
) -> str:
    """The plan of `LiveLane`. `config` is that of `for_mode`; `clock_offset_ns` was measured and yields to a written
    one. `min_notional` is what an order must be worth at the venue, by instrument, quote currency; empty where that is
    not known."""
    assert config.venue is not None, "a parsed configuration has a venue"
    live, facts = config.live, ALL[config.venue]
    where = endpoints(live, config.venue)
    plan = json.loads(plan_json(config))
    if plan["clock_offset_ns"] is None:
        plan["clock_offset_ns"] = clock_offset_ns
    symbols = tuple(i.symbol for i in config.instruments)
    trades = mode == "live"
    document = {
        "plan": plan,
        "mode": mode,
        "lane": live.number,
        "name": live.name,
        "state": str(live.state_folder),
        "switch": str(switch) if switch else None,
        "endpoints": {
            "market": where.market,
            "orders": where.orders if trades else None,
            "user": where.user if trades else None,
            "rest": where.rest,
        },
        "streams": streams(facts, symbols, live.venue.depth_ms, live.venue.streams_per_connection),
        "key_kind": keys.kind if trades and keys else None,
        "order_entry": live.venue.order_entry,
        "rules": _rules(config, rates, min_notional) if trades else None,
        "recv_window_ms": live.venue.recv_window_ms,
        "poll": live.connection.poll,
        "cpu": live.connection.cpu,
        "clock": {"origin_ns": live.connection.clock_origin_ns, "speed": live.connection.clock_speed},
        "ca_file": str(live.connection.ca_file) if live.connection.ca_file else None,
        "strategies": list(strategies),
    }
    return orjson.dumps(document).decode()


def _rules(config: Config, rates: Sequence[RateLimit], min_notional: Sequence[Decimal]) -> dict[str, Any]:
    venue, dead_man = config.live.venue, ALL[config.venue or ""].dead_man
    countdown_ms = dead_man.countdown_ms if venue.countdown_ms is None else venue.countdown_ms or None
    return {
        "ack_timeout_ms": venue.ack_timeout_ms,
        "reconcile_every_ms": venue.reconcile_every_s * 1_000,
        "countdown_ms": countdown_ms,
        "rates": [asdict(r) for r in rates],
        "cancel_reserve_bps": venue.cancel_reserve_bps,
        "min_notional": [f"{amount:f}" for amount in min_notional],
    }
