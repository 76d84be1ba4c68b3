//! What a chain tells about a block: its place in the chain of parents and the logs in it.
use std::fmt;

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use super::super::pools::PoolId;
use super::discovery::{Found, Impostor};

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockId {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// The part of a block's header that state needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The block's number.
    pub number: u64,
    /// The block's hash.
    pub hash: B256,
    /// The hash of the block before it: the only truth about a reorg.
    pub parent_hash: B256,
    /// The block's time in seconds.
    pub timestamp_s: u64,
}

impl Header {
    /// Number and hash.
    #[must_use]
    pub fn id(&self) -> BlockId {
        BlockId { number: self.number, hash: self.hash }
    }

    /// The block before it.
    #[must_use]
    pub fn parent(&self) -> BlockId {
        BlockId { number: self.number.saturating_sub(1), hash: self.parent_hash }
    }
}

/// A log of one block, asked for by the block's hash (EIP-234) so that it can be of no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainLog {
    /// The contract that left it.
    pub address: Address,
    /// At most four; the first is the event.
    pub topics: Vec<B256>,
    /// What is not indexed.
    pub data: Bytes,
    /// Its place in the block. Places may be missing (a filter), never repeated.
    pub log_index: u64,
}

/// What a block, a reload or an unwinding did. Every list is in ascending order without repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Pools whose state may differ from before, live or not.
    pub changed: Vec<PoolId>,
    /// Pools that factory logs brought; they are among `changed` too.
    pub added: Vec<PoolId>,
    /// Pools that were searched and may not be any longer.
    pub became_stale: Vec<PoolId>,
    /// Pools that were stale and are at the head again.
    pub became_live: Vec<PoolId>,
    /// Pools that exist but of which the logs do not tell enough: to be read and given to `adopt`.
    pub found: Vec<Found>,
    /// Factory logs that name a pool which the factory could not have made.
    pub impostors: Vec<Impostor>,
    /// How many blocks were unwound first.
    pub unwound: u64,
    /// Whether blocks are missing below the head afterwards.
    pub hole: bool,
}

impl Touched {
    pub(super) fn ordered(mut self) -> Touched {
        for list in [&mut self.changed, &mut self.added, &mut self.became_stale, &mut self.became_live] {
            list.sort_unstable();
            list.dedup();
        }
        let (stale, live) = (self.became_stale.clone(), self.became_live.clone());
        self.became_stale.retain(|id| live.binary_search(id).is_err());
        self.became_live.retain(|id| stale.binary_search(id).is_err());
        self
    }
}

/// Why a block or a pool was not taken. But for [`StateError::TooDeep`] nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The block is among those kept already.
    Known(BlockId),
    /// The parent has this number, so the block cannot have that one.
    Number {
        /// The block as given.
        block: BlockId,
        /// Its parent, which is known.
        parent: BlockId,
    },
    /// Two logs are not in the order of their places, or have the same.
    LogOrder {
        /// The place of the earlier log in the list.
        before: u64,
        /// The place of the one after it, not larger.
        after: u64,
    },
    /// A log has more topics than the EVM can give it.
    Topics {
        /// The log's place in the block.
        log_index: u64,
    },
    /// The common ancestor is below the oldest block that can be unwound to. Every pool is stale now.
    TooDeep {
        /// The block as given.
        block: BlockId,
        /// The oldest block that could be unwound to.
        oldest: BlockId,
    },
    /// There is no hole to fill.
    NoHole,
    /// The block is not the next one of the hole.
    NotNext {
        /// The block as given.
        block: BlockId,
        /// What its parent should be: the last block below the hole.
        after: BlockId,
    },
    /// The block ends the hole with another hash than the blocks above it stand on.
    OtherBranch {
        /// The block as given.
        block: BlockId,
        /// The block that is missing there.
        missing: BlockId,
    },
    /// The block at which a pool was read is not kept.
    NotKept(B256),
    /// A pool with this key is known with other tokens.
    OtherTokens(PoolId),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |b: &BlockId| format!("{} ({})", b.number, b.hash);
        match self {
            StateError::Known(block) => write!(f, "block {} was applied already; go on with its child", name(block)),
            StateError::Number { block, parent } => {
                write!(f, "block {} says its parent is {}: ask for the header again", name(block), name(parent))
            }
            StateError::LogOrder { before, after } => write!(
                f,
                "log {after} stands behind log {before}: ask for the block's logs again by its hash, in ascending order"
            ),
            StateError::Topics { log_index } => {
                write!(f, "log {log_index} has more than four topics: ask for it again")
            }
            StateError::TooDeep { block, oldest } => write!(
                f,
                "block {} branches off below block {}, the oldest that is kept; every pool is stale: load a snapshot \
                 that is older, or reload the pools from storage",
                name(block),
                name(oldest)
            ),
            StateError::NoHole => write!(f, "no block is missing: give new blocks to apply_block"),
            StateError::NotNext { block, after } => {
                write!(f, "block {} does not follow block {}: backfill from there in order", name(block), name(after))
            }
            StateError::OtherBranch { block, missing } => {
                write!(f, "block {} is not the missing block {}: ask for it by its hash", name(block), name(missing))
            }
            StateError::NotKept(hash) => {
                write!(f, "block {hash} is not among those kept: read the pool at the head, by the head's hash")
            }
            StateError::OtherTokens(id) => write!(f, "pool {} is known with other tokens", id.0),
        }
    }
}

impl std::error::Error for StateError {}
