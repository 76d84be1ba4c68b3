"""What a transaction cost its sender, and what is left of a profit."""

from dataclasses import dataclass

from searcher.label.traces import ETHER, WETH, Block, Transaction
from searcher.label.transfers import asset, find_transfers


@dataclass(frozen=True, slots=True)
class Costs:
    """In wei: `gas_fee` is all that was paid for gas, `burnt` the base fee within it, both None where a receipt's gas
    cannot be true; `coinbase` is what was sent to the block's fee recipient directly, by any call or self-destruction
    that was not undone."""

    gas_fee_wei: int | None
    burnt_wei: int | None
    coinbase_wei: int

    @property
    def total_wei(self) -> int | None:
        """Gas and direct payments."""
        return None if self.gas_fee_wei is None else self.gas_fee_wei + self.coinbase_wei

    @property
    def to_miner_wei(self) -> int | None:
        """What the fee recipient got of it."""
        if self.total_wei is None or self.burnt_wei is None:
            return None
        return self.total_wei - self.burnt_wei


def costs(block: Block, *transactions: Transaction) -> Costs:
    """Costs of transactions of a block, together. A payment by the fee recipient to itself is none."""
    gas_fee: int | None = 0
    burnt: int | None = 0
    coinbase = 0
    for tx in transactions:
        coinbase += sum(
            t.amount for t in find_transfers(tx) if t.token == ETHER and t.to == block.miner and t.sender != block.miner
        )
        if tx.gas_price_wei == 0 or gas_fee is None or burnt is None:
            continue
        if tx.gas is None:
            gas_fee = burnt = None
        else:
            gas_fee += tx.gas * tx.gas_price_wei
            burnt += tx.gas * min(block.base_fee_wei, tx.gas_price_wei)
    return Costs(gas_fee, burnt, coinbase)


def net_wei(token: str, profit: int, paid: Costs) -> int | None:
    """The profit less gas and direct payments, in wei; None when the profit is in a token other than ether or WETH (a
    price for it is not in the block's traces, and none is made up), or when the costs are not known."""
    if paid.total_wei is None or asset(token) != WETH:
        return None
    return profit - paid.total_wei
