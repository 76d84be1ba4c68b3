//! Binance's private messages, spot and USD-M futures: answers of the websocket API, events of the user data stream,
//! bodies of REST answers.

mod answers;
mod asked;
mod events;
mod fields;

use rustc_hash::FxHashMap;

use crate::cex::reconcile::Answer;
use crate::cex::venues::binance::Market;
use crate::cex::venues::binance_session::{LOGON_ID, SUBSCRIBE_ID};
use crate::cex::venues::scan::{Grid, Grids, Reason};
use crate::event::{Ask, Decoded, Event, InstrumentId, PrivateNotes, Receipt};
use crate::units::InstrumentSpec;
use fields::{Head, integer, object, text};

/// A venue's refusal of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VenueError {
    /// HTTP status; 0: no answer came.
    pub status: u16,
    /// The venue's own code; 0 where it names none.
    pub code: i32,
    pub text: String,
}

impl std::fmt::Display for VenueError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (status {}, code {})", self.text, self.status, self.code)
    }
}
impl std::error::Error for VenueError {}

/// A message that is neither an order's answer nor an event: it belongs to the connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Session {
    /// `session.logon` was answered.
    Logon(Result<(), VenueError>),
    /// The subscription to the user data stream was answered.
    UserData(Result<(), VenueError>),
    /// The venue ends this connection or stream: reconnect (`serverShutdown`, `eventStreamTerminated`,
    /// `listenKeyExpired`).
    Ending,
}

/// Events that end a connection or its stream.
const ENDINGS: [&[u8]; 3] = [b"serverShutdown", b"eventStreamTerminated", b"listenKeyExpired"];

/// Reads private messages of one account for the instruments of a lane.
#[derive(Debug)]
pub struct Private {
    market: Market,
    grids: Vec<Grids>,
    /// Symbols, upper case.
    ids: FxHashMap<Vec<u8>, InstrumentId>,
    /// Base assets, where they are known.
    assets: Vec<Option<String>>,
}

impl Private {
    /// Instrument ids are positions in `specs`. Base assets are taken from the ends of the symbols
    /// (see [`Private::with_assets`]).
    ///
    /// # Errors
    /// A tick or lot that is not positive.
    pub fn new(market: Market, specs: &[InstrumentSpec]) -> Result<Private, String> {
        let mut private =
            Private { market, grids: Vec::new(), ids: FxHashMap::default(), assets: Vec::with_capacity(specs.len()) };
        for (i, spec) in specs.iter().enumerate() {
            let grid = |step, what: &str| {
                Grid::new(step).map_err(|e| format!("{}: {what} {step} {e}; it must be positive", spec.symbol))
            };
            private.grids.push(Grids { price: grid(spec.tick, "tick")?, quantity: grid(spec.lot, "lot")? });
            let symbol = spec.symbol.to_uppercase();
            private.assets.push(asked::base_asset(&symbol));
            let id = InstrumentId::try_from(i).map_err(|_| "a lane holds at most 65,535 instruments".to_string())?;
            private.ids.insert(symbol.into_bytes(), id);
        }
        Ok(private)
    }

    /// The base assets of the instruments as `exchangeInfo` has them (`baseAsset`), for symbols that do not end with a
    /// well-known quote asset. Only spot needs them: there a position is a balance.
    #[must_use]
    pub fn with_assets(mut self, assets: &[String]) -> Private {
        for (known, given) in self.assets.iter_mut().zip(assets) {
            *known = Some(given.to_uppercase());
        }
        self
    }

    /// The base asset of an instrument, where it is known.
    #[must_use]
    pub fn base_asset(&self, instrument: InstrumentId) -> Option<&str> {
        self.assets.get(usize::from(instrument))?.as_deref()
    }

    /// A frame of a private connection. What concerns no order of ours is [`crate::event::Event::Ignored`]; what cannot
    /// be read is Malformed with its reason. A fill of an order that is not ours has id 0.
    pub fn decode(&self, bytes: &[u8], out: &mut Decoded) {
        out.clear();
        out.private = PrivateNotes::default();
        out.event = match self.read(bytes, &mut out.private) {
            Ok(Some(receipt)) => Event::Receipt(receipt),
            Ok(None) => Event::Ignored,
            Err(reason) => Event::Malformed { instrument: None, reason },
        };
    }

    fn read(&self, bytes: &[u8], notes: &mut PrivateNotes) -> Result<Option<Receipt>, Reason> {
        let head = Head::read(bytes)?;
        if head.event.starts_with(b"{") { self.event(head.event, notes) } else { self.order_answer(&head, notes) }
    }

    /// What a message means for its connection; `None` where it is the lane's alone.
    #[must_use]
    pub fn session(&self, bytes: &[u8]) -> Option<Session> {
        // Most messages are events and have none of these.
        let has = |word: &[u8]| memchr::memmem::find(bytes, word).is_some();
        if !has(b"\"id\"") && !ENDINGS.iter().any(|e| has(e)) {
            return None;
        }
        let head = Head::read(bytes).ok()?;
        if head.event.starts_with(b"{") {
            let mut kind: &[u8] = b"";
            object(head.event, |key, value| {
                if key == b"e" {
                    kind = text(value);
                }
            })
            .ok()?;
            return ENDINGS.contains(&kind).then_some(Session::Ending);
        }
        let answer = || {
            let status = integer(head.status).and_then(|s| u16::try_from(s).ok()).unwrap_or(0);
            if status == 200 && head.error.is_empty() {
                return Ok(());
            }
            let error = answers::ErrorFields::read(head.error).unwrap_or_default();
            Err(VenueError { status, code: error.code, text: asked::message(error.message) })
        };
        match text(head.id) {
            LOGON_ID => Some(Session::Logon(answer())),
            SUBSCRIBE_ID => Some(Session::UserData(answer())),
            _ => None,
        }
    }

    /// The answer to what was asked.
    ///
    /// # Errors
    /// The venue refused, or the body cannot be read (code 0).
    pub fn answer(&self, ask: Ask, instrument: InstrumentId, status: u16, body: &[u8]) -> Result<Answer, VenueError> {
        self.asked(ask, instrument, status, body)
    }

    /// The listen key in the body of its answer; empty where the venue repeats none, as it may when one is kept alive or
    /// closed.
    ///
    /// # Errors
    /// As [`Private::answer`].
    pub fn listen_key(&self, status: u16, body: &[u8]) -> Result<String, VenueError> {
        asked::listen_key(status, body)
    }
}
