"""The rule of `fills_rule.py` in hftbacktest.

usage: python -m bench.rival_fills CAPTURE FIRST_POLL_NS OUT MODEL:EXPONENT:PARTIAL:SEED:WITHHELD ...
(an environment with bench/requirements.txt)

`FIRST_POLL_NS` is the first poll's time on the exchange's clock; `WITHHELD`, which may be empty, the numbers of orders
that are not sent, with commas. Writes the nth run to OUT/n.npz: the arrays of `fills_ours.Run`, and `stopped`.

Orders are looked at every millisecond: everything of the recording happens at whole milliseconds of the exchange's
clock, so that no fill hides behind a later one; what one order got in one millisecond is one fill.
"""

import contextlib
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import GTC, GTX, LIMIT, BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.data.utils import binancefutures
from hftbacktest.order import FOK, IOC
from numba import njit

from bench import fills_rule as rule

TIF = (GTC, IOC, FOK, GTX)
SLOTS, PERIOD, LIFE = rule.SLOTS, rule.PERIOD, rule.LIFE
POLL_MS, FIRST_POLL, EPOCH, QUIET, CLOSING = rule.POLL_MS, rule.FIRST_POLL, rule.EPOCH, rule.QUIET, rule.CLOSING
LATENCY_NS = 10_000_000
NEW, PARTIALLY_FILLED = 1, 5
STEP_NS = 1_000_000

draw: Any = njit(rule.draw)
side_at: Any = njit(rule.side_at)
size: Any = njit(rule.size)
kind: Any = njit(rule.kind)
price: Any = njit(rule.price)


@njit
def look(hbt: Any, leaves: Any, fills: Any, ends: Any, n: Any) -> None:
    """Writes down what has become of the orders since the last look; `n` counts fills and ends."""
    values = hbt.orders(0).values()
    while values.has_next():
        order = values.get()
        number = order.order_id
        left = round(order.leaves_qty * 1000)
        if left < leaves[number]:
            row = fills[n[0]]
            row[0] = number
            row[1] = order.exch_timestamp
            row[2] = order.exec_price_tick
            row[3] = leaves[number] - left
            row[4] = order.arr[0].maker
            leaves[number] = left
            n[0] += 1
        if order.status != 0 and order.status != NEW and order.status != PARTIALLY_FILLED:
            row = ends[n[1]]
            row[0] = number
            row[1] = order.exch_timestamp
            row[2] = order.status
            n[1] += 1
    hbt.clear_inactive_orders(0)


@njit
def run(hbt: Any, first_ns: int, seed: int, leaves: Any, books: Any, orders: Any, fills: Any, ends: Any, n: Any) -> int:
    """Plays the rule to the end of the data; returns hftbacktest's code there (1: end of data).

    `leaves`: by order, 0, or -1 for an order that is withheld. `n`: counts of fills, ends, polls, orders.
    """
    slot_order = np.full(SLOTS, -1)
    code = hbt.elapse(0)
    if code == 0:
        code = hbt.elapse(first_ns - hbt.current_timestamp)
    while code == 0:
        look(hbt, leaves, fills, ends, n)
        poll = n[2]
        n[2] += 1
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        book = books[poll]
        book[0] = hbt.current_timestamp
        book[1] = bid
        book[2] = round(depth.best_bid_qty * 1000)
        book[3] = ask
        book[4] = round(depth.best_ask_qty * 1000)
        if poll >= FIRST_POLL:
            side = side_at(seed, poll)
            quiet = poll % EPOCH >= EPOCH - QUIET
            closing = poll % EPOCH >= EPOCH - CLOSING
            for slot in range(SLOTS):
                phase = (poll + draw(seed, slot, 0)) % PERIOD[slot]
                number = slot_order[slot]
                if number >= 0 and (phase == LIFE[slot] or closing):
                    if number in hbt.orders(0):
                        hbt.cancel(0, number, False)
                    slot_order[slot] = -1
                if phase == 0 and not quiet:
                    tif, through = kind(draw(seed, slot, poll))
                    lots = size(draw(seed, slot + 1000, poll))
                    px = price(side, through, bid, ask)
                    number = n[3]
                    if leaves[number] < 0:
                        pass
                    elif side == 1:
                        hbt.submit_buy_order(0, number, px * 0.1, lots * 0.001, TIF[tif], LIMIT, False)
                    else:
                        hbt.submit_sell_order(0, number, px * 0.1, lots * 0.001, TIF[tif], LIMIT, False)
                    leaves[number] = lots
                    row = orders[number]
                    row[0] = hbt.current_timestamp
                    row[1] = side
                    row[2] = px
                    row[3] = lots
                    row[4] = tif
                    slot_order[slot] = number
                    n[3] += 1
        for _ in range(POLL_MS):
            look(hbt, leaves, fills, ends, n)
            code = hbt.elapse(STEP_NS)
            if code != 0:
                look(hbt, leaves, fills, ends, n)
                break
    return int(code)


def backtest(data: Any, model: str, exponent: float, partial: bool) -> Any:
    """A fresh backtest with a queue model of ours, by our name for it."""
    asset = BacktestAsset().data(data).linear_asset(1.0).constant_order_latency(LATENCY_NS, LATENCY_NS)
    asset = {
        "risk_averse": lambda: asset.risk_adverse_queue_model(),
        "power_prob": lambda: asset.power_prob_queue_model(exponent),
        "power_prob2": lambda: asset.power_prob_queue_model2(exponent),
        "power_prob3": lambda: asset.power_prob_queue_model3(exponent),
        "log_prob": lambda: asset.log_prob_queue_model(),
        "log_prob2": lambda: asset.log_prob_queue_model2(),
    }[model]()
    asset = asset.partial_fill_exchange() if partial else asset.no_partial_fill_exchange()
    asset = asset.trading_value_fee_model(0.0, 0.0).tick_size(0.1).lot_size(0.001)
    return HashMapMarketDepthBacktest([asset])


def main() -> None:
    """Converts once, then one run for each that was asked for."""
    capture, first_ns, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    with contextlib.redirect_stdout(io.StringIO()):
        data = binancefutures.convert(capture, buffer_size=3_000_000)
    for number, text in enumerate(sys.argv[4:]):
        model, exponent, partial, seed, withheld = text.split(":")
        leaves = np.zeros(rule.MAX_ORDERS, np.int64)
        leaves[[int(n) for n in withheld.split(",") if n]] = -1
        books = np.zeros((rule.MAX_POLLS, 5), np.int64)
        orders = np.zeros((rule.MAX_ORDERS, 5), np.int64)
        fills, ends = np.zeros((4 * rule.MAX_ORDERS, 5), np.int64), np.zeros((2 * rule.MAX_ORDERS, 3), np.int64)
        n = np.zeros(4, np.int64)
        hbt = backtest(data, model, float(exponent), partial == "1")
        code = run(hbt, first_ns, int(seed), leaves, books, orders, fills, ends, n)
        stopped = (0, 0) if code == 1 else (code, hbt.current_timestamp)
        hbt.close()
        np.savez(
            folder / f"{number}.npz",
            books=books[: n[2]], orders=orders[: n[3]], fills=fills[: n[0]], ends=ends[: n[1]], stopped=stopped,
        )  # fmt: skip


main()
