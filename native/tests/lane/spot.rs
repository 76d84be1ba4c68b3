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
        let mut bought = false;
        let buyer = kernel("buyer", 0, move |_, views, i, outs| {
            if views[i].has_top == 1 && !bought {
                bought = true;
                order(&mut outs[i], Side::Buy, views[i].ask_px as f64, 10.0, TimeInForce::Ioc, false);
            }
            0
        });
        let rig = Rig::behind(Market::Spot, 1, limits(1), first_id(1, 1), Some(rules()), vec![(buyer, vec![0])]);
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
        let (spec, t) = (specs(1).remove(0), self.rig.now / MS);
        let (side, px, qty) =
            (if i.side == Side::Buy { "BUY" } else { "SELL" }, spec.price(i.px), spec.quantity(i.qty));
        let client = String::from_utf8(client_id_text(i.id).to_vec()).unwrap();
        let request = String::from_utf8(RequestId::of(i).text().to_vec()).unwrap();
        let answer = format!(
            "{{\"id\":\"{request}\",\"status\":200,\"result\":{{\"symbol\":\"C0USDT\",\"orderId\":{trade_id},\
             \"clientOrderId\":\"{client}\",\"transactTime\":{t},\"price\":\"{px}\",\"origQty\":\"{qty}\",\
             \"executedQty\":\"{qty}\",\"status\":\"FILLED\",\"timeInForce\":\"IOC\",\"type\":\"LIMIT\",\
             \"side\":\"{side}\"}}}}"
        );
        let event = format!(
            "{{\"e\":\"executionReport\",\"E\":{t},\"s\":\"C0USDT\",\"c\":\"{client}\",\"S\":\"{side}\",\
             \"o\":\"LIMIT\",\"f\":\"IOC\",\"q\":\"{qty}\",\"p\":\"{px}\",\"C\":\"\",\"x\":\"TRADE\",\
             \"X\":\"FILLED\",\"i\":{trade_id},\"l\":\"{qty}\",\"z\":\"{qty}\",\"L\":\"{px}\",\"n\":\"{fee}\",\
             \"N\":\"{asset}\",\"T\":{t},\"t\":{trade_id},\"m\":false}}"
        );
        let mut asked = Vec::new();
        for text in [answer, event] {
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
