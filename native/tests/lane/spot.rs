//! Spot: a position is a balance less what was there before, and fees in the base currency are taken out of it.

use super::live::rules;
use super::*;
use _core::cex::orders::first_id;
use _core::cex::venues::binance_orders::{RequestId, client_id_text};
use _core::event::{Ask, Control, ORDERS, USER_DATA};
use _core::lane::Carry;

struct Spot {
    rig: Rig,
    /// Balance of the base currency, 10⁻⁸.
    base_e8: i64,
}

impl Spot {
    fn new(base_e8: i64) -> Spot {
        Spot::buying(&[10.0], base_e8, limits(1), rules())
    }

    /// Buys so many lots with an order each, at the first Top.
    fn buying(lots: &'static [f64], base_e8: i64, limits: Limits, rules: LiveRules) -> Spot {
        let mut bought = false;
        let buyer = kernel("buyer", 0, move |_, views, i, outs| {
            if views[i].has_top == 1 && !bought {
                bought = true;
                for each in lots {
                    order(&mut outs[i], Side::Buy, views[i].ask_px as f64, *each, TimeInForce::Ioc, false);
                }
            }
            0
        });
        let rig = Rig::behind(Market::Spot, 1, limits, first_id(1, 1), Some(rules), vec![(buyer, vec![0])]);
        let mut spot = Spot { rig, base_e8 };
        let carry = Carry { first_id: first_id(1, 1), ..Carry::default() };
        spot.rig.frame(Source::Carry, 0, Frame::UNTAGGED, &serde_json::to_vec(&carry).unwrap());
        for connection in [ORDERS, USER_DATA] {
            spot.rig.fault(Fault::Connected, connection);
        }
        spot.answer();
        spot
    }

    fn answer(&mut self) -> Vec<Intent> {
        let mut asked = Vec::new();
        while !self.rig.out.calls.is_empty() {
            for call in std::mem::take(&mut self.rig.out.calls) {
                let body = match call.ask {
                    Ask::Position => format!(
                        "{{\"balances\":[{{\"asset\":\"USDT\",\"free\":\"5\",\"locked\":\"0\"}},\
                         {{\"asset\":\"C0\",\"free\":\"{}\",\"locked\":\"0\"}}]}}",
                        Decimal::new(i128::from(self.base_e8), 8)
                    ),
                    _ => "[]".to_string(),
                };
                asked.extend(self.rig.frame(Source::Answer, 200, call.number, body.as_bytes()));
            }
        }
        asked
    }

    /// The order trades in full, for a fee of `fee` in `asset`.
    fn fill(&mut self, i: &Intent, trade_id: u64, fee: &str, asset: &str) -> Vec<Intent> {
        self.trade(i, i.qty.0, trade_id, fee, asset)
    }

    /// So many lots of the order trade, and what is left of it expires.
    fn trade(&mut self, i: &Intent, lots: i64, trade_id: u64, fee: &str, asset: &str) -> Vec<Intent> {
        let (spec, t) = (specs(1).remove(0), self.rig.now / MS);
        let (side, px, qty) =
            (if i.side == Side::Buy { "BUY" } else { "SELL" }, spec.price(i.px), spec.quantity(i.qty));
        let (traded, whole) = (spec.quantity(Lots(lots)), lots == i.qty.0);
        let (ended, filled) = if whole { ("FILLED", "FILLED") } else { ("EXPIRED", "PARTIALLY_FILLED") };
        let client = String::from_utf8(client_id_text(i.id).to_vec()).unwrap();
        let request = String::from_utf8(RequestId::of(i).text().to_vec()).unwrap();
        let answer = format!(
            "{{\"id\":\"{request}\",\"status\":200,\"result\":{{\"symbol\":\"C0USDT\",\"orderId\":{trade_id},\
             \"clientOrderId\":\"{client}\",\"transactTime\":{t},\"price\":\"{px}\",\"origQty\":\"{qty}\",\
             \"executedQty\":\"{traded}\",\"status\":\"{ended}\",\"timeInForce\":\"IOC\",\"type\":\"LIMIT\",\
             \"side\":\"{side}\"}}}}"
        );
        let event = |what: &str, status: &str, last: &str| {
            format!(
                "{{\"e\":\"executionReport\",\"E\":{t},\"s\":\"C0USDT\",\"c\":\"{client}\",\"S\":\"{side}\",\
                 \"o\":\"LIMIT\",\"f\":\"IOC\",\"q\":\"{qty}\",\"p\":\"{px}\",\"C\":\"\",\"x\":\"{what}\",\
                 \"X\":\"{status}\",\"i\":{trade_id},\"z\":\"{traded}\",\"T\":{t},\"m\":false,{last}}}"
            )
        };
        let last = format!("\"l\":\"{traded}\",\"L\":\"{px}\",\"n\":\"{fee}\",\"N\":\"{asset}\",\"t\":{trade_id}");
        let mut texts = vec![answer, event("TRADE", filled, &last)];
        if !whole {
            texts.push(event("EXPIRED", "EXPIRED", "\"l\":\"0\",\"L\":\"0\",\"n\":\"0\",\"N\":null,\"t\":-1"));
        }
        let mut asked = Vec::new();
        for text in texts {
            asked.extend(self.rig.frame(Source::Private, ORDERS, Frame::UNTAGGED, text.as_bytes()));
        }
        asked
    }

    fn position_agrees(&mut self) -> bool {
        self.rig.fault(Fault::Connected, ORDERS);
        self.answer();
        self.rig.lane.gate().unwrap().is_ready()
    }
}

#[test]
fn a_fee_in_the_base_currency_leaves_a_lot_that_cannot_be_sold() {
    // (balance before, what can be sold of ten lots less a fee of a hundredth of a lot)
    for (before, sellable) in [(0, 9), (50_000_000, 10)] {
        let mut spot = Spot::new(before);
        let bought = spot.rig.sync(0);
        assert_eq!(said(&bought), [(Action::Place, Side::Buy, 10_002, 10)]);
        spot.fill(&bought[0], 1, "0.00001000", "C0");
        spot.base_e8 += 1_000_000 - 1_000;
        assert_eq!(spot.rig.position(0), 10, "balances of before are none of ours");
        assert!(spot.position_agrees(), "the fee is accounted for");
        spot.base_e8 -= 1;
        assert!(!spot.position_agrees(), "to the last digit");
        spot.base_e8 += 1;
        assert!(spot.position_agrees());
        let mut sold = spot.rig.frame(Source::Control, 0, Frame::UNTAGGED, &[Control::StopFlat as u8]);
        sold.extend(spot.answer());
        assert_eq!(sold.iter().map(|i| (i.side, i.qty.0)).collect::<Vec<_>>(), [(Side::Sell, sellable)]);
        spot.fill(&sold[0], 2, "0.01", "USDT");
        spot.base_e8 -= sellable * 100_000;
        spot.answer();
        spot.rig.now += 200 * MS;
        spot.rig.timer();
        spot.answer();
        spot.rig.timer();
        assert_eq!(spot.rig.state(), SwitchState::Halted);
        assert!(spot.rig.lane.is_done(), "{:?} {:?}", spot.rig.lane.left(), spot.rig.lane.account_status());
    }
}

#[test]
fn fees_of_a_whole_lot_are_a_lot_less() {
    let mut spot = Spot::new(0);
    let bought = spot.rig.sync(0);
    spot.fill(&bought[0], 1, "0.00130000", "C0"); // 1.3 lots
    spot.base_e8 += 1_000_000 - 130_000;
    assert_eq!(spot.rig.position(0), 9);
    assert!(spot.position_agrees());
    let e = spot.rig.lane.gate().unwrap().exposure(0);
    assert_eq!(e.closable(), 8, "of the ninth a part is gone");
}

/// Ten lots, told to stop flat at a venue that takes no order worth less than 3 in quote currency, which is three lots at
/// the bid; and the order that it sends.
fn told_to_stop_flat(lots: &'static [f64], limits: Limits) -> (Spot, Intent) {
    let mut spot = Spot::buying(lots, 0, limits, LiveRules { min_notional: vec![d("3")], ..rules() });
    for (n, bought) in spot.rig.sync(0).iter().enumerate() {
        spot.fill(bought, 1 + n as u64, "0.01", "USDT");
    }
    spot.base_e8 += 1_000_000;
    let mut sold = spot.rig.frame(Source::Control, 0, Frame::UNTAGGED, &[Control::StopFlat as u8]);
    sold.extend(spot.answer());
    assert_eq!((spot.rig.position(0), sold.len()), (10, 1));
    (spot, sold[0])
}

#[test]
fn what_is_left_and_worth_less_than_the_least_order_is_no_position_to_close() {
    for (traded, left) in [(8, 2), (7, 3)] {
        let (mut spot, sold) = told_to_stop_flat(&[10.0], limits(1));
        assert_eq!((sold.side, sold.qty.0), (Side::Sell, 10));
        assert!(sold.px.0 < 10_000, "through the touch: at its price, too, it is worth enough");
        let mut again = spot.trade(&sold, traded, 9, "0.01", "USDT");
        spot.base_e8 -= traded * 100_000;
        again.extend(spot.answer());
        for _ in 0..3 {
            spot.rig.now += 100 * MS;
            again.extend(spot.rig.timer());
            again.extend(spot.answer());
        }
        let closable = spot.rig.lane.gate().unwrap().exposure(0).closable();
        if left == 2 {
            assert_eq!(again, [], "the venue would refuse every one");
            assert_eq!((spot.rig.position(0), closable, spot.rig.state()), (2, 0, SwitchState::Halted));
            assert!(spot.rig.lane.is_done(), "{:?} {:?}", spot.rig.lane.left(), spot.rig.lane.account_status());
        } else {
            let orders: Vec<_> = again.iter().map(|i| (i.side, i.qty.0, i.px.0)).collect();
            assert_eq!(orders, [(Side::Sell, 3, 10_000)], "below the touch it would not be worth enough");
            assert_eq!((spot.rig.position(0), closable, spot.rig.state()), (3, 3, SwitchState::Reducing));
        }
    }
}

#[test]
fn an_order_leaves_enough_for_the_next_one() {
    let mut small = limits(1);
    small.instrument[0].max_order_qty = d("0.008");
    let (_, sold) = told_to_stop_flat(&[5.0, 5.0], small.clone());
    assert_eq!(sold.qty.0, 7, "with eight there would be two left, which nobody takes");
    small.instrument[0].max_order_qty = d("0.007");
    let (_, sold) = told_to_stop_flat(&[5.0, 5.0], small);
    assert_eq!(sold.qty.0, 7);
}
