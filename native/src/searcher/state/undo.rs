//! How one pool gets back to the state it had before a block.
use serde::{Deserialize, Serialize};

use super::super::pools::AnyPool;
use super::logs::Change;

/// The way back of one pool over one block, recorded before its first change in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Undo {
    /// The whole pool as it was.
    Whole(AnyPool),
    /// The block is the one at which the pool was read from storage: what it was before is not known.
    Lost,
    /// The block created it.
    Born,
}

impl Undo {
    /// A record of a pool before `change`.
    pub fn of(pool: &AnyPool) -> Undo {
        Undo::Whole(pool.clone())
    }

    /// Adds to the record what a further change in the same block is about to overwrite.
    pub fn widen(&mut self, _pool: &AnyPool, _change: &Change) {}
}
