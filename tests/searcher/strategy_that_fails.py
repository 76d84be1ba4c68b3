"""A strategy that quotes, and in one of its hooks goes wrong after a number of calls; what and where are parameters."""

from __future__ import annotations

import math

from native import Out, View, ask, bid, clear, helper, param, state, strategy

NAN, RAISE, SPIN = 1, 2, 3
BOOK, TRADE, RECEIPT, TIMER = 1, 2, 3, 4


@helper
def join(view: View, out: Out) -> None:
    """Two lots at the best bid and at the best ask."""
    clear(out)
    if view.has_top:
        bid(out, view.bid_px, 2)
        ask(out, view.ask_px, 2)


@helper
def go_wrong(self: Fails, hook: int, view: View, out: Out) -> None:
    """Nothing, but after so many calls of that hook."""
    if self.hook != hook:
        return
    self.calls += 1
    if self.calls <= self.after:
        return
    if self.how == NAN:
        bid(out, math.nan, 1)
    elif self.how == RAISE:
        raise ValueError("this strategy gives up")
    elif self.how == SPIN:
        for i in range(3_000_000):
            self.spun += math.sin(self.spun + i)


@strategy
class Fails:
    """Quotes on every book and goes wrong as told."""

    how: int = param(0)
    hook: int = param(0)
    after: int = param(100)
    timer_ms: int = param(50)

    calls: int = state(0)
    spun: float = state(0.0)

    def on_book(self, view: View, out: Out) -> None:
        """Joins the touch."""
        join(view, out)
        go_wrong(self, BOOK, view, out)

    def on_trade(self, view: View, out: Out) -> None:
        """Goes wrong, if that is where."""
        go_wrong(self, TRADE, view, out)

    def on_receipt(self, view: View, out: Out) -> None:
        """Goes wrong, if that is where."""
        go_wrong(self, RECEIPT, view, out)

    def on_timer(self, view: View, out: Out) -> None:
        """Goes wrong, if that is where."""
        go_wrong(self, TIMER, view, out)
