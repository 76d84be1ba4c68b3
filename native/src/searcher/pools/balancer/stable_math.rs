//! The StableSwap invariant as Balancer rounds it: `pkg/pool-stable/contracts/StableMath.sol`.
use serde::{Deserialize, Serialize};

use super::super::NoQuote;
use super::super::checked::Checked;

/// What A is multiplied by.
pub(super) const AMP_PRECISION: u64 = 1000;

/// How the invariant of a swap is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StableForm {
    /// Up (the stable pool factory of June 2021, and the metastable pools of that year).
    RoundsUp,
    /// Down, as Curve's (stable pools of 2022, composable stable pools).
    RoundsDown,
}

/// D of scaled balances.
pub(super) fn invariant(form: StableForm, amp: Checked, balances: &[Checked]) -> Result<Checked, NoQuote> {
    let n = balances.len() as u64;
    let sum = balances.iter().fold(Checked::ZERO, |sum, b| sum + *b).sound()?;
    if sum == 0 {
        return Ok(sum);
    }
    let total = amp * n;
    let mut d = sum;
    for _ in 0..255 {
        let before = d;
        d = match form {
            StableForm::RoundsUp => up(total, sum, d, balances),
            StableForm::RoundsDown => down(total, sum, d, balances),
        }
        .sound()?;
        if d.apart(before) <= 1 {
            return Ok(d);
        }
    }
    Err(NoQuote::NotConverged)
}

fn up(total: Checked, sum: Checked, d: Checked, balances: &[Checked]) -> Checked {
    let n = balances.len() as u64;
    let first = balances[0] * n;
    let p_d = balances[1..].iter().fold(first, |p_d, b| (p_d * *b * n).div_up(d));
    let above = n * d * d + (total * sum * p_d).div_up(AMP_PRECISION.into());
    let below = (n + 1) * d + (total - AMP_PRECISION) * p_d / AMP_PRECISION;
    above.div_up(below)
}

fn down(total: Checked, sum: Checked, d: Checked, balances: &[Checked]) -> Checked {
    let n = balances.len() as u64;
    let d_p = balances.iter().fold(d, |d_p, b| d_p * d / (*b * n));
    (total * sum / AMP_PRECISION + d_p * n) * d / ((total - AMP_PRECISION) * d / AMP_PRECISION + (n + 1) * d_p)
}

/// The balance of a token at the invariant `d` and the other balances, rounded up
/// (`_getTokenBalanceGivenInvariantAndAllOtherBalances`).
pub(super) fn balance(amp: Checked, balances: &[Checked], d: Checked, token: usize) -> Result<Checked, NoQuote> {
    let n = balances.len() as u64;
    let total = amp * n;
    let p_d = balances[1..].iter().fold(balances[0] * n, |p_d, b| p_d * *b * n / d);
    let sum = balances.iter().fold(Checked::ZERO, |sum, b| sum + *b) - balances[token];
    let squared = d * d;
    let c = squared.div_up(total * p_d) * AMP_PRECISION * balances[token];
    let b = sum + d / total * AMP_PRECISION;
    let mut y = (squared + c).div_up(d + b).sound()?;
    for _ in 0..255 {
        let before = y;
        y = (y * y + c).div_up(y * 2 + b - d).sound()?;
        if y.apart(before) <= 1 {
            return Ok(y);
        }
    }
    Err(NoQuote::NotConverged)
}
