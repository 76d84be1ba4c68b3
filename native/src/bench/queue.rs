//! What happens when the first queue fills: a lane that takes frames as fast as it can, and its Tape on a disk that may
//! not keep up. The ring between them is the only queue of a lane; nothing waits for it.

use std::path::Path;

use serde_json::{Value, json};

use super::crowd::{Batch, Crowd};
use super::scale::lane_of;
use crate::clock::stopwatch_ns;
use crate::lane::Outbox;
use crate::live::record::SessionTape;
use crate::sim::plan::Plan;
use crate::tape::{Kind, TapeReader};

const BATCH: usize = 128;

/// Runs a lane of `count` instruments for `run_ns` with a session's Tape in `folder`, then reads the Tape. `offered` is
/// what the lane gave to the ring, `recorded` and `told` what the Tape holds and what its Lost records say is missing.
///
/// # Errors
/// As [`lane_of`]; or the Tape cannot be written, or read.
pub fn queue(crowd: &Crowd, plan: &Plan, count: usize, folder: &Path, run_ns: i64) -> Result<Value, String> {
    let mut lane = lane_of(crowd, plan, count, Vec::new())?;
    let (tape, record) = SessionTape::open(folder, 0, 1, "{}")?;
    lane.journal.set_tape(Some(record));
    let (mut batch, mut out) = (Batch::default(), Outbox::default());
    let (mut offered, mut bytes, mut spent_ns, mut first) = (0u64, 0u64, 0, None);
    let mut pass = 0;
    let started_ns = stopwatch_ns();
    'run: loop {
        let mut stream = crowd.stream(count, pass);
        pass += 1;
        while stream.fill(&mut batch, BATCH) {
            let began_ns = stopwatch_ns();
            if began_ns - started_ns >= run_ns {
                break 'run;
            }
            for frame in batch.iter() {
                lane.step(&frame, &mut out);
                offered += 1;
                bytes += frame.bytes.len() as u64;
            }
            let now_ns = stopwatch_ns();
            spent_ns += now_ns - began_ns;
            out.snapshots_wanted.clear(); // from the second pass on, the window begins again behind the books
            if first.is_none() && tape.lost() > 0 {
                first = Some((offered, now_ns - started_ns));
            }
        }
    }
    let took_ns = stopwatch_ns() - started_ns;
    let lost = tape.lost();
    lane.journal.set_tape(None);
    let path = tape.path.clone();
    let said = tape.close().err();
    let (mut recorded, mut told, mut lost_records) = (0u64, 0u64, 0u64);
    let mut reader = TapeReader::open(&path).map_err(|e| e.to_string())?;
    while let Some(r) = reader.next().map_err(|e| e.to_string())? {
        match r.kind {
            Kind::Market => recorded += 1,
            Kind::Lost => {
                lost_records += 1;
                told += r.payload.first_chunk().map_or(0, |n| u64::from_le_bytes(*n));
            }
            _ => {}
        }
    }
    let each_second = |n: u64, ns: i64| n as f64 * 1e9 / ns.max(1) as f64;
    Ok(json!({
        "offered": offered,
        "offered_per_second": each_second(offered, took_ns),
        "lane_frames_per_second": each_second(offered, spent_ns),
        "recorded": recorded,
        "recorded_per_second": each_second(recorded, took_ns),
        "bytes_per_second": each_second(bytes, took_ns),
        "lost": lost,
        "told": told,
        "lost_records": lost_records,
        "frames_before_the_first_loss": first.map(|f| f.0),
        "ns_before_the_first_loss": first.map(|f| f.1),
        "said_at_the_end": said,
    }))
}
