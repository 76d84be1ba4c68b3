//! The only files that name PyO3: one door, one stub (`native/_core.pyi`), one table from errors to exceptions.
use pyo3::prelude::*;

mod features;
mod kernel;
mod orders;
mod replay;
mod risk;
mod sim;
mod tape;

#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    features::register(m)?;
    kernel::register(m)?;
    orders::register(m)?;
    replay::register(m)?;
    risk::register(m)?;
    sim::register(m)?;
    tape::register(m)
}
