"""The native core's face, checked against the built module by stubtest."""

from typing import Any, Self, final

__version__: str

# --- features ---

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

# --- sim ---
def queue_probability(model_json: str, front: float, back: float, /) -> float:
    """Probability, 0 to 1, that a decrease of a price level happened behind our order.

    ``model_json`` is a queue model as in the configuration: ``{"kind": "risk_averse"}``, ``{"kind": "power_prob", "n":
    3.0}``, ``power_prob2``, ``power_prob3``, ``{"kind": "log_prob"}`` or ``log_prob2``; ``front`` and ``back`` are the
    quantities ahead of and behind the order, in base currency. 1 where both are 0. Raises ``ValueError`` for another
    model, an ``n`` that is not above 0, or a quantity below 0. Formulas: R. Rigtorp, "Estimating order queue position"
    (2013), and the families of hftbacktest.
    """

# --- kernel ---
def layout_json() -> str:
    """The layout of what hooks see, as JSON: sizes and fields of view, out and features, and the constants."""

def desired_ladder(out: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int]]] | None:
    """The desired ladder (bids, asks; each level ticks and lots) of an out's bytes; None where it wishes none.

    RuntimeError for what is not a price, a quantity or a count.
    """

def bench_hook(compiled: Any, hook: str, views: bytes, calls: int, timeout_s: float = 30.0) -> float:
    """Nanoseconds a call, on a thread without an interpreter, while the caller holds the GIL.

    TimeoutError: the hook waits for the GIL, or is too slow. RuntimeError: as Kernel.call.
    """

@final
class Kernel:
    """A compiled strategy (`native.CompiledKernel`) with memory of its own, called as a lane calls it."""

    def __new__(cls, compiled: Any, budget_ns: int = 0) -> Self: ...
    def call(self, hook: str, views: bytes, index: int = 0) -> bytes:
        """Calls `hook` (such as "on_book") about instrument `index` without the GIL; the outs as bytes.

        RuntimeError when the hook raised, wrote what is not a price, quantity, action or count, or overran its budget.
        """

    def state(self) -> bytes:
        """Parameters and state as they are now: bytes of `CompiledKernel.state_dtype`."""
