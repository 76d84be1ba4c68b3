//! Events of the user data stream: spot `executionReport` (user-data-stream.md, "Order Update"), USD-M
//! `ORDER_TRADE_UPDATE` (developers.binance.com, "Event: Order Update"). The letters are the same; USD-M has them in an
//! object `o`.
//!
//! | execution type | our order | another order |
//! |---|---|---|
//! | `NEW` | Accepted | ignored |
//! | `TRADE`, `CALCULATED` (liquidation, ADL) | Filled | Filled with id 0: it moved our position |
//! | `CANCELED` | Cancelled; ignored where it is the first half of a spot replace | ignored |
//! | `EXPIRED`, `TRADE_PREVENTION` of the rest | Expired | ignored |
//! | `REJECTED` | Expired: it comes only after a replace whose cancel succeeded, so the order is gone | ignored |
//! | `REPLACED`, `AMENDMENT` | Replaced | ignored |
//! | anything else | Unknown: ask | ignored, unless something traded |
//!
//! `TRADE_LITE` repeats what `ORDER_TRADE_UPDATE` says, and balances come by the fills: both are ignored.

use super::Private;
use super::fields::{Token, fee, id, integer, lots, nanoseconds, object, side, text, ticks, traded};
use crate::cex::venues::binance::Market;
use crate::cex::venues::binance_orders::{client_id, replaced_id};
use crate::cex::venues::scan::Reason;
use crate::event::{PrivateNotes, Receipt, ReceiptKind};
use crate::units::{Lots, Ticks};

#[derive(Default)]
struct Fields<'a> {
    kind: Token<'a>,
    event_time: Token<'a>,
    time: Token<'a>,
    symbol: Token<'a>,
    client_id: Token<'a>,
    /// Spot: the order's own where `client_id` names the request that changed it; else empty.
    original_id: Token<'a>,
    side: Token<'a>,
    execution: Token<'a>,
    status: Token<'a>,
    venue_id: Token<'a>,
    total: Token<'a>,
    price: Token<'a>,
    filled: Token<'a>,
    last: Token<'a>,
    last_price: Token<'a>,
    fee: Token<'a>,
    fee_asset: Token<'a>,
    trade_id: Token<'a>,
    maker: Token<'a>,
}

impl<'a> Fields<'a> {
    fn read(event: Token<'a>) -> Result<Fields<'a>, Reason> {
        let mut f = Fields::default();
        let mut inner: Token<'a> = b"";
        object(event, |key, value| match key {
            b"e" => f.kind = value,
            b"E" => f.event_time = value,
            b"o" if value.starts_with(b"{") => inner = value,
            _ => f.take(key, value),
        })?;
        if !inner.is_empty() {
            object(inner, |key, value| f.take(key, value))?;
        }
        Ok(f)
    }

    fn take(&mut self, key: &[u8], value: Token<'a>) {
        let field = match key {
            b"T" => &mut self.time,
            b"s" => &mut self.symbol,
            b"c" => &mut self.client_id,
            b"C" => &mut self.original_id,
            b"S" => &mut self.side,
            b"x" => &mut self.execution,
            b"X" => &mut self.status,
            b"i" => &mut self.venue_id,
            b"q" => &mut self.total,
            b"p" => &mut self.price,
            b"z" => &mut self.filled,
            b"l" => &mut self.last,
            b"L" => &mut self.last_price,
            b"n" => &mut self.fee,
            b"N" => &mut self.fee_asset,
            b"t" => &mut self.trade_id,
            b"m" => &mut self.maker,
            _ => return,
        };
        *field = value;
    }
}

impl Private {
    pub(super) fn event(&self, event: Token<'_>, notes: &mut PrivateNotes) -> Result<Option<Receipt>, Reason> {
        let f = Fields::read(event)?;
        let wanted: &[u8] = match self.market {
            Market::Spot => b"executionReport",
            Market::UsdM => b"ORDER_TRADE_UPDATE",
        };
        let Some(&instrument) = self.ids.get(text(f.symbol)).filter(|_| text(f.kind) == wanted) else {
            return Ok(None);
        };
        let grids = &self.grids[usize::from(instrument)];
        let execution = text(f.execution);
        let traded_now = matches!(execution, b"TRADE" | b"CALCULATED");
        let ours = client_id(text(f.original_id)).or_else(|| client_id(text(f.client_id)));
        let (Some(our_id), false) = (ours, traded_now) else {
            // Of an order that is not ours only what it traded matters. An insurance fund's or ADL's order has other
            // execution types, too.
            let last = if f.last.is_empty() { Lots(0) } else { lots(f.last, &grids.quantity)? };
            if !traded_now && last.0 == 0 {
                return Ok(None);
            }
            if last.0 == 0 {
                return Err("a trade without a quantity");
            }
            let side = side(f.side)?;
            notes.venue_order = id(f.venue_id);
            notes.fee = fee(f.fee, f.fee_asset)?;
            let total = lots(f.total, &grids.quantity)?;
            return Ok(Some(Receipt {
                kind: ReceiptKind::Filled,
                id: ours.unwrap_or(0),
                instrument,
                side,
                maker: f.maker == b"true",
                exch_ns: f.exch_ns(),
                px: traded(f.last_price, &grids.price, side)?,
                qty: last,
                leaves: Lots((total.0 - lots(f.filled, &grids.quantity)?.0).max(0)),
                trade_id: integer(f.trade_id).and_then(|t| u64::try_from(t).ok()).ok_or("a trade without an id")?,
                queue_joined: -1,
                queue_ahead: -1,
            }));
        };
        let rest = lots(f.total, &grids.quantity)?.0 - lots(f.filled, &grids.quantity)?.0;
        let gone = matches!(text(f.status), b"CANCELED" | b"EXPIRED" | b"EXPIRED_IN_MATCH" | b"REJECTED" | b"FILLED");
        let (kind, leaves) = match execution {
            b"NEW" => (ReceiptKind::Accepted, rest),
            b"CANCELED" if replaced_id(text(f.client_id)).is_some() => return Ok(None),
            b"CANCELED" => (ReceiptKind::Cancelled, 0),
            b"EXPIRED" | b"REJECTED" => (ReceiptKind::Expired, 0),
            b"TRADE_PREVENTION" if gone => (ReceiptKind::Expired, 0),
            b"REPLACED" | b"AMENDMENT" => (ReceiptKind::Replaced, rest),
            _ => (ReceiptKind::Unknown, rest),
        };
        notes.venue_order = id(f.venue_id);
        Ok(Some(Receipt {
            kind,
            id: our_id,
            instrument,
            side: side(f.side)?,
            maker: false,
            exch_ns: f.exch_ns(),
            px: if f.price.is_empty() { Ticks(0) } else { ticks(f.price, &grids.price)? },
            qty: Lots(0),
            leaves: Lots(leaves.max(0)),
            trade_id: 0,
            queue_joined: -1,
            queue_ahead: -1,
        }))
    }
}

impl Fields<'_> {
    /// Of the transaction, or else of the event.
    fn exch_ns(&self) -> i64 {
        match nanoseconds(self.time) {
            0 => nanoseconds(self.event_time),
            ns => ns,
        }
    }
}
