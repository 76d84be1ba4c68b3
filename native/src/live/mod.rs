//! The live lane: a thread that owns its sockets, reads them, steps the lane and writes what the lane decided.

mod account;
mod core;
mod feed;
mod handle;
mod meter;
mod news;
mod notices;
pub mod page;
mod paper;
mod pin;
pub mod plan;
pub mod provider;
pub mod record;
pub mod rehearsal;
mod rest;
mod status;
mod thread;

pub use handle::LiveLane;
pub use plan::LivePlan;
