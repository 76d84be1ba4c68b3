//! The lane: one thread's connections, books, kernels and orders, as a pure machine. [`Lane::step`] takes a [`Frame`]
//! and leaves in an [`Outbox`] what is to be sent; it reads no clock and no socket, so live, paper and backtest differ
//! only in who calls it.

pub mod account;
pub mod carry;
mod control;
mod decide;
mod decoder;
mod instrument;
mod journal;
pub mod live;
mod marks;
mod overrun;
mod parts;
mod quality;
mod warm;
mod wind_down;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use account::Account;
pub use carry::{Carry, CarryFile, KeptFill};
pub use control::Left;
pub use decide::KernelSlot;
pub use decoder::Decoder;
pub use instrument::{Instrument, Quote};
pub use journal::{Journal, Record};
pub use live::{LiveRules, RateLimit};
pub use marks::Marks;
pub use overrun::Overrun;
pub use parts::{FrameCounts, LaneConfig, LaneFill, Outbox, Trading};
pub use quality::Agreement;

use crate::cex::kernel::{Hook, Kernel};
use crate::cex::orders::Orders;
use crate::cex::quoter::Quoter;
use crate::cex::sync::Outcome;
use crate::cex::venues::binance::Binance;
use crate::cex::venues::binance_private::Private;
use crate::event::{Decoded, Event, Fault, Frame, InstrumentId, Intent, ORDERS, Side, Source};
use crate::risk::gate::{Gate, SwitchSeen};
use crate::risk::limits::Limits;
use crate::risk::switch::{Cause, SwitchState};

/// The part of a lane that trades.
struct Desk {
    gate: Gate,
    orders: Orders,
    quoter: Quoter,
    kernels: Vec<KernelSlot>,
    /// By instrument: kernel, and the instrument's place in it.
    listeners: Vec<Vec<(usize, usize)>>,
    limits: Limits,
    scratch: Vec<Intent>,
    /// The next time at which flattening is tried.
    flatten_ns: i64,
    /// How often it was tried since the positions last changed, and their sum then.
    flatten_tries: u32,
    flatten_held: u64,
    /// No book with orders of ours is stale before this.
    stale_ns: i64,
    /// Hook calls so far, and those to come that a Tape says overran their budget.
    calls: u64,
    overruns: VecDeque<Overrun>,
    /// Kernels are not called any more.
    stopped: bool,
    /// Absent where no venue stands behind the lane.
    account: Option<Box<Account>>,
    fills: Vec<LaneFill>,
}

/// With more instruments than this, what a message is about to change is asked for early: fewer have all they touch in
/// the caches next to the core.
const FEW: usize = 16;

pub struct Lane {
    decoder: Decoder,
    instruments: Vec<Instrument>,
    desk: Option<Desk>,
    pub journal: Journal,
    clock_offset_ns: i64,
    now_ns: i64,
    pub counts: FrameCounts,
    /// The first malformed message's reason.
    pub first_malformed: Option<&'static str>,
    /// The first panic's message. A lane that trades is also tripped by it; one that only watches has nothing to trip,
    /// so its caller must look here.
    pub panicked: Option<String>,
    pub marks: Marks,
    decoded: Decoded,
}

impl Lane {
    pub fn new(config: LaneConfig, kernels: Vec<(Kernel, Vec<InstrumentId>)>) -> Result<Lane, String> {
        let decoder = Decoder {
            dialect: Arc::new(Binance::new(config.dialect, &config.instruments)?),
            private: Arc::new(Private::new(config.dialect, &config.instruments)?),
        };
        let rules = config.dialect.rules();
        let instruments: Vec<Instrument> = config
            .instruments
            .iter()
            .map(|spec| Instrument::new(spec, rules, &config.features))
            .collect::<Result<_, _>>()?;
        let desk = match config.trading {
            Some(t) => {
                let base = |n| decoder.private.base_asset(n as InstrumentId).map(str::to_owned);
                let bases: Vec<_> = (0..config.instruments.len()).map(base).collect();
                Some(Desk::new(t, config.dialect, &config.instruments, &bases, kernels)?)
            }
            None if kernels.is_empty() => None,
            None => return Err("a kernel cannot trade without limits and an equity".into()),
        };
        Ok(Lane {
            decoder,
            instruments,
            desk,
            journal: Journal::default(),
            clock_offset_ns: config.clock_offset_ns,
            now_ns: i64::MIN,
            counts: FrameCounts::default(),
            first_malformed: None,
            panicked: None,
            marks: Marks::default(),
            decoded: Decoded::default(),
        })
    }

    /// Takes one frame. The same frames give the same intents, verdicts and receipts, always. A panic anywhere in it
    /// halts the lane.
    pub fn step(&mut self, frame: &Frame<'_>, out: &mut Outbox) {
        let mut decoded = std::mem::take(&mut self.decoded);
        let (decoder, instruments) = (&self.decoder, &self.instruments);
        let done = catch_unwind(AssertUnwindSafe(|| {
            if instruments.len() > FEW {
                decoder.decode_telling(frame, &mut decoded, |id, kind| instruments[usize::from(id)].expect(kind));
            } else {
                decoder.decode(frame, &mut decoded);
            }
        }));
        if done.is_err() {
            decoded = Decoded::default();
        }
        self.marks.decoded();
        self.take(frame, &decoded, done.err().map(|p| panic_text(p.as_ref())), out);
        self.decoded = decoded;
    }

    /// The pure half of [`Lane::step`].
    #[must_use]
    pub fn decoder(&self) -> Decoder {
        self.decoder.clone()
    }

    /// The other half: an event that [`Decoder::decode`] made of this frame changes the lane.
    pub fn apply(&mut self, frame: &Frame<'_>, decoded: &Decoded, out: &mut Outbox) {
        self.take(frame, decoded, None, out);
    }

    /// `panic`: what the decoder panicked with, if it did.
    #[inline(always)]
    fn take(&mut self, frame: &Frame<'_>, decoded: &Decoded, panic: Option<String>, out: &mut Outbox) {
        if frame.recv_ns < self.now_ns {
            self.counts.backwards += 1;
        }
        self.now_ns = self.now_ns.max(frame.recv_ns);
        let now_ns = self.now_ns;
        self.journal.frame(&Frame { recv_ns: now_ns, ..*frame });
        if let Some(desk) = &mut self.desk {
            desk.gate.look();
            if desk.gate.has_switch_changes() {
                self.journal.switch(desk.gate.take_switch_changes(), now_ns);
            }
        }
        if let Some(text) = panic {
            self.on_panic(&text);
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.dispatch(frame, decoded, out))) {
            self.on_panic(&panic_text(panic.as_ref()));
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.supervise(out))) {
            self.on_panic(&panic_text(panic.as_ref()));
        }
    }

    #[inline(always)]
    fn dispatch(&mut self, frame: &Frame<'_>, decoded: &Decoded, out: &mut Outbox) {
        match decoded.event {
            Event::Depth { instrument, exch_ns, last_id, .. } => {
                self.counts.depth += 1;
                self.feed_latency(instrument, exch_ns);
                self.instruments[usize::from(instrument)].connection = Some(frame.connection);
                self.on_depth(instrument, last_id, decoded, out);
            }
            Event::Quote { instrument, exch_ns, id, bid, ask } => {
                self.counts.quote += 1;
                self.feed_latency(instrument, exch_ns);
                self.on_quote(instrument, Quote { id, bid, ask }, out);
            }
            Event::Trade { instrument, exch_ns, px, qty, side, .. } => {
                self.counts.trade += 1;
                self.feed_latency(instrument, exch_ns);
                if self.accept_tick(instrument, 2 * px.0) {
                    let i = &mut self.instruments[usize::from(instrument)];
                    i.last_trade = Some((px, qty, side));
                    i.features.on_trade(self.now_ns, px, qty, side);
                    i.market_version += 1;
                    self.call(Hook::Trade, instrument, out);
                }
            }
            Event::Snapshot { instrument, last_id, .. } => {
                self.counts.snapshot += 1;
                let i = &mut self.instruments[usize::from(instrument)];
                let agreement = &mut i.agreement;
                let outcome = i.sync.on_snapshot(decoded, last_id, self.now_ns, &mut i.book, |id, book| {
                    if let Some(top) = book.top() {
                        agreement.on_top(id, &top);
                    }
                });
                self.after_sync(instrument, outcome, out);
            }
            Event::Receipt(receipt) => {
                self.counts.order += 1;
                match frame.source {
                    Source::Private => self.on_private(&receipt, &decoded.private, out),
                    _ => self.on_receipt(&receipt, None, out),
                }
            }
            Event::Timer => {
                self.counts.timer += 1;
                self.on_timer(out);
                self.on_account_timer(out);
            }
            Event::Fault(fault) => {
                self.counts.fault += 1;
                self.on_fault(fault, frame, out);
            }
            Event::Answer => {
                self.counts.answer += 1;
                self.on_answer(frame, out);
            }
            Event::Carry => {
                if let Err(text) = self.on_carry(frame.bytes) {
                    self.trip(SwitchState::Halted, Cause::Position, &text);
                }
            }
            Event::Control(control) => self.on_control(control),
            Event::Switch => {} // the gate looks by itself; a replay is told beforehand
            Event::Ignored => {
                self.counts.ignored += 1;
                if frame.source == Source::Private {
                    self.on_notes(&decoded.private);
                }
            }
            Event::Malformed { instrument, reason } => {
                self.counts.malformed += 1;
                self.first_malformed.get_or_insert(reason);
                // Whatever it was, it may have been depth: the chain will tell at the next event. What names its
                // instrument is not waited for.
                if let Some(id) = instrument {
                    let i = &mut self.instruments[usize::from(id)];
                    if i.sync.live() {
                        i.sync.lose(self.now_ns);
                        self.after_sync(id, Outcome::Lost, out);
                    }
                }
                if frame.source == Source::Private {
                    self.on_notes(&decoded.private);
                    self.on_unreadable(); // it may have been a fill
                }
                if frame.source == Source::Order {
                    self.trip(SwitchState::Halted, Cause::BadReceipt, "a receipt that cannot be read");
                }
            }
        }
    }

    #[inline(always)]
    fn feed_latency(&mut self, instrument: InstrumentId, exch_ns: i64) {
        if let Some(desk) = &mut self.desk
            && exch_ns != 0
        {
            desk.gate.on_feed_latency(instrument, self.now_ns - (exch_ns + self.clock_offset_ns), self.now_ns);
        }
    }

    /// The gate's word on a tick; an outlier is counted and goes no further.
    #[inline(always)]
    fn accept_tick(&mut self, instrument: InstrumentId, half_ticks: i64) -> bool {
        let ok = match &mut self.desk {
            Some(desk) => desk.gate.on_tick(instrument, half_ticks, self.now_ns),
            None => true,
        };
        self.counts.outliers += u64::from(!ok);
        ok
    }

    fn on_depth(&mut self, instrument: InstrumentId, last_id: u64, decoded: &Decoded, out: &mut Outbox) {
        let many = self.instruments.len() > FEW;
        let i = &mut self.instruments[usize::from(instrument)];
        i.level_updates += decoded.levels.len() as u64;
        if many {
            i.book.expect(Side::Buy, decoded.bids());
            i.book.expect(Side::Sell, decoded.asks());
        }
        let outcome = i.sync.on_depth(decoded, self.now_ns, &mut i.book);
        if matches!(outcome, Outcome::Applied | Outcome::Synced)
            && let Some(top) = i.book.top()
        {
            i.agreement.on_top(last_id, &top);
        }
        self.after_sync(instrument, outcome, out);
    }

    fn after_sync(&mut self, instrument: InstrumentId, outcome: Outcome, out: &mut Outbox) {
        let i = &mut self.instruments[usize::from(instrument)];
        match outcome {
            Outcome::Held => {}
            Outcome::Applied | Outcome::Synced => {
                i.take_best();
                let Some(top) = i.top else {
                    i.lose_top(); // one side is empty: there is no Top
                    return self.call(Hook::Book, instrument, out);
                };
                if self.accept_tick(instrument, top.half_ticks()) {
                    if let Some(desk) = &mut self.desk {
                        desk.gate.on_mark(instrument, top.half_ticks(), self.now_ns);
                    }
                    self.instruments[usize::from(instrument)].update_features(self.now_ns);
                    self.call(Hook::Book, instrument, out);
                } else {
                    self.instruments[usize::from(instrument)].top = None; // nothing is judged by an outlier
                }
            }
            Outcome::Lost => {
                i.lose_top();
                out.snapshots_wanted.push(instrument);
                self.pull(instrument, out);
                self.call(Hook::Book, instrument, out);
            }
        }
    }

    fn on_quote(&mut self, instrument: InstrumentId, quote: Quote, out: &mut Outbox) {
        let i = &mut self.instruments[usize::from(instrument)];
        i.agreement.on_quote(quote.id, quote.bid, quote.ask);
        if i.quote.is_some_and(|q| q.id >= quote.id) {
            return; // older than the one we have
        }
        if self.accept_tick(instrument, quote.bid.px.0 + quote.ask.px.0) {
            let i = &mut self.instruments[usize::from(instrument)];
            i.quote = Some(quote);
            i.market_version += 1;
            self.call(Hook::Quote, instrument, out);
        }
    }

    fn on_fault(&mut self, fault: Fault, frame: &Frame<'_>, out: &mut Outbox) {
        match fault {
            // The one place that panics on purpose, so that what follows a panic can be shown.
            Fault::Panic => panic!("injected"),
            Fault::Disconnected if frame.connection >= ORDERS => self.on_disconnected(frame.connection, out),
            Fault::Disconnected => {
                for id in 0..self.instruments.len() {
                    let i = &mut self.instruments[id];
                    if i.connection.is_none_or(|c| c == frame.connection) {
                        i.sync.lose(self.now_ns);
                        self.after_sync(id as InstrumentId, Outcome::Lost, out);
                    }
                }
            }
            // Told beforehand, and acted upon at the call itself: see `set_overruns`.
            Fault::Overrun => {}
            Fault::Connected => self.on_connected(frame.connection),
            Fault::Throttled => self.on_throttled(frame.bytes),
        }
    }

    fn on_panic(&mut self, text: &str) {
        let text = format!("panic in the lane: {text}");
        self.panicked.get_or_insert_with(|| text.clone());
        self.trip(SwitchState::Halted, Cause::Panic, &text);
    }

    fn trip(&mut self, to: SwitchState, cause: Cause, text: &str) {
        if let Some(desk) = &mut self.desk {
            desk.gate.trip(to, cause, text, self.now_ns);
        }
    }

    /// Brings the venue's times to our clock from now on.
    pub fn set_clock_offset(&mut self, offset_ns: i64) {
        self.clock_offset_ns = offset_ns;
    }

    /// The overruns on the Tape that is to be replayed, in their order: the calls they name wish nothing and trip the
    /// switch, as they did when they were recorded.
    pub fn set_overruns(&mut self, overruns: Vec<Overrun>) {
        if let Some(desk) = &mut self.desk {
            desk.overruns = overruns.into();
        }
    }

    /// The changes of the Switch on the Tape that is to be verified: the gate meets each at its look, and reads no Switch.
    pub fn set_switch_script(&mut self, script: Vec<SwitchSeen>) {
        if let Some(desk) = &mut self.desk {
            desk.gate.set_switch_script(script);
        }
    }

    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// Ends the quality counts: no more frames will come.
    pub fn finish(&mut self) {
        for i in &mut self.instruments {
            i.agreement.finish();
        }
    }

    #[must_use]
    pub fn gate(&self) -> Option<&Gate> {
        self.desk.as_ref().map(|d| &d.gate)
    }

    #[must_use]
    pub fn orders(&self) -> Option<&Orders> {
        self.desk.as_ref().map(|d| &d.orders)
    }

    #[inline(always)]
    #[must_use]
    pub fn has_fills(&self) -> bool {
        self.desk.as_ref().is_some_and(|d| !d.fills.is_empty())
    }

    /// Fills since the last call.
    pub fn take_fills(&mut self, into: &mut Vec<LaneFill>) {
        if let Some(desk) = &mut self.desk {
            into.append(&mut desk.fills);
        }
    }

    /// Parameters and state of a kernel as they are now, bytes of its record; `None` where there is no such kernel.
    #[must_use]
    pub fn kernel_state(&self, kernel: usize) -> Option<Vec<u8>> {
        Some(self.desk.as_ref()?.kernels.get(kernel)?.kernel.state())
    }

    /// When the next timer frame is due: a kernel wants one, or a book that our orders rest on may be stale by then.
    #[must_use]
    pub fn next_timer_ns(&self) -> Option<i64> {
        let desk = self.desk.as_ref()?;
        let stale_ns = (desk.stale_ns != i64::MAX).then_some(desk.stale_ns);
        let account_ns = desk.account.as_ref().map(|a| a.next_ns()).filter(|ns| *ns != i64::MAX);
        desk.kernels.iter().filter_map(KernelSlot::due_ns).chain(stale_ns).chain(account_ns).min()
    }

    /// Starts the kernels' timers: the first tick is one period after `start_ns`.
    pub fn start_timers(&mut self, start_ns: i64) {
        for slot in self.desk.iter_mut().flat_map(|d| &mut d.kernels) {
            slot.start(start_ns);
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(s), _) => (*s).to_string(),
        (_, Some(s)) => s.clone(),
        _ => "without a message".to_string(),
    }
}
