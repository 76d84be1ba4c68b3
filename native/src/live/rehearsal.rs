//! Keeps the path from message to order in the processor's caches while the market is silent.
//!
//! Between two messages of a market lie milliseconds, and on a machine that is shared the caches are somebody else's by
//! then: the same code and data that decide within 3 µs when they are warm take ten times as long when they are not. So a
//! lane that polls busily rehearses in its idle turns: a second lane, with a switch, orders and kernels of its own, on a
//! made-up market around the real one's price, decodes, decides and encodes with the same code. Nothing of it is sent,
//! recorded or shown, and the real lane knows nothing of it.

use std::io::Write;
use std::sync::Arc;

use crate::cex::kernel::Kernel;
use crate::event::{Action, Frame, InstrumentId, Intent, Receipt, ReceiptKind, Source, Wire};
use crate::lane::{Lane, LaneFill, Outbox};
use crate::risk::switch::{Switch, SwitchState};
use crate::units::{InstrumentSpec, Lots, Ticks};

use super::plan::LivePlan;

/// Between two rehearsals, stopwatch: often enough that little is lost in between, and seldom enough that a message
/// rarely meets one.
pub const EVERY_NS: i64 = 400_000;
/// Levels a side of the made-up book.
const LEVELS: i64 = 20;
/// Most orders a second that a limit can name.
const MOST_ORDERS: i64 = 10_000;
/// Requests of one turn are answered this often before the turn is over.
const ROUNDS: usize = 4;
const NS_PER_MS: i64 = 1_000_000;

pub struct Rehearsal {
    plan: LivePlan,
    lane: Lane,
    instrument: InstrumentId,
    /// The made-up market: its last update id, its best bid, and whether it is one tick up.
    update: u64,
    bid: Option<Ticks>,
    up: bool,
    outbox: Outbox,
    asked: Vec<Intent>,
    text: Vec<u8>,
    wire: Vec<u8>,
    fills: Vec<LaneFill>,
}

impl Rehearsal {
    /// The second lane of a plan; `None` where no kernel trades.
    ///
    /// # Errors
    /// As [`LivePlan::lane`].
    pub fn new(plan: &LivePlan, kernels: Vec<Kernel>) -> Result<Option<Rehearsal>, String> {
        let mut plan = plan.clone();
        let Some(limits) = &mut plan.plan.limits else { return Ok(None) };
        limits.instrument.iter_mut().for_each(|l| l.max_orders_per_second = MOST_ORDERS);
        plan.rules = None;
        plan.mode = super::plan::Mode::Paper; // it has no account to compare
        plan.plan.clock_offset_ns = Some(0);
        let symbol = plan.plan.kernels.first().and_then(|k| k.instruments.first());
        let at = symbol.and_then(|s| plan.plan.instruments.iter().position(|i| i.symbol == *s));
        let Some(instrument) = at.and_then(|at| InstrumentId::try_from(at).ok()) else { return Ok(None) };
        let lane = plan.lane(kernels, Arc::new(Switch::anonymous()), false)?;
        Ok(Some(Rehearsal {
            plan,
            lane,
            instrument,
            update: 0,
            bid: None,
            up: false,
            outbox: Outbox::default(),
            asked: Vec::new(),
            text: Vec::with_capacity(8 << 10),
            wire: Vec::with_capacity(256),
            fills: Vec::new(),
        }))
    }

    /// The instrument whose market is made up.
    #[must_use]
    pub fn instrument(&self) -> InstrumentId {
        self.instrument
    }

    /// One change of the made-up market, which stands where the real one's best bid `near` was when it began, and what
    /// the second lane makes of it. `encode` writes a request as if it were to be sent.
    pub fn turn(&mut self, near: Ticks, now_ns: i64, mut encode: impl FnMut(&Intent)) {
        if self.lane.gate().is_none_or(|g| g.state() != SwitchState::Active) {
            return; // its kernel has failed: there is nothing left to rehearse
        }
        if self.bid.is_none() {
            self.begin(near, now_ns);
        }
        self.change(now_ns);
        for _ in 0..ROUNDS {
            self.asked.clear();
            self.asked.extend(self.outbox.requests.drain(..).map(|r| *r.intent()));
            if self.asked.is_empty() {
                break;
            }
            for n in 0..self.asked.len() {
                let intent = self.asked[n];
                encode(&intent);
                self.answer(&intent, now_ns);
            }
        }
        if self.lane.next_timer_ns().is_some_and(|due| due <= now_ns) {
            self.step(Source::Timer, &[], now_ns);
        }
        self.outbox.requests.clear();
        self.outbox.snapshots_wanted.clear();
        if self.lane.has_fills() {
            self.lane.take_fills(&mut self.fills);
            self.fills.clear();
        }
    }

    fn step(&mut self, source: Source, bytes: &[u8], now_ns: i64) {
        let frame = Frame { source, connection: 0, tag: self.instrument, recv_ns: now_ns, bytes };
        self.lane.step(&frame, &mut self.outbox);
    }

    fn spec(&self) -> &InstrumentSpec {
        &self.plan.plan.instruments[usize::from(self.instrument)]
    }

    /// A new book around `near`.
    fn begin(&mut self, near: Ticks, now_ns: i64) {
        (self.bid, self.up) = (Some(near), false);
        self.update += 1;
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        // Writing to memory does not fail.
        let _ = write!(text, "{{\"lastUpdateId\":{},", self.update);
        self.levels(&mut text, ["bids", "asks"], near, None);
        text.push(b'}');
        self.step(Source::Snapshot, &text, now_ns);
        self.text = text;
    }

    /// The best prices move a tick up, or back; and with them as many levels as a real message has.
    fn change(&mut self, now_ns: i64) {
        let Some(bid) = self.bid else { return };
        let previous = self.update;
        self.update += 1;
        self.up = !self.up;
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let symbol = &self.spec().symbol;
        let (lower, upper, ms) = (symbol.to_lowercase(), symbol.to_uppercase(), now_ns / NS_PER_MS);
        let _ = write!(
            text,
            "{{\"stream\":\"{lower}@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{ms},\"T\":{ms},\"s\":\"{upper}\",\
             \"U\":{0},\"u\":{0},\"pu\":{previous},",
            self.update
        );
        let (at, gone) = if self.up { (Ticks(bid.0 + 1), None) } else { (bid, Some(Ticks(bid.0 + 1))) };
        self.levels(&mut text, ["b", "a"], at, gone);
        text.extend_from_slice(b"}}");
        self.step(Source::Market, &text, now_ns);
        self.text = text;
    }

    /// Levels of both sides, the best bid at `bid` and the best ask two ticks above; `gone` is no bid any more, and what
    /// was an ask at the bid's neighbour is none.
    fn levels(&self, text: &mut Vec<u8>, names: [&str; 2], bid: Ticks, gone: Option<Ticks>) {
        let spec = self.spec();
        let qty = |n: i64| spec.quantity(Lots(10 + n));
        let zero = spec.quantity(Lots(0));
        let put = |text: &mut Vec<u8>, px: i64, qty: crate::units::Decimal| {
            let comma = if text.ends_with(b"]") { "," } else { "" };
            let _ = write!(text, "{comma}[\"{}\",\"{qty}\"]", spec.price(Ticks(px.max(1))));
        };
        let _ = write!(text, "\"{}\":[", names[0]);
        if let Some(gone) = gone {
            put(text, gone.0, zero);
        }
        (0..LEVELS).for_each(|n| put(text, bid.0 - n, qty(n)));
        let _ = write!(text, "],\"{}\":[", names[1]);
        let ask = bid.0 + 2;
        put(text, ask - 1, zero);
        (0..LEVELS).for_each(|n| put(text, ask + n, qty(n)));
        text.push(b']');
    }

    /// The venue that is not there says yes to everything.
    fn answer(&mut self, intent: &Intent, now_ns: i64) {
        let (kind, leaves) = match intent.action {
            Action::Place => (ReceiptKind::Accepted, intent.qty),
            Action::Cancel => (ReceiptKind::Cancelled, Lots(0)),
            Action::Replace => (ReceiptKind::Replaced, intent.qty),
        };
        let receipt = Receipt {
            kind,
            id: intent.id,
            instrument: intent.instrument,
            side: intent.side,
            maker: false,
            exch_ns: now_ns,
            px: intent.px,
            qty: Lots(0),
            leaves,
            trade_id: 0,
            queue_joined: -1,
            queue_ahead: -1,
        };
        let mut wire = std::mem::take(&mut self.wire);
        wire.clear();
        receipt.put(&mut wire);
        self.step(Source::Order, &wire, now_ns);
        self.wire = wire;
    }
}
