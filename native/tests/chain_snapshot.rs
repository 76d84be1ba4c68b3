//! Snapshots: what is loaded is the same world, its way back over a reorg too, and no damaged byte passes.
mod chain_support;
mod chain_world;

use _core::searcher::state::{SnapshotError, World};
use chain_support::{Seeded, cases};
use chain_world::{Node, same};

/// A node and a world with a history, over a hole or not.
fn made(seed: u64, with_hole: bool, blocks: u64) -> Option<(Node, World)> {
    let mut node = Node::new(seed)?;
    let mut world = node.world();
    for n in 0..blocks {
        let (header, logs) = node.mine(5);
        if !(with_hole && n == blocks / 2) {
            world.apply_block(&header, &logs).expect("the next block");
        }
    }
    Some((node, world))
}

fn loaded(node: &Node, bytes: &[u8]) -> Result<World, SnapshotError> {
    World::decode(bytes, node.factories())
}

#[test]
fn a_loaded_world_is_the_saved_one_and_goes_on_like_it() {
    for seed in 0..cases(6) {
        let with_hole = seed % 2 == 1;
        let Some((mut node, mut world)) = made(seed, with_hole, 40) else { return };
        let bytes = world.encode().expect("pools can be written");
        let mut again = loaded(&node, &bytes).expect("whole");
        assert_eq!(world, again);
        assert_eq!(world.hole().is_some(), with_hole);
        let unwound = node.back(3 + seed % 10);
        for n in 0..=unwound {
            let (header, logs) = node.mine(5);
            let touched = world.apply_block(&header, &logs);
            assert_eq!(touched, again.apply_block(&header, &logs));
            assert_eq!(touched.expect("the next block").unwound, if n == 0 { unwound } else { 0 });
        }
        same(&world, &again);
        assert_eq!(world, again);
    }
}

#[test]
fn no_damaged_byte_passes() {
    let Some((node, world)) = made(9, true, 12) else { return };
    let bytes = world.encode().expect("pools can be written");
    let mut random = Seeded(5);
    for n in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[n] ^= 1 << random.below(8);
        assert!(loaded(&node, &damaged).is_err(), "byte {n} of {} may be anything", bytes.len());
        assert!(loaded(&node, &bytes[..n]).is_err(), "it may end at byte {n}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(loaded(&node, &longer), Err(SnapshotError::Length { .. })));
    let mut newer = bytes.clone();
    newer[8] += 1;
    assert!(matches!(loaded(&node, &newer), Err(SnapshotError::Version(2))));
    assert!(matches!(loaded(&node, b"{\"v2\":{}}"), Err(SnapshotError::Foreign)));
}

#[test]
fn a_file_is_whole_or_the_one_before_it() {
    let Some((node, world)) = made(3, false, 10) else { return };
    let folder = std::env::temp_dir().join(format!("searcher-snapshot-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder of its own");
    let path = folder.join("pools.snapshot");
    world.save(&path).expect("a disk");
    let again = World::load(&path, node.factories()).expect("whole");
    assert_eq!(world, again);
    // A run that was killed between writing and renaming leaves the older file as it was.
    std::fs::write(folder.join("pools.snapshot.partial"), b"torn").expect("a disk");
    assert_eq!(World::load(&path, node.factories()).expect("whole"), world);
    world.save(&path).expect("over what was left");
    assert!(!folder.join("pools.snapshot.partial").exists());
    let missing = World::load(&folder.join("nothing"), node.factories());
    assert!(matches!(missing, Err(SnapshotError::Io(_, _))));
    std::fs::remove_dir_all(&folder).expect("its own folder");
}
