//! Every limit is a number that a person wrote: nothing here has a default, and an unknown key is refused. A limit
//! has a name, a unit, a level, and a counter in the gate.

use serde::{Deserialize, Serialize};

use crate::units::{Decimal, InstrumentSpec, RATE_ONE};

/// Prices above this many ticks are no prices. With [`MAX_QTY`] it keeps every product of the gate inside an `i128`.
pub const MAX_PX: i64 = 1 << 43;
/// Quantities above this many lots are no quantities.
pub const MAX_QTY: i64 = 1 << 47;
/// Most orders that a person may allow to be open, or to be sent in a second, in one instrument.
const MAX_COUNT: i64 = 10_000;
/// Most basis points that a collar or an outlier limit may name (ten times the price).
const MAX_BPS: i64 = 100_000;
/// Longest time that a limit may name: a day, in milliseconds.
const MAX_MS: i64 = 86_400_000;

/// What one instrument may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentLimits {
    /// Largest order, base currency.
    pub max_order_qty: Decimal,
    /// Largest order at its own price, quote currency.
    pub max_order_notional: Decimal,
    /// Largest position, long or short, if every open order of that side were filled; base currency.
    pub max_position_qty: Decimal,
    /// Most orders open at a time, those without an answer included.
    pub max_open_orders: i64,
    /// Furthest price from the mid, either way, in basis points of the mid.
    pub price_collar_bps: i64,
    /// Oldest book that an order may be judged by, milliseconds.
    pub max_book_age_ms: i64,
    /// Most places and replaces in any second.
    pub max_orders_per_second: i64,
    /// A tick further than this from both the last accepted tick and the tick before it is ignored, basis points.
    pub outlier_bps: i64,
}

/// What the lane as a whole may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneLimits {
    /// Oldest market data at receipt, milliseconds.
    pub max_feed_latency_ms: i64,
    /// So many ticks of one instrument in a row above it halt the lane.
    pub feed_latency_ticks: i64,
    /// Largest fall from the UTC day's highest equity, in basis points of the day's opening equity.
    pub max_drawdown_bps: i64,
    /// Most rejected orders, in basis points of `reject_window`.
    pub max_reject_rate_bps: i64,
    /// Over how many answered orders rejects are counted.
    pub reject_window: i64,
}

/// A lane's limits; `instrument` in the order of the lane's instruments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub instrument: Vec<InstrumentLimits>,
    pub lane: LaneLimits,
}

/// One rule of the gate. The number is [`crate::event::Refusal::limit`], the name goes into reports: both are stable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Limit {
    UnknownInstrument = 0,
    Halted = 1,
    BadPrice = 2,
    BadQty = 3,
    DuplicateId = 4,
    UnknownOrder = 5,
    ReduceOnly = 6,
    OrderQty = 7,
    OrderNotional = 8,
    NoTop = 9,
    StaleBook = 10,
    PriceCollar = 11,
    OpenOrders = 12,
    Position = 13,
    SelfTrade = 14,
    OrderRate = 15,
    Outlier = 16,
    FeedLatency = 17,
    Drawdown = 18,
    RejectRate = 19,
    Unreconciled = 20,
    VenueRate = 21,
}

impl Limit {
    pub const COUNT: usize = 22;
    /// By number; [`super::rules`] has the order in which they are judged.
    pub const ALL: [Limit; Limit::COUNT] = [
        Limit::UnknownInstrument,
        Limit::Halted,
        Limit::BadPrice,
        Limit::BadQty,
        Limit::DuplicateId,
        Limit::UnknownOrder,
        Limit::ReduceOnly,
        Limit::OrderQty,
        Limit::OrderNotional,
        Limit::NoTop,
        Limit::StaleBook,
        Limit::PriceCollar,
        Limit::OpenOrders,
        Limit::Position,
        Limit::SelfTrade,
        Limit::OrderRate,
        Limit::Outlier,
        Limit::FeedLatency,
        Limit::Drawdown,
        Limit::RejectRate,
        Limit::Unreconciled,
        Limit::VenueRate,
    ];

    #[must_use]
    pub fn from_index(index: u8) -> Option<Limit> {
        Limit::ALL.get(usize::from(index)).copied()
    }
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.about().0
    }
    /// Whom it binds: `order`, `instrument`, `strategy`, `venue`, `node` or `firm`.
    #[must_use]
    pub fn level(self) -> &'static str {
        self.about().1
    }
    /// The unit of a refusal's `observed` and `allowed`.
    #[must_use]
    pub fn unit(self) -> &'static str {
        self.about().2
    }
    fn about(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Limit::UnknownInstrument => ("unknown_instrument", "order", "instrument index"),
            Limit::Halted => ("halted", "node", "state"),
            Limit::BadPrice => ("bad_price", "order", "ticks"),
            Limit::BadQty => ("bad_qty", "order", "lots"),
            Limit::DuplicateId => ("duplicate_id", "order", "order id"),
            Limit::UnknownOrder => ("unknown_order", "order", "order id"),
            Limit::ReduceOnly => ("reduce_only", "node", "lots"),
            Limit::OrderQty => ("order_qty", "order", "lots"),
            Limit::OrderNotional => ("order_notional", "order", "ticks x lots"),
            Limit::NoTop => ("no_top", "instrument", "none"),
            Limit::StaleBook => ("stale_book", "instrument", "ns"),
            Limit::PriceCollar => ("price_collar", "order", "bps"),
            Limit::OpenOrders => ("open_orders", "instrument", "orders"),
            Limit::Position => ("position", "instrument", "lots"),
            Limit::SelfTrade => ("self_trade", "instrument", "ticks"),
            Limit::OrderRate => ("order_rate", "instrument", "orders in 1 s"),
            Limit::Outlier => ("outlier", "instrument", "bps"),
            Limit::FeedLatency => ("feed_latency", "venue", "ns"),
            Limit::Drawdown => ("drawdown", "node", "bps"),
            Limit::RejectRate => ("reject_rate", "venue", "bps"),
            Limit::Unreconciled => ("unreconciled", "venue", "none"),
            Limit::VenueRate => ("venue_rate", "venue", "requests, weight or ms"),
        }
    }
}

/// [`InstrumentLimits`] in the instrument's own integers. Rounding down to whole lots (or ticks × lots) changes no
/// verdict, because what is compared with it is whole.
#[derive(Clone, Debug)]
pub(super) struct Caps {
    pub order_qty: i64,
    pub order_notional: i128,
    pub position: i64,
    pub open_orders: i64,
    pub collar_bps: i64,
    pub book_age_ns: i64,
    pub orders_per_second: i64,
    pub outlier_bps: i64,
    pub maker_fee_e8: i64,
    pub taker_fee_e8: i64,
}

impl Caps {
    pub(super) fn new(spec: &InstrumentSpec, limits: &InstrumentLimits) -> Result<Caps, String> {
        let symbol = &spec.symbol;
        for (name, step) in [("tick", spec.tick), ("lot", spec.lot)] {
            if step.mantissa <= 0 {
                return Err(format!("{symbol}: {name} must be positive, not {step}"));
            }
        }
        for (name, fee) in [("maker_fee_e8", spec.maker_fee_e8), ("taker_fee_e8", spec.taker_fee_e8)] {
            within(symbol, name, fee, -RATE_ONE, RATE_ONE)?;
        }
        let value = product(spec.tick, spec.lot).ok_or_else(|| format!("{symbol}: tick x lot has too many digits"))?;
        let whole = |name: &str, limit: Decimal, step: Decimal, least: &str| {
            let n = floor_steps(limit, step).ok_or_else(|| format!("{symbol}: {name} {limit} has too many digits"))?;
            if n < 1 {
                return Err(format!("{symbol}: {name} is {limit}, which allows nothing: the least is {least}"));
            }
            Ok(n)
        };
        let lots = |name: &str, limit: Decimal| {
            let n = whole(name, limit, spec.lot, &format!("one lot, {}", spec.lot))?;
            // more than MAX_QTY is refused as no quantity in any case
            Ok::<i64, String>(i64::try_from(n).unwrap_or(MAX_QTY).min(MAX_QTY))
        };
        Ok(Caps {
            order_qty: lots("max_order_qty", limits.max_order_qty)?,
            order_notional: whole("max_order_notional", limits.max_order_notional, value, &value.to_string())?,
            position: lots("max_position_qty", limits.max_position_qty)?,
            open_orders: within(symbol, "max_open_orders", limits.max_open_orders, 1, MAX_COUNT)?,
            collar_bps: within(symbol, "price_collar_bps", limits.price_collar_bps, 1, MAX_BPS)?,
            book_age_ns: within(symbol, "max_book_age_ms", limits.max_book_age_ms, 1, MAX_MS)? * 1_000_000,
            orders_per_second: within(symbol, "max_orders_per_second", limits.max_orders_per_second, 1, MAX_COUNT)?,
            outlier_bps: within(symbol, "outlier_bps", limits.outlier_bps, 1, MAX_BPS)?,
            maker_fee_e8: spec.maker_fee_e8,
            taker_fee_e8: spec.taker_fee_e8,
        })
    }
}

impl LaneLimits {
    pub(super) fn check(&self) -> Result<(), String> {
        within("lane", "max_feed_latency_ms", self.max_feed_latency_ms, 1, MAX_MS)?;
        within("lane", "feed_latency_ticks", self.feed_latency_ticks, 1, MAX_COUNT)?;
        within("lane", "max_drawdown_bps", self.max_drawdown_bps, 1, 10_000)?;
        within("lane", "max_reject_rate_bps", self.max_reject_rate_bps, 1, 10_000)?;
        within("lane", "reject_window", self.reject_window, 1, MAX_COUNT)?;
        Ok(())
    }
}

fn within(whose: &str, name: &str, v: i64, least: i64, most: i64) -> Result<i64, String> {
    if (least..=most).contains(&v) { Ok(v) } else { Err(format!("{whose}: {name} is {v}, outside {least} to {most}")) }
}

/// `10^n`, or `None` where an `i128` does not hold it.
pub(super) fn pow10(n: u8) -> Option<i128> {
    10i128.checked_pow(u32::from(n))
}

/// Exact product without trailing zeros, or `None` where an `i128` does not hold it.
pub(super) fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalized(), b.normalized());
    Some(Decimal::new(a.mantissa.checked_mul(b.mantissa)?, a.scale.checked_add(b.scale)?).normalized())
}

/// `floor(a / step)` for a positive `step`.
fn floor_steps(a: Decimal, step: Decimal) -> Option<i128> {
    let (a, step) = (a.normalized(), step.normalized());
    let scale = a.scale.max(step.scale);
    let num = a.mantissa.checked_mul(pow10(scale - a.scale)?)?;
    let den = step.mantissa.checked_mul(pow10(scale - step.scale)?)?;
    Some(num.div_euclid(den))
}
