"""Strategies: classes whose hooks numba compiles to C functions that a lane calls without the GIL.

::

    from native import ask, bid, clear, param, state, strategy

    @strategy
    class Quoter:
        width: float = param(2.0, gt=0.0, doc="ticks from the mid")
        calls: int = state(0)

        def on_book(self, view, out):
            self.calls += 1
            if not view.has_top:
                clear(out)
                return
            mid = 0.5 * (view.bid_px + view.ask_px)
            bid(out, mid - self.width, 1)
            ask(out, mid + self.width, 1)

Hooks are ``on_book``, ``on_quote``, ``on_trade``, ``on_receipt`` and ``on_timer`` (with ``timer_ms`` in the class).
A hook is ``(self, view, out)``, or ``(self, views, outs, i)`` to see all instruments of the kernel, ``i`` being the one
that the call is about. The fields of ``view`` and ``out`` are those of ``native/src/cex/kernel/view.rs``: prices in
ticks, quantities in lots, sides `BUY` (+1) and `SELL` (−1). A hook that never touches the ladder leaves the
previous desire standing.

In a hook ``self`` is a record of the parameters (read only) and the state. It has no methods: shared code goes into
module functions decorated with `helper`. Indices are checked, a division by zero raises, and any exception trips the
switch.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import json
import math
import operator
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from native import _core

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

View: TypeAlias = Any
"""One instrument as a hook sees it; its fields are defined in Rust and nowhere else."""
Out: TypeAlias = Any
"""A hook's answer for one instrument."""

HOOKS = ("on_book", "on_quote", "on_trade", "on_receipt", "on_timer")
OPTIONS: dict[str, Any] = {"boundscheck": True, "error_model": "python"}


class KernelError(Exception):
    """A strategy that cannot be loaded, configured or compiled; the message is one line for its author."""


def _record(layout: dict[str, Any], table: str) -> np.dtype[np.void]:
    fields = layout[table]["fields"]

    def one(field: dict[str, Any]) -> Any:
        base = _record(layout, "features") if field["dtype"] == "features" else np.dtype(field["dtype"])
        return (base, (field["count"],)) if field["count"] else base

    return np.dtype(
        {
            "names": [field["name"] for field in fields],
            "formats": [one(field) for field in fields],
            "offsets": [field["offset"] for field in fields],
            "itemsize": layout[table]["size"],
        }
    )


_LAYOUT: dict[str, Any] = json.loads(_core.layout_json())
VIEW_DTYPE = _record(_LAYOUT, "view")
OUT_DTYPE = _record(_LAYOUT, "out")

# Rust's constants, under their own names; numba freezes them into the code.
DEPTH: int = _LAYOUT["const"]["DEPTH"]
LADDER: int = _LAYOUT["const"]["LADDER"]
VIEW_ORDERS: int = _LAYOUT["const"]["VIEW_ORDERS"]
ACTIONS: int = _LAYOUT["const"]["ACTIONS"]
BUY: int = _LAYOUT["const"]["BUY"]
SELL: int = _LAYOUT["const"]["SELL"]
GTC: int = _LAYOUT["const"]["GTC"]
IOC: int = _LAYOUT["const"]["IOC"]
FOK: int = _LAYOUT["const"]["FOK"]
GTX: int = _LAYOUT["const"]["GTX"]
_PLACE: int = _LAYOUT["const"]["PLACE"]
_CANCEL: int = _LAYOUT["const"]["CANCEL"]
# `view.receipt_kind`
ACCEPTED: int = _LAYOUT["const"]["ACCEPTED"]
FILLED: int = _LAYOUT["const"]["FILLED"]
REJECTED: int = _LAYOUT["const"]["REJECTED"]
CANCELLED: int = _LAYOUT["const"]["CANCELLED"]
EXPIRED: int = _LAYOUT["const"]["EXPIRED"]
REPLACED: int = _LAYOUT["const"]["REPLACED"]
CHANGE_REJECTED: int = _LAYOUT["const"]["CHANGE_REJECTED"]
UNKNOWN: int = _LAYOUT["const"]["UNKNOWN"]


def helper(function: F) -> F:
    """Compiles a module function for use in hooks, with the hooks' own checks (bounds, division by zero)."""
    return cast(F, numba.njit(**OPTIONS)(function))


@helper
def clear(out: Out) -> None:
    """Desires no quote: pulls whatever stands."""
    out.has_ladder = 1
    out.n_bids = 0
    out.n_asks = 0


@helper
def bid(out: Out, px: float, qty: float) -> None:
    """Adds a bid to the desired ladder: `px` in ticks (rounded down), `qty` in lots (rounded down; 0 is no quote)."""
    out.has_ladder = 1
    if 0 <= out.n_bids < LADDER:
        out.bid_px[out.n_bids] = px
        out.bid_qty[out.n_bids] = qty
    out.n_bids += 1  # one too many is written nowhere and refused by the count


@helper
def ask(out: Out, px: float, qty: float) -> None:
    """Adds an ask to the desired ladder: `px` in ticks (rounded up), `qty` in lots (rounded down; 0 is no quote)."""
    out.has_ladder = 1
    if 0 <= out.n_asks < LADDER:
        out.ask_px[out.n_asks] = px
        out.ask_qty[out.n_asks] = qty
    out.n_asks += 1


@helper
def place(out: Out, side: int, px: float, qty: float, tif: int, reduce_only: bool) -> None:
    """One explicit order beside the ladder; `px` and `qty` round as in a ladder, less than one lot is no order."""
    if 0 <= out.n_actions < ACTIONS:
        i = out.n_actions
        out.action_kind[i] = _PLACE
        out.action_side[i] = side
        out.action_px[i] = px
        out.action_qty[i] = qty
        out.action_tif[i] = tif
        out.action_reduce_only[i] = 1 if reduce_only else 0
    out.n_actions += 1


@helper
def cancel(out: Out, order_id: int) -> None:
    """Cancels one order, by its id in `view.order_id`."""
    if 0 <= out.n_actions < ACTIONS:
        out.action_kind[out.n_actions] = _CANCEL
        out.action_id[out.n_actions] = order_id
    out.n_actions += 1


@dataclass(frozen=True, slots=True)
class Param:
    """A typed parameter with its bounds; made by `param`."""

    default: float | int | bool
    gt: float | None
    ge: float | None
    lt: float | None
    le: float | None
    doc: str


@dataclass(frozen=True, slots=True)
class State:
    """A typed piece of state with its initial value; made by `state`."""

    initial: Any


@dataclass(frozen=True, slots=True)
class Spec:
    """What `strategy` found in a class."""

    params: dict[str, Param]
    state: dict[str, Any]
    dtype: np.dtype[np.void]
    hooks: tuple[str, ...]


def param(
    default: T,
    *,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    doc: str = "",
) -> T:
    """A parameter of a strategy: float, int or bool, as its default is, within the bounds given."""
    return cast(T, Param(cast(Any, default), gt, ge, lt, le, doc))


def state(initial: T) -> T:
    """State of a strategy: float, int or bool, or a numpy array of one of them, of fixed shape."""
    return cast(T, State(initial))


def suggest(name: str, known: Any) -> str:
    """``; did you mean 'x'?`` where something near is known, else the list of what is."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known)) or 'none'}"


_SCALARS: dict[type, str] = {bool: "?", int: "<i8", float: "<f8"}


def _kind(cls: type, name: str, value: Any) -> type:
    """The type of a scalar, by its annotation where that is float, int or bool, else by its value."""
    kind = type(value)
    for base in cls.__mro__:
        noted: Any = inspect.get_annotations(base).get(name)
        if noted is not None:
            return {"float": float, "int": int, "bool": bool}.get(getattr(noted, "__name__", noted), kind)
    return kind


def _checked(where: str, kind: type, value: Any) -> Any:
    fits = {float: (int, float), int: (int,), bool: (bool,)}[kind]
    if not isinstance(value, fits) or (isinstance(value, bool) and kind is not bool):
        raise KernelError(f"{where} must be of type {kind.__name__}, not {value!r}")
    if kind is float and not math.isfinite(value):
        raise KernelError(f"{where} must be finite, not {value!r}")
    if kind is int and not -(2**63) <= value < 2**63:
        raise KernelError(f"{where} does not fit 64 bits: {value!r}")
    return kind(value)


def _bounded(where: str, spec: Param, value: Any) -> Any:
    for bound, sign, holds in (
        (spec.gt, ">", operator.gt),
        (spec.ge, ">=", operator.ge),
        (spec.lt, "<", operator.lt),
        (spec.le, "<=", operator.le),
    ):
        if bound is not None and not holds(value, bound):
            raise KernelError(f"{where} must be {sign} {bound}, not {value!r}")
    return value


def strategy(cls: type[T]) -> type[T]:
    """Makes a class a strategy: finds its parameters, state and hooks. KernelError for a default out of its type."""
    params: dict[str, Param] = {}
    states: dict[str, Any] = {}
    formats: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            where = f"{cls.__name__}.{name}"
            if isinstance(value, Param | State):
                raw = value.default if isinstance(value, Param) else value.initial
                if isinstance(raw, np.ndarray):
                    if isinstance(value, Param) or raw.dtype.kind not in "bif" or raw.size == 0:
                        raise KernelError(f"{where}: only state may be an array, of floats, ints or bools, not empty")
                    code = {"b": "?", "i": "<i8", "f": "<f8"}[raw.dtype.kind]
                    formats[name], states[name] = (code, raw.shape), raw
                    continue
                if type(raw) not in _SCALARS:
                    raise KernelError(f"{where} must be a float, an int or a bool, not {raw!r}")
                kind = _kind(cls, name, raw)
                raw, formats[name] = _checked(where, kind, raw), _SCALARS[kind]
                if isinstance(value, Param):
                    _bounded(where, value, raw)
                    params[name] = Param(raw, value.gt, value.ge, value.lt, value.le, value.doc)
                else:
                    states[name] = raw
    hooks = tuple(hook for hook in HOOKS if callable(getattr(cls, hook, None)))
    for name in vars(cls):
        if name.startswith("on_") and name not in HOOKS:
            raise KernelError(f"{cls.__name__}.{name} is not a hook{suggest(name, HOOKS)}")
    if not hooks:
        raise KernelError(f"{cls.__name__} has no hook; define one of {', '.join(HOOKS)}")
    if ("on_timer" in hooks) != hasattr(cls, "timer_ms"):
        raise KernelError(f"{cls.__name__} needs both on_timer and timer_ms, or neither")
    # A record may not be empty; `align` puts each field where the processor wants it.
    dtype = np.dtype(list((formats or {"_nothing": "<i8"}).items()), align=True)
    cls.__strategy__ = Spec(params, states, dtype, hooks)  # type: ignore[attr-defined]
    return cls


def spec_of(cls: type) -> Spec:
    """What `strategy` found in `cls`; KernelError when the class was not decorated."""
    spec = cls.__dict__.get("__strategy__")
    if not isinstance(spec, Spec):
        raise KernelError(f"{cls.__name__} is not a strategy: decorate it with @strategy")
    return spec


def configure(cls: type, values: Mapping[str, Any]) -> tuple[npt.NDArray[np.void], dict[str, Any], int]:
    """The initial record (shape [1]), all parameters, and the timer's period in ns (0: none).

    Raises KernelError for an unknown parameter, a wrong type or a value out of bounds.
    """
    spec = spec_of(cls)
    for name in values:
        if name not in spec.params:
            raise KernelError(f"{cls.__name__} has no parameter {name!r}{suggest(name, spec.params)}")
    chosen: dict[str, Any] = {}
    record = np.zeros(1, spec.dtype)
    for name, param_spec in spec.params.items():
        where = f"{cls.__name__}.{name}"
        value = _checked(where, type(param_spec.default), values.get(name, param_spec.default))
        record[name] = chosen[name] = _bounded(where, param_spec, value)
    for name, value in spec.state.items():
        record[name] = value
    timer_ns = 0
    if "on_timer" in spec.hooks:
        timer_ms: Any = chosen.get("timer_ms", getattr(cls, "timer_ms", None))
        if type(timer_ms) not in (int, float) or not timer_ms > 0 or not math.isfinite(timer_ms):
            raise KernelError(f"{cls.__name__}.timer_ms must be a positive number, not {timer_ms!r}")
        timer_ns = max(1, round(timer_ms * 1_000_000))
    return record, chosen, timer_ns


def load_strategy(target: str) -> type:
    """The class of ``package.module:Class`` or ``path/to/file.py:Class``.

    Raises KernelError, with the line of the user's file where that is known, when it cannot be had.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise KernelError(f"{target!r} does not name a strategy; write module:Class or path/to/file.py:Class")
    try:
        module = _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except SyntaxError as e:
        raise KernelError(f"{e.filename}:{e.lineno}: {e.msg}") from e
    except Exception as e:
        frames = [f for f in traceback.extract_tb(e.__traceback__) if "importlib" not in f.filename]
        where = [f for f in frames if Path(f.filename).resolve() != Path(__file__).resolve()]
        line = f"{where[-1].filename}:{where[-1].lineno}: " if where else ""
        text = str(e) if isinstance(e, KernelError) else f"cannot load {place}: {type(e).__name__}: {e}"
        raise KernelError(f"{line}{' '.join(text.split())}") from e
    found = getattr(module, name, None)
    classes = [n for n, v in vars(module).items() if inspect.isclass(v) and "__strategy__" in vars(v)]
    if found is None:
        raise KernelError(f"{place} has no class {name!r}{suggest(name, classes)}")
    if not inspect.isclass(found):
        raise KernelError(f"{target!r} is not a class")
    spec_of(found)
    return found


def _load_file(path: Path) -> Any:
    """A module of its own for each content of each file, so that an edited file is loaded anew."""
    try:
        source = path.read_bytes()
    except OSError as e:
        raise KernelError(f"cannot read {path}: {e.strerror}") from e
    where = path.resolve()
    name = f"strategy_{hashlib.sha256(bytes(where) + source).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, where)
    if spec is None or spec.loader is None:
        raise KernelError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(where.parent))  # so that a strategy may import a file beside it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(where.parent))
    return module
