"""What happened in recorded blocks: swaps, arbitrages, sandwiches and liquidations, read from traces and receipts.

Addresses and hashes are lower-case hexadecimal with `0x`; amounts are ints in the token's smallest unit, wei for ether.
"""

from searcher.label.arbitrages import Arbitrage, find_arbitrages
from searcher.label.block import BlockLabels, label_block
from searcher.label.cycles import V2Cycle, v2_cycles
from searcher.label.liquidations import Liquidation, find_liquidations
from searcher.label.reserves import V2Swap, v2_swaps
from searcher.label.sandwiches import Sandwich, find_sandwiches
from searcher.label.swaps import Swap, find_swaps
from searcher.label.traces import Block, Call, Transaction, read_block

__all__ = [
    "Arbitrage",
    "Block",
    "BlockLabels",
    "Call",
    "Liquidation",
    "Sandwich",
    "Swap",
    "Transaction",
    "V2Cycle",
    "V2Swap",
    "find_arbitrages",
    "find_liquidations",
    "find_sandwiches",
    "find_swaps",
    "label_block",
    "read_block",
    "v2_cycles",
    "v2_swaps",
]
