//! Events of the user data stream.

use _core::cex::venues::binance::Market::{self, Spot, UsdM};
use _core::event::{Event, Fee, Receipt, ReceiptKind, Side};
use _core::units::{Lots, Ticks};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ID, bare, decode, our_id, reader, receipt, recorded};

/// user-data-stream.md, "Order Update", of an order of ours.
fn spot(execution: &str, status: &str, changes: &Value) -> Value {
    let mut event = json!({"e": "executionReport", "E": 1_499_405_658_658i64, "s": "ETHBTC", "c": our_id(), "S": "BUY",
        "o": "LIMIT", "f": "GTC", "q": "1.00000000", "p": "0.10264410", "P": "0.00000000", "F": "0.00000000",
        "g": -1, "C": "", "x": execution, "X": status, "r": "NONE", "i": 4_293_153, "l": "0.00000000",
        "z": "0.00000000", "L": "0.00000000", "n": "0", "N": null, "T": 1_499_405_658_657i64, "t": -1,
        "I": 8_641_984, "w": true, "m": false, "M": false, "O": 1_499_405_658_657i64, "Z": "0.00000000",
        "Y": "0.00000000", "Q": "0.00000000", "W": 1_499_405_658_657i64, "V": "NONE"});
    merge(&mut event, changes);
    event
}

/// developers.binance.com, USD-M, "Event: Order Update", of an order of ours.
fn usdm(execution: &str, status: &str, changes: &Value) -> Value {
    let mut order = json!({"s": "BTCUSDT", "c": our_id(), "S": "SELL", "o": "LIMIT", "f": "GTC", "q": "0.010",
        "p": "9910.10", "ap": "0", "sp": "0", "x": execution, "X": status, "i": 8_886_774, "l": "0", "z": "0",
        "L": "0", "T": 1_568_879_465_650i64, "t": 0, "b": "0", "a": "9.91", "m": false, "R": false,
        "wt": "CONTRACT_PRICE", "ot": "LIMIT", "ps": "BOTH", "cp": false, "pP": false, "si": 0, "ss": 0, "rp": "0",
        "V": "EXPIRE_TAKER", "pm": "NONE", "gtd": 0, "er": "0"});
    merge(&mut order, changes);
    json!({"e": "ORDER_TRADE_UPDATE", "E": 1_568_879_465_651i64, "T": 1_568_879_465_650i64, "o": order})
}

fn merge(to: &mut Value, changes: &Value) {
    for (key, value) in changes.as_object().unwrap() {
        to[key] = value.clone();
    }
}

#[test]
fn every_execution_type_has_its_receipt() {
    use ReceiptKind::{Accepted, Cancelled, Expired, Replaced, Unknown};
    let half = json!({"z": "0.4000"});
    let none = json!({});
    let cases: [(Value, ReceiptKind, i64); 8] = [
        (spot("NEW", "NEW", &none), Accepted, 10_000),
        (spot("EXPIRED", "EXPIRED", &half), Expired, 0),
        (spot("TRADE_PREVENTION", "EXPIRED_IN_MATCH", &none), Expired, 0),
        // Reduced by self-trade prevention and still there: by how much is better asked.
        (spot("TRADE_PREVENTION", "NEW", &none), Unknown, 10_000),
        (spot("REJECTED", "REJECTED", &none), Expired, 0),
        (spot("REPLACED", "PARTIALLY_FILLED", &half), Replaced, 6_000),
        (spot("CANCELED", "CANCELED", &half), Cancelled, 0),
        (spot("SOMETHING_NEW", "NEW", &half), Unknown, 6_000),
    ];
    for (event, kind, leaves) in cases {
        let (r, notes) = receipt(Spot, &event);
        let (px, exch_ns) = (Ticks(1_026_441), 1_499_405_658_657_000_000);
        assert_eq!(r, Receipt { px, exch_ns, ..bare(kind, Side::Buy, 1, leaves) }, "{event}");
        assert_eq!((notes.venue_order, notes.fee), (4_293_153, None));
    }
    let done = json!({"z": "0.004"});
    let cases = [
        (usdm("NEW", "NEW", &none), Accepted, 1_000),
        (usdm("AMENDMENT", "PARTIALLY_FILLED", &done), Replaced, 600),
        (usdm("CANCELED", "CANCELED", &done), Cancelled, 0),
        (usdm("EXPIRED", "EXPIRED", &none), Expired, 0),
        (usdm("EXPIRED", "EXPIRED_IN_MATCH", &none), Expired, 0),
    ];
    for (event, kind, leaves) in cases {
        let (r, notes) = receipt(UsdM, &event);
        let (px, exch_ns) = (Ticks(991_010), 1_568_879_465_650_000_000);
        assert_eq!(r, Receipt { px, exch_ns, ..bare(kind, Side::Sell, 0, leaves) }, "{event}");
        assert_eq!(notes.venue_order, 8_886_774);
    }
}

#[test]
fn a_fill_has_its_trade_and_its_fee() {
    let trade = json!({"l": "0.25000000", "z": "0.65000000", "L": "0.10264400", "n": "0.00025000", "N": "ETH",
        "t": 98_765_432_101i64, "m": true});
    let (r, notes) = receipt(Spot, &spot("TRADE", "PARTIALLY_FILLED", &trade));
    let expected = Receipt {
        px: Ticks(1_026_440),
        qty: Lots(2_500),
        maker: true,
        trade_id: 98_765_432_101,
        exch_ns: 1_499_405_658_657_000_000,
        ..bare(ReceiptKind::Filled, Side::Buy, 1, 3_500)
    };
    assert_eq!((r, notes.venue_order), (expected, 4_293_153));
    assert_eq!(notes.fee, Some(Fee { amount_e8: 25_000, asset: *b"ETH\0\0\0\0\0" }));
    let trade = json!({"l": "0.010", "z": "0.010", "L": "9910.20", "n": "0.01982040", "N": "usdt", "t": 7, "m": false});
    let (r, notes) = receipt(UsdM, &usdm("TRADE", "FILLED", &trade));
    assert_eq!((r.px, r.qty, r.leaves, r.trade_id, r.maker), (Ticks(991_020), Lots(1_000), Lots(0), 7, false));
    assert_eq!(notes.fee, Some(Fee { amount_e8: 1_982_040, asset: *b"USDT\0\0\0\0" }));
    // A rebate; more decimals than eight, rounded against us; a longer name, cut; no commission
    for (n, asset, e8, name) in [
        ("-0.00100000", "BNB", -100_000, b"BNB\0\0\0\0\0"),
        ("0.000000001", "BNB", 1, b"BNB\0\0\0\0\0"),
        ("-0.000000001", "BNB", 0, b"BNB\0\0\0\0\0"),
        ("12", "1000CHEEMS", 1_200_000_000, b"1000CHEE"),
    ] {
        let mut event = usdm("TRADE", "FILLED", &trade);
        merge(&mut event["o"], &json!({"n": n, "N": asset}));
        assert_eq!(receipt(UsdM, &event).1.fee, Some(Fee { amount_e8: e8, asset: *name }), "{n}");
    }
    let mut event = usdm("TRADE", "FILLED", &trade);
    event["o"].as_object_mut().unwrap().retain(|key, _| key != "n" && key != "N");
    assert_eq!(receipt(UsdM, &event).1.fee, None);
}

#[test]
fn what_others_do_counts_only_where_it_trades() {
    let trade = json!({"c": "web_abc", "l": "0.010", "z": "0.010", "L": "9910.20", "n": "0.01", "N": "USDT", "t": 7});
    let (r, notes) = receipt(UsdM, &usdm("TRADE", "FILLED", &trade));
    assert_eq!((r.kind, r.id, r.qty, r.side), (ReceiptKind::Filled, 0, Lots(1_000), Side::Sell));
    assert!(notes.fee.is_some());
    for id in ["web_abc", "", "se-00010000000000A7", "\\\"quoted\\\\", "\u{5e01}"] {
        for (market, event) in [
            (Spot, spot("NEW", "NEW", &json!({"c": id}))),
            (Spot, spot("CANCELED", "CANCELED", &json!({"c": id, "C": "theirs"}))),
            (UsdM, usdm("EXPIRED", "EXPIRED", &json!({"c": id}))),
        ] {
            assert_eq!(decode(market, &event.to_string()).0, Event::Ignored, "{event}");
        }
    }
    // Another symbol is another lane's.
    assert_eq!(decode(UsdM, &usdm("TRADE", "FILLED", &json!({"s": "XRPUSDT"})).to_string()).0, Event::Ignored);
    // The other market's events are none.
    assert_eq!(decode(Spot, &usdm("NEW", "NEW", &json!({})).to_string()).0, Event::Ignored);
    assert_eq!(decode(UsdM, &spot("NEW", "NEW", &json!({})).to_string()).0, Event::Ignored);
}

#[test]
fn the_cancel_within_a_replace_ends_no_order() {
    // user-data-stream.md: of a cancel, "c" is the cancel's own id and "C" the order's
    let manual = spot("CANCELED", "CANCELED", &json!({"c": "7xpTkT8x4rZ0", "C": our_id()}));
    assert_eq!(receipt(Spot, &manual).0.kind, ReceiptKind::Cancelled);
    let replaced = spot("CANCELED", "CANCELED", &json!({"c": format!("r{}", our_id()), "C": our_id()}));
    assert_eq!(decode(Spot, &replaced.to_string()).0, Event::Ignored);
    assert_eq!(receipt(Spot, &spot("NEW", "NEW", &json!({"i": 4_293_154}))).0.kind, ReceiptKind::Accepted);
}

#[test]
fn an_event_is_the_same_in_every_frame_and_key_order() {
    let trade = json!({"l": "0.25000000", "z": "0.65000000", "L": "0.10264400", "n": "0.00025", "N": "ETH", "t": 9});
    let event = spot("TRADE", "PARTIALLY_FILLED", &trade);
    let expected = decode(Spot, &event.to_string());
    assert!(matches!(expected.0, Event::Receipt(_)));
    let spaced = serde_json::to_string_pretty(&event).unwrap();
    let reversed = {
        let pairs: Vec<String> =
            event.as_object().unwrap().iter().rev().map(|(k, v)| format!("{}:{v}", json!(k))).collect();
        format!("{{\"future\":[{{\"}}\":\"\\\"]\"}}],{}}}", pairs.join(","))
    };
    for message in [
        format!("{{\"subscriptionId\":0,\"event\":{event}}}"),
        format!("{{\"event\":{spaced}}}"),
        format!("{{\"stream\":\"listenkey\",\"data\":{event}}}"),
        spaced,
        reversed,
    ] {
        assert_eq!(decode(Spot, &message), expected, "{message}");
    }
}

#[test]
fn recorded_messages_are_read() {
    let read = |market: Market, path: &str| recorded(path).map(|text| decode(market, &text).0);
    let folder = "spot/user_data_json/";
    // All are of orders that this engine did not place.
    for (name, market, folder) in [
        ("execution_report_wrapped", Spot, folder),
        ("execution_report_expired", Spot, folder),
        ("execution_report_stop_loss", Spot, folder),
        ("account_position", Spot, folder),
        ("balance_update_wrapped", Spot, folder),
        ("list_status_wrapped", Spot, folder),
        ("account_update", UsdM, "futures/user_data_json/"),
        ("account_update_bnfcr", UsdM, "futures/user_data_json/"),
        ("algo_update_new", UsdM, "futures/user_data_json/"),
        ("algo_update_canceled", UsdM, "futures/user_data_json/"),
        ("trade_lite", UsdM, "futures/user_data_json/"),
    ] {
        if let Some(event) = read(market, &format!("{folder}{name}.json")) {
            assert_eq!(event, Event::Ignored, "{name}");
        }
    }
    let fill = |side, px, qty, trade_id, exch_ms: i64, maker, instrument| {
        Event::Receipt(Receipt {
            id: 0,
            px: Ticks(px),
            qty: Lots(qty),
            trade_id,
            maker,
            exch_ns: exch_ms * 1_000_000,
            ..bare(ReceiptKind::Filled, side, instrument, 0)
        })
    };
    if let Some(event) = read(Spot, "spot/user_data_json/execution_report_trade.json") {
        assert_eq!(event, fill(Side::Buy, 250_000, 10_000, 98_765_432, 1_709_654_401_000, true, 2));
    }
    if let Some(event) = read(UsdM, "futures/user_data_json/order_update_calculated.json") {
        assert_eq!(event, fill(Side::Sell, 991_012, 1_400, 12_345_999, 1_568_879_465_651, false, 0));
    }
    if let Some(event) = read(UsdM, "futures/user_data_json/order_update_insurance.json") {
        assert_eq!(event, fill(Side::Sell, 4_500_000, 2_000, 12_346_003, 1_568_879_465_651, false, 0));
    }
}

#[test]
fn a_liquidation_between_two_ticks_is_rounded_against_us() {
    for (side, price, px) in [("SELL", "9910.128", 991_012), ("BUY", "9910.128", 991_013), ("BUY", "9910.12", 991_012)]
    {
        let trade = json!({"c": "autoclose-1", "S": side, "l": "0.010", "z": "0.010", "L": price, "t": 7});
        assert_eq!(receipt(UsdM, &usdm("CALCULATED", "FILLED", &trade)).0.px, Ticks(px), "{side} {price}");
    }
}

#[test]
fn what_cannot_be_read_is_said_and_nothing_is_made_of_it() {
    let trade = json!({"l": "0.25", "z": "0.65", "L": "0.10264400", "t": 9});
    let broken = [
        spot("TRADE", "FILLED", &json!({"l": "0.00000000", "t": 9})),
        spot("TRADE", "FILLED", &json!({"l": "0.25", "z": "0.65", "L": "0.1", "t": -1})),
        spot("TRADE", "FILLED", &json!({"l": "0.00001", "z": "0.65", "L": "0.1", "t": 9})),
        spot("TRADE", "FILLED", &json!({"l": "0.25", "z": "0.65", "L": "much", "t": 9})),
        spot("TRADE", "FILLED", &json!({"l": "0.25", "z": "0.65", "L": "0.1", "t": 9, "n": "x", "N": "ETH"})),
        spot("TRADE", "FILLED", &json!({"l": "0.25", "z": "0.65", "L": "0.1", "t": 9, "S": "HOLD"})),
        spot("NEW", "NEW", &json!({"q": null})),
        spot("NEW", "NEW", &json!({"p": 5})),
    ];
    for event in broken {
        let (event, _) = decode(Spot, &event.to_string());
        assert!(matches!(event, Event::Malformed { instrument: None, reason } if !reason.is_empty()), "{event:?}");
    }
    let whole = spot("TRADE", "FILLED", &trade).to_string();
    for end in 0..whole.len() {
        assert!(!matches!(decode(Spot, &whole[..end]).0, Event::Receipt(_)), "{end}");
    }
    for text in ["", "[]", "null", "<html>", "{}", "{\"event\":null}", "{\"event\":[]}", "{\"id\":null}"] {
        let event = decode(Spot, text).0;
        assert!(matches!(event, Event::Malformed { .. } | Event::Ignored), "{text}: {event:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_wild(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..600, with: u8) {
        let mut out = _core::event::Decoded::default();
        let reader = reader(Spot);
        reader.decode(&bytes, &mut out);
        let mut message = spot("TRADE", "FILLED", &json!({"l": "0.25", "z": "0.65", "L": "0.1", "t": 9})).to_string().into_bytes();
        let n = message.len();
        message[at % n] = with;
        reader.decode(&message, &mut out);
        let _ = reader.session(&message);
        let _ = reader.session(&bytes);
        if let Event::Receipt(r) = out.event {
            prop_assert!(r.id == ID || r.id == 0 || with.is_ascii_hexdigit());
        }
    }
}
