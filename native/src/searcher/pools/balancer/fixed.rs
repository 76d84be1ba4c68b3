//! Numbers with 18 decimals: `pkg/solidity-utils/contracts/math/FixedPoint.sol`.
use super::super::NoQuote;
use super::super::checked::{Checked, E18};
use super::log_exp;
use super::weighted::PowVersion;

pub(super) fn mul_down(a: Checked, b: Checked) -> Checked {
    a * b / E18
}

pub(super) fn mul_up(a: Checked, b: Checked) -> Checked {
    (a * b).div_up(E18.into())
}

pub(super) fn div_down(a: Checked, b: Checked) -> Checked {
    a * E18 / b
}

pub(super) fn div_up(a: Checked, b: Checked) -> Checked {
    (a * E18).div_up(b)
}

/// 1 - x, but not below 0.
pub(super) fn complement(x: Checked) -> Checked {
    if x < E18 { E18 - x } else { Checked::ZERO }
}

/// x^y, not below the true value.
pub(super) fn pow_up(x: Checked, y: Checked, version: PowVersion) -> Result<Checked, NoQuote> {
    if version == PowVersion::V2 {
        if y == E18 {
            return Ok(x);
        }
        if y == 2 * E18 {
            return Ok(mul_up(x, x));
        }
        if y == 4 * E18 {
            let square = mul_up(x, x);
            return Ok(mul_up(square, square));
        }
    }
    let raw = Checked::from(log_exp::pow(x.get()?, y.get()?)?);
    let most_error = mul_up(raw, Checked::from(10_000)) + 1; // 1e-14
    Ok(raw + most_error)
}
