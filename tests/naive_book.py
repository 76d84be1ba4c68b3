"""A book of Binance's messages in plain Python, written from the venue's rules alone: the oracle for recorded days."""

import gzip
import heapq
import json
from bisect import bisect_right
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

Level = tuple[Decimal, Decimal]
Top = tuple[Level, Level]


def lines_of(path: Path, until_ns: int | None = None) -> list[str]:
    """Lines of a gzip capture, each with its newline; those received in the first `until_ns`, or all."""
    lines: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            if lines and until_ns is not None and recv_ns(line) - recv_ns(lines[0]) > until_ns:
                break
            lines.append(line)
    return lines


def recv_ns(line: str) -> int:
    return int(line[: line.index(" ")])


def message(line: str) -> dict[str, Any]:
    """The message of a line: `data` of a combined stream, or the body of a snapshot."""
    found: dict[str, Any] = json.loads(line[line.index(" ") + 1 :])
    data: dict[str, Any] = found.get("data", found)
    return data


def is_depth(line: str) -> bool:
    return "@depth" in line[:60]


def is_snapshot(line: str) -> bool:
    return '"lastUpdateId"' in line[:60]


@dataclass
class Side:
    """Quantities by price, and a heap that may hold prices that are gone."""

    sign: int
    quantities: dict[Decimal, Decimal] = field(default_factory=dict)
    heap: list[Decimal] = field(default_factory=list)

    def put(self, levels: list[list[str]]) -> None:
        for price_text, quantity_text in levels:
            price, quantity = Decimal(price_text), Decimal(quantity_text)
            if quantity == 0:
                self.quantities.pop(price, None)
            else:
                if price not in self.quantities:
                    heapq.heappush(self.heap, price * self.sign)
                self.quantities[price] = quantity

    def best(self) -> Level:
        while self.heap[0] * self.sign not in self.quantities:
            heapq.heappop(self.heap)
        price = self.heap[0] * self.sign
        return price, self.quantities[price]


@dataclass
class NaiveBook:
    """Applies depth messages from a snapshot on. Raises AssertionError where the venue's chain is broken."""

    futures: bool
    bids: Side = field(default_factory=lambda: Side(-1))
    asks: Side = field(default_factory=lambda: Side(1))
    waiting: list[dict[str, Any]] = field(default_factory=list)
    #: Id of the snapshot, and of the last message applied.
    snapshot_id: int | None = None
    last_id: int | None = None
    #: (id, top) after every message applied.
    tops: list[tuple[int, Top]] = field(default_factory=list)

    def feed(self, line: str) -> None:
        if is_snapshot(line):
            snapshot = message(line)
            self.snapshot_id = snapshot["lastUpdateId"]
            self.bids.put(snapshot["bids"])
            self.asks.put(snapshot["asks"])
            for event in self.waiting:
                self._apply(event)
        elif is_depth(line):
            event = message(line)
            if self.snapshot_id is None:
                self.waiting.append(event)
            else:
                self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        assert self.snapshot_id is not None
        first, last = event["U"], event["u"]
        if self.last_id is None:
            if last < self.snapshot_id or (not self.futures and last == self.snapshot_id):
                return  # contained in the snapshot
            assert first <= self.snapshot_id + (not self.futures)
        elif self.futures:
            assert event["pu"] == self.last_id
        else:
            assert first == self.last_id + 1
        self.bids.put(event["b"])
        self.asks.put(event["a"])
        self.last_id = last
        self.tops.append((last, self.top()))

    def top(self) -> Top:
        return self.bids.best(), self.asks.best()

    def snapshot(self, recv_ns: int) -> str:
        """The line of a REST snapshot of the book as it stands."""
        sides = [[[str(p), str(q)] for p, q in s.quantities.items()] for s in (self.bids, self.asks)]
        body = {"lastUpdateId": self.last_id, "E": 0, "T": 0, "bids": sides[0], "asks": sides[1]}
        return f"{recv_ns} {json.dumps(body, separators=(',', ':'))}\n"


def quotes(lines: list[str]) -> list[tuple[int, Top]]:
    """(id, best prices) of every bookTicker, by id."""
    found = []
    for line in lines:
        if "@bookTicker" in line[:60]:
            m = message(line)
            found.append((m["u"], ((Decimal(m["b"]), Decimal(m["B"])), (Decimal(m["a"]), Decimal(m["A"])))))
    return sorted(found, key=lambda quote: quote[0])


def agreement(tops: list[tuple[int, Top]], tickers: list[tuple[int, Top]]) -> tuple[int, int]:
    """How many tops have a bookTicker of their id or an earlier one, and how many of them equal the last of those."""
    ids = [quote[0] for quote in tickers]
    pairs = [(top, tickers[at - 1][1]) for last, top in tops if (at := bisect_right(ids, last))]
    return len(pairs), sum(a == b for a, b in pairs)
