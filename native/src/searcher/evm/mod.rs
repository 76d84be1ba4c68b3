//! An EVM in process.
mod diff;
mod sandbox;

pub use diff::{AccountDiff, StateDiff};
pub use sandbox::{Outcome, Sandbox};
