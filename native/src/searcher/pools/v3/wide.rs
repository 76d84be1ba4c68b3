//! Products wider than 256 bits and their quotients, rounded as the contract rounds them.
//! Source: `@uniswap/v3-core contracts/libraries/FullMath.sol`, `UnsafeMath.sol`.
use alloy_primitives::ruint::Uint;
use alloy_primitives::{U256, U512};

/// 384 bits: a liquidity shifted by 96 bits (224) times a price (160).
pub type U384 = Uint<384, 6>;

/// `a * b / d` rounded down.
///
/// None where `d` is zero or the quotient does not fit 256 bits; the contract reverts there.
#[must_use]
#[inline]
pub fn mul_div(a: U256, b: U256, d: U256) -> Option<U256> {
    if d.is_zero() {
        return None;
    }
    if a.bit_len() + b.bit_len() <= 256 {
        return Some(a.wrapping_mul(b) / d);
    }
    let whole: U512 = a.widening_mul(b);
    narrow(whole / U512::from(d))
}

/// `a * b / d` rounded up, and none as [`mul_div`].
#[must_use]
#[inline]
pub fn mul_div_up(a: U256, b: U256, d: U256) -> Option<U256> {
    if d.is_zero() {
        return None;
    }
    if a.bit_len() + b.bit_len() <= 256 {
        return Some(div_up(a.wrapping_mul(b), d));
    }
    let whole: U512 = a.widening_mul(b);
    let (quotient, rest) = whole.div_rem(U512::from(d));
    let quotient = narrow(quotient)?;
    if rest.is_zero() { Some(quotient) } else { quotient.checked_add(U256::ONE) }
}

/// `a / d` rounded up.
///
/// # Panics
/// Where `d` is zero.
#[must_use]
#[inline]
pub fn div_up(a: U256, d: U256) -> U256 {
    let (quotient, rest) = a.div_rem(d);
    if rest.is_zero() { quotient } else { quotient + U256::ONE } // only a / 1 could reach the maximum, and it leaves no rest
}

fn narrow(wide: U512) -> Option<U256> {
    let limbs = wide.as_limbs();
    (limbs[4..] == [0; 4]).then(|| U256::from_limbs([limbs[0], limbs[1], limbs[2], limbs[3]]))
}

/// The lowest 256 bits.
#[inline]
pub(super) fn low(wide: U384) -> U256 {
    let limbs = wide.as_limbs();
    U256::from_limbs([limbs[0], limbs[1], limbs[2], limbs[3]])
}

/// The nearest float: for prices that guide a search, never for amounts.
#[must_use]
pub fn as_f64(word: U256) -> f64 {
    word.as_limbs().iter().rev().fold(0.0, |high, limb| high * 18_446_744_073_709_551_616.0 + *limb as f64)
}
