"""The native core's face, checked against the built module by stubtest."""

from typing import Any, Self, final

__version__: str

# --- kernel ---
def layout_json() -> str:
    """The layout of what hooks see, as JSON: sizes and fields of view, out and features, and the constants."""

def desired_ladder(out: bytes, /) -> tuple[list[tuple[int, int]], list[tuple[int, int]]] | None:
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
