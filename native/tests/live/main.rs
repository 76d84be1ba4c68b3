//! A live lane against a venue on real sockets: what it does on its own thread, and how it ends.
#![allow(clippy::unwrap_used)] // tests

mod plan;
#[path = "../support/mod.rs"]
#[allow(dead_code)] // shared with the Tape's tests, which use all of it
mod support;
mod venue;

use std::path::Path;
use std::time::{Duration, Instant};

use _core::cex::kernel::{Hook, HookFn, Hooks, Kernel, Out, View};
use _core::cex::venues::binance_sign::{Credentials, KeyKind};
use _core::live::rehearsal::{self, Rehearsal};
use _core::live::{LiveLane, LivePlan, page};
use _core::risk::switch::{Switch, SwitchState};
use _core::sim::verify::verify;
use _core::tape::{Kind, TapeReader};
use _core::units::Ticks;
use serde_json::{Value, json};
use support::Dir;
use venue::Venue;

/// Quotes a lot a side, far from the touch, at every book.
unsafe extern "C" fn quote(_: *mut u8, views: *const View, _: i64, _: i64, outs: *mut Out) -> i32 {
    // SAFETY: there is one view and one out.
    let (view, out) = unsafe { (&*views, &mut *outs) };
    out.has_ladder = 1;
    if view.has_top == 1 {
        (out.n_bids, out.n_asks) = (1, 1);
        (out.bid_px[0], out.bid_qty[0]) = (view.bid_px as f64 - 5.0, 1.0);
        (out.ask_px[0], out.ask_qty[0]) = (view.ask_px as f64 + 5.0, 1.0);
    }
    0
}

fn kernel() -> Kernel {
    let hooks = Hooks { book: Some(quote as HookFn), ..Hooks::default() };
    assert!(hooks.get(Hook::Book).is_some());
    // SAFETY: the function above keeps to what it is given and to no state.
    unsafe { Kernel::new("quote", hooks, &[], 0, Box::new(())) }
}

fn plan(mode: &str, venue: &Venue, dir: &Dir) -> Value {
    plan::plan(mode, venue.port, &dir.0)
}

fn kernels(plan: &Value) -> Vec<Kernel> {
    plan["plan"]["kernels"].as_array().unwrap().iter().map(|_| kernel()).collect()
}

fn start(plan: &Value) -> LiveLane {
    let parsed = LivePlan::parse(&plan.to_string()).unwrap();
    let keys = parsed.key_kind.map(|_| Credentials::new(KeyKind::Hmac, "key", "secret").unwrap());
    LiveLane::start(parsed, kernels(plan), kernels(plan), keys).unwrap()
}

fn status(plan: &Value) -> Value {
    let path = Path::new(plan["state"].as_str().unwrap()).join("status");
    let text = page::read(&path).unwrap().text;
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < limit, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn tape(plan: &Value) -> std::path::PathBuf {
    let folder = Path::new(plan["state"].as_str().unwrap()).join("tape");
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    names.pop().unwrap()
}

fn count(path: &Path, kind: Kind) -> usize {
    let mut reader = TapeReader::open(path).unwrap();
    let mut n = 0;
    while let Some(record) = reader.next().unwrap() {
        n += usize::from(record.kind == kind);
    }
    n
}

/// The Tape agrees with what the same lane decides now.
fn agrees(plan: &Value) -> Value {
    let found: Value = serde_json::from_str(&verify(&tape(plan), kernels(plan)).unwrap()).unwrap();
    assert_eq!((&found["agrees"], &found["ended"]), (&json!(true), &json!(true)), "{found}");
    found
}

#[test]
fn a_recording_lane_keeps_its_book_through_a_cut() {
    let (venue, dir) = (Venue::open(), Dir::new());
    let plan = plan("record", &venue, &dir);
    let lane = start(&plan);
    until("a book", || !status(&plan)["instruments"][0]["bid"].is_null());
    let seen = status(&plan);
    assert_eq!(seen["instruments"][0]["ask"], json!(["100.5", "5.000"]), "{seen}");
    assert_eq!((&seen["mode"], &seen["connections"][0]["up"]), (&json!("record"), &json!(true)));
    venue.seen.cut.store(true, std::sync::atomic::Ordering::SeqCst);
    until("a second connection", || status(&plan)["connections"][0]["connects"] == json!(2));
    until("a second book", || status(&plan)["instruments"][0]["resyncs"] == json!(1));
    let said = lane.notices().join("\n");
    assert!(said.contains("disconnected") && said.contains("book in sync"), "{said}");
    lane.stop(false);
    let summary: Value = serde_json::from_str(&lane.join(Duration::from_secs(5))).unwrap();
    assert_eq!((&summary["ended"], &summary["tape"]["error"]), (&json!("stopped"), &Value::Null), "{summary}");
    assert!(!lane.is_running());
    let counts = [Kind::Market, Kind::Snapshot, Kind::Fault].map(|kind| count(&tape(&plan), kind));
    assert!(counts[0] > 5 && counts[1] >= 2, "{counts:?}");
    assert_eq!(counts[2], 3, "up, down, up");
    agrees(&plan);
}

#[test]
fn a_paper_lane_trades_and_ends_with_nothing_open() {
    let (venue, dir) = (Venue::open(), Dir::new());
    let plan = plan("paper", &venue, &dir);
    let lane = start(&plan);
    until("orders", || {
        status(&plan)["open_orders"].as_u64() >= Some(2) && status(&plan)["messages"]["place"].as_u64() > Some(5)
    });
    assert!(venue.seen.asked.lock().unwrap().is_empty(), "nothing goes to the venue's order entry");
    let latency = status(&plan)["latency_ns"]["total"].clone();
    assert!(latency["count"].as_u64() > Some(2) && latency["p50"].as_u64() > Some(0), "{latency}");
    lane.stop(true);
    let summary: Value = serde_json::from_str(&lane.join(Duration::from_secs(5))).unwrap();
    assert_eq!((&summary["ended"], &summary["orders"]), (&json!("stopped"), &json!([])), "{summary}");
    let found = agrees(&plan);
    assert!(found["compared"].as_u64() > Some(20), "{found}");
}

#[test]
fn a_live_lane_asks_before_it_orders_and_a_removed_switch_halts_it() {
    let (venue, dir) = (Venue::open(), Dir::new());
    let mut plan = plan("live", &venue, &dir);
    plan["poll"] = json!("busy"); // and rehearses meanwhile
    let lane = start(&plan);
    let methods = || -> Vec<String> {
        venue.seen.asked.lock().unwrap().iter().map(|m| m["method"].as_str().unwrap().to_string()).collect()
    };
    until("orders", || methods().len() >= 3);
    assert_eq!(methods()[..3], ["userDataStream.subscribe.signature", "order.place", "order.place"]);
    let paths = venue.seen.paths.lock().unwrap().join(" ");
    for asked in ["/api/v3/time", "/api/v3/openOrders", "/api/v3/myTrades", "/api/v3/account"] {
        assert!(paths.contains(asked), "{asked} before the first order: {paths}");
    }
    let order = venue.seen.asked.lock().unwrap()[1]["params"].clone();
    let id = order["newClientOrderId"].as_str().unwrap();
    assert!(id.starts_with("se-0007") && order["signature"].as_str().unwrap().len() == 64, "{order}");
    std::fs::remove_file(dir.0.join("switch")).unwrap();
    until("a halt", || status(&plan)["state"] == json!("halted"));
    assert_eq!(status(&plan)["switch"]["cause"], json!("bad_file"));
    lane.stop(false);
    // The venue never answered: what became of the two orders nobody knows, and the lane says so.
    let summary: Value = serde_json::from_str(&lane.join(Duration::from_millis(200))).unwrap();
    assert_eq!((&summary["ended"], summary["orders"].as_array().unwrap().len()), (&json!("quit"), 2), "{summary}");
    agrees(&plan);
    let tape = std::fs::read_dir(tape(&plan)).unwrap().map(|f| std::fs::read(f.unwrap().path()).unwrap());
    assert!(tape.flatten().collect::<Vec<u8>>().windows(6).all(|w| w != b"secret"), "the secret is not on the Tape");
}

#[test]
fn cancels_leave_over_rest_when_the_order_connection_is_lost() {
    let (venue, dir) = (Venue::open(), Dir::new());
    let mut plan = plan("live", &venue, &dir);
    plan["rules"]["ack_timeout_ms"] = json!(100);
    let lane = start(&plan);
    until("two orders", || venue.seen.asked.lock().unwrap().len() >= 3);
    let before = venue.seen.requests("DELETE /api/v3/order");
    assert_eq!(before, 0, "as long as it is up, everything goes over it");
    venue.seen.shut.store(true, std::sync::atomic::Ordering::SeqCst);
    until("cancels of both", || venue.seen.requests("DELETE /api/v3/order") >= 2);
    assert_eq!(venue.seen.requests("POST /api/v3/order"), 0, "and nothing but cancels");
    lane.stop(false);
    lane.join(Duration::from_millis(200));
    agrees(&plan);
}

#[test]
fn a_tripped_switch_is_met_at_the_start() {
    let (venue, dir) = (Venue::open(), Dir::new());
    let plan = plan("paper", &venue, &dir);
    let switch = Switch::open(&dir.0.join("switch")).unwrap();
    switch.trip(SwitchState::Halted, _core::risk::switch::Cause::Person, "not today", 1);
    let lane = start(&plan);
    until("a book", || !status(&plan)["instruments"][0]["bid"].is_null());
    assert_eq!(status(&plan)["state"], json!("halted"));
    lane.stop(false);
    let summary: Value = serde_json::from_str(&lane.join(Duration::from_secs(5))).unwrap();
    assert_eq!(summary["ended"], json!("stopped"));
    assert_eq!(count(&tape(&plan), Kind::Permit), 0);
    agrees(&plan);
}

#[test]
fn a_changed_tape_does_not_agree() {
    let (venue, dir) = (Venue::open(), Dir::new());
    let plan = plan("paper", &venue, &dir);
    let lane = start(&plan);
    until("orders", || status(&plan)["messages"]["place"].as_u64() > Some(5));
    lane.stop(false);
    lane.join(Duration::from_secs(5));
    agrees(&plan);
    // Another strategy on the same frames decides otherwise.
    let nothing = unsafe { Kernel::new("nothing", Hooks::default(), &[], 0, Box::new(())) }; // SAFETY: no hooks
    let found: Value = serde_json::from_str(&verify(&tape(&plan), vec![nothing]).unwrap()).unwrap();
    assert_eq!(found["agrees"], json!(false));
    assert_eq!(found["difference"]["tape"]["kind"], json!("intent"), "{found}");
}

#[test]
fn a_rehearsal_decides_again_and_again_and_nothing_of_it_is_real() {
    for venue in ["binance_spot", "binance_usdm"] {
        let (local, dir) = (Venue::open(), Dir::new());
        let mut p = plan("live", &local, &dir);
        p["plan"]["venue"] = json!(venue);
        p["endpoints"]["user"] = p["endpoints"]["market"].clone();
        let plan = LivePlan::parse(&p.to_string()).unwrap();
        let mut rehearsal = Rehearsal::new(&plan, kernels(&p)).unwrap().unwrap();
        let mut asked = [0; 4];
        let turns = 300;
        for n in 0..turns {
            let now_ns = 1_700_000_000_000_000_000 + n * rehearsal::EVERY_NS;
            rehearsal.turn(Ticks(1_000), now_ns, |intent| asked[intent.action as usize] += 1);
        }
        let [_, places, cancels, replaces] = asked;
        let moved = if venue == "binance_usdm" { replaces } else { places.min(cancels) };
        assert!(moved > turns / 2, "{venue}: {asked:?} in {turns} turns");
        assert!(local.seen.asked.lock().unwrap().is_empty());
        assert!(!dir.0.join("lane").exists(), "it writes nothing");
    }
    let (local, dir) = (Venue::open(), Dir::new());
    let recording = LivePlan::parse(&plan("record", &local, &dir).to_string()).unwrap();
    assert!(Rehearsal::new(&recording, Vec::new()).unwrap().is_none(), "nobody decides anything");
}

#[test]
fn a_plan_that_cannot_run_says_why() {
    let (venue, dir) = (Venue::open(), Dir::new());
    let with = |key: &str, value: Value| {
        let mut p = plan("live", &venue, &dir);
        p[key] = value;
        p
    };
    for (key, value, text) in [
        ("mode", json!("life"), "unknown variant `life`"),
        ("sped", json!(1), "unknown field `sped`"),
        ("streams", json!([[]]), "streams[0] has 0 streams"),
        ("key_kind", Value::Null, "key_kind is null"),
        ("rules", Value::Null, "rules is null"),
        ("recv_window_ms", json!(60_001), "recv_window_ms is 60001"),
        ("clock", json!({"origin_ns": 0, "speed": 0}), "clock.speed is 0"),
        ("strategies", json!([]), "0 strategies for 1 kernels"),
    ] {
        let error = LivePlan::parse(&with(key, value).to_string()).unwrap_err();
        assert!(error.contains(text) && !error.contains('\n'), "{key}: {error}");
    }
    for (key, value, text) in [
        ("cpu", json!(999), "cpu 999: this process may use only the cores"),
        ("ca_file", json!("/nowhere.pem"), "nowhere.pem"),
        ("endpoints", json!({"market": "x", "orders": "ws://a", "user": null, "rest": "http://a"}), "endpoints.market"),
    ] {
        let p = with(key, value);
        let keys = Credentials::new(KeyKind::Hmac, "key", "secret").unwrap();
        let Err(error) = LiveLane::start(LivePlan::parse(&p.to_string()).unwrap(), kernels(&p), Vec::new(), Some(keys))
        else {
            panic!("{key} was taken")
        };
        assert!(error.contains(text) && !error.contains('\n'), "{key}: {error}");
    }
}
