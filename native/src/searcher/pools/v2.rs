//! Uniswap V2 and its forks: constant product, the fee taken from what goes in.
//! Source: `@uniswap/v2-periphery contracts/libraries/UniswapV2Library.sol`, `v2-core contracts/UniswapV2Pair.sol`.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::{NoQuote, Pool, Side};

/// A pair. Of what goes in `fee_num / fee_den` is exchanged (997/1000 at Uniswap), rounded as the fork's library does.
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

impl V2Pool {
    /// A pair with Uniswap's own fee.
    #[must_use]
    pub fn uniswap(reserve0: u128, reserve1: u128) -> V2Pool {
        V2Pool { reserves: [reserve0, reserve1], fee_num: [997, 997], fee_den: 1000 }
    }

    fn side(side: Side) -> Result<(usize, usize), NoQuote> {
        match (side.from, side.to) {
            (0, 1) => Ok((0, 1)),
            (1, 0) => Ok((1, 0)),
            _ => Err(NoQuote::NoSuchPair),
        }
    }
}

impl Pool for V2Pool {
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (i, o) = Self::side(side)?;
        if amount_in.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        if amount_in > U256::from(UINT112_MAX - self.reserves[i]) {
            return Err(NoQuote::Overflow);
        }
        let with_fee = amount_in * U256::from(self.fee_num[i]);
        let down = U256::from(self.reserves[i]) * U256::from(self.fee_den) + with_fee;
        if self.reserves[i] == 0 || self.reserves[o] == 0 {
            return Err(NoQuote::NoLiquidity);
        }
        Ok(with_fee * U256::from(self.reserves[o]) / down)
    }

    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        let (i, o) = Self::side(side)?;
        if amount_out.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let left = U256::from(self.reserves[o]).checked_sub(amount_out).unwrap_or_default();
        if left.is_zero() || self.reserves[i] == 0 {
            return Err(NoQuote::NoLiquidity);
        }
        let up = U256::from(self.reserves[i]) * amount_out * U256::from(self.fee_den);
        let amount_in = up / (left * U256::from(self.fee_num[i])) + U256::ONE;
        if amount_in > U256::from(UINT112_MAX - self.reserves[i]) {
            return Err(NoQuote::Overflow);
        }
        Ok(amount_in)
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
        60_000
    }
}
