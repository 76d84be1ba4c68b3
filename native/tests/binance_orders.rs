//! Requests against the venue's documented examples, their digits against the exact decimals, and the way of our order
//! ids to the venue and back.
#![allow(clippy::unwrap_used)] // helpers of tests

use _core::cex::orders::first_id;
use _core::cex::venues::binance::Market;
use _core::cex::venues::binance_orders::{
    CLIENT_ID_BYTES, Encoder, REQUEST_ID_BYTES, RequestId, Unsupported, client_id, client_id_text, replaced_id,
};
use _core::cex::venues::binance_sign::{Credentials, KeyKind};
use _core::event::{Action, Intent, Side, TimeInForce};
use _core::units::{Decimal, InstrumentSpec, Lots, Ticks};
use proptest::prelude::*;
use serde_json::{Value, json};

fn spec(tick: &str, lot: &str) -> InstrumentSpec {
    let d = |s: &str| Decimal::parse(s.as_bytes()).unwrap();
    InstrumentSpec { symbol: "BTCUSDT".into(), tick: d(tick), lot: d(lot), maker_fee_e8: 0, taker_fee_e8: 0 }
}

fn intent(action: Action, side: Side, tif: TimeInForce, px: i64, qty: i64) -> Intent {
    Intent {
        id: first_id(1, 167),
        kernel: 0,
        instrument: 0,
        action,
        side,
        tif,
        reduce_only: false,
        px: Ticks(px),
        qty: Lots(qty),
        decided_ns: 0,
    }
}

/// The request as the venue parses it.
fn request(market: Market, spec: &InstrumentSpec, i: &Intent, timestamp_ms: i64) -> Value {
    let mut out = b"before".to_vec();
    Encoder::new(market, spec).unwrap().encode(i, timestamp_ms, &mut out).unwrap();
    assert_eq!(&out[..6], b"before", "a request is appended");
    serde_json::from_slice(&out[6..]).unwrap()
}

const ID: &str = "se-00010000000000a7";

/// The documented example without what a logged-on connection leaves out, with our ids.
fn documented(mut example: Value, letter: char, key: &str) -> Value {
    let side = if example["params"]["side"] == "SELL" || letter == 'c' { 's' } else { 'b' };
    example["id"] = json!(format!("{letter}{ID}{side}0000"));
    let params = example["params"].as_object_mut().unwrap();
    for gone in ["apiKey", "signature", "orderId"] {
        params.remove(gone);
    }
    params.insert(key.into(), json!(ID));
    example
}

#[test]
fn spot_place_cancel_and_replace_are_the_documented_ones() {
    // web-socket-api.md: "Place new order", "Cancel order", "Cancel and replace order"
    let place = json!({"id": "56374a46-3061-486b-a311-99ee972eb648", "method": "order.place", "params": {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": "23416.10",
        "quantity": "0.00847", "apiKey": "k", "signature": "s", "timestamp": 1_660_801_715_431u64}});
    let cancel = json!({"id": "5633b6a2-90a9-4192-83e7-925c90b6a2fd", "method": "order.cancel", "params": {
        "symbol": "BTCUSDT", "origClientOrderId": "4d96324ff9d44481926157", "apiKey": "k", "signature": "s",
        "timestamp": 1_660_801_715_830u64}});
    let replace = json!({"id": "99de1036-b5e2-4e0f-9b5c-13d751c93a1a", "method": "order.cancelReplace", "params": {
        "symbol": "BTCUSDT", "cancelReplaceMode": "ALLOW_FAILURE",
        "cancelOrigClientOrderId": "4d96324ff9d44481926157", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC",
        "price": "23416.10", "quantity": "0.00847", "apiKey": "k", "signature": "s",
        "timestamp": 1_660_813_156_900u64}});
    let spec = spec("0.01", "0.00001");
    let sell = |action| intent(action, Side::Sell, TimeInForce::Gtc, 2_341_610, 847);
    let made = request(Market::Spot, &spec, &sell(Action::Place), 1_660_801_715_431);
    let mut place = documented(place, 'p', "newClientOrderId");
    place["params"]["newOrderRespType"] = json!("RESULT");
    assert_eq!(made, place);
    let made = request(Market::Spot, &spec, &sell(Action::Cancel), 1_660_801_715_830);
    assert_eq!(made, documented(cancel, 'c', "origClientOrderId"));
    let made = request(Market::Spot, &spec, &sell(Action::Replace), 1_660_813_156_900);
    let mut replace = documented(replace, 'r', "newClientOrderId");
    replace["params"]["cancelOrigClientOrderId"] = json!(ID);
    replace["params"]["cancelNewClientOrderId"] = json!(format!("r{ID}"));
    replace["params"]["newOrderRespType"] = json!("RESULT");
    // What the example lets fail must not: a total must not be bought twice.
    replace["params"]["cancelReplaceMode"] = json!("STOP_ON_FAILURE");
    replace["params"]["cancelRestrictions"] = json!("ONLY_NEW");
    assert_eq!(made, replace);
}

#[test]
fn usdm_place_modify_and_cancel_are_the_documented_ones() {
    // developers.binance.com, USD-M futures, websocket API: "New Order", "Modify Order", "Cancel Order"; positionSide
    // BOTH, origType LIMIT and priceMatch NONE are what is meant where nothing is sent
    let place = json!({"id": "3f7df6e3-2df4-44b9-9919-d2f38f90a99a", "method": "order.place", "params": {
        "apiKey": "k", "price": "43187.00", "quantity": "0.100", "side": "BUY", "symbol": "BTCUSDT",
        "timeInForce": "GTC", "timestamp": 1_702_555_533_821u64, "type": "LIMIT", "signature": "s"}});
    let modify = json!({"id": "c8c271ba-de70-479e-870c-e64951c753d9", "method": "order.modify", "params": {
        "apiKey": "k", "orderId": 328_971_409, "price": "43769.10", "quantity": "0.110", "side": "SELL",
        "symbol": "BTCUSDT", "timestamp": 1_703_426_755_754u64, "signature": "s"}});
    let cancel = json!({"id": "5633b6a2-90a9-4192-83e7-925c90b6a2fd", "method": "order.cancel", "params": {
        "apiKey": "k", "orderId": 283_194_212, "symbol": "BTCUSDT", "timestamp": 1_703_439_070_722u64,
        "signature": "s"}});
    let spec = spec("0.01", "0.001");
    let i = intent(Action::Place, Side::Buy, TimeInForce::Gtc, 4_318_700, 100);
    let made = request(Market::UsdM, &spec, &i, 1_702_555_533_821);
    let mut place = documented(place, 'p', "newClientOrderId");
    place["params"]["newOrderRespType"] = json!("ACK");
    assert_eq!(made, place);
    let i = intent(Action::Replace, Side::Sell, TimeInForce::Gtx, 4_376_910, 110);
    let made = request(Market::UsdM, &spec, &i, 1_703_426_755_754);
    assert_eq!(made, documented(modify, 'r', "origClientOrderId"));
    let made = request(Market::UsdM, &spec, &Intent { action: Action::Cancel, ..i }, 1_703_439_070_722);
    assert_eq!(made, documented(cancel, 'c', "origClientOrderId"));
}

#[test]
fn the_time_in_force_decides_type_and_tif() {
    let spec = spec("0.1", "0.001");
    let kind = |market, tif, action| {
        let r = request(market, &spec, &intent(action, Side::Buy, tif, 616_597, 1), 1);
        let text = |key: &str| r["params"][key].as_str().map(str::to_owned);
        (text("type"), text("timeInForce"))
    };
    let limit = |tif: &str| (Some("LIMIT".to_owned()), Some(tif.to_owned()));
    let maker = (Some("LIMIT_MAKER".to_owned()), None);
    for market in [Market::Spot, Market::UsdM] {
        for (tif, name) in [(TimeInForce::Gtc, "GTC"), (TimeInForce::Ioc, "IOC"), (TimeInForce::Fok, "FOK")] {
            assert_eq!(kind(market, tif, Action::Place), limit(name));
        }
    }
    assert_eq!(kind(Market::UsdM, TimeInForce::Gtx, Action::Place), limit("GTX"));
    assert_eq!(kind(Market::Spot, TimeInForce::Gtx, Action::Place), maker);
    assert_eq!(kind(Market::Spot, TimeInForce::Gtx, Action::Replace), maker);
}

#[test]
fn reduce_only_is_the_futures_own() {
    let spec = spec("0.1", "0.001");
    let i = Intent { reduce_only: true, ..intent(Action::Place, Side::Sell, TimeInForce::Ioc, 616_597, 1) };
    assert_eq!(request(Market::UsdM, &spec, &i, 1)["params"]["reduceOnly"], json!("true"));
    let plain = Intent { reduce_only: false, ..i };
    assert_eq!(request(Market::UsdM, &spec, &plain, 1)["params"].get("reduceOnly"), None);
    // A modified order stays what it is, so the venue takes no such parameter.
    let replace = Intent { action: Action::Replace, tif: TimeInForce::Gtc, ..i };
    assert_eq!(request(Market::UsdM, &spec, &replace, 1)["params"].get("reduceOnly"), None);
    // Spot has no flag: the Gate has seen to it that the order only reduces. A lane that sold of what was held before
    // its fills buys it back.
    for (action, tif) in [(Action::Place, TimeInForce::Ioc), (Action::Replace, TimeInForce::Gtc)] {
        for side in [Side::Sell, Side::Buy] {
            let reduce = Intent { action, tif, side, ..i };
            assert_eq!(
                request(Market::Spot, &spec, &reduce, 1)["params"].get("reduceOnly"),
                None,
                "{action:?} {side:?}"
            );
        }
    }
}

#[test]
fn what_cannot_be_sent_leaves_nothing_behind() {
    let encoder = Encoder::new(Market::UsdM, &spec("0.1", "0.001")).unwrap();
    let ok = intent(Action::Place, Side::Buy, TimeInForce::Gtc, 1, 1);
    let cases = [
        (Intent { id: 0, ..ok }, 1, Unsupported::NotPositive),
        (Intent { px: Ticks(0), ..ok }, 1, Unsupported::NotPositive),
        (Intent { px: Ticks(-5), ..ok }, 1, Unsupported::NotPositive),
        (Intent { qty: Lots(0), ..ok }, 1, Unsupported::NotPositive),
        (ok, 0, Unsupported::NotPositive),
        (Intent { action: Action::Replace, tif: TimeInForce::Ioc, ..ok }, 1, Unsupported::Immediate),
        (Intent { action: Action::Replace, tif: TimeInForce::Fok, ..ok }, 1, Unsupported::Immediate),
    ];
    for (i, time, why) in cases {
        let mut out = b"kept".to_vec();
        assert_eq!(encoder.encode(&i, time, &mut out), Err(why), "{i:?}");
        assert_eq!(out, b"kept");
        assert!(!why.to_string().is_empty());
    }
    let coarse = Encoder::new(Market::UsdM, &spec("1000", "0.001")).unwrap();
    assert_eq!(coarse.encode(&Intent { px: Ticks(i64::MAX), ..ok }, 1, &mut Vec::new()), Err(Unsupported::TooLarge));
    for (tick, symbol) in [("0", "BTCUSDT"), ("-1", "BTCUSDT"), ("0.0000000000000000001", "BTCUSDT")] {
        let spec = InstrumentSpec { symbol: symbol.into(), ..spec(tick, "1") };
        assert!(Encoder::new(Market::Spot, &spec).unwrap_err().contains("tick"));
    }
    for symbol in ["", "BTC\"USDT", "BTC\\USDT", "BTC\nUSDT"] {
        let spec = InstrumentSpec { symbol: symbol.into(), ..spec("1", "1") };
        assert!(Encoder::new(Market::Spot, &spec).unwrap_err().contains("not a symbol"));
    }
}

/// What the venue signs to check a signature: all parameters but the signature, sorted (web-socket-api.md, "SIGNED
/// request example").
fn payload(params: &Value) -> String {
    let params = params.as_object().unwrap().iter().filter(|(name, _)| *name != "signature");
    let mut pairs: Vec<String> =
        params.map(|(name, v)| format!("{name}={}", v.as_str().map_or_else(|| v.to_string(), str::to_owned))).collect();
    pairs.sort();
    pairs.join("&")
}

#[test]
fn a_signed_request_is_the_plain_one_with_key_and_signature() {
    // The example secrets of web-socket-api.md and of RFC 8032
    let hmac = ("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j", KeyKind::Hmac);
    let ed25519 = ("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g", KeyKind::Ed25519);
    let symbols = ["BTCUSDT", "\u{5e01}\u{5b89}\u{4eba}\u{751f}USDT"];
    for ((secret, kind), symbol) in [(hmac, symbols[0]), (hmac, symbols[1]), (ed25519, symbols[0])] {
        let keys =
            Credentials::new(kind, "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", secret).unwrap();
        let spec = InstrumentSpec { symbol: symbol.into(), ..spec("0.01", "0.00001") };
        for market in [Market::Spot, Market::UsdM] {
            let encoder = Encoder::new(market, &spec).unwrap().with_recv_window(100);
            for action in [Action::Place, Action::Cancel, Action::Replace] {
                let i = intent(action, Side::Sell, TimeInForce::Gtx, 5_200_000, 1000);
                let mut out = b"before".to_vec();
                encoder.encode_signed(&i, 1_645_423_376_532, &keys, &mut out).unwrap();
                let mut signed: Value = serde_json::from_slice(out.strip_prefix(b"before").unwrap()).unwrap();
                let mut expected = Vec::new();
                keys.sign(payload(&signed["params"]).as_bytes(), &mut expected);
                let params = signed["params"].as_object_mut().unwrap();
                assert_eq!(params.remove("signature").unwrap().as_str().unwrap().as_bytes(), expected, "{action:?}");
                assert_eq!(params.remove("apiKey").unwrap(), json!(keys.api_key()));
                assert_eq!(params["recvWindow"], json!(100));
                let mut plain = Vec::new();
                encoder.encode(&i, 1_645_423_376_532, &mut plain).unwrap();
                assert_eq!(signed, serde_json::from_slice::<Value>(&plain).unwrap());
            }
        }
    }
}

#[test]
fn a_request_is_written_without_allocating() {
    let keys = Credentials::new(KeyKind::Hmac, "key", "secret").unwrap();
    let encoder = Encoder::new(Market::Spot, &spec("0.01", "0.00001")).unwrap();
    let mut out = Vec::with_capacity(1024);
    for _ in 0..3 {
        out.clear();
        let i = intent(Action::Replace, Side::Sell, TimeInForce::Gtx, i64::MAX >> 20, 1000);
        encoder.encode_signed(&i, 1_645_423_376_532, &keys, &mut out).unwrap();
    }
    assert_eq!(out.capacity(), 1024);
}

#[test]
fn foreign_client_ids_are_not_ours() {
    for text in [
        "",
        "se-",
        "se-0000000000000000",
        "se-00010000000000A7",
        "se-00010000000000a",
        "se-00010000000000a77",
        "x-00010000000000a7xx",
        "web_0123456789abcdef",
        "SE-00010000000000a7",
        "se-0001000000000 a7",
    ] {
        assert_eq!(client_id(text.as_bytes()), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn client_ids_go_and_come_back(id in 1u64..) {
        let text = client_id_text(id);
        prop_assert_eq!(client_id(&text), Some(id));
        prop_assert!(text.len() == CLIENT_ID_BYTES && text.len() < 36);
        let allowed = |c: &u8| c.is_ascii_alphanumeric() || b".:/_-".contains(c);
        prop_assert!(text.iter().all(allowed));
    }

    #[test]
    fn request_ids_go_and_come_back(
        action in prop::sample::select(vec![Action::Place, Action::Cancel, Action::Replace]),
        id in 1u64.., sell: bool, instrument: u16, at in 0..REQUEST_ID_BYTES, other in any::<u8>(),
    ) {
        let request = RequestId { action, id, side: if sell { Side::Sell } else { Side::Buy }, instrument };
        let text = request.text();
        prop_assert_eq!(RequestId::read(&text), Some(request));
        // "^[a-zA-Z0-9-_]{1,36}$" is what Binance's own connectors hold ids to.
        prop_assert!(text.len() <= 36 && text.iter().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(c)));
        let mut changed = text;
        changed[at] = other;
        prop_assert!(RequestId::read(&changed).is_none_or(|r| r.text().eq_ignore_ascii_case(&changed)));
        prop_assert_eq!(RequestId::read(&text[1..]), None);
        prop_assert_eq!(replaced_id(&text[..=CLIENT_ID_BYTES]).is_some(), action == Action::Replace);
    }

    #[test]
    fn digits_are_those_of_the_exact_decimal(
        px in 1i64..1 << 43, qty in 1i64..1 << 40,
        tick in prop::sample::select(vec!["0.1", "0.10", "0.01", "0.25", "0.00000001", "1", "5", "10", "0.5", "0.0000100"]),
        lot in prop::sample::select(vec!["0.001", "0.00001000", "1", "10", "0.1", "0.000000000001"]),
    ) {
        let s = spec(tick, lot);
        let r = request(Market::UsdM, &s, &intent(Action::Place, Side::Buy, TimeInForce::Gtx, px, qty), 1);
        let price = s.tick.normalized().times(i128::from(px)).to_string();
        let quantity = s.lot.normalized().times(i128::from(qty)).to_string();
        prop_assert_eq!(r["params"]["price"].as_str(), Some(price.as_str()));
        prop_assert_eq!(r["params"]["quantity"].as_str(), Some(quantity.as_str()));
        prop_assert_eq!(Decimal::parse(price.as_bytes()).unwrap().steps_of(s.tick), Ok(px));
    }

    #[test]
    fn every_intent_is_one_json_object_or_nothing(
        action in prop::sample::select(vec![Action::Place, Action::Cancel, Action::Replace]),
        tif in prop::sample::select(vec![TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtx]),
        reduce_only: bool, px: i64, qty: i64, id: u64, time: i64, spot: bool,
    ) {
        let market = if spot { Market::Spot } else { Market::UsdM };
        let i = Intent { id, reduce_only, ..intent(action, Side::Sell, tif, px, qty) };
        let mut out = Vec::new();
        let done = Encoder::new(market, &spec("0.01", "0.001")).unwrap().encode(&i, time, &mut out);
        match done {
            Ok(()) => prop_assert_eq!(&serde_json::from_slice::<Value>(&out).unwrap()["params"]["timestamp"], &json!(time)),
            Err(_) => prop_assert!(out.is_empty()),
        }
    }
}
