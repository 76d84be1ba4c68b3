//! A simulated exchange with short words for its events and requests.
#![allow(dead_code, clippy::unwrap_used)] // part of tests, and each test file uses its own part

use _core::event::*;
use _core::sim::exchange::{SelfTradePrevention, SimConfig, SimExchange};
use _core::sim::queue::QueueModel;
use _core::units::{Decimal, InstrumentSpec, Lots, Ticks};

pub use Side::{Buy, Sell};
pub use TimeInForce::{Fok, Gtc, Gtx, Ioc};

pub fn spec() -> InstrumentSpec {
    let d = |s: &str| Decimal::parse(s.as_bytes()).unwrap();
    InstrumentSpec { symbol: "BTCUSDT".into(), tick: d("0.1"), lot: d("0.001"), maker_fee_e8: 0, taker_fee_e8: 0 }
}

pub fn config() -> SimConfig {
    SimConfig {
        queue_model: QueueModel::RiskAverse,
        partial_fills: true,
        self_trade_prevention: SelfTradePrevention::None,
        amend_requeues: false,
    }
}

pub struct Sim {
    pub exchange: SimExchange,
    pub now: i64,
    ids: u64,
}

pub type Levels<'a> = &'a [(i64, i64)];

fn decoded(event: Event, bids: Levels, asks: Levels) -> Decoded {
    let levels = bids.iter().chain(asks).map(|&(px, qty)| Level { px: Ticks(px), qty: Lots(qty) }).collect();
    Decoded { event, levels, bids: bids.len(), ..Decoded::default() }
}

impl Sim {
    /// An exchange whose book is 100 × 10, 99 × 20 | 102 × 10, 103 × 20.
    pub fn new(config: SimConfig) -> Sim {
        let mut s = Sim { exchange: SimExchange::new(config, vec![spec(), spec()]), now: 0, ids: 100 };
        s.snapshot(100, &[(100, 10), (99, 20)], &[(102, 10), (103, 20)]);
        s
    }

    pub fn market(&mut self, d: &Decoded) -> Vec<Receipt> {
        let mut out = Vec::new();
        self.now += 1;
        self.exchange.on_market(d, self.now, &mut out);
        assert!(out.iter().all(|r| r.exch_ns == self.now));
        out
    }

    pub fn snapshot(&mut self, id: u64, bids: Levels, asks: Levels) -> Vec<Receipt> {
        self.market(&decoded(Event::Snapshot { instrument: 0, exch_ns: 0, last_id: id }, bids, asks))
    }

    pub fn depth_ids(&mut self, (first, last, prev): (u64, u64, u64), bids: Levels, asks: Levels) -> Vec<Receipt> {
        let (first_id, last_id, prev_id) = (first, last, prev);
        self.market(&decoded(Event::Depth { instrument: 0, exch_ns: 0, first_id, last_id, prev_id }, bids, asks))
    }

    /// The next depth change of an unbroken chain.
    pub fn depth(&mut self, bids: Levels, asks: Levels) -> Vec<Receipt> {
        self.ids += 10;
        self.depth_ids((self.ids - 8, self.ids, self.ids - 10), bids, asks)
    }

    pub fn trade(&mut self, side: Side, px: i64, qty: i64) -> Vec<Receipt> {
        let event = Event::Trade { instrument: 0, exch_ns: 0, id: 1, px: Ticks(px), qty: Lots(qty), side };
        self.market(&decoded(event, &[], &[]))
    }

    pub fn intent(&mut self, i: Intent) -> Vec<Receipt> {
        let mut out = Vec::new();
        self.now += 1;
        self.exchange.on_intent(&i, self.now, &mut out);
        out
    }

    pub fn place(&mut self, id: u64, side: Side, px: i64, qty: i64, tif: TimeInForce) -> Vec<Receipt> {
        self.intent(order(id, side, px, qty, tif))
    }

    pub fn replace(&mut self, id: u64, px: i64, qty: i64) -> Vec<Receipt> {
        self.intent(Intent { action: Action::Replace, ..order(id, Buy, px, qty, Gtc) })
    }

    pub fn cancel(&mut self, id: u64) -> Vec<Receipt> {
        self.intent(Intent { action: Action::Cancel, ..order(id, Buy, 1, 1, Gtc) })
    }

    pub fn position(&self) -> i64 {
        self.exchange.position(0).0
    }

    pub fn ahead(&self, id: u64) -> i64 {
        self.exchange.resting(0).find(|r| r.id == id).unwrap().queue_ahead
    }
}

pub fn order(id: u64, side: Side, px: i64, qty: i64, tif: TimeInForce) -> Intent {
    Intent {
        id,
        kernel: 0,
        instrument: 0,
        action: Action::Place,
        side,
        tif,
        reduce_only: false,
        px: Ticks(px),
        qty: Lots(qty),
        decided_ns: 0,
    }
}

/// What a test says of a receipt: kind, id, price, quantity, open afterwards.
pub type Said = (ReceiptKind, u64, i64, i64, i64);

pub fn said(receipts: &[Receipt]) -> Vec<Said> {
    receipts.iter().map(|r| (r.kind, r.id, r.px.0, r.qty.0, r.leaves.0)).collect()
}
