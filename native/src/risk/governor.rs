//! The venue's own rate limits, kept before the venue keeps them. Windows slide, so that no window of the venue's,
//! wherever it begins, holds more than the limit; what the venue counts raises what we count. A part of each limit is
//! kept for cancels, for questions, and for getting out.

use crate::event::{RateKind, RateUse};

/// Parts of a window: a request counts for its interval and at most one part longer.
const PARTS: i64 = 60;

/// What a message is to the venue's limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// A place or a replace.
    Order,
    /// A place or a replace that can only bring the position nearer to zero, while the lane is getting out.
    Reduce,
    Cancel,
    /// A question of so much weight.
    Question(u32),
}

/// Why a message must wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full {
    /// Used and allowed, in the limit's own count; while the venue wants no request at all, milliseconds of that left
    /// and 0.
    pub observed: i64,
    pub allowed: i64,
    /// It may go then, as far as is known now.
    pub until_ns: i64,
}

struct Window {
    kind: RateKind,
    interval_ms: u32,
    part_ns: i64,
    limit: i64,
    /// What places and replaces may use.
    open: i64,
    parts: Vec<i64>,
    /// Number of the newest part since 1970.
    at: i64,
    used: i64,
}

impl Window {
    fn roll(&mut self, now_ns: i64) {
        let at = now_ns.div_euclid(self.part_ns);
        let len = self.parts.len() as i64;
        if at - self.at >= len {
            self.parts.fill(0);
            self.used = 0;
            self.at = at;
        }
        while self.at < at {
            self.at += 1;
            let slot = self.at.rem_euclid(len) as usize;
            self.used -= self.parts[slot];
            self.parts[slot] = 0;
        }
    }

    fn add(&mut self, count: i64) {
        let slot = self.at.rem_euclid(self.parts.len() as i64) as usize;
        self.parts[slot] += count;
        self.used += count;
    }

    /// When the oldest part that counts for something has gone.
    fn next_ns(&self) -> i64 {
        let len = self.parts.len() as i64;
        let oldest = (self.at - len + 1..=self.at).find(|p| self.parts[p.rem_euclid(len) as usize] > 0);
        (oldest.unwrap_or(self.at) + len) * self.part_ns
    }
}

/// Counts requests against the venue's limits.
pub struct Governor {
    windows: Vec<Window>,
    /// The venue wants no request before this.
    blocked_ns: i64,
}

impl Governor {
    /// `limits`: what is counted, over how many milliseconds, and how many are allowed. `reserve_bps` of each is kept
    /// for cancels and questions.
    ///
    /// # Errors
    /// An interval or a limit of 0, or a reserve that leaves nothing for orders.
    pub fn new(limits: &[(RateKind, u32, u32)], reserve_bps: u32) -> Result<Governor, String> {
        if reserve_bps > 9_999 {
            return Err(format!("cancel_reserve_bps is {reserve_bps}: 9999 at most, or no order could ever be placed"));
        }
        let window = |&(kind, interval_ms, limit): &(RateKind, u32, u32)| {
            let open = i64::from(limit) * i64::from(10_000 - reserve_bps) / 10_000;
            if interval_ms == 0 || open == 0 {
                return Err(format!("a rate of {limit} in {interval_ms} ms leaves nothing for orders"));
            }
            let part_ns = (i64::from(interval_ms) * 1_000_000 / PARTS).max(1);
            let parts = vec![0; PARTS as usize + 1];
            Ok(Window { kind, interval_ms, part_ns, limit: i64::from(limit), open, parts, at: 0, used: 0 })
        };
        Ok(Governor { windows: limits.iter().map(window).collect::<Result<_, _>>()?, blocked_ns: i64::MIN })
    }

    /// Counts a message that may go now.
    ///
    /// # Errors
    /// It must wait; nothing is counted.
    pub fn admit(&mut self, message: Message, now_ns: i64) -> Result<(), Full> {
        if now_ns < self.blocked_ns {
            let left_ms = (self.blocked_ns - now_ns + 999_999) / 1_000_000;
            return Err(Full { observed: left_ms, allowed: 0, until_ns: self.blocked_ns });
        }
        let cost = |kind| match (kind, message) {
            (RateKind::Orders, Message::Order | Message::Reduce) => 1,
            (RateKind::Orders, _) => 0,
            (RateKind::Weight, Message::Question(weight)) => i64::from(weight),
            (RateKind::Weight, _) => 1,
        };
        for w in &mut self.windows {
            w.roll(now_ns);
            let allowed = if message == Message::Order { w.open } else { w.limit };
            let observed = w.used + cost(w.kind);
            if cost(w.kind) > 0 && observed > allowed {
                return Err(Full { observed, allowed, until_ns: w.next_ns() });
            }
        }
        for w in &mut self.windows {
            w.add(cost(w.kind));
        }
        Ok(())
    }

    /// What the venue has counted: it raises ours, and never lowers it.
    pub fn on_used(&mut self, used: &RateUse, now_ns: i64) {
        let same = |w: &&mut Window| w.kind == used.kind && w.interval_ms == used.interval_ms;
        if let Some(w) = self.windows.iter_mut().find(same) {
            w.roll(now_ns);
            let more = i64::from(used.count) - w.used;
            if more > 0 {
                w.add(more);
            }
        }
    }

    /// The venue wants no request before `until_ns`.
    pub fn block(&mut self, until_ns: i64) {
        self.blocked_ns = self.blocked_ns.max(until_ns);
    }

    /// Until when the venue wants no request; in the past where it wants them.
    #[must_use]
    pub fn blocked_ns(&self) -> i64 {
        self.blocked_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn governor() -> Governor {
        Governor::new(&[(RateKind::Orders, 10_000, 10), (RateKind::Weight, 60_000, 100)], 2_000).unwrap()
    }

    #[test]
    fn orders_leave_the_reserve_to_cancels_and_questions() {
        let mut g = governor();
        let t = 1_000_000 * MS;
        for _ in 0..8 {
            g.admit(Message::Order, t).unwrap();
        }
        let full = g.admit(Message::Order, t).unwrap_err();
        assert_eq!((full.observed, full.allowed), (9, 8));
        assert!(full.until_ns >= t + 10_000 * MS && full.until_ns <= t + 10_200 * MS, "{}", full.until_ns - t);
        assert!(g.admit(Message::Order, full.until_ns - 1).is_err());
        assert!(g.admit(Message::Order, full.until_ns).is_ok(), "the window has slid past them");
        let mut g = governor();
        for _ in 0..8 {
            g.admit(Message::Order, t).unwrap();
        }
        assert!(g.admit(Message::Order, t).is_err());
        g.admit(Message::Reduce, t).unwrap();
        g.admit(Message::Reduce, t).unwrap();
        assert_eq!(
            g.admit(Message::Reduce, t).map_err(|f| (f.observed, f.allowed)),
            Err((11, 10)),
            "of the limit itself"
        );
        let mut g = governor();
        g.admit(Message::Question(80), t).unwrap();
        assert_eq!(g.admit(Message::Order, t).map_err(|f| (f.observed, f.allowed)), Err((81, 80)));
        for _ in 0..20 {
            g.admit(Message::Cancel, t).unwrap();
        }
        assert!(g.admit(Message::Cancel, t).is_err() && g.admit(Message::Question(1), t).is_err());
        assert!(g.admit(Message::Cancel, t + 61_000 * MS).is_ok());
    }

    #[test]
    fn no_second_of_the_venues_holds_more_than_its_limit() {
        let mut g = Governor::new(&[(RateKind::Orders, 1_000, 5)], 0).unwrap();
        let mut sent = Vec::new();
        for n in 0..5_000 {
            let t = n * 3 * MS;
            if g.admit(Message::Order, t).is_ok() {
                sent.push(t);
            }
        }
        let most = sent.iter().map(|t| sent.iter().filter(|u| (*t..t + 1_000 * MS).contains(*u)).count()).max();
        assert_eq!(most, Some(5));
        assert!(sent.len() > 60, "and it does not idle: {}", sent.len());
    }

    #[test]
    fn the_venues_own_count_raises_ours() {
        let mut g = governor();
        g.on_used(&RateUse { kind: RateKind::Orders, interval_ms: 10_000, count: 8 }, 0);
        assert!(g.admit(Message::Order, 0).is_err());
        g.on_used(&RateUse { kind: RateKind::Orders, interval_ms: 10_000, count: 1 }, 0);
        assert!(g.admit(Message::Order, 0).is_err(), "it does not lower it");
        g.on_used(&RateUse { kind: RateKind::Orders, interval_ms: 60_000, count: 999 }, 0);
        assert!(g.admit(Message::Cancel, 0).is_ok(), "another limit is none of ours");
    }

    #[test]
    fn throttled_is_everything_until_then() {
        let mut g = governor();
        g.block(500 * MS);
        g.block(200 * MS);
        for m in [Message::Order, Message::Cancel, Message::Question(1)] {
            assert_eq!(g.admit(m, 499 * MS), Err(Full { observed: 1, allowed: 0, until_ns: 500 * MS }));
            assert!(g.admit(m, 500 * MS).is_ok());
        }
    }

    #[test]
    fn a_limit_that_allows_nothing_is_an_error() {
        assert!(Governor::new(&[(RateKind::Orders, 0, 5)], 0).is_err());
        assert!(Governor::new(&[(RateKind::Orders, 1_000, 1)], 1).is_err());
        assert!(Governor::new(&[], 10_000).is_err());
    }
}
