"""The simplest quoting strategy: join the best bid and ask."""

from __future__ import annotations

from native import Out, View, ask, bid, clear, param, strategy


@strategy
class JoinTouch:
    """Every `timer_ms` desires one order of `qty_lots` at the best bid and one at the best ask; none without a top.

    An order that is off the touch is therefore moved at the next tick of the timer, one that was filled is replaced.
    """

    qty_lots: int = param(1, ge=1, doc="lots on each side")
    timer_ms: int = param(10, ge=1, doc="period of the timer, ms")

    def on_timer(self, view: View, out: Out) -> None:
        """Joins both sides of the touch."""
        clear(out)
        if view.has_top:
            bid(out, view.bid_px, self.qty_lots)
            ask(out, view.ask_px, self.qty_lots)
