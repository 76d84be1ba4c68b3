//! Four symbols of a recorded capture through one lane, against a naive book in plain maps.

use std::collections::BTreeMap;
use std::io::Read;

use super::*;
use _core::event::Level;
use serde_json::Value;

struct Line {
    recv_ns: i64,
    /// Of a snapshot: the symbol asked for.
    asked: Option<String>,
    body: String,
}

fn unpack(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// `seconds.fraction` as nanoseconds.
fn nanoseconds(text: &str) -> i64 {
    let t = d(text);
    i64::try_from(t.floor_scaled(9)).unwrap()
}

/// cryptofeed's raw form: `<time>: <message>` a line, and `<url> -> <time>: <body>` for what was asked by HTTP.
fn capture() -> Option<Vec<Line>> {
    let (http, ws) = (data("captures/BINANCE_FUTURES.http.0.0.gz")?, data("captures/BINANCE_FUTURES.ws.1.0.gz")?);
    let mut lines = Vec::new();
    for line in unpack(&http).lines().filter(|l| !l.is_empty()) {
        let (url, rest) = line.split_once(" -> ").unwrap();
        let (time, body) = rest.split_once(": ").unwrap();
        let asked = url.split("symbol=").nth(1).unwrap().split('&').next().unwrap();
        lines.push(Line { recv_ns: nanoseconds(time), asked: Some(asked.into()), body: body.into() });
    }
    for line in unpack(&ws).lines().filter(|l| !l.is_empty() && !l.starts_with("wss:")) {
        let (time, body) = line.split_once(": ").unwrap();
        lines.push(Line { recv_ns: nanoseconds(time), asked: None, body: body.into() });
    }
    lines.sort_by_key(|l| l.recv_ns);
    Some(lines)
}

const SYMBOLS: [(&str, &str); 4] =
    [("SUSHIUSDT", "0.0001"), ("AKROUSDT", "0.00001"), ("KEEPUSDT", "0.0001"), ("CTKUSDT", "0.00001")];

/// One side of a naive book: price to quantity.
type Side_ = BTreeMap<i64, i64>;

/// A book by the venue's rules, without a scanner, pages or a buffer that forgets.
#[derive(Default)]
struct Naive {
    sides: [Side_; 2],
    kept: Vec<Value>,
    last: Option<u64>,
    snapshot: Option<u64>,
    applied: u64,
    gaps: u64,
    /// Last id and both best levels after each event applied; and each bookTicker's.
    tops: Vec<(u64, [(i64, i64); 2])>,
    quotes: Vec<(u64, [(i64, i64); 2])>,
}

impl Naive {
    fn set(&mut self, levels: &Value, side: usize, tick: Decimal) {
        for level in levels.as_array().unwrap() {
            let number = |n: usize, step| d(level[n].as_str().unwrap()).steps_of(step).unwrap();
            let (px, qty) = (number(0, tick), number(1, d("1")));
            if qty == 0 {
                self.sides[side].remove(&px)
            } else {
                self.sides[side].insert(px, qty)
            };
        }
    }

    fn event(&mut self, e: &Value, tick: Decimal) {
        let id = |key: &str| e[key].as_u64().unwrap();
        match (self.last, self.snapshot) {
            (None, None) => return self.kept.push(e.clone()),
            (None, Some(s)) if id("u") < s => return,
            (None, Some(s)) => assert!(id("U") <= s || id("pu") == s),
            (Some(last), _) if id("pu") != last => self.gaps += 1,
            _ => {}
        }
        self.set(&e["b"], 0, tick);
        self.set(&e["a"], 1, tick);
        self.last = Some(id("u"));
        self.applied += 1;
        self.tops.push((id("u"), self.top()));
    }

    fn top(&self) -> [(i64, i64); 2] {
        let (bid, ask) = (self.sides[0].last_key_value().unwrap(), self.sides[1].first_key_value().unwrap());
        [(*bid.0, *bid.1), (*ask.0, *ask.1)]
    }

    /// Tops that a bookTicker precedes, and those that equal the last one before them.
    fn agreement(&self) -> (u64, u64) {
        let before = |u: u64| self.quotes.iter().filter(|q| q.0 <= u).max_by_key(|q| q.0);
        let pairs: Vec<_> = self.tops.iter().filter_map(|t| before(t.0).map(|q| q.1 == t.1)).collect();
        (pairs.len() as u64, pairs.iter().filter(|same| **same).count() as u64)
    }
}

#[test]
fn four_symbols_in_one_lane_are_four_books() {
    let Some(lines) = capture() else { return };
    let spec = |&(symbol, tick): &(&str, &str)| InstrumentSpec {
        symbol: symbol.into(),
        tick: d(tick),
        lot: d("1"),
        maker_fee_e8: 0,
        taker_fee_e8: 0,
    };
    let config = LaneConfig {
        dialect: Market::UsdM,
        instruments: SYMBOLS.iter().map(spec).collect(),
        features: features(),
        clock_offset_ns: 0,
        trading: None,
    };
    let mut lane = Lane::new(config, Vec::new()).unwrap();
    let (mut naive, mut out): ([Naive; 4], _) = (Default::default(), Outbox::default());
    let mut snapshots_met = 0;
    for line in &lines {
        let body: Value = serde_json::from_str(&line.body).unwrap();
        let symbol = line.asked.as_deref().or(body["data"]["s"].as_str()).unwrap();
        let id = SYMBOLS.iter().position(|s| s.0 == symbol).unwrap();
        let (source, tag) = match line.asked {
            Some(_) => (Source::Snapshot, id as u16),
            None => (Source::Market, Frame::UNTAGGED),
        };
        lane.step(&Frame { source, connection: 0, tag, recv_ns: line.recv_ns, bytes: line.body.as_bytes() }, &mut out);

        let (n, tick) = (&mut naive[id], d(SYMBOLS[id].1));
        let data = &body["data"];
        if line.asked.is_some() {
            n.snapshot = body["lastUpdateId"].as_u64();
            n.set(&body["bids"], 0, tick);
            n.set(&body["asks"], 1, tick);
            let whole = n.sides.clone();
            for e in std::mem::take(&mut n.kept) {
                n.event(&e, tick);
                // What ends where the snapshot does leaves the book as the snapshot has it.
                if e["u"].as_u64() == n.snapshot {
                    assert_eq!(n.sides, whole, "{symbol}");
                    snapshots_met += 1;
                }
            }
        } else if data["e"] == "depthUpdate" {
            n.event(data, tick);
            if data["u"].as_u64() == n.snapshot {
                snapshots_met += 1;
            }
        } else if data["e"] == "bookTicker" {
            let number = |key: &str, step| d(data[key].as_str().unwrap()).steps_of(step).unwrap();
            let best = [(number("b", tick), number("B", d("1"))), (number("a", tick), number("A", d("1")))];
            n.quotes.push((data["u"].as_u64().unwrap(), best));
        }
        // At every frame the book is in sync exactly when the naive one is, and has the same Top.
        let i = &lane.instruments()[id];
        assert_eq!(i.sync.last_id(), n.last, "{symbol}");
        let top = i.top.map(|t| [t.bid, t.ask].map(|l| (l.px.0, l.qty.0)));
        assert_eq!(top, n.last.map(|_| n.top()), "{symbol}");
    }
    lane.finish();
    assert_eq!((lane.counts.malformed, lane.counts.snapshot, out.snapshots_wanted.len()), (0, 4, 0));
    assert_eq!(snapshots_met, 3, "the first event of three symbols ends where their snapshot does");
    let mut agreed = (0, 0);
    for ((i, n), (symbol, _)) in lane.instruments().iter().zip(&naive).zip(SYMBOLS) {
        assert_eq!((i.sync.counts.gaps, n.gaps, i.sync.counts.crossed), (0, 0, 0), "{symbol}");
        assert_eq!((i.sync.counts.applied, i.sync.counts.syncs), (n.applied, 1), "{symbol}");
        for (side, levels) in [(Side::Buy, &n.sides[0]), (Side::Sell, &n.sides[1])] {
            let mut all = vec![Level::default(); 4096];
            let count = i.book.copy_best(side, &mut all);
            let mut ours: Vec<(i64, i64)> = all[..count].iter().map(|l| (l.px.0, l.qty.0)).collect();
            ours.sort_unstable();
            assert_eq!(ours, levels.iter().map(|(p, q)| (*p, *q)).collect::<Vec<_>>(), "{symbol} {side:?}");
        }
        assert_eq!((i.agreement.checked, i.agreement.matched), n.agreement(), "{symbol}");
        agreed = (agreed.0 + i.agreement.checked, agreed.1 + i.agreement.matched);
    }
    let applied: u64 = naive.iter().map(|n| n.applied).sum();
    assert_eq!((applied, agreed), (752, (0, 0)));
}
