//! sim/queue
