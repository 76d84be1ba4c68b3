//! What trips: late feeds, rejects, drawdown, receipts that cannot be; and ticks that cannot be.

use super::*;

#[test]
fn outliers_are_ignored_once_and_jumps_believed_at_their_second_tick() {
    let mut g = gate();
    let half = |ticks: i64| 2 * ticks;
    assert!(g.on_tick(0, half(10_000), 0));
    assert!(g.on_tick(0, half(10_500), 0)); // exactly 500 bps
    assert!(!g.on_tick(0, half(11_026), 0)); // 500.9 bps of 10 500
    assert!(g.on_tick(0, half(10_500), 0));
    assert!(!g.on_tick(0, half(12_000), 0));
    assert!(g.on_tick(0, half(12_001), 0)); // a real jump
    for no_price in [0, -5, i64::MIN, i64::MAX] {
        assert!(!g.on_tick(0, no_price, 0));
    }
    assert!(g.on_tick(0, half(12_001), 0));
    assert_eq!(g.refusals().find(|(l, _)| *l == Limit::Outlier), Some((Limit::Outlier, 6)));
    assert_eq!(g.state(), SwitchState::Active);
}

#[test]
fn a_late_feed_halts_the_lane_and_not_the_node() {
    let switch = Arc::new(Switch::anonymous());
    let mut g = gate_on(switch.clone());
    for latency in [51, 51, 50, 51, 51] {
        g.on_feed_latency(0, latency * MS, 0);
    }
    g.on_feed_latency(1, 51 * MS, 0); // another instrument counts for itself
    assert_eq!(g.state(), SwitchState::Active);
    g.on_feed_latency(0, 50 * MS + 1, 0);
    assert_eq!((g.state(), switch.state()), (SwitchState::Halted, SwitchState::Active));
    assert_eq!(g.reason().unwrap().cause, Cause::FeedLatency);
    for _ in 0..9 {
        g.on_feed_latency(0, MS, 0);
    }
    assert_eq!(g.state(), SwitchState::Halted);
}

#[test]
fn rejects_trip_to_reducing() {
    let mut g = gate(); // more than 2 of the last 10
    let mut one = |id: u64, kind| {
        assert_eq!(g.state(), SwitchState::Active);
        let now = id as i64 * SECOND;
        let fresh = Market { book_ns: now, ..market() };
        assert!(send_at(&mut g, &place(id, Side::Buy, 9_990, 1), &fresh, now).is_ok());
        g.on_receipt(&receipt(kind, id, Side::Buy, 9_990, 0, 0), now);
        g.state()
    };
    one(1, ReceiptKind::Rejected);
    one(2, ReceiptKind::Rejected);
    (3..=10).for_each(|id| assert_eq!(one(id, ReceiptKind::Expired), SwitchState::Active));
    one(11, ReceiptKind::Rejected); // the first has left the window
    one(12, ReceiptKind::Rejected); // and the second
    assert_eq!(one(13, ReceiptKind::Rejected), SwitchState::Reducing);
    assert_eq!(g.reason().unwrap().cause, Cause::RejectRate);
}

#[test]
fn drawdown_trips_reduces_flattens_and_halts() {
    let switch = Arc::new(Switch::anonymous());
    let mut g = gate_on(switch.clone()); // 100 quote: 2 may be lost; 10 lots move 0.0005 quote a half tick
    g.on_mark(0, 2 * MID, 0);
    long(&mut g, 1, 10); // pays 0.0002 of 10 = 0.002
    g.on_mark(0, 2 * MID - 3_996, 0); // -1.998: exactly 2 lost
    assert_eq!((g.equity().to_string().as_str(), g.state()), ("98", SwitchState::Active));
    g.on_mark(0, 2 * MID - 3_997, 0);
    assert_eq!((g.state(), switch.state()), (SwitchState::Reducing, SwitchState::Reducing));
    assert_eq!(switch.reason().unwrap().cause, Cause::Drawdown);
    assert!(g.should_flatten() && !g.finish_flatten(0));
    let level = |px| Level { px: Ticks(px), qty: Lots(1) };
    let low = Market { top: Some(Top { bid: level(8_001), ask: level(8_002) }), book_ns: 0 };
    assert_eq!(send_at(&mut g, &place(2, Side::Buy, 8_001, 1), &low, 0).unwrap_err().limit, Limit::ReduceOnly as u8);
    assert!(send_at(&mut g, &reduce(2, Side::Sell, 8_001, 10), &low, 0).is_ok());
    fill(&mut g, 2, Side::Sell, 8_001, 10, 0);
    assert!(g.finish_flatten(0));
    assert_eq!((g.state(), switch.state()), (SwitchState::Halted, SwitchState::Reducing));
    assert!(!g.should_flatten() && !g.finish_flatten(0));
}

#[test]
fn the_day_begins_at_midnight_utc() {
    let mut g = gate();
    g.on_mark(0, 2 * MID, DAY - 2);
    long(&mut g, 1, 10);
    g.on_mark(0, 2 * MID - 3_900, DAY - 1);
    // a new day opens at 98.048: 1.96096 may be lost from here, not what yesterday left of its 2
    g.on_mark(0, 2 * MID - 3_900 - 3_921, DAY);
    assert_eq!(g.state(), SwitchState::Active);
    g.on_mark(0, 2 * MID - 3_900 - 3_922, DAY + 1);
    assert_eq!(g.state(), SwitchState::Reducing);
    // a day's gain raises the peak that the fall is measured from
    let mut g = gate();
    g.on_mark(0, 2 * MID, 0);
    long(&mut g, 1, 10);
    g.on_mark(0, 2 * MID + 4_000, 1);
    g.on_mark(0, 2 * MID, 2);
    assert_eq!(g.state(), SwitchState::Active);
    g.on_mark(0, 2 * MID - 1, 3);
    assert_eq!(g.state(), SwitchState::Reducing);
}

#[test]
fn receipts_that_cannot_be_halt() {
    let bad = [
        receipt(ReceiptKind::Filled, 1, Side::Buy, 0, 1, 4),
        receipt(ReceiptKind::Filled, 1, Side::Buy, 9_990, -1, 4),
        receipt(ReceiptKind::Filled, 1, Side::Buy, 9_990, 6, 0), // of 5
        receipt(ReceiptKind::Filled, 1, Side::Sell, 9_990, 1, 4),
        receipt(ReceiptKind::Filled, 1, Side::Buy, i64::MAX, i64::MAX, 4),
        receipt(ReceiptKind::Replaced, 1, Side::Buy, -1, 0, 4),
        receipt(ReceiptKind::Accepted, 1, Side::Buy, 9_990, 0, i64::MIN),
        Receipt { instrument: 9, ..receipt(ReceiptKind::Accepted, 1, Side::Buy, 9_990, 0, 5) },
    ];
    for r in bad {
        let mut g = gate();
        assert_eq!(send(&mut g, &place(1, Side::Buy, 9_990, 5)), None);
        g.on_receipt(&r, 0);
        assert_eq!(g.state(), SwitchState::Halted, "{r:?}");
        assert_eq!(g.reason().unwrap().cause, Cause::BadReceipt);
        assert_eq!(g.exposure(0).open()[0].worst(), 5, "it goes on counting as it stood");
    }
}
