//! Puts a backtest together: finds out what the plan leaves open, opens the Tape, and builds the lane.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::capture;
use crate::cex::kernel::Kernel;
use crate::clock::stopwatch_ns;
use crate::event::{Decoded, Event, InstrumentId, Source};
use crate::lane::{Lane, LaneConfig, Overrun, Record, Trading};
use crate::ring::{RingProducer, ring};
use crate::risk::switch::Switch;
use crate::sim::backtest::{Backtest, Clocks, Venue};
use crate::sim::exchange::SimExchange;
use crate::sim::plan::Plan;
use crate::sim::source::{Next, Recording, RecordingError};
use crate::tape::{Head, Kind, TapeOptions, TapeThread, TapeWriter};

/// Live orders a replayed lane has room for.
const CAPACITY: usize = 4096;
const RING_BYTES: usize = 64 << 20;

/// A replay that is ready to run, or has run.
pub struct Replay {
    pub backtest: Backtest,
    /// With everything filled in that was found out.
    pub plan: Plan,
    pub path: String,
    pub kernel_names: Vec<String>,
    pub load_ns: i64,
    pub run_ns: i64,
    tape: Option<(TapeThread, Arc<AtomicU64>)>,
}

/// The lane's end of the ring to the Tape.
struct ToTape {
    ring: RingProducer,
    lost: Arc<AtomicU64>,
}

impl Record for ToTape {
    fn record(&mut self, kind: Kind, connection: u16, tag: u16, time_ns: i64, payload: &[u8]) {
        // A replay can wait for the disk; what still fails is a writer that has stopped, and it says why.
        if self.ring.push_or_wait(&Head { kind, lane: 0, connection, tag, time_ns }, payload).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn text(error: RecordingError) -> String {
    error.to_string()
}

impl Replay {
    /// Opens `path` and prepares everything; kernels in the plan's order. The error is one line for a person.
    pub fn open(path: &str, mut plan: Plan, kernels: Vec<Kernel>) -> Result<Replay, String> {
        let started_ns = stopwatch_ns();
        if kernels.len() != plan.kernels.len() {
            return Err("the plan and the compiled kernels differ in number".into());
        }
        let mut recording = Recording::open(Path::new(path), plan.salvage).map_err(text)?;
        fill_in(path, &mut recording, &mut plan)?;
        let venue =
            plan.venue.ok_or_else(|| format!("{path}: the venue is not known; name it in the configuration"))?;
        let is_tape = recording.meta().is_some();
        let kernel_names: Vec<String> = kernels.iter().map(|k| k.name().to_string()).collect();
        let mut bound = Vec::with_capacity(kernels.len());
        for (kernel, p) in kernels.into_iter().zip(&plan.kernels) {
            let ids = p.instruments.iter().map(|symbol| instrument(&plan, symbol)).collect::<Result<Vec<_>, _>>()?;
            // A Tape says itself where a hook overran: measuring again could only differ.
            bound.push((kernel.with_budget(if is_tape { 0 } else { p.budget_ns }), ids));
        }
        let trading = match (&plan.limits, bound.is_empty()) {
            (_, true) => None,
            (None, false) => return Err("a strategy needs limits; write them in the configuration".into()),
            (Some(limits), false) => Some(Trading {
                limits: limits.clone(),
                equity: plan.equity,
                // A switch of its own: a replay must never trip the node's.
                switch: Arc::new(Switch::anonymous()),
                capacity: CAPACITY,
                first_id: crate::cex::orders::first_id(1, 1),
                can_replace: venue.can_replace(),
                live: None,
            }),
        };
        let mut lane = Lane::new(
            LaneConfig {
                dialect: venue.into(),
                instruments: plan.instruments.clone(),
                features: plan.features,
                clock_offset_ns: plan.clock_offset_ns.unwrap_or(0),
                trading,
            },
            bound,
        )?;
        let mut simulated = None;
        if !plan.kernels.is_empty() {
            let (mut clocks, overruns) = look_over(&mut recording, &lane, plan.clock_offset_ns)?;
            if let Some(latency_ns) = plan.simulation.feed_latency_ns {
                if latency_ns < 0 {
                    return Err(format!("feed_latency_ns is {latency_ns}; data cannot come before it happened"));
                }
                (clocks.feed_latency_ns, clocks.max_latency_ns) = (Some(latency_ns), latency_ns);
            }
            lane.set_overruns(overruns);
            plan.clock_offset_ns = Some(clocks.offset_ns);
            lane.set_clock_offset(clocks.offset_ns);
            let exchange = SimExchange::new(plan.simulation.exchange, plan.instruments.clone());
            simulated = Some(Venue { exchange, latency: plan.simulation.latency.clone(), clocks });
        }
        let tape = match &plan.tape {
            Some(to) => Some(open_tape(to, &plan, &mut lane)?),
            None => None,
        };
        let backtest = Backtest::new(recording, lane, simulated, plan.faults.clone(), tape.is_some())
            .map_err(|e| format!("no thread to read with: {e}"))?;
        let load_ns = stopwatch_ns() - started_ns;
        Ok(Replay { backtest, plan, path: path.to_string(), kernel_names, load_ns, run_ns: 0, tape })
    }

    /// Goes on for about `frames` frames; true when it is over and the Tape, if any, is closed.
    pub fn advance(&mut self, frames: u64) -> Result<bool, String> {
        let started_ns = stopwatch_ns();
        let done = self.backtest.advance(frames).map_err(text);
        self.run_ns += stopwatch_ns() - started_ns;
        if !matches!(done, Ok(false)) {
            self.close_tape()?;
        }
        let lane = &self.backtest.lane;
        match &lane.panicked {
            // Books that a panic left half changed are no books, and nobody was told.
            Some(text) if lane.gate().is_none() => return Err(format!("{}: {text}", self.path)),
            _ => {}
        }
        if matches!(done, Ok(true)) {
            self.heard()?;
        }
        done
    }

    /// An error where nothing in the recording was about the instruments asked for.
    fn heard(&self) -> Result<(), String> {
        let c = &self.backtest.lane.counts;
        if c.depth + c.quote + c.trade + c.snapshot > 0 {
            return Ok(());
        }
        let symbols: Vec<&str> = self.plan.instruments.iter().map(|i| i.symbol.as_str()).collect();
        let why = self.backtest.lane.first_malformed.map_or(String::new(), |r| format!(", the first: {r}"));
        Err(format!(
            "{}: nothing about {} in it ({} messages of others, {} that cannot be read{why})",
            self.path,
            symbols.join(", "),
            c.ignored,
            c.malformed
        ))
    }

    fn close_tape(&mut self) -> Result<(), String> {
        self.backtest.lane.journal.set_tape(None);
        if let Some((thread, lost)) = self.tape.take() {
            let path = self.plan.tape.as_deref().unwrap_or_default();
            thread.stop().map_err(|e| format!("{path}: the Tape could not be written: {e}"))?;
            match lost.load(Ordering::Relaxed) {
                0 => {}
                n => return Err(format!("{path}: {n} records are missing on the Tape")),
            }
        }
        Ok(())
    }
}

fn instrument(plan: &Plan, symbol: &str) -> Result<InstrumentId, String> {
    let at = plan.instruments.iter().position(|i| i.symbol == symbol);
    at.and_then(|i| InstrumentId::try_from(i).ok())
        .ok_or_else(|| format!("the strategy's instrument {symbol} is not one of the lane's"))
}

/// What the plan leaves open: from the Tape's header, or from the capture itself.
fn fill_in(path: &str, recording: &mut Recording, plan: &mut Plan) -> Result<(), String> {
    if let Some(meta) = recording.meta() {
        let unknown = |e| format!("{path}: the Tape's header is not a plan this version knows: {e}");
        let mut header: serde_json::Value = serde_json::from_str(meta).map_err(unknown)?;
        // A live session's has the plan of its lane among other things.
        let header = header.get_mut("plan").map(serde_json::Value::take).unwrap_or(header);
        let recorded: Plan = serde_json::from_value(header).map_err(unknown)?;
        plan.venue = plan.venue.or(recorded.venue);
        plan.clock_offset_ns = plan.clock_offset_ns.or(recorded.clock_offset_ns);
        if plan.instruments.is_empty() {
            plan.instruments = recorded.instruments;
        }
        return Ok(());
    }
    if plan.instruments.is_empty() {
        let Recording::Capture(capture) = recording else { return Ok(()) };
        let found = capture::discover(capture).map_err(|e| e.to_string())?.map_err(|e| format!("{path}: {e}"))?;
        plan.venue = plan.venue.or(Some(found.market.into()));
        plan.instruments = found.instruments;
    }
    Ok(())
}

/// Reads the recording once for its clocks, and for the overruns on a Tape.
fn look_over(recording: &mut Recording, lane: &Lane, offset_ns: Option<i64>) -> Result<(Clocks, Vec<Overrun>), String> {
    let mut overruns = Vec::new();
    let (mut least, mut most, mut known) = (i64::MAX, i64::MIN, false);
    let decoder = lane.decoder();
    let mut decoded = Decoded::default();
    let mut recv_ns = i64::MIN;
    loop {
        let frame = match recording.read().map_err(text)? {
            Next::Frame(frame) => frame,
            Next::Skip => continue,
            Next::End => break,
        };
        if frame.source == Source::Fault {
            overruns.extend(Overrun::read(frame.bytes));
        }
        decoder.decode(&frame, &mut decoded);
        recv_ns = recv_ns.max(frame.recv_ns);
        if let Event::Depth { exch_ns, .. } | Event::Trade { exch_ns, .. } | Event::Quote { exch_ns, .. } =
            decoded.event
            && exch_ns != 0
        {
            known = true;
            least = least.min(recv_ns - exch_ns);
            most = most.max(recv_ns - exch_ns);
        }
    }
    recording.rewind().map_err(text)?;
    if !known {
        let offset_ns = offset_ns.unwrap_or(0);
        return Ok((Clocks { offset_ns, max_latency_ns: 0, feed_latency_ns: None }, overruns));
    }
    let offset_ns = offset_ns.unwrap_or(least.min(0));
    let max_latency_ns = (most - offset_ns).max(0);
    Ok((Clocks { offset_ns, max_latency_ns, feed_latency_ns: None }, overruns))
}

fn open_tape(to: &str, plan: &Plan, lane: &mut Lane) -> Result<(TapeThread, Arc<AtomicU64>), String> {
    let header = Plan { tape: None, ..plan.clone() };
    let meta = serde_json::to_string(&header).map_err(|e| e.to_string())?;
    let writer = TapeWriter::create(to, &meta, TapeOptions::default()).map_err(|e| e.to_string())?;
    let (producer, consumer) = ring(RING_BYTES);
    let thread = TapeThread::spawn(writer, vec![consumer]).map_err(|e| format!("{to}: {e}"))?;
    let lost = Arc::new(AtomicU64::new(0));
    lane.journal.set_tape(Some(Box::new(ToTape { ring: producer, lost: lost.clone() })));
    Ok((thread, lost))
}
