"""hftbacktest: joins the touch on both sides every 10 ms, with 10 ms to the exchange and 10 ms back.

usage: python rival_hftbacktest.py CAPTURE      (an environment with bench/requirements.txt)

Prints one JSON line. `seconds` is the best of three runs over data that is converted already, with the market depth in
a ROIVector (an array over a price range chosen beforehand, its fastest); `hashmap_seconds` the same with the HashMap
that needs no such choice. The power-probability queue model with n = 3 decides the fills.
"""

import contextlib
import io
import json
import resource
import sys
import time
from importlib.metadata import version
from typing import Any

from hftbacktest import (
    BUY,
    GTX,
    LIMIT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.data.utils import binancefutures
from numba import njit

TICK_MS = 10
LATENCY_NS = 10_000_000


@njit
def join_touch(hbt: Any, step_ns: int) -> int:
    """Returns the number of orders that were sent."""
    next_id = 0
    while hbt.elapse(step_ns) == 0:
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        has_bid, has_ask = False, False
        orders = hbt.orders(0).values()
        while orders.has_next():
            order = orders.get()
            if order.price_tick == (bid if order.side == BUY else ask):
                if order.side == BUY:
                    has_bid = True
                else:
                    has_ask = True
            elif order.cancellable:
                hbt.cancel(0, order.order_id, False)
        # Ids rise: one made of the price would be in use while an order of the other side at that price is cancelled.
        if not has_bid:
            hbt.submit_buy_order(0, next_id, bid * depth.tick_size, 0.001, GTX, LIMIT, False)
            next_id += 1
        if not has_ask:
            hbt.submit_sell_order(0, next_id, ask * depth.tick_size, 0.001, GTX, LIMIT, False)
            next_id += 1
    return next_id


def backtest(kind: Any, data: Any) -> Any:
    """A fresh backtest of `data` whose market depth is of `kind`."""
    asset = (
        BacktestAsset()
        .data(data)
        .linear_asset(1.0)
        .constant_order_latency(LATENCY_NS, LATENCY_NS)
        .power_prob_queue_model3(3.0)
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0002, 0.0005)
        .tick_size(0.1)
        .lot_size(0.001)
    )
    if kind is ROIVectorMarketDepthBacktest:
        asset = asset.roi_lb(30_000).roi_ub(90_000)
    return kind([asset])


def best_of_three(kind: Any, data: Any) -> tuple[float, int, int]:
    """Seconds of the quickest of three runs after one that compiles; orders sent; fills."""
    seconds, sent, fills = [], 0, 0
    for _ in range(4):
        hbt = backtest(kind, data)
        start = time.perf_counter()
        sent = join_touch(hbt, TICK_MS * 1_000_000)
        seconds.append(time.perf_counter() - start)
        fills = hbt.state_values(0).num_trades
        hbt.close()
    return min(seconds[1:]), sent, fills


def main() -> None:
    """Converts, runs, prints."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        data = binancefutures.convert(sys.argv[1], buffer_size=3_000_000)
    convert_seconds = time.perf_counter() - start
    seconds, sent, fills = best_of_three(ROIVectorMarketDepthBacktest, data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hashmap_seconds, *_ = best_of_three(HashMapMarketDepthBacktest, data)
    print(
        json.dumps(
            {
                "engine": f"hftbacktest {version('hftbacktest')}",
                "rows": len(data),
                "seconds": seconds,
                "hashmap_seconds": hashmap_seconds,
                "load_seconds": convert_seconds,
                "orders": sent,
                "fills": fills,
                "peak_rss": peak,
            }
        )
    )


main()
