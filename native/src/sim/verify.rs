//! Whether a session decided what its Tape says: the same lane is made again from the Tape's header, is given every
//! Frame, and everything that it would put on a Tape is compared, byte for byte, with what stands there.
//!
//! What the lane cannot learn from Frames is told from the Tape beforehand: which look met a change of the Switch, and
//! which hook overran its time budget. Everything else must come out by itself.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::cex::kernel::Kernel;
use crate::cex::orders::first_id;
use crate::event::{Decoded, Event, Frame, InstrumentId, Intent, Receipt, Refusal, Source, Wire};
use crate::lane::{Lane, LaneConfig, Outbox, Overrun, Record, Trading};
use crate::live::plan::{CAPACITY, LivePlan};
use crate::risk::gate::SwitchSeen;
use crate::risk::limits::Limit;
use crate::risk::switch::Switch;
use crate::sim::plan::Plan;
use crate::tape::{Kind, TapeReader};

/// One record, as the lane makes it and as the Tape has it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    kind: Kind,
    connection: u16,
    tag: u16,
    time_ns: i64,
    payload: Vec<u8>,
}

/// What the lane would have written.
#[derive(Clone, Default)]
struct Made(Arc<Mutex<VecDeque<Entry>>>);

impl Record for Made {
    fn record(&mut self, kind: Kind, connection: u16, tag: u16, time_ns: i64, payload: &[u8]) {
        let entry = Entry { kind, connection, tag, time_ns, payload: payload.to_vec() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(entry);
    }
}

impl Made {
    fn next(&self) -> Option<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// What came of it.
#[derive(Default)]
struct Findings {
    frames: u64,
    compared: u64,
    /// Records that the Tape says are missing on it; nothing after them can be compared.
    lost: u64,
    difference: Option<Value>,
    torn: Option<String>,
    ended: bool,
}

/// What a Tape tells beforehand.
#[derive(Default)]
struct Script {
    overruns: Vec<Overrun>,
    switch: Vec<SwitchSeen>,
    first: Option<Entry>,
}

/// Verifies the Tape at `path`, of a live session or of a backtest; `kernels` are its strategies, compiled, in the order
/// of its plan. Returns JSON: `agrees` (nothing differs and nothing is lost), `frames`, `compared`, `lost`,
/// `difference` (`null`, or `seq` and the decoded record as it stands on the Tape and as it is made now), `torn`,
/// `ended`, `sha256` of the decisions.
///
/// # Errors
/// The Tape cannot be read, or its header makes no lane: one line for a person.
pub fn verify(path: &Path, kernels: Vec<Kernel>) -> Result<String, String> {
    let mut reader = TapeReader::open(path).map_err(|e| e.to_string())?;
    let meta = reader.meta().to_owned();
    let script = look_over(&mut reader)?;
    let header = Header::read(&meta).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut lane = header.lane(kernels)?;
    if let (Header::Backtest(plan), Some(first)) = (&header, &script.first) {
        lane.start_timers(first_there_ns(plan, &lane, first));
    }
    lane.set_overruns(script.overruns);
    lane.set_switch_script(script.switch);
    let made = Made::default();
    lane.journal.set_tape(Some(Box::new(made.clone())));
    let mut reader = TapeReader::open(path).map_err(|e| e.to_string())?;
    let found = compare(&mut reader, &mut lane, &made)?;
    let sha256: String = lane.journal.sha256().iter().map(|b| format!("{b:02x}")).collect();
    let out = json!({
        "agrees": found.difference.is_none() && found.lost == 0,
        "frames": found.frames,
        "compared": found.compared,
        "lost": found.lost,
        "difference": found.difference,
        "torn": found.torn,
        "ended": found.ended,
        "sha256": sha256,
    });
    Ok(out.to_string())
}

/// The first pass: what the lane is to be told.
fn look_over(reader: &mut TapeReader) -> Result<Script, String> {
    let mut script = Script::default();
    while let Some(r) = reader.next().map_err(|e| e.to_string())? {
        match r.kind {
            Kind::Fault => script.overruns.extend(Overrun::read(r.payload)),
            Kind::Switch => script.switch.extend(SwitchSeen::read(r.payload)),
            _ => {}
        }
        if script.first.is_none() && matches!(r.kind, Kind::Market | Kind::Snapshot) {
            script.first = Some(Entry {
                kind: r.kind,
                connection: r.connection,
                tag: r.tag,
                time_ns: r.time_ns,
                payload: r.payload.to_vec(),
            });
        }
    }
    Ok(script)
}

/// The second pass.
fn compare(reader: &mut TapeReader, lane: &mut Lane, made: &Made) -> Result<Findings, String> {
    let (mut found, mut out) = (Findings::default(), Outbox::default());
    while let Some(r) = reader.next().map_err(|e| e.to_string())? {
        let entry = Entry {
            kind: r.kind,
            connection: r.connection,
            tag: r.tag,
            time_ns: r.time_ns,
            payload: r.payload.to_vec(),
        };
        match entry.kind {
            Kind::Meta => continue,
            Kind::End => break,
            Kind::Lost => {
                found.lost = entry.payload.first_chunk().map_or(1, |n| u64::from_le_bytes(*n));
                return Ok(found);
            }
            // Written by the lane inside a step; what it did is scripted.
            Kind::Fault if Overrun::read(&entry.payload).is_some() => continue,
            _ => {}
        }
        let mut now = made.next();
        if now.is_none()
            && let Some(source) = entry.kind.source().filter(|s| *s != Source::Switch)
        {
            let Entry { connection, tag, time_ns, payload, .. } = &entry;
            let frame = Frame { source, connection: *connection, tag: *tag, recv_ns: *time_ns, bytes: payload };
            lane.step(&frame, &mut out);
            forget(lane, &mut out);
            found.frames += 1;
            now = made.next();
        }
        if now.as_ref() != Some(&entry) {
            let shown = now.as_ref().map_or(json!("nothing"), show);
            found.difference = Some(json!({"seq": r.seq, "tape": show(&entry), "now": shown}));
            return Ok(found);
        }
        found.compared += u64::from(is_decision(entry.kind));
    }
    found.torn = reader.torn().map(ToString::to_string);
    found.ended = reader.ended();
    // A Tape that was cut off may lack the end of the last step; one that was closed may not.
    if let Some(extra) = made.next().filter(|_| found.ended && found.torn.is_none()) {
        found.difference = Some(json!({"seq": Value::Null, "tape": "the end", "now": show(&extra)}));
    }
    Ok(found)
}

/// Nothing is sent and nothing is kept.
fn forget(lane: &mut Lane, out: &mut Outbox) {
    out.requests.clear();
    out.calls.clear();
    out.snapshots_wanted.clear();
    if lane.has_kept() {
        lane.take_kept(&mut Vec::new());
    }
    if lane.has_fills() {
        lane.take_fills(&mut Vec::new());
    }
}

fn is_decision(kind: Kind) -> bool {
    matches!(kind, Kind::Intent | Kind::Permit | Kind::Refusal | Kind::Receipt | Kind::Trip | Kind::Switch)
}

/// A record for people.
fn show(e: &Entry) -> Value {
    let text = match e.kind {
        Kind::Intent => Intent::get(&e.payload).map(|i| format!("{i:?}")),
        Kind::Refusal => Refusal::get(&e.payload).map(|r| {
            let limit = Limit::from_index(r.limit).map_or("unknown", Limit::name);
            format!("{limit}: {r:?}")
        }),
        Kind::Receipt => Receipt::get(&e.payload).map(|r| format!("{r:?}")),
        Kind::Switch => SwitchSeen::read(&e.payload).map(|s| format!("{s:?}")),
        Kind::Permit => e.payload.first_chunk().map(|id| format!("order {}", u64::from_le_bytes(*id))),
        _ => std::str::from_utf8(&e.payload).ok().map(str::to_owned),
    };
    let text = text.unwrap_or_else(|| format!("{} bytes", e.payload.len()));
    json!({"kind": e.kind.name(), "time_ns": e.time_ns, "connection": e.connection, "tag": e.tag, "payload": text})
}

/// What a Tape's header says of its lane.
enum Header {
    Live(Box<LivePlan>),
    Backtest(Box<Plan>),
}

impl Header {
    fn read(meta: &str) -> Result<Header, String> {
        let value: Value = serde_json::from_str(meta).map_err(|e| format!("the Tape's header is no JSON: {e}"))?;
        let unknown = |e: serde_json::Error| format!("the Tape's header is not a plan this version knows: {e}");
        if value.get("plan").is_some() {
            return serde_json::from_value(value).map(|p| Header::Live(Box::new(p))).map_err(unknown);
        }
        serde_json::from_value(value).map(|p| Header::Backtest(Box::new(p))).map_err(unknown)
    }

    /// The lane, on a switch of its own.
    fn lane(&self, kernels: Vec<Kernel>) -> Result<Lane, String> {
        let switch = Arc::new(Switch::anonymous());
        match self {
            Header::Live(plan) => plan.lane(kernels, switch, false),
            Header::Backtest(plan) => backtest_lane(plan, kernels, switch),
        }
    }
}

fn backtest_lane(plan: &Plan, kernels: Vec<Kernel>, switch: Arc<Switch>) -> Result<Lane, String> {
    let venue = plan.venue.ok_or("the Tape's header names no venue")?;
    if kernels.len() != plan.kernels.len() {
        return Err("the Tape's header and the compiled kernels differ in number".into());
    }
    let mut bound = Vec::with_capacity(kernels.len());
    for (kernel, p) in kernels.into_iter().zip(&plan.kernels) {
        let place = |symbol: &String| plan.instruments.iter().position(|i| i.symbol == *symbol);
        let ids: Option<Vec<InstrumentId>> =
            p.instruments.iter().map(|s| place(s).and_then(|at| InstrumentId::try_from(at).ok())).collect();
        bound.push((kernel.with_budget(0), ids.ok_or("a strategy's instrument is not one of the lane's")?));
    }
    let limits = plan.limits.as_ref().filter(|_| !bound.is_empty());
    let trading = limits.map(|limits| Trading {
        limits: limits.clone(),
        equity: plan.equity,
        switch,
        capacity: CAPACITY,
        first_id: first_id(1, 1),
        can_replace: venue.can_replace(),
        live: None,
    });
    let config = LaneConfig {
        dialect: venue.into(),
        instruments: plan.instruments.clone(),
        features: plan.features,
        clock_offset_ns: plan.clock_offset_ns.unwrap_or(0),
        trading,
    };
    Lane::new(config, bound)
}

/// When the first frame of a backtest happened at the exchange: from there its timers ran.
fn first_there_ns(plan: &Plan, lane: &Lane, first: &Entry) -> i64 {
    let source = first.kind.source().unwrap_or(Source::Market);
    let Entry { connection, tag, time_ns, payload, .. } = first;
    let frame = Frame { source, connection: *connection, tag: *tag, recv_ns: *time_ns, bytes: payload };
    let mut decoded = Decoded::default();
    lane.decoder().decode(&frame, &mut decoded);
    let (Event::Depth { exch_ns, .. } | Event::Snapshot { exch_ns, .. } | Event::Trade { exch_ns, .. }) = decoded.event
    else {
        return *time_ns;
    };
    match plan.simulation.feed_latency_ns {
        Some(latency_ns) => time_ns - latency_ns,
        None if exch_ns == 0 => *time_ns,
        None => (exch_ns + plan.clock_offset_ns.unwrap_or(0)).min(*time_ns),
    }
}
