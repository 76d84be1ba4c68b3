//! Crypto pools of two coins (`CurveCryptoSwap2`) and three (tricrypto, tricrypto2). The later tricrypto-ng and
//! twocrypto-ng solve for y in another way and are not these.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::super::checked::{Checked, E18, float};
use super::super::inverse::smallest_input;
use super::super::{NoQuote, Pool, Side};
use super::crypto_math::{Shape, balance, price};
use super::{FEE_DENOMINATOR, Ramp};

/// A crypto pool at one block.
///
/// A swap also moves the price scale, the price oracle and D by rules that depend on profits, LP supply and time; those
/// are not followed: after [`Pool::apply`] every quote is [`NoQuote::Unknown`] until the pool is loaded again.
/// `exchange` can also revert with "Loss" where its own profit counter would fall; that too shows in simulation alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CryptoPool {
    /// `balances(i)`; two or three coins.
    pub balances: Vec<U256>,
    /// 10^(18 - decimals) of each coin.
    pub precisions: Vec<U256>,
    /// `price_scale(k)`: what a coin is worth of coin 0, times 1e18; one fewer than coins.
    pub price_scale: Vec<U256>,
    /// `D()`; not used while A moves.
    pub d: U256,
    /// A·N^N times 10,000, as `A()` says.
    pub amp: Ramp,
    /// `gamma()`, of 1e18; its times are those of `amp` (`initial_A_gamma_time`, `future_A_gamma_time`).
    pub gamma: Ramp,
    /// `mid_fee()`, of 1e10.
    pub mid_fee: U256,
    /// `out_fee()`, of 1e10.
    pub out_fee: U256,
    /// `fee_gamma()`, of 1e18.
    pub fee_gamma: U256,
    /// Timestamp of the block that quotes are for, Unix seconds; only a moving A depends on it.
    pub time_s: u64,
    /// A swap was applied since the state was loaded: nothing is known.
    #[serde(default)]
    pub moved: bool,
}

/// A pool at a time: everything a swap needs but its amount.
struct At {
    xp: [Checked; 3],
    n: usize,
    shape: Shape,
    d: Checked,
}

/// A ramp as crypto pools round it (`_A_gamma`): weighted by the times on both sides.
fn ramped(ramp: &Ramp, time_s: u64) -> Result<Checked, NoQuote> {
    if time_s >= ramp.future_time_s {
        return Ok(ramp.future.into());
    }
    let whole = Checked::from(ramp.future_time_s) - ramp.initial_time_s;
    let passed = Checked::from(time_s) - ramp.initial_time_s;
    ((Checked::from(ramp.initial) * (whole - passed) + Checked::from(ramp.future) * passed) / whole).sound()
}

impl CryptoPool {
    fn coins(&self, side: Side) -> Result<(usize, usize), NoQuote> {
        let (from, to) = (usize::from(side.from), usize::from(side.to));
        let n = self.balances.len();
        let known = (2..=3).contains(&n) && self.precisions.len() == n && self.price_scale.len() + 1 == n;
        if known && from != to && from < n && to < n { Ok((from, to)) } else { Err(NoQuote::NoSuchPair) }
    }

    /// The worth of a coin's smallest unit times 1e18, but without coin 0's detour over it.
    fn worth(&self, coin: usize, amount: Checked) -> Checked {
        let precision = Checked::from(self.precisions[coin]);
        if coin == 0 {
            return amount * precision;
        }
        amount * Checked::from(self.price_scale[coin - 1]) * precision / E18
    }

    fn units(&self, coin: usize, worth: Checked) -> Checked {
        let scaled = if coin == 0 { worth } else { worth * E18 / Checked::from(self.price_scale[coin - 1]) };
        scaled / Checked::from(self.precisions[coin])
    }

    fn at(&self) -> Result<At, NoQuote> {
        if self.moved {
            return Err(NoQuote::Unknown);
        }
        let n = self.balances.len();
        let shape = Shape::new(ramped(&self.amp, self.time_s)?, ramped(&self.gamma, self.time_s)?, n)?;
        let mut xp = [Checked::ZERO; 3];
        for (coin, x) in xp[..n].iter_mut().enumerate() {
            *x = self.worth(coin, self.balances[coin].into()).sound()?;
        }
        let d = if self.amp.future_time_s > 0 { shape.d(&xp[..n])? } else { self.d.into() };
        Ok(At { xp, n, shape, d })
    }

    fn fee(&self, xp: &[Checked]) -> Checked {
        let f = balance(xp, self.fee_gamma.into());
        (Checked::from(self.mid_fee) * f + Checked::from(self.out_fee) * (E18 - f)) / E18
    }

    fn exchange(&self, at: &At, from: usize, to: usize, amount_in: U256) -> Result<U256, NoQuote> {
        if amount_in.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let mut xp = at.xp;
        let xp = &mut xp[..at.n];
        xp[from] = self.worth(from, Checked::from(self.balances[from]) + Checked::from(amount_in)).sound()?;
        let y = at.shape.y(xp, at.d, to)?;
        if xp[to] < y + 1 {
            return Err(NoQuote::TooSmall);
        }
        let dy = self.units(to, xp[to] - y - 1);
        xp[to] = y;
        let out = dy - self.fee(xp) * dy / FEE_DENOMINATOR;
        (Checked::from(self.balances[to]) - out).get()?;
        out.get()
    }

    /// An input near that for `amount_out`: the curve backwards, with the fee of the pool as it stands.
    fn guess(&self, at: &At, from: usize, to: usize, amount_out: U256) -> Result<U256, NoQuote> {
        let fee = self.fee(&at.xp[..at.n]);
        let before_fee = Checked::from(amount_out) * FEE_DENOMINATOR / (FEE_DENOMINATOR - fee) + 1;
        let mut xp = at.xp;
        let xp = &mut xp[..at.n];
        xp[to] = (xp[to] - self.worth(to, before_fee)).sound()?;
        let x = at.shape.y(xp, at.d, from)?;
        if x <= at.xp[from] { Ok(U256::ONE) } else { self.units(from, x - at.xp[from]).get() }
    }
}

impl Pool for CryptoPool {
    /// What `exchange` pays; the view `get_dy` says the same.
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.coins(side)?;
        self.exchange(&self.at()?, from, to, amount_in)
    }

    /// The smallest input whose output is at least this, by search: the pools sell by input alone.
    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.coins(side)?;
        let at = self.at()?;
        if amount_out >= self.balances[to] {
            return Err(NoQuote::NoLiquidity);
        }
        let guess = self.guess(&at, from, to, amount_out)?;
        smallest_input(amount_out, guess, |amount_in| self.exchange(&at, from, to, amount_in))
    }

    /// As [`Pool::quote_in`]; the balances are those after, all else is unknown until the pool is loaded again.
    fn apply(&mut self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (from, to) = self.coins(side)?;
        let out = self.exchange(&self.at()?, from, to, amount_in)?;
        self.balances[from] += amount_in;
        self.balances[to] -= out;
        self.moved = true;
        Ok(out)
    }

    fn spot_price(&self, side: Side) -> f64 {
        let Ok((from, to)) = self.coins(side) else { return 0.0 };
        let Ok(at) = self.at() else { return 0.0 };
        let Ok(fee) = self.fee(&at.xp[..at.n]).get() else { return 0.0 };
        let (Ok(amp), Ok(gamma), Ok(d)) =
            (ramped(&self.amp, self.time_s), ramped(&self.gamma, self.time_s), at.d.get())
        else {
            return 0.0;
        };
        let mut x = [0.0; 3];
        for (part, balance) in x.iter_mut().zip(at.xp) {
            *part = balance.get().map_or(0.0, float) / float(d);
        }
        let n = at.n as i32;
        let a = amp.get().map_or(0.0, float) / 10_000.0 / f64::from(n).powi(n);
        let bare = price(&x[..at.n], a, gamma.get().map_or(0.0, float) / 1e18, from, to);
        let worth = |coin: usize| {
            let scale = if coin == 0 { 1e18 } else { float(self.price_scale[coin - 1]) };
            scale * float(self.precisions[coin])
        };
        let out = bare * worth(from) / worth(to) * (1.0 - float(fee) / FEE_DENOMINATOR as f64);
        if out.is_finite() { out.max(0.0) } else { 0.0 }
    }

    fn gas(&self, _: Side, _: U256) -> u64 {
        180_000 + 60_000 * self.balances.len() as u64
    }
}
