"""FastMM: joins the touch on both sides, with queue-position fills and 10 ms of latency.

usage: python rival_fastmm.py CAPTURE      (an environment with bench/requirements.txt)

Prints one JSON line. `seconds` is the best of three runs over rows that are parsed already. FastMM calls a strategy on
every book, not on a timer, so its quotes are looked at more often than those of the others.
"""

import gzip
import json
import resource
import sys
import time
from importlib.metadata import version
from typing import Any

import fastmm  # type: ignore[import-not-found]
import numpy as np
from fastmm import BacktestConfig, Param

CONFIG = """
[engine]
name = "bench"
journal = false
post_only = true
[venues.sim]
kind = "sim"
[venues.sim.fees]
maker_bps = 2.0
taker_bps = 5.0
[[instruments]]
venue = "sim"
symbol = "BTCUSDT"
base = "BTC"
quote = "USDT"
asset_class = "spot"
tick = "0.1"
lot = "0.001"
min_qty = "0.001"
min_notional = "5"
[risk]
max_order_qty = "1"
max_order_notional = "1000000"
max_position = "100"
max_open_orders = 8
price_collar_bps = 5000
fat_finger_bps = 5000
max_loss = "100000000"
[logging]
level = "error"
[backtest]
fill_model = "l2_queue"
queue_conservatism = 0.5
latency_fixed_us = 10000
latency_jitter_us = 0
equity_bar_s = 1
initial_capital = 1000000
"""

SNAPSHOT, DEPTH, TRADE = 0, 1, 2
ONE = 10**8


class Join(fastmm.Strategy):  # type: ignore[misc]
    """One lot at the best bid and one at the best ask."""

    quote_qty = Param(0.001, min=1e-9, doc="size on each side, base units")

    @fastmm.hot  # type: ignore[untyped-decorator]
    def on_book(self, ctx: Any, book: Any) -> None:
        """Joins both sides of the touch; pulls the quotes without one."""
        if not book.valid:
            ctx.pull()
            return
        ctx.clear()
        ctx.bid(book.best_bid, self.quote_qty)
        ctx.ask(book.best_ask, self.quote_qty)
        ctx.keep_passive()


def scaled(digits: str) -> int:
    """A decimal in units of 10⁻⁸."""
    whole, _, fraction = digits.partition(".")
    return int(whole) * ONE + int(fraction.ljust(8, "0")[:8] or 0)


def parse(path: str) -> dict[str, Any]:
    """FastMM's columns of a raw capture; what precedes the snapshot is no book and is left out."""
    rows: list[tuple[int, ...]] = []  # ts, type, side, price, qty, seq
    synced = 0
    with gzip.open(path, "rt") as lines:
        for line in lines:
            received, text = line.split(" ", 1)
            ts, message = int(received), json.loads(text)
            data = message.get("data", message)
            if "lastUpdateId" in data:
                synced = data["lastUpdateId"]
                for side, key in ((0, "bids"), (1, "asks")):
                    rows += [(ts, SNAPSHOT, side, scaled(p), scaled(q), synced) for p, q in data[key]]
            elif synced and data.get("e") == "depthUpdate" and data["u"] >= synced:
                for side, key in ((0, "b"), (1, "a")):
                    rows += [(ts, DEPTH, side, scaled(p), scaled(q), data["u"]) for p, q in data[key]]
            elif synced and data.get("e") == "trade" and scaled(data["q"]) > 0:
                rows.append((ts, TRADE, int(data["m"]), scaled(data["p"]), scaled(data["q"]), data["t"]))
    table = np.array(rows, dtype=np.int64)
    columns = zip(("ts", "type", "side", "price", "qty", "seq"), table.T, strict=True)
    kinds = {"type": np.uint8, "side": np.int8, "seq": np.uint64}
    arrays = {name: column.astype(kinds.get(name, np.int64)) for name, column in columns}
    return arrays | {"inst": np.zeros(len(table), np.uint32)}


def main() -> None:
    """Parses, runs, prints."""
    start = time.perf_counter()
    data = parse(sys.argv[1])
    load_seconds = time.perf_counter() - start
    config = BacktestConfig.from_toml_string(CONFIG)
    result = fastmm.run_backtest(config, data=data, strategy=Join)  # compiles
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        result = fastmm.run_backtest(config, data=data, strategy=Join)
        seconds.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "engine": f"FastMM {version('fastmm-engine')}",
                "rows": len(data["ts"]),
                "seconds": min(seconds),
                "load_seconds": load_seconds,
                "orders": len(result.orders["ts"]),
                "fills": len(result.fills["ts"]),
                "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            }
        )
    )


main()
