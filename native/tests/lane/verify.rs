//! A live session's Tape, verified: everything that the lane decided comes out again, and one byte that was changed is
//! found.

use super::carry::Dir;
use super::live::rules;
use super::venue::Venue;
use super::*;
use _core::cex::orders::first_id;
use _core::event::{Control, ORDERS, USER_DATA};
use _core::lane::Carry;
use _core::live::plan::LivePlan;
use _core::sim::verify::verify;
use _core::tape::{Head, TapeOptions, TapeWriter};

/// A record: kind, connection and tag, time, payload.
type Written = (Kind, (u16, u16), i64, Vec<u8>);

/// The header of a session of one maker.
fn meta() -> String {
    let instruments = serde_json::to_value(specs(1)).unwrap();
    serde_json::json!({
        "plan": {
            "venue": "binance_usdm", "clock_offset_ns": 0, "equity": "1000", "instruments": instruments,
            "limits": limits(1), "features": features(),
            "simulation": {
                "exchange": {"queue_model": {"kind": "risk_averse"}, "partial_fills": true, "self_trade_prevention": "none"},
                "latency": {"kind": "constant", "entry_ns": 1, "response_ns": 1}
            },
            "kernels": [{"instruments": ["C0USDT"], "budget_ns": 0}], "tape": null
        },
        "mode": "live", "lane": 1, "name": "test", "state": "state", "switch": null,
        "endpoints": {"market": "ws://h", "orders": "ws://h", "user": "ws://h", "rest": "http://h"},
        "streams": [["c0usdt@depth"]], "key_kind": "hmac", "order_entry": "websocket", "rules": rules(),
        "recv_window_ms": 5000, "poll": "sleep", "cpu": null, "clock": {"origin_ns": 0, "speed": 1}, "ca_file": null,
        "strategies": [{"strategy": "maker", "params": {}, "source_sha256": ""}]
    })
    .to_string()
}

/// A session with fills, a lost answer, and a switch that is tripped, reset and tripped again.
fn session() -> Vec<Written> {
    let plan = LivePlan::parse(&meta()).unwrap();
    let mut rig = Rig::new(1, vec![(maker(), vec![0])]);
    rig.lane = plan.lane(vec![maker()], rig.switch.clone(), true).unwrap();
    rig.tape = Records::default();
    rig.heads = rig.tape.1.clone();
    rig.lane.journal.set_tape(Some(Box::new(rig.tape.clone())));
    let (kept, calls, requests, asked) = (vec![], vec![], vec![], vec![]);
    let venue = Venue { now_ms: START / MS, ..Venue::default() };
    let mut live = super::live::Live { rig, venue, kept, calls, requests, asked };
    let carry = Carry { first_id: first_id(1, 1), ..Carry::default() };
    live.frame(Source::Carry, 0, &serde_json::to_vec(&carry).unwrap());
    for connection in [ORDERS, USER_DATA] {
        live.frame(Source::Fault, connection, &[Fault::Connected as u8]);
    }
    live.settle();
    live.book();
    live.settle();
    let event = live.venue.fill(0, 2);
    live.private(&event);
    live.requests.clear(); // lost
    live.pass(900, true);
    live.rig.switch.trip(SwitchState::Reducing, Cause::Person, "careful", live.rig.now);
    live.nudge();
    live.settle();
    live.rig.switch.reset("ada", "go on", live.rig.now).unwrap();
    live.nudge();
    live.nudge();
    live.pass(8_000, true);
    live.frame(Source::Control, 0, &[Control::Stop as u8]);
    live.pass(1_000, true);
    assert!(live.rig.lane.is_done());
    let heads = live.rig.heads.lock().unwrap().clone();
    let records = live.rig.tape.0.lock().unwrap().clone();
    records.into_iter().zip(heads).map(|((kind, time_ns, payload), head)| (kind, head, time_ns, payload)).collect()
}

fn write(dir: &Dir, records: &[Written], close: bool) {
    let _ = std::fs::remove_dir_all(&dir.0);
    std::fs::create_dir_all(&dir.0).unwrap();
    let mut tape = TapeWriter::create(dir.0.join("s.tape"), &meta(), TapeOptions::default()).unwrap();
    for (kind, (connection, tag), time_ns, payload) in records {
        let head = Head { kind: *kind, lane: 1, connection: *connection, tag: *tag, time_ns: *time_ns };
        tape.append(&head, payload).unwrap();
    }
    if close {
        tape.close().unwrap();
    } else {
        tape.flush().unwrap();
    }
}

fn found(dir: &Dir) -> serde_json::Value {
    serde_json::from_str(&verify(&dir.0.join("s.tape"), vec![maker()]).unwrap()).unwrap()
}

#[test]
fn a_session_decides_again_what_its_tape_says() {
    let records = session();
    let dir = Dir::new("verify");
    write(&dir, &records, true);
    let f = found(&dir);
    assert_eq!(
        (&f["agrees"], &f["difference"], &f["ended"]),
        (&true.into(), &serde_json::Value::Null, &true.into()),
        "{f}"
    );
    let decisions = records.iter().filter(|r| (r.0 as u8) >= Kind::Intent as u8 || r.0 == Kind::Switch).count();
    assert_eq!(f["compared"].as_u64(), Some(decisions as u64));
    assert!(f["frames"].as_u64().unwrap() > 50 && decisions > 20, "{f}");
    // Cut off anywhere, what there is agrees.
    for n in [1, records.len() / 3, records.len() - 1] {
        write(&dir, &records[..n], false);
        let f = found(&dir);
        assert_eq!((&f["agrees"], &f["ended"]), (&true.into(), &false.into()), "{n}: {f}");
    }
}

#[test]
fn whatever_was_changed_is_found() {
    let records = session();
    let dir = Dir::new("tampered");
    for kind in [Kind::Intent, Kind::Permit, Kind::Receipt, Kind::Trip, Kind::Switch] {
        let at = records.iter().rposition(|r| r.0 == kind).unwrap();
        let mut changed = records.clone();
        changed[at].3[0] ^= 1;
        write(&dir, &changed, true);
        let f = verify(&dir.0.join("s.tape"), vec![maker()])
            .map(|f| serde_json::from_str::<serde_json::Value>(&f).unwrap());
        assert!(f.as_ref().is_ok_and(|f| f["agrees"] == false && !f["difference"].is_null()), "{kind:?}: {f:?}");
        let mut missing = records.clone();
        missing.remove(at);
        write(&dir, &missing, true);
        assert_eq!(found(&dir)["agrees"], false, "without {kind:?}");
    }
    let mut lost = records.clone();
    lost.insert(records.len() / 2, (Kind::Lost, (0, 0), records[records.len() / 2].2, 3u64.to_le_bytes().to_vec()));
    write(&dir, &lost, true);
    let f = found(&dir);
    assert_eq!((&f["agrees"], &f["lost"]), (&false.into(), &3.into()));
}
