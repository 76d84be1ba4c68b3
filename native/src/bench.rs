//! Measurements of the hot paths on real bytes, for the benchmark page. Times are CPU times of the calling thread, the
//! least of several rounds: other processes of the machine do not count, a cold cache does once.

use std::hint::black_box;

use serde_json::{Value, json};

use crate::capture::{self, Capture};
use crate::cex::book::Book;
use crate::cex::venues::binance::Binance;
use crate::clock::thread_cpu_ns;
use crate::event::{Decoded, Event, Frame, Side, Source};

/// Messages one behind the other, as a socket's buffer or a capture holds them.
#[derive(Default)]
struct Messages {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Messages {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
    }
    fn iter(&self) -> impl Iterator<Item = Frame<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(a, b)| Frame {
            source: Source::Market,
            connection: 0,
            tag: Frame::UNTAGGED,
            recv_ns: 0,
            bytes: &self.bytes[a..*b],
        })
    }
}

/// A capture's messages by what they are, in memory.
struct Sorted {
    depth: Messages,
    quotes: Messages,
    trades: Messages,
    levels: u64,
    dialect: Binance,
}

fn sort(path: &str) -> Result<Sorted, String> {
    let mut capture = Capture::open(std::path::Path::new(path), false).map_err(|e| e.to_string())?;
    let found = capture::discover(&mut capture).map_err(|e| e.to_string())??;
    let dialect = Binance::new(found.market, &found.instruments)?;
    let [mut depth, mut quotes, mut trades] = [(); 3].map(|()| Messages::default());
    let mut levels = 0;
    let mut decoded = Decoded::default();
    while let Some(f) = capture.next_frame().map_err(|e| e.to_string())? {
        dialect.decode(&f, &mut decoded);
        match decoded.event {
            Event::Depth { .. } => {
                levels += decoded.levels.len() as u64;
                depth.push(f.bytes);
            }
            Event::Quote { .. } => quotes.push(f.bytes),
            Event::Trade { .. } => trades.push(f.bytes),
            _ => {}
        }
    }
    Ok(Sorted { depth, quotes, trades, levels, dialect })
}

/// Least CPU time of `rounds` runs, ns.
fn least(rounds: u32, mut run: impl FnMut()) -> i64 {
    (0..rounds.max(1))
        .map(|_| {
            let started_ns = thread_cpu_ns();
            run();
            thread_cpu_ns() - started_ns
        })
        .min()
        .unwrap_or(0)
}

/// Decoding a capture's messages, and applying its levels to a book: nanoseconds each.
pub fn levels(path: &str, rounds: u32) -> Result<Value, String> {
    let s = sort(path)?;
    let mut decoded = Decoded::default();
    let mut decode = |which: &Messages| {
        least(rounds, || {
            for frame in which.iter() {
                s.dialect.decode(black_box(&frame), &mut decoded);
                black_box(&decoded);
            }
        })
    };
    let (depth_ns, quote_ns, trade_ns) = (decode(&s.depth), decode(&s.quotes), decode(&s.trades));
    let mut book = Book::new();
    let both_ns = least(rounds, || {
        for frame in s.depth.iter() {
            s.dialect.decode(black_box(&frame), &mut decoded);
            for l in decoded.bids() {
                book.set(Side::Buy, l.px, l.qty);
            }
            for l in decoded.asks() {
                book.set(Side::Sell, l.px, l.qty);
            }
        }
        black_box(book.top());
    });
    let each = |ns: i64, n: usize| if n == 0 { Value::Null } else { json!(ns as f64 / n as f64) };
    Ok(json!({
        "levels": s.levels,
        "depth_frames": s.depth.ends.len(),
        "parse_ns_per_level": each(depth_ns, s.levels as usize),
        "parse_apply_ns_per_level": each(both_ns, s.levels as usize),
        "quote_ns": each(quote_ns, s.quotes.ends.len()),
        "trade_ns": each(trade_ns, s.trades.ends.len()),
        "book_bytes": book.memory_bytes(),
    }))
}
