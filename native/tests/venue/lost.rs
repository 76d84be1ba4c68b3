//! Both markets: what becomes of a book that loses its chain, its room or its sense.

use super::*;

/// A chain of single ids, as either market writes it.
fn one(f: &mut Feed, id: u64, bids: Wire<'_>, asks: Wire<'_>) -> Outcome {
    f.depth((id, id, id - 1), bids, asks)
}

fn live(market: Market) -> Feed {
    let mut f = Feed::new(market);
    f.snapshot(10, BIDS, ASKS);
    assert_eq!(one(&mut f, 11, &[], &[]), Outcome::Synced);
    f
}

const BOTH: [Market; 2] = [Market::Spot, Market::UsdM];

#[test]
fn every_single_event_left_out_is_found_at_the_next() {
    for market in BOTH {
        for missing in 12..30 {
            let mut f = live(market);
            for id in (12..=30).filter(|id| *id != missing) {
                let want = match id {
                    _ if id < missing => Outcome::Applied,
                    _ if id == missing + 1 => Outcome::Lost,
                    _ => Outcome::Held,
                };
                assert_eq!(one(&mut f, id, &[], &[]), want, "{market:?}: {missing} missing, at {id}");
                assert_eq!(f.top().is_some(), id < missing);
            }
        }
    }
}

#[test]
fn a_hole_among_the_events_kept_starts_the_keeping_again() {
    for market in BOTH {
        let mut f = Feed::new(market);
        for id in [5, 6, 7] {
            one(&mut f, id, &[("100.0", "9.000")], &[]);
        }
        assert_eq!(one(&mut f, 9, &[("100.0", "4.000")], &[]), Outcome::Lost);
        assert_eq!(one(&mut f, 10, &[], &[]), Outcome::Held);
        // A snapshot from before the hole cannot be joined on any more.
        assert_eq!(f.snapshot(6, BIDS, ASKS), Outcome::Lost);
        let joined = f.snapshot(9, BIDS, ASKS);
        assert!(matches!(joined, Outcome::Synced | Outcome::Applied), "{joined:?}");
        assert_eq!(f.sync.last_id(), Some(10));
    }
}

#[test]
fn the_buffer_is_bounded_and_says_what_it_dropped() {
    for market in BOTH {
        let mut f = Feed::new(market);
        for id in 1..=5000 {
            assert_eq!(one(&mut f, id, &[("100.0", "1.000")], &[]), Outcome::Held);
        }
        assert_eq!(f.sync.counts.overflowed, 904);
        assert_eq!(f.snapshot(900, BIDS, ASKS), Outcome::Lost, "905 is the first that is left");
        assert_eq!(f.snapshot(904, BIDS, ASKS), Outcome::Applied);
        assert_eq!((f.sync.last_id(), f.joined.len()), (Some(5000), 4096));
    }
}

#[test]
fn a_crossed_book_is_no_book() {
    for market in BOTH {
        let mut f = live(market);
        assert_eq!(one(&mut f, 12, &[("100.2", "1.000")], &[]), Outcome::Lost, "locked");
        assert_eq!((f.sync.counts.crossed, f.top(), f.sync.wants_snapshot()), (1, None, true));
        assert_eq!(f.snapshot(20, BIDS, &[("99.0", "1.000")]), Outcome::Held);
        assert_eq!(one(&mut f, 21, &[], &[]), Outcome::Lost, "a crossed snapshot");
        assert_eq!((f.sync.counts.crossed, f.top()), (2, None));
        f.snapshot(30, BIDS, ASKS);
        assert_eq!(one(&mut f, 31, &[], &[]), Outcome::Synced);
    }
}

#[test]
fn a_snapshot_is_not_a_book_until_an_event_joins_on() {
    for market in BOTH {
        let mut f = Feed::new(market);
        f.snapshot(10, BIDS, ASKS);
        assert_eq!((f.top(), f.sync.wants_snapshot(), f.sync.live()), (None, false, false));
        one(&mut f, 11, &[], &[]);
        // and one that comes while the book is in sync changes nothing
        assert_eq!(f.snapshot(500, &[("1.0", "1.000")], &[("2.0", "1.000")]), Outcome::Held);
        assert_eq!((f.top(), f.sync.last_id()), (Some((1000, 1002)), Some(11)));
    }
}

#[test]
fn a_lost_connection_is_blind_since_the_last_event() {
    for market in BOTH {
        let mut f = live(market);
        let (applied_ns, before_ns) = (f.sync.applied_ns(), f.sync.counts.blind_ns);
        f.sync.lose(applied_ns + 1_000);
        assert_eq!((f.top(), f.sync.blind_ns(applied_ns + 1_500)), (None, before_ns + 1_500));
        f.sync.lose(applied_ns + 2_000);
        assert_eq!(f.sync.blind_ns(applied_ns + 3_000), before_ns + 3_000, "losing it twice is one loss");
        f.now_ns = applied_ns + 4_000;
        f.snapshot(20, BIDS, ASKS);
        assert_eq!(one(&mut f, 21, &[], &[]), Outcome::Synced);
        assert_eq!(f.sync.counts.blind_ns, before_ns + 4_002, "until the event that joined on");
        assert_eq!(f.sync.blind_ns(i64::MAX), f.sync.counts.blind_ns, "in sync nothing is added");
    }
}
