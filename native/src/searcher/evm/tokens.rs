//! What a token is, found by executing it on the head's state: no list of names is asked.
use alloy_primitives::{Address, U256};

use super::simulate::{SimError, Simulator};
use super::token_balance::{BalanceSlot, find};
use super::token_risk::{self, Risk};
use crate::searcher::abi;

/// What a transfer returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// A word that is 1, as ERC-20 says.
    True,
    /// No byte, as USDT's.
    Nothing,
    /// A word that is not 1, though it succeeded: 0 says that it failed.
    Other,
}

/// How an amount was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferKind {
    /// From one account of a person to another.
    Plain,
    /// The same by a third who is allowed to: `transferFrom`.
    ByAllowance,
    /// To a pool: the token is sold.
    Sell(Address),
    /// From a pool: the token is bought.
    Buy(Address),
}

/// A transfer that was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// How.
    pub kind: TransferKind,
    /// The amount that was asked for.
    pub amount: U256,
    /// What it returned; none where it reverted.
    pub returns: Option<Returns>,
    /// What the giver has less than before.
    pub given: U256,
    /// What the taker has more than before.
    pub received: U256,
}

impl Transfer {
    /// Whether exactly the amount left the one and came to the other.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.is_done() && self.given == self.amount && self.received == self.amount
    }

    /// Whether it ended without a revert and without saying that it failed.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.returns, Some(Returns::True | Returns::Nothing))
    }

    /// What was lost on the way, of the amount, in basis points rounded up.
    #[must_use]
    pub fn fee_bps(&self) -> u16 {
        let lost = self.given.max(self.amount).saturating_sub(self.received);
        let bps = (lost * U256::from(10_000)).div_ceil(self.amount.max(U256::ONE));
        u16::try_from(bps).unwrap_or(u16::MAX)
    }
}

/// Why a token cannot be in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untradable {
    /// It is no contract, or gives no balance.
    NoToken,
    /// Where it keeps balances was not found, so nothing more could be.
    BalanceNotFound,
    /// A transfer reverts, or says that it failed.
    TransferFails(TransferKind),
    /// What comes is not what was sent.
    TakesFee(TransferKind, u16),
    /// Balances change without a transfer: with time, or with a number that all share.
    Rebases,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// As it says; none where it does not.
    pub decimals: Option<u8>,
    /// Whether `balanceOf` gives a word.
    pub is_token: bool,
    /// Where the balance of the account that was tried is kept; none where it was not found.
    pub balance_slot: Option<BalanceSlot>,
    /// Every transfer that was tried.
    pub transfers: Vec<Transfer>,
    /// Whether a balance is another number than the stored one, or changes with time or with a number that all share.
    pub rebases: bool,
    /// Whether a transfer of nothing reverts.
    pub reverts_on_zero: bool,
    /// What a transfer depends on beside balances.
    pub risk: Risk,
}

impl TokenFacts {
    /// The most that any transfer lost, in basis points rounded up.
    #[must_use]
    pub fn transfer_fee_bps(&self) -> u16 {
        self.transfers.iter().filter(|t| t.is_done()).map(Transfer::fee_bps).max().unwrap_or(0)
    }

    /// Whether somebody can stop one account's transfers: shown by setting the flag and seeing the transfer fail.
    #[must_use]
    pub fn can_block(&self) -> bool {
        self.risk.can_block
    }

    /// Why it cannot be in a cycle; none where it can. That it can be paused, upgraded or can block an account is a
    /// risk that most stable coins have, and is no reason here: the caller decides on [`TokenFacts::risk`].
    #[must_use]
    pub fn refusal(&self) -> Option<Untradable> {
        if !self.is_token {
            return Some(Untradable::NoToken);
        }
        if self.balance_slot.is_none() {
            return Some(Untradable::BalanceNotFound);
        }
        if let Some(failed) = self.transfers.iter().find(|t| !t.is_done()) {
            return Some(Untradable::TransferFails(failed.kind));
        }
        if self.rebases {
            return Some(Untradable::Rebases);
        }
        let lossy = self.transfers.iter().find(|t| !t.is_exact());
        lossy.map(|t| Untradable::TakesFee(t.kind, t.fee_bps()))
    }

    /// Whether it can be in a cycle.
    #[must_use]
    pub fn tradable(&self) -> bool {
        self.refusal().is_none()
    }
}

/// Addresses that nobody has: from the hash of their name and the token's address.
pub(super) fn nobody(token: Address, name: &str) -> Address {
    let mut seed = token.to_vec();
    seed.extend_from_slice(name.as_bytes());
    Address::from_word(alloy_primitives::keccak256(seed))
}

/// A balance now; none where the token gives no word.
pub(super) fn balance_of(sim: &mut Simulator, token: Address, of: Address) -> Result<Option<U256>, SimError> {
    let done = sim.call(of, token, abi::call("balanceOf(address)", &[abi::address_word(of)]))?;
    Ok(abi::word(&done.output, 0).filter(|_| done.success))
}

/// Finds out about a token by executing it on the head's state, with balances that are written into its storage.
/// `pools`: pools that hold it, for fees that are taken of sales and purchases alone. What `sim` kept stays as it was.
///
/// # Errors
/// Where the state could not be had. A token that does what it should not is a result.
pub fn study(sim: &mut Simulator, token: Address, pools: &[Address]) -> Result<TokenFacts, SimError> {
    let saved = sim.overlay().save();
    let block = sim.block().clone();
    let facts = all(sim, token, pools);
    sim.set_block(block);
    sim.overlay().restore(saved);
    facts
}

fn all(sim: &mut Simulator, token: Address, pools: &[Address]) -> Result<TokenFacts, SimError> {
    let [holder, taker, third] = ["holder", "taker", "third"].map(|name| nobody(token, name));
    let done = sim.call(holder, token, abi::call("decimals()", &[]))?;
    let decimals = abi::word(&done.output, 0).filter(|_| done.success).and_then(|word| u8::try_from(word).ok());
    let is_token = balance_of(sim, token, holder)?.is_some();
    let slot = if is_token { find(sim, token, holder)? } else { None };
    let mut facts = TokenFacts {
        decimals,
        is_token,
        balance_slot: slot,
        transfers: Vec::new(),
        rebases: false,
        reverts_on_zero: false,
        risk: Risk::default(),
    };
    let Some(slot) = slot else { return Ok(facts) };

    let done = sim.call(holder, token, abi::call("totalSupply()", &[]))?;
    let supply = abi::word(&done.output, 0).unwrap_or_default();
    // Small beside the supply, as limits on one transfer are parts of it; large enough that a basis point is many
    // units.
    let amount = (supply / U256::from(1_000_000)).clamp(U256::from(1_000_003), U256::ONE << 90);
    sim.overlay().set_storage(slot.contract, slot.slot, amount * U256::from(4));
    facts.rebases = slot.is_scaled || token_risk::drifts(sim, token, holder, slot)?;

    let plain = moved(sim, token, TransferKind::Plain, [holder, taker, holder], amount)?;
    let allowed = moved(sim, token, TransferKind::ByAllowance, [holder, taker, third], amount)?;
    facts.transfers.extend([plain, allowed]);
    for &pool in pools {
        let sold = moved(sim, token, TransferKind::Sell(pool), [holder, pool, holder], amount)?;
        facts.transfers.push(sold);
        if balance_of(sim, token, pool)?.unwrap_or_default() < amount
            && let Some(slot) = find(sim, token, pool)?
        {
            sim.overlay().set_storage(slot.contract, slot.slot, amount * U256::from(4));
        }
        let bought = moved(sim, token, TransferKind::Buy(pool), [pool, taker, pool], amount)?;
        facts.transfers.push(bought);
    }
    let nothing = moved(sim, token, TransferKind::Plain, [holder, taker, holder], U256::ZERO)?;
    facts.reverts_on_zero = !nothing.is_done();
    if plain.is_done() {
        facts.risk = token_risk::of_transfer(sim, token, [holder, taker], amount, slot)?;
    }
    Ok(facts)
}

/// Moves an amount from the first to the second by the hand of the third, and forgets it.
pub(super) fn moved(
    sim: &mut Simulator,
    token: Address,
    kind: TransferKind,
    [from, to, by]: [Address; 3],
    amount: U256,
) -> Result<Transfer, SimError> {
    let saved = sim.overlay().save();
    let result = tried(sim, token, kind, [from, to, by], amount);
    sim.overlay().restore(saved);
    result
}

fn tried(
    sim: &mut Simulator,
    token: Address,
    kind: TransferKind,
    [from, to, by]: [Address; 3],
    amount: U256,
) -> Result<Transfer, SimError> {
    let word = abi::address_word;
    let data = if by == from {
        abi::call("transfer(address,uint256)", &[word(to), amount])
    } else {
        let approve = abi::call("approve(address,uint256)", &[word(by), amount]);
        sim.call_and_keep(from, token, approve)?;
        abi::call("transferFrom(address,address,uint256)", &[word(from), word(to), amount])
    };
    let before = [balance_of(sim, token, from)?, balance_of(sim, token, to)?].map(Option::unwrap_or_default);
    let done = sim.call_and_keep(by, token, data)?;
    let after = [balance_of(sim, token, from)?, balance_of(sim, token, to)?].map(Option::unwrap_or_default);
    let returns = done.success.then(|| match abi::word(&done.output, 0) {
        None if done.output.is_empty() => Returns::Nothing,
        Some(word) if word == U256::ONE => Returns::True,
        _ => Returns::Other,
    });
    let (given, received) = (before[0].saturating_sub(after[0]), after[1].saturating_sub(before[1]));
    Ok(Transfer { kind, amount, returns, given, received })
}
