"""The account: balances on spot; wallet, positions and realised profit on USD-M; commissions of both. Integers of 10⁻⁸.

Commission is rounded down to 10⁻⁸ of its asset. Spot: in what is received (the venue's default), always in the quote
currency, or in BNB at a quarter less (the venue's discount, "Spot commission FAQ") and a fixed price of BNB, for as
long as there is BNB. USD-M: in the quote currency.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from cex.sim.orders import BUY, Order
from cex.sim.symbols import E8, Symbol

COMMISSIONS = ("bnb", "received", "quote")


@dataclass(frozen=True, slots=True)
class Fees:
    """Rates in 10⁻⁸ of the value; `bnb_px_e8` is what one BNB costs in quote currency."""

    maker_e8: int
    taker_e8: int
    asset: str = "bnb"
    bnb_px_e8: int = 600 * E8


@dataclass(slots=True)
class Position:
    """USD-M, one-way mode. `cost_e8` is what the open lots cost, signed as `lots`."""

    lots: int = 0
    cost_e8: int = 0
    realized_e8: int = 0

    def trade(self, side: int, lots: int, value_e8: int) -> int:
        """Books a trade; returns the profit it realised. Costs leave in proportion, rounded down."""
        signed, value = (lots, value_e8) if side == BUY else (-lots, -value_e8)
        realized = 0
        if self.lots * signed < 0:
            closed = min(abs(signed), abs(self.lots))
            cost = self.cost_e8 * closed // abs(self.lots)
            proceeds = value * closed // lots
            realized = -(proceeds + cost)
            self.cost_e8 -= cost
            value -= proceeds
        self.lots += signed
        self.cost_e8 += value
        self.realized_e8 += realized
        return realized


@dataclass(slots=True)
class Account:
    """One account. `total_e8` is free and locked together."""

    futures: bool
    fees: Fees
    total_e8: dict[str, int]
    locked_e8: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    positions: dict[str, Position] = field(default_factory=lambda: defaultdict(Position))
    fees_e8: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def free_e8(self, asset: str) -> int:
        """What no order has locked."""
        return self.total_e8.get(asset, 0) - self.locked_e8[asset]

    def needs(self, order: Order) -> tuple[str, int]:
        """What an order of spot locks while it rests: asset and amount."""
        s = order.symbol
        if order.side == BUY:
            return s.quote, s.value_e8(order.px, order.leaves)
        return s.base, s.qty_e8(order.leaves)

    def lock(self, order: Order, sign: int) -> None:
        """Locks (+1) or frees (−1) what is open of an order."""
        if not self.futures:
            asset, amount = self.needs(order)
            self.locked_e8[asset] += sign * amount

    def commission(self, order: Order, lots: int, value_e8: int, maker: bool) -> tuple[int, str]:
        """Amount and asset of a trade's commission."""
        s, rate = order.symbol, self.fees.maker_e8 if maker else self.fees.taker_e8
        if self.futures or self.fees.asset == "quote":
            return value_e8 * rate // E8, s.quote
        if self.fees.asset == "bnb":
            bnb = value_e8 * rate * 3 // (4 * self.fees.bnb_px_e8)
            if bnb <= self.total_e8.get("BNB", 0):
                return bnb, "BNB"
        return (s.qty_e8(lots) * rate // E8, s.base) if order.side == BUY else (value_e8 * rate // E8, s.quote)

    def trade(self, order: Order, px: int, lots: int, maker: bool) -> tuple[int, str, int]:
        """Books a trade: commission, its asset, and the profit that it realised (USD-M)."""
        s, value, realized = order.symbol, order.symbol.value_e8(px, lots), 0
        fee, asset = self.commission(order, lots, value, maker)
        self.fees_e8[asset] += fee
        if self.futures:
            realized = self.positions[s.name].trade(order.side, lots, value)
            self._add(s.quote, realized - fee)
            return fee, asset, realized
        sign = 1 if order.side == BUY else -1
        self._add(s.base, sign * s.qty_e8(lots))
        self._add(s.quote, -sign * value)
        self._add(asset, -fee)
        return fee, asset, 0

    def _add(self, asset: str, amount: int) -> None:
        self.total_e8[asset] = self.total_e8.get(asset, 0) + amount


def symbol_assets(symbol: Symbol, fee_asset: str) -> list[str]:
    """Assets that a trade may have changed, each once."""
    return list(dict.fromkeys((symbol.base, symbol.quote, fee_asset)))
