//! Spot: rules S1 to S7 of `native/src/cex/venues/binance.rs`, one test each.

use super::*;

fn spot() -> Feed {
    Feed::new(Market::Spot)
}

/// In sync at id 10.
fn live() -> Feed {
    let mut f = spot();
    assert_eq!(f.snapshot(9, BIDS, ASKS), Outcome::Held);
    assert_eq!(f.depth((10, 10, 0), &[], &[]), Outcome::Synced);
    f
}

#[test]
fn rule_s1_events_before_the_snapshot_are_kept() {
    let mut f = spot();
    assert_eq!(f.depth((1, 4, 0), &[("100.0", "9.000")], &[]), Outcome::Held);
    assert_eq!(f.depth((5, 8, 0), &[("100.0", "3.000")], &[]), Outcome::Held);
    assert_eq!(f.depth((9, 9, 0), &[("99.9", "4.000")], &[]), Outcome::Held);
    assert!(f.sync.wants_snapshot() && f.top().is_none());
    assert_eq!(f.snapshot(4, BIDS, ASKS), Outcome::Applied);
    assert_eq!((f.bid(1000), f.bid(999), f.sync.last_id()), (3000, 4000, Some(9)));
    assert_eq!(f.joined, [8, 9], "each event that joined on is told of");
    assert_eq!(f.top(), Some((1000, 1002)));
    // blind from the first event, at 1 ns, to the snapshot, at 4 ns
    assert_eq!((f.sync.counts.blind_ns, f.sync.counts.syncs, f.sync.counts.applied), (3, 1, 2));
}

#[test]
fn rule_s2_a_snapshot_that_is_too_old_is_fetched_again() {
    let mut f = spot();
    f.depth((10, 12, 0), &[("100.0", "3.000")], &[]);
    f.depth((13, 15, 0), &[], &[("100.2", "5.000")]);
    assert_eq!(f.snapshot(8, BIDS, ASKS), Outcome::Lost);
    assert_eq!((f.sync.counts.old_snapshots, f.sync.counts.gaps, f.top()), (1, 0, None));
    assert!(f.sync.wants_snapshot());
    assert_eq!(f.depth((16, 16, 0), &[("99.9", "0.000")], &[]), Outcome::Held, "buffering goes on");
    // The events are still there for a newer one.
    assert_eq!(f.snapshot(12, BIDS, ASKS), Outcome::Applied);
    assert_eq!((f.bid(1000), f.bid(999), f.sync.last_id()), (1000, 0, Some(16)));
    assert_eq!(f.book.qty(Side::Sell, Ticks(1002)).0, 5000);
}

#[test]
fn rule_s3_events_within_the_snapshot_are_dropped() {
    let mut f = spot();
    f.snapshot(10, BIDS, ASKS);
    assert_eq!(f.depth((8, 9, 0), &[("100.0", "7.000")], &[]), Outcome::Held);
    assert_eq!(f.depth((10, 10, 0), &[("100.0", "8.000")], &[]), Outcome::Held, "u = lastUpdateId too");
    assert_eq!((f.bid(1000), f.sync.counts.stale, f.top()), (1000, 2, None));
}

#[test]
fn rule_s4_the_first_event_spans_the_snapshot_or_follows_it() {
    // ids of the first event against a snapshot at 10
    for (ids, outcome) in [
        ((5, 11, 0), Outcome::Synced),
        ((10, 11, 0), Outcome::Synced),
        ((11, 11, 0), Outcome::Synced),
        ((12, 12, 0), Outcome::Lost),
    ] {
        let mut f = spot();
        f.snapshot(10, BIDS, ASKS);
        assert_eq!(f.depth(ids, &[], &[]), outcome, "{ids:?}");
        assert_eq!(f.top().is_some(), outcome == Outcome::Synced);
        assert_eq!(f.sync.counts.gaps, u64::from(outcome == Outcome::Lost));
        // and the same when the event was there first
        let mut f = spot();
        f.depth(ids, &[], &[]);
        assert_eq!(f.snapshot(10, BIDS, ASKS), outcome, "{ids:?} kept");
    }
}

#[test]
fn rule_s5_an_event_delivered_twice_is_ignored() {
    let mut f = live();
    assert_eq!(f.depth((11, 12, 0), &[("100.0", "4.000")], &[]), Outcome::Applied);
    assert_eq!(f.depth((13, 13, 0), &[("100.0", "5.000")], &[]), Outcome::Applied);
    assert_eq!(f.depth((11, 12, 0), &[("100.0", "4.000")], &[]), Outcome::Held);
    assert_eq!(f.depth((13, 13, 0), &[("100.0", "5.000")], &[]), Outcome::Held);
    assert_eq!((f.bid(1000), f.sync.counts.stale, f.sync.last_id()), (5000, 2, Some(13)));
    // one that overlaps and goes beyond is absolute, and applied
    assert_eq!(f.depth((12, 14, 0), &[("100.0", "6.000")], &[]), Outcome::Applied);
    assert_eq!((f.bid(1000), f.sync.last_id()), (6000, Some(14)));
}

#[test]
fn rule_s6_a_missed_event_starts_again() {
    let mut f = live();
    assert_eq!(f.depth((12, 12, 0), &[("100.0", "4.000")], &[]), Outcome::Lost);
    assert_eq!((f.top(), f.sync.counts.gaps, f.sync.wants_snapshot()), (None, 1, true));
    assert_eq!(f.depth((13, 14, 0), &[("100.0", "5.000")], &[]), Outcome::Held);
    assert_eq!(f.top(), None, "there is no last known price");
    assert_eq!(f.snapshot(12, BIDS, ASKS), Outcome::Synced, "the event that showed the gap was kept");
    assert_eq!((f.bid(1000), f.sync.last_id(), f.top()), (5000, Some(14), Some((1000, 1002))));
    assert_eq!(f.sync.counts.syncs, 2);
}

#[test]
fn rule_s7_quantities_are_absolute_and_zero_removes() {
    let mut f = live();
    f.depth((11, 11, 0), &[("100.0", "4.000"), ("99.8", "1.000")], &[]);
    assert_eq!((f.bid(1000), f.bid(998)), (4000, 1000));
    f.depth((12, 12, 0), &[("100.0", "0.00000000")], &[("100.1", "0.500"), ("100.2", "0.000")]);
    assert_eq!((f.bid(1000), f.top()), (0, Some((999, 1001))));
}
