//! A stream with holes and reorgs at once, cut at random: what is live is always as the contracts' storage says, whatever was
//! missed; and once the missing blocks are there (or the pools read again), everything is.
mod chain_support;
mod chain_world;

use _core::searcher::pools::Status;
use _core::searcher::state::{StateError, World};
use chain_support::{Seeded, cases};
use chain_world::Node;

/// Gives the next missing block, or the first one of another branch below the hole; says whether there was a hole.
fn fill(world: &mut World, node: &Node) -> bool {
    let Some((below, _)) = world.hole() else { return false };
    let mut number = below.number + 1;
    loop {
        let block = node.block(number).expect("below the head");
        match world.backfill(&block.header, &block.logs) {
            Ok(_) => return true,
            Err(StateError::NotNext { .. } | StateError::Known(_)) => number -= 1,
            Err(StateError::TooDeep { .. }) => return true,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Reads one of the pools that are not live from storage, at the head.
fn reload(world: &mut World, node: &mut Node, random: &mut Seeded) {
    let stored = node.stored();
    if stored.is_empty() {
        return;
    }
    let (key, tokens, pool) = stored[random.below(stored.len() as u64) as usize].clone();
    let head = world.head();
    match world.pools().id(key) {
        Some(id) => {
            world.reload(id, pool, head.hash).expect("the head is kept");
        }
        None => {
            world.adopt(key, &tokens, pool, head.hash).expect("the head is kept");
        }
    }
}

#[test]
fn what_is_live_is_true_however_the_stream_is_cut() {
    let mut counts = [0u64; 5];
    for seed in 0..cases(30).div_ceil(10) {
        let Some(mut node) = Node::new(seed) else { return };
        let mut world = node.world();
        let mut random = Seeded(77 + seed);
        for _ in 0..40 {
            let back = if random.below(5) == 0 { 1 + random.below(8) } else { 0 };
            let unwound = node.back(back);
            for n in 0..=unwound + random.below(4) {
                let (header, logs) = node.mine(6);
                // The first block of a branch and the last are told, as a node does; any other may be lost.
                if random.below(3) == 0 && n > 0 {
                    counts[0] += 1;
                    continue;
                }
                match world.apply_block(&header, &logs) {
                    Ok(_) => node.assert_live_is_true(&world),
                    Err(StateError::TooDeep { .. }) => counts[4] += 1,
                    Err(other) => panic!("{other}"),
                }
            }
            if world.head() != node.head() {
                let block = node.block(node.head().number).expect("the head");
                let told = world.apply_block(&block.header, &block.logs);
                assert!(matches!(told, Ok(_) | Err(StateError::TooDeep { .. })));
            }
            node.assert_live_is_true(&world);
            for _ in 0..random.below(6) {
                match random.below(3) {
                    0 => reload(&mut world, &mut node, &mut random),
                    _ => counts[1] += u64::from(fill(&mut world, &node)),
                }
                node.assert_live_is_true(&world);
            }
            counts[2] += u64::from(world.hole().is_some());
            if random.below(4) == 0 {
                while fill(&mut world, &node) {}
                node.assert_live_is_true(&world);
                counts[3] += 1;
            }
        }
        while fill(&mut world, &node) {}
        for (key, tokens, pool) in node.stored() {
            let live = world.pools().id(key).is_some_and(|id| world.pools().status(id) == Status::Live);
            if !live {
                world.adopt(key, &tokens, pool, world.head().hash).expect("the head is kept");
            }
        }
        node.assert_equal_to_storage(&world);
    }
    let [lost, filled, open, closed, deep] = counts;
    println!("{lost} blocks lost, {filled} filled, {open} rounds ended over a hole, {closed} closed, {deep} too deep");
    assert!(lost > 30 && filled > 30 && open > 10 && closed > 10);
}
