//! The rules by which an account's answers are merged, one by one; their numbers are those of the function's own page.
#![allow(clippy::unwrap_used)] // helpers of tests

use _core::cex::reconcile::{
    Fate, Held, Merged, Named, Ours, Round, VenueOrder, VenueStatus, VenueTrade, Verdict, adoptable, fate, merge,
};
use _core::event::{Fee, ReceiptKind, Side, TimeInForce};
use _core::units::{Lots, Ticks};

const PROOF: i64 = 6_000;
const LOT: i128 = 100_000;
const USDT: [u8; 8] = *b"USDT\0\0\0\0";
const BTC: [u8; 8] = *b"BTC\0\0\0\0\0";

/// A bid of 10 lots at 500, 3 of them filled, accepted, its last request at 0.
fn held(id: u64) -> Held {
    Held {
        id,
        instrument: 0,
        side: Side::Buy,
        terms: (Ticks(500), Lots(10)),
        asked: (Ticks(500), Lots(10)),
        filled: Lots(3),
        accepted: true,
        cancelling: 0,
        replacing: false,
        unsure: false,
        sent_ns: 0,
        adopted_ns: None,
    }
}

/// The same at the venue.
fn venue(id: Option<u64>, status: VenueStatus, filled: i64) -> VenueOrder {
    VenueOrder {
        id,
        venue_id: 70,
        instrument: 0,
        side: Side::Buy,
        tif: TimeInForce::Gtx,
        reduce_only: false,
        px: Ticks(500),
        qty: Lots(10),
        filled: Lots(filled),
        status,
        exch_ns: 50,
    }
}

fn trade(trade_id: u64, venue_order: u64, qty: i64, exch_ns: i64) -> VenueTrade {
    let fee = Fee { amount_e8: 7, asset: USDT };
    let (side, px) = (Side::Buy, Ticks(500));
    VenueTrade { trade_id, venue_order, instrument: 0, side, px, qty: Lots(qty), maker: true, exch_ns, fee }
}

/// One round in which we hold `orders`, know the trades up to 100, and expect 3 lots.
fn run(orders: &[Held], nets: bool, round: &Round) -> Merged {
    let ours =
        Ours { orders, knows: &|id| id <= 100, expected: &[3 * LOT], lot_e8: LOT, base: BTC, nets, proof_ns: PROOF };
    merge(&ours, round)
}

fn round(open: Vec<VenueOrder>, trades: Vec<VenueTrade>, lots: i128) -> Round {
    Round { asked_ns: 10_000, open, trades, base_e8: lots * LOT, ..Round::default() }
}

fn kinds(fate: Fate) -> Vec<(ReceiptKind, i64)> {
    match fate {
        Fate::Proven(receipts) => receipts.iter().map(|r| (r.kind, r.leaves.0)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rule_1_a_known_trade_is_not_booked_again() {
    let mut r = round(vec![venue(Some(1), VenueStatus::Open, 3)], vec![trade(100, 70, 3, 9)], 3);
    r.names.insert(70, Named::Ours(1));
    let merged = run(&[held(1)], false, &r);
    assert_eq!((merged.fills.len(), merged.receipts.len(), merged.verdict), (0, 0, Verdict::Agrees));
}

#[test]
fn rule_2_a_trade_is_booked_for_the_order_that_is_named() {
    let trades = vec![trade(101, 70, 2, 9), trade(102, 71, 1, 9), trade(103, 72, 1, 9)];
    let mut r = round(vec![venue(Some(1), VenueStatus::Open, 5)], trades, 7);
    r.names.extend([(70, Named::Ours(1)), (71, Named::Forgotten), (72, Named::Foreign)]);
    let booked = |m: &Merged| m.fills.iter().map(|(f, _)| (f.id, f.qty.0, f.leaves.0)).collect::<Vec<_>>();
    let netting = run(&[held(1)], true, &r);
    assert_eq!(booked(&netting), [(1, 2, 5), (0, 1, 0), (0, 1, 0)]);
    assert_eq!((netting.foreign_trades, netting.verdict), (1, Verdict::Agrees));
    assert_eq!(netting.fills[0].1, Fee { amount_e8: 7, asset: USDT });
    // Where positions do not net it is none of ours, and the difference shows.
    let spot = run(&[held(1)], false, &r);
    assert_eq!((booked(&spot).len(), spot.verdict), (2, Verdict::Differs { base_e8: LOT }));
}

#[test]
fn rule_3_what_an_adopted_order_had_filled_moves_the_position_alone() {
    let adopted = Held { adopted_ns: Some(50), ..held(1) };
    let mut r =
        round(vec![venue(Some(1), VenueStatus::Open, 5)], vec![trade(101, 70, 3, 50), trade(102, 70, 2, 51)], 8);
    r.names.insert(70, Named::Ours(1));
    let merged = run(&[adopted], false, &r);
    assert_eq!((merged.fills.len(), merged.verdict), (2, Verdict::Agrees), "3 were filled before, 2 after");
}

#[test]
fn rules_4_and_5_orders_that_we_do_not_know() {
    let lane_2 = 2 << 48 | 9;
    let open = [1 << 48 | 7, 1 << 48 | 8, lane_2].map(|id| venue(Some(id), VenueStatus::Open, 0));
    let all = [&open[..], &[venue(None, VenueStatus::Open, 0)]].concat();
    let (adopt, foreign) = adoptable(&all, 1, &|id| id == 1 << 48 | 7);
    assert_eq!((adopt.iter().map(|a| a.0).collect::<Vec<_>>(), foreign), (vec![1 << 48 | 8], 2));
}

#[test]
fn rule_6_a_place_without_an_answer_is_accepted() {
    let sent = Held { accepted: false, filled: Lots(0), unsure: true, ..held(1) };
    let open = venue(Some(1), VenueStatus::Open, 0);
    assert_eq!(kinds(fate(&sent, Some(&open), 1, Lots(0), PROOF)), [(ReceiptKind::Accepted, 10)]);
}

#[test]
fn rule_7_an_order_with_the_terms_asked_for_is_replaced() {
    let asked = (Ticks(501), Lots(8));
    let open = VenueOrder { px: asked.0, qty: asked.1, ..venue(Some(1), VenueStatus::Open, 3) };
    for replacing in [true, false] {
        let replaced = Held { asked, replacing, ..held(1) };
        assert_eq!(kinds(fate(&replaced, Some(&open), 1, Lots(3), PROOF)), [(ReceiptKind::Replaced, 5)]);
    }
    // At its old terms the replace may still be on its way: nothing is said.
    let waiting = Held { asked, replacing: true, ..held(1) };
    let old = venue(Some(1), VenueStatus::Open, 3);
    assert_eq!(kinds(fate(&waiting, Some(&old), 1, Lots(3), PROOF)), []);
    assert_eq!(fate(&Held { unsure: true, ..waiting }, Some(&old), 1, Lots(3), PROOF), Fate::Open);
}

#[test]
fn rule_8_requests_that_can_no_longer_arrive_were_refused() {
    let open = venue(Some(1), VenueStatus::Open, 3);
    let waiting = Held { cancelling: 2, replacing: true, asked: (Ticks(501), Lots(8)), unsure: true, ..held(1) };
    assert_eq!(fate(&waiting, Some(&open), PROOF - 1, Lots(3), PROOF), Fate::Open);
    let refused = [(ReceiptKind::ChangeRejected, 7); 3];
    assert_eq!(kinds(fate(&waiting, Some(&open), PROOF, Lots(3), PROOF)), refused);
    let sure = Held { unsure: true, ..held(1) };
    assert_eq!(kinds(fate(&sure, Some(&open), 1, Lots(3), PROOF)), [(ReceiptKind::Accepted, 7)]);
}

#[test]
fn rules_9_and_10_a_dead_order_is_closed_once_its_fills_are_booked() {
    for (status, kind) in [
        (VenueStatus::Cancelled, ReceiptKind::Cancelled),
        (VenueStatus::Expired, ReceiptKind::Expired),
        (VenueStatus::Rejected, ReceiptKind::Expired), // it had lived
        (VenueStatus::Filled, ReceiptKind::ChangeRejected),
    ] {
        let dead = venue(Some(1), status, 5);
        assert_eq!(fate(&held(1), Some(&dead), 1, Lots(3), PROOF), Fate::Missing);
        assert_eq!(kinds(fate(&held(1), Some(&dead), 1, Lots(5), PROOF)), [(kind, 0)]);
    }
    let never = Held { accepted: false, filled: Lots(0), ..held(1) };
    let rejected = venue(Some(1), VenueStatus::Rejected, 0);
    assert_eq!(kinds(fate(&never, Some(&rejected), 1, Lots(0), PROOF)), [(ReceiptKind::Rejected, 0)]);
    // In a round the fills go first, and the last of them closes what is filled.
    let mut r = round(vec![], vec![trade(101, 70, 2, 9)], 5);
    r.names.insert(70, Named::Ours(1));
    r.asked = vec![(1, 10_000, Some(venue(Some(1), VenueStatus::Cancelled, 5)))];
    let merged = run(&[held(1)], false, &r);
    assert_eq!((merged.fills.len(), merged.receipts[0].kind), (1, ReceiptKind::Cancelled));
    r.trades.clear();
    let merged = run(&[held(1)], false, &r);
    assert_eq!((merged.receipts.len(), merged.verdict), (0, Verdict::Missing));
    r.trades = vec![trade(101, 70, 7, 9)];
    r.asked = vec![(1, 10_000, Some(venue(Some(1), VenueStatus::Filled, 10)))];
    let merged = run(&[held(1)], false, &Round { base_e8: 10 * LOT, ..r });
    assert_eq!((merged.fills[0].0.leaves, merged.receipts.len(), merged.verdict), (Lots(0), 0, Verdict::Agrees));
}

#[test]
fn rule_11_an_order_that_the_venue_does_not_have() {
    let never = Held { accepted: false, filled: Lots(0), unsure: true, ..held(1) };
    assert_eq!(fate(&never, None, PROOF - 1, Lots(0), PROOF), Fate::Open);
    assert_eq!(kinds(fate(&never, None, PROOF, Lots(0), PROOF)), [(ReceiptKind::Expired, 0)]);
    assert_eq!(kinds(fate(&held(1), None, PROOF, Lots(3), PROOF)), [(ReceiptKind::Cancelled, 0)]);
}

#[test]
fn rule_12_the_position_may_be_any_that_ours_has_been() {
    let r = round(vec![], vec![], 5);
    let with = |expected: &[i128]| {
        let knows = |_| true;
        let ours = Ours { orders: &[], knows: &knows, expected, lot_e8: LOT, base: BTC, nets: false, proof_ns: PROOF };
        merge(&ours, &r).verdict
    };
    assert_eq!(with(&[3 * LOT, 5 * LOT, 6 * LOT]), Verdict::Agrees);
    assert_eq!(with(&[3 * LOT, 6 * LOT]), Verdict::Differs { base_e8: -LOT });
    // A fee that was taken out of what was bought is part of it.
    let mut bought = trade(101, 70, 2, 9);
    bought.fee = Fee { amount_e8: 150, asset: BTC };
    let mut r = round(vec![], vec![bought], 5);
    r.base_e8 -= 150;
    r.names.insert(70, Named::Forgotten);
    assert_eq!(run(&[], false, &r).verdict, Verdict::Agrees);
}
