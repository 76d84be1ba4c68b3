//! The live lane: a thread that owns its sockets, reads them, steps the lane and writes what the lane decided.

pub mod meter;
pub mod notices;
pub mod page;
mod paper;
pub mod plan;
mod record;
mod status;
