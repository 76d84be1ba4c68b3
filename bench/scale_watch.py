"""A strategy that looks at every book and wishes nothing: what calling a kernel takes, and no order's work."""

from __future__ import annotations

from native import Out, View, clear, state, strategy


@strategy
class Watch:
    """Keeps the widest spread it has seen."""

    widest: int = state(0)

    def on_book(self, view: View, out: Out) -> None:
        """Looks at the top."""
        clear(out)
        if view.has_top and view.ask_px - view.bid_px > self.widest:
            self.widest = view.ask_px - view.bid_px
