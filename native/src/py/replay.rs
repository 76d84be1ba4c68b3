//! A replay, run from Python in pieces, without the GIL.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::kernel::kernel_of;
use crate::sim::plan::Plan;
use crate::sim::replay::Replay;

#[pyclass(name = "Replay", module = "native._core", frozen)]
struct PyReplay(Mutex<Replay>);

impl PyReplay {
    fn lock(&self) -> MutexGuard<'_, Replay> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PyReplay {
    /// `path` is a Tape or a raw capture, `plan` the JSON of `searcher/plan.py`, `kernels` the compiled strategies in the
    /// plan's order. ValueError with one line for whatever is wrong with them.
    #[new]
    fn new(py: Python<'_>, path: &str, plan: &str, kernels: Vec<Bound<'_, PyAny>>) -> PyResult<PyReplay> {
        let plan: Plan = serde_json::from_str(plan).map_err(|e| PyValueError::new_err(format!("the plan: {e}")))?;
        // Budgets are the plan's; the replay sets them.
        let kernels = kernels.iter().map(|k| kernel_of(k, 0)).collect::<PyResult<Vec<_>>>()?;
        let replay = py.detach(|| Replay::open(path, plan, kernels)).map_err(PyValueError::new_err)?;
        Ok(PyReplay(Mutex::new(replay)))
    }

    /// Goes on for about `frames` frames of the recording; True when it is over.
    fn advance(&self, py: Python<'_>, frames: u64) -> PyResult<bool> {
        py.detach(|| self.lock().advance(frames)).map_err(PyValueError::new_err)
    }

    /// Runs to the end.
    fn run(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.lock().advance(u64::MAX)).map(|_| ()).map_err(PyValueError::new_err)
    }

    /// How much of the recording has been read, 0 to 1.
    fn progress(&self) -> f64 {
        self.lock().backtest.progress()
    }

    /// The report as JSON; its keys are in the README.
    fn report(&self) -> String {
        self.lock().report().to_string()
    }

    /// Parameters and state of kernel `kernel` as they are now: bytes of its `CompiledKernel.state_dtype`. IndexError
    /// when there is no such kernel.
    fn kernel_state<'py>(&self, py: Python<'py>, kernel: usize) -> PyResult<Bound<'py, PyBytes>> {
        let state = self.lock().backtest.lane.kernel_state(kernel);
        state.map(|s| PyBytes::new(py, &s)).ok_or_else(|| PyIndexError::new_err(format!("there is no kernel {kernel}")))
    }

    /// The sampled path of position and PnL as JSON, for charts.
    fn series(&self) -> String {
        self.lock().series().to_string()
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyReplay>()
}
