//! Storage as it is read for pools: a node at one block, a cache of it, or an EVM in memory.
use std::convert::Infallible;

use alloy_primitives::{Address, U256};

use super::super::evm::Sandbox;

/// Words of storage of one block. Anything that answers for a contract and a slot is one, a closure too.
pub trait StorageSource {
    /// Why there is no answer.
    type Error;

    /// The word; zero where nothing was ever written.
    ///
    /// # Errors
    /// As the source has them.
    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Self::Error>;
}

impl<E, F: FnMut(Address, U256) -> Result<U256, E>> StorageSource for F {
    type Error = E;

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, E> {
        self(address, slot)
    }
}

impl StorageSource for Sandbox {
    type Error = Infallible;

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(Sandbox::storage(self, address, slot))
    }
}
