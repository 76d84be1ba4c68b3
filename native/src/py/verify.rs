//! Whether a session decided what its Tape says.

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::kernel::kernel_of;
use crate::sim::verify::verify;

/// Makes the lane of the Tape at `path` again, gives it every Frame, and compares everything it decides.
#[pyfunction]
#[pyo3(signature = (path, kernels, /))]
fn verify_tape(py: Python<'_>, path: PathBuf, kernels: Vec<Bound<'_, PyAny>>) -> PyResult<String> {
    // A Tape says itself where a hook overran its budget.
    let kernels = kernels.iter().map(|k| kernel_of(k, 0)).collect::<PyResult<Vec<_>>>()?;
    py.detach(|| verify(&path, kernels)).map_err(PyValueError::new_err)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(verify_tape, m)?)
}
