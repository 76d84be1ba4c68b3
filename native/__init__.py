"""The native core: everything per byte or per event, and the kernels that numba compiles for it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from native import cpu

# Before anything imports it: on a processor that it was not built for, loading it would be a crash.
if (_spec := find_spec("native._core")) is not None and _spec.origin is not None:
    cpu.check(Path(_spec.origin))

from native._core import (
    Cycle,
    Graph,
    Kernel,
    NoQuote,
    Pools,
    Replay,
    Simulated,
    Simulator,
    Sized,
    __version__,
    solve,
    solve_jointly,
    upper_bound,
)

if TYPE_CHECKING:
    from native.compiler import CompiledKernel, compile_strategy
    from native.kernel import (
        ACCEPTED,
        ACTIONS,
        BUY,
        CANCELLED,
        CHANGE_REJECTED,
        DEPTH,
        EXPIRED,
        FILLED,
        FOK,
        GTC,
        GTX,
        IOC,
        LADDER,
        REJECTED,
        REPLACED,
        SELL,
        UNKNOWN,
        VIEW_ORDERS,
        KernelError,
        Out,
        View,
        ask,
        bid,
        cancel,
        clear,
        helper,
        load_strategy,
        param,
        place,
        state,
        strategy,
    )

__all__ = [
    "ACCEPTED",
    "ACTIONS",
    "BUY",
    "CANCELLED",
    "CHANGE_REJECTED",
    "DEPTH",
    "EXPIRED",
    "FILLED",
    "FOK",
    "GTC",
    "GTX",
    "IOC",
    "LADDER",
    "REJECTED",
    "REPLACED",
    "SELL",
    "UNKNOWN",
    "VIEW_ORDERS",
    "CompiledKernel",
    "Cycle",
    "Graph",
    "Kernel",
    "KernelError",
    "NoQuote",
    "Out",
    "Pools",
    "Replay",
    "Simulated",
    "Simulator",
    "Sized",
    "View",
    "__version__",
    "ask",
    "bid",
    "cancel",
    "clear",
    "compile_strategy",
    "helper",
    "load_strategy",
    "param",
    "place",
    "solve",
    "solve_jointly",
    "state",
    "strategy",
    "upper_bound",
]


def __getattr__(name: str) -> Any:
    """What belongs to strategies is imported when it is first used: numba takes a second to import."""
    if name in ("CompiledKernel", "compile_strategy"):
        from native import compiler

        return getattr(compiler, name)
    if name in __all__:
        from native import kernel

        return getattr(kernel, name)
    raise AttributeError(f"module 'native' has no attribute {name!r}")
