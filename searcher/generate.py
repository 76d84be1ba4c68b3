"""`searcher generate`: a synthetic day in the form in which real ones were recorded.

Lines `<receive_ns> <combined-stream JSON>`: depth, bookTicker and trade as Binance sends them, and one REST depth
snapshot. The streams agree with each other exactly: every change of the book has an id, a bookTicker is sent for every
change of the best price or size, and a depth event carries all changes since the one before it.
"""

import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cex.sim.flow import ASK, BID, Flow, Step

START_NS = 1_767_571_200_000_000_000  # 2026-01-05 00:00:00 UTC
SNAPSHOT_AFTER_NS = 250_000_000
SNAPSHOT_LEVELS = 1000
BASE_LATENCY_NS, JITTER_NS, MOST_LATENCY_NS = 3_000_000, 1_000_000, 20_000_000


@dataclass(frozen=True, slots=True)
class Venue:
    """How a venue writes its numbers and how often it sends depth. `px_unit` and `qty_unit` are one tick and one lot
    in the last written decimal."""

    futures: bool
    depth_stream: str
    depth_every_ns: int
    px_decimals: int
    px_unit: int
    qty_decimals: int
    qty_unit: int
    mid_px: int
    first_id: int

    def px(self, ticks: int) -> str:
        """Ticks as the venue writes a price."""
        return _digits(ticks * self.px_unit, self.px_decimals)

    def qty(self, lots: int) -> str:
        """Lots as the venue writes a quantity."""
        return _digits(lots * self.qty_unit, self.qty_decimals)


VENUE = {
    "binance_usdm": Venue(True, "depth@0ms", 50_000_000, 2, 10, 3, 1, 600_000, 5_123_000_000_000),
    "binance_spot": Venue(False, "depth@100ms", 100_000_000, 8, 1_000_000, 8, 1_000, 6_000_000, 50_093_000_000),
}


def _digits(units: int, decimals: int) -> str:
    text = str(units).rjust(decimals + 1, "0")
    return f"{text[:-decimals]}.{text[-decimals:]}"


class Recorder:
    """Turns steps of the flow into the lines a recorder would have written."""

    def __init__(self, flow: Flow, venue: Venue, seed: int) -> None:
        self.flow, self.venue = flow, venue
        self._chance = random.Random(~seed)  # feed latency; another sequence than the flow's
        self._id = self._sent_id = venue.first_id
        self._trade_id = 1_000_000
        self._recv_ns = 0
        self._changed: dict[tuple[int, int], int] = {}  # lots now standing at (side, price)
        self._batch_end_ns = START_NS + venue.depth_every_ns
        self._touch: tuple[int, ...] = ()
        self._snapshot: str | None = None
        self._snapshot_sent = False

    def lines(self, seconds: float) -> Iterator[str]:
        """All lines, in order of their receipt."""
        for step in self.flow.steps(seconds):
            now_ns = START_NS + int(step.time_s * 1e9)
            while now_ns >= self._batch_end_ns:
                yield from self._depth()
            yield from self._step(step, now_ns)
        yield from self._depth()

    def _line(self, sent_ns: int, text: str) -> str:
        jitter_ns = int(self._chance.random() ** -0.5 * JITTER_NS) - JITTER_NS  # Pareto: some are late
        late_ns = min(BASE_LATENCY_NS + jitter_ns, MOST_LATENCY_NS)
        self._recv_ns = max(sent_ns + late_ns, self._recv_ns + 1_000)  # one connection keeps its order
        return f"{self._recv_ns} {text}\n"

    def _step(self, step: Step, now_ns: int) -> Iterator[str]:
        v, ms = self.venue, now_ns // 1_000_000
        if self._snapshot and self._changed:
            # The stream event that will carry this id spans the snapshot's, as the venue's rule asks of the first one.
            yield self._line(now_ns, self._snapshot)
            self._snapshot, self._snapshot_sent = None, True
        for trade in step.trades:
            self._trade_id += 1
            maker_buys = "false" if trade.side == BID else "true"
            head = f'"e":"trade","E":{ms},"T":{ms},"s":"BTCUSDT","t":{self._trade_id}'
            body = f'"p":"{v.px(trade.px)}","q":"{v.qty(trade.lots)}"'
            tail = f'"X":"MARKET","m":{maker_buys}' if v.futures else f'"m":{maker_buys},"M":true'
            yield self._line(now_ns, f'{{"stream":"btcusdt@trade","data":{{{head},{body},{tail}}}}}')
        best, lots = self.flow.best, self.flow.lots
        for side, px in step.levels:
            self._id += 1
            self._changed[side, px] = lots[side].get(px, 0)
        touch = (best[BID], lots[BID][best[BID]], best[ASK], lots[ASK][best[ASK]])
        if touch != self._touch:
            self._touch = touch
            quote = f'"b":"{v.px(touch[0])}","B":"{v.qty(touch[1])}","a":"{v.px(touch[2])}","A":"{v.qty(touch[3])}"'
            head, tail = f'"u":{self._id},"s":"BTCUSDT"', ""
            if v.futures:
                head, tail = f'"e":"bookTicker",{head}', f',"T":{ms},"E":{ms}'
            yield self._line(now_ns, f'{{"stream":"btcusdt@bookTicker","data":{{{head},{quote}{tail}}}}}')
        if not self._snapshot_sent and now_ns >= START_NS + SNAPSHOT_AFTER_NS:
            self._snapshot = self._whole_book(ms)

    def _levels(self, levels: list[tuple[int, int]]) -> str:
        v = self.venue
        return "[" + ",".join(f'["{v.px(px)}","{v.qty(lots)}"]' for px, lots in levels) + "]"

    def _whole_book(self, ms: int) -> str:
        bids = sorted(self.flow.lots[BID].items(), reverse=True)[:SNAPSHOT_LEVELS]
        asks = sorted(self.flow.lots[ASK].items())[:SNAPSHOT_LEVELS]
        times = f'"E":{ms},"T":{ms},' if self.venue.futures else ""
        sides = f'"bids":{self._levels(bids)},"asks":{self._levels(asks)}'
        return f'{{"lastUpdateId":{self._id},{times}{sides}}}'

    def _depth(self) -> Iterator[str]:
        v, sent_ns = self.venue, self._batch_end_ns
        self._batch_end_ns += v.depth_every_ns
        self._snapshot = None  # not spanned by this event: taken again in the next
        if not self._changed:
            return
        ms = sent_ns // 1_000_000
        sides = [
            self._levels(sorted((px, n) for (s, px), n in self._changed.items() if s == side)) for side in (BID, ASK)
        ]
        times = f'"E":{ms},"T":{ms}' if v.futures else f'"E":{ms}'
        chain = f'"U":{self._sent_id + 1},"u":{self._id}' + (f',"pu":{self._sent_id}' if v.futures else "")
        data = f'"e":"depthUpdate",{times},"s":"BTCUSDT",{chain},"b":{sides[0]},"a":{sides[1]}'
        self._sent_id = self._id
        self._changed.clear()
        yield self._line(sent_ns, f'{{"stream":"btcusdt@{v.depth_stream}","data":{{{data}}}}}')


def day(seconds: int, seed: int, venue: str = "binance_usdm") -> Iterator[str]:
    """The lines of a synthetic capture, each with its newline. The same arguments give the same lines.

    Raises KeyError for a venue that is not in `VENUE`.
    """
    v = VENUE[venue]
    return Recorder(Flow(seed, v.mid_px), v, seed).lines(seconds)


def write_day(path: Path, seconds: int, seed: int, venue: str = "binance_usdm") -> int:
    """Writes a gzip capture, the same bytes for the same arguments, and returns its number of lines."""
    count = 0
    with path.open("wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as out:
        for line in day(seconds, seed, venue):
            out.write(line.encode())
            count += 1
    return count
