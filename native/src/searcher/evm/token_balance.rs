//! Where a token keeps an account's balance: found by what `balanceOf` reads and by writing there.
use alloy_primitives::{Address, U256};

use super::simulate::{SimError, Simulator};
use super::tokens::balance_of;
use crate::searcher::abi;

/// A word that is unlikely to be a balance, a flag or a price by chance.
const MARK: U256 = U256::from_limbs([0x1357_9bdf_0246_8ace, 0, 0, 0]);

/// The word of storage that makes an account's balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceSlot {
    /// Whose storage: the token's, or that of a contract that keeps its books.
    pub contract: Address,
    /// Which word.
    pub slot: U256,
    /// Whether the balance is computed from the word and is not the word: shares of a pot.
    pub is_scaled: bool,
}

/// Finds it; none where no word that `balanceOf` reads makes the balance. The overlay stays as it was.
///
/// # Errors
/// Where the state could not be had.
pub(super) fn find(sim: &mut Simulator, token: Address, of: Address) -> Result<Option<BalanceSlot>, SimError> {
    let saved = sim.overlay().save();
    let found = search(sim, token, of);
    sim.overlay().restore(saved);
    found
}

fn search(sim: &mut Simulator, token: Address, of: Address) -> Result<Option<BalanceSlot>, SimError> {
    let (done, seen) = sim.watch(of, token, abi::call("balanceOf(address)", &[abi::address_word(of)]))?;
    let Some(now) = abi::word(&done.output, 0).filter(|_| done.success) else { return Ok(None) };
    let mut scaled = None;
    let mut tried = Vec::new();
    for &(contract, slot) in &seen.reads {
        if tried.contains(&(contract, slot)) {
            continue;
        }
        tried.push((contract, slot));
        let was = revm::Database::storage(sim.overlay(), contract, slot)?;
        sim.overlay().set_storage(contract, slot, MARK);
        let balance = balance_of(sim, token, of)?;
        sim.overlay().set_storage(contract, slot, was);
        if balance == Some(MARK) {
            return Ok(Some(BalanceSlot { contract, slot, is_scaled: false }));
        }
        if balance.is_some_and(|balance| balance != now) && seen.is_keyed_by(slot, of) {
            scaled.get_or_insert(BalanceSlot { contract, slot, is_scaled: true });
        }
    }
    Ok(scaled)
}
