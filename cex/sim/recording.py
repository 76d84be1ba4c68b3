"""A recorded market: its depth, bookTicker and trade are sent again at their recorded spacing, in a loop.

Ids of depth rise over the loop's seam: there one event takes the book from where the recording ended to where it began.
The book begins at the recording's first snapshot; what comes before that is read for it and not sent. Quantities that
are no whole lots (spot has old orders of a finer step) are rounded up to one, in what is sent and in what is matched.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from cex.sim.flow import ASK, BID
from cex.sim.market import Book, Levels, Venue
from cex.sim.symbols import Step, Symbol


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            recv, _, text = line.partition(b" ")
            if recv.isdigit():
                yield int(recv), orjson.loads(text)


def _units(text: str, step: Step) -> tuple[int, int]:
    whole, _, part = text.partition(".")
    steps, odd = divmod(int(whole + part[: step.decimals].ljust(step.decimals, "0")), step.unit)
    return steps, odd + int(part[step.decimals :] or 0)


def _px(text: str, step: Step) -> int:
    steps, odd = _units(text, step)
    if odd:
        raise ValueError(f"price {text} is no multiple of {step.plain()}: the recording is not of this instrument")
    return steps


def _qty(text: str, step: Step) -> int:
    steps, odd = _units(text, step)
    return steps + (odd > 0)


class Recording(Book):
    """The market of one instrument, from a raw capture (lines `<receive_ns> <JSON>`)."""

    def __init__(self, symbol: Symbol, venue: Venue, path: Path, start_ns: int) -> None:
        self._path = path
        super().__init__(symbol, venue, 1)
        snapshot = next((m for _, m in _lines(path) if "lastUpdateId" in m), None)
        if snapshot is None:
            raise ValueError(f"{path}: no depth snapshot in it, so no book to begin with")
        self._first_recv = self._shift = 0
        self._begin(snapshot)
        self._start = tuple(dict(side) for side in self.lots)
        self._start_id = self.last_id
        self._began_ns = start_ns
        self._feed = self._messages()
        self._next = next(self._feed)
        bids, asks = self.levels(1 << 30)
        venue.on_snapshot(symbol, self.last_id, bids, asks, start_ns)
        self._best = self._top = super().best()
        self._told = self.touch()
        venue.on_top(symbol, self.last_id, self._told)

    def _begin(self, snapshot: dict[str, Any]) -> None:
        self.last_id = snapshot["lastUpdateId"]
        for side, levels in ((BID, snapshot["bids"]), (ASK, snapshot["asks"])):
            self._set(side, self._read(levels))
        for recv, message in _lines(self._path):
            if "lastUpdateId" in message:
                self._first_recv = recv
                return
            data = message["data"]
            if data.get("e") == "depthUpdate" and data["s"] == self.symbol.name and data["u"] > self.last_id:
                self._set(BID, self._read(data["b"]))
                self._set(ASK, self._read(data["a"]))
                self.last_id = data["u"]

    def _read(self, levels: list[list[str]]) -> Levels:
        tick, lot = self.symbol.tick, self.symbol.lot
        return [(_px(px, tick), _qty(qty, lot)) for px, qty in levels]

    def _set(self, side: int, levels: Levels) -> None:
        for px, lots in levels:
            if lots:
                self.lots[side][px] = lots
            else:
                self.lots[side].pop(px, None)

    def _messages(self) -> Iterator[tuple[int, dict[str, Any]]]:
        found = False
        for recv, message in _lines(self._path):
            data = message.get("data")
            if recv > self._first_recv and data and data["s"] == self.symbol.name:
                found = True
                yield recv - self._first_recv, data
        if not found:
            raise ValueError(f"{self._path}: nothing about {self.symbol.name} after its snapshot")

    def best(self) -> tuple[int, int]:
        """Best bid and ask, ticks."""
        return self._best

    def pause(self, ns: int) -> None:
        """Nothing happens for so long."""
        self._began_ns += ns

    def due_ns(self) -> int:
        """When the market moves next."""
        return self._began_ns + self._next[0]

    def advance(self, now_ns: int, most: int = 200) -> None:
        """All that happened up to `now_ns`, or `most` messages of it."""
        for _ in range(most):
            if (ns := self.due_ns()) > now_ns:
                return
            self._message(self._next[1], ns)
            following = next(self._feed, None)
            if following is None:
                self._again(ns)
            else:
                self._next = following

    def _message(self, data: dict[str, Any], ns: int) -> None:
        kind, s = data.get("e", "bookTicker"), self.symbol
        if kind == "depthUpdate":
            self._depth(self._read(data["b"]), self._read(data["a"]), data["u"] + self._shift, ns)
        elif kind == "trade":
            px, lots = _px(data["p"], s.tick), _qty(data["q"], s.lot)
            if lots and data.get("X", "MARKET") == "MARKET":
                self.trade(px, lots, ASK if data["m"] else BID, ns)
        elif kind == "bookTicker":
            stream = f"{s.name.lower()}@bookTicker"
            if self.venue.wanted(stream):
                times = {"T": self.venue.venue_ms(ns), "E": self.venue.venue_ms(ns)} if self.venue.futures else {}
                sizes = {side: s.lot.text(_qty(data[side], s.lot)) for side in ("B", "A")}
                told = {**data, "u": data["u"] + self._shift, **sizes, **times}
                self.venue.publish(stream, orjson.dumps(told), "quote")

    def _depth(self, bids: Levels, asks: Levels, last_id: int, ns: int) -> None:
        if last_id <= self.last_id:
            return
        ids = (self.last_id + 1, last_id, self.last_id)
        self._set(BID, bids)
        self._set(ASK, asks)
        self._best = super().best()
        self.changed(ids, bids, asks, ns)
        event = self.depth_event(ids, bids, asks, ns)
        for stream, batch in list(self.batches.items()):
            batch.changed.clear()
            if self.venue.wanted(stream):
                self.venue.publish(stream, event, "depth")
            else:
                del self.batches[stream]

    def _again(self, ns: int) -> None:
        """The recording is over: back to its first book in one event, and from there once more."""
        back: list[Levels] = []
        for was, now in zip(self._start, self.lots, strict=True):
            gone: Levels = [(px, 0) for px in now if px not in was]
            back.append(gone + [(px, n) for px, n in was.items() if now.get(px) != n])
        self._depth(back[BID], back[ASK], self.last_id + 1 + sum(map(len, back)), ns)
        self._shift = self.last_id - self._start_id
        self._began_ns = ns
        self._feed = self._messages()
        self._next = next(self._feed)
