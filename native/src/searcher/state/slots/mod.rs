//! Pools from the storage of their contracts. What the contracts keep in their code (fees, tick spacings) is an argument.
use alloy_primitives::{U256, keccak256};

pub mod v2;
pub mod v3;

pub use v3::LoadError;

/// The slot of `key` in a mapping that Solidity keeps at `slot`.
fn mapping_slot(key: U256, slot: U256) -> U256 {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&key.to_be_bytes::<32>());
    bytes[32..].copy_from_slice(&slot.to_be_bytes::<32>());
    U256::from_be_bytes(keccak256(bytes).0)
}
