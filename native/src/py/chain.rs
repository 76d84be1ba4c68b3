//! Pools for research: quotes, swaps and states that are the chain's own integers.

use alloy_primitives::{Address, B256, U256};
use pyo3::exceptions::{PyKeyError, PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt};

use crate::searcher::pools::v3::Exact;
use crate::searcher::pools::{AnyPool, Ban, NoQuote as Reason, Pool, PoolId, PoolKey, Pools as Core, Side, Status};

pyo3::create_exception!(
    native._core,
    NoQuote,
    PyValueError,
    "A pool gives no quote for this: its contract would revert, or not take all. The message says why."
);

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("NoQuote", m.py().get_type::<NoQuote>())?;
    m.add_class::<Pools>()
}

/// A Python int as 256 bits. Raises OverflowError for one that is negative or does not fit.
pub fn wide(number: &Bound<'_, PyInt>) -> PyResult<U256> {
    if let Ok(small) = number.extract::<u64>() {
        return Ok(U256::from(small));
    }
    let bytes = number
        .call_method1("to_bytes", (32, "little"))
        .map_err(|_| PyOverflowError::new_err("an amount is a whole number from 0 to 2**256 - 1"))?;
    Ok(U256::from_le_slice(bytes.cast::<PyBytes>()?.as_bytes()))
}

/// 256 bits as a Python int.
pub fn int<'py>(py: Python<'py>, number: U256) -> PyResult<Bound<'py, PyAny>> {
    let bytes = PyBytes::new(py, &number.to_le_bytes::<32>());
    py.get_type::<PyInt>().call_method1("from_bytes", (bytes, "little"))
}

/// An address from `0x` and 40 digits. Raises ValueError for anything else.
pub fn address(text: &str) -> PyResult<Address> {
    text.parse().map_err(|e| PyValueError::new_err(format!("{text:?} is not an address of 20 bytes: {e}")))
}

/// An address, or the 32 bytes of a pool's id.
pub fn key(text: &str) -> PyResult<PoolKey> {
    if text.len() == 66 {
        let id: B256 = text.parse().map_err(|e| PyValueError::new_err(format!("{text:?} is not a pool's id: {e}")))?;
        return Ok(PoolKey(id));
    }
    Ok(PoolKey::from(address(text)?))
}

/// As it was given: an address where the first 12 bytes are zero.
pub fn key_text(key: PoolKey) -> String {
    if key.0[..12].iter().all(|b| *b == 0) {
        return Address::from_word(key.0).to_checksum(None);
    }
    key.0.to_string()
}

fn reason(why: Reason) -> &'static str {
    match why {
        Reason::NoSuchPair => "the pool has no such two different tokens",
        Reason::TooSmall => "the amount is zero, or so small that the contract refuses it",
        Reason::NoLiquidity => "more than the pool can take or give",
        Reason::Limit => "more than the contract allows in one swap",
        Reason::Overflow => "the contract's integers would overflow",
        Reason::NotConverged => "the contract's iteration would not end",
        Reason::Unknown => "what it gives cannot be known from its state: simulate it",
    }
}

/// Pools and their tokens, numbered in the order they were added. All amounts are ints of a token's smallest unit.
#[pyclass(module = "native._core")]
pub struct Pools {
    pub inner: Core,
}

impl Pools {
    /// A pool's number, if there is such a pool.
    pub fn id(&self, number: u32) -> PyResult<PoolId> {
        if (number as usize) < self.inner.len() {
            return Ok(PoolId(number));
        }
        Err(PyKeyError::new_err(format!("there is no pool {number}: there are {}", self.inner.len())))
    }

    fn side(&self, pool: PoolId, token_in: &str, token_out: &str) -> PyResult<Side> {
        let place = |text: &str| {
            let wanted = self.inner.token_id(address(text)?);
            let at = self.inner.tokens(pool).iter().position(|t| Some(*t) == wanted);
            at.and_then(|n| u8::try_from(n).ok()).ok_or_else(|| {
                PyKeyError::new_err(format!("{text} is not a token of the pool {}", key_text(self.inner.key(pool))))
            })
        };
        Ok(Side { from: place(token_in)?, to: place(token_out)? })
    }

    /// A pool's number, and which of its tokens goes in and which comes out.
    fn swap(&self, number: u32, token_in: &str, token_out: &str) -> PyResult<(PoolId, Side)> {
        let id = self.id(number)?;
        Ok((id, self.side(id, token_in, token_out)?))
    }

    fn answer<'py>(&self, py: Python<'py>, found: Result<U256, Reason>) -> PyResult<Bound<'py, PyAny>> {
        int(py, found.map_err(|why| NoQuote::new_err(reason(why)))?)
    }
}

#[pymethods]
impl Pools {
    #[new]
    fn new() -> Pools {
        Pools { inner: Core::default() }
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    /// Adds a pool, or replaces the state of the one that lives there; its number. `key` is its address (or its id of 32
    /// bytes), `tokens` their addresses in the pool's own order, `state` JSON as `state()` gives it. Raises ValueError.
    fn add(&mut self, key_of: &str, tokens: Vec<String>, state: &str) -> PyResult<u32> {
        let pool: AnyPool = serde_json::from_str(state)
            .map_err(|e| PyValueError::new_err(format!("the state of pool {key_of} cannot be read: {e}")))?;
        let tokens = tokens.iter().map(|t| address(t)).collect::<PyResult<Vec<_>>>()?;
        if tokens.len() < 2 {
            return Err(PyValueError::new_err(format!("pool {key_of} needs two tokens or more")));
        }
        Ok(self.inner.add(key(key_of)?, &tokens, pool).0)
    }

    /// The number of the pool that lives there. Raises KeyError.
    fn number(&self, key_of: &str) -> PyResult<u32> {
        let found = self.inner.id(key(key_of)?);
        found.map(|id| id.0).ok_or_else(|| PyKeyError::new_err(format!("no pool is known at {key_of}")))
    }

    /// Where a pool lives: its address, or its id.
    fn key(&self, pool: u32) -> PyResult<String> {
        Ok(key_text(self.inner.key(self.id(pool)?)))
    }

    /// A pool's tokens, in its own order.
    fn tokens(&self, pool: u32) -> PyResult<Vec<String>> {
        let tokens = self.inner.tokens(self.id(pool)?);
        Ok(tokens.iter().map(|t| self.inner.token_address(*t).to_checksum(None)).collect())
    }

    /// Its state as JSON: the protocol's name over what the contract keeps.
    fn state(&self, pool: u32) -> PyResult<String> {
        serde_json::to_string(self.inner.get(self.id(pool)?)).map_err(|e| PyValueError::new_err(e.to_string()))
    }

    /// Whether it may be searched: `live`, `stale` since a block, or `refused` and why.
    fn status(&self, pool: u32) -> PyResult<String> {
        Ok(match self.inner.status(self.id(pool)?) {
            Status::Live => "live".into(),
            Status::Stale { since_block } => format!("stale since block {since_block}"),
            Status::Refused(Ban::Token) => "refused: a token that is not safe".into(),
            Status::Refused(Ban::Hook) => "refused: a hook that is not known to be safe".into(),
            Status::Refused(Ban::Diverged) => "refused: prediction and simulation differed".into(),
        })
    }

    /// Amount out for exactly `amount_in`, all of it taken. Raises NoQuote.
    fn quote_in<'py>(
        &self,
        py: Python<'py>,
        pool: u32,
        token_in: &str,
        token_out: &str,
        amount_in: &Bound<'py, PyInt>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (id, side) = self.swap(pool, token_in, token_out)?;
        self.answer(py, self.inner.get(id).quote_in(side, wide(amount_in)?))
    }

    /// The amount in that the contract asks for exactly `amount_out`. Raises NoQuote.
    fn quote_out<'py>(
        &self,
        py: Python<'py>,
        pool: u32,
        token_in: &str,
        token_out: &str,
        amount_out: &Bound<'py, PyInt>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (id, side) = self.swap(pool, token_in, token_out)?;
        self.answer(py, self.inner.get(id).quote_out(side, wide(amount_out)?))
    }

    /// What goes in and what comes out where liquidity may end before `amount` does, as a quoter contract tells it: `amount`
    /// is offered, or with `exact_out` asked for. For pools with liquidity between ticks. Raises NoQuote.
    #[pyo3(signature = (pool, token_in, token_out, amount, *, exact_out = false))]
    fn swap_part<'py>(
        &self,
        py: Python<'py>,
        pool: u32,
        token_in: &str,
        token_out: &str,
        amount: &Bound<'py, PyInt>,
        exact_out: bool,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let (id, side) = self.swap(pool, token_in, token_out)?;
        let amount = wide(amount)?;
        let amount = if exact_out { Exact::Out(amount) } else { Exact::In(amount) };
        let found = match self.inner.get(id) {
            AnyPool::V3(pool) => pool.swap(side, amount, None),
            AnyPool::V4(pool) => pool.swap(side, amount, None),
            _ => return Err(PyValueError::new_err(format!("pool {pool} has no liquidity between ticks"))),
        };
        let swapped = found.map_err(|why| NoQuote::new_err(reason(why)))?;
        Ok((int(py, swapped.amount_in)?, int(py, swapped.amount_out)?))
    }

    /// What the view `get_dy` of a Curve pool says; of some it rounds otherwise than what `exchange` pays, which is what
    /// `quote_in` gives. Raises NoQuote.
    fn get_dy<'py>(
        &self,
        py: Python<'py>,
        pool: u32,
        token_in: &str,
        token_out: &str,
        amount_in: &Bound<'py, PyInt>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (id, side) = self.swap(pool, token_in, token_out)?;
        let amount_in = wide(amount_in)?;
        let found = match self.inner.get(id) {
            AnyPool::CurveStable(pool) => pool.get_dy(side, amount_in),
            AnyPool::CurveCrypto(pool) => pool.quote_in(side, amount_in),
            _ => return Err(PyValueError::new_err(format!("pool {pool} is none of Curve's"))),
        };
        self.answer(py, found)
    }

    /// Swaps: the pool's state afterwards is the contract's. Gives the amount out. Raises NoQuote; then nothing changed.
    fn apply<'py>(
        &mut self,
        py: Python<'py>,
        pool: u32,
        token_in: &str,
        token_out: &str,
        amount_in: &Bound<'py, PyInt>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (id, side) = self.swap(pool, token_in, token_out)?;
        let found = self.inner.get_mut(id).apply(side, wide(amount_in)?);
        self.answer(py, found)
    }

    /// Out per in of an infinitely small swap after fees, in smallest units.
    fn spot_price(&self, pool: u32, token_in: &str, token_out: &str) -> PyResult<f64> {
        let (id, side) = self.swap(pool, token_in, token_out)?;
        Ok(self.inner.get(id).spot_price(side))
    }

    /// Gas of a swap of this size, estimated, without the 21,000 of a transaction.
    fn gas(&self, pool: u32, token_in: &str, token_out: &str, amount_in: &Bound<'_, PyInt>) -> PyResult<u64> {
        let (id, side) = self.swap(pool, token_in, token_out)?;
        Ok(self.inner.get(id).gas(side, wide(amount_in)?))
    }
}
