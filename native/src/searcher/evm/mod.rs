//! An EVM in process, on the state of the head.
//!
//! A [`StateSource`] (a provider, a recorded state) fills a [`Cache`] that all threads share; a [`Simulator`] a thread
//! executes pending transactions and whole bundles above it and throws away what they changed.
mod block;
mod bundle;
mod cache;
mod diff;
mod flight;
mod overlay;
mod prefetch;
mod probe;
mod recorded;
mod rpc;
mod sandbox;
mod simulate;
mod source;
mod token_balance;
mod token_risk;
mod tokens;
mod touched;
mod tripwire;
mod tx;

pub use block::{Head, Rules, SLOT_S, next_base_fee_wei};
pub use bundle::{BundleFailure, BundleRun, BundleTx, Holding, balance, reason, run_bundle};
pub use cache::{Cache, CacheCounts, Change, View};
pub use diff::{AccountDiff, StateDiff, chain};
pub use overlay::{Overlay, SavedChanges};
pub use prefetch::{Footprints, asked, named, of_access_list};
pub use recorded::{Missing, RecordedAccount, RecordedState};
pub use rpc::{RpcSource, Transport};
pub use sandbox::{Outcome, Sandbox};
pub use simulate::{SimError, Simulated, Simulator, difference};
pub use source::{AccountState, At, Got, SourceError, StateSource, Want};
pub use token_balance::BalanceSlot;
pub use token_risk::Risk;
pub use tokens::{Returns, TokenFacts, Transfer, TransferKind, Untradable, study};
pub use touched::touched;
pub use tripwire::{Divergence, PredictedHop, Prediction, Tripwire, Verdict, diverged};
pub use tx::{PendingTx, TxError, decode};
