//! What the lane of a live Tape saw as the best prices, for tests that hold them against the venue's own.

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::tape_error;
use crate::event::Source;
use crate::lane::Outbox;
use crate::live::LivePlan;
use crate::live::plan::Mode;
use crate::tape::{TapeError, TapeReader};

/// Instrument, update id, best bid and its quantity, best ask and its quantity; ticks and lots.
type Seen = (u16, u64, i64, i64, i64, i64);

enum Failure {
    Tape(TapeError),
    Plan(String),
}

/// Every Top that the lane of a live Tape had, each time its book was in sync at another update id: a lane of the same
/// plan, without kernels, is given the Tape's market frames, snapshots and disconnections.
///
/// TapeError for wrong bytes, ValueError where the Tape is not one of a live session.
#[pyfunction]
#[pyo3(signature = (path, /))]
fn tape_tops(py: Python<'_>, path: PathBuf) -> PyResult<Vec<Seen>> {
    py.detach(|| tops(&path)).map_err(|failure| match failure {
        Failure::Tape(e) => tape_error(e),
        Failure::Plan(e) => PyValueError::new_err(format!("{}: {e}", path.display())),
    })
}

fn tops(path: &std::path::Path) -> Result<Vec<Seen>, Failure> {
    let mut tape = TapeReader::open(path).map_err(Failure::Tape)?;
    let mut plan: LivePlan = serde_json::from_str(tape.meta()).map_err(|e| Failure::Plan(e.to_string()))?;
    plan.mode = Mode::Record;
    plan.plan.kernels.clear();
    plan.plan.limits = None;
    let switch = std::sync::Arc::new(crate::risk::switch::Switch::anonymous());
    let mut lane = plan.lane(Vec::new(), switch, false).map_err(Failure::Plan)?;
    let (mut out, mut seen) = (Outbox::default(), Vec::new());
    let mut last = vec![None; lane.instruments().len()];
    while let Some(record) = tape.next().map_err(Failure::Tape)? {
        let Some(frame) = record.frame() else { continue };
        if !matches!(frame.source, Source::Market | Source::Snapshot | Source::Fault) {
            continue;
        }
        lane.step(&frame, &mut out);
        out.snapshots_wanted.clear();
        for (n, i) in lane.instruments().iter().enumerate() {
            let (Some(top), Some(id)) = (i.top, i.sync.last_id()) else {
                last[n] = None;
                continue;
            };
            if last[n] != Some(id) {
                last[n] = Some(id);
                seen.push((n as u16, id, top.bid.px.0, top.bid.qty.0, top.ask.px.0, top.ask.qty.0));
            }
        }
    }
    Ok(seen)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(tape_tops, m)?)
}
