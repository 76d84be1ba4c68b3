//! What simulations change, above the shared state of the head: made and thrown away at no cost.
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::database_interface::{Database, DatabaseCommit, DatabaseRef};
use revm::primitives::AddressMap;
use revm::state::{Account, AccountInfo, Bytecode};
use rustc_hash::FxHashMap;

use super::cache::View;
use super::source::SourceError;
use crate::searcher::state::StorageSource;

#[derive(Clone, Default)]
struct Changed {
    /// None: as below. `Some(None)`: the account does not exist.
    info: Option<Option<AccountInfo>>,
    /// Whether its storage begins empty here, whatever is below.
    cleared: bool,
    slots: FxHashMap<U256, U256>,
}

/// Changes of an [`Overlay`] at one time.
pub struct SavedChanges(FxHashMap<Address, Changed>);

/// A view with changes above it. Nothing that is done here reaches the cache but the values it fetches.
pub struct Overlay {
    view: View,
    changed: FxHashMap<Address, Changed>,
}

impl Overlay {
    /// A view with no change.
    #[must_use]
    pub fn new(view: View) -> Overlay {
        Overlay { view, changed: FxHashMap::default() }
    }

    /// The view below.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Forgets all changes and goes on with this view.
    pub fn reset(&mut self, view: View) {
        self.view = view;
        self.changed.clear();
    }

    /// Forgets all changes.
    pub fn clear(&mut self) {
        self.changed.clear();
    }

    /// The changes as they are now, to go back to.
    #[must_use]
    pub fn save(&self) -> SavedChanges {
        SavedChanges(self.changed.clone())
    }

    /// Goes back to changes that were saved.
    pub fn restore(&mut self, saved: SavedChanges) {
        self.changed = saved.0;
    }

    /// Writes a word of an account's storage.
    pub fn set_storage(&mut self, at: Address, slot: U256, value: U256) {
        self.changed.entry(at).or_default().slots.insert(slot, value);
    }

    fn change(&mut self, of: Address, change: impl FnOnce(&mut AccountInfo)) -> Result<(), SourceError> {
        let mut info = self.basic(of)?.unwrap_or_default();
        change(&mut info);
        self.changed.entry(of).or_default().info = Some(Some(info));
        Ok(())
    }

    /// Gives an account a balance in wei.
    ///
    /// # Errors
    /// Where the account has to be read and the source has no answer.
    pub fn set_balance(&mut self, of: Address, wei: U256) -> Result<(), SourceError> {
        self.change(of, |info| info.balance = wei)
    }

    /// Gives an account a nonce.
    ///
    /// # Errors
    /// As [`Overlay::set_balance`].
    pub fn set_nonce(&mut self, of: Address, nonce: u64) -> Result<(), SourceError> {
        self.change(of, |info| info.nonce = nonce)
    }

    /// Puts runtime code somewhere.
    ///
    /// # Errors
    /// As [`Overlay::set_balance`].
    pub fn set_code(&mut self, at: Address, code: Bytes) -> Result<(), SourceError> {
        self.change(at, |info| {
            info.set_code(Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code)));
        })
    }
}

impl Database for Overlay {
    type Error = SourceError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, SourceError> {
        match self.changed.get(&address).and_then(|changed| changed.info.as_ref()) {
            Some(info) => Ok(info.clone()),
            None => self.view.basic_ref(address),
        }
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, SourceError> {
        self.view.code_by_hash_ref(code_hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, SourceError> {
        if let Some(changed) = self.changed.get(&address) {
            if let Some(&value) = changed.slots.get(&slot) {
                return Ok(value);
            }
            if changed.cleared {
                return Ok(U256::ZERO);
            }
        }
        self.view.storage_ref(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, SourceError> {
        self.view.block_hash_ref(number)
    }
}

/// Pools are read from the head's state, or from the one after a pending transaction that was kept.
impl StorageSource for Overlay {
    type Error = SourceError;

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, SourceError> {
        Database::storage(self, address, slot)
    }
}

impl DatabaseCommit for Overlay {
    fn commit(&mut self, changes: AddressMap<Account>) {
        for (address, account) in changes {
            if !account.is_touched() {
                continue;
            }
            let changed = self.changed.entry(address).or_default();
            if account.is_selfdestructed() || account.is_created() {
                changed.cleared = true;
                changed.slots.clear();
            }
            if account.is_selfdestructed() {
                changed.info = Some(None);
                continue;
            }
            for (slot, value) in account.changed_storage_slots() {
                changed.slots.insert(*slot, value.present_value);
            }
            changed.info = Some((!account.info.is_empty()).then_some(account.info));
        }
    }
}
