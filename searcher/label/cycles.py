"""Circles that were traded in Uniswap V2 pairs alone, with the reserves that each hop found: what was taken there can
be held against the best that there was to take."""

from dataclasses import dataclass
from itertools import pairwise

from searcher.label.arbitrages import Arbitrage, find_arbitrages
from searcher.label.reserves import V2Swap, v2_swaps
from searcher.label.traces import Block


@dataclass(frozen=True, slots=True)
class Hop:
    """One pair of a circle: its reserves before the circle, and what went in and came out. Smallest units."""

    pool: str
    token_in: str
    token_out: str
    reserve_in: int
    reserve_out: int
    amount_in: int
    amount_out: int


@dataclass(frozen=True, slots=True)
class V2Cycle:
    """`size_taken` of `token` went into the first hop; `profit_taken` more came out of the last."""

    block: int
    tx_index: int
    tx_hash: str
    token: str
    hops: tuple[Hop, ...]
    size_taken: int
    profit_taken: int


def v2_cycles(block: Block) -> list[V2Cycle]:
    """The block's arbitrages that are one plain circle of V2 pairs, each pair once, every hop passing on exactly what
    the one before gave, with reserves that the traces tell. Hops are in the order of the tokens, whichever pair was
    called first (a flash swap is paid last). Forks may have another fee than Uniswap's 0.3 %; the hops do not say."""
    swaps = {(s.tx_index, s.path): s for s in v2_swaps(block)}
    cycles = (_cycle(a, [swaps.get((a.tx_index, leg.path)) for leg in a.legs]) for a in find_arbitrages(block))
    return [c for c in cycles if c]


def _cycle(a: Arbitrage, found: list[V2Swap | None]) -> V2Cycle | None:
    swaps = [s for s in found if s and not s.pays_both]
    if a.surplus or len(swaps) < len(a.legs) or len({s.pool for s in swaps}) < len(swaps):
        return None
    hops = tuple(
        Hop(s.pool, leg.token_in, leg.token_out, s.reserve_in, s.reserve_out, s.amount_in, s.amount_out)
        for s, leg in zip(swaps, a.legs, strict=True)
    )
    passes_on = all(b.amount_in == a.amount_out for a, b in pairwise(hops))
    if not passes_on or hops[0].amount_in != a.amount_in or hops[-1].amount_out != a.amount_out:
        return None
    return V2Cycle(a.block, a.tx_index, a.tx_hash, a.token, hops, a.amount_in, a.profit)
