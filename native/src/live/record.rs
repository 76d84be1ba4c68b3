//! From the lane's journal to the Tape: a ring and the Tape's own thread, so that the lane never waits for a disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::lane::Record;
use crate::ring::{OVERHEAD_BYTES, RingProducer, ring};
use crate::tape::{Head, Kind, TapeOptions, TapeThread, TapeWriter};

/// Room for some seconds of the busiest markets while the disk is slow.
const RING_BYTES: usize = 32 << 20;
const SEGMENT_BYTES: u64 = 256 << 20;

/// What became of the records.
#[derive(Debug, Default)]
pub struct TapeCounts {
    pub records: AtomicU64,
    pub bytes: AtomicU64,
    /// Records that found the ring full, or the writer gone.
    pub lost: AtomicU64,
}

/// The lane's end of the ring.
struct ToTape {
    ring: RingProducer,
    lane: u16,
    counts: Arc<TapeCounts>,
}

impl Record for ToTape {
    #[inline]
    fn record(&mut self, kind: Kind, connection: u16, tag: u16, time_ns: i64, payload: &[u8]) {
        // A relaxed load and store: this thread alone writes.
        let add = |count: &AtomicU64, n: u64| count.store(count.load(Ordering::Relaxed) + n, Ordering::Relaxed);
        let head = Head { kind, lane: self.lane, connection, tag, time_ns };
        // A writer that has failed still lets the ring take records until it is full.
        if self.ring.try_push(&head, payload).is_err() || self.ring.failed() {
            add(&self.counts.lost, 1);
        } else {
            add(&self.counts.records, 1);
            add(&self.counts.bytes, (OVERHEAD_BYTES + payload.len()) as u64);
        }
    }
}

/// A session's Tape.
pub struct SessionTape {
    pub path: PathBuf,
    pub counts: Arc<TapeCounts>,
    thread: TapeThread,
}

impl SessionTape {
    /// Opens `<state>/tape/<start>.tape` with `meta` as its header, and gives the lane's end.
    ///
    /// # Errors
    /// One line: why there is none.
    pub fn open(state: &Path, start_ns: i64, lane: u16, meta: &str) -> Result<(SessionTape, Box<dyn Record>), String> {
        let folder = state.join("tape");
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let path = folder.join(format!("{}.tape", utc_name(start_ns)));
        let options = TapeOptions { segment_bytes: SEGMENT_BYTES, compress: true };
        let writer = TapeWriter::create(&path, meta, options).map_err(|e| e.to_string())?;
        let (producer, consumer) = ring(RING_BYTES);
        let thread = TapeThread::spawn(writer, vec![consumer]).map_err(|e| format!("{}: {e}", path.display()))?;
        let counts = Arc::new(TapeCounts::default());
        let to_tape = ToTape { ring: producer, lane, counts: Arc::clone(&counts) };
        Ok((SessionTape { path, counts, thread }, Box::new(to_tape)))
    }

    /// Records that are missing on the Tape.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Writes what is in the ring and closes the Tape. The lane's end must be gone.
    ///
    /// # Errors
    /// Why the Tape is not whole.
    pub fn close(self) -> Result<(), String> {
        let path = self.path.display().to_string();
        self.thread.stop().map_err(|e| format!("{path}: the Tape could not be written: {e}"))?;
        match self.counts.lost.load(Ordering::Relaxed) {
            0 => Ok(()),
            n => Err(format!("{path}: {n} records are missing on the Tape")),
        }
    }
}

/// `20260131T120000.123456Z`: names sort as the sessions began.
fn utc_name(ns: i64) -> String {
    let (days, rest) = (ns.div_euclid(86_400_000_000_000), ns.rem_euclid(86_400_000_000_000));
    let (year, month, day) = civil(days);
    let (s, us) = (rest / 1_000_000_000, rest % 1_000_000_000 / 1_000);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}.{us:06}Z", s / 3600, s / 60 % 60, s % 60)
}

/// Year, month and day of a day since 1970, by the Gregorian calendar: in years that begin in March, 400 of which have
/// 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted() {
        let (producer, consumer) = ring(2 * OVERHEAD_BYTES + 4);
        let counts = Arc::new(TapeCounts::default());
        let mut to_tape = ToTape { ring: producer, lane: 1, counts: Arc::clone(&counts) };
        let seen = |of: fn(&TapeCounts) -> &AtomicU64| of(&counts).load(Ordering::Relaxed);
        for _ in 0..2 {
            to_tape.record(Kind::Timer, 0, 0, 1, b"ab");
        }
        assert_eq!((seen(|c| &c.records), seen(|c| &c.lost)), (2, 0));
        to_tape.record(Kind::Timer, 0, 0, 2, b"");
        assert_eq!((seen(|c| &c.records), seen(|c| &c.lost)), (2, 1), "the ring is full");
        consumer.fail();
        drop(consumer);
        to_tape.record(Kind::Timer, 0, 0, 3, b"");
        assert_eq!((seen(|c| &c.records), seen(|c| &c.lost)), (2, 2), "nobody writes any more");
    }

    #[test]
    fn names_are_dates() {
        assert_eq!(utc_name(0), "19700101T000000.000000Z");
        assert_eq!(utc_name(951_782_400_000_000_000), "20000229T000000.000000Z");
        assert_eq!(utc_name(1_767_225_599_123_456_789), "20251231T235959.123456Z");
        assert_eq!(utc_name(1_772_323_200_000_000_000), "20260301T000000.000000Z");
    }
}
