//! sim/exchange
