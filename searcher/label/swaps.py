"""The swaps of a transaction, of every protocol that is known, in the order in which they began.

Uniswap V2 and V3 and their forks are recognised by the call and by what the pool itself did in it, not by a list of
addresses; Balancer V1 and V2, Curve and Bancor likewise, and signed orders of 0x's fourth version. Not known: DODO,
Kyber's older pools, Uniswap V1 and V4, other orders, shares of a fund that are made or redeemed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from searcher.label import abi
from searcher.label.exchanges import balancer_v1, balancer_v2, bancor, curve, zero_ex
from searcher.label.sides import Sides
from searcher.label.traces import Block, Transaction
from searcher.label.transfers import Transfer, find_transfers
from searcher.label.uniswap import v2, v3


@dataclass(frozen=True, slots=True)
class Swap:
    """`amount_in` of `token_in` was given to `pool` by `payer`, and `amount_out` of `token_out` went to `recipient`.

    `protocol` is `v2`, `v3`, `balancer_v1`, `balancer_v2`, `curve`, `bancor` or `0x`; `v2` and `v3` include forks.
    Amounts are those of the calls; of a token that takes a fee on transfer, less arrives. `path` is the trace
    address."""

    block: int
    tx_index: int
    tx_hash: str
    path: tuple[int, ...]
    protocol: str
    pool: str
    payer: str
    recipient: str
    token_in: str
    token_out: str
    amount_in: int
    amount_out: int


Reader = Callable[[Transaction, int, list[Transfer]], Sides | None]

READERS: dict[str, tuple[str, Reader]] = {
    abi.V2_SWAP: ("v2", v2),
    abi.V3_SWAP: ("v3", v3),
    abi.BALANCER_V1_IN: ("balancer_v1", balancer_v1),
    abi.BALANCER_V1_OUT: ("balancer_v1", balancer_v1),
    abi.BALANCER_V2_TWO: ("balancer_v2", balancer_v2),
    abi.BALANCER_V2_GENERAL: ("balancer_v2", balancer_v2),
    abi.BANCOR: ("bancor", bancor),
    **dict.fromkeys(abi.CURVE, ("curve", curve)),
    **dict.fromkeys(abi.ZERO_EX, ("0x", zero_ex)),
}


def find_swaps(block: int, tx: Transaction, transfers: list[Transfer] | None = None) -> list[Swap]:
    """Every swap of a transaction that was not undone. `transfers` are the transaction's, if they are at hand."""
    transfers = find_transfers(tx) if transfers is None else transfers
    found: list[Swap] = []
    for at, call in enumerate(tx.calls):
        protocol, read = READERS.get(abi.selector(call), ("", None))
        if read is None or call.undone or call.kind != "call":
            continue
        if sides := read(tx, at, transfers):
            found.append(
                Swap(block, tx.index, tx.hash, call.path, protocol, call.to, sides.payer, sides.recipient,
                     sides.token_in, sides.token_out, sides.amount_in, sides.amount_out)
            )  # fmt: skip
    return found


def undone_swaps(block: Block) -> int:
    """How many calls of a swap succeeded and were undone by a revert around them."""
    calls = (call for tx in block.transactions for call in tx.calls)
    return sum(c.undone and not c.failed and c.kind == "call" and abi.selector(c) in READERS for c in calls)
