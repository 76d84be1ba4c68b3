//! A pool's initialised ticks, and where a swap's next step ends.
//! Source: `@uniswap/v3-core contracts/libraries/TickBitmap.sol`, `Tick.sol`.
//!
//! The contract keeps ticks in words of 256 bits and looks no further than the word's edge: a swap stops there and rounds, tick
//! or no tick. The words themselves need not be kept for that: an edge follows from the tick alone.
use super::tick_math::{MAX_TICK, MIN_TICK};

/// An initialised tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The tick.
    pub tick: i32,
    /// Liquidity of all positions that begin or end here.
    pub gross: u128,
    /// What the active liquidity gains where the price rises through it.
    pub net: i128,
}

/// Where a step ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stop {
    pub tick: i32,
    pub initialized: bool,
}

/// Initialised ticks in order, 36 bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    at: Vec<i32>,
    net: Vec<i128>,
    gross: Vec<u128>,
}

impl Ticks {
    /// From ticks in any order.
    ///
    /// # Errors
    /// With the tick that comes twice.
    pub fn new(mut all: Vec<Tick>) -> Result<Ticks, i32> {
        all.sort_unstable_by_key(|t| t.tick);
        if let Some(twice) = all.windows(2).find(|w| w[0].tick == w[1].tick) {
            return Err(twice[0].tick);
        }
        let at = all.iter().map(|t| t.tick).collect();
        Ok(Ticks { at, net: all.iter().map(|t| t.net).collect(), gross: all.iter().map(|t| t.gross).collect() })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// All in order.
    pub fn iter(&self) -> impl Iterator<Item = Tick> + '_ {
        (0..self.at.len()).map(|n| Tick { tick: self.at[n], gross: self.gross[n], net: self.net[n] })
    }

    /// One tick, if it is initialised.
    #[must_use]
    pub fn get(&self, tick: i32) -> Option<Tick> {
        let n = self.at.binary_search(&tick).ok()?;
        Some(Tick { tick, gross: self.gross[n], net: self.net[n] })
    }

    /// Sets one tick; with a gross liquidity of zero it is no longer initialised.
    pub(super) fn set(&mut self, new: Tick) {
        match (self.at.binary_search(&new.tick), new.gross) {
            (Ok(n), 0) => {
                self.at.remove(n);
                self.net.remove(n);
                self.gross.remove(n);
            }
            (Ok(n), _) => {
                self.net[n] = new.net;
                self.gross[n] = new.gross;
            }
            (Err(_), 0) => {}
            (Err(n), _) => {
                self.at.insert(n, new.tick);
                self.net.insert(n, new.net);
                self.gross.insert(n, new.gross);
            }
        }
    }

    /// How many are at or below a tick: the place between the last of them and the next.
    #[inline]
    pub(super) fn place(&self, tick: i32) -> usize {
        self.at.partition_point(|&t| t <= tick)
    }

    /// The net liquidity of the `n`-th.
    #[inline]
    pub(super) fn net(&self, n: usize) -> i128 {
        self.net[n]
    }

    /// Where a step from `tick` ends, `place` being [`Ticks::place`] of it: `nextInitializedTickWithinOneWord`, kept within the
    /// lowest and highest tick. Where `words` is false word edges are passed over.
    #[inline]
    pub(super) fn next(&self, tick: i32, place: usize, spacing: i32, down: bool, words: bool) -> Stop {
        if down {
            let edge = if words { (tick.div_euclid(spacing) & !255) * spacing } else { MIN_TICK };
            match self.at[..place].last() {
                Some(&found) if found >= edge => Stop { tick: found, initialized: true },
                _ => Stop { tick: edge.max(MIN_TICK), initialized: false },
            }
        } else {
            let edge = if words { ((tick.div_euclid(spacing) + 1) | 255) * spacing } else { MAX_TICK };
            match self.at[place..].first() {
                Some(&found) if found <= edge => Stop { tick: found, initialized: true },
                _ => Stop { tick: edge.min(MAX_TICK), initialized: false },
            }
        }
    }
}
