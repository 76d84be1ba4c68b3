//! The StableSwap invariant in the integer forms that pools have (`get_D`, `get_y`).
use serde::{Deserialize, Serialize};

use super::super::NoQuote;
use super::super::checked::Checked;

/// The most coins a pool has.
pub(super) const MAX_COINS: usize = 8;

/// How a pool's contract computes the invariant: what is rounded when, and in what precision A is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invariant {
    /// A as it is; the iterations give their last value where they do not end. `curve-contract`
    /// `contracts/pools/3pool/StableSwap3Pool.vy`.
    Original,
    /// A times 100; the iterations revert where they do not end. `curve-contract`
    /// `contracts/pool-templates/base/SwapTemplateBase.vy` and its metapool.
    Precise,
    /// A times 100; the product of the balances is divided by N^N at the end. `stableswap-ng`
    /// `contracts/main/CurveStableSwapNG.vy`.
    Ng,
}

impl Invariant {
    fn a_precision(self) -> u64 {
        match self {
            Invariant::Original => 1,
            Invariant::Precise | Invariant::Ng => 100,
        }
    }

    /// A as the factor the curve has (A·n^(n-1) of the paper).
    pub(super) fn a_of(self, amp: f64) -> f64 {
        amp / self.a_precision() as f64
    }

    /// D of balances in common units (`get_D`). `amp` is A in the pool's precision.
    pub(super) fn d(self, xp: &[Checked], amp: Checked) -> Result<Checked, NoQuote> {
        let n = xp.len() as u64;
        let precision = self.a_precision();
        let sum = xp.iter().fold(Checked::ZERO, |sum, x| sum + *x).sound()?;
        if sum == 0 {
            return Ok(sum);
        }
        let ann = amp * n;
        let n_to_n = n.pow(n as u32); // at most 8^8
        let mut d = sum;
        for _ in 0..255 {
            let mut d_p = d;
            match self {
                Invariant::Original | Invariant::Precise => {
                    for x in xp {
                        d_p = d_p * d / (*x * n);
                    }
                }
                Invariant::Ng => {
                    for x in xp {
                        d_p = d_p * d / *x;
                    }
                    d_p = d_p / n_to_n;
                }
            }
            let before = d;
            d = match self {
                Invariant::Original => (ann * sum + d_p * n) * d / ((ann - 1) * d + (n + 1) * d_p),
                Invariant::Precise | Invariant::Ng => {
                    (ann * sum / precision + d_p * n) * d / ((ann - precision) * d / precision + (n + 1) * d_p)
                }
            }
            .sound()?;
            if d.apart(before) <= 1 {
                return Ok(d);
            }
        }
        self.last(d)
    }

    /// The balance of coin `to` when that of coin `from` is `x`, at an unchanged D (`get_y`).
    pub(super) fn y(
        self,
        from: usize,
        to: usize,
        x: Checked,
        xp: &[Checked],
        amp: Checked,
        d: Checked,
    ) -> Result<Checked, NoQuote> {
        let n = xp.len() as u64;
        let precision = self.a_precision();
        let ann = amp * n;
        let mut c = d;
        let mut sum = Checked::ZERO;
        for (k, balance) in xp.iter().enumerate() {
            if k == to {
                continue;
            }
            let balance = if k == from { x } else { *balance };
            sum = sum + balance;
            c = c * d / (balance * n);
        }
        let (c, b) = match self {
            Invariant::Original => (c * d / (ann * n), sum + d / ann),
            Invariant::Precise | Invariant::Ng => (c * d * precision / (ann * n), sum + d * precision / ann),
        };
        let mut y = d;
        for _ in 0..255 {
            let before = y;
            y = ((y * y + c) / (2 * y + b - d)).sound()?;
            if y.apart(before) <= 1 {
                return Ok(y);
            }
        }
        self.last(y)
    }

    /// What a contract does after 255 rounds.
    fn last(self, value: Checked) -> Result<Checked, NoQuote> {
        match self {
            Invariant::Original => Ok(value),
            Invariant::Precise | Invariant::Ng => Err(NoQuote::NotConverged),
        }
    }
}

/// How much of coin `to` an infinitely small amount of coin `from` gives, without fee; `a` is A·n^(n-1) of the paper.
pub(in super::super) fn price(xp: &[f64], a: f64, d: f64, from: usize, to: usize) -> f64 {
    let n = xp.len() as f64;
    let k = xp.iter().fold(d, |k, x| k * d / (x * n));
    let slope = |x: f64| a * n + k / x;
    slope(xp[from]) / slope(xp[to])
}
