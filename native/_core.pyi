"""The native core's face, checked against the built module by stubtest."""

import os
from collections.abc import Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Literal, Self, final

__all__ = [
    "Applied",
    "Cycle",
    "Features",
    "Gate",
    "Graph",
    "Kernel",
    "LiveLane",
    "NoQuote",
    "Order",
    "Orders",
    "Pools",
    "Quoter",
    "Replay",
    "SimExchange",
    "Sized",
    "Switch",
    "TapeError",
    "TapeReader",
    "TapeRecord",
    "TapeWriter",
    "__version__",
    "bench_answer_bursts",
    "bench_features",
    "bench_hook",
    "bench_levels",
    "bench_queue",
    "bench_scale",
    "bench_tick_to_intent",
    "built_for",
    "desired_ladder",
    "layout_json",
    "limits",
    "queue_probability",
    "read_status",
    "sandwiches",
    "solve",
    "tape_tops",
    "verify_tape",
]

__version__: str
built_for: str  # "x86-64-v3" or "baseline"; see native/cpu.py

# --- replay ---

@final
class Replay:
    """A replay of a Tape or a raw capture through a lane and, with kernels, a simulated exchange.

    ``plan`` is the JSON of ``searcher.plan``; ``kernels`` are compiled strategies in its order. Raises ``ValueError``
    with one line that says what is wrong with the recording, the plan or a kernel.
    """

    def __new__(cls, path: str, plan: str, kernels: list[Any]) -> Replay: ...
    def advance(self, frames: int) -> bool:
        """Goes on for about ``frames`` frames of the recording, without the GIL; True when it is over."""
    def run(self) -> None:
        """Runs to the end."""
    def progress(self) -> float:
        """How much of the recording has been read, 0 to 1."""
    def report(self) -> str:
        """The report as JSON; its keys are in the README."""
    def kernel_state(self, kernel: int) -> bytes:
        """Parameters and state of a kernel as they are now: bytes of its ``CompiledKernel.state_dtype``.

        Raises ``IndexError`` when there is no such kernel.
        """
    def series(self) -> str:
        """The sampled path of position and PnL as JSON: a list by instrument, for charts."""

# --- live ---

@final
class LiveLane:
    """A lane on a thread of its own, with its own sockets.

    ``plan_json`` is the live plan, ``kernels`` are compiled strategies in its order; key and secret are for mode live.
    Raises ``ValueError`` with one line that says what is wrong; it never contains the secret.
    """

    def __new__(
        cls, plan_json: str, kernels: list[Any], api_key: str | None = None, secret: str | None = None
    ) -> LiveLane: ...
    def start(self) -> None:
        """Starts the lane's thread.

        Raises ``ValueError`` with one line when something it needs is wrong (then nothing runs), ``RuntimeError`` when
        it was started before.
        """
    def stop(self, flat: bool = False) -> None:
        """Asks the lane to place nothing more and to cancel everything, and returns at once.

        ``flat``: also to bring its positions to zero. Raises ``RuntimeError`` before the start, as the next two.
        """
    def join(self, timeout_s: float) -> str:
        """Waits up to ``timeout_s`` for the lane to end, then ends it as it stands; the summary as JSON.

        It says how the lane ended, which orders are not proven dead, and the positions.
        """
    def events(self) -> list[str]:
        """What the lane had to say since the last call, as JSON lines, oldest first."""
    def is_running(self) -> bool:
        """The lane's thread lives."""
    def is_done(self) -> bool:
        """The lane has ended and its summary is there."""
    def status(self) -> str:
        """The lane's status page as JSON: see :func:`read_status`."""

def read_status(path: str) -> str:
    """The status page at ``path`` as JSON, with ``age_ms`` since the lane's last heartbeat.

    The lane does not notice. Raises ``ValueError`` where there is no such page.
    """

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

# --- sim ---

@final
class SimExchange:
    """The matching model (README, "Fill rules") with our orders in a market that is told to it.

    ``config`` is the JSON of the exchange in a configuration, ``specs`` a list of instruments: ``symbol``, ``tick``,
    ``lot`` (decimal strings), ``maker_fee_e8``, ``taker_fee_e8``. Prices are ticks, quantities lots, times nanoseconds
    since 1970, enumerations the integers of ``native/src/event.rs``. Each call returns its receipts in order: kind, id,
    price, lots filled, lots open, maker, trade id. Raises ``ValueError`` for JSON or a number that is none of these.
    """

    def __new__(cls, config: str, specs: str, /) -> SimExchange: ...
    def depth(
        self,
        instrument: int,
        ids: tuple[int, int, int],
        bids: list[tuple[int, int]],
        asks: list[tuple[int, int]],
        exch_ns: int,
        /,
    ) -> list[tuple[int, int, int, int, int, bool, int]]:
        """Levels changed: (ticks, lots) with 0 for gone; ``ids`` are the update's first, last and previous one."""
    def snapshot(
        self,
        instrument: int,
        last_id: int,
        bids: list[tuple[int, int]],
        asks: list[tuple[int, int]],
        exch_ns: int,
        /,
    ) -> list[tuple[int, int, int, int, int, bool, int]]:
        """The whole book at ``last_id``."""
    def trade(
        self, instrument: int, px: int, qty: int, side: int, exch_ns: int, /
    ) -> list[tuple[int, int, int, int, int, bool, int]]:
        """Others traded; ``side`` is the aggressor's."""
    def request(
        self,
        action: int,
        id: int,
        side: int,
        px: int,
        qty: int,
        exch_ns: int,
        *,
        instrument: int = 0,
        tif: int = 0,
        reduce_only: bool = False,
    ) -> list[tuple[int, int, int, int, int, bool, int]]:
        """A request of ours: place, cancel or replace."""
    def resting(self, instrument: int, /) -> list[tuple[int, int, int, int, int]]:
        """Our resting orders, best price first: id, side, price, lots open, lots ahead in the queue."""
    def position(self, instrument: int, /) -> int:
        """Our position, lots; 0 at the start."""

def queue_probability(model_json: str, front: float, back: float, /) -> float:
    """Probability, 0 to 1, that a decrease of a price level happened behind our order.

    ``model_json`` is a queue model as in the configuration: ``{"kind": "risk_averse"}``, ``{"kind": "power_prob", "n":
    3.0}``, ``power_prob2``, ``power_prob3``, ``{"kind": "log_prob"}`` or ``log_prob2``; ``front`` and ``back`` are the
    quantities ahead of and behind the order, in base currency. 1 where both are 0. Raises ``ValueError`` for another
    model, an ``n`` that is not above 0, or a quantity below 0. Formulas: R. Rigtorp, "Estimating order queue position"
    (2013), and the families of hftbacktest.
    """

# --- risk ---

def limits() -> list[tuple[str, str, str]]:
    """Every limit: name, level, unit of what a refusal observed and allows."""

@final
class Switch:
    """The kill switch in the file `path`; created, active, if there is none. Raises OSError if it cannot be."""

    def __new__(cls, path: str | os.PathLike[str]) -> Switch: ...
    @staticmethod
    def anonymous() -> Switch:
        """A switch of this process alone, for replays and tests."""
    def state(self) -> str:
        """ "active", "reducing" or "halted"."""
    def reason(self) -> tuple[str, str, int, int] | None:
        """Why it first left active: cause, text, time (ns since 1970), process id; None while active."""
    def trip(self, state: str, cause: str, text: str, now_ns: int, /) -> bool:
        """Moves the state down to `state`, never up; True if it moved. Raises ValueError for unknown names."""
    def reset(self, who: str, reason: str, now_ns: int, /) -> None:
        """Back to active, for a person who says who they are and why. Raises ValueError without either, or if it
        cannot be done; then nothing has changed unless the text says so."""
    def verify(self, now_ns: int, /) -> bool:
        """Whether the path still leads to the mapped file; if not, this handle halts."""
    def log_error(self) -> str | None:
        """Why the last line could not be logged, if it could not."""

@final
class Gate:
    """The gate, for tests and research. `specs` and `limits` are JSON, `equity` is digits in the quote currency. Raises
    ValueError naming what is missing, unknown or out of range."""

    def __new__(cls, specs: str, limits: str, equity: str, switch: Switch, /) -> Gate: ...
    def judge(
        self,
        intent: tuple[str, int, int, str, int, int, bool],
        top: tuple[int, int] | None,
        book_ns: int,
        now_ns: int,
        /,
    ) -> tuple[str, int, int] | None:
        """Judges an intent (action, id, instrument, side, px in ticks, qty in lots, reduce_only) by a top (bid, ask in
        ticks) and redeems the permit. Returns None, or the refusal: limit, observed, allowed."""
    def on_receipt(self, receipt: tuple[str, int, int, str, int, int, int, bool], now_ns: int, /) -> None:
        """Takes over a receipt (kind, id, instrument, side, px, qty, leaves, maker)."""
    def on_tick(self, instrument: int, half_ticks: int, now_ns: int, /) -> bool:
        """A tick (bid + ask in ticks); False if it is an outlier."""
    def on_feed_latency(self, instrument: int, latency_ns: int, now_ns: int, /) -> None:
        """Age of market data at its receipt."""
    def on_mark(self, instrument: int, half_ticks: int, now_ns: int, /) -> None:
        """Marks the instrument to a mid (bid + ask in ticks)."""
    def trip(self, state: str, cause: str, text: str, now_ns: int, /) -> bool:
        """Latches the lane down; True if its own state moved. Raises ValueError for unknown names."""
    def state(self) -> str:
        """The worse of the lane's own state and the switch's."""
    def reason(self) -> tuple[str, str] | None:
        """Why the lane itself left active: cause and text; None if it did not."""
    def should_flatten(self) -> bool:
        """The drawdown asks to cancel everything and to bring positions to zero."""
    def finish_flatten(self, now_ns: int, /) -> bool:
        """Halts the lane if it was flattening and nothing is left; True if it did."""
    def position(self, instrument: int, /) -> int:
        """Lots held; negative is short."""
    def open_orders(self, instrument: int, /) -> list[tuple[int, int]]:
        """Ids of orders not proven dead, and the most lots that each may still trade."""
    def pnl(self, instrument: int, /) -> tuple[int, int, int, int, int]:
        """Spread capture, drift, fees, rebates and total, in half a tick x a lot x 10^-8."""
    def equity(self) -> str:
        """Starting equity and all PnL since, digits in the quote currency."""
    def refusals(self) -> dict[str, int]:
        """How often each limit refused, ignored a tick or tripped."""

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

# --- orders ---

@final
class Order:
    """An order as it stood when it was asked for. Prices in ticks, quantities in lots, times in ns."""

    @property
    def id(self) -> int: ...
    @property
    def kernel(self) -> int: ...
    @property
    def instrument(self) -> int: ...
    @property
    def side(self) -> int:
        """0 buy, 1 sell."""
    @property
    def state(self) -> Literal["PendingNew", "Open", "PendingCancel", "PendingReplace", "Unknown", "Closed"]: ...
    @property
    def px(self) -> int: ...
    @property
    def qty(self) -> int:
        """Total: `filled + leaves` while the order lives."""
    @property
    def original(self) -> int:
        """What was to rest at `px` when it was last placed or replaced."""
    @property
    def target_px(self) -> int:
        """As `px`, unless a replace is unanswered: then what it asks for."""
    @property
    def target_qty(self) -> int:
        """As `qty`, unless a replace is unanswered: then what it asks for."""
    @property
    def filled(self) -> int: ...
    @property
    def leaves(self) -> int: ...
    @property
    def worst_leaves(self) -> int:
        """The most that may still fill, whichever unanswered request is granted."""
    @property
    def tif(self) -> int:
        """0 GTC, 1 IOC, 2 FOK, 3 GTX (post-only)."""
    @property
    def reduce_only(self) -> bool: ...
    @property
    def placed_ns(self) -> int: ...
    @property
    def accepted_ns(self) -> int | None:
        """`recv_ns` of the first proof that the venue has it."""
    @property
    def queue_joined(self) -> int:
        """Lots ahead when it joined its level; -1 where the venue does not say."""

@final
class Applied:
    """What a receipt changed."""

    @property
    def opened(self) -> bool:
        """First proof that the venue has the order."""
    @property
    def replaced(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    @property
    def contradiction(self) -> bool:
        """It cannot be true together with what was known; a fill in it is counted in full all the same."""
    @property
    def filled(self) -> int:
        """Lots newly filled; 0 for none."""
    @property
    def first_fill(self) -> bool: ...
    @property
    def last_fill(self) -> bool: ...
    @property
    def since_accepted_ns(self) -> int | None:
        """Of a fill: since the first proof that the venue has the order."""
    @property
    def ignored(self) -> Literal["Duplicate", "Late", "UnknownId", "Mismatch"] | None: ...

@final
class Orders:
    """A lane's own record of its orders: at most `capacity` alive, and as many closed ones remembered.

    Ids start at `counter` of `lane` (48 and 16 bits). Raises ValueError for a capacity of 0.
    """

    def __new__(cls, capacity: int, *, lane: int = 0, counter: int = 1) -> Orders: ...
    def next_id(self) -> int:
        """A new order id: unique, rising, never zero."""
    @property
    def alive(self) -> int: ...
    @property
    def room(self) -> int:
        """Orders that can still be placed."""
    def counts(self) -> dict[str, int]:
        """Keys: duplicates, late, late_fills, unknown_ids, missing, contradictions."""
    def get(self, id: int) -> Order | None:
        """An order that is alive, or closed and still remembered."""
    def side(self, instrument: int, side: int) -> list[Order]:
        """Live orders of one side of an instrument, in no order."""
    def on_request(
        self,
        action: int,
        id: int,
        side: int,
        px: int,
        qty: int,
        *,
        instrument: int = 0,
        kernel: int = 0,
        tif: int = 3,
        reduce_only: bool = False,
        now_ns: int = 0,
    ) -> None:
        """Records what is sent: `action` 1 place, 2 cancel, 3 replace (`qty` is the new total, filled lots included).

        Raises ValueError, and records nothing, when the record is full, the id is taken, no such order is alive, the
        quantity is not possible, or (replace) the order has an unanswered request.
        """
    def on_receipt(
        self,
        kind: int,
        id: int,
        side: int,
        *,
        instrument: int = 0,
        px: int = 0,
        qty: int = 0,
        leaves: int = 0,
        trade_id: int = 0,
        exch_ns: int = 0,
        queue_joined: int = ...,
        recv_ns: int = 0,
    ) -> Applied:
        """Applies what came back.

        `kind`: 1 accepted, 2 filled, 3 rejected, 4 cancelled, 5 expired, 6 replaced, 7 change rejected, 8 unknown.
        """

@final
class Quoter:
    """Desired ladder to the fewest messages. `tif` of every place, and of the orders that are minded."""

    def __new__(cls, *, can_replace: bool, tif: int = 3) -> Quoter: ...
    def diff(
        self,
        orders: Orders,
        bids: list[tuple[int, int]],
        asks: list[tuple[int, int]],
        *,
        instrument: int = 0,
        kernel: int = 0,
        now_ns: int = 0,
    ) -> list[tuple[int, int, int, int, int]]:
        """Messages `(action, id, side, px, qty)` that make the kernel's orders the ladder of `(px, qty)` levels.

        Places have id 0. Raises ValueError for a ladder whose bid is not below its ask, or a negative quantity.
        """

# --- bench ---

def bench_answer_bursts(market: int, orders: int, request: bytes, quiet_ns: int, run_ns: int) -> int:
    """For ``run_ns``: polls the descriptor ``market`` and writes ``request`` to the descriptor ``orders`` whenever
    something comes after ``quiet_ns`` without anything. Returns how often.

    Raises ``OSError`` when either connection ends.
    """

def bench_levels(path: str, rounds: int = 10) -> str:
    """Decoding and applying a raw capture's messages: JSON of nanoseconds, the least of ``rounds`` of CPU time."""

def bench_queue(path: str, plan: str, instruments: int, folder: str | PathLike[str], run_ns: int) -> str:
    """A lane of so many instruments (see `bench_scale`) takes frames as fast as it can for ``run_ns`` and writes its
    Tape into ``folder``: JSON of what it offered, and of what the Tape recorded, lost and told.

    Raises ``ValueError`` as `bench_scale`, and when the Tape cannot be written or read.
    """

def bench_scale(
    path: str, plan: str, instruments: int, passes: int, kernel: Any | None = None, *, one_each: bool = False
) -> str:
    """CPU time a frame and memory of one lane with so many instruments (1 to 1,000), each the recorded one of the raw
    capture at ``path`` under another name, over ``passes`` passes: JSON. With a kernel, all instruments share one or
    have one each. Features and the limits of the first instrument are the plan's.

    Raises ``ValueError`` when the capture is not of one instrument with a snapshot, or a book fell out of sync.
    """

def bench_tick_to_intent(path: str, plan: str, kernel: Any) -> str:
    """From a decoded event to encoded intents on a recording, with one compiled strategy: JSON of wall nanoseconds."""

# --- chaos ---

def tape_tops(path: str | PathLike[str], /) -> list[tuple[int, int, int, int, int, int]]:
    """Every Top that the lane of a live Tape had, each time its book was in sync at another update id: instrument,
    update id, best bid and its quantity, best ask and its quantity; ticks and lots.

    A lane of the same plan, without kernels, is given the Tape's market frames, snapshots and disconnections. Raises
    `TapeError` for wrong bytes and `ValueError` where the Tape is not one of a live session.
    """

# --- labels ---

def sandwiches(
    swaps: Sequence[tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, bytes, int, int]], /
) -> list[tuple[list[int], list[int], list[int], bool, bool]]:
    """Every sandwich in a list of swaps in the order of execution; the rule is in ``native/src/risk/sandwich.rs``.

    A swap is (place of its transaction, pool, signer, what the transaction called, payer, recipient, token in, token
    out, amount in, amount out): addresses of 20 bytes, a pool also an id of 32, amounts below 2^256, WETH for ether. A
    sandwich is (fronts, victims, backs, held, same pool): indexes of the list, whether the fronts' transactions kept
    what they bought, whether the backs are in the fronts' pool. ValueError for bytes of another length, OverflowError
    for a number that does not fit.
    """

# --- lane ---

def verify_tape(path: str | os.PathLike[str], kernels: list[Any], /) -> str:
    """Whether a session decided what its Tape says: the lane of the Tape's header is made again, with the compiled
    strategies `kernels` in the order of its plan, and given every Frame.

    Returns JSON: `agrees` (nothing differs, nothing is lost), `frames` given, decisions `compared`, records `lost`
    (what comes after them is not compared), `difference` (null, or `seq` on the Tape and the records `tape` and
    `now`), `torn` (what is cut off the Tape's end), `ended` (it was closed), `sha256` of the decisions. Raises
    ValueError with one line
    where the Tape cannot be read or its header makes no lane.
    """

# --- chain ---

class NoQuote(ValueError):
    """A pool gives no quote for this: its contract would revert, or not take all. The message says why."""

@final
class Pools:
    """Pools and their tokens, numbered in the order they were added. Amounts are ints of a token's smallest unit."""

    def __new__(cls) -> Self: ...
    def __len__(self) -> int: ...
    def add(self, key_of: str, tokens: list[str], state: str) -> int:
        """Adds a pool, or replaces the state of the one that lives there; its number. `key_of` is its address (or its
        id of 32 bytes), `tokens` their addresses in the pool's own order, `state` JSON as `state()` gives it. Raises
        ValueError."""

    def number(self, key_of: str) -> int:
        """The number of the pool that lives there. Raises KeyError."""

    def key(self, pool: int) -> str:
        """Where a pool lives: its address, or its id."""

    def tokens(self, pool: int) -> list[str]:
        """A pool's tokens, in its own order."""

    def state(self, pool: int) -> str:
        """Its state as JSON: the protocol's name over what the contract keeps."""

    def status(self, pool: int) -> str:
        """Whether it may be searched: `live`, `stale` since a block, or `refused` and why."""

    def quote_in(self, pool: int, token_in: str, token_out: str, amount_in: int) -> int:
        """Amount out for exactly `amount_in`, all of it taken. Raises NoQuote."""

    def quote_out(self, pool: int, token_in: str, token_out: str, amount_out: int) -> int:
        """The amount in that the contract asks for exactly `amount_out`. Raises NoQuote."""

    def swap_part(
        self, pool: int, token_in: str, token_out: str, amount: int, *, exact_out: bool = False
    ) -> tuple[int, int]:
        """What goes in and what comes out where liquidity may end before `amount` does, as a quoter contract tells it:
        `amount` is offered, or with `exact_out` asked for. For pools with liquidity between ticks. Raises NoQuote."""

    def get_dy(self, pool: int, token_in: str, token_out: str, amount_in: int) -> int:
        """What the view `get_dy` of a Curve pool says; of some it rounds otherwise than what `exchange` pays, which is
        what `quote_in` gives. Raises NoQuote."""

    def apply(self, pool: int, token_in: str, token_out: str, amount_in: int) -> int:
        """Swaps: the pool's state afterwards is the contract's. Gives the amount out. Raises NoQuote; then nothing
        changed."""

    def spot_price(self, pool: int, token_in: str, token_out: str) -> float:
        """Out per in of an infinitely small swap after fees, in smallest units."""

    def gas(self, pool: int, token_in: str, token_out: str, amount_in: int) -> int:
        """Gas of a swap of this size, estimated, without the 21,000 of a transaction."""

@final
class Cycle:
    """A closed walk of two to four hops through pools; what the last gives is what the first takes."""

    def __new__(cls, pools: Pools, token: str, hops: list[tuple[int, str]]) -> Self:
        """The walk that starts with `token` and goes through these pools by number, in each to the token that is named.
        Raises KeyError for a pool or token that is not there, ValueError for a walk that is not closed or too long."""

    @property
    def token(self) -> str:
        """The token that goes in and comes out."""

    @property
    def hops(self) -> list[tuple[int, str, str]]:
        """Pool, token in and token out of each hop."""

    @property
    def log_gain(self) -> float:
        """Natural logarithm of what comes back per unit at spot prices after fees; above 0 it earns, for a small enough
        amount."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Graph:
    """Tokens and pools as a graph. It is told of every pool whose state or status changed."""

    def __new__(cls, pools: Pools) -> Self:
        """The graph of all live pools."""

    def update(self, pools: Pools, pool: int) -> None:
        """Takes over a pool's prices, or a pool that is new; one that is no longer live leaves."""

    def cycles_through(
        self,
        pools: Pools,
        touched: list[int],
        *,
        bases: list[str] = ...,
        only_bases: bool = False,
        min_log_gain: float = 0.0,
        max_hops: int = ...,
        max_cycles: int = 256,
    ) -> tuple[list[Cycle], bool]:
        """The cycles through at least one of the `touched` pools whose log gain is above `min_log_gain`, fewest hops
        first and then the best, and whether there are more than `max_cycles`. A cycle starts in the first of `bases`
        that is in it; with `only_bases` those with none are left out."""

    def scan(
        self, pools: Pools, *, per_hop: float = 0.0, max_rings: int = 16
    ) -> list[tuple[list[tuple[int, str, str]], float]]:
        """Rings of any length that gain more than `per_hop` (log) a hop, found over the whole graph: at least one where
        there is one. Each is its hops as pool, token in, token out, and its log gain."""

@final
class Sized:
    """A cycle with the amount that earns most; amounts in smallest units, profits in the cycle's token."""

    @property
    def amount_in(self) -> int:
        """What goes in."""

    @property
    def amounts(self) -> list[int]:
        """What goes into the first hop, and what comes out of each."""

    @property
    def gross(self) -> int:
        """What comes out less what goes in."""

    @property
    def gas(self) -> int:
        """Gas, estimated."""

    @property
    def gas_cost(self) -> int:
        """What the gas costs."""

    @property
    def builder_payment(self) -> int:
        """What the builder is paid."""

    @property
    def net(self) -> int:
        """What is left."""

    @property
    def at_most(self) -> int | None:
        """No amount whatever has a gross profit above this; None where a hop's protocol has no such bound."""

    @property
    def no_better(self) -> tuple[int, int]:
        """No amount from the first to the second has a higher gross profit than `amount_in`."""

def solve(
    pools: Pools,
    cycle: Cycle,
    *,
    gas_price_wei: int | None = None,
    flat_gas: int = 0,
    builder_bps: int = 0,
    wei: int | None = None,
    units: int | None = None,
    steps: int = 0,
) -> Sized | None:
    """The amount that earns most in a cycle after its costs, and what is proven of it; None where nothing is left. Gas
    is paid at `gas_price_wei` and turned into the cycle's token (`wei` wei are worth `units` of its smallest units),
    the builder is paid `builder_bps` of the gross profit. `steps` more steps of exact search look for the very
    greatest."""
