//! Integers for money. Prices are [`Ticks`], quantities are [`Lots`], values are [`Money`]; all are parsed from
//! digits and printed to digits, never through a float.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A price as a whole number of the instrument's tick size.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Ticks(pub i64);

/// A quantity as a whole number of the instrument's lot size; signed where it is a position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Lots(pub i64);

/// A value of one instrument in units of half a tick × one lot × 10⁻⁸.
///
/// Half a tick, so that a mid is a whole number; 10⁻⁸, so that a fee rate written with eight decimals is applied
/// without rounding. Nothing in the ledger is therefore ever rounded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Money(pub i128);

/// Fee rates are integers of 10⁻⁸ (so 0.02 % is 20 000); negative is a rebate.
pub const RATE_ONE: i64 = 100_000_000;

impl Money {
    /// Value of `qty` at `half_ticks` (twice a price in ticks, or bid + ask for a mid).
    #[must_use]
    pub fn of(half_ticks: i64, qty: Lots) -> Money {
        Money(i128::from(half_ticks) * i128::from(qty.0) * i128::from(RATE_ONE))
    }

    /// `rate_e8` (10⁻⁸) of the value of `qty` at `px`: exact, nothing is rounded.
    #[must_use]
    pub fn fee(px: Ticks, qty: Lots, rate_e8: i64) -> Money {
        Money(2 * i128::from(px.0) * i128::from(qty.0) * i128::from(rate_e8))
    }
}

impl std::ops::Add for Money {
    type Output = Money;
    fn add(self, o: Money) -> Money {
        Money(self.0 + o.0)
    }
}
impl std::ops::Sub for Money {
    type Output = Money;
    fn sub(self, o: Money) -> Money {
        Money(self.0 - o.0)
    }
}
impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, o: Money) {
        self.0 += o.0;
    }
}
impl std::ops::SubAssign for Money {
    fn sub_assign(&mut self, o: Money) {
        self.0 -= o.0;
    }
}
impl std::ops::Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}

/// Why digits are not a number of the instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnitError {
    /// Not of the form `[-]digits[.digits]`.
    NotDigits,
    /// More digits than the integers hold.
    TooLarge,
    /// Not a whole multiple of the step (tick or lot).
    OffGrid,
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UnitError::NotDigits => "is not a decimal number",
            UnitError::TooLarge => "has more digits than fit",
            UnitError::OffGrid => "is not a whole multiple of the step",
        })
    }
}
impl std::error::Error for UnitError {}

/// An exact decimal: `mantissa × 10^-scale`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decimal {
    pub mantissa: i128,
    pub scale: u8,
}

const POW10: [i128; 39] = {
    let mut table = [1i128; 39];
    let mut i = 1;
    while i < 39 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

impl Decimal {
    pub const ZERO: Decimal = Decimal::new(0, 0);

    #[must_use]
    pub const fn new(mantissa: i128, scale: u8) -> Decimal {
        Decimal { mantissa, scale }
    }

    /// Parses `[-]digits[.digits]`, at most 36 digits.
    pub fn parse(text: &[u8]) -> Result<Decimal, UnitError> {
        let (negative, digits) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let (mut mantissa, mut scale, mut seen_dot, mut n) = (0i128, 0u8, false, 0usize);
        for &c in digits {
            match c {
                b'0'..=b'9' => {
                    n += 1;
                    if n > 36 {
                        return Err(UnitError::TooLarge);
                    }
                    mantissa = mantissa * 10 + i128::from(c - b'0');
                    scale += u8::from(seen_dot);
                }
                b'.' if !seen_dot => seen_dot = true,
                _ => return Err(UnitError::NotDigits),
            }
        }
        if n == 0 {
            return Err(UnitError::NotDigits);
        }
        Ok(Decimal { mantissa: if negative { -mantissa } else { mantissa }, scale })
    }

    /// The same number without trailing zeros in its fraction.
    #[must_use]
    pub fn normalized(self) -> Decimal {
        let mut d = self;
        while d.scale > 0 && d.mantissa % 10 == 0 {
            d.mantissa /= 10;
            d.scale -= 1;
        }
        d
    }

    /// Exact product.
    #[must_use]
    pub fn times(self, k: i128) -> Decimal {
        Decimal { mantissa: self.mantissa * k, scale: self.scale }
    }

    /// Exact product of two decimals.
    #[must_use]
    pub fn product(self, o: Decimal) -> Decimal {
        Decimal { mantissa: self.mantissa * o.mantissa, scale: self.scale + o.scale }
    }

    /// Whole multiples of `step` in this number; [`UnitError::OffGrid`] unless exact. `step` must be positive.
    pub fn steps_of(self, step: Decimal) -> Result<i64, UnitError> {
        let scale = self.scale.max(step.scale);
        let up = |d: Decimal| {
            POW10.get(usize::from(scale - d.scale)).and_then(|p| d.mantissa.checked_mul(*p)).ok_or(UnitError::TooLarge)
        };
        let (num, den) = (up(self)?, up(step)?);
        if den <= 0 || num % den != 0 {
            return Err(UnitError::OffGrid);
        }
        i64::try_from(num / den).map_err(|_| UnitError::TooLarge)
    }

    /// Whole multiples of `step` in this number, rounded towards zero; at most `i64::MAX`, and 0 for a step that is
    /// not positive.
    #[must_use]
    pub fn floor_steps(self, step: Decimal) -> i64 {
        let scale = self.scale.max(step.scale);
        let up = |d: Decimal| POW10.get(usize::from(scale - d.scale)).and_then(|p| d.mantissa.checked_mul(*p));
        match (up(self), up(step)) {
            (Some(num), Some(den)) if den > 0 => i64::try_from(num / den).unwrap_or(i64::MAX),
            (None, Some(_)) => i64::MAX,
            _ => 0,
        }
    }

    /// `floor(self × 10^decimals)`: rounds towards minus infinity.
    #[must_use]
    pub fn floor_scaled(self, decimals: u8) -> i128 {
        if self.scale <= decimals {
            self.mantissa * POW10[usize::from(decimals - self.scale)]
        } else {
            self.mantissa.div_euclid(POW10[usize::from(self.scale - decimals)])
        }
    }

    /// For statistics and charts only: never feeds a decision on money.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.mantissa as f64 / POW10[usize::from(self.scale)] as f64
    }
}

impl fmt::Display for Decimal {
    /// Digits with exactly `scale` decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let one = POW10[usize::from(self.scale)];
        let (whole, frac) = (self.mantissa.abs() / one, self.mantissa.abs() % one);
        if self.scale == 0 {
            write!(f, "{sign}{whole}")
        } else {
            write!(f, "{sign}{whole}.{frac:0width$}", width = usize::from(self.scale))
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Decimal {
    /// From a string of digits; a JSON number is refused, because it may have passed through a float.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Decimal, D::Error> {
        let text = String::deserialize(d)?;
        Decimal::parse(text.as_bytes()).map_err(|e| serde::de::Error::custom(format!("{text:?} {e}")))
    }
}

/// What an instrument's integers mean, and what the venue takes for a trade in it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct InstrumentSpec {
    /// The venue's symbol, upper case.
    pub symbol: String,
    /// Price step, quote currency.
    pub tick: Decimal,
    /// Quantity step, base currency.
    pub lot: Decimal,
    /// 10⁻⁸ of the traded value; negative is a rebate.
    pub maker_fee_e8: i64,
    /// 10⁻⁸ of the traded value.
    pub taker_fee_e8: i64,
}

impl InstrumentSpec {
    #[must_use]
    pub fn price(&self, px: Ticks) -> Decimal {
        self.tick.times(i128::from(px.0))
    }
    #[must_use]
    pub fn quantity(&self, qty: Lots) -> Decimal {
        self.lot.times(i128::from(qty.0))
    }
    /// [`Money`] in quote currency, exactly.
    #[must_use]
    pub fn value(&self, m: Money) -> Decimal {
        // half a tick × a lot × 10⁻⁸ = 5 × tick × lot × 10⁻⁹
        let unit = self.tick.product(self.lot);
        Decimal { mantissa: unit.mantissa * 5 * m.0, scale: unit.scale + 9 }.normalized()
    }
    /// [`Money`] in 10⁻⁸ of the quote currency, rounded towards minus infinity (against us).
    #[must_use]
    pub fn value_e8(&self, m: Money) -> i128 {
        self.value(m).floor_scaled(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(s: &str) -> Decimal {
        Decimal::parse(s.as_bytes()).unwrap()
    }

    #[test]
    fn digits_round_trip() {
        for s in ["0", "61659.70", "0.00001", "-12.5", "123456789012345678901234567890"] {
            assert_eq!(d(s).to_string(), s);
        }
        for s in ["", "-", ".", "1e5", "1.2.3", "NaN", " 1", "+1"] {
            assert_eq!(Decimal::parse(s.as_bytes()), Err(UnitError::NotDigits), "{s:?}");
        }
        assert_eq!(Decimal::parse(&[b'9'; 40]), Err(UnitError::TooLarge));
    }

    #[test]
    fn steps_are_exact_or_refused() {
        assert_eq!(d("61659.70").steps_of(d("0.1")), Ok(616_597));
        assert_eq!(d("61659.75").steps_of(d("0.1")), Err(UnitError::OffGrid));
        assert_eq!(d("61659.75").steps_of(d("0.25")), Ok(246_639));
        assert_eq!(d("1").steps_of(d("0")), Err(UnitError::OffGrid));
    }

    #[test]
    fn money_is_not_rounded() {
        let spec = InstrumentSpec {
            symbol: "BTCUSDT".into(),
            tick: d("0.1"),
            lot: d("0.001"),
            maker_fee_e8: 20_000,
            taker_fee_e8: 50_000,
        };
        // 0.001 BTC at 61659.7: 61.6597 USDT; 0.02 % of it: 0.01233194
        assert_eq!(spec.value(Money::of(2 * 616_597, Lots(1))).to_string(), "61.6597");
        assert_eq!(spec.value(Money::fee(Ticks(616_597), Lots(1), 20_000)).to_string(), "0.01233194");
        assert_eq!(spec.value_e8(-Money::fee(Ticks(616_597), Lots(1), 1)), -62); // -0.0000006166 floors
    }
}
