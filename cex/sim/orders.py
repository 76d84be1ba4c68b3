"""Orders and fills as the loopback exchange keeps them."""

from dataclasses import dataclass, field

from cex.sim.symbols import Symbol

BUY, SELL = 0, 1
SIDES = ("BUY", "SELL")


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of ours. `fee_e8` of `fee_asset`; `realized_e8` in quote currency (USD-M)."""

    trade_id: int
    order: "Order"
    px: int
    lots: int
    maker: bool
    fee_e8: int
    fee_asset: str
    realized_e8: int
    ms: int

    @property
    def value_e8(self) -> int:
        """Price × quantity, 10⁻⁸ of the quote currency."""
        return self.order.symbol.value_e8(self.px, self.lots)


@dataclass(slots=True)
class Order:
    """One order. `lots` is its whole quantity, `id` the venue's own and that of the matching model."""

    id: int
    client: str
    symbol: Symbol
    side: int
    kind: str
    tif: str
    px: int
    lots: int
    reduce_only: bool
    ms: int
    status: str = "NEW"
    filled: int = 0
    quote_e8: int = 0
    updated_ms: int = 0
    fills: list[Fill] = field(default_factory=list)

    @property
    def leaves(self) -> int:
        """Lots still open, whatever the status says."""
        return self.lots - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status in ("NEW", "PARTIALLY_FILLED")

    @property
    def side_name(self) -> str:
        """BUY or SELL."""
        return SIDES[self.side]

    def px_text(self) -> str:
        """Its price as the venue writes it; a market order has none."""
        return self.symbol.tick.text(self.px if self.kind != "MARKET" else 0)


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened to an order, in the words of the user data stream: execution type, and what goes with
    it. `requested` is the client id of the request that cancelled it (spot)."""

    order: Order
    execution: str
    ms: int
    fill: Fill | None = None
    requested: str = ""
