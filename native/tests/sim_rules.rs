//! The fill rules of docs ("Fill rules"), each with a test of its number.
mod sim_support;

use _core::event::*;
use _core::sim::exchange::{SelfTradePrevention as Stp, SimConfig, SimExchange};
use _core::sim::latency::{LatencyModel, LatencyRow};
use _core::sim::queue::QueueModel;
use _core::units::{Lots, Ticks};
use ReceiptKind::{Accepted, Cancelled, ChangeRejected, Expired, Filled, Rejected, Replaced};
use sim_support::*;

fn whole() -> SimConfig {
    SimConfig { partial_fills: false, ..config() }
}

fn model(queue_model: QueueModel) -> SimConfig {
    SimConfig { queue_model, ..config() }
}

fn stp(self_trade_prevention: Stp) -> SimConfig {
    SimConfig { self_trade_prevention, ..config() }
}

#[test]
fn rule_01_our_orders_do_not_change_the_recorded_book() {
    let mut s = Sim::new(config());
    for id in 1..=2 {
        // all of both ask levels, twice
        let got = s.place(id, Buy, 103, 30, Ioc);
        assert_eq!(said(&got), [(Filled, id, 102, 10, 20), (Filled, id, 103, 20, 0)]);
    }
    s.place(3, Sell, 101, 5, Gtc);
    assert_eq!(said(&s.place(4, Buy, 101, 5, Ioc)), [(Expired, 4, 101, 0, 0)]); // 101 is not in the recorded book
}

#[test]
fn rule_02_the_book_is_as_of_its_ids_whatever_the_order_of_the_file() {
    let takes = |s: &mut Sim| said(&s.place(9, Buy, 102, 99, Ioc))[0].3;
    let mut s = Sim::new(config());
    s.depth_ids((90, 99, 89), &[], &[(102, 1)]); // before the snapshot
    assert_eq!(takes(&mut s), 10);
    s.depth_ids((101, 110, 100), &[], &[(102, 7)]);
    s.snapshot(105, &[(100, 10)], &[(102, 3)]); // older than a book without a gap
    assert_eq!(takes(&mut s), 7);
    s.depth_ids((131, 140, 130), &[], &[(104, 4)]); // 111..130 are missing
    s.depth_ids((141, 150, 140), &[], &[(105, 5)]);
    s.snapshot(145, &[(100, 10)], &[(102, 2), (104, 1), (105, 1)]); // taken between the two
    assert_eq!(said(&s.place(9, Buy, 105, 99, Ioc))[..3].iter().map(|r| r.3).collect::<Vec<_>>(), [2, 1, 5]);
    // a change without ids is taken as it comes; a level left behind by a gap goes when the other side moves through
    s.depth_ids((0, 0, 0), &[(104, 6)], &[]);
    assert_eq!(said(&s.place(9, Buy, 105, 99, Ioc))[0], (Filled, 9, 105, 5, 94));
    assert_eq!(said(&s.place(9, Sell, 104, 6, Ioc)), [(Filled, 9, 104, 6, 0)]);
}

#[test]
fn rule_03_quotes_are_not_used() {
    let mut s = Sim::new(config());
    s.place(1, Sell, 102, 5, Gtc);
    let level = |px| Level { px: Ticks(px), qty: Lots(5) };
    let event = Event::Quote { instrument: 0, exch_ns: 0, id: 999, bid: level(102), ask: level(103) };
    assert_eq!(s.market(&Decoded { event, ..Decoded::default() }), []);
    assert_eq!(s.ahead(1), 10);
}

#[test]
fn rule_04_a_level_change_brings_the_order_forward_by_its_queue_model() {
    // 10 ahead, 10 behind after others joined; then 4 leave
    let after = |m, traded: i64| {
        let mut s = Sim::new(model(m));
        s.place(1, Buy, 100, 5, Gtc);
        s.depth(&[(100, 20)], &[]);
        assert_eq!(s.ahead(1), 10); // who joins later stands behind
        if traded > 0 {
            s.trade(Sell, 100, traded);
        }
        s.depth(&[(100, 16)], &[]);
        s.ahead(1)
    };
    assert_eq!(after(QueueModel::RiskAverse, 0), 10);
    assert_eq!(after(QueueModel::PowerProb { n: 1.0 }, 0), 8); // half of 4
    assert_eq!(after(QueueModel::PowerProb3 { n: 2.0 }, 0), 9); // 1 − 0.25 of it behind
    assert_eq!(after(QueueModel::PowerProb2 { n: 2.0 }, 0), 7); // a quarter of it behind
    // what was traded is not counted again when the level shows it
    assert_eq!(after(QueueModel::PowerProb { n: 1.0 }, 4), 6);
    assert_eq!(after(QueueModel::RiskAverse, 4), 6);
    // a level smaller than the estimate is the estimate
    let mut s = Sim::new(config());
    s.place(1, Buy, 100, 5, Gtc);
    s.depth(&[(100, 3)], &[]);
    assert_eq!(s.ahead(1), 3);
}

#[test]
fn rule_05_a_trade_at_the_price_uses_up_the_queue_first() {
    let mut s = Sim::new(config());
    s.place(1, Sell, 102, 5, Gtc);
    assert_eq!(s.trade(Sell, 102, 50), []); // an aggressor that sells does not meet a sell order
    assert_eq!(s.trade(Buy, 101, 50), []);
    assert_eq!(s.trade(Buy, 102, 10), []);
    let got = s.trade(Buy, 102, 3);
    assert_eq!(said(&got), [(Filled, 1, 102, 3, 2)]);
    assert_eq!((got[0].maker, got[0].queue_joined, got[0].queue_ahead), (true, 10, 0));
    assert_eq!(said(&s.trade(Buy, 102, 3)), [(Filled, 1, 102, 2, 0)]); // exactly what is left, or less: never more
    assert_eq!(s.trade(Buy, 102, 3), []);
    assert_eq!(s.position(), -5);

    // two of ours at one price share a trade in order of arrival
    let mut s = Sim::new(config());
    s.place(1, Sell, 102, 5, Gtc);
    s.place(2, Sell, 102, 5, Gtc);
    assert_eq!(said(&s.trade(Buy, 102, 17)), [(Filled, 1, 102, 5, 0), (Filled, 2, 102, 2, 3)]);

    // without partial fills the order is filled whole as soon as it is reached
    let mut s = Sim::new(whole());
    s.place(1, Sell, 102, 5, Gtc);
    assert_eq!(s.trade(Buy, 102, 10), []);
    assert_eq!(said(&s.trade(Buy, 102, 1)), [(Filled, 1, 102, 5, 0)]);
}

#[test]
fn rule_06_a_trade_beyond_the_price_fills_whole() {
    for c in [config(), whole()] {
        let mut s = Sim::new(c);
        s.place(1, Buy, 99, 50, Gtc);
        s.place(2, Buy, 100, 50, Gtc);
        s.place(3, Buy, 97, 50, Gtc);
        // best price first, then in order of arrival; 97 is not reached
        assert_eq!(said(&s.trade(Sell, 98, 1)), [(Filled, 2, 100, 50, 0), (Filled, 1, 99, 50, 0)]);
        assert_eq!(s.position(), 100);
    }
}

#[test]
fn rule_07_the_estimate_stays_between_nothing_and_the_level() {
    // 1 ahead, 99 behind: everything leaves; the formula alone says 8.2 lots below nothing
    let mut s = Sim::new(model(QueueModel::PowerProb { n: 0.5 }));
    s.depth(&[(101, 1)], &[]);
    s.place(1, Buy, 101, 50, Gtc);
    s.depth(&[(101, 100)], &[]);
    s.depth(&[(101, 0)], &[]);
    assert_eq!(s.ahead(1), 0);
    s.depth(&[(101, 9)], &[]);
    s.depth(&[(101, 5)], &[]);
    assert_eq!(s.ahead(1), 0); // a power of a number below 0 is not a number: nobody gets back in line for that
    assert_eq!(said(&s.trade(Sell, 101, 2)), [(Filled, 1, 101, 2, 48)]); // a trade never gives more than it is
}

#[test]
fn rule_08_a_book_that_comes_to_the_price_fills_whole() {
    for c in [config(), whole()] {
        let mut s = Sim::new(c);
        s.place(1, Sell, 103, 50, Gtc);
        s.place(2, Sell, 102, 50, Gtc);
        assert_eq!(s.depth(&[(101, 1)], &[]), []);
        let got = s.depth(&[(102, 1)], &[(102, 0)]);
        assert_eq!(said(&got), [(Filled, 2, 102, 50, 0)]);
        assert!(got[0].maker);
        assert_eq!(s.depth(&[(103, 0)], &[]), []); // a level that goes is nobody's price
        assert_eq!(said(&s.depth(&[(110, 1)], &[(103, 0)])), [(Filled, 1, 103, 50, 0)]);
        s.place(3, Buy, 109, 4, Gtc);
        assert_eq!(said(&s.depth(&[(110, 0)], &[(108, 1)])), [(Filled, 3, 109, 4, 0)]);
    }
}

#[test]
fn rule_09_a_snapshot_caps_the_queue_and_fills_what_it_crosses() {
    let mut s = Sim::new(model(QueueModel::PowerProb { n: 1.0 }));
    for (id, px) in [(1, 100), (2, 99), (3, 98)] {
        s.place(id, Buy, px, 5, Gtc);
    }
    s.depth(&[(98, 30)], &[]);
    s.place(4, Buy, 98, 5, Gtc);
    s.place(5, Sell, 102, 5, Gtc);
    s.depth_ids((900, 910, 899), &[], &[]); // a gap
    s.snapshot(920, &[(100, 4), (98, 50)], &[(103, 1)]);
    assert_eq!([1, 2, 3, 4].map(|id| s.ahead(id)), [4, 0, 0, 30]); // 99 is in its range and not in it
    s.depth_ids((990, 1000, 989), &[], &[]);
    assert_eq!(said(&s.snapshot(1000, &[(102, 1)], &[(103, 1)])), [(Filled, 5, 102, 5, 0)]);
    assert_eq!(s.ahead(4), 30); // deeper than the snapshot reaches: not known to have changed
}

#[test]
fn rule_10_a_maker_is_filled_at_its_own_price() {
    let mut s = Sim::new(config());
    s.place(1, Sell, 102, 5, Gtc);
    assert_eq!(said(&s.trade(Buy, 107, 1)), [(Filled, 1, 102, 5, 0)]);
    s.place(2, Buy, 100, 5, Gtc);
    assert_eq!(said(&s.depth(&[], &[(95, 1)])), [(Filled, 2, 100, 5, 0)]);
}

#[test]
fn rule_11_an_order_joins_behind_what_its_level_shows() {
    let mut s = Sim::new(config());
    let got = s.place(1, Buy, 99, 5, Gtc);
    assert_eq!(said(&got), [(Accepted, 1, 99, 0, 5)]);
    assert_eq!((got[0].queue_joined, got[0].queue_ahead, got[0].maker), (20, 20, false));
    assert_eq!(s.place(2, Buy, 101, 5, Gtx)[0].queue_joined, 0); // inside the spread
    // no other side: limit orders rest, a market order expires
    s.snapshot(u64::MAX, &[], &[]);
    s.depth_ids((0, 0, 0), &[(100, 0), (99, 0)], &[(102, 0), (103, 0)]);
    assert_eq!(said(&s.place(3, Sell, 50, 5, Gtc)), [(Accepted, 3, 50, 0, 5)]);
    assert_eq!(said(&s.place(4, Buy, i64::MAX, 5, Ioc)), [(Expired, 4, i64::MAX, 0, 0)]);
}

#[test]
fn rule_12_taking() {
    let mut s = Sim::new(config());
    let got = s.place(1, Buy, 103, 35, Gtc);
    // what no level shows is filled at the limit
    assert_eq!(said(&got), [(Filled, 1, 102, 10, 25), (Filled, 1, 103, 20, 5), (Filled, 1, 103, 5, 0)]);
    assert!(got.iter().all(|r| !r.maker && r.queue_joined == -1 && r.queue_ahead == -1));
    assert_eq!(got.iter().map(|r| r.trade_id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(s.position(), 35);
    assert_eq!(said(&s.place(2, Sell, 99, 12, Gtc)), [(Filled, 2, 100, 10, 2), (Filled, 2, 99, 2, 0)]);
    let mut s = Sim::new(whole());
    assert_eq!(said(&s.place(1, Buy, 103, 35, Gtc)), [(Filled, 1, 102, 35, 0)]); // whole, at the best
}

#[test]
fn rule_13_post_only_never_takes() {
    let mut s = Sim::new(config());
    assert_eq!(said(&s.place(1, Buy, 102, 5, Gtx)), [(Expired, 1, 102, 0, 0)]);
    assert_eq!(said(&s.place(2, Sell, 100, 5, Gtx)), [(Expired, 2, 100, 0, 0)]);
    assert_eq!(said(&s.place(3, Buy, 101, 5, Gtx)), [(Accepted, 3, 101, 0, 5)]);
    assert_eq!(said(&s.replace(3, 102, 5)), [(Expired, 3, 102, 0, 0)]);
    // an order of ours is in the way where self-trade prevention sees it
    let mut s = Sim::new(stp(Stp::ExpireMaker));
    s.place(1, Sell, 101, 5, Gtc);
    assert_eq!(said(&s.place(2, Buy, 101, 5, Gtx)), [(Expired, 2, 101, 0, 0)]);
}

#[test]
fn rule_14_ioc_and_fok() {
    let mut s = Sim::new(config());
    assert_eq!(said(&s.place(1, Buy, 102, 15, Ioc)), [(Filled, 1, 102, 10, 5), (Expired, 1, 102, 0, 0)]);
    assert_eq!(said(&s.place(2, Buy, 101, 15, Ioc)), [(Expired, 2, 101, 0, 0)]);
    assert_eq!(said(&s.place(3, Buy, 102, 11, Fok)), [(Expired, 3, 102, 0, 0)]);
    assert_eq!(said(&s.place(4, Buy, 103, 11, Fok)), [(Filled, 4, 102, 10, 1), (Filled, 4, 103, 1, 0)]);
    // a market order: an IOC with a far price
    let all = [(Filled, 5, 100, 10, 30), (Filled, 5, 99, 20, 10), (Expired, 5, 1, 0, 0)];
    assert_eq!(said(&s.place(5, Sell, 1, 40, Ioc)), all);
    let mut s = Sim::new(whole());
    assert_eq!(said(&s.place(1, Buy, 102, 15, Fok)), [(Filled, 1, 102, 15, 0)]);
    assert_eq!(said(&s.place(2, Buy, 102, 15, Ioc)), [(Filled, 2, 102, 15, 0)]);
    assert_eq!(said(&s.place(3, Buy, 101, 15, Fok)), [(Expired, 3, 101, 0, 0)]);
}

#[test]
fn rule_15_self_trade_prevention() {
    // a sell of ours behind the 10 lots of 102; an arriving buy for 15
    let at_102 = |c| {
        let mut s = Sim::new(c);
        s.place(1, Sell, 102, 5, Gtc);
        said(&s.place(2, Buy, 103, 15, Ioc))
    };
    let ten = (Filled, 2, 102, 10, 5);
    assert_eq!(at_102(stp(Stp::None)), [ten, (Filled, 2, 103, 5, 0)]);
    assert_eq!(at_102(stp(Stp::ExpireTaker)), [ten, (Expired, 2, 103, 0, 0)]);
    assert_eq!(at_102(stp(Stp::ExpireMaker)), [ten, (Expired, 1, 102, 0, 0), (Filled, 2, 103, 5, 0)]);
    assert_eq!(at_102(stp(Stp::ExpireBoth)), [ten, (Expired, 1, 102, 0, 0), (Expired, 2, 103, 0, 0)]);
    // alone inside the spread: the arriving order rests once ours is gone
    let inside = |c, tif| {
        let mut s = Sim::new(c);
        s.place(1, Sell, 101, 5, Gtc);
        said(&s.place(2, Buy, 101, 15, tif))
    };
    assert_eq!(inside(stp(Stp::None), Gtc), [(Accepted, 2, 101, 0, 15)]);
    assert_eq!(inside(stp(Stp::ExpireMaker), Gtc), [(Expired, 1, 101, 0, 0), (Accepted, 2, 101, 0, 15)]);
    assert_eq!(inside(stp(Stp::ExpireTaker), Gtc), [(Expired, 2, 101, 0, 0)]);
    assert_eq!(inside(stp(Stp::ExpireMaker), Fok), [(Expired, 2, 101, 0, 0)]); // killed before it touches ours
    let fok = |c| {
        let mut s = Sim::new(c);
        s.place(1, Sell, 102, 5, Gtc);
        said(&s.place(2, Buy, 103, 25, Fok))
    };
    assert_eq!(fok(stp(Stp::ExpireBoth)), [(Expired, 2, 103, 0, 0)]);
    assert_eq!(
        fok(stp(Stp::ExpireMaker)),
        [(Filled, 2, 102, 10, 15), (Expired, 1, 102, 0, 0), (Filled, 2, 103, 15, 0)]
    );
    // without partial fills whoever stands first decides
    assert_eq!(at_102(SimConfig { partial_fills: false, ..stp(Stp::ExpireTaker) }), [(Filled, 2, 102, 15, 0)]);
    assert_eq!(inside(SimConfig { partial_fills: false, ..stp(Stp::ExpireTaker) }, Ioc), [(Expired, 2, 101, 0, 0)]);
}

fn reduce(id: u64, side: Side, px: i64, qty: i64, tif: TimeInForce) -> Intent {
    Intent { reduce_only: true, ..order(id, side, px, qty, tif) }
}

#[test]
fn rule_16_reduce_only_is_rejected_where_it_would_do_more() {
    let mut s = Sim::new(config());
    assert_eq!(said(&s.intent(reduce(1, Sell, 103, 1, Gtc))), [(Rejected, 1, 103, 0, 0)]); // flat
    s.place(2, Buy, 102, 4, Ioc);
    assert_eq!(said(&s.intent(reduce(3, Buy, 99, 1, Gtc))), [(Rejected, 3, 99, 0, 0)]);
    assert_eq!(said(&s.intent(reduce(4, Sell, 103, 5, Gtc))), [(Rejected, 4, 103, 0, 0)]);
    assert_eq!(said(&s.intent(reduce(5, Sell, 103, 4, Gtc))), [(Accepted, 5, 103, 0, 4)]);
    // an IOC is cut to the position: how to flatten
    let flat = s.intent(reduce(6, Sell, 1, 99, Ioc));
    assert_eq!(said(&flat), [(Filled, 6, 100, 4, 95), (Expired, 5, 103, 0, 0), (Expired, 6, 1, 0, 0)]);
    assert_eq!(s.position(), 0);
}

#[test]
fn rule_17_resting_reduce_only_shrinks_with_the_position_and_expires_without_one() {
    let mut s = Sim::new(config());
    s.place(1, Buy, 102, 8, Ioc);
    s.intent(reduce(2, Sell, 103, 8, Gtc));
    s.intent(reduce(3, Sell, 104, 6, Gtc));
    let got = s.place(4, Sell, 100, 3, Ioc);
    assert_eq!(said(&got), [(Filled, 4, 100, 3, 0), (Replaced, 2, 103, 0, 5), (Replaced, 3, 104, 0, 5)]);
    assert_eq!(s.ahead(2), 20); // its place is kept
    // both are passed by one trade: the second may not turn the position round
    assert_eq!(said(&s.trade(Buy, 110, 1)), [(Filled, 2, 103, 5, 0), (Expired, 3, 104, 0, 0)]);
    assert_eq!(s.position(), 0);
}

#[test]
fn rule_18_cancel() {
    let mut s = Sim::new(config());
    s.place(1, Buy, 100, 5, Gtc);
    let got = s.cancel(1);
    assert_eq!(said(&got), [(Cancelled, 1, 100, 0, 0)]);
    assert_eq!((got[0].queue_joined, got[0].queue_ahead), (10, 10));
    let again = s.cancel(1);
    assert_eq!(said(&again), [(ChangeRejected, 1, 1, 0, 0)]);
    assert!(again[0].is_final());
    assert_eq!(s.depth(&[], &[(100, 1)]), []);
}

#[test]
fn rule_19_replace_keeps_the_place_only_for_less_at_the_same_price() {
    let mut s = Sim::new(config());
    s.place(1, Buy, 100, 8, Gtc);
    s.trade(Sell, 100, 6);
    s.depth(&[(100, 30)], &[]);
    let less = s.replace(1, 100, 5);
    assert_eq!(said(&less), [(Replaced, 1, 100, 0, 5)]);
    assert_eq!((less[0].queue_joined, less[0].queue_ahead), (10, 4));
    assert_eq!(s.replace(1, 100, 6)[0].queue_joined, 30);
    assert_eq!(s.replace(1, 99, 6)[0].queue_joined, 20);
    // the quantity is the order's, filled lots included
    s.trade(Sell, 99, 22);
    assert_eq!(said(&s.replace(1, 99, 5)), [(Replaced, 1, 99, 0, 3)]);
    assert_eq!(said(&s.replace(1, 99, 2)), [(Cancelled, 1, 99, 0, 0)]);
    // where the venue queues every change anew
    let mut s = Sim::new(SimConfig { amend_requeues: true, ..config() });
    s.place(1, Buy, 100, 8, Gtc);
    s.depth(&[(100, 30)], &[]);
    assert_eq!(s.replace(1, 100, 5)[0].queue_joined, 30);
}

#[test]
fn rule_20_a_replace_may_take_or_be_refused() {
    let mut s = Sim::new(config());
    s.place(1, Buy, 100, 15, Gtc);
    assert_eq!(said(&s.replace(1, 0, 15)), [(ChangeRejected, 1, 100, 0, 15)]);
    assert_eq!(said(&s.replace(1, 100, 0)), [(ChangeRejected, 1, 100, 0, 15)]);
    assert_eq!(said(&s.replace(2, 100, 5)), [(ChangeRejected, 2, 100, 0, 0)]);
    let got = s.replace(1, 103, 15);
    assert_eq!(said(&got), [(Replaced, 1, 103, 0, 15), (Filled, 1, 102, 10, 5), (Filled, 1, 103, 5, 0)]);
    s.intent(reduce(3, Sell, 104, 15, Gtc));
    assert_eq!(said(&s.replace(3, 104, 16)), [(ChangeRejected, 3, 104, 0, 15)]);
}

#[test]
fn rule_21_what_the_venue_refuses() {
    let mut s = Sim::new(config());
    let said_of = |r: Vec<Receipt>| (r[0].kind, r[0].queue_joined, r.len());
    assert_eq!(said_of(s.place(0, Buy, 100, 5, Gtc)), (Rejected, -1, 1));
    assert_eq!(said_of(s.place(1, Buy, 100, 0, Gtc)), (Rejected, -1, 1));
    assert_eq!(said_of(s.place(1, Buy, 100, -5, Gtc)), (Rejected, -1, 1));
    assert_eq!(said_of(s.place(1, Buy, 0, 5, Gtc)), (Rejected, -1, 1));
    let far = |action| Intent { instrument: 7, action, ..order(1, Buy, 100, 5, Gtc) };
    assert_eq!(said_of(s.intent(far(Action::Place))), (Rejected, -1, 1));
    assert_eq!(said_of(s.intent(far(Action::Cancel))), (ChangeRejected, -1, 1));
    assert_eq!(said_of(s.place(1, Buy, 100, 5, Gtc)), (Accepted, 10, 1));
    assert_eq!(said_of(s.place(1, Sell, 103, 5, Gtc)), (Rejected, -1, 1)); // the id is in use
    let elsewhere = Intent { instrument: 1, ..order(1, Buy, 100, 5, Gtc) };
    assert_eq!(said_of(s.intent(elsewhere)), (Rejected, -1, 1)); // in any instrument
    s.cancel(1);
    assert_eq!(said_of(s.place(1, Buy, 100, 5, Gtc)), (Accepted, 10, 1));
}

#[test]
fn rule_22_latency_is_constant_or_lies_on_lines_between_recorded_rows() {
    let json = r#"{"kind":"constant","entry_ns":3,"response_ns":4}"#;
    let mut m: LatencyModel = serde_json::from_str(json).unwrap();
    assert_eq!((m.entry_ns(9), m.response_ns(9), m.rejection_ns(9)), (Some(3), 4, 7));
    assert_eq!(serde_json::to_string(&m).unwrap(), json);
    let row = |(req_ns, exch_ns, resp_ns)| LatencyRow { req_ns, exch_ns, resp_ns };
    let recorded = vec![row((1000, 1100, 1300)), row((2000, 2300, 2500))];
    let mut m = LatencyModel::interpolated(recorded.clone(), 0).unwrap();
    let there = [0, 1000, 1500, 1999, 2000, 9000].map(|t| m.entry_ns(t).unwrap());
    assert_eq!(there, [100, 100, 200, 299, 300, 300]);
    assert_eq!([0, 1100, 1700, 2300, 9000].map(|t| m.response_ns(t)), [200; 5]);
    let mut far = LatencyModel::interpolated(recorded, -50).unwrap();
    assert_eq!((far.entry_ns(1500), far.response_ns(1500)), (Some(150), 150));
    let again: LatencyModel = serde_json::from_str(&serde_json::to_string(&far).unwrap()).unwrap();
    assert_eq!(again, far);
    for (rows, offset, why) in [
        (&[][..], 0, "no row with exch_ns above 0"),
        (&[(5, 6, 7), (5, 6, 7)], 0, "row 2: req_ns must be later"),
        (&[(5, 4, 7)], 0, "row 1: times must not run backwards"),
        (&[(5, 6, 7)], -2, "row 1: latency_offset_ns"),
        (&[(5, 0, 7)], 0, "no row with exch_ns above 0"),
    ] {
        let e = LatencyModel::interpolated(rows.iter().copied().map(row).collect(), offset).unwrap_err();
        assert!(e.contains(why), "{rows:?}: {e}");
    }
    assert!(serde_json::from_str::<LatencyModel>(r#"{"kind":"constant","entry_ns":-1,"response_ns":4}"#).is_err());
    assert!(serde_json::from_str::<LatencyModel>(r#"{"kind":"constant","entry_ns":1,"response_ns":4,"x":1}"#).is_err());
}

#[test]
fn rule_23_a_request_beside_a_recorded_rejection_is_turned_away() {
    let row = |req_ns, exch_ns, resp_ns| LatencyRow { req_ns, exch_ns, resp_ns };
    let rows = vec![row(1000, 1100, 1200), row(2000, 0, 2400), row(3000, 3100, 3200), row(4000, 4100, 4200)];
    let mut m = LatencyModel::interpolated(rows, 10).unwrap();
    assert_eq!([999, 1000, 2000, 2999, 3000].map(|t| m.entry_ns(t)), [Some(110), None, None, None, Some(110)]);
    assert_eq!([1000, 1500, 2000, 2500].map(|t| m.rejection_ns(t)), [220, 320, 420, 320]);
    assert_eq!([1100, 2000, 3100].map(|t| m.response_ns(t)), [110; 3]); // a rejection says nothing of the way back
}

#[test]
fn a_configuration_is_read_strictly() {
    let text = r#"{"queue_model":{"kind":"power_prob3","n":3.0},"partial_fills":false,"self_trade_prevention":"expire_taker"}"#;
    let c: SimConfig = serde_json::from_str(text).unwrap();
    assert_eq!((c.queue_model, c.amend_requeues), (QueueModel::PowerProb3 { n: 3.0 }, false));
    assert_eq!(SimExchange::new(c, vec![]).position(3), Lots(0));
    for bad in [
        r#"{"kind":"risk_averse","n":1}"#,
        r#"{"kind":"power_prob"}"#,
        r#"{"kind":"power_prob","n":0}"#,
        r#"{"kind":"fifo"}"#,
    ] {
        assert!(serde_json::from_str::<QueueModel>(bad).is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<SimConfig>(&text.replace("partial_fills", "partial")).is_err());
}
