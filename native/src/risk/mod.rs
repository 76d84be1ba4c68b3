//! The one gate, its limits, what is exposed, and the switch. Integers only.
mod account;
pub mod exposure;
pub mod gate;
mod intake;
pub mod limits;
pub mod log;
mod rules;
pub mod state;
pub mod switch;
mod watch;
