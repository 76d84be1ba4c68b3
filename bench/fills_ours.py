"""Our side of the comparison: the rule through the whole path of a replay, and what came of it."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from native import Replay, compile_strategy, load_strategy
from searcher.config import Config, Features, Instrument, Kernel, Simulation
from searcher.plan import plan_json

SYMBOL, TICK, LOT = "BTCUSDT", "0.1", "0.001"
LATENCY_US = 10_000
#: The first id of a replayed lane: lane 1, order 1.
FIRST_ID = (1 << 48) | 1
PROBE = "bench.fills_probe:Probe"

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Setup:
    """One run: a queue model by our name for it, its exponent, partial fills or whole, and the rule's seed."""

    model: str
    exponent: float
    partial: bool
    seed: int

    def key(self) -> str:
        """As the rival's command line takes it."""
        return f"{self.model}:{self.exponent:g}:{int(self.partial)}:{self.seed}"


@dataclass(frozen=True, slots=True)
class Run:
    """What one engine did, in arrays of whole numbers; times are the exchange's, ns.

    `books`: a row a poll: time, bid, bid lots, ask, ask lots. `orders`: a row an order: time, side, price, lots, the
    rule's time in force. `fills`: order, time, last price, lots, maker; what one order got at one time is one fill.
    `ends`: order, time, END. `stopped`: the engine's error and its time; zeros when it ran to the end.
    """

    books: Rows
    orders: Rows
    fills: Rows
    ends: Rows
    stopped: tuple[int, int] = (0, 0)


#: How an order ended, in the rival's numbers.
EXPIRED, FILLED, CANCELLED = 2, 3, 4
#: `view.receipt_kind` of the receipts that end an order.
_ENDS = {5: EXPIRED, 2: FILLED, 4: CANCELLED}


def wide(setup: Setup, clock_offset_ns: int) -> Config:
    """A configuration in which nothing is refused: the comparison is of fills, not of limits."""
    limits: dict[str, str | int] = {
        "max_order_qty": "1000",
        "max_order_notional": "1000000000",
        "max_position_qty": "1000000",
        "max_open_orders": 1000,
        "price_collar_bps": 5000,
        "max_book_age_ms": 3_600_000,
        "max_orders_per_second": 1000,
        "outlier_bps": 9000,
    }
    lane: dict[str, str | int] = {
        "max_feed_latency_ms": 3_600_000,
        "feed_latency_ticks": 1000,
        "max_drawdown_bps": 10_000,
        "max_reject_rate_bps": 10_000,
        "reject_window": 1000,
    }
    return Config(
        venue="binance_usdm",
        equity="1000000000000",
        clock_offset_ns=clock_offset_ns,
        instruments=(Instrument(SYMBOL, TICK, LOT, 0, 0, limits),),
        limits=lane,
        features=Features(),
        simulation=Simulation(
            queue_model=setup.model,
            queue_exponent=setup.exponent,
            partial_fills=setup.partial,
            self_trade_prevention="none",
            entry_latency_us=LATENCY_US,
            response_latency_us=LATENCY_US,
        ),
        kernels=(Kernel(PROBE, params={"seed": setup.seed, "first_id": FIRST_ID}, budget_us=1_000_000),),
    )


def run(capture: Path, setup: Setup, clock_offset_ns: int) -> Run:
    """Replays the capture with the probe."""
    return play(capture, wide(setup, clock_offset_ns), clock_offset_ns)


def play(capture: Path, config: Config, clock_offset_ns: int) -> Run:
    """The same with any limits. ValueError where the lane refused something: then nothing can be compared."""
    kernel = compile_strategy(load_strategy(PROBE), config.kernels[0].params)
    replay = Replay(str(capture), plan_json(config), [kernel])
    replay.run()
    report = orjson.loads(replay.report())
    refused = {name: n for name, n in report["refusals"].items() if n}
    if refused or report["switch"]["state"] != "active" or report["frames"]["outliers"]:
        raise ValueError(f"{capture}: the lane refused {refused}, its switch is {report['switch']}")
    state = np.frombuffer(replay.kernel_state(0), kernel.state_dtype)[0]
    return read(state, report["fill_log"], clock_offset_ns)


def steps(text: str, step: str) -> int:
    """A decimal as a whole number of steps."""
    return int(Decimal(text) / Decimal(step))


def read(state: Any, fill_log: list[dict[str, Any]], clock_offset_ns: int) -> Run:
    """A run out of the probe's state and the report's fills."""
    books, orders = np.array(state["books"][: state["polls"]]), np.array(state["orders"][: state["sent"]])
    books[:, 0] -= clock_offset_ns
    orders[:, 0] -= clock_offset_ns
    fills = [
        [
            f["order"] - FIRST_ID,
            f["exch_ns"] - clock_offset_ns,
            steps(f["price"], TICK),
            steps(f["quantity"], LOT),
            f["maker"],
        ]
        for f in fill_log
    ]
    ends = [
        [r[1], r[0] - clock_offset_ns - LATENCY_US * 1000, _ENDS[int(r[2])]]
        for r in state["receipts"][: state["told"]]
        if int(r[2]) in _ENDS and r[5] == 0
    ]
    return Run(books, orders, gather(fills), np.array(ends, np.int64).reshape(-1, 3))


def gather(fills: list[list[int]]) -> Rows:
    """What one order got at one time as one fill: its last price, all its lots."""
    by: dict[tuple[int, int], list[int]] = {}
    for order, time, px, lots, maker in fills:
        so_far = by.get((order, time))
        by[order, time] = [order, time, px, lots + (so_far[3] if so_far else 0), int(maker)]
    return np.array(list(by.values()), np.int64).reshape(-1, 5)
