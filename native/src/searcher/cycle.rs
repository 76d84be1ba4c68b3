//! What a search finds and a sizing solves: a closed walk through pools.
use super::pools::{PoolId, Side, TokenId};

/// One swap of a cycle: through a pool, from one of its tokens to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// The pool.
    pub pool: PoolId,
    /// Which of its tokens goes in and which comes out, by their places in the pool.
    pub side: Side,
}

/// At most so many hops in a cycle.
pub const MAX_HOPS: usize = 4;

/// A closed walk: what the last hop gives is what the first takes. No pool is in it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cycle {
    /// The token that goes in and comes out.
    pub token: TokenId,
    len: u8,
    hops: [Hop; MAX_HOPS],
}

impl Cycle {
    /// A cycle of 2 to [`MAX_HOPS`] hops that starts and ends in `token`; none for another count.
    #[must_use]
    pub fn new(token: TokenId, hops: &[Hop]) -> Option<Cycle> {
        let first = *hops.first()?;
        if !(2..=MAX_HOPS).contains(&hops.len()) {
            return None;
        }
        let mut all = [first; MAX_HOPS];
        all[..hops.len()].copy_from_slice(hops);
        let len = u8::try_from(hops.len()).ok()?;
        Some(Cycle { token, len, hops: all })
    }

    /// Its hops in order.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.hops[..usize::from(self.len)]
    }
}
