"""The rule of `fills_rule.py` as a strategy of ours. It keeps a log of what it saw, sent and was told in its state."""

from __future__ import annotations

import numpy as np

from bench import fills_rule as rule
from native import FOK, GTC, GTX, IOC, Out, View, cancel, helper, param, place, state, strategy

draw, side_at, size = helper(rule.draw), helper(rule.side_at), helper(rule.size)
kind, price = helper(rule.kind), helper(rule.price)

#: Our numbers of the rule's times in force.
TIF = (GTC, IOC, FOK, GTX)
SLOTS, PERIOD, LIFE = rule.SLOTS, rule.PERIOD, rule.LIFE
FIRST_POLL, EPOCH, QUIET, CLOSING = rule.FIRST_POLL, rule.EPOCH, rule.QUIET, rule.CLOSING


@strategy
class Probe:
    """Sends the rule's orders through the whole path, and writes down the book at each poll and every receipt."""

    seed: int = param(1, ge=0, le=1_000_000, doc="of the rule")
    first_id: int = param(1, ge=1, doc="the lane's first order id: the rule's orders are numbered from it")
    timer_ms: int = param(rule.POLL_MS, ge=1, doc="period of a poll, ms")

    polls: int = state(0)
    sent: int = state(0)
    told: int = state(0)
    slot_order: np.ndarray = state(np.full(rule.SLOTS, -1))
    # a row a poll: time, bid, bid lots, ask, ask lots (zeros without a Top)
    books: np.ndarray = state(np.zeros((rule.MAX_POLLS, 5), np.int64))
    # a row an order: time, side, price, lots, the rule's time in force
    orders: np.ndarray = state(np.zeros((rule.MAX_ORDERS, 5), np.int64))
    # a row a receipt: time here, order's number, kind, price, lots, open lots
    receipts: np.ndarray = state(np.zeros((4 * rule.MAX_ORDERS, 6), np.int64))

    def on_receipt(self, view: View, out: Out) -> None:
        """Writes the receipt down."""
        row = self.receipts[self.told]
        row[0] = view.now_ns
        row[1] = view.receipt_id - self.first_id
        row[2] = view.receipt_kind
        row[3] = view.receipt_px
        row[4] = view.receipt_qty
        row[5] = view.receipt_leaves
        self.told += 1

    def on_timer(self, view: View, out: Out) -> None:
        """One poll: cancels and places what the rule says."""
        poll = self.polls
        self.polls += 1
        book = self.books[poll]
        book[0] = view.now_ns
        if view.has_top:
            book[1] = view.bid_px
            book[2] = view.bid_qty
            book[3] = view.ask_px
            book[4] = view.ask_qty
        if poll < FIRST_POLL or not view.has_top:
            return
        side = side_at(self.seed, poll)
        quiet = poll % EPOCH >= EPOCH - QUIET
        closing = poll % EPOCH >= EPOCH - CLOSING
        for slot in range(SLOTS):
            phase = (poll + draw(self.seed, slot, 0)) % PERIOD[slot]
            number = self.slot_order[slot]
            if number >= 0 and (phase == LIFE[slot] or closing):
                for i in range(view.n_orders):
                    if view.order_id[i] == self.first_id + number:
                        cancel(out, self.first_id + number)
                self.slot_order[slot] = -1
            if phase == 0 and not quiet:
                tif, through = kind(draw(self.seed, slot, poll))
                lots = size(draw(self.seed, slot + 1000, poll))
                px = price(side, through, view.bid_px, view.ask_px)
                place(out, side, px, lots, TIF[tif], False)
                row = self.orders[self.sent]
                row[0] = view.now_ns
                row[1] = side
                row[2] = px
                row[3] = lots
                row[4] = tif
                self.slot_order[slot] = self.sent
                self.sent += 1
