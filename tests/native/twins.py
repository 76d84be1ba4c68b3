"""Plain-Python twins: each feature computed from its definition over the whole history, exactly or to 80 digits.

Nothing here is recursive. A twin keeps what happened and, when asked, goes through all of it again: windows in
fractions, exponential weights as the explicit sum over every past observation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

NAN = math.nan
MAX_LEVELS = 10
FORGET_HALFLIVES = 64
PRICE_LIMIT = 2**46

Side = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Book:
    """One book, at a time that never goes backwards; ``fresh`` if a hole lies before it."""

    ns: int
    bids: Side
    asks: Side
    fresh: bool

    @property
    def mid(self) -> Fraction:
        return Fraction(self.bids[0][0] + self.asks[0][0], 2)

    @property
    def spread(self) -> int:
        return self.asks[0][0] - self.bids[0][0]


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade; ``sign`` is +1 where the aggressor bought."""

    ns: int
    px: int
    qty: int
    sign: int


def _decimal(x: Fraction | int) -> Decimal:
    return Decimal(x.numerator) / Decimal(x.denominator)


def weights(times: list[int], halflife_ns: int) -> list[Decimal]:
    """2^(-age / halflife) of each observation; 0 before a silence of 64 half-lives."""
    oldest = 0
    for i in range(1, len(times)):
        if times[i] - times[i - 1] >= FORGET_HALFLIVES * halflife_ns:
            oldest = i
    return [
        Decimal(2) ** (Decimal(ns - times[-1]) / Decimal(halflife_ns)) if i >= oldest else Decimal(0)
        for i, ns in enumerate(times)
    ]


def weighted_moments(xs: list[Fraction], ws: list[Decimal]) -> tuple[float, float]:
    """Weighted mean and standard deviation, without bias for weights of reliability."""
    values = [_decimal(x) for x in xs]
    total = sum(ws, Decimal(0))
    mean = sum((w * x for w, x in zip(ws, values, strict=True)), Decimal(0)) / total
    if sum(w > 0 for w in ws) < 2:
        return float(mean), NAN
    scatter = sum((w * (x - mean) ** 2 for w, x in zip(ws, values, strict=True)), Decimal(0))
    squares = sum((w * w for w in ws), Decimal(0))
    return float(mean), float((scatter / (total - squares / total)).sqrt())


def window_moments(xs: list[Fraction]) -> tuple[float, float]:
    """Mean and sample standard deviation, in fractions up to the root."""
    mean = sum(xs, Fraction(0)) / len(xs)
    if len(xs) < 2:
        return float(mean), NAN
    variance = sum(((x - mean) ** 2 for x in xs), Fraction(0)) / (len(xs) - 1)
    return float(mean), float(_decimal(variance).sqrt())


def queue_flow(before: tuple[int, int] | None, after: tuple[int, int] | None, better: int) -> int:
    """What joined one queue: ``better`` is +1 on the bid (higher is better), -1 on the ask.

    A better price is a new queue, all of it joined; a worse one means that the old queue is gone, all of it; at the
    same price the difference joined. A level that is not there is worse than every price.
    """
    if before is None or after is None:
        return (after[1] if after else 0) - (before[1] if before else 0)
    if after[0] == before[0]:
        return after[1] - before[1]
    return after[1] if (after[0] - before[0]) * better > 0 else -before[1]


def level(side: Side, m: int) -> tuple[int, int] | None:
    """Level ``m``, or None beyond the depth."""
    return side[m] if m < len(side) else None


@dataclass
class FeaturesTwin:
    """The native ``Features``, by definition."""

    ew_halflife_ms: int
    window: int
    vwap_trades: int
    levels: int
    books: list[Book] = field(init=False, default_factory=list)
    trades: list[Trade] = field(init=False, default_factory=list)
    hole: bool = field(init=False, default=True)
    backward_steps: int = field(init=False, default=0)
    refused: int = field(init=False, default=0)

    def _time(self, now_ns: int, events: list[Book] | list[Trade]) -> int:
        if events and now_ns < events[-1].ns:
            self.backward_steps += 1
            return events[-1].ns
        return now_ns

    def on_book(self, now_ns: int, bids: Side, asks: Side) -> None:
        if not bids or not asks:
            self.hole = True
        elif max(abs(bids[0][0]), abs(asks[0][0])) >= PRICE_LIMIT:
            self.hole = True
            self.refused += 1
        else:
            ns = self._time(now_ns, self.books)
            self.books.append(Book(ns, bids[: self.levels], asks[: self.levels], self.hole))
            self.hole = False

    def on_trade(self, now_ns: int, px: int, qty: int, side: str) -> None:
        if abs(px) >= PRICE_LIMIT or qty <= 0:
            self.refused += 1
        else:
            self.trades.append(Trade(self._time(now_ns, self.trades), px, qty, {"buy": 1, "sell": -1}[side]))

    def reset_book(self) -> None:
        self.hole = True

    def values(self) -> dict[str, float]:
        with localcontext() as context:
            context.prec = 80
            return self._moments() | self._volatility() | self._now() | self._flow() | self._trades()

    def _weights(self, events: list[Book] | list[Trade]) -> list[Decimal]:
        return weights([event.ns for event in events], self.ew_halflife_ms * 10**6)

    def _moments(self) -> dict[str, float]:
        if not self.books:
            names = ("mid_ew_mean", "mid_ew_std", "mid_window_mean", "mid_window_std")
            return dict.fromkeys((*names, "spread_ew_mean", "spread_ew_std", "spread_zscore"), NAN)
        ws = self._weights(self.books)
        mids = [book.mid for book in self.books]
        ew_mean, ew_std = weighted_moments(mids, ws)
        mean, std = window_moments(mids[-self.window :])
        spread_mean, spread_std = weighted_moments([Fraction(book.spread) for book in self.books], ws)
        scored = not self.hole and spread_std >= 1e-6
        return {
            "mid_ew_mean": ew_mean,
            "mid_ew_std": ew_std,
            "mid_window_mean": mean,
            "mid_window_std": std,
            "spread_ew_mean": spread_mean,
            "spread_ew_std": spread_std,
            "spread_zscore": (self.books[-1].spread - spread_mean) / spread_std if scored else NAN,
        }

    def _volatility(self) -> dict[str, float]:
        ws = self._weights(self.books) if self.books else []
        squares = observed_ns = Decimal(0)
        for i in range(1, len(self.books)):
            before, after = self.books[i - 1], self.books[i]
            if not after.fresh:
                squares += ws[i] * _decimal((after.mid - before.mid) ** 2)
                observed_ns += ws[i] * (after.ns - before.ns)
        return {"volatility": float((squares / observed_ns * 10**9).sqrt()) if observed_ns >= 1 else NAN}

    def _now(self) -> dict[str, float]:
        if self.hole:
            return dict.fromkeys(("microprice", "imbalance", "spread"), NAN)
        book = self.books[-1]
        (bid, bid_qty), (ask, ask_qty) = book.bids[0], book.asks[0]
        bought, sold = sum(qty for _, qty in book.bids), sum(qty for _, qty in book.asks)
        return {
            "microprice": float(Fraction(bid * ask_qty + ask * bid_qty, bid_qty + ask_qty)),
            "imbalance": float(Fraction(bought - sold, bought + sold)),
            "spread": float(book.spread),
        }

    def _flow(self) -> dict[str, float]:
        out = {
            f"{name}_{m}": NAN for name in ("ofi_event", "mlofi", "mlofi_ew") for m in range(1, MAX_LEVELS + 1)
        } | dict.fromkeys(("ofi", "ofi_ew"), NAN)
        synced = max((i for i, book in enumerate(self.books) if book.fresh), default=0)
        run = self.books[synced:]
        if self.hole or len(run) < 2:
            return out
        ws = self._weights(run)[1:]
        for m in range(self.levels):
            flows = [
                queue_flow(level(before.bids, m), level(after.bids, m), +1)
                - queue_flow(level(before.asks, m), level(after.asks, m), -1)
                for before, after in pairwise(run)
            ]
            out[f"ofi_event_{m + 1}"] = float(flows[-1])
            out[f"mlofi_{m + 1}"] = float(sum(flows))
            out[f"mlofi_ew_{m + 1}"] = float(sum((w * e for w, e in zip(ws, flows, strict=True)), Decimal(0)))
        return out | {"ofi": out["mlofi_1"], "ofi_ew": out["mlofi_ew_1"]}

    def _trades(self) -> dict[str, float]:
        if not self.trades:
            return {"vwap": NAN, "trade_imbalance": NAN}
        ws = self._weights(self.trades)
        signs = sum((w * trade.sign for w, trade in zip(ws, self.trades, strict=True)), Decimal(0))
        last = self.trades[-self.vwap_trades :]
        return {
            "vwap": float(Fraction(sum(t.px * t.qty for t in last), sum(t.qty for t in last))),
            "trade_imbalance": float(signs / sum(ws, Decimal(0))),
        }
