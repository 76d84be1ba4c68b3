//! Chance and waiting: a seeded generator, and how long to wait before the next attempt.

use super::NS_PER_MS;

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Doubles from the shortest wait to the longest. Each wait is drawn from its upper half, so that many clients that
/// lost the same venue do not come back in the same millisecond.
pub(super) struct Backoff {
    min_ms: u64,
    max_ms: u64,
    next_ms: u64,
}

impl Backoff {
    pub fn new(min_ms: u64, max_ms: u64) -> Backoff {
        let min_ms = min_ms.max(1);
        Backoff { min_ms, max_ms: max_ms.max(min_ms), next_ms: min_ms }
    }

    /// The next wait in nanoseconds.
    pub fn wait_ns(&mut self, random: &mut Random) -> i64 {
        let whole_ns = self.next_ms.min(i64::MAX as u64 / NS_PER_MS as u64) as i64 * NS_PER_MS;
        self.next_ms = self.next_ms.saturating_mul(2).min(self.max_ms);
        let half = whole_ns / 2;
        half + (random.draw() % (whole_ns - half + 1) as u64) as i64
    }

    /// A connection that was open for so long starts the row anew, if it outlived the longest wait.
    pub fn lived(&mut self, open_ns: i64) {
        if open_ns / NS_PER_MS >= i64::try_from(self.max_ms).unwrap_or(i64::MAX) {
            self.next_ms = self.min_ms;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_anew_after_a_long_life() {
        let (mut b, mut r) = (Backoff::new(100, 1000), Random::new(7));
        for whole in [100, 200, 400, 800, 1000, 1000] {
            let ns = b.wait_ns(&mut r);
            assert!((whole * NS_PER_MS / 2..=whole * NS_PER_MS).contains(&ns), "{whole} ms: {ns}");
        }
        b.lived(999 * NS_PER_MS);
        assert!(b.wait_ns(&mut r) >= 500 * NS_PER_MS);
        b.lived(1000 * NS_PER_MS);
        assert!(b.wait_ns(&mut r) <= 100 * NS_PER_MS);
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let row = |seed| {
            let (mut b, mut r) = (Backoff::new(1000, 60_000), Random::new(seed));
            [b.wait_ns(&mut r), b.wait_ns(&mut r), b.wait_ns(&mut r)]
        };
        assert_eq!(row(1), row(1));
        assert_ne!(row(1), row(2));
    }
}
