//! The only files that name PyO3: one door, one stub (`native/_core.pyi`), one table from errors to exceptions.
use std::io;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

mod bench;
mod chain;
mod chain_evm;
mod chain_search;
mod features;
mod kernel;
mod live;
mod orders;
mod replay;
mod risk;
mod sandwich;
mod sim;
mod tape;
mod tops;
mod verify;

/// `native/cpu.py` looks for it among the module's bytes before it loads them.
const BUILT_FOR: &str = if cfg!(target_feature = "avx2") { "x86-64-v3" } else { "baseline" };

#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add("built_for", BUILT_FOR)?;
    bench::register(m)?;
    chain::register(m)?;
    chain_evm::register(m)?;
    chain_search::register(m)?;
    features::register(m)?;
    kernel::register(m)?;
    live::register(m)?;
    orders::register(m)?;
    replay::register(m)?;
    risk::register(m)?;
    sandwich::register(m)?;
    sim::register(m)?;
    tape::register(m)?;
    tops::register(m)?;
    verify::register(m)
}

pyo3::create_exception!(
    native._core,
    TapeError,
    PyValueError,
    "A Tape's bytes are not what was written; the message names the file, the byte and what to do."
);

/// `OSError` (its subclass, where the system's error has one); `ValueError` for an argument that cannot be.
fn io_error(e: io::Error) -> PyErr {
    if e.kind() == io::ErrorKind::InvalidInput { PyValueError::new_err(e.to_string()) } else { e.into() }
}

/// `TapeError` for wrong bytes, else as [`io_error`], with the path.
fn tape_error(e: crate::tape::TapeError) -> PyErr {
    match &e {
        crate::tape::TapeError::Io { source, .. } => io_error(io::Error::new(source.kind(), e.to_string())),
        crate::tape::TapeError::Corrupt { .. } => TapeError::new_err(e.to_string()),
    }
}
