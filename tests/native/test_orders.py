"""The order manager against a venue that is truthful and a wire that is not: late, twice, or never."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from native._core import Applied, Order, Orders

PLACE, CANCEL, REPLACE = 1, 2, 3
ACCEPTED, FILLED, REJECTED, CANCELLED, EXPIRED, REPLACED, CHANGE_REJECTED, UNKNOWN = range(1, 9)
BUY, SELL = 0, 1
PENDING = ("PendingNew", "PendingCancel", "PendingReplace")


@dataclass
class VenueOrder:
    """What the venue knows: the truth."""

    side: int
    px: int
    qty: int
    filled: int = 0
    alive: bool = True
    lost: int = 0  # receipts of it that never came

    @property
    def leaves(self) -> int:
        return self.qty - self.filled if self.alive else 0


class Wire(RuleBasedStateMachine):
    """Requests reach the venue in order; receipts reach us as Hypothesis likes."""

    flight = Bundle("flight")

    def __init__(self) -> None:
        super().__init__()
        self.orders = Orders(500)
        self.asked: dict[int, tuple[int, int, int]] = {}
        self.venue: dict[int, VenueOrder] = {}
        self.requests: list[tuple[int, int, int, int]] = []
        self.trades: dict[int, set[tuple[int, int]]] = {}  # the naive model of fills
        self.now = 0
        self.trade_id = 0

    def receipt(self, kind: int, oid: int, **more: int) -> dict[str, int]:
        self.now += 1
        v = self.venue.get(oid)
        standing = {"px": v.px, "leaves": v.leaves} if v else {}
        return {"kind": kind, "id": oid, "side": self.asked[oid][0], "exch_ns": self.now} | standing | more

    def alive(self) -> list[int]:
        return [o for o in self.asked if (it := self.orders.get(o)) and it.state != "Closed"]

    @rule(side=st.sampled_from((BUY, SELL)), px=st.integers(90, 95), qty=st.integers(1, 8))
    def place(self, side: int, px: int, qty: int) -> None:
        oid = self.orders.next_id()
        self.orders.on_request(PLACE, oid, side, px, qty)
        self.asked[oid], self.trades[oid] = (side, px, qty), set()
        self.requests.append((PLACE, oid, px, qty))

    @precondition(lambda self: not self.requests)
    @rule(side=st.sampled_from((BUY, SELL)), qty=st.integers(1, 8))
    def place_in_peace(self, side: int, qty: int) -> None:
        self.place(side, 92, qty)
        self.arrive(self.answer(True))

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        oid = data.draw(st.sampled_from(self.alive()))
        self.orders.on_request(CANCEL, oid, self.asked[oid][0], 0, 0)
        self.requests.append((CANCEL, oid, 0, 0))

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), px=st.integers(90, 95), qty=st.integers(1, 12))
    def replace(self, data: st.DataObject, px: int, qty: int) -> None:
        oid = data.draw(st.sampled_from(self.alive()))
        order = self.orders.get(oid)
        assert order is not None
        if order.state != "Open" or qty <= order.filled:
            with pytest.raises(ValueError, match=r"unanswered|quantity"):
                self.orders.on_request(REPLACE, oid, order.side, px, qty)
        else:
            self.orders.on_request(REPLACE, oid, order.side, px, qty)
            self.requests.append((REPLACE, oid, px, qty))

    @precondition(lambda self: self.requests)
    @rule(target=flight, willing=st.sampled_from((True, True, True, True, False)))
    def venue_answers(self, willing: bool) -> dict[str, int]:
        return self.answer(willing)

    def answer(self, willing: bool) -> dict[str, int]:
        action, oid, px, qty = self.requests.pop(0)
        if action == PLACE:
            if not willing:
                return self.receipt(REJECTED, oid)
            self.venue[oid] = VenueOrder(self.asked[oid][0], px, qty)
            return self.receipt(ACCEPTED, oid)
        v = self.venue.get(oid)
        if v is None or not v.alive or not willing:
            return self.receipt(CHANGE_REJECTED, oid)
        if action == CANCEL or qty <= v.filled:
            v.alive = False
            return self.receipt(CANCELLED if action == CANCEL else EXPIRED, oid)
        v.px, v.qty = px, qty
        return self.receipt(REPLACED, oid)

    @precondition(lambda self: any(v.leaves for v in self.venue.values()))
    @rule(target=flight, data=st.data())
    def venue_fills(self, data: st.DataObject) -> dict[str, int]:
        oid = data.draw(st.sampled_from([o for o, v in self.venue.items() if v.leaves]))
        v = self.venue[oid]
        qty = data.draw(st.integers(1, v.leaves))
        v.filled += qty
        v.alive = v.filled < v.qty
        self.trade_id += 1
        return self.receipt(FILLED, oid, qty=qty, trade_id=self.trade_id)

    def arrive(self, r: dict[str, int]) -> Applied:
        oid = r["id"]
        known = (r.get("trade_id", 0), r.get("qty", 0)) in self.trades[oid]
        applied = self.orders.on_receipt(**r, recv_ns=self.now)
        if r["kind"] == FILLED:
            assert (applied.ignored == "Duplicate") == known, "each trade once"
            assert applied.filled == (0 if known else r["qty"])
            self.trades[oid].add((r["trade_id"], r["qty"]))
        assert not applied.contradiction
        return applied

    @rule(receipt=consumes(flight))
    def deliver(self, receipt: dict[str, int]) -> None:
        self.arrive(receipt)

    @rule(receipt=flight)
    def deliver_and_keep(self, receipt: dict[str, int]) -> None:
        self.arrive(receipt)

    @rule(receipt=consumes(flight))
    def lose(self, receipt: dict[str, int]) -> None:
        if receipt["id"] in self.venue:
            self.venue[receipt["id"]].lost += 1

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def time_out(self, data: st.DataObject) -> None:
        oid = data.draw(st.sampled_from(self.alive()))
        self.orders.on_receipt(UNKNOWN, oid, self.asked[oid][0])
        assert self.state_of(oid) == "Unknown"
        if all(oid != request[1] for request in self.requests):
            self.query(oid)

    def query(self, oid: int) -> None:
        """Asks the venue how an order stands, and hears it at once."""
        alive = (v := self.venue.get(oid)) is not None and v.alive
        applied = self.arrive(self.receipt(ACCEPTED if alive else CANCELLED, oid))
        if alive and self.state_of(oid) == "Unknown":  # that was the first sign of life: ask what became of the rest
            assert applied.opened
            self.arrive(self.receipt(ACCEPTED, oid))
        assert self.state_of(oid) == ("Open" if alive else "Closed")

    def state_of(self, oid: int) -> str:
        order = self.orders.get(oid)
        assert order is not None
        return order.state

    @invariant()
    def the_record_is_sound(self) -> None:
        live = {o.id: o for side in (BUY, SELL) for o in self.orders.side(0, side)}
        assert set(live) == set(self.alive())
        assert len(live) == self.orders.alive == 500 - self.orders.room
        for oid, trades in self.trades.items():
            order = self.orders.get(oid)
            assert order is not None
            assert order.filled == sum(qty for _, qty in trades)
            assert order.leaves >= 0
            if order.state != "Closed":
                assert order.filled + order.leaves == order.qty
                assert order.leaves <= order.worst_leaves
                v = self.venue.get(oid)
                assert v is None or v.leaves <= order.worst_leaves, "the worst is never worse than we think"

    def teardown(self) -> None:
        while self.requests:
            self.arrive(self.answer(True))
        for oid in self.alive():
            self.orders.on_receipt(UNKNOWN, oid, self.asked[oid][0])
            self.query(oid)
        for oid, v in self.venue.items():
            order = self.orders.get(oid)
            assert order is not None
            assert (order.state == "Open") == v.alive
            if v.alive:
                assert (order.px, order.side) == (v.px, v.side)
                assert order.leaves >= v.leaves
        assert self.orders.counts()["contradictions"] == 0


TestWire = Wire.TestCase
TestWire.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def resting(qty: int = 10, **more: Any) -> tuple[Orders, int]:
    """A record with one open buy of `qty` at 100, accepted at 5 ns."""
    orders = Orders(4, **more)
    oid = orders.next_id()
    orders.on_request(PLACE, oid, BUY, 100, qty, now_ns=1)
    assert orders.on_receipt(ACCEPTED, oid, BUY, px=100, leaves=qty, queue_joined=7, recv_ns=5).opened
    return orders, oid


def order(orders: Orders, oid: int) -> Order:
    it = orders.get(oid)
    assert it is not None
    return it


def test_life_of_an_order() -> None:
    orders, oid = resting()
    it = order(orders, oid)
    assert (it.state, it.placed_ns, it.accepted_ns, it.queue_joined, it.tif) == ("Open", 1, 5, 7, 3)
    a = orders.on_receipt(FILLED, oid, BUY, px=100, qty=4, leaves=6, trade_id=1, recv_ns=9)
    assert (a.filled, a.first_fill, a.last_fill, a.since_accepted_ns, a.opened) == (4, True, False, 4, False)
    a = orders.on_receipt(FILLED, oid, BUY, px=100, qty=6, leaves=0, trade_id=2, recv_ns=11)
    assert (a.filled, a.first_fill, a.last_fill, a.since_accepted_ns, a.closed) == (6, False, True, 6, True)
    assert (orders.alive, order(orders, oid).state, orders.side(0, BUY)) == (0, "Closed", [])


def test_ids_rise_and_carry_their_lane() -> None:
    orders = Orders(1, lane=3, counter=9)
    assert [orders.next_id(), orders.next_id()] == [(3 << 48) + 9, (3 << 48) + 10]
    assert Orders(1, counter=0).next_id() == 1
    with pytest.raises(ValueError, match="capacity"):
        Orders(0)


def test_a_fill_before_the_ack_opens_the_order() -> None:
    orders = Orders(1)
    oid = orders.next_id()
    orders.on_request(PLACE, oid, SELL, 100, 5)
    a = orders.on_receipt(FILLED, oid, SELL, qty=2, leaves=3, trade_id=1, recv_ns=8)
    assert (a.opened, a.filled, a.since_accepted_ns, order(orders, oid).state) == (True, 2, 0, "Open")
    assert orders.on_receipt(ACCEPTED, oid, SELL, leaves=5, queue_joined=3, recv_ns=9).ignored == "Late"
    assert (order(orders, oid).queue_joined, order(orders, oid).leaves, orders.counts()["late"]) == (3, 3, 1)


def test_fills_after_the_cancel_ack_are_counted_once() -> None:
    orders, oid = resting()
    orders.on_request(CANCEL, oid, BUY, 100, 10)
    assert orders.on_receipt(CANCELLED, oid, BUY).closed
    for ignored, filled in ((None, 3), ("Duplicate", 0)):
        a = orders.on_receipt(FILLED, oid, BUY, qty=3, leaves=7, trade_id=5)
        assert (a.ignored, a.filled, a.closed, a.contradiction) == (ignored, filled, False, False)
    assert orders.on_receipt(FILLED, oid, BUY, qty=8, leaves=0, trade_id=6).contradiction, "11 of 10"
    assert order(orders, oid).filled == 11
    assert {k: v for k, v in orders.counts().items() if v} == {"late_fills": 2, "duplicates": 1, "contradictions": 1}


@pytest.mark.parametrize(("leaves", "state"), [(0, "Closed"), (4, "Open")])
def test_more_filled_than_was_open_is_a_contradiction_and_not_clamped(leaves: int, state: str) -> None:
    orders, oid = resting()
    a = orders.on_receipt(FILLED, oid, BUY, qty=12, leaves=leaves, trade_id=1)
    assert (a.filled, a.contradiction, a.closed) == (12, True, leaves == 0)
    it = order(orders, oid)
    assert (it.filled, it.leaves, it.state) == (12, leaves, state)
    assert orders.counts()["contradictions"] == 1


def test_a_replace_asks_for_a_total_and_keeps_the_worst_until_it_is_answered() -> None:
    orders, oid = resting()
    orders.on_receipt(FILLED, oid, BUY, qty=4, leaves=6, trade_id=1)
    with pytest.raises(ValueError, match="quantity"):
        orders.on_request(REPLACE, oid, BUY, 101, 4)
    orders.on_request(REPLACE, oid, BUY, 101, 14)
    it = order(orders, oid)
    assert (it.state, it.px, it.leaves, it.target_px, it.worst_leaves) == ("PendingReplace", 100, 6, 101, 10)
    with pytest.raises(ValueError, match="unanswered"):
        orders.on_request(REPLACE, oid, BUY, 102, 14)
    orders.on_receipt(FILLED, oid, BUY, qty=1, leaves=5, trade_id=2)  # on the wire with the replace
    assert orders.on_receipt(REPLACED, oid, BUY, px=101, leaves=9, exch_ns=7, queue_joined=2).replaced
    it = order(orders, oid)
    assert (it.state, it.px, it.qty, it.leaves, it.original, it.queue_joined) == ("Open", 101, 14, 9, 10, 2)
    orders.on_request(REPLACE, oid, BUY, 101, 8)
    assert orders.on_receipt(REPLACED, oid, BUY, px=101, leaves=9, exch_ns=7).ignored == "Late", "an ack twice"
    assert order(orders, oid).state == "PendingReplace"


def test_a_replace_that_was_granted_after_all_is_believed() -> None:
    orders, oid = resting()
    orders.on_request(REPLACE, oid, BUY, 101, 20)
    orders.on_receipt(UNKNOWN, oid, BUY)
    orders.on_receipt(ACCEPTED, oid, BUY, px=100, leaves=10, exch_ns=3)
    assert (order(orders, oid).state, order(orders, oid).worst_leaves) == ("Open", 10)
    assert orders.on_receipt(REPLACED, oid, BUY, px=101, leaves=20, exch_ns=4).replaced
    assert (order(orders, oid).px, order(orders, oid).leaves) == (101, 20)


def test_a_refused_change_reopens_or_proves_the_end() -> None:
    orders, oid = resting()
    orders.on_request(REPLACE, oid, BUY, 101, 12)
    orders.on_receipt(CHANGE_REJECTED, oid, BUY, px=100, leaves=10, exch_ns=6)
    assert (order(orders, oid).state, order(orders, oid).qty) == ("Open", 10)
    orders.on_request(CANCEL, oid, BUY, 100, 10)
    assert order(orders, oid).state == "PendingCancel"
    assert orders.on_receipt(CHANGE_REJECTED, oid, BUY, px=100, leaves=10, exch_ns=6).ignored == "Late", "twice"
    assert orders.on_receipt(CHANGE_REJECTED, oid, BUY, leaves=0, exch_ns=8).closed


def test_a_refused_order_that_lives_counts_at_its_worst() -> None:
    orders, oid = resting()
    assert orders.on_receipt(REJECTED, oid, BUY).contradiction
    assert (order(orders, oid).state, order(orders, oid).worst_leaves) == ("Unknown", 10)


def test_what_is_not_ours_or_no_quantity_changes_nothing() -> None:
    orders, oid = resting()
    wrong: list[Callable[[], Applied]] = [
        lambda: orders.on_receipt(FILLED, oid, SELL, qty=1, leaves=9, trade_id=1),
        lambda: orders.on_receipt(FILLED, oid, BUY, instrument=1, qty=1, leaves=9, trade_id=1),
        lambda: orders.on_receipt(FILLED, oid, BUY, qty=0, leaves=9, trade_id=1),
        lambda: orders.on_receipt(FILLED, oid, BUY, qty=1, leaves=-9, trade_id=1),
        lambda: orders.on_receipt(FILLED, oid, BUY, qty=2**62, leaves=0, trade_id=1),
    ]
    assert [w().ignored for w in wrong] == ["Mismatch"] * len(wrong)
    assert orders.on_receipt(CANCELLED, oid + 1, BUY).ignored == "UnknownId"
    assert (order(orders, oid).leaves, orders.counts()["contradictions"], orders.counts()["unknown_ids"]) == (10, 5, 1)


def test_full_is_a_counted_refusal_and_memory_is_bounded() -> None:
    orders = Orders(2)
    ids = [orders.next_id() for _ in range(7)]
    for oid in ids[:2]:
        orders.on_request(PLACE, oid, BUY, 100, 1)
    with pytest.raises(ValueError, match="capacity"):
        orders.on_request(PLACE, ids[2], BUY, 100, 1)
    assert orders.room == 0
    for oid, following in zip(ids, ids[2:], strict=False):
        orders.on_receipt(REJECTED, oid, BUY)
        orders.on_request(PLACE, following, BUY, 100, 1)
    assert [orders.get(oid) is not None for oid in ids] == [False] * 3 + [True] * 4
    assert sorted(o.id for o in orders.side(0, BUY)) == ids[5:]
    for bad in (0, ids[6]):
        with pytest.raises(ValueError, match="id"):
            orders.on_request(PLACE, bad, BUY, 100, 1)


def test_a_lost_fill_is_proven_by_what_remains() -> None:
    orders, oid = resting()
    orders.on_receipt(FILLED, oid, BUY, qty=1, leaves=5, trade_id=2)
    assert (orders.counts()["missing"], order(orders, oid).leaves) == (1, 9)
    orders.on_receipt(FILLED, oid, BUY, qty=4, leaves=6, trade_id=1)
    assert order(orders, oid).leaves == 5


def test_trade_ids_are_remembered_for_the_last_32_fills() -> None:
    orders, oid = resting(100)
    for n in range(33):
        orders.on_receipt(FILLED, oid, BUY, qty=1, leaves=99 - n, trade_id=n)
    assert orders.on_receipt(FILLED, oid, BUY, qty=1, leaves=98, trade_id=1).ignored == "Duplicate"
    assert orders.on_receipt(FILLED, oid, BUY, qty=1, leaves=99, trade_id=0).ignored is None, "the documented bound"
