//! What a message is, and the fields that it fills.

use crate::cex::venues::scan::{Cursor, Grids};
use crate::event::{Event, InstrumentId, Level, Side};
use crate::units::{Lots, Ticks};

/// What a message is, as its stream or its event type says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Unknown,
    Depth,
    Quote,
    Trade,
    /// A REST snapshot that its recorder has put into the combined form, as `btcusdt@depthSnapshot`.
    Snapshot,
    Other,
}

impl Kind {
    /// Of an event type, the value of "e".
    #[inline(always)]
    pub fn of(name: &[u8]) -> Kind {
        match name {
            b"depthUpdate" => Kind::Depth,
            b"bookTicker" => Kind::Quote,
            b"trade" => Kind::Trade,
            _ => Kind::Other,
        }
    }
}

/// The fields of the known messages; a message fills those it has.
#[derive(Clone, Copy, Default)]
pub(super) struct Fields {
    pub event_ms: u64,
    pub transaction_ms: u64,
    pub first_id: u64,
    pub last_id: u64,
    pub prev_id: u64,
    pub trade_id: u64,
    pub px: i64,
    pub qty: i64,
    pub ask_px: i64,
    pub ask_qty: i64,
    pub buyer_is_maker: bool,
    pub not_market: bool,
}

impl Fields {
    /// The rest of a bookTicker from the quote behind its symbol.
    #[inline(always)]
    pub fn quote(&mut self, c: &mut Cursor<'_>, grids: &Grids) -> Option<()> {
        let (price, quantity) = (&grids.price, &grids.quantity);
        (self.px, self.qty) = c.after(b"\",\"b\":\"")?.two_numbers(b"\",\"B\":\"", price, quantity)?;
        (self.ask_px, self.ask_qty) = c.after(b"\",\"a\":\"")?.two_numbers(b"\",\"A\":\"", price, quantity)?;
        c.after(b"\"").map(|_| ())
    }

    /// A trade's id, price and quantity, from the quote behind its symbol.
    #[inline(always)]
    pub fn trade(&mut self, c: &mut Cursor<'_>, grids: &Grids) -> Option<()> {
        self.trade_id = c.after(b"\",\"t\":")?.integer().ok()?;
        let c = c.after(b",\"p\":\"")?;
        (self.px, self.qty) = c.two_numbers(b"\",\"q\":\"", &grids.price, &grids.quantity)?;
        c.after(b"\"").map(|_| ())
    }

    /// The quote or trade that these fields make; `None` for what is not of the book.
    #[inline(always)]
    pub fn event(&self, kind: Kind, instrument: InstrumentId) -> Option<Event> {
        match kind {
            Kind::Quote => {
                let bid = Level { px: Ticks(self.px), qty: Lots(self.qty) };
                let ask = Level { px: Ticks(self.ask_px), qty: Lots(self.ask_qty) };
                Some(Event::Quote { instrument, exch_ns: self.exch_ns(), id: self.last_id, bid, ask })
            }
            // Insurance fund and ADL are no trades of the book.
            Kind::Trade if !self.not_market && self.qty != 0 => {
                let side = if self.buyer_is_maker { Side::Sell } else { Side::Buy };
                let (px, qty) = (Ticks(self.px), Lots(self.qty));
                Some(Event::Trade { instrument, exch_ns: self.exch_ns(), id: self.trade_id, px, qty, side })
            }
            _ => None,
        }
    }

    /// Matching-engine time where the venue sends it, else the event's own; milliseconds, or microseconds by request.
    /// A time after the year 2116 is none.
    pub fn exch_ns(&self) -> i64 {
        let t = if self.transaction_ms != 0 { self.transaction_ms } else { self.event_ms };
        let ns = if t < 100_000_000_000_000 { t.wrapping_mul(1_000_000) } else { t.saturating_mul(1_000) };
        if ns < 1 << 62 { ns as i64 } else { 0 }
    }
}
