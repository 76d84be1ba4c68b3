//! The pure half of a lane: bytes to event.

use std::sync::Arc;

use super::Overrun;
use crate::cex::venues::binance::{Binance, Kind};
use crate::cex::venues::binance_private::Private;
use crate::event::{Control, Decoded, Event, Fault, Frame, InstrumentId, Receipt, Source, Wire};

/// The pure half of a lane: bytes to event. It depends on the frame alone, so it may be done ahead, by another thread.
#[derive(Clone)]
pub struct Decoder {
    pub(super) dialect: Arc<Binance>,
    pub(super) private: Arc<Private>,
}

impl Decoder {
    /// The same as [`Decoder::decode`]; `tell` learns early of which instrument a market message is.
    #[inline(always)]
    pub(super) fn decode_telling(&self, frame: &Frame<'_>, out: &mut Decoded, tell: impl Fn(InstrumentId, Kind)) {
        match frame.source {
            Source::Market => self.dialect.decode_telling(frame, out, tell),
            _ => self.decode(frame, out),
        }
    }

    #[inline]
    pub fn decode(&self, frame: &Frame<'_>, out: &mut Decoded) {
        match frame.source {
            Source::Market | Source::Snapshot => self.dialect.decode(frame, out),
            Source::Order => {
                out.clear();
                out.event = match Receipt::get(frame.bytes) {
                    Some(receipt) => Event::Receipt(receipt),
                    None => Event::Malformed { instrument: None, reason: "not a receipt" },
                };
            }
            Source::Timer => {
                out.clear();
                out.event = Event::Timer;
            }
            Source::Private => self.private.decode(frame.bytes, out),
            Source::Answer => {
                out.clear();
                out.event = Event::Answer;
            }
            Source::Switch => {
                out.clear();
                out.event = Event::Switch;
            }
            Source::Carry => {
                out.clear();
                out.event = Event::Carry;
            }
            Source::Control => {
                out.clear();
                out.event = match frame.bytes {
                    [1] => Event::Control(Control::Stop),
                    [2] => Event::Control(Control::StopFlat),
                    _ => Event::Malformed { instrument: None, reason: "not a control" },
                };
            }
            Source::Fault => {
                out.clear();
                out.event = match frame.bytes {
                    [1] => Event::Fault(Fault::Panic),
                    [2] => Event::Fault(Fault::Disconnected),
                    [4] => Event::Fault(Fault::Connected),
                    [5, _, _, _, _] => Event::Fault(Fault::Throttled),
                    bytes if Overrun::read(bytes).is_some() => Event::Fault(Fault::Overrun),
                    _ => Event::Malformed { instrument: None, reason: "not a fault" },
                };
            }
        }
    }
}
