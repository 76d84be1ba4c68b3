//! Curve: stable pools of two to eight coins, and crypto pools of two and three.
//!
//! What `exchange` pays is what [`super::Pool::quote_in`] gives; the views `get_dy` of some pools round otherwise, and
//! have their own function here. Sources: `curvefi/curve-contract`, `curvefi/stableswap-ng`,
//! `curvefi/curve-crypto-contract`.
mod crypto;
mod crypto_math;
mod ramp;
mod stable;
mod stable_math;

pub use crypto::CryptoPool;
pub use ramp::Ramp;
pub use stable::{StablePool, View};
pub use stable_math::Invariant;
pub(super) use stable_math::price;

/// What fees are parts of.
pub(super) const FEE_DENOMINATOR: u64 = 10_000_000_000;
