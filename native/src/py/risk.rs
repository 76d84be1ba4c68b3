//! The switch for the command line and the guard; the gate for tests and research. A lane has its own gate.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

use crate::event::{Action, Intent, Level, Receipt, ReceiptKind, Side, TimeInForce, Top};
use crate::risk::gate::{Gate as Core, Market};
use crate::risk::limits::{Limit, Limits};
use crate::risk::switch::{Cause, Switch as CoreSwitch, SwitchState};
use crate::units::{Decimal, InstrumentSpec, Lots, Ticks};

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Switch>()?;
    m.add_class::<Gate>()?;
    m.add_function(wrap_pyfunction!(limits, m)?)
}

fn bad(e: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(e.to_string())
}

fn one_of<T>(what: &str, name: &str, known: &[(&str, T)]) -> PyResult<T>
where
    T: Copy,
{
    known.iter().find(|(n, _)| *n == name).map(|(_, v)| *v).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(n, _)| *n).collect();
        bad(format!("{what} {name:?} is none of {}", names.join(", ")))
    })
}

fn state(name: &str) -> PyResult<SwitchState> {
    SwitchState::from_name(name).ok_or_else(|| bad(format!("state {name:?} is none of active, reducing, halted")))
}

fn cause(name: &str) -> PyResult<Cause> {
    Cause::from_name(name).ok_or_else(|| bad(format!("cause {name:?} is not known")))
}

fn side(name: &str) -> PyResult<Side> {
    one_of("side", name, &[("buy", Side::Buy), ("sell", Side::Sell)])
}

/// Every limit: name, level, unit of what a refusal observed and allows.
#[pyfunction]
fn limits() -> Vec<(&'static str, &'static str, &'static str)> {
    Limit::ALL.iter().map(|l| (l.name(), l.level(), l.unit())).collect()
}

/// The kill switch in the file `path`; created, active, if there is none. Raises OSError if it cannot be.
#[pyclass(module = "native._core", frozen)]
struct Switch {
    inner: Arc<CoreSwitch>,
}

#[pymethods]
impl Switch {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Switch> {
        let inner = py.detach(|| CoreSwitch::open(&path)).map_err(PyOSError::new_err)?;
        Ok(Switch { inner: Arc::new(inner) })
    }

    /// A switch of this process alone, for replays and tests.
    #[staticmethod]
    fn anonymous() -> Switch {
        Switch { inner: Arc::new(CoreSwitch::anonymous()) }
    }

    /// "active", "reducing" or "halted".
    fn state(&self) -> &'static str {
        self.inner.state().name()
    }

    /// Why it first left active: cause, text, time (ns since 1970), process id; None while active.
    fn reason(&self) -> Option<(&'static str, String, i64, u32)> {
        self.inner.reason().map(|r| (r.cause.name(), r.text, r.at_ns, r.pid))
    }

    /// Moves the state down to `state`, never up; True if it moved. Raises ValueError for unknown names.
    #[pyo3(signature = (state, cause, text, now_ns, /))]
    fn trip(&self, py: Python<'_>, state: &str, cause: &str, text: &str, now_ns: i64) -> PyResult<bool> {
        let (to, why) = (self::state(state)?, self::cause(cause)?);
        Ok(py.detach(|| self.inner.trip(to, why, text, now_ns)))
    }

    /// Back to active, for a person who says who they are and why. Raises ValueError without a name or a reason, or
    /// if it cannot be done; then nothing has changed unless the text says so.
    #[pyo3(signature = (who, reason, now_ns, /))]
    fn reset(&self, py: Python<'_>, who: &str, reason: &str, now_ns: i64) -> PyResult<()> {
        py.detach(|| self.inner.reset(who, reason, now_ns)).map_err(bad)
    }

    /// Whether the path still leads to the mapped file; if not, this handle halts.
    #[pyo3(signature = (now_ns, /))]
    fn verify(&self, now_ns: i64) -> bool {
        self.inner.verify(now_ns)
    }

    /// Why the last line could not be logged, if it could not.
    fn log_error(&self) -> Option<String> {
        self.inner.log_error()
    }
}

type IntentArgs = (String, u64, u16, String, i64, i64, bool);
type ReceiptArgs = (String, u64, u16, String, i64, i64, i64, bool);

/// The gate, for tests and research. `specs` and `limits` are JSON, `equity` is digits in the quote currency. Raises
/// ValueError naming what is missing, unknown or out of range.
#[pyclass(module = "native._core")]
struct Gate {
    inner: Core,
    instruments: u16,
}

impl Gate {
    fn known(&self, instrument: u16) -> PyResult<u16> {
        if instrument < self.instruments {
            Ok(instrument)
        } else {
            Err(bad(format!("instrument {instrument}: the gate has {}", self.instruments)))
        }
    }
}

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (specs, limits, equity, switch, /))]
    fn new(specs: &str, limits: &str, equity: &str, switch: &Switch) -> PyResult<Gate> {
        let specs: Vec<InstrumentSpec> = serde_json::from_str(specs).map_err(|e| bad(format!("specs: {e}")))?;
        let limits: Limits = serde_json::from_str(limits).map_err(|e| bad(format!("limits: {e}")))?;
        let equity = Decimal::parse(equity.as_bytes()).map_err(|e| bad(format!("equity {equity:?} {e}")))?;
        let inner = Core::new(&specs, &limits, equity, switch.inner.clone()).map_err(bad)?;
        Ok(Gate { inner, instruments: specs.len() as u16 }) // the gate takes at most 65 535
    }

    /// Judges an intent (action, id, instrument, side, px in ticks, qty in lots, reduce_only) by a top (bid, ask in
    /// ticks) and redeems the permit. Returns None, or the refusal: limit, observed, allowed.
    #[pyo3(signature = (intent, top, book_ns, now_ns, /))]
    fn judge(
        &mut self,
        intent: IntentArgs,
        top: Option<(i64, i64)>,
        book_ns: i64,
        now_ns: i64,
    ) -> PyResult<Option<(&'static str, i64, i64)>> {
        let (action, id, instrument, side_, px, qty, reduce_only) = intent;
        let actions = [("place", Action::Place), ("cancel", Action::Cancel), ("replace", Action::Replace)];
        let intent = Intent {
            id,
            kernel: 0,
            instrument,
            action: one_of("action", &action, &actions)?,
            side: side(&side_)?,
            tif: TimeInForce::Gtc,
            reduce_only,
            px: Ticks(px),
            qty: Lots(qty),
            decided_ns: now_ns,
        };
        let level = |px| Level { px: Ticks(px), qty: Lots(1) };
        let top = top.map(|(bid, ask)| Top { bid: level(bid), ask: level(ask) });
        let verdict = self.inner.judge(&intent, &Market { top, book_ns }, now_ns);
        let refusal = verdict.and_then(|permit| self.inner.redeem(permit, now_ns)).err();
        Ok(refusal.map(|r| (Limit::from_index(r.limit).map_or("", Limit::name), r.observed, r.allowed)))
    }

    /// Takes over a receipt (kind, id, instrument, side, px, qty, leaves, maker).
    #[pyo3(signature = (receipt, now_ns, /))]
    fn on_receipt(&mut self, receipt: ReceiptArgs, now_ns: i64) -> PyResult<()> {
        let (kind, id, instrument, side_, px, qty, leaves, maker) = receipt;
        let kinds = [
            ("accepted", ReceiptKind::Accepted),
            ("filled", ReceiptKind::Filled),
            ("rejected", ReceiptKind::Rejected),
            ("cancelled", ReceiptKind::Cancelled),
            ("expired", ReceiptKind::Expired),
            ("replaced", ReceiptKind::Replaced),
            ("change_rejected", ReceiptKind::ChangeRejected),
            ("unknown", ReceiptKind::Unknown),
        ];
        let receipt = Receipt {
            kind: one_of("receipt", &kind, &kinds)?,
            id,
            instrument,
            side: side(&side_)?,
            maker,
            exch_ns: now_ns,
            px: Ticks(px),
            qty: Lots(qty),
            leaves: Lots(leaves),
            trade_id: 0,
            queue_joined: -1,
            queue_ahead: -1,
        };
        self.inner.on_receipt(&receipt, now_ns);
        Ok(())
    }

    /// A tick (bid + ask in ticks); False if it is an outlier.
    #[pyo3(signature = (instrument, half_ticks, now_ns, /))]
    fn on_tick(&mut self, instrument: u16, half_ticks: i64, now_ns: i64) -> bool {
        self.inner.on_tick(instrument, half_ticks, now_ns)
    }

    /// Age of market data at its receipt.
    #[pyo3(signature = (instrument, latency_ns, now_ns, /))]
    fn on_feed_latency(&mut self, instrument: u16, latency_ns: i64, now_ns: i64) {
        self.inner.on_feed_latency(instrument, latency_ns, now_ns);
    }

    /// Marks the instrument to a mid (bid + ask in ticks).
    #[pyo3(signature = (instrument, half_ticks, now_ns, /))]
    fn on_mark(&mut self, instrument: u16, half_ticks: i64, now_ns: i64) {
        self.inner.on_mark(instrument, half_ticks, now_ns);
    }

    /// Latches the lane down; True if its own state moved. Raises ValueError for unknown names.
    #[pyo3(signature = (state, cause, text, now_ns, /))]
    fn trip(&mut self, state: &str, cause: &str, text: &str, now_ns: i64) -> PyResult<bool> {
        Ok(self.inner.trip(self::state(state)?, self::cause(cause)?, text, now_ns))
    }

    /// The worse of the lane's own state and the switch's.
    fn state(&mut self) -> &'static str {
        self.inner.look().name()
    }

    /// Why the lane itself left active: cause and text; None if it did not.
    fn reason(&self) -> Option<(&'static str, String)> {
        self.inner.reason().map(|r| (r.cause.name(), r.text.clone()))
    }

    /// The drawdown asks to cancel everything and to bring positions to zero.
    fn should_flatten(&mut self) -> bool {
        self.inner.look();
        self.inner.should_flatten()
    }

    /// Halts the lane if it was flattening and nothing is left; True if it did.
    #[pyo3(signature = (now_ns, /))]
    fn finish_flatten(&mut self, now_ns: i64) -> bool {
        self.inner.look();
        self.inner.finish_flatten(now_ns)
    }

    /// Lots held; negative is short.
    #[pyo3(signature = (instrument, /))]
    fn position(&self, instrument: u16) -> PyResult<i64> {
        Ok(self.inner.exposure(self.known(instrument)?).position().0)
    }

    /// Ids of orders not proven dead, and the most lots that each may still trade.
    #[pyo3(signature = (instrument, /))]
    fn open_orders(&self, instrument: u16) -> PyResult<Vec<(u64, i64)>> {
        Ok(self.inner.exposure(self.known(instrument)?).open().iter().map(|o| (o.id, o.worst())).collect())
    }

    /// Spread capture, drift, fees, rebates and total, in half a tick x a lot x 10^-8.
    #[pyo3(signature = (instrument, /))]
    fn pnl(&self, instrument: u16) -> PyResult<(i128, i128, i128, i128, i128)> {
        let pnl = self.inner.exposure(self.known(instrument)?).pnl();
        Ok((pnl.spread.0, pnl.drift.0, pnl.fees.0, pnl.rebates.0, pnl.total().0))
    }

    /// Starting equity and all PnL since, digits in the quote currency.
    fn equity(&self) -> String {
        self.inner.equity().to_string()
    }

    /// How often each limit refused, ignored a tick or tripped.
    fn refusals(&self) -> std::collections::BTreeMap<&'static str, u64> {
        self.inner.refusals().map(|(l, n)| (l.name(), n)).collect()
    }
}
