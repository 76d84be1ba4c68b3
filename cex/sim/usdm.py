"""USD-M futures as they are written: orders, trades, account, events (developers.binance.com, USDS-M futures)."""

from typing import Any

from cex.sim.account import Account, Position
from cex.sim.filters import LEVERAGE, USDM_DOWN, USDM_UP
from cex.sim.limits import Limits
from cex.sim.orders import BUY, Fill, Order, Told
from cex.sim.symbols import E8, Symbol, digits

STP = "EXPIRE_MAKER"


def e8(amount: int) -> str:
    """An amount of 10⁻⁸."""
    return digits(amount, 8)


def _average(order: Order) -> str:
    return e8(order.quote_e8 * E8 // order.symbol.qty_e8(order.filled)) if order.filled else "0.00"


def shown(order: Order) -> dict[str, Any]:
    """An order, in answers and queries."""
    s, amount = order.symbol, order.symbol.lot.text
    return {
        "orderId": order.id,
        "symbol": s.name,
        "status": order.status,
        "clientOrderId": order.client,
        "price": order.px_text(),
        "avgPrice": _average(order),
        "origQty": amount(order.lots),
        "executedQty": amount(order.filled),
        "cumQty": amount(order.filled),
        "cumQuote": e8(order.quote_e8),
        "timeInForce": order.tif,
        "type": order.kind,
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "side": order.side_name,
        "positionSide": "BOTH",
        "stopPrice": s.tick.text(0),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": order.kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": STP,
        "goodTillDate": 0,
        "time": order.ms,
        "updateTime": order.updated_ms,
    }


def placed(order: Order) -> dict[str, Any]:
    """The answer to a request about an order, RESULT: without `time`."""
    answer = shown(order)
    del answer["time"]
    return answer


def ack(order: Order) -> dict[str, Any]:
    """ACK, which the venue sends by default: as the order was when it was accepted."""
    zero = order.symbol.lot.text(0)
    before = {"status": "NEW", "avgPrice": "0.00", "executedQty": zero, "cumQty": zero, "cumQuote": e8(0)}
    return {**placed(order), **before}


def trade(fill: Fill) -> dict[str, Any]:
    """A trade in userTrades."""
    o = fill.order
    return {
        "symbol": o.symbol.name,
        "id": fill.trade_id,
        "orderId": o.id,
        "side": o.side_name,
        "price": o.symbol.tick.text(fill.px),
        "qty": o.symbol.lot.text(fill.lots),
        "realizedPnl": e8(fill.realized_e8),
        "quoteQty": e8(fill.value_e8),
        "commission": e8(fill.fee_e8),
        "commissionAsset": fill.fee_asset,
        "time": fill.ms,
        "positionSide": "BOTH",
        "buyer": o.side == BUY,
        "maker": fill.maker,
    }


def entry(position: Position, s: Symbol) -> str:
    """Average price of what is open."""
    return e8(position.cost_e8 * E8 // s.qty_e8(position.lots)) if position.lots else "0.0"


def events(told: Told, account: Account) -> list[dict[str, Any]]:
    """ORDER_TRADE_UPDATE; of a trade after TRADE_LITE and ACCOUNT_UPDATE, as the venue sends them."""
    o, f, s, ms = told.order, told.fill, told.order.symbol, told.ms
    amount, px = s.lot.text, s.tick.text
    body: dict[str, Any] = {
        "s": s.name, "c": o.client, "S": o.side_name, "o": o.kind, "f": o.tif, "q": amount(o.lots), "p": o.px_text(),
        "ap": "0" if told.execution == "NEW" else _average(o), "sp": "0", "x": told.execution,
        "X": "NEW" if told.execution == "NEW" else o.status, "i": o.id,
        "l": amount(f.lots if f else 0), "z": amount(o.filled), "L": px(f.px) if f else "0", "T": o.updated_ms,
        "t": f.trade_id if f else 0, "b": "0", "a": "0", "m": bool(f and f.maker), "R": o.reduce_only,
        "wt": "CONTRACT_PRICE", "ot": o.kind, "ps": "BOTH", "cp": False, "rp": e8(f.realized_e8) if f else "0",
        "pP": False, "si": 0, "ss": 0, "V": STP, "pm": "NONE", "gtd": 0,
    }  # fmt: skip
    if f:
        body |= {"N": f.fee_asset, "n": e8(f.fee_e8)}
    update = {"e": "ORDER_TRADE_UPDATE", "E": ms, "T": o.updated_ms, "o": body}
    if f is None:
        return [update]
    lite = {
        "e": "TRADE_LITE", "E": ms, "T": f.ms, "s": s.name, "q": amount(o.lots), "p": o.px_text(), "m": f.maker,
        "c": o.client, "S": o.side_name, "L": px(f.px), "l": amount(f.lots), "t": f.trade_id, "i": o.id,
    }  # fmt: skip
    position, wallet = account.positions[s.name], e8(account.total_e8.get(s.quote, 0))
    changed = {
        "m": "ORDER",
        "B": [{"a": s.quote, "wb": wallet, "cw": wallet, "bc": "0"}],
        "P": [
            {
                "s": s.name, "pa": amount(position.lots), "ep": entry(position, s), "bep": entry(position, s),
                "cr": e8(position.realized_e8), "up": "0", "mt": "cross", "iw": "0", "ps": "BOTH",
            }
        ],
    }  # fmt: skip
    return [lite, {"e": "ACCOUNT_UPDATE", "E": ms, "T": f.ms, "a": changed}, update]


def position_risk(account: Account, s: Symbol, mid2: int, ms: int) -> dict[str, Any]:
    """GET /fapi/v2 and v3/positionRisk: one instrument; the mark is the middle of the book."""
    p = account.positions[s.name]
    worth = s.value_e8(mid2, p.lots) // 2
    return {
        "symbol": s.name,
        "positionSide": "BOTH",
        "positionAmt": s.lot.text(p.lots),
        "entryPrice": entry(p, s),
        "breakEvenPrice": entry(p, s),
        "markPrice": e8(mid2 * s.tick.e8() // 2),
        "unRealizedProfit": e8(worth - p.cost_e8),
        "liquidationPrice": "0",
        "leverage": str(LEVERAGE),
        "maxNotionalValue": "10000000",
        "marginType": "cross",
        "isolatedMargin": e8(0),
        "isAutoAddMargin": "false",
        "notional": e8(worth),
        "isolatedWallet": "0",
        "marginAsset": s.quote,
        "updateTime": ms,
    }


def balance(account: Account, ms: int) -> list[dict[str, Any]]:
    """GET /fapi/v2 and v3/balance."""
    return [
        {
            "accountAlias": "sim",
            "asset": asset,
            "balance": e8(total),
            "crossWalletBalance": e8(total),
            "crossUnPnl": e8(0),
            "availableBalance": e8(total),
            "maxWithdrawAmount": e8(total),
            "marginAvailable": True,
            "updateTime": ms,
        }
        for asset, total in sorted(account.total_e8.items())
    ]


def account_info(account: Account, symbols: list[Symbol], mids2: dict[str, int], ms: int) -> dict[str, Any]:
    """GET /fapi/v2 and v3/account."""
    wallet = sum(account.total_e8.values())
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "multiAssetsMargin": False,
        "totalWalletBalance": e8(wallet),
        "totalMarginBalance": e8(wallet),
        "availableBalance": e8(wallet),
        "assets": [
            {"asset": a, "walletBalance": e8(t), "marginBalance": e8(t), "availableBalance": e8(t)}
            for a, t in sorted(account.total_e8.items())
        ],
        "positions": [position_risk(account, s, mids2[s.name], ms) for s in symbols],
        "updateTime": ms,
    }


def commission(account: Account, s: Symbol) -> dict[str, Any]:
    """GET /fapi/v1/commissionRate."""
    maker, taker = (digits(rate // 100, 6) for rate in (account.fees.maker_e8, account.fees.taker_e8))
    return {"symbol": s.name, "makerCommissionRate": maker, "takerCommissionRate": taker}


def listing(s: Symbol) -> dict[str, Any]:
    """A symbol of exchangeInfo."""
    tick, lot, most = s.tick.text(1), s.lot.text(1), s.lot.text(s.max_lots)
    up, down = (digits(n * 10_000 // d, 4) for n, d in (USDM_UP, USDM_DOWN))
    return {
        "symbol": s.name,
        "pair": s.name,
        "contractType": "PERPETUAL",
        "status": "TRADING",
        "baseAsset": s.base,
        "quoteAsset": s.quote,
        "marginAsset": s.quote,
        "pricePrecision": s.tick.decimals,
        "quantityPrecision": s.lot.decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": s.tick.text(10**9), "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": most, "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": most, "stepSize": lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": s.max_orders},
            {"filterType": "MIN_NOTIONAL", "notional": str(s.min_notional_e8 // E8)},
            {"filterType": "PERCENT_PRICE", "multiplierUp": up, "multiplierDown": down, "multiplierDecimal": "4"},
        ],
    }


def exchange_info(symbols: list[Symbol], limits: Limits, ms: int) -> dict[str, Any]:
    """GET /fapi/v1/exchangeInfo."""
    return {
        "timezone": "UTC",
        "serverTime": ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [w.shown(counted=False) for w in (limits.weight, *limits.orders)],
        "exchangeFilters": [],
        "assets": [{"asset": q, "marginAvailable": True} for q in sorted({s.quote for s in symbols})],
        "symbols": [listing(s) for s in symbols],
    }
