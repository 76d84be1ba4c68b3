//! The fee of one step of a swap, in pips (hundredths of a basis point).
//! Source: `@uniswap/v3-core contracts/libraries/SwapMath.sol`.
//!
//! The contract compares what is left after the fee with what the step's end takes. It reaches the end exactly where that is
//! enough: rounding never carries the price to the end with less (the price moves by at most what the amount allows, and the
//! end's amount is the least integer that allows it). So a step that does not reach its end takes all that is left, and
//! neither its input nor its fee need be computed for the swap's amounts.
use alloy_primitives::U256;

use super::wide::{mul_div, mul_div_up};

/// All of an amount, in pips.
pub const PIPS: u32 = 1_000_000;

/// What of an amount is left after the fee, rounded down: `amount * (1e6 - fee) / 1e6`.
#[must_use]
#[inline]
pub fn after_fee(amount: U256, fee_pips: u32) -> U256 {
    let keep = PIPS - fee_pips;
    if amount.bit_len() <= 108 {
        let product = amount.to::<u128>() * u128::from(keep); // 108 + 20 bits
        return U256::from(by_a_million(product));
    }
    mul_div(amount, U256::from(keep), U256::from(PIPS)).unwrap_or_default() // the quotient is at most `amount`
}

/// The fee on an amount that comes in after it, rounded up: `amount * fee / (1e6 - fee)`. With a fee of all, the amount is
/// zero and so is the fee on it (V4; V3 has no such fee).
#[must_use]
#[inline]
pub fn fee_on(amount: U256, fee_pips: u32) -> U256 {
    let keep = PIPS - fee_pips;
    if keep == 0 {
        return amount;
    }
    if amount.bit_len() <= 108 {
        let product = amount.to::<u128>() * u128::from(fee_pips);
        return U256::from(product.div_ceil(u128::from(keep)));
    }
    mul_div_up(amount, U256::from(fee_pips), U256::from(keep)).unwrap_or(U256::MAX) // amounts are below 2^225
}

/// By a constant in pieces of 32 bits, each a multiplication: several times as fast as a division of 128 bits.
#[inline]
fn by_a_million(n: u128) -> u128 {
    const D: u64 = PIPS as u64;
    let (high, low) = ((n >> 64) as u64, n as u64);
    let (q3, r3) = (high / D, high % D);
    let part = (r3 << 32) | (low >> 32);
    let (q1, r1) = (part / D, part % D);
    let q0 = ((r1 << 32) | (low & 0xffff_ffff)) / D;
    (u128::from(q3) << 64) | (u128::from(q1) << 32) | u128::from(q0)
}
