"""A configuration as the native replay reads it: one JSON document, integers and decimal strings."""

import csv
from pathlib import Path
from typing import Any

import orjson

from searcher.config import Config, Kernel, Simulation, check_tradable
from searcher.tables import ConfigError


def plan_json(config: Config, tape: Path | None = None) -> str:
    """The native plan. `limits.instrument[i]` belongs to `instruments[i]`; limits are null without a kernel.

    Raises ConfigError where a kernel is to run and a limit is missing, or a latency recording cannot be read.
    """
    if config.kernels:
        check_tradable(config)
    plan = {
        "venue": config.venue,
        "clock_offset_ns": config.clock_offset_ns,
        "equity": config.equity,
        "instruments": [
            {
                "symbol": i.symbol,
                "tick": i.tick,
                "lot": i.lot,
                "maker_fee_e8": i.maker_fee_e8,
                "taker_fee_e8": i.taker_fee_e8,
            }
            for i in config.instruments
        ],
        "limits": {"instrument": [i.limits for i in config.instruments], "lane": config.limits}
        if config.kernels
        else None,
        "features": {
            "ew_halflife_ms": config.features.ew_halflife_ms,
            "window": config.features.window,
            "vwap_trades": config.features.vwap_trades,
            "levels": config.features.levels,
        },
        "simulation": {
            "queue_model": {"kind": config.simulation.queue_model, "n": config.simulation.queue_exponent},
            "partial_fills": config.simulation.partial_fills,
            "self_trade_prevention": config.simulation.self_trade_prevention,
            "latency": _latency(config.simulation),
        },
        "kernels": [_kernel(k, config) for k in config.kernels],
        "tape": str(tape) if tape else None,
    }
    return orjson.dumps(plan).decode()


def _kernel(kernel: Kernel, config: Config) -> dict[str, Any]:
    return {
        "instruments": list(kernel.instruments) or [i.symbol for i in config.instruments],
        "budget_ns": kernel.budget_us * 1_000,
    }


def _latency(simulation: Simulation) -> dict[str, Any]:
    if simulation.latency_file is None:
        return {
            "kind": "constant",
            "entry_ns": simulation.entry_latency_us * 1_000,
            "response_ns": simulation.response_latency_us * 1_000,
        }
    return {"kind": "recorded", "rows": read_latency(simulation.latency_file)}


def read_latency(path: Path) -> list[list[int]]:
    """Rows `request_ns,exchange_ns,response_ns` of a CSV file with that header, in order of their request."""
    columns = ["request_ns", "exchange_ns", "response_ns"]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        if not rows or rows[0] != columns:
            raise ConfigError(f"{path}: its first line must be {','.join(columns)}")
        numbers = [[int(v) for v in row] for row in rows[1:] if row]
    except OSError as error:
        raise ConfigError(f"cannot read the latency recording {path}: {error.strerror}") from None
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path}: {error}") from None
    if not numbers or any(len(row) != 3 for row in numbers) or numbers != sorted(numbers):
        raise ConfigError(f"{path}: it must have rows of three whole numbers, in order of request_ns")
    return numbers
