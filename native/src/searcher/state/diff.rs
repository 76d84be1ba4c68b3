//! What a storage difference does to pools: which it touches, and their state after it.
use alloy_primitives::{Address, U256};
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::evm::StateDiff;
use super::super::pools::v3::{Concentrated, Tick, V3Pool};
use super::super::pools::{AnyPool, PoolId, PoolKey, Status};
use super::slots::{v2, v3};
use super::world::World;

/// Slots of one account that changed: before and after.
type Words = FxHashMap<U256, (U256, U256)>;

/// A pool that a difference touches.
#[derive(Clone, Debug, PartialEq)]
pub struct After {
    /// The pool.
    pub id: PoolId,
    /// Its state after the difference; none where storage of this protocol is not read here, or is no state of it: such a
    /// pool has to be simulated.
    pub pool: Option<AnyPool>,
}

impl World {
    /// The live pools that a storage difference touches, in ascending order, with their state after it: V2 and V3 whole, of
    /// V4 those whose price, fee or active liquidity changes. A difference that leaves a pool's quotes as they are does not
    /// touch it. Balancer's balances are not found (they lie in the vault's storage): its pools come from logs.
    #[must_use]
    pub fn touched_by(&self, diff: &StateDiff) -> Vec<After> {
        let mut all = Vec::new();
        for (address, account) in diff {
            if account.storage.is_empty() {
                continue;
            }
            self.touched_in(*address, &account.storage, &mut all);
        }
        all.sort_unstable_by_key(|after| after.id);
        all
    }

    fn touched_in(&self, address: Address, words: &Words, all: &mut Vec<After>) {
        let Some(id) = self.pools.id(PoolKey::from(address)) else { return };
        if self.pools.status(id) != Status::Live {
            return;
        }
        match self.pools.get(id) {
            AnyPool::V2(pair) => {
                let Some((_, word)) = words.get(&v2::RESERVES) else { return };
                let reserves = v2::reserves(*word);
                if reserves != pair.reserves {
                    let mut pair = *pair;
                    pair.reserves = reserves;
                    all.push(After { id, pool: Some(AnyPool::V2(pair)) });
                }
            }
            AnyPool::V3(pool) => match v3::layout_of(pool).map(|layout| v3_after(pool, layout, words)) {
                Some(Some(after)) if after == *pool => {}
                Some(after) => all.push(After { id, pool: after.map(AnyPool::V3) }),
                None => all.push(After { id, pool: None }),
            },
            _ => all.push(After { id, pool: None }),
        }
    }
}

/// A V3 pool with changed words of its storage; none where they are no state of one.
fn v3_after(pool: &V3Pool, layout: &v3::Layout, words: &Words) -> Option<V3Pool> {
    let now = |slot: U256| words.get(&slot).map(|(_, after)| *after);
    let state = pool.state();
    let (sqrt_price, tick) = now(layout.slot0).map_or((state.sqrt_price(), state.tick()), v3::price);
    let liquidity = now(layout.liquidity).map_or(state.liquidity(), v3::liquidity);
    let mut after = match changed_ticks(pool, layout, words, tick) {
        changed if changed.is_empty() => {
            let mut after = pool.clone();
            after.set_price(sqrt_price, tick, liquidity).ok()?;
            after
        }
        changed => {
            let kept = state.ticks().iter().filter(|old| !changed.contains_key(&old.tick));
            let ticks = kept.chain(changed.values().copied().filter(|new| new.gross != 0)).collect();
            let state = Concentrated::new(sqrt_price, tick, liquidity, state.tick_spacing(), ticks).ok()?;
            V3Pool::new(state, pool.fee_pips(), pool.protocol_fee()).ok()?
        }
    };
    if let Some(word) = now(layout.fee_protocol.0) {
        after.set_protocol_fee(v3::protocol_fee(layout, word));
    }
    Some(after)
}

/// Slots below this one are no entries of mappings: state variables and the pool's 65,535 observations.
const FIRST_HASHED: U256 = U256::from_limbs([1 << 20, 0, 0, 0]);
/// Words of a tick (`Tick.Info`); liquidity is the first.
const TICK_WORDS: u64 = 4;

/// The ticks whose first word changed. A slot of a mapping does not say its key, so that keys are tried: first the ticks that
/// the price passed, whose other words a swap writes. Where that does not account for every slot liquidity came or went, and
/// the pool's own ticks are tried, and those whose bits changed in a word of the bitmap.
fn changed_ticks(pool: &V3Pool, layout: &v3::Layout, words: &Words, new_tick: i32) -> FxHashMap<i32, Tick> {
    let mut changed = FxHashMap::default();
    let mut unaccounted: FxHashSet<U256> = words.keys().copied().filter(|slot| *slot >= FIRST_HASHED).collect();
    let state = pool.state();
    let passed = state.tick().min(new_tick)..=state.tick().max(new_tick);
    let mut look = |tick: i32, unaccounted: &mut FxHashSet<U256>| {
        let first = v3::tick_slot(layout.ticks, tick);
        if let Some((_, after)) = words.get(&first) {
            changed.insert(tick, v3::tick(tick, *after));
        }
        for n in 0..TICK_WORDS {
            unaccounted.remove(&first.wrapping_add(U256::from(n)));
        }
    };
    for old in state.ticks().iter().filter(|old| passed.contains(&old.tick)) {
        look(old.tick, &mut unaccounted);
    }
    if unaccounted.is_empty() {
        return changed;
    }
    for old in state.ticks().iter() {
        look(old.tick, &mut unaccounted);
    }
    for word in v3::words(state.tick_spacing()) {
        if let Some((before, after)) = words.get(&v3::word_slot(layout.bitmap, word)) {
            for tick in v3::ticks_in(word, before ^ after, state.tick_spacing()) {
                look(tick, &mut unaccounted);
            }
        }
    }
    changed
}
