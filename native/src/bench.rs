//! Measurements of the hot paths on real bytes, for the benchmark page. Times are CPU times of the calling thread, the
//! least of several rounds: other processes of the machine do not count, a cold cache does once.

mod crowd;
pub mod floor;
mod queue;
mod scale;

pub use crowd::Crowd;
pub use queue::queue;
pub use scale::{WINDOW_NS, scale};

use std::hint::black_box;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::capture::{self, Capture};
use crate::cex::book::Book;
use crate::cex::kernel::Kernel;
use crate::cex::venues::binance::Binance;
use crate::cex::venues::binance_orders::Encoder;
use crate::clock::{stopwatch_ns, thread_cpu_ns};
use crate::event::{Decoded, Event, Frame, Side, Source, Wire};
use crate::lane::{Lane, LaneConfig, Outbox, Trading};
use crate::risk::switch::Switch;
use crate::sim::exchange::SimExchange;
use crate::sim::plan::Plan;
use crate::sim::source::{Next, Recording};

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

/// From a decoded event to encoded intents, through book, features, kernel, quoter and gate: wall nanoseconds of the
/// events that were answered with at least one request. The venue answers at once, so that orders come and go.
pub fn tick_to_intent(path: &str, plan: &Plan, kernel: Kernel) -> Result<Value, String> {
    let mut recording = Recording::open(std::path::Path::new(path), false).map_err(|e| e.to_string())?;
    let venue = plan.venue.ok_or("the plan names no venue")?;
    let specs = plan.instruments.clone();
    let limits = plan.limits.clone().ok_or("the plan has no limits")?;
    let encoders = specs.iter().map(|s| Encoder::new(venue.into(), s)).collect::<Result<Vec<_>, _>>()?;
    let mut exchange = SimExchange::new(plan.simulation.exchange, specs.clone());
    let all = (0..specs.len() as u16).collect();
    let trading = Trading {
        limits,
        equity: plan.equity,
        switch: Arc::new(Switch::anonymous()),
        capacity: 4096,
        first_id: 1,
        can_replace: venue.can_replace(),
        live: None,
    };
    let config = LaneConfig {
        dialect: venue.into(),
        instruments: specs,
        features: plan.features,
        clock_offset_ns: plan.clock_offset_ns.unwrap_or(0),
        trading: Some(trading),
    };
    // A second lane without a kernel takes the same frames: the part that is not decision.
    let mut watching = Lane::new(
        LaneConfig {
            dialect: config.dialect,
            instruments: config.instruments.clone(),
            features: config.features,
            clock_offset_ns: config.clock_offset_ns,
            trading: None,
        },
        Vec::new(),
    )?;
    let mut lane = Lane::new(config, vec![(kernel, all)])?;
    let decoder = lane.decoder();
    let (mut decoded, mut out, mut wire) = (Decoded::default(), Outbox::default(), Vec::with_capacity(1 << 16));
    let (mut receipts, mut answers, mut order) = (Vec::new(), Outbox::default(), Vec::new());
    let (mut lane_ns, mut encode_ns, mut watch_ns) = (Vec::new(), Vec::new(), Vec::new());
    let mut nothing = Outbox::default();
    // Of the answered events alone: what they held, what they were answered with, and what deciding took in each.
    let (mut levels, mut requests, mut decide_ns) = (0, 0, Vec::new());
    loop {
        let frame = match recording.read().map_err(|e| e.to_string())? {
            Next::Frame(frame) => frame,
            Next::Skip => continue,
            Next::End => break,
        };
        decoder.decode(&frame, &mut decoded);
        let now_ns = frame.recv_ns;
        exchange.on_market(&decoded, now_ns, &mut receipts);
        wire.clear();
        let started_ns = stopwatch_ns();
        lane.apply(&frame, &decoded, &mut out);
        let decided_ns = stopwatch_ns();
        for request in &out.requests {
            let intent = request.intent();
            encoders[usize::from(intent.instrument)]
                .encode(intent, now_ns / 1_000_000, &mut wire)
                .map_err(|e| e.to_string())?;
        }
        let encoded_ns = stopwatch_ns();
        black_box(&wire);
        watching.apply(&frame, &decoded, &mut nothing);
        nothing.snapshots_wanted.clear();
        let watched_ns = stopwatch_ns();
        if !out.requests.is_empty() {
            levels += decoded.levels.len();
            requests += out.requests.len();
            decide_ns.push((encoded_ns - started_ns) - (watched_ns - encoded_ns));
            watch_ns.push(watched_ns - encoded_ns);
            lane_ns.push(encoded_ns - started_ns);
            encode_ns.push((encoded_ns - decided_ns) / out.requests.len() as i64);
        }
        for request in out.requests.drain(..) {
            exchange.on_intent(request.intent(), now_ns, &mut receipts);
        }
        for receipt in receipts.drain(..) {
            order.clear();
            receipt.put(&mut order);
            let answer =
                Frame { source: Source::Order, connection: 0, tag: Frame::UNTAGGED, recv_ns: now_ns, bytes: &order };
            lane.step(&answer, &mut answers);
        }
        // What a receipt makes the kernel wish is sent, but not measured: it is no answer to the market.
        out.requests.append(&mut answers.requests);
        for request in out.requests.drain(..) {
            exchange.on_intent(request.intent(), now_ns, &mut receipts);
        }
    }
    let answered = lane_ns.len().max(1) as f64;
    let percentiles = |values: &mut Vec<i64>| {
        values.sort_unstable();
        let at = |p: usize| values.get((values.len() * p / 100).min(values.len().saturating_sub(1))).copied();
        json!({"count": values.len(), "p50": at(50), "p90": at(90), "p99": at(99)})
    };
    Ok(json!({
        "event_to_wire_ns": percentiles(&mut lane_ns),
        "book_and_features_ns": percentiles(&mut watch_ns),
        "encode_ns": percentiles(&mut encode_ns),
        "decide_and_encode_ns": percentiles(&mut decide_ns),
        "levels_per_event": levels as f64 / answered,
        "requests_per_event": requests as f64 / answered,
        "state": lane.gate().map(|g| format!("{:?}", g.state())),
    }))
}
