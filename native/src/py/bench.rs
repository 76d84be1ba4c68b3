//! The measurements of `bench.rs`, from Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::bench;

/// Decoding and applying a raw capture's messages: JSON of nanoseconds, the least of `rounds` rounds of CPU time.
#[pyfunction]
#[pyo3(signature = (path, rounds = 10))]
fn bench_levels(py: Python<'_>, path: &str, rounds: u32) -> PyResult<String> {
    py.detach(|| bench::levels(path, rounds)).map(|v| v.to_string()).map_err(PyValueError::new_err)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(bench_levels, m)?)
}
