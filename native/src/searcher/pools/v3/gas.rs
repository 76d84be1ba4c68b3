//! What a swap costs: an estimate, refined by simulation.
use super::Swapped;

/// Gas of a swap within one tick, with both transfers and the callback.
pub const BASE: u64 = 90_000;

/// Gas of a swap: for itself, for each tick it crosses and for each word it looks into.
pub fn of(swapped: &Swapped) -> u64 {
    BASE + 22_000 * u64::from(swapped.ticks_crossed) + 4_000 * u64::from(swapped.steps.saturating_sub(1))
}
