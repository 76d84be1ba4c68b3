"""What moved from whom to whom: ERC-20 transfers that succeeded, ether, and ether that became WETH or came out of it.

A cToken that a liquidator seizes, or gives up for what is in it, counts as one. Amounts are those asked for in the
call: a token that takes a fee on transfer delivers less, and says so only in logs.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from searcher.label import abi
from searcher.label.traces import ETHER, WETH, Call, Transaction


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount` of `token` (`ETHER` for ether) from `sender` to `to`; `at` is the call's index in its transaction."""

    at: int
    token: str
    sender: str
    to: str
    amount: int


def find_transfers(tx: Transaction) -> list[Transfer]:
    """Every transfer of a transaction that was not undone, in order. A proxy that passes the same call on counts once;
    delegate calls move nothing of their own."""
    found: list[Transfer] = []
    around: list[tuple[int, str]] = []  # where enclosing token transfers end, and what they were given
    for at, call in enumerate(tx.calls):
        while around and around[-1][0] <= at:
            around.pop()
        if call.undone or call.kind in ("delegatecall", "callcode", "staticcall"):
            continue
        if call.value_wei:
            found.append(Transfer(at, ETHER, call.sender, call.to, call.value_wei))
        if any(data == call.data for _, data in around):
            continue
        token = _token_transfer(at, call)
        if token:
            around.append((call.end, call.data))
            found.append(token)
    return found


def _token_transfer(at: int, call: Call) -> Transfer | None:
    name = abi.selector(call)
    if name in (abi.TRANSFER, abi.TRANSFER_FROM) and abi.answers(call) and abi.answer(call, 0) == 0:
        return None  # the token said no without reverting
    if name == abi.TRANSFER:
        return Transfer(at, call.to, call.sender, abi.address(call, 0), abi.word(call, 1))
    if name == abi.TRANSFER_FROM:
        return Transfer(at, call.to, abi.address(call, 0), abi.address(call, 1), abi.word(call, 2))
    if name == abi.AAVE_TRANSFER:
        return Transfer(at, call.to, abi.address(call, 0), abi.address(call, 1), abi.word(call, 2))
    if name == abi.SEIZE and not (abi.answers(call) and abi.answer(call, 0)):
        return Transfer(at, call.to, abi.address(call, 1), abi.address(call, 0), abi.word(call, 2))
    if name == abi.REDEEM and abi.answers(call) and abi.answer(call, 0) == 0:
        return Transfer(at, call.to, call.sender, call.to, abi.word(call, 0))
    if call.to == WETH and name in (abi.DEPOSIT, "") and call.value_wei:
        return Transfer(at, WETH, WETH, call.sender, call.value_wei)
    if call.to == WETH and name == abi.WITHDRAW:
        return Transfer(at, WETH, call.sender, WETH, abi.word(call, 0))
    return None


def asset(token: str) -> str:
    """The token, with WETH for ether: they change into one another at no price."""
    return WETH if token == ETHER else token


def gains(transfers: Iterable[Transfer], accounts: frozenset[str]) -> dict[str, int]:
    """What the accounts together have more (or less) of after the transfers, by asset; what did not change is left
    out. Gas is not in it."""
    found: defaultdict[str, int] = defaultdict(int)
    for t in transfers:
        inside = (t.to in accounts) - (t.sender in accounts)
        if inside:
            found[asset(t.token)] += inside * t.amount
    return {token: amount for token, amount in found.items() if amount}
