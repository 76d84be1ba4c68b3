"""The quoter against a naive model: the fewest messages, found by trying all, that leave exactly the ladder."""

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from native._core import Order, Orders, Quoter

PLACE, CANCEL, REPLACE = 1, 2, 3
ACCEPTED, FILLED, CANCELLED, REPLACED, UNKNOWN = 1, 2, 4, 6, 8
BUY, SELL = 0, 1
GTC, GTX = 0, 3
Ladder = list[tuple[int, int]]
Message = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Case:
    """Orders as (side, offset from the mid, qty, filled, what is in flight), and a ladder."""

    mid: int
    orders: list[tuple[int, int, int, int, str]]
    bids: Ladder
    asks: Ladder


def ladders(mid: int) -> st.SearchStrategy[tuple[Ladder, Ladder]]:
    def side(sign: int) -> st.SearchStrategy[Ladder]:
        return st.lists(st.tuples(st.integers(1, 4).map(lambda k: mid + sign * k), st.integers(0, 4)), max_size=3)

    return st.tuples(side(-1), side(1))


@st.composite
def cases(draw: st.DrawFn, flights: tuple[str, ...] = ("",)) -> Case:
    mid = draw(st.integers(100, 104))
    one = st.tuples(
        st.sampled_from((BUY, SELL)), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2), st.sampled_from(flights)
    )
    orders = [(s, k, q, min(f, q - 1), how) for s, k, q, f, how in draw(st.lists(one, max_size=5))]
    bids, asks = draw(ladders(draw(st.integers(mid - 3, mid + 3))))
    return Case(mid, orders, bids, asks)


def build(case: Case) -> Orders:
    """The orders of the case, in a record."""
    orders, trade = Orders(64), 0
    for side, offset, qty, filled, flight in case.orders:
        oid, px = orders.next_id(), case.mid + offset * (1 if side == SELL else -1)
        orders.on_request(PLACE, oid, side, px, qty)
        if flight == "new":
            continue
        orders.on_receipt(ACCEPTED, oid, side, px=px, leaves=qty)
        if filled:
            trade += 1
            orders.on_receipt(FILLED, oid, side, px=px, qty=filled, leaves=qty - filled, trade_id=trade)
        if flight == "replace":
            orders.on_request(REPLACE, oid, side, px + (1 if side == SELL else -1), filled + 2)
        if flight == "cancel":
            orders.on_request(CANCEL, oid, side, px, qty)
        if flight == "unknown":
            orders.on_receipt(UNKNOWN, oid, side)
    return orders


def merged(levels: Ladder) -> dict[int, int]:
    out: dict[int, int] = {}
    for px, qty in levels:
        out[px] = out.get(px, 0) + qty
    return {px: qty for px, qty in out.items() if qty}


def fits(o: Order, px: int, qty: int) -> bool:
    original = o.target_qty - o.qty + o.original if o.state != "PendingReplace" else o.target_qty - o.filled
    return o.target_px == px and qty in (original, o.target_qty - o.filled)


def fewest(orders: list[Order], wanted: dict[int, int], can_replace: bool) -> int:
    """Tries every way to give orders to levels."""
    levels = list(wanted.items())
    best = len(orders) + len(levels)
    for fates in itertools.product([None, *range(len(levels))], repeat=len(orders)):
        taken = [f for f in fates if f is not None]
        if len(set(taken)) < len(taken):
            continue
        cost = len(levels) - len(taken)
        for o, fate in zip(orders, fates, strict=True):
            if fate is None or not fits(o, *levels[fate]):
                cost += 1 if fate is None or can_replace else 2
        best = min(best, cost)
    return best


def sides(orders: Orders) -> list[list[Order]]:
    return [orders.side(0, BUY), orders.side(0, SELL)]


def crossed(orders: Orders) -> bool:
    bids, asks = sides(orders)
    return bool(bids and asks) and max(o.px for o in bids) >= min(o.px for o in asks)


def apply(orders: Orders, messages: list[Message], *, watch: bool) -> None:
    """Sends the messages; the venue grants each at once."""
    for action, oid, side, px, qty in messages:
        oid = oid or orders.next_id()
        orders.on_request(action, oid, side, px, qty)
        it = orders.get(oid)
        assert it is not None
        if action == CANCEL:
            orders.on_receipt(CANCELLED, oid, side)
        else:
            kind = ACCEPTED if action == PLACE else REPLACED
            orders.on_receipt(kind, oid, side, px=px, leaves=qty - it.filled)
        assert not (watch and crossed(orders)), "an order of ours met another"


def settle(orders: Orders, keep: bool) -> None:
    """Answers everything in flight."""
    for o in itertools.chain(*sides(orders)):
        if o.state == "PendingCancel" or (o.state in ("Unknown", "PendingNew") and not keep):
            orders.on_receipt(CANCELLED, o.id, o.side)
        elif o.state == "PendingReplace":
            orders.on_receipt(REPLACED, o.id, o.side, px=o.target_px, leaves=o.target_qty - o.filled)
        elif o.state in ("Unknown", "PendingNew"):
            orders.on_receipt(ACCEPTED, o.id, o.side, px=o.px, leaves=o.leaves)


def assert_is_ladder(orders: Orders, case: Case) -> None:
    for own, wanted in zip(sides(orders), (merged(case.bids), merged(case.asks)), strict=True):
        assert sorted(o.px for o in own) == sorted(wanted)
        assert all(fits(o, o.px, wanted[o.px]) for o in own)


@settings(max_examples=150, deadline=None)
@given(case=cases(), can_replace=st.booleans())
def test_the_fewest_messages_leave_exactly_the_ladder(case: Case, can_replace: bool) -> None:
    orders, quoter = build(case), Quoter(can_replace=can_replace)
    wanted = (merged(case.bids), merged(case.asks))
    untouched = {
        o.id for own, w in zip(sides(orders), wanted, strict=True) for o in own if fits(o, o.px, w.get(o.px, 0))
    }
    messages = quoter.diff(orders, case.bids, case.asks)
    assert len(messages) == sum(fewest(own, w, can_replace) for own, w in zip(sides(orders), wanted, strict=True))
    assert [m[0] for m in messages] == sorted((m[0] for m in messages), key=(CANCEL, REPLACE, PLACE).index)
    assert len({m[1] for m in messages if m[1]} & untouched) == len(untouched) - len(
        {o.px for own in sides(orders) for o in own if o.id in untouched}
    ), "one order of each wanted level stays"
    apply(orders, messages, watch=True)
    assert_is_ladder(orders, case)
    assert quoter.diff(orders, case.bids, case.asks) == []


@settings(max_examples=150, deadline=None)
@given(case=cases(("", "", "new", "replace", "cancel", "unknown")), can_replace=st.booleans(), keep=st.booleans())
def test_what_is_in_flight_is_waited_for(case: Case, can_replace: bool, keep: bool) -> None:
    orders, quoter = build(case), Quoter(can_replace=can_replace)
    before = {o.id: o for own in sides(orders) for o in own}
    messages = quoter.diff(orders, case.bids, case.asks)
    assert all(before[oid].state == "Open" for _, oid, *_ in messages if oid), "an unanswered order was touched"
    for side, levels in ((BUY, case.bids), (SELL, case.asks)):
        mine = [m for m in messages if m[2] == side]
        adds = [m for m in mine if m[0] != CANCEL]
        gone = {m[1] for m in mine}
        wanted, most = merged(levels), 0
        for o in before.values():
            if o.side == side and o.id not in gone and o.state != "PendingCancel":
                granted = o.state == "PendingReplace" and any(fits(o, *level) for level in wanted.items())
                most += o.target_qty - o.filled if granted else o.worst_leaves
        most += sum(qty - (before[oid].filled if oid else 0) for _, oid, _, _, qty in adds)
        assert not adds or most <= sum(wanted.values()), "more may fill than the ladder asks for"
        for _, _, _, px, _ in adds:
            for o in before.values():
                if o.side != side and o.state not in ("Open", "PendingCancel"):
                    near = {o.target_px} | ({o.px} if o.state == "Unknown" else set())
                    assert all(px < p if side == BUY else px > p for p in near), "it would meet our own order"
    apply(orders, messages, watch=False)
    settle(orders, keep)
    apply(orders, quoter.diff(orders, case.bids, case.asks), watch=False)
    assert_is_ladder(orders, case)
    assert quoter.diff(orders, case.bids, case.asks) == []


def working(*levels: tuple[int, int, int]) -> tuple[Orders, list[int]]:
    orders, ids = Orders(16), []
    for side, px, qty in levels:
        ids.append(orders.next_id())
        orders.on_request(PLACE, ids[-1], side, px, qty)
        orders.on_receipt(ACCEPTED, ids[-1], side, px=px, leaves=qty)
    return orders, ids


def test_a_partial_fill_keeps_its_place() -> None:
    orders, (a, _) = working((BUY, 99, 5), (SELL, 101, 5))
    orders.on_receipt(FILLED, a, BUY, px=99, qty=3, leaves=2, trade_id=1)
    quoter = Quoter(can_replace=True)
    assert quoter.diff(orders, [(99, 5)], [(101, 5)]) == []
    assert quoter.diff(orders, [(99, 2)], [(101, 5)]) == [], "what is left of it is what is wanted"
    assert quoter.diff(orders, [(98, 5)], [(101, 5)]) == [(REPLACE, a, BUY, 98, 8)], "a total: 3 are filled, 5 to rest"


def test_same_price_and_fewer_lots_is_paired_first() -> None:
    orders, (a, b) = working((BUY, 98, 5), (BUY, 99, 5))
    assert Quoter(can_replace=True).diff(orders, [(100, 5), (98, 3)], []) == [
        (REPLACE, a, BUY, 98, 3),
        (REPLACE, b, BUY, 100, 5),
    ]
    assert Quoter(can_replace=False).diff(orders, [(100, 5), (99, 5)], []) == [
        (CANCEL, a, BUY, 98, 5),
        (PLACE, 0, BUY, 100, 5),
    ]


def test_away_from_the_market_moves_first() -> None:
    orders, (bid, ask) = working((BUY, 99, 5), (SELL, 101, 5))
    assert Quoter(can_replace=True).diff(orders, [(101, 5)], [(103, 5)]) == [
        (REPLACE, ask, SELL, 103, 5),
        (REPLACE, bid, BUY, 101, 5),
    ]


def test_a_place_on_its_way_reserves_its_lots() -> None:
    orders, quoter = Orders(4), Quoter(can_replace=True)
    oid = orders.next_id()
    orders.on_request(PLACE, oid, BUY, 99, 5)
    assert quoter.diff(orders, [(99, 5)], []) == [], "it is the wanted one"
    assert quoter.diff(orders, [(100, 5)], []) == [], "its lots are reserved"
    assert quoter.diff(orders, [(100, 5), (98, 2)], []) == [(PLACE, 0, BUY, 98, 2)], "two lots are not"
    assert quoter.diff(orders, [], [(99, 5)]) == [], "an ask would meet it"
    orders.on_receipt(ACCEPTED, oid, BUY, px=99, leaves=5)
    assert quoter.diff(orders, [(100, 5)], []) == [(REPLACE, oid, BUY, 100, 5)]
    orders.on_request(CANCEL, oid, BUY, 99, 5)
    assert quoter.diff(orders, [(99, 5)], []) == [(PLACE, 0, BUY, 99, 5)], "what is being cancelled reserves nothing"
    orders.on_receipt(UNKNOWN, oid, BUY)
    assert quoter.diff(orders, [(99, 5)], []) == [], "it may be there"


def test_other_kernels_instruments_and_explicit_orders_are_left_alone() -> None:
    orders, quoter = Orders(8), Quoter(can_replace=True)
    orders.on_request(PLACE, orders.next_id(), BUY, 99, 5, kernel=1)
    orders.on_request(PLACE, orders.next_id(), BUY, 99, 5, instrument=1)
    orders.on_request(PLACE, orders.next_id(), BUY, 99, 5, tif=GTC)
    orders.on_request(PLACE, orders.next_id(), BUY, 99, 5, reduce_only=True)
    assert quoter.diff(orders, [(98, 1)], []) == [(PLACE, 0, BUY, 98, 1)]
    assert quoter.diff(orders, [], [(99, 1)]) == [], "it would meet the kernel's explicit order"
    assert quoter.diff(orders, [], [(99, 1)], kernel=2) == [(PLACE, 0, SELL, 99, 1)], "other kernels: the gate's matter"


@pytest.mark.parametrize(
    ("bids", "asks", "words"),
    [
        ([(100, 1)], [(100, 1)], "bid of 100"),
        ([(99, 1), (102, 1)], [(101, 1)], "bid of 102 ticks is not below its ask of 101"),
        ([(99, -1)], [], "Buy quantity at 99"),
        ([], [(99, 2**53), (99, 1)], "Sell quantity at 99"),
    ],
)
def test_a_ladder_that_is_none_is_refused(bids: Ladder, asks: Ladder, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Quoter(can_replace=True).diff(Orders(1), bids, asks)
    assert Quoter(can_replace=True).diff(Orders(1), [(100, 0)], [(100, 1)]) == [(PLACE, 0, SELL, 100, 1)]
