"""Liquidations: somebody else's debt repaid for the collateral behind it, at Aave (V1 to V3), Compound V2, Cream, and
forks of these. One that was undone, or that the market refused with an error code, is none."""

from collections.abc import Callable
from dataclasses import dataclass

from searcher.label import abi
from searcher.label.profits import Costs, costs
from searcher.label.traces import ETHER, WETH, Block, Transaction
from searcher.label.transfers import Transfer, find_transfers, gains

AAVE = {  # docs.aave.com, deployed contracts, mainnet
    "0x398ec7346dcd622edc5ae82352f02be94c62d119": "V1 LendingPool",
    "0x7d2768de32b0b80b7a3454c06bdac94a69ddc7a9": "V2 LendingPool",
    "0x7937d4799803fbbe595ed57278bc4ca21f3bffcb": "V2 AMM LendingPool",
    "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2": "V3 Pool",
}
COMPTROLLERS = {  # of every market of a protocol; compound.finance/docs, docs.cream.finance
    "0x3d9819210a31b4961b30ef54be2aed79b9c9cd3b": "compound_v2",
    "0x3d5bc3c8d13dcb8bf317092d84783c2697ae9258": "cream",
    "0xab1c342c7bf5ec5f02adea1c2270670bca144cbc": "iron_bank",
}


@dataclass(frozen=True, slots=True)
class Liquidation:
    """`liquidator` repaid `debt_amount` of `debt_token` that `liquidated_user` owed to `market` (Aave's pool, or the
    cToken of the debt), and got `received_amount` of `received_token`: the collateral, an aToken, or a cToken.

    `protocol` is `aave`, `compound_v2`, `cream`, `iron_bank`, or `aave_fork` or `compound_fork` for contracts that are
    not listed. `gains` is what the liquidator, the transaction's sender and the contract that it called (unless that is
    the market) had more (or less) of after the whole transaction, together, by asset (ether is WETH): repaid loans and
    sales are in it, direct payments to the fee recipient too, gas is not."""

    block: int
    tx_index: int
    tx_hash: str
    path: tuple[int, ...]
    protocol: str
    market: str
    liquidator: str
    liquidated_user: str
    debt_token: str
    debt_amount: int
    received_token: str
    received_amount: int
    gains: tuple[tuple[str, int], ...]
    paid: Costs

    @property
    def net_wei(self) -> int | None:
        """What it earned after gas, where all ended as ether; None where something else is left (collateral that was
        kept has no price in the traces) or the gas is not known."""
        if self.paid.gas_fee_wei is None or any(token != WETH for token, _ in self.gains):
            return None
        return dict(self.gains).get(WETH, 0) - self.paid.gas_fee_wei


@dataclass(frozen=True, slots=True)
class _Found:
    protocol: str
    liquidator: str
    user: str
    debt: tuple[str, int]
    received: tuple[str, int]


def find_liquidations(block: Block) -> list[Liquidation]:
    """Every liquidation of a block, in order."""
    return [item for tx in block.transactions for item in of_transaction(block, tx)]


def of_transaction(block: Block, tx: Transaction, transfers: list[Transfer] | None = None) -> list[Liquidation]:
    """The liquidations in one transaction. `transfers` are the transaction's, if they are at hand."""
    found: list[Liquidation] = []
    for at, call in enumerate(tx.calls):
        read = READERS.get(abi.selector(call))
        if read is None or call.undone or call.kind != "call":
            continue
        transfers = find_transfers(tx) if transfers is None else transfers
        one = read(tx, at, transfers)
        if one is None:
            continue
        mine = frozenset((one.liquidator, tx.sender, tx.to)) - {call.to}
        found.append(
            Liquidation(block.number, tx.index, tx.hash, call.path, one.protocol, call.to, one.liquidator, one.user,
                        *one.debt, *one.received, tuple(sorted(gains(transfers, mine).items())), costs(block, tx))
        )  # fmt: skip
    return found


def _aave(tx: Transaction, at: int, transfers: list[Transfer]) -> _Found | None:
    """liquidationCall(collateral, debt, user, amount, receiveAToken): the amount is the most that is repaid; what was
    repaid and received are the liquidator's transfers within. V1 takes a debt in ether as value and gives back what is
    over. Collateral as an aToken comes by transferOnLiquidation."""
    call = tx.calls[at]
    collateral, debt, user = (abi.address(call, n) for n in range(3))
    inside = [t for t in transfers if at <= t.at < call.end]
    paid = [t.amount for t in inside if t.token == debt and t.sender == call.sender]
    if debt == ETHER:
        paid += [-t.amount for t in inside if t.token == ETHER and t.to == call.sender]
    got = [t for t in inside if t.to == call.sender and t.token == collateral]
    if abi.word(call, 4):
        got = [t for t in inside if t.to == call.sender and t.sender == user]
    if sum(paid) <= 0 or not got:
        return None
    protocol = "aave" if call.to in AAVE else "aave_fork"
    return _Found(protocol, call.sender, user, (debt, sum(paid)), (got[0].token, sum(t.amount for t in got)))


def _compound(tx: Transaction, at: int, transfers: list[Transfer]) -> _Found | None:
    """CErc20.liquidateBorrow(borrower, amount, collateral) answers an error code, 0 for success; the debt's token is
    the one that the liquidator pays the cToken in. CEther.liquidateBorrow(borrower, collateral) is paid by value and
    reverts. What was seized is the argument of `seize`; where the debt's own cToken is the collateral, no such call is
    made, and it is what the comptroller reckoned. Which protocol it is, is seen from the comptroller that was asked."""
    call = tx.calls[at]
    ether = abi.selector(call) == abi.LIQUIDATE_ETHER
    if not ether and (not abi.answers(call) or abi.answer(call, 0) != 0):
        return None
    user, collateral = abi.address(call, 0), abi.address(call, 1 if ether else 2)
    inside = [t for t in transfers if at < t.at < call.end]
    paid = [t for t in inside if t.sender == call.sender and t.to == call.to]
    if not ether and not paid:
        return None
    debt = (ETHER, call.value_wei) if ether else (paid[0].token, sum(t.amount for t in paid))
    comptroller, seized = "", 0
    for c in (tx.calls[i] for i in tx.below(at)):
        name = abi.selector(c)
        if c.kind == "delegatecall":
            continue
        if name == abi.LIQUIDATE_ALLOWED and c.sender == call.to:
            comptroller = c.to
        elif name == abi.SEIZE and c.to == collateral:
            seized = abi.word(c, 2)
        elif name == abi.SEIZE_TOKENS and c.to == comptroller and not seized and abi.answers(c) > 1:
            seized = abi.answer(c, 1)
    if not comptroller or not seized:
        return None
    protocol = COMPTROLLERS.get(comptroller, "compound_fork")
    return _Found(protocol, call.sender, user, debt, (collateral, seized))


READERS: dict[str, Callable[[Transaction, int, list[Transfer]], _Found | None]] = {
    abi.AAVE_LIQUIDATION: _aave,
    abi.LIQUIDATE_TOKEN: _compound,
    abi.LIQUIDATE_ETHER: _compound,
}
