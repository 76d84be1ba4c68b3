//! Whether a live session decided what its Tape says: the same lane is made again of the Tape's header, and every frame
//! of the Tape is stepped; what the lane decides must be what stands behind that frame, byte by byte.
//!
//! Frames that a lane wrote itself are told to it beforehand and not stepped: hooks that overran, and what its Gate saw
//! of the Switch.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::plan::LivePlan;
use crate::cex::kernel::Kernel;
use crate::event::Source;
use crate::lane::{Lane, Outbox, Overrun, Record};
use crate::risk::gate::SwitchSeen;
use crate::risk::switch::Switch;
use crate::tape::{Kind, TapeReader};

/// An Intent, verdict or Receipt as it stands on a Tape.
type Decision = (Kind, Vec<u8>);

fn is_decision(kind: Kind) -> bool {
    matches!(kind, Kind::Intent | Kind::Permit | Kind::Refusal | Kind::Receipt)
}

/// Takes what the lane decides now.
struct Decided(Arc<Mutex<VecDeque<Decision>>>);

impl Record for Decided {
    fn record(&mut self, kind: Kind, _connection: u16, _tag: u16, _time_ns: i64, payload: &[u8]) {
        if is_decision(kind) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back((kind, payload.to_vec()));
        }
    }
}

/// Steps the lane through the Tape at `path`; kernels in the order of its header. The answer: `agrees`, the first
/// `difference` if there is one, and what was compared.
///
/// # Errors
/// One line: the Tape cannot be read, or is not one of a live session.
pub fn verify(path: &Path, kernels: Vec<Kernel>) -> Result<Value, String> {
    let said = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let (overruns, switch) = told(path)?;
    let mut tape = TapeReader::open(path).map_err(|e| e.to_string())?;
    let plan = LivePlan::parse(tape.meta()).map_err(|e| said(&format!("not a live session's Tape: {e}")))?;
    let mut lane = plan.lane(kernels, Arc::new(Switch::anonymous()), false).map_err(|e| said(&e))?;
    lane.set_overruns(overruns);
    lane.set_switch_script(switch);
    let decided = Arc::new(Mutex::new(VecDeque::new()));
    lane.journal.set_tape(Some(Box::new(Decided(Arc::clone(&decided)))));
    let mut run = Run { lane, decided, outbox: Outbox::default(), frames: 0, decisions: 0, difference: None };
    let mut lost = 0u64;
    let (mut from_ns, mut until_ns) = (None, 0);
    while let Some(record) = tape.next().map_err(|e| e.to_string())? {
        if record.kind == Kind::Lost {
            // What was decided after frames that nobody has cannot be known.
            lost = record.payload.try_into().map_or(1, u64::from_le_bytes);
            break;
        }
        if is_decision(record.kind) {
            run.compare(record.seq, record.kind, record.payload);
        } else if let Some(frame) = record.frame() {
            run.nothing_more(record.seq);
            let own = frame.source == Source::Switch
                || (frame.source == Source::Fault && Overrun::read(frame.bytes).is_some());
            if !own && run.difference.is_none() {
                run.lane.step(&frame, &mut run.outbox);
                run.frames += 1;
                run.forget_requests();
            }
            from_ns.get_or_insert(frame.recv_ns);
            until_ns = frame.recv_ns;
        }
        if run.difference.is_some() {
            break;
        }
    }
    let ended = tape.ended();
    if ended {
        run.nothing_more(0);
    }
    let lane = &run.lane;
    Ok(json!({
        "agrees": run.difference.is_none() && lost == 0,
        "frames": run.frames,
        "decisions": run.decisions,
        "intents": lane.journal.intents,
        "permits": lane.journal.permits,
        "refused": lane.journal.refusals,
        "receipts": lane.journal.receipts,
        "sha256": lane.journal.sha256().iter().map(|b| format!("{b:02x}")).collect::<String>(),
        "from_ns": from_ns,
        "until_ns": until_ns,
        "ended": ended,
        "torn": tape.torn().map(ToString::to_string),
        "lost": lost,
        "difference": run.difference,
    }))
}

/// What the lane wrote of itself: overruns, and changes of the Switch.
fn told(path: &Path) -> Result<(Vec<Overrun>, Vec<SwitchSeen>), String> {
    let mut tape = TapeReader::open(path).map_err(|e| e.to_string())?;
    let (mut overruns, mut switch) = (Vec::new(), Vec::new());
    while let Some(record) = tape.next().map_err(|e| e.to_string())? {
        match record.kind {
            Kind::Fault => overruns.extend(Overrun::read(record.payload)),
            Kind::Switch => switch.extend(SwitchSeen::read(record.payload)),
            _ => {}
        }
    }
    Ok((overruns, switch))
}

struct Run {
    lane: Lane,
    decided: Arc<Mutex<VecDeque<Decision>>>,
    outbox: Outbox,
    frames: u64,
    decisions: u64,
    difference: Option<Value>,
}

impl Run {
    fn next(&self) -> Option<Decision> {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// A decision on the Tape: the lane's next one must be the same.
    fn compare(&mut self, seq: u64, kind: Kind, payload: &[u8]) {
        self.decisions += 1;
        let now = self.next();
        if now.as_ref().is_none_or(|(k, p)| (*k, p.as_slice()) != (kind, payload)) {
            self.differ(seq, Some((kind, payload)), now.as_ref());
        }
    }

    /// The Tape goes on with something else: the lane must have decided nothing more.
    fn nothing_more(&mut self, seq: u64) {
        if self.difference.is_none()
            && let Some(now) = self.next()
        {
            self.differ(seq, None, Some(&now));
        }
    }

    fn differ(&mut self, seq: u64, tape: Option<(Kind, &[u8])>, now: Option<&Decision>) {
        let shown = |kind: Kind, bytes: &[u8]| json!({"kind": kind.name(), "bytes": bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()});
        self.difference.get_or_insert_with(|| {
            json!({
                "record": seq,
                "frames_before": self.frames,
                "tape": tape.map(|(kind, bytes)| shown(kind, bytes)),
                "now": now.map(|(kind, bytes)| shown(*kind, bytes)),
            })
        });
    }

    /// Nothing is sent.
    fn forget_requests(&mut self) {
        self.outbox.requests.clear();
        self.outbox.calls.clear();
        self.outbox.snapshots_wanted.clear();
        if self.lane.has_kept() {
            self.lane.take_kept(&mut Vec::new());
        }
        if self.lane.has_fills() {
            self.lane.take_fills(&mut Vec::new());
        }
    }
}
