//! Each rule at its number and just beyond.

use super::*;

#[test]
fn order_size_and_notional() {
    let mut g = gate();
    assert_eq!(send(&mut g, &place(1, Side::Buy, 9_999, 10)), None);
    assert_eq!(send(&mut g, &place(2, Side::Buy, 9_999, 11)), Some(Limit::OrderQty));
    // 10 x 10 000 and 5 x 10 001 are within 100 005 ticks x lots; 10 x 10 001 is 100 010
    assert_eq!(send(&mut g, &place(3, Side::Sell, 10_001, 10)), Some(Limit::OrderNotional));
    assert_eq!(send(&mut g, &place(4, Side::Sell, 10_000, 10)), None);
    for (qty, verdict) in [(MAX_QTY + 1, Limit::BadQty), (0, Limit::BadQty), (-1, Limit::BadQty)] {
        assert_eq!(send(&mut g, &place(5, Side::Buy, 9_999, qty)), Some(verdict));
    }
    for px in [0, -1, MAX_PX + 1, i64::MIN] {
        assert_eq!(send(&mut g, &place(5, Side::Buy, px, 1)), Some(Limit::BadPrice));
    }
}

#[test]
fn the_collar_is_the_same_both_ways() {
    for (px, within) in [(9_900, true), (9_899, false), (10_100, true), (10_101, false)] {
        for side in [Side::Buy, Side::Sell] {
            let refused = send(&mut gate(), &place(1, side, px, 1));
            assert_eq!(refused, (!within).then_some(Limit::PriceCollar), "{px} {side:?}");
        }
    }
    let no = send_at(&mut gate(), &place(1, Side::Buy, 9_899, 1), &market(), 0).unwrap_err();
    assert_eq!((no.observed, no.allowed), (101, 100));
}

#[test]
fn a_book_without_a_market_or_too_old_judges_nothing() {
    let bound = limits().instrument[0].max_book_age_ms * MS;
    let mut g = gate();
    assert!(send_at(&mut g, &place(1, Side::Buy, MID, 1), &market(), bound).is_ok());
    let old = send_at(&mut g, &place(2, Side::Buy, MID, 1), &market(), bound + 1).unwrap_err();
    assert_eq!((old.limit, old.observed, old.allowed), (Limit::StaleBook as u8, bound + 1, bound));
    let top = |bid, ask| {
        let level = |px| Level { px: Ticks(px), qty: Lots(1) };
        Market { top: Some(Top { bid: level(bid), ask: level(ask) }), book_ns: 0 }
    };
    let none = [Market { top: None, book_ns: 0 }, top(MID, MID), top(0, 5), top(i64::MAX - 1, i64::MAX)];
    for m in none {
        let no = send_at(&mut g, &place(2, Side::Buy, MID, 1), &m, 0).unwrap_err();
        assert_eq!(no.limit, Limit::NoTop as u8);
    }
    // a cancel needs no book
    assert!(send_at(&mut g, &intent(Action::Cancel, 1, Side::Buy, 0, 0), &none[0], i64::MAX).is_ok());
}

#[test]
fn open_orders_and_order_rate() {
    let mut g = gate();
    for id in 1..=4 {
        assert_eq!(send(&mut g, &place(id, Side::Buy, 9_950, 1)), None);
    }
    assert_eq!(send(&mut g, &place(5, Side::Buy, 9_950, 1)), Some(Limit::OpenOrders));
    g.on_receipt(&receipt(ReceiptKind::Cancelled, 1, Side::Buy, 9_950, 0, 0), 0);
    assert_eq!(send(&mut g, &place(5, Side::Buy, 9_950, 1)), None);
    // five permitted at 0: the sixth waits for a second, a replace as much as a place; cancels do not
    assert_eq!(send(&mut g, &intent(Action::Replace, 5, Side::Buy, 9_951, 1)), Some(Limit::OrderRate));
    assert_eq!(send(&mut g, &intent(Action::Cancel, 5, Side::Buy, 9_951, 1)), None);
    let replace = intent(Action::Replace, 5, Side::Buy, 9_951, 1);
    assert!(send_at(&mut g, &replace, &market(), SECOND - 1).is_err());
    assert!(send_at(&mut g, &replace, &market(), SECOND).is_ok());
}

#[test]
fn position_counts_all_open_orders_of_the_side() {
    let mut g = gate(); // 0.0209 is 20 lots
    long(&mut g, 1, 8);
    assert_eq!(send(&mut g, &place(2, Side::Buy, 9_990, 9)), None);
    let no = send_at(&mut g, &place(3, Side::Buy, 9_990, 4), &market(), 0).unwrap_err();
    assert_eq!((no.limit, no.observed, no.allowed), (Limit::Position as u8, 21, 20));
    assert_eq!(send(&mut g, &place(3, Side::Buy, 9_990, 3)), None);
    // the other side has all of its room: 8 long, so 28 to sell
    for id in [4, 5] {
        assert!(send_at(&mut g, &place(id, Side::Sell, 10_000, 10), &market(), SECOND).is_ok());
    }
    let no = send_at(&mut g, &place(6, Side::Sell, 10_000, 9), &market(), SECOND).unwrap_err();
    assert_eq!(no.limit, Limit::OpenOrders as u8);
    g.on_receipt(&receipt(ReceiptKind::Cancelled, 2, Side::Buy, 9_990, 0, 0), SECOND);
    assert_eq!(
        send_at(&mut g, &place(6, Side::Sell, 10_000, 9), &market(), SECOND).unwrap_err().limit,
        Limit::Position as u8
    );
    assert!(send_at(&mut g, &place(6, Side::Sell, 10_000, 8), &market(), SECOND).is_ok());
}

#[test]
fn a_replace_counts_at_the_larger_until_it_is_answered() {
    let mut g = gate();
    assert_eq!(send(&mut g, &place(1, Side::Buy, 9_990, 10)), None);
    assert_eq!(send(&mut g, &place(2, Side::Buy, 9_990, 4)), None);
    assert_eq!(send(&mut g, &intent(Action::Replace, 1, Side::Buy, 9_990, 2)), None); // 10 -> 2, not yet answered
    assert_eq!(send(&mut g, &place(3, Side::Buy, 9_990, 7)), Some(Limit::Position)); // 10 + 4 + 7
    g.on_receipt(&receipt(ReceiptKind::Replaced, 1, Side::Buy, 9_990, 0, 2), 0);
    assert_eq!(send(&mut g, &place(3, Side::Buy, 9_990, 7)), None); // 2 + 4 + 7
    assert_eq!(send(&mut g, &intent(Action::Replace, 2, Side::Buy, 9_990, 12)), Some(Limit::OrderQty));
    let later = |g: &mut Gate, i: &Intent| send_at(g, i, &market(), SECOND).err().map(|r| r.limit);
    assert_eq!(later(&mut g, &intent(Action::Replace, 2, Side::Buy, 9_990, 10)), None); // 2 + 10 + 7
    // refused: back to 4, so that 2 + 4 + 7 leaves 7; a cancel that is refused instead changes nothing
    let refused = receipt(ReceiptKind::ChangeRejected, 2, Side::Buy, 9_990, 0, 4);
    assert_eq!(later(&mut g, &intent(Action::Cancel, 2, Side::Buy, 9_990, 4)), None);
    g.on_receipt(&refused, SECOND);
    assert_eq!(later(&mut g, &place(4, Side::Buy, 9_990, 2)), Some(Limit::Position as u8));
    g.on_receipt(&refused, SECOND);
    assert_eq!(later(&mut g, &place(4, Side::Buy, 9_990, 7)), None);
    // what is filled is part of a replace's quantity: 3 of 7 filled, a total of 7 adds nothing
    fill(&mut g, 4, Side::Buy, 9_990, 3, 4);
    assert_eq!(later(&mut g, &intent(Action::Replace, 4, Side::Buy, 9_980, 7)), None);
    assert_eq!(later(&mut g, &intent(Action::Replace, 4, Side::Buy, 9_980, 8)), Some(Limit::Position as u8));
}

#[test]
fn an_order_of_unknown_fate_counts_until_it_is_dead() {
    let mut g = gate();
    for id in [1, 2] {
        assert_eq!(send(&mut g, &place(id, Side::Buy, 9_990, 10)), None);
        g.on_receipt(&receipt(ReceiptKind::Unknown, id, Side::Buy, 9_990, 0, 0), 0);
    }
    assert_eq!(send(&mut g, &place(3, Side::Buy, 9_990, 1)), Some(Limit::Position));
    g.on_receipt(&receipt(ReceiptKind::Rejected, 1, Side::Buy, 9_990, 0, 0), 0);
    assert_eq!(send(&mut g, &place(3, Side::Buy, 9_990, 1)), None);
    assert_eq!(g.exposure(0).open().iter().map(|o| o.worst()).sum::<i64>(), 11);
}

#[test]
fn we_never_meet_ourselves() {
    let mut g = gate();
    assert_eq!(send(&mut g, &place(1, Side::Sell, 10_010, 1)), None);
    assert_eq!(send(&mut g, &place(2, Side::Buy, 10_010, 1)), Some(Limit::SelfTrade));
    assert_eq!(send(&mut g, &place(2, Side::Buy, 10_009, 1)), None);
    assert_eq!(send(&mut g, &intent(Action::Replace, 1, Side::Sell, 10_009, 1)), Some(Limit::SelfTrade));
    assert_eq!(send(&mut g, &intent(Action::Replace, 2, Side::Buy, 10_000, 1)), None);
    // in flight it may stand at either price
    assert_eq!(send(&mut g, &place(3, Side::Sell, 10_009, 1)), Some(Limit::SelfTrade));
    g.on_receipt(&receipt(ReceiptKind::Replaced, 2, Side::Buy, 10_000, 0, 1), 0);
    assert_eq!(send(&mut g, &place(3, Side::Sell, 10_009, 1)), None);
}

#[test]
fn ids_are_used_once_and_known() {
    let mut g = gate();
    assert_eq!(send(&mut g, &place(0, Side::Buy, MID, 1)), Some(Limit::DuplicateId));
    assert_eq!(send(&mut g, &place(7, Side::Buy, 9_990, 1)), None);
    assert_eq!(send(&mut g, &place(7, Side::Buy, 9_990, 1)), Some(Limit::DuplicateId));
    assert_eq!(send(&mut g, &intent(Action::Cancel, 8, Side::Buy, 0, 0)), Some(Limit::UnknownOrder));
    assert_eq!(send(&mut g, &intent(Action::Cancel, 0, Side::Buy, 0, 0)), Some(Limit::UnknownOrder));
    assert_eq!(send(&mut g, &intent(Action::Replace, 7, Side::Sell, 10_010, 1)), Some(Limit::UnknownOrder));
    g.on_receipt(&receipt(ReceiptKind::Expired, 7, Side::Buy, 9_990, 0, 0), 0);
    assert_eq!(send(&mut g, &intent(Action::Replace, 7, Side::Buy, 9_991, 1)), Some(Limit::UnknownOrder));
    assert_eq!(send(&mut g, &intent(Action::Cancel, 7, Side::Buy, 0, 0)), None); // in case we are mistaken
    let elsewhere = Intent { instrument: 2, ..place(9, Side::Buy, MID, 1) };
    assert_eq!(send(&mut g, &elsewhere), Some(Limit::UnknownInstrument));
    assert_eq!(g.refusals().map(|(_, n)| n).sum::<u64>(), 7);
    assert_eq!(g.refusals_of(0).map(|(_, n)| n).sum::<u64>(), 6);
}

#[test]
fn a_replace_that_adds_nothing_is_no_matter_of_position() {
    let mut g = gate();
    assert_eq!(send(&mut g, &place(1, Side::Buy, 9_990, 5)), None);
    // a fill that comes after its order's death takes the position beyond the limit
    fill(&mut g, 99, Side::Buy, 9_990, 25, 0);
    assert_eq!((g.exposure(0).position(), g.state()), (Lots(25), SwitchState::Active));
    assert_eq!(send(&mut g, &place(2, Side::Buy, 9_990, 1)), Some(Limit::Position));
    assert_eq!(send(&mut g, &intent(Action::Replace, 1, Side::Buy, 9_990, 6)), Some(Limit::Position));
    assert_eq!(send(&mut g, &intent(Action::Replace, 1, Side::Buy, 9_980, 5)), None);
    assert_eq!(send(&mut g, &intent(Action::Replace, 1, Side::Buy, 9_990, 2)), None);
    assert_eq!(send(&mut g, &place(2, Side::Sell, 10_010, 9)), None);
}

#[test]
fn a_fill_that_a_replace_overtook_still_counts() {
    let mut g = gate();
    assert_eq!(send(&mut g, &place(1, Side::Buy, 9_990, 8)), None);
    assert_eq!(send(&mut g, &intent(Action::Replace, 1, Side::Buy, 9_980, 10)), None);
    let worst = |g: &Gate| g.exposure(0).position().0 + g.exposure(0).open()[0].worst();
    // 3 were filled before it: the venue has 7 left, and the receipt of the 3 is still on its way
    g.on_receipt(&receipt(ReceiptKind::Replaced, 1, Side::Buy, 9_980, 0, 7), 0);
    assert_eq!(worst(&g), 10);
    fill(&mut g, 1, Side::Buy, 9_990, 3, 5);
    assert_eq!(worst(&g), 10);
    fill(&mut g, 1, Side::Buy, 9_980, 7, 0);
    assert_eq!((g.exposure(0).position(), g.exposure(0).open().len()), (Lots(10), 0));
}

#[test]
fn unreconciled_refuses_everything_but_cancels() {
    let mut g = gate();
    assert_eq!(send(&mut g, &place(1, Side::Buy, 9_990, 5)), None);
    g.set_ready(false);
    assert_eq!(send(&mut g, &place(2, Side::Buy, 9_990, 1)), Some(Limit::Unreconciled));
    assert_eq!(send(&mut g, &intent(Action::Replace, 1, Side::Buy, 9_991, 5)), Some(Limit::Unreconciled));
    assert_eq!(send(&mut g, &intent(Action::Cancel, 1, Side::Buy, 0, 0)), None);
    g.trip(SwitchState::Halted, Cause::Stop, "test", 0);
    assert_eq!(send(&mut g, &place(2, Side::Buy, 9_990, 1)), Some(Limit::Halted), "halted is judged first");
}

#[test]
fn venue_rate_keeps_a_part_for_cancels() {
    use _core::event::RateKind;
    use _core::risk::governor::Governor;
    let mut g = gate();
    g.set_governor(Governor::new(&[(RateKind::Weight, 10_000, 4)], 5_000).unwrap());
    assert_eq!(send(&mut g, &place(1, Side::Buy, 9_990, 1)), None);
    assert_eq!(send(&mut g, &place(2, Side::Buy, 9_990, 1)), None);
    let refused = send_at(&mut g, &place(3, Side::Buy, 9_990, 1), &market(), 0).unwrap_err();
    assert_eq!((refused.limit, refused.observed, refused.allowed), (Limit::VenueRate as u8, 3, 2));
    assert_eq!(g.exposure(0).open().len(), 2, "nothing is reserved for it");
    for _ in 0..2 {
        assert_eq!(send(&mut g, &intent(Action::Cancel, 1, Side::Buy, 0, 0)), None);
    }
    assert_eq!(send(&mut g, &intent(Action::Cancel, 1, Side::Buy, 0, 0)), Some(Limit::VenueRate));
}

#[test]
fn fees_in_kind_take_lots_from_the_position() {
    use _core::risk::intake::Charge;
    use _core::units::Money;
    let mut g = gate();
    assert_eq!(send(&mut g, &place(1, Side::Buy, MID, 10)), None);
    g.on_charged(&receipt(ReceiptKind::Filled, 1, Side::Buy, MID, 10, 0), Charge::InKind, 0);
    assert_eq!(g.exposure(0).cash(), -Money::of(2 * MID, Lots(10)), "nothing but the price is paid in money");
    g.on_mark(0, 2 * MID, 0);
    g.pay_lots(0, 1, 0);
    let e = g.exposure(0);
    assert_eq!((e.position(), e.pnl().fees), (Lots(9), Money::of(2 * MID, Lots(1))));
    assert_eq!(e.pnl().total(), e.cash() + Money::of(e.mark(), e.position()), "the parts still add up");
    // The last lot is not whole: it cannot be sold, and all else is flat without it.
    g.set_dust(0, 1);
    assert_eq!(g.exposure(0).closable(), 8);
    g.on_receipt(&receipt(ReceiptKind::Filled, 9, Side::Sell, MID, 8, 0), 0);
    assert!(g.exposure(0).is_flat());
}

#[test]
fn a_position_that_was_there_before_is_valued_by_the_first_mark() {
    use _core::units::Money;
    let mut g = gate();
    let before = g.equity();
    g.adopt_position(0, Lots(-4));
    assert_eq!(g.equity(), before);
    g.on_mark(0, 2 * MID, 0);
    assert_eq!((g.equity(), g.exposure(0).pnl().total()), (before, Money(0)));
    g.on_mark(0, 2 * MID + 2, 0);
    let e = g.exposure(0);
    assert_eq!(e.pnl().total(), Money::of(-2, Lots(4)));
    assert_eq!(e.pnl().total(), e.cash() + Money::of(e.mark(), e.position()));
}
