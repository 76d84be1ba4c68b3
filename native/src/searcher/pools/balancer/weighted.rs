//! Weighted pools. Source: `pkg/pool-weighted/contracts/WeightedMath.sol`,
//! `pkg/pool-utils/contracts/BaseMinimalSwapInfoPool.sol`.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::super::checked::{Checked, E18, float};
use super::super::{NoQuote, Pool, Side};
use super::BALANCE_BITS;
use super::fixed::{complement, div_down, div_up, mul_down, mul_up, pow_up};

/// Which power function a pool was compiled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowVersion {
    /// Every exponent through logarithms (the factory of April 2021).
    V1,
    /// Exponents 1, 2 and 4 by multiplication (factories from 2022 on).
    V2,
}

/// A weighted pool. At most 0.3 of a balance goes in or out in one swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancerWeighted {
    /// Balances in the vault.
    pub balances: Vec<U256>,
    /// 10^(18 - decimals) of each token.
    pub scaling: Vec<U256>,
    /// Normalised weights, of 1e18.
    pub weights: Vec<U256>,
    /// `getSwapFeePercentage()`, of 1e18.
    pub fee: U256,
    /// The power function.
    pub pow_version: PowVersion,
}

impl BalancerWeighted {
    fn tokens(&self, side: Side) -> Result<(usize, usize), NoQuote> {
        let (from, to) = (usize::from(side.from), usize::from(side.to));
        let n = self.balances.len();
        let known = self.scaling.len() == n && self.weights.len() == n;
        if known && from != to && from < n && to < n { Ok((from, to)) } else { Err(NoQuote::NoSuchPair) }
    }

    fn scaled(&self, token: usize, amount: U256) -> Checked {
        Checked::from(amount) * Checked::from(self.scaling[token])
    }

    fn settled(&self, from: usize, to: usize, amount_in: U256, amount_out: U256) -> Result<(), NoQuote> {
        settled(self.balances[from], self.balances[to], amount_in, amount_out)
    }

    fn out_for(&self, from: usize, to: usize, amount_in: U256) -> Result<U256, NoQuote> {
        let taken = Checked::from(amount_in) - mul_up(amount_in.into(), self.fee.into());
        let amount = self.scaled(from, taken.get()?).sound()?;
        let (b_in, b_out) = (self.scaled(from, self.balances[from]), self.scaled(to, self.balances[to]));
        let most = mul_down(b_in, Checked::from(3 * (E18 / 10))).sound()?;
        if amount > most {
            return Err(NoQuote::Limit);
        }
        let base = div_up(b_in, b_in + amount);
        let exponent = div_down(self.weights[from].into(), self.weights[to].into());
        let power = pow_up(base, exponent, self.pow_version)?.sound()?;
        (mul_down(b_out, complement(power)) / Checked::from(self.scaling[to])).get()
    }

    fn in_for(&self, from: usize, to: usize, amount_out: U256) -> Result<U256, NoQuote> {
        let amount = self.scaled(to, amount_out).sound()?;
        let (b_in, b_out) = (self.scaled(from, self.balances[from]), self.scaled(to, self.balances[to]));
        let most = mul_down(b_out, Checked::from(3 * (E18 / 10))).sound()?;
        if amount > most {
            return Err(NoQuote::Limit);
        }
        let base = div_up(b_out, b_out - amount);
        let exponent = div_up(self.weights[to].into(), self.weights[from].into());
        let ratio = pow_up(base, exponent, self.pow_version)? - E18;
        let bare = mul_up(b_in, ratio).div_up(self.scaling[from].into());
        div_up(bare, complement(self.fee.into())).get()
    }
}

/// The vault's part: a balance fits in 112 bits, and what goes out is there.
pub(super) fn settled(b_in: U256, b_out: U256, amount_in: U256, amount_out: U256) -> Result<(), NoQuote> {
    let after = b_in.checked_add(amount_in).ok_or(NoQuote::Overflow)?;
    if after.bit_len() > BALANCE_BITS {
        return Err(NoQuote::Overflow);
    }
    if amount_out > b_out { Err(NoQuote::NoLiquidity) } else { Ok(()) }
}

impl Pool for BalancerWeighted {
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.tokens(side)?;
        if amount_in.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let out = self.out_for(from, to, amount_in)?;
        self.settled(from, to, amount_in, out)?;
        Ok(out)
    }

    /// What the vault asks for a swap given out.
    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.tokens(side)?;
        if amount_out.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let amount_in = self.in_for(from, to, amount_out)?;
        self.settled(from, to, amount_in, amount_out)?;
        Ok(amount_in)
    }

    fn apply(&mut self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let out = self.quote_in(side, amount_in)?;
        let (from, to) = self.tokens(side)?;
        self.balances[from] += amount_in;
        self.balances[to] -= out;
        Ok(out)
    }

    fn spot_price(&self, side: Side) -> f64 {
        let Ok((from, to)) = self.tokens(side) else { return 0.0 };
        let per_weight = |token: usize| float(self.balances[token]) / float(self.weights[token]);
        let out = per_weight(to) / per_weight(from) * (1.0 - float(self.fee) / 1e18);
        if out.is_finite() { out.max(0.0) } else { 0.0 }
    }

    fn gas(&self, _: Side, _: U256) -> u64 {
        95_000
    }
}
