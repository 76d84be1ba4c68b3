//! An EVM with nothing in it but what it is given: for token facts, and for real bytecode beside our arithmetic.
use alloy_primitives::{Address, Bytes, Log, TxKind, U256};
use revm::context::result::{ExecutionResult, Output};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::database::InMemoryDB;
use revm::primitives::hardfork::SpecId;
use revm::state::{AccountInfo, Bytecode};

use super::recorded::{Missing, RecordedAccount, RecordedState};
use super::source::AccountState;
use revm::{Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext, MainnetEvm};

type Inner = MainnetEvm<Context<BlockEnv, TxEnv, CfgEnv, InMemoryDB>>;

/// What a call did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether it ended without a revert.
    pub success: bool,
    /// What it returned, or the bytes of its revert.
    pub output: Bytes,
    /// Gas it used, with the 21,000 of a transaction.
    pub gas_used: u64,
    /// The logs it left; none of a revert.
    pub logs: Vec<Log>,
    /// The address of the contract it created.
    pub created: Option<Address>,
}

/// A chain of one block whose state is in memory. Balances, base fee and nonces are not checked.
pub struct Sandbox {
    evm: Inner,
}

impl Clone for Sandbox {
    fn clone(&self) -> Sandbox {
        let mut copy = Sandbox::new();
        *copy.db() = self.evm.ctx.journaled_state.database.clone();
        copy.evm.set_block(self.evm.ctx.block.clone());
        copy
    }
}

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox::new()
    }
}

impl Sandbox {
    /// An empty chain.
    #[must_use]
    pub fn new() -> Sandbox {
        let evm = Context::mainnet()
            .with_db(InMemoryDB::default())
            .modify_cfg_chained(|c| {
                c.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
                c.disable_nonce_check = true;
                c.disable_balance_check = true;
                c.disable_base_fee = true;
                c.disable_eip3607 = true;
                c.disable_block_gas_limit = true;
                c.tx_gas_limit_cap = Some(u64::MAX);
                c.limit_contract_code_size = Some(usize::MAX);
                c.limit_contract_initcode_size = Some(usize::MAX);
            })
            .build_mainnet();
        Sandbox { evm }
    }

    /// Sets the block's number and time in seconds.
    pub fn set_block(&mut self, number: u64, timestamp_s: u64) {
        let mut block = self.evm.ctx.block.clone();
        block.number = U256::from(number);
        block.timestamp = U256::from(timestamp_s);
        self.evm.set_block(block);
    }

    fn tx(from: Address, kind: TxKind, data: Bytes, value: U256) -> TxEnv {
        TxEnv { caller: from, kind, data, value, gas_limit: 1 << 40, chain_id: None, ..TxEnv::default() }
    }

    fn outcome(result: ExecutionResult) -> Outcome {
        let gas_used = result.tx_gas_used();
        match result {
            ExecutionResult::Success { logs, output, .. } => {
                let created = if let Output::Create(_, at) = &output { *at } else { None };
                Outcome { success: true, output: output.into_data(), gas_used, logs, created }
            }
            ExecutionResult::Revert { output, .. } => {
                Outcome { success: false, output, gas_used, logs: Vec::new(), created: None }
            }
            ExecutionResult::Halt { reason, .. } => {
                let output = format!("{reason:?}").into_bytes().into();
                Outcome { success: false, output, gas_used, logs: Vec::new(), created: None }
            }
        }
    }

    /// Runs a call and keeps what it changed.
    ///
    /// # Panics
    /// Never with a state in memory and checks off: there is nothing left that could be invalid but the gas limit.
    pub fn transact(&mut self, from: Address, to: Address, data: Bytes, value: U256) -> Outcome {
        let tx = Self::tx(from, TxKind::Call(to), data, value);
        Self::outcome(self.evm.transact_commit(tx).expect("a state in memory, no checks"))
    }

    /// Runs a call and forgets what it changed.
    ///
    /// # Panics
    /// As [`Sandbox::transact`].
    pub fn call(&mut self, from: Address, to: Address, data: Bytes) -> Outcome {
        let tx = Self::tx(from, TxKind::Call(to), data, U256::ZERO);
        Self::outcome(self.evm.transact(tx).expect("a state in memory, no checks").result)
    }

    /// Runs creation code with its arguments behind it and keeps the contract.
    ///
    /// # Panics
    /// As [`Sandbox::transact`].
    pub fn deploy(&mut self, from: Address, code: Bytes) -> Outcome {
        let nonce = self.evm.ctx.journaled_state.database.cache.accounts.get(&from).map_or(0, |a| a.info.nonce);
        let tx = TxEnv { nonce, ..Self::tx(from, TxKind::Create, code, U256::ZERO) };
        Self::outcome(self.evm.transact_commit(tx).expect("a state in memory, no checks"))
    }

    fn db(&mut self) -> &mut InMemoryDB {
        &mut self.evm.ctx.journaled_state.database
    }

    /// Writes a word of a contract's storage.
    pub fn set_storage(&mut self, at: Address, slot: U256, value: U256) {
        match self.db().insert_account_storage(at, slot, value) {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// Reads a word of a contract's storage.
    #[must_use]
    pub fn storage(&mut self, at: Address, slot: U256) -> U256 {
        match revm::Database::storage(self.db(), at, slot) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// Puts a contract's runtime code somewhere.
    pub fn set_code(&mut self, at: Address, code: Bytes) {
        let info = AccountInfo { nonce: 1, ..AccountInfo::from_bytecode(Bytecode::new_raw(code)) };
        self.db().insert_account_info(at, info);
    }

    /// Gives an account a balance in wei; its code stays.
    pub fn set_balance(&mut self, of: Address, wei: U256) {
        let mut info = match revm::Database::basic(self.db(), of) {
            Ok(found) => found.unwrap_or_default(),
            Err(never) => match never {},
        };
        info.balance = wei;
        self.db().insert_account_info(of, info);
    }

    /// The whole state as a record, to fork from: accounts, code and storage; what is missing is zero.
    #[must_use]
    pub fn record(&mut self, number: u64) -> RecordedState {
        let mut all = RecordedState::empty(Missing::Zero);
        all.number = Some(number);
        let cache = &self.db().cache;
        for (&address, account) in &cache.accounts {
            let info = &account.info;
            let code = cache.contracts.get(&info.code_hash).map(Bytecode::original_bytes).unwrap_or_default();
            let state = AccountState { balance: info.balance, nonce: info.nonce, code };
            let storage = account.storage.iter().map(|(slot, word)| (*slot, *word)).collect();
            all.accounts.insert(address, RecordedAccount { state, storage });
        }
        all
    }

    /// The slot of `key` in a mapping that Solidity keeps at `slot`.
    #[must_use]
    pub fn mapping_slot(key: U256, slot: U256) -> U256 {
        super::super::abi::mapping_slot(key, slot)
    }
}
