//! The features a kernel sees.

/// Statistics of one book, for the kernel's view: floats, because they are estimates and never money.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FeatureValues {
    pub microprice: f64,
    pub volatility: f64,
    pub mid_ew_mean: f64,
    pub mid_ew_std: f64,
    pub ofi: f64,
    pub imbalance: f64,
    pub vwap: f64,
    pub spread_zscore: f64,
}

/// Name and byte offset of each field of [`FeatureValues`].
pub const FEATURE_FIELDS: [(&str, usize); 8] = [
    ("microprice", std::mem::offset_of!(FeatureValues, microprice)),
    ("volatility", std::mem::offset_of!(FeatureValues, volatility)),
    ("mid_ew_mean", std::mem::offset_of!(FeatureValues, mid_ew_mean)),
    ("mid_ew_std", std::mem::offset_of!(FeatureValues, mid_ew_std)),
    ("ofi", std::mem::offset_of!(FeatureValues, ofi)),
    ("imbalance", std::mem::offset_of!(FeatureValues, imbalance)),
    ("vwap", std::mem::offset_of!(FeatureValues, vwap)),
    ("spread_zscore", std::mem::offset_of!(FeatureValues, spread_zscore)),
];
