"""The synthetic day, read back by a naive book in plain Python that obeys the venue's rules."""

import gzip
import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cex.sim.flow import ASK, BID, Flow
from searcher.generate import VENUE, day, write_day


class NaiveBook:
    """Binance's own synchronisation rules, one branch each, without any haste."""

    def __init__(self, futures: bool) -> None:
        self.futures = futures
        self.last = 0
        self.early: list[dict[str, Any]] = []
        self.bridged = False
        self.sides: tuple[dict[str, str], dict[str, str]] = ({}, {})

    def snapshot(self, message: dict[str, Any]) -> None:
        """Starts the book; the next event must span it."""
        for side, levels in zip(self.sides, (message["bids"], message["asks"]), strict=True):
            side.update(dict(levels))
        self.last = message["lastUpdateId"]
        assert self.early
        assert all(event["u"] < self.last for event in self.early)

    def depth(self, event: dict[str, Any]) -> bool:
        """Applies an event; False while there is no snapshot yet."""
        if not self.last:
            self.early.append(event)
            return False
        if not self.bridged:
            assert event["U"] <= self.last <= event["u"]
            assert self.futures or event["u"] > self.last
            self.bridged = True
        elif self.futures:
            assert event["pu"] == self.last
        else:
            assert event["U"] == self.last + 1
        for side, levels in zip(self.sides, (event["b"], event["a"]), strict=True):
            for px, qty in levels:
                if Decimal(qty) == 0:
                    side.pop(px, None)
                else:
                    side[px] = qty
        self.last = event["u"]
        return True

    def top(self) -> tuple[str, str, str, str]:
        bid, ask = max(self.sides[BID], key=Decimal), min(self.sides[ASK], key=Decimal)
        return bid, self.sides[BID][bid], ask, self.sides[ASK][ask]


@pytest.mark.parametrize("venue", list(VENUE))
def test_the_streams_agree_exactly_and_obey_the_venues_rules(venue: str) -> None:
    futures = VENUE[venue].futures
    book, checked, last_recv, last_trade, last_quote = NaiveBook(futures), 0, 0, 0, 0
    quotes: dict[int, tuple[str, str, str, str]] = {}
    counts = {"depth": 0, "bookTicker": 0, "trade": 0, "snapshot": 0}
    for line in day(8, 3, venue):
        stamp, text = line.split(" ", 1)
        assert int(stamp) > last_recv
        last_recv = int(stamp)
        message = json.loads(text)
        if "stream" not in message:
            counts["snapshot"] += 1
            assert len(message["bids"]) == len(message["asks"]) == 1000
            book.snapshot(message)
            continue
        kind, data = message["stream"].split("@")[1], message["data"]
        counts[kind] += 1
        assert data["s"] == "BTCUSDT"
        if kind == "bookTicker":
            assert data["u"] > last_quote
            last_quote = data["u"]
            assert Decimal(data["b"]) < Decimal(data["a"])
            assert ("E" in data) == futures
            quotes[data["u"]] = (data["b"], data["B"], data["a"], data["A"])
        elif kind == "trade":
            assert data["t"] > last_trade
            last_trade = data["t"]
            bid, _, ask, _ = list(quotes.values())[-1] if quotes else ("0", "", "Infinity", "")
            assert Decimal(data["p"]) <= Decimal(bid) if data["m"] else Decimal(data["p"]) >= Decimal(ask)
        elif book.depth(data):
            checked += 1
            assert book.top() == quotes[max(u for u in quotes if u <= data["u"])]
    assert counts["snapshot"] == 1
    assert checked > (100 if futures else 60)
    assert counts["trade"] > 100
    assert counts["bookTicker"] > 300


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.gz" for i in range(3)]
    lines = [write_day(p, 2, seed) for p, seed in zip(paths, (7, 7, 8), strict=True)]
    hashes = [hashlib.sha256(p.read_bytes()).hexdigest() for p in paths]
    assert hashes[0] == hashes[1] != hashes[2]
    assert lines[0] == len(gzip.decompress(paths[0].read_bytes()).splitlines())


def test_the_flow_keeps_its_books() -> None:
    flow = Flow(1, 10_000, deep_levels=100)
    sold = 0
    for step in flow.steps(5.0):
        sold += sum(t.lots for t in step.trades)
        for side, px in step.levels:
            resting = sum(o.lots for o in flow._queues.get(px, ()) if o.side == side)
            assert flow.lots[side].get(px, 0) == resting
        assert flow.best == [max(flow.lots[BID]), min(flow.lots[ASK])]
        assert flow.best[BID] < flow.best[ASK]
    assert sold > 0


def test_the_price_moves() -> None:
    mids = set()
    flow = Flow(2, 10_000)
    for _ in flow.steps(10.0):
        mids.add(sum(flow.best))
    assert len(mids) > 10
