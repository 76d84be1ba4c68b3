"""What the loopback exchange lists, and how it writes its numbers. Prices are ticks, quantities lots, values units of
10⁻⁸; nothing here is a float."""

import re
from dataclasses import dataclass

E8 = 100_000_000
POW10 = tuple(int("1" + "0" * n) for n in range(9))
NUMBER = re.compile(r"^([0-9]{1,20})(\.[0-9]{1,20})?$")


def digits(units: int, decimals: int) -> str:
    """`units` of 10^-decimals as the venue writes a number."""
    sign, text = ("-" if units < 0 else ""), str(abs(units)).rjust(decimals + 1, "0")
    return f"{sign}{text[:-decimals]}.{text[-decimals:]}" if decimals else f"{sign}{text}"


@dataclass(frozen=True, slots=True)
class Step:
    """A tick or a lot: `unit` of the last of `decimals` written decimals."""

    unit: int
    decimals: int

    def text(self, steps: int) -> str:
        """So many steps as the venue writes them."""
        return digits(steps * self.unit, self.decimals)

    def e8(self) -> int:
        """One step in 10⁻⁸."""
        return self.unit * POW10[8 - self.decimals]

    def plain(self) -> str:
        """One step without zeros at its end: its significant decimals are the precision that the venue accepts."""
        text = self.text(1)
        return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class Symbol:
    """One instrument. `number` is its place in the matching model; `mid_px` where a synthetic market starts, ticks;
    `min_notional_e8` in quote currency."""

    number: int
    name: str
    base: str
    quote: str
    tick: Step
    lot: Step
    mid_px: int
    min_notional_e8: int
    max_lots: int = 9_000_000
    max_orders: int = 200

    def value_e8(self, px: int, lots: int) -> int:
        """Price × quantity in 10⁻⁸ of the quote currency: exact, because tick and lot have 8 decimals together."""
        return px * self.tick.e8() * lots * self.lot.e8() // E8

    def qty_e8(self, lots: int) -> int:
        """Lots in 10⁻⁸ of the base currency."""
        return lots * self.lot.e8()


#: tick, lot, mid price; the venue's own where it has the instrument, an even one elsewhere.
_KNOWN_SPOT = {
    "BTC": ("0.01", "0.00001", "60000"),
    "ETH": ("0.01", "0.0001", "3000"),
    "BNB": ("0.01", "0.001", "600"),
    "SOL": ("0.01", "0.001", "150"),
}
_KNOWN_USDM = {
    "BTC": ("0.1", "0.001", "60000"),
    "ETH": ("0.01", "0.001", "3000"),
    "BNB": ("0.01", "0.01", "600"),
    "SOL": ("0.01", "0.01", "150"),
}
_OTHERS = ("0.01", "0.01", "100")
_QUOTES = ("USDT", "USDC", "FDUSD", "BTC")


def _e8(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(8, "0"))


def _step(text: str, decimals: int) -> Step:
    return Step(_e8(text) // 10 ** (8 - decimals), decimals)


def listed(futures: bool, names: list[str]) -> dict[str, Symbol]:
    """The named instruments. Raises ValueError for a name that has no quote currency of the venue."""
    symbols: dict[str, Symbol] = {}
    for number, name in enumerate(names):
        quote = next((q for q in _QUOTES if name.endswith(q) and name != q), None)
        if quote is None or name in symbols or not name.isalnum() or name != name.upper():
            raise ValueError(f"symbol {name!r}: write each once, in capitals, ending in one of {', '.join(_QUOTES)}")
        base = name.removesuffix(quote)
        tick, lot, mid = (_KNOWN_USDM if futures else _KNOWN_SPOT).get(base, _OTHERS)
        places = (2, 3) if futures else (8, 8)
        least_e8 = (100 if base == "BTC" else 5) * E8 if futures else 10_000 if quote == "BTC" else 5 * E8
        steps = _step(tick, places[0]), _step(lot, places[1])
        symbols[name] = Symbol(number, name, base, quote, *steps, _e8(mid) // _e8(tick), least_e8)
    return symbols
