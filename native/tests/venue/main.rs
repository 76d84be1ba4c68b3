//! Binance's dialect: each numbered rule of its order books, each known message, and everything that may be wrong.
#![allow(clippy::unwrap_used)] // helpers of tests

mod decode;
mod examples;
mod lost;
mod order;
mod spot;
mod usdm;

use _core::cex::book::Book;
use _core::cex::sync::{Outcome, Synchroniser};
use _core::cex::venues::binance::{Binance, Market};
use _core::event::{Decoded, Event, Frame, Level, Side, Source};
use _core::units::{Decimal, InstrumentSpec, Lots, Ticks};

pub fn spec(symbol: &str, tick: &str, lot: &str) -> InstrumentSpec {
    let d = |s: &str| Decimal::parse(s.as_bytes()).unwrap();
    InstrumentSpec { symbol: symbol.into(), tick: d(tick), lot: d(lot), maker_fee_e8: 0, taker_fee_e8: 0 }
}

/// BTCUSDT on a grid of 0.1 and 0.001, and ETHUSDT on 0.01 and 0.0001.
pub fn dialect(market: Market) -> Binance {
    Binance::new(market, &[spec("BTCUSDT", "0.1", "0.001"), spec("ETHUSDT", "0.01", "0.0001")]).unwrap()
}

pub fn decode_as(dialect: &Binance, source: Source, tag: u16, bytes: &[u8]) -> Decoded {
    let mut out = Decoded::default();
    dialect.decode(&Frame { source, connection: 0, tag, recv_ns: 0, bytes }, &mut out);
    out
}

pub fn decode(market: Market, text: &str) -> Decoded {
    decode_as(&dialect(market), Source::Market, Frame::UNTAGGED, text.as_bytes())
}

/// Why the message is refused, and the instrument that loses its book by it.
pub fn refused(d: &Decoded) -> Option<(&'static str, Option<u16>)> {
    match d.event {
        Event::Malformed { instrument, reason } => Some((reason, instrument)),
        _ => None,
    }
}

pub fn levels(levels: &[(i64, i64)]) -> Vec<Level> {
    levels.iter().map(|&(px, qty)| Level { px: Ticks(px), qty: Lots(qty) }).collect()
}

/// Price and quantity as the venue writes them.
pub type Wire<'a> = &'a [(&'a str, &'a str)];

fn wire(levels: Wire<'_>) -> String {
    let each: Vec<String> = levels.iter().map(|(px, qty)| format!("[\"{px}\",\"{qty}\"]")).collect();
    format!("[{}]", each.join(","))
}

/// One book fed with messages, as a lane feeds it.
pub struct Feed {
    market: Market,
    dialect: Binance,
    pub sync: Synchroniser,
    pub book: Book,
    pub now_ns: i64,
    /// Last ids of the events that a snapshot joined on.
    pub joined: Vec<u64>,
}

impl Feed {
    pub fn new(market: Market) -> Feed {
        let sync = Synchroniser::new(market.rules());
        Feed { market, dialect: dialect(market), sync, book: Book::new(), now_ns: 0, joined: Vec::new() }
    }

    /// A depth event with ids `first..=last` after `prev` (which spot does not send).
    pub fn depth(&mut self, (first, last, prev): (u64, u64, u64), bids: Wire<'_>, asks: Wire<'_>) -> Outcome {
        let pu = if self.market == Market::UsdM { format!("\"pu\":{prev},") } else { String::new() };
        let (b, a) = (wire(bids), wire(asks));
        let text = format!(
            "{{\"stream\":\"btcusdt@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"BTCUSDT\",\
             \"U\":{first},\"u\":{last},{pu}\"b\":{b},\"a\":{a}}}}}"
        );
        let d = decode_as(&self.dialect, Source::Market, Frame::UNTAGGED, text.as_bytes());
        assert!(matches!(d.event, Event::Depth { instrument: 0, .. }), "{text}: {:?}", d.event);
        self.now_ns += 1;
        self.sync.on_depth(&d, self.now_ns, &mut self.book)
    }

    pub fn snapshot(&mut self, id: u64, bids: Wire<'_>, asks: Wire<'_>) -> Outcome {
        let text = format!("{{\"lastUpdateId\":{id},\"bids\":{},\"asks\":{}}}", wire(bids), wire(asks));
        let d = decode_as(&self.dialect, Source::Snapshot, 0, text.as_bytes());
        assert!(matches!(d.event, Event::Snapshot { instrument: 0, .. }), "{text}: {:?}", d.event);
        self.now_ns += 1;
        let joined = &mut self.joined;
        self.sync.on_snapshot(&d, id, self.now_ns, &mut self.book, |id, _| joined.push(id))
    }

    pub fn bid(&self, px: i64) -> i64 {
        self.book.qty(Side::Buy, Ticks(px)).0
    }

    /// Best bid and ask in ticks; the book has them only in sync.
    pub fn top(&self) -> Option<(i64, i64)> {
        self.sync.top(&self.book).map(|t| (t.bid.px.0, t.ask.px.0))
    }
}

/// A snapshot's worth of levels: bid 100.0, ask 100.2.
pub const BIDS: Wire<'static> = &[("100.0", "1.000"), ("99.9", "2.000")];
pub const ASKS: Wire<'static> = &[("100.2", "1.000"), ("100.3", "2.000")];
