//! Binance's order requests, spot and USD-M futures: Intent to the bytes of one websocket API request, or to the query
//! of one REST request.
//!
//! On a connection that has logged on (`session.logon`, Ed25519 keys) a request goes without `apiKey` and `signature`
//! ([`Encoder::encode`]); otherwise each one is signed ([`Encoder::encode_signed`]).
//!
//! | Intent | spot (web-socket-api.md) | USD-M (developers.binance.com, websocket API) |
//! |---|---|---|
//! | place | `order.place` | `order.place` |
//! | post-only | type `LIMIT_MAKER` | `timeInForce` `GTX` |
//! | reduce-only | without the flag, which spot has not: the Gate has proven that it only reduces the lane's position, which on spot is what its fills have added to, or taken from, what was held before them | `reduceOnly` `"true"` (one-way mode; hedge mode rejects it) |
//! | cancel | `order.cancel` | `order.cancel` |
//! | replace | `order.cancelReplace` | `order.modify` |
//!
//! The quantity of a replace is the order's new total, what is filled included. `order.modify` means the same: at or
//! below what is filled the venue cancels the order. On spot the new order is another one and would get the whole
//! total again, so the cancel is restricted to orders of which nothing is filled (`ONLY_NEW`) and a failed cancel
//! places nothing (`STOP_ON_FAILURE`): a fill that crosses the request turns it into a refused change, never into
//! more than was meant. A cancelled order gives its client id back (spot, "Cancel order"), so the new one takes it
//! over; the cancel itself is named `r` and that id, which tells its event on the user data stream from the end of the
//! order. `order.amend.keepPriority` is not used: it may only lower the quantity at the same price, and an Intent does
//! not say what the order was.
//!
//! What the answer holds (`newOrderRespType`): on USD-M `ACK`, which has the whole order as it was accepted; on spot
//! `RESULT`, because `ACK` leaves out side, price and quantity. Fills are not read from answers but from the user data
//! stream, which has each with its trade id.

mod sink;

pub use sink::percent_encoded;
use sink::{Form, Sink, Step};

use std::fmt;

use crate::cex::venues::binance::Market;
use crate::cex::venues::binance_sign::Credentials;
use crate::event::{Action, ClientId, InstrumentId, Intent, Side, TimeInForce};
use crate::units::{Decimal, InstrumentSpec};

/// Why an intent has no bytes at this venue; nothing of it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsupported {
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

/// What a request's id says, because the answer to a refused one says nothing of the order: `p`, `c` or `r` for the
/// action, the client order id, `b` or `s` for the side, and the instrument in the lane as four hexadecimal digits. The
/// venue repeats it as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestId {
    pub action: Action,
    pub id: ClientId,
    pub side: Side,
    pub instrument: InstrumentId,
}

/// Bytes of a request's id; the venue takes 36.
pub const REQUEST_ID_BYTES: usize = CLIENT_ID_BYTES + 6;

impl RequestId {
    #[must_use]
    pub fn of(i: &Intent) -> RequestId {
        RequestId { action: i.action, id: i.id, side: i.side, instrument: i.instrument }
    }

    #[must_use]
    pub fn text(&self) -> [u8; REQUEST_ID_BYTES] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; REQUEST_ID_BYTES];
        text[0] = match self.action {
            Action::Place => b'p',
            Action::Cancel => b'c',
            Action::Replace => b'r',
        };
        text[1..=CLIENT_ID_BYTES].copy_from_slice(&client_id_text(self.id));
        text[CLIENT_ID_BYTES + 1] = if self.side == Side::Buy { b'b' } else { b's' };
        for (i, c) in text[CLIENT_ID_BYTES + 2..].iter_mut().enumerate() {
            *c = HEX[usize::from(self.instrument >> (12 - 4 * i)) & 15];
        }
        text
    }

    /// `None` for an id that [`RequestId::text`] did not write.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<RequestId> {
        let text: &[u8; REQUEST_ID_BYTES] = text.try_into().ok()?;
        let action = match text[0] {
            b'p' => Action::Place,
            b'c' => Action::Cancel,
            b'r' => Action::Replace,
            _ => return None,
        };
        let side = match text[CLIENT_ID_BYTES + 1] {
            b'b' => Side::Buy,
            b's' => Side::Sell,
            _ => return None,
        };
        let digits = &text[CLIENT_ID_BYTES + 2..];
        let instrument = digits.iter().try_fold(0, |n, c| Some(n << 4 | (*c as char).to_digit(16)? as InstrumentId))?;
        Some(RequestId { action, id: client_id(&text[1..=CLIENT_ID_BYTES])?, side, instrument })
    }
}

/// Writes the requests of one instrument.
#[derive(Clone, Debug)]
pub struct Encoder {
    market: Market,
    symbol: Vec<u8>,
    /// The same for a URL.
    symbol_query: Vec<u8>,
    price: Step,
    quantity: Step,
    recv_window_ms: Option<u32>,
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
        let (price, quantity) = (step("tick", spec.tick)?, step("lot", spec.lot)?);
        let symbol_query = percent_encoded(symbol.as_bytes());
        Ok(Encoder { market, symbol: symbol.into_bytes(), symbol_query, price, quantity, recv_window_ms: None })
    }

    /// How old a request may be when the venue reads it; at most 60,000 ms there, and 5,000 where none is given.
    #[must_use]
    pub fn with_recv_window(self, recv_window_ms: u32) -> Encoder {
        Encoder { recv_window_ms: Some(recv_window_ms), ..self }
    }

    /// Appends the request for a connection that has logged on to `out`, without allocating once `out` has its size.
    /// Its `id`, which the venue's answer repeats, is a [`RequestId`]. `timestamp_ms` is the time of sending,
    /// milliseconds since 1970.
    ///
    /// # Errors
    /// What the venue cannot do; `out` is then as it was.
    pub fn encode(&self, intent: &Intent, timestamp_ms: i64, out: &mut Vec<u8>) -> Result<(), Unsupported> {
        undone(out, |out| self.request(intent, timestamp_ms, None, out))
    }

    /// The same, signed with `keys`, for a connection that has not logged on.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn encode_signed(
        &self,
        intent: &Intent,
        timestamp_ms: i64,
        keys: &Credentials,
        out: &mut Vec<u8>,
    ) -> Result<(), Unsupported> {
        undone(out, |out| self.request(intent, timestamp_ms, Some(keys), out))
    }

    /// Appends what is between `?` and `&signature=` of the same request over REST.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn query(&self, intent: &Intent, timestamp_ms: i64, out: &mut Vec<u8>) -> Result<(), Unsupported> {
        undone(out, |out| self.params(intent, timestamp_ms, None, Sink::new(Form::Query, out)))
    }

    fn request(
        &self,
        i: &Intent,
        timestamp_ms: i64,
        keys: Option<&Credentials>,
        out: &mut Vec<u8>,
    ) -> Result<(), Unsupported> {
        let start = out.len();
        let signature = match keys {
            Some(keys) => {
                // The payload uses the room that the request is written to afterwards.
                self.params(i, timestamp_ms, Some(keys), Sink::new(Form::Payload, out))?;
                let signature = keys.signature(&out[start..]);
                out.truncate(start);
                Some(signature)
            }
            None => None,
        };
        out.extend_from_slice(b"{\"id\":\"");
        out.extend_from_slice(&RequestId::of(i).text());
        out.extend_from_slice(match (i.action, self.market) {
            (Action::Place, _) => b"\",\"method\":\"order.place\",\"params\":{".as_slice(),
            (Action::Cancel, _) => b"\",\"method\":\"order.cancel\",\"params\":{",
            (Action::Replace, Market::Spot) => b"\",\"method\":\"order.cancelReplace\",\"params\":{",
            (Action::Replace, Market::UsdM) => b"\",\"method\":\"order.modify\",\"params\":{",
        });
        self.params(i, timestamp_ms, keys, Sink::new(Form::Json, out))?;
        if let Some(signature) = signature {
            out.extend_from_slice(b",\"signature\":\"");
            out.extend_from_slice(signature.bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b"}}");
        Ok(())
    }

    /// All parameters but the signature, in alphabetical order.
    fn params(
        &self,
        i: &Intent,
        timestamp_ms: i64,
        keys: Option<&Credentials>,
        mut to: Sink<'_>,
    ) -> Result<(), Unsupported> {
        let spot = self.market == Market::Spot;
        if i.id == 0 || timestamp_ms <= 0 {
            return Err(Unsupported::NotPositive);
        }
        if i.action == Action::Replace && matches!(i.tif, TimeInForce::Ioc | TimeInForce::Fok) {
            return Err(Unsupported::Immediate);
        }
        let id = client_id_text(i.id);
        let replaces = i.action == Action::Replace && spot;
        let new = i.action == Action::Place || replaces;
        if let Some(keys) = keys {
            to.text("apiKey", keys.api_key().as_bytes());
        }
        if replaces {
            to.text("cancelNewClientOrderId", &replaced_text(i.id));
            to.text("cancelOrigClientOrderId", &id);
            to.text("cancelReplaceMode", b"STOP_ON_FAILURE");
            to.text("cancelRestrictions", b"ONLY_NEW");
        }
        if new {
            to.text("newClientOrderId", &id);
            to.text("newOrderRespType", if spot { b"RESULT".as_slice() } else { b"ACK" });
        } else {
            to.text("origClientOrderId", &id);
        }
        if i.action != Action::Cancel {
            to.steps("price", &self.price, i.px.0)?;
            to.steps("quantity", &self.quantity, i.qty.0)?;
        }
        if let Some(ms) = self.recv_window_ms {
            to.number("recvWindow", i64::from(ms))?;
        }
        if new && i.reduce_only && !spot {
            to.text("reduceOnly", b"true");
        }
        if i.action != Action::Cancel {
            to.text("side", if i.side == Side::Buy { b"BUY".as_slice() } else { b"SELL" });
        }
        let symbol = if to.form == Form::Query { &self.symbol_query } else { &self.symbol };
        to.text("symbol", symbol);
        let maker = spot && i.tif == TimeInForce::Gtx;
        if new && !maker {
            to.text(
                "timeInForce",
                match i.tif {
                    TimeInForce::Gtc => b"GTC".as_slice(),
                    TimeInForce::Ioc => b"IOC",
                    TimeInForce::Fok => b"FOK",
                    TimeInForce::Gtx => b"GTX",
                },
            );
        }
        to.number("timestamp", timestamp_ms)?;
        if new {
            to.text("type", if maker { b"LIMIT_MAKER".as_slice() } else { b"LIMIT" });
        }
        Ok(())
    }
}

/// The client order id of the cancel within a spot replace: `r` and the order's own.
fn replaced_text(id: ClientId) -> [u8; CLIENT_ID_BYTES + 1] {
    let mut text = [b'r'; CLIENT_ID_BYTES + 1];
    text[1..].copy_from_slice(&client_id_text(id));
    text
}

/// The order whose replace wrote this client order id for its cancel.
#[must_use]
pub fn replaced_id(text: &[u8]) -> Option<ClientId> {
    text.strip_prefix(b"r").and_then(client_id)
}

/// What `write` has appended goes again if it fails.
fn undone(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), Unsupported>) -> Result<(), Unsupported> {
    let start = out.len();
    let done = write(out);
    if done.is_err() {
        out.truncate(start);
    }
    done
}
