"""Uniswap V2 swaps with the reserves that the pair had before them, rebuilt from a block's traces alone.

A pair's reserves are known once somebody asked for them (`getReserves`), or once the pair took stock: at the end of
`swap`, `mint`, `burn` and `sync` the reserves are the balances that it has just asked its tokens for
(Uniswap/v2-core UniswapV2Pair.sol `_update`). From there every swap leads to the next. A swap before which nothing is
known is rebuilt backwards, from the balances after it and what was transferred, and marked so: of a token that takes a
fee on transfer, or that changes balances by itself, that would be wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from searcher.label import abi
from searcher.label.traces import Block, Transaction
from searcher.label.transfers import find_transfers
from searcher.label.uniswap import V2_CHANGES, balances_read, v2


@dataclass(frozen=True, slots=True)
class V2Swap:
    """One swap of a Uniswap V2 pair or of a fork. Amounts in the tokens' smallest units.

    `reserve0`, `reserve1`: before it. `amount0_in`, `amount1_in`: what the pair found that it had got (balance less
    what the reserves leave, as its own `swap` reckons), after any fee on transfer; `amount0_out`, `amount1_out`: what
    was asked of it. `asked` is False where the reserves are rebuilt backwards from transfers."""

    block: int
    tx_index: int
    tx_hash: str
    path: tuple[int, ...]
    pool: str
    token0: str
    token1: str
    reserve0: int
    reserve1: int
    amount0_in: int
    amount1_in: int
    amount0_out: int
    amount1_out: int
    asked: bool

    @property
    def zero_for_one(self) -> bool:
        """Whether token0 was given for token1. A pair that also gets some of what it gives out (a token that shares its
        fees among holders) still has one direction: that of the token of which it has more than before."""
        return self.amount0_in > self.amount0_out

    @property
    def amount_in(self) -> int:
        """Of the token that was given."""
        return self.amount0_in if self.zero_for_one else self.amount1_in

    @property
    def amount_out(self) -> int:
        """Of the token that was asked for."""
        return self.amount1_out if self.zero_for_one else self.amount0_out

    @property
    def reserve_in(self) -> int:
        """Before the swap, of the token that was given."""
        return self.reserve0 if self.zero_for_one else self.reserve1

    @property
    def reserve_out(self) -> int:
        """Before the swap, of the token that was asked for."""
        return self.reserve1 if self.zero_for_one else self.reserve0

    @property
    def pays_both(self) -> bool:
        """Whether the pair got something of both tokens."""
        return self.amount0_in > 0 and self.amount1_in > 0


def amount_out(amount_in: int, reserve_in: int, reserve_out: int) -> int:
    """What a pair with Uniswap V2's fee of 0.3 % gives at most, rounded down (Uniswap/v2-periphery
    UniswapV2Library.sol `getAmountOut`)."""
    with_fee = amount_in * 997
    return with_fee * reserve_out // (reserve_in * 1000 + with_fee)


def v2_swaps(block: Block) -> list[V2Swap]:
    """Every V2 swap of the block that was not undone and whose reserves can be rebuilt, in the order of their ends."""
    known: dict[str, tuple[int, int]] = {}
    return [swap for tx in block.transactions for swap in _of_transaction(block.number, tx, known)]


def _of_transaction(block: int, tx: Transaction, known: dict[str, tuple[int, int]]) -> Iterator[V2Swap]:
    transfers = find_transfers(tx)
    open_calls: list[int] = []  # what changes reserves takes effect at its end: a question within still hears the old
    for at in range(len(tx.calls) + 1):
        while open_calls and tx.calls[open_calls[-1]].end <= at:
            done = open_calls.pop()
            after = balances_read(tx, done)[-2:]
            call = tx.calls[done]
            before = known.pop(call.to, None)
            if len(after) < 2:
                continue
            known[call.to] = after[0][1], after[1][1]
            if abi.selector(call) == abi.V2_SWAP:
                asked = before is not None
                if before is None:
                    sides = v2(tx, done, transfers)
                    if sides is None:
                        continue
                    plus = (-sides.amount_in, sides.amount_out)
                    plus = plus if sides.token_in == after[0][0] else plus[::-1]
                    before = after[0][1] + plus[0], after[1][1] + plus[1]
                out = abi.word(call, 0), abi.word(call, 1)
                got = [max(0, after[i][1] - (before[i] - out[i])) for i in (0, 1)]
                yield V2Swap(block, tx.index, tx.hash, call.path, call.to, after[0][0], after[1][0], *before,
                             got[0], got[1], *out, asked)  # fmt: skip
        if at == len(tx.calls):
            return
        call = tx.calls[at]
        name = abi.selector(call)
        if name == abi.V2_RESERVES and not call.undone and abi.answers(call) == 3 and call.kind != "delegatecall":
            known[call.to] = abi.answer(call, 0), abi.answer(call, 1)
        elif name in V2_CHANGES and call.kind == "call" and not call.undone:
            open_calls.append(at)
