//! What comes rarely, kept out of the way of what comes always: snapshots, and messages in another form than the venue
//! writes today.

use super::{Binance, Fields, Kind};
use crate::cex::venues::scan::{Cursor, Reason};
use crate::event::{Decoded, Event, Frame, InstrumentId};

impl Binance {
    /// The instrument that a snapshot is of. It says no symbol, and no number in it tells one for certain: the ids of
    /// USD-M are common to all symbols, and prices may be alike.
    #[cold]
    pub(super) fn asked_for(&self, tag: u16) -> Result<InstrumentId, Reason> {
        match (tag, self.grid_of.len()) {
            (Frame::UNTAGGED, 1) => Ok(0),
            (Frame::UNTAGGED, _) => Err("a snapshot does not say its symbol and there are several: record it as \
                                         {\"stream\":\"btcusdt@depthSnapshot\",\"data\":{…}}"),
            (tag, n) if usize::from(tag) < n => Ok(tag),
            _ => Err("a snapshot is of an instrument that the lane does not have"),
        }
    }

    /// A REST snapshot. One that cannot be read names no instrument: the book is as good as it was without it.
    #[cold]
    pub(super) fn snapshot(&self, id: InstrumentId, c: &mut Cursor<'_>, out: &mut Decoded) -> Result<(), Reason> {
        let grids = self.grids(id).ok_or("no such instrument")?;
        let mut f = Fields::default();
        let mut seen = 0u32;
        while let Some(key) = c.key()? {
            match key {
                b"lastUpdateId" => {
                    f.last_id = c.integer()?;
                    seen |= 1;
                }
                b"E" => f.event_ms = c.integer()?,
                b"T" => f.transaction_ms = c.integer()?,
                b"bids" => {
                    let asks = out.levels.len();
                    c.levels(grids, &mut out.levels)?;
                    out.levels.rotate_left(asks);
                    out.bids = out.levels.len() - asks;
                    seen |= 2;
                }
                b"asks" => {
                    c.levels(grids, &mut out.levels)?;
                    seen |= 4;
                }
                _ => c.skip()?,
            }
        }
        if seen != 7 {
            return Err("a snapshot lacks lastUpdateId, bids or asks");
        }
        out.event = Event::Snapshot { instrument: id, exch_ns: f.exch_ns(), last_id: f.last_id };
        Ok(())
    }

    /// A combined message with its keys in another order, or with white space; `c` is behind its `{`.
    #[cold]
    pub(super) fn wrapper(
        &self,
        mut c: Cursor<'_>,
        instrument: &mut Option<InstrumentId>,
        out: &mut Decoded,
    ) -> Result<(), Reason> {
        let (mut stream, mut data) = (None, None);
        while let Some(key) = c.key()? {
            match key {
                b"stream" => stream = Some(c.string()?),
                b"data" => {
                    data = Some(c);
                    c.skip()?;
                }
                _ => c.skip()?,
            }
        }
        let Some(stream) = stream else { return Ok(()) };
        let kind = self.stream(stream, instrument);
        if kind == Kind::Other {
            return Ok(());
        }
        let mut c = data.ok_or("the stream has no data")?;
        c.expect(b'{', "an object was expected")?;
        match (kind, instrument.take()) {
            (Kind::Snapshot, Some(id)) => self.snapshot(id, &mut c, out),
            (_, id) => {
                *instrument = id;
                self.object(&mut c, kind, instrument, out)
            }
        }
    }

    /// A price before the message has said what it is or whose: the rest of it is asked. `c` is at the value of
    /// `key`. Spot's bookTicker has no "e"; it is known by its keys.
    #[cold]
    pub(super) fn look_ahead(
        &self,
        key: &[u8],
        mut c: Cursor<'_>,
        kind: &mut Kind,
        instrument: &mut Option<InstrumentId>,
    ) -> Result<(), Reason> {
        c.skip()?;
        while let Some(key) = c.key()? {
            match key {
                b"e" => *kind = Kind::of(c.string()?),
                b"s" => match self.instrument(c.string()?) {
                    None => *kind = Kind::Other,
                    id => *instrument = id,
                },
                _ => c.skip()?,
            }
        }
        if *kind == Kind::Unknown {
            *kind = if matches!(key, b"b" | b"B" | b"a" | b"A") { Kind::Quote } else { Kind::Other };
        }
        Ok(())
    }
}
