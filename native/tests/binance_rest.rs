//! REST requests: paths and weights as documented, signatures as the venue checks them.
#![allow(clippy::unwrap_used)] // helpers of tests

use _core::cex::venues::binance::Market::{self, Spot, UsdM};
use _core::cex::venues::binance_orders::Unsupported;
use _core::cex::venues::binance_rest::{ListenKey, Rest, RestRequest};
use _core::cex::venues::binance_sign::{Credentials, KeyKind};
use _core::event::{Action, Ask, Intent, Side, TimeInForce};
use _core::units::{Decimal, InstrumentSpec, Lots, Ticks};

/// The example key of rest-api.md, and RFC 8032's.
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
const NOW: i64 = 1_499_827_319_559;

fn keys(kind: KeyKind) -> Credentials {
    Credentials::new(kind, "key", if kind == KeyKind::Hmac { SECRET } else { ED25519 }).unwrap()
}

fn rest(market: Market) -> Rest {
    let d = |s: &str| Decimal::parse(s.as_bytes()).unwrap();
    let spec = |symbol: &str| InstrumentSpec {
        symbol: symbol.into(),
        tick: d("0.1"),
        lot: d("1"),
        maker_fee_e8: 0,
        taker_fee_e8: 0,
    };
    Rest::new(market, &[spec("ltcbtc"), spec("\u{5e01}\u{5b89}USDT")], 5000).unwrap()
}

/// The query without its signature, which must be that of the query.
fn unsigned(request: &RestRequest, kind: KeyKind) -> String {
    assert!(request.keyed);
    let (path, query) = request.target.split_once('?').unwrap();
    let (query, signature) = query.rsplit_once("&signature=").unwrap();
    assert!(request.target.is_ascii() && !signature.contains(['+', '/', '=']), "{signature}");
    let mut expected = Vec::new();
    keys(kind).sign(query.as_bytes(), &mut expected);
    let decoded = signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    assert_eq!(decoded.as_bytes(), expected);
    format!("{} {path}?{query}", request.method)
}

#[test]
fn what_is_asked_has_its_path_and_weight() {
    let tail = "recvWindow=5000&timestamp=1499827319559";
    let id = 0x0001_0000_0000_00a7;
    let cases = [
        (Spot, Ask::OpenOrders, 6, "GET /api/v3/openOrders?symbol=LTCBTC"),
        (UsdM, Ask::OpenOrders, 1, "GET /fapi/v1/openOrders?symbol=LTCBTC"),
        (Spot, Ask::Order(id), 4, "GET /api/v3/order?symbol=LTCBTC&origClientOrderId=se-00010000000000a7"),
        (UsdM, Ask::Order(id), 1, "GET /fapi/v1/order?symbol=LTCBTC&origClientOrderId=se-00010000000000a7"),
        (Spot, Ask::VenueOrder(9), 4, "GET /api/v3/order?symbol=LTCBTC&orderId=9"),
        (UsdM, Ask::VenueOrder(9), 1, "GET /fapi/v1/order?symbol=LTCBTC&orderId=9"),
        (Spot, Ask::Trades { from_id: 7 }, 20, "GET /api/v3/myTrades?symbol=LTCBTC&fromId=7&limit=1000"),
        (UsdM, Ask::Trades { from_id: 0 }, 5, "GET /fapi/v1/userTrades?symbol=LTCBTC&limit=1000"),
        (Spot, Ask::Position, 20, "GET /api/v3/account?omitZeroBalances=true"),
        (UsdM, Ask::Position, 5, "GET /fapi/v3/positionRisk?symbol=LTCBTC"),
        (
            UsdM,
            Ask::Countdown { ms: 120_000 },
            10,
            "POST /fapi/v1/countdownCancelAll?countdownTime=120000&symbol=LTCBTC",
        ),
        (UsdM, Ask::Countdown { ms: 0 }, 10, "POST /fapi/v1/countdownCancelAll?countdownTime=0&symbol=LTCBTC"),
    ];
    for (market, ask, weight, wanted) in cases {
        for kind in [KeyKind::Hmac, KeyKind::Ed25519] {
            let request = rest(market).ask(ask, 0, NOW, &keys(kind));
            assert_eq!(unsigned(&request, kind), format!("{wanted}&{tail}"));
            assert_eq!(request.weight, weight, "{wanted}");
        }
    }
    let account = rest(UsdM).account(NOW, &keys(KeyKind::Hmac));
    assert_eq!(unsigned(&account, KeyKind::Hmac), format!("GET /fapi/v3/account?{tail}"));
    let permissions = rest(Spot).key_permissions(NOW, &keys(KeyKind::Hmac));
    assert_eq!(unsigned(&permissions, KeyKind::Hmac), format!("GET /sapi/v1/account/apiRestrictions?{tail}"));
}

#[test]
fn what_is_public_is_not_signed() {
    let open = |target: &str, weight| RestRequest { method: "GET", target: target.into(), keyed: false, weight };
    assert_eq!(rest(Spot).snapshot(0), open("/api/v3/depth?symbol=LTCBTC&limit=1000", 50));
    assert_eq!(rest(UsdM).snapshot(0), open("/fapi/v1/depth?symbol=LTCBTC&limit=1000", 20));
    assert_eq!(rest(Spot).snapshot(1).target, "/api/v3/depth?symbol=%E5%B8%81%E5%AE%89USDT&limit=1000");
    assert_eq!(rest(Spot).time(), open("/api/v3/time", 1));
    assert_eq!(rest(UsdM).time(), open("/fapi/v1/time", 1));
    let symbols = "%5B%22LTCBTC%22%2C%22%E5%B8%81%E5%AE%89USDT%22%5D";
    assert_eq!(rest(Spot).exchange_info(), open(&format!("/api/v3/exchangeInfo?symbols={symbols}"), 20));
    assert_eq!(rest(UsdM).exchange_info(), open("/fapi/v1/exchangeInfo", 1));
    // Spot has no dead-man switch: nothing is armed by what is sent instead.
    let ping = rest(Spot).ask(Ask::Countdown { ms: 1 }, 0, NOW, &keys(KeyKind::Hmac));
    assert_eq!(ping, open("/api/v3/ping", 1));
    for (what, method) in [(ListenKey::Start, "POST"), (ListenKey::KeepAlive, "PUT"), (ListenKey::Close, "DELETE")] {
        let request = RestRequest { method, target: "/fapi/v1/listenKey".into(), keyed: true, weight: 1 };
        assert_eq!(rest(UsdM).listen_key(what), request);
    }
}

fn intent(action: Action, instrument: u16) -> Intent {
    Intent {
        id: 0x0001_0000_0000_00a7,
        kernel: 0,
        instrument,
        action,
        side: Side::Buy,
        tif: TimeInForce::Gtx,
        reduce_only: false,
        px: Ticks(1),
        qty: Lots(1),
        decided_ns: 0,
    }
}

#[test]
fn orders_go_over_rest_too() {
    let id = "se-00010000000000a7";
    let tail = "recvWindow=5000&side=BUY&symbol=LTCBTC";
    let terms = "price=0.1&quantity=1";
    let end = format!("timestamp={NOW}");
    let replace = format!(
        "cancelNewClientOrderId=r{id}&cancelOrigClientOrderId={id}&cancelReplaceMode=STOP_ON_FAILURE\
         &cancelRestrictions=ONLY_NEW&newClientOrderId={id}&newOrderRespType=RESULT"
    );
    let cases = [
        (
            Spot,
            Action::Place,
            1,
            format!(
                "POST /api/v3/order?newClientOrderId={id}&newOrderRespType=RESULT&{terms}&{tail}&{end}&type=LIMIT_MAKER"
            ),
        ),
        (
            Spot,
            Action::Cancel,
            1,
            format!("DELETE /api/v3/order?origClientOrderId={id}&recvWindow=5000&symbol=LTCBTC&{end}"),
        ),
        (
            Spot,
            Action::Replace,
            1,
            format!("POST /api/v3/order/cancelReplace?{replace}&{terms}&{tail}&{end}&type=LIMIT_MAKER"),
        ),
        (
            UsdM,
            Action::Place,
            0,
            format!(
                "POST /fapi/v1/order?newClientOrderId={id}&newOrderRespType=ACK&{terms}&{tail}&timeInForce=GTX&{end}&type=LIMIT"
            ),
        ),
        (
            UsdM,
            Action::Cancel,
            1,
            format!("DELETE /fapi/v1/order?origClientOrderId={id}&recvWindow=5000&symbol=LTCBTC&{end}"),
        ),
        (UsdM, Action::Replace, 0, format!("PUT /fapi/v1/order?origClientOrderId={id}&{terms}&{tail}&{end}")),
    ];
    for (market, action, weight, wanted) in cases {
        for kind in [KeyKind::Hmac, KeyKind::Ed25519] {
            let request = rest(market).order(&intent(action, 0), NOW, &keys(kind)).unwrap();
            assert_eq!((unsigned(&request, kind), request.weight), (wanted.clone(), weight));
        }
    }
    // A symbol that is not ASCII is percent-encoded before it is signed (rest-api.md, "SIGNED Endpoint Examples").
    let request = rest(Spot).order(&intent(Action::Place, 1), NOW, &keys(KeyKind::Hmac)).unwrap();
    assert!(unsigned(&request, KeyKind::Hmac).contains("&symbol=%E5%B8%81%E5%AE%89USDT&"));
    let refused = rest(Spot).order(&Intent { px: Ticks(0), ..intent(Action::Place, 0) }, NOW, &keys(KeyKind::Hmac));
    assert_eq!(refused, Err(Unsupported::NotPositive));
}
