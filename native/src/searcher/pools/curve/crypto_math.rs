//! The invariant of crypto pools: `newton_D`, `newton_y`, `geometric_mean` and the fee's reduction, for two coins
//! (`curve-crypto-contract` `contracts/two/CurveCryptoSwap2.vy`) and three (`contracts/tricrypto/CurveCryptoMath3.vy`).
//! Newton's end is within 1e-14 here, so every rounding of the way shows in the result: the two forms differ.
use super::super::NoQuote;
use super::super::checked::{Checked, E18};

/// What A·N^N is multiplied by.
const A_MULTIPLIER: u64 = 10_000;
const E14: u64 = 100_000_000_000_000;
const E16: u64 = 10_000_000_000_000_000;
/// The most that D or a balance may be: 1e15 with 18 decimals.
const MOST: u128 = 1_000_000_000_000_000 * E18 as u128;

/// A and gamma of a block, checked as the contracts check them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// A·N^N times 10,000.
    ann: Checked,
    gamma: Checked,
}

fn require(holds: bool) -> Result<(), NoQuote> {
    if holds { Ok(()) } else { Err(NoQuote::Limit) }
}

/// The contracts' bound on what a balance is of D: from 0.01 to 100.
fn require_share(share: Checked) -> Result<(), NoQuote> {
    share.get()?;
    require(share >= E16 && share <= Checked::wide(100 * u128::from(E18)))
}

impl Shape {
    /// For a pool of `n` coins.
    pub(super) fn new(ann: Checked, gamma: Checked, n: usize) -> Result<Shape, NoQuote> {
        let (least_a, most_a, most_gamma) = match n {
            2 => (4 * A_MULTIPLIER / 10, 4 * A_MULTIPLIER * 100_000, 2 * E16),
            3 => (27 * A_MULTIPLIER / 100, 27 * A_MULTIPLIER * 1000, 5 * E16),
            _ => return Err(NoQuote::NoSuchPair),
        };
        require(ann >= least_a && ann <= most_a && gamma >= E18 / 100_000_000 && gamma <= most_gamma)?;
        Ok(Shape { ann, gamma })
    }

    /// `_g1k0` of the source: how far K0 is from 1 + gamma, plus one.
    fn g1k0(&self, k0: Checked) -> Checked {
        (self.gamma + E18).apart(k0) + 1
    }

    /// D / (A·N^N) · g1k0² / gamma².
    fn mul1(&self, d: Checked, g1k0: Checked) -> Checked {
        E18 * d / self.gamma * g1k0 / self.gamma * g1k0 * A_MULTIPLIER / self.ann
    }

    /// `newton_D`: the invariant of balances in common units.
    pub(super) fn d(&self, unsorted: &[Checked]) -> Result<Checked, NoQuote> {
        let n = unsorted.len() as u64;
        let (x, _) = sorted(unsorted, None);
        let x = &x[..unsorted.len()];
        require(x[0] >= 1_000_000_000 && x[0] <= Checked::wide(MOST))?;
        let least = if n == 2 { E14 } else { E14 / 1000 };
        for other in &x[1..] {
            let share = (*other * E18 / x[0]).sound()?;
            require(share >= least)?;
        }
        let mut d = n * geometric_mean(x)?;
        let sum = x.iter().fold(Checked::ZERO, |sum, x| sum + *x);
        for _ in 0..255 {
            let before = d;
            let k0 = if n == 2 {
                Checked::from(4 * E18) * x[0] / d * x[1] / d
            } else {
                x.iter().fold(Checked::from(E18), |k0, x| k0 * *x * n / d)
            };
            let g1k0 = self.g1k0(k0);
            let mul1 = self.mul1(d, g1k0);
            let mul2 = 2 * E18 * Checked::from(n) * k0 / g1k0;
            let slope = (sum + sum * mul2 / E18) + mul1 * n / k0 - mul2 * d / E18;
            let plus = (d * (slope + sum) / slope).sound()?;
            let mut minus = d * d / slope;
            let step = d * (mul1 / slope) / E18;
            if k0 < E18 {
                minus = minus + step * (E18 - k0) / k0;
            } else {
                minus = minus - step * (k0 - E18) / k0;
            }
            let minus = minus.sound()?;
            d = if plus > minus { plus - minus } else { (minus - plus) / 2 };
            let apart = (d.apart(before) * E14).sound()?;
            if (apart < E16) || apart < d {
                for x in x {
                    require_share(*x * E18 / d)?;
                }
                return d.sound();
            }
        }
        Err(NoQuote::NotConverged)
    }

    /// `newton_y`: the balance of coin `of` at the invariant `d` and the other balances.
    pub(super) fn y(&self, x: &[Checked], d: Checked, of: usize) -> Result<Checked, NoQuote> {
        let n = x.len() as u64;
        require(d >= E18 / 10 && d <= Checked::wide(MOST))?;
        let (others, count) = sorted(x, Some(of));
        let others = &others[..count];
        for other in others {
            other.get()?;
        }
        let (mut y, k0_i) = if n == 2 {
            let k0_i = Checked::from(2 * E18) * others[0] / d;
            k0_i.get()?;
            require(k0_i >= 2 * E16 && k0_i <= Checked::wide(200 * u128::from(E18)))?;
            (d * d / (others[0] * 4), k0_i)
        } else {
            for other in others {
                require_share(*other * E18 / d)?;
            }
            let y = others.iter().rev().fold(d / n, |y, x| y * d / (*x * n));
            (y, others.iter().fold(Checked::from(E18), |k0, x| k0 * *x * n / d))
        };
        let s_i = others.iter().fold(Checked::ZERO, |sum, x| sum + *x);
        let (a, b) = (others[0] / E14, d / E14);
        let limit = if a > b { a } else { b };
        let limit = if limit < 100 { Checked::from(100) } else { limit };
        for _ in 0..255 {
            let before = y;
            let k0 = k0_i * y * n / d;
            let sum = s_i + y;
            let g1k0 = self.g1k0(k0);
            let mul1 = self.mul1(d, g1k0);
            let mul2 = E18 + 2 * E18 * k0 / g1k0;
            let rising = (E18 * y + sum * mul2 + mul1).sound()?;
            let falling = (d * mul2).sound()?;
            if rising < falling {
                y = before / 2;
                continue;
            }
            let y_slope = rising - falling;
            let slope = y_slope / y;
            let share = mul1 / slope;
            let plus = ((y_slope + E18 * d) / slope + share * E18 / k0).sound()?;
            let minus = (share + E18 * sum / slope).sound()?;
            y = if plus < minus { before / 2 } else { plus - minus };
            let apart = y.apart(before);
            if apart < limit || apart < y / E14 {
                require_share(y * E18 / d)?;
                return y.sound();
            }
        }
        Err(NoQuote::NotConverged)
    }
}

/// The balances from high to low, without that at `except`, and how many they are.
fn sorted(x: &[Checked], except: Option<usize>) -> ([Checked; 3], usize) {
    let mut all = [Checked::ZERO; 3];
    let mut count = 0;
    for (k, value) in x.iter().enumerate() {
        if Some(k) != except && count < 3 {
            all[count] = *value;
            count += 1;
        }
    }
    all[..count].sort_by(|a, b| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal));
    (all, count)
}

/// `geometric_mean` of balances sorted from high to low.
fn geometric_mean(x: &[Checked]) -> Result<Checked, NoQuote> {
    let n = x.len() as u64;
    let mut d = x[0];
    for _ in 0..255 {
        let before = d;
        d = if n == 2 {
            (d + x[0] * x[1] / d) / 2
        } else {
            let part = x.iter().fold(Checked::from(E18), |part, x| part * *x / d);
            d * ((n - 1) * Checked::from(E18) + part) / (n * Checked::from(E18))
        }
        .sound()?;
        let apart = d.apart(before);
        if apart <= 1 || (apart * E18).sound()? < d {
            return Ok(d);
        }
    }
    Err(NoQuote::NotConverged)
}

/// How balanced the pool is, from 0 to 1e18 (`reduction_coefficient` of three coins, inside `_fee` of two).
pub(super) fn balance(xp: &[Checked], fee_gamma: Checked) -> Checked {
    let n = xp.len() as u64;
    let sum = xp.iter().fold(Checked::ZERO, |sum, x| sum + *x);
    let k = if n == 2 {
        Checked::from(4 * E18) * xp[0] / sum * xp[1] / sum
    } else {
        xp.iter().fold(Checked::from(E18), |k, x| k * n * *x / sum)
    };
    if n == 3 && fee_gamma == 0 {
        return k;
    }
    fee_gamma * E18 / (fee_gamma + E18 - k)
}

/// How much of coin `to` an infinitely small amount of coin `from` gives, without fee, in common units. Balances are
/// parts of D; `a` is A of the paper (Egorov, "Automatic market-making with dynamic peg", 2021).
pub(super) fn price(x: &[f64], a: f64, gamma: f64, from: usize, to: usize) -> f64 {
    let n = x.len() as f64;
    let product: f64 = x.iter().product();
    let k0 = product * n.powf(n);
    let sum: f64 = x.iter().sum();
    let g = 1.0 + gamma;
    let k = a * k0 * gamma * gamma / ((g - k0) * (g - k0));
    let k_slope = a * gamma * gamma * (g + k0) / (g - k0).powi(3) * k0;
    let slope = |at: f64| k + (k_slope * (sum - 1.0) + product) / at;
    slope(x[from]) / slope(x[to])
}
