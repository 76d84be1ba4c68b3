//! The steps that every way through the blocks is made of: take a block's logs in, and take them back.
use alloy_primitives::Address;

use super::super::pools::{AnyPool, PoolId, PoolKey};
use super::block::{ChainLog, Header, Touched};
use super::discovery::Discovery;
use super::journal::{Entry, Journal};
use super::logs::{self, Change};
use super::undo::Undo;
use super::world::{Missing, Side, World};

impl World {
    fn journal_of(&mut self, side: Side) -> &mut Journal {
        match (side, self.below.as_mut()) {
            (Side::Below, Some(below)) => below,
            _ => &mut self.journal,
        }
    }

    /// Whether a pool's state is that of this run's tip.
    fn is_at(&self, side: Side, id: PoolId) -> bool {
        match self.missing.get(&id) {
            None => side == Side::Head,
            Some(why) => side == Side::Below && *why == Missing::Blocks,
        }
    }

    /// What a pool at this run's tip is missing.
    fn missing_at(side: Side) -> Option<Missing> {
        match side {
            Side::Head => None,
            Side::Below => Some(Missing::Blocks),
        }
    }

    /// Puts a block on a run: its logs change the pools that are at the run's tip, and bring new ones.
    pub(super) fn extend(&mut self, side: Side, header: &Header, logs: &[ChainLog], touched: &mut Touched) {
        let mut entry = Entry::new(*header, logs);
        self.follow(side, &mut entry, None, touched);
        let depth = self.depth;
        self.journal_of(side).push(entry, depth);
    }

    /// Follows the logs of one block for the pools that are at the run's tip, and for new ones; or for one pool alone.
    pub(super) fn follow(&mut self, side: Side, entry: &mut Entry, only: Option<PoolId>, touched: &mut Touched) {
        let logs = std::mem::take(&mut entry.logs);
        for log in &logs {
            if let Some(id) = self.routes.pool(&self.pools, log)
                && only.is_none_or(|only| only == id)
                && self.is_at(side, id)
            {
                self.change(entry, id, log, touched);
            }
            if only.is_none() {
                self.discover(side, entry, log, touched);
            }
        }
        entry.logs = logs;
    }

    /// Brings the pools that were left below a hole over one block above it.
    pub(super) fn catch_up(&mut self, entry: &mut Entry, touched: &mut Touched) {
        let logs = std::mem::take(&mut entry.logs);
        for log in &logs {
            if let Some(id) = self.routes.pool(&self.pools, log)
                && self.is_at(Side::Below, id)
            {
                self.change(entry, id, log, touched);
            }
        }
        entry.logs = logs;
    }

    fn change(&mut self, entry: &mut Entry, id: PoolId, log: &ChainLog, touched: &mut Touched) {
        let change = logs::read(&self.pools, id, log, entry.header.timestamp_s);
        if change == Change::Nothing {
            return;
        }
        touched.changed.push(id);
        let pool = self.pools.get_mut(id);
        let undo = entry.undo.entry(id).or_insert_with(|| Undo::of(pool));
        let position = change.position();
        if change.make(pool) {
            undo.widen(position);
        } else {
            self.set_missing(id, Some(Missing::Reload), entry.header.number.saturating_sub(1), touched);
        }
    }

    fn discover(&mut self, side: Side, entry: &mut Entry, log: &ChainLog, touched: &mut Touched) {
        match self.factories.read(log, &mut self.drafts) {
            None => {}
            Some(Discovery::New { key, tokens, pool }) => self.bear(side, entry, (key, &tokens, *pool), touched),
            Some(Discovery::Found(found)) => touched.found.push(found),
            Some(Discovery::Impostor(impostor)) => touched.impostors.push(impostor),
        }
    }

    /// Adds a pool that a factory log brought. A pool that is at a tip already was read from storage: its state is newer.
    fn bear(&mut self, side: Side, entry: &mut Entry, new: (PoolKey, &[Address], AnyPool), touched: &mut Touched) {
        let (key, tokens, pool) = new;
        if let Some(id) = self.pools.id(key) {
            if self.has_tokens(id, tokens) {
                let elsewhere = self.missing.get(&id).is_some_and(|why| side == Side::Head || *why != Missing::Blocks);
                if elsewhere {
                    for journal in self.below.iter_mut().chain([&mut self.journal]) {
                        journal.forget(id);
                    }
                    *self.pools.get_mut(id) = pool;
                    self.set_missing(id, Self::missing_at(side), entry.header.number, touched);
                    touched.added.push(id);
                    touched.changed.push(id);
                }
                entry.undo.insert(id, Undo::Born);
                return;
            }
            // Another branch made another pool at the same address: the old number is never used again.
            self.set_missing(id, Some(Missing::Birth), entry.header.number.saturating_sub(1), touched);
            for journal in self.below.iter_mut().chain([&mut self.journal]) {
                journal.forget(id);
            }
            self.pools.forget_key(key);
        }
        let id = self.pools.add(key, tokens, pool);
        self.routes.add(key, id, self.pools.get(id));
        entry.undo.insert(id, Undo::Born);
        touched.added.push(id);
        touched.changed.push(id);
        if let Some(why) = Self::missing_at(side) {
            self.set_missing(id, Some(why), entry.header.number, touched);
        }
    }

    /// Takes blocks back until `length` of the run are left.
    pub(super) fn unwind(&mut self, side: Side, length: usize, touched: &mut Touched) {
        while self.journal_of(side).entries.len() > length {
            let Some(entry) = self.journal_of(side).entries.pop_back() else { return };
            touched.unwound += 1;
            let before = entry.header.number.saturating_sub(1);
            for (id, undo) in entry.undo {
                if side == Side::Below && !self.missing.contains_key(&id) {
                    continue; // it is at the head, on another run
                }
                touched.changed.push(id);
                let why = match undo {
                    Undo::Born => Some(Missing::Birth),
                    undo if undo.restore(self.pools.get_mut(id)) => Self::missing_at(side),
                    _ => Some(Missing::Reload),
                };
                self.set_missing(id, why, before, touched);
            }
        }
    }
}
