"""A strategy that crosses the spread, now one way and now the other, and also lets orders rest."""

from __future__ import annotations

from native import BUY, GTX, IOC, SELL, Out, View, param, place, state, strategy


@strategy
class Takes:
    """Every so many milliseconds an immediate order through the touch, and a post-only one at it."""

    timer_ms: int = param(200)
    ticks: int = state(0)

    def on_timer(self, view: View, out: Out) -> None:
        """Three bought for each two sold: it does not end flat."""
        if not view.has_top:
            return
        self.ticks += 1
        if self.ticks % 5 < 3:
            place(out, BUY, view.ask_px + 5, 1 + self.ticks % 3, IOC, False)
        else:
            place(out, SELL, view.bid_px - 5, 2, IOC, False)
        if view.n_orders < 4:
            place(out, BUY, view.bid_px, 1, GTX, False)
