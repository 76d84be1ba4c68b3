//! Which pools a transaction touched, from what it changed, where logs tell nothing too.
use alloy_primitives::{Address, B256, Log, U256, keccak256};
use rustc_hash::FxHashMap;

use super::diff::StateDiff;
use crate::searcher::pools::{AnyPool, PoolId, PoolKey, Pools};

/// A V2 pair's state is in its first slots; what lies at hashes is who holds its shares.
const V2_SLOTS: U256 = U256::from_limbs([256, 0, 0, 0]);

/// The mapping of pools in Uniswap V4's manager (`StateLibrary.POOLS_SLOT`).
const V4_POOLS_SLOT: u64 = 6;

/// Slots of contracts that hold many pools, by the pool whose state they are.
#[derive(Clone, Debug, Default)]
pub struct SlotIndex {
    pools: FxHashMap<(Address, U256), PoolId>,
}

impl SlotIndex {
    /// Says that a contract's slot is part of a pool's state.
    pub fn add(&mut self, contract: Address, slot: U256, pool: PoolId) {
        self.pools.insert((contract, slot), pool);
    }

    /// The first words of a Uniswap V4 pool: price and tick, both fee growths, liquidity. Every swap and every change of the
    /// liquidity in range changes one of them; of a change out of range the manager's log tells.
    /// Source: `@uniswap/v4-core src/libraries/StateLibrary.sol`.
    pub fn add_v4(&mut self, manager: Address, id: B256, pool: PoolId) {
        let mut key = [0; 64];
        key[..32].copy_from_slice(id.as_slice());
        key[32..].copy_from_slice(&U256::from(V4_POOLS_SLOT).to_be_bytes::<32>());
        let first = U256::from_be_bytes(keccak256(key).0);
        for word in 0..4u64 {
            self.add(manager, first.wrapping_add(U256::from(word)), pool);
        }
    }
}

/// The pools whose state a transaction changed, in order of their numbers:
/// - a pool with a contract of its own where words of its storage changed (of a V2 pair, words that are no shares);
/// - a pool in a shared contract where a word of `index` changed, or a log names its id in the first place.
#[must_use]
pub fn touched(pools: &Pools, index: &SlotIndex, diff: &StateDiff, logs: &[Log]) -> Vec<PoolId> {
    let mut all = Vec::new();
    for (&address, change) in diff.iter().filter(|(_, change)| !change.storage.is_empty()) {
        if let Some(id) = pools.id(PoolKey::from(address)) {
            let is_state = match pools.get(id) {
                AnyPool::V2(_) => change.storage.keys().any(|slot| *slot < V2_SLOTS),
                #[allow(unreachable_patterns)] // pools of one protocol alone where no other is compiled in
                _ => true,
            };
            all.extend(is_state.then_some(id));
        }
        if !index.pools.is_empty() {
            all.extend(change.storage.keys().filter_map(|&slot| index.pools.get(&(address, slot))));
        }
    }
    let named = logs.iter().filter_map(|log| log.topics().get(1));
    // The first 12 bytes of an address are zeros: such a topic names an account, not a pool of a shared contract.
    all.extend(named.filter(|id| id[..12] != [0; 12]).filter_map(|&id| pools.id(PoolKey(id))));
    all.sort_unstable();
    all.dedup();
    all
}
