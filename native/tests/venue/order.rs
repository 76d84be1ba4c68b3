//! What a message says does not depend on the order of its keys, on keys that nobody knows, or on white space. The
//! usual forms have a path of their own through the scanner, so this also compares the paths.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Keys and values of a message, as the venue writes and orders them, its stream, and the market.
fn usual() -> Vec<(Market, &'static str, Vec<(&'static str, &'static str)>)> {
    let usdm_times = [("E", "1723075199999"), ("T", "1723075199998")];
    let head = |kind| vec![("e", kind), usdm_times[0], usdm_times[1], ("s", "\"BTCUSDT\"")];
    let spot_head = |kind| vec![("e", kind), ("E", "1723075199999"), ("s", "\"BTCUSDT\"")];
    let levels = [("b", r#"[["61659.7","1.486"],["61659.60","0.000"]]"#), ("a", r#"[["61659.80","0.981"]]"#)];
    let ids = [("U", "5011224432910"), ("u", "5011224433152")];
    let quote = [("b", "\"61659.70\""), ("B", "\"1.486\""), ("a", "\"61659.80\""), ("A", "\"0.981\"")];
    let trade = [("t", "5217652018"), ("p", "\"61659.70\""), ("q", "\"0.002\"")];
    let with = |mut keys: Vec<_>, more: &[&[_]]| {
        keys.extend(more.concat());
        keys
    };
    vec![
        (
            Market::UsdM,
            "btcusdt@depth@0ms",
            with(head("\"depthUpdate\""), &[&ids, &[("pu", "5011224432819")], &levels]),
        ),
        (Market::Spot, "btcusdt@depth@100ms", with(spot_head("\"depthUpdate\""), &[&ids, &levels])),
        (
            Market::UsdM,
            "btcusdt@bookTicker",
            with(
                vec![("e", "\"bookTicker\""), ids[1], ("s", "\"BTCUSDT\"")],
                &[&quote, &[usdm_times[1], usdm_times[0]]],
            ),
        ),
        (Market::Spot, "btcusdt@bookTicker", with(vec![ids[1], ("s", "\"BTCUSDT\"")], &[&quote])),
        (Market::UsdM, "btcusdt@trade", with(head("\"trade\""), &[&trade, &[("X", "\"MARKET\""), ("m", "true")]])),
        (
            Market::Spot,
            "btcusdt@trade",
            with(spot_head("\"trade\""), &[&trade, &[usdm_times[1], ("m", "true"), ("M", "true")]]),
        ),
    ]
}

fn object(keys: &[(&str, &str)], space: &str) -> String {
    let each: Vec<String> = keys.iter().map(|(k, v)| format!("{space}\"{k}\"{space}:{space}{v}{space}")).collect();
    format!("{{{}}}", each.join(","))
}

fn wrapped(stream: &str, data: &str, space: &str, data_first: bool) -> String {
    let stream = format!("\"{stream}\"");
    let mut keys = [("stream", stream.as_str()), ("data", data)];
    if data_first {
        keys.reverse();
    }
    object(&keys, space)
}

#[test]
fn the_usual_forms_are_events() {
    for (market, stream, keys) in usual() {
        let d = decode(market, &wrapped(stream, &object(&keys, ""), "", false));
        assert!(!matches!(d.event, Event::Ignored | Event::Malformed { .. }), "{stream}: {:?}", d.event);
        if let Event::Depth { .. } = d.event {
            assert_eq!(d.bids(), levels(&[(616_597, 1486), (616_596, 0)]));
            assert_eq!(d.asks(), levels(&[(616_598, 981)]));
        }
    }
}

/// JSON values that nobody expects; their keys are none of the known ones.
fn unknown() -> impl Strategy<Value = (&'static str, &'static str)> {
    let keys = ["st", "ps", "x", "ee", "bb", "", "stream", "\\\"b\\\"", "lastUpdateId", "bids"];
    let values = [
        "1",
        "-1.5e3",
        "null",
        "true",
        "\"BTCUSDT\"",
        r#""a \"quoted\" word, \\ and }]""#,
        "[]",
        "{}",
        r#"[[1,"]"],{"b":["0"]}]"#,
        r#"{"s":"ETHUSDT","b":[["1","2"]],"e":{"e":"trade"}}"#,
    ];
    (select(keys.to_vec()), select(values.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn order_strangers_and_space_change_nothing(
        which in 0usize..6,
        order in prop::collection::vec(any::<Index>(), 12),
        strangers in prop::collection::vec((any::<Index>(), unknown()), 0..4),
        space in select(vec!["", " ", "\n  ", "\t\r\n"]),
        single: bool,
        data_first: bool,
    ) {
        let (market, stream, usual_keys) = usual().swap_remove(which);
        let want = decode(market, &wrapped(stream, &object(&usual_keys, ""), "", false));
        let mut keys = usual_keys;
        for (i, at) in order.iter().enumerate().take(keys.len()) {
            let j = at.index(keys.len());
            keys.swap(i, j);
        }
        for (at, stranger) in &strangers {
            // A key of the wrapper inside the data would make a wrapper of it when there is none around it.
            if !(single && stranger.0 == "stream") {
                keys.insert(at.index(keys.len() + 1), *stranger);
            }
        }
        let data = object(&keys, space);
        let text = if single { data } else { wrapped(stream, &data, space, data_first) };
        let got = decode(market, &text);
        prop_assert_eq!(got.event, want.event, "{}", text);
        prop_assert_eq!((got.bids(), got.asks()), (want.bids(), want.asks()), "{}", text);
    }

    #[test]
    fn damaged_messages_never_panic_nor_make_up_levels(
        which in 0usize..6,
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<Index>()),
    ) {
        let (market, stream, keys) = usual().swap_remove(which);
        let mut bytes = wrapped(stream, &object(&keys, ""), "", false).into_bytes();
        for (at, byte) in &damage {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for source in [Source::Market, Source::Snapshot] {
            let d = decode_as(&dialect(market), source, 0, &bytes);
            let depth = matches!(d.event, Event::Depth { .. } | Event::Snapshot { .. });
            prop_assert!(depth || d.levels.is_empty(), "{:?}", d);
            prop_assert!(d.bids <= d.levels.len());
        }
    }
}

#[test]
fn a_message_cut_anywhere_is_no_event() {
    for (market, stream, keys) in usual() {
        let text = wrapped(stream, &object(&keys, ""), "", false);
        for end in 0..text.len() - 1 {
            let d = decode(market, &text[..end]);
            let none = matches!(d.event, Event::Ignored | Event::Malformed { .. });
            assert!(none && d.levels.is_empty(), "{}: {:?}", &text[..end], d.event);
        }
    }
}
