//! What the features are, by name and unit: the one list that the kernel view, Python and the tests share.

use std::mem::{offset_of, size_of};

/// Book levels that level-wise features can look at.
pub const MAX_LEVELS: usize = 10;

/// The features of one instrument, all `f64`. Prices are in ticks, quantities in lots.
///
/// A value that does not exist (yet, or any more) is NaN, never a plausible number; each field says from when on it
/// exists. `n` is [`FeatureConfig::levels`](super::FeatureConfig::levels); "a hole" is the time from
/// [`reset_book`](super::Features::reset_book) to the next book.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct FeatureValues {
    /// Exponentially weighted mean of the mid, ticks; from the first book. Kept across a hole, which ages it.
    pub mid_ew_mean: f64,
    /// Exponentially weighted standard deviation of the mid, ticks; from the second book. Kept across a hole.
    pub mid_ew_std: f64,
    /// Mean of the mid over the last `window` books, ticks; from the first book. Kept across a hole.
    pub mid_window_mean: f64,
    /// Sample standard deviation (n − 1) of the same, ticks; from the second book. Kept across a hole.
    pub mid_window_std: f64,
    /// Realised volatility of the mid, exponentially weighted, ticks per √second; from the second book that came at
    /// a later time than the first. No change is taken across a hole.
    pub volatility: f64,
    /// Volume-weighted average price of the last `vwap_trades` trades, ticks; from the first trade.
    pub vwap: f64,
    /// Exponentially weighted mean of the aggressors' signs (buy +1, sell −1), in [−1, 1]; from the first trade.
    pub trade_imbalance: f64,
    /// Size-weighted mid of the best bid and ask, ticks; from the first book, absent in a hole.
    pub microprice: f64,
    /// Depth imbalance of the best `n` levels, in [−1, 1]; from the first book, absent in a hole.
    pub imbalance: f64,
    /// Best ask − best bid, ticks; from the first book, absent in a hole.
    pub spread: f64,
    /// Exponentially weighted mean of the spread, ticks; from the first book. Kept across a hole.
    pub spread_ew_mean: f64,
    /// Exponentially weighted standard deviation of the spread, ticks; from the second book. Kept across a hole.
    pub spread_ew_std: f64,
    /// (`spread` − `spread_ew_mean`) / `spread_ew_std`; from the second book, absent in a hole and while
    /// `spread_ew_std` is below 10⁻⁶ ticks (a spread that never moved has no score).
    pub spread_zscore: f64,
    /// Order-flow imbalance of the best level summed since the book came into sync, lots; from the second book after
    /// each hole. Equal to `mlofi[0]`.
    pub ofi: f64,
    /// The same with exponentially decaying weights, lots. Equal to `mlofi_ew[0]`.
    pub ofi_ew: f64,
    /// What the last book added to the order-flow imbalance of each level, lots; from the second book after each
    /// hole. NaN beyond level `n`, as in the two fields below.
    pub ofi_event: [f64; MAX_LEVELS],
    /// Multi-level order-flow imbalance: `ofi` of each level, lots.
    pub mlofi: [f64; MAX_LEVELS],
    /// Multi-level order-flow imbalance with exponentially decaying weights, lots.
    pub mlofi_ew: [f64; MAX_LEVELS],
}

impl FeatureValues {
    /// Nothing exists yet: every field is NaN.
    pub const NONE: FeatureValues = FeatureValues {
        mid_ew_mean: f64::NAN,
        mid_ew_std: f64::NAN,
        mid_window_mean: f64::NAN,
        mid_window_std: f64::NAN,
        volatility: f64::NAN,
        vwap: f64::NAN,
        trade_imbalance: f64::NAN,
        microprice: f64::NAN,
        imbalance: f64::NAN,
        spread: f64::NAN,
        spread_ew_mean: f64::NAN,
        spread_ew_std: f64::NAN,
        spread_zscore: f64::NAN,
        ofi: f64::NAN,
        ofi_ew: f64::NAN,
        ofi_event: [f64::NAN; MAX_LEVELS],
        mlofi: [f64::NAN; MAX_LEVELS],
        mlofi_ew: [f64::NAN; MAX_LEVELS],
    };

    /// The values in the order of [`FEATURE_FIELDS`].
    #[must_use]
    pub fn to_array(&self) -> [f64; FEATURE_COUNT] {
        let mut out = [f64::NAN; FEATURE_COUNT];
        let head = [
            self.mid_ew_mean,
            self.mid_ew_std,
            self.mid_window_mean,
            self.mid_window_std,
            self.volatility,
            self.vwap,
            self.trade_imbalance,
            self.microprice,
            self.imbalance,
            self.spread,
            self.spread_ew_mean,
            self.spread_ew_std,
            self.spread_zscore,
            self.ofi,
            self.ofi_ew,
        ];
        out[..head.len()].copy_from_slice(&head);
        for (k, levels) in [self.ofi_event, self.mlofi, self.mlofi_ew].iter().enumerate() {
            let at = head.len() + k * MAX_LEVELS;
            out[at..at + MAX_LEVELS].copy_from_slice(levels);
        }
        out
    }
}

impl Default for FeatureValues {
    /// [`FeatureValues::NONE`]: a feature is NaN until it exists.
    fn default() -> Self {
        Self::NONE
    }
}

/// How many `f64` a [`FeatureValues`] is.
pub const FEATURE_COUNT: usize = size_of::<FeatureValues>() / size_of::<f64>();

macro_rules! fields {
    ($($name:ident),+; $($levels:ident: $($level:literal)+);+) => {
        /// Name and byte offset of every `f64` of [`FeatureValues`], in its order. The level-wise fields are named
        /// one by one, counted from the best level: `mlofi_1` is `mlofi[0]`.
        pub const FEATURE_FIELDS: [(&str, usize); FEATURE_COUNT] = [
            $((stringify!($name), offset_of!(FeatureValues, $name)),)+
            $($((
                concat!(stringify!($levels), "_", $level),
                offset_of!(FeatureValues, $levels) + ($level - 1) * size_of::<f64>(),
            ),)+)+
        ];
    };
}

fields!(
    mid_ew_mean, mid_ew_std, mid_window_mean, mid_window_std, volatility, vwap, trade_imbalance, microprice,
    imbalance, spread, spread_ew_mean, spread_ew_std, spread_zscore, ofi, ofi_ew;
    ofi_event: 1 2 3 4 5 6 7 8 9 10;
    mlofi: 1 2 3 4 5 6 7 8 9 10;
    mlofi_ew: 1 2 3 4 5 6 7 8 9 10
);

// The table has every field once and in order, without padding between.
const _: () = {
    let mut i = 0;
    while i < FEATURE_COUNT {
        assert!(FEATURE_FIELDS[i].1 == i * size_of::<f64>());
        i += 1;
    }
};
