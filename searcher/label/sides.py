"""What the reader of a protocol gives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sides:
    """The two sides of a swap, as a protocol's reader gives them."""

    payer: str
    recipient: str
    token_in: str
    token_out: str
    amount_in: int
    amount_out: int
