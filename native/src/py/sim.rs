//! Python face of the simulated exchange's models.
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::sim::queue::QueueModel;

/// Probability that a decrease of a level was behind our order.
#[pyfunction]
#[pyo3(signature = (model_json, front, back, /))]
fn queue_probability(model_json: &str, front: f64, back: f64) -> PyResult<f64> {
    let model: QueueModel = serde_json::from_str(model_json)
        .map_err(|e| PyValueError::new_err(format!("queue model {model_json}: {e}")))?;
    if !(front >= 0.0 && back >= 0.0 && front.is_finite() && back.is_finite()) {
        return Err(PyValueError::new_err(format!("front {front} and back {back} must be finite and not below 0")));
    }
    Ok(model.probability(front, back))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(queue_probability, m)?)
}
