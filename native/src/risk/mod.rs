//! The one gate, its limits, what is exposed, and the switch. Integers only.
mod account;
pub mod exposure;
pub mod gate;
pub mod governor;
pub mod intake;
pub mod limits;
pub mod log;
pub mod look;
pub mod opening;
mod rules;
pub mod sandwich;
pub mod state;
pub mod switch;
mod watch;
