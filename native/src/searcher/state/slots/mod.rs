//! Pools from the storage of their contracts. What the contracts keep in their code (fees, tick spacings) is an argument.
pub mod v2;
pub mod v3;
pub mod v4;

pub use v3::LoadError;
