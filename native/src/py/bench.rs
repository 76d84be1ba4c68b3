//! The measurements of `bench.rs`, from Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::kernel::kernel_of;
use crate::bench;
use crate::sim::plan::Plan;

/// Decoding and applying a raw capture's messages: JSON of nanoseconds, the least of `rounds` rounds of CPU time.
#[pyfunction]
#[pyo3(signature = (path, rounds = 10))]
fn bench_levels(py: Python<'_>, path: &str, rounds: u32) -> PyResult<String> {
    py.detach(|| bench::levels(path, rounds)).map(|v| v.to_string()).map_err(PyValueError::new_err)
}

/// From a decoded event to encoded intents on a recording, with one compiled strategy: JSON of wall nanoseconds.
#[pyfunction]
#[pyo3(signature = (path, plan, kernel))]
fn bench_tick_to_intent(py: Python<'_>, path: &str, plan: &str, kernel: &Bound<'_, PyAny>) -> PyResult<String> {
    let plan: Plan = serde_json::from_str(plan).map_err(|e| PyValueError::new_err(format!("the plan: {e}")))?;
    let kernel = kernel_of(kernel, 0)?;
    let done = py.detach(|| bench::tick_to_intent(path, &plan, kernel));
    done.map(|v| v.to_string()).map_err(PyValueError::new_err)
}

/// The bare loop of the wire benchmark, on two connected descriptors; how many bursts it answered.
#[pyfunction]
#[pyo3(signature = (market, orders, request, quiet_ns, run_ns))]
fn bench_answer_bursts(
    py: Python<'_>,
    market: i32,
    orders: i32,
    request: &[u8],
    quiet_ns: i64,
    run_ns: i64,
) -> PyResult<u64> {
    Ok(py.detach(|| bench::floor::answer_bursts(market, orders, request, quiet_ns, run_ns))?)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(bench_answer_bursts, m)?)?;
    m.add_function(wrap_pyfunction!(bench_levels, m)?)?;
    m.add_function(wrap_pyfunction!(bench_tick_to_intent, m)?)
}
