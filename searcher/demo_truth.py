"""What a session came to by our own files, beside the loopback exchange's log, which knows nothing of us."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from searcher.errors import RunError
from searcher.lane_page import read

#: Where a lane keeps its fills; see `native/src/lane/carry/`.
FILLS = "fills.jsonl"


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill: equal here and there in all of it. `fee` is None where nobody said it."""

    trade_id: int
    symbol: str
    side: str
    px: Decimal
    qty: Decimal
    maker: bool
    fee: Decimal | None
    fee_asset: str


@dataclass(slots=True)
class Account:
    """What one side's record adds up to. `open` are orders by symbol, where the record knows them."""

    trades: dict[tuple[str, int], Trade] = field(default_factory=dict)
    doubled: int = 0
    open: dict[str, int] = field(default_factory=dict)

    def add(self, trade: Trade) -> None:
        """A trade; one that was there already is counted as doubled."""
        key = (trade.symbol, trade.trade_id)
        self.doubled += key in self.trades
        self.trades[key] = trade

    def position(self, symbol: str) -> Decimal:
        """Bought minus sold."""
        signed = (t.qty if t.side == "buy" else -t.qty for t in self.trades.values() if t.symbol == symbol)
        return sum(signed, Decimal(0))

    def fees(self, symbol: str) -> dict[str, Decimal]:
        """By asset."""
        found: dict[str, Decimal] = {}
        for t in self.trades.values():
            if t.symbol == symbol and t.fee:
                found[t.fee_asset] = found.get(t.fee_asset, Decimal(0)) + t.fee
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, as we have it and as the exchange has it."""

    what: str
    ours: str
    theirs: str

    @property
    def agrees(self) -> bool:
        """Equal as text: both are written without needless zeros."""
        return self.ours == self.theirs


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every figure; `differing` are trades that are not the same on both sides; the PnL is ours alone."""

    rows: list[Row]
    differing: list[str]
    pnl: str

    @property
    def agrees(self) -> bool:
        """All figures and trades are equal, and nothing is left: no position and no order."""
        nothing = {r.theirs for r in self.rows if r.what.startswith(("position", "open orders"))}
        return not self.differing and all(r.agrees for r in self.rows) and nothing <= {"0"}


def our_account(lines: Iterable[bytes]) -> Account:
    """From the lines of a lane's `fills.jsonl`."""
    account = Account()
    for line in lines:
        one = orjson.loads(line)
        if one["t"] == "fill":
            fee = None if one["fee"] is None else Decimal(one["fee"])
            px, qty = Decimal(one["px"]), Decimal(one["qty"])
            account.add(
                Trade(one["trade_id"], one["symbol"], one["side"], px, qty, one["maker"], fee, one["fee_asset"])
            )
    return account


def their_account(lines: Iterable[bytes]) -> Account:
    """From the lines of `searcher sim --log` (their form: `cex/sim/log.py`)."""
    account, resting = Account(), dict[tuple[str, int], Decimal]()
    for line in lines:
        one: dict[str, Any] = orjson.loads(line)
        if one["what"] not in ("accepted", "fill", "expired"):
            continue
        symbol, order = one["symbol"], (one["symbol"], one["order"])
        account.open.setdefault(symbol, 0)
        if one["what"] == "fill":
            px, qty, fee = Decimal(one["px"]), Decimal(one["qty"]), Decimal(one["fee_e8"]).scaleb(-8)
            side = str(one["side"]).lower()
            account.add(Trade(one["trade"], symbol, side, px, qty, one["maker"], fee, one["fee_asset"]))
            if order in resting and Decimal(one["filled"]) >= resting[order]:
                del resting[order]
        elif one["what"] == "expired" or one["act"] == "cancel":
            resting.pop(order, None)
        elif one["act"] == "place" or order in resting:
            resting[order] = Decimal(one["qty"])
    for symbol, _ in resting:
        account.open[symbol] += 1
    return account


def compare(lane: Path, log: Path) -> Comparison:
    """Holds a lane that has ended (its folder) against the exchange's log. Raises RunError where either is missing."""
    page = read(lane, time.time_ns())
    if not page.status:
        raise RunError(f"{lane}: the lane left no status ({page.says})")
    accounts = []
    for path, account in ((lane / FILLS, our_account), (log, their_account)):
        if not path.exists():
            raise RunError(f"{path} is not there: nothing can be compared")
        with path.open("rb") as file:
            accounts.append(account(file))
    ours, theirs = accounts
    rows = [Row("trades booked twice", str(ours.doubled), str(theirs.doubled))]
    for one in page.status["instruments"]:
        symbol = one["symbol"]
        mine, its = ([t for t in a.trades.values() if t.symbol == symbol] for a in accounts)
        rows += [
            Row(f"fills {symbol}", str(len(mine)), str(len(its))),
            Row(f"position {symbol}", plain(Decimal(one["position"])), plain(theirs.position(symbol))),
            Row(f"open orders {symbol}", str(one["open_orders"]), str(theirs.open.get(symbol, 0))),
            Row(f"fees {symbol}", _fees(ours.fees(symbol)), _fees(theirs.fees(symbol))),
        ]
    keys = sorted(ours.trades.keys() | theirs.trades.keys())
    differing = [f"{s} trade {n}" for s, n in keys if ours.trades.get((s, n)) != theirs.trades.get((s, n))]
    pnl = sum((Decimal(one["pnl"]["total"]) for one in page.status["instruments"]), Decimal(0))
    return Comparison(rows, differing, plain(pnl))


def _fees(fees: dict[str, Decimal]) -> str:
    return ", ".join(f"{plain(amount)} {asset}" for asset, amount in sorted(fees.items())) or "0"


def plain(value: Decimal) -> str:
    """Digits without needless zeros."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
