//! Messages that belong to a connection.

use _core::cex::venues::binance::Market::{Spot, UsdM};
use _core::cex::venues::binance_private::{Session, VenueError};
use _core::event::{Action, Event, Side};
use serde_json::json;

use super::{decode, reader, recorded, request_id};

#[test]
fn logging_on_and_subscribing_are_answered() {
    let reader = reader(Spot);
    let read = |message: serde_json::Value| reader.session(message.to_string().as_bytes());
    // web-socket-api.md, "Log in with API key", "Subscribe to User Data Stream"
    let logon = json!({"id": "l", "status": 200, "result": {"apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "authorizedSince": 1_649_729_878_532i64, "connectedSince": 1_649_729_873_021i64, "returnRateLimits": false,
        "serverTime": 1_649_729_878_630i64, "userDataStream": false}});
    assert_eq!(read(logon.clone()), Some(Session::Logon(Ok(()))));
    assert_eq!(decode(Spot, &logon.to_string()).0, Event::Ignored);
    let subscribed = json!({"id": "u", "status": 200, "result": {"subscriptionId": 0}});
    assert_eq!(read(subscribed), Some(Session::UserData(Ok(()))));
    let refused =
        json!({"status": 401, "error": {"code": -2015, "msg": "Invalid API-key, \"IP\", or permissions."}, "id": "u"});
    let error = VenueError { status: 401, code: -2015, text: "Invalid API-key, \"IP\", or permissions.".into() };
    assert_eq!(error.to_string(), "Invalid API-key, \"IP\", or permissions. (status 401, code -2015)");
    assert_eq!(read(refused), Some(Session::UserData(Err(error))));
    let broken = json!({"id": "l", "status": 500});
    let error = VenueError { status: 500, code: 0, text: String::new() };
    assert_eq!(read(broken), Some(Session::Logon(Err(error))));
    let order = json!({"id": request_id(Action::Place, Side::Buy, 0), "status": 200, "result": {}});
    assert_eq!(read(order), None);
    assert_eq!(read(json!({"id": null, "status": 400, "error": {"code": -1135, "msg": "Invalid JSON"}})), None);
    assert_eq!(read(json!({"id": 1, "result": null})), None);
    assert_eq!(reader.session(b"{\"id\""), None);
}

#[test]
fn the_venue_announces_the_end() {
    // web-socket-api.md, "Event format"; user-data-stream.md, "Event Stream Terminated", "Listen Key Expired"
    let endings = [
        json!({"event": {"e": "serverShutdown", "E": 1_770_123_456_789i64}}),
        json!({"e": "serverShutdown", "E": 1_770_123_456_789i64}),
        json!({"subscriptionId": 1, "event": {"e": "eventStreamTerminated", "E": 1_728_973_001_334i64}}),
        json!({"e": "listenKeyExpired", "E": 1_699_596_037_418i64, "listenKey": "OfYGbUzi3PraNagEkdKuFwUHn48brFsItTdsuiIXrucE"}),
        json!({"stream": "OfYGbUzi3PraNagEkdKu", "data": {"e": "listenKeyExpired", "E": 1_699_596_037_418i64}}),
    ];
    for message in endings {
        for market in [Spot, UsdM] {
            assert_eq!(reader(market).session(message.to_string().as_bytes()), Some(Session::Ending), "{message}");
            assert_eq!(decode(market, &message.to_string()).0, Event::Ignored);
        }
    }
    let said = json!({"e": "executionReport", "s": "BTCUSDT", "c": "serverShutdown"});
    assert_eq!(reader(Spot).session(said.to_string().as_bytes()), None);
    if let Some(text) = recorded("spot/user_data_json/execution_report_trade.json") {
        assert_eq!(reader(Spot).session(text.as_bytes()), None);
    }
}
