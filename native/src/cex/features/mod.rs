//! Recursive features of one instrument, each updated on every event in O(1): statistics, so floats.
//!
//! Each formula stands with its source where it is computed; names, units and from when on a value exists are in
//! [`FeatureValues`]. Plain-Python twins of all of them, written from the definitions, are in
//! `tests/native/twins.py`.

mod config;
mod flow;
mod moments;
mod values;
mod window;

pub use config::{FeatureConfig, MAX_HALFLIFE_MS, MAX_WINDOW};
pub use values::{FEATURE_COUNT, FEATURE_FIELDS, FeatureValues, MAX_LEVELS};

use crate::bytes::fetch;
use crate::event::{Level, Side};
use crate::units::{Lots, Ticks};
use flow::{OrderFlow, TradeSigns};
use moments::{DecayClock, EwMoment, EwWeights, Volatility};
use window::{Vwap, WindowMoment};

/// Prices must be smaller than this in size, ticks (7·10¹³).
pub const PRICE_LIMIT: i64 = 1 << 46;

/// Below this standard deviation of the spread, ticks, its z-score would be rounding noise.
const MIN_SPREAD_STD: f64 = 1e-6;

/// The features of one instrument. Books and trades are two streams, each with its own clock.
/// In this order, what a trade changes is two cache lines, and one of the values.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Features {
    trade_clock: DecayClock,
    signs: TradeSigns,
    vwap: Vwap,
    levels: usize,
    book_clock: DecayClock,
    weights: EwWeights,
    mid: EwMoment,
    spread: EwMoment,
    window: WindowMoment,
    volatility: Volatility,
    /// The last mid in half ticks, unless a hole lies between.
    last_half_ticks: Option<i64>,
    flow: OrderFlow,
    refused: u64,
    values: FeatureValues,
}

impl Features {
    /// # Errors
    /// See [`FeatureConfig::check`].
    pub fn new(config: &FeatureConfig) -> Result<Features, String> {
        config.check()?;
        let clock = DecayClock::new(config.ew_halflife_ms);
        Ok(Features {
            levels: config.levels,
            book_clock: clock.clone(),
            trade_clock: clock,
            weights: EwWeights::default(),
            mid: EwMoment::default(),
            spread: EwMoment::default(),
            window: WindowMoment::new(config.window),
            volatility: Volatility::default(),
            last_half_ticks: None,
            flow: OrderFlow::new(config.levels),
            vwap: Vwap::new(config.vwap_trades),
            signs: TradeSigns::default(),
            refused: 0,
            values: FeatureValues::NONE,
        })
    }

    /// Takes in the book after a change, best level first; levels beyond the configured number are not looked at.
    ///
    /// A book without a bid or an ask has no Top: that is a hole, as [`reset_book`](Self::reset_book). So is a best
    /// price of [`PRICE_LIMIT`] or more or a best quantity that is not positive; it is counted in
    /// [`refused`](Self::refused).
    pub fn on_book(&mut self, now_ns: i64, bids: &[Level], asks: &[Level]) {
        let (Some(&bid), Some(&ask)) = (bids.first(), asks.first()) else {
            return self.reset_book();
        };
        if !(usable(bid.px, bid.qty) && usable(ask.px, ask.qty)) {
            self.refused += 1;
            return self.reset_book();
        }
        let bids = &bids[..bids.len().min(self.levels)];
        let asks = &asks[..asks.len().min(self.levels)];
        let (elapsed_ns, decay) = self.book_clock.advance(now_ns);
        let half_ticks = bid.px.0 + ask.px.0;
        let spread = (ask.px.0 - bid.px.0) as f64;
        let v = &mut self.values;

        let step = self.weights.step(decay);
        (v.mid_ew_mean, v.mid_ew_std) = self.mid.update(0.5 * half_ticks as f64, &step);
        (v.mid_window_mean, v.mid_window_std) = self.window.update(half_ticks);

        match self.last_half_ticks.replace(half_ticks) {
            Some(last) => self.volatility.update(0.5 * (half_ticks - last) as f64, elapsed_ns, decay),
            None => self.volatility.age(decay),
        }
        v.volatility = self.volatility.value();

        v.spread = spread;
        (v.spread_ew_mean, v.spread_ew_std) = self.spread.update(spread, &step);
        v.spread_zscore =
            if v.spread_ew_std >= MIN_SPREAD_STD { (spread - v.spread_ew_mean) / v.spread_ew_std } else { f64::NAN };

        v.microprice = flow::microprice(bid, ask);
        v.imbalance = flow::depth_imbalance(bids, asks);
        self.flow.update(bids, asks, decay, v);
    }

    /// Takes in a trade; `side` is the aggressor's. A price of [`PRICE_LIMIT`] or more or a quantity that is not
    /// positive changes nothing and is counted in [`refused`](Self::refused).
    pub fn on_trade(&mut self, now_ns: i64, px: Ticks, qty: Lots, side: Side) {
        if !usable(px, qty) {
            self.refused += 1;
            return;
        }
        let (_, decay) = self.trade_clock.advance(now_ns);
        self.values.vwap = self.vwap.update(px.0, qty.0);
        self.values.trade_imbalance = self.signs.update(side, decay);
    }

    /// The book lost its sync: what describes the present book is no more, order-flow imbalance starts again with the
    /// next two books, and no change of the mid is taken across the hole. Statistics of the past stay.
    pub fn reset_book(&mut self) {
        self.last_half_ticks = None;
        let v = &mut self.values;
        (v.microprice, v.imbalance, v.spread, v.spread_zscore) = (f64::NAN, f64::NAN, f64::NAN, f64::NAN);
        self.flow.reset(v);
    }

    /// A trade is about to come: asks for the memory that it will change.
    #[inline(always)]
    pub fn expect_trade(&self) {
        fetch(&self.trade_clock);
        fetch(&self.signs);
        fetch(&self.values.vwap);
        fetch(&self.values.trade_imbalance);
        self.vwap.expect();
    }

    #[must_use]
    pub fn values(&self) -> &FeatureValues {
        &self.values
    }

    /// How often time went backwards within books or within trades; it stood still instead.
    #[must_use]
    pub fn backward_steps(&self) -> u64 {
        self.book_clock.backward() + self.trade_clock.backward()
    }

    /// How many books and trades were refused for a price or quantity out of range.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[inline]
fn usable(px: Ticks, qty: Lots) -> bool {
    -PRICE_LIMIT < px.0 && px.0 < PRICE_LIMIT && qty.0 > 0
}
