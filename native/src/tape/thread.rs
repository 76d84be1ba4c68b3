//! The thread that writes the Tape: from the lanes' rings to the disk, so that no lane waits for it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::writer::TapeWriter;
use crate::clock::stopwatch_ns;
use crate::ring::{Backoff, RecordRef, RingConsumer};

/// At most so much of the Tape is lost in a power cut.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Writes what comes out of the rings until it is stopped. When idle it flushes, and then looks again every
/// millisecond: a lane must not make a system call to wake it. What a killed process loses is therefore what was in the
/// ring; what a power cut loses is the last [`SYNC_EVERY`].
pub struct TapeThread {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl TapeThread {
    /// One ring a lane. After a write error the thread ends, every lane's `failed()` turns true, and
    /// [`TapeThread::stop`] says what the error was.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn spawn(writer: TapeWriter, rings: Vec<RingConsumer>) -> io::Result<TapeThread> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let work = move || Drainer { rings, whole: false }.run(writer, &seen);
        let thread = std::thread::Builder::new().name("tape".into()).spawn(work)?;
        Ok(TapeThread { stop, thread: Some(thread) })
    }

    /// Writes what is in the rings, closes the Tape and joins. The lanes must have pushed their last record.
    ///
    /// # Errors
    /// The first write error, if there was one: the Tape then has no End record.
    pub fn stop(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        self.stop.store(true, Ordering::Release);
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the Tape's thread panicked; what it had not flushed is lost")),
        }
    }
}

impl Drop for TapeThread {
    fn drop(&mut self) {
        // Whoever wants to know calls stop; the lanes see an error by their flag.
        let _ = self.join();
    }
}

struct Drainer {
    rings: Vec<RingConsumer>,
    /// Everything was written and the Tape closed.
    whole: bool,
}

impl Drainer {
    fn run(mut self, mut writer: TapeWriter, stop: &AtomicBool) -> io::Result<()> {
        let mut backoff = Backoff::default();
        // Not flushed; not on the disk.
        let (mut dirty, mut unsynced) = (false, false);
        let mut synced_ns = stopwatch_ns();
        loop {
            // Read before the rings: what was pushed before the stop is then seen below.
            let stopping = stop.load(Ordering::Acquire);
            if self.drain(&mut writer)? > 0 {
                (dirty, unsynced) = (true, true);
                backoff = Backoff::default();
            } else if stopping {
                break;
            } else {
                if dirty && backoff.is_asleep() {
                    writer.flush()?;
                    dirty = false;
                }
                backoff.wait();
            }
            if unsynced && i128::from(stopwatch_ns() - synced_ns) >= SYNC_EVERY.as_nanos() as i128 {
                writer.sync()?;
                (dirty, unsynced) = (false, false);
                synced_ns = stopwatch_ns();
            }
        }
        for ring in &mut self.rings {
            let mut result = Ok(());
            ring.drain_lost(|r| result = append(&mut writer, r));
            result?;
        }
        writer.close()?;
        self.whole = true;
        Ok(())
    }

    fn drain(&mut self, writer: &mut TapeWriter) -> io::Result<usize> {
        let mut taken = 0;
        for ring in &mut self.rings {
            let mut result = Ok(());
            taken += ring.drain(|r| {
                if result.is_ok() {
                    result = append(writer, r);
                }
            });
            result?;
        }
        Ok(taken)
    }
}

impl Drop for Drainer {
    /// Also on a panic.
    fn drop(&mut self) {
        if !self.whole {
            self.rings.iter().for_each(RingConsumer::fail);
        }
    }
}

fn append(writer: &mut TapeWriter, r: RecordRef<'_>) -> io::Result<()> {
    writer.append(&r.head, r.payload).map(drop)
}
