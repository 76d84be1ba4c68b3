//! Which pools a transaction touched: from what it changed, and from what it said where the storage of a protocol is
//! not read.
use super::simulate::Simulated;
use crate::searcher::pools::{PoolKey, Status};
use crate::searcher::state::{After, World};

/// The live pools that an executed transaction touched, in ascending order, with their state after it where that can be
/// told: those whose storage it changed ([`World::touched_by`]), logs or not; and those of a shared contract that a log
/// names by their id (Balancer's vault), which have to be simulated.
#[must_use]
pub fn touched(world: &World, done: &Simulated) -> Vec<After> {
    let mut all = world.touched_by(&done.diff);
    let pools = world.pools();
    for id in done.logs.iter().filter_map(|log| log.topics().get(1)) {
        // The first 12 bytes of an address are zeros: such a topic names an account, not a pool of a shared contract.
        if id[..12] == [0; 12] {
            continue;
        }
        if let Some(id) = pools.id(PoolKey(*id))
            && pools.status(id) == Status::Live
            && !all.iter().any(|after| after.id == id)
        {
            all.push(After { id, pool: None });
        }
    }
    all.sort_unstable_by_key(|after| after.id);
    all
}
