//! The state difference of a transaction against real V2 and V3 contracts: which pools it touches, and their state after it.
mod chain_support;
mod chain_world;

use _core::searcher::evm::{AccountDiff, RecordedState, StateDiff};
use _core::searcher::pools::AnyPool;
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

#[test]
fn a_difference_gives_the_pools_that_it_changes_and_no_other() {
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
            let changed: Vec<_> =
                live(&world).into_iter().filter(|new| old.iter().any(|o| o.0 == new.0 && o != new)).collect();
            assert_eq!(found.len(), changed.len(), "{found:?} {changed:?}");
            for after in found {
                assert_eq!(after.pool.as_ref(), Some(pools.get(after.id)));
                touched += 1;
                let was = old.iter().find(|(key, _, _)| *key == pools.key(after.id)).map(|(_, _, pool)| pool);
                if let (Some(AnyPool::V3(a)), Some(AnyPool::V3(b))) = (&after.pool, was) {
                    positions += usize::from(a.state().ticks() != b.state().ticks());
                }
            }
        }
    }
    println!("{touched} pools touched, {positions} times their ticks");
    assert!(touched > 100 && positions > 30);
}
