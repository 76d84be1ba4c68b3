"""Atomic arbitrages: within one transaction, swaps that form a circle of tokens and leave their owner with more.

The circle: each swap's token goes into the next, by the same hands or straight from pool to pool, and the last one's
comes back to the account that paid the first (flashbots/mev-inspect-py `arbitrages.py` has the same definition). A
contract that only passes on exactly what it was given, as routers do, is looked through. To that three conditions are
added, against routers' false positives: at least two pools; a profit; and all swaps of that account in the
transaction, taken together, cost it no token. So a user's order that an aggregator sends through many pools, a circle
within a trade, a settlement of several orders are none. Ether and WETH are one token here.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from searcher.label.profits import Costs, costs, net_wei
from searcher.label.swaps import Swap, find_swaps
from searcher.label.traces import WETH, Block, Transaction
from searcher.label.transfers import Transfer, asset, find_transfers

STEPS = 20_000  # of the search for circles in one transaction; with more swaps than that allows, some are not found


@dataclass(frozen=True, slots=True)
class Arbitrage:
    """`account` paid `amount_in` of `token` into the first leg and got `amount_out` of it from the last; where the way
    is split among pools, the legs are all of its swaps, in the order in which they began, and the amounts their sums.

    `profit` is the difference; `surplus` what was left of other tokens. `paid` is what the whole transaction cost, and
    `net_wei` the profit less that, where the token is ether or WETH."""

    block: int
    tx_index: int
    tx_hash: str
    account: str
    token: str
    amount_in: int
    amount_out: int
    legs: tuple[Swap, ...]
    surplus: tuple[tuple[str, int], ...]
    paid: Costs

    @property
    def profit(self) -> int:
        """Of `token`, before gas and payments."""
        return self.amount_out - self.amount_in

    @property
    def net_wei(self) -> int | None:
        """After gas and payments to the fee recipient; None for a token other than ether."""
        return net_wei(self.token, self.profit, self.paid)


def find_arbitrages(block: Block) -> list[Arbitrage]:
    """Every arbitrage of a block, in order."""
    found = []
    for tx in block.transactions:
        transfers = find_transfers(tx)
        found += of_transaction(block, tx, find_swaps(block.number, tx, transfers), transfers)
    return found


def of_transaction(block: Block, tx: Transaction, swaps: list[Swap], transfers: list[Transfer]) -> list[Arbitrage]:
    """The arbitrages among the swaps of one transaction; `transfers` are the transaction's."""
    if len(swaps) < 2:
        return []
    own = frozenset((tx.sender, tx.to))
    as_called = {s.path: s for s in swaps}
    swaps = _owners(swaps, transfers, own)
    found = []
    for together in _hands(swaps, own):
        circles = _circles(together, own)
        over = net(together)
        if not circles or min(over.values(), default=0) < 0:
            continue
        rest = [s for s in together if all(s not in c for c in circles)]
        split = rest or any(min(net(c).values(), default=0) < 0 for c in circles)
        if split:
            circles = [sorted(together, key=lambda s: s.path)]
        for legs in circles:
            token = _profit_token(legs, split=bool(split))
            if token and len({s.pool for s in legs}) > 1:
                one = _arbitrage(block, tx, legs, token, split=bool(split))
                found.append(replace(one, legs=tuple(as_called[leg.path] for leg in legs)))
    return found


def net(swaps: Iterable[Swap]) -> dict[str, int]:
    """What the swaps gave less what they took, by asset; what comes out even is left out."""
    sums: defaultdict[str, int] = defaultdict(int)
    for s in swaps:
        sums[asset(s.token_in)] -= s.amount_in
        sums[asset(s.token_out)] += s.amount_out
    return {token: amount for token, amount in sums.items() if amount}


def _arbitrage(block: Block, tx: Transaction, legs: list[Swap], token: str, *, split: bool) -> Arbitrage:
    start = next(s for s in legs if asset(s.token_in) == token) if split else legs[0]
    paid = sum(s.amount_in for s in legs if asset(s.token_in) == token) if split else start.amount_in
    surplus = tuple(sorted((t, a) for t, a in net(legs).items() if t != token))
    got = paid + net(legs)[token]
    return Arbitrage(block.number, tx.index, tx.hash, start.payer, token, paid, got, tuple(legs), surplus,
                     costs(block, tx))  # fmt: skip


def _profit_token(legs: list[Swap], *, split: bool) -> str | None:
    left = net(legs)
    if not split:
        token = asset(legs[0].token_in)
        return token if left.get(token, 0) > 0 else None
    given = [asset(s.token_in) for s in legs]
    gained = [t for t, amount in left.items() if amount > 0 and t in given]
    return min(gained, key=lambda t: (t != WETH, given.index(t)), default=None)


def _owners(swaps: list[Swap], transfers: list[Transfer], own: frozenset[str]) -> list[Swap]:
    """The swaps with payers and recipients that only passed on what they got, or gave, replaced by whom for."""
    pools = {s.pool for s in swaps}
    given = {(t.to, t.token, t.amount): t.sender for t in transfers}
    passed = {(t.sender, t.token, t.amount): t.to for t in transfers}
    owners = []
    for s in swaps:
        payer, recipient = s.payer, s.recipient
        if payer not in own and payer not in pools:
            payer = given.get((payer, s.token_in, s.amount_in), payer)
        if recipient not in own and recipient not in pools:
            recipient = passed.get((recipient, s.token_out, s.amount_out), recipient)
        owners.append(replace(s, payer=s.payer if payer in pools else payer,
                              recipient=s.recipient if recipient in pools else recipient))  # fmt: skip
    return owners


def _same(a: str, b: str, own: frozenset[str]) -> bool:
    return a == b or (a in own and b in own)


def _leads(first: Swap, then: Swap, own: frozenset[str]) -> bool:
    """Whether what the first swap gave is what the other was paid with, as far as hands can tell."""
    return asset(first.token_out) == asset(then.token_in) and (
        first.recipient == then.pool or first.pool == then.payer or _same(first.recipient, then.payer, own)
    )


def _hands(swaps: list[Swap], own: frozenset[str]) -> list[list[Swap]]:
    """Groups of swaps that belong together: one leads to the other, or one account (not a pool) is in both."""
    pools = {s.pool for s in swaps}
    group = list(range(len(swaps)))
    for i, a in enumerate(swaps):
        for j, b in enumerate(swaps[:i]):
            shared = any(
                x not in pools and _same(x, y, own) for x in (a.payer, a.recipient) for y in (b.payer, b.recipient)
            )
            if group[i] != group[j] and (shared or _leads(a, b, own) or _leads(b, a, own)):
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    of: defaultdict[int, list[Swap]] = defaultdict(list)
    for s, g in zip(swaps, group, strict=True):
        of[g].append(s)
    return list(of.values())


def _circles(swaps: list[Swap], own: frozenset[str]) -> list[list[Swap]]:
    """Circles that share no swap, the first found first; amounts that fit exactly are tried before others."""
    pools = {s.pool for s in swaps}
    left, found, steps = list(swaps), [], [STEPS]
    for start in swaps:
        if start not in left or start.payer in pools:
            continue
        circle = _search([start], left, own, steps)
        if circle:
            found.append(_turned(circle, pools, own))
            left = [s for s in left if s not in circle]
    return found


def _search(route: list[Swap], left: list[Swap], own: frozenset[str], steps: list[int]) -> list[Swap] | None:
    first, last = route[0], route[-1]
    if len(route) > 1 and asset(last.token_out) == asset(first.token_in) and _same(last.recipient, first.payer, own):
        return route
    following = [s for s in left if s not in route and _leads(last, s, own)]
    for s in sorted(following, key=lambda s: s.amount_in != last.amount_out):
        steps[0] -= 1
        if steps[0] < 0:
            return None
        if circle := _search([*route, s], left, own, steps):
            return circle
    return None


def _turned(circle: list[Swap], pools: set[str], own: frozenset[str]) -> list[Swap]:
    """The circle, started where its owner has more afterwards: a bot that holds every token in between could be said to
    have started anywhere. Of several such places ether's is taken, else the one that was traded first."""
    gained = net(circle)
    starts = [
        i
        for i, s in enumerate(circle)
        if s.payer not in pools
        and _same(circle[i - 1].recipient, s.payer, own)
        and gained.get(asset(s.token_in), 0) > 0
    ]
    at = min(starts, key=lambda i: (asset(circle[i].token_in) != WETH, circle[i].path), default=0)
    return circle[at:] + circle[:at]
