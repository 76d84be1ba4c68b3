"""Both engines' fill rules as one plain Python model, with a switch for each rule in which they differ.

With no switch it fills as we do, with all of them as hftbacktest does. A difference between the engines is explained
when the model, with the switches of the rules that are named for it and no other, turns our fills into theirs. The
rules' numbers are those of the README.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, combinations

import numpy as np

from bench.fills_market import Market
from bench.fills_rule import BUY, FOK, GTC, GTX

#: Switches, each with the rule that says what we do instead.
OFFERS_TWICE = "5"  # a trade is offered in full to each order of ours at the price
UNCLAMPED = "7"  # a queue position may fall below 0, and a probability may be no number
SWITCHES = (OFFERS_TWICE, UNCLAMPED)
#: One lot in base currency: the logarithmic queue models are not free of scale.
LOT = 0.001

EXPIRED, FILLED, CANCELLED = 2, 3, 4
Fill = tuple[int, int, int, int]
"""Time, price (of the last part), lots, maker."""


@dataclass(slots=True)
class Order:
    """An order and its way to the exchange: when it and its cancel arrive there, ns."""

    number: int
    arrives_ns: int
    cancelled_ns: int
    side: int
    px: int
    lots: int
    tif: int
    fills: list[Fill] = field(default_factory=list)
    end: tuple[int, int] | None = None
    #: A trade offered exactly what was open: hftbacktest keeps such an order in its book, filled as it is, and stops at
    #: its next fill.
    haunts: bool = False
    leaves: int = 0
    front: float = 0
    traded: int = 0

    def fill(self, time_ns: int, px: int, lots: int, maker: int) -> None:
        """One execution; parts of one moment are one fill."""
        so_far = self.fills.pop()[2] if self.fills and self.fills[-1][0] == time_ns else 0
        self.fills.append((time_ns, px, so_far + lots, maker))


@dataclass(frozen=True, slots=True)
class Rules:
    """A queue model, whole or partial fills, and the switches that are on."""

    model: str
    exponent: float
    partial: bool
    switches: frozenset[str] = frozenset()

    def probability(self, front: float, back: float) -> float:
        """Chance that a decrease was behind the order; no number where the formula has none."""
        n = self.exponent
        match self.model:
            case "risk_averse":
                return 1.0
            case "power_prob":
                return _div(_pow(back, n), _pow(back, n) + _pow(front, n))
            case "power_prob2":
                return _div(_pow(back, n), _pow(back + front, n))
            case "power_prob3":
                return 1.0 - _pow(_div(front, front + back), n)
            case "log_prob":
                return _div(_log1(back), _log1(back) + _log1(front))
            case _:
                return _div(_log1(back), _log1(back + front))


def _div(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if not a or math.isnan(a) else math.copysign(math.inf, a)


def _pow(x: float, n: float) -> float:
    return math.nan if x < 0 and n != int(n) else float(x**n)


def _log1(x: float) -> float:
    return math.log(1.0 + x) if x > -1 else math.nan


def _least(a: float, b: float) -> float:
    """The lesser; the other where one is no number."""
    return b if math.isnan(a) else a if math.isnan(b) else min(a, b)


def _nearest(x: float) -> int:
    return math.floor(x + 0.5)


def simulate(market: Market, orders: Iterable[Order], rules: Rules) -> dict[int, Order]:
    """Plays the orders, each fresh, against the market; what became of them is in them, by number."""
    resting: dict[tuple[int, int], list[Order]] = defaultdict(list)
    done = {o.number: o for o in orders}
    for o in done.values():
        if not _arrive(market, o, rules):
            resting[o.side, o.px].append(o)
    for group in resting.values():
        for together in _overlapping(group):
            _Level(market, together, rules).play()
    return done


def _arrive(market: Market, o: Order, rules: Rules) -> bool:
    """Rules 11 to 14: the order takes or expires (true), or it will rest."""
    rows = market.rows_at(o.arrives_ns)
    best = (market.ask if o.side == BUY else market.bid)[rows - 1]
    takes = best != 0 and o.side * o.px >= o.side * best
    if not takes:
        if o.tif in (GTC, GTX):
            return False
    elif o.tif != GTX:
        _take(market, o, rules, rows, best)
    if o.end is None:
        o.end = (o.arrives_ns, EXPIRED)
    return True


def _take(market: Market, o: Order, rules: Rules, rows: int, best: int) -> None:
    if not rules.partial:
        o.fill(o.arrives_ns, best, o.lots, 0)
        o.end = (o.arrives_ns, FILLED)
        return
    left, parts = o.lots, []
    for px in range(best, o.px + o.side, o.side):
        lots = min(left, market.lots(-o.side, px, rows))
        if lots:
            parts.append((px, lots))
            left -= lots
        if not left:
            break
    if left and o.tif == GTC:
        parts.append((o.px, left))
        left = 0
    if left and o.tif == FOK:
        return
    for px, lots in parts:
        o.fill(o.arrives_ns, px, lots, 0)
    if not left:
        o.end = (o.arrives_ns, FILLED)


def _overlapping(group: list[Order]) -> Iterable[list[Order]]:
    """Orders of one price in runs whose lives touch."""
    run: list[Order] = []
    until = 0
    for o in sorted(group, key=lambda o: (o.arrives_ns, o.number)):
        if run and o.arrives_ns > until:
            yield run
            run = []
        run.append(o)
        until = max(until, o.cancelled_ns)
    yield run


class _Level:
    """Our orders at one price of one side while any of them lives."""

    def __init__(self, market: Market, orders: list[Order], rules: Rules) -> None:
        self.market, self.orders, self.rules = market, orders, rules
        self.side, self.px = orders[0].side, orders[0].px
        self.twice = OFFERS_TWICE in rules.switches
        self.free = UNCLAMPED in rules.switches
        self.alive: list[Order] = []

    def play(self) -> None:
        """Everything that concerns the orders, in order of time; requests come after the rows of their moment."""
        market, side, px = self.market, self.side, self.px
        start = market.rows_at(self.orders[0].arrives_ns)
        stop = market.rows_at(max(o.cancelled_ns for o in self.orders))
        happens: list[tuple[int, int, int, int]] = []  # row, 0 for a request, what, which
        for i, o in enumerate(self.orders):
            happens.append((market.rows_at(o.arrives_ns), 0, 0, i))
            happens.append((market.rows_at(o.cancelled_ns), 0, 1, i))
        level = market.levels.get((side, px))
        if level:
            at = np.searchsorted(level.rows, [start, stop])
            happens += [(level.rows[i], 1, 2, i) for i in range(at[0], at[1])]
        against = market.sides[-side]
        for rows, pxs, what in (
            (against.trade_rows, against.trade_px, 3),
            (against.offer_rows, against.offer_px, 4),
        ):
            a, b = np.searchsorted(rows, [start, stop])
            reach = np.nonzero(side * pxs[a:b] <= side * px)[0] + a
            happens += [(int(rows[i]), 1, what, int(i)) for i in reach]
        for row, _, what, i in sorted(happens):
            if what == 0:
                self.join(self.orders[i], row)
            elif what == 1:
                self.cancel(self.orders[i])
            elif self.alive:
                time_ns = market.time[row]
                if what == 2 and level:
                    for o in self.alive:
                        self.depth(o, level.prev[i], level.new[i])
                elif what == 3:
                    self.trade(time_ns, int(against.trade_px[i]), int(against.trade_lots[i]))
                elif what == 4:
                    for o in list(self.alive):
                        self.fill(o, time_ns, o.leaves)

    def join(self, o: Order, row: int) -> None:
        """Rule 11."""
        o.front, o.leaves = self.market.lots(self.side, self.px, row), o.lots
        self.alive.append(o)

    def cancel(self, o: Order) -> None:
        """Rule 18."""
        if o in self.alive:
            self.alive.remove(o)
            o.end = (o.cancelled_ns, CANCELLED)

    def fill(self, o: Order, time_ns: int, lots: int) -> None:
        """Rule 10: at its own price."""
        o.fill(time_ns, o.px, lots, 1)
        o.leaves -= lots
        if not o.leaves:
            o.end = (time_ns, FILLED)
            self.alive.remove(o)

    def depth(self, o: Order, prev: int, new: int) -> None:
        """Rules 4 and 7."""
        shrunk = prev - new - o.traded
        o.traded = 0
        if self.free and self.rules.model != "risk_averse":
            if shrunk < 0:
                o.front = _least(o.front, new)
                return
            p = self.rules.probability(o.front * LOT, (prev - o.front) * LOT)
            p = 1.0 if math.isinf(p) else p
            o.front = _least(o.front - (1.0 - p) * shrunk + _least(prev - o.front - p * shrunk, 0.0), new)
            return
        if shrunk > 0:
            back = max(prev - o.front, 0.0)
            p = self.rules.probability(o.front * LOT, back * LOT)
            p = 1.0 if math.isnan(p) else p
            o.front += min(back - p * shrunk, 0.0) - (1.0 - p) * shrunk
        o.front = max(min(o.front, new), 0.0)

    def trade(self, time_ns: int, px: int, lots: int) -> None:
        """Rules 5 and 6."""
        ours = 0
        for o in list(self.alive):
            if px != o.px:
                self.fill(o, time_ns, o.leaves)
                continue
            o.front -= lots
            o.traded += lots
            offered = max(_nearest(-o.front), 0)
            if offered or not self.free:
                o.front = max(o.front, 0.0)
            if not self.rules.partial:
                if offered:
                    self.fill(o, time_ns, o.leaves)
                continue
            due = min(offered if self.twice else max(offered - ours, 0), o.leaves)
            if due:
                o.haunts = offered == o.leaves
                ours += due
                self.fill(o, time_ns, due)


def subsets() -> Iterable[frozenset[str]]:
    """Sets of switches, the smallest first, the empty one left out."""
    sizes = range(1, len(SWITCHES) + 1)
    return (frozenset(s) for s in chain.from_iterable(combinations(SWITCHES, n) for n in sizes))
