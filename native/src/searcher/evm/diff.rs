//! What a transaction changes: the state difference from which touched pools are read where logs do not tell.
use alloy_primitives::{Address, U256};
use revm::state::{AccountInfo, EvmState};
use rustc_hash::FxHashMap;

use super::source::Want;

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

fn pair<T: PartialEq>(before: T, after: T) -> Option<(T, T)> {
    (before != after).then_some((before, after))
}

/// What one transaction changed, from the state the EVM leaves of it.
pub(super) fn of_state(state: &EvmState) -> StateDiff {
    let mut all = StateDiff::default();
    for (&address, account) in state.iter().filter(|(_, account)| account.is_touched()) {
        let before = account.original_info();
        let gone = account.is_selfdestructed();
        let after = if gone { AccountInfo::default() } else { account.info.clone() };
        let storage = account.storage.iter().filter_map(|(&slot, word)| {
            let after = if gone { U256::ZERO } else { word.present_value };
            pair(word.original_value, after).map(|both| (slot, both))
        });
        let change = AccountDiff {
            balance: pair(before.balance, after.balance),
            nonce: pair(before.nonce, after.nonce),
            code_changed: before.code_hash != after.code_hash,
            storage: storage.collect(),
        };
        if !change.is_empty() {
            all.insert(address, change);
        }
    }
    all
}

/// The accounts and slots one transaction looked at.
pub(super) fn footprint(state: &EvmState) -> Vec<Want> {
    let mut all = Vec::with_capacity(state.len() * 4);
    for (&address, account) in state {
        all.push(Want::Account(address));
        all.extend(account.storage.keys().map(|&slot| Want::Slot(address, slot)));
    }
    all.sort_unstable(); // the EVM's map has no order of its own, and a result is the same each time
    all
}

fn chained<T: PartialEq + Copy>(first: &mut Option<(T, T)>, next: Option<(T, T)>) {
    if let Some((before, after)) = next {
        *first = pair(first.map_or(before, |(begin, _)| begin), after);
    }
}

/// What one change and the next after it are together: a value that ends as it began is not in it.
pub fn chain(first: &mut StateDiff, next: &StateDiff) {
    for (address, next) in next {
        let all = first.entry(*address).or_default();
        chained(&mut all.balance, next.balance);
        chained(&mut all.nonce, next.nonce);
        all.code_changed |= next.code_changed;
        for (&slot, &(before, after)) in &next.storage {
            let begin = all.storage.get(&slot).map_or(before, |&(begin, _)| begin);
            if begin == after {
                all.storage.remove(&slot);
            } else {
                all.storage.insert(slot, (begin, after));
            }
        }
        if all.is_empty() {
            first.remove(address);
        }
    }
}
