//! Keeps a book in sync with its venue's chain of update ids, by the rules of a dialect. A book in a gap has no Top.

use std::collections::VecDeque;

use crate::cex::book::Book;
use crate::event::{Decoded, Event, Side, Top};

/// Update ids of one depth event, as the venue names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ids {
    /// `U`
    pub first: u64,
    /// `u`
    pub last: u64,
    /// `pu`; 0 where the venue sends none.
    pub prev: u64,
}

/// What an event is to a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum First {
    /// Contained in the snapshot: drop it.
    Stale,
    /// Joins on: apply it.
    Joins,
    /// Begins after the snapshot ends: the snapshot is too old.
    Hole,
}

/// What an event is to the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    Stale,
    Follows,
    Gap,
}

/// A venue's numbered rules, kept in its dialect.
#[derive(Clone, Copy, Debug)]
pub struct ChainRules {
    pub first: fn(snapshot_id: u64, ids: Ids) -> First,
    pub next: fn(last_id: u64, ids: Ids) -> Next,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Buffering; a snapshot is wanted.
    Waiting,
    /// The snapshot is in the book and the first event that joins on is awaited.
    Snapshot(u64),
    /// In sync up to this id.
    Live(u64),
}

/// What became of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The book changed and is in sync.
    Applied,
    /// The book has just come into sync.
    Synced,
    /// Kept until a snapshot comes, or older than the book.
    Held,
    /// The chain is broken; the book has no Top and a snapshot is wanted.
    Lost,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncCounts {
    /// Depth events applied to a book in sync.
    pub applied: u64,
    /// Events already contained in the book.
    pub stale: u64,
    /// Breaks of the venue's chain.
    pub gaps: u64,
    /// Times the best bid was at or above the best ask after an event.
    pub crossed: u64,
    /// Snapshots that were older than the first event kept.
    pub old_snapshots: u64,
    /// Times the book came into sync.
    pub syncs: u64,
    /// Events dropped because the buffer was full.
    pub overflowed: u64,
    /// Time without a Top, up to the last time the book came into sync.
    pub blind_ns: i64,
}

/// Events kept while a snapshot is awaited; at 10 a second that is over six minutes.
const BUFFER: usize = 4096;

/// The state of one book's chain.
#[derive(Debug)]
pub struct Synchroniser {
    rules: ChainRules,
    state: State,
    buffer: VecDeque<Decoded>,
    /// `recv_ns` since when the book has had no Top, if it has none.
    blind_since: Option<i64>,
    /// `recv_ns` of the last event that was applied.
    applied_ns: i64,
    pub counts: SyncCounts,
}

impl Synchroniser {
    #[must_use]
    pub fn new(rules: ChainRules) -> Synchroniser {
        Synchroniser {
            rules,
            state: State::Waiting,
            buffer: VecDeque::new(),
            blind_since: None,
            applied_ns: 0,
            counts: SyncCounts::default(),
        }
    }

    #[must_use]
    pub fn live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// A snapshot is wanted.
    #[must_use]
    pub fn wants_snapshot(&self) -> bool {
        self.state == State::Waiting
    }

    /// `recv_ns` of the last event in the book.
    #[must_use]
    pub fn applied_ns(&self) -> i64 {
        self.applied_ns
    }

    /// Update id the book is at, while in sync.
    #[must_use]
    pub fn last_id(&self) -> Option<u64> {
        match self.state {
            State::Live(id) => Some(id),
            _ => None,
        }
    }

    /// The book's Top, which exists only in sync.
    #[must_use]
    pub fn top(&self, book: &Book) -> Option<Top> {
        if self.live() { book.top() } else { None }
    }

    /// Time without a Top up to `now_ns`.
    #[must_use]
    pub fn blind_ns(&self, now_ns: i64) -> i64 {
        self.counts.blind_ns + self.blind_since.map_or(0, |t| (now_ns - t).max(0))
    }

    /// The chain is known to be broken (gap, unreadable event, lost connection, crossed book).
    pub fn lose(&mut self, now_ns: i64) {
        // The book has been wrong since some time after the last event it took.
        let since = if self.live() { self.applied_ns } else { now_ns };
        self.blind_since.get_or_insert(since);
        self.state = State::Waiting;
        self.buffer.clear();
    }

    /// A depth event.
    pub fn on_depth(&mut self, decoded: &Decoded, now_ns: i64, book: &mut Book) -> Outcome {
        let Some(ids) = ids(decoded) else { return Outcome::Held };
        match self.state {
            State::Live(last_id) => match (self.rules.next)(last_id, ids) {
                Next::Follows => self.apply(decoded, ids.last, now_ns, book),
                Next::Stale => {
                    self.counts.stale += 1;
                    Outcome::Held
                }
                Next::Gap => self.gap(decoded, now_ns),
            },
            State::Snapshot(id) => match (self.rules.first)(id, ids) {
                First::Stale => {
                    self.counts.stale += 1;
                    Outcome::Held
                }
                First::Joins => self.join(decoded, ids.last, now_ns, book),
                First::Hole => self.gap(decoded, now_ns),
            },
            State::Waiting => {
                self.blind_since.get_or_insert(now_ns);
                let broken = self
                    .buffer
                    .back()
                    .and_then(crate::cex::sync::ids)
                    .is_some_and(|before| (self.rules.next)(before.last, ids) == Next::Gap);
                if broken {
                    return self.gap(decoded, now_ns);
                }
                self.keep(decoded);
                Outcome::Held
            }
        }
    }

    /// A whole book; ignored while in sync.
    pub fn on_snapshot(&mut self, decoded: &Decoded, last_id: u64, now_ns: i64, book: &mut Book) -> Outcome {
        if self.live() {
            return Outcome::Held;
        }
        self.blind_since.get_or_insert(now_ns);
        book.clear();
        for l in decoded.bids() {
            book.set(Side::Buy, l.px, l.qty);
        }
        for l in decoded.asks() {
            book.set(Side::Sell, l.px, l.qty);
        }
        self.state = State::Snapshot(last_id);
        let mut outcome = Outcome::Held;
        let mut buffer = std::mem::take(&mut self.buffer);
        while let Some(event) = buffer.pop_front() {
            let hole = self.state == State::Snapshot(last_id)
                && ids(&event).is_some_and(|i| (self.rules.first)(last_id, i) == First::Hole);
            if hole {
                // Older than the events we kept: they stay, and a newer snapshot is wanted.
                self.counts.old_snapshots += 1;
                self.state = State::Waiting;
                buffer.push_front(event);
                self.buffer = buffer;
                return Outcome::Lost;
            }
            match self.on_depth(&event, now_ns, book) {
                Outcome::Held => {}
                other => outcome = other,
            }
        }
        outcome
    }

    fn join(&mut self, decoded: &Decoded, last_id: u64, now_ns: i64, book: &mut Book) -> Outcome {
        match self.apply(decoded, last_id, now_ns, book) {
            Outcome::Applied => {
                self.counts.syncs += 1;
                self.counts.blind_ns = self.blind_ns(now_ns);
                self.blind_since = None;
                Outcome::Synced
            }
            other => other,
        }
    }

    #[inline(always)]
    fn apply(&mut self, decoded: &Decoded, last_id: u64, now_ns: i64, book: &mut Book) -> Outcome {
        for l in decoded.bids() {
            book.set(Side::Buy, l.px, l.qty);
        }
        for l in decoded.asks() {
            book.set(Side::Sell, l.px, l.qty);
        }
        if book.crossed() {
            self.counts.crossed += 1;
            self.lose(now_ns);
            return Outcome::Lost;
        }
        self.state = State::Live(last_id);
        self.applied_ns = now_ns;
        self.counts.applied += 1;
        Outcome::Applied
    }

    #[cold]
    fn gap(&mut self, decoded: &Decoded, now_ns: i64) -> Outcome {
        self.counts.gaps += 1;
        self.lose(now_ns);
        self.keep(decoded);
        Outcome::Lost
    }

    fn keep(&mut self, decoded: &Decoded) {
        if self.buffer.len() == BUFFER {
            self.buffer.pop_front();
            self.counts.overflowed += 1;
        }
        self.buffer.push_back(decoded.clone());
    }
}

fn ids(decoded: &Decoded) -> Option<Ids> {
    match decoded.event {
        Event::Depth { first_id, last_id, prev_id, .. } => Some(Ids { first: first_id, last: last_id, prev: prev_id }),
        _ => None,
    }
}
