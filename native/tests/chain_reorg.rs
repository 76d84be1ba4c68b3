//! Pools followed through the logs of real contracts, over thousands of blocks and reorgs of depth 1 to 20: after each, every
//! pool is what its contract's storage says, and what a world says that was fed the winning branch alone.
mod chain_support;
mod chain_world;

use chain_support::{Seeded, cases};
use chain_world::{Node, same};

#[test]
fn a_reorg_leaves_every_pool_equal_to_a_fresh_load() {
    for seed in 0..cases(3_000).div_ceil(1_500) {
        let Some(mut node) = Node::new(seed) else { return };
        let mut world = node.world();
        let mut random = Seeded(1000 + seed);
        let (mut reorgs, mut deepest, mut blocks) = (0, 0, 0);
        while blocks < 1_500 {
            let back = if random.below(8) == 0 { 1 + random.below(20) } else { 0 };
            let unwound = node.back(back);
            reorgs += u64::from(unwound > 0);
            deepest = deepest.max(unwound);
            for n in 0..=unwound + random.below(3) {
                let (header, logs) = node.mine(6);
                let touched = world.apply_block(&header, &logs).expect("the next block");
                assert_eq!(touched.unwound, if n == 0 { unwound } else { 0 });
                assert!(touched.became_stale.is_empty() || unwound > 0, "only a pool that was unborn");
                blocks += 1;
            }
            assert_eq!(world.head(), node.head());
            node.assert_equal_to_storage(&world);
            if unwound > 0 && reorgs % 4 == 0 {
                same(&world, &node.replayed());
            }
        }
        println!("seed {seed}: {blocks} blocks, {reorgs} reorgs, deepest {deepest}, {} pools", world.pools().len());
        assert!(reorgs > 10 && deepest == 20);
    }
}
