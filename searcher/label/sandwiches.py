"""Sandwiches in a block: which swaps form one is decided by the native rule (`native/src/risk/sandwich.rs`), the Gate's
own, pool by pool. Here those that are one attack, through several pools at once, are put together and reckoned up."""

from collections.abc import Sequence
from dataclasses import dataclass

from native._core import sandwiches
from searcher.label.profits import Costs, costs, net_wei
from searcher.label.swaps import Swap, find_swaps
from searcher.label.traces import Block, Transaction
from searcher.label.transfers import asset


@dataclass(frozen=True, slots=True)
class Sandwich:
    """`signer` traded `fronts`, others `victims` in the same direction in the same pools, and the actor `backs`;
    `account` paid for the first front. Of a way through several pools, the legs are in order of execution.

    `token` is what the way began and ended with (WETH for ether), `bought` and `sold` are of the token it went to.
    `profit`, of `token`, is what the backs brought less what the fronts paid; of what was sold from stock, beyond what
    was bought, nothing is counted, and what was bought and not sold is worth nothing. `paid` is what the fronts' and
    backs' transactions cost, whatever else they did.

    `held`: the fronts' transactions kept what they bought. `same_pool`: the backs are in the fronts' pools. Where one
    of them is False it may be two arbitrages around somebody; the victim paid the same."""

    block: int
    signer: str
    account: str
    pools: tuple[str, ...]
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


@dataclass(frozen=True, slots=True)
class _Part:
    """A sandwich in one pool, as the native rule gives it."""

    fronts: list[Swap]
    victims: list[Swap]
    backs: list[Swap]
    held: bool
    same_pool: bool

    @property
    def given(self) -> str:
        return asset(self.fronts[0].token_in)

    @property
    def bought(self) -> str:
        return asset(self.fronts[0].token_out)

    def goes_with(self, other: "_Part") -> bool:
        """Whether both are of the same transactions and one buys what the other gives, or both the same."""
        same = all(_places(a) == _places(b) for a, b in ((self.fronts, other.fronts), (self.backs, other.backs)))
        way = self.bought == other.given or other.bought == self.given
        return same and (way or (self.given == other.given and self.bought == other.bought))


def find_sandwiches(block: Block, swaps: Sequence[Swap] | None = None) -> list[Sandwich]:
    """Every sandwich of a block, in the order of their first fronts. `swaps` are the block's, if they are at hand."""
    if swaps is None:
        swaps = [s for tx in block.transactions for s in find_swaps(block.number, tx)]
    by_index = {tx.index: tx for tx in block.transactions}
    attacks: list[list[_Part]] = []
    for fronts, victims, backs, held, same_pool in sandwiches([_given(s, by_index[s.tx_index]) for s in swaps]):
        lists = [[swaps[i] for i in indexes] for indexes in (fronts, victims, backs)]
        part = _Part(lists[0], lists[1], lists[2], held, same_pool)
        together = next((a for a in attacks if any(part.goes_with(p) for p in a)), None)
        if together is None:
            attacks.append([part])
        else:
            together.append(part)
    return [_sandwich(block, parts, by_index) for parts in attacks]


def _sandwich(block: Block, parts: list[_Part], by_index: dict[int, Transaction]) -> Sandwich:
    given, bought_tokens = {p.given for p in parts}, {p.bought for p in parts}
    first = next((p for p in parts if p.given not in bought_tokens), parts[0])
    last = [p for p in parts if p.bought not in given] or parts[-1:]
    token, goal = first.given, last[0].bought
    fronts, victims, backs = (_ordered(parts, which) for which in ("fronts", "victims", "backs"))
    bought = sum(s.amount_out for s in fronts if asset(s.token_out) == goal)
    sold = sum(s.amount_in for s in backs if asset(s.token_in) == goal)
    spent = sum(s.amount_in for s in fronts if asset(s.token_in) == token)
    brought = sum(s.amount_out for s in backs if asset(s.token_out) == token)
    profit = brought * min(bought, sold) // sold - spent
    ours = sorted(_places([*fronts, *backs]))
    return Sandwich(block.number, by_index[fronts[0].tx_index].sender, fronts[0].payer,
                    tuple(dict.fromkeys(s.pool for s in fronts)), token, fronts, victims, backs, bought, sold, profit,
                    all(p.held for p in last), all(p.same_pool for p in parts),
                    costs(block, *(by_index[i] for i in ours)))  # fmt: skip


def _places(swaps: Sequence[Swap]) -> set[int]:
    return {s.tx_index for s in swaps}


def _ordered(parts: list[_Part], which: str) -> tuple[Swap, ...]:
    swaps: list[Swap] = [s for p in parts for s in getattr(p, which)]
    return tuple(sorted(swaps, key=lambda s: (s.tx_index, s.path)))


_Given = tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, bytes, int, int]


def _given(s: Swap, tx: Transaction) -> _Given:
    addresses = (s.pool, tx.sender, tx.to, s.payer, s.recipient, asset(s.token_in), asset(s.token_out))
    pool, signer, called, payer, recipient, token_in, token_out = (bytes.fromhex(a[2:]) for a in addresses)
    return s.tx_index, pool, signer, called, payer, recipient, token_in, token_out, s.amount_in, s.amount_out
