//! From block to block: onwards, back over a reorg, and over a hole.
use super::super::pools::PoolId;
use super::block::{ChainLog, Header, StateError, Touched};
use super::journal::Journal;
use super::world::{Missing, Side, World};

impl World {
    /// Takes the next block of the chain as its node says it: the child of the head, or the first block of another branch
    /// (which unwinds to its parent), or a block whose parent is not known (which leaves a hole, and every pool stale until
    /// [`World::backfill`] or [`World::reload`]). The logs are all that the followed contracts left in this block, in order.
    ///
    /// # Errors
    /// The block or its logs cannot be right, or it is known already: nothing has changed. [`StateError::TooDeep`]: it
    /// branches off below what is kept; it is the head now and every pool has to be reloaded.
    pub fn apply_block(&mut self, header: &Header, logs: &[ChainLog]) -> Result<Touched, StateError> {
        self.check(header, logs)?;
        let mut touched = Touched::default();
        if let Some(length) = self.journal.length_at(header.parent_hash) {
            fits(header, &self.journal, length)?;
            self.unwind(Side::Head, length, &mut touched);
        } else if let Some(length) = self.below.as_ref().and_then(|b| b.length_at(header.parent_hash)) {
            fits(header, self.below.as_ref().unwrap_or(&self.journal), length)?;
            self.unwind(Side::Head, 0, &mut touched);
            self.close_downwards(&mut touched);
            self.unwind(Side::Head, length, &mut touched);
        } else if header.number <= self.oldest().number.saturating_add(1) {
            return Err(self.too_deep(header));
        } else {
            self.open_hole(header, &mut touched);
        }
        self.extend(Side::Head, header, logs, &mut touched);
        touched.hole = self.below.is_some();
        Ok(touched.ordered())
    }

    /// Takes the next missing block: the child of the last block below the hole, or the first block of another branch below
    /// it. The block that closes the hole brings every pool to the head that waited for it.
    ///
    /// # Errors
    /// There is no hole, or the block is not the next one, or its logs cannot be right: nothing has changed.
    /// [`StateError::TooDeep`] as for [`World::apply_block`]; the head stays, and every pool that waited has to be reloaded.
    pub fn backfill(&mut self, header: &Header, logs: &[ChainLog]) -> Result<Touched, StateError> {
        let Some(below) = &self.below else { return Err(StateError::NoHole) };
        self.check(header, logs)?;
        let missing = self.journal.anchor;
        let Some(length) = below.length_at(header.parent_hash) else {
            if header.number <= below.anchor.number.saturating_add(1) {
                let oldest = below.anchor;
                self.give_up_hole();
                return Err(StateError::TooDeep { block: header.id(), oldest });
            }
            return Err(StateError::NotNext { block: header.id(), after: below.tip() });
        };
        fits(header, below, length)?;
        if header.number >= missing.number && header.id() != missing {
            return Err(StateError::OtherBranch { block: header.id(), missing });
        }
        let mut touched = Touched::default();
        self.unwind(Side::Below, length, &mut touched);
        self.extend(Side::Below, header, logs, &mut touched);
        if header.id() == missing {
            self.close_upwards(&mut touched);
        }
        touched.hole = self.below.is_some();
        Ok(touched.ordered())
    }

    fn check(&self, header: &Header, logs: &[ChainLog]) -> Result<(), StateError> {
        if let Some(pair) = logs.windows(2).find(|pair| pair[0].log_index >= pair[1].log_index) {
            return Err(StateError::LogOrder { before: pair[0].log_index, after: pair[1].log_index });
        }
        if let Some(log) = logs.iter().find(|log| log.topics.len() > 4) {
            return Err(StateError::Topics { log_index: log.log_index });
        }
        // The anchor above a hole is not among what is known: only its hash is.
        let known_below = self.below.as_ref().is_some_and(|below| below.length_at(header.hash).is_some());
        let known = match self.journal.length_at(header.hash) {
            Some(0) => self.below.is_none(),
            Some(_) => true,
            None => false,
        };
        if known || known_below {
            return Err(StateError::Known(header.id()));
        }
        Ok(())
    }

    fn too_deep(&mut self, header: &Header) -> StateError {
        let oldest = self.oldest();
        self.below = None;
        self.journal = Journal::new(header.id());
        let mut touched = Touched::default();
        for id in self.pools.ids() {
            self.set_missing(id, Some(Missing::Reload), oldest.number, &mut touched);
        }
        StateError::TooDeep { block: header.id(), oldest }
    }

    /// Leaves a hole between what is known and a block whose parent is not.
    fn open_hole(&mut self, header: &Header, touched: &mut Touched) {
        if self.below.is_some() {
            self.unwind(Side::Head, 0, touched); // the old hole reaches up to the new block
        } else {
            let tip = self.head().number;
            let live: Vec<PoolId> = self.pools.ids().filter(|id| !self.missing.contains_key(id)).collect();
            for id in live {
                self.set_missing(id, Some(Missing::Blocks), tip, touched);
            }
            self.below = Some(std::mem::replace(&mut self.journal, Journal::new(header.parent())));
            return;
        }
        self.journal = Journal::new(header.parent());
    }

    /// What is above the hole is unwound: the run below it ends at the head again.
    fn close_downwards(&mut self, touched: &mut Touched) {
        if let Some(below) = self.below.take() {
            self.journal = below;
            self.revive(touched);
        }
    }

    /// The missing blocks are there: what waited below the hole follows the blocks above it, and the two runs become one.
    fn close_upwards(&mut self, touched: &mut Touched) {
        let Some(below) = self.below.take() else { return };
        let above = std::mem::replace(&mut self.journal, below);
        for mut entry in above.entries {
            self.catch_up(&mut entry, touched);
            self.journal.push(entry, self.depth);
        }
        self.revive(touched);
    }

    fn revive(&mut self, touched: &mut Touched) {
        let head = self.head().number;
        let waiting: Vec<PoolId> =
            self.missing.iter().filter(|(_, why)| **why == Missing::Blocks).map(|(id, _)| *id).collect();
        for id in waiting {
            self.set_missing(id, None, head, touched);
        }
    }
}

/// A block's number is one above its parent's.
fn fits(header: &Header, journal: &Journal, length: usize) -> Result<(), StateError> {
    let parent = journal.block_at(length);
    if header.number == parent.number + 1 {
        return Ok(());
    }
    Err(StateError::Number { block: header.id(), parent })
}
