"""A strategy that gives the daemon something to lose: it has always orders under way."""

from __future__ import annotations

from native import BUY, IOC, SELL, Out, View, ask, bid, clear, helper, param, place, state, strategy


@helper
def move(seen: int, qty: int, most: int, cross_every: int, view: View, out: Out) -> None:
    """Writes the desired ladder; prices in ticks, quantities in lots."""
    clear(out)
    if not view.has_top:
        return
    behind = seen % 2
    if view.position < most:
        bid(out, view.bid_px - behind, qty)
    if view.position > -most:
        ask(out, view.ask_px + behind, qty)
    if seen % cross_every == 0:
        if view.position > 0:
            place(out, SELL, view.bid_px, qty, IOC, False)
        else:
            place(out, BUY, view.ask_px, qty, IOC, False)


@strategy
class Churn:
    """One order on each side, moved with every change of the book and every trade: at the touch and a tick behind it in
    turns. Each `cross_every`-th time it also takes, towards a flat position. On a market that stands still it does
    nothing."""

    qty_lots: int = param(2, ge=1, doc="lots of an order")
    max_lots: int = param(40, ge=1, doc="no more of a side once the position is this long or short, lots")
    cross_every: int = param(25, ge=1, doc="moves between two orders that take")
    seen: int = state(0)

    def on_book(self, view: View, out: Out) -> None:
        """Moves."""
        self.seen += 1
        move(self.seen, self.qty_lots, self.max_lots, self.cross_every, view, out)

    def on_trade(self, view: View, out: Out) -> None:
        """Moves."""
        self.seen += 1
        move(self.seen, self.qty_lots, self.max_lots, self.cross_every, view, out)


@strategy
class Raises:
    """Quotes as `Churn` does, and divides by zero at its `after`-th change of the book."""

    qty_lots: int = param(2, ge=1, doc="lots of an order")
    after: int = param(50, ge=1, doc="changes of the book until then")
    seen: int = state(0)

    def on_book(self, view: View, out: Out) -> None:
        """Writes the desired ladder, for a while."""
        self.seen += 1
        clear(out)
        if not view.has_top:
            return
        behind = 1 // (self.after - self.seen) if self.seen == self.after else self.seen % 2
        bid(out, view.bid_px - behind, self.qty_lots)
        ask(out, view.ask_px + behind, self.qty_lots)
