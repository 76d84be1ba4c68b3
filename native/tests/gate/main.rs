//! Each limit permits at its number and refuses just above; permits, receipts and trips keep their promises; no
//! input, however wild, makes the gate panic or wrap.
#![allow(clippy::unwrap_used)] // helpers of tests

mod permits;
mod rules;
mod watch;
mod wild;

use std::sync::Arc;

use _core::event::{Action, Intent, Level, Receipt, ReceiptKind, Refusal, Side, TimeInForce, Top};
use _core::risk::gate::{Gate, Market, Request};
use _core::risk::limits::{InstrumentLimits, LaneLimits, Limit, Limits, MAX_PX, MAX_QTY};
use _core::risk::switch::{Cause, Switch, SwitchState};
use _core::units::{Decimal, InstrumentSpec, Lots, Ticks};

const MS: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MS;
const DAY: i64 = 86_400 * SECOND;
/// The mid of [`market`] is 10 000 ticks.
const MID: i64 = 10_000;

fn d(s: &str) -> Decimal {
    Decimal::parse(s.as_bytes()).unwrap()
}

fn specs() -> Vec<InstrumentSpec> {
    let spec = |symbol: &str, maker_fee_e8, taker_fee_e8| InstrumentSpec {
        symbol: symbol.into(),
        tick: d("0.1"),
        lot: d("0.001"),
        maker_fee_e8,
        taker_fee_e8,
    };
    vec![spec("BTCUSDT", 20_000, 50_000), spec("ETHUSDT", -5_000, 40_000)]
}

/// 10 lots an order, 10.0005 quote (100 005 ticks x lots), 20 lots, 4 orders, 100 bps, 1 s, 5 a second, 500 bps.
fn limits() -> Limits {
    let one = InstrumentLimits {
        max_order_qty: d("0.010"),
        max_order_notional: d("10.0005"),
        max_position_qty: d("0.0209"),
        max_open_orders: 4,
        price_collar_bps: 100,
        max_book_age_ms: 1_000,
        max_orders_per_second: 5,
        outlier_bps: 500,
    };
    let lane = LaneLimits {
        max_feed_latency_ms: 50,
        feed_latency_ticks: 3,
        max_drawdown_bps: 200,
        max_reject_rate_bps: 2_000,
        reject_window: 10,
    };
    Limits { instrument: vec![one.clone(), one], lane }
}

fn gate_on(switch: Arc<Switch>) -> Gate {
    Gate::new(&specs(), &limits(), d("100"), switch).unwrap()
}
fn gate() -> Gate {
    gate_on(Arc::new(Switch::anonymous()))
}

fn market() -> Market {
    let level = |px| Level { px: Ticks(px), qty: Lots(1) };
    Market { top: Some(Top { bid: level(MID - 1), ask: level(MID + 1) }), book_ns: 0 }
}

fn intent(action: Action, id: u64, side: Side, px: i64, qty: i64) -> Intent {
    let (px, qty, tif) = (Ticks(px), Lots(qty), TimeInForce::Gtc);
    Intent { id, kernel: 0, instrument: 0, action, side, tif, reduce_only: false, px, qty, decided_ns: 0 }
}
fn place(id: u64, side: Side, px: i64, qty: i64) -> Intent {
    intent(Action::Place, id, side, px, qty)
}
fn reduce(id: u64, side: Side, px: i64, qty: i64) -> Intent {
    Intent { reduce_only: true, ..place(id, side, px, qty) }
}

fn send_at(g: &mut Gate, i: &Intent, m: &Market, now_ns: i64) -> Result<Request, Refusal> {
    let permit = g.judge(i, m, now_ns)?;
    g.redeem(permit, now_ns)
}
/// The limit that refuses, if one does.
fn send(g: &mut Gate, i: &Intent) -> Option<Limit> {
    send_at(g, i, &market(), 0).err().and_then(|r| Limit::from_index(r.limit))
}

fn receipt(kind: ReceiptKind, id: u64, side: Side, px: i64, qty: i64, leaves: i64) -> Receipt {
    let (px, qty, leaves) = (Ticks(px), Lots(qty), Lots(leaves));
    let (queue_joined, queue_ahead) = (-1, -1);
    Receipt {
        kind,
        id,
        instrument: 0,
        side,
        maker: true,
        exch_ns: 0,
        px,
        qty,
        leaves,
        trade_id: 0,
        queue_joined,
        queue_ahead,
    }
}
fn fill(g: &mut Gate, id: u64, side: Side, px: i64, qty: i64, leaves: i64) {
    g.on_receipt(&receipt(ReceiptKind::Filled, id, side, px, qty, leaves), 0);
}
/// Buys at the mid until `lots` are held.
fn long(g: &mut Gate, id: u64, lots: i64) {
    assert_eq!(send(g, &place(id, Side::Buy, MID, lots)), None);
    fill(g, id, Side::Buy, MID, lots, 0);
}

#[test]
fn limits_out_of_range_are_named() {
    let with = |f: &dyn Fn(&mut Limits)| {
        let mut l = limits();
        f(&mut l);
        Gate::new(&specs(), &l, d("100"), Arc::new(Switch::anonymous())).err().unwrap_or_default()
    };
    assert!(with(&|l| l.instrument[1].max_order_qty = d("0.0009")).contains("ETHUSDT: max_order_qty is 0.0009"));
    assert!(with(&|l| l.instrument[0].max_position_qty = d("-1")).contains("BTCUSDT: max_position_qty"));
    assert!(with(&|l| l.instrument[0].price_collar_bps = 0).contains("price_collar_bps is 0"));
    assert!(with(&|l| l.lane.reject_window = i64::MAX).contains("lane: reject_window"));
    assert!(with(&|l| l.instrument.truncate(1)).contains("2 instruments and limits for 1"));
    for equity in ["0", "-5", "999999999999999999999999999999999999"] {
        let e = Gate::new(&specs(), &limits(), d(equity), Arc::new(Switch::anonymous())).err().unwrap();
        assert!(e.contains("equity"), "{e}");
    }
    let json = serde_json::to_string(&limits()).unwrap();
    let missing = json.replacen(r#""max_open_orders":4,"#, "", 1);
    assert!(serde_json::from_str::<Limits>(&missing).unwrap_err().to_string().contains("`max_open_orders`"));
    let unknown = json.replacen("max_open_orders", "max_open_order", 1);
    assert!(serde_json::from_str::<Limits>(&unknown).unwrap_err().to_string().contains("max_open_order`"));
    assert_eq!(serde_json::from_str::<Limits>(&json).unwrap(), limits());
    let number = json.replacen(r#""0.010""#, "0.010", 1);
    assert!(serde_json::from_str::<Limits>(&number).is_err());
}

#[test]
fn the_table_of_limits_is_consistent() {
    for (i, limit) in Limit::ALL.into_iter().enumerate() {
        assert_eq!((limit.index(), Limit::from_index(i as u8)), (i, Some(limit)));
        assert!(["order", "instrument", "strategy", "venue", "node", "firm"].contains(&limit.level()));
        assert_eq!(Limit::ALL.iter().filter(|l| l.name() == limit.name()).count(), 1);
    }
    assert_eq!(Limit::from_index(Limit::COUNT as u8), None);
}
