"""Sandwiches in a block: which swaps form one is decided by the native rule (`native/src/risk/sandwich.rs`), the Gate's
own; here it is given the block's swaps, and what it finds is reckoned up."""

from collections.abc import Sequence
from dataclasses import dataclass

from native._core import sandwiches
from searcher.label.profits import Costs, costs, net_wei
from searcher.label.swaps import Swap, find_swaps
from searcher.label.traces import Block, Transaction
from searcher.label.transfers import asset


@dataclass(frozen=True, slots=True)
class Sandwich:
    """`actor` (the account that paid for the first front) traded `fronts`, others `victims` in the same direction, and
    the actor `backs`. `token` is what the fronts paid and the backs brought back (WETH for ether).

    `bought` and `sold` are of the other token. `profit`, of `token`: what the backs brought less what the fronts paid, on
    the part that was both bought and sold; what was bought and kept, or sold from stock, is left out in proportion.
    `paid` is what the fronts' and backs' transactions cost, whatever else they did.

    `held`: the fronts' transactions kept what they bought. `same_pool`: the backs are in the fronts' pool. Where one of
    them is False it may be two arbitrages around somebody; the victim paid the same."""

    block: int
    actor: str
    pool: str
    token: str
    fronts: tuple[Swap, ...]
    victims: tuple[Swap, ...]
    backs: tuple[Swap, ...]
    bought: int
    sold: int
    profit: int
    held: bool
    same_pool: bool
    paid: Costs

    @property
    def net_wei(self) -> int | None:
        """After gas and payments to the fee recipient; None for a token other than ether."""
        return net_wei(self.token, self.profit, self.paid)


def find_sandwiches(block: Block, swaps: Sequence[Swap] | None = None) -> list[Sandwich]:
    """Every sandwich of a block, in the order of their first fronts. `swaps` are the block's, if they are at hand."""
    if swaps is None:
        swaps = [s for tx in block.transactions for s in find_swaps(block.number, tx)]
    by_index = {tx.index: tx for tx in block.transactions}
    found = []
    for fronts, victims, backs, held, same_pool in sandwiches([_given(s, by_index[s.tx_index]) for s in swaps]):
        front, back = [swaps[i] for i in fronts], [swaps[i] for i in backs]
        ours = sorted({s.tx_index for s in (*front, *back)})
        bought, sold = sum(s.amount_out for s in front), sum(s.amount_in for s in back)
        both = min(bought, sold)
        spent = sum(s.amount_in for s in front) * both // bought
        brought = sum(s.amount_out for s in back) * both // sold
        found.append(
            Sandwich(block.number, front[0].payer, front[0].pool, asset(front[0].token_in), tuple(front),
                     tuple(swaps[i] for i in victims), tuple(back), bought, sold, brought - spent, held, same_pool,
                     costs(block, *(by_index[i] for i in ours)))
        )  # fmt: skip
    return found


_Given = tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, bytes, int, int]


def _given(s: Swap, tx: Transaction) -> _Given:
    addresses = (s.pool, tx.sender, tx.to, s.payer, s.recipient, asset(s.token_in), asset(s.token_out))
    pool, signer, called, payer, recipient, token_in, token_out = (bytes.fromhex(a[2:]) for a in addresses)
    return s.tx_index, pool, signer, called, payer, recipient, token_in, token_out, s.amount_in, s.amount_out
