//! Numbers for formulas copied from contracts: they read as in the source, and remember that the contract would revert.
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Sub};

use alloy_primitives::U256;

use super::NoQuote;

/// A uint256 as a contract with checked arithmetic has it. After a fault the value means nothing and every result that
/// uses it keeps the (first) fault: an overflow is [`NoQuote::Overflow`], a difference below zero or a division by zero
/// [`NoQuote::NoLiquidity`]. What is computed and not used must be asked for its fault with [`Checked::get`], as the
/// contract would have reverted there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked {
    value: U256,
    fault: Option<NoQuote>,
}

/// Ten to the power of 18, one in most contracts' fixed point.
pub(super) const E18: u64 = 1_000_000_000_000_000_000;

impl Checked {
    pub(super) const ZERO: Checked = Checked { value: U256::ZERO, fault: None };

    /// The value, or why the contract would have reverted.
    pub(super) fn get(self) -> Result<U256, NoQuote> {
        self.fault.map_or(Ok(self.value), Err)
    }

    /// Goes on only where nothing has gone wrong.
    pub(super) fn sound(self) -> Result<Checked, NoQuote> {
        self.get().map(|_| self)
    }

    /// A constant above 64 bits.
    pub(super) fn wide(value: u128) -> Checked {
        Checked::new(U256::from(value), None)
    }

    #[inline(always)]
    fn new(value: U256, fault: Option<NoQuote>) -> Checked {
        Checked { value, fault }
    }

    #[inline(always)]
    fn fault_or(self, other: Checked, own: Option<NoQuote>) -> Option<NoQuote> {
        self.fault.or(other.fault).or(own)
    }

    /// The absolute difference.
    pub(super) fn apart(self, other: Checked) -> Checked {
        if self > other { self - other } else { other - self }
    }

    /// The quotient rounded up.
    pub(super) fn div_up(self, by: Checked) -> Checked {
        if self.value.is_zero() { self / by } else { (self - 1) / by + 1 }
    }
}

impl From<U256> for Checked {
    fn from(value: U256) -> Checked {
        Checked::new(value, None)
    }
}

impl From<u64> for Checked {
    fn from(value: u64) -> Checked {
        Checked::new(U256::from(value), None)
    }
}

impl Add for Checked {
    type Output = Checked;
    #[inline(always)]
    fn add(self, other: Checked) -> Checked {
        let (value, over) = self.value.overflowing_add(other.value);
        Checked::new(value, self.fault_or(other, over.then_some(NoQuote::Overflow)))
    }
}

impl Sub for Checked {
    type Output = Checked;
    #[inline(always)]
    fn sub(self, other: Checked) -> Checked {
        let (value, under) = self.value.overflowing_sub(other.value);
        Checked::new(value, self.fault_or(other, under.then_some(NoQuote::NoLiquidity)))
    }
}

impl Mul for Checked {
    type Output = Checked;
    #[inline(always)]
    fn mul(self, other: Checked) -> Checked {
        // most products cannot overflow by their lengths, and the check costs more than the product
        if self.value.leading_zeros() + other.value.leading_zeros() >= 256 {
            return Checked::new(self.value.wrapping_mul(other.value), self.fault_or(other, None));
        }
        let (value, over) = self.value.overflowing_mul(other.value);
        Checked::new(value, self.fault_or(other, over.then_some(NoQuote::Overflow)))
    }
}

impl Div for Checked {
    type Output = Checked;
    #[inline(always)]
    fn div(self, by: Checked) -> Checked {
        if by.value.is_zero() {
            return Checked::new(U256::ZERO, self.fault_or(by, Some(NoQuote::NoLiquidity)));
        }
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.value.into_limbs(), by.value.into_limbs());
        let value = if a2 | a3 | b2 | b3 == 0 {
            let wide = |low: u64, high: u64| u128::from(high) << 64 | u128::from(low);
            U256::from(wide(a0, a1) / wide(b0, b1)) // the machine's own division where both fit
        } else {
            self.value / by.value
        };
        Checked::new(value, self.fault_or(by, None))
    }
}

macro_rules! with_u64 {
    ($($trait:ident $op:ident),*) => {$(
        impl $trait<u64> for Checked {
            type Output = Checked;
            #[inline(always)]
            fn $op(self, other: u64) -> Checked {
                self.$op(Checked::from(other))
            }
        }
        impl $trait<Checked> for u64 {
            type Output = Checked;
            #[inline(always)]
            fn $op(self, other: Checked) -> Checked {
                Checked::from(self).$op(other)
            }
        }
    )*};
}
with_u64!(Add add, Sub sub, Mul mul);

impl Div<u64> for Checked {
    type Output = Checked;
    #[inline(always)]
    fn div(self, by: u64) -> Checked {
        match self.value.checked_div(U256::from(by)) {
            Some(value) => Checked::new(value, self.fault),
            None => Checked::new(U256::ZERO, self.fault.or(Some(NoQuote::NoLiquidity))),
        }
    }
}

impl PartialEq for Checked {
    fn eq(&self, other: &Checked) -> bool {
        self.value == other.value
    }
}

impl PartialEq<u64> for Checked {
    fn eq(&self, other: &u64) -> bool {
        self.value == U256::from(*other)
    }
}

impl PartialOrd for Checked {
    fn partial_cmp(&self, other: &Checked) -> Option<Ordering> {
        Some(self.value.cmp(&other.value))
    }
}

impl PartialOrd<u64> for Checked {
    fn partial_cmp(&self, other: &u64) -> Option<Ordering> {
        Some(self.value.cmp(&U256::from(*other)))
    }
}

/// A number as a float, for prices that only guide a search.
pub(super) fn float(number: U256) -> f64 {
    f64::from(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_stays() {
        let most = Checked::from(U256::MAX);
        assert_eq!((most + 1).get(), Err(NoQuote::Overflow));
        assert_eq!((Checked::from(1) - 2 + most * 2).get(), Err(NoQuote::NoLiquidity));
        assert_eq!((Checked::from(1) / 0 - 5).get(), Err(NoQuote::NoLiquidity));
        assert_eq!((Checked::from(7).div_up(2.into())).get(), Ok(U256::from(4)));
        assert_eq!((Checked::ZERO.div_up(2.into())).get(), Ok(U256::ZERO));
        assert_eq!(Checked::from(3).apart(5.into()).get(), Ok(U256::from(2)));
    }
}
