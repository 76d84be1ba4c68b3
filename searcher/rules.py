"""A configuration held against what the venue says of itself: its instruments, its limits, its fees, its keys."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from cex.venues.binance_rules import RateLimit, SymbolRules
from searcher.config import Config, Instrument
from searcher.findings import Finding, config, ok, warning, wrong


def instrument(index: int, ours: Instrument, theirs: SymbolRules | None) -> list[Finding]:
    """Tick, lot and limits of one instrument against the venue's filters. `theirs` is None for one it does not list."""
    key, about = f"instrument[{index}]", f"{ours.symbol}"
    if theirs is None:
        return [config(about, "the venue does not list it", f"change {key}.symbol")]
    found = []
    if theirs.status != "TRADING":
        found.append(
            wrong(about, f"the venue says {theirs.status or 'nothing'}, not TRADING", "wait, or trade another")
        )
    for name, our, their in (("tick", ours.tick, theirs.tick), ("lot", ours.lot, theirs.lot)):
        if their is not None and Decimal(our) != their:
            found.append(
                config(
                    about,
                    f'{name} is "{our}" here and "{_digits(their)}" at the venue',
                    f'write {name} = "{_digits(their)}"',
                )
            )
    found += _limits(f"{key}.limits", about, ours.limits or {}, theirs)
    return found or [ok(about, f"tick {ours.tick}, lot {ours.lot} and limits as the venue has them")]


def _limits(key: str, about: str, limits: Mapping[str, str | int], theirs: SymbolRules) -> list[Finding]:
    found = []

    def beyond(name: str, bound: Decimal | int | None, what: str, *, least: bool = False) -> None:
        value = limits.get(name)
        if value is None or bound is None:
            return
        if (Decimal(value) < bound) if least else (Decimal(value) > bound):
            side = "below" if least else "above"
            said = f"{name} = {value} is {side} the venue's {what}, {_digits(bound)}"
            found.append(config(about, said, f"write at {'least' if least else 'most'} that at {key}.{name}"))

    beyond("max_order_qty", theirs.max_qty, "largest order (LOT_SIZE maxQty)")
    beyond("max_order_qty", theirs.min_qty, "smallest order (LOT_SIZE minQty)", least=True)
    beyond("max_order_notional", theirs.min_notional, "least notional", least=True)
    beyond("max_open_orders", theirs.max_orders, "most open orders (MAX_NUM_ORDERS)")
    beyond("max_position_qty", theirs.max_position, "largest position (MAX_POSITION)")
    beyond("price_collar_bps", theirs.collar_bps, "furthest price (PERCENT_PRICE), in basis points")
    return found


def order_rate(ours: Config, rates: Sequence[RateLimit]) -> list[Finding]:
    """Whether the orders a second that a person allows fit the venue's windows, all instruments together."""
    per_second = sum(int((i.limits or {}).get("max_orders_per_second", 0)) for i in ours.instruments)
    orders = [r for r in rates if r.kind == "orders"]
    if not orders:
        return [warning("order rate", "the venue names no limit on orders", "nothing; what it refuses is counted")]
    tightest = min(orders, key=lambda r: r.limit / r.interval_ms)
    if per_second * tightest.interval_ms > tightest.limit * 1_000:
        said = f"max_orders_per_second adds up to {per_second}, the venue takes {_window(tightest)}"
        return [warning("order rate", said, "the governor holds orders back at the venue's limit; lower the limits")]
    return [ok("order rate", f"{per_second} a second fit {_window(tightest)}")]


def _window(rate: RateLimit) -> str:
    return f"{rate.limit} in {rate.interval_ms // 1_000} s"


def commission(index: int, ours: Instrument, maker_e8: int, taker_e8: int) -> Finding:
    """Fees as written against those of the account: too low would make every figure, and the strategy, too hopeful."""
    low = [
        (name, our, their)
        for name, our, their in (("maker", ours.maker_fee_e8, maker_e8), ("taker", ours.taker_fee_e8, taker_e8))
        if our < their
    ]
    if not low:
        return ok(
            f"{ours.symbol} fees", f"maker {_bps(maker_e8)} and taker {_bps(taker_e8)} bps are no more than written"
        )
    said = ", ".join(f"{name} {_bps(our)} bps is written and {_bps(their)} is taken" for name, our, their in low)
    todo = ", ".join(f'{name}_fee_bps = "{_bps(their)}"' for name, _, their in low)
    return config(f"{ours.symbol} fees", said, f"write {todo} at instrument[{index}]")


def permissions(answer: Mapping[str, Any], spot: bool, source: str) -> list[Finding]:
    """What a key may do, from `GET /sapi/v1/account/apiRestrictions`: trade here, and never take money out."""
    about, found = "key", []
    if answer.get("enableWithdrawals") is not False:
        found.append(wrong(about, "it may withdraw", "take the right to withdraw from it, or make a key without it"))
    for right in ("enableInternalTransfer", "permitsUniversalTransfer"):
        if answer.get(right):
            found.append(warning(about, f"it may move funds ({right})", "take that right from it"))
    if not answer.get("enableReading"):
        found.append(wrong(about, "it may not read", "enable reading for it"))
    right, market = ("enableSpotAndMarginTrading", "spot") if spot else ("enableFutures", "futures")
    if not answer.get(right):
        found.append(wrong(about, f"it may not trade {market} ({right})", f"enable {market} trading for it"))
    if not answer.get("ipRestrict"):
        found.append(warning(about, "it works from every address", "restrict it to this host's address"))
    return found or [ok(about, f"reads and trades {market}, cannot withdraw, bound to an address ({source})")]


def _digits(value: Decimal | int) -> str:
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bps(e8: int) -> str:
    return _digits(Decimal(e8).scaleb(-4))
