//! A lane's output depends on its frames and on nothing else.

use super::*;
use _core::event::Decoded;
use _core::sim::exchange::{SelfTradePrevention, SimConfig, SimExchange};
use _core::sim::queue::QueueModel;

/// A frame that is kept.
#[derive(Clone)]
struct Kept {
    source: Source,
    tag: u16,
    recv_ns: i64,
    bytes: Vec<u8>,
}

impl Kept {
    fn frame(&self) -> Frame<'_> {
        Frame { source: self.source, connection: 0, tag: self.tag, recv_ns: self.recv_ns, bytes: &self.bytes }
    }
}

/// A maker and, every 300 ms, a taker.
fn kernels() -> Vec<(Kernel, Vec<InstrumentId>)> {
    let taker = kernel("taker", 300 * MS, |hook, views, i, outs| {
        let v = &views[i];
        if hook == Hook::Timer && v.has_top == 1 {
            let (side, px) = if v.now_ns / MS % 2 == 0 { (Side::Buy, v.ask_px) } else { (Side::Sell, v.bid_px) };
            order(&mut outs[i], side, px as f64, 1.0, TimeInForce::Ioc, false);
        }
        0
    });
    vec![(maker(), vec![0, 1]), (taker, vec![1])]
}

fn sim() -> SimExchange {
    let config = SimConfig {
        queue_model: QueueModel::RiskAverse,
        partial_fills: true,
        self_trade_prevention: SelfTradePrevention::None,
        amend_requeues: false,
    };
    SimExchange::new(config, specs(2))
}

/// Two books that wander for ten seconds, with trades, timers, a gap, and the receipts of a simulated exchange.
fn day() -> (Vec<Kept>, [u8; 32], u64) {
    let mut rig = Rig::new(2, kernels());
    let (mut venue, mut receipts, mut frames) = (sim(), Vec::new(), Vec::<Kept>::new());
    let mut seed = 7u64;
    let mut random = move |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let mut mid = [10_001i64; 2];
    for n in 0..2_000i64 {
        rig.now = START + n * 5 * MS;
        let id = random(2) as u16;
        let at = usize::from(id);
        let (source, tag, bytes) = match random(10) {
            _ if n < 2 => {
                let last = 10;
                let text = format!(
                    "{{\"lastUpdateId\":{last},\"bids\":[[\"1000.0\",\"0.05\"]],\"asks\":[[\"1000.2\",\"0.05\"]]}}"
                );
                (Source::Snapshot, n as u16, text.into_bytes())
            }
            0 => (Source::Timer, Frame::UNTAGGED, Vec::new()),
            1 => {
                let px = mid[at] + 1 - 2 * random(2) as i64;
                let text = format!(
                    "{{\"stream\":\"c{id}usdt@trade\",\"data\":{{\"e\":\"trade\",\"E\":{t},\"T\":{t},\"s\":\"C{id}USDT\",\
                     \"t\":{n},\"p\":\"{}\",\"q\":\"0.003\",\"X\":\"MARKET\",\"m\":{}}}}}",
                    specs(1)[0].price(Ticks(px)),
                    px < mid[at],
                    t = rig.now / MS,
                );
                (Source::Market, Frame::UNTAGGED, text.into_bytes())
            }
            _ => {
                if n == 1_500 {
                    rig.depth_text(id, &[], &[]); // one is lost
                }
                let was = mid[at];
                mid[at] += random(3) as i64 - 1;
                let (bid, ask, m) = (was - 1, was + 1, mid[at]);
                let mut bids = vec![(bid, 0), (m - 1, 1 + random(50) as i64), (m - 2 - random(5) as i64, 7)];
                let mut asks = vec![(ask, 0), (m + 1, 1 + random(50) as i64), (m + 2 + random(5) as i64, 7)];
                bids.push((m + 1, 0));
                asks.push((m - 1, 0));
                (Source::Market, Frame::UNTAGGED, rig.depth_text(id, &bids, &asks).into_bytes())
            }
        };
        let mut queue = vec![Kept { source, tag, recv_ns: rig.now, bytes }];
        while let Some(kept) = queue.pop() {
            let mut decoded = Decoded::default();
            rig.lane.decode(&kept.frame(), &mut decoded);
            venue.on_market(&decoded, rig.now, &mut receipts);
            let asked = rig.frame(kept.source, 0, kept.tag, &kept.bytes);
            frames.push(kept);
            for i in asked {
                venue.on_intent(&i, rig.now, &mut receipts);
            }
            for r in receipts.drain(..) {
                let mut bytes = Vec::new();
                r.put(&mut bytes);
                queue.push(Kept { source: Source::Order, tag: Frame::UNTAGGED, recv_ns: rig.now, bytes });
            }
        }
    }
    assert_eq!(rig.state(), SwitchState::Active, "{:?}", rig.lane.gate().unwrap().reason());
    (frames, rig.lane.journal.sha256(), rig.lane.journal.permits)
}

fn replay(frames: &[Kept], take: impl Fn(&mut Lane, &[Kept], &mut Outbox)) -> (Lane, Records, Vec<Intent>) {
    let mut rig = Rig::new(2, kernels());
    let mut intents = Vec::new();
    for chunk in frames.chunks(64) {
        take(&mut rig.lane, chunk, &mut rig.out);
        intents.extend(rig.out.requests.drain(..).map(|r| *r.intent()));
    }
    (rig.lane, rig.tape, intents)
}

#[test]
fn the_same_frames_give_the_same_decisions() {
    let (frames, sha256, permits) = day();
    assert!(permits > 500, "{permits} permits");
    let step = |lane: &mut Lane, chunk: &[Kept], out: &mut Outbox| {
        for kept in chunk {
            lane.step(&kept.frame(), out);
        }
    };
    // Decoded 64 frames ahead, as a replay does.
    let ahead = |lane: &mut Lane, chunk: &[Kept], out: &mut Outbox| {
        let mut decoded = vec![Decoded::default(); chunk.len()];
        for (kept, d) in chunk.iter().zip(&mut decoded) {
            lane.decode(&kept.frame(), d);
        }
        for (kept, d) in chunk.iter().zip(&decoded) {
            lane.apply(&kept.frame(), d, out);
        }
    };
    let (one, one_tape, one_intents) = replay(&frames, step);
    let (two, two_tape, two_intents) = replay(&frames, ahead);
    assert_eq!((one.journal.sha256(), two.journal.sha256()), (sha256, sha256));
    assert_eq!(one_intents, two_intents);
    assert_eq!(*one_tape.0.lock().unwrap(), *two_tape.0.lock().unwrap());
    assert_eq!(one.counts, two.counts);
    assert!(one.journal.receipts > 500 && one.instruments().iter().any(|i| i.sync.counts.gaps == 1));
}

#[test]
fn one_frame_less_is_another_day() {
    let (frames, sha256, _) = day();
    for missing in [10, frames.len() / 2, frames.len() - 10] {
        let mut less = frames.clone();
        // A receipt or a timer may change nothing; an order's receipt does.
        let at = (missing..).find(|n| frames[*n % frames.len()].source == Source::Order).unwrap() % frames.len();
        less.remove(at);
        let (lane, _, _) = replay(&less, |lane, chunk, out| chunk.iter().for_each(|k| lane.step(&k.frame(), out)));
        assert_ne!(lane.journal.sha256(), sha256, "without frame {at}");
    }
}

#[test]
fn time_never_goes_back() {
    let mut rig = Rig::new(1, vec![(maker(), vec![0])]);
    rig.now += 500 * MS;
    rig.sync(0);
    rig.now -= 400 * MS;
    rig.depth(0, &[(10_001, 5)], &[]);
    assert_eq!(rig.lane.counts.backwards, 1);
    let tape = rig.tape.0.lock().unwrap();
    assert!(tape.windows(2).all(|w| w[0].1 <= w[1].1), "what is on the Tape is in order");
}

#[test]
fn numbers_at_the_edge_stop_nothing() {
    // Each is well-formed; none may panic, here or in anything that computes with it.
    let edge = ["0.1", "900719925474099.2", "922337203685477580.7", "1844674407370955161.5", "99999999999999999999"];
    let times = ["0", "1", "9223372036854775807", "18446744073709551615", "99999999999999", "100000000000000"];
    let mut rig = Rig::new(1, vec![(kernel("idle", 0, |_, _, _, _| 0), vec![0])]);
    rig.sync(0);
    for px in edge {
        for other in edge {
            for t in times {
                let quote = format!(
                    r#"{{"stream":"c0usdt@bookTicker","data":{{"e":"bookTicker","u":{t},"s":"C0USDT","b":"{px}","B":"{other}","a":"{other}","A":"{px}","T":{t},"E":{t}}}}}"#
                );
                let trade = format!(
                    r#"{{"stream":"c0usdt@trade","data":{{"e":"trade","E":{t},"T":{t},"s":"C0USDT","t":{t},"p":"{px}","q":"{other}","X":"MARKET","m":true}}}}"#
                );
                let depth = format!(
                    r#"{{"stream":"c0usdt@depth","data":{{"e":"depthUpdate","E":{t},"T":{t},"s":"C0USDT","U":{t},"u":{t},"pu":{t},"b":[["{px}","{other}"]],"a":[["{other}","{px}"]]}}}}"#
                );
                for text in [quote, trade, depth] {
                    rig.frame(Source::Market, 0, Frame::UNTAGGED, text.as_bytes());
                    assert_ne!(rig.cause(), Some(Cause::Panic), "{text}: {:?}", rig.tape.trips());
                }
                let snapshot = format!(
                    r#"{{"lastUpdateId":{t},"E":{t},"T":{t},"bids":[["{px}","{other}"]],"asks":[["{other}","{px}"]]}}"#
                );
                rig.frame(Source::Snapshot, 0, 0, snapshot.as_bytes());
                assert_ne!(rig.cause(), Some(Cause::Panic), "{snapshot}: {:?}", rig.tape.trips());
            }
        }
    }
}
