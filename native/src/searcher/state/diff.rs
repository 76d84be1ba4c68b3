//! What a storage difference does to pools: which it touches, and their state after it.
use alloy_primitives::{Address, U256};
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::abi::{address_word, mapping_slot};
use super::super::evm::StateDiff;
use super::super::pools::v2::V2Pool;
use super::super::pools::v3::{Concentrated, Tick, V3Pool};
use super::super::pools::v4::V4Pool;
use super::super::pools::{AnyPool, PoolId, PoolKey, Status};
use super::slots::{v2, v3, v4};
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
    /// V4 those whose price, fee or active liquidity changes (a position elsewhere in the manager's storage is told by its
    /// log). A difference that leaves a pool's state as it is does not touch it. Balancer's balances are not found (they lie in the vault's storage): its pools come from logs.
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
        self.touched_in_hub(address, words, all);
        let Some(id) = self.pools.id(PoolKey::from(address)) else { return };
        if self.pools.status(id) != Status::Live {
            return;
        }
        let pool = self.pools.get(id);
        let after = match pool {
            AnyPool::V2(pair) => Some(AnyPool::V2(v2_after(pair, words))),
            AnyPool::V3(pool) => v3::layout_of(pool).and_then(|layout| v3_after(pool, layout, words)).map(AnyPool::V3),
            _ => None,
        };
        if after.as_ref() != Some(pool) {
            all.push(After { id, pool: after });
        }
    }

    fn touched_in_hub(&self, hub: Address, words: &Words, all: &mut Vec<After>) {
        let mut ids: Vec<PoolId> = words.keys().filter_map(|slot| self.routes.v4(hub, *slot)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| self.pools.status(*id) == Status::Live);
        let mut unaccounted = hashed(words);
        for id in &ids {
            let first = v4::Slots::of(self.pools.key(*id).0).slot0;
            let own = (0..4u64).map(|n| first.wrapping_add(U256::from(n)));
            let tokens = self.pools.tokens(*id).iter().map(|token| address_word(self.pools.token_address(*token)));
            own.chain(tokens.map(|token| mapping_slot(token, v4::FEES_ACCRUED))).for_each(|slot| {
                unaccounted.remove(&slot);
            });
        }
        for id in ids {
            let AnyPool::V4(pool) = self.pools.get(id) else { continue };
            let after = v4_after(pool, &v4::Slots::of(self.pools.key(id).0), words, &mut unaccounted);
            if after.as_ref() != Some(pool) {
                all.push(After { id, pool: after.map(AnyPool::V4) });
            }
        }
    }
}

fn v2_after(pair: &V2Pool, words: &Words) -> V2Pool {
    let reserves = words.get(&v2::RESERVES).map_or(pair.reserves, |(_, word)| v2::reserves(*word));
    V2Pool { reserves, ..*pair }
}

/// A V3 pool with changed words of its storage; none where they are no state of one.
fn v3_after(pool: &V3Pool, layout: &v3::Layout, words: &Words) -> Option<V3Pool> {
    let slots =
        v4::Slots { slot0: layout.slot0, liquidity: layout.liquidity, ticks: layout.ticks, bitmap: layout.bitmap };
    let mut after = pool.clone();
    match state_after(pool.state(), &slots, words, &mut hashed(words))? {
        Changed::Price(sqrt_price, tick, liquidity) => after.set_price(sqrt_price, tick, liquidity).ok()?,
        Changed::All(state) => after = V3Pool::new(*state, pool.fee_pips(), pool.protocol_fee()).ok()?,
    }
    if let Some((_, word)) = words.get(&layout.fee_protocol.0) {
        after.set_protocol_fee(v3::protocol_fee(layout, *word));
    }
    Some(after)
}

/// A V4 pool with changed words of the manager's storage; none where they are no state of one.
fn v4_after(pool: &V4Pool, slots: &v4::Slots, words: &Words, unaccounted: &mut FxHashSet<U256>) -> Option<V4Pool> {
    let mut after = pool.clone();
    match state_after(pool.state(), slots, words, unaccounted)? {
        Changed::Price(sqrt_price, tick, liquidity) => after.set_price(sqrt_price, tick, liquidity).ok()?,
        Changed::All(state) => after.set_state(*state),
    }
    if let Some((_, word)) = words.get(&slots.slot0) {
        let (protocol_fee, lp_fee) = v4::fees(*word);
        after.set_lp_fee(lp_fee).ok()?;
        after.set_protocol_fee(protocol_fee).ok()?;
    }
    Some(after)
}

/// What of a V3 or V4 pool's state changed.
enum Changed {
    /// Root price, tick, active liquidity.
    Price(U256, i32, u128),
    /// Ticks too.
    All(Box<Concentrated>),
}

fn state_after(
    state: &Concentrated,
    slots: &v4::Slots,
    words: &Words,
    unaccounted: &mut FxHashSet<U256>,
) -> Option<Changed> {
    let now = |slot: U256| words.get(&slot).map(|(_, after)| *after);
    let (sqrt_price, tick) = now(slots.slot0).map_or((state.sqrt_price(), state.tick()), v3::price);
    let liquidity = now(slots.liquidity).map_or(state.liquidity(), v3::liquidity);
    let changed = changed_ticks(state, slots, words, tick, unaccounted);
    if changed.is_empty() {
        return Some(Changed::Price(sqrt_price, tick, liquidity));
    }
    let kept = state.ticks().iter().filter(|old| !changed.contains_key(&old.tick));
    let ticks = kept.chain(changed.values().copied().filter(|new| new.gross != 0)).collect();
    Concentrated::new(sqrt_price, tick, liquidity, state.tick_spacing(), ticks)
        .ok()
        .map(|state| Changed::All(Box::new(state)))
}

/// Slots below this one are no entries of mappings: state variables and a V3 pool's 65,535 observations.
const FIRST_HASHED: U256 = U256::from_limbs([1 << 20, 0, 0, 0]);
/// Words of a tick (`Tick.Info`, V4's `TickInfo` has one fewer); liquidity is the first.
const TICK_WORDS: u64 = 4;

fn hashed(words: &Words) -> FxHashSet<U256> {
    words.keys().copied().filter(|slot| *slot >= FIRST_HASHED).collect()
}

/// The ticks whose first word changed. A slot of a mapping does not say its key, so that keys are tried: first the ticks that
/// the price passed, whose other words a swap writes. Where that does not account for every slot liquidity came or went, and
/// the pool's own ticks are tried, and those whose bits changed in a word of the bitmap.
fn changed_ticks(
    state: &Concentrated,
    slots: &v4::Slots,
    words: &Words,
    new_tick: i32,
    unaccounted: &mut FxHashSet<U256>,
) -> FxHashMap<i32, Tick> {
    let mut changed = FxHashMap::default();
    let passed = state.tick().min(new_tick)..=state.tick().max(new_tick);
    let mut look = |tick: i32, unaccounted: &mut FxHashSet<U256>| {
        let first = v3::tick_slot(slots.ticks, tick);
        if let Some((_, after)) = words.get(&first) {
            changed.insert(tick, v3::tick(tick, *after));
        }
        for n in 0..TICK_WORDS {
            unaccounted.remove(&first.wrapping_add(U256::from(n)));
        }
    };
    for old in state.ticks().iter().filter(|old| passed.contains(&old.tick)) {
        look(old.tick, unaccounted);
    }
    if unaccounted.is_empty() {
        return changed;
    }
    for old in state.ticks().iter() {
        look(old.tick, unaccounted);
    }
    for word in v3::words(state.tick_spacing()) {
        if let Some((before, after)) = words.get(&v3::word_slot(slots.bitmap, word)) {
            for tick in v3::ticks_in(word, before ^ after, state.tick_spacing()) {
                look(tick, unaccounted);
            }
        }
    }
    changed
}
