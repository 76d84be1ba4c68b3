//! New pools from the logs of factories.
use alloy_primitives::{Address, B256};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::super::pools::{AnyPool, PoolKey};
use super::block::ChainLog;

mod v2;

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
    New { key: PoolKey, tokens: Vec<Address>, pool: AnyPool },
    Found(Found),
    Impostor(Impostor),
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

    pub(super) fn read(&self, log: &ChainLog) -> Option<Discovery> {
        match self.by_address.get(&log.address)? {
            Maker::V2 { fee_num, fee_den, init_code_hash } => v2::read(log, [*fee_num, *fee_den], *init_code_hash),
        }
    }
}

/// The `n`-th indexed argument as an address.
fn indexed_address(log: &ChainLog, n: usize) -> Option<Address> {
    log.topics.get(n + 1).map(|topic| Address::from_word(*topic))
}

/// A pool that is at the address where its factory makes it, or an impostor.
fn checked(factory: Address, named: Address, expected: Option<Address>, tokens: Vec<Address>, pool: AnyPool) -> Discovery {
    match expected {
        Some(expected) if expected != named => Discovery::Impostor(Impostor { factory, named, expected }),
        _ => Discovery::New { key: PoolKey::from(named), tokens, pool },
    }
}
