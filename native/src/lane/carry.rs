//! What a lane carries from run to run: the lines that it keeps of its fills, and what their sum is when it starts again.
//!
//! The file is [`CarryFile`]'s; the lane only takes a [`Carry`] (its first frame) and leaves [`KeptFill`]s.

mod file;
mod line;

pub use file::CarryFile;

use serde::{Deserialize, Serialize};

use super::Lane;
use crate::event::{Fee, InstrumentId, Receipt};
use crate::risk::exposure::Pnl;
use crate::risk::opening::{DayOpening, InstrumentOpening};
use crate::units::{Decimal, InstrumentSpec, Lots, Money};

/// A fill as it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptTrade {
    pub receipt: Receipt,
    pub fee: Option<Fee>,
}

/// One line to keep: how an instrument and the account stand, after a fill or after something else worth keeping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptFill {
    pub instrument: InstrumentId,
    pub symbol: String,
    pub recv_ns: i64,
    /// Absent where the line tells of something else than a fill: an opening position, a new peak of the day.
    pub trade: Option<KeptTrade>,
    pub position: Lots,
    pub cash: Money,
    pub pnl: Pnl,
    /// Mid of the last mark in half ticks; 0 before the first.
    pub mark: i64,
    pub baseline_e8: Option<i128>,
    pub rest_e8: i128,
    pub base_fees_e8: i128,
    pub floor: u64,
    pub checked: u64,
    pub day: Option<DayOpening>,
}

/// The day's part of a [`Carry`], quote currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CarriedDay {
    pub equity: Decimal,
    pub peak: Decimal,
    pub day_open: Decimal,
    pub day_end_ns: i64,
}

/// One instrument's part. Quantities are in the base currency, values in the quote currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CarriedSymbol {
    pub symbol: String,
    pub position: Decimal,
    pub cash: Decimal,
    pub spread: Decimal,
    pub drift: Decimal,
    pub fees: Decimal,
    pub rebates: Decimal,
    /// Of the last mark; 0 before the first.
    pub mid: Decimal,
    /// What the venue held without our fills; absent where it is not known yet.
    pub baseline: Option<Decimal>,
    /// Fees in the base currency: all of them, and the part that is not yet taken from the position.
    pub base_fees: Decimal,
    pub base_rest: Decimal,
    /// Every trade up to `floor` is booked or was before us; `recent` are the booked ones above it. The venue has been
    /// asked for those up to `checked`.
    pub floor: u64,
    pub checked: u64,
    pub recent: Vec<u64>,
    pub fills: u64,
}

/// What a lane starts with; the payload of its first frame, as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Carry {
    /// The first order id of this run; no run had it or one above it.
    pub first_id: u64,
    pub day: Option<CarriedDay>,
    pub symbols: Vec<CarriedSymbol>,
    /// What was cut off the end of the file, if anything was.
    pub cut: Option<String>,
}

/// `value / unit` where that is whole.
fn whole(value: Decimal, unit: Decimal) -> Option<i128> {
    let (value, unit) = (value.normalized(), unit.normalized());
    let scale = value.scale.max(unit.scale);
    let up = |d: Decimal| 10i128.checked_pow(u32::from(scale - d.scale)).and_then(|p| d.mantissa.checked_mul(p));
    let (value, unit) = (up(value)?, up(unit)?);
    (unit > 0 && value % unit == 0).then(|| value / unit)
}

/// 10⁻⁸ as a decimal, and back.
fn from_e8(units: i128) -> Decimal {
    Decimal::new(units, 8).normalized()
}
fn to_e8(d: Decimal) -> Option<i128> {
    whole(d, Decimal::new(1, 8))
}

/// Half a tick.
fn half_tick(spec: &InstrumentSpec) -> Decimal {
    Decimal::new(spec.tick.mantissa * 5, spec.tick.scale + 1)
}

impl CarriedSymbol {
    fn opening(&self, spec: &InstrumentSpec) -> Result<InstrumentOpening, String> {
        let changed = |what: &str, d: Decimal| {
            format!(
                "{}: {what} {d} of the earlier runs is no whole number of the ticks and lots of today; flatten by hand, \
                 then start with another state folder",
                self.symbol
            )
        };
        let unit = spec.value(Money(1));
        let money = |what: &str, d: Decimal| whole(d, unit).map(Money).ok_or_else(|| changed(what, d));
        let small = |what: &str, d: Decimal, step: Decimal| {
            whole(d, step).and_then(|n| i64::try_from(n).ok()).ok_or_else(|| changed(what, d))
        };
        Ok(InstrumentOpening {
            position: Lots(small("position", self.position, spec.lot)?),
            cash: money("cash", self.cash)?,
            pnl: Pnl {
                spread: money("spread", self.spread)?,
                drift: money("drift", self.drift)?,
                fees: money("fees", self.fees)?,
                rebates: money("rebates", self.rebates)?,
            },
            mark: small("mid", self.mid, half_tick(spec))?,
        })
    }
}

impl Lane {
    /// The opening balance, the lane's first frame. From here its timers run.
    pub(super) fn on_carry(&mut self, bytes: &[u8]) -> Result<(), String> {
        let now_ns = self.now_ns;
        self.start_timers(now_ns);
        let carry: Carry = serde_json::from_slice(bytes).map_err(|e| format!("what is carried over: {e}"))?;
        let Some(desk) = &mut self.desk else { return Ok(()) };
        let mut openings = Vec::with_capacity(carry.symbols.len());
        for s in &carry.symbols {
            // One that this run does not trade stays in the file.
            let Some(at) = self.instruments.iter().position(|i| i.spec.symbol == s.symbol) else { continue };
            openings.push((at as InstrumentId, s.opening(&self.instruments[at].spec)?));
            let Some(ledger) = desk.account.as_mut().and_then(|a| a.ledgers.get_mut(at)) else { continue };
            let wrong = || format!("{}: more decimals than eight", s.symbol);
            ledger.baseline_e8 = s.baseline.map(|b| to_e8(b).ok_or_else(wrong)).transpose()?;
            ledger.rest_e8 = to_e8(s.base_rest).ok_or_else(wrong)?;
            ledger.base_fees_e8 = to_e8(s.base_fees).ok_or_else(wrong)?;
            ledger.raise_floor(s.floor);
            for id in &s.recent {
                ledger.book(*id);
            }
            ledger.checked = s.checked;
            desk.gate.set_dust(at as InstrumentId, ledger.dust());
        }
        let day = carry.day.map(|d| DayOpening {
            equity: d.equity,
            peak: d.peak,
            day_open: d.day_open,
            day_end_ns: d.day_end_ns,
        });
        desk.gate.open_with(day.as_ref(), &openings, carry.first_id.saturating_sub(1))?;
        desk.orders.start_at(carry.first_id);
        for i in &mut self.instruments {
            i.orders_version += 1;
        }
        if let Some(account) = &mut desk.account {
            account.want_rounds(now_ns);
        }
        Ok(())
    }

    /// Lines to keep since the last call: to be written right after the step, in order.
    pub fn take_kept(&mut self, into: &mut Vec<KeptFill>) {
        if let Some(account) = self.desk.as_mut().and_then(|d| d.account.as_mut()) {
            into.append(&mut account.kept);
        }
    }

    /// Whether there are any.
    #[inline(always)]
    #[must_use]
    pub fn has_kept(&self) -> bool {
        self.desk.as_ref().and_then(|d| d.account.as_ref()).is_some_and(|a| !a.kept.is_empty())
    }
}
