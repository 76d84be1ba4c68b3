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
    let plan = plan_of(plan)?;
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

/// What a frame takes in one lane of so many instruments, each the recorded one under another name; JSON.
#[pyfunction]
#[pyo3(signature = (path, plan, instruments, passes, kernel = None, *, one_each = false))]
fn bench_scale(
    py: Python<'_>,
    path: &str,
    plan: &str,
    instruments: usize,
    passes: usize,
    kernel: Option<&Bound<'_, PyAny>>,
    one_each: bool,
) -> PyResult<String> {
    let plan = plan_of(plan)?;
    // Made beforehand, as they are made of Python objects.
    let each = if one_each { instruments } else { 1 };
    let make = |_| kernel.iter().flat_map(|k| (0..each).map(|_| kernel_of(k, 0))).collect();
    let mut kernels = (0..passes.max(1)).map(make).collect::<PyResult<Vec<Vec<_>>>>()?;
    py.detach(|| {
        let crowd = bench::Crowd::load(path, bench::WINDOW_NS)?;
        bench::scale(&crowd, &plan, instruments, passes, || kernels.pop().unwrap_or_default())
    })
    .map(|v| v.to_string())
    .map_err(PyValueError::new_err)
}

/// A lane that takes frames as fast as it can and its Tape in `folder`: what was recorded, lost and told; JSON.
#[pyfunction]
#[pyo3(signature = (path, plan, instruments, folder, run_ns))]
fn bench_queue(
    py: Python<'_>,
    path: &str,
    plan: &str,
    instruments: usize,
    folder: std::path::PathBuf,
    run_ns: i64,
) -> PyResult<String> {
    let plan = plan_of(plan)?;
    py.detach(|| {
        let crowd = bench::Crowd::load(path, bench::WINDOW_NS)?;
        bench::queue(&crowd, &plan, instruments, &folder, run_ns)
    })
    .map(|v| v.to_string())
    .map_err(PyValueError::new_err)
}

fn plan_of(text: &str) -> PyResult<Plan> {
    serde_json::from_str(text).map_err(|e| PyValueError::new_err(format!("the plan: {e}")))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(bench_answer_bursts, m)?)?;
    m.add_function(wrap_pyfunction!(bench_levels, m)?)?;
    m.add_function(wrap_pyfunction!(bench_queue, m)?)?;
    m.add_function(wrap_pyfunction!(bench_scale, m)?)?;
    m.add_function(wrap_pyfunction!(bench_tick_to_intent, m)?)
}
