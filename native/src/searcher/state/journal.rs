//! What each kept block changed, so that it can be taken back.
use std::collections::VecDeque;

use alloy_primitives::B256;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::super::pools::PoolId;
use super::block::{BlockId, ChainLog, Header};
use super::undo::Undo;

/// One kept block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub header: Header,
    /// Its logs as given: a pool that comes back later (backfilled, or read from storage at an earlier block) is brought to
    /// the head with them.
    pub logs: Vec<ChainLog>,
    /// How each pool that it touched gets back to the state before it.
    pub undo: FxHashMap<PoolId, Undo>,
}

impl Entry {
    pub fn new(header: Header, logs: &[ChainLog]) -> Entry {
        Entry { header, logs: logs.to_vec(), undo: FxHashMap::default() }
    }
}

/// A run of blocks, each the parent of the next, on top of a block whose state cannot be left any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The block before the first entry.
    pub anchor: BlockId,
    pub entries: VecDeque<Entry>,
}

impl Journal {
    pub fn new(anchor: BlockId) -> Journal {
        Journal { anchor, entries: VecDeque::new() }
    }

    /// The last block of the run.
    pub fn tip(&self) -> BlockId {
        self.entries.back().map_or(self.anchor, |entry| entry.header.id())
    }

    /// How many entries are left when this block is the tip; none where it is not kept.
    pub fn length_at(&self, hash: B256) -> Option<usize> {
        if self.anchor.hash == hash {
            return Some(0);
        }
        self.entries.iter().rposition(|entry| entry.header.hash == hash).map(|n| n + 1)
    }

    /// The block that is the tip of so many entries.
    pub fn block_at(&self, length: usize) -> BlockId {
        if length == 0 { self.anchor } else { self.entries[length - 1].header.id() }
    }

    /// Adds a block; the oldest beyond `depth` are forgotten.
    pub fn push(&mut self, entry: Entry, depth: usize) {
        self.entries.push_back(entry);
        while self.entries.len() > depth {
            if let Some(oldest) = self.entries.pop_front() {
                self.anchor = oldest.header.id();
            }
        }
    }

    /// Takes every record of a pool out: they do not lead to the state that it has now.
    pub fn forget(&mut self, id: PoolId) {
        for entry in &mut self.entries {
            entry.undo.remove(&id);
        }
    }
}
