//! What a search is asked for and what it gives.
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::searcher::cycle::{Cycle, MAX_HOPS};
use crate::searcher::pools::TokenId;

/// In which token a cycle starts and ends.
#[derive(Clone, Copy, Debug)]
pub enum Bases<'a> {
    /// The first of these that is in it; a cycle with none of them is not given.
    Only(&'a [TokenId]),
    /// The first of these that is in it, else its token with the smallest number.
    Prefer(&'a [TokenId]),
}

impl Bases<'_> {
    /// Any token: the cycle's smallest number.
    pub const ANY: Bases<'static> = Bases::Prefer(&[]);

    /// The place among `tokens` to start from.
    pub(super) fn start(self, tokens: &[u32]) -> Option<usize> {
        let (Bases::Only(list) | Bases::Prefer(list)) = self;
        let listed = list.iter().find_map(|base| tokens.iter().position(|&t| t == base.0));
        match self {
            Bases::Only(_) => listed,
            Bases::Prefer(_) => listed.or_else(|| (0..tokens.len()).min_by_key(|&n| tokens[n])),
        }
    }
}

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    /// The log gain (natural logarithm of what comes back per unit, at spot prices after fees) that a cycle must exceed.
    pub min_log_gain: f64,
    /// At most so many hops, from 2; more than [`MAX_HOPS`] are taken for that.
    pub max_hops: usize,
    /// At most so many cycles.
    pub max_cycles: usize,
    /// Where cycles start.
    pub bases: Bases<'a>,
}

impl Default for Want<'_> {
    fn default() -> Self {
        Want { min_log_gain: 0.0, max_hops: MAX_HOPS, max_cycles: 256, bases: Bases::ANY }
    }
}

/// A cycle and what it gains at spot prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundCycle {
    /// The cycle.
    pub cycle: Cycle,
    /// The sum of its hops' log prices, in their order.
    pub log_gain: f64,
}

impl FoundCycle {
    /// Fewest hops first, then the best gain, then by pools.
    #[must_use]
    pub fn rank(&self, other: &FoundCycle) -> Ordering {
        let hops = self.cycle.hops().len().cmp(&other.cycle.hops().len());
        hops.then(other.log_gain.total_cmp(&self.log_gain)).then(self.cycle.cmp(&other.cycle))
    }
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The cycles: fewest hops first, within a number of hops the best gain first.
    pub cycles: Vec<FoundCycle>,
    /// Whether there are more than were asked for. Those that are missing come later in the order than those given.
    pub truncated: bool,
}

/// By rank: the greatest is the one to drop.
#[derive(Clone, Copy, Debug)]
struct Kept(FoundCycle);

impl Ord for Kept {
    fn cmp(&self, other: &Kept) -> Ordering {
        self.0.rank(&other.0)
    }
}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Kept) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Kept) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Kept {}

/// The best of those with one number of hops, and one more to know that there are more.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    heap: BinaryHeap<Kept>,
    room: usize,
}

impl Keep {
    /// Room for `room` cycles, of which the last is only there to be noticed.
    pub fn open(&mut self, room: usize) {
        self.heap.clear();
        self.room = room;
    }

    /// The gain below which a cycle is of no use any more.
    pub fn floor(&self) -> f64 {
        match self.heap.peek() {
            Some(worst) if self.heap.len() >= self.room => worst.0.log_gain,
            _ => f64::NEG_INFINITY,
        }
    }

    pub fn offer(&mut self, found: FoundCycle) {
        if self.heap.len() < self.room {
            self.heap.push(Kept(found));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && Kept(found) < *worst
        {
            *worst = Kept(found);
        }
    }

    /// Moves what it has behind `out`, in order. Gives whether there was one more than asked for.
    pub fn close(&mut self, out: &mut Vec<FoundCycle>) -> bool {
        let more = self.heap.len() == self.room;
        if more {
            self.heap.pop();
        }
        let from = out.len();
        out.extend(self.heap.drain().map(|k| k.0));
        out[from..].sort_unstable_by(FoundCycle::rank);
        more
    }
}
