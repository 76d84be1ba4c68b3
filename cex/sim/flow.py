"""A synthetic order book with zero intelligence: orders arrive, trade and leave by chance alone.

The model is that of Smith, Farmer, Gillemot and Krishnamurthy, "Statistical theory of the continuous double auction",
Quantitative Finance 3 (2003) 481-514: limit orders arrive as a Poisson process at each price below the best ask (bids)
or above the best bid (asks), market orders as a Poisson process, and each resting order is cancelled at a constant
rate. Its spread scales with (market rate) / (limit rate) and its depth with (limit rate) / (cancel rate). What it does
not have: trends, information, and anyone who reacts to us.
"""

import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

BID, ASK = 0, 1


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of the model, per second. Sizes are lots: 1 + an exponential of mean `mean_lots`, rounded down."""

    limit: float = 8.0  # a price and side
    market: float = 12.0  # a side
    cancel: float = 3.2  # a resting order
    band_ticks: int = 30  # limit orders arrive this far from the opposite best
    mean_lots: float = 40.0


@dataclass(slots=True)
class Order:
    """A resting order; `lots` is 0 once it is gone."""

    side: int
    px: int
    lots: int


@dataclass(frozen=True, slots=True)
class Trade:
    """Lots that a market order took at one price; `side` is the aggressor's (BID buys)."""

    side: int
    px: int
    lots: int


@dataclass(slots=True)
class Step:
    """One event of the model: its time in seconds, the trades it made and the (side, price) levels it changed."""

    time_s: float
    trades: list[Trade] = field(default_factory=list)
    levels: list[tuple[int, int]] = field(default_factory=list)


class Flow:
    """The book and its order flow. The same seed gives the same flow."""

    def __init__(self, seed: int, mid_px: int, deep_levels: int = 1200, rates: Rates | None = None) -> None:
        self.rates = rates or Rates()
        self._chance = random.Random(seed)
        #: Lots at each price, a side; prices in ticks. A price without lots is not a key.
        self.lots: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.best = [mid_px - 1, mid_px + 1]
        self._queues: dict[int, deque[Order]] = {}
        self._resting: tuple[list[Order], list[Order]] = ([], [])
        mean_orders = self.rates.limit / self.rates.cancel
        for side, sign in ((BID, -1), (ASK, 1)):
            for distance in range(1, deep_levels + 1):
                near = distance <= self.rates.band_ticks
                for _ in range(max(1, round(mean_orders * 2 * self._chance.random())) if near else 1):
                    # Orders beyond the band stay until they are traded: nothing arrives there to replace them.
                    self._rest(Order(side, mid_px + sign * distance, self._size()), cancellable=near)

    def _exponential(self, mean: float) -> float:
        return -mean * math.log(1.0 - self._chance.random())

    def _size(self) -> int:
        return 1 + int(self._exponential(self.rates.mean_lots))

    def _rest(self, order: Order, *, cancellable: bool = True) -> None:
        lots = self.lots[order.side]
        lots[order.px] = lots.get(order.px, 0) + order.lots
        self._queues.setdefault(order.px, deque()).append(order)
        if cancellable:
            self._resting[order.side].append(order)
        if (order.px > self.best[BID]) if order.side == BID else (order.px < self.best[ASK]):
            self.best[order.side] = order.px

    def _remove(self, order: Order, lots: int) -> None:
        order.lots -= lots
        level = self.lots[order.side]
        level[order.px] -= lots
        if level[order.px] == 0:
            del level[order.px], self._queues[order.px]
            if order.px == self.best[order.side]:
                # A model of this size never empties a side; if it did, this would not return a wrong best but raise.
                self.best[order.side] = max(level) if order.side == BID else min(level)

    def steps(self, seconds: float) -> Iterator[Step]:
        """The flow for so many seconds. Between steps the book stands as `lots` and `best` say."""
        rates, time_s = self.rates, 0.0
        limit = rates.limit * rates.band_ticks
        while True:
            cancels = [rates.cancel * len(side) for side in self._resting]
            total = 2.0 * (limit + rates.market) + sum(cancels)
            time_s += self._exponential(1.0 / total)
            if time_s >= seconds:
                return
            step, at = Step(time_s), self._chance.random() * total
            for side in (BID, ASK):
                if at < limit:
                    self._limit(side, step)
                    break
                at -= limit
                if at < rates.market:
                    self._market(side, step)
                    break
                at -= rates.market
                if at < cancels[side] or side == ASK:
                    self._cancel(side, step)
                    break
                at -= cancels[side]
            if step.levels:
                yield step

    def _limit(self, side: int, step: Step) -> None:
        distance = 1 + int(self._chance.random() * self.rates.band_ticks)
        px = self.best[ASK] - distance if side == BID else self.best[BID] + distance
        self._rest(Order(side, px, self._size()))
        step.levels.append((side, px))

    def _market(self, side: int, step: Step) -> None:
        want, other = self._size(), 1 - side
        while want > 0 and len(self.lots[other]) > 1:
            px, taken = self.best[other], 0
            queue = self._queues[px]
            while want > taken and queue:
                order = queue[0]
                if order.lots == 0:  # cancelled before
                    queue.popleft()
                    continue
                lots = min(want - taken, order.lots)
                self._remove(order, lots)
                taken += lots
            want -= taken
            step.trades.append(Trade(side, px, taken))
            step.levels.append((other, px))

    def _cancel(self, side: int, step: Step) -> None:
        orders = self._resting[side]
        while orders:
            i = int(self._chance.random() * len(orders))
            order = orders[i]
            orders[i] = orders[-1]
            orders.pop()
            if order.lots and len(self.lots[side]) > 1:
                self._remove(order, order.lots)
                step.levels.append((side, order.px))
                return
