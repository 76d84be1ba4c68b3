//! The on-chain half: pools whose integers are the chain's, the graph of what they connect, sizes that are optimal on
//! exact integers, and an EVM in process that executes what it is about to be proposed.
//!
//! Nothing in here reads a clock, a socket or a random source: state comes as logs, storage and recorded files, time as an
//! argument. Amounts are [`alloy_primitives::U256`]; floats guide a search and never decide an amount.
pub mod abi;
pub mod cycle;
pub mod evm;
pub mod graph;
pub mod pools;
pub mod size;
pub mod state;
