//! A whole bundle, executed before it may be proposed.
use std::fmt;

use alloy_primitives::{Address, I256, U256};
use revm::context::TxEnv;
use revm::context::result::InvalidTransaction;

use super::diff::{self, StateDiff};
use super::simulate::{SimError, Simulated, Simulator, difference};
use super::tx::{TxError, decode};
use crate::searcher::abi;

/// One transaction of a bundle.
#[derive(Clone, Debug)]
pub struct BundleTx {
    /// What is executed.
    pub env: TxEnv,
    /// Whether the bundle is good where this one reverts.
    pub may_revert: bool,
}

impl BundleTx {
    /// One from the mempool, in raw bytes.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn raw(bytes: &[u8], may_revert: bool) -> Result<BundleTx, TxError> {
        Ok(BundleTx { env: decode(bytes)?.env, may_revert })
    }

    /// One of ours, not signed yet. Nonce, funds and fees are checked as if it were.
    #[must_use]
    pub fn unsigned(env: TxEnv) -> BundleTx {
        BundleTx { env, may_revert: false }
    }
}

/// What is compared before and after: how much of a token an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Whose.
    pub owner: Address,
    /// Which ERC-20 token; none is ether.
    pub token: Option<Address>,
}

/// Why a bundle is not good.
#[derive(Clone, Debug, PartialEq)]
pub enum BundleFailure {
    /// A transaction reverted that may not.
    Reverted {
        /// Its place in the bundle.
        index: usize,
        /// The contract's words, or what the EVM stopped it for.
        reason: String,
    },
    /// No block can contain it at its place.
    Invalid {
        /// Its place in the bundle.
        index: usize,
        /// Nonce, funds, fees or gas.
        why: InvalidTransaction,
    },
}

impl fmt::Display for BundleFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BundleFailure::Reverted { index, reason } => write!(f, "transaction {index} reverts: {reason}"),
            BundleFailure::Invalid { index, why } => write!(f, "transaction {index} is not valid: {why}"),
        }
    }
}

/// What a bundle did.
#[derive(Clone, Debug, PartialEq)]
pub struct BundleRun {
    /// Of each transaction in order, to the one that failed.
    pub results: Vec<Simulated>,
    /// Why it is not good; none where it is.
    pub failure: Option<BundleFailure>,
    /// Gas of all.
    pub gas_used: u64,
    /// What the coinbase has more than before, in wei.
    pub coinbase_wei: I256,
    /// What each holding has more than before, in the token's smallest unit; zeros where the bundle is not good.
    pub deltas: Vec<I256>,
    /// What all changed together.
    pub diff: StateDiff,
}

/// Executes the transactions in order, each on what the ones before left, and forgets what they changed. What `sim`
/// keeps from before is below them and stays.
///
/// # Errors
/// Where the state could not be had, or a token gives no balance. A bundle that fails is a result.
pub fn run_bundle(sim: &mut Simulator, txs: &[BundleTx], holdings: &[Holding]) -> Result<BundleRun, SimError> {
    let saved = sim.overlay().save();
    let run = run(sim, txs, holdings);
    sim.overlay().restore(saved);
    run
}

fn run(sim: &mut Simulator, txs: &[BundleTx], holdings: &[Holding]) -> Result<BundleRun, SimError> {
    let before = balances(sim, holdings)?;
    let mut all = BundleRun {
        results: Vec::with_capacity(txs.len()),
        failure: None,
        gas_used: 0,
        coinbase_wei: I256::ZERO,
        deltas: vec![I256::ZERO; holdings.len()],
        diff: StateDiff::default(),
    };
    for (index, tx) in txs.iter().enumerate() {
        let done = match sim.run_and_keep(tx.env.clone()) {
            Ok(done) => done,
            Err(SimError::Invalid(why)) => {
                all.failure = Some(BundleFailure::Invalid { index, why });
                return Ok(all);
            }
            Err(other) => return Err(other),
        };
        all.gas_used += done.gas_used;
        all.coinbase_wei += done.coinbase_wei;
        diff::chain(&mut all.diff, &done.diff);
        if !done.success && !tx.may_revert {
            all.failure = Some(BundleFailure::Reverted { index, reason: reason(&done) });
            all.results.push(done);
            return Ok(all);
        }
        all.results.push(done);
    }
    let after = balances(sim, holdings)?;
    all.deltas = before.into_iter().zip(after).map(|(before, after)| difference(before, after)).collect();
    Ok(all)
}

fn balances(sim: &mut Simulator, holdings: &[Holding]) -> Result<Vec<U256>, SimError> {
    holdings.iter().map(|holding| balance(sim, *holding)).collect()
}

/// How much of a token an account has now, by the token's own `balanceOf`.
///
/// # Errors
/// Where the state could not be had; [`SimError::Bug`] where the token gives no balance.
pub fn balance(sim: &mut Simulator, holding: Holding) -> Result<U256, SimError> {
    let Holding { owner, token } = holding;
    let Some(token) = token else {
        let info = revm::Database::basic(sim.overlay(), owner)?;
        return Ok(info.map_or(U256::ZERO, |info| info.balance));
    };
    let data = abi::call("balanceOf(address)", &[abi::address_word(owner)]);
    let done = sim.call(owner, token, data)?;
    let balance = abi::word(&done.output, 0).filter(|_| done.success);
    balance.ok_or_else(|| SimError::Bug(format!("{token} gives no balance of {owner}")))
}

/// Why a transaction reverted, in words: Solidity's `Error(string)` and `Panic(uint256)`, else the bytes.
#[must_use]
pub fn reason(done: &Simulated) -> String {
    if let Some(halt) = &done.halt {
        return halt.clone();
    }
    let Some((selector, data)) = done.output.split_first_chunk::<4>() else { return "no reason given".to_owned() };
    if *selector == abi::selector("Error(string)")
        && let Some(len) = abi::word(data, 1).and_then(|len| usize::try_from(len).ok())
        && let Some(text) = data.get(64..).and_then(|rest| rest.get(..len))
    {
        return String::from_utf8_lossy(text).into_owned();
    }
    if *selector == abi::selector("Panic(uint256)")
        && let Some(code) = abi::word(data, 0)
    {
        return format!("panic {code:#x}");
    }
    done.output.to_string()
}
