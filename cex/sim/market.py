"""One instrument's market: an order flow, its book with the venue's update ids, and the messages about it.

Our orders do not move it (fill rule 1): what is published is the flow's alone, and the matching model sees each change
before it is published.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from cex.sim.flow import ASK, BID, Flow, Rates
from cex.sim.symbols import Symbol

Told = tuple[int, int, int, int, int, bool, int]
Levels = list[tuple[int, int]]
#: Best bid and its quantity, best ask and its quantity; ticks and lots.
Touch = tuple[int, int, int, int]


class Venue(Protocol):
    """What a market needs of its exchange."""

    futures: bool

    def on_depth(self, symbol: Symbol, ids: tuple[int, int, int], bids: Levels, asks: Levels, ns: int) -> None:
        """The book changed."""

    def on_snapshot(self, symbol: Symbol, last_id: int, bids: Levels, asks: Levels, ns: int) -> None:
        """The book as it stands at the start."""

    def on_trade(self, symbol: Symbol, px: int, lots: int, side: int, ns: int) -> None:
        """Somebody traded; `side` is the aggressor's."""

    def on_top(self, symbol: Symbol, update: int, touch: Touch) -> None:
        """The best prices or their quantities changed."""

    def venue_ms(self, ns: int) -> int:
        """The time that the venue writes for a moment of the market."""

    def wanted(self, stream: str) -> bool:
        """Whether anybody has subscribed to it."""

    def publish(self, stream: str, payload: bytes, what: str) -> None:
        """Sends a message to all who have."""


@dataclass(slots=True)
class Batch:
    """Changes since the last event of one depth stream."""

    every_ns: int
    due_ns: int
    sent_id: int
    changed: dict[tuple[int, int], int] = field(default_factory=dict)


class Book:
    """Levels, best prices and ids of one instrument, and the streams about them."""

    def __init__(self, symbol: Symbol, venue: Venue, first_id: int) -> None:
        self.symbol, self.venue = symbol, venue
        self.lots: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.last_id = first_id
        self.trade_id = 1_000_000
        self.batches: dict[str, Batch] = {}
        self.flush_ns = 1 << 63  # when the next depth event is due
        self._top = (0, 0)
        self._touch: tuple[int, ...] = ()
        self._told: Touch = (0, 0, 0, 0)
        self._name = symbol.name.lower()

    def best(self) -> tuple[int, int]:
        """Best bid and ask, ticks."""
        return max(self.lots[BID]), min(self.lots[ASK])

    def touch(self) -> Touch:
        """The best prices as last published, with what there is at them."""
        bid, ask = self._top
        return bid, self.lots[BID].get(bid, 0), ask, self.lots[ASK].get(ask, 0)

    def next_trade_id(self) -> int:
        """Trade ids rise over all trades of the instrument, ours and others'."""
        self.trade_id += 1
        return self.trade_id

    def levels(self, limit: int) -> tuple[Levels, Levels]:
        """The best levels, best first: bids, asks."""
        bids, asks = sorted(self.lots[BID].items(), reverse=True), sorted(self.lots[ASK].items())
        return bids[:limit], asks[:limit]

    def open_depth(self, stream: str, every_ms: int, now_ns: int) -> None:
        """Somebody wants this depth stream: its chain begins here."""
        every = every_ms * 1_000_000
        self.batches.setdefault(stream, Batch(every, (now_ns // every + 1) * every, self.last_id))
        self.flush_ns = min(self.flush_ns, self.batches[stream].due_ns)

    def trade(self, px: int, lots: int, side: int, ns: int) -> None:
        """A trade of others."""
        self.venue.on_trade(self.symbol, px, lots, side, ns)
        trade_id, stream = self.next_trade_id(), f"{self._name}@trade"
        if self.venue.wanted(stream):
            ms, s = self.venue.venue_ms(ns), self.symbol
            end = ',"X":"MARKET","m":%s}' if self.venue.futures else ',"m":%s,"M":true}'
            text = (
                f'{{"e":"trade","E":{ms},"T":{ms},"s":"{s.name}","t":{trade_id},"p":"{s.tick.text(px)}",'
                f'"q":"{s.lot.text(lots)}"' + end % ("false" if side == BID else "true")
            )
            self.venue.publish(stream, text.encode(), "trade")

    def changed(self, ids: tuple[int, int, int], bids: Levels, asks: Levels, ns: int) -> None:
        """The levels are in `lots`: the matching model, the log and the streams learn of it."""
        self.last_id = ids[1]
        self.venue.on_depth(self.symbol, ids, bids, asks, ns)
        for batch in self.batches.values():
            for side, levels in ((BID, bids), (ASK, asks)):
                for px, lots in levels:
                    batch.changed[side, px] = lots
        self._top = self.best()
        touch = self.touch()
        if touch != self._told:
            self._told = touch
            self.venue.on_top(self.symbol, self.last_id, touch)

    def quote(self, ns: int) -> None:
        """bookTicker, if the best prices or quantities have changed."""
        (bid, ask), stream = self._top, f"{self._name}@bookTicker"
        touch = self.touch()
        if touch == self._touch:
            return
        self._touch = touch
        if not self.venue.wanted(stream):
            return
        s = self.symbol
        px, qty = s.tick.text, s.lot.text
        quote = f'"b":"{px(bid)}","B":"{qty(touch[1])}","a":"{px(ask)}","A":"{qty(touch[3])}"'
        head = f'"u":{self.last_id},"s":"{s.name}"'
        if self.venue.futures:
            ms = self.venue.venue_ms(ns)
            text = f'{{"e":"bookTicker",{head},{quote},"T":{ms},"E":{ms}}}'
        else:
            text = f"{{{head},{quote}}}"
        self.venue.publish(stream, text.encode(), "quote")

    def flush(self, now_ns: int) -> None:
        """Sends the depth events that are due; one without changes is not sent."""
        if now_ns < self.flush_ns:
            return
        for stream, batch in list(self.batches.items()):
            if now_ns < batch.due_ns:
                continue
            at_ns, batch.due_ns = batch.due_ns, (now_ns // batch.every_ns + 1) * batch.every_ns
            if not self.venue.wanted(stream):
                del self.batches[stream]
            elif batch.changed:
                sides = [sorted((px, n) for (s, px), n in batch.changed.items() if s == side) for side in (BID, ASK)]
                ids = (batch.sent_id + 1, self.last_id, batch.sent_id)
                batch.sent_id = self.last_id
                batch.changed.clear()
                self.venue.publish(stream, self.depth_event(ids, sides[0], sides[1], at_ns), "depth")
        self.flush_ns = min((b.due_ns for b in self.batches.values()), default=1 << 63)

    def depth_event(self, ids: tuple[int, int, int], bids: Levels, asks: Levels, ns: int) -> bytes:
        """A depthUpdate."""
        ms, futures = self.venue.venue_ms(ns), self.venue.futures
        times = f'"E":{ms},"T":{ms}' if futures else f'"E":{ms}'
        chain = f'"U":{ids[0]},"u":{ids[1]}' + (f',"pu":{ids[2]}' if futures else "")
        sides = f'"b":{self.levels_text(bids)},"a":{self.levels_text(asks)}'
        return f'{{"e":"depthUpdate",{times},"s":"{self.symbol.name}",{chain},{sides}}}'.encode()

    def levels_text(self, levels: Levels) -> str:
        """Levels as the venue writes them."""
        px, qty = self.symbol.tick.text, self.symbol.lot.text
        return "[" + ",".join(f'["{px(p)}","{qty(n)}"]' for p, n in levels) + "]"


class FlowMarket(Book):
    """A synthetic market: zero-intelligence flow from a seed, in the venue's time."""

    def __init__(self, symbol: Symbol, venue: Venue, seed: int, rate: float, start_ns: int) -> None:
        super().__init__(symbol, venue, 5_123_000_000_000 if venue.futures else 50_093_000_000)
        rates = Rates()
        scaled = Rates(rates.limit * rate, rates.market * rate, rates.cancel * rate)
        # The flow is always one step ahead of what has happened, which is `_next`; the book here is not.
        self._flow = Flow(seed, symbol.mid_px, rates=scaled)
        self.lots = (dict(self._flow.lots[BID]), dict(self._flow.lots[ASK]))
        self._best = (self._flow.best[BID], self._flow.best[ASK])
        self._steps = self._flow.steps(math.inf)
        self._next = next(self._steps)
        self._start_ns = start_ns
        bids, asks = self.levels(1 << 30)
        venue.on_snapshot(symbol, self.last_id, bids, asks, start_ns)
        self._top = self.best()
        self._told = self.touch()
        venue.on_top(symbol, self.last_id, self._told)

    def best(self) -> tuple[int, int]:
        """Best bid and ask, ticks."""
        return self._best

    def pause(self, ns: int) -> None:
        """Nothing happens for so long."""
        self._start_ns += ns

    def due_ns(self) -> int:
        """When the market moves next."""
        return self._start_ns + int(self._next.time_s * 1e9)

    def advance(self, now_ns: int, most: int = 200) -> None:
        """All that happened up to `now_ns`, or `most` steps of it."""
        for _ in range(most):
            if (ns := self.due_ns()) > now_ns:
                return self.flush(now_ns)
            if ns >= self.flush_ns:
                self.flush(ns)
            self._step(ns)

    def _step(self, ns: int) -> None:
        step = self._next
        for trade in step.trades:
            self.trade(trade.px, trade.lots, trade.side, ns)
        first = self.last_id + 1
        sides: tuple[Levels, Levels] = ([], [])
        for side, px in step.levels:
            lots = self._flow.lots[side].get(px, 0)
            sides[side].append((px, lots))
            if lots:
                self.lots[side][px] = lots
            else:
                self.lots[side].pop(px, None)
        self._best = (self._flow.best[BID], self._flow.best[ASK])
        self.changed((first, first + len(step.levels) - 1, first - 1), sides[BID], sides[ASK], ns)
        self.quote(ns)
        self._next = next(self._steps)
