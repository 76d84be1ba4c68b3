//! The one gate, its limits, what is exposed, and the switch. Integers only.
pub mod account;
pub mod exposure;
pub mod gate;
pub mod limits;
pub mod log;
pub mod rules;
pub mod switch;
pub mod watch;
