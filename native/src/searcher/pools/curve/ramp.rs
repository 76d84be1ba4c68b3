//! A parameter that moves linearly in time.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::super::NoQuote;
use super::super::checked::Checked;

/// A from `initial` at `initial_time_s` to `future` at `future_time_s` (Unix seconds), as `initial_A`, `future_A`,
/// `initial_A_time` and `future_A_time` of a pool say; in the pool's own precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ramp {
    /// Where it came from.
    pub initial: U256,
    /// Where it goes.
    pub future: U256,
    /// When it left.
    pub initial_time_s: u64,
    /// When it arrives.
    pub future_time_s: u64,
}

impl Ramp {
    /// One that does not move.
    #[must_use]
    pub fn still(value: U256) -> Ramp {
        Ramp { initial: value, future: value, initial_time_s: 0, future_time_s: 0 }
    }

    /// Its value in a block with that timestamp (`_A()` of the pools; Balancer's `_getAmplificationParameter`).
    ///
    /// # Errors
    /// Where the contract would revert: a ramp that starts later than it is asked for.
    pub fn at(&self, time_s: u64) -> Result<U256, NoQuote> {
        if time_s >= self.future_time_s {
            return Ok(self.future);
        }
        let (a0, a1) = (Checked::from(self.initial), Checked::from(self.future));
        let passed = Checked::from(time_s) - self.initial_time_s;
        let whole = Checked::from(self.future_time_s) - self.initial_time_s;
        let moved = a1.apart(a0) * passed / whole;
        if a1 > a0 { (a0 + moved).get() } else { (a0 - moved).get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_between_its_times_and_not_after() {
        let up = Ramp { initial: U256::from(100), future: U256::from(201), initial_time_s: 1000, future_time_s: 2000 };
        assert_eq!(up.at(1500), Ok(U256::from(150)));
        assert_eq!(up.at(2000), Ok(U256::from(201)));
        assert_eq!(up.at(999), Err(NoQuote::NoLiquidity));
        let down = Ramp { initial: U256::from(201), future: U256::from(100), ..up };
        assert_eq!(down.at(1500), Ok(U256::from(151)));
    }
}
