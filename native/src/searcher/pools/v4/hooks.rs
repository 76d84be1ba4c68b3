//! Hooks: contracts that the manager calls around an action. Which actions is written in the hook's own address.
//! Source: `@uniswap/v4-core src/libraries/Hooks.sol`.
//!
//! A hook without a swap's permissions is never called in a swap and cannot change its amounts. One with them can do anything
//! (another fee, another price, a revert), so a pool behind it has no quote unless the caller lists it as known to be safe: as
//! one that does not touch amounts, whatever it observes. What it does to the fee of a dynamic pool outside of swaps is in
//! slot0.
use alloy_primitives::Address;
use rustc_hash::FxHashSet;

/// The hook is called before a swap; it may set the fee of a dynamic pool, or take part in the amount.
pub const BEFORE_SWAP: u16 = 1 << 7;
/// The hook is called after a swap.
pub const AFTER_SWAP: u16 = 1 << 6;
/// What it returns before a swap changes the amounts.
pub const BEFORE_SWAP_RETURNS_DELTA: u16 = 1 << 3;
/// What it returns after a swap changes the amounts.
pub const AFTER_SWAP_RETURNS_DELTA: u16 = 1 << 2;

/// Every permission that concerns a swap.
const SWAP: u16 = BEFORE_SWAP | AFTER_SWAP | BEFORE_SWAP_RETURNS_DELTA | AFTER_SWAP_RETURNS_DELTA;

/// The permissions in a hook's address: its lowest 14 bits.
#[must_use]
pub fn permissions(hook: Address) -> u16 {
    u16::from_be_bytes([hook[18], hook[19]]) & 0x3fff
}

/// Whether a hook can change what a swap takes and gives, by its address alone.
#[must_use]
pub fn is_called_in_swaps(hook: Address) -> bool {
    permissions(hook) & SWAP != 0
}

/// Hooks that are called in swaps and are known not to change them. A list that its user answers for: nothing is on it by
/// default. A hook whose returns change the amounts cannot be put on it.
#[derive(Clone, Debug, Default)]
pub struct SafeHooks(FxHashSet<Address>);

impl SafeHooks {
    /// Lists a hook. False, and not listed, where its address lets it change the amounts by what it returns.
    pub fn insert(&mut self, hook: Address) -> bool {
        let fits = permissions(hook) & (BEFORE_SWAP_RETURNS_DELTA | AFTER_SWAP_RETURNS_DELTA) == 0;
        if fits {
            self.0.insert(hook);
        }
        fits
    }

    /// Whether it is listed.
    #[must_use]
    pub fn contains(&self, hook: Address) -> bool {
        self.0.contains(&hook)
    }
}

/// A pool's hook, and whether its swaps are known to follow the manager's arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    address: Address,
    listed: bool,
}

impl Hook {
    /// The hook of a pool's key (address zero where it has none).
    #[must_use]
    pub fn new(address: Address, safe: &SafeHooks) -> Hook {
        Hook { address, listed: safe.contains(address) }
    }

    /// Its address, zero for none.
    #[must_use]
    pub fn address(self) -> Address {
        self.address
    }

    /// Whether the caller listed it as known to be safe.
    #[must_use]
    pub fn is_listed(self) -> bool {
        self.listed
    }

    /// Whether swaps follow the manager's arithmetic: it is not called in them, or is listed.
    #[must_use]
    pub fn is_safe(self) -> bool {
        self.listed || !is_called_in_swaps(self.address)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::address;

    use super::*;

    #[test]
    fn what_a_hook_may_do_is_in_its_address() {
        // the library's own example: beforeInitialize and afterAddLiquidity
        let example = address!("0000000000000000000000000000000000002400");
        assert!(Hook::new(example, &SafeHooks::default()).is_safe());
        assert!(Hook::new(Address::ZERO, &SafeHooks::default()).is_safe());
        for bit in [7, 6, 3, 2] {
            let hook = Address::left_padding_from(&(1_u16 << bit).to_be_bytes());
            assert!(!Hook::new(hook, &SafeHooks::default()).is_safe(), "bit {bit}");
        }
        let upper = address!("00c0000000000000000000000000000000008000"); // bits above the 14 mean nothing
        assert!(Hook::new(upper, &SafeHooks::default()).is_safe());
    }

    #[test]
    fn a_list_speaks_for_observers_alone() {
        let mut safe = SafeHooks::default();
        let observer = address!("0000000000000000000000000000000000000040");
        let taker = address!("0000000000000000000000000000000000000044");
        assert!(safe.insert(observer) && !safe.insert(taker));
        assert!(Hook::new(observer, &safe).is_safe());
        assert!(!Hook::new(taker, &safe).is_safe());
    }
}
