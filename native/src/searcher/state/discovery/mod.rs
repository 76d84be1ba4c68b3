//! New pools from the logs of factories.
//!
//! A log that tells all of a new pool brings it. One that tells less (Balancer's weights, Curve's parameters, a fee that the
//! factory keeps) is handed out as [`Found`]: the caller reads the pool and gives it to `World::adopt`. Only logs of the
//! factories that the caller named are looked at, and where a factory makes its pools by CREATE2 the address in the log has to
//! be the one that follows from the pool's parameters.
use alloy_primitives::{Address, B256};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::super::pools::v4::hooks::SafeHooks;
use super::super::pools::{AnyPool, PoolKey};
use super::block::ChainLog;
use super::logs::{V3_INITIALIZE, balancer_registered};

mod curve;
mod mainnet;
mod solidly;
mod v2;
mod v3;
mod v4;

pub use mainnet::mainnet;

/// A contract whose logs bring pools, and what its fork's pools have in common. Data of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factory {
    /// Who leaves the logs.
    pub address: Address,
    /// What it makes.
    pub maker: Maker,
}

/// What a factory makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Maker {
    /// Uniswap V2 or a fork: `PairCreated(token0, token1, pair, count)`.
    V2 {
        /// What is left of the input after the fee.
        fee_num: u32,
        /// Of how many parts.
        fee_den: u32,
        /// Hash of the pair's creation code, where pairs are made by CREATE2 from the factory: a log that names another
        /// address than that is an impostor's.
        init_code_hash: Option<B256>,
    },
    /// Uniswap V3 or a fork: `PoolCreated(token0, token1, fee, tickSpacing, pool)`, then the pool's `Initialize`.
    V3 {
        /// Who makes the pools by CREATE2; none where the factory does.
        deployer: Option<Address>,
        /// Hash of the pool's creation code: a log that names another address than that is an impostor's.
        init_code_hash: Option<B256>,
        /// Whether the protocol's part of the fee and the storage are PancakeSwap's.
        pancake: bool,
    },
    /// Slipstream: `PoolCreated(token0, token1, tickSpacing, pool)`. Its fees are in other contracts; the pool is handed out
    /// to be read.
    Slipstream,
    /// Uniswap V4's manager: `Initialize`. A pool whose fee is dynamic is handed out to be read.
    V4 {
        /// Hooks that are called in swaps and are known not to change them.
        safe_hooks: Vec<Address>,
    },
    /// Solidly, Velodrome, Aerodrome: `PairCreated` or `PoolCreated(token0, token1, stable, pool, count)`. The fee and the
    /// tokens' decimals are not in the log; the pool is handed out to be read. `SetCustomFee` of this factory is followed.
    Solidly,
    /// Balancer V2's vault: `TokensRegistered(id, tokens, managers)`; the pool is handed out to be read.
    BalancerVault,
    /// Curve's factories of crypto pools, which name the pool, and of stable pools, which do not.
    Curve,
}

/// A pool that a log names without telling enough to quote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose log it was.
    pub factory: Address,
    /// Where the pool lives; none where only its factory can tell.
    pub key: Option<PoolKey>,
    /// Its tokens as far as the log tells.
    pub tokens: Vec<Address>,
}

/// A factory's log whose pool is not at the address where the factory makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impostor {
    /// Whose log it was, or was said to be.
    pub factory: Address,
    /// The address in the log.
    pub named: Address,
    /// The address of such a pool.
    pub expected: Address,
}

/// What a factory's log says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Discovery {
    New { key: PoolKey, tokens: Vec<Address>, pool: Box<AnyPool> },
    Found(Found),
    Impostor(Impostor),
}

/// Pools that were created and have no price yet, by address. A draft stays when its pool is born, so that the pool can be born
/// again on another branch; one whose own block was unwound does no harm, for no contract is there to leave a log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Drafts(FxHashMap<PoolKey, v3::Draft>);

impl Drafts {
    fn add(&mut self, key: PoolKey, draft: v3::Draft) {
        self.0.insert(key, draft);
    }

    fn born(&self, log: &ChainLog) -> Option<Discovery> {
        if log.topics.first() != Some(&V3_INITIALIZE) {
            return None;
        }
        v3::born(self.0.get(&PoolKey::from(log.address))?, log)
    }

    #[cfg(test)]
    fn get(&self, pool: Address) -> Option<&v3::Draft> {
        self.0.get(&PoolKey::from(pool))
    }
}

/// The factories whose logs are followed. The logs of all others are not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Factories {
    by_address: FxHashMap<Address, Maker>,
}

impl Factories {
    /// These factories; of two with one address the later counts.
    #[must_use]
    pub fn new(factories: &[Factory]) -> Factories {
        Factories { by_address: factories.iter().map(|f| (f.address, f.maker.clone())).collect() }
    }

    /// The addresses, in ascending order: what to ask logs of, beside the pools' own.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let mut all: Vec<Address> = self.by_address.keys().copied().collect();
        all.sort_unstable();
        all
    }

    fn that(&self, is: impl Fn(&Maker) -> bool) -> impl Iterator<Item = Address> {
        self.by_address.iter().filter(move |(_, maker)| is(maker)).map(|(address, _)| *address)
    }

    /// Contracts that speak for many pools by the pool's id.
    pub(super) fn hubs(&self) -> impl Iterator<Item = Address> {
        self.that(|maker| matches!(maker, Maker::BalancerVault | Maker::V4 { .. }))
    }

    /// Factories that say their pools' fees.
    pub(super) fn fee_setters(&self) -> impl Iterator<Item = Address> {
        self.that(|maker| matches!(maker, Maker::Solidly))
    }

    pub(super) fn read(&self, log: &ChainLog, drafts: &mut Drafts) -> Option<Discovery> {
        let Some(maker) = self.by_address.get(&log.address) else { return drafts.born(log) };
        match maker {
            Maker::V2 { fee_num, fee_den, init_code_hash } => v2::read(log, [*fee_num, *fee_den], *init_code_hash),
            Maker::V3 { deployer, init_code_hash, pancake } => {
                let of = v3::Of { deployer: *deployer, init_code_hash: *init_code_hash, pancake: *pancake };
                v3::read(log, &of, drafts)
            }
            Maker::V4 { safe_hooks } => {
                let mut safe = SafeHooks::default();
                safe_hooks.iter().for_each(|hook| _ = safe.insert(*hook));
                v4::read(log, &safe)
            }
            Maker::Slipstream => v3::read_slipstream(log),
            Maker::Solidly => solidly::read(log),
            Maker::BalancerVault => {
                let (id, tokens) = balancer_registered(log)?;
                Some(Discovery::Found(Found { factory: log.address, key: Some(PoolKey(id)), tokens }))
            }
            Maker::Curve => curve::read(log),
        }
    }
}

/// The `n`-th indexed argument as an address.
fn indexed_address(log: &ChainLog, n: usize) -> Option<Address> {
    log.topics.get(n + 1).map(|topic| Address::from_word(*topic))
}

/// An impostor's log, if the pool should be elsewhere.
fn impostor(factory: Address, named: Address, expected: Option<Address>) -> Option<Discovery> {
    let expected = expected.filter(|expected| *expected != named)?;
    Some(Discovery::Impostor(Impostor { factory, named, expected }))
}
