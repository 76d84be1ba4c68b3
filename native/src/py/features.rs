//! Features for research: the lane's own, one call an event.

use std::time::Instant;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cex::features::{FEATURE_FIELDS, FeatureConfig, Features, MAX_LEVELS};
use crate::event::{Level, Side};
use crate::units::{Lots, Ticks};

/// Recursive features of one instrument, as a lane computes them.
///
/// ``config_json`` is an object with the integers ``ew_halflife_ms``, ``window``, ``vwap_trades`` and ``levels``.
/// Raises ``ValueError`` that names the setting and its range.
#[pyclass(module = "native._core", name = "Features")]
struct PyFeatures(Features);

#[pymethods]
impl PyFeatures {
    #[new]
    #[pyo3(signature = (config_json, /))]
    fn new(config_json: &str) -> PyResult<PyFeatures> {
        let config: FeatureConfig =
            serde_json::from_str(config_json).map_err(|e| PyValueError::new_err(format!("feature config: {e}")))?;
        Features::new(&config).map(PyFeatures).map_err(|e| PyValueError::new_err(format!("feature config: {e}")))
    }

    /// Takes in the book at ``now_ns``: lists of (ticks, lots), best first.
    ///
    /// Raises ``ValueError`` if a side is not ordered best first or a quantity is not positive. An empty side is a
    /// book without a Top: a hole, as ``reset_book``.
    #[pyo3(signature = (now_ns, bids, asks, /))]
    fn on_book(&mut self, now_ns: i64, bids: Vec<(i64, i64)>, asks: Vec<(i64, i64)>) -> PyResult<()> {
        let bids = side("bids", bids, |better, worse| better > worse)?;
        let asks = side("asks", asks, |better, worse| better < worse)?;
        self.0.on_book(now_ns, &bids, &asks);
        Ok(())
    }

    /// Takes in a trade of ``qty`` lots at ``px`` ticks; ``side`` is the aggressor's, ``"buy"`` or ``"sell"``.
    #[pyo3(signature = (now_ns, px, qty, side, /))]
    fn on_trade(&mut self, now_ns: i64, px: i64, qty: i64, side: &str) -> PyResult<()> {
        let side = match side {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => return Err(PyValueError::new_err(format!("side is {side:?}; say \"buy\" or \"sell\""))),
        };
        self.0.on_trade(now_ns, Ticks(px), Lots(qty), side);
        Ok(())
    }

    /// The book lost its sync: no feature bridges the hole.
    fn reset_book(&mut self) {
        self.0.reset_book();
    }

    /// All features by name; prices in ticks, quantities in lots; NaN for what does not exist.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        for ((name, _), value) in FEATURE_FIELDS.iter().zip(self.0.values().to_array()) {
            out.set_item(name, value)?;
        }
        Ok(out)
    }

    /// How often time went backwards within books or within trades.
    #[getter]
    fn backward_steps(&self) -> u64 {
        self.0.backward_steps()
    }

    /// How many books and trades had a price or quantity out of range.
    #[getter]
    fn refused(&self) -> u64 {
        self.0.refused()
    }
}

fn side(name: &str, levels: Vec<(i64, i64)>, ordered: fn(i64, i64) -> bool) -> PyResult<Vec<Level>> {
    if let Some(pair) = levels.windows(2).find(|pair| !ordered(pair[0].0, pair[1].0)) {
        return Err(PyValueError::new_err(format!("{name} are not best first: {} before {}", pair[0].0, pair[1].0)));
    }
    if let Some((px, qty)) = levels.iter().find(|(_, qty)| *qty <= 0) {
        return Err(PyValueError::new_err(format!("{name} have {qty} lots at {px}; leave an empty level out")));
    }
    Ok(levels.into_iter().map(|(px, qty)| Level { px: Ticks(px), qty: Lots(qty) }).collect())
}

/// Nanoseconds per book update with every feature on: ``n`` updates over a fixed pseudo-random path of books with
/// ``levels`` levels a side. Raises ``ValueError`` for ``levels`` outside 1 to 10 or ``n`` of 0.
#[pyfunction]
#[pyo3(signature = (n, levels, /))]
fn bench_features(py: Python<'_>, n: usize, levels: usize) -> PyResult<f64> {
    let config = FeatureConfig { ew_halflife_ms: 10_000, window: 100, vwap_trades: 100, levels };
    let mut features = Features::new(&config).map_err(PyValueError::new_err)?;
    if n == 0 {
        return Err(PyValueError::new_err("n is 0; set it to a whole number of updates"));
    }
    let path = book_path();
    Ok(py.detach(|| {
        let mut now_ns = 0;
        let start = Instant::now();
        for step in path.iter().cycle().take(n) {
            now_ns += step.gap_ns;
            features.on_book(now_ns, &step.bids[..levels], &step.asks[..levels]);
            std::hint::black_box(features.values());
        }
        start.elapsed().as_nanos() as f64 / n as f64
    }))
}

struct Step {
    gap_ns: i64,
    bids: [Level; MAX_LEVELS],
    asks: [Level; MAX_LEVELS],
}

/// 4096 books of a random walk: the best price moves in one update of four, one queue changes in every one.
fn book_path() -> Vec<Step> {
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut draw = move |below: u64| {
        // xorshift64 (Marsaglia 2003): the path is the same on every machine
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below) as i64
    };
    let queue = |px| Level { px: Ticks(px), qty: Lots(100) };
    let mut bids = std::array::from_fn(|m| queue(616_597 - m as i64));
    let mut asks = std::array::from_fn(|m| queue(616_598 + m as i64));
    (0..4096)
        .map(|_| {
            let moved = if draw(4) == 0 { draw(3) - 1 } else { 0 };
            for level in bids.iter_mut().chain(asks.iter_mut()) {
                level.px.0 += moved;
            }
            let queues = if draw(2) == 0 { &mut bids } else { &mut asks };
            queues[draw(MAX_LEVELS as u64) as usize].qty = Lots(1 + draw(10_000));
            Step { gap_ns: 1_000 * draw(10_000), bids, asks }
        })
        .collect()
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyFeatures>()?;
    m.add_function(wrap_pyfunction!(bench_features, m)?)
}
