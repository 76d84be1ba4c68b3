//! Bodies of REST answers to what a lane asks.

use super::answers::ErrorFields;
use super::fields::{OrderFields, Token, fee, id, list, lots, nanoseconds, object, side, text, ticks};
use super::{Private, VenueError};
use crate::cex::reconcile::{Answer, VenueOrder, VenueStatus, VenueTrade};
use crate::cex::venues::binance::Market;
use crate::cex::venues::binance_orders::client_id;
use crate::cex::venues::scan::Reason;
use crate::event::{Ask, InstrumentId, TimeInForce};
use crate::units::Decimal;

/// Assets that symbols end with, for symbols whose base asset nobody gave (see [`Private::with_assets`]). As quoted on
/// Binance spot, read on 2026-11-22.
const QUOTES: [&str; 24] = [
    "USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USDP", "DAI", "EURI", "USD1", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL",
    "ARS", "JPY", "MXN", "PLN", "ZAR", "RON", "CZK", "UAH", "AEUR",
];

/// The base asset by the symbol's end.
pub(super) fn base_asset(symbol: &str) -> Option<String> {
    let quotes = QUOTES.iter().filter(|q| symbol.len() > q.len() && symbol.ends_with(**q));
    quotes.max_by_key(|q| q.len()).map(|q| symbol[..symbol.len() - q.len()].to_owned())
}

impl Private {
    pub(super) fn asked(
        &self,
        ask: Ask,
        instrument: InstrumentId,
        status: u16,
        body: &[u8],
    ) -> Result<Answer, VenueError> {
        if let Err(e) = granted(status, body) {
            // errors.md: −2013 "Order does not exist."; −2026: it did, traded nothing and is archived.
            let none = matches!(ask, Ask::Order(_) | Ask::VenueOrder(_)) && matches!(e.code, -2013 | -2026);
            return if none { Ok(Answer::Order(None)) } else { Err(e) };
        }
        let read = match ask {
            Ask::OpenOrders => {
                let mut orders = Vec::new();
                list(body, |order| {
                    orders.push(self.order(instrument, order)?);
                    Ok(())
                })
                .map(|()| Answer::OpenOrders(orders))
            }
            Ask::Order(_) | Ask::VenueOrder(_) => self.order(instrument, body).map(|o| Answer::Order(Some(o))),
            Ask::Trades { .. } => self.trades(instrument, body).map(Answer::Trades),
            Ask::Position if self.market == Market::Spot => {
                self.balance(instrument, body).map(|base_e8| Answer::Position { base_e8 })
            }
            Ask::Position => self.position(instrument, body).map(|base_e8| Answer::Position { base_e8 }),
            Ask::Countdown { .. } if self.market == Market::Spot => Err("spot has no countdown: set none for it"),
            Ask::Countdown { .. } => Ok(Answer::Countdown),
        };
        read.map_err(|reason| unreadable(status, reason))
    }

    fn order(&self, instrument: InstrumentId, body: Token<'_>) -> Result<VenueOrder, Reason> {
        let o = OrderFields::read(body)?;
        self.is_of(instrument, o.symbol)?;
        let grids = &self.grids[usize::from(instrument)];
        let tif = match (text(o.kind), text(o.tif)) {
            (b"LIMIT_MAKER", _) | (_, b"GTX") => TimeInForce::Gtx,
            (b"MARKET", _) | (_, b"IOC") => TimeInForce::Ioc,
            (_, b"FOK") => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        };
        let status = match text(o.status) {
            b"NEW" | b"PARTIALLY_FILLED" | b"PENDING_NEW" | b"PENDING_CANCEL" => VenueStatus::Open,
            b"FILLED" => VenueStatus::Filled,
            b"CANCELED" => VenueStatus::Cancelled,
            b"REJECTED" => VenueStatus::Rejected,
            b"EXPIRED" | b"EXPIRED_IN_MATCH" => VenueStatus::Expired,
            _ => return Err("an order's status is none that is known"),
        };
        Ok(VenueOrder {
            id: client_id(text(o.client_id)),
            venue_id: id(o.venue_id),
            instrument,
            side: side(o.side)?,
            tif,
            reduce_only: o.reduce_only == b"true",
            px: ticks(o.price, &grids.price)?,
            qty: lots(o.total, &grids.quantity)?,
            filled: lots(o.filled, &grids.quantity)?,
            status,
            exch_ns: nanoseconds(o.time),
        })
    }

    /// Spot `myTrades`, USD-M `userTrades`: the flags are named differently.
    fn trades(&self, instrument: InstrumentId, body: Token<'_>) -> Result<Vec<VenueTrade>, Reason> {
        let grids = &self.grids[usize::from(instrument)];
        let mut trades = Vec::new();
        list(body, |trade| {
            let [mut symbol, mut trade_id, mut order, mut px, mut qty, mut paid]: [Token<'_>; 6] = [b""; 6];
            let [mut asset, mut time, mut buyer, mut maker]: [Token<'_>; 4] = [b""; 4];
            object(trade, |key, value| match key {
                b"symbol" => symbol = value,
                b"id" => trade_id = value,
                b"orderId" => order = value,
                b"price" => px = value,
                b"qty" => qty = value,
                b"commission" => paid = value,
                b"commissionAsset" => asset = value,
                b"time" => time = value,
                b"isBuyer" | b"buyer" => buyer = value,
                b"isMaker" | b"maker" => maker = value,
                _ => {}
            })?;
            self.is_of(instrument, symbol)?;
            let side = match buyer {
                b"true" => crate::event::Side::Buy,
                b"false" => crate::event::Side::Sell,
                _ => return Err("a trade does not say whether we bought"),
            };
            trades.push(VenueTrade {
                trade_id: super::fields::integer(trade_id)
                    .and_then(|t| u64::try_from(t).ok())
                    .ok_or("a trade without an id")?,
                venue_order: id(order),
                instrument,
                side,
                px: super::fields::traded(px, &grids.price, side)?,
                qty: lots(qty, &grids.quantity)?,
                maker: maker == b"true",
                exch_ns: nanoseconds(time),
                fee: fee(paid, asset)?.unwrap_or_default(),
            });
            Ok(())
        })?;
        trades.sort_by_key(|t| t.trade_id);
        Ok(trades)
    }

    /// Spot: free and locked of the base asset. An asset that is not listed is one of which there is nothing.
    fn balance(&self, instrument: InstrumentId, body: Token<'_>) -> Result<i128, Reason> {
        let base = self.assets[usize::from(instrument)]
            .as_deref()
            .ok_or("the symbol does not show its base asset: give the assets of the lane's instruments")?;
        let mut balances: Token<'_> = b"";
        object(body, |key, value| {
            if key == b"balances" {
                balances = value;
            }
        })?;
        let mut sum = 0;
        list(balances, |balance| {
            let [mut asset, mut free, mut locked]: [Token<'_>; 3] = [b""; 3];
            object(balance, |key, value| match key {
                b"asset" => asset = value,
                b"free" => free = value,
                b"locked" => locked = value,
                _ => {}
            })?;
            if text(asset) == base.as_bytes() {
                sum += e8(free)? + e8(locked)?;
            }
            Ok(())
        })?;
        Ok(sum)
    }

    /// USD-M: the position in one-way mode. A symbol without position and orders is not listed.
    fn position(&self, instrument: InstrumentId, body: Token<'_>) -> Result<i128, Reason> {
        let mut held = 0;
        list(body, |position| {
            let [mut symbol, mut amount, mut mode]: [Token<'_>; 3] = [b""; 3];
            object(position, |key, value| match key {
                b"symbol" => symbol = value,
                b"positionAmt" => amount = value,
                b"positionSide" => mode = value,
                _ => {}
            })?;
            self.is_of(instrument, symbol)?;
            if !matches!(text(mode), b"BOTH" | b"") {
                return Err(
                    "the account is in hedge mode: switch it to one-way mode (POST /fapi/v1/positionSide/dual)",
                );
            }
            held += e8(amount)?;
            Ok(())
        })?;
        Ok(held)
    }

    fn is_of(&self, instrument: InstrumentId, symbol: Token<'_>) -> Result<(), Reason> {
        match self.ids.get(text(symbol)) {
            Some(&i) if i == instrument => Ok(()),
            _ => Err("an answer is about another symbol than was asked for"),
        }
    }
}

/// The listen key of `{"listenKey":"…"}`; empty where the answer names none.
pub(super) fn listen_key(status: u16, body: &[u8]) -> Result<String, VenueError> {
    granted(status, body)?;
    let mut key: Token<'_> = b"";
    object(body, |k, value| {
        if k == b"listenKey" {
            key = value;
        }
    })
    .map_err(|reason| unreadable(status, reason))?;
    // It becomes part of a path.
    if !text(key).iter().all(u8::is_ascii_alphanumeric) {
        return Err(unreadable(status, "a listen key has characters that a path cannot have"));
    }
    Ok(String::from_utf8_lossy(text(key)).into_owned())
}

/// Whether the answer is one, or says why not.
fn granted(status: u16, body: &[u8]) -> Result<(), VenueError> {
    let said = if body.trim_ascii_start().starts_with(b"{") { ErrorFields::read(body).ok() } else { None };
    match said {
        _ if status == 0 => Err(VenueError { status, code: 0, text: "no answer came".into() }),
        // Some USD-M requests answer with {"code":200,"msg":"done"}.
        Some(e) if e.code < 0 || status != 200 => Err(VenueError { status, code: e.code, text: message(e.message) }),
        None if status != 200 => {
            let text = format!("HTTP {status} with {} bytes that are not JSON: a firewall or a proxy", body.len());
            Err(VenueError { status, code: 0, text })
        }
        _ => Ok(()),
    }
}

fn unreadable(status: u16, reason: Reason) -> VenueError {
    VenueError { status, code: 0, text: reason.to_owned() }
}

/// The venue's own words, at most 200 characters of them.
pub(super) fn message(token: Token<'_>) -> String {
    let words: String = serde_json::from_slice(token).unwrap_or_default();
    words.chars().take(200).collect()
}

fn e8(token: Token<'_>) -> Result<i128, Reason> {
    let amount = Decimal::parse(text(token)).map_err(|_| "an amount is not a number")?;
    Ok(amount.floor_scaled(8))
}
