//! The backtest: a recording, a lane and a simulated exchange on four clocks.
//!
//! Each step takes the earliest of: market data at the exchange, our request at the exchange, market data here, a
//! receipt here, a timer here; at equal times in that order. Feed latency is whatever the recording had; order latency
//! is the model's. The lane sees nothing but frames, as it does live.

use std::collections::VecDeque;

use crate::event::{Decoded, Event, Fault, Frame, Intent, Receipt, ReceiptKind, Source, Wire};
use crate::lane::{Lane, LaneFill, Outbox};
use crate::sim::exchange::SimExchange;
use crate::sim::latency::LatencyModel;
use crate::sim::plan::{FaultKind, FaultPlan};
use crate::sim::source::{Next, Recording, RecordingError};
use crate::sim::stats::Stats;
use crate::units::Lots;

/// A frame read ahead.
#[derive(Default)]
struct Ahead {
    recv_ns: i64,
    source: u8,
    connection: u16,
    tag: u16,
    decoded: Decoded,
    /// Kept only where a Tape is written.
    bytes: Vec<u8>,
}

/// How the venue's clock and the recorder's go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// Added to the venue's times.
    pub offset_ns: i64,
    /// Largest feed latency: how far ahead the recording is read.
    pub max_latency_ns: i64,
}

/// The simulated venue and the way to it.
pub struct Venue {
    pub exchange: SimExchange,
    pub latency: LatencyModel,
    pub clocks: Clocks,
}

/// The next thing to happen.
#[derive(Clone, Copy)]
enum What {
    MarketThere,
    RequestThere,
    MarketHere,
    ReceiptHere,
    TimerHere,
}

pub struct Backtest {
    recording: Recording,
    pub lane: Lane,
    venue: Option<Venue>,
    pub stats: Stats,
    faults: Vec<FaultPlan>,
    keep_bytes: bool,
    outbox: Outbox,
    /// Frames in the order of their receipt; `base` is the number of the first.
    ahead: VecDeque<Ahead>,
    base: u64,
    pool: Vec<Ahead>,
    /// (exchange time, frame number), sorted.
    there: VecDeque<(i64, u64)>,
    requests: VecDeque<(i64, Intent)>,
    receipts: VecDeque<(i64, Receipt)>,
    made: Vec<Receipt>,
    fills: Vec<LaneFill>,
    wire: Vec<u8>,
    read_ns: i64,
    exhausted: bool,
    started: bool,
    pub frames: u64,
    pub trades_rows: u64,
    pub first_ns: i64,
    pub last_ns: i64,
}

impl Backtest {
    /// Without a venue the lane only watches.
    #[must_use]
    pub fn new(recording: Recording, lane: Lane, venue: Option<Venue>, faults: Vec<FaultPlan>, tape: bool) -> Backtest {
        Backtest {
            recording,
            lane,
            venue,
            stats: Stats::default(),
            faults,
            keep_bytes: tape,
            outbox: Outbox::default(),
            ahead: VecDeque::new(),
            base: 0,
            pool: Vec::new(),
            there: VecDeque::new(),
            requests: VecDeque::new(),
            receipts: VecDeque::new(),
            made: Vec::new(),
            fills: Vec::new(),
            wire: Vec::new(),
            read_ns: i64::MIN,
            exhausted: false,
            started: false,
            frames: 0,
            trades_rows: 0,
            first_ns: 0,
            last_ns: 0,
        }
    }

    /// Goes on for about `frames` frames of the recording; true when it is over.
    pub fn advance(&mut self, frames: u64) -> Result<bool, RecordingError> {
        let until = self.frames.saturating_add(frames);
        if self.venue.is_none() {
            while self.frames < until {
                if !self.watch()? {
                    self.finish();
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        while self.frames < until {
            if !self.trade()? {
                self.finish();
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[must_use]
    pub fn progress(&self) -> f64 {
        self.recording.progress()
    }

    #[must_use]
    pub fn notice(&self) -> Option<String> {
        self.recording.notice()
    }

    fn finish(&mut self) {
        self.lane.finish();
        self.stats.sample(&self.lane, self.last_ns);
    }

    fn start(&mut self, recv_ns: i64, exch_ns: i64) {
        self.started = true;
        self.first_ns = recv_ns;
        self.lane.start_timers(exch_ns.min(recv_ns));
    }

    /// One frame straight into the lane: nothing is sent, so nothing need be foreseen.
    fn watch(&mut self) -> Result<bool, RecordingError> {
        let frame = loop {
            match self.recording.next()? {
                Next::Frame(frame) => break frame,
                Next::Skip => {}
                Next::End => return Ok(false),
            }
        };
        if self.frames == 0 {
            self.first_ns = frame.recv_ns;
        }
        self.frames += 1;
        self.last_ns = frame.recv_ns.max(self.last_ns);
        self.stats.advance(&self.lane, self.last_ns);
        self.lane.step(&frame, &mut self.outbox);
        self.outbox.snapshots_wanted.clear();
        Ok(true)
    }

    /// Reads and decodes one frame into the queues.
    fn read(&mut self) -> Result<(), RecordingError> {
        let mut entry = self.pool.pop().unwrap_or_default();
        let frame = loop {
            match self.recording.next()? {
                Next::Frame(frame) => break frame,
                Next::Skip => {}
                Next::End => {
                    self.exhausted = true;
                    return Ok(());
                }
            }
        };
        self.lane.decode(&frame, &mut entry.decoded);
        // A recorder's clock that steps back cannot undo what has happened.
        let recv_ns = frame.recv_ns.max(self.read_ns);
        (entry.recv_ns, entry.source) = (recv_ns, frame.source as u8);
        (entry.connection, entry.tag) = (frame.connection, frame.tag);
        entry.bytes.clear();
        if self.keep_bytes {
            entry.bytes.extend_from_slice(frame.bytes);
        }
        self.read_ns = recv_ns;
        let offset_ns = self.venue.as_ref().map_or(0, |v| v.clocks.offset_ns);
        let exch_ns = match entry.decoded.event {
            Event::Depth { exch_ns, .. } | Event::Snapshot { exch_ns, .. } | Event::Trade { exch_ns, .. } => {
                // Nothing is received before it happened; what bears no time happened when it came.
                Some(if exch_ns == 0 { recv_ns } else { (exch_ns + offset_ns).min(recv_ns) })
            }
            _ => None,
        };
        if !self.started {
            self.start(recv_ns, exch_ns.unwrap_or(recv_ns));
        }
        if let Some(exch_ns) = exch_ns {
            let number = self.base + self.ahead.len() as u64;
            let mut at = self.there.len();
            while at > 0 && self.there[at - 1].0 > exch_ns {
                at -= 1;
            }
            if at == self.there.len() {
                self.there.push_back((exch_ns, number));
            } else {
                self.there.insert(at, (exch_ns, number));
            }
        }
        self.ahead.push_back(entry);
        Ok(())
    }

    fn earliest(&self) -> Option<(i64, What)> {
        let mut first: Option<(i64, What)> = None;
        let candidates = [
            (self.there.front().map(|t| t.0), What::MarketThere),
            (self.requests.front().map(|r| r.0), What::RequestThere),
            (self.ahead.front().map(|a| a.recv_ns), What::MarketHere),
            (self.receipts.front().map(|r| r.0), What::ReceiptHere),
            (self.lane.next_timer_ns(), What::TimerHere),
        ];
        for (time, what) in candidates {
            if let Some(t) = time
                && first.is_none_or(|(f, _)| t < f)
            {
                first = Some((t, what));
            }
        }
        first
    }

    /// The next thing on any clock; false when the recording is over.
    fn trade(&mut self) -> Result<bool, RecordingError> {
        let horizon_ns = self.venue.as_ref().map_or(0, |v| v.clocks.max_latency_ns);
        let (time_ns, what) = loop {
            let next = self.earliest();
            // A frame not read yet may have happened at the exchange up to the largest feed latency before it came.
            let known_ns = self.read_ns.saturating_sub(horizon_ns);
            match next {
                Some((t, what)) if self.exhausted || t < known_ns => break (t, what),
                None if self.exhausted => return Ok(false),
                _ => self.read()?,
            }
        };
        if self.exhausted && self.ahead.is_empty() {
            return Ok(false); // nothing more will be seen: what is still under way is not reported
        }
        match what {
            What::MarketThere => {
                if let (Some((_, number)), Some(venue)) = (self.there.pop_front(), &mut self.venue) {
                    let entry = &self.ahead[(number - self.base) as usize];
                    venue.exchange.on_market(&entry.decoded, time_ns, &mut self.made);
                    self.answer(time_ns);
                }
            }
            What::RequestThere => {
                if let (Some((_, intent)), Some(venue)) = (self.requests.pop_front(), &mut self.venue) {
                    venue.exchange.on_intent(&intent, time_ns, &mut self.made);
                    self.answer(time_ns);
                }
            }
            What::MarketHere => {
                if let Some(entry) = self.ahead.pop_front() {
                    self.base += 1;
                    self.frames += 1;
                    self.last_ns = entry.recv_ns;
                    self.stats.advance(&self.lane, time_ns);
                    let frame = Frame {
                        source: Source::from_u8(entry.source).unwrap_or(Source::Market),
                        connection: entry.connection,
                        tag: entry.tag,
                        recv_ns: entry.recv_ns,
                        bytes: &entry.bytes,
                    };
                    self.lane.apply(&frame, &entry.decoded, &mut self.outbox);
                    self.pool.push(entry);
                    self.inject(time_ns);
                    self.dispatch(time_ns);
                }
            }
            What::ReceiptHere => {
                if let Some((_, receipt)) = self.receipts.pop_front() {
                    self.stats.advance(&self.lane, time_ns);
                    self.wire.clear();
                    receipt.put(&mut self.wire);
                    self.deliver(Source::Order, time_ns);
                }
            }
            What::TimerHere => {
                self.stats.advance(&self.lane, time_ns);
                self.wire.clear();
                self.deliver(Source::Timer, time_ns);
            }
        }
        Ok(true)
    }

    /// Steps the lane with a frame of our own making; its bytes are in `wire`.
    fn deliver(&mut self, source: Source, recv_ns: i64) {
        let wire = std::mem::take(&mut self.wire);
        let frame = Frame { source, connection: 0, tag: Frame::UNTAGGED, recv_ns, bytes: &wire };
        self.lane.step(&frame, &mut self.outbox);
        self.wire = wire;
        self.dispatch(recv_ns);
    }

    fn inject(&mut self, now_ns: i64) {
        while let Some(at) = self.faults.iter().position(|f| f.after_frames == self.frames) {
            let fault = match self.faults.remove(at).kind {
                FaultKind::Panic => Fault::Panic,
                FaultKind::Disconnected => Fault::Disconnected,
            };
            self.wire.clear();
            self.wire.push(fault as u8);
            self.deliver(Source::Fault, now_ns);
        }
    }

    /// Sends what the lane has put out on its way to the exchange. No request overtakes another.
    fn dispatch(&mut self, now_ns: i64) {
        self.outbox.snapshots_wanted.clear(); // a recording has the snapshots it has
        if !self.outbox.requests.is_empty()
            && let Some(venue) = &mut self.venue
        {
            for request in self.outbox.requests.drain(..) {
                let intent = *request.intent();
                match venue.latency.entry_ns(now_ns) {
                    Some(entry_ns) => {
                        let earliest = self.requests.back().map_or(i64::MIN, |r| r.0);
                        self.requests.push_back(((now_ns + entry_ns).max(earliest), intent));
                    }
                    None => {
                        let at_ns = now_ns + venue.latency.rejection_ns(now_ns);
                        let earliest = self.receipts.back().map_or(i64::MIN, |r| r.0);
                        self.receipts.push_back((at_ns.max(earliest), turned_away(&intent, at_ns)));
                    }
                }
            }
        }
        self.lane.take_fills(&mut self.fills);
        for fill in self.fills.drain(..) {
            self.stats.on_fill(fill);
        }
    }

    /// Sends what the exchange has made on its way back. No receipt overtakes another.
    #[inline(always)]
    fn answer(&mut self, exch_ns: i64) {
        if self.made.is_empty() {
            return;
        }
        if let Some(venue) = &mut self.venue {
            let at_ns = exch_ns + venue.latency.response_ns(exch_ns);
            for receipt in self.made.drain(..) {
                let earliest = self.receipts.back().map_or(i64::MIN, |r| r.0);
                self.receipts.push_back((at_ns.max(earliest), receipt));
            }
        }
    }
}

/// The venue's gateway refused a request that never reached the matching engine.
fn turned_away(intent: &Intent, at_ns: i64) -> Receipt {
    let place = intent.action == crate::event::Action::Place;
    Receipt {
        kind: if place { ReceiptKind::Rejected } else { ReceiptKind::ChangeRejected },
        id: intent.id,
        instrument: intent.instrument,
        side: intent.side,
        maker: false,
        exch_ns: at_ns,
        px: intent.px,
        qty: Lots(0),
        leaves: if place { Lots(0) } else { intent.qty },
        trade_id: 0,
        queue_joined: -1,
        queue_ahead: -1,
    }
}
