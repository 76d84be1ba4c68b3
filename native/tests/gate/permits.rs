//! What a trip does to intents and to permits.

use super::*;

#[test]
fn reducing_only_reduces_and_halted_only_cancels() {
    let switch = Arc::new(Switch::anonymous());
    let mut g = gate_on(switch.clone());
    long(&mut g, 1, 8);
    assert_eq!(send(&mut g, &reduce(2, Side::Sell, 10_010, 3)), None);
    assert!(switch.trip(SwitchState::Reducing, Cause::Person, "test", 0));
    assert_eq!(send(&mut g, &place(3, Side::Sell, 10_010, 1)), Some(Limit::ReduceOnly)); // not marked
    assert_eq!(send(&mut g, &reduce(3, Side::Buy, 9_990, 1)), Some(Limit::ReduceOnly)); // away from zero
    assert_eq!(send(&mut g, &reduce(3, Side::Sell, 10_010, 6)), Some(Limit::ReduceOnly)); // 3 + 6 > 8
    assert_eq!(send(&mut g, &reduce(3, Side::Sell, 10_010, 5)), None);
    let grow = Intent { reduce_only: true, ..intent(Action::Replace, 2, Side::Sell, 10_011, 4) };
    assert_eq!(send(&mut g, &grow), Some(Limit::ReduceOnly));
    let shrink = Intent { qty: Lots(2), ..grow };
    assert_eq!(send(&mut g, &shrink), None);
    assert!(switch.trip(SwitchState::Halted, Cause::Person, "test", 0));
    assert_eq!(send(&mut g, &reduce(4, Side::Sell, 10_010, 1)), Some(Limit::Halted));
    assert_eq!(send(&mut g, &shrink), Some(Limit::Halted));
    assert_eq!(send(&mut g, &intent(Action::Cancel, 2, Side::Sell, 0, 0)), None);
}

#[test]
fn a_permit_granted_before_the_trip_is_worth_nothing_after() {
    for to in [SwitchState::Reducing, SwitchState::Halted] {
        let switch = Arc::new(Switch::anonymous());
        let mut g = gate_on(switch.clone());
        let permit = g.judge(&place(1, Side::Buy, 9_990, 5), &market(), 0).unwrap();
        assert_eq!(g.exposure(0).open().len(), 1);
        switch.trip(to, Cause::Person, "test", 0);
        let limit = if to == SwitchState::Halted { Limit::Halted } else { Limit::ReduceOnly };
        assert_eq!(g.redeem(permit, 0).unwrap_err().limit, limit as u8);
        assert!(g.exposure(0).is_flat(), "what it reserved is free");
    }
    // a replace goes back to what it was, and a cancel still goes through
    let mut g = gate();
    assert_eq!(send(&mut g, &place(1, Side::Buy, 9_990, 5)), None);
    let bigger = g.judge(&intent(Action::Replace, 1, Side::Buy, 9_990, 9), &market(), 0).unwrap();
    let cancel = g.judge(&intent(Action::Cancel, 1, Side::Buy, 0, 0), &market(), 0).unwrap();
    assert_eq!(g.exposure(0).open()[0].worst(), 9);
    g.trip(SwitchState::Halted, Cause::FeedLatency, "test", 0);
    assert_eq!(g.redeem(bigger, 0).unwrap_err().limit, Limit::Halted as u8);
    assert_eq!(g.exposure(0).open()[0].worst(), 5);
    assert_eq!(g.redeem(cancel, 0).unwrap().intent().action, Action::Cancel);
}

#[test]
fn a_permit_is_only_good_at_its_own_gate_and_for_a_position_that_still_needs_it() {
    let (mut g, mut other) = (gate(), gate());
    let permit = g.judge(&place(1, Side::Buy, 9_990, 5), &market(), 0).unwrap();
    assert_eq!(other.redeem(permit, 0).unwrap_err().limit, Limit::UnknownOrder as u8);
    let mut g = gate();
    long(&mut g, 1, 5);
    g.trip(SwitchState::Reducing, Cause::RejectRate, "test", 0);
    let permit = g.judge(&reduce(2, Side::Sell, 10_010, 5), &market(), 0).unwrap();
    fill(&mut g, 1, Side::Sell, MID, 1, 0); // a late fill of another order takes the position to 4
    assert_eq!(g.redeem(permit, 0).unwrap_err().limit, Limit::ReduceOnly as u8);
    let permit = g.judge(&reduce(3, Side::Sell, 10_010, 4), &market(), 0).unwrap();
    g.withdraw(permit);
    assert!(g.exposure(0).open().is_empty());
}
