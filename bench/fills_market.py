"""A recorded day as a plain Python model of the exchange sees it: rows in the order of the exchange's own time."""

import gzip
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from bench.fills_rule import BUY, SELL

MS = 1_000_000
NONE = 0


@dataclass(slots=True)
class Level:
    """What happened at one price of one side: the row, and the lots before and after it."""

    rows: list[int] = field(default_factory=list)
    prev: list[int] = field(default_factory=list)
    new: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Side:
    """The rows that offer something on one side, and the trades whose aggressor is of that side."""

    offer_rows: Any = field(default_factory=list)
    offer_px: Any = field(default_factory=list)
    trade_rows: Any = field(default_factory=list)
    trade_px: Any = field(default_factory=list)
    trade_lots: Any = field(default_factory=list)


@dataclass(slots=True)
class Market:
    """`time[r]`: ns of row `r`; `bid[r]`, `ask[r]`: the best prices after it, ticks (0: none)."""

    time: list[int] = field(default_factory=list)
    bid: list[int] = field(default_factory=list)
    ask: list[int] = field(default_factory=list)
    levels: dict[tuple[int, int], Level] = field(default_factory=dict)
    sides: dict[int, Side] = field(default_factory=lambda: {BUY: Side(), SELL: Side()})
    #: Time of the last snapshot: the model knows of none while orders live.
    snapshot_ns: int = 0
    #: What brings the exchange's clock to the recorder's, so that nothing is received before it happened: as
    #: hftbacktest's converter has it, from depth, trades and snapshots.
    clock_offset_ns: int = 0

    def rows_at(self, time_ns: int) -> int:
        """How many rows have happened at `time_ns`, that moment included."""
        return bisect_right(self.time, time_ns)

    def lots(self, side: int, px: int, rows: int) -> int:
        """What the level shows after so many rows."""
        level = self.levels.get((side, px))
        at = bisect_left(level.rows, rows) if level else 0
        return level.new[at - 1] if level and at else 0

    def trade(self, time_ns: int, side: int, px: int, lots: int) -> None:
        """A trade; `side` is the aggressor's."""
        row = self._row(time_ns)
        s = self.sides[side]
        s.trade_rows.append(row)
        s.trade_px.append(px)
        s.trade_lots.append(lots)

    def set(self, time_ns: int, side: int, px: int, lots: int) -> None:
        """A level's new quantity."""
        level = self.levels.setdefault((side, px), Level())
        prev = level.new[-1] if level.new else 0
        row = self._row(time_ns)
        level.rows.append(row)
        level.prev.append(prev)
        level.new.append(lots)
        best, other = (self.bid, self.ask) if side == BUY else (self.ask, self.bid)
        if lots:
            self.sides[side].offer_rows.append(row)
            self.sides[side].offer_px.append(px)
            if not best[row] or side * px > side * best[row]:
                best[row] = px
                if other[row] and side * px >= side * other[row]:
                    other[row] = self._next(-side, px)
        elif px == best[row]:
            best[row] = self._next(side, px)

    def _row(self, time_ns: int) -> int:
        row = len(self.time)
        self.time.append(time_ns)
        self.bid.append(self.bid[-1] if row else NONE)
        self.ask.append(self.ask[-1] if row else NONE)
        return row

    def _next(self, side: int, px: int) -> int:
        """The best price of `side` that is worse than `px`."""
        for near in range(px - side, px - 100 * side, -side):
            level = self.levels.get((side, near))
            if level and level.new[-1]:
                return near
        worse = [p for (s, p), level in self.levels.items() if s == side and side * p < side * px and level.new[-1]]
        return max(worse, key=lambda p: side * p, default=NONE)

    def freeze(self) -> "Market":
        """Lists that are searched become arrays. The market is complete."""
        for s in self.sides.values():
            for name in Side.__slots__:
                setattr(s, name, np.array(getattr(s, name), np.int64))
        return self


def steps(text: str, decimals: int) -> int:
    """A decimal's digits as a whole number of 10⁻ᵈ; the files have more digits than that only as zeros."""
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(decimals, "0")[:decimals])


def load(capture: Path) -> Market:
    """The USD-M capture with ticks of 0.1 and lots of 0.001."""
    found: list[tuple[int, list[tuple[int, int, int]], bool]] = []
    least_ns = 0
    with gzip.open(capture, "rb") as lines:
        for line in lines:
            received, text = line.split(b" ", 1)
            message = orjson.loads(text)
            data = message.get("data", message)
            kind = data.get("e")
            if kind == "trade" and data["X"] == "MARKET":
                side = SELL if data["m"] else BUY
                found.append((data["T"] * MS, [(side, steps(data["p"], 1), steps(data["q"], 3))], True))
            elif kind == "depthUpdate":
                found.append((data["T"] * MS, _levels(data, "b", "a"), False))
            elif "lastUpdateId" in data:
                found.append((-data["T"] * MS, _levels(data, "bids", "asks"), False))
            else:
                continue
            least_ns = min(least_ns, int(received) - data["T"] * MS)
    market = Market(clock_offset_ns=least_ns)
    for time_ns, rows, is_trade in sorted(found, key=lambda f: abs(f[0])):
        if time_ns < 0:
            market.snapshot_ns = -time_ns
            _clear(market, rows)
        for side, px, lots in rows:
            (market.trade if is_trade else market.set)(abs(time_ns), side, px, lots)
    return market.freeze()


def _levels(data: Any, bids: str, asks: str) -> list[tuple[int, int, int]]:
    found = [(BUY, steps(p, 1), steps(q, 3)) for p, q in data[bids]]
    return found + [(SELL, steps(p, 1), steps(q, 3)) for p, q in data[asks]]


def _clear(market: Market, rows: list[tuple[int, int, int]]) -> None:
    """A snapshot says what is not there, as far as it reaches."""
    for side in (BUY, SELL):
        worst = min(side * px for s, px, _ in rows if s == side)
        for (s, px), level in market.levels.items():
            if s == side and side * px >= worst and level.new[-1]:
                market.set(market.snapshot_ns, side, px, 0)
