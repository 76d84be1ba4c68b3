//! An EVM in process, on the state of the head.
//!
//! A [`StateSource`] (a provider, a recorded state) fills a [`Cache`] that all threads share; a [`Simulator`] a thread executes
//! pending transactions and whole bundles above it and throws away what they changed.
mod block;
mod cache;
mod diff;
mod flight;
mod overlay;
mod probe;
mod recorded;
mod rpc;
mod sandbox;
mod simulate;
mod source;
mod tx;

pub use block::{Head, Rules, SLOT_S, next_base_fee_wei};
pub use cache::{Cache, CacheCounts, Change, View};
pub use diff::{AccountDiff, StateDiff, chain};
pub use overlay::Overlay;
pub use recorded::{Missing, RecordedAccount, RecordedState};
pub use rpc::{RpcSource, Transport};
pub use sandbox::{Outcome, Sandbox};
pub use simulate::{SimError, Simulated, Simulator, difference};
pub use source::{AccountState, At, Got, SourceError, StateSource, Want};
pub use tx::{PendingTx, TxError, decode};
