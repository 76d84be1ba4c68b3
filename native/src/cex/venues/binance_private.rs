//! Binance's private messages, spot and USD-M futures: answers of the websocket API, events of the user data stream,
//! bodies of REST answers.

use crate::cex::reconcile::Answer;
use crate::cex::venues::binance::Market;
use crate::event::{Ask, Decoded, InstrumentId};
use crate::units::InstrumentSpec;

/// A venue's refusal of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VenueError {
    /// HTTP status; 0: no answer came.
    pub status: u16,
    /// The venue's own code; 0 where it names none.
    pub code: i32,
    pub text: String,
}

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

/// Reads private messages of one account for the instruments of a lane.
#[derive(Debug)]
pub struct Private {}

impl Private {
    /// # Errors
    /// A tick or lot that is not positive.
    pub fn new(_market: Market, _specs: &[InstrumentSpec]) -> Result<Private, String> {
        Ok(Private {})
    }
    /// A frame of a private connection. What concerns no order of ours is [`crate::event::Event::Ignored`]; what cannot
    /// be read is Malformed with its reason.
    pub fn decode(&self, _bytes: &[u8], _out: &mut Decoded) {
        unimplemented!()
    }
    /// What a message means for its connection; `None` where it is the lane's alone.
    #[must_use]
    pub fn session(&self, _bytes: &[u8]) -> Option<Session> {
        unimplemented!()
    }
    /// The answer to what was asked.
    ///
    /// # Errors
    /// The venue refused, or the body cannot be read (code 0).
    pub fn answer(
        &self,
        _ask: Ask,
        _instrument: InstrumentId,
        _status: u16,
        _body: &[u8],
    ) -> Result<Answer, VenueError> {
        unimplemented!()
    }
    /// The listen key in the body of its answer.
    ///
    /// # Errors
    /// As [`Private::answer`].
    pub fn listen_key(&self, _status: u16, _body: &[u8]) -> Result<String, VenueError> {
        unimplemented!()
    }
}
