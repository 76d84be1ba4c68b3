//! The backtest: a recording, a lane and a simulated exchange on four clocks.
//!
//! Each step takes the earliest of: market data at the exchange, our request at the exchange, market data here, a
//! receipt here, a timer here; at equal times in that order. Feed latency is whatever the recording had; order latency
//! is the model's. The lane sees nothing but frames, as it does live.

use std::collections::VecDeque;

use crate::event::{Fault, Frame, Intent, Receipt, ReceiptKind, Source, Wire};
use crate::lane::{Lane, LaneFill, Outbox};
use crate::sim::exchange::SimExchange;
use crate::sim::latency::LatencyModel;
use crate::sim::plan::{FaultKind, FaultPlan};
use crate::sim::reader::Reader;
use crate::sim::source::{Next, Recording, RecordingError};
use crate::sim::stats::Stats;
use crate::units::Lots;

/// How the venue's clock and the recorder's go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// Added to the venue's times.
    pub offset_ns: i64,
    /// Largest feed latency: how far ahead the recording is read.
    pub max_latency_ns: i64,
    /// Every frame's feed latency, where it is not the recorded one.
    pub feed_latency_ns: Option<i64>,
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

/// Where frames come from.
enum Frames {
    /// Straight from the recording: nothing is sent, so nothing need be foreseen.
    Watched(Recording),
    Ahead(Reader),
}

/// After every time.
const NEVER: i64 = i64::MAX;

pub struct Backtest {
    frames_in: Frames,
    pub lane: Lane,
    venue: Option<Venue>,
    pub stats: Stats,
    faults: Vec<FaultPlan>,
    outbox: Outbox,
    /// Number of the next frame to be received here, and its time.
    here: u64,
    here_ns: i64,
    /// Frames taken from the reader.
    taken: u64,
    timer_ns: i64,
    /// (exchange time, frame number), sorted.
    there: VecDeque<(i64, u64)>,
    requests: VecDeque<(i64, Intent)>,
    receipts: VecDeque<(i64, Receipt)>,
    made: Vec<Receipt>,
    fills: Vec<LaneFill>,
    wire: Vec<u8>,
    /// The earliest of requests, receipts and the timer.
    rest: (i64, What),
    /// Before this time nothing new can come to be.
    known_ns: i64,
    exhausted: bool,
    pub frames: u64,
    pub first_ns: i64,
    pub last_ns: i64,
}

impl Backtest {
    /// Without a venue the lane only watches. `tape`: the frames' bytes are wanted by the lane's journal.
    pub fn new(
        recording: Recording,
        lane: Lane,
        venue: Option<Venue>,
        faults: Vec<FaultPlan>,
        tape: bool,
    ) -> std::io::Result<Backtest> {
        let frames_in = match &venue {
            None => Frames::Watched(recording),
            Some(v) => Frames::Ahead(Reader::spawn(recording, lane.decoder(), v.clocks, tape)?),
        };
        Ok(Backtest {
            frames_in,
            lane,
            venue,
            stats: Stats::default(),
            faults,
            outbox: Outbox::default(),
            here: 0,
            here_ns: NEVER,
            taken: 0,
            timer_ns: NEVER,
            there: VecDeque::new(),
            requests: VecDeque::new(),
            receipts: VecDeque::new(),
            made: Vec::new(),
            fills: Vec::new(),
            wire: Vec::new(),
            rest: (NEVER, What::TimerHere),
            known_ns: i64::MIN,
            exhausted: false,
            frames: 0,
            first_ns: 0,
            last_ns: 0,
        })
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
        match &self.frames_in {
            Frames::Watched(recording) => recording.progress(),
            Frames::Ahead(reader) => reader.progress(),
        }
    }

    #[must_use]
    pub fn notice(&self) -> Option<String> {
        match &self.frames_in {
            Frames::Watched(recording) => recording.notice(),
            Frames::Ahead(reader) => reader.notice(),
        }
    }

    fn finish(&mut self) {
        self.lane.finish();
        self.stats.sample(&self.lane, self.last_ns);
    }

    /// One frame straight into the lane.
    fn watch(&mut self) -> Result<bool, RecordingError> {
        let Frames::Watched(recording) = &mut self.frames_in else { return Ok(false) };
        let frame = loop {
            match recording.read()? {
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

    /// Takes the reader's next frames into the queues.
    fn read(&mut self) -> Result<(), RecordingError> {
        let Frames::Ahead(reader) = &mut self.frames_in else { return Ok(()) };
        let Some(numbers) = reader.take()? else {
            (self.exhausted, self.known_ns) = (true, NEVER);
            return Ok(());
        };
        if numbers.start == 0 {
            let first = reader.frame(0);
            self.first_ns = first.recv_ns;
            self.lane.start_timers(first.exch_ns.unwrap_or(first.recv_ns));
            self.timer_ns = self.lane.next_timer_ns().unwrap_or(NEVER);
            self.rest = (self.timer_ns, What::TimerHere);
        }
        if self.here == numbers.start {
            self.here_ns = reader.frame(self.here).recv_ns;
        }
        self.taken = numbers.end;
        let mut read_ns = 0;
        for number in numbers {
            let frame = reader.frame(number);
            read_ns = frame.recv_ns;
            let Some(exch_ns) = frame.exch_ns else { continue };
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
        // A frame not read yet may have happened at the exchange up to the largest feed latency before it came.
        let horizon_ns = self.venue.as_ref().map_or(0, |v| v.clocks.max_latency_ns);
        self.known_ns = read_ns.saturating_sub(horizon_ns);
        Ok(())
    }

    /// The earliest of requests, receipts and the timer; at equal times in that order.
    fn earliest_rest(&self) -> (i64, What) {
        let mut first = (self.requests.front().map_or(NEVER, |r| r.0), What::RequestThere);
        for other in
            [(self.receipts.front().map_or(NEVER, |r| r.0), What::ReceiptHere), (self.timer_ns, What::TimerHere)]
        {
            if other.0 < first.0 {
                first = other;
            }
        }
        first
    }

    /// The earliest of the clocks; at equal times market and request there, then market, receipt and timer here.
    #[inline(always)]
    fn earliest(&self) -> (i64, What) {
        let there = (self.there.front().map_or(NEVER, |t| t.0), What::MarketThere);
        let here = (self.here_ns, What::MarketHere);
        let rest = self.rest;
        let before = |a: (i64, What), b: (i64, What)| if b.0 < a.0 { b } else { a };
        match rest.1 {
            What::RequestThere => before(before(there, rest), here),
            _ => before(before(there, here), rest),
        }
    }

    /// The next thing on any clock; false when the recording is over.
    #[inline(always)]
    fn trade(&mut self) -> Result<bool, RecordingError> {
        let (time_ns, what) = loop {
            let (time_ns, what) = self.earliest();
            if time_ns < self.known_ns || self.exhausted {
                break (time_ns, what);
            }
            self.read()?;
        };
        if self.exhausted && self.here == self.taken {
            return Ok(false); // nothing more will be seen: what is still under way is not reported
        }
        let Frames::Ahead(reader) = &mut self.frames_in else { return Ok(false) };
        match what {
            What::MarketThere => {
                if let (Some((_, number)), Some(venue)) = (self.there.pop_front(), &mut self.venue) {
                    venue.exchange.on_market(&reader.frame(number).decoded, time_ns, &mut self.made);
                    self.answer(time_ns);
                }
            }
            What::RequestThere => {
                if let (Some((_, intent)), Some(venue)) = (self.requests.pop_front(), &mut self.venue) {
                    venue.exchange.on_intent(&intent, time_ns, &mut self.made);
                    self.answer(time_ns);
                    self.rest = self.earliest_rest();
                }
            }
            What::MarketHere => {
                self.stats.advance(&self.lane, time_ns);
                let ahead = reader.frame(self.here);
                let frame = Frame {
                    source: ahead.source,
                    connection: ahead.connection,
                    tag: ahead.tag,
                    recv_ns: ahead.recv_ns,
                    bytes: &ahead.bytes,
                };
                self.lane.apply(&frame, &ahead.decoded, &mut self.outbox);
                self.here += 1;
                self.here_ns = if self.here < self.taken { reader.frame(self.here).recv_ns } else { NEVER };
                reader.release(self.here);
                self.frames += 1;
                self.last_ns = time_ns;
                if !self.faults.is_empty() {
                    self.inject(time_ns);
                }
                self.dispatch(time_ns);
            }
            What::ReceiptHere => {
                if let Some((_, receipt)) = self.receipts.pop_front() {
                    self.stats.advance(&self.lane, time_ns);
                    self.wire.clear();
                    receipt.put(&mut self.wire);
                    self.deliver(Source::Order, time_ns);
                    self.rest = self.earliest_rest();
                }
            }
            What::TimerHere => {
                self.stats.advance(&self.lane, time_ns);
                self.wire.clear();
                self.deliver(Source::Timer, time_ns);
                self.timer_ns = self.lane.next_timer_ns().unwrap_or(NEVER);
                self.rest = self.earliest_rest();
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
    #[inline(always)]
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
            self.timer_ns = self.lane.next_timer_ns().unwrap_or(NEVER); // what rests is to be looked after
            self.rest = self.earliest_rest();
        }
        if self.lane.has_fills() {
            self.lane.take_fills(&mut self.fills);
            for fill in self.fills.drain(..) {
                self.stats.on_fill(fill);
            }
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
            self.rest = self.earliest_rest();
        }
    }
}

/// The venue's gateway refused a request that never reached the matching engine.
pub(crate) fn turned_away(intent: &Intent, at_ns: i64) -> Receipt {
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
