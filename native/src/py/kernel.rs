//! The kernel's face: the layout for Python's record types, and a kernel that a test or a benchmark can call.
#![allow(unsafe_code)] // makes functions of addresses, and structs of bytes

use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyRuntimeError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::cex::kernel::{self, Hook, HookFn, Hooks, Kernel, Out, View};
use crate::clock::stopwatch_ns;
use crate::event::Level;

/// A kernel of a `native.CompiledKernel`; it copies the initial state and keeps the compiled code alive.
pub fn kernel_of(compiled: &Bound<'_, PyAny>, budget_ns: i64) -> PyResult<Kernel> {
    let hook = |name: &str| -> PyResult<Option<HookFn>> {
        let address: usize = compiled.getattr(name)?.extract()?;
        // SAFETY: a non-zero address of a CompiledKernel is a function that numba compiled to this very signature.
        Ok((address != 0).then(|| unsafe { std::mem::transmute::<usize, HookFn>(address) }))
    };
    let hooks = Hooks {
        book: hook("book")?,
        quote: hook("quote")?,
        trade: hook("trade")?,
        receipt: hook("receipt")?,
        timer: hook("timer")?,
    };
    let name: String = compiled.getattr("name")?.extract()?;
    let state = compiled.getattr("state")?.call_method0("tobytes")?;
    let timer_ns: i64 = compiled.getattr("timer_ns")?.extract()?;
    let code = Box::new(compiled.clone().unbind());
    // SAFETY: the compiler builds hooks against this layout, bounds-checked, for a state record of exactly this size,
    // and their exceptions are caught; `code` owns them.
    let kernel = unsafe { Kernel::new(name, hooks, state.cast::<PyBytes>()?.as_bytes(), timer_ns, code) };
    Ok(kernel.with_budget(budget_ns))
}

fn hook_of(name: &str) -> PyResult<Hook> {
    Hook::ALL.into_iter().find(|h| h.name() == name).ok_or_else(|| {
        PyValueError::new_err(format!(
            "{name:?} is not a hook; hooks are on_book, on_quote, on_trade, on_receipt, on_timer"
        ))
    })
}

/// Copies whole structs out of bytes.
///
/// # Safety
/// Every bit pattern must be a value of `T`.
unsafe fn structs<T: Copy + Default>(bytes: &[u8], what: &str) -> PyResult<Vec<T>> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(size_of::<T>()) {
        let size = size_of::<T>();
        return Err(PyValueError::new_err(format!(
            "{what} is {} bytes, not a positive multiple of {size}",
            bytes.len()
        )));
    }
    let mut all = vec![T::default(); bytes.len() / size_of::<T>()];
    // SAFETY: both are `bytes.len()` long and do not overlap; the caller vouches for the bit patterns.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), all.as_mut_ptr().cast::<u8>(), bytes.len()) };
    Ok(all)
}

fn views_of(bytes: &[u8]) -> PyResult<Vec<View>> {
    // SAFETY: a view is integers and floats only.
    unsafe { structs(bytes, "views") }
}

/// A compiled strategy with memory of its own, called as a lane calls it.
#[pyclass(name = "Kernel", module = "native._core", frozen)]
struct PyKernel(Mutex<Kernel>);

#[pymethods]
impl PyKernel {
    #[new]
    #[pyo3(signature = (compiled, budget_ns = 0))]
    fn new(compiled: &Bound<'_, PyAny>, budget_ns: i64) -> PyResult<PyKernel> {
        Ok(PyKernel(Mutex::new(kernel_of(compiled, budget_ns)?)))
    }

    /// Calls `hook` (such as "on_book") about instrument `index` of `views` (bytes of the view's dtype) without the
    /// GIL, and returns the outs as bytes. RuntimeError when the hook raised, wrote what is not a price, quantity,
    /// action or count, or overran its budget.
    #[pyo3(signature = (hook, views, index = 0))]
    fn call<'py>(&self, py: Python<'py>, hook: &str, views: &[u8], index: usize) -> PyResult<Bound<'py, PyBytes>> {
        let (id, views) = (hook_of(hook)?, views_of(views)?);
        if index >= views.len() {
            return Err(PyValueError::new_err(format!("index {index} of {} views", views.len())));
        }
        let mut outs = vec![Out::default(); views.len()];
        py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).call(id, &views, index, &mut outs))
            .map_err(|e| PyRuntimeError::new_err(format!("{hook} {e}")))?;
        // SAFETY: outs are integers and floats without padding, and live until the copy is made.
        let bytes = unsafe { std::slice::from_raw_parts(outs.as_ptr().cast::<u8>(), size_of_val(outs.as_slice())) };
        Ok(PyBytes::new(py, bytes))
    }

    /// Parameters and state as they are now: bytes of `CompiledKernel.state_dtype`.
    fn state<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.lock().unwrap_or_else(PoisonError::into_inner).state())
    }
}

/// The layout of what hooks see, as JSON; see `native/src/cex/kernel/view.rs`.
#[pyfunction]
fn layout_json() -> String {
    kernel::layout_json()
}

type Levels = Vec<(i64, i64)>;

/// The desired ladder (bids, asks; each level ticks and lots) of an out's bytes, None where it wishes none.
/// RuntimeError for what is not a price, a quantity or a count.
#[pyfunction]
fn desired_ladder(out: &[u8]) -> PyResult<Option<(Levels, Levels)>> {
    // SAFETY: an out is integers and floats only.
    let out = unsafe { structs::<Out>(out, "out") }?[0];
    out.check(0).map_err(|e| PyRuntimeError::new_err(format!("the hook {e}")))?;
    let plain = |levels: &[Level]| levels.iter().map(|l| (l.px.0, l.qty.0)).collect();
    Ok(out.ladder().map(|l| (plain(l.bids()), plain(l.asks()))))
}

/// Nanoseconds a call of `hook` with `views`, over `calls` calls on a thread that has no interpreter, while the
/// caller holds the GIL. TimeoutError after `timeout_s`: the hook waits for the GIL, or is too slow.
#[pyfunction]
#[pyo3(signature = (compiled, hook, views, calls, timeout_s = 30.0))]
fn bench_hook(compiled: &Bound<'_, PyAny>, hook: &str, views: &[u8], calls: u32, timeout_s: f64) -> PyResult<f64> {
    let (mut kernel, hook, views) = (kernel_of(compiled, 0)?, hook_of(hook)?, views_of(views)?);
    let timeout = Duration::try_from_secs_f64(timeout_s).map_err(|e| PyValueError::new_err(e.to_string()))?;
    let (tx, rx) = mpsc::channel();
    std::thread::spawn(move || {
        let mut outs = vec![Out::default(); views.len()];
        let started = stopwatch_ns();
        let verdict = (0..calls).try_for_each(|_| kernel.call(hook, std::hint::black_box(&views), 0, &mut outs));
        let ns = (stopwatch_ns() - started) as f64 / f64::from(calls.max(1));
        // The receiver is gone only after its timeout; then nobody wants the answer.
        let _ = tx.send(verdict.map(|()| ns));
    });
    match rx.recv_timeout(timeout) {
        Ok(verdict) => verdict.map_err(|e| PyRuntimeError::new_err(format!("{} {e}", hook.name()))),
        Err(_) => Err(PyTimeoutError::new_err("the hook did not return without the GIL in time")),
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyKernel>()?;
    m.add_function(wrap_pyfunction!(layout_json, m)?)?;
    m.add_function(wrap_pyfunction!(desired_ladder, m)?)?;
    m.add_function(wrap_pyfunction!(bench_hook, m)?)
}
