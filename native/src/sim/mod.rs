//! The one matching model: queue position, latency, fees; and the four clocks that drive a backtest.
pub mod backtest;
pub mod exchange;
pub mod latency;
mod market;
mod matching;
pub mod queue;
mod venue_book;
pub mod source;
pub mod plan;
pub mod stats;
