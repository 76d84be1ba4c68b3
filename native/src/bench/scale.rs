//! One lane with more and more instruments: what an event takes, and what an instrument takes of the memory.

use serde_json::{Value, json};

use super::crowd::{Batch, Crowd};
use crate::cex::kernel::Kernel;
use crate::clock::thread_cpu_ns;
use crate::event::InstrumentId;
use crate::lane::{Lane, LaneConfig, Outbox, Trading};
use crate::risk::limits::Limits;
use crate::risk::switch::Switch;
use crate::sim::plan::Plan;

/// Frames between two readings of the clock: about what a first-level cache holds of them, and enough that reading
/// the clock does not count.
const BATCH: usize = 128;
/// How much of the day is played, after its snapshot.
pub const WINDOW_NS: i64 = 30_000_000_000;
/// The first part of the window warms up.
const WARM: usize = 5;

/// A lane of `count` instruments of the same kind, its books in sync. Without kernels it only keeps books.
///
/// # Errors
/// What [`Lane::new`] says, or that a book is not in sync.
pub fn lane_of(crowd: &Crowd, plan: &Plan, count: usize, kernels: Vec<Kernel>) -> Result<Lane, String> {
    let instruments = crowd.specs(count)?;
    let all: Vec<InstrumentId> = (0..count as u16).collect();
    let kernels: Vec<_> = match kernels.len() {
        1 => kernels.into_iter().map(|k| (k, all.clone())).collect(),
        _ => kernels.into_iter().zip(all.chunks(1)).map(|(k, own)| (k, own.to_vec())).collect(),
    };
    let limits = plan.limits.as_ref().ok_or("the plan has no limits")?;
    let limits = Limits { instrument: vec![limits.instrument[0].clone(); count], ..limits.clone() };
    let trading = (!kernels.is_empty()).then(|| Trading {
        limits,
        equity: plan.equity,
        switch: std::sync::Arc::new(Switch::anonymous()),
        capacity: 4096,
        first_id: 1,
        can_replace: true,
        live: None,
    });
    let config = LaneConfig {
        dialect: crowd.market,
        instruments,
        features: plan.features,
        clock_offset_ns: plan.clock_offset_ns.unwrap_or(0),
        trading,
    };
    let mut lane = Lane::new(config, kernels)?;
    let mut out = Outbox::default();
    for id in 0..count {
        crowd.opening(id as InstrumentId, |frame| lane.step(frame, &mut out));
    }
    Ok(lane)
}

/// Resident memory of this process, bytes; 0 where the system does not say it as Linux does.
fn resident_bytes() -> i64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = text.lines().find_map(|l| l.strip_prefix("VmRSS:")).and_then(|l| l.trim().split(' ').next());
    kib.and_then(|k| k.parse::<i64>().ok()).unwrap_or(0) * 1024
}

/// CPU nanoseconds a frame in one lane of `count` instruments, over `passes` passes through the window with a new lane
/// each, and the memory that the first of them took. One kernel is given all instruments; as many kernels as there
/// are instruments, one each.
///
/// # Errors
/// See [`lane_of`]; and a lane whose books were lost on the way, that panicked or that was tripped has measured nothing.
pub fn scale(
    crowd: &Crowd,
    plan: &Plan,
    count: usize,
    passes: usize,
    mut kernels: impl FnMut() -> Vec<Kernel>,
) -> Result<Value, String> {
    let (mut frames, mut spent_ns, mut bytes, mut books) = (0, 0, None, 0);
    let (mut batch, mut out) = (Batch::default(), Outbox::default());
    for pass in 0..passes.max(1) {
        let before = resident_bytes();
        let mut lane = lane_of(crowd, plan, count, kernels())?;
        let mut stream = crowd.stream(count, pass as u64);
        let (mut seen, warm) = (0, crowd.window() * count / WARM);
        while stream.fill(&mut batch, BATCH) {
            let started_ns = thread_cpu_ns();
            for frame in batch.iter() {
                lane.step(&frame, &mut out);
            }
            let took_ns = thread_cpu_ns() - started_ns;
            seen += batch.len();
            if seen > warm {
                spent_ns += took_ns;
                frames += batch.len();
            }
            if !out.snapshots_wanted.is_empty() {
                return Err(format!("{} of {count} books fell out of sync", out.snapshots_wanted.len()));
            }
        }
        bytes.get_or_insert(resident_bytes() - before);
        books = lane.instruments().iter().map(|i| i.book.memory_bytes()).sum();
        let live = lane.instruments().iter().filter(|i| i.sync.live()).count();
        if live != count {
            return Err(format!("{live} of {count} books are in sync at the end"));
        }
        if let Some(text) = &lane.panicked {
            return Err(format!("the lane panicked: {text}"));
        }
        if let Some(reason) = lane.gate().and_then(|g| g.reason()) {
            return Err(format!("the Switch was tripped: {:?}: {}", reason.cause, reason.text));
        }
    }
    let ns_per_frame = spent_ns as f64 / frames.max(1) as f64;
    let each = |total: i64| total as f64 / count as f64;
    Ok(json!({
        "instruments": count,
        "frames": frames,
        "ns_per_frame": ns_per_frame,
        "frames_per_second": 1e9 / ns_per_frame,
        "resident_bytes": bytes,
        "resident_bytes_each": each(bytes.unwrap_or(0)),
        "book_bytes_each": each(books as i64),
    }))
}
