//! The order manager and the quoter from Python, for tests and research. Enumerations are the integers of
//! `native/src/event.rs`.
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cex::orders::{self as native, first_id};
use crate::cex::quoter as native_quoter;
use crate::event::{Action, ClientId, Intent, Level, Receipt, ReceiptKind, Side, TimeInForce};
use crate::units::{Lots, Ticks};

fn wrong(what: &str, value: u8) -> PyErr {
    PyValueError::new_err(format!("{value} is no {what}: see native/src/event.rs for the numbers"))
}
fn side_of(v: u8) -> PyResult<Side> {
    Side::from_u8(v).ok_or_else(|| wrong("side", v))
}
fn tif_of(v: u8) -> PyResult<TimeInForce> {
    TimeInForce::from_u8(v).ok_or_else(|| wrong("time in force", v))
}
fn action_of(v: u8) -> PyResult<Action> {
    [Action::Place, Action::Cancel, Action::Replace]
        .into_iter()
        .find(|a| *a as u8 == v)
        .ok_or_else(|| wrong("action", v))
}

/// An order as it stood when it was asked for.
#[pyclass(module = "native._core", frozen)]
#[derive(Clone)]
struct Order(native::Order);

#[pymethods]
impl Order {
    #[getter]
    fn id(&self) -> ClientId {
        self.0.id
    }
    #[getter]
    fn kernel(&self) -> u16 {
        self.0.kernel
    }
    #[getter]
    fn instrument(&self) -> u16 {
        self.0.instrument
    }
    #[getter]
    fn side(&self) -> u8 {
        self.0.side as u8
    }
    #[getter]
    fn state(&self) -> &'static str {
        match self.0.state() {
            native::State::PendingNew => "PendingNew",
            native::State::Open => "Open",
            native::State::PendingCancel => "PendingCancel",
            native::State::PendingReplace => "PendingReplace",
            native::State::Unknown => "Unknown",
            native::State::Closed => "Closed",
        }
    }
    #[getter]
    fn px(&self) -> i64 {
        self.0.px().0
    }
    #[getter]
    fn qty(&self) -> i64 {
        self.0.qty().0
    }
    #[getter]
    fn original(&self) -> i64 {
        self.0.terms.original().0
    }
    #[getter]
    fn target_px(&self) -> i64 {
        self.0.target().px.0
    }
    #[getter]
    fn target_qty(&self) -> i64 {
        self.0.target().qty.0
    }
    #[getter]
    fn filled(&self) -> i64 {
        self.0.filled.0
    }
    #[getter]
    fn leaves(&self) -> i64 {
        self.0.leaves.0
    }
    #[getter]
    fn worst_leaves(&self) -> i64 {
        self.0.worst_leaves().0
    }
    #[getter]
    fn tif(&self) -> u8 {
        self.0.tif as u8
    }
    #[getter]
    fn reduce_only(&self) -> bool {
        self.0.reduce_only
    }
    #[getter]
    fn placed_ns(&self) -> i64 {
        self.0.placed_ns
    }
    #[getter]
    fn accepted_ns(&self) -> Option<i64> {
        self.0.accepted_ns
    }
    #[getter]
    fn queue_joined(&self) -> i64 {
        self.0.queue_joined
    }
}

/// What a receipt changed.
#[pyclass(module = "native._core", frozen)]
#[derive(Clone)]
struct Applied(native::Applied);

#[pymethods]
impl Applied {
    #[getter]
    fn opened(&self) -> bool {
        self.0.opened
    }
    #[getter]
    fn replaced(&self) -> bool {
        self.0.replaced
    }
    #[getter]
    fn closed(&self) -> bool {
        self.0.closed
    }
    #[getter]
    fn contradiction(&self) -> bool {
        self.0.contradiction
    }
    #[getter]
    fn filled(&self) -> i64 {
        self.0.filled.map_or(0, |f| f.qty.0)
    }
    #[getter]
    fn first_fill(&self) -> bool {
        self.0.filled.is_some_and(|f| f.first)
    }
    #[getter]
    fn last_fill(&self) -> bool {
        self.0.filled.is_some_and(|f| f.last)
    }
    #[getter]
    fn since_accepted_ns(&self) -> Option<i64> {
        self.0.filled.map(|f| f.since_accepted_ns)
    }
    #[getter]
    fn ignored(&self) -> Option<&'static str> {
        self.0.ignored.map(|why| match why {
            native::Ignored::Duplicate => "Duplicate",
            native::Ignored::Late => "Late",
            native::Ignored::UnknownId => "UnknownId",
            native::Ignored::Mismatch => "Mismatch",
        })
    }
}

/// A lane's own record of its orders.
#[pyclass(module = "native._core")]
struct Orders(native::Orders);

#[pymethods]
impl Orders {
    #[new]
    #[pyo3(signature = (capacity, *, lane = 0, counter = 1))]
    fn new(capacity: usize, lane: u16, counter: u64) -> PyResult<Orders> {
        if !(1..=1 << 30).contains(&capacity) || counter >> 48 != 0 {
            return Err(PyValueError::new_err("capacity must be 1 to 2^30 and counter less than 2^48"));
        }
        Ok(Orders(native::Orders::new(capacity, first_id(lane, counter))))
    }
    fn next_id(&mut self) -> ClientId {
        self.0.next_id()
    }
    #[getter]
    fn alive(&self) -> usize {
        self.0.alive()
    }
    #[getter]
    fn room(&self) -> usize {
        self.0.room()
    }
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (c, out) = (self.0.counts(), PyDict::new(py));
        for (name, count) in [
            ("duplicates", c.duplicates),
            ("late", c.late),
            ("late_fills", c.late_fills),
            ("unknown_ids", c.unknown_ids),
            ("missing", c.missing),
            ("contradictions", c.contradictions),
        ] {
            out.set_item(name, count)?;
        }
        Ok(out)
    }
    fn get(&self, id: ClientId) -> Option<Order> {
        self.0.get(id).map(|o| Order(*o))
    }
    fn side(&self, instrument: u16, side: u8) -> PyResult<Vec<Order>> {
        Ok(self.0.side(instrument, side_of(side)?).map(|o| Order(*o)).collect())
    }
    #[pyo3(signature = (action, id, side, px, qty, *, instrument = 0, kernel = 0, tif = 3, reduce_only = false, now_ns = 0))]
    #[allow(clippy::too_many_arguments)] // one keyword a field of Intent
    fn on_request(
        &mut self,
        action: u8,
        id: ClientId,
        side: u8,
        px: i64,
        qty: i64,
        instrument: u16,
        kernel: u16,
        tif: u8,
        reduce_only: bool,
        now_ns: i64,
    ) -> PyResult<()> {
        let intent = Intent {
            id,
            kernel,
            instrument,
            action: action_of(action)?,
            side: side_of(side)?,
            tif: tif_of(tif)?,
            reduce_only,
            px: Ticks(px),
            qty: Lots(qty),
            decided_ns: now_ns,
        };
        self.0.admits(&intent).map_err(|e| PyValueError::new_err(format!("order {id}: {e}")))?;
        self.0.record(&intent);
        Ok(())
    }
    #[pyo3(signature = (kind, id, side, *, instrument = 0, px = 0, qty = 0, leaves = 0, trade_id = 0, exch_ns = 0,
                        queue_joined = -1, recv_ns = 0))]
    #[allow(clippy::too_many_arguments)] // one keyword a field of Receipt
    fn on_receipt(
        &mut self,
        kind: u8,
        id: ClientId,
        side: u8,
        instrument: u16,
        px: i64,
        qty: i64,
        leaves: i64,
        trade_id: u64,
        exch_ns: i64,
        queue_joined: i64,
        recv_ns: i64,
    ) -> PyResult<Applied> {
        let receipt = Receipt {
            kind: ReceiptKind::from_u8(kind).ok_or_else(|| wrong("kind of receipt", kind))?,
            id,
            instrument,
            side: side_of(side)?,
            maker: true,
            exch_ns,
            px: Ticks(px),
            qty: Lots(qty),
            leaves: Lots(leaves),
            trade_id,
            queue_joined,
            queue_ahead: -1,
        };
        Ok(Applied(self.0.on_receipt(&receipt, recv_ns)))
    }
}

/// Action, id, side, price, quantity.
type Message = (u8, ClientId, u8, i64, i64);

/// Desired ladder to the fewest messages.
#[pyclass(module = "native._core")]
struct Quoter(native_quoter::Quoter);

#[pymethods]
impl Quoter {
    #[new]
    #[pyo3(signature = (*, can_replace, tif = 3))]
    fn new(can_replace: bool, tif: u8) -> PyResult<Quoter> {
        Ok(Quoter(native_quoter::Quoter::new(can_replace, tif_of(tif)?)))
    }
    #[pyo3(signature = (orders, bids, asks, *, instrument = 0, kernel = 0, now_ns = 0))]
    fn diff(
        &mut self,
        orders: &Orders,
        bids: Vec<(i64, i64)>,
        asks: Vec<(i64, i64)>,
        instrument: u16,
        kernel: u16,
        now_ns: i64,
    ) -> PyResult<Vec<Message>> {
        let levels = |side: Vec<(i64, i64)>| -> Vec<Level> {
            side.into_iter().map(|(px, qty)| Level { px: Ticks(px), qty: Lots(qty) }).collect()
        };
        let (bids, asks, mut out) = (levels(bids), levels(asks), Vec::new());
        let desired = native_quoter::Desired { bids: &bids, asks: &asks };
        self.0
            .diff(&orders.0, kernel, instrument, desired, now_ns, &mut out)
            .map_err(|e| PyValueError::new_err(e.to_string()))?;
        Ok(out.iter().map(|i| (i.action as u8, i.id, i.side as u8, i.px.0, i.qty.0)).collect())
    }
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Order>()?;
    m.add_class::<Applied>()?;
    m.add_class::<Orders>()?;
    m.add_class::<Quoter>()
}
