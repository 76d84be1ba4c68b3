//! The live lane's face: start, stop, what it says, and its status page.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use serde_json::{Value, json};

use super::kernel::kernel_of;
use crate::cex::kernel::Kernel;
use crate::cex::venues::binance_sign::Credentials;
use crate::clock::system_ns;
use crate::live::{LiveLane, LivePlan, page};

/// What a lane is made of, until it starts.
struct Ready {
    plan: LivePlan,
    kernels: Vec<Kernel>,
    understudies: Vec<Kernel>,
    keys: Option<Credentials>,
}

enum State {
    Ready(Box<Ready>),
    Started(Arc<LiveLane>),
    /// Starting failed, or is under way.
    Spent,
}

#[pyclass(name = "LiveLane", module = "native._core", frozen)]
struct PyLiveLane {
    state: Mutex<State>,
    page: String,
}

impl PyLiveLane {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane, so that nobody waits for it with the lock in hand.
    fn started(&self) -> PyResult<Arc<LiveLane>> {
        match &*self.lock() {
            State::Started(lane) => Ok(Arc::clone(lane)),
            State::Ready(_) => Err(PyRuntimeError::new_err("the lane has not been started")),
            State::Spent => Err(PyRuntimeError::new_err("the lane could not be started")),
        }
    }
}

#[pymethods]
impl PyLiveLane {
    /// `plan_json` is the live plan, `kernels` the compiled strategies in its order; key and secret for mode live.
    /// ValueError with one line for whatever is wrong with them; it never contains the secret.
    #[new]
    #[pyo3(signature = (plan_json, kernels, api_key = None, secret = None))]
    fn new(
        plan_json: &str,
        kernels: Vec<Bound<'_, PyAny>>,
        api_key: Option<&str>,
        secret: Option<&str>,
    ) -> PyResult<PyLiveLane> {
        let plan = LivePlan::parse(plan_json).map_err(PyValueError::new_err)?;
        // Budgets are the plan's.
        let made = || kernels.iter().map(|k| kernel_of(k, 0)).collect::<PyResult<Vec<_>>>();
        let (kernels, understudies) = (made()?, made()?);
        let keys = match (plan.key_kind, api_key, secret) {
            (Some(kind), Some(api_key), Some(secret)) => {
                Some(Credentials::new(kind.into(), api_key, secret).map_err(PyValueError::new_err)?)
            }
            (_, None, None) => None,
            (None, ..) => return Err(PyValueError::new_err("a key was given, and the plan's key_kind is null")),
            _ => return Err(PyValueError::new_err("give both the API key and its secret, or neither")),
        };
        let page = Path::new(&plan.state).join("status").display().to_string();
        Ok(PyLiveLane { state: Mutex::new(State::Ready(Box::new(Ready { plan, kernels, understudies, keys }))), page })
    }

    /// Starts the lane's thread. ValueError with one line when something is wrong with what it needs (then nothing
    /// runs); RuntimeError when it was started before.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            let mut state = self.lock();
            let ready = match std::mem::replace(&mut *state, State::Spent) {
                State::Ready(ready) => ready,
                other => {
                    *state = other;
                    return Err(PyRuntimeError::new_err("the lane was started before; make a new one"));
                }
            };
            drop(state);
            let lane = LiveLane::start(ready.plan, ready.kernels, ready.understudies, ready.keys)
                .map_err(PyValueError::new_err)?;
            *self.lock() = State::Started(Arc::new(lane));
            Ok(())
        })
    }

    /// Asks the lane to place nothing more and to cancel everything; `flat`: also to bring its positions to zero.
    /// Returns at once.
    #[pyo3(signature = (flat = false))]
    fn stop(&self, flat: bool) -> PyResult<()> {
        self.started().map(|lane| lane.stop(flat))
    }

    /// The lane's thread lives.
    fn is_running(&self) -> bool {
        matches!(&*self.lock(), State::Started(lane) if lane.is_running())
    }

    /// The lane has ended and its summary is there.
    fn is_done(&self) -> bool {
        matches!(&*self.lock(), State::Started(lane) if lane.summary(Duration::ZERO).is_some())
    }

    /// The status page as JSON: see [`read_status`].
    fn status(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| status_json(Path::new(&self.page))).map_err(PyValueError::new_err)
    }

    /// Waits up to `timeout_s` for the lane to end, then ends it as it stands. Gives the summary as JSON: how it ended,
    /// orders that are not proven dead, positions.
    fn join(&self, py: Python<'_>, timeout_s: f64) -> PyResult<String> {
        let timeout = Duration::try_from_secs_f64(timeout_s).map_err(|e| PyValueError::new_err(e.to_string()))?;
        let lane = self.started()?;
        Ok(py.detach(|| lane.join(timeout)))
    }

    /// What the lane had to say since the last call, as JSON lines, oldest first.
    fn events(&self) -> PyResult<Vec<String>> {
        self.started().map(|lane| lane.notices())
    }
}

/// A status page as JSON, with what its header says: `pid`, `running`, `heartbeat_ns` and `age_ms` since then.
fn status_json(path: &Path) -> Result<String, String> {
    let reading = page::read(path)?;
    let mut text: Value = match reading.text.as_str() {
        "" => json!({}),
        text => serde_json::from_str(text).map_err(|e| format!("status page {}: {e}", path.display()))?,
    };
    let age_ms = (reading.heartbeat_ns > 0).then(|| (system_ns() - reading.heartbeat_ns) / 1_000_000);
    text["pid"] = json!(reading.pid);
    text["running"] = json!(reading.running);
    text["heartbeat_ns"] = json!(reading.heartbeat_ns);
    text["age_ms"] = json!(age_ms);
    text["number"] = json!(reading.number);
    Ok(text.to_string())
}

/// Reads the status page at `path`; the lane that writes it does not notice. ValueError where there is none.
#[pyfunction]
fn read_status(py: Python<'_>, path: &str) -> PyResult<String> {
    py.detach(|| status_json(Path::new(path))).map_err(PyValueError::new_err)
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyLiveLane>()?;
    m.add_function(wrap_pyfunction!(read_status, m)?)
}
