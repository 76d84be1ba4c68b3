"""Uniswap V2 and V3 pools and their forks: which tokens, from whom, to whom, how much."""

from searcher.label import abi
from searcher.label.sides import Sides
from searcher.label.traces import Call, Transaction
from searcher.label.transfers import Transfer

V2_CHANGES = (abi.V2_SWAP, abi.V2_MINT, abi.V2_BURN, abi.V2_SYNC)


def balances_read(tx: Transaction, at: int) -> list[tuple[str, int]]:
    """Token and answer of each question `balanceOf(pool)` that the pool called at `at` asked itself, in order."""
    pool = tx.calls[at].to
    return [
        (c.to, abi.answer(c, 0))
        for c in tx.children(at)
        if abi.selector(c) == abi.BALANCE_OF and abi.answers(c) and abi.address(c, 0) == pool
    ]


def v2(tx: Transaction, at: int, transfers: list[Transfer]) -> Sides | None:
    """UniswapV2Pair.swap: the pair sends what was asked for, calls back, and then asks both tokens, token0 first, for
    its balance. What came in are the transfers to it since it was last used in this transaction; where none is seen
    (tokens that were sent earlier), nothing is made up. None for a flash loan that is given back in the same token."""
    call = tx.calls[at]
    asked = balances_read(tx, at)[-2:]
    if len(asked) < 2:
        return None
    before = last_change(tx, at)
    outs = (abi.word(call, 0), abi.word(call, 1))
    arrived = [
        t
        for t in transfers
        if t.to == call.to and t.sender != call.to and tx.calls[t.at].end <= call.end and not _over(tx, t.at, before)
    ]
    paid = [[t for t in arrived if t.token == token] for token, _ in asked]
    ins = [sum(t.amount for t in side) for side in paid]
    for into, out in ((0, 1), (1, 0)):
        if ins[into] > outs[into] and outs[out] > ins[out]:
            return Sides(paid[into][-1].sender, abi.address(call, 2), asked[into][0], asked[out][0],
                         ins[into] - outs[into], outs[out] - ins[out])  # fmt: skip
    return None


def last_change(tx: Transaction, at: int) -> int | None:
    """Index of the last call of this transaction, ended before `at`, that made the pair take stock."""
    pool = tx.calls[at].to
    for i in range(at - 1, -1, -1):
        c = tx.calls[i]
        if c.to == pool and c.kind == "call" and not c.undone and c.end <= at and abi.selector(c) in V2_CHANGES:
            return i
    return None


def _over(tx: Transaction, at: int, change: int | None) -> bool:
    """Whether the call at `at` was over when the change was. A transfer of a token that itself trades in its course is
    not: it began before and moves its amount after."""
    if change is None:
        return False
    end, change_end = tx.calls[at].end, tx.calls[change].end
    return end < change_end or (end == change_end and at > change)


def v3(tx: Transaction, at: int, transfers: list[Transfer]) -> Sides | None:
    """UniswapV3Pool.swap: it answers both amounts, what it got positive and what it gave negative. It sends the token
    out, and asks the token that comes in for its balance before and after the callback."""
    call = tx.calls[at]
    if abi.answers(call) < 2:
        return None
    amounts = (abi.answer_signed(call, 0), abi.answer_signed(call, 1))
    amount_in, amount_out = max(amounts), -min(amounts)
    asked = balances_read(tx, at)
    sent = [c for c in tx.children(at) if _sends(c, call.to)]
    if amount_in <= 0 or amount_out <= 0 or not asked or not sent:
        return None
    token_in = asked[-1][0]
    payers = [t.sender for t in transfers if at < t.at < call.end and t.token == token_in and t.to == call.to]
    return Sides(payers[-1] if payers else call.sender, abi.address(call, 0), token_in, sent[0].to,
                 amount_in, amount_out)  # fmt: skip


def _sends(call: Call, pool: str) -> bool:
    return call.sender == pool and call.kind == "call" and abi.selector(call) == abi.TRANSFER
