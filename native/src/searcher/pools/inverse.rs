//! The amount in for an amount out, where a contract offers no such function.
use alloy_primitives::U256;

use super::NoQuote;

/// How often a guess is corrected at most.
const CORRECTIONS: u32 = 3;
/// A guess that misses by fewer units of the output is good enough.
const NEAR: U256 = U256::from_limbs([4, 0, 0, 0]);

/// An amount in whose output is at least `want` while that of one unit less is not: a few corrections of `guess` by
/// what it misses at its own price, then steps that double away from it, then halving. It is the smallest such amount
/// wherever more in never gives less out. Where a contract's iteration stops early (crypto pools: at 1e-14 of D) that
/// does not hold within its error, and then it is the smallest of its neighbourhood.
///
/// # Errors
/// What `output` says at an amount too large for it, and [`NoQuote::TooSmall`] where nothing is wanted.
pub(super) fn smallest_input(
    want: U256,
    guess: U256,
    output: impl Fn(U256) -> Result<U256, NoQuote>,
) -> Result<U256, NoQuote> {
    if want.is_zero() {
        return Err(NoQuote::TooSmall);
    }
    let reaches = |amount_in: U256| match output(amount_in) {
        Ok(out) => Ok(out >= want),
        Err(NoQuote::TooSmall) => Ok(false),
        Err(other) => Err(other),
    };
    let mut low; // does not reach
    let mut high = guess.max(U256::ONE); // reaches
    for _ in 0..CORRECTIONS {
        let Ok(out) = output(high) else { break };
        let missing = out.abs_diff(want);
        let Some(by) = missing.checked_mul(high).and_then(|product| product.checked_div(out)) else { break };
        if missing < NEAR {
            break;
        }
        let corrected = if out < want { high.checked_add(by) } else { high.checked_sub(by) };
        let Some(corrected) = corrected.filter(|amount| !amount.is_zero()) else { break };
        high = corrected;
    }
    let mut step = high.checked_div(want).unwrap_or(U256::ONE).max(U256::ONE); // about a unit of the output
    if reaches(high)? {
        loop {
            low = high.saturating_sub(step);
            if low.is_zero() || !reaches(low)? {
                break;
            }
            high = low;
            step = step.saturating_mul(U256::from(2));
        }
    } else {
        loop {
            low = high;
            high = low.checked_add(step).ok_or(NoQuote::Overflow)?;
            if reaches(high)? {
                break;
            }
            step = step.saturating_mul(U256::from(2));
        }
    }
    while high - low > U256::ONE {
        let middle = low + (high - low) / U256::from(2);
        if reaches(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_guess_leads_to_the_smallest() {
        let half = |amount: U256| if amount.is_zero() { Err(NoQuote::TooSmall) } else { Ok(amount / U256::from(2)) };
        for guess in [0u64, 1, 19, 20, 21, 1 << 40] {
            assert_eq!(smallest_input(U256::from(10), U256::from(guess), half), Ok(U256::from(20)), "from {guess}");
        }
        assert_eq!(smallest_input(U256::ZERO, U256::ONE, half), Err(NoQuote::TooSmall));
        assert_eq!(smallest_input(U256::MAX, U256::ONE, half), Err(NoQuote::Overflow));
    }
}
