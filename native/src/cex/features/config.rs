//! What a person sets about the features, checked.

use serde::{Deserialize, Serialize};

use super::values::MAX_LEVELS;

/// Longest half-life, ms: a week. Longer is a slip of the unit.
pub const MAX_HALFLIFE_MS: i64 = 7 * 86_400_000;
/// Longest window, in books or trades. With prices below [`PRICE_LIMIT`](super::PRICE_LIMIT) the running sums of a
/// full window cannot overflow.
pub const MAX_WINDOW: usize = 1 << 16;

/// Settings of one instrument's features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureConfig {
    /// Time in which the weight of an observation halves, in every exponentially weighted feature, ms.
    pub ew_halflife_ms: i64,
    /// Books in the windowed mean and standard deviation of the mid.
    pub window: usize,
    /// Trades in the volume-weighted average price.
    pub vwap_trades: usize,
    /// Levels a side in the depth imbalance and the order-flow imbalances, at most [`MAX_LEVELS`].
    pub levels: usize,
}

impl FeatureConfig {
    /// # Errors
    /// Names the first setting that is out of its range, and the range.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: i128, low: i128, high: i128| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(format!("{name} is {value}; set it to a whole number from {low} to {high}"))
            }
        };
        within("ew_halflife_ms", self.ew_halflife_ms.into(), 1, MAX_HALFLIFE_MS.into())?;
        within("window", self.window as i128, 2, MAX_WINDOW as i128)?;
        within("vwap_trades", self.vwap_trades as i128, 1, MAX_WINDOW as i128)?;
        within("levels", self.levels as i128, 1, MAX_LEVELS as i128)
    }
}
