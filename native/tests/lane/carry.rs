//! What survives a process that is killed: positions, money, the day's peak, ids that never repeat.

use super::live::{Live, quoting, rules};
use super::venue::Venue;
use super::*;
use _core::cex::orders::first_id;
use _core::lane::{Carry, CarryFile};
use std::path::PathBuf;

/// A folder of its own for one test.
pub struct Dir(pub PathBuf);
impl Dir {
    pub fn new(name: &str) -> Dir {
        let dir = std::env::temp_dir().join(format!("carry-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Dir(dir)
    }
    fn open(&self) -> Result<(CarryFile, Carry), String> {
        CarryFile::open(&self.0, 1, &specs(1))
    }
    fn file(&self) -> PathBuf {
        self.0.join("fills.jsonl")
    }
    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }
}
impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A session in which two orders trade, and what it kept.
fn session(dir: &Dir) -> Live {
    let (mut file, carry) = dir.open().unwrap();
    let mut live =
        Live::carrying(rules(), &carry, Venue { now_ms: START / MS, ..Venue::default() }, vec![(maker(), vec![0])]);
    live.connect();
    live.settle();
    live.book();
    live.settle();
    let event = live.venue.fill(0, 2);
    live.private(&event);
    live.settle();
    // The mid rises by ten ticks, which is the day's peak, then the ask trades in part.
    live.rig.depth(0, &[(10_010, 5)], &[(10_002, 0), (10_012, 5)]);
    let event = live.venue.fill(1, 1);
    live.private(&event);
    live.requests.clear();
    for kept in live.kept.drain(..) {
        file.append(&kept).unwrap();
    }
    live
}

#[test]
fn the_next_run_goes_on_where_this_one_was_killed() {
    let dir = Dir::new("next");
    let live = session(&dir);
    let (_, carry) = dir.open().unwrap();
    assert_eq!(carry.first_id, first_id(1, 1 + (1 << 30)));
    assert_eq!(carry.cut, None);
    let mut next = Live::carrying(rules(), &carry, live.venue, vec![(maker(), vec![0])]);
    let (old, new) = (live.rig.lane.gate().unwrap(), next.rig.lane.gate().unwrap());
    assert_eq!(new.exposure(0).position(), Lots(1));
    assert_eq!((new.exposure(0).cash(), new.exposure(0).pnl()), (old.exposure(0).cash(), old.exposure(0).pnl()));
    assert_eq!((new.equity(), new.day()), (old.equity(), old.day()));
    assert_ne!(new.day().unwrap().peak, new.equity(), "a fee was paid since the peak");
    next.venue.now_ms = START / MS;
    next.connect();
    next.settle();
    next.pass(5_000, true);
    assert!(next.ready(), "{:?}", next.rig.lane.account_status());
    assert_eq!((next.trades(), next.rig.position(0)), (vec![], 1), "no fill is booked again");
    assert!(next.venue.open().is_empty(), "orders of the earlier run are cancelled");
    // A third run's ids are its own, too.
    assert_eq!(dir.open().unwrap().1.first_id, first_id(1, 1 + (2 << 30)));
}

#[test]
fn a_fill_that_was_not_kept_is_found_at_the_venue() {
    let dir = Dir::new("unkept");
    let live = session(&dir);
    let text = dir.text();
    // Killed before the last line was written, and in the middle of it.
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    for cut in [last, last + 40, text.len() - 1] {
        std::fs::write(dir.file(), &text[..cut]).unwrap();
        let (_, carry) = dir.open().unwrap();
        assert_eq!(carry.cut.is_some(), cut != last, "{cut}");
        let venue = Venue { orders: live.venue.orders.clone(), fills: live.venue.fills.clone(), ..Venue::default() };
        let mut next = Live::carrying(rules(), &carry, venue, vec![(maker(), vec![0])]);
        next.venue.position = live.venue.position;
        assert_eq!(next.rig.position(0), 2);
        next.connect();
        next.pass(5_000, true);
        assert!(next.ready());
        assert_eq!((next.rig.position(0), next.trades()), (1, vec![6]));
    }
}

#[test]
fn a_drawdown_survives_a_restart() {
    let dir = Dir::new("drawdown");
    let live = session(&dir);
    let (_, carry) = dir.open().unwrap();
    let mut tight = limits(1);
    tight.lane.max_drawdown_bps = 1; // of 1000: 0.1, one lot falls by that in 1 000 ticks
    let rig = Rig::behind(Market::UsdM, 1, tight, first_id(1, 1), Some(rules()), vec![(maker(), vec![0])]);
    let mut next = Live { rig, venue: live.venue, kept: vec![], calls: vec![], requests: vec![], asked: vec![] };
    next.frame(Source::Carry, 0, &serde_json::to_vec(&carry).unwrap());
    next.connect();
    next.settle();
    next.rig.snapshot(0);
    next.rig.depth(0, &[(10_000, 0), (9_600, 5)], &[(10_002, 0), (9_602, 5)]);
    assert_eq!(next.rig.cause(), None);
    next.rig.depth(0, &[(9_600, 0), (9_160, 5)], &[(9_602, 0), (9_162, 5)]);
    assert_eq!(next.rig.cause(), Some(Cause::Drawdown), "{:?}", next.rig.lane.gate().unwrap().day());
}

#[test]
fn lines_are_readable_and_checked() {
    let dir = Dir::new("lines");
    session(&dir);
    let text = dir.text();
    let fills: Vec<serde_json::Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .filter(|l: &serde_json::Value| l["t"] == "fill")
        .collect();
    assert_eq!(fills.len(), 2);
    let f = &fills[0];
    assert_eq!(
        (f["symbol"].as_str(), f["trade_id"].as_u64(), f["side"].as_str()),
        (Some("C0USDT"), Some(3), Some("buy"))
    );
    assert_eq!((f["px"].as_str(), f["qty"].as_str(), f["maker"].as_bool()), (Some("999.5"), Some("0.002"), Some(true)));
    assert_eq!((f["fee"].as_str(), f["fee_asset"].as_str()), (Some("0.01"), Some("USDT")));
    assert_eq!(f["position"].as_str(), Some("0.002"));
    assert!(f["order"].as_str().unwrap().starts_with("se-0001"));
    for key in ["equity", "peak", "exch_ns", "recv_ns", "crc", "cash"] {
        assert!(!f[key].is_null(), "{key}");
    }
    // Damage in the middle is an error that names the line, whatever is damaged.
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|l| l.contains("\"t\":\"fill\"")).unwrap();
    let damaged = text.replacen("\"trade_id\":3", "\"trade_id\":4", 1);
    std::fs::write(dir.file(), damaged).unwrap();
    let e = dir.open().unwrap_err();
    assert!(e.contains(&format!("line {}", at + 1)) && e.contains("checksum"), "{e}");
    // A trade that is there twice, too.
    let doubled = format!("{text}{}\n{}\n", lines[at], lines[0]);
    std::fs::write(dir.file(), doubled).unwrap();
    let e = dir.open().unwrap_err();
    assert!(e.contains("trade 3 is there a second time") && e.contains(&format!("line {}", lines.len() + 1)), "{e}");
}

#[test]
fn ticks_that_have_changed_are_refused_in_words() {
    let dir = Dir::new("ticks");
    session(&dir);
    let mut coarse = specs(1);
    coarse[0].lot = d("1");
    let (_, carry) = CarryFile::open(&dir.0, 1, &coarse).unwrap();
    let live = {
        let trading = Trading {
            limits: Limits {
                instrument: vec![InstrumentLimits {
                    max_order_qty: d("1"),
                    max_position_qty: d("1"),
                    max_order_notional: d("100000"),
                    ..limits(1).instrument[0].clone()
                }],
                ..limits(1)
            },
            equity: d("1000"),
            switch: Arc::new(Switch::anonymous()),
            capacity: 8,
            first_id: 1,
            can_replace: true,
            live: Some(rules()),
        };
        let config = LaneConfig {
            dialect: Market::UsdM,
            instruments: coarse,
            features: features(),
            clock_offset_ns: 0,
            trading: Some(trading),
        };
        let mut lane = Lane::new(config, vec![]).unwrap();
        let bytes = serde_json::to_vec(&carry).unwrap();
        let (connection, tag) = (0, Frame::UNTAGGED);
        let frame = Frame { source: Source::Carry, connection, tag, recv_ns: START, bytes: &bytes };
        lane.step(&frame, &mut Outbox::default());
        lane
    };
    let reason = live.gate().unwrap().reason().unwrap();
    assert!(reason.text.contains("position 0.001") && reason.text.contains("another state folder"), "{}", reason.text);
    assert_eq!(live.gate().unwrap().state(), SwitchState::Halted);
}

#[test]
fn a_quiet_restart_keeps_the_opening_position() {
    let dir = Dir::new("opening");
    let (mut file, carry) = dir.open().unwrap();
    let venue = Venue { position: 7, now_ms: START / MS, ..Venue::default() };
    let mut live = Live::carrying(rules(), &carry, venue, vec![(maker(), vec![0])]);
    live.connect();
    live.settle();
    assert_eq!((live.ready(), live.rig.position(0)), (true, 7));
    for kept in live.kept.drain(..) {
        file.append(&kept).unwrap();
    }
    let (_, carry) = dir.open().unwrap();
    assert_eq!(carry.symbols[0].position, d("0.007"));
    // The venue's position changes while nobody runs, by no trade of ours: that is not taken for granted.
    let venue = Venue { position: 5, now_ms: START / MS, ..Venue::default() };
    let mut next = Live::carrying(rules(), &carry, venue, vec![(maker(), vec![0])]);
    next.connect();
    next.settle();
    next.pass(5_000, true);
    assert_eq!(next.rig.cause(), Some(Cause::Position));
    drop(quoting(rules()));
}
