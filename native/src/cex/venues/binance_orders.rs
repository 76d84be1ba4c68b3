//! Binance's websocket API, spot and USD-M futures: Intent to the bytes of one request.
//!
//! The request is whole on a connection that has logged on (`session.logon`, Ed25519 keys): there `apiKey` and
//! `signature` are left out of each request, and `timestamp` is what remains. Logging on, and requests that are signed
//! one by one, come with live trading.
//!
//! | Intent | spot (web-socket-api.md) | USD-M (developers.binance.com, websocket API) |
//! |---|---|---|
//! | place | `order.place` | `order.place` |
//! | post-only | type `LIMIT_MAKER` | `timeInForce` `GTX` |
//! | reduce-only | refused: spot has no positions | `reduceOnly` `"true"` (one-way mode; hedge mode rejects it) |
//! | cancel | `order.cancel` | `order.cancel` |
//! | replace | `order.cancelReplace` | `order.modify` |
//!
//! The quantity of a replace is the order's new total, what is filled included. `order.modify` means the same: at or
//! below what is filled the venue cancels the order. On spot the new order is another one and would get the whole
//! total again, so the cancel is restricted to orders of which nothing is filled (`ONLY_NEW`) and a failed cancel
//! places nothing (`STOP_ON_FAILURE`): a fill that crosses the request turns it into a refused change, never into
//! more than was meant. A cancelled order gives its client id back (spot, "Cancel order"), so the new one takes it
//! over. `order.amend.keepPriority` is not used: it may only lower the quantity at the same price, and an Intent does
//! not say what the order was.

use std::fmt;

use crate::cex::venues::binance::Market;
use crate::event::{Action, ClientId, Intent, Side, TimeInForce};
use crate::units::{Decimal, InstrumentSpec};

/// Why an intent has no bytes at this venue; nothing of it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsupported {
    /// Reduce-only on spot.
    ReduceOnly,
    /// A replace of an order that never rests.
    Immediate,
    /// No order id, no positive price or quantity, or no time.
    NotPositive,
    /// A price or quantity with more digits than fit.
    TooLarge,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unsupported::ReduceOnly => "spot has no reduce-only orders: send it without, within the position",
            Unsupported::Immediate => "an order that does not rest cannot be replaced",
            Unsupported::NotPositive => "the order id, the price, the quantity and the time must be positive",
            Unsupported::TooLarge => "the price or quantity has more digits than fit",
        })
    }
}
impl std::error::Error for Unsupported {}

/// Bytes of a client order id: `se-` and 16 hexadecimal digits, within the venue's `^[\.A-Z\:/a-z0-9_-]{1,36}$`. The
/// first four digits are the lane (see [`crate::cex::orders::first_id`]).
pub const CLIENT_ID_BYTES: usize = 19;
const PREFIX: &[u8; 3] = b"se-";

/// The client order id as the venue sees it.
#[must_use]
pub fn client_id_text(id: ClientId) -> [u8; CLIENT_ID_BYTES] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; CLIENT_ID_BYTES];
    text[..3].copy_from_slice(PREFIX);
    for (i, c) in text[3..].iter_mut().enumerate() {
        *c = HEX[(id >> (60 - 4 * i)) as usize & 15];
    }
    text
}

/// Our order id in a client order id that [`client_id_text`] wrote; `None` for an order that is not ours.
#[must_use]
pub fn client_id(text: &[u8]) -> Option<ClientId> {
    let digits = text.strip_prefix(PREFIX).filter(|d| d.len() == 16)?;
    let mut id = 0;
    for c in digits {
        let digit = match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'f' => c - b'a' + 10,
            _ => return None,
        };
        id = id << 4 | u64::from(digit);
    }
    (id != 0).then_some(id)
}

/// A tick or lot size for writing: a whole number of `10^-decimals`.
#[derive(Clone, Copy, Debug)]
struct Step {
    mantissa: u64,
    decimals: usize,
}

/// Room for the digits of a `u64` and a dot.
const ROOM: usize = 24;

impl Step {
    fn new(step: Decimal) -> Option<Step> {
        let step = step.normalized();
        let mantissa = u64::try_from(step.mantissa).ok().filter(|m| *m > 0)?;
        // one digit before the dot and no more than a u64 has
        (step.scale <= 18).then_some(Step { mantissa, decimals: usize::from(step.scale) })
    }

    /// Appends `steps` of these as digits, with as many decimals as the step has.
    fn put(&self, steps: i64, out: &mut Vec<u8>) -> Result<(), Unsupported> {
        let steps = u64::try_from(steps).ok().filter(|s| *s > 0).ok_or(Unsupported::NotPositive)?;
        let mut rest = steps.checked_mul(self.mantissa).ok_or(Unsupported::TooLarge)?;
        let mut text = [0u8; ROOM];
        let (mut at, mut written) = (ROOM, 0);
        while rest > 0 || written <= self.decimals {
            if written == self.decimals && written > 0 {
                at -= 1;
                text[at] = b'.';
            }
            at -= 1;
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            written += 1;
        }
        out.extend_from_slice(&text[at..]);
        Ok(())
    }
}

/// Writes the requests of one instrument.
#[derive(Clone, Debug)]
pub struct Encoder {
    market: Market,
    /// `"params":{"symbol":"…"`, which every request has.
    params: Vec<u8>,
    price: Step,
    quantity: Step,
}

impl Encoder {
    /// # Errors
    /// A tick or lot that is not positive or has more than 18 decimals; a symbol that JSON would have to escape.
    pub fn new(market: Market, spec: &InstrumentSpec) -> Result<Encoder, String> {
        let step = |name: &str, step: Decimal| {
            Step::new(step)
                .ok_or_else(|| format!("{}: {name} {step} must be positive, with 18 decimals at most", spec.symbol))
        };
        let symbol = spec.symbol.to_uppercase();
        if symbol.is_empty() || symbol.chars().any(|c| c.is_control() || matches!(c, '"' | '\\')) {
            return Err(format!("{symbol:?} is not a symbol"));
        }
        let params = format!("\"params\":{{\"symbol\":\"{symbol}\"").into_bytes();
        Ok(Encoder { market, params, price: step("tick", spec.tick)?, quantity: step("lot", spec.lot)? })
    }

    /// Appends the request to `out`, without allocating once `out` has its size. Its `id`, which the venue's answer
    /// repeats, is `p`, `c` or `r` (for the action) and the client order id. `timestamp_ms` is the time of sending,
    /// milliseconds since 1970.
    ///
    /// # Errors
    /// What the venue cannot do; `out` is then as it was.
    pub fn encode(&self, intent: &Intent, timestamp_ms: i64, out: &mut Vec<u8>) -> Result<(), Unsupported> {
        let start = out.len();
        let done = self.request(intent, timestamp_ms, out);
        if done.is_err() {
            out.truncate(start);
        }
        done
    }

    fn request(&self, i: &Intent, timestamp_ms: i64, out: &mut Vec<u8>) -> Result<(), Unsupported> {
        let spot = self.market == Market::Spot;
        if i.id == 0 || timestamp_ms <= 0 {
            return Err(Unsupported::NotPositive);
        }
        if spot && i.reduce_only && i.action != Action::Cancel {
            return Err(Unsupported::ReduceOnly);
        }
        if i.action == Action::Replace && matches!(i.tif, TimeInForce::Ioc | TimeInForce::Fok) {
            return Err(Unsupported::Immediate);
        }
        let id = client_id_text(i.id);
        let (letter, method): (&[u8], &[u8]) = match (i.action, spot) {
            (Action::Place, _) => (b"{\"id\":\"p", b"\",\"method\":\"order.place\","),
            (Action::Cancel, _) => (b"{\"id\":\"c", b"\",\"method\":\"order.cancel\","),
            (Action::Replace, true) => (b"{\"id\":\"r", b"\",\"method\":\"order.cancelReplace\","),
            (Action::Replace, false) => (b"{\"id\":\"r", b"\",\"method\":\"order.modify\","),
        };
        out.extend_from_slice(letter);
        out.extend_from_slice(&id);
        out.extend_from_slice(method);
        out.extend_from_slice(&self.params);
        match (i.action, spot) {
            (Action::Place, _) => {}
            (Action::Replace, true) => {
                out.extend_from_slice(
                    b",\"cancelReplaceMode\":\"STOP_ON_FAILURE\",\"cancelRestrictions\":\"ONLY_NEW\",\
                      \"cancelOrigClientOrderId\":\"",
                );
                out.extend_from_slice(&id);
                out.push(b'"');
            }
            (Action::Replace | Action::Cancel, _) => {
                out.extend_from_slice(b",\"origClientOrderId\":\"");
                out.extend_from_slice(&id);
                out.push(b'"');
            }
        }
        if i.action != Action::Cancel {
            self.terms(i, &id, out)?;
        }
        out.extend_from_slice(b",\"timestamp\":");
        Step { mantissa: 1, decimals: 0 }.put(timestamp_ms, out)?;
        out.extend_from_slice(b"}}");
        Ok(())
    }

    /// Side, price and quantity; and of a new order its type and id.
    fn terms(&self, i: &Intent, id: &[u8], out: &mut Vec<u8>) -> Result<(), Unsupported> {
        out.extend_from_slice(match i.side {
            Side::Buy => b",\"side\":\"BUY\"",
            Side::Sell => b",\"side\":\"SELL\"",
        });
        let new = i.action == Action::Place || self.market == Market::Spot;
        if new {
            out.extend_from_slice(match (i.tif, self.market) {
                (TimeInForce::Gtc, _) => b",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\"",
                (TimeInForce::Ioc, _) => b",\"type\":\"LIMIT\",\"timeInForce\":\"IOC\"",
                (TimeInForce::Fok, _) => b",\"type\":\"LIMIT\",\"timeInForce\":\"FOK\"",
                (TimeInForce::Gtx, Market::UsdM) => b",\"type\":\"LIMIT\",\"timeInForce\":\"GTX\"",
                (TimeInForce::Gtx, Market::Spot) => b",\"type\":\"LIMIT_MAKER\"".as_slice(),
            });
        }
        out.extend_from_slice(b",\"price\":\"");
        self.price.put(i.px.0, out)?;
        out.extend_from_slice(b"\",\"quantity\":\"");
        self.quantity.put(i.qty.0, out)?;
        out.push(b'"');
        if new {
            out.extend_from_slice(b",\"newClientOrderId\":\"");
            out.extend_from_slice(id);
            out.push(b'"');
            if i.reduce_only {
                out.extend_from_slice(b",\"reduceOnly\":\"true\"");
            }
        }
        Ok(())
    }
}
