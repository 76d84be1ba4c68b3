"""The strategy of our turn of the wire benchmark: the same as FastMM's in `wire_fastmm.py`."""

from __future__ import annotations

from native import Out, View, ask, bid, clear, param, strategy


@strategy
class Follow:
    """One order on each side, a fixed distance behind the touch: it moves with every change of the touch and is hardly
    ever filled."""

    qty_lots: int = param(100, ge=1, doc="lots on each side")
    behind_ticks: int = param(500, ge=0, doc="distance from the touch, ticks")

    def on_book(self, view: View, out: Out) -> None:
        """Follows the touch; wishes nothing without one."""
        clear(out)
        if view.has_top:
            bid(out, view.bid_px - self.behind_ticks, self.qty_lots)
            ask(out, view.ask_px + self.behind_ticks, self.qty_lots)
