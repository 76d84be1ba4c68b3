//! Balancer V2: weighted and stable pools, whose tokens the vault holds.
//!
//! Amounts are those of the vault's `swap`: the pool's own arithmetic, the fee of the input, and the vault's bound of
//! uint112 a balance. Balances are `getPoolTokens` (asset managers hold none of them; where one does, a swap that needs
//! what it holds reverts in the vault). Source: `balancer/balancer-v2-monorepo`.
mod fixed;
mod log_exp;
mod stable;
mod stable_math;
mod weighted;

pub use stable::{BalancerStable, StableForm};
pub use weighted::{BalancerWeighted, PowVersion};

/// The vault's bound on a balance.
const BALANCE_BITS: usize = 112;
