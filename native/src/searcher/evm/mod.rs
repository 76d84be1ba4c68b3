//! An EVM in process.
mod sandbox;

pub use sandbox::{Outcome, Sandbox};
