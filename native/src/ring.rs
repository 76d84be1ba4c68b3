//! Records from one thread to another: a bounded single-producer single-consumer ring of bytes. A lane pushes without
//! waiting, locking or a system call; full is a counted refusal, and the count travels with the next record, so that
//! the Tape says how many are missing and where.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::tape::{Head, Kind};

/// Bytes that a record takes in the ring besides its payload.
pub const OVERHEAD_BYTES: usize = 28;

/// The record was refused and counted as lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    /// No room now.
    Now,
    /// No room ever: the record is longer than the ring, or nobody takes records out any more.
    Forever,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Full::Now => "the ring is full: the record was counted as lost",
            Full::Forever => "the record is longer than the ring, or its reader is gone: it was counted as lost",
        })
    }
}
impl std::error::Error for Full {}

#[derive(Default)]
struct Shared {
    lost: AtomicU64,
    failed: AtomicBool,
}

/// A ring of `capacity_bytes`, in which a record takes its payload and [`OVERHEAD_BYTES`].
#[must_use]
pub fn ring(capacity_bytes: usize) -> (RingProducer, RingConsumer) {
    let (bytes_in, bytes_out) = rtrb::RingBuffer::new(capacity_bytes);
    let shared = Arc::new(Shared::default());
    let producer = RingProducer { bytes: bytes_in, shared: Arc::clone(&shared), lost: 0, lost_said: 0 };
    let last = Head { kind: Kind::Lost, lane: 0, connection: 0, tag: u16::MAX, time_ns: 0 };
    (producer, RingConsumer { bytes: bytes_out, shared, scratch: Vec::new(), lost_said: 0, last })
}

/// The lane's end.
pub struct RingProducer {
    bytes: rtrb::Producer<u8>,
    shared: Arc<Shared>,
    lost: u64,
    lost_said: u64,
}

impl RingProducer {
    /// Puts a record into the ring.
    ///
    /// # Errors
    /// [`Full`]: it was not taken, and is counted.
    pub fn try_push(&mut self, head: &Head, payload: &[u8]) -> Result<(), Full> {
        let need = OVERHEAD_BYTES.saturating_add(payload.len());
        // The cached count costs no look at the other thread's cache line.
        if self.bytes.cached_slots() < need && self.bytes.slots() < need {
            return Err(self.refuse(if self.is_hopeless(need) { Full::Forever } else { Full::Now }));
        }
        let mut h = [0; OVERHEAD_BYTES];
        let Ok(length) = u32::try_from(payload.len()) else { return Err(self.refuse(Full::Forever)) };
        h[..4].copy_from_slice(&length.to_le_bytes());
        h[4] = head.kind as u8;
        h[6..8].copy_from_slice(&head.lane.to_le_bytes());
        h[8..10].copy_from_slice(&head.connection.to_le_bytes());
        h[10..12].copy_from_slice(&head.tag.to_le_bytes());
        h[12..20].copy_from_slice(&head.time_ns.to_le_bytes());
        h[20..].copy_from_slice(&(self.lost - self.lost_said).to_le_bytes());
        // There is room for both, and the consumer waits for the second when it sees the first.
        let pushed = self.bytes.push_entire_slice(&h).and_then(|()| self.bytes.push_entire_slice(payload));
        debug_assert!(pushed.is_ok());
        self.lost_said = self.lost;
        Ok(())
    }

    /// There will never be room for `need` bytes.
    #[cold]
    fn is_hopeless(&self, need: usize) -> bool {
        need > self.bytes.buffer().capacity() || self.bytes.is_abandoned() || self.failed()
    }

    #[cold]
    fn refuse(&mut self, full: Full) -> Full {
        self.lost += 1;
        self.shared.lost.store(self.lost, Ordering::Release);
        full
    }

    /// Puts a record into the ring and waits for room if there is none. For replay and other offline use only: a lane
    /// that trades must never wait for a disk.
    ///
    /// # Errors
    /// [`Full::Forever`] if there will never be room.
    pub fn push_or_wait(&mut self, head: &Head, payload: &[u8]) -> Result<(), Full> {
        let need = OVERHEAD_BYTES.saturating_add(payload.len());
        let mut backoff = Backoff::default();
        while self.bytes.slots() < need {
            if self.is_hopeless(need) {
                return Err(self.refuse(Full::Forever));
            }
            backoff.wait();
        }
        self.try_push(head, payload)
    }

    /// Records refused so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The other end cannot write any more (disk full, for instance): what is pushed now is not recorded. One relaxed
    /// load.
    #[must_use]
    #[inline]
    pub fn failed(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
    }
}

/// A record in the ring; [`Kind::Lost`] stands for those that were refused, its payload their number (u64).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordRef<'a> {
    pub head: Head,
    pub payload: &'a [u8],
}

/// The end that takes records out.
pub struct RingConsumer {
    bytes: rtrb::Consumer<u8>,
    shared: Arc<Shared>,
    /// For a payload that wraps around the end of the ring.
    scratch: Vec<u8>,
    lost_said: u64,
    last: Head,
}

impl RingConsumer {
    /// Takes out what is there now, in order, and gives each record to `take`; a Lost record comes just before the
    /// first record that was accepted after the loss. Says how many records `take` saw.
    pub fn drain(&mut self, mut take: impl FnMut(RecordRef<'_>)) -> usize {
        // No further than what is here at the start, so that a fast producer cannot keep the caller in.
        let mut left = self.bytes.slots();
        let mut taken = 0;
        while left >= OVERHEAD_BYTES {
            let mut h = [0; OVERHEAD_BYTES];
            let Ok(chunk) = self.bytes.read_chunk(OVERHEAD_BYTES) else { break };
            let (a, b) = chunk.as_slices();
            h[..a.len()].copy_from_slice(a);
            h[a.len()..].copy_from_slice(b);
            let whole = OVERHEAD_BYTES + u32::from_le_bytes([h[0], h[1], h[2], h[3]]) as usize;
            if left < whole {
                break; // the payload is still being copied
            }
            let [.., l0, l1, l2, l3, l4, l5, l6, l7] = h;
            let lost = u64::from_le_bytes([l0, l1, l2, l3, l4, l5, l6, l7]);
            let u16_at = |at: usize| u16::from_le_bytes([h[at], h[at + 1]]);
            // The producer only writes kinds that there are.
            let kind = Kind::from_u8(h[4]).unwrap_or(Kind::Lost);
            let mut time = [0; 8];
            time.copy_from_slice(&h[12..20]);
            let time_ns = i64::from_le_bytes(time);
            let head = Head { kind, lane: u16_at(6), connection: u16_at(8), tag: u16_at(10), time_ns };
            self.last = Head { kind: Kind::Lost, connection: 0, tag: u16::MAX, ..head };
            if lost > 0 {
                self.lost_said += lost;
                take(RecordRef { head: self.last, payload: &lost.to_le_bytes() });
                taken += 1;
            }
            let Ok(chunk) = self.bytes.read_chunk(whole) else { break };
            let (a, b) = chunk.as_slices();
            if b.is_empty() {
                take(RecordRef { head, payload: &a[OVERHEAD_BYTES..] });
            } else {
                self.scratch.clear();
                self.scratch.extend_from_slice(a);
                self.scratch.extend_from_slice(b);
                take(RecordRef { head, payload: &self.scratch[OVERHEAD_BYTES..] });
            }
            chunk.commit_all();
            left -= whole;
            taken += 1;
        }
        taken
    }

    /// Losses that no later record carried, as a Lost record. For the end, when the producer pushes no more and the
    /// ring is drained.
    pub fn drain_lost(&mut self, take: impl FnOnce(RecordRef<'_>)) {
        let lost = self.shared.lost.load(Ordering::Acquire).saturating_sub(self.lost_said);
        if lost > 0 {
            self.lost_said += lost;
            take(RecordRef { head: self.last, payload: &lost.to_le_bytes() });
        }
    }

    /// Tells the producer that nothing it pushes is recorded any more.
    pub fn fail(&self) {
        self.shared.failed.store(true, Ordering::Relaxed);
    }

    /// The producer is gone: what is in the ring is all there will be.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.bytes.is_abandoned()
    }
}

/// Waiting for another thread: first a little, then the rest of the time slice, then asleep.
#[derive(Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    const SPINS: u32 = 64;
    const YIELDS: u32 = 128;
    const SLEEP: Duration = Duration::from_millis(1);

    pub(crate) fn wait(&mut self) {
        match self.0 {
            n if n < Self::SPINS => std::hint::spin_loop(),
            n if n < Self::YIELDS => std::thread::yield_now(),
            _ => std::thread::sleep(Self::SLEEP),
        }
        self.0 = self.0.saturating_add(1);
    }

    pub(crate) fn is_asleep(&self) -> bool {
        self.0 >= Self::YIELDS
    }
}
