"""Everything that is labelled in one block."""

from dataclasses import dataclass

from searcher.label import arbitrages, liquidations
from searcher.label.arbitrages import Arbitrage
from searcher.label.liquidations import Liquidation
from searcher.label.sandwiches import Sandwich, find_sandwiches
from searcher.label.swaps import Swap, find_swaps, undone_swaps
from searcher.label.traces import Block
from searcher.label.transfers import find_transfers


@dataclass(frozen=True, slots=True)
class BlockLabels:
    """What was found in `block`, each in the order in which it happened. `undone_swaps`: swap calls that succeeded and
    that a revert around them undid; they are in no label."""

    block: int
    transactions: int
    swaps: tuple[Swap, ...]
    undone_swaps: int
    arbitrages: tuple[Arbitrage, ...]
    sandwiches: tuple[Sandwich, ...]
    liquidations: tuple[Liquidation, ...]


def label_block(block: Block) -> BlockLabels:
    """Labels one block."""
    swaps: list[Swap] = []
    arbs: list[Arbitrage] = []
    liqs: list[Liquidation] = []
    for tx in block.transactions:
        transfers = find_transfers(tx)
        traded = find_swaps(block.number, tx, transfers)
        swaps += traded
        arbs += arbitrages.of_transaction(block, tx, traded, transfers)
        liqs += liquidations.of_transaction(block, tx, transfers)
    return BlockLabels(block.number, len(block.transactions), tuple(swaps), undone_swaps(block), tuple(arbs),
                       tuple(find_sandwiches(block, swaps)), tuple(liqs))  # fmt: skip
