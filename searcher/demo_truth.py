"""What a session came to by our own account of it, beside the loopback exchange's log, which knows nothing of us."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from searcher.errors import RunError
from searcher.lane_page import read


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
    """Every figure, and the PnL, which the exchange does not reckon."""

    rows: list[Row]
    pnl: str

    @property
    def agrees(self) -> bool:
        """All figures are equal, and nothing is left: no position and no order."""
        nothing = {r.what: r.theirs for r in self.rows if r.what.startswith(("position", "open orders"))}
        return all(r.agrees for r in self.rows) and set(nothing.values()) == {"0"}


@dataclass(slots=True)
class Truth:
    """The exchange's log of one symbol, added up. `open` is the quantity of each open order by the venue's id,
    `fees_e8` by asset."""

    fills: int = 0
    position: Decimal = Decimal(0)
    open: dict[int, Decimal] = field(default_factory=dict)
    fees_e8: dict[str, int] = field(default_factory=dict)

    def add(self, event: dict[str, Any]) -> None:
        """Takes in a line of the log."""
        order = event["order"]
        if event["what"] == "fill":
            self.fills += 1
            qty = Decimal(event["qty"])
            self.position += qty if event["side"] == "BUY" else -qty
            self.fees_e8[event["fee_asset"]] = self.fees_e8.get(event["fee_asset"], 0) + event["fee_e8"]
            if order in self.open and Decimal(event["filled"]) >= self.open[order]:
                del self.open[order]
        elif event["what"] == "expired" or event["act"] == "cancel":
            self.open.pop(order, None)
        elif event["act"] == "place" or order in self.open:
            self.open[order] = Decimal(event["qty"])


def truth(lines: Iterable[bytes]) -> dict[str, Truth]:
    """By symbol, from the lines of `searcher sim --log` (their form: `cex/sim/log.py`)."""
    found: dict[str, Truth] = {}
    for line in lines:
        event: dict[str, Any] = orjson.loads(line)
        if event["what"] in ("accepted", "fill", "expired"):
            found.setdefault(event["symbol"], Truth()).add(event)
    return found


def compare(lane: Path, log: Path) -> Comparison:
    """Holds a lane that has ended (its folder) against the exchange's log. Raises RunError where either is missing."""
    page = read(lane, time.time_ns())
    if not page.status:
        raise RunError(f"{lane}: the lane left no status ({page.says})")
    if not log.exists():
        raise RunError(f"{log}: the exchange left no log")
    with log.open("rb") as file:
        theirs = truth(file)
    rows = []
    for one in page.status["instruments"]:
        symbol = one["symbol"]
        their = theirs.get(symbol, Truth())
        rows += [
            Row(f"fills {symbol}", str(one["fills"]), str(their.fills)),
            Row(f"position {symbol}", plain(Decimal(one["position"])), plain(their.position)),
            Row(f"open orders {symbol}", str(one["open_orders"]), str(len(their.open))),
        ]
        if page.status["venue"] == "binance_usdm":  # paid in the quote currency, as the lane reckons it
            ours = Decimal(one["pnl"]["fees"]) - Decimal(one["pnl"]["rebates"])
            paid = Decimal(sum(their.fees_e8.values())).scaleb(-8)
            rows.append(Row(f"fees {symbol}", plain(ours), plain(paid)))
    pnl = sum((Decimal(one["pnl"]["total"]) for one in page.status["instruments"]), Decimal(0))
    return Comparison(rows, plain(pnl))


def plain(value: Decimal) -> str:
    """Digits without needless zeros."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
