//! What befalls a lane: a faulty kernel, a panic, a lost connection, a stale book, a message that cannot be read.

use super::*;

/// Makes a maker that quotes until `calls` reaches the number, and then writes this price.
fn broken_after(calls: usize, px: f64) -> Kernel {
    let mut n = 0;
    kernel("broken", 0, move |_, views, i, outs| {
        n += 1;
        quote(&views[i], &mut outs[i], 5.0, 2.0);
        if n > calls {
            outs[i].bid_px[0] = px;
        }
        assert!(n <= calls + 1, "a kernel that failed is not called again");
        0
    })
}

#[test]
fn a_price_that_is_none_trips_to_reducing_and_cancels() {
    for px in [f64::NAN, f64::INFINITY, -1.0] {
        // Called for the synced book, and for the two receipts.
        let mut rig = Rig::new(1, vec![(broken_after(3, px), vec![0])]);
        let placed = rig.sync(0);
        rig.grant_all(&placed);
        let pulled = rig.depth(0, &[(9_999, 1)], &[]);
        assert!(only_cancels(&pulled) && pulled.len() == 2, "{pulled:?}");
        assert_eq!((rig.state(), rig.cause()), (SwitchState::Reducing, Some(Cause::Kernel)));
        assert_eq!(rig.switch.state(), SwitchState::Reducing, "the node's switch too");
        let trips = rig.tape.trips();
        assert!(trips.len() == 1 && trips[0].contains("kernel broken on_book"), "{trips:?}");
        // The venue is slow: nothing more is sent, and nothing is sent twice.
        assert_eq!(rig.depth(0, &[(9_998, 1)], &[]), []);
        assert_eq!(rig.trade(0, 10_000), []);
        // A fill crosses the cancel: the position stays for a person, no kernel is woken for it.
        assert_eq!(rig.fill(&placed[0], 2, 0), []);
        assert_eq!((rig.position(0), rig.state()), (2, SwitchState::Reducing));
        assert_eq!(rig.grant(&pulled[1]), []);
        assert_eq!(rig.lane.orders().unwrap().alive(), 0);
        assert_eq!(rig.depth(0, &[(9_997, 1)], &[]), []);
        assert_eq!(rig.switch.reason().unwrap().cause, Cause::Kernel);
    }
}

#[test]
fn a_hook_that_raises_trips_by_its_name() {
    let raising = kernel("careless", 0, |hook, _, _, _| i32::from(hook == Hook::Trade));
    let mut rig = Rig::new(1, vec![(raising, vec![0]), (maker(), vec![0])]);
    let placed = rig.sync(0);
    rig.grant_all(&placed);
    assert!(only_cancels(&rig.trade(0, 10_001)), "also the orders of the kernel that did nothing wrong");
    assert_eq!(rig.tape.trips().len(), 1);
    assert!(rig.tape.trips()[0].contains("kernel careless on_trade: raised an exception"));
}

#[test]
fn after_a_panic_there_are_only_cancels() {
    let (mut rig, placed) = resting();
    rig.fill(&placed[0], 1, 1);
    let pulled = rig.fault(Fault::Panic, 0);
    assert!(only_cancels(&pulled) && pulled.len() == 2);
    assert_eq!((rig.state(), rig.cause()), (SwitchState::Halted, Some(Cause::Panic)));
    assert_eq!(rig.switch.state(), SwitchState::Halted, "the node's switch too");
    assert!(rig.tape.trips()[0].starts_with("Halted: Panic: panic in the lane: injected"));
    // A cancel that was refused is sent again; nothing else ever is.
    let refused = answer(&pulled[1], ReceiptKind::ChangeRejected, 0, 2);
    assert_eq!(rig.receipt(&refused), [pulled[1]]);
    for _ in 0..50 {
        rig.now += 20 * MS;
        assert_eq!(rig.depth(0, &[(9_999, 1)], &[]), []);
        assert_eq!(rig.timer(), []);
    }
    rig.grant(&pulled[0]);
    rig.grant(&pulled[1]);
    assert_eq!((rig.lane.orders().unwrap().alive(), rig.position(0)), (0, 1));
    assert_eq!(rig.depth(0, &[(9_998, 1)], &[]), []);
    // The books go on: a person who looks sees the market as it is.
    assert_eq!(rig.top(0), Some((10_000, 10_002)));
    let kinds: Vec<Kind> = rig.tape.0.lock().unwrap().iter().map(|r| r.0).collect();
    let trip = kinds.iter().position(|k| *k == Kind::Trip).unwrap();
    let intents = rig.tape.0.lock().unwrap();
    for (_, _, payload) in intents[trip..].iter().filter(|r| r.0 == Kind::Intent) {
        assert_eq!(Intent::get(payload).unwrap().action, Action::Cancel);
    }
}

#[test]
fn a_switch_tripped_by_another_process_is_obeyed_at_the_next_frame() {
    for (state, limit) in [(SwitchState::Reducing, Limit::ReduceOnly), (SwitchState::Halted, Limit::Halted)] {
        let (mut rig, _) = resting();
        rig.switch.trip(state, Cause::Person, "enough", rig.now);
        assert!(only_cancels(&rig.depth(0, &[(9_999, 1)], &[])), "{limit:?}");
        assert_eq!(rig.depth(0, &[(10_001, 1)], &[]), []);
        assert_eq!(rig.state(), state);
    }
}

#[test]
fn a_lost_connection_takes_its_books_and_orders() {
    let mut rig = Rig::new(2, vec![(maker(), vec![0, 1])]);
    // Instrument 0 comes on connection 0, instrument 1 on connection 7.
    let mut placed = rig.sync(0);
    rig.snapshot(1);
    let text = rig.depth_text(1, &[], &[]);
    placed.extend(rig.frame(Source::Market, 7, Frame::UNTAGGED, text.as_bytes()));
    rig.grant_all(&placed);
    assert_eq!(placed.len(), 4);
    rig.out.snapshots_wanted.clear();
    let pulled = rig.fault(Fault::Disconnected, 0);
    assert!(only_cancels(&pulled) && pulled.iter().all(|i| i.instrument == 0) && pulled.len() == 2, "{pulled:?}");
    assert_eq!((rig.top(0), rig.top(1)), (None, Some((10_000, 10_002))), "another connection's books stand");
    assert_eq!(rig.out.snapshots_wanted, [0]);
    assert_eq!(rig.state(), SwitchState::Active, "it is no fault of ours");
    rig.grant_all(&pulled);
    // Depth that comes before the new snapshot makes no Top.
    assert_eq!(rig.depth(0, &[], &[]), []);
    assert_eq!(rig.top(0), None);
    rig.out.snapshots_wanted.clear();
    let again = rig.sync(0);
    assert_eq!((again.len(), rig.top(0)), (2, Some((10_000, 10_002))));
    let pulled = rig.fault(Fault::Disconnected, 7);
    assert!(only_cancels(&pulled) && pulled.iter().all(|i| i.instrument == 1));
    assert_eq!((rig.top(0).is_some(), rig.top(1)), (true, None));
}

#[test]
fn a_gap_takes_the_top_at_once() {
    let (mut rig, _) = resting();
    rig.out.snapshots_wanted.clear();
    rig.depth_text(0, &[], &[]); // lost on the way
    let pulled = rig.depth(0, &[(9_999, 1)], &[]);
    assert!(only_cancels(&pulled) && pulled.len() == 2);
    assert_eq!((rig.top(0), rig.out.snapshots_wanted.as_slice()), (None, [0].as_slice()));
    assert_eq!(rig.lane.instruments()[0].sync.counts.gaps, 1);
}

#[test]
fn depth_that_cannot_be_read_is_a_gap_and_a_trade_is_not() {
    let (mut rig, _) = resting();
    rig.out.snapshots_wanted.clear();
    let text = r#"{"stream":"c0usdt@trade","data":{"e":"trade","s":"C0USDT","t":1,"p":"1.05","q":"1","m":true}}"#;
    assert_eq!(rig.frame(Source::Market, 0, Frame::UNTAGGED, text.as_bytes()), []);
    assert_eq!((rig.lane.counts.malformed, rig.top(0)), (1, Some((10_000, 10_002))));
    // A refused REST request, say: the book is in sync without it.
    assert_eq!(rig.frame(Source::Snapshot, 0, 0, br#"{"code":-1003,"msg":"Too many requests"}"#), []);
    assert_eq!((rig.lane.counts.malformed, rig.top(0)), (2, Some((10_000, 10_002))));
    let text = r#"{"stream":"c0usdt@depth","data":{"e":"depthUpdate","s":"C0USDT","U":1,"u":2,"pu":0,"b":[["1.05","1"]],"a":[]}}"#;
    let pulled = rig.frame(Source::Market, 0, Frame::UNTAGGED, text.as_bytes());
    assert!(only_cancels(&pulled) && pulled.len() == 2);
    assert_eq!((rig.top(0), rig.out.snapshots_wanted.as_slice()), (None, [0].as_slice()));
    assert_eq!(rig.lane.first_malformed, Some("a number is not a whole multiple of the instrument's tick or lot"));
}

#[test]
fn a_stale_book_has_no_top_and_rests_nothing() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tops = seen.clone();
    let watcher = kernel("watcher", 100 * MS, move |hook, views, i, outs| {
        if hook == Hook::Timer {
            tops.lock().unwrap().push((views[i].has_top, views[i].bid_px, views[i].n_bids));
        } else {
            quote(&views[i], &mut outs[i], 5.0, 2.0);
        }
        0
    });
    let mut rig = Rig::new(1, vec![(watcher, vec![0])]);
    let placed = rig.sync(0);
    rig.grant_all(&placed);
    rig.now = START + 1_000 * MS;
    assert_eq!(rig.timer(), [], "as old as it may be");
    rig.now += 1;
    assert!(only_cancels(&rig.timer()));
    rig.now = START + 1_100 * MS;
    assert_eq!(rig.timer(), [], "once is enough");
    assert_eq!(*seen.lock().unwrap(), [(1, 10_000, 1), (0, 0, 0)], "10 periods are one tick");
    // New depth: the chain is whole, so the book is fresh again.
    rig.now = START + 1_200 * MS;
    rig.depth(0, &[(9_999, 1)], &[]);
    rig.timer();
    assert_eq!(seen.lock().unwrap().last(), Some(&(1, 10_000, 2)));
}

#[test]
fn a_lane_whose_kernels_have_no_timer_asks_for_one_while_orders_rest() {
    let (mut rig, placed) = resting();
    let due = rig.lane.next_timer_ns();
    assert_eq!(due, Some(START + 1_000 * MS + 1), "when the book will be stale");
    rig.now = due.unwrap();
    let pulled = rig.timer();
    assert!(only_cancels(&pulled) && pulled.len() == 2);
    assert_eq!(rig.lane.next_timer_ns(), None, "what is being cancelled need not be pulled");
    rig.grant_all(&pulled);
    assert_eq!((rig.lane.next_timer_ns(), placed.len()), (None, 2));
}

#[test]
fn a_book_that_leaps_is_no_price_until_it_is_confirmed() {
    let calls = Arc::new(Mutex::new(0));
    let count = calls.clone();
    let taker = kernel("taker", 0, move |hook, views, i, outs| {
        *count.lock().unwrap() += 1;
        if hook == Hook::Trade {
            order(&mut outs[i], Side::Buy, views[i].ask_px.max(1) as f64, 1.0, TimeInForce::Ioc, false);
        }
        0
    });
    let mut rig = Rig::new(1, vec![(taker, vec![0])]);
    rig.sync(0);
    assert_eq!(rig.lane.counts.outliers, 0);
    // Bids and asks move by 20 %: an outlier, so it reaches no kernel, and no order is judged by it.
    let before = *calls.lock().unwrap();
    rig.depth(0, &[(10_000, 0), (8_000, 5)], &[(10_002, 0), (8_002, 5)]);
    assert_eq!((rig.lane.counts.outliers, *calls.lock().unwrap()), (1, before));
    assert_eq!(rig.top(0), None, "an ignored tick is no Top");
    assert_eq!(rig.trade(0, 10_000), []);
    // A second tick confirms it.
    rig.depth(0, &[(8_000, 6)], &[]);
    assert_eq!(rig.top(0), Some((8_000, 8_002)));
}
