//! Solidly and what came of it: pairs that are volatile (x·y) or stable (x³y + y³x), the fee taken off the input first.
//!
//! A router pays what the pair's `getAmountOut` says; the pair itself pays anything that keeps its invariant. The older
//! iteration can say a unit or more than the pair pays (its swap then reverts with "K"), so a quote here is the largest
//! amount not above `getAmountOut` that passes the pair's own check.
//! Sources: `aerodrome-finance/contracts` `contracts/Pool.sol`, Solidly's `BaseV1-core.sol`, Camelot's
//! `CamelotPair.sol`.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

use super::checked::{Checked, E18, float};
use super::inverse::smallest_input;
use super::{NoQuote, Pool, Side};

/// The curve of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// x·y.
    Volatile,
    /// x³y + y³x, the iteration of Solidly, Velodrome V1 and Camelot: it ends where y moves by at most one.
    StableOriginal,
    /// x³y + y³x, the iteration of Velodrome V2 and Aerodrome: it ends at a y that keeps the invariant.
    StableRounded,
}

/// A pair. Camelot's volatile pairs round as Uniswap V2's and are [`super::v2::V2Pool`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SolidlyPool {
    /// The curve.
    pub curve: Curve,
    /// Reserves as of the last `Sync`.
    pub reserves: [U256; 2],
    /// 10^decimals of each token.
    pub units: [U256; 2],
    /// The fee of the input, by which token goes in, of `fee_den`.
    pub fee_num: [u64; 2],
    /// Of how many parts the fee is: 10,000 at Velodrome and Aerodrome, 100,000 at Camelot.
    pub fee_den: u64,
    /// How many of `fee_den` parts of the fee leave the pair: all at Solidly, Velodrome and Aerodrome, the owner's
    /// share at Camelot (that share is as read in its source; nothing was run beside it).
    pub fee_leaves: u64,
}

/// How far below `getAmountOut` a payable amount is looked for.
const MOST_UNITS_BELOW: u64 = 8;

/// x³y + y³x as `_k` of the pairs rounds it, and `_f` of the later iteration.
fn f_rounded(x: Checked, y: Checked) -> Checked {
    (x * y / E18) * (x * x / E18 + y * y / E18) / E18
}

/// The powers that a curve and its derivative share. Integers in the sources' own order of roundings.
struct Powers {
    x_squared: Checked,
    x_cubed: Checked,
}

impl Powers {
    fn of(x: Checked) -> Powers {
        let x_squared = x * x / E18;
        Powers { x_squared, x_cubed: x_squared * x / E18 }
    }

    /// `_d`, the derivative by y.
    fn slope(&self, x: Checked, y_squared: Checked) -> Checked {
        3 * x * y_squared / E18 + self.x_cubed
    }
}

fn y_original(x: Checked, k: Checked, y: Checked) -> Result<Checked, NoQuote> {
    let powers = Powers::of(x);
    let mut y = y;
    for _ in 0..255 {
        let before = y;
        let y_squared = y * y / E18;
        let now = (x * (y_squared * y / E18) / E18 + powers.x_cubed * y / E18).sound()?;
        let step = now.apart(k) * E18 / powers.slope(x, y_squared);
        y = if now < k { y + step } else { y - step }.sound()?;
        if y.apart(before) <= 1 {
            return Ok(y);
        }
    }
    Ok(y)
}

impl SolidlyPool {
    fn tokens(side: Side) -> Result<(usize, usize), NoQuote> {
        match (side.from, side.to) {
            (0, 1) => Ok((0, 1)),
            (1, 0) => Ok((1, 0)),
            _ => Err(NoQuote::NoSuchPair),
        }
    }

    fn scaled(&self, token: usize, amount: Checked) -> Checked {
        amount * E18 / Checked::from(self.units[token])
    }

    /// `_k` of the pair, of balances by token.
    fn k(&self, balances: [Checked; 2]) -> Checked {
        match self.curve {
            Curve::Volatile => balances[0] * balances[1],
            Curve::StableOriginal | Curve::StableRounded => {
                f_rounded(self.scaled(0, balances[0]), self.scaled(1, balances[1]))
            }
        }
    }

    fn y(&self, x: Checked, k: Checked, y: Checked) -> Result<Checked, NoQuote> {
        if self.curve == Curve::StableRounded { self.y_rounded(x, k, y) } else { y_original(x, k, y) }
    }

    /// The iteration of Velodrome V2. From below, where it stops, it asks `_k` of amounts that are scaled already, so
    /// that they are scaled again, by the decimals of token 0 and 1 whichever goes in: with tokens of fewer than 18
    /// decimals that is always more, or overflows and reverts. The published source does so.
    fn y_rounded(&self, x: Checked, k: Checked, y: Checked) -> Result<Checked, NoQuote> {
        let powers = Powers::of(x);
        let mut y = y;
        for _ in 0..255 {
            let y_squared = y * y / E18;
            let now = ((x * y / E18) * (powers.x_squared + y_squared) / E18).sound()?;
            let mut step = (now.apart(k) * E18 / powers.slope(x, y_squared)).sound()?;
            if now < k {
                if step == 0 {
                    if self.k([x, y + 1]).sound()? > k {
                        return (y + 1).sound();
                    }
                    step = 1.into();
                }
                y = (y + step).sound()?;
            } else {
                if step == 0 {
                    if now == k || f_rounded(x, y - 1).sound()? < k {
                        return Ok(y);
                    }
                    step = 1.into();
                }
                y = (y - step).sound()?;
            }
        }
        Err(NoQuote::NotConverged)
    }

    fn fee(&self, from: usize, amount_in: U256) -> Checked {
        Checked::from(amount_in) * self.fee_num[from] / self.fee_den
    }

    /// `getAmountOut` of the pair: what a router asks of it.
    ///
    /// # Errors
    /// Where it would revert, or the amount is zero.
    pub fn get_amount_out(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (from, to) = Self::tokens(side)?;
        if amount_in.is_zero() {
            return Err(NoQuote::TooSmall);
        }
        let amount = (Checked::from(amount_in) - self.fee(from, amount_in)).sound()?;
        let reserves = self.reserves.map(Checked::from);
        if self.curve == Curve::Volatile {
            return (amount * reserves[to] / (reserves[from] + amount)).get();
        }
        let k = self.k(reserves).sound()?;
        let (a, b) = (self.scaled(from, reserves[from]), self.scaled(to, reserves[to]));
        let y = b - self.y(self.scaled(from, amount) + a, k, b)?;
        (y * Checked::from(self.units[to]) / E18).get()
    }

    /// Whether the pair pays this (`swap`).
    fn pays(&self, from: usize, to: usize, amount_in: U256, out: U256) -> Result<bool, NoQuote> {
        if out >= self.reserves[to] {
            return Err(NoQuote::NoLiquidity);
        }
        let before = self.reserves.map(Checked::from);
        let mut after = before;
        after[from] = after[from] + Checked::from(amount_in) - self.fee(from, amount_in);
        after[to] = after[to] - Checked::from(out);
        Ok(self.k(after).sound()? >= self.k(before).sound()?)
    }

    /// An input near that for `amount_out`: the curve backwards.
    fn guess(&self, from: usize, to: usize, amount_out: U256) -> Result<U256, NoQuote> {
        let reserves = self.reserves.map(Checked::from);
        let out = Checked::from(amount_out);
        let taken = if self.curve == Curve::Volatile {
            reserves[from] * out / (reserves[to] - out) + 1
        } else {
            let (a, b) = (self.scaled(from, reserves[from]), self.scaled(to, reserves[to]));
            let x = self.y(b - self.scaled(to, out), self.k(reserves).sound()?, a)?;
            if x <= a { Checked::from(1) } else { (x - a) * Checked::from(self.units[from]) / E18 }
        };
        (taken * self.fee_den / (Checked::from(self.fee_den) - self.fee_num[from])).get()
    }
}

impl Pool for SolidlyPool {
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let (from, to) = Self::tokens(side)?;
        let most = self.get_amount_out(side, amount_in)?;
        for below in 0..=MOST_UNITS_BELOW {
            let Some(out) = most.checked_sub(U256::from(below)) else { break };
            if self.pays(from, to, amount_in, out)? {
                return if out.is_zero() { Err(NoQuote::TooSmall) } else { Ok(out) };
            }
        }
        Err(NoQuote::NotConverged)
    }

    /// The smallest input whose output is at least this, by search: the pairs sell by input alone.
    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        let (from, to) = Self::tokens(side)?;
        if amount_out >= self.reserves[to] {
            return Err(NoQuote::NoLiquidity);
        }
        let guess = self.guess(from, to, amount_out)?;
        smallest_input(amount_out, guess, |amount_in| self.quote_in(side, amount_in))
    }

    fn apply(&mut self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let out = self.quote_in(side, amount_in)?;
        let (from, to) = Self::tokens(side)?;
        let leaves = if self.fee_leaves == self.fee_den {
            self.fee(from, amount_in)
        } else {
            let den = Checked::from(self.fee_den);
            Checked::from(amount_in) * self.fee_leaves * self.fee_num[from] / (den * den)
        };
        let after = (Checked::from(self.reserves[from]) + Checked::from(amount_in) - leaves).get()?;
        self.reserves[from] = after;
        self.reserves[to] -= out;
        Ok(out)
    }

    fn spot_price(&self, side: Side) -> f64 {
        let Ok((from, to)) = Self::tokens(side) else { return 0.0 };
        let (r_in, r_out) = (float(self.reserves[from]), float(self.reserves[to]));
        let left = 1.0 - self.fee_num[from] as f64 / self.fee_den as f64;
        let bare = if self.curve == Curve::Volatile {
            r_out / r_in
        } else {
            let (u_in, u_out) = (float(self.units[from]), float(self.units[to]));
            let (x, y) = (r_in / u_in, r_out / u_out);
            (3.0 * x * x * y + y * y * y) / (x * x * x + 3.0 * x * y * y) * u_out / u_in
        };
        let out = bare * left;
        if out.is_finite() { out.max(0.0) } else { 0.0 }
    }

    fn gas(&self, _: Side, _: U256) -> u64 {
        if self.curve == Curve::Volatile { 95_000 } else { 115_000 }
    }
}
