//! The Ethereum ABI as far as pools need it: static words in, words out.
//! Source: the Solidity documentation, "Contract ABI Specification".
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};

/// First four bytes of the hash of a function's signature, as `transfer(address,uint256)`.
#[must_use]
pub fn selector(signature: &str) -> [u8; 4] {
    let hash = keccak256(signature.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// The topic of an event, as `Sync(uint112,uint112)`.
#[must_use]
pub fn topic(signature: &str) -> B256 {
    keccak256(signature.as_bytes())
}

/// The calldata of a function whose arguments are static words.
#[must_use]
pub fn call(signature: &str, arguments: &[U256]) -> Bytes {
    let mut data = Vec::with_capacity(4 + 32 * arguments.len());
    data.extend_from_slice(&selector(signature));
    for word in arguments {
        data.extend_from_slice(&word.to_be_bytes::<32>());
    }
    data.into()
}

/// An address as an argument.
#[must_use]
pub fn address_word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

/// The `n`-th word of an output or of a log's data; none where the bytes end before it.
#[must_use]
pub fn word(data: &[u8], n: usize) -> Option<U256> {
    data.get(n * 32..n * 32 + 32).map(U256::from_be_slice)
}

/// The `n`-th word as an address; its upper 12 bytes are not looked at.
#[must_use]
pub fn address(data: &[u8], n: usize) -> Option<Address> {
    data.get(n * 32 + 12..n * 32 + 32).map(Address::from_slice)
}

/// The slot of `key` in a mapping that Solidity keeps at `slot`.
#[must_use]
pub fn mapping_slot(key: U256, slot: U256) -> U256 {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&key.to_be_bytes::<32>());
    bytes[32..].copy_from_slice(&slot.to_be_bytes::<32>());
    U256::from_be_bytes(keccak256(bytes).0)
}
