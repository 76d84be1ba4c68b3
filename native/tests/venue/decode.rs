//! What is not for us is ignored, and what cannot be read says why, and whether it may have been depth.

use super::*;

fn depth(levels: &str) -> String {
    format!(
        r#"{{"stream":"btcusdt@depth@0ms","data":{{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT","U":5,"u":9,"pu":4,{levels}}}}}"#
    )
}

fn usdm(text: &str) -> Decoded {
    decode(Market::UsdM, text)
}

#[test]
fn other_symbols_streams_and_replies_are_ignored() {
    for text in [
        r#"{"result":null,"id":1}"#,
        r#"{"result":["btcusdt@depth"],"id":3}"#,
        r#"{"id":2,"error":{"code":2,"msg":"Invalid request: \"b\" {"}}"#,
        r#"{"code":0,"msg":"Unknown property","id":5}"#,
        r#"{"e":"serverShutdown","E":1770123456789}"#,
        r#"{"stream":"solusdt@trade","data":{"e":"trade","s":"SOLUSDT","p":"x"}}"#,
        r#"{"e":"depthUpdate","E":1,"s":"SOLUSDT","U":1,"u":1,"pu":0,"b":[["nonsense"]],"a":[]}"#,
        r#"{"stream":"btcusdt@depth","data":{"e":"depthUpdate","s":"SOLUSDT","b":[["x"]],"a":[]}}"#,
        r#"{"stream":"btcusdt@kline_1m","data":{"e":"kline","s":"BTCUSDT","k":{"b":[["x"]]}}}"#,
        r#"{"stream":"btcusdt@rpiDepth@500ms","data":{"e":"depthUpdate","s":"BTCUSDT","b":[["x"]]}}"#,
        r#"{"stream":"!bookTicker","data":{"e":"bookTicker","s":"BTCUSDT"}}"#,
        r#"{"stream":"btcusdt","data":{}}"#,
        "{}",
        " { } ",
    ] {
        assert_eq!(usdm(text).event, Event::Ignored, "{text}");
    }
}

#[test]
fn trades_that_are_not_of_the_book_are_ignored() {
    let trade = |x: &str, q: &str| {
        usdm(&format!(
            r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":2,"T":1,"s":"BTCUSDT","t":7,"p":"61659.70","q":"{q}","X":"{x}","m":true}}}}"#
        ))
    };
    assert!(matches!(trade("MARKET", "0.002").event, Event::Trade { id: 7, .. }));
    for (x, q) in [("INSURANCE_FUND", "0.002"), ("ADL", "0.002"), ("NA", "0.002"), ("MARKET", "0.000")] {
        assert_eq!(trade(x, q).event, Event::Ignored, "{x} {q}");
    }
}

#[test]
fn each_instrument_has_its_own_grid() {
    let d = usdm(
        r#"{"stream":"ethusdt@depth","data":{"e":"depthUpdate","E":1,"s":"ETHUSDT","U":5,"u":9,"pu":4,"b":[["2600.01","0.0003"]],"a":[]}}"#,
    );
    assert!(matches!(d.event, Event::Depth { instrument: 1, .. }));
    assert_eq!(d.bids(), levels(&[(260_001, 3)]));
}

#[test]
fn depth_that_cannot_be_read_names_its_book_and_why() {
    let off_grid = "a number is not a whole multiple of the instrument's tick or lot";
    let large = "a number has more digits than fit";
    let not_number = "a price or quantity is not a number";
    for (levels, why) in [
        (r#""b":[["61659.75","1"]],"a":[]"#, off_grid),
        (r#""b":[["61659.7","0.0001"]],"a":[]"#, off_grid),
        (r#""b":[["12345678901234567890.1","1"]],"a":[]"#, large),
        (r#""b":[["99999999999999999999999","1"]],"a":[]"#, large),
        (r#""b":[["1000000000000000000","1"]],"a":[]"#, large),
        (r#""b":[["-1.0","1"]],"a":[]"#, not_number),
        (r#""b":[["","1"]],"a":[]"#, not_number),
        (r#""b":[["1e5","1"]],"a":[]"#, not_number),
        (r#""b":[["1.0","NaN"]],"a":[]"#, not_number),
        (r#""b":[[61659.7,"1"]],"a":[]"#, "a quoted price was expected"),
        (r#""b":[["1.0",1]],"a":[]"#, "a quoted quantity was expected"),
        (r#""b":[["1.0"]],"a":[]"#, "a level has no quantity"),
        (r#""b":[["1.0","1""#, "a level does not end"),
        (r#""b":[["1.0","1"];"#, "a list of levels does not end"),
        (r#""b":["1.0","1"],"a":[]"#, "a level was expected"),
        (r#""b":null,"a":[]"#, "a list of levels was expected"),
        (r#""b":[],"x":0"#, "a depth event lacks its update ids, bids or asks"),
        (r#""a":[],"x":0"#, "a depth event lacks its update ids, bids or asks"),
        (r#""b":[],"a":[],"u":18446744073709551616"#, "an integer is too large"),
        (r#""b":[],"a":[],"u":"9""#, "an integer was expected"),
        (r#""b":[],"a":[],"x""#, "a key has no value"),
        (r#""b":[],"a":[],x"#, "a string was expected"),
        (r#""b":[],"a":[],"x":"#, "a value is missing"),
    ] {
        let d = usdm(&depth(levels));
        assert_eq!(refused(&d), Some((why, Some(0))), "{levels}");
        assert!(d.levels.is_empty());
    }
    let text = depth(r#""b":[],"a":[]"#);
    for key in [r#""U":5,"#, r#""u":9,"#, r#""pu":4,"#] {
        let why = "a depth event lacks its update ids, bids or asks";
        assert_eq!(refused(&usdm(&text.replace(key, ""))), Some((why, Some(0))), "{key}");
    }
    let spot = decode(Market::Spot, &text.replace(r#""pu":4,"#, ""));
    assert!(matches!(spot.event, Event::Depth { prev_id: 0, .. }), "spot has no pu");
}

#[test]
fn a_quote_or_trade_that_cannot_be_read_costs_no_book() {
    let quote = |rest: &str| {
        format!(r#"{{"stream":"btcusdt@bookTicker","data":{{"e":"bookTicker","u":1,"s":"BTCUSDT",{rest}}}}}"#)
    };
    let trade = |rest: &str| format!(r#"{{"e":"trade","E":1,"T":1,"s":"BTCUSDT",{rest}}}"#);
    for (text, why) in [
        (quote(r#""b":"1.0","B":"1","a":"1.1""#), "a bookTicker lacks its id, prices or quantities"),
        (
            quote(r#""b":"1.05","B":"1","a":"1.1","A":"1""#),
            "a number is not a whole multiple of the instrument's tick or lot",
        ),
        (quote(r#""b":[],"B":"1","a":"1.1","A":"1""#), "a quoted number was expected"),
        (trade(r#""t":1,"p":"1.0","q":"1""#), "a trade lacks its id, price, quantity or side"),
        (trade(r#""t":1,"p":"1.0","q":"1","m":"true""#), "true or false was expected"),
        (trade(r#""t":-1,"p":"1.0","q":"1","m":true"#), "an integer was expected"),
    ] {
        assert_eq!(refused(&usdm(&text)), Some((why, None)), "{text}");
    }
}

#[test]
fn what_is_no_message_may_have_been_anything() {
    for (text, why) in [
        ("", "an object was expected"),
        ("null", "an object was expected"),
        ("[]", "an object was expected"),
        (r#"{"stream":"btcusdt@depth","data""#, "a key has no value"),
        (r#"{"stream":"btcusdt@depth","more":{}}"#, "the stream has no data"),
        (r#"{"stream":"btcusdt@depth"#, "the message ends inside a string"),
    ] {
        assert_eq!(refused(&usdm(text)).map(|r| r.0), Some(why), "{text}");
    }
}

#[test]
fn a_snapshot_says_whose_it_is_by_its_tag() {
    let text = br#"{"lastUpdateId":7,"E":3,"T":2,"bids":[["2.00","1"]],"asks":[["3.00","1"]]}"#;
    let two = dialect(Market::UsdM);
    let d = decode_as(&two, Source::Snapshot, 1, text);
    assert_eq!(d.event, Event::Snapshot { instrument: 1, exch_ns: 2_000_000, last_id: 7 });
    assert_eq!((d.bids(), d.asks()), (levels(&[(200, 10_000)]).as_slice(), levels(&[(300, 10_000)]).as_slice()));
    // asks before bids are the same book
    let turned = br#"{"asks":[["3.00","1"]],"T":2,"bids":[["2.00","1"]],"lastUpdateId":7}"#;
    let t = decode_as(&two, Source::Snapshot, 1, turned);
    assert_eq!((t.event, t.bids(), t.asks()), (d.event, d.bids(), d.asks()));
    let untagged = decode_as(&two, Source::Snapshot, Frame::UNTAGGED, text);
    let (why, lost) = refused(&untagged).unwrap();
    assert!(why.contains("does not say its symbol") && why.contains("@depthSnapshot") && lost.is_none(), "{why}");
    let far = decode_as(&two, Source::Snapshot, 2, text);
    assert_eq!(refused(&far), Some(("a snapshot is of an instrument that the lane does not have", None)));
    // A recorder that knows whose it is says so in the form of a stream.
    let data = std::str::from_utf8(text).unwrap();
    for more in ["", "\"generated\":true,"] {
        let line = format!("{{\"stream\":\"ethusdt@depthSnapshot\",{more}\"data\":{data}}}");
        let r = usdm(&line);
        assert_eq!((r.event, r.bids(), r.asks()), (d.event, d.bids(), d.asks()), "{line}");
        let line = format!("{{\"stream\":\"ethusdt@depthSnapshot\",{more}\"data\":{{\"bids\":[],\"asks\":[]}}}}");
        assert_eq!(refused(&usdm(&line)), Some(("a snapshot lacks lastUpdateId, bids or asks", None)));
        let line = format!("{{\"stream\":\"solusdt@depthSnapshot\",{more}\"data\":{data}}}");
        assert_eq!(usdm(&line).event, Event::Ignored);
    }
    // What is wrong with a snapshot is no harm to a book that is in sync without it.
    for broken in
        [r#"{"lastUpdateId":7,"bids":[]}"#, r#"{"bids":[],"asks":[]}"#, r#"{"code":-1003,"msg":"Too many requests"}"#]
    {
        let d = decode_as(&two, Source::Snapshot, 0, broken.as_bytes());
        assert_eq!(refused(&d), Some(("a snapshot lacks lastUpdateId, bids or asks", None)), "{broken}");
    }
}

#[test]
fn instruments_that_cannot_be_told_apart_are_refused() {
    let twice = [spec("BTCUSDT", "1", "1"), spec("btcusdt", "1", "1")];
    assert_eq!(Binance::new(Market::Spot, &twice).unwrap_err(), "btcusdt is configured twice");
    let e = Binance::new(Market::Spot, &[spec("BTCUSDT", "0", "1")]).unwrap_err();
    assert!(e.contains("BTCUSDT: tick 0") && e.contains("must be positive"), "{e}");
}
