//! A drawdown: everything is cancelled, the position goes by reduce-only IOC orders within the collar, then halt.

use super::*;

/// Long ten lots bought at 10 000, the drawdown limit being 200 bps of 1000 (20 in quote currency).
fn long(limits: Limits) -> Rig {
    let buyer = kernel("buyer", 0, |hook, views, i, outs| {
        if hook == Hook::Book && views[i].position == 0 && views[i].n_orders == 0 {
            order(&mut outs[i], Side::Buy, views[i].ask_px as f64, 10.0, TimeInForce::Ioc, false);
        }
        0
    });
    let mut rig = Rig::with(1, limits, vec![(buyer, vec![0])]);
    let bought = rig.sync(0);
    assert_eq!(said(&bought), [(Action::Place, Side::Buy, 10_002, 10)]);
    rig.fill(&bought[0], 10, 0);
    assert_eq!(rig.position(0), 10);
    rig
}

/// One basis point of drawdown trips: ten lots at 1000 lose 0.1 by half a per cent.
fn tight() -> Limits {
    let mut l = limits(1);
    l.lane.max_drawdown_bps = 1;
    l
}

#[test]
fn a_drawdown_flattens_then_halts() {
    let mut l = tight();
    l.instrument[0].max_order_qty = d("0.010");
    let mut rig = long(l);
    // Ten lots (0.01) lose 0.3 when the mid falls by 30.
    let sold = rig.depth(0, &[(10_000, 0), (9_700, 50)], &[(10_002, 0), (9_702, 50)]);
    assert_eq!((rig.state(), rig.cause()), (SwitchState::Reducing, Some(Cause::Drawdown)));
    assert_eq!(sold.len(), 1);
    let s = sold[0];
    assert_eq!(
        (s.action, s.side, s.qty.0, s.tif, s.reduce_only),
        (Action::Place, Side::Sell, 10, TimeInForce::Ioc, true)
    );
    assert!(s.px.0 <= 9_700 && s.px.0 * 10_000 >= 9_701 * 9_900, "within the collar: {}", s.px.0);
    // Partly filled, the rest expires: tried again after a while, for what is left.
    assert_eq!(rig.fill(&s, 4, 6), []);
    assert_eq!(rig.receipt(&answer(&s, ReceiptKind::Expired, 0, 0)), [], "not at once");
    rig.now += 100 * MS;
    let again = rig.depth(0, &[], &[]);
    assert_eq!(again.iter().map(|i| (i.side, i.qty.0, i.reduce_only)).collect::<Vec<_>>(), [(Side::Sell, 6, true)]);
    assert_eq!(rig.state(), SwitchState::Reducing);
    assert_eq!(rig.fill(&again[0], 6, 0), []);
    assert_eq!((rig.position(0), rig.state()), (0, SwitchState::Halted));
    assert_eq!(rig.tape.trips().last().unwrap(), "Halted: flat, and nothing is open");
    assert_eq!(rig.switch.state(), SwitchState::Reducing, "others of the node may have something left");
    rig.now += 1_000 * MS;
    assert_eq!(rig.depth(0, &[(9_000, 1)], &[]), []);
}

#[test]
fn flattening_goes_in_orders_that_the_limits_allow() {
    let mut l = tight();
    l.instrument[0].max_order_notional = d("10.1");
    let mut small = long(l);
    let mut left = 10;
    let mut sold = small.depth(0, &[(10_000, 0), (9_700, 50)], &[(10_002, 0), (9_702, 50)]);
    while left > 0 {
        assert_eq!(sold.len(), 1, "{left} left");
        let qty = sold[0].qty.0;
        assert!(qty > 0 && qty <= left && sold[0].px.0 * qty <= 101_000, "{:?}", sold[0]);
        left -= qty;
        small.fill(&sold[0], qty, 0);
        small.now += 100 * MS;
        sold = small.depth(0, &[], &[]);
    }
    assert_eq!((small.position(0), small.state()), (0, SwitchState::Halted));
}

#[test]
fn a_wide_spread_does_not_keep_us_in() {
    let mut rig = long(tight());
    // bid 9 700, ask 9 840: the touch is 0.72 % from the mid, and half the collar beyond it would be outside.
    let sold = rig.depth(0, &[(10_000, 0), (9_700, 50)], &[(10_002, 0), (9_840, 50)]);
    assert_eq!(sold.len(), 1, "refused by the collar: {}", rig.refused(Limit::PriceCollar));
    assert!(sold[0].px.0 <= 9_700 && sold[0].px.0 * 2 * 10_000 >= 19_540 * 9_900);
    assert_eq!(rig.refused(Limit::PriceCollar), 0);
}

#[test]
fn what_rests_is_cancelled_before_the_position_goes() {
    let big = kernel("big", 0, |_, views, i, outs| {
        quote(&views[i], &mut outs[i], 5.0, 8.0);
        0
    });
    let mut rig = Rig::with(1, tight(), vec![(big, vec![0])]);
    let placed = rig.sync(0);
    rig.grant_all(&placed);
    // The bid fills and the kernel places another: long eight lots.
    let next = rig.fill(&placed[0], 8, 0);
    assert_eq!(said(&next), [(Action::Place, Side::Buy, 9_995, 8)]);
    rig.grant_all(&next);
    assert_eq!(rig.position(0), 8);
    let pulled = rig.depth(0, &[(10_000, 0), (9_600, 50)], &[(10_002, 0), (9_602, 50)]);
    assert_eq!(rig.state(), SwitchState::Reducing);
    assert!(only_cancels(&pulled), "{pulled:?}");
    rig.now += 100 * MS;
    assert_eq!(rig.depth(0, &[], &[]), [], "while a cancel is unanswered nothing else is sent");
    let sold: Vec<Intent> = pulled.iter().flat_map(|i| rig.grant(i)).collect();
    assert_eq!(sold.iter().map(|i| (i.side, i.qty.0, i.tif)).collect::<Vec<_>>(), [(Side::Sell, 8, TimeInForce::Ioc)]);
}

#[test]
fn without_a_top_nothing_is_sold_blindly() {
    let mut rig = long(tight());
    let sold = rig.depth(0, &[(10_000, 0), (9_700, 50)], &[(10_002, 0), (9_702, 50)]);
    rig.fault(Fault::Disconnected, 0);
    rig.receipt(&answer(&sold[0], ReceiptKind::Expired, 0, 0));
    rig.now += 1_000 * MS;
    assert_eq!((rig.timer(), rig.top(0)), (vec![], None));
    assert_eq!((rig.position(0), rig.state()), (10, SwitchState::Reducing), "and the position is still known");
    rig.snapshot(0);
    let sold = rig.depth(0, &[(9_700, 50)], &[]);
    assert_eq!(
        sold.iter().map(|i| (i.side, i.qty.0)).collect::<Vec<_>>(),
        [(Side::Sell, 10)],
        "as soon as there is one"
    );
}

#[test]
fn a_venue_that_refuses_every_try_is_asked_less_and_less() {
    let mut rig = long(tight());
    let mut tried = rig.depth(0, &[(10_000, 0), (9_700, 50)], &[(10_002, 0), (9_702, 50)]);
    let mut at = vec![];
    for n in 0..300 {
        for i in std::mem::take(&mut tried) {
            at.push(n);
            assert_eq!((i.action, i.reduce_only), (Action::Place, true));
            assert_eq!(rig.receipt(&answer(&i, ReceiptKind::Rejected, 0, 0)), []);
        }
        rig.now += 100 * MS;
        tried = rig.depth(0, &[], &[]);
    }
    let waits: Vec<i32> = at.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(waits, [1, 1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 64, 64, 64], "tenths of a second");
    assert_eq!((rig.position(0), rig.state()), (10, SwitchState::Reducing), "and it goes on trying");
}
