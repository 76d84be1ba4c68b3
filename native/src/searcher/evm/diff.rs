//! What a transaction changes: the state difference from which touched pools are read where logs do not tell.
use alloy_primitives::{Address, U256};
use rustc_hash::FxHashMap;

/// What changed of one account: each value before and after, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountDiff {
    /// Its balance in wei; none where it stayed.
    pub balance: Option<(U256, U256)>,
    /// Its nonce; none where it stayed.
    pub nonce: Option<(u64, u64)>,
    /// Whether its code is another one: created, destroyed, or delegated (EIP-7702).
    pub code_changed: bool,
    /// Words of its storage by slot. Of a destroyed account only the slots that were looked at are here.
    pub storage: FxHashMap<U256, (U256, U256)>,
}

impl AccountDiff {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.balance.is_none() && self.nonce.is_none() && !self.code_changed && self.storage.is_empty()
    }
}

/// The accounts that changed, by address. An account whose every value ends as it began is not in it.
pub type StateDiff = FxHashMap<Address, AccountDiff>;
