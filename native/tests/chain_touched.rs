//! The state difference of a transaction against real V2 and V3 contracts: which pools it touches, and their state after it.
mod chain_support;
mod chain_world;

use _core::searcher::evm::{AccountDiff, RecordedState, StateDiff};
use _core::searcher::pools::AnyPool;
use _core::searcher::pools::v4::V4Pool;
use _core::searcher::state::ChainLog;
use alloy_primitives::U256;
use chain_support::cases;
use chain_world::{Node, live};

fn difference(before: &RecordedState, after: &RecordedState) -> StateDiff {
    let mut diff = StateDiff::default();
    for (address, account) in &after.accounts {
        let old = before.accounts.get(address);
        let storage: Vec<(U256, (U256, U256))> = account
            .storage
            .iter()
            .map(|(slot, word)| (*slot, (old.and_then(|o| o.storage.get(slot)).copied().unwrap_or_default(), *word)))
            .filter(|(_, (old, new))| old != new)
            .collect();
        if !storage.is_empty() {
            diff.insert(*address, AccountDiff { storage: storage.into_iter().collect(), ..AccountDiff::default() });
        }
    }
    diff
}

/// Of V4 alone: positions changed where the price is not.
fn out_of_range(was: &AnyPool, now: &AnyPool) -> bool {
    let (AnyPool::V4(was), AnyPool::V4(now)) = (was, now) else { return false };
    let at = |pool: &V4Pool| (pool.state().sqrt_price(), pool.state().liquidity(), pool.lp_fee(), pool.protocol_fee());
    at(was) == at(now)
}

#[test]
fn a_difference_gives_the_pools_that_it_changes_with_their_state() {
    let (mut touched, mut positions) = (0, 0);
    for seed in 0..cases(400).div_ceil(400) {
        let Some(mut node) = Node::new(seed) else { return };
        let mut world = node.world();
        for _ in 0..400 {
            let before = node.record();
            let (header, logs): (_, Vec<ChainLog>) = node.mine(2);
            let after = node.record();
            let found = world.touched_by(&difference(&before, &after));
            let old = live(&world);
            world.apply_block(&header, &logs).expect("the next block");
            let pools = world.pools();
            let changed = live(&world).into_iter().filter_map(|new| {
                let was = old.iter().find(|one| one.0 == new.0 && **one != new)?;
                (!out_of_range(&was.2, &new.2)).then_some(pools.id(new.0).expect("it is live"))
            });
            let mut changed: Vec<_> = changed.collect();
            changed.sort_unstable();
            let in_range = found.iter().filter(|after| {
                let was = &old.iter().find(|one| one.0 == pools.key(after.id)).expect("it was live").2;
                after.pool.as_ref().is_none_or(|now| !out_of_range(was, now))
            });
            assert_eq!(in_range.map(|after| after.id).collect::<Vec<_>>(), changed);
            for after in found {
                assert_eq!(after.pool.as_ref(), Some(pools.get(after.id)));
                touched += 1;
                let was = old.iter().find(|(key, _, _)| *key == pools.key(after.id)).map(|(_, _, pool)| pool);
                positions += match (&after.pool, was) {
                    (Some(AnyPool::V3(a)), Some(AnyPool::V3(b))) => usize::from(a.state().ticks() != b.state().ticks()),
                    (Some(AnyPool::V4(a)), Some(AnyPool::V4(b))) => usize::from(a.state().ticks() != b.state().ticks()),
                    _ => 0,
                };
            }
        }
    }
    println!("{touched} pools touched, {positions} times their ticks");
    assert!(touched > 100 && positions > 30);
}
