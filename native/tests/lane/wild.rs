//! Whatever the venue's messages suffer, one round sets everything right: fills, position and open orders are then the
//! exchange's own.

use super::carry::Dir;
use super::live::{Live, rules};
use super::venue::Venue;
use super::*;
use _core::lane::CarryFile;
use proptest::prelude::*;

/// A pseudo-random number below `n`.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
    fn percent(&mut self, p: u64) -> bool {
        self.below(100) < p
    }
}

/// Wants another ladder of up to two levels a side at every tick of its timer, until it is told to be quiet.
fn fickle(seed: u64, quiet: Arc<Mutex<bool>>) -> Kernel {
    let mut random = Random(seed);
    kernel("fickle", 20 * MS, move |hook, views, i, outs| {
        if hook != Hook::Timer || views[i].has_top == 0 || *quiet.lock().unwrap() {
            return 0;
        }
        let out = &mut outs[i];
        out.has_ladder = 1;
        (out.n_bids, out.n_asks) = (random.below(3) as i64, random.below(3) as i64);
        for n in 0..2 {
            (out.bid_px[n], out.bid_qty[n]) =
                ((9_999 - 2 * n as u64 - random.below(2)) as f64, (1 + random.below(5)) as f64);
            (out.ask_px[n], out.ask_qty[n]) =
                ((10_003 + 2 * n as u64 + random.below(2)) as f64, (1 + random.below(5)) as f64);
        }
        0
    })
}

/// What is lost, doubled or late, in per cent.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    request: u64,
    answer: u64,
    event: u64,
    doubled: u64,
    late: u64,
    /// The process is killed, per mille of the steps.
    killed: u64,
}

fn run(seed: u64, trouble: Trouble) -> Live {
    let mut random = Random(seed);
    let quiet = Arc::new(Mutex::new(false));
    let dir = Dir::new(&format!("wild-{seed}"));
    let venue = Venue { now_ms: START / MS, ..Venue::default() };
    let (mut file, mut live) = begin(&dir, venue, START, seed ^ 77, &quiet);
    let mut earlier = Vec::new();
    let mut late: Vec<String> = Vec::new();
    for _ in 0..300 {
        live.rig.now += 10 * MS;
        live.venue.now_ms = live.rig.now / MS;
        for line in live.kept.drain(..) {
            file.append(&line).unwrap();
            earlier.push(line);
        }
        if random.below(1_000) < trouble.killed {
            drop(file);
            late.clear();
            let now = live.rig.now;
            (file, live) = begin(&dir, live.venue, now, seed ^ now as u64, &quiet);
        }
        live.nudge();
        live.frame(Source::Timer, 0, &[]);
        let mut said = Vec::new();
        for i in std::mem::take(&mut live.requests) {
            if random.percent(trouble.request) {
                continue;
            }
            let (answer, events) = live.venue.on_request(&i);
            if !random.percent(trouble.answer) {
                said.push(answer);
            }
            said.extend(events.into_iter().filter(|_| !random.percent(trouble.event)));
        }
        let open: Vec<usize> = (0..live.venue.orders.len()).filter(|n| live.venue.orders[*n].is_open()).collect();
        if !open.is_empty() && random.percent(15) {
            let at = open[random.below(open.len() as u64) as usize];
            let left = live.venue.orders[at].qty - live.venue.orders[at].filled;
            let event = live.venue.fill(at, 1 + random.below(left as u64) as i64);
            if !random.percent(trouble.event) {
                said.push(event);
            }
        }
        for text in said {
            if random.percent(trouble.doubled) {
                late.push(text.clone());
            }
            if random.percent(trouble.late) {
                late.push(text);
            } else {
                live.private(&text);
            }
        }
        while !late.is_empty() && random.percent(30) {
            let text = late.swap_remove(random.below(late.len() as u64) as usize);
            live.private(&text);
        }
        if random.percent(50) {
            live.answer_calls();
        }
    }
    *quiet.lock().unwrap() = true;
    // Requests that were lost can no longer arrive; then the account is asked for.
    while_fresh(&mut live, 80);
    live.connect();
    live.settle();
    while_fresh(&mut live, 20);
    for text in late {
        live.private(&text); // what comes last changes nothing
    }
    live.kept.splice(0..0, earlier);
    live
}

/// A run begins, after whatever was before.
fn begin(dir: &Dir, venue: Venue, now: i64, seed: u64, quiet: &Arc<Mutex<bool>>) -> (CarryFile, Live) {
    let (file, carry) = CarryFile::open(&dir.0, 1, &specs(1)).unwrap();
    let kernels = vec![(fickle(seed, quiet.clone()), vec![0])];
    let mut live = Live::carrying_at(now, rules(), &carry, venue, kernels);
    live.connect();
    live.settle();
    live.book();
    (file, live)
}

/// Tenths of a second pass, and the book stays fresh, so that orders go on resting.
fn while_fresh(live: &mut Live, tenths: i64) {
    for _ in 0..tenths {
        live.nudge();
        live.pass(100, true);
    }
}

fn check(live: &Live, what: &str) {
    let trades: Vec<u64> = live.venue.fills.iter().map(|f| f.trade_id).collect();
    assert_eq!(live.trades(), trades, "{what}: every fill once");
    assert_eq!(live.rig.position(0), live.venue.position, "{what}");
    assert_eq!(live.open(), live.venue.open(), "{what}");
    assert!(live.ready(), "{what}: {:?}", live.rig.lane.account_status());
    let halted = live.rig.lane.gate().unwrap().reason().map(|r| (r.cause, r.text.clone()));
    assert!(
        halted.as_ref().is_none_or(|(c, _)| !matches!(c, Cause::BadReceipt | Cause::Position | Cause::Panic)),
        "{what}: {halted:?}"
    );
    let gate: Vec<u64> = live.rig.lane.gate().unwrap().exposure(0).open().iter().map(|o| o.id).collect();
    assert_eq!(gate.len(), live.open().len(), "{what}: the gate counts what is alive");
}

#[test]
fn without_trouble_there_is_nothing_to_set_right() {
    let none = Trouble { request: 0, answer: 0, event: 0, doubled: 0, late: 0, killed: 0 };
    let live = run(5, none);
    assert!(live.venue.fills.len() > 20 && live.venue.log.len() > 50, "{} fills", live.venue.fills.len());
    check(&live, "no trouble");
    assert_eq!(live.rig.lane.account_status().unwrap().counts.recovered, 0);
}

#[test]
fn the_trouble_is_real() {
    let mut sum = (0, 0, 0, 0);
    for seed in 0..10 {
        let trouble = Trouble { request: 2, answer: 20, event: 25, doubled: 20, late: 25, killed: 0 };
        let live = run(seed, trouble);
        check(&live, &format!("seed {seed}"));
        let counts = live.rig.lane.account_status().unwrap().counts;
        sum.0 += counts.recovered;
        sum.1 += counts.unanswered;
        sum.2 += live.rig.lane.account_status().unwrap().duplicates;
        sum.3 += live.open().len();
    }
    assert!(sum.0 > 50 && sum.1 > 50 && sum.2 > 50 && sum.3 > 8, "recovered, unanswered, known, open: {sum:?}");
}

#[test]
fn killed_anywhere_the_next_run_knows_the_account() {
    let mut adopted = 0;
    for seed in 0..20 {
        let trouble = Trouble { request: 2, answer: 20, event: 25, doubled: 20, late: 25, killed: 15 };
        let live = run(seed, trouble);
        check(&live, &format!("seed {seed}"));
        adopted += live.rig.lane.account_status().unwrap().counts.adopted;
    }
    assert!(adopted > 5, "orders of an earlier run that were open: {adopted}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn one_round_sets_everything_right(
        seed in any::<u64>(),
        request in 0u64..8,
        answer in 0u64..40,
        event in 0u64..40,
        doubled in 0u64..30,
        late in 0u64..40,
        killed in prop_oneof![Just(0u64), 1u64..30],
    ) {
        let trouble = Trouble { request, answer, event, doubled, late, killed };
        check(&run(seed, trouble), &format!("seed {seed}, {trouble:?}"));
    }
}
