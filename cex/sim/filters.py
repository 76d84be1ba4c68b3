"""What the venue checks before an order reaches the matching engine: form, filters, funds (filters.md; USD-M: "Error
codes", "Common definitions"). The reference of PERCENT_PRICE is the middle of the book; the venue takes an average over
five minutes (spot) or the mark price (USD-M)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cex.sim.account import Account
from cex.sim.errors import VenueError, missing
from cex.sim.orders import BUY, Order
from cex.sim.symbols import NUMBER, Step, Symbol

if TYPE_CHECKING:
    from cex.sim.engine import Wish

CLIENT_ID = re.compile(r"^[\.A-Z\:/a-z0-9_-]{1,36}$")
MAX_PX = 10**9  # ticks
SPOT_UP, SPOT_DOWN = 5, (1, 5)  # PERCENT_PRICE_BY_SIDE: five times, a fifth
USDM_UP, USDM_DOWN = (105, 100), (95, 100)
LEVERAGE = 20


def number(name: str, text: str | None, step: Step, *, futures: bool, off_grid: tuple[int, str]) -> int:
    """A price or quantity as whole steps. Raises what the venue says of one that is none."""
    if text is None or text == "":
        raise missing(name)
    if not NUMBER.match(text):
        legal = "^([0-9]{1,20})(\\.[0-9]{1,20})?$"
        raise VenueError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")
    whole, _, part = text.partition(".")
    if len(part.rstrip("0")) > step.decimals:
        said = "Precision is over the maximum defined for this asset."
        raise VenueError(-1111, said if futures else f"Parameter '{name}' has too much precision.")
    units = int(whole + part[: step.decimals].ljust(step.decimals, "0"))
    if units % step.unit:
        raise VenueError(*off_grid)
    return units // step.unit


def price(text: str | None, s: Symbol, futures: bool) -> int:
    """A limit price in ticks."""
    off = (-4014, "Price not increased by tick size.") if futures else (-1013, "Filter failure: PRICE_FILTER")
    px = number("price", text, s.tick, futures=futures, off_grid=off)
    if px <= 0:
        raise VenueError(-4001, "Price less than 0.") if futures else VenueError(*off)
    if px > MAX_PX:
        raise VenueError(-4002, "Price greater than max price.") if futures else VenueError(*off)
    return px


def quantity(text: str | None, s: Symbol, futures: bool) -> int:
    """A quantity in lots."""
    off = (-4023, "Qty not increased by step size.") if futures else (-1013, "Filter failure: LOT_SIZE")
    lots = number("quantity", text, s.lot, futures=futures, off_grid=off)
    if lots <= 0:
        raise VenueError(-4003, "Quantity less than or equal to zero.") if futures else VenueError(*off)
    if lots > s.max_lots:
        raise VenueError(-4005, "Quantity greater than max quantity.") if futures else VenueError(*off)
    return lots


def check(wish: Wish, best: tuple[int, int], opened: int, futures: bool) -> None:
    """The filters that look at more than one number."""
    s, mid2 = wish.symbol, sum(best)
    reference = wish.px if wish.kind != "MARKET" else mid2 // 2
    if wish.kind != "MARKET":
        percent_price(wish.px, wish.side, mid2, s, futures)
    if s.value_e8(reference, wish.lots) < s.min_notional_e8 and not wish.reduce_only:
        least = s.min_notional_e8 // 10**8
        raise (
            VenueError(-4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only).")
            if futures
            else VenueError(-1013, "Filter failure: NOTIONAL")
        )
    if opened >= s.max_orders and (futures or wish.kind != "MARKET"):
        raise (
            VenueError(-2025, "Reach max open order limit.")
            if futures
            else VenueError(-2010, "Filter failure: MAX_NUM_ORDERS")
        )


def percent_price(px: int, side: int, mid2: int, s: Symbol, futures: bool) -> None:
    """PERCENT_PRICE (USD-M) and PERCENT_PRICE_BY_SIDE (spot)."""
    if not futures:
        if 2 * px > SPOT_UP * mid2 or 2 * px * SPOT_DOWN[1] < SPOT_DOWN[0] * mid2:
            raise VenueError(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE")
        return
    most, least = mid2 * USDM_UP[0] // (2 * USDM_UP[1]), -(-mid2 * USDM_DOWN[0] // (2 * USDM_DOWN[1]))
    if side == BUY and px > most:
        raise VenueError(-4016, f"Limit price can't be higher than {s.tick.text(most)}.")
    if side != BUY and px < least:
        raise VenueError(-4024, f"Limit price can't be lower than {s.tick.text(least)}.")


def funds(account: Account, order: Order, best: tuple[int, int], futures: bool) -> None:
    """Whether the account can pay for it. USD-M: position and order together within the wallet times the leverage."""
    s = order.symbol
    if futures:
        if order.reduce_only:
            return
        position = account.positions[s.name].lots
        after = abs(position + (order.lots if order.side == BUY else -order.lots))
        worth = s.value_e8(best[1], max(after, order.lots) if after > abs(position) else 0)
        if worth > account.total_e8.get(s.quote, 0) * LEVERAGE:
            raise VenueError(-2019, "Margin is insufficient.")
        return
    if order.kind == "MARKET" and order.side == BUY:
        need = (s.quote, s.value_e8(best[1], order.lots))
    else:
        need = account.needs(order)
    if need[1] > account.free_e8(need[0]):
        raise VenueError(-2010, "Account has insufficient balance for requested action.")
