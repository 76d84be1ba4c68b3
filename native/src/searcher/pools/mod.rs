//! Pools, integer-exact: for the same state and input each gives the integers its contract gives.
//!
//! A pool here is arithmetic alone. Which tokens it holds, where it lives and whether its state is to be trusted is known
//! by [`Pools`].
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

pub mod balancer;
mod checked;
pub mod curve;
mod div128;
mod inverse;
mod registry;
pub mod solidly;
pub mod v2;
pub mod v3;
pub mod v4;
pub mod words;

pub(super) use div128::mul_div;
pub use registry::{Ban, PoolKey, Pools, Status};

/// A token by its number in [`Pools`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(transparent)]
pub struct TokenId(pub u32);

/// A pool by its number in [`Pools`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(transparent)]
pub struct PoolId(pub u32);

/// Which token of a pool goes in and which comes out, by their places in it (`token0` is 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Side {
    /// Place of the token that goes in.
    pub from: u8,
    /// Place of the token that comes out.
    pub to: u8,
}

impl Side {
    /// Token 0 in, token 1 out.
    pub const ZERO_FOR_ONE: Side = Side { from: 0, to: 1 };
    /// Token 1 in, token 0 out.
    pub const ONE_FOR_ZERO: Side = Side { from: 1, to: 0 };
}

/// Why a pool gives no quote; its contract would revert, or take less than it was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoQuote {
    /// The pool has no such two different tokens.
    NoSuchPair,
    /// The amount is zero, or so small that the contract refuses it.
    TooSmall,
    /// More than the pool can take or give.
    NoLiquidity,
    /// More than the contract allows in one swap.
    Limit,
    /// The contract's integers would overflow.
    Overflow,
    /// The contract's iteration would not end.
    NotConverged,
    /// What the pool gives cannot be known from its state (a hook that is not on the known-safe list, a token with a fee).
    Unknown,
}

/// What every protocol gives. All amounts are in the token's smallest unit.
pub trait Pool {
    /// Amount out for exactly `amount_in`, all of it taken.
    ///
    /// # Errors
    /// Where the contract would revert or would not take all.
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote>;

    /// The amount in that the contract asks for exactly `amount_out`.
    ///
    /// # Errors
    /// Where the contract would revert or cannot give all.
    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote>;

    /// Swaps `amount_in`: the state afterwards is the contract's. Gives the amount out.
    ///
    /// # Errors
    /// As [`Pool::quote_in`]; then the state is as it was.
    fn apply(&mut self, side: Side, amount_in: U256) -> Result<U256, NoQuote>;

    /// Out per in of an infinitely small swap after fees, in smallest units; 0 where nothing comes out. For pruning and first
    /// guesses only.
    fn spot_price(&self, side: Side) -> f64;

    /// Gas that a swap of this size costs, without the 21,000 of a transaction: an estimate, refined by simulation.
    fn gas(&self, side: Side, amount_in: U256) -> u64;
}

/// A pool of any protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnyPool {
    /// Uniswap V2 and its forks.
    V2(v2::V2Pool),
    /// Uniswap V3 and its forks.
    V3(v3::V3Pool),
    /// Uniswap V4.
    V4(v4::V4Pool),
    /// Curve's stable pools and metapools.
    CurveStable(Box<curve::StablePool>),
    /// Curve's crypto pools of two and three coins.
    CurveCrypto(Box<curve::CryptoPool>),
    /// Balancer V2's weighted pools.
    BalancerWeighted(Box<balancer::BalancerWeighted>),
    /// Balancer V2's stable pools.
    BalancerStable(Box<balancer::BalancerStable>),
    /// Solidly, Velodrome, Aerodrome and Camelot's stable pairs.
    Solidly(Box<solidly::SolidlyPool>),
}

macro_rules! each {
    ($pool:expr, $inner:ident => $do:expr) => {
        match $pool {
            AnyPool::V2($inner) => $do,
            AnyPool::V3($inner) => $do,
            AnyPool::V4($inner) => $do,
            AnyPool::CurveStable($inner) => $do,
            AnyPool::CurveCrypto($inner) => $do,
            AnyPool::BalancerWeighted($inner) => $do,
            AnyPool::BalancerStable($inner) => $do,
            AnyPool::Solidly($inner) => $do,
        }
    };
}

impl Pool for AnyPool {
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        each!(self, p => p.quote_in(side, amount_in))
    }

    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        each!(self, p => p.quote_out(side, amount_out))
    }

    fn apply(&mut self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        each!(self, p => p.apply(side, amount_in))
    }

    fn spot_price(&self, side: Side) -> f64 {
        each!(self, p => p.spot_price(side))
    }

    fn gas(&self, side: Side, amount_in: U256) -> u64 {
        each!(self, p => p.gas(side, amount_in))
    }
}
