"""Spot as it is written: orders, trades, account, events (rest-api.md, web-socket-api.md, user-data-stream.md)."""

from typing import Any

from cex.sim.account import Account, symbol_assets
from cex.sim.limits import Limits
from cex.sim.orders import BUY, Fill, Order, Told
from cex.sim.symbols import Symbol, digits

STP = "EXPIRE_MAKER"
ZERO = digits(0, 8)


def e8(amount: int) -> str:
    """An amount of 10⁻⁸."""
    return digits(amount, 8)


def ack(order: Order) -> dict[str, Any]:
    """A placed order, newOrderRespType ACK."""
    return {
        "symbol": order.symbol.name,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client,
        "transactTime": order.updated_ms,
    }


def result(order: Order) -> dict[str, Any]:
    """RESULT."""
    return {
        **ack(order),
        **_terms(order),
        "workingTime": order.ms,
        "selfTradePreventionMode": STP,
    }


def full(order: Order) -> dict[str, Any]:
    """FULL."""
    fills = [
        {
            "price": order.symbol.tick.text(f.px),
            "qty": order.symbol.lot.text(f.lots),
            "commission": e8(f.fee_e8),
            "commissionAsset": f.fee_asset,
            "tradeId": f.trade_id,
        }
        for f in order.fills
    ]
    return {**result(order), "fills": fills}


def _terms(order: Order) -> dict[str, Any]:
    return {
        "price": order.px_text(),
        "origQty": order.symbol.lot.text(order.lots),
        "executedQty": order.symbol.lot.text(order.filled),
        "origQuoteOrderQty": ZERO,
        "cummulativeQuoteQty": e8(order.quote_e8),
        "status": order.status,
        "timeInForce": order.tif,
        "type": order.kind,
        "side": order.side_name,
    }


def cancelled(order: Order, requested: str) -> dict[str, Any]:
    """The answer to a cancel: `clientOrderId` is the request's own."""
    return {**result(order), "origClientOrderId": order.client, "clientOrderId": requested}


def shown(order: Order) -> dict[str, Any]:
    """An order as queries show it."""
    return {
        "symbol": order.symbol.name,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client,
        **_terms(order),
        "stopPrice": ZERO,
        "icebergQty": ZERO,
        "time": order.ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "workingTime": order.ms,
        "selfTradePreventionMode": STP,
    }


def trade(fill: Fill) -> dict[str, Any]:
    """A trade in myTrades."""
    o = fill.order
    return {
        "symbol": o.symbol.name,
        "id": fill.trade_id,
        "orderId": o.id,
        "orderListId": -1,
        "price": o.symbol.tick.text(fill.px),
        "qty": o.symbol.lot.text(fill.lots),
        "quoteQty": e8(fill.value_e8),
        "commission": e8(fill.fee_e8),
        "commissionAsset": fill.fee_asset,
        "time": fill.ms,
        "isBuyer": o.side == BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def events(told: Told, account: Account) -> list[dict[str, Any]]:
    """executionReport, and outboundAccountPosition where a balance may have changed."""
    o, f, ms = told.order, told.fill, told.ms
    cancel = told.execution == "CANCELED"
    report: dict[str, Any] = {
        "e": "executionReport", "E": ms, "s": o.symbol.name, "c": told.requested if cancel else o.client,
        "S": o.side_name, "o": o.kind, "f": o.tif, "q": o.symbol.lot.text(o.lots), "p": o.px_text(),
        "P": ZERO, "F": ZERO, "g": -1, "C": o.client if cancel else "", "x": told.execution,
        "X": "NEW" if told.execution == "NEW" else o.status, "r": "NONE", "i": o.id,
        "l": o.symbol.lot.text(f.lots if f else 0), "z": o.symbol.lot.text(o.filled),
        "L": o.symbol.tick.text(f.px if f else 0), "n": e8(f.fee_e8) if f else "0", "N": f.fee_asset if f else None,
        "T": o.updated_ms, "t": f.trade_id if f else -1, "I": o.id * 2 + len(o.fills), "w": o.is_open,
        "m": bool(f and f.maker), "M": bool(f), "O": o.ms, "Z": e8(o.quote_e8), "Y": e8(f.value_e8 if f else 0),
        "Q": ZERO, "W": o.ms, "V": STP,
    }  # fmt: skip
    assets = symbol_assets(o.symbol, f.fee_asset if f else o.symbol.quote)
    balances = [{"a": a, "f": e8(account.free_e8(a)), "l": e8(account.locked_e8[a])} for a in assets]
    return [report, {"e": "outboundAccountPosition", "E": ms, "u": o.updated_ms, "B": balances}]


def account_info(account: Account, ms: int) -> dict[str, Any]:
    """GET /api/v3/account."""
    balances = [
        {"asset": a, "free": e8(account.free_e8(a)), "locked": e8(account.locked_e8[a])}
        for a in sorted(account.total_e8)
    ]
    fees = {"maker": e8(account.fees.maker_e8), "taker": e8(account.fees.taker_e8), "buyer": ZERO, "seller": ZERO}
    return {
        "makerCommission": account.fees.maker_e8 // 10_000,
        "takerCommission": account.fees.taker_e8 // 10_000,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": fees,
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": ms,
        "accountType": "SPOT",
        "balances": balances,
        "permissions": ["SPOT"],
        "uid": 1,
    }


def commission(account: Account, symbol: Symbol) -> dict[str, Any]:
    """GET /api/v3/account/commission."""
    none = {"maker": ZERO, "taker": ZERO, "buyer": ZERO, "seller": ZERO}
    bnb = account.fees.asset == "bnb"
    return {
        "symbol": symbol.name,
        "standardCommission": {**none, "maker": e8(account.fees.maker_e8), "taker": e8(account.fees.taker_e8)},
        "specialCommission": none,
        "taxCommission": none,
        "discount": {
            "enabledForAccount": bnb,
            "enabledForSymbol": bnb,
            "discountAsset": "BNB",
            "discount": "0.75000000",
        },
    }


def listing(s: Symbol) -> dict[str, Any]:
    """A symbol of exchangeInfo."""
    tick, lot, most = s.tick.text(1), s.lot.text(1), s.lot.text(s.max_lots)
    return {
        "symbol": s.name,
        "status": "TRADING",
        "baseAsset": s.base,
        "baseAssetPrecision": 8,
        "quoteAsset": s.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": False,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": s.tick.text(10**9), "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": most, "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": ZERO, "maxQty": most, "stepSize": ZERO},
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": "5",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5",
                "askMultiplierDown": "0.2",
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": e8(s.min_notional_e8),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": s.max_orders},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": STP,
        "allowedSelfTradePreventionModes": [STP],
    }


def exchange_info(symbols: list[Symbol], limits: Limits, ms: int) -> dict[str, Any]:
    """GET /api/v3/exchangeInfo."""
    rates = [w.shown(counted=False) for w in (limits.weight, *limits.orders)]
    return {
        "timezone": "UTC",
        "serverTime": ms,
        "rateLimits": rates,
        "exchangeFilters": [],
        "symbols": [listing(s) for s in symbols],
    }
