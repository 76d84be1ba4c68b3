//! Uniswap V2: slot 8 holds both reserves and the time of the last change.
//! Source: the order of state variables in `@uniswap/v2-core contracts/UniswapV2ERC20.sol` and `UniswapV2Pair.sol`.
use alloy_primitives::{Address, U256};

use super::super::source::StorageSource;

/// `reserve0`, `reserve1` (uint112 each) and `blockTimestampLast` (uint32), from the lowest bit on.
pub(in super::super) const RESERVES: U256 = U256::from_limbs([8, 0, 0, 0]);

/// The reserves in the word of [`RESERVES`].
pub(in super::super) fn reserves(word: U256) -> [u128; 2] {
    let mask = (U256::ONE << 112) - U256::ONE;
    [word & mask, (word >> 112) & mask].map(|reserve: U256| reserve.to::<u128>())
}

/// The reserves of a pair.
///
/// # Errors
/// As the source has them.
pub fn load<S: StorageSource>(source: &mut S, pair: Address) -> Result<[u128; 2], S::Error> {
    Ok(reserves(source.storage(pair, RESERVES)?))
}
