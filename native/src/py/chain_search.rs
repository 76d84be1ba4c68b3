//! Cycles and their sizes for research: the same search and the same solver that the daemon calls.

use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::chain::{Pools, address, int, wide};
use crate::searcher::cycle::{Cycle as CoreCycle, Hop, MAX_HOPS};
use crate::searcher::graph::{Bases, Found, Graph as CoreGraph, Scan, Search, Want};
use crate::searcher::pools::{PoolId, Side, TokenId};
use crate::searcher::size::{self, Costs};

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Cycle>()?;
    m.add_class::<Graph>()?;
    m.add_class::<Sized>()?;
    m.add_function(wrap_pyfunction!(solve, m)?)
}

/// A closed walk of two to four hops through pools; what the last gives is what the first takes.
#[pyclass(module = "native._core", frozen, eq)]
#[derive(Clone, PartialEq)]
pub struct Cycle {
    inner: CoreCycle,
    hops: Vec<(u32, String, String)>,
    /// Natural logarithm of what comes back per unit at spot prices after fees; above 0 it earns, for a small enough amount.
    #[pyo3(get)]
    log_gain: f64,
}

impl Cycle {
    fn of(pools: &Pools, inner: CoreCycle) -> Cycle {
        let text = |id| pools.inner.token_address(id).to_checksum(None);
        let (mut hops, mut log_gain) = (Vec::new(), 0.0);
        for hop in inner.hops() {
            let tokens = pools.inner.tokens(hop.pool);
            let (from, to) = (tokens[usize::from(hop.side.from)], tokens[usize::from(hop.side.to)]);
            hops.push((hop.pool.0, text(from), text(to)));
            log_gain += crate::searcher::pools::Pool::spot_price(pools.inner.get(hop.pool), hop.side).ln();
        }
        Cycle { inner, hops, log_gain }
    }
}

#[pymethods]
impl Cycle {
    /// The walk that starts with `token` and goes through these pools by number, in each to the token that is named. Raises
    /// KeyError for a pool or token that is not there, ValueError for a walk that is not closed or too long.
    #[new]
    fn new(pools: &Pools, token: &str, hops: Vec<(u32, String)>) -> PyResult<Cycle> {
        let start = known(pools, token)?;
        let (mut at, mut walk) = (start, Vec::new());
        for (number, to) in hops {
            let pool = pools.id(number)?;
            let next = known(pools, &to)?;
            let place = |token: TokenId| {
                let found = pools.inner.tokens(pool).iter().position(|t| *t == token);
                found.and_then(|n| u8::try_from(n).ok()).ok_or_else(|| {
                    let text = pools.inner.token_address(token);
                    PyKeyError::new_err(format!("{text} is not a token of pool {number}"))
                })
            };
            walk.push(Hop { pool, side: Side { from: place(at)?, to: place(next)? } });
            at = next;
        }
        let closed = if at == start { CoreCycle::new(start, &walk) } else { None };
        closed.map(|inner| Cycle::of(pools, inner)).ok_or_else(|| {
            PyValueError::new_err(format!("a cycle has 2 to {MAX_HOPS} hops and ends in the token that it starts with"))
        })
    }

    /// The token that goes in and comes out.
    #[getter]
    fn token(&self) -> &str {
        &self.hops[0].1
    }

    /// Pool, token in and token out of each hop.
    #[getter]
    fn hops(&self) -> Vec<(u32, String, String)> {
        self.hops.clone()
    }

    fn __repr__(&self) -> String {
        let pools: Vec<_> = self.hops.iter().map(|(pool, _, _)| pool.to_string()).collect();
        format!("Cycle({} through pools {}, log gain {:.6})", self.token(), pools.join(", "), self.log_gain)
    }
}

fn known(pools: &Pools, token: &str) -> PyResult<TokenId> {
    let found = pools.inner.token_id(address(token)?);
    found.ok_or_else(|| PyKeyError::new_err(format!("no pool holds the token {token}")))
}

/// Tokens and pools as a graph. It is told of every pool whose state or status changed.
#[pyclass(module = "native._core")]
struct Graph {
    inner: CoreGraph,
    search: Search,
    scan: Scan,
    found: Found,
}

#[pymethods]
impl Graph {
    /// The graph of all live pools.
    #[new]
    fn new(pools: &Pools) -> Graph {
        let inner = CoreGraph::of(&pools.inner);
        Graph { inner, search: Search::new(), scan: Scan::new(), found: Found::default() }
    }

    /// Takes over a pool's prices, or a pool that is new; one that is no longer live leaves.
    fn update(&mut self, pools: &Pools, pool: u32) -> PyResult<()> {
        self.inner.update(&pools.inner, pools.id(pool)?);
        Ok(())
    }

    /// The cycles through at least one of the `touched` pools whose log gain is above `min_log_gain`, fewest hops first and
    /// then the best, and whether there are more than `max_cycles`. A cycle starts in the first of `bases` that is in it; with
    /// `only_bases` those with none are left out.
    #[pyo3(signature = (pools, touched, *, bases = Vec::new(), only_bases = false, min_log_gain = 0.0, max_hops = MAX_HOPS, max_cycles = 256))]
    #[allow(clippy::too_many_arguments)] // they are keywords in Python
    fn cycles_through(
        &mut self,
        pools: &Pools,
        touched: Vec<u32>,
        bases: Vec<String>,
        only_bases: bool,
        min_log_gain: f64,
        max_hops: usize,
        max_cycles: usize,
    ) -> PyResult<(Vec<Cycle>, bool)> {
        let touched = touched.into_iter().map(|n| pools.id(n)).collect::<PyResult<Vec<PoolId>>>()?;
        let bases = bases.iter().map(|b| known(pools, b)).collect::<PyResult<Vec<TokenId>>>()?;
        let bases = if only_bases { Bases::Only(&bases) } else { Bases::Prefer(&bases) };
        let want = Want { min_log_gain, max_hops, max_cycles, bases };
        self.inner.cycles_through(&touched, &want, &mut self.search, &mut self.found);
        let cycles = self.found.cycles.iter().map(|f| Cycle::of(pools, f.cycle)).collect();
        Ok((cycles, self.found.truncated))
    }

    /// Rings of any length that gain more than `per_hop` (log) a hop, found over the whole graph: at least one where there
    /// is one. Each is its hops as pool, token in, token out, and its log gain.
    #[pyo3(signature = (pools, *, per_hop = 0.0, max_rings = 16))]
    fn scan(&mut self, pools: &Pools, per_hop: f64, max_rings: usize) -> Vec<(Vec<(u32, String, String)>, f64)> {
        let text = |id| pools.inner.token_address(id).to_checksum(None);
        let found = self.inner.scan(per_hop, max_rings, &mut self.scan);
        let hop = |hop: &Hop| {
            let tokens = pools.inner.tokens(hop.pool);
            let (from, to) = (tokens[usize::from(hop.side.from)], tokens[usize::from(hop.side.to)]);
            (hop.pool.0, text(from), text(to))
        };
        found.rings.iter().map(|ring| (ring.hops.iter().map(hop).collect(), ring.log_gain)).collect()
    }
}

/// A cycle with the amount that earns most; amounts in smallest units, profits in the cycle's token.
#[pyclass(module = "native._core", frozen)]
struct Sized {
    inner: size::Sized,
    hops: usize,
}

#[pymethods]
impl Sized {
    /// What goes in.
    #[getter]
    fn amount_in<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        int(py, self.inner.amount_in)
    }

    /// What goes into the first hop, and what comes out of each.
    #[getter]
    fn amounts<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.inner.amounts[..=self.hops].iter().map(|amount| int(py, *amount)).collect()
    }

    /// What comes out less what goes in.
    #[getter]
    fn gross<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        int(py, self.inner.gross)
    }

    /// Gas, estimated.
    #[getter]
    fn gas(&self) -> u64 {
        self.inner.gas
    }

    /// What the gas costs.
    #[getter]
    fn gas_cost<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        int(py, self.inner.gas_cost)
    }

    /// What the builder is paid.
    #[getter]
    fn builder_payment<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        int(py, self.inner.builder_payment)
    }

    /// What is left.
    #[getter]
    fn net<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        int(py, self.inner.net)
    }

    /// No amount whatever has a gross profit above this; None where a hop's protocol has no such bound.
    #[getter]
    fn at_most<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.inner.proof.at_most.map(|bound| int(py, bound)).transpose()
    }

    /// No amount from the first to the second has a higher gross profit than `amount_in`.
    #[getter]
    fn no_better<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let (low, high) = self.inner.proof.no_better;
        Ok((int(py, low)?, int(py, high)?))
    }
}

/// The amount that earns most in a cycle after its costs, and what is proven of it; None where nothing is left. Gas is paid
/// at `gas_price_wei` and turned into the cycle's token (`wei` wei are worth `units` of its smallest units), the builder is
/// paid `builder_bps` of the gross profit. `steps` more steps of exact search look for the very greatest.
#[pyfunction]
#[pyo3(signature = (pools, cycle, *, gas_price_wei = None, flat_gas = 0, builder_bps = 0, wei = None, units = None, steps = 0))]
#[allow(clippy::too_many_arguments)] // they are keywords in Python
fn solve(
    pools: &Pools,
    cycle: &Cycle,
    gas_price_wei: Option<&Bound<'_, PyInt>>,
    flat_gas: u64,
    builder_bps: u32,
    wei: Option<&Bound<'_, PyInt>>,
    units: Option<&Bound<'_, PyInt>>,
    steps: u64,
) -> PyResult<Option<Sized>> {
    if builder_bps > 10_000 {
        return Err(PyValueError::new_err(format!("builder_bps is {builder_bps}; 10000 are all of the profit")));
    }
    let mut costs = Costs { flat_gas, builder_bps, ..Costs::FREE };
    for (to, given) in [(&mut costs.gas_price_wei, gas_price_wei), (&mut costs.wei, wei), (&mut costs.units, units)] {
        if let Some(number) = given {
            *to = wide(number)?;
        }
    }
    let found = size::solve_exactly(&pools.inner, &cycle.inner, &costs, steps);
    Ok(found.map(|inner| Sized { inner, hops: cycle.hops.len() }))
}
