//! Receipts that are late, doubled, unknown or nonsense: the exposure stays right, or the lane stops.

use super::*;

fn exposure(rig: &Rig) -> (i64, usize) {
    let e = rig.lane.gate().unwrap().exposure(0);
    (e.position().0, e.open().len())
}

/// Two orders, placed and not answered, by a kernel that wants nothing more.
fn sent() -> (Rig, Vec<Intent>) {
    let mut asked = false;
    let once = kernel("once", 0, move |_, views, i, outs| {
        if views[i].has_top == 1 && !asked {
            asked = true;
            order(&mut outs[i], Side::Buy, 9_990.0, 4.0, TimeInForce::Gtx, false);
            order(&mut outs[i], Side::Sell, 10_010.0, 4.0, TimeInForce::Gtx, false);
        }
        0
    });
    let mut rig = Rig::new(1, vec![(once, vec![0])]);
    let placed = rig.sync(0);
    assert_eq!(placed.len(), 2);
    (rig, placed)
}

#[test]
fn a_fill_may_come_before_its_ack_and_twice() {
    let (mut rig, placed) = sent();
    let fill = Receipt { trade_id: 70, ..answer(&placed[0], ReceiptKind::Filled, 1, 3) };
    rig.receipt(&fill);
    assert_eq!(exposure(&rig), (1, 2));
    rig.receipt(&fill);
    rig.receipt(&answer(&placed[0], ReceiptKind::Accepted, 0, 4));
    rig.receipt(&fill);
    assert_eq!(exposure(&rig), (1, 2), "a duplicate is not a second fill");
    assert_eq!(rig.lane.orders().unwrap().counts().duplicates, 2);
    let open = rig.lane.gate().unwrap().exposure(0).open()[0];
    assert_eq!((open.leaves.0, open.filled.0), (3, 1));
    let cash = rig.lane.gate().unwrap().exposure(0).cash();
    rig.receipt(&Receipt { trade_id: 71, ..answer(&placed[0], ReceiptKind::Filled, 3, 0) });
    assert_eq!(exposure(&rig), (4, 1));
    assert_ne!(rig.lane.gate().unwrap().exposure(0).cash(), cash);
    assert_eq!(rig.state(), SwitchState::Active);
    let mut fills = Vec::new();
    rig.lane.take_fills(&mut fills);
    assert_eq!(fills.iter().map(|f| f.receipt.qty.0).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn a_fill_after_the_cancel_counts_in_full() {
    let (mut rig, placed) = sent();
    rig.grant_all(&placed);
    rig.receipt(&answer(&placed[0], ReceiptKind::Cancelled, 0, 0));
    assert_eq!(exposure(&rig), (0, 1));
    rig.receipt(&Receipt { trade_id: 5, ..answer(&placed[0], ReceiptKind::Filled, 4, 0) });
    assert_eq!((exposure(&rig), rig.lane.orders().unwrap().counts().late_fills), ((4, 1), 1));
    rig.receipt(&Receipt { trade_id: 5, ..answer(&placed[0], ReceiptKind::Filled, 4, 0) });
    assert_eq!((exposure(&rig), rig.state()), ((4, 1), SwitchState::Active));
}

#[test]
fn a_fill_of_an_order_of_another_life_moves_the_position() {
    let (mut rig, placed) = sent();
    let stranger = Intent { id: 1 << 40, ..placed[0] };
    rig.receipt(&Receipt { trade_id: 9, ..answer(&stranger, ReceiptKind::Filled, 3, 0) });
    assert_eq!((exposure(&rig), rig.lane.orders().unwrap().counts().unknown_ids), ((3, 2), 1));
    rig.receipt(&answer(&stranger, ReceiptKind::Cancelled, 0, 0));
    assert_eq!((exposure(&rig), rig.state()), ((3, 2), SwitchState::Active));
}

#[test]
fn nonsense_halts() {
    type Change = fn(&mut Receipt);
    let wrong: [(&str, Change); 6] = [
        ("another side", |r| r.side = Side::Sell),
        ("no quantity", |r| r.qty = Lots(0)),
        ("a negative quantity", |r| r.qty = Lots(-1)),
        ("no price", |r| r.px = Ticks(0)),
        ("more than was asked for", |r| r.qty = Lots(5)),
        ("an instrument that there is not", |r| r.instrument = 9),
    ];
    for (what, change) in wrong {
        let (mut rig, placed) = sent();
        let mut receipt = Receipt { trade_id: 1, ..answer(&placed[0], ReceiptKind::Filled, 1, 3) };
        change(&mut receipt);
        let after = rig.receipt(&receipt);
        assert_eq!((rig.state(), rig.cause()), (SwitchState::Halted, Some(Cause::BadReceipt)), "{what}");
        assert!(only_cancels(&after), "{what}: {after:?}");
    }
}

#[test]
fn a_receipt_that_cannot_be_read_halts() {
    let (mut rig, placed) = sent();
    let mut bytes = Vec::new();
    answer(&placed[0], ReceiptKind::Accepted, 0, 4).put(&mut bytes);
    bytes[0] = 99;
    let after = rig.frame(Source::Order, 0, Frame::UNTAGGED, &bytes);
    assert_eq!((rig.state(), rig.cause()), (SwitchState::Halted, Some(Cause::BadReceipt)));
    assert!(only_cancels(&after));
    assert_eq!(rig.lane.counts.malformed, 1);
}

#[test]
fn too_many_rejects_reduce() {
    let always = kernel("always", 0, |hook, views, i, outs| {
        if hook == Hook::Book && views[i].n_orders == 0 {
            order(&mut outs[i], Side::Buy, 9_990.0, 1.0, TimeInForce::Gtx, false);
        }
        0
    });
    let mut rig = Rig::new(1, vec![(always, vec![0])]);
    let mut placed = rig.sync(0);
    for n in 1..=3 {
        assert_eq!(rig.state(), SwitchState::Active, "{n}");
        rig.receipt(&answer(&placed[0], ReceiptKind::Rejected, 0, 0));
        placed = rig.depth(0, &[], &[]);
    }
    // 3 of the last 10 are more than 20 %
    assert_eq!((rig.state(), rig.cause(), placed), (SwitchState::Reducing, Some(Cause::RejectRate), vec![]));
    assert_eq!(rig.switch.state(), SwitchState::Active, "the node is not at fault");
}

#[test]
fn an_order_of_unknown_fate_is_cancelled_again_and_again_but_not_at_every_frame() {
    let (mut rig, placed) = resting();
    rig.switch.trip(SwitchState::Reducing, Cause::Person, "enough", rig.now);
    let pulled = rig.timer();
    assert_eq!(pulled.len(), 2);
    // Nobody answers either cancel.
    for i in &placed {
        rig.receipt(&answer(i, ReceiptKind::Unknown, 0, 2));
    }
    let mut sent = 0;
    for _ in 0..1_000 {
        rig.now += MS;
        let more = rig.depth(0, &[(9_000, 1)], &[]);
        assert!(more.is_empty() || only_cancels(&more));
        sent += more.len();
    }
    assert!((2..=22).contains(&sent), "{sent} cancels in a second of 1 000 frames");
    assert_eq!(exposure(&rig).1, 2, "both still count");
}
