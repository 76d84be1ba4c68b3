"""The native core's face, checked against the built module by stubtest."""

from typing import final

__version__: str

# --- features ---

@final
class Features:
    """Recursive features of one instrument, as a lane computes them.

    ``config_json`` is an object with the integers ``ew_halflife_ms``, ``window``, ``vwap_trades`` and ``levels``.
    Raises ``ValueError`` that names the setting and its range.
    """

    def __new__(cls, config_json: str, /) -> Features: ...
    def on_book(self, now_ns: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]], /) -> None:
        """Takes in the book at ``now_ns``: (ticks, lots) of each level, best first.

        Raises ``ValueError`` if a side is not ordered best first or a quantity is not positive; nothing changes then.
        An empty side is a book without a Top: a hole, as ``reset_book``.
        """
    def on_trade(self, now_ns: int, px: int, qty: int, side: str, /) -> None:
        """Takes in a trade of ``qty`` lots at ``px`` ticks; ``side`` is the aggressor's, ``"buy"`` or ``"sell"``."""
    def reset_book(self) -> None:
        """The book lost its sync: no feature bridges the hole."""
    def values(self) -> dict[str, float]:
        """All features by name; prices in ticks, quantities in lots; NaN for what does not exist."""
    @property
    def backward_steps(self) -> int:
        """How often time went backwards within books or within trades; it stood still instead."""
    @property
    def refused(self) -> int:
        """How many books and trades had a price of 2**46 ticks or more or no positive quantity."""

def bench_features(n: int, levels: int, /) -> float:
    """Nanoseconds per book update with every feature on, over a fixed pseudo-random path of ``n`` books.

    Raises ``ValueError`` for ``levels`` outside 1 to 10 or ``n`` of 0.
    """
