//! Starting a live lane, and the handle by which another thread stops it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, mpsc};
use std::time::Duration;

use serde_json::json;

use super::account::{Account, NetSetup};
use super::core::{Core, Parts, Way};
use super::feed::Feed;
use super::notices::Notices;
use super::page::Page;
use super::paper::Paper;
use super::pin;
use super::plan::{LivePlan, Mode, Poll};
use super::record::SessionTape;
use super::rehearsal::Rehearsal;
use super::rest::RestClient;
use super::thread::{Runner, RunnerParts, Shared};
use crate::cex::kernel::Kernel;
use crate::cex::orders::first_id;
use crate::cex::venues::binance::Market;
use crate::cex::venues::binance_rest::Rest;
use crate::cex::venues::binance_sign::Credentials;
use crate::clock::{WallClock, system_ns};
use crate::event::{Control, RateKind};
use crate::lane::{Carry, CarryFile};
use crate::net::{Endpoint, HttpClient, HttpOptions, Poller, Tls, WsOptions};
use crate::risk::switch::Switch;
use crate::sim::exchange::SimExchange;

/// The watcher looks at the switch's file this often.
const VERIFY_EVERY: Duration = Duration::from_secs(1);
/// A socket that was silent for so long is asked whether it lives.
const IDLE_MS: u64 = 5_000;
/// Weight a minute where the plan names no limit (rest-api.md; USD-M exchangeInfo).
const WEIGHT: [u32; 2] = [6_000, 2_400];
/// Room of a status page: of the lane, and of each instrument, bytes.
const PAGE_BYTES: usize = 24 << 10;
const PAGE_BYTES_EACH: usize = 1 << 10;

/// A lane that runs on its own thread.
pub struct LiveLane {
    shared: Arc<Shared>,
    over: Arc<AtomicBool>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

impl LiveLane {
    /// Makes the lane of a plan and starts its thread. Kernels in the plan's order; credentials for mode live. A lane that
    /// polls busily rehearses with `understudies`, the same kernels once more; without them it does not.
    ///
    /// # Errors
    /// One line for a person: what is wrong and what to do. Nothing runs then.
    pub fn start(
        plan: LivePlan,
        kernels: Vec<Kernel>,
        understudies: Vec<Kernel>,
        keys: Option<Credentials>,
    ) -> Result<LiveLane, String> {
        terse_panics();
        let notices = Arc::new(Notices::default());
        let poller = Poller::new().map_err(|e| format!("nothing to wait with: {e}"))?;
        let shared = Arc::new(Shared::new(poller.waker(), Arc::clone(&notices)));
        let switch = Arc::new(match &plan.switch {
            Some(path) => Switch::open(Path::new(path))?,
            None => Switch::anonymous(),
        });
        let (cpu, busy) = (plan.cpu, plan.poll == Poll::Busy);
        let rehearses = busy && plan.mode == Mode::Live && !understudies.is_empty();
        let rehearsal = if rehearses { Rehearsal::new(&plan, understudies)? } else { None };
        let (mut runner, carry) = prepare(plan, kernels, keys, poller, &shared, &switch)?;
        runner.rehearsal = rehearsal.map(Box::new);
        if busy && !pin::hold_memory() {
            let why = "memory cannot be locked: raise `ulimit -l`, or first touches of pages will cost microseconds";
            notices.say(system_ns(), "memory not locked", json!({"why": why}));
        }
        let over = Arc::new(AtomicBool::new(false));
        let (said, heard) = mpsc::channel();
        let name = format!("{THREAD}{}", runner.plan.lane);
        let ending = Arc::clone(&over);
        let lane = std::thread::Builder::new().name(name).spawn(move || {
            let pinned = cpu.map_or(Ok(()), pin::pin).map(|()| rustix::thread::gettid());
            let go = pinned.is_ok();
            // The other end waits for it.
            let _ = said.send(pinned);
            if go {
                runner.run(&carry);
            }
            ending.store(true, Ordering::Release);
        });
        let lane = lane.map_err(|e| format!("no thread for the lane: {e}"))?;
        let id = heard.recv().map_err(|_| "the lane's thread ended before it began".to_string())??;
        if let Some(cpu) = cpu {
            pin::spare(cpu, id);
        }
        let ended = Arc::clone(&over);
        let watcher = std::thread::Builder::new().name("switch".into()).spawn(move || watch(&switch, &ended));
        let watcher = watcher.map_err(|e| {
            shared.quit();
            format!("no thread to watch the switch: {e}")
        })?;
        Ok(LiveLane { shared, over, threads: Mutex::new(vec![lane, watcher]) })
    }

    /// Asks the lane to place nothing more and to cancel everything; `flat`: also to bring its positions to zero.
    pub fn stop(&self, flat: bool) {
        self.shared.stop(if flat { Control::StopFlat } else { Control::Stop });
    }

    /// The thread lives.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.over.load(Ordering::Acquire)
    }

    /// What the lane had to say since the last call: JSON lines.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        self.shared.notices.take()
    }

    /// The summary, once the lane has ended; waits for it for so long.
    #[must_use]
    pub fn summary(&self, timeout: Duration) -> Option<String> {
        self.shared.summary(timeout)
    }

    /// Waits for the lane to end; when the time is over it is ended as it stands. Gives the summary.
    pub fn join(&self, timeout: Duration) -> String {
        let summary = self.shared.summary(timeout).or_else(|| {
            self.shared.quit();
            self.shared.summary(QUIT_TIMEOUT)
        });
        if summary.is_some() {
            // Both end by themselves now.
            let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
            threads.drain(..).for_each(|t| drop(t.join()));
        }
        summary.unwrap_or_else(|| json!({"ended": "stuck", "left": "unknown: ask the venue"}).to_string())
    }
}

/// A thread that was told to quit and has not by then hangs in a kernel.
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

impl Drop for LiveLane {
    fn drop(&mut self) {
        self.shared.quit();
    }
}

/// Name of a lane's thread.
const THREAD: &str = "lane ";

/// A lane that panics has orders to cancel: its thread says in one line where it was, and looks for no backtrace, which
/// takes half a second and more. Other threads panic as before.
fn terse_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| match std::thread::current().name() {
            Some(name) if name.starts_with(THREAD) => eprintln!("{name}: {panic}"),
            _ => usual(panic),
        }));
    });
}

/// Looks after the switch's file, which a lane's thread must not wait for.
fn watch(switch: &Switch, over: &AtomicBool) {
    let step = Duration::from_millis(50);
    let mut since = Duration::ZERO;
    while !over.load(Ordering::Acquire) {
        std::thread::sleep(step);
        since += step;
        if since >= VERIFY_EVERY {
            since = Duration::ZERO;
            switch.verify(system_ns());
        }
    }
}

fn prepare(
    plan: LivePlan,
    kernels: Vec<Kernel>,
    keys: Option<Credentials>,
    poller: Poller,
    shared: &Arc<Shared>,
    switch: &Arc<Switch>,
) -> Result<(Runner, Vec<u8>), String> {
    let state = Path::new(&plan.state);
    std::fs::create_dir_all(state).map_err(|e| format!("{}: {e}", state.display()))?;
    let mut clock = WallClock::new(plan.clock.origin_ns, plan.clock.speed);
    let now_ns = clock.now_ns();
    let tls = Arc::new(Tls::new(plan.ca_file.as_deref().map(Path::new))?);
    let options = WsOptions { idle_timeout_ms: IDLE_MS, busy: plan.poll == Poll::Busy, ..WsOptions::default() };
    // Seeds masks and the jitter of waits; nothing that decides.
    let seed = (now_ns as u64) ^ (u64::from(plan.lane) << 48);
    let net = NetSetup { options, tls, seed };
    let market = Market::from(plan.venue());
    let specs = &plan.plan.instruments;
    let make = Rest::new(market, specs, plan.recv_window_ms)?;
    let http = || {
        let endpoint = Endpoint::parse(&plan.endpoints.rest).map_err(|e| format!("endpoints.rest: {e}"))?;
        Ok::<_, String>(HttpClient::new(endpoint, Arc::clone(&net.tls), HttpOptions::default()))
    };
    let api_key = keys.as_ref().map(|k| k.api_key().to_string());
    let (public, private) = (RestClient::new(http()?, None), RestClient::new(http()?, api_key));
    let way = match (plan.mode, keys) {
        (Mode::Record, _) => Way::Nowhere,
        (Mode::Paper, _) => {
            let exchange = SimExchange::new(plan.plan.simulation.exchange, specs.clone());
            Way::Paper(Box::new(Paper::new(exchange, plan.plan.simulation.latency.clone())))
        }
        (Mode::Live, Some(keys)) => Way::Venue(Box::new(Account::new(&plan, keys, &net)?)),
        (Mode::Live, None) => return Err("mode live needs an API key and its secret".into()),
    };
    let feeds = Feed::all(&plan, &net.options, &net.tls, seed)?;
    let weight = plan.rules.as_ref().and_then(|r| r.rates.iter().find(|l| l.kind == RateKind::Weight));
    let weight = weight.map_or(WEIGHT[usize::from(market == Market::UsdM)], |l| l.limit);
    let mut lane = plan.lane(kernels, Arc::clone(switch), true)?;
    lane.marks.turn_on();
    let (carry, opening) = match plan.mode {
        Mode::Live => {
            let (file, opening) = CarryFile::open(state, plan.lane, specs)?;
            (Some(file), opening)
        }
        // Simulated fills are carried nowhere.
        Mode::Paper | Mode::Record => (None, Carry { first_id: first_id(plan.lane, 1), ..Carry::default() }),
    };
    if let Some(cut) = &opening.cut {
        shared.notices.say(now_ns, "fills cut", json!({"why": cut}));
    }
    let opening = serde_json::to_vec(&opening).map_err(|e| e.to_string())?;
    let meta = serde_json::to_string(&plan).map_err(|e| e.to_string())?;
    let (tape, to_tape) = SessionTape::open(state, system_ns(), plan.lane, &meta)?;
    lane.journal.set_tape(Some(to_tape));
    let room = PAGE_BYTES + PAGE_BYTES_EACH * specs.len();
    let path = state.join("status");
    let page = Page::create(&path, room, now_ns).map_err(|e| format!("{}: {e}", path.display()))?;
    let notices = Arc::clone(&shared.notices);
    // A quarter of the weight is left for what concerns the account.
    let snapshot_weight = weight / 4 * 3;
    let core = Core::new(Parts {
        lane,
        clock,
        way,
        notices,
        make,
        public,
        private,
        snapshot_weight,
        carry,
        switch: Arc::clone(switch),
    });
    let runner = Runner::new(RunnerParts {
        plan,
        core,
        feeds,
        poller,
        shared: Arc::clone(shared),
        switch: Arc::clone(switch),
        tape: Some(tape),
        page,
        started_ns: now_ns,
    });
    Ok((runner, opening))
}

#[cfg(test)]
mod tests;
