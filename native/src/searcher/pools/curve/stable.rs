//! Stable pools, and metapools between their coin and the base pool's LP token.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::super::checked::{Checked, E18, float};
use super::super::inverse::smallest_input;
use super::super::{NoQuote, Pool, Side};
use super::stable_math::{MAX_COINS, price};
use super::{FEE_DENOMINATOR, Invariant, Ramp};

/// In what order a pool's view `get_dy` takes the fee and returns to the coin's units; `exchange` is the same in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Units first, then the fee (3pool).
    UnitsFirst,
    /// The fee first: the view is what `exchange` pays (later pools).
    FeeFirst,
}

/// A stable pool. A metapool is one of two coins, the second the base pool's LP token whose rate is the base's virtual
/// price; a pool of lending tokens has their exchange rates in `rates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StablePool {
    /// The contract's integer form.
    pub invariant: Invariant,
    /// How its view rounds.
    pub view: View,
    /// `balances(i)`, admin fees not in them.
    pub balances: Vec<U256>,
    /// What a smallest unit of each coin is worth in common units of 1e-18, times 1e18: 1e(36 - decimals), times the
    /// coin's own rate over 1e18 where it has one.
    pub rates: Vec<U256>,
    /// A, in the form's precision.
    pub amp: Ramp,
    /// `fee()`, of 1e10.
    pub fee: U256,
    /// `admin_fee()`, of 1e10 of the fee.
    pub admin_fee: U256,
    /// `offpeg_fee_multiplier()` of pools whose fee grows away from balance (stableswap-ng), of 1e10; 0 where there is
    /// none.
    #[serde(default)]
    pub offpeg_fee_multiplier: U256,
    /// Timestamp of the block that quotes are for, Unix seconds; only a moving A depends on it.
    pub time_s: u64,
}

/// A pool at a time: everything a swap needs but its amount.
struct At {
    xp: [Checked; MAX_COINS],
    n: usize,
    amp: Checked,
    d: Checked,
}

/// A swap before its amounts leave common units.
struct Swap {
    /// The output before its fee.
    dy: Checked,
    /// The fee, of 1e10.
    fee: Checked,
}

impl StablePool {
    fn coins(&self, side: Side) -> Result<(usize, usize), NoQuote> {
        let (from, to) = (usize::from(side.from), usize::from(side.to));
        let n = self.balances.len();
        let known = (2..=MAX_COINS).contains(&n) && self.rates.len() == n;
        if known && from != to && from < n && to < n { Ok((from, to)) } else { Err(NoQuote::NoSuchPair) }
    }

    fn xp(&self) -> Result<([Checked; MAX_COINS], usize), NoQuote> {
        if self.balances.len() > MAX_COINS {
            return Err(NoQuote::NoSuchPair);
        }
        let mut xp = [Checked::ZERO; MAX_COINS];
        for ((x, balance), rate) in xp.iter_mut().zip(&self.balances).zip(&self.rates) {
            *x = (Checked::from(*rate) * Checked::from(*balance) / E18).sound()?;
        }
        Ok((xp, self.balances.len()))
    }

    fn at(&self) -> Result<At, NoQuote> {
        let (xp, n) = self.xp()?;
        let amp = Checked::from(self.amp.at(self.time_s)?);
        let d = self.invariant.d(&xp[..n], amp)?;
        Ok(At { xp, n, amp, d })
    }

    fn swap(&self, at: &At, from: usize, to: usize, amount_in: U256) -> Result<Swap, NoQuote> {
        if amount_in.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let At { xp, n, amp, d } = at;
        let x = xp[from] + Checked::from(amount_in) * Checked::from(self.rates[from]) / E18;
        let y = self.invariant.y(from, to, x, &xp[..*n], *amp, *d)?;
        if xp[to] < y + 1 {
            return Err(NoQuote::TooSmall);
        }
        let fee = self.fee_between((xp[from] + x) / 2, (xp[to] + y) / 2);
        Ok(Swap { dy: xp[to] - y - 1, fee })
    }

    /// `_dynamic_fee` of stableswap-ng, or the fee.
    fn fee_between(&self, xpi: Checked, xpj: Checked) -> Checked {
        let (fee, multiplier) = (Checked::from(self.fee), Checked::from(self.offpeg_fee_multiplier));
        if multiplier <= FEE_DENOMINATOR {
            return fee;
        }
        let sum = xpi + xpj;
        multiplier * fee / ((multiplier - FEE_DENOMINATOR) * 4 * xpi * xpj / (sum * sum) + FEE_DENOMINATOR)
    }

    fn units(&self, coin: usize, amount: Checked) -> Checked {
        amount * E18 / Checked::from(self.rates[coin])
    }

    /// Amount out and admin fee of `exchange`.
    fn exchange(&self, at: &At, from: usize, to: usize, amount_in: U256) -> Result<(U256, U256), NoQuote> {
        let Swap { dy, fee } = self.swap(at, from, to, amount_in)?;
        let dy_fee = dy * fee / FEE_DENOMINATOR;
        let out = self.units(to, dy - dy_fee).get()?;
        let admin = self.units(to, dy_fee * Checked::from(self.admin_fee) / FEE_DENOMINATOR).get()?;
        let left = Checked::from(self.balances[to]) - Checked::from(out) - Checked::from(admin);
        (Checked::from(self.balances[from]) + Checked::from(amount_in)).get()?;
        left.get()?;
        Ok((out, admin))
    }

    /// D, the worth of all balances as if the pool were balanced, in common units of 1e-18.
    ///
    /// # Errors
    /// Where the contract would revert.
    pub fn invariant(&self) -> Result<U256, NoQuote> {
        self.at()?.d.get()
    }

    /// What the contract's view `get_dy` says.
    ///
    /// # Errors
    /// Where it would revert.
    pub fn get_dy(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.coins(side)?;
        let Swap { dy, fee } = self.swap(&self.at()?, from, to, amount_in)?;
        match self.view {
            View::UnitsFirst => {
                let dy = self.units(to, dy);
                (dy - fee * dy / FEE_DENOMINATOR).get()
            }
            View::FeeFirst => self.units(to, dy - fee * dy / FEE_DENOMINATOR).get(),
        }
    }

    /// An input near that for `amount_out`: the curve backwards, with the fee of the pool as it stands.
    fn guess(&self, at: &At, from: usize, to: usize, amount_out: U256) -> Result<U256, NoQuote> {
        let At { xp, n, amp, d } = at;
        let out = Checked::from(amount_out) * Checked::from(self.rates[to]) / E18;
        let fee = self.fee_between(xp[from], xp[to]);
        let y = (xp[to] - (out * FEE_DENOMINATOR / (FEE_DENOMINATOR - fee) + 1)).sound()?;
        let x = self.invariant.y(to, from, y, &xp[..*n], *amp, *d)?;
        if x <= xp[from] {
            return Ok(U256::ONE);
        }
        self.units(from, x - xp[from]).get()
    }
}

impl Pool for StablePool {
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.coins(side)?;
        Ok(self.exchange(&self.at()?, from, to, amount_in)?.0)
    }

    /// The smallest input whose output is at least this, by search: the pools sell by input alone (the views `get_dx`
    /// of later ones are approximate).
    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.coins(side)?;
        if amount_out >= self.balances[to] {
            return Err(NoQuote::NoLiquidity);
        }
        let at = self.at()?;
        let guess = self.guess(&at, from, to, amount_out)?;
        smallest_input(amount_out, guess, |amount_in| Ok(self.exchange(&at, from, to, amount_in)?.0))
    }

    fn apply(&mut self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.coins(side)?;
        let (out, admin) = self.exchange(&self.at()?, from, to, amount_in)?;
        self.balances[from] += amount_in;
        self.balances[to] -= out + admin;
        Ok(out)
    }

    fn spot_price(&self, side: Side) -> f64 {
        let Ok((from, to)) = self.coins(side) else { return 0.0 };
        let Ok(At { xp, n, amp, d }) = self.at() else { return 0.0 };
        let (Ok(amp), Ok(d)) = (amp.get(), d.get()) else { return 0.0 };
        let Ok(fee) = self.fee_between(xp[from], xp[to]).get() else { return 0.0 };
        let mut balances = [0.0; MAX_COINS];
        for (float_of, x) in balances.iter_mut().zip(xp) {
            *float_of = x.get().map_or(0.0, float);
        }
        let bare = price(&balances[..n], self.invariant.a_of(float(amp)), float(d), from, to);
        let out = bare * float(self.rates[from]) / float(self.rates[to]) * (1.0 - float(fee) / FEE_DENOMINATOR as f64);
        if out.is_finite() { out.max(0.0) } else { 0.0 }
    }

    fn gas(&self, _: Side, _: U256) -> u64 {
        90_000 + 20_000 * self.balances.len() as u64
    }
}
