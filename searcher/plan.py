"""A configuration as the native replay reads it: one JSON document, integers and decimal strings."""

import csv
from pathlib import Path
from typing import Any

import orjson

from searcher.config import Config, Kernel, Simulation, check_tradable
from searcher.errors import ConfigError


def plan_json(config: Config, tape: Path | None = None, *, salvage: bool = False) -> str:
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
        "simulation": _simulation(config.simulation),
        "kernels": [_kernel(k, config) for k in config.kernels],
        "tape": str(tape) if tape else None,
        "salvage": salvage,
    }
    return orjson.dumps(plan).decode()


def _kernel(kernel: Kernel, config: Config) -> dict[str, Any]:
    return {
        "instruments": list(kernel.instruments) or [i.symbol for i in config.instruments],
        "budget_ns": kernel.budget_us * 1_000,
    }


def _simulation(simulation: Simulation) -> dict[str, Any]:
    feed_us = simulation.feed_latency_us
    return {
        "exchange": _exchange(simulation),
        "latency": _latency(simulation),
        "feed_latency_ns": None if feed_us is None else feed_us * 1_000,
    }


def _exchange(simulation: Simulation) -> dict[str, Any]:
    model: dict[str, Any] = {"kind": simulation.queue_model}
    if simulation.queue_model.startswith("power"):
        model["n"] = simulation.queue_exponent
    return {
        "queue_model": model,
        "partial_fills": simulation.partial_fills,
        "self_trade_prevention": simulation.self_trade_prevention,
        "amend_requeues": simulation.amend_requeues,
    }


def _latency(simulation: Simulation) -> dict[str, Any]:
    if simulation.latency_file is None:
        return {
            "kind": "constant",
            "entry_ns": simulation.entry_latency_us * 1_000,
            "response_ns": simulation.response_latency_us * 1_000,
        }
    rows, offset_ns = read_latency(simulation.latency_file), simulation.latency_offset_us * 1_000
    return {"kind": "interpolated", "rows": rows, "latency_offset_ns": offset_ns}


COLUMNS = ("req_ns", "exch_ns", "resp_ns")


def read_latency(path: Path) -> list[dict[str, int]]:
    """Rows of a CSV file whose first line is `req_ns,exch_ns,resp_ns`: when a request was sent, matched and answered.

    Raises ConfigError where the file cannot be read or a row is not three whole numbers.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise ConfigError(f"cannot read the latency recording {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is no CSV file: {error}") from None
    if not rows or tuple(rows[0]) != COLUMNS:
        raise ConfigError(f"{path}: its first line must be {','.join(COLUMNS)}")
    found = []
    for n, row in enumerate(rows[1:], 2):
        try:
            found.append(dict(zip(COLUMNS, map(int, row), strict=True)))
        except ValueError:
            raise ConfigError(f"{path}: row {n} is not three whole numbers: {','.join(row)}") from None
    return found
