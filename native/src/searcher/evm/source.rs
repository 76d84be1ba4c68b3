//! Where a forked state comes from: any provider that can answer for one block, or a recorded state.
use std::fmt;

use alloy_primitives::{Address, B256, Bytes, U256};

/// The block whose state is asked for: the state after that block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// By its number: the one that is canonical when the question arrives.
    Number(u64),
    /// By its hash: exact through a reorg (EIP-1898).
    Hash(B256),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Number(number) => write!(f, "block {number}"),
            At::Hash(hash) => write!(f, "block {hash}"),
        }
    }
}

/// One value of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Want {
    /// An account: balance, nonce and code.
    Account(Address),
    /// A word of an account's storage.
    Slot(Address, U256),
    /// The hash of the block of this number.
    BlockHash(u64),
}

/// The answer to a [`Want`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// The account; one that does not exist is all zeros.
    Account(AccountState),
    /// The word; one that was never written is zero.
    Slot(U256),
    /// The hash.
    BlockHash(B256),
}

/// An account without its storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// In wei.
    pub balance: U256,
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Runtime code; empty for an account of a person.
    pub code: Bytes,
}

/// Why a source has no answer. The variant is the consequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// Not now: a connection lost, a limit reached. The same question may be asked again, a bounded number of times.
    Retry(String),
    /// Never again for this block: pruned, replaced in a reorg, not in the record, or the cache has moved to another
    /// head.
    Gone(String),
    /// The answer is not what the protocol says, or the question was wrong: somebody must look at it.
    Bug(String),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceError::Retry(why) => write!(f, "state not to be had now: {why}"),
            SourceError::Gone(why) => write!(f, "state gone: {why}"),
            SourceError::Bug(why) => write!(f, "state not understood: {why}"),
        }
    }
}

impl std::error::Error for SourceError {}

impl revm::database_interface::DBErrorMarker for SourceError {}

/// A state that can be asked from many threads. It blocks until it has its answer; nothing here is async, so that no
/// executor can be blocked by the EVM that waits for it.
pub trait StateSource: Send + Sync {
    /// Values of one block's state, in one question where the source can; the answers in the order of `wanted`, each of
    /// the variant that was asked for.
    ///
    /// # Errors
    /// All or nothing; see [`SourceError`].
    fn fetch(&self, at: At, wanted: &[Want]) -> Result<Vec<Got>, SourceError>;

    /// One account.
    ///
    /// # Errors
    /// As [`StateSource::fetch`].
    fn account(&self, at: At, address: Address) -> Result<AccountState, SourceError> {
        match self.fetch(at, &[Want::Account(address)])?.pop() {
            Some(Got::Account(account)) => Ok(account),
            other => Err(unexpected(Want::Account(address), other.as_ref())),
        }
    }

    /// One word of storage.
    ///
    /// # Errors
    /// As [`StateSource::fetch`].
    fn storage(&self, at: At, address: Address, slot: U256) -> Result<U256, SourceError> {
        match self.fetch(at, &[Want::Slot(address, slot)])?.pop() {
            Some(Got::Slot(value)) => Ok(value),
            other => Err(unexpected(Want::Slot(address, slot), other.as_ref())),
        }
    }

    /// The hash of a block at or before `at`.
    ///
    /// # Errors
    /// As [`StateSource::fetch`].
    fn block_hash(&self, at: At, number: u64) -> Result<B256, SourceError> {
        match self.fetch(at, &[Want::BlockHash(number)])?.pop() {
            Some(Got::BlockHash(hash)) => Ok(hash),
            other => Err(unexpected(Want::BlockHash(number), other.as_ref())),
        }
    }
}

/// An answer that is not one to the question.
pub(super) fn unexpected(want: Want, got: Option<&Got>) -> SourceError {
    SourceError::Bug(format!("asked for {want:?}, the source answered {got:?}"))
}
