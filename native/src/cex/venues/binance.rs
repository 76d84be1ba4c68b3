//! Binance spot and USD-M futures: combined streams (depth, bookTicker, trade) and the REST depth snapshot.
//!
//! Rules for a local book, spot (binance-spot-api-docs, web-socket-streams.md, "How to manage a local order book"):
//!  S1 Events received before the snapshot are buffered.
//!  S2 A snapshot whose lastUpdateId is below the first event's U is too old: fetch another.
//!  S3 Drop events with u <= lastUpdateId.
//!  S4 The first event kept has lastUpdateId in [U, u]; one with U = lastUpdateId + 1 joins on without a hole too.
//!  S5 An event with u below the book's id is ignored.
//!  S6 An event with U above the book's id + 1 means that events were missed: start again.
//!  S7 Quantities are absolute; 0 removes the level.
//!
//! Rules for USD-M (developers.binance.com, "How to manage a local order book correctly"):
//!  U1 Events received before the snapshot are buffered.
//!  U2 Drop events with u < lastUpdateId.
//!  U3 The first event processed has U <= lastUpdateId and u >= lastUpdateId.
//!  U4 Each event's pu equals the previous event's u; otherwise start again.
//!  U5 Quantities are absolute; 0 removes the level.
//!  U6 Removing a level that is not in the book is normal.

mod fields;
mod names;
mod rare;

use fields::Fields;
pub use fields::Kind;
use names::{LONGEST, Name, Names};

use crate::bytes::{Literal, equal_bytes};
use crate::cex::sync::{ChainRules, First, Ids, Next};
use crate::cex::venues::scan::{Cursor, Grid, Grids, Reason};
use crate::event::{Decoded, Event, Frame, InstrumentId, Source};
use crate::units::InstrumentSpec;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Market {
    Spot,
    UsdM,
}

impl Market {
    /// The rules S3–S6 or U2–U4 above.
    #[must_use]
    pub fn rules(self) -> ChainRules {
        match self {
            Market::Spot => ChainRules { first: spot_first, next: spot_next },
            Market::UsdM => ChainRules { first: usdm_first, next: usdm_next },
        }
    }
}

fn spot_first(snapshot_id: u64, ids: Ids) -> First {
    if ids.last <= snapshot_id {
        First::Stale // S3
    } else if ids.first <= snapshot_id + 1 {
        First::Joins // S4
    } else {
        First::Hole // S2
    }
}

fn spot_next(last_id: u64, ids: Ids) -> Next {
    if ids.last <= last_id {
        Next::Stale // S5
    } else if ids.first <= last_id + 1 {
        Next::Follows
    } else {
        Next::Gap // S6
    }
}

fn usdm_first(snapshot_id: u64, ids: Ids) -> First {
    if ids.last < snapshot_id {
        First::Stale // U2
    } else if ids.first <= snapshot_id || ids.prev == snapshot_id {
        First::Joins // U3; or U4 with the snapshot as the previous event: no id lies between them
    } else {
        First::Hole // U3 broken
    }
}

fn usdm_next(last_id: u64, ids: Ids) -> Next {
    if ids.prev == last_id {
        Next::Follows
    } else if ids.last <= last_id {
        Next::Stale // delivered twice: everything in it is in the book
    } else {
        Next::Gap // U4
    }
}

/// Decodes one market's frames for the instruments of a lane.
#[derive(Debug)]
pub struct Binance {
    market: Market,
    /// The grids that there are, few even where there are many instruments; and by instrument, which is its own.
    grids: Vec<Grids>,
    grid_of: Vec<u16>,
    /// Symbols as in stream names (lower case) and as in messages (upper case).
    ids: Names,
    /// With a single instrument, what is compared before the map is asked.
    only: Option<Only>,
}

/// What the symbol in a message is compared with.
#[derive(Clone, Copy)]
enum Symbol<'a> {
    /// `,"s":"BTCUSDT`
    Known(&'a Literal),
    /// The one in the stream's name, and its length.
    Stream(Name, usize),
}

impl Symbol<'_> {
    /// The cursor behind `,"s":"` and the symbol in upper case.
    #[inline(always)]
    fn after<'c, 'b>(self, c: &'c mut Cursor<'b>) -> Option<&'c mut Cursor<'b>> {
        match self {
            Symbol::Known(literal) => c.after_known(literal),
            Symbol::Stream(name, n) => {
                let c = c.after(b",\"s\":\"")?;
                let window = c.bytes.get(c.at..)?.first_chunk::<LONGEST>()?;
                c.at += n;
                (Name::first(window, n) == name.upper()).then_some(c)
            }
        }
    }
}

#[derive(Debug)]
struct Only {
    lower: Vec<u8>,
    upper: Vec<u8>,
    /// `,"s":"BTCUSDT`
    symbol: Literal,
    /// `{"stream":"btcusdt@bookTicker","data":`, and the same of trades.
    quote: Literal,
    trade: Literal,
}

impl Binance {
    /// Instrument ids are positions in `specs`.
    pub fn new(market: Market, specs: &[InstrumentSpec]) -> Result<Binance, String> {
        let mut ids = Names::default();
        let (mut grids, mut grid_of) = (Vec::<Grids>::new(), Vec::with_capacity(specs.len()));
        let mut steps = Vec::new();
        for (i, spec) in specs.iter().enumerate() {
            let grid = |step, what: &str| {
                Grid::new(step).map_err(|e| format!("{}: {what} {step} {e}; it must be positive", spec.symbol))
            };
            let own = (spec.tick.normalized(), spec.lot.normalized());
            let place = steps.iter().position(|s| *s == own).unwrap_or(steps.len());
            if place == steps.len() {
                grids.push(Grids { price: grid(spec.tick, "tick")?, quantity: grid(spec.lot, "lot")? });
                steps.push(own);
            }
            grid_of.push(place as u16); // there are no more of them than of instruments
            let id = InstrumentId::try_from(i).map_err(|_| "a lane holds at most 65,535 instruments".to_string())?;
            ids.add(&spec.symbol, id)?;
        }
        let only = match specs {
            [one] => {
                let (lower, upper) = (one.symbol.to_lowercase(), one.symbol.to_uppercase());
                let head =
                    |stream: &str| Literal::new(format!("{{\"stream\":\"{lower}@{stream}\",\"data\":").as_bytes());
                let (quote, trade) = (head("bookTicker"), head("trade"));
                let symbol = Literal::new(format!(",\"s\":\"{upper}").as_bytes());
                Some(Only { lower: lower.into_bytes(), upper: upper.into_bytes(), symbol, quote, trade })
            }
            _ => None,
        };
        Ok(Binance { market, grids, grid_of, ids, only })
    }

    #[must_use]
    pub fn market(&self) -> Market {
        self.market
    }

    #[inline(always)]
    fn instrument(&self, symbol: &[u8]) -> Option<InstrumentId> {
        match &self.only {
            Some(only) => (symbol == only.lower || symbol == only.upper).then_some(0),
            None => self.ids.get(Name::new(symbol)?),
        }
    }

    #[inline(always)]
    fn grids(&self, id: InstrumentId) -> Option<&Grids> {
        self.grids.get(usize::from(*self.grid_of.get(usize::from(id))?))
    }

    /// Decodes a market or snapshot frame. Never fails: what cannot be read is [`Event::Malformed`] with its reason,
    /// and with its instrument if it was or may have been depth.
    pub fn decode(&self, frame: &Frame<'_>, out: &mut Decoded) {
        self.decode_telling(frame, out, |_, _| {});
    }

    /// The same; as soon as it is known, and long before the numbers are, `tell` learns of which instrument the message
    /// is, and what.
    #[inline(always)]
    pub fn decode_telling(&self, frame: &Frame<'_>, out: &mut Decoded, tell: impl Fn(InstrumentId, Kind)) {
        out.clear();
        let mut cursor = Cursor::new(frame.bytes);
        let mut instrument = None;
        if let Err(reason) = self.message(frame, &mut cursor, &mut instrument, out, tell) {
            out.clear();
            out.event = Event::Malformed { instrument, reason };
        }
    }

    fn message(
        &self,
        frame: &Frame<'_>,
        c: &mut Cursor<'_>,
        instrument: &mut Option<InstrumentId>,
        out: &mut Decoded,
        tell: impl Fn(InstrumentId, Kind),
    ) -> Result<(), Reason> {
        let mut kind = Kind::Unknown;
        if let Some(event) = self.only.as_ref().and_then(|only| self.only_usual(only, c)) {
            out.event = event;
            return Ok(());
        }
        c.at = 0;
        if let Some((kind, id, symbol)) = self.head(c) {
            tell(id, kind);
            if let Some(event) = self.usual(c, kind, id, symbol) {
                out.event = event;
                return Ok(());
            }
        }
        c.at = 0;
        if c.eat_literal(b"{\"stream\":") {
            kind = self.stream(c.string()?, instrument);
            if kind == Kind::Other {
                return Ok(());
            }
            if let Some(id) = *instrument {
                tell(id, kind);
            }
            if !c.eat_literal(b",\"data\":") {
                return self.wrapper(Cursor { at: 1, ..*c }, instrument, out);
            }
        }
        c.expect(b'{', "an object was expected")?;
        match (frame.source, kind, *instrument) {
            (_, Kind::Snapshot, Some(id)) => {
                *instrument = None; // whatever is wrong with it, the book is as good as it was
                return self.snapshot(id, c, out);
            }
            (Source::Snapshot, _, _) => return self.snapshot(self.asked_for(frame.tag)?, c, out),
            _ => {}
        }
        self.object(c, kind, instrument, out)
    }

    /// The same as [`Binance::usual`] from the first byte on, where there is one instrument.
    #[inline(always)]
    fn only_usual(&self, only: &Only, c: &mut Cursor<'_>) -> Option<Event> {
        if c.after_known(&only.quote).is_some() {
            self.usual(c, Kind::Quote, 0, Symbol::Known(&only.symbol))
        } else {
            self.usual(c.after_known(&only.trade)?, Kind::Trade, 0, Symbol::Known(&only.symbol))
        }
    }

    /// What a bookTicker or a trade says up to its data, in the form that the venue writes today, where there are several
    /// instruments.
    #[inline(always)]
    fn head(&self, c: &mut Cursor<'_>) -> Option<(Kind, InstrumentId, Symbol<'static>)> {
        if self.only.is_some() {
            return None;
        }
        let window = c.after(b"{\"stream\":\"")?.window()?;
        let n = equal_bytes(window, b'@').trailing_zeros() as usize;
        let name = Name::first(window.first_chunk()?, n.min(LONGEST));
        let id = self.ids.get(name)?;
        c.at += n;
        let kind = if c.eat_literal(b"@bookTicker\",\"data\":") {
            Kind::Quote
        } else {
            c.after(b"@trade\",\"data\":").map(|_| Kind::Trade)?
        };
        Some((kind, id, Symbol::Stream(name, n)))
    }

    /// What a stream's name says; [`Kind::Other`] is not subscribed by us, or not ours. Partial depth (`@depth5`, …)
    /// is not the book's.
    #[inline(always)]
    fn stream(&self, name: &[u8], instrument: &mut Option<InstrumentId>) -> Kind {
        let at = name.iter().position(|b| *b == b'@').unwrap_or(name.len());
        *instrument = self.instrument(&name[..at]);
        match &name[at..] {
            _ if instrument.is_none() => Kind::Other,
            b"@bookTicker" => Kind::Quote,
            b"@trade" => Kind::Trade,
            b"@depthSnapshot" => Kind::Snapshot,
            kind if kind == b"@depth" || kind.starts_with(b"@depth@") => Kind::Depth,
            _ => Kind::Other,
        }
    }

    /// The messages that come most, in the exact form that the venue writes today; any other form, and whatever is
    /// wrong, is left to [`Binance::object`], which reads the same fields in any order.
    #[inline(always)]
    fn usual(&self, c: &mut Cursor<'_>, kind: Kind, id: InstrumentId, symbol: Symbol<'_>) -> Option<Event> {
        let grids = self.grids(id)?;
        let mut f = Fields::default();
        match (kind, self.market) {
            (Kind::Quote, Market::UsdM) => {
                f.last_id = c.after(b"{\"e\":\"bookTicker\",\"u\":")?.integer().ok()?;
                f.quote(symbol.after(c)?, grids)?;
                f.transaction_ms = c.after(b",\"T\":")?.millis()?;
                c.after(b",\"E\":")?.millis()?;
                c.after(b"}")?;
            }
            (Kind::Quote, Market::Spot) => {
                f.last_id = c.after(b"{\"u\":")?.integer().ok()?;
                f.quote(symbol.after(c)?, grids)?;
                c.after(b"}")?;
            }
            (Kind::Trade, Market::UsdM) => {
                c.after(b"{\"e\":\"trade\",\"E\":")?.millis()?;
                f.transaction_ms = c.after(b",\"T\":")?.millis()?;
                f.trade(symbol.after(c)?, grids)?;
                f.buyer_is_maker = c.after(b",\"X\":\"MARKET\",\"m\":")?.boolean().ok()?;
                c.after(b"}")?;
            }
            (Kind::Trade, Market::Spot) => {
                c.after(b"{\"e\":\"trade\",\"E\":")?.millis()?;
                f.trade(symbol.after(c)?, grids)?;
                f.transaction_ms = c.after(b",\"T\":")?.millis()?;
                f.buyer_is_maker = c.after(b",\"m\":")?.boolean().ok()?;
                c.after(b",\"M\":")?.boolean().ok()?;
                c.after(b"}")?;
            }
            _ => return None,
        }
        f.event(kind, id)
    }

    #[inline(always)]
    fn object(
        &self,
        c: &mut Cursor<'_>,
        mut kind: Kind,
        instrument: &mut Option<InstrumentId>,
        out: &mut Decoded,
    ) -> Result<(), Reason> {
        let done = self.fields(c, &mut kind, instrument, out);
        if done.is_err() && matches!(kind, Kind::Quote | Kind::Trade) {
            *instrument = None; // it was not depth: no book has lost anything
        }
        done
    }

    #[inline(always)]
    fn fields(
        &self,
        c: &mut Cursor<'_>,
        kind: &mut Kind,
        instrument: &mut Option<InstrumentId>,
        out: &mut Decoded,
    ) -> Result<(), Reason> {
        let start = *c;
        let mut f = Fields::default();
        let mut seen = 0u32;
        while let Some(key) = c.key()? {
            match key {
                b"e" => {
                    *kind = Kind::of(c.string()?);
                    if *kind == Kind::Other {
                        return Ok(());
                    }
                }
                b"s" => {
                    let symbol = self.instrument(c.string()?);
                    if symbol.is_none() {
                        return Ok(());
                    }
                    *instrument = symbol;
                }
                b"E" => f.event_ms = c.integer()?,
                b"T" => f.transaction_ms = c.integer()?,
                b"U" => {
                    f.first_id = c.integer()?;
                    seen |= 1;
                }
                b"u" => {
                    f.last_id = c.integer()?;
                    seen |= 2;
                }
                b"pu" => {
                    f.prev_id = c.integer()?;
                    seen |= 4;
                }
                b"t" => {
                    f.trade_id = c.integer()?;
                    seen |= 8;
                }
                b"m" => {
                    f.buyer_is_maker = c.boolean()?;
                    seen |= 16;
                }
                b"X" => f.not_market = c.string()? != b"MARKET",
                b"b" | b"a" | b"B" | b"A" | b"p" | b"q" => {
                    if *kind == Kind::Unknown || instrument.is_none() {
                        self.look_ahead(key, *c, kind, instrument)?;
                    }
                    if *kind == Kind::Other {
                        return Ok(());
                    }
                    let Some(grids) = instrument.and_then(|i| self.grids(i)) else {
                        return Err("a price has no symbol");
                    };
                    match (key, *kind) {
                        (b"b", Kind::Depth) => {
                            let asks = out.levels.len();
                            c.levels(grids, &mut out.levels)?;
                            out.levels.rotate_left(asks); // 0, unless the asks came first
                            out.bids = out.levels.len() - asks;
                            seen |= 32;
                        }
                        (b"a", Kind::Depth) => {
                            c.levels(grids, &mut out.levels)?;
                            seen |= 64;
                        }
                        // Until 2023 spot's trades had the ids of both orders here.
                        (b"b" | b"a", Kind::Trade) => c.skip()?,
                        (b"b" | b"p", _) => {
                            f.px = c.number(&grids.price)?;
                            seen |= 32;
                        }
                        (b"a", _) => {
                            f.ask_px = c.number(&grids.price)?;
                            seen |= 64;
                        }
                        (b"B" | b"q", _) => {
                            f.qty = c.number(&grids.quantity)?;
                            seen |= 128;
                        }
                        _ => {
                            f.ask_qty = c.number(&grids.quantity)?;
                            seen |= 256;
                        }
                    }
                }
                b"stream" | b"data" if *kind == Kind::Unknown => return self.wrapper(start, instrument, out),
                _ => c.skip()?,
            }
        }
        let Some(instrument) = *instrument else { return Ok(()) };
        out.event = match *kind {
            Kind::Depth => {
                let ids = if self.market == Market::UsdM { 1 | 2 | 4 } else { 1 | 2 };
                if seen & (ids | 32 | 64) != ids | 32 | 64 {
                    return Err("a depth event lacks its update ids, bids or asks");
                }
                let Fields { first_id, last_id, prev_id, .. } = f;
                Event::Depth { instrument, exch_ns: f.exch_ns(), first_id, last_id, prev_id }
            }
            Kind::Quote => {
                if seen & (2 | 32 | 64 | 128 | 256) != 2 | 32 | 64 | 128 | 256 {
                    return Err("a bookTicker lacks its id, prices or quantities");
                }
                f.event(*kind, instrument).unwrap_or_default()
            }
            Kind::Trade => {
                if seen & (8 | 16 | 32 | 128) != 8 | 16 | 32 | 128 {
                    return Err("a trade lacks its id, price, quantity or side");
                }
                f.event(*kind, instrument).unwrap_or_default()
            }
            Kind::Unknown | Kind::Snapshot | Kind::Other => Event::Ignored, // a reply, a control message
        };
        Ok(())
    }
}
