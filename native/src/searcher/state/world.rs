//! All pools as of one block, and the way to the next one or back.
use alloy_primitives::{Address, B256};
use rustc_hash::FxHashMap;

use super::super::pools::{AnyPool, Ban, PoolId, PoolKey, Pools, Status};
use super::block::{BlockId, StateError, Touched};
use super::discovery::{Drafts, Factories};
use super::journal::Journal;
use super::routes::Routes;
use super::undo::Undo;

/// Why a pool's state is not that of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Missing {
    /// It is at the last block below the hole; the missing blocks bring it to the head.
    Blocks,
    /// A log did not tell enough, or the block at which it was read was unwound: it has to be read from storage.
    Reload,
    /// The block that created it was unwound.
    Birth,
}

/// Which of the two runs of blocks a step belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The run that ends at the head.
    Head,
    /// The run below the hole.
    Below,
}

/// The pools as of the head, what is known of their history, and the hole below the head if there is one.
///
/// Every pool is in exactly one of three conditions: at the head ([`Status::Live`], or refused and still followed), at the
/// last block below the hole, or nowhere (to be read from storage). Only those at the head can be live, and what the other
/// two are is kept apart from the refusals that others give, so that a refused pool cannot become live over a hole.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    pub(super) pools: Pools,
    pub(super) factories: Factories,
    /// Pools that were created and have no price yet.
    pub(super) drafts: Drafts,
    pub(super) routes: Routes,
    /// The run of blocks that ends at the head.
    pub(super) journal: Journal,
    /// The run below the hole, while there is one.
    pub(super) below: Option<Journal>,
    /// The pools that are not at the head.
    pub(super) missing: FxHashMap<PoolId, Missing>,
    pub(super) depth: usize,
}

impl World {
    /// A world without pools at a block. `depth` blocks (at least one) can be unwound later. `factories` tell whose logs
    /// bring new pools.
    #[must_use]
    pub fn new(at: BlockId, depth: usize, factories: Factories) -> World {
        World {
            pools: Pools::default(),
            routes: Routes::new(&factories),
            factories,
            drafts: Drafts::default(),
            journal: Journal::new(at),
            below: None,
            missing: FxHashMap::default(),
            depth: depth.max(1),
        }
    }

    /// The pools. Only a [`Status::Live`] one is as of the head.
    #[must_use]
    pub fn pools(&self) -> &Pools {
        &self.pools
    }

    /// The newest block.
    #[must_use]
    pub fn head(&self) -> BlockId {
        self.journal.tip()
    }

    /// The oldest block that can be unwound to.
    #[must_use]
    pub fn oldest(&self) -> BlockId {
        self.below.as_ref().unwrap_or(&self.journal).anchor
    }

    /// The hole below the head: the last block before it and the last block in it, whose number and hash are known from
    /// its child. None where no block is missing.
    #[must_use]
    pub fn hole(&self) -> Option<(BlockId, BlockId)> {
        self.below.as_ref().map(|below| (below.tip(), self.journal.anchor))
    }

    /// The pools that only a reading from storage brings back, in ascending order.
    #[must_use]
    pub fn to_reload(&self) -> Vec<PoolId> {
        let mut ids: Vec<PoolId> =
            self.missing.iter().filter(|(_, why)| **why == Missing::Reload).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// Says that a pool is not to be traded, whatever its state. It is followed all the same.
    pub fn refuse(&mut self, id: PoolId, why: Ban) {
        self.pools.set_status(id, Status::Refused(why));
    }

    /// Takes a refusal back: the pool is live if it is at the head, and stale if not.
    pub fn admit(&mut self, id: PoolId) {
        let status = match self.missing.get(&id) {
            None => Status::Live,
            Some(_) => Status::Stale { since_block: self.below.as_ref().unwrap_or(&self.journal).anchor.number },
        };
        self.pools.set_status(id, status);
    }

    /// Adds a pool as it was read at the kept block with this hash; what the blocks since then did to it is made up for.
    /// A pool that is known already is reloaded.
    ///
    /// # Errors
    /// The block is not kept, or the pool is known with other tokens; nothing has changed then.
    pub fn adopt(&mut self, key: PoolKey, tokens: &[Address], pool: AnyPool, at: B256) -> Result<PoolId, StateError> {
        let length = self.journal.length_at(at).ok_or(StateError::NotKept(at))?;
        if let Some(id) = self.pools.id(key)
            && !self.has_tokens(id, tokens)
        {
            return Err(StateError::OtherTokens(id));
        }
        let id = self.pools.add(key, tokens, pool.clone());
        self.routes.add(key, id, &pool);
        self.place(id, pool, length);
        Ok(id)
    }

    /// Puts the state of a pool that was read from storage at the kept block with this hash; what the blocks since then did
    /// to it is made up for, and it is live again. An unwinding to before that block makes it stale.
    ///
    /// # Errors
    /// The block is not kept; nothing has changed then.
    pub fn reload(&mut self, id: PoolId, pool: AnyPool, at: B256) -> Result<Touched, StateError> {
        let length = self.journal.length_at(at).ok_or(StateError::NotKept(at))?;
        Ok(self.place(id, pool, length))
    }

    /// Gives the missing blocks up: what was stale for them has to be reloaded instead, and pools that they created stay
    /// unknown. Without a hole nothing happens.
    pub fn give_up_hole(&mut self) {
        if self.below.take().is_some() {
            for why in self.missing.values_mut().filter(|why| **why == Missing::Blocks) {
                *why = Missing::Reload;
            }
        }
    }

    /// Sets the time in seconds that quotes are for: that of the block in which a swap is to be. A pool whose A moves is
    /// quoted for this time until it is set again; no other pool depends on it.
    pub fn set_time(&mut self, time_s: u64) {
        for &id in self.routes.timed() {
            match self.pools.get_mut(id) {
                AnyPool::CurveStable(pool) => pool.time_s = time_s,
                AnyPool::CurveCrypto(pool) => pool.time_s = time_s,
                AnyPool::BalancerStable(pool) => pool.time_s = time_s,
                _ => {}
            }
        }
    }

    /// The contracts whose logs are to be asked for, in ascending order: pools, hubs and factories.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let own = self.pools.ids().map(|id| self.pools.key(id).0).filter(|key| key.0[..12] == [0; 12]);
        let mut all: Vec<Address> = own.map(Address::from_word).collect();
        all.extend(self.routes.addresses());
        all.extend(self.factories.addresses());
        all.sort_unstable();
        all.dedup();
        all
    }

    fn place(&mut self, id: PoolId, pool: AnyPool, length: usize) -> Touched {
        let mut touched = Touched { changed: vec![id], hole: self.below.is_some(), ..Touched::default() };
        for journal in self.below.iter_mut().chain([&mut self.journal]) {
            journal.forget(id);
        }
        *self.pools.get_mut(id) = pool;
        self.set_missing(id, None, self.head().number, &mut touched);
        let mut entries = std::mem::take(&mut self.journal.entries);
        for (n, entry) in entries.iter_mut().enumerate().skip(length.saturating_sub(1)) {
            if n + 1 == length {
                entry.undo.insert(id, Undo::Lost);
            } else {
                self.follow(Side::Head, entry, Some(id), &mut touched);
            }
        }
        self.journal.entries = entries;
        touched.ordered()
    }

    pub(super) fn has_tokens(&self, id: PoolId, tokens: &[Address]) -> bool {
        let held = self.pools.tokens(id);
        held.len() == tokens.len() && held.iter().zip(tokens).all(|(h, t)| self.pools.token_address(*h) == *t)
    }

    /// Says where a pool's state belongs: to the head (none) or not. `since_block` is the last block whose changes it has.
    pub(super) fn set_missing(&mut self, id: PoolId, why: Option<Missing>, since_block: u64, touched: &mut Touched) {
        let before = match why {
            Some(why) => self.missing.insert(id, why),
            None => self.missing.remove(&id),
        };
        if before.is_some() != why.is_some() {
            let list = if why.is_some() { &mut touched.became_stale } else { &mut touched.became_live };
            list.push(id);
        }
        if !matches!(self.pools.status(id), Status::Refused(_)) {
            let status = if why.is_some() { Status::Stale { since_block } } else { Status::Live };
            self.pools.set_status(id, status);
        }
    }
}
