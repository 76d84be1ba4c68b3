//! Recursive features of one instrument, each updated on every event in O(1).

mod config;
mod values;

pub use config::{FeatureConfig, MAX_HALFLIFE_MS, MAX_WINDOW};
pub use values::{FEATURE_COUNT, FEATURE_FIELDS, FeatureValues, MAX_LEVELS};

/// Prices must be below this in size, ticks (7·10¹³).
pub const PRICE_LIMIT: i64 = 1 << 46;
