//! The EVM in process for research: transactions, whole bundles and token facts on a recorded state.

use std::sync::Arc;

use alloy_primitives::{B256, I256, U256};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::chain::{address, int};
use crate::searcher::evm::{
    At, BundleTx, Cache, Head, Holding, RecordedState, Rules, SimError, Simulated as CoreSimulated,
    Simulator as CoreSimulator, decode, reason, run_bundle, study,
};

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Simulated>()?;
    m.add_class::<Simulator>()
}

fn bad(why: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(why.to_string())
}

fn failed(error: SimError) -> PyErr {
    match error {
        SimError::Bug(_) => PyRuntimeError::new_err(error.to_string()),
        SimError::Source(_) | SimError::Invalid(_) => bad(error),
    }
}

fn signed<'py>(py: Python<'py>, number: I256) -> PyResult<Bound<'py, PyAny>> {
    let size = int(py, number.unsigned_abs())?;
    if number.is_negative() { size.neg() } else { Ok(size) }
}

/// What a transaction did.
#[pyclass(module = "native._core", frozen)]
struct Simulated {
    inner: CoreSimulated,
}

/// Address, topics, data.
type Log<'py> = (String, Vec<String>, Bound<'py, PyBytes>);
/// Address, slot, word before, word after.
type Word<'py> = (String, Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

#[pymethods]
impl Simulated {
    /// Whether it ended without a revert.
    #[getter]
    fn success(&self) -> bool {
        self.inner.success
    }

    /// The contract's words for its revert, or what the EVM stopped it for; None where it succeeded.
    #[getter]
    fn reason(&self) -> Option<String> {
        (!self.inner.success).then(|| reason(&self.inner))
    }

    /// What it returned, or the bytes of its revert.
    #[getter]
    fn output<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.output)
    }

    /// Gas as the receipt says it.
    #[getter]
    fn gas_used(&self) -> u64 {
        self.inner.gas_used
    }

    /// What the block's coinbase has more than before, in wei.
    #[getter]
    fn coinbase_wei<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        signed(py, self.inner.coinbase_wei)
    }

    /// Its logs: address, topics, data.
    #[getter]
    fn logs<'py>(&self, py: Python<'py>) -> Vec<Log<'py>> {
        let log = |log: &alloy_primitives::Log| {
            let topics = log.topics().iter().map(B256::to_string).collect();
            (log.address.to_checksum(None), topics, PyBytes::new(py, &log.data.data))
        };
        self.inner.logs.iter().map(log).collect()
    }

    /// The storage it changed, in order: address, slot, the word before and the word after.
    #[getter]
    fn storage<'py>(&self, py: Python<'py>) -> PyResult<Vec<Word<'py>>> {
        let mut words: Vec<_> = self
            .inner
            .diff
            .iter()
            .flat_map(|(at, account)| {
                account.storage.iter().map(|(slot, (before, after))| (*at, *slot, *before, *after))
            })
            .collect();
        words.sort();
        words
            .into_iter()
            .map(|(at, slot, before, after)| {
                Ok((at.to_checksum(None), int(py, slot)?, int(py, before)?, int(py, after)?))
            })
            .collect()
    }
}

/// Executes transactions in the block after a recorded head, on the state that was recorded of it.
#[pyclass(module = "native._core", unsendable)]
struct Simulator {
    inner: CoreSimulator,
}

#[pymethods]
impl Simulator {
    /// `state` is JSON: our own form, `prestateTracer`'s answers, or `anvil --dump-state`. The head is told by its number,
    /// timestamp, gas limit, gas used and base fee; rules are mainnet's at the next block, with another chain id if one is
    /// given. Raises ValueError, naming the place in the JSON.
    #[new]
    #[pyo3(signature = (state, *, number, timestamp_s, base_fee_wei, gas_limit = 30_000_000, gas_used = 15_000_000, coinbase = None, chain_id = 1))]
    #[allow(clippy::too_many_arguments)] // they are keywords in Python
    fn new(
        state: &str,
        number: u64,
        timestamp_s: u64,
        base_fee_wei: u64,
        gas_limit: u64,
        gas_used: u64,
        coinbase: Option<&str>,
        chain_id: u64,
    ) -> PyResult<Simulator> {
        let state = RecordedState::from_json(state.as_bytes()).map_err(bad)?;
        if let Some(other) = state.number.filter(|recorded| *recorded != number) {
            return Err(bad(format!("the state was recorded after block {other}, not after {number}")));
        }
        let coinbase = coinbase.map(address).transpose()?.unwrap_or_default();
        let hash = state.hash.unwrap_or_default();
        let head = Head {
            number,
            hash,
            timestamp_s,
            coinbase,
            prevrandao: B256::ZERO,
            gas_limit,
            gas_used,
            base_fee_wei,
            excess_blob_gas: 0,
            blob_gas_used: 0,
        };
        let rules = Rules { chain_id, ..Rules::mainnet(number + 1, timestamp_s + crate::searcher::evm::SLOT_S) };
        let block = head.next(&rules);
        let cache = Cache::new(Arc::new(state), At::Number(number), usize::MAX);
        Ok(Simulator { inner: CoreSimulator::new(&cache, &rules, block) })
    }

    /// Executes a signed transaction, as the mempool gives it. With `keep` what it changed stays for those after it. Raises
    /// ValueError where it is no transaction, where no next block can contain it, or where the state is not recorded.
    #[pyo3(signature = (raw, *, keep = false))]
    fn run(&mut self, raw: &[u8], keep: bool) -> PyResult<Simulated> {
        let tx = decode(raw).map_err(bad)?;
        let done = if keep { self.inner.run_and_keep(tx.env) } else { self.inner.run(tx.env) };
        done.map(|inner| Simulated { inner }).map_err(failed)
    }

    /// Calls a contract without a transaction: no fee, no signature, nothing kept.
    #[pyo3(signature = (sender, to, data))]
    fn call(&mut self, sender: &str, to: &str, data: Vec<u8>) -> PyResult<Simulated> {
        let done = self.inner.call(address(sender)?, address(to)?, data.into());
        done.map(|inner| Simulated { inner }).map_err(failed)
    }

    /// Executes a bundle in order and forgets it: what each transaction did, why the bundle is not good (None where it is),
    /// what the coinbase has more, and what each holding (owner, ERC-20 token or None for ether) has more. `may_revert`
    /// names the places of transactions that may.
    #[pyo3(signature = (raw, holdings = Vec::new(), *, may_revert = Vec::new()))]
    #[allow(clippy::type_complexity)] // it is a tuple of four in Python
    fn bundle<'py>(
        &mut self,
        py: Python<'py>,
        raw: Vec<Vec<u8>>,
        holdings: Vec<(String, Option<String>)>,
        may_revert: Vec<usize>,
    ) -> PyResult<(Vec<Simulated>, Option<String>, Bound<'py, PyAny>, Vec<Bound<'py, PyAny>>)> {
        let tx = |(n, bytes): (usize, &Vec<u8>)| {
            BundleTx::raw(bytes, may_revert.contains(&n)).map_err(|why| bad(format!("transaction {n}: {why}")))
        };
        let txs = raw.iter().enumerate().map(tx).collect::<PyResult<Vec<_>>>()?;
        let holding = |(owner, token): &(String, Option<String>)| -> PyResult<Holding> {
            Ok(Holding { owner: address(owner)?, token: token.as_deref().map(address).transpose()? })
        };
        let holdings = holdings.iter().map(holding).collect::<PyResult<Vec<_>>>()?;
        let run = run_bundle(&mut self.inner, &txs, &holdings).map_err(failed)?;
        let results = run.results.into_iter().map(|inner| Simulated { inner }).collect();
        let deltas = run.deltas.into_iter().map(|delta| signed(py, delta)).collect::<PyResult<Vec<_>>>()?;
        Ok((results, run.failure.map(|why| why.to_string()), signed(py, run.coinbase_wei)?, deltas))
    }

    /// What a token is, by executing it, also through pools that hold it: its decimals, why it cannot be traded (None where
    /// it can), the most that a transfer loses in basis points, and whether somebody can block accounts, pause it, or
    /// replace its code.
    #[pyo3(signature = (token, pools = Vec::new()))]
    #[allow(clippy::type_complexity)] // it is a tuple of six in Python
    fn token_facts(
        &mut self,
        token: &str,
        pools: Vec<String>,
    ) -> PyResult<(Option<u8>, Option<String>, u16, bool, bool, bool)> {
        let pools = pools.iter().map(|pool| address(pool)).collect::<PyResult<Vec<_>>>()?;
        let facts = study(&mut self.inner, address(token)?, &pools).map_err(failed)?;
        let refusal = facts.refusal().map(|why| format!("{why:?}"));
        let risk = facts.risk;
        let fee_bps = facts.transfer_fee_bps();
        Ok((facts.decimals, refusal, fee_bps, risk.can_block, risk.can_pause, risk.can_upgrade))
    }

    /// A word of a contract's storage, as it is now. Raises ValueError where it is not recorded.
    fn storage<'py>(
        &mut self,
        py: Python<'py>,
        at: &str,
        slot: &Bound<'py, pyo3::types::PyInt>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let slot: U256 = super::chain::wide(slot)?;
        let word = revm::Database::storage(self.inner.overlay(), address(at)?, slot).map_err(bad)?;
        int(py, word)
    }
}
