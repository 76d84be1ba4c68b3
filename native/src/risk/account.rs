//! The lane's equity in one exact integer, its day, and how far it has fallen.

use crate::units::{Decimal, InstrumentSpec, Money};

use super::limits::{pow10, product};
use super::opening::DayOpening;

/// A UTC day in nanoseconds.
pub const DAY_NS: i64 = 86_400_000_000_000;

/// Equity over all instruments in units of 10^-`scale` of the quote currency, where `scale` is such that [`Money`] of
/// every instrument is a whole number: nothing is rounded, and a mark costs one multiplication.
#[derive(Clone, Debug)]
pub(super) struct Account {
    scale: u8,
    /// Of each instrument: this many units are one of its [`Money`].
    weights: Vec<i128>,
    equity: i128,
    /// Of the UTC day that ends at `day_end_ns`: highest equity, and the largest fall from it that is allowed.
    peak: i128,
    max_loss: i128,
    pub day_end_ns: i64,
    day_open: i128,
    drawdown_bps: i64,
}

impl Account {
    /// Starts with `equity` (quote currency, positive). Fails where the integers would not hold the account.
    pub fn new(specs: &[InstrumentSpec], equity: Decimal, drawdown_bps: i64) -> Result<Account, String> {
        if equity.mantissa <= 0 {
            return Err(format!("equity must be positive, not {equity}: the drawdown limit is a part of it"));
        }
        let equity = equity.normalized();
        let too_fine = || format!("equity {equity} and these ticks and lots have more digits than an account holds");
        // Money is half a tick x a lot x 10^-8 = 5 x tick x lot x 10^-9
        let unit = |s: &InstrumentSpec| {
            let u = product(s.tick, s.lot)?;
            Some(Decimal::new(u.mantissa.checked_mul(5)?, u.scale.checked_add(9)?).normalized())
        };
        let units = specs.iter().map(unit).collect::<Option<Vec<_>>>().ok_or_else(too_fine)?;
        let scale = units.iter().map(|u| u.scale).fold(equity.scale, u8::max);
        let scaled = |d: Decimal| pow10(scale - d.scale).and_then(|p| d.mantissa.checked_mul(p)).ok_or_else(too_fine);
        Ok(Account {
            scale,
            weights: units.into_iter().map(scaled).collect::<Result<_, _>>()?,
            equity: scaled(equity)?,
            peak: 0,
            max_loss: 0,
            day_end_ns: i64::MIN,
            day_open: 0,
            drawdown_bps,
        })
    }

    /// Begins the UTC day of `now_ns`. Its opening equity is the equity before anything of that day is booked.
    pub fn roll(&mut self, now_ns: i64) {
        self.day_end_ns = (now_ns.div_euclid(DAY_NS) + 1).saturating_mul(DAY_NS);
        self.begin(self.equity, self.equity);
    }

    fn begin(&mut self, day_open: i128, peak: i128) {
        (self.day_open, self.peak) = (day_open, peak);
        // floor(open x bps / 10000), split so that the product cannot overflow; a fall is a whole number, so that
        // "fall > floor(limit)" says the same as "fall > limit"
        let (whole, rest) = (day_open.div_euclid(10_000), day_open.rem_euclid(10_000));
        let bps = i128::from(self.drawdown_bps);
        self.max_loss = whole * bps + rest * bps / 10_000;
    }

    /// Books a change of instrument `at`; `None` where the account would leave the range of its integer.
    pub fn book(&mut self, at: usize, change: Money) -> Option<()> {
        self.equity = self.equity.checked_add(self.weights[at].checked_mul(change.0)?)?;
        self.peak = self.peak.max(self.equity);
        Some(())
    }

    /// The day's highest equity less the equity is more than the limit's part of the day's opening equity.
    pub fn is_drawn_down(&self) -> bool {
        match self.peak.checked_sub(self.equity) {
            Some(fall) => fall > self.max_loss,
            None => true,
        }
    }

    /// Fall from the day's peak in basis points of the opening equity, rounded up.
    pub fn drawdown_bps(&self) -> i64 {
        if self.day_open <= 0 {
            return i64::MAX;
        }
        let fall = self.peak.saturating_sub(self.equity).saturating_mul(10_000);
        i64::try_from((fall - 1).div_euclid(self.day_open) + 1).unwrap_or(i64::MAX)
    }

    pub fn equity(&self) -> Decimal {
        self.decimal(self.equity)
    }

    fn decimal(&self, units: i128) -> Decimal {
        Decimal::new(units, self.scale).normalized()
    }

    pub fn day(&self) -> Option<DayOpening> {
        (self.day_end_ns != i64::MIN).then(|| DayOpening {
            equity: self.equity(),
            peak: self.decimal(self.peak),
            day_open: self.decimal(self.day_open),
            day_end_ns: self.day_end_ns,
        })
    }

    /// Continues the day of an earlier run. Its drawdown is still counted from that day's peak.
    pub fn open_with(&mut self, day: &DayOpening) -> Result<(), String> {
        let units = |d: Decimal| {
            let d = d.normalized();
            let up = self.scale.checked_sub(d.scale).and_then(pow10).and_then(|p| d.mantissa.checked_mul(p));
            up.ok_or_else(|| format!("an equity of {d} has more digits than these ticks and lots make"))
        };
        let (equity, peak, day_open) = (units(day.equity)?, units(day.peak)?, units(day.day_open)?);
        (self.equity, self.day_end_ns) = (equity, day.day_end_ns);
        self.begin(day_open, peak);
        Ok(())
    }
}
