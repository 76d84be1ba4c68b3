"""Balancer, Curve, Bancor and 0x: which tokens, from whom, to whom, how much."""

from searcher.label import abi
from searcher.label.sides import Sides
from searcher.label.traces import Transaction
from searcher.label.transfers import Transfer


def balancer_v1(tx: Transaction, at: int, transfers: list[Transfer]) -> Sides | None:
    """BPool.swapExactAmountIn(tokenIn, amountIn, tokenOut, …) answers what went out first, swapExactAmountOut(tokenIn,
    most, tokenOut, amountOut, …) what came in."""
    call = tx.calls[at]
    if not abi.answers(call):
        return None
    exact_in = abi.selector(call) == abi.BALANCER_V1_IN
    amount_in = abi.word(call, 1) if exact_in else abi.answer(call, 0)
    amount_out = abi.answer(call, 0) if exact_in else abi.word(call, 3)
    return Sides(call.sender, call.sender, abi.address(call, 0), abi.address(call, 2), amount_in, amount_out)


def balancer_v2(tx: Transaction, at: int, transfers: list[Transfer]) -> Sides | None:
    """The vault asks the pool once for each hop, in `swap` and in `batchSwap` alike: onSwap(request, …) with the
    request (kind, tokenIn, tokenOut, amount, poolId, lastChangeBlock, from, to, userData); kind 0 gives what goes in,
    kind 1 what comes out. The answer is the other amount. A question that is no swap (queryBatchSwap) reverts."""
    call = tx.calls[at]
    if not abi.answers(call):
        return None
    head = abi.word(call, 0) // 32
    given, found = abi.word(call, head + 3), abi.answer(call, 0)
    amount_in, amount_out = (given, found) if abi.word(call, head) == 0 else (found, given)
    return Sides(abi.address(call, head + 6), abi.address(call, head + 7), abi.address(call, head + 1),
                 abi.address(call, head + 2), amount_in, amount_out)  # fmt: skip


def curve(tx: Transaction, at: int, transfers: list[Transfer]) -> Sides | None:
    """Coins are numbers in the call; what they are is seen from what the caller paid (a token or ether) and from what
    the pool sent last. None for the part of a swap that one pool passed on to another."""
    call = tx.calls[at]
    place = abi.CURVE[abi.selector(call)]
    recipient = call.sender if place is None else abi.address(call, place)
    around = (c for c in tx.calls[:at] if c.end > at and abi.selector(c) in abi.CURVE and c.kind == "call")
    if any(c.to == call.sender for c in around):
        return None
    inside = [t for t in transfers if at <= t.at < call.end]
    paid = [t for t in inside if t.to == call.to and t.sender == call.sender]
    sent = [t for t in inside if t.sender == call.to and t.to == recipient]
    if not paid or not sent:
        return None
    return Sides(call.sender, recipient, paid[0].token, sent[-1].token, paid[0].amount, sent[-1].amount)


def bancor(tx: Transaction, at: int, transfers: list[Transfer]) -> Sides | None:
    """BancorNetwork.convertByPath(path, amount, least, beneficiary, …): the path is tokens and, between them, what
    converts them; it answers what the beneficiary got. The network stands for the pool."""
    call = tx.calls[at]
    head = abi.word(call, 0) // 32
    steps = abi.word(call, head)
    if not abi.answers(call) or not 2 < steps < 64:
        return None
    beneficiary = abi.address(call, 3)
    recipient = call.sender if int(beneficiary, 16) == 0 else beneficiary
    return Sides(call.sender, recipient, abi.address(call, head + 1), abi.address(call, head + steps),
                 abi.word(call, 1), abi.answer(call, 0))  # fmt: skip


def zero_ex(tx: Transaction, at: int, transfers: list[Transfer]) -> Sides | None:
    """A signed order that the caller fills: it gives the taker's token to the maker (and fees in it to others) and gets
    the maker's. The exchange stands for the pool."""
    call = tx.calls[at]
    gets, gives = abi.address(call, 0), abi.address(call, 1)
    inside = [t for t in transfers if at < t.at < call.end]
    given = sum(t.amount for t in inside if t.token == gives and t.sender == call.sender)
    got = sum(t.amount for t in inside if t.token == gets and t.to == call.sender)
    return Sides(call.sender, call.sender, gives, gets, given, got) if given and got else None
