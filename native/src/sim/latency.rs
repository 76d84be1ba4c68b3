//! sim/latency
