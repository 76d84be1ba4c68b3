//! Which pool a log is about.
use alloy_primitives::{Address, U256};
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::pools::{AnyPool, PoolId, PoolKey, Pools};
use super::block::ChainLog;
use super::discovery::Factories;
use super::logs::SET_CUSTOM_FEE;
use super::slots::v4;

/// What it takes to find a log's pool beside the pools' own keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Routes {
    /// Contracts that speak for many pools: the first indexed argument is the pool's id.
    hubs: FxHashSet<Address>,
    /// Factories that say the fees of their pairs.
    fees: FxHashSet<Address>,
    /// Contracts of pools that live in a hub.
    own: FxHashMap<Address, PoolId>,
    /// The words of V4's price and active liquidity.
    v4: FxHashMap<U256, PoolId>,
    /// Pools whose quotes depend on the time.
    timed: Vec<PoolId>,
}

impl Routes {
    pub fn new(factories: &Factories) -> Routes {
        Routes { hubs: factories.hubs().collect(), fees: factories.fee_setters().collect(), ..Routes::default() }
    }

    /// Takes a pool in whose state or kind is new.
    pub fn add(&mut self, key: PoolKey, id: PoolId, pool: &AnyPool) {
        match pool {
            AnyPool::BalancerWeighted(_) | AnyPool::BalancerStable(_) => {
                self.own.insert(Address::from_slice(&key.0[..20]), id);
            }
            AnyPool::V4(_) => {
                let slots = v4::Slots::of(key.0);
                self.v4.extend([slots.slot0, slots.liquidity].map(|slot| (slot, id)));
            }
            _ => {}
        }
        let timed = matches!(pool, AnyPool::CurveStable(_) | AnyPool::CurveCrypto(_) | AnyPool::BalancerStable(_));
        if timed && !self.timed.contains(&id) {
            self.timed.push(id);
        }
    }

    /// The V4 pool whose price or active liquidity is in this slot of a hub.
    pub fn v4(&self, hub: Address, slot: U256) -> Option<PoolId> {
        self.v4.get(&slot).copied().filter(|_| self.hubs.contains(&hub))
    }

    /// The pools whose quotes depend on the time.
    pub fn timed(&self) -> &[PoolId] {
        &self.timed
    }

    /// The contracts of pools that live in a hub, and the hubs.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.hubs.iter().chain(self.own.keys()).copied()
    }

    /// The pool that a log is about, if it is one of ours.
    pub fn pool(&self, pools: &Pools, log: &ChainLog) -> Option<PoolId> {
        let first = log.topics.get(1);
        if self.hubs.contains(&log.address) {
            return pools.id(PoolKey(*first?));
        }
        if self.fees.contains(&log.address) && log.topics.first() == Some(&SET_CUSTOM_FEE) {
            return pools.id(PoolKey(*first?)).filter(|id| matches!(pools.get(*id), AnyPool::Solidly(_)));
        }
        pools.id(PoolKey::from(log.address)).or_else(|| self.own.get(&log.address).copied())
    }
}
