//! Executes transactions on the state of the head: result, logs, payment to the builder, and the state difference.
use std::fmt;
use std::sync::Arc;

use alloy_primitives::{Address, Bytes, I256, Log, TxKind, U256};
use revm::context::result::{EVMError, ExecutionResult, InvalidTransaction, Output};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::database_interface::DatabaseCommit;
use revm::state::EvmState;
use revm::{Context, ExecuteEvm, InspectEvm, MainBuilder, MainContext, MainnetEvm};

use super::block::Rules;
use super::cache::Cache;
use super::diff::{self, StateDiff};
use super::overlay::Overlay;
use super::probe::Probe;
use super::source::{SourceError, Want};

type Inner = MainnetEvm<Context<BlockEnv, TxEnv, CfgEnv, Overlay>, Probe>;

/// Gas of a call that only reads.
const CALL_GAS: u64 = 30_000_000;

/// What a transaction did.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    /// Whether it ended without a revert.
    pub success: bool,
    /// What it returned, or the bytes of its revert.
    pub output: Bytes,
    /// Why the EVM stopped it, where that was no revert of a contract (out of gas, an invalid instruction).
    pub halt: Option<String>,
    /// Gas it used, refunds taken off: what the receipt says.
    pub gas_used: u64,
    /// The logs it left; none of a revert.
    pub logs: Vec<Log>,
    /// The address of the contract it created.
    pub created: Option<Address>,
    /// What the block's coinbase has more than before, in wei: tips and direct payments.
    pub coinbase_wei: I256,
    /// What it changed.
    pub diff: StateDiff,
    /// The accounts and slots it looked at: what the next one of its kind is likely to need.
    pub footprint: Vec<Want>,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq)]
pub enum SimError {
    /// The state could not be had; see [`SourceError`] for whether to try again.
    Source(SourceError),
    /// No block after this head can contain the transaction as things are (nonce, funds, base fee, gas).
    Invalid(InvalidTransaction),
    /// The EVM refused for a reason that no transaction should give.
    Bug(String),
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SimError::Source(why) => write!(f, "{why}"),
            SimError::Invalid(why) => write!(f, "the transaction is not valid in the next block: {why}"),
            SimError::Bug(why) => write!(f, "the EVM failed: {why}"),
        }
    }
}

impl std::error::Error for SimError {}

impl From<SourceError> for SimError {
    fn from(error: SourceError) -> SimError {
        SimError::Source(error)
    }
}

fn failed(error: EVMError<SourceError>) -> SimError {
    match error {
        EVMError::Database(why) => SimError::Source(why),
        EVMError::Transaction(why) => SimError::Invalid(why),
        other => SimError::Bug(other.to_string()),
    }
}

/// An EVM on the head's state, with what its own transactions changed above it. One a thread; made once and reset for
/// each head.
pub struct Simulator {
    evm: Inner,
    cache: Arc<Cache>,
}

impl Simulator {
    /// On the cache's head as it is now, in `block` (see `Head::next`) under `rules`.
    #[must_use]
    pub fn new(cache: &Arc<Cache>, rules: &Rules, block: BlockEnv) -> Simulator {
        let evm = Context::mainnet()
            .with_db(Overlay::new(cache.view()))
            .with_cfg(rules.cfg())
            .with_block(block)
            .build_mainnet_with_inspector(Probe::default());
        Simulator { evm, cache: Arc::clone(cache) }
    }

    /// Forgets what was kept and goes on with the cache's head as it is now, in another block of the same rules.
    pub fn advance(&mut self, block: BlockEnv) {
        self.evm.set_block(block);
        let view = self.cache.view();
        self.overlay().reset(view);
    }

    /// Forgets what was kept; the head stays.
    pub fn clear(&mut self) {
        self.overlay().clear();
    }

    /// Executes in another block on the same state: another time, another coinbase.
    pub fn set_block(&mut self, block: BlockEnv) {
        self.evm.set_block(block);
    }

    /// The block it executes in.
    #[must_use]
    pub fn block(&self) -> &BlockEnv {
        &self.evm.ctx.block
    }

    /// What is above the head's state, to change it by hand.
    pub fn overlay(&mut self) -> &mut Overlay {
        &mut self.evm.ctx.journaled_state.database
    }

    /// Executes and forgets.
    ///
    /// # Errors
    /// See [`SimError`]; a revert is a result, not an error.
    pub fn run(&mut self, tx: TxEnv) -> Result<Simulated, SimError> {
        let done = self.evm.transact(tx).map_err(failed)?;
        Ok(self.simulated(done.result, &done.state))
    }

    /// Executes and keeps what changed for the transactions after it.
    ///
    /// # Errors
    /// As [`Simulator::run`]; then nothing is kept.
    pub fn run_and_keep(&mut self, tx: TxEnv) -> Result<Simulated, SimError> {
        let done = self.evm.transact(tx).map_err(failed)?;
        let simulated = self.simulated(done.result, &done.state);
        self.overlay().commit(done.state);
        Ok(simulated)
    }

    fn simulated(&self, result: ExecutionResult, state: &EvmState) -> Simulated {
        let gas_used = result.tx_gas_used();
        let diff = diff::of_state(state);
        let coinbase = diff.get(&self.evm.ctx.block.beneficiary).and_then(|account| account.balance);
        let coinbase_wei = coinbase.map_or(I256::ZERO, |(before, after)| difference(before, after));
        let (success, output, halt, logs, created) = match result {
            ExecutionResult::Success { logs, output, .. } => {
                let created = if let Output::Create(_, at) = &output { *at } else { None };
                (true, output.into_data(), None, logs, created)
            }
            ExecutionResult::Revert { output, .. } => (false, output, None, Vec::new(), None),
            ExecutionResult::Halt { reason, .. } => {
                (false, Bytes::new(), Some(format!("{reason:?}")), Vec::new(), None)
            }
        };
        let footprint = diff::footprint(state);
        Simulated { success, output, halt, gas_used, logs, created, coinbase_wei, diff, footprint }
    }

    /// Executes a call that pays nothing and checks no nonce, funds, gas price or code of the caller, as `eth_call`
    /// does.
    ///
    /// # Errors
    /// As [`Simulator::run`].
    pub fn call(&mut self, from: Address, to: Address, data: Bytes) -> Result<Simulated, SimError> {
        let done = self.unchecked(|evm| evm.transact(reading(from, to, data))).map_err(failed)?;
        Ok(self.simulated(done.result, &done.state))
    }

    /// As [`Simulator::call`], and keeps what changed.
    ///
    /// # Errors
    /// As [`Simulator::run`]; then nothing is kept.
    pub fn call_and_keep(&mut self, from: Address, to: Address, data: Bytes) -> Result<Simulated, SimError> {
        let done = self.unchecked(|evm| evm.transact(reading(from, to, data))).map_err(failed)?;
        let simulated = self.simulated(done.result, &done.state);
        self.overlay().commit(done.state);
        Ok(simulated)
    }

    /// As [`Simulator::call`], watched: with the storage words that were read and the hashes they came from.
    pub(super) fn watch(&mut self, from: Address, to: Address, data: Bytes) -> Result<(Simulated, Probe), SimError> {
        let tx = reading(from, to, data);
        let done = self.unchecked(|evm| evm.inspect(tx, Probe::default())).map_err(failed)?;
        let probe = std::mem::take(&mut self.evm.inspector);
        Ok((self.simulated(done.result, &done.state), probe))
    }

    fn unchecked<T>(&mut self, run: impl FnOnce(&mut Inner) -> T) -> T {
        let kept = self.evm.ctx.cfg.clone();
        let cfg = &mut self.evm.ctx.cfg;
        cfg.disable_nonce_check = true;
        cfg.disable_balance_check = true;
        cfg.disable_base_fee = true;
        cfg.disable_eip3607 = true;
        cfg.disable_block_gas_limit = true;
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        let result = run(&mut self.evm);
        self.evm.ctx.cfg = kept;
        result
    }
}

fn reading(from: Address, to: Address, data: Bytes) -> TxEnv {
    TxEnv { caller: from, kind: TxKind::Call(to), data, gas_limit: CALL_GAS, chain_id: None, ..TxEnv::default() }
}

/// `after - before`.
#[must_use]
pub fn difference(before: U256, after: U256) -> I256 {
    I256::from_raw(after.wrapping_sub(before)) // two's complement
}
