//! Answers to order requests.

use _core::cex::venues::binance::Market::{self, Spot, UsdM};
use _core::cex::venues::binance_rest::{order_answer, used};
use _core::event::{Action, Event, Intent, RateKind, RateUse, Receipt, ReceiptKind, Side, TimeInForce};
use _core::units::{Lots, Ticks};
use serde_json::{Value, json};

use super::{ID, bare, decode, our_id, receipt, request_id};

fn limits() -> Value {
    json!([
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 12},
        {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160_000, "count": 4043},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61_000, "count": 7},
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 321}])
}

/// web-socket-api.md, "Place new order": the RESULT response.
fn spot_order(status: &str) -> Value {
    json!({"symbol": "BTCUSDT", "orderId": 12_510_053_279i64, "orderListId": -1, "clientOrderId": our_id(),
        "transactTime": 1_655_716_096_505i64, "price": "23416.10000000", "origQty": "0.00847000",
        "executedQty": "0.00001000", "origQuoteOrderQty": "0.000000", "cummulativeQuoteQty": "0.23416100",
        "status": status, "timeInForce": "GTC", "type": "LIMIT", "side": "SELL", "workingTime": 1_655_716_096_505i64,
        "selfTradePreventionMode": "NONE"})
}

/// developers.binance.com, USD-M, websocket API, "Modify Order": the response.
fn usdm_order(status: &str, executed: &str) -> Value {
    json!({"orderId": 328_971_409, "symbol": "BTCUSDT", "status": status, "clientOrderId": our_id(),
        "price": "43769.10", "avgPrice": "0.00", "origQty": "0.110", "executedQty": executed, "cumQty": "0.000",
        "cumQuote": "0.00000", "timeInForce": "GTC", "type": "LIMIT", "reduceOnly": false, "closePosition": false,
        "side": "SELL", "positionSide": "BOTH", "stopPrice": "0.00", "workingType": "CONTRACT_PRICE",
        "priceProtect": false, "origType": "LIMIT", "priceMatch": "NONE", "selfTradePreventionMode": "NONE",
        "goodTillDate": 0, "updateTime": 1_703_426_756_190i64})
}

fn done(action: Action, result: &Value) -> Value {
    json!({"id": request_id(action, Side::Sell, 0), "status": 200, "result": result, "rateLimits": limits()})
}

fn refused(action: Action, status: u16, error: &Value) -> Value {
    json!({"id": request_id(action, Side::Sell, 0), "status": status, "error": error, "rateLimits": limits()})
}

fn error(code: i32, msg: &str) -> Value {
    json!({"code": code, "msg": msg})
}

#[test]
fn what_is_accepted_has_its_terms_and_its_fills_come_otherwise() {
    // Whatever the status, and even where something has traded: the user data stream tells it with trade ids.
    for status in ["NEW", "PARTIALLY_FILLED", "FILLED", "EXPIRED"] {
        let (r, notes) = receipt(Spot, &done(Action::Place, &spot_order(status)));
        let exch_ns = 1_655_716_096_505_000_000;
        let expected = Receipt { px: Ticks(2_341_610), exch_ns, ..bare(ReceiptKind::Accepted, Side::Sell, 0, 847) };
        assert_eq!((r, notes.venue_order, notes.error, notes.fee), (expected, 12_510_053_279, 0, None));
        let use_of = |kind, interval_ms, count| Some(RateUse { kind, interval_ms, count });
        assert_eq!(
            notes.used,
            [
                use_of(RateKind::Orders, 10_000, 12),
                use_of(RateKind::Orders, 86_400_000, 4043),
                use_of(RateKind::Weight, 60_000, 321),
                None
            ]
        );
        assert_eq!(notes.throttled_ms, None);
    }
    let (r, notes) = receipt(UsdM, &done(Action::Place, &usdm_order("NEW", "0.000")));
    let exch_ns = 1_703_426_756_190_000_000;
    let expected = Receipt { px: Ticks(4_376_910), exch_ns, ..bare(ReceiptKind::Accepted, Side::Sell, 0, 11_000) };
    assert_eq!((r, notes.venue_order), (expected, 328_971_409));
}

#[test]
fn what_is_cancelled_is_gone() {
    // web-socket-api.md, "Cancel order": the venue names the cancel, ours is origClientOrderId
    let mut order = spot_order("CANCELED");
    order["origClientOrderId"] = json!(our_id());
    order["clientOrderId"] = json!("91fe37ce9e69c90d6358c0");
    let (r, notes) = receipt(Spot, &done(Action::Cancel, &order));
    let exch_ns = 1_655_716_096_505_000_000;
    assert_eq!(r, Receipt { exch_ns, ..bare(ReceiptKind::Cancelled, Side::Sell, 0, 0) });
    assert_eq!(notes.venue_order, 12_510_053_279);
    let (r, _) = receipt(UsdM, &done(Action::Cancel, &usdm_order("CANCELED", "0.000")));
    assert_eq!((r.kind, r.id, r.leaves), (ReceiptKind::Cancelled, ID, Lots(0)));
}

#[test]
fn a_replaced_order_has_its_new_terms() {
    // web-socket-api.md, "Cancel and replace order": both succeed
    let mut new = spot_order("NEW");
    new["executedQty"] = json!("0.00000000");
    new["orderId"] = json!(12_569_138_902i64);
    let both = json!({"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS", "cancelResponse": spot_order("CANCELED"),
        "newOrderResponse": new});
    let (r, notes) = receipt(Spot, &done(Action::Replace, &both));
    assert_eq!((r.kind, r.px, r.leaves), (ReceiptKind::Replaced, Ticks(2_341_610), Lots(847)));
    assert_eq!(notes.venue_order, 12_569_138_902);
    // USD-M "Modify Order": the order may also have ended by it
    let cases = [
        ("NEW", "0.000", ReceiptKind::Replaced, 11_000),
        ("PARTIALLY_FILLED", "0.010", ReceiptKind::Replaced, 10_000),
        ("FILLED", "0.110", ReceiptKind::Replaced, 0),
        ("CANCELED", "0.010", ReceiptKind::Cancelled, 0),
        ("EXPIRED", "0.000", ReceiptKind::Expired, 0),
    ];
    for (status, executed, kind, leaves) in cases {
        let (r, _) = receipt(UsdM, &done(Action::Replace, &usdm_order(status, executed)));
        assert_eq!((r.kind, r.leaves, r.px), (kind, Lots(leaves), Ticks(4_376_910)), "{status}");
    }
}

#[test]
fn refusals_say_what_became_of_the_order() {
    use Action::{Cancel, Place, Replace};
    use ReceiptKind::{ChangeRejected, Expired, Rejected, Unknown};
    let balance = error(-2010, "Account has insufficient balance for requested action.");
    let post_only = error(-2010, "Order would immediately match and take.");
    let duplicate = error(-2010, "Duplicate order sent.");
    let unknown_order = error(-2011, "Unknown order sent.");
    let restricted = error(-2011, "Order was not canceled due to cancel restrictions.");
    let window = error(-1021, "Timestamp for this request is outside of the recvWindow.");
    let status_unknown = error(-1006, "An unexpected response was received from the message bus.");
    let timeout = error(-1007, "Timeout waiting for response from backend server.");
    let gtx = error(-5022, "Due to the order could not be executed as maker, the Post Only order will be rejected.");
    let fok = error(-5021, "Due to the order could not be filled immediately, the FOK order has been rejected.");
    let reduce = error(-2022, "ReduceOnly Order is rejected.");
    let nothing = error(0, "");
    let cases: [(Market, Action, u16, &Value, ReceiptKind, i64); 27] = [
        (Spot, Place, 400, &balance, Rejected, 0),
        (Spot, Place, 400, &post_only, Expired, 0),
        (Spot, Place, 400, &duplicate, Unknown, 1),
        (Spot, Place, 400, &window, Rejected, 0),
        (Spot, Place, 400, &error(-1013, "Filter failure: PRICE_FILTER"), Rejected, 0),
        (Spot, Place, 400, &timeout, Unknown, 1),
        (Spot, Place, 504, &balance, Unknown, 1),
        (Spot, Place, 0, &nothing, Unknown, 1),
        (Spot, Place, 403, &nothing, Rejected, 0),
        (Spot, Cancel, 400, &unknown_order, ChangeRejected, 0),
        (Spot, Cancel, 400, &restricted, ChangeRejected, 1),
        (Spot, Cancel, 400, &error(-2026, "Order was canceled or expired"), ChangeRejected, 0),
        (Spot, Cancel, 400, &window, ChangeRejected, 1),
        (Spot, Cancel, 503, &unknown_order, Unknown, 1),
        (Spot, Cancel, 400, &status_unknown, Unknown, 1),
        (Spot, Replace, 400, &error(-1013, "Filter failure: LOT_SIZE"), ChangeRejected, 1),
        (UsdM, Place, 400, &gtx, Expired, 0),
        (UsdM, Place, 400, &fok, Expired, 0),
        (UsdM, Place, 400, &reduce, Rejected, 0),
        (UsdM, Place, 400, &error(-4116, "ClientOrderId is duplicated."), Unknown, 1),
        (UsdM, Place, 408, &timeout, Unknown, 1),
        (UsdM, Place, 503, &error(-1001, "Internal error; unable to process your request."), Unknown, 1),
        (UsdM, Cancel, 400, &unknown_order, ChangeRejected, 0),
        (UsdM, Replace, 400, &error(-2013, "Order does not exist."), ChangeRejected, 0),
        (UsdM, Replace, 400, &error(-5027, "No need to modify the order."), ChangeRejected, 1),
        (UsdM, Replace, 400, &gtx, Unknown, 1),
        (UsdM, Replace, 400, &reduce, ChangeRejected, 1),
    ];
    for (market, action, status, said, kind, leaves) in cases {
        let (r, notes) = receipt(market, &refused(action, status, said));
        assert_eq!(r, bare(kind, Side::Sell, 0, leaves), "{market:?} {action:?} {status} {said}");
        assert_eq!((json!(notes.error), notes.used[0].is_some()), (said["code"].clone(), true));
    }
}

#[test]
fn a_replace_on_spot_fails_by_halves() {
    // web-socket-api.md, "Cancel and replace order": what failed of it, and errors.md for the messages
    use ReceiptKind::{Cancelled, ChangeRejected, Expired, Unknown};
    let unknown_order = error(-2011, "Unknown order sent.");
    let restricted = error(-2011, "Order was not canceled due to cancel restrictions.");
    let post_only = error(-2010, "Order would immediately match and take.");
    let balance = error(-2010, "Account has insufficient balance for requested action.");
    let timeout = error(-1007, "Timeout waiting for response from backend server.");
    let cancelled = spot_order("CANCELED");
    let cases = [
        (400, -2022, "FAILURE", "NOT_ATTEMPTED", &unknown_order, &Value::Null, (ChangeRejected, 0, -2011)),
        (400, -2022, "FAILURE", "NOT_ATTEMPTED", &restricted, &Value::Null, (ChangeRejected, 1, -2011)),
        (400, -2022, "FAILURE", "NOT_ATTEMPTED", &timeout, &Value::Null, (Unknown, 1, -1007)),
        (409, -2021, "SUCCESS", "FAILURE", &cancelled, &post_only, (Expired, 0, -2010)),
        (409, -2021, "SUCCESS", "FAILURE", &cancelled, &balance, (Cancelled, 0, -2010)),
        (409, -2021, "SUCCESS", "FAILURE", &cancelled, &timeout, (Unknown, 1, -1007)),
        (409, -2021, "FAILURE", "SUCCESS", &unknown_order, &cancelled, (Unknown, 1, -2021)),
        (400, -2022, "FAILURE", "FAILURE", &unknown_order, &post_only, (Unknown, 1, -2022)),
    ];
    for (status, code, cancel, new, cancel_response, new_response, (kind, leaves, noted)) in cases {
        let said = json!({"code": code, "msg": "Order cancel-replace failed.", "data": {
            "cancelResult": cancel, "newOrderResult": new, "cancelResponse": cancel_response,
            "newOrderResponse": new_response}});
        let (r, notes) = receipt(Spot, &refused(Action::Replace, status, &said));
        assert_eq!((r, notes.error), (bare(kind, Side::Sell, 0, leaves), noted), "{said}");
    }
}

#[test]
fn the_venue_says_how_long_to_wait() {
    // web-socket-api.md, "IP limits": the documented ban; then one without a time, and limits of orders
    let ban = json!({"code": -1003, "msg": "Way too much request weight used; IP banned until 1659146400000.",
        "data": {"serverTime": 1_659_142_907_531i64, "retryAfter": 1_659_146_400_000i64}});
    let orders = error(-1015, "Too many new orders; current limit is 50 orders per 10 SECOND.");
    let past = json!({"code": -1003, "msg": "", "data": {"serverTime": 10, "retryAfter": 9}});
    let cases = [
        (418, &ban, Some(3_492_469)),
        (418, &error(-1003, ""), Some(120_000)),
        (429, &orders, Some(1_000)),
        (400, &orders, Some(1_000)),
        (429, &past, Some(1)),
        (400, &error(-2010, ""), None),
    ];
    for (status, said, wait) in cases {
        let (r, notes) = receipt(Spot, &refused(Action::Place, status, said));
        assert_eq!((r.kind, notes.throttled_ms), (ReceiptKind::Rejected, wait), "{said}");
        // The same of a request that was no order's
        let mut other = refused(Action::Place, status, said);
        other["id"] = json!("ping");
        let (event, notes) = decode(Spot, &other.to_string());
        assert_eq!((event, notes.throttled_ms), (Event::Ignored, wait));
        assert!(notes.used[0].is_some());
    }
}

fn intent(action: Action) -> Intent {
    Intent {
        id: ID,
        kernel: 0,
        instrument: 2,
        action,
        side: Side::Buy,
        tif: TimeInForce::Gtc,
        reduce_only: false,
        px: Ticks(1),
        qty: Lots(1),
        decided_ns: 0,
    }
}

#[test]
fn an_answer_over_rest_is_read_as_one_of_the_websocket() {
    let headers = [("x-mbx-used-weight-1m", "12"), ("X-MBX-ORDER-COUNT-10S", "3"), ("X-MBX-ORDER-COUNT-1D", " 5 ")];
    let used: Vec<RateUse> = headers.iter().filter_map(|(n, v)| used(n, v)).collect();
    assert_eq!(used[2], RateUse { kind: RateKind::Orders, interval_ms: 86_400_000, count: 5 });
    let read = |action, status, retry, body: &str| {
        let mut out = Vec::new();
        order_answer(&intent(action), status, retry, &used, body.as_bytes(), &mut out);
        receipt(Spot, &serde_json::from_slice(&out).unwrap())
    };
    let mut order = spot_order("NEW");
    order["symbol"] = json!("ETHUSDT");
    order["origQty"] = json!("1.0000");
    let (r, notes) = read(Action::Place, 200, None, &order.to_string());
    assert_eq!((r.kind, r.instrument, r.side, r.leaves), (ReceiptKind::Accepted, 2, Side::Buy, Lots(10_000)));
    assert_eq!((notes.used[0], notes.used[1], notes.used[2]), (Some(used[0]), Some(used[1]), Some(used[2])));
    let (r, notes) = read(Action::Cancel, 400, None, r#"{"code":-2011,"msg":"Unknown order sent."}"#);
    assert_eq!((r, notes.error), (bare(ReceiptKind::ChangeRejected, Side::Buy, 2, 0), -2011));
    let (r, notes) = read(Action::Place, 429, Some(7), r#"{"code":-1003,"msg":"Too much request weight used."}"#);
    assert_eq!((r.kind, notes.throttled_ms), (ReceiptKind::Rejected, Some(7_000)));
    for (status, body) in [(0, ""), (502, "<html>bad gateway</html>"), (200, "<html>"), (200, "{\"orderId\":")] {
        let mut out = Vec::new();
        order_answer(&intent(Action::Place), status, None, &[], body.as_bytes(), &mut out);
        let (event, _) = decode(Spot, std::str::from_utf8(&out).unwrap());
        assert!(matches!(event, Event::Receipt(Receipt { kind: ReceiptKind::Unknown, .. })), "{event:?} {body}");
    }
}

#[test]
fn headers_of_limits_are_known_from_others() {
    for (name, value) in [
        ("content-type", "1"),
        ("X-MBX-USED-WEIGHT", "1"),
        ("X-MBX-USED-WEIGHT-", "1"),
        ("X-MBX-USED-WEIGHT-1W", "1"),
        ("X-MBX-USED-WEIGHT-M", "1"),
        ("X-MBX-USED-WEIGHT-1M", "many"),
        ("X-MBX-ORDER-COUNT-99999999D", "1"),
    ] {
        assert_eq!(used(name, value), None, "{name}: {value}");
    }
}
