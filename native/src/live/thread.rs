//! The lane's thread: it owns the sockets, the lane and the clock, and nobody else touches them.
//!
//! A turn reads each socket once, steps the lane message by message, and sends what each step decided before it looks at
//! the next message. Then come what is due by the clock and, when there was nothing to do, the status page; in `busy`
//! form the next turn follows at once, in `sleep` form when a socket or a timer wants it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::core::{Core, Way};
use super::feed::Feed;
use super::news::News;
use super::notices::Notices;
use super::page::Page;
use super::plan::{LivePlan, Poll};
use super::record::SessionTape;
use super::rehearsal::{self, Rehearsal};
use super::status::{self, ClockStatus, ConnectionStatus, Session, TapeStatus};
use crate::clock::{stopwatch_ns, system_ns, thread_cpu_ns};
use crate::event::{ConnectionId, Control, Fault, Frame, Source};
use crate::net::{Poller, Waker, WsEvent};
use crate::risk::switch::{Cause, Switch, SwitchState};
use crate::sim::plan::FaultKind;

const NS_PER_MS: i64 = 1_000_000;
/// Time between two heartbeats, and the least between two status pages; pages take at most 1/200 of the thread's time. What
/// the host takes from the thread while it writes one is no part of that: the next would be minutes away.
const PAGE_NS: i64 = 50 * NS_PER_MS;
const PAGE_SHARE: i64 = 200;
const LATE_PAGE_NS: i64 = 500 * NS_PER_MS;
/// The clock is compared with the system's this often.
const ANCHOR_NS: i64 = 1_000 * NS_PER_MS;
/// A thread that panics this often is given up.
const MOST_PANICS: u64 = 3;

/// What the handle and the thread share.
pub struct Shared {
    /// A [`Control`], or 0.
    stop: AtomicU8,
    /// End now, whatever is left.
    quit: AtomicBool,
    waker: Waker,
    pub notices: Arc<Notices>,
    /// The summary, once the thread has ended.
    ended: Mutex<Option<String>>,
    bell: Condvar,
}

impl Shared {
    #[must_use]
    pub fn new(waker: Waker, notices: Arc<Notices>) -> Shared {
        Shared {
            stop: AtomicU8::new(0),
            quit: AtomicBool::new(false),
            waker,
            notices,
            ended: Mutex::new(None),
            bell: Condvar::new(),
        }
    }

    /// Asks the lane to stop; a request to stop flat stands.
    pub fn stop(&self, control: Control) {
        self.stop.fetch_max(control as u8, Ordering::AcqRel);
        self.waker.wake();
    }

    /// Ends the thread, whatever is left.
    pub fn quit(&self) {
        self.quit.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// The summary, waiting for it for so long at most.
    #[must_use]
    pub fn summary(&self, timeout: Duration) -> Option<String> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, _) =
            self.bell.wait_timeout_while(ended, timeout, |e| e.is_none()).unwrap_or_else(PoisonError::into_inner);
        ended.clone()
    }

    pub(super) fn end(&self, summary: String) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(summary);
        self.bell.notify_all();
    }
}

pub struct Runner {
    pub plan: LivePlan,
    pub core: Core,
    pub feeds: Vec<Feed>,
    pub poller: Poller,
    pub shared: Arc<Shared>,
    pub switch: Arc<Switch>,
    pub tape: Option<SessionTape>,
    pub page: Page,
    pub started_ns: i64,
    pub panics: u64,
    /// What was asked of the lane so far.
    asked: u8,
    /// Stopwatch: when the page, the heartbeat and the clock are due.
    page_due: i64,
    beat_due: i64,
    anchor_due: i64,
    text: Vec<u8>,
    fds: Vec<(std::os::fd::RawFd, bool)>,
    tape_lost: u64,
    /// Market frames so far, for the plan's faults.
    heard: u64,
    /// The switch's state, and whether it asks for positions of zero, as of the last turn.
    switch_seen: (SwitchState, bool),
    news: News,
    pub rehearsal: Option<Box<Rehearsal>>,
    /// Stopwatch: when it is due.
    rehearsal_due: i64,
}

/// What a runner is made of.
pub struct RunnerParts {
    pub plan: LivePlan,
    pub core: Core,
    pub feeds: Vec<Feed>,
    pub poller: Poller,
    pub shared: Arc<Shared>,
    pub switch: Arc<Switch>,
    pub tape: Option<SessionTape>,
    pub page: Page,
    pub started_ns: i64,
}

impl Runner {
    #[must_use]
    pub fn new(p: RunnerParts) -> Runner {
        Runner {
            plan: p.plan,
            core: p.core,
            feeds: p.feeds,
            poller: p.poller,
            shared: p.shared,
            switch: p.switch,
            tape: p.tape,
            page: p.page,
            started_ns: p.started_ns,
            panics: 0,
            asked: 0,
            page_due: 0,
            beat_due: 0,
            anchor_due: 0,
            text: Vec::new(),
            fds: Vec::new(),
            tape_lost: 0,
            heard: 0,
            switch_seen: (SwitchState::Active, false),
            news: News::default(),
            rehearsal: None,
            rehearsal_due: 0,
        }
    }

    /// Runs until the lane has stopped; gives the summary. `carry` is the payload of the lane's first frame.
    pub fn run(mut self, carry: &[u8]) -> String {
        let shared = Arc::clone(&self.shared);
        let now_ns = self.core.clock.now_ns();
        self.core.own(Source::Carry, 0, carry, now_ns);
        let summary = loop {
            match catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(true) => {}
                Ok(false) => break catch_unwind(AssertUnwindSafe(|| self.finish())),
                Err(panic) => {
                    self.on_panic(panic.as_ref());
                    if self.panics >= MOST_PANICS {
                        break Err(panic);
                    }
                }
            }
        };
        self.page.end();
        let summary = summary.unwrap_or_else(|_| {
            json!({"ended": "panic", "panics": self.panics, "left": "unknown: ask the venue"}).to_string()
        });
        shared.end(summary.clone());
        summary
    }

    /// A panic of the thread itself: nothing more is placed on this node, and the lane goes on only to cancel.
    fn on_panic(&mut self, panic: &(dyn std::any::Any + Send)) {
        self.panics += 1;
        let text = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "without a message".into());
        let now_ns = system_ns();
        let text = format!("panic in the thread of lane {}: {text}", self.plan.name);
        self.switch.trip(SwitchState::Halted, Cause::Panic, &text, now_ns);
        self.shared.notices.say(now_ns, "panic", json!({"text": text}));
    }

    /// One turn; false when the lane has stopped.
    fn turn(&mut self) -> bool {
        let now_ns = self.core.clock.now_ns();
        let idle = !self.read_feeds(now_ns);
        let core = &mut self.core;
        let now_ns = core.clock.now_ns();
        core.account_turn(now_ns);
        let now_ns = core.clock.now_ns();
        core.rest_turn(now_ns);
        let now_ns = core.clock.now_ns();
        core.paper_turn(now_ns);
        core.timer_turn(now_ns);
        core.settle(now_ns);
        let asked = self.shared.stop.load(Ordering::Acquire);
        if asked > self.asked {
            self.asked = asked;
            let control = if asked == Control::StopFlat as u8 { Control::StopFlat } else { Control::Stop };
            self.core.control(control, now_ns);
        }
        self.look_at_switch(now_ns);
        // Messages come first, but not for ever.
        if idle || stopwatch_ns() - self.beat_due > LATE_PAGE_NS {
            self.keep_house(now_ns);
        }
        if self.is_over() {
            return false;
        }
        if idle {
            self.rehearse(now_ns);
        }
        if idle && self.plan.poll == Poll::Sleep {
            self.wait();
        }
        true
    }

    /// Keeps warm what the next message will need, while there is none.
    fn rehearse(&mut self, now_ns: i64) {
        let Some(rehearsal) = &mut self.rehearsal else { return };
        let watch = stopwatch_ns();
        if watch < self.rehearsal_due {
            return;
        }
        let core = &mut self.core;
        let top = core.lane.instruments().get(usize::from(rehearsal.instrument())).and_then(|i| i.top);
        if let (Some(top), Way::Venue(account)) = (top, &mut core.way) {
            rehearsal.turn(top.bid.px, now_ns, |intent| account.rehearse(intent, now_ns));
            core.lane.warm(rehearsal.instrument());
        }
        self.rehearsal_due = stopwatch_ns() + rehearsal::EVERY_NS;
    }

    /// The lane looks at the switch at every frame; on a market that is silent a change of it makes one.
    fn look_at_switch(&mut self, now_ns: i64) {
        let seen = (self.switch.state(), self.switch.asks_flat());
        if seen != self.switch_seen {
            self.switch_seen = seen;
            self.core.own(Source::Timer, 0, &[], now_ns);
        }
    }

    /// Reads each market connection once; true if there was a message.
    fn read_feeds(&mut self, now_ns: i64) -> bool {
        let mut heard = false;
        for feed in &mut self.feeds {
            let read_ns = stopwatch_ns();
            feed.ws.drive(now_ns);
            let recv_ns = self.core.clock.now_ns();
            while let Some(event) = feed.ws.next() {
                match event {
                    WsEvent::Message(bytes) => {
                        heard = true;
                        feed.status.heard(bytes.len());
                        let (source, connection, tag) = (Source::Market, feed.id, Frame::UNTAGGED);
                        self.core.step(&Frame { source, connection, tag, recv_ns, bytes }, read_ns);
                        self.heard += 1;
                        if !self.plan.plan.faults.is_empty() {
                            inject(&mut self.core, &self.plan, self.heard, feed.id, recv_ns);
                        }
                    }
                    WsEvent::Opened => {
                        feed.status.came(recv_ns);
                        let details = json!({"connection": feed.status.name});
                        self.shared.notices.say(recv_ns, "connected", details);
                        self.core.fault(Fault::Connected, feed.id, recv_ns);
                        self.core.feed(&feed.books, true, recv_ns);
                    }
                    WsEvent::Closed { why, retry_ns } => {
                        let was_up = feed.status.up;
                        feed.status.went(&why, recv_ns);
                        let retry_ms = retry_ns / NS_PER_MS;
                        let details = json!({"connection": feed.status.name, "why": why, "retry_ms": retry_ms});
                        self.shared.notices.say(recv_ns, "disconnected", details);
                        self.core.feed(&feed.books, false, recv_ns);
                        if was_up {
                            self.core.fault(Fault::Disconnected, feed.id, recv_ns);
                        }
                    }
                }
            }
        }
        heard
    }

    /// What is due now and then, and not while messages wait.
    fn keep_house(&mut self, now_ns: i64) {
        let watch = stopwatch_ns();
        if watch >= self.anchor_due {
            self.anchor_due = watch + ANCHOR_NS;
            self.core.clock.anchor();
        }
        if watch >= self.beat_due {
            self.beat_due = watch + PAGE_NS;
            self.page.beat(system_ns());
            self.look_at_tape(now_ns);
        }
        if watch >= self.page_due {
            let cpu_ns = thread_cpu_ns();
            self.news.tell(&self.core.lane, &self.shared.notices, now_ns);
            self.write_page(now_ns);
            let took = thread_cpu_ns() - cpu_ns;
            self.page_due = watch + PAGE_NS.max(took * PAGE_SHARE);
        }
    }

    /// A lane whose record is torn must not add risk: what it does could never be verified.
    fn look_at_tape(&mut self, now_ns: i64) {
        let lost = self.tape.as_ref().map_or(0, SessionTape::lost);
        if lost > 0 && self.tape_lost == 0 {
            let text = format!("lane {}: records are missing on its Tape (disk full or too slow?)", self.plan.name);
            self.switch.trip(SwitchState::Reducing, Cause::Tape, &text, now_ns);
            self.shared.notices.say(now_ns, "tape lost", json!({"records": lost}));
        }
        self.tape_lost = lost;
    }

    fn connections(&self) -> Vec<ConnectionStatus> {
        let mut all: Vec<ConnectionStatus> = self.feeds.iter().map(|f| f.status.clone()).collect();
        if let Way::Venue(account) = &self.core.way {
            all.extend(account.links().map(|l| l.status.clone()));
        }
        all
    }

    fn write_page(&mut self, now_ns: i64) {
        self.page.beat(system_ns());
        let mut text = std::mem::take(&mut self.text);
        self.status(now_ns, &mut text);
        // Room is made for every instrument; should it not do, the old text stands and the heartbeat goes on.
        let _ = self.page.write(&text);
        self.text = text;
    }

    /// Writes the status as JSON to `out`.
    fn status(&self, now_ns: i64, out: &mut Vec<u8>) {
        let connections = self.connections();
        let path = self.tape.as_ref().map(|t| t.path.display().to_string()).unwrap_or_default();
        let count = |of: fn(&super::record::TapeCounts) -> &std::sync::atomic::AtomicU64| {
            self.tape.as_ref().map_or(0, |t| of(&t.counts).load(Ordering::Relaxed))
        };
        let mut rest = self.core.public.status(now_ns);
        let private = self.core.private.status(now_ns);
        rest.waiting += private.waiting;
        rest.sent += private.sent;
        rest.failed += private.failed;
        rest.weight = rest.weight.max(private.weight);
        let offset = match &self.core.way {
            Way::Venue(account) => account.offset_ns,
            _ => None,
        };
        let session = Session {
            name: &self.plan.name,
            lane: self.plan.lane,
            mode: self.plan.mode.name(),
            venue: self.plan.venue().name(),
            started_ns: self.started_ns,
            now_ns,
            stopping: [None, Some("stop"), Some("stop_flat")][usize::from(self.asked.min(2))],
            panics: self.panics,
            connections: &connections,
            tape: TapeStatus {
                path: &path,
                records: count(|c| &c.records),
                bytes: count(|c| &c.bytes),
                lost: count(|c| &c.lost),
            },
            clock: ClockStatus {
                venue_offset_ns: offset,
                steps: self.core.clock.steps,
                poll: if self.plan.poll == Poll::Busy { "busy" } else { "sleep" },
                cpu: self.plan.cpu,
            },
            unsent: self.core.unsent,
            rest,
            latency_ns: self.core.meter.json(),
        };
        status::write(&self.core.lane, &session, &self.core.fill_counts, out);
    }

    /// Asked to stop, and nothing is left that would still change; or asked to end now.
    fn is_over(&mut self) -> bool {
        if self.shared.quit.load(Ordering::Acquire) {
            return true;
        }
        self.asked != 0 && self.core.is_done()
    }

    /// Sleeps until a socket or a timer wants something.
    fn wait(&mut self) {
        self.fds.clear();
        for feed in &self.feeds {
            self.fds.extend(feed.ws.fd().map(|fd| (fd, feed.ws.wants_write())));
        }
        if let Way::Venue(account) = &self.core.way {
            for link in account.links() {
                self.fds.extend(link.ws.fd().map(|fd| (fd, link.ws.wants_write())));
            }
        }
        for client in [self.core.public.client(), self.core.private.client()] {
            self.fds.extend(client.fd().map(|fd| (fd, client.wants_write())));
        }
        let now_ns = self.core.clock.now_ns();
        let feeds = self.feeds.iter().filter_map(|f| f.ws.due_ns()).min();
        let due_ns = [self.core.due_ns(), feeds].into_iter().flatten().min();
        let until_page = (self.beat_due.min(self.anchor_due) - stopwatch_ns()).clamp(0, PAGE_NS);
        let until = due_ns.map_or(until_page, |due| self.core.clock.until_ns(now_ns, due).min(until_page));
        let timeout = Duration::from_nanos(u64::try_from(until).unwrap_or(0));
        if self.poller.wait(&self.fds, Some(timeout)).is_err() {
            // Nothing to wait with: then as often as that would have been.
            std::thread::sleep(timeout.min(Duration::from_millis(1)));
        }
    }

    /// The end: closes everything and says what is left.
    fn finish(&mut self) -> String {
        let now_ns = self.core.clock.now_ns();
        self.core.lane.finish();
        self.news.tell(&self.core.lane, &self.shared.notices, now_ns);
        self.write_page(now_ns);
        self.core.lane.journal.set_tape(None);
        let tape = self.tape.take().map(|t| (t.path.display().to_string(), t.close()));
        let mut summary = self.core.summary();
        summary["ended"] = json!(if self.shared.quit.load(Ordering::Acquire) { "quit" } else { "stopped" });
        summary["panics"] = json!(self.panics);
        if let Some((path, closed)) = tape {
            summary["tape"] = json!({"path": path, "error": closed.err()});
        }
        for feed in &mut self.feeds {
            feed.ws.close();
        }
        if let Way::Venue(account) = &mut self.core.way {
            account.close();
        }
        summary.to_string()
    }
}

/// The faults that are planned after `heard` market frames; a plan has any only where the exchange is on this host.
fn inject(core: &mut Core, plan: &LivePlan, heard: u64, connection: ConnectionId, now_ns: i64) {
    for fault in plan.plan.faults.iter().filter(|f| f.after_frames == heard) {
        let fault = match fault.kind {
            FaultKind::Panic => Fault::Panic,
            FaultKind::Disconnected => Fault::Disconnected,
        };
        core.fault(fault, connection, now_ns);
    }
}
