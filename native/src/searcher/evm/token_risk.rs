//! What a transfer depends on beside balances: flags of accounts, switches for all, code that can be replaced.
use alloy_primitives::{Address, U256};

use super::probe::Probe;
use super::simulate::{SimError, Simulator};
use super::token_balance::{BalanceSlot, find};
use super::tokens::{TransferKind, balance_of, moved};
use crate::searcher::abi;

/// What was seen in a transfer between two accounts that nobody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Risk {
    /// It reads a word kept for the sender that is not its balance.
    pub reads_sender_flag: bool,
    /// It reads a word kept for the taker that is not its balance.
    pub reads_taker_flag: bool,
    /// With such a word changed, or a bit of a balance that is no part of it, the transfer fails: an account can be
    /// blocked.
    pub can_block: bool,
    /// With a bit changed of a word that all share, the transfer fails: all can be stopped.
    pub can_pause: bool,
    /// Its code is another contract's whose address is in its storage: it can become another token.
    pub can_upgrade: bool,
}

/// Whether a balance changes without a transfer: a month later, or where a word that all accounts share is another.
///
/// # Errors
/// Where the state could not be had.
pub(super) fn drifts(sim: &mut Simulator, token: Address, of: Address, kept: BalanceSlot) -> Result<bool, SimError> {
    let now = balance_of(sim, token, of)?;
    let block = sim.block().clone();
    let mut later = block.clone();
    later.timestamp += U256::from(30 * 86_400);
    later.number += U256::from(30 * 7_200);
    sim.set_block(later);
    let then = balance_of(sim, token, of)?;
    sim.set_block(block);
    if now != then {
        return Ok(true);
    }
    let (_, seen) = sim.watch(of, token, abi::call("balanceOf(address)", &[abi::address_word(of)]))?;
    for (contract, slot) in shared(&seen, &[of], &[kept]) {
        let was = revm::Database::storage(sim.overlay(), contract, slot)?;
        if holds_code(&seen, was) {
            continue;
        }
        let other = if was.is_zero() { U256::ONE } else { was.wrapping_mul(U256::from(2)) };
        sim.overlay().set_storage(contract, slot, other);
        let balance = balance_of(sim, token, of)?;
        sim.overlay().set_storage(contract, slot, was);
        if balance.is_some() && balance != now {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The words read that belong to none of these accounts, each once.
fn shared(seen: &Probe, accounts: &[Address], balances: &[BalanceSlot]) -> Vec<(Address, U256)> {
    let mut all: Vec<_> = seen
        .reads
        .iter()
        .copied()
        .filter(|(_, slot)| !accounts.iter().any(|account| seen.is_keyed_by(*slot, *account)))
        .filter(|(contract, slot)| !balances.iter().any(|b| b.contract == *contract && b.slot == *slot))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a word holds the address of code that was called: another word there means no call, and proves nothing.
fn holds_code(seen: &Probe, word: U256) -> bool {
    let bytes = word.to_be_bytes::<32>();
    seen.called.iter().any(|(code, _)| bytes.windows(20).any(|part| part == code.as_slice()))
}

/// See [`Risk`]. The first of `between` must hold `amount`; `kept` is where its balance is.
///
/// # Errors
/// Where the state could not be had.
pub(super) fn of_transfer(
    sim: &mut Simulator,
    token: Address,
    between: [Address; 2],
    amount: U256,
    kept: BalanceSlot,
) -> Result<Risk, SimError> {
    let [from, to] = between;
    let data = abi::call("transfer(address,uint256)", &[abi::address_word(to), amount]);
    let (_, seen) = sim.watch(from, token, data)?;
    let mut balances = vec![kept];
    balances.extend(find(sim, token, to)?);
    let mut risk = Risk::default();
    let mut flags: Vec<(Address, U256)> = Vec::new();
    for &(contract, slot) in &seen.reads {
        let is_balance = balances.iter().any(|b| b.contract == contract && b.slot == slot);
        let (of_sender, of_taker) = (seen.is_keyed_by(slot, from), seen.is_keyed_by(slot, to));
        if is_balance || flags.contains(&(contract, slot)) || !(of_sender || of_taker) {
            continue;
        }
        risk.reads_sender_flag |= of_sender;
        risk.reads_taker_flag |= of_taker;
        flags.push((contract, slot));
    }
    let mut tried = Tried { sim, token, between, amount };
    for &(contract, slot) in &flags {
        // Set where it is clear, cleared where it is set, and every bit where several flags are packed.
        for other in [U256::ZERO, U256::ONE, U256::MAX] {
            risk.can_block |= tried.fails(contract, slot, &|_| other)?;
        }
    }
    for balance in balances.iter().filter(|balance| !balance.is_scaled) {
        // A balance in the low bits of its word and a flag in the highest, as USDC keeps them.
        risk.can_block |= tried.fails(balance.contract, balance.slot, &|was| was | U256::ONE << 255)?;
    }
    for (contract, slot) in shared(&seen, &between, &balances) {
        let was = revm::Database::storage(tried.sim.overlay(), contract, slot)?;
        if holds_code(&seen, was) {
            let here = |code: &Address| was.to_be_bytes::<32>().windows(20).any(|part| part == code.as_slice());
            risk.can_upgrade |= seen.called.iter().any(|(code, delegated)| *delegated && here(code));
            continue;
        }
        for byte in 0..32 {
            risk.can_pause = risk.can_pause || tried.fails(contract, slot, &|was| was ^ (U256::ONE << (8 * byte)))?;
        }
    }
    Ok(risk)
}

struct Tried<'s> {
    sim: &'s mut Simulator,
    token: Address,
    between: [Address; 2],
    amount: U256,
}

impl Tried<'_> {
    /// Whether the transfer fails with one word changed.
    fn fails(&mut self, contract: Address, slot: U256, change: &dyn Fn(U256) -> U256) -> Result<bool, SimError> {
        let [from, to] = self.between;
        let was = revm::Database::storage(self.sim.overlay(), contract, slot)?;
        self.sim.overlay().set_storage(contract, slot, change(was));
        let done = moved(self.sim, self.token, TransferKind::Plain, [from, to, from], self.amount);
        self.sim.overlay().set_storage(contract, slot, was);
        Ok(!done?.is_done())
    }
}
