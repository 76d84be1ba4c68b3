//! The venue's own example messages, from binance-spot-api-docs (web-socket-streams.md, rest-api.md) and
//! developers.binance.com (USD-M), and the files of `$SEARCHER_DATA/messages/binance` where they are.

use std::path::PathBuf;

use super::*;

const MS: i64 = 1_000_000;

/// The message alone and in the combined form, decoded on the grid of its symbol.
fn both(market: Market, stream: &str, s: InstrumentSpec, text: &str) -> Decoded {
    let dialect = Binance::new(market, &[s]).unwrap();
    let single = decode_as(&dialect, Source::Market, Frame::UNTAGGED, text.as_bytes());
    let text = format!("{{\"stream\":\"{stream}\",\"data\":{text}}}");
    let combined = decode_as(&dialect, Source::Market, Frame::UNTAGGED, text.as_bytes());
    assert_eq!((single.event, &single.levels), (combined.event, &combined.levels), "{text}");
    assert_eq!(single.bids, combined.bids);
    combined
}

fn level(px: i64, qty: i64) -> Level {
    Level { px: Ticks(px), qty: Lots(qty) }
}

#[test]
fn spot_trade() {
    let s = spec("BNBBTC", "0.001", "1");
    // as documented until 2023, with the ids of both orders in it, and as it is now
    for orders in ["\"b\": 88, \"a\": 50,", ""] {
        let text = format!(
            r#"{{"e": "trade", "E": 1672515782136, "s": "BNBBTC", "t": 12345, "p": "0.001", "q": "100", {orders}
                "T": 1672515782136, "m": true, "M": true}}"#
        );
        let d = both(Market::Spot, "bnbbtc@trade", s.clone(), &text);
        let (instrument, exch_ns) = (0, 1_672_515_782_136 * MS);
        let want = Event::Trade { instrument, exch_ns, id: 12345, px: Ticks(1), qty: Lots(100), side: Side::Sell };
        assert_eq!(d.event, want, "{text}");
    }
}

#[test]
fn spot_book_ticker() {
    let text = r#"{"u":400900217, "s":"BNBUSDT", "b":"25.35190000", "B":"31.21000000", "a":"25.36520000",
        "A":"40.66000000"}"#;
    let d = both(Market::Spot, "bnbusdt@bookTicker", spec("BNBUSDT", "0.0001", "0.01"), text);
    let (bid, ask) = (level(253_519, 3121), level(253_652, 4066));
    assert_eq!(d.event, Event::Quote { instrument: 0, exch_ns: 0, id: 400_900_217, bid, ask });
}

#[test]
fn spot_depth() {
    let text = r#"{"e": "depthUpdate", "E": 1672515782136, "s": "BNBBTC", "U": 157, "u": 160,
        "b": [["0.0024", "10"]], "a": [["0.0026", "100"]]}"#;
    for stream in ["bnbbtc@depth", "bnbbtc@depth@100ms"] {
        let d = both(Market::Spot, stream, spec("BNBBTC", "0.0001", "1"), text);
        let (exch_ns, first_id, last_id) = (1_672_515_782_136 * MS, 157, 160);
        assert_eq!(d.event, Event::Depth { instrument: 0, exch_ns, first_id, last_id, prev_id: 0 });
        assert_eq!((d.bids(), d.asks()), ([level(24, 10)].as_slice(), [level(26, 100)].as_slice()));
    }
}

#[test]
fn spot_rest_snapshot() {
    let text = br#"{"lastUpdateId": 1027024, "bids": [["4.00000000", "431.00000000"]],
        "asks": [["4.00000200", "12.00000000"]]}"#;
    let dialect = Binance::new(Market::Spot, &[spec("LTCBTC", "0.000002", "1")]).unwrap();
    let d = decode_as(&dialect, Source::Snapshot, Frame::UNTAGGED, text);
    assert_eq!(d.event, Event::Snapshot { instrument: 0, exch_ns: 0, last_id: 1_027_024 });
    assert_eq!((d.bids(), d.asks()), ([level(2_000_000, 431)].as_slice(), [level(2_000_001, 12)].as_slice()));
}

#[test]
fn partial_depth_is_not_the_book() {
    // Top levels only, on streams of their own: spot's looks like a snapshot, USD-M's like a change.
    let spot = r#"{"lastUpdateId": 160, "bids": [["0.0024", "10"]], "asks": [["0.0026", "100"]]}"#;
    let usdm = r#"{"e": "depthUpdate", "E": 1571889248277, "T": 1571889248276, "s": "BNBBTC", "U": 390497796,
        "u": 390497878, "pu": 390497794, "b": [["0.0024", "10"]], "a": [["0.0026", "100"]]}"#;
    let s = spec("BNBBTC", "0.0001", "1");
    for (market, text) in [(Market::Spot, spot), (Market::UsdM, usdm)] {
        let dialect = Binance::new(market, std::slice::from_ref(&s)).unwrap();
        for stream in ["bnbbtc@depth5", "bnbbtc@depth10@100ms", "bnbbtc@depth20@500ms"] {
            let text = format!("{{\"stream\":\"{stream}\",\"data\":{text}}}");
            let d = decode_as(&dialect, Source::Market, Frame::UNTAGGED, text.as_bytes());
            assert_eq!((d.event, d.levels.len()), (Event::Ignored, 0), "{text}");
        }
    }
    // Without the wrapper spot's says no symbol; only what was asked for as a snapshot is one.
    let dialect = Binance::new(Market::Spot, &[s]).unwrap();
    let d = decode_as(&dialect, Source::Market, Frame::UNTAGGED, spot.as_bytes());
    assert_eq!(d.event, Event::Ignored);
}

#[test]
fn microseconds_are_recognised() {
    let text =
        r#"{"e":"trade","E":1672515782136001,"s":"BTCUSDT","t":1,"p":"1.0","q":"1","T":1672515782136002,"m":false}"#;
    let d = decode(Market::Spot, text);
    assert!(matches!(d.event, Event::Trade { exch_ns: 1_672_515_782_136_002_000, side: Side::Buy, .. }), "{d:?}");
}

fn messages() -> Option<PathBuf> {
    let root = std::env::var_os("SEARCHER_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let path = root.join("messages/binance/futures/market_data_json");
    let found = path.is_dir();
    if !found {
        eprintln!("skipped: no {}; set SEARCHER_DATA to the recorded data", path.display());
    }
    found.then_some(path)
}

#[test]
fn usdm_messages_of_the_data_folder() {
    let Some(folder) = messages() else { return };
    let get = |file: &str, stream: &str, s: InstrumentSpec| {
        both(Market::UsdM, stream, s, &std::fs::read_to_string(folder.join(file)).unwrap())
    };
    let btc = || spec("BTCUSDT", "0.0001", "1");
    let d = get("depth_update_stream.json", "btcusdt@depth", btc());
    let (exch_ns, first_id, last_id, prev_id) = (123_456_788 * MS, 157, 160, 149);
    assert_eq!(d.event, Event::Depth { instrument: 0, exch_ns, first_id, last_id, prev_id });
    assert_eq!((d.bids(), d.asks()), ([level(24, 10)].as_slice(), [level(26, 100)].as_slice()));

    let d = get("book_ticker_stream.json", "bnbusdt@bookTicker", spec("BNBUSDT", "0.0001", "0.01"));
    let (bid, ask, exch_ns) = (level(253_519, 3121), level(253_652, 4066), 1_568_014_460_891 * MS);
    assert_eq!(d.event, Event::Quote { instrument: 0, exch_ns, id: 400_900_217, bid, ask });

    let d = get("trade_stream.json", "btcusdt@trade", btc());
    let (exch_ns, px, qty, side) = (123_456_785 * MS, Ticks(10), Lots(100), Side::Sell);
    assert_eq!(d.event, Event::Trade { instrument: 0, exch_ns, id: 5_933_014, px, qty, side });

    for (file, stream) in [
        ("agg_trade_stream.json", "btcusdt@aggTrade"),
        ("kline_stream_open.json", "btcusdt@kline_1m"),
        ("kline_stream_closed.json", "btcusdt@kline_1m"),
        ("liquidation_stream.json", "btcusdt@forceOrder"),
        ("ticker_stream.json", "btcusdt@ticker"),
    ] {
        assert_eq!(get(file, stream, btc()).event, Event::Ignored, "{file}: no stream of ours");
    }
}
