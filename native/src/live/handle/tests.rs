//! A panic of the thread itself, outside the lane's own nets. Nothing that a venue or a strategy can say makes one, so the
//! test puts a journal in place that does.
#![allow(unsafe_code)] // a kernel's C face

#[path = "../../../tests/live/plan.rs"]
mod plan;
#[path = "../../../tests/live/venue.rs"]
#[allow(dead_code)] // shared with the tests from outside, which use all of it
mod venue;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use serde_json::Value;

use super::*;
use crate::cex::kernel::{HookFn, Hooks, Out, View};
use crate::cex::venues::binance_sign::KeyKind;
use crate::lane::Record;
use crate::risk::switch::{Cause, SwitchState};
use crate::tape::Kind;
use venue::Venue;

/// Wants one order a side, at another price at every book.
unsafe extern "C" fn moves(_: *mut u8, views: *const View, _: i64, _: i64, outs: *mut Out) -> i32 {
    static TURN: AtomicU64 = AtomicU64::new(0);
    // SAFETY: there is one view and one out.
    let (view, out) = unsafe { (&*views, &mut *outs) };
    out.has_ladder = 1;
    if view.has_top == 1 {
        let away = 5.0 + (TURN.fetch_add(1, Ordering::Relaxed) % 2) as f64;
        (out.n_bids, out.n_asks) = (1, 1);
        (out.bid_px[0], out.bid_qty[0]) = (view.bid_px as f64 - away, 1.0);
        (out.ask_px[0], out.ask_qty[0]) = (view.ask_px as f64 + away, 1.0);
    }
    0
}

/// Panics at so many records once it is told to.
struct Breaks(Arc<AtomicU64>);

impl Record for Breaks {
    fn record(&mut self, _: Kind, _: u16, _: u16, _: i64, _: &[u8]) {
        let left = self.0.load(Ordering::Acquire);
        if left > 0 {
            self.0.store(left - 1, Ordering::Release);
            panic!("the journal broke");
        }
    }
}

struct Running {
    venue: Venue,
    switch: Arc<Switch>,
    shared: Arc<Shared>,
    panics: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<String>,
    folder: PathBuf,
}

/// A live lane with two orders at a venue that does not answer them.
fn quoting(name: &str) -> Running {
    let folder = std::env::temp_dir().join(format!("searcher-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let venue = Venue::open();
    let mut told = plan::plan("live", venue.port, &folder);
    told["rules"]["ack_timeout_ms"] = json!(100);
    let plan = LivePlan::parse(&told.to_string()).unwrap();
    let hooks = Hooks { book: Some(moves as HookFn), ..Hooks::default() };
    // SAFETY: the function above keeps to what it is given and to no state.
    let kernel = unsafe { Kernel::new("moves", hooks, &[], 0, Box::new(())) };
    let keys = Credentials::new(KeyKind::Hmac, "key", "secret").unwrap();
    let poller = Poller::new().unwrap();
    let shared = Arc::new(Shared::new(poller.waker(), Arc::new(Notices::default())));
    let switch = Arc::new(Switch::open(&folder.join("switch")).unwrap());
    let (mut runner, carry) = prepare(plan, vec![kernel], Some(keys), poller, &shared, &switch).unwrap();
    let panics = Arc::new(AtomicU64::new(0));
    runner.core.lane.journal.set_tape(Some(Box::new(Breaks(Arc::clone(&panics)))));
    terse_panics();
    let thread = std::thread::Builder::new().name(format!("{THREAD}7")).spawn(move || runner.run(&carry)).unwrap();
    let running = Running { venue, switch, shared, panics, thread, folder };
    running.until("two orders", || running.asked("order.place") >= 2);
    running
}

impl Running {
    fn asked(&self, method: &str) -> usize {
        self.venue.seen.asked.lock().unwrap().iter().filter(|m| m["method"] == method).count()
    }

    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let limit = Instant::now() + Duration::from_secs(20);
        while !done() {
            assert!(Instant::now() < limit, "never: {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn is_halted_by_a_panic(&self) -> bool {
        let reason = self.switch.reason();
        self.switch.state() == SwitchState::Halted
            && reason.is_some_and(|r| r.cause == Cause::Panic && r.text.ends_with("the journal broke"))
    }

    fn ended(self) -> Value {
        self.shared.quit();
        let summary = self.thread.join().unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
        serde_json::from_str(&summary).unwrap()
    }
}

#[test]
fn after_a_panic_of_the_thread_it_only_cancels() {
    let lane = quoting("panic-once");
    lane.panics.store(1, Ordering::Release);
    lane.until("a halt", || lane.is_halted_by_a_panic());
    let (placed, cancelled) = (lane.asked("order.place"), lane.asked("order.cancel"));
    lane.until("cancels", || lane.asked("order.cancel") >= cancelled + 2);
    assert!(lane.asked("order.place") <= placed + 1, "no more than was on its way");
    let placed = lane.asked("order.place");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(lane.asked("order.place"), placed);
    let said = lane.shared.notices.take().join("\n");
    assert!(said.contains("panic in the thread of lane test: the journal broke"), "{said}");
    let summary = lane.ended();
    assert_eq!((&summary["ended"], &summary["panics"]), (&json!("quit"), &json!(1)), "{summary}");
}

#[test]
fn a_thread_that_does_nothing_but_panic_is_given_up() {
    let lane = quoting("panic-always");
    lane.panics.store(u64::MAX, Ordering::Release);
    lane.until("its end", || lane.thread.is_finished());
    assert!(lane.is_halted_by_a_panic());
    let summary = lane.ended();
    assert_eq!((&summary["ended"], &summary["panics"]), (&json!("panic"), &json!(3)), "{summary}");
    assert_eq!(summary["left"], json!("unknown: ask the venue"));
}
