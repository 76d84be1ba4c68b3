//! Amounts between two prices, and the price after an amount. Prices are roots in Q64.96, of at most 160 bits.
//! Source: `@uniswap/v3-core contracts/libraries/SqrtPriceMath.sol` (`v4-core` has the same integers).
//!
//! The contract divides twice for an amount of token 0, first by the upper price and then by the lower. Rounding down (or up)
//! twice is rounding down (or up) once by the product of both, so here it is one division. Prices, amounts and quotients of at
//! most 128 bits, nearly all, divide as short ones; the rest as the contract does.
use alloy_primitives::U256;

use super::divide::{by_q96, limbs, liquidity_q96, product, quotient, shifted, short};
use super::wide::{U384, div_up, low, mul_div, mul_div_up};

#[inline]
fn ordered(a: U256, b: U256) -> (U256, U256) {
    if a > b { (b, a) } else { (a, b) }
}

/// Token 0 between two prices that are not zero: `L * 2^96 * (b - a) / (a * b)`; `getAmount0Delta`. Below 2^225.
#[must_use]
#[inline]
pub fn amount0(a: U256, b: U256, liquidity: u128, up: bool) -> U256 {
    let (a, b) = ordered(a, b);
    if let (Some(low), Some(high)) = (short(a), short(b))
        && let Some((quotient, rest)) = quotient(&shifted(product(liquidity, high - low)), &product(low, high))
    {
        return U256::from(quotient) + U256::from(up && rest);
    }
    let (shifted, gap) = (U256::from_limbs(liquidity_q96(liquidity)), b - a);
    let numerator: U384 = U384::from(shifted).wrapping_mul(U384::from(gap)); // 224 + 160 bits
    let divisor: U384 = U384::from(a).wrapping_mul(U384::from(b));
    let (quotient, rest) = numerator.div_rem(divisor);
    let quotient = low(quotient);
    if up && !rest.is_zero() { quotient + U256::ONE } else { quotient }
}

/// Token 1 between two prices: `L * (b - a) / 2^96`; `getAmount1Delta`. At most 2^192.
#[must_use]
#[inline]
pub fn amount1(a: U256, b: U256, liquidity: u128, up: bool) -> U256 {
    let (a, b) = ordered(a, b);
    if let Some(gap) = short(b - a) {
        let product = product(liquidity, gap);
        let rest = product[0] != 0 || product[1] as u32 != 0;
        return U256::from_limbs(by_q96(product)) + U256::from(up && rest);
    }
    let product: U384 = U384::from(liquidity).wrapping_mul(U384::from(b - a));
    let quotient = low(product >> 96);
    let rest = product.as_limbs()[0] != 0 || product.as_limbs()[1] as u32 != 0;
    if up && rest { quotient + U256::ONE } else { quotient }
}

/// The price after so much of token 0 came in (`add`) or went out; `getNextSqrtPriceFromAmount0RoundingUp`.
///
/// None where the contract reverts: more goes out than there is, or the price leaves its 160 bits.
#[must_use]
#[inline]
pub fn next_from_amount0(price: U256, liquidity: u128, amount: U256, add: bool) -> Option<U256> {
    if amount.is_zero() {
        return Some(price);
    }
    let whole = U256::from_limbs(liquidity_q96(liquidity));
    let divisor = amount.checked_mul(price).and_then(|p| if add { whole.checked_add(p) } else { whole.checked_sub(p) });
    if let (Some(price), Some(divisor)) = (short(price), divisor)
        && let Some((quotient, rest)) = quotient(&shifted(product(liquidity, price)), divisor.as_limbs())
    {
        return Some(U256::from(quotient) + U256::from(rest));
    }
    if !add {
        let divisor = divisor.filter(|d| !d.is_zero())?;
        return mul_div_up(whole, price, divisor).filter(|p| p.bit_len() <= 160);
    }
    if let Some(divisor) = divisor {
        let numerator: U384 = U384::from(whole).wrapping_mul(U384::from(price));
        let (quotient, rest) = numerator.div_rem(U384::from(divisor));
        let quotient = low(quotient); // at most the price: the divisor is at least `whole`
        return Some(if rest.is_zero() { quotient } else { quotient + U256::ONE });
    }
    Some(div_up(whole, (whole / price).checked_add(amount)?))
}

/// The price after so much of token 1 came in (`add`) or went out; `getNextSqrtPriceFromAmount1RoundingDown`.
///
/// None where the contract reverts: no liquidity, more goes out than there is, or the price leaves its 160 bits.
#[must_use]
#[inline]
pub fn next_from_amount1(price: U256, liquidity: u128, amount: U256, add: bool) -> Option<U256> {
    let (q96, wide) = (U256::ONE << 96, U256::from(liquidity));
    let quick = short(amount).and_then(|amount| quotient(&shifted(limbs(amount)), &limbs(liquidity)));
    if add {
        let moved = quick.map(|(q, _)| U256::from(q)).or_else(|| mul_div(amount, q96, wide))?;
        return price.checked_add(moved).filter(|p| p.bit_len() <= 160);
    }
    let moved = quick.map(|(q, rest)| U256::from(q) + U256::from(rest)).or_else(|| mul_div_up(amount, q96, wide))?;
    price.checked_sub(moved).filter(|p| !p.is_zero())
}
