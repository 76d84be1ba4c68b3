//! The one matching model: queue position, latency, fees; and the four clocks that drive a backtest.
pub mod backtest;
pub mod exchange;
pub mod latency;
mod market;
mod matching;
pub mod plan;
pub mod queue;
mod reader;
pub mod replay;
pub mod report;
pub mod source;
pub mod stats;
mod venue_book;
pub mod verify;
