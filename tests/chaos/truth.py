"""The exchange's own log, added up; what the lane kept; and every difference between the two as a line."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.chaos.harness import Lab, lines_of

#: A fill without its trade id: client order id, side, price, quantity, whether we were the maker, fee and its asset.
Fill = tuple[str, str, Decimal, Decimal, bool, int, str]


@dataclass
class Truth:
    """What the exchange's log comes to, by what it accepted and what it filled. `most_open` is the largest number of
    orders that were open at one time, `placed` the client ids in their order."""

    fills: dict[tuple[str, int], Fill] = field(default_factory=dict)
    fees_e8: Counter[str] = field(default_factory=Counter)
    traded: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    open: dict[int, dict[str, Any]] = field(default_factory=dict)
    most_open: int = 0
    placed: list[str] = field(default_factory=list)
    doubled_trades: list[int] = field(default_factory=list)

    def add(self, line: dict[str, Any]) -> None:
        """Takes in a line of the log (its form: `cex/sim/log.py`)."""
        what, order = line["what"], line.get("order")
        if what == "fill":
            self._fill(line)
        elif what == "expired" or line.get("act") == "cancel":
            self.open.pop(line["order"], None)
        elif line.get("act") == "place":
            self.placed.append(line["client"])
            self.open[line["order"]] = line
            self.most_open = max(self.most_open, len(self.open))
        elif line.get("act") == "replace" and order in self.open:
            self.open[line["order"]] = line

    def _fill(self, line: dict[str, Any]) -> None:
        key = (line["symbol"], line["trade"])
        if key in self.fills:
            self.doubled_trades.append(line["trade"])
        price, quantity = Decimal(line["px"]), Decimal(line["qty"])
        fee = (line["fee_e8"], line["fee_asset"])
        self.fills[key] = (line["client"], line["side"], price, quantity, line["maker"], *fee)
        self.fees_e8[line["fee_asset"]] += line["fee_e8"]
        self.traded[line["symbol"]] += quantity if line["side"] == "BUY" else -quantity
        order = self.open.get(line["order"])
        if order is not None and Decimal(line["filled"]) >= Decimal(order["qty"]):
            del self.open[line["order"]]


def truth(lines: Iterable[dict[str, Any]]) -> Truth:
    """The log, added up."""
    found = Truth()
    for line in lines:
        found.add(line)
    return found


@dataclass
class Kept:
    """What the lane's `fills.jsonl` comes to (its form: `native/src/lane/carry/line.rs`). `held` is the position, and
    with it what fees in the base currency took beyond whole lots."""

    fills: dict[tuple[str, int], Fill] = field(default_factory=dict)
    fees_e8: Counter[str] = field(default_factory=Counter)
    held: dict[str, Decimal] = field(default_factory=dict)
    positions: dict[str, Decimal] = field(default_factory=dict)
    doubled_trades: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def add(self, line: dict[str, Any]) -> None:
        """Takes in a line of the file."""
        if line["t"] == "start":
            self.starts.append(line["first_id"])
            return
        self.positions[line["symbol"]] = Decimal(line["position"])
        self.held[line["symbol"]] = Decimal(line["position"]) - Decimal(line["base_rest"])
        if line["t"] != "fill":
            return
        key = (line["symbol"], line["trade_id"])
        if key in self.fills:
            self.doubled_trades.append(line["trade_id"])
        fee_e8 = int(Decimal(line["fee"]).scaleb(8)) if line["fee"] is not None else -1
        price, quantity = Decimal(line["px"]), Decimal(line["qty"])
        fee = (fee_e8, line["fee_asset"])
        self.fills[key] = (line["order"], line["side"].upper(), price, quantity, line["maker"], *fee)
        self.fees_e8[line["fee_asset"]] += fee_e8


def kept(made: Lab) -> Kept:
    """What the lane kept, added up. A torn last line is not there yet."""
    found = Kept()
    for line in lines_of(made.lane / "fills.jsonl"):
        found.add(line)
    return found


def differences(made: Lab) -> list[str]:
    """Every difference between what the exchange's log says and what the lane kept and shows; none while both agree.

    For moments at which nothing is under way: the exchange writes first, and the lane learns of it later.
    """
    theirs, ours = truth(made.exchange.log()), kept(made)
    found = [f"trade {key[1]} is not in fills.jsonl: {theirs.fills[key]}" for key in theirs.fills.keys() - ours.fills]
    found += [f"trade {key[1]} is the lane's alone: {ours.fills[key]}" for key in ours.fills.keys() - theirs.fills]
    for key in theirs.fills.keys() & ours.fills.keys():
        if theirs.fills[key] != ours.fills[key]:
            found.append(f"trade {key[1]}: the exchange's is {theirs.fills[key]}, the lane's {ours.fills[key]}")
    found += [f"trade {trade} is twice in fills.jsonl" for trade in ours.doubled_trades]
    found += [f"trade {trade} is twice in the exchange's log" for trade in theirs.doubled_trades]
    if +theirs.fees_e8 != +ours.fees_e8:
        found.append(f"fees: the exchange took {dict(theirs.fees_e8)}, the lane counts {dict(ours.fees_e8)}")
    for symbol, traded in theirs.traded.items():
        base = symbol.removesuffix("USDT")
        expected = traded - Decimal(theirs.fees_e8[base]).scaleb(-8)
        if ours.held.get(symbol, Decimal(0)) != expected:
            found.append(f"{symbol}: the exchange's log makes {expected}, fills.jsonl {ours.held.get(symbol)}")
    status = made.status()
    for one in status.get("instruments", []):
        symbol = one["symbol"]
        if Decimal(one["position"]) != ours.positions.get(symbol, Decimal(0)):
            found.append(f"{symbol}: the status says {one['position']}, fills.jsonl {ours.positions.get(symbol)}")
    if status and status["open_orders"] != len(theirs.open):
        shown = [(o["client"], o["side"], o["px"], o["qty"]) for o in theirs.open.values()]
        found.append(f"open orders: {status['open_orders']} at the lane, at the exchange {shown}")
    if status and status["unknown_orders"]:
        found.append(f"{status['unknown_orders']} orders of unknown fate")
    return found


def whole(made: Lab) -> list[str]:
    """Whether the exchange's log and what it answers for are the same, when nothing is under way."""
    log, state = truth(made.exchange.log()), made.exchange.state()
    answers = {
        "fees": ({a: n for a, n in state["fees_e8"].items() if n}, dict(+log.fees_e8)),
        "open orders": (state["open"], sorted(log.open)),
        "fills": (state["filled"], len(log.fills)),
        "orders": (state["placed"], len(log.placed)),
    }
    if made.venue == "binance_usdm":  # on spot there are balances, and no positions
        held = {symbol: Decimal(text) for symbol, text in state["positions"].items()}
        answers["positions"] = ({s: q for s, q in held.items() if q}, {s: q for s, q in log.traded.items() if q})
    return [f"{what}: the exchange answers {a}, its log makes {b}" for what, (a, b) in answers.items() if a != b]


def sound(theirs: Truth, most_open: int) -> list[str]:
    """What no session may ever do at the exchange: use a client id twice, have too many orders open."""
    twice = [client for client, n in Counter(theirs.placed).items() if n > 1]
    found = [f"client id {client} was used twice" for client in twice]
    if theirs.most_open > most_open:
        found.append(f"{theirs.most_open} orders were open at one time; the limit is {most_open}")
    return found


def agree(made: Lab, seconds: float = 10.0) -> list[str]:
    """Waits until nothing differs; what still does when the time is over."""

    end = time.monotonic() + seconds
    while (found := differences(made)) and time.monotonic() < end:
        time.sleep(0.05)
    return found
