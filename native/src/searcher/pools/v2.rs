//! Uniswap V2 and its forks: constant product, the fee taken from what goes in.
//! Source: `@uniswap/v2-periphery contracts/libraries/UniswapV2Library.sol`, `v2-core contracts/UniswapV2Pair.sol`.
//!
//! Forks that keep the library's formula and its rounding differ in the fee alone, which is data here: Uniswap, SushiSwap
//! and ShibaSwap leave 997 of 1,000 parts, PancakeSwap V2 9,975 of 10,000, Camelot's volatile pairs have one fee a
//! direction, of 100,000. A pair that takes its fee from the input first and rounds it there is a
//! [`SolidlyPool`](super::solidly::SolidlyPool).
//!
//! What goes in is, for the contract, what its balance is above its reserve. Somebody may have given it tokens without a
//! swap: the next swap then has them as input, or anybody takes them out with `skim`, or adds them to the reserves with
//! `sync` (a `Sync` log). What is quoted here asks for no more than the reserves and our own input give, so that a gift only
//! leaves the pair richer; reserves come from `Sync` alone, never from balances. A balance below the reserve (tokens that
//! rebase or take fees) makes the contract ask for more than is quoted: such tokens are refused, not traded.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::div128::mul_div;
use super::{NoQuote, Pool, Side};

/// A pair. Of what goes in `fee_num / fee_den` is exchanged (997/1000 at Uniswap), rounded as the library does: never but in
/// the one division.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct V2Pool {
    /// Reserves as of the last `Sync`, uint112.
    pub reserves: [u128; 2],
    /// What is left of the input after the fee, by which token goes in.
    pub fee_num: [u32; 2],
    /// Of how many parts.
    pub fee_den: u32,
}

const UINT112_MAX: u128 = (1 << 112) - 1;

/// Gas of the pair's `swap` with the transfer out, storage cold and plain tokens: measured with the pair's own bytecode
/// (`native/tests/chain_v2.rs`). What came in was transferred before, by the hop before it or by the executor.
const SWAP_GAS: u64 = 60_000;

impl V2Pool {
    /// A pair with Uniswap's own fee.
    #[must_use]
    pub fn uniswap(reserve0: u128, reserve1: u128) -> V2Pool {
        V2Pool::with_fee([reserve0, reserve1], 997, 1000)
    }

    /// A pair of PancakeSwap V2.
    #[must_use]
    pub fn pancake(reserve0: u128, reserve1: u128) -> V2Pool {
        V2Pool::with_fee([reserve0, reserve1], 9_975, 10_000)
    }

    /// A pair of a fork that exchanges `fee_num` of `fee_den` parts of what goes in, whichever token it is.
    #[must_use]
    pub fn with_fee(reserves: [u128; 2], fee_num: u32, fee_den: u32) -> V2Pool {
        V2Pool { reserves, fee_num: [fee_num; 2], fee_den }
    }

    fn side(side: Side) -> Result<(usize, usize), NoQuote> {
        match (side.from, side.to) {
            (0, 1) => Ok((0, 1)),
            (1, 0) => Ok((1, 0)),
            _ => Err(NoQuote::NoSuchPair),
        }
    }

    /// How much more of a token the pair can hold.
    fn room(&self, i: usize) -> u128 {
        UINT112_MAX.saturating_sub(self.reserves[i])
    }

    /// `getAmountOut` for an input of at most [`V2Pool::room`].
    #[inline]
    fn out(&self, i: usize, o: usize, amount_in: u128) -> Result<u128, NoQuote> {
        let (reserve_in, reserve_out) = (self.reserves[i], self.reserves[o]);
        if reserve_in == 0 || reserve_out == 0 {
            return Err(NoQuote::NoLiquidity);
        }
        let (num, den) = (u128::from(self.fee_num[i]), u128::from(self.fee_den));
        // Both products fit for every fee of at most 2^15 parts, and for greater ones if reserves are not near 2^112.
        let with_fee = amount_in.checked_mul(num);
        let down = with_fee.and_then(|paid| reserve_in.checked_mul(den)?.checked_add(paid));
        if let (Some(paid), Some(down)) = (with_fee, down) {
            return mul_div(paid, reserve_out, down).ok_or(NoQuote::NoLiquidity); // only a denominator of 0 has none
        }
        let paid = U256::from(amount_in) * U256::from(num);
        let down = U256::from(reserve_in) * U256::from(den) + paid;
        Ok((paid * U256::from(reserve_out) / down).to()) // less than the reserve
    }
}

fn small(amount: U256) -> Option<u128> {
    let [low, high, 0, 0] = *amount.as_limbs() else { return None };
    Some(u128::from(high) << 64 | u128::from(low))
}

impl Pool for V2Pool {
    #[inline]
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (i, o) = Self::side(side)?;
        if amount_in.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let amount_in = small(amount_in).filter(|&a| a <= self.room(i)).ok_or(NoQuote::Overflow)?;
        self.out(i, o, amount_in).map(U256::from)
    }

    /// As the library's `getAmountIn`: the quotient rounded down, plus one, even where it is whole and the pair would take
    /// one unit less.
    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        let (i, o) = Self::side(side)?;
        if amount_out.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let amount_out = small(amount_out).filter(|&a| a < self.reserves[o]).ok_or(NoQuote::NoLiquidity)?;
        let left = self.reserves[o] - amount_out;
        if self.reserves[i] == 0 {
            return Err(NoQuote::NoLiquidity);
        }
        let (num, den) = (u128::from(self.fee_num[i]), u128::from(self.fee_den));
        let whole = match (self.reserves[i].checked_mul(den), left.checked_mul(num)) {
            (Some(times), Some(down)) if down > 0 => mul_div(times, amount_out, down),
            _ => {
                let down = U256::from(left) * U256::from(num);
                let up = U256::from(self.reserves[i]) * U256::from(amount_out) * U256::from(den);
                up.checked_div(down).and_then(small)
            }
        };
        let amount_in = whole.filter(|&w| w < self.room(i)).ok_or(NoQuote::Overflow)? + 1;
        Ok(U256::from(amount_in))
    }

    fn apply(&mut self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let out = self.quote_in(side, amount_in)?;
        let (i, o) = Self::side(side)?;
        self.reserves[i] += amount_in.to::<u128>();
        self.reserves[o] -= out.to::<u128>();
        Ok(out)
    }

    fn spot_price(&self, side: Side) -> f64 {
        let Ok((i, o)) = Self::side(side) else { return 0.0 };
        if self.reserves[i] == 0 {
            return 0.0;
        }
        self.reserves[o] as f64 / self.reserves[i] as f64 * f64::from(self.fee_num[i]) / f64::from(self.fee_den)
    }

    fn gas(&self, _: Side, _: U256) -> u64 {
        SWAP_GAS
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The library's formula in 512 bits.
    fn plain_in(pool: &V2Pool, i: usize, amount: u128) -> U256 {
        let paid = U256::from(amount) * U256::from(pool.fee_num[i]);
        let down = U256::from(pool.reserves[i]) * U256::from(pool.fee_den) + paid;
        alloy_primitives::U512::from(paid)
            .checked_mul(alloy_primitives::U512::from(pool.reserves[1 - i]))
            .map(|up| (up / alloy_primitives::U512::from(down)).to())
            .unwrap()
    }

    fn plain_out(pool: &V2Pool, i: usize, amount: u128) -> alloy_primitives::U512 {
        type Wide = alloy_primitives::U512;
        let up = Wide::from(pool.reserves[i]) * Wide::from(amount) * Wide::from(pool.fee_den);
        let down = Wide::from(pool.reserves[1 - i] - amount) * Wide::from(pool.fee_num[i]);
        up / down + Wide::ONE
    }

    fn uint112() -> impl Strategy<Value = u128> {
        (any::<u128>(), 16u32..128).prop_map(|(n, by)| n >> by)
    }

    fn fees() -> impl Strategy<Value = (u32, u32)> {
        prop_oneof![
            Just((997, 1000)),
            Just((9_975, 10_000)),
            (98_000u32..=100_000).prop_map(|n| (n, 100_000)),
            (1u32..=u32::MAX).prop_map(|n| (n, u32::MAX)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn quotes_are_the_library_s(r in [uint112(), uint112()], amount in uint112(), fees in [fees(), fees()]) {
            let fee_den = fees[0].1;
            let pool = V2Pool { reserves: r, fee_num: [fees[0].0, fees[1].0.min(fee_den)], fee_den };
            for (i, side) in [(0, Side::ZERO_FOR_ONE), (1, Side::ONE_FOR_ZERO)] {
                let quoted = pool.quote_in(side, U256::from(amount));
                if amount == 0 {
                    prop_assert_eq!(quoted, Err(NoQuote::TooSmall));
                } else if amount > UINT112_MAX - r[i] {
                    prop_assert_eq!(quoted, Err(NoQuote::Overflow));
                } else if r[0] == 0 || r[1] == 0 {
                    prop_assert_eq!(quoted, Err(NoQuote::NoLiquidity));
                } else {
                    prop_assert_eq!(quoted, Ok(plain_in(&pool, i, amount)));
                }
                let asked = pool.quote_out(side, U256::from(amount));
                if amount > 0 && (amount >= r[1 - i] || r[i] == 0) {
                    prop_assert_eq!(asked, Err(NoQuote::NoLiquidity));
                } else if amount > 0 {
                    let plain = plain_out(&pool, i, amount);
                    let fits = plain <= alloy_primitives::U512::from(UINT112_MAX - r[i]);
                    prop_assert_eq!(asked, if fits { Ok(plain.to()) } else { Err(NoQuote::Overflow) });
                }
            }
        }
    }
}
