//! The venue's book as recorded: at matching-engine time, without our orders.

use std::collections::VecDeque;

use crate::cex::book::Book;
use crate::event::{Decoded, Level, Side};
use crate::units::{Lots, Ticks};

/// Level changes kept while the book waits for a snapshot. The oldest go first; a snapshot is asked for after the
/// first change and comes within seconds, so that what is dropped is older than it.
const WAITING: usize = 1 << 16;

/// Books the recorded depth, whatever order snapshot and changes come in.
#[derive(Clone, Debug, Default)]
pub(super) struct VenueBook {
    pub(super) book: Book,
    last_id: u64,
    /// A snapshot has come, and every change since.
    whole: bool,
    /// Changes since the start or a gap, with their last id: a snapshot that was taken before them may come after.
    waiting: VecDeque<(u64, Side, Level)>,
    /// Levels lifted by [`VenueBook::lift`].
    lifted: Vec<(Side, Level)>,
}

impl VenueBook {
    /// `false`: the change is older than the book (rule 2). `ids` are first, last, previous; 0 where the venue has none.
    pub(super) fn admit(&mut self, (first, last, prev): (u64, u64, u64), changes: &Decoded) -> bool {
        if last != 0 {
            if last <= self.last_id {
                return false;
            }
            let from = if prev != 0 { prev } else { first.saturating_sub(1) };
            if from > self.last_id {
                self.whole = false;
            }
            self.last_id = last;
        }
        if !self.whole {
            let bids = changes.bids().iter().map(|l| (last, Side::Buy, *l));
            let asks = changes.asks().iter().map(|l| (last, Side::Sell, *l));
            for change in bids.chain(asks) {
                if self.waiting.len() == WAITING {
                    self.waiting.pop_front();
                }
                self.waiting.push_back(change);
            }
        }
        true
    }

    /// The book becomes the snapshot and what is known to be later; `false`: the snapshot is older than a whole book.
    pub(super) fn snapshot(&mut self, snapshot: &Decoded, id: u64) -> bool {
        if self.whole && id <= self.last_id && id != 0 {
            return false;
        }
        self.book.clear();
        for (side, levels) in [(Side::Buy, snapshot.bids()), (Side::Sell, snapshot.asks())] {
            for l in levels {
                self.book.set(side, l.px, l.qty);
            }
        }
        for (change_id, side, l) in self.waiting.drain(..) {
            if change_id > id {
                self.book.set(side, l.px, l.qty);
            }
        }
        self.last_id = self.last_id.max(id);
        self.whole = true;
        true
    }

    /// Removes what stands at `px` or beyond on `side`, which the other side has just moved through: left over from
    /// a gap in the recording. The later word holds.
    pub(super) fn uncross(&mut self, side: Side, px: Ticks) {
        while let Some(stale) = self.crossing(side, px) {
            self.book.set(side, stale.px, Lots(0));
        }
    }

    /// Best level of `side` if an order of the other side, limited at `limit`, may trade with it.
    pub(super) fn crossing(&self, side: Side, limit: Ticks) -> Option<Level> {
        let best = self.book.best(side)?;
        (side.sign() * best.px.0 >= side.sign() * limit.0).then_some(best)
    }

    /// Takes `qty` off the level for as long as one order of ours is walked through the book.
    pub(super) fn lift(&mut self, side: Side, level: Level, qty: Lots) {
        self.book.set(side, level.px, Lots(level.qty.0 - qty.0));
        match self.lifted.last() {
            Some((s, l)) if *s == side && l.px == level.px => {}
            _ => self.lifted.push((side, level)),
        }
    }

    /// Lifted from the level at `px` so far.
    pub(super) fn lifted_at(&self, px: Ticks) -> Lots {
        match self.lifted.last() {
            Some((side, was)) if was.px == px => Lots(was.qty.0 - self.book.qty(*side, px).0),
            _ => Lots(0),
        }
    }

    /// Puts back what was lifted: our orders do not change the recorded book.
    pub(super) fn restore(&mut self) {
        for (side, level) in self.lifted.drain(..) {
            self.book.set(side, level.px, level.qty);
        }
    }
}
