"""What Binance says of its instruments and of its own limits (`exchangeInfo`), as data that can be compared.

Source: binance-spot-api-docs, filters.md and rest-api.md; developers.binance.com, USDS-M futures, "Exchange
Information". A key that is not there is a filter that does not apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}
_KINDS: dict[str, Literal["orders", "weight"]] = {"ORDERS": "orders", "REQUEST_WEIGHT": "weight"}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` of `kind` in any `interval_ms` milliseconds."""

    kind: Literal["orders", "weight"]
    interval_ms: int
    limit: int


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """The filters of one symbol; None where it has no such one."""

    symbol: str
    status: str
    tick: Decimal | None
    lot: Decimal | None
    min_qty: Decimal | None
    max_qty: Decimal | None
    min_notional: Decimal | None
    max_orders: int | None
    max_position: Decimal | None
    collar_bps: int | None
    """Furthest that any price may be from the venue's reference price, basis points."""


def rate_limits(info: Mapping[str, Any]) -> list[RateLimit]:
    """The limits on orders and request weight. Raises ValueError for one that cannot be read."""
    found = []
    for entry in info.get("rateLimits", []):
        kind = _KINDS.get(entry.get("rateLimitType"))
        if kind is None:
            continue  # RAW_REQUESTS and CONNECTIONS are not what orders use up
        try:
            seconds = _SECONDS[entry["interval"]] * int(entry["intervalNum"])
            found.append(RateLimit(kind, seconds * 1_000, int(entry["limit"])))
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"the venue's rate limit cannot be read: {entry}") from None
    return found


def symbol_rules(info: Mapping[str, Any], symbol: str) -> SymbolRules | None:
    """The rules of `symbol`; None where the venue does not list it. Raises ValueError for one that cannot be read."""
    entry = next((s for s in info.get("symbols", []) if s.get("symbol") == symbol), None)
    if entry is None:
        return None
    filters = {f.get("filterType"): f for f in entry.get("filters", [])}
    price, lot = filters.get("PRICE_FILTER", {}), filters.get("LOT_SIZE", {})
    orders = filters.get("MAX_NUM_ORDERS", {})
    count = orders.get("maxNumOrders", orders.get("limit"))
    try:
        return SymbolRules(
            symbol=symbol,
            status=str(entry.get("status", "")),
            tick=_decimal(price.get("tickSize")),
            lot=_decimal(lot.get("stepSize")),
            min_qty=_decimal(lot.get("minQty")),
            max_qty=_decimal(lot.get("maxQty")),
            min_notional=_least_notional(filters),
            max_orders=None if count is None else int(count),
            max_position=_decimal(filters.get("MAX_POSITION", {}).get("maxPosition")),
            collar_bps=_collar_bps(filters),
        )
    except (InvalidOperation, TypeError, ValueError):
        raise ValueError(f"the venue's filters of {symbol} cannot be read") from None


def commission_e8(answer: Mapping[str, Any]) -> tuple[int, int]:
    """What an account pays as maker and as taker, 10⁻⁸ of the traded value, from `GET /api/v3/account/commission` or
    `GET /fapi/v1/commissionRate`. The discount for paying in BNB is left out: it ends when there is no BNB left.

    Raises ValueError for an answer of another form.
    """
    try:
        if "makerCommissionRate" in answer:
            return _e8(answer["makerCommissionRate"]), _e8(answer["takerCommissionRate"])
        parts = [answer[k] for k in ("standardCommission", "specialCommission", "taxCommission") if k in answer]
        if not parts:
            raise KeyError("standardCommission")
        # Tax is per side, on top of maker or taker; the worse of the two sides is what a round trip is reckoned with.
        sides = [max(_e8(p.get("buyer", "0")), _e8(p.get("seller", "0"))) for p in parts]
        maker = sum(_e8(p["maker"]) + side for p, side in zip(parts, sides, strict=True))
        return maker, sum(_e8(p["taker"]) + side for p, side in zip(parts, sides, strict=True))
    except (KeyError, TypeError, InvalidOperation):
        raise ValueError("the venue's commission cannot be read") from None


def _e8(text: str) -> int:
    return int(Decimal(text).scaleb(8).to_integral_value())


def _decimal(text: str | None) -> Decimal | None:
    """None for a rule that is absent, or that is 0 and so switched off (filters.md: "0 disables")."""
    if text is None:
        return None
    value = Decimal(text)
    return value if value > 0 else None


def _least_notional(filters: Mapping[str, Mapping[str, Any]]) -> Decimal | None:
    for name, key in (("NOTIONAL", "minNotional"), ("MIN_NOTIONAL", "minNotional"), ("MIN_NOTIONAL", "notional")):
        if (value := _decimal(filters.get(name, {}).get(key))) is not None:
            return value
    return None


def _collar_bps(filters: Mapping[str, Mapping[str, Any]]) -> int | None:
    one, sides = filters.get("PERCENT_PRICE", {}), filters.get("PERCENT_PRICE_BY_SIDE", {})
    up = [one.get("multiplierUp"), sides.get("bidMultiplierUp"), sides.get("askMultiplierUp")]
    down = [one.get("multiplierDown"), sides.get("bidMultiplierDown"), sides.get("askMultiplierDown")]
    room = [Decimal(m) - 1 for m in up if m is not None] + [1 - Decimal(m) for m in down if m is not None]
    return int(min(room) * 10_000) if room else None
