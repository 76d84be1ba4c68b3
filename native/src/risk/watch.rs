//! What the gate watches over time: the order rate, the rate of rejects, ticks that cannot be, and late feeds.

use super::limits::MAX_PX;

/// The length of the order-rate window.
const SECOND_NS: i64 = 1_000_000_000;

/// Times of the last `n` permitted places and replaces: the window is full if the oldest of them is less than a
/// second ago.
#[derive(Clone, Debug)]
pub(super) struct RateWindow {
    times_ns: Vec<i64>,
    next: usize,
    full: bool,
}

impl RateWindow {
    pub fn new(n: i64) -> RateWindow {
        // `n` is checked by the limits: 1 to 10 000
        RateWindow { times_ns: vec![0; n.max(1) as usize], next: 0, full: false }
    }
    pub fn is_full(&self, now_ns: i64) -> bool {
        self.full && now_ns.saturating_sub(self.times_ns[self.next]) < SECOND_NS
    }
    pub fn push(&mut self, now_ns: i64) {
        self.times_ns[self.next] = now_ns;
        self.next += 1;
        if self.next == self.times_ns.len() {
            (self.next, self.full) = (0, true);
        }
    }
}

/// The last `n` answers to places; counts the rejects among them.
#[derive(Clone, Debug)]
pub(super) struct RejectWindow {
    rejected: Vec<bool>,
    next: usize,
    count: i64,
}

impl RejectWindow {
    pub fn new(n: i64) -> RejectWindow {
        RejectWindow { rejected: vec![false; n.max(1) as usize], next: 0, count: 0 }
    }
    pub fn push(&mut self, rejected: bool) {
        let slot = &mut self.rejected[self.next];
        self.count += i64::from(rejected) - i64::from(*slot);
        *slot = rejected;
        self.next = (self.next + 1) % self.rejected.len();
    }
    /// Rejects in basis points of the whole window, also while it is not yet full: an early burst trips.
    pub fn exceeds(&self, bps: i64) -> bool {
        self.count * 10_000 > bps * self.rejected.len() as i64
    }
    pub fn bps(&self) -> i64 {
        self.count * 10_000 / self.rejected.len() as i64
    }
}

/// The last accepted tick and the last tick of any kind, in half ticks; 0 before the first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TickWatch {
    accepted: i64,
    raw: i64,
}

impl TickWatch {
    /// Accepts the first tick, and any that is within `bps` of the last accepted tick or of the tick before it. So a
    /// single wild tick is ignored, and a real jump is taken at its second tick. What is no price changes nothing.
    pub fn accept(&mut self, half_ticks: i64, bps: i64) -> bool {
        if !(1..=2 * MAX_PX).contains(&half_ticks) {
            return false;
        }
        // at most 2^44 x 100 000 < 2^61
        let near = |from: i64| (half_ticks - from).abs() * 10_000 <= bps * from;
        let ok = self.accepted == 0 || near(self.accepted) || near(self.raw);
        self.raw = half_ticks;
        if ok {
            self.accepted = half_ticks;
        }
        ok
    }
}
