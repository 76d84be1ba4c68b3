"""Labels as JSON and as tables on the terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from searcher.label.arbitrages import Arbitrage
from searcher.label.block import BlockLabels
from searcher.label.liquidations import Liquidation
from searcher.label.sandwiches import Sandwich
from searcher.label.traces import ETHER, WETH

LEAST_WIDTH = 150  # of a table: a cut number is worse than a wrapped line
DERIVED = {Arbitrage: ("profit", "net_wei"), Sandwich: ("net_wei",), Liquidation: ("net_wei",)}


def as_json(blocks: Iterable[BlockLabels]) -> str:
    """A list of blocks with everything that was found. Amounts are strings of digits: JSON's readers lose digits of
    numbers beyond 2^53. A null `net_wei` is not known."""
    return orjson.dumps([_plain(b) for b in blocks], option=orjson.OPT_INDENT_2).decode() + "\n"


def _plain(value: Any, name: str = "") -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        plain = {f.name: _plain(getattr(value, f.name), f.name) for f in fields(value)}
        return plain | {n: _plain(getattr(value, n), n) for n in DERIVED.get(type(value), ())}
    if isinstance(value, tuple):
        if name in ("gains", "surplus"):
            return {token: str(amount) for token, amount in value}
        return [_plain(v, name) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return value if name in ("block", "tx_index", "path", "transactions", "undone_swaps") else str(value)
    return value


def show(blocks: Sequence[BlockLabels], console: Console | None = None) -> None:
    """Tables: what the blocks hold, then each arbitrage, sandwich and liquidation."""
    console = console or Console()
    console.width = max(console.width, LEAST_WIDTH)
    _counts(console, blocks)
    _arbitrages(console, [a for b in blocks for a in b.arbitrages])
    _sandwiches(console, [s for b in blocks for s in b.sandwiches])
    _liquidations(console, [item for b in blocks for item in b.liquidations])
    console.print("Ether and WETH in ether, other tokens in their smallest units; ? is not known (no price, no gas).")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.lstrip(">"), justify="right" if column[0] == ">" else "left", no_wrap=True)
    return table


def _counts(console: Console, blocks: Sequence[BlockLabels]) -> None:
    table = _table("Blocks", ">block", ">transactions", ">swaps", "of which", ">undone", ">arbitrages", ">sandwiches",
                   ">liquidations")  # fmt: skip
    for b in blocks:
        of = ", ".join(f"{n} {p}" for p, n in Counter(s.protocol for s in b.swaps).most_common())
        table.add_row(str(b.block), str(b.transactions), str(len(b.swaps)), of, str(b.undone_swaps),
                      str(len(b.arbitrages)), str(len(b.sandwiches)), str(len(b.liquidations)))  # fmt: skip
    console.print(table)


def _arbitrages(console: Console, found: Sequence[Arbitrage]) -> None:
    if not found:
        return
    table = _table("Arbitrages", ">block", "transaction", ">legs", "through", "token", ">profit", ">gas",
                   ">to the miner", ">left")  # fmt: skip
    for a in found:
        through = ", ".join(leg.protocol for leg in a.legs)
        table.add_row(str(a.block), a.tx_hash[:12], str(len(a.legs)), through, _token(a.token),
                      _amount(a.token, a.profit), _wei(a.paid.gas_fee_wei), _wei(a.paid.coinbase_wei),
                      _wei(a.net_wei))  # fmt: skip
    console.print(table)


def _sandwiches(console: Console, found: Sequence[Sandwich]) -> None:
    if not found:
        return
    table = _table("Sandwiches", ">block", "first front", "last back", "pool", ">victims", "token", ">profit", ">gas",
                   ">to the miner", ">left", "note")  # fmt: skip
    for s in found:
        note = " ".join(n for n, no in (("not held", not s.held), ("other pool", not s.same_pool)) if no)
        pools = ", ".join(p[:12] for p in s.pools)
        table.add_row(str(s.block), s.fronts[0].tx_hash[:12], s.backs[-1].tx_hash[:12], pools, str(len(s.victims)),
                      _token(s.token), _amount(s.token, s.profit), _wei(s.paid.gas_fee_wei),
                      _wei(s.paid.coinbase_wei), _wei(s.net_wei), note)  # fmt: skip
    console.print(table)


def _liquidations(console: Console, found: Sequence[Liquidation]) -> None:
    if not found:
        return
    table = _table("Liquidations", ">block", "transaction", "protocol", "user", "debt", ">repaid", "received",
                   ">amount", ">left")  # fmt: skip
    for x in found:
        table.add_row(str(x.block), x.tx_hash[:12], x.protocol, x.liquidated_user[:12], _token(x.debt_token),
                      _amount(x.debt_token, x.debt_amount), _token(x.received_token),
                      _amount(x.received_token, x.received_amount), _wei(x.net_wei))  # fmt: skip
    console.print(table)


def _token(token: str) -> str:
    return {WETH: "WETH", ETHER: "ether"}.get(token, token[:12])


def _amount(token: str, amount: int) -> str:
    return _wei(amount) if token in (WETH, ETHER) else str(amount)


def _wei(amount: int | None) -> str:
    return "?" if amount is None else f"{Decimal(amount).scaleb(-18):.6f}"
