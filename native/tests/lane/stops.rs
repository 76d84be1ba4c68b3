//! What ends a lane with a venue behind it, or holds it back: control, a person, the dead-man switch, rates, a panic.

use super::live::{quoting, rules};
use super::*;
use _core::cex::orders::first_id;
use _core::event::Control;

#[test]
fn told_to_stop_it_cancels_and_is_done() {
    let mut live = quoting(rules());
    live.frame(Source::Control, 0, &[Control::Stop as u8]);
    assert!(only_cancels(&live.requests) && live.requests.len() == 2 && !live.rig.lane.is_done());
    assert_eq!((live.rig.state(), live.rig.switch.state()), (SwitchState::Halted, SwitchState::Active));
    assert_eq!(live.rig.lane.left().orders.len(), 2);
    // A fill comes before the cancel, its event never does.
    live.venue.fill(0, 2);
    live.settle();
    live.pass(200, true);
    assert!(live.rig.lane.is_done());
    assert_eq!(live.rig.position(0), 2, "the last round found it");
    assert_eq!(live.rig.lane.left().positions, [(0, Lots(2))]);
    live.nudge();
    assert!(live.requests.is_empty());
}

#[test]
fn told_to_stop_flat_it_is_done_when_it_is_flat() {
    let mut live = quoting(rules());
    let event = live.venue.fill(0, 2);
    live.private(&event);
    live.settle();
    live.frame(Source::Control, 0, &[Control::StopFlat as u8]);
    assert!(only_cancels(&live.requests));
    for i in std::mem::take(&mut live.requests) {
        let (answer, _) = live.venue.on_request(&i);
        live.private(&answer);
    }
    live.pass(150, false);
    let sold = std::mem::take(&mut live.requests);
    let want = [(Side::Sell, 2, TimeInForce::Ioc, true)];
    assert_eq!(sold.iter().map(|i| (i.side, i.qty.0, i.tif, i.reduce_only)).collect::<Vec<_>>(), want);
    assert!(!live.rig.lane.is_done());
    let (answer, _) = live.venue.on_request(&sold[0]);
    live.private(&answer);
    let at = live.venue.orders.len() - 1;
    let event = live.venue.fill(at, 2);
    live.private(&event);
    live.pass(500, true);
    assert_eq!((live.rig.position(0), live.rig.state()), (0, SwitchState::Halted));
    assert!(live.rig.lane.is_done(), "{:?}", live.rig.lane.left());
}

#[test]
fn without_a_top_it_is_never_done_and_says_what_is_left() {
    let mut live = quoting(rules());
    let event = live.venue.fill(0, 2);
    live.private(&event);
    live.settle();
    live.frame(Source::Fault, 0, &[Fault::Disconnected as u8]);
    live.frame(Source::Control, 0, &[Control::StopFlat as u8]);
    live.settle();
    live.pass(5_000, true);
    assert!(!live.rig.lane.is_done());
    assert_eq!((live.rig.lane.left().orders.len(), live.rig.lane.left().positions.len()), (0, 1));
}

#[test]
fn a_person_flattens_and_a_person_resumes() {
    let mut live = quoting(rules());
    live.rig.switch.trip(SwitchState::Halted, Cause::Person, "wait", live.rig.now);
    live.nudge();
    assert!(only_cancels(&live.requests));
    live.settle();
    live.rig.switch.reset("ada", "go on", live.rig.now).unwrap();
    live.nudge();
    live.nudge();
    assert_eq!(live.requests.len(), 2, "the lane itself never tripped");
    live.settle();
    // Flattening is asked for while it is reducing for another reason.
    live.rig.switch.trip(SwitchState::Reducing, Cause::Person, "careful", live.rig.now);
    live.nudge();
    live.settle();
    assert!(!live.rig.lane.gate().unwrap().should_flatten());
    live.rig.switch.trip(SwitchState::Reducing, Cause::Flatten, "everything", live.rig.now);
    live.nudge();
    assert_eq!(live.rig.state(), SwitchState::Halted, "there was nothing to sell");
    live.rig.switch.reset("ada", "again", live.rig.now).unwrap();
    live.nudge();
    assert_eq!(live.rig.state(), SwitchState::Halted, "a lane's own latch needs a restart");
    let trips = live.rig.tape.trips();
    assert!(trips.iter().any(|t| t.starts_with("Active")), "{trips:?}");
}

#[test]
fn a_panic_anywhere_in_a_step_halts() {
    let mut live = quoting(rules());
    // The kernel is outside; what is inside cannot be made to panic but by the fault that is for this.
    live.frame(Source::Fault, 0, &[Fault::Panic as u8]);
    assert!(only_cancels(&live.requests));
    assert_eq!((live.rig.state(), live.rig.cause()), (SwitchState::Halted, Some(Cause::Panic)));
}

#[test]
fn a_replay_that_is_told_what_was_seen_decides_the_same() {
    use _core::risk::gate::SwitchSeen;
    let mut live = quoting(rules());
    live.rig.switch.trip(SwitchState::Reducing, Cause::Person, "careful", live.rig.now);
    live.nudge();
    live.settle();
    live.rig.switch.reset("ada", "go on", live.rig.now).unwrap();
    live.nudge();
    live.nudge();
    live.settle();
    live.rig.switch.trip(SwitchState::Halted, Cause::Person, "enough", live.rig.now);
    live.pass(1_000, true);
    let tape = live.rig.tape.0.lock().unwrap().clone();
    let script: Vec<SwitchSeen> =
        tape.iter().filter(|r| r.0 == Kind::Switch).map(|r| SwitchSeen::read(&r.2).unwrap()).collect();
    assert_eq!(script.len(), 3);
    let mut again = Rig::behind(Market::UsdM, 1, limits(1), first_id(1, 1), Some(rules()), vec![(maker(), vec![0])]);
    again.lane.set_switch_script(script);
    let frames = live.rig.heads.lock().unwrap().clone();
    for ((kind, time_ns, payload), (connection, tag)) in tape.iter().zip(frames) {
        let Some(source) = kind.source().filter(|s| *s != Source::Switch) else { continue };
        let frame = Frame { source, connection, tag, recv_ns: *time_ns, bytes: payload };
        again.lane.step(&frame, &mut again.out);
    }
    assert_eq!(*again.tape.0.lock().unwrap(), tape);
    assert_eq!(again.lane.journal.sha256(), live.rig.lane.journal.sha256());
}
