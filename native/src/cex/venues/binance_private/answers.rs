//! Answers to order requests (web-socket-api.md, "Response format" and "Trading requests"; errors.md; USD-M:
//! developers.binance.com, websocket API and "Error Code").
//!
//! A success proves that the venue did what was asked, and no more: what an order traded comes by the user data stream,
//! each trade with its id.
//!
//! | refusal | place | cancel, replace |
//! |---|---|---|
//! | status 5xx, 408, code −1006, −1007: "execution status unknown" | Unknown | Unknown |
//! | no such order: −2011 "Unknown order sent.", −2013, −2026 | – | ChangeRejected, nothing is left of it |
//! | post-only would trade: spot −2010 "would immediately match", USD-M −5022; fill-or-kill cannot: USD-M −5021 | Expired | spot replace: Expired, its cancel was carried out; USD-M: Unknown, the venue may have cancelled it |
//! | the client id is taken: −2010 "Duplicate order sent.", USD-M −4116 | Unknown: there is such an order | – |
//! | all others | Rejected | ChangeRejected, it stands |
//!
//! A post-only order that would trade has Expired and is not Rejected: that is its ordinary end in a moving market, and
//! must not count towards the limit on rejects. USD-M says of some 503 that they are failures; they are Unknown here as
//! all others, which costs one question.

use super::Private;
use super::fields::{Head, OrderFields, Token, id, integer, list, lots, nanoseconds, object, text, ticks};
use crate::cex::venues::binance::Market;
use crate::cex::venues::binance_orders::RequestId;
use crate::cex::venues::scan::Reason;
use crate::event::{Action, PrivateNotes, RateKind, RateUse, Receipt, ReceiptKind};
use crate::units::{Lots, Ticks};

/// A wait for a 429 that does not say how long (rest-api.md: one for orders has no `Retry-After`), and for a 418: bans
/// last from two minutes on.
const BACK_OFF_MS: u32 = 1_000;
const BAN_MS: u32 = 120_000;

/// An error as the venue writes it.
#[derive(Default)]
pub(super) struct ErrorFields<'a> {
    pub code: i32,
    pub message: Token<'a>,
    data: Token<'a>,
}

impl<'a> ErrorFields<'a> {
    pub fn read(bytes: Token<'a>) -> Result<ErrorFields<'a>, Reason> {
        let mut e = ErrorFields::default();
        object(bytes, |key, value| match key {
            b"code" => e.code = integer(value).and_then(|c| i32::try_from(c).ok()).unwrap_or(0),
            b"msg" => e.message = value,
            b"data" => e.data = value,
            _ => {}
        })?;
        Ok(e)
    }

    fn says(&self, words: &[u8]) -> bool {
        memchr::memmem::find(self.message, words).is_some()
    }

    /// The venue has no such order. −2011 is also "Order was not canceled due to cancel restrictions.": that one lives.
    fn no_such_order(&self) -> bool {
        matches!(self.code, -2013 | -2026) || (self.code == -2011 && self.says(b"Unknown order"))
    }

    /// An order that may only rest would have traded, or one that must trade could not.
    fn could_not_rest_or_trade(&self, market: Market) -> bool {
        match market {
            Market::Spot => self.code == -2010 && self.says(b"immediately match"),
            Market::UsdM => matches!(self.code, -5022 | -5021),
        }
    }

    fn id_taken(&self, market: Market) -> bool {
        match market {
            Market::Spot => self.code == -2010 && self.says(b"Duplicate order"),
            Market::UsdM => self.code == -4116,
        }
    }
}

/// "Execution status unknown": also of a refusal with the status of a success, which is one that could not be read.
fn fate_unknown(status: i64, code: i32) -> bool {
    !(300..500).contains(&status) || status == 408 || matches!(code, -1006 | -1007)
}

impl Private {
    pub(super) fn order_answer(&self, h: &Head<'_>, notes: &mut PrivateNotes) -> Result<Option<Receipt>, Reason> {
        used(h.limits, notes)?;
        let status = integer(h.status).unwrap_or(0);
        let error = if h.error.is_empty() { ErrorFields::default() } else { ErrorFields::read(h.error)? };
        notes.error = error.code;
        notes.throttled_ms = throttled(status, &error, h.retry_after_s)?;
        let Some(request) = RequestId::read(text(h.id)) else {
            return Ok(None);
        };
        if usize::from(request.instrument) >= self.grids.len() {
            return Err("an answer names an instrument that the lane has not");
        }
        if status == 200 && h.error.is_empty() {
            return self.done(&request, h.result, notes).map(Some);
        }
        let (kind, leaves) = self.refused(&request, status, &error, notes)?;
        Ok(Some(receipt(kind, &request, leaves)))
    }

    fn done(&self, request: &RequestId, result: Token<'_>, notes: &mut PrivateNotes) -> Result<Receipt, Reason> {
        let order = if request.action == Action::Replace && self.market == Market::Spot {
            let mut new: Token<'_> = b"";
            object(result, |key, value| {
                if key == b"newOrderResponse" {
                    new = value;
                }
            })?;
            OrderFields::read(new)?
        } else {
            OrderFields::read(result)?
        };
        notes.venue_order = id(order.venue_id);
        let exch_ns = nanoseconds(order.time);
        if request.action == Action::Cancel {
            return Ok(Receipt { exch_ns, ..receipt(ReceiptKind::Cancelled, request, 0) });
        }
        let grids = &self.grids[usize::from(request.instrument)];
        let (total, px) = (lots(order.total, &grids.quantity)?, ticks(order.price, &grids.price)?);
        let accepted = Receipt { exch_ns, px, ..receipt(ReceiptKind::Accepted, request, total.0) };
        if request.action == Action::Place {
            return Ok(accepted);
        }
        let rest = (total.0 - lots(order.filled, &grids.quantity)?.0).max(0);
        // A modified USD-M order is cancelled if the new total is filled already, or if it is post-only and would trade.
        let (kind, rest) = match (self.market, text(order.status)) {
            (Market::UsdM, b"CANCELED") => (ReceiptKind::Cancelled, 0),
            (Market::UsdM, b"EXPIRED" | b"EXPIRED_IN_MATCH") => (ReceiptKind::Expired, 0),
            _ => (ReceiptKind::Replaced, rest),
        };
        Ok(Receipt { kind, leaves: Lots(rest), ..accepted })
    }

    fn refused(
        &self,
        request: &RequestId,
        status: i64,
        error: &ErrorFields<'_>,
        notes: &mut PrivateNotes,
    ) -> Result<(ReceiptKind, i64), Reason> {
        const UNKNOWN: (ReceiptKind, i64) = (ReceiptKind::Unknown, 1);
        if fate_unknown(status, error.code) {
            return Ok(UNKNOWN);
        }
        Ok(match request.action {
            Action::Place if error.could_not_rest_or_trade(self.market) => (ReceiptKind::Expired, 0),
            Action::Place if error.id_taken(self.market) => UNKNOWN,
            Action::Place => (ReceiptKind::Rejected, 0),
            // −2021 and −2022 on USD-M are about stop prices and reduce-only.
            Action::Replace if self.market == Market::Spot && matches!(error.code, -2021 | -2022) => {
                return replace_failed(error.data, notes);
            }
            Action::Replace if error.could_not_rest_or_trade(self.market) => UNKNOWN,
            Action::Cancel | Action::Replace => change_refused(error),
        })
    }
}

/// An order that stands has something left, how much is not said.
fn change_refused(error: &ErrorFields<'_>) -> (ReceiptKind, i64) {
    (ReceiptKind::ChangeRejected, i64::from(!error.no_such_order()))
}

/// A spot replace of which something failed: `data` says what (web-socket-api.md, "Cancel and replace order").
fn replace_failed(data: Token<'_>, notes: &mut PrivateNotes) -> Result<(ReceiptKind, i64), Reason> {
    let [mut cancel, mut new, mut cancel_error, mut new_error]: [Token<'_>; 4] = [b""; 4];
    object(data, |key, value| match key {
        b"cancelResult" => cancel = value,
        b"newOrderResult" => new = value,
        b"cancelResponse" => cancel_error = value,
        b"newOrderResponse" => new_error = value,
        _ => {}
    })?;
    let (outcome, error) = match (text(cancel), text(new)) {
        (b"FAILURE", b"NOT_ATTEMPTED") => {
            let error = ErrorFields::read(cancel_error)?;
            (change_refused(&error), error)
        }
        (b"SUCCESS", b"FAILURE") => {
            let error = ErrorFields::read(new_error)?;
            let post_only = error.could_not_rest_or_trade(Market::Spot);
            (if post_only { (ReceiptKind::Expired, 0) } else { (ReceiptKind::Cancelled, 0) }, error)
        }
        _ => return Ok((ReceiptKind::Unknown, 1)),
    };
    notes.error = error.code;
    Ok(if fate_unknown(400, error.code) { (ReceiptKind::Unknown, 1) } else { outcome })
}

fn receipt(kind: ReceiptKind, request: &RequestId, leaves: i64) -> Receipt {
    Receipt {
        kind,
        id: request.id,
        instrument: request.instrument,
        side: request.side,
        maker: false,
        exch_ns: 0,
        px: Ticks(0),
        qty: Lots(0),
        leaves: Lots(leaves),
        trade_id: 0,
        queue_joined: -1,
        queue_ahead: -1,
    }
}

/// How long the venue wants no request, if it says so: `retryAfter` is a time in ms (web-socket-api.md, "IP limits").
fn throttled(status: i64, error: &ErrorFields<'_>, retry_after_s: Token<'_>) -> Result<Option<u32>, Reason> {
    if !matches!(status, 429 | 418) && !matches!(error.code, -1003 | -1015) {
        return Ok(None);
    }
    let [mut now, mut until]: [Option<i64>; 2] = [None; 2];
    if error.data.starts_with(b"{") {
        object(error.data, |key, value| match key {
            b"serverTime" => now = integer(value),
            b"retryAfter" => until = integer(value),
            _ => {}
        })?;
    }
    let by_time = until.zip(now).map(|(until, now)| until.saturating_sub(now));
    let by_header = integer(retry_after_s).map(|s| s.saturating_mul(1000));
    let least = if status == 418 { BAN_MS } else { BACK_OFF_MS };
    let ms = by_time.or(by_header).map_or(i64::from(least), |ms| ms.max(1));
    Ok(Some(u32::try_from(ms).unwrap_or(u32::MAX)))
}

/// `rateLimits` of an answer: what counts against orders and request weight.
fn used(limits: Token<'_>, notes: &mut PrivateNotes) -> Result<(), Reason> {
    if !limits.starts_with(b"[") {
        return Ok(());
    }
    let mut at = 0;
    list(limits, |limit| {
        let [mut kind, mut interval, mut number, mut count]: [Token<'_>; 4] = [b""; 4];
        object(limit, |key, value| match key {
            b"rateLimitType" => kind = value,
            b"interval" => interval = value,
            b"intervalNum" => number = value,
            b"count" => count = value,
            _ => {}
        })?;
        let kind = match text(kind) {
            b"ORDERS" => RateKind::Orders,
            b"REQUEST_WEIGHT" => RateKind::Weight,
            _ => return Ok(()),
        };
        let unit_ms: u32 = match text(interval) {
            b"SECOND" => 1_000,
            b"MINUTE" => 60_000,
            b"HOUR" => 3_600_000,
            b"DAY" => 86_400_000,
            _ => return Ok(()),
        };
        let small = |token| integer(token).and_then(|n| u32::try_from(n).ok());
        let interval_ms = small(number).and_then(|n| n.checked_mul(unit_ms));
        if let (Some(interval_ms), Some(count), Some(slot)) = (interval_ms, small(count), notes.used.get_mut(at)) {
            *slot = Some(RateUse { kind, interval_ms, count });
            at += 1;
        }
        Ok(())
    })
}
