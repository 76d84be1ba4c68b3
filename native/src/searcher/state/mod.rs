//! State of pools from logs and from storage, its snapshots, and the journal that unwinds a reorg.
//!
//! [`World`] takes blocks as a node says them and keeps every pool at the head: `apply_block` onwards and over a reorg,
//! `backfill` over blocks that were missed, `reload` from storage where logs do not tell enough. What is not at the head is
//! stale, and stale is never searched.
mod block;
mod blocks;
mod diff;
mod discovery;
mod follow;
mod journal;
mod logs;
mod routes;
pub mod slots;
mod snapshot;
mod source;
#[cfg(test)]
mod tests;
mod undo;
mod world;

pub use block::{BlockId, ChainLog, Header, StateError, Touched};
pub use diff::After;
pub use discovery::{Factories, Factory, Found, Impostor, Maker, mainnet};
pub use snapshot::SnapshotError;
pub use source::StorageSource;
pub use world::World;
