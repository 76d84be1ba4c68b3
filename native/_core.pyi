"""The native core's face, checked against the built module by stubtest."""

from typing import Any, Self, final
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
from os import PathLike
from types import TracebackType
from typing import Literal, Self, final

__version__: str

# --- tape ---

class TapeError(ValueError):
    """A Tape's bytes are not what was written; the message names the file, the byte and what to do."""

@final
class TapeRecord:
    """One record of a Tape."""

    @property
    def kind(
        self,
    ) -> Literal[
        "market",
        "snapshot",
        "order",
        "timer",
        "fault",
        "intent",
        "permit",
        "refusal",
        "receipt",
        "trip",
        "meta",
        "lost",
        "end",
    ]:
        """The first five are Frames, by their source; "lost" stands for records that could not be written."""
    @property
    def lane(self) -> int: ...
    @property
    def connection(self) -> int: ...
    @property
    def tag(self) -> int:
        """65535: none."""
    @property
    def seq(self) -> int:
        """From 1, without gaps."""
    @property
    def time_ns(self) -> int:
        """Nanoseconds since 1970; of a Frame, when its last byte was read."""
    @property
    def payload(self) -> bytes: ...

@final
class TapeReader:
    """Iterates over the records of a `NAME.tape` directory, or of one `.seg` or `.seg.zst` file.

    Raises `TapeError` at the first byte that is not what was written, also while iterating; `OSError` if the file
    system says no. Memory stays at a fixed window, however long the Tape is.
    """

    def __new__(cls, path: str | PathLike[str], /) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> TapeRecord: ...
    @property
    def meta(self) -> str:
        """The session's header, JSON."""
    @property
    def torn(self) -> str | None:
        """After the end: what is torn off the Tape's tail, if the writer stopped in the middle of a record."""
    @property
    def ended(self) -> bool:
        """After the end: whether the writer closed the Tape. If not, it was cut, or it is still being written."""
    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read off the disk, and bytes there are."""

@final
class TapeWriter:
    """Writes the new Tape `path`, a directory whose name ends in `.tape`; as a context manager it closes the Tape.

    `meta` is JSON. A segment is finished before it would grow beyond `segment_bytes` (256 MiB if None), and then
    compressed. Raises `TapeError` for another name, `ValueError` if `meta` is not JSON, `OSError` if the file system
    says no (`FileExistsError` if there is something, `BlockingIOError` if another writer has the Tape).
    """

    def __new__(
        cls,
        path: str | PathLike[str],
        meta: str = "{}",
        *,
        segment_bytes: int | None = None,
        compress: bool = True,
    ) -> Self: ...
    @staticmethod
    def open_append(
        path: str | PathLike[str], *, segment_bytes: int | None = None, compress: bool = True
    ) -> TapeWriter:
        """Continues a Tape; a torn tail is cut off and said in `torn`. Raises as the reader does."""
    def append(
        self,
        kind: str,
        payload: bytes,
        *,
        time_ns: int,
        lane: int = 0,
        connection: int = 0,
        tag: int = 65535,
    ) -> int:
        """Appends a record (`TapeRecord.kind` names the kinds) and returns its sequence number.

        Raises `ValueError` for an unknown kind, for "meta" and "end", which the writer makes itself, for a payload
        above 64 MiB and after `close`; `OverflowError` for numbers that do not fit; `OSError` if the disk says no.
        """
    def flush(self) -> None:
        """Hands everything to the operating system."""
    def sync(self) -> None:
        """Returns when the disk has everything."""
    def close(self) -> None:
        """Writes the "end" record, syncs, and waits for segments that are being compressed. Twice does nothing."""
    @property
    def torn(self) -> str | None:
        """What `open_append` cut off."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Closes the Tape; after an exception it writes what there is and no "end" record."""
