//! Python face of the simulated exchange and its models. Enumerations are the integers of `native/src/event.rs`.
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::event::{Action, ClientId, Decoded, Event, InstrumentId, Intent, Level, Receipt, Side, TimeInForce};
use crate::sim::exchange::{self as native, SimConfig};
use crate::sim::queue::QueueModel;
use crate::units::{InstrumentSpec, Lots, Ticks};

/// Kind, id, price, filled lots, open lots, maker, trade id.
type Told = (u8, ClientId, i64, i64, i64, bool, u64);
type Levels = Vec<(i64, i64)>;

fn wrong(what: &str, value: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(format!("{value} is no {what}: see native/src/event.rs for the numbers"))
}

fn side_of(v: u8) -> PyResult<Side> {
    Side::from_u8(v).ok_or_else(|| wrong("side", v))
}

/// The matching model of `native/src/sim/exchange.rs` for a loopback exchange.
#[pyclass(module = "native._core")]
struct SimExchange {
    venue: native::SimExchange,
    market: Decoded,
    receipts: Vec<Receipt>,
}

impl SimExchange {
    fn levels(&mut self, bids: Levels, asks: Levels) {
        let level = |(px, qty)| Level { px: Ticks(px), qty: Lots(qty) };
        self.market.clear();
        self.market.bids = bids.len();
        self.market.levels.extend(bids.into_iter().chain(asks).map(level));
    }

    fn moved(&mut self, event: Event, exch_ns: i64) -> Vec<Told> {
        self.market.event = event;
        self.venue.on_market(&self.market, exch_ns, &mut self.receipts);
        self.told()
    }

    fn told(&mut self) -> Vec<Told> {
        let told = |r: Receipt| (r.kind as u8, r.id, r.px.0, r.qty.0, r.leaves.0, r.maker, r.trade_id);
        self.receipts.drain(..).map(told).collect()
    }
}

#[pymethods]
impl SimExchange {
    #[new]
    #[pyo3(signature = (config, specs, /))]
    fn new(config: &str, specs: &str) -> PyResult<SimExchange> {
        let config: SimConfig =
            serde_json::from_str(config).map_err(|e| PyValueError::new_err(format!("exchange {config}: {e}")))?;
        let specs: Vec<InstrumentSpec> =
            serde_json::from_str(specs).map_err(|e| PyValueError::new_err(format!("specs {specs}: {e}")))?;
        let venue = native::SimExchange::new(config, specs);
        Ok(SimExchange { venue, market: Decoded::default(), receipts: Vec::new() })
    }

    #[pyo3(signature = (instrument, ids, bids, asks, exch_ns, /))]
    fn depth(
        &mut self,
        instrument: InstrumentId,
        ids: (u64, u64, u64),
        bids: Levels,
        asks: Levels,
        exch_ns: i64,
    ) -> Vec<Told> {
        self.levels(bids, asks);
        let (first_id, last_id, prev_id) = ids;
        self.moved(Event::Depth { instrument, exch_ns, first_id, last_id, prev_id }, exch_ns)
    }

    #[pyo3(signature = (instrument, last_id, bids, asks, exch_ns, /))]
    fn snapshot(
        &mut self,
        instrument: InstrumentId,
        last_id: u64,
        bids: Levels,
        asks: Levels,
        exch_ns: i64,
    ) -> Vec<Told> {
        self.levels(bids, asks);
        self.moved(Event::Snapshot { instrument, exch_ns, last_id }, exch_ns)
    }

    #[pyo3(signature = (instrument, px, qty, side, exch_ns, /))]
    fn trade(&mut self, instrument: InstrumentId, px: i64, qty: i64, side: u8, exch_ns: i64) -> PyResult<Vec<Told>> {
        let side = side_of(side)?;
        self.levels(Vec::new(), Vec::new());
        Ok(self.moved(Event::Trade { instrument, exch_ns, id: 0, px: Ticks(px), qty: Lots(qty), side }, exch_ns))
    }

    #[pyo3(signature = (action, id, side, px, qty, exch_ns, *, instrument = 0, tif = 0, reduce_only = false))]
    #[allow(clippy::too_many_arguments)] // one keyword a field of Intent
    fn request(
        &mut self,
        action: u8,
        id: ClientId,
        side: u8,
        px: i64,
        qty: i64,
        exch_ns: i64,
        instrument: InstrumentId,
        tif: u8,
        reduce_only: bool,
    ) -> PyResult<Vec<Told>> {
        let intent = Intent {
            id,
            kernel: 0,
            instrument,
            action: [Action::Place, Action::Cancel, Action::Replace]
                .into_iter()
                .find(|a| *a as u8 == action)
                .ok_or_else(|| wrong("action", action))?,
            side: side_of(side)?,
            tif: TimeInForce::from_u8(tif).ok_or_else(|| wrong("time in force", tif))?,
            reduce_only,
            px: Ticks(px),
            qty: Lots(qty),
            decided_ns: exch_ns,
        };
        self.venue.on_intent(&intent, exch_ns, &mut self.receipts);
        Ok(self.told())
    }

    #[pyo3(signature = (instrument, /))]
    fn resting(&self, instrument: InstrumentId) -> Vec<(ClientId, u8, i64, i64, i64)> {
        let shown = |r: native::Resting| (r.id, r.side as u8, r.px.0, r.leaves.0, r.queue_ahead);
        self.venue.resting(instrument).map(shown).collect()
    }

    #[pyo3(signature = (instrument, /))]
    fn position(&self, instrument: InstrumentId) -> i64 {
        self.venue.position(instrument).0
    }
}

/// Probability that a decrease of a level was behind our order.
#[pyfunction]
#[pyo3(signature = (model_json, front, back, /))]
fn queue_probability(model_json: &str, front: f64, back: f64) -> PyResult<f64> {
    let model: QueueModel = serde_json::from_str(model_json)
        .map_err(|e| PyValueError::new_err(format!("queue model {model_json}: {e}")))?;
    if !(front >= 0.0 && back >= 0.0 && front.is_finite() && back.is_finite()) {
        return Err(PyValueError::new_err(format!("front {front} and back {back} must be finite and not below 0")));
    }
    Ok(model.probability(front, back))
}

pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<SimExchange>()?;
    m.add_function(wrap_pyfunction!(queue_probability, m)?)
}
