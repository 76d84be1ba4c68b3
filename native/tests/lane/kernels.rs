//! Kernels in a lane: whose turn it is, what they see, and what they may do to each other.

use super::*;

#[test]
fn two_kernels_never_trade_with_each_other() {
    let bid = kernel("bid", 0, |_, views, i, outs| {
        if views[i].has_top == 1 && views[i].n_orders == 0 {
            order(&mut outs[i], Side::Buy, 10_001.0, 1.0, TimeInForce::Gtx, false);
        }
        0
    });
    let ask = kernel("ask", 0, |_, views, i, outs| {
        if views[i].has_top == 1 && views[i].n_orders == 0 {
            order(&mut outs[i], Side::Sell, 10_001.0, 1.0, TimeInForce::Gtx, false);
        }
        0
    });
    let mut rig = Rig::new(1, vec![(bid, vec![0]), (ask, vec![0])]);
    let placed = rig.sync(0);
    assert_eq!(said(&placed), [(Action::Place, Side::Buy, 10_001, 1)]);
    assert_eq!(rig.refused(Limit::SelfTrade), 1);
    // Also while the first is only on its way, and while it is being cancelled.
    rig.depth(0, &[], &[]);
    assert_eq!(rig.refused(Limit::SelfTrade), 2);
    rig.grant(&placed[0]);
    let kernels: Vec<u16> = placed.iter().map(|i| i.kernel).collect();
    assert_eq!(kernels, [0]);
    let next = rig.receipt(&answer(&placed[0], ReceiptKind::Cancelled, 0, 0));
    assert_eq!(said(&next), [(Action::Place, Side::Buy, 10_001, 1)], "the kernel whose receipt it is has its turn");
}

#[test]
fn a_kernel_cancels_its_own_orders_only() {
    let mut seen = 0;
    let thief = kernel("thief", 0, move |hook, _, i, outs| {
        seen += i32::from(hook == Hook::Trade);
        if seen == 1 {
            outs[i].n_actions = 1;
            outs[i].action_kind[0] = 2;
            outs[i].action_id[0] = 1; // the maker's bid
        }
        0
    });
    let mut rig = Rig::new(1, vec![(maker(), vec![0]), (thief, vec![0])]);
    let placed = rig.sync(0);
    rig.grant_all(&placed);
    assert_eq!(placed[0].id, 1);
    assert_eq!(rig.trade(0, 10_000), []);
    assert_eq!((rig.lane.journal.unsendable, rig.lane.journal.intents), (1, 2), "it is no Intent");
    assert_eq!(rig.lane.orders().unwrap().alive(), 2);
}

#[test]
fn receipts_go_to_the_kernel_whose_order_it_is() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = |name: &'static str, px: f64| {
        let heard = heard.clone();
        let mut placed = false;
        kernel(name, 0, move |hook, views, i, outs| {
            let v = &views[i];
            if hook == Hook::Receipt {
                heard.lock().unwrap().push((name, v.receipt_kind, v.receipt_px, v.receipt_qty, v.position));
            }
            if v.has_top == 1 && !placed {
                placed = true;
                order(&mut outs[i], Side::Buy, px, 2.0, TimeInForce::Gtx, false);
            }
            0
        })
    };
    let kernels = vec![(listener("a", 9_990.0), vec![0]), (listener("b", 9_980.0), vec![0])];
    let mut rig = Rig::new(1, kernels);
    let placed = rig.sync(0);
    assert_eq!(placed.iter().map(|i| (i.kernel, i.px.0)).collect::<Vec<_>>(), [(0, 9_990), (1, 9_980)]);
    rig.grant(&placed[1]);
    rig.fill(&placed[0], 2, 0);
    let (accepted, filled) = (ReceiptKind::Accepted as i64, ReceiptKind::Filled as i64);
    assert_eq!(*heard.lock().unwrap(), [("b", accepted, 9_980, 0, 0), ("a", filled, 9_990, 2, 2)]);
}

#[test]
fn missed_ticks_are_not_made_up_for() {
    let ticks = Arc::new(Mutex::new(Vec::new()));
    let heard = ticks.clone();
    let clock = kernel("clock", 100 * MS, move |hook, views, i, _| {
        if hook == Hook::Timer {
            heard.lock().unwrap().push(((views[i].now_ns - START) / MS, i));
        }
        0
    });
    let mut rig = Rig::new(2, vec![(clock, vec![0, 1])]);
    assert_eq!(rig.lane.next_timer_ns(), Some(START + 100 * MS), "the first is one period after the start");
    for (at_ms, next_ms) in [(99, 100), (100, 200), (150, 200), (567, 600), (600, 700), (10_000, 10_100)] {
        rig.now = START + at_ms * MS;
        rig.timer();
        assert_eq!(rig.lane.next_timer_ns(), Some(START + next_ms * MS), "after {at_ms} ms");
    }
    let each = |ms| [(ms, 0), (ms, 1)];
    assert_eq!(*ticks.lock().unwrap(), [each(100), each(567), each(600), each(10_000)].concat());
}

#[test]
fn a_ladder_is_kept_with_the_fewest_messages() {
    let (mut rig, placed) = resting();
    assert_eq!(rig.depth(0, &[(9_000, 3)], &[]), [], "nothing to do");
    let moved = rig.depth(0, &[(10_001, 5)], &[]);
    assert_eq!(said(&moved), [(Action::Replace, Side::Buy, 9_996, 2)]);
    assert_eq!(moved[0].id, placed[0].id, "the order keeps its id");
    assert_eq!(rig.depth(0, &[(10_001, 6)], &[]), [], "while it is unanswered");
    assert_eq!(rig.grant(&moved[0]), []);
    assert_eq!(rig.lane.gate().unwrap().exposure(0).open().len(), 2);
}

#[test]
fn what_a_full_record_of_orders_cannot_take_is_counted_and_no_intent() {
    let many = kernel("many", 0, |_, views, i, outs| {
        for n in 0..4 {
            order(&mut outs[i], Side::Buy, (views[i].bid_px - n) as f64, 1.0, TimeInForce::Gtx, false);
        }
        0
    });
    let mut l = limits(1);
    l.instrument[0].max_open_orders = 100;
    l.instrument[0].max_orders_per_second = 1_000;
    let mut rig = Rig::with(1, l, vec![(many, vec![0])]);
    let mut sent = rig.sync(0).len();
    for _ in 0..20 {
        sent += rig.depth(0, &[], &[]).len();
    }
    assert_eq!(sent, 64, "the capacity of this lane's record");
    let (journal, trades) = (&rig.lane.journal, 21 * 4);
    assert_eq!((journal.intents, journal.permits, journal.unsendable), (64, 64, trades - 64));
    let records = rig.tape.0.lock().unwrap();
    assert_eq!(records.iter().filter(|r| r.0 == Kind::Intent).count(), 64);
    drop(records);
    assert_eq!(rig.lane.gate().unwrap().exposure(0).open().len(), 64, "what was not sent is not open");
}
