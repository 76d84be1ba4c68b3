//! Stable, metastable and composable stable pools, between their tokens: the pool's own LP token (BPT) of a composable
//! pool is left out of the balances here, and joining or leaving through it is not a swap here.
//! Source: `pkg/pool-stable/contracts`, `pkg/pool-utils/contracts/BaseGeneralPool.sol`.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::super::checked::{Checked, E18, float};
use super::super::curve::Ramp;
use super::super::{NoQuote, Pool, Side};
use super::fixed::{complement, div_down, div_up, mul_down, mul_up};
pub use super::stable_math::StableForm;
use super::stable_math::{AMP_PRECISION, balance, invariant};
use super::weighted::settled;

/// The most tokens a pool has.
const MAX_TOKENS: usize = 5;

/// A stable pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancerStable {
    /// How its invariant is rounded.
    pub form: StableForm,
    /// Balances in the vault, without the pool's own token.
    pub balances: Vec<U256>,
    /// `getScalingFactors()`, in the order of the balances: 1e(36 - decimals), times the rate its provider gives over
    /// 1e18 (rounded down).
    pub scaling: Vec<U256>,
    /// A times 1000.
    pub amp: Ramp,
    /// `getSwapFeePercentage()`, of 1e18.
    pub fee: U256,
    /// Timestamp of the block that quotes are for, Unix seconds; only a moving A depends on it.
    pub time_s: u64,
}

impl BalancerStable {
    fn tokens(&self, side: Side) -> Result<(usize, usize), NoQuote> {
        let (from, to) = (usize::from(side.from), usize::from(side.to));
        let n = self.balances.len();
        let known = (2..=MAX_TOKENS).contains(&n) && self.scaling.len() == n;
        if known && from != to && from < n && to < n { Ok((from, to)) } else { Err(NoQuote::NoSuchPair) }
    }

    fn scaled(&self) -> Result<([Checked; MAX_TOKENS], usize), NoQuote> {
        let mut all = [Checked::ZERO; MAX_TOKENS];
        for ((out, b), factor) in all.iter_mut().zip(&self.balances).zip(&self.scaling) {
            *out = mul_down((*b).into(), (*factor).into()).sound()?;
        }
        Ok((all, self.balances.len()))
    }

    fn out_for(&self, from: usize, to: usize, amount_in: U256) -> Result<U256, NoQuote> {
        let taken = Checked::from(amount_in) - mul_up(amount_in.into(), self.fee.into());
        let amount = mul_down(taken, self.scaling[from].into());
        let (mut all, n) = self.scaled()?;
        let all = &mut all[..n];
        let amp = Checked::from(self.amp.at(self.time_s)?);
        let d = invariant(self.form, amp, all)?;
        all[from] = all[from] + amount;
        let left = balance(amp, all, d, to)?;
        if all[to] < left + 1 {
            return Err(NoQuote::TooSmall);
        }
        div_down(all[to] - left - 1, self.scaling[to].into()).get()
    }

    fn in_for(&self, from: usize, to: usize, amount_out: U256) -> Result<U256, NoQuote> {
        let amount = mul_down(amount_out.into(), self.scaling[to].into());
        let (mut all, n) = self.scaled()?;
        let all = &mut all[..n];
        let amp = Checked::from(self.amp.at(self.time_s)?);
        let d = invariant(self.form, amp, all)?;
        all[to] = all[to] - amount;
        let needed = balance(amp, all, d, from)?;
        let bare = div_up(needed - all[from] + 1, self.scaling[from].into());
        div_up(bare, complement(self.fee.into())).get()
    }
}

impl Pool for BalancerStable {
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.tokens(side)?;
        if amount_in.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let out = self.out_for(from, to, amount_in)?;
        settled(self.balances[from], self.balances[to], amount_in, out)?;
        Ok(out)
    }

    /// What the vault asks for a swap given out.
    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.tokens(side)?;
        if amount_out.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let amount_in = self.in_for(from, to, amount_out)?;
        settled(self.balances[from], self.balances[to], amount_in, amount_out)?;
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
        let Ok((all, n)) = self.scaled() else { return 0.0 };
        let Ok(amp) = self.amp.at(self.time_s) else { return 0.0 };
        let Ok(d) = invariant(self.form, amp.into(), &all[..n]).and_then(Checked::get) else { return 0.0 };
        let mut balances = [0.0; MAX_TOKENS];
        for (float_of, b) in balances.iter_mut().zip(all) {
            *float_of = b.get().map_or(0.0, float);
        }
        let a = float(amp) / AMP_PRECISION as f64;
        let bare = super::super::curve::price(&balances[..n], a, float(d), from, to);
        let scale = float(self.scaling[from]) / float(self.scaling[to]);
        let out = bare * scale * (1.0 - float(self.fee) / E18 as f64);
        if out.is_finite() { out.max(0.0) } else { 0.0 }
    }

    fn gas(&self, _: Side, _: U256) -> u64 {
        80_000 + 15_000 * self.balances.len() as u64
    }
}
