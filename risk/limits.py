"""Limits as people write them. None has a default: what is missing is an error that names it."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

DECIMAL = re.compile(r"\d{1,27}(\.\d{1,18})?")


class LimitError(ValueError):
    """What is wrong with a limit, in one line, with its full name and what to write instead."""


@dataclass(frozen=True, slots=True)
class _Table:
    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str = "limits") -> Self:
        """From a parsed TOML table, called `where` in errors. Quantities and notionals are strings of digits (a TOML
        float has lost its digits), everything else whole numbers above zero.

        Raises LimitError for a missing, unknown or malformed limit.
        """
        names = [field.name for field in fields(cls)]
        for key in values:
            if key not in names:
                near = difflib.get_close_matches(key, names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
                raise LimitError(f"{where}.{key} is no limit; {hint}")
        for field in fields(cls):
            name = field.name
            if name not in values:
                raise LimitError(f"{where}.{name} is missing: limits have no defaults, write your own number")
            value = values[name]
            if field.type is str:
                if not isinstance(value, str) or not DECIMAL.fullmatch(value) or not value.strip("0."):
                    raise LimitError(f'{where}.{name} = {value!r}: write digits above zero in quotes, as in "0.5"')
            elif isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise LimitError(f"{where}.{name} = {value!r}: write a whole number of at least 1")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class InstrumentLimits(_Table):
    """What one instrument may do; see `native/src/risk/rules.rs` for each rule."""

    max_order_qty: str
    """Largest order, base currency."""
    max_order_notional: str
    """Largest order at its own price, quote currency."""
    max_position_qty: str
    """Largest position, long or short, if every open order of that side were filled; base currency."""
    max_open_orders: int
    """Most orders open at a time, those without an answer included."""
    price_collar_bps: int
    """Furthest price from the mid, either way, basis points."""
    max_book_age_ms: int
    """Oldest book that an order may be judged by."""
    max_orders_per_second: int
    """Most places and replaces in any second."""
    outlier_bps: int
    """A tick further than this from the last accepted tick and from the tick before it is ignored."""


@dataclass(frozen=True, slots=True)
class LaneLimits(_Table):
    """What a lane as a whole may do."""

    max_feed_latency_ms: int
    """Oldest market data at its receipt."""
    feed_latency_ticks: int
    """So many ticks of one instrument in a row above it halt the lane."""
    max_drawdown_bps: int
    """Largest fall from the UTC day's highest equity, basis points of the day's opening equity: flattens."""
    max_reject_rate_bps: int
    """Most rejected orders, basis points of `reject_window`: reduces."""
    reject_window: int
    """Over how many answered orders rejects are counted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A lane's limits; `instrument` in the order of the lane's instruments."""

    instrument: tuple[InstrumentLimits, ...]
    lane: LaneLimits

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], symbols: Sequence[str], where: str = "limits") -> Self:
        """From a parsed table with the tables `lane` and `instrument.SYMBOL`, one for each of `symbols`.

        Raises LimitError for a missing, unknown or malformed limit or table.
        """
        for key in values:
            if key not in ("lane", "instrument"):
                raise LimitError(f"{where}.{key} is no table of limits; known: lane, instrument")
        lane, instruments = (_table(values, name, where) for name in ("lane", "instrument"))
        for symbol in instruments:
            if symbol not in symbols:
                raise LimitError(f"{where}.instrument.{symbol}: the lane has no such instrument, but {list(symbols)}")
        per_symbol = [(s, _table(instruments, s, f"{where}.instrument")) for s in symbols]
        return cls(
            tuple(InstrumentLimits.from_mapping(table, f"{where}.instrument.{s}") for s, table in per_symbol),
            LaneLimits.from_mapping(lane, f"{where}.lane"),
        )

    def to_json(self) -> str:
        """What the native gate reads."""
        return json.dumps({"instrument": [asdict(i) for i in self.instrument], "lane": asdict(self.lane)})


def _table(values: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    table = values.get(name)
    if not isinstance(table, Mapping):
        raise LimitError(f"{where}.{name} is missing: limits have no defaults, write a table [{where}.{name}]")
    return table
