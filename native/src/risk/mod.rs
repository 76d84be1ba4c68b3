//! The one gate, its limits, what is exposed, and the switch.
pub mod exposure;
pub mod gate;
pub mod limits;
pub mod switch;
