//! The venue's rate limits, and its dead-man switch.

use super::live::{Live, quoting, rules};
use super::*;
use _core::event::{Ask, Control, ORDERS, RateKind};
use _core::lane::RateLimit;

#[test]
fn the_dead_mans_switch_is_armed_while_orders_rest() {
    let mut live = quoting(LiveRules { countdown_ms: Some(2_000), ..rules() });
    assert_eq!(live.venue.countdown, Some(2_000));
    let count = |live: &Live| live.asked.iter().filter(|a| matches!(a, Ask::Countdown { ms: 2_000 })).count();
    let before = count(&live);
    for _ in 0..20 {
        live.nudge();
        live.pass(100, true);
    }
    let said = count(&live) - before;
    assert!((3..=5).contains(&said), "{said} times in two seconds");
    // Not while the connection for orders is down: the venue is to cancel by itself.
    live.frame(Source::Fault, ORDERS, &[Fault::Disconnected as u8]);
    let before = count(&live);
    live.requests.clear(); // nothing gets through
    live.pass(2_500, false);
    assert_eq!(count(&live), before);
    live.requests.clear();
    live.connect();
    live.pass(9_000, true);
    live.frame(Source::Control, 0, &[Control::Stop as u8]);
    live.pass(2_000, true);
    assert_eq!((live.venue.countdown, live.venue.open().len()), (None, 0), "disarmed once nothing rests");
}

#[test]
fn throttled_it_waits_and_cancels_afterwards() {
    let mut live = quoting(rules());
    let ms = 3_000u32;
    live.frame(Source::Fault, ORDERS, &[&[Fault::Throttled as u8][..], &ms.to_le_bytes()].concat());
    live.frame(Source::Control, 0, &[Control::Stop as u8]);
    assert!(live.requests.is_empty());
    let refused = live.rig.refused(Limit::VenueRate);
    for _ in 0..100 {
        live.rig.now += 20 * MS;
        live.nudge();
    }
    assert!(live.requests.is_empty());
    assert!(live.rig.refused(Limit::VenueRate) <= refused + 2, "not once a frame");
    live.pass(1_100, true);
    live.nudge();
    live.settle();
    assert!(live.venue.open().is_empty());
}

#[test]
fn cancels_have_a_part_of_the_rate_for_themselves() {
    let tight = RateLimit { kind: RateKind::Orders, interval_ms: 10_000, limit: 2 };
    let mut live =
        Live::new(LiveRules { rates: vec![tight], cancel_reserve_bps: 0, ..rules() }, vec![(maker(), vec![0])]);
    live.connect();
    live.settle();
    live.book();
    live.settle();
    assert_eq!(live.open().len(), 2);
    // The touch moves: the maker wants to follow and may not.
    let moved = live.rig.depth(0, &[(10_000, 0), (9_990, 9)], &[]);
    assert!(moved.is_empty() && live.rig.refused(Limit::VenueRate) > 0);
    live.frame(Source::Control, 0, &[Control::Stop as u8]);
    assert!(only_cancels(&live.requests) && live.requests.len() == 2, "a cancel is no order");
}

#[test]
fn getting_out_may_use_what_is_kept_of_the_order_rate() {
    let tight = RateLimit { kind: RateKind::Orders, interval_ms: 600_000, limit: 4 };
    let mut live = quoting(LiveRules { rates: vec![tight], cancel_reserve_bps: 5_000, ..rules() });
    assert_eq!(live.open().len(), 2, "half of the limit");
    let event = live.venue.fill(0, 2);
    live.private(&event);
    live.settle();
    live.rig.depth(0, &[(10_000, 0), (9_990, 9)], &[]);
    assert!(live.rig.refused(Limit::VenueRate) > 0, "it may not follow");
    live.requests.clear();
    live.frame(Source::Control, 0, &[Control::StopFlat as u8]);
    for i in std::mem::take(&mut live.requests) {
        let (answer, _) = live.venue.on_request(&i);
        live.private(&answer);
    }
    live.pass(150, false);
    let out: Vec<_> = live.requests.iter().map(|i| (i.action, i.side, i.qty.0, i.reduce_only)).collect();
    assert_eq!(out, [(Action::Place, Side::Sell, 2, true)], "but it gets out");
}
