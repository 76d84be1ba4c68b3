//! The quote of a swap that ends within its first step, for prices and amounts of at most 128 bits: nearly every quote.
//!
//! The integers are those of [`super::swap`]; what does not fit goes there.
use alloy_primitives::U256;

use super::concentrated::Concentrated;
use super::divide::{Four, by_q96, limbs, liquidity_q96, product, quotient, shifted, short};
use super::swap_math::after_fee;
use super::tick_math::MAX_TICK;

fn sum(a: Four, b: Four) -> Option<Four> {
    let (mut all, mut carry) = ([0; 4], 0_u128);
    for i in 0..4 {
        carry += u128::from(a[i]) + u128::from(b[i]);
        all[i] = carry as u64;
        carry >>= 64;
    }
    (carry == 0).then_some(all)
}

impl Concentrated {
    /// The output of an exact input that does not reach the first stop; none where it does, or where a number is too long.
    #[inline]
    pub(in crate::searcher::pools) fn quick_out(&self, down: bool, amount_in: U256, fee_pips: u32) -> Option<U256> {
        let less = after_fee(amount_in, fee_pips);
        let near = self.near(down);
        // the end of all prices is one off the lowest and highest tick's, so that a stop there is no stop
        if less >= near.amount_in || near.stop.tick.abs() == MAX_TICK {
            return None;
        }
        let (less, price, liquidity) = (short(less)?, short(self.sqrt_price())?, self.liquidity());
        if less == 0 {
            return Some(U256::ZERO);
        }
        if down {
            // the price falls to ceil(L * 2^96 * p / (L * 2^96 + less * p)); the output is L * (p - that) / 2^96
            let divisor = sum(liquidity_q96(liquidity), product(less, price))?;
            let (next, rest) = quotient(&shifted(product(liquidity, price)), &divisor)?;
            let out = product(liquidity, price - next - u128::from(rest));
            return Some(U256::from_limbs(by_q96(out)));
        }
        // the price rises by floor(less * 2^96 / L); the output is L * 2^96 * rise / (p * (p + rise))
        let (rise, _) = quotient(&shifted(limbs(less)), &limbs(liquidity))?;
        let (out, _) = quotient(&shifted(product(liquidity, rise)), &product(price, price.checked_add(rise)?))?;
        Some(U256::from(out))
    }
}
