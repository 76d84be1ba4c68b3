//! Answers to what a lane asks.

use _core::cex::reconcile::{Answer, VenueOrder, VenueStatus, VenueTrade};
use _core::cex::venues::binance::Market::{self, Spot, UsdM};
use _core::cex::venues::binance_private::{Private, VenueError};
use _core::event::{Ask, Fee, Side, TimeInForce};
use _core::units::{Lots, Ticks};
use serde_json::{Value, json};

use super::{ID, our_id, reader, recorded, spec};

fn ask(market: Market, ask: Ask, instrument: u16, body: &Value) -> Result<Answer, VenueError> {
    reader(market).answer(ask, instrument, 200, body.to_string().as_bytes())
}

/// rest-api.md, "Query order".
fn order() -> Value {
    json!({"symbol": "LTCBTC", "orderId": 1, "orderListId": -1, "clientOrderId": our_id(), "price": "0.1",
        "origQty": "1.0", "executedQty": "0.25", "cummulativeQuoteQty": "0.0", "status": "PARTIALLY_FILLED",
        "timeInForce": "GTC", "type": "LIMIT", "side": "BUY", "stopPrice": "0.0", "icebergQty": "0.0",
        "time": 1_499_827_319_559i64, "updateTime": 1_499_827_319_560i64, "isWorking": true,
        "workingTime": 1_499_827_319_559i64, "origQuoteOrderQty": "0.000000", "selfTradePreventionMode": "NONE"})
}

fn expected() -> VenueOrder {
    VenueOrder {
        id: Some(ID),
        venue_id: 1,
        instrument: 3,
        side: Side::Buy,
        tif: TimeInForce::Gtc,
        reduce_only: false,
        px: Ticks(100_000),
        qty: Lots(1_000),
        filled: Lots(250),
        status: VenueStatus::Open,
        exch_ns: 1_499_827_319_560_000_000,
    }
}

#[test]
fn orders_are_those_of_the_venue() {
    assert_eq!(ask(Spot, Ask::Order(ID), 3, &order()), Ok(Answer::Order(Some(expected()))));
    assert_eq!(ask(Spot, Ask::VenueOrder(1), 3, &order()), Ok(Answer::Order(Some(expected()))));
    let mut other = order();
    other["clientOrderId"] = json!("and\\\"other");
    other["type"] = json!("LIMIT_MAKER");
    other["side"] = json!("SELL");
    let foreign = VenueOrder { id: None, tif: TimeInForce::Gtx, side: Side::Sell, ..expected() };
    let all = ask(Spot, Ask::OpenOrders, 3, &json!([order(), other]));
    assert_eq!(all, Ok(Answer::OpenOrders(vec![expected(), foreign])));
    assert_eq!(ask(Spot, Ask::OpenOrders, 3, &json!([])), Ok(Answer::OpenOrders(vec![])));
    let statuses = [
        ("NEW", VenueStatus::Open),
        ("FILLED", VenueStatus::Filled),
        ("CANCELED", VenueStatus::Cancelled),
        ("REJECTED", VenueStatus::Rejected),
        ("EXPIRED", VenueStatus::Expired),
        ("EXPIRED_IN_MATCH", VenueStatus::Expired),
    ];
    for (name, status) in statuses {
        let mut order = order();
        order["status"] = json!(name);
        assert_eq!(ask(Spot, Ask::Order(ID), 3, &order), Ok(Answer::Order(Some(VenueOrder { status, ..expected() }))));
    }
    for (tif, known) in [("IOC", TimeInForce::Ioc), ("FOK", TimeInForce::Fok), ("GTX", TimeInForce::Gtx)] {
        let mut order = order();
        order["timeInForce"] = json!(tif);
        order["reduceOnly"] = json!(true);
        let expected = VenueOrder { tif: known, reduce_only: true, ..expected() };
        assert_eq!(ask(UsdM, Ask::Order(ID), 3, &order), Ok(Answer::Order(Some(expected))));
    }
}

#[test]
fn an_order_that_the_venue_has_not_is_an_answer_too() {
    // errors.md, −2013 and −2026
    let reader = reader(Spot);
    for code in [-2013, -2026] {
        let body = json!({"code": code, "msg": "Order does not exist."}).to_string();
        assert_eq!(reader.answer(Ask::Order(ID), 0, 400, body.as_bytes()), Ok(Answer::Order(None)));
        let error = VenueError { status: 400, code, text: "Order does not exist.".into() };
        assert_eq!(reader.answer(Ask::OpenOrders, 0, 400, body.as_bytes()), Err(error));
    }
}

#[test]
fn trades_of_both_markets_come_by_rising_id() {
    // rest-api.md, "Account trade list"
    let spot = json!({"symbol": "BTCUSDT", "id": 28_457, "orderId": 100_234, "orderListId": -1, "price": "4.00",
        "qty": "12.00000000", "quoteQty": "48.000012", "commission": "10.10000000", "commissionAsset": "BNB",
        "time": 1_499_865_549_590i64, "isBuyer": true, "isMaker": false, "isBestMatch": true});
    let mut earlier = spot.clone();
    (earlier["id"], earlier["isBuyer"], earlier["isMaker"]) = (json!(28_456), json!(false), json!(true));
    let trade = VenueTrade {
        trade_id: 28_457,
        venue_order: 100_234,
        instrument: 0,
        side: Side::Buy,
        px: Ticks(400),
        qty: Lots(1_200_000),
        maker: false,
        exch_ns: 1_499_865_549_590_000_000,
        fee: Fee { amount_e8: 1_010_000_000, asset: *b"BNB\0\0\0\0\0" },
    };
    let first = VenueTrade { trade_id: 28_456, side: Side::Sell, maker: true, ..trade };
    let answer = ask(Spot, Ask::Trades { from_id: 1 }, 0, &json!([spot, earlier]));
    assert_eq!(answer, Ok(Answer::Trades(vec![first, trade])));
    // developers.binance.com, USD-M, "Account Trade List"
    let usdm = json!([{"buyer": false, "commission": "-0.07819010", "commissionAsset": "USDT", "id": 698_759,
        "maker": false, "orderId": 25_851_813, "price": "7819.01", "qty": "0.002", "quoteQty": "15.63802",
        "realizedPnl": "-0.91539999", "side": "SELL", "positionSide": "SHORT", "symbol": "BTCUSDT",
        "time": 1_569_514_978_020i64}]);
    let Ok(Answer::Trades(trades)) = ask(UsdM, Ask::Trades { from_id: 0 }, 0, &usdm) else { panic!() };
    let [t] = trades[..] else { panic!() };
    assert_eq!((t.trade_id, t.side, t.px, t.qty, t.maker), (698_759, Side::Sell, Ticks(781_901), Lots(200), false));
    assert_eq!(t.fee, Fee { amount_e8: -7_819_010, asset: *b"USDT\0\0\0\0" });
}

#[test]
fn a_spot_position_is_what_there_is_of_the_base_asset() {
    let account = json!({"canTrade": true, "balances": [
        {"asset": "BTC", "free": "4723846.89208129", "locked": "0.10000001"},
        {"asset": "LTC", "free": "4763368.68006011", "locked": "0.00000000"}]});
    let base = |private: &Private, i| private.answer(Ask::Position, i, 200, account.to_string().as_bytes());
    let known = reader(Spot);
    assert_eq!(base(&known, 0), Ok(Answer::Position { base_e8: 472_384_699_208_130 }));
    assert_eq!(base(&known, 3), Ok(Answer::Position { base_e8: 476_336_868_006_011 }));
    assert_eq!(base(&known, 1), Ok(Answer::Position { base_e8: 0 }), "ETH is not listed");
    // A symbol that ends with no well-known asset: the asset must be given.
    let odd = Private::new(Spot, &[spec("LTCXYZ", "1", "1")]).unwrap();
    let error = base(&odd, 0).unwrap_err();
    assert!(error.text.contains("base asset") && error.code == 0, "{error}");
    let odd = odd.with_assets(&["ltc".to_owned()]);
    assert_eq!(base(&odd, 0), Ok(Answer::Position { base_e8: 476_336_868_006_011 }));
}

#[test]
fn a_futures_position_is_signed_and_one_way() {
    // developers.binance.com, USD-M, "Position Information V3"
    let risk = |amount: &str, mode: &str| {
        json!({"symbol": "BTCUSDT", "positionSide": mode, "positionAmt": amount, "entryPrice": "0.6",
            "breakEvenPrice": "0.6", "markPrice": "0.6", "unRealizedProfit": "-0.06", "liquidationPrice": "0",
            "isolatedMargin": "0", "notional": "-6.3", "marginAsset": "USDT", "adl": 2, "updateTime": 1_720_736_417_660i64})
    };
    let position = |body: Value| ask(UsdM, Ask::Position, 0, &body);
    assert_eq!(position(json!([risk("-0.011", "BOTH")])), Ok(Answer::Position { base_e8: -1_100_000 }));
    assert_eq!(position(json!([])), Ok(Answer::Position { base_e8: 0 }));
    let error = position(json!([risk("0", "LONG"), risk("-1", "SHORT")])).unwrap_err();
    assert!(error.text.contains("one-way"), "{error}");
}

#[test]
fn a_countdown_is_armed_where_there_is_one() {
    let body = json!({"symbol": "BTCUSDT", "countdownTime": "100000"});
    assert_eq!(ask(UsdM, Ask::Countdown { ms: 100_000 }, 0, &body), Ok(Answer::Countdown));
    assert!(ask(Spot, Ask::Countdown { ms: 1 }, 0, &json!({})).unwrap_err().text.contains("no countdown"));
}

#[test]
fn what_is_no_answer_says_why() {
    let reader = reader(Spot);
    let answer = |status, body: &str| reader.answer(Ask::OpenOrders, 0, status, body.as_bytes()).unwrap_err();
    let error = |status, code, text: &str| VenueError { status, code, text: text.to_owned() };
    assert_eq!(answer(0, ""), error(0, 0, "no answer came"));
    assert_eq!(answer(401, r#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#).code, -2015);
    assert!(answer(403, "<html>Forbidden</html>").text.contains("403"));
    assert_eq!(
        answer(429, r#"{"code":-1003,"msg":"Too much \"weight\" used"}"#),
        error(429, -1003, "Too much \"weight\" used")
    );
    assert_eq!(answer(200, r#"{"code":-1121,"msg":"Invalid symbol."}"#), error(200, -1121, "Invalid symbol."));
    assert_eq!(answer(502, &format!("{{\"code\":-1,\"msg\":\"{}\"}}", "x".repeat(999))).text.len(), 200);
    for body in ["", "{}", "[", "[{}]", "[1]", "null"] {
        let e = answer(200, body);
        assert!(e.code == 0 && !e.text.is_empty(), "{body}: {e}");
    }
    // About another symbol than was asked for
    assert!(answer(200, &json!([order()]).to_string()).text.contains("another symbol"));
}

#[test]
fn a_listen_key_is_safe_in_a_path() {
    let key = |status, body: &str| reader(UsdM).listen_key(status, body.as_bytes());
    // developers.binance.com, USD-M, "Start User Data Stream", "Keepalive", "Close"
    let listen = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1";
    assert_eq!(key(200, &format!("{{\"listenKey\":\"{listen}\"}}")), Ok(listen.to_owned()));
    assert_eq!(key(200, "{}"), Ok(String::new()));
    assert_eq!(key(400, r#"{"code":-1125,"msg":"This listenKey does not exist."}"#).unwrap_err().code, -1125);
    assert!(key(200, r#"{"listenKey":"../other"}"#).is_err());
    assert!(key(200, "listenKey").is_err());
}

#[test]
fn recorded_bodies_are_read() {
    let read = |market, what, instrument, path: &str| {
        recorded(path).map(|body| reader(market).answer(what, instrument, 200, body.as_bytes()))
    };
    let expected = VenueOrder { id: None, filled: Lots(0), exch_ns: 1_499_827_319_559_000_000, ..expected() };
    if let Some(answer) = read(Spot, Ask::VenueOrder(1), 3, "spot/http_json/order_response.json") {
        assert_eq!(answer, Ok(Answer::Order(Some(expected))));
    }
    if let Some(answer) = read(Spot, Ask::OpenOrders, 3, "spot/http_json/open_orders_response.json") {
        assert_eq!(answer, Ok(Answer::OpenOrders(vec![expected])));
    }
    if let Some(answer) = read(Spot, Ask::Position, 3, "spot/http_json/account_response.json") {
        assert_eq!(answer, Ok(Answer::Position { base_e8: 476_336_868_006_011 }));
    }
    if let Some(answer) = read(UsdM, Ask::Position, 0, "futures/http_json/position_risk.json") {
        assert_eq!(answer, Ok(Answer::Position { base_e8: 100_000 }));
    }
}
