//! The rule for sandwiches, for research.

use alloy_primitives::{Address, B256, U256};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::risk::sandwich::{Traded, sandwiches as find};

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(sandwiches, m)?)
}

/// Place of the transaction, pool, signer, what was called, payer, recipient, token in, token out, amounts in and out.
type Given<'py> = (
    u32,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
    Bound<'py, PyAny>,
);

/// Fronts, victims, backs, held, same pool.
type Found = (Vec<usize>, Vec<usize>, Vec<usize>, bool, bool);

/// Every sandwich in a list of swaps in the order of execution.
#[pyfunction]
#[pyo3(signature = (swaps, /))]
fn sandwiches(swaps: Vec<Given<'_>>) -> PyResult<Vec<Found>> {
    let swaps: Vec<Traded> = swaps.iter().map(traded).collect::<PyResult<_>>()?;
    Ok(find(&swaps).into_iter().map(|s| (s.fronts, s.victims, s.backs, s.held, s.same_pool)).collect())
}

fn traded(given: &Given<'_>) -> PyResult<Traded> {
    Ok(Traded {
        tx_index: given.0,
        pool: pool(&given.1)?,
        signer: address(&given.2)?,
        called: address(&given.3)?,
        payer: address(&given.4)?,
        recipient: address(&given.5)?,
        token_in: address(&given.6)?,
        token_out: address(&given.7)?,
        amount_in: amount(&given.8)?,
        amount_out: amount(&given.9)?,
    })
}

fn pool(value: &Bound<'_, PyAny>) -> PyResult<B256> {
    let bytes: &[u8] = value.extract()?;
    match bytes.len() {
        20 => Ok(B256::left_padding_from(bytes)),
        32 => Ok(B256::from_slice(bytes)),
        n => Err(PyValueError::new_err(format!("a pool is 20 or 32 bytes, not {n}"))),
    }
}

fn address(value: &Bound<'_, PyAny>) -> PyResult<Address> {
    let bytes: &[u8] = value.extract()?;
    Address::try_from(bytes).map_err(|_| PyValueError::new_err(format!("an address is 20 bytes, not {}", bytes.len())))
}

/// `int.to_bytes(32, "little")`, which raises OverflowError for what is negative or too big.
fn amount(value: &Bound<'_, PyAny>) -> PyResult<U256> {
    let bytes = value.call_method1("to_bytes", (32, "little"))?;
    let bytes: &[u8] = bytes.extract()?;
    Ok(U256::from_le_slice(bytes))
}
