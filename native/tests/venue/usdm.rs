//! USD-M futures: rules U1 to U6 of `native/src/cex/venues/binance.rs`, one test each.

use super::*;

fn usdm() -> Feed {
    Feed::new(Market::UsdM)
}

/// In sync at id 20.
fn live() -> Feed {
    let mut f = usdm();
    assert_eq!(f.snapshot(10, BIDS, ASKS), Outcome::Held);
    assert_eq!(f.depth((8, 20, 5), &[], &[]), Outcome::Synced);
    f
}

#[test]
fn rule_u1_events_before_the_snapshot_are_kept() {
    let mut f = usdm();
    assert_eq!(f.depth((1, 4, 0), &[("100.0", "9.000")], &[]), Outcome::Held);
    assert_eq!(f.depth((6, 12, 4), &[("100.0", "3.000")], &[]), Outcome::Held);
    assert_eq!(f.depth((15, 19, 12), &[("99.9", "4.000")], &[]), Outcome::Held);
    assert!(f.sync.wants_snapshot() && f.top().is_none());
    assert_eq!(f.snapshot(10, BIDS, ASKS), Outcome::Applied);
    assert_eq!((f.bid(1000), f.bid(999), f.sync.last_id()), (3000, 4000, Some(19)));
    assert_eq!((f.joined.as_slice(), f.top()), ([12, 19].as_slice(), Some((1000, 1002))));
}

#[test]
fn rule_u2_events_older_than_the_snapshot_are_dropped() {
    let mut f = usdm();
    f.snapshot(10, BIDS, ASKS);
    assert_eq!(f.depth((5, 9, 3), &[("100.0", "7.000")], &[]), Outcome::Held);
    assert_eq!((f.bid(1000), f.sync.counts.stale, f.top()), (1000, 1, None));
    // u = lastUpdateId is kept here, where spot drops it
    assert_eq!(f.depth((10, 10, 9), &[("100.0", "8.000")], &[]), Outcome::Synced);
    assert_eq!((f.bid(1000), f.sync.last_id()), (8000, Some(10)));
}

#[test]
fn rule_u3_the_first_event_spans_the_snapshot() {
    for (ids, outcome) in [
        ((10, 10, 8), Outcome::Synced),
        ((5, 11, 3), Outcome::Synced),
        ((10, 15, 8), Outcome::Synced),
        ((11, 15, 9), Outcome::Lost), // begins after the snapshot, and an event is between them
        ((11, 15, 10), Outcome::Synced), // begins after it, and none is
    ] {
        let mut f = usdm();
        f.snapshot(10, BIDS, ASKS);
        assert_eq!(f.depth(ids, &[], &[]), outcome, "{ids:?}");
        assert_eq!(f.top().is_some(), outcome == Outcome::Synced);
        let mut f = usdm();
        f.depth(ids, &[], &[]);
        assert_eq!(f.snapshot(10, BIDS, ASKS), outcome, "{ids:?} kept");
        assert_eq!(f.sync.counts.old_snapshots, u64::from(outcome == Outcome::Lost));
    }
}

#[test]
fn rule_u4_each_event_names_the_one_before() {
    let mut f = live();
    assert_eq!(f.depth((31, 35, 20), &[("100.0", "4.000")], &[]), Outcome::Applied, "ids may jump, pu may not");
    assert_eq!(f.depth((36, 40, 34), &[("100.0", "5.000")], &[]), Outcome::Lost, "ids that follow do not make a chain");
    assert_eq!((f.top(), f.sync.counts.gaps, f.sync.wants_snapshot()), (None, 1, true));
    assert_eq!(f.depth((41, 45, 40), &[("100.0", "6.000")], &[]), Outcome::Held);
    assert_eq!(f.snapshot(38, BIDS, ASKS), Outcome::Applied);
    assert_eq!((f.bid(1000), f.sync.last_id(), f.top()), (6000, Some(45), Some((1000, 1002))));
}

#[test]
fn rule_u4_an_event_delivered_twice_is_no_gap() {
    let mut f = live();
    f.depth((31, 35, 20), &[("100.0", "4.000")], &[]);
    f.depth((36, 40, 35), &[("100.0", "5.000")], &[]);
    assert_eq!(f.depth((31, 35, 20), &[("100.0", "4.000")], &[]), Outcome::Held);
    assert_eq!((f.bid(1000), f.sync.counts.stale, f.sync.counts.gaps), (5000, 1, 0));
    assert_eq!(f.depth((41, 41, 40), &[], &[]), Outcome::Applied);
}

#[test]
fn rule_u5_quantities_are_absolute_and_zero_removes() {
    let mut f = live();
    f.depth((21, 22, 20), &[("100.0", "4.000"), ("99.8", "1.000")], &[]);
    assert_eq!((f.bid(1000), f.bid(998)), (4000, 1000));
    f.depth((23, 24, 22), &[("100.0", "0.000")], &[("100.1", "0.500"), ("100.2", "0")]);
    assert_eq!((f.bid(1000), f.top()), (0, Some((999, 1001))));
}

#[test]
fn rule_u6_removing_a_level_that_is_not_there_is_normal() {
    let mut f = live();
    assert_eq!(f.depth((21, 22, 20), &[("50.0", "0.000")], &[("100000.0", "0.000")]), Outcome::Applied);
    assert_eq!((f.top(), f.sync.counts.gaps), (Some((1000, 1002)), 0));
}
