//! Reads and decodes a recording on a thread of its own, a few batches ahead of the backtest. Decoding depends on the frame
//! alone, so who does it, and when, changes nothing.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::event::{Decoded, Event, Level, Source};
use crate::lane::Decoder;
use crate::sim::backtest::Clocks;
use crate::sim::source::{Next, Recording, RecordingError};

/// Frames a batch; every batch but the last is full.
pub const BATCH: usize = 512;
/// Batches on their way.
const AHEAD: usize = 4;

/// A frame read ahead.
pub struct Ahead {
    pub recv_ns: i64,
    /// When it happened at the exchange, on the recorder's clock; `None` for what the exchange's book does not see.
    pub exch_ns: Option<i64>,
    pub source: Source,
    pub connection: u16,
    pub tag: u16,
    pub decoded: Decoded,
    /// Kept only where a Tape is written.
    pub bytes: Vec<u8>,
}

#[derive(Default)]
struct Batch {
    frames: Vec<Ahead>,
    /// Frames of this turn; the rest of `frames` is memory to reuse.
    len: usize,
    /// The recording ends behind it, and what is to be said of that.
    last: bool,
    notice: Option<String>,
}

/// The frames of a recording, numbered from 0, as far as they have been taken and not yet released.
pub struct Reader {
    batches: VecDeque<Batch>,
    /// Number of the first frame of `batches`.
    base: u64,
    taken: u64,
    ended: bool,
    full: Receiver<Result<Batch, RecordingError>>,
    empty: SyncSender<Batch>,
    progress: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
    notice: Option<String>,
}

impl Reader {
    /// `clocks` say when a frame happened at the exchange; `keep_bytes` keeps the frames' bytes.
    pub fn spawn(recording: Recording, decoder: Decoder, clocks: Clocks, keep_bytes: bool) -> std::io::Result<Reader> {
        let (to_us, full) = sync_channel(AHEAD);
        let (empty, back) = sync_channel(AHEAD + 2);
        let progress = Arc::new(AtomicU64::new(0));
        let work = Work {
            recording,
            decoder,
            clocks,
            keep_bytes,
            recv_ns: i64::MIN,
            progress: progress.clone(),
            lists: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("reader".into()).spawn(move || work.run(&to_us, &back))?;
        Ok(Reader {
            batches: VecDeque::new(),
            base: 0,
            taken: 0,
            ended: false,
            full,
            empty,
            progress,
            thread: Some(thread),
            notice: None,
        })
    }

    /// Takes the next frames and returns their numbers; `None` at the end.
    pub fn take(&mut self) -> Result<Option<Range<u64>>, RecordingError> {
        if self.ended {
            return Ok(None);
        }
        let mut batch = match (self.full.recv(), self.thread.take()) {
            (Ok(batch), thread) => {
                self.thread = thread;
                batch?
            }
            // Gone without its last batch: it has panicked.
            (Err(_), Some(thread)) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => return Ok(None),
            },
            (Err(_), None) => return Ok(None),
        };
        self.ended = batch.last;
        self.notice = batch.notice.take();
        let numbers = self.taken..self.taken + batch.len as u64;
        self.taken = numbers.end;
        self.batches.push_back(batch);
        Ok((!numbers.is_empty()).then_some(numbers))
    }

    /// A frame that was taken and is not released.
    #[inline(always)]
    #[must_use]
    pub fn frame(&self, number: u64) -> &Ahead {
        let at = (number - self.base) as usize;
        &self.batches[at / BATCH].frames[at % BATCH]
    }

    /// Frames before `number` are not needed any more.
    #[inline(always)]
    pub fn release(&mut self, number: u64) {
        if number - self.base >= BATCH as u64 {
            self.base += BATCH as u64;
            if let Some(batch) = self.batches.pop_front() {
                // Full or gone, the reader makes do without it.
                let _ = self.empty.try_send(batch);
            }
        }
    }

    /// How much of the recording has been read, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        f64::from_bits(self.progress.load(Ordering::Relaxed))
    }

    /// What is to be said of the recording's end, once it is reached.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        self.notice.clone()
    }
}

struct Work {
    recording: Recording,
    decoder: Decoder,
    clocks: Clocks,
    keep_bytes: bool,
    recv_ns: i64,
    progress: Arc<AtomicU64>,
    /// Level lists to reuse, the last used first: few frames have levels, and their memory stays warm.
    lists: Vec<Vec<Level>>,
}

impl Work {
    /// Fills batches until the end.
    fn run(mut self, out: &SyncSender<Result<Batch, RecordingError>>, back: &Receiver<Batch>) {
        let mut last = false;
        while !last {
            let mut batch = back.try_recv().unwrap_or_default();
            let filled = self.fill(&mut batch);
            self.progress.store(self.recording.progress().to_bits(), Ordering::Relaxed);
            last = batch.last || filled.is_err();
            if batch.last {
                batch.notice = self.recording.notice();
            }
            // The backtest is gone: nobody reads on.
            if out.send(filled.map(|()| batch)).is_err() {
                return;
            }
        }
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<(), RecordingError> {
        for entry in &mut batch.frames[..batch.len] {
            if entry.decoded.levels.capacity() != 0 {
                self.lists.push(std::mem::take(&mut entry.decoded.levels));
            }
        }
        (batch.len, batch.last) = (0, false);
        while batch.len < BATCH {
            let frame = match self.recording.read()? {
                Next::Frame(frame) => frame,
                Next::Skip => continue,
                Next::End => {
                    batch.last = true;
                    return Ok(());
                }
            };
            // A recorder's clock that steps back cannot undo what has happened.
            self.recv_ns = self.recv_ns.max(frame.recv_ns);
            if batch.len == batch.frames.len() {
                batch.frames.push(Ahead {
                    recv_ns: 0,
                    exch_ns: None,
                    source: Source::Market,
                    connection: 0,
                    tag: 0,
                    decoded: Decoded::default(),
                    bytes: Vec::new(),
                });
            }
            let entry = &mut batch.frames[batch.len];
            if entry.decoded.levels.capacity() == 0 {
                entry.decoded.levels = self.lists.pop().unwrap_or_default();
            }
            self.decoder.decode(&frame, &mut entry.decoded);
            if entry.decoded.levels.is_empty() {
                self.lists.push(std::mem::take(&mut entry.decoded.levels));
            }
            entry.recv_ns = self.recv_ns;
            (entry.source, entry.connection, entry.tag) = (frame.source, frame.connection, frame.tag);
            entry.bytes.clear();
            if self.keep_bytes {
                entry.bytes.extend_from_slice(frame.bytes);
            }
            entry.exch_ns = match entry.decoded.event {
                Event::Depth { exch_ns, .. } | Event::Snapshot { exch_ns, .. } | Event::Trade { exch_ns, .. } => {
                    // Nothing is received before it happened; what bears no time happened when it came.
                    Some(match self.clocks.feed_latency_ns {
                        Some(latency_ns) => self.recv_ns - latency_ns,
                        None if exch_ns == 0 => self.recv_ns,
                        None => (exch_ns + self.clocks.offset_ns).min(self.recv_ns),
                    })
                }
                _ => None,
            };
            batch.len += 1;
        }
        Ok(())
    }
}
