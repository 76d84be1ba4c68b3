//! From views to requests: kernels are called, their wishes become intents, and the gate has its say.

use std::collections::VecDeque;

use super::account::{Account, Booking};
use super::{Desk, Lane, LaneFill, Outbox, Overrun, Trading};
use crate::bytes::fetch;
use crate::cex::kernel::{Hook, HookError, Kernel, Out, OutAction, VIEW_ORDERS, View};
use crate::cex::orders::{Ignored, Orders};
use crate::cex::quoter::{Desired, Quoter};
use crate::cex::venues::binance::Market as Dialect;
use crate::event::{
    Action, Fee, Frame, InstrumentId, Intent, KernelId, Receipt, ReceiptKind, Side, Source, TimeInForce,
};
use crate::risk::gate::{Gate, Market};
use crate::risk::switch::{Cause, SwitchState};
use crate::units::{InstrumentSpec, Lots};

/// A kernel and what it sees.
pub struct KernelSlot {
    pub(super) kernel: Kernel,
    instruments: Vec<InstrumentId>,
    views: Vec<View>,
    outs: Vec<Out>,
    /// What each view shows.
    shown: Vec<Shown>,
    due_ns: i64,
}

/// Versions, as [`super::Instrument`] counts them.
#[derive(Clone, Copy, Default)]
struct Shown {
    market: u64,
    book: u64,
    orders: u64,
}

impl KernelSlot {
    pub(super) fn due_ns(&self) -> Option<i64> {
        (self.kernel.timer_ns() > 0 && self.kernel.has(Hook::Timer)).then_some(self.due_ns)
    }

    /// Asks for what it reads and writes of its instrument `index`.
    pub(super) fn warm(&self, index: usize) {
        fetch(self);
        fetch(&self.views[index]);
        fetch(&self.outs[index]);
    }

    pub(super) fn start(&mut self, start_ns: i64) {
        self.due_ns = start_ns + self.kernel.timer_ns();
    }
}

impl Desk {
    pub(super) fn new(
        t: Trading,
        market: Dialect,
        specs: &[InstrumentSpec],
        bases: &[Option<String>],
        kernels: Vec<(Kernel, Vec<InstrumentId>)>,
    ) -> Result<Desk, String> {
        let mut gate = Gate::new(specs, &t.limits, t.equity, t.switch)?;
        let account = match t.live {
            None => None,
            Some(rules) => {
                let (account, governor) = Account::new(rules, market, specs, bases)?;
                gate.set_governor(governor);
                gate.set_ready(false);
                Some(Box::new(account))
            }
        };
        let mut listeners = vec![Vec::new(); specs.len()];
        let mut slots = Vec::with_capacity(kernels.len());
        for (k, (kernel, instruments)) in kernels.into_iter().enumerate() {
            let mut views = Vec::with_capacity(instruments.len());
            for (index, id) in instruments.iter().enumerate() {
                let spec = specs.get(usize::from(*id)).ok_or("a kernel names an instrument the lane does not have")?;
                listeners[usize::from(*id)].push((k, index));
                views.push(View {
                    tick_size: spec.tick.to_f64(),
                    lot_size: spec.lot.to_f64(),
                    maker_fee: spec.maker_fee_e8 as f64 * 1e-8,
                    taker_fee: spec.taker_fee_e8 as f64 * 1e-8,
                    ..View::default()
                });
            }
            let n = instruments.len();
            if n == 0 {
                return Err(format!("kernel {} has no instrument", kernel.name()));
            }
            let (outs, shown) = (vec![Out::default(); n], vec![Shown::default(); n]);
            slots.push(KernelSlot { kernel, instruments, views, outs, shown, due_ns: i64::MAX });
        }
        Ok(Desk {
            gate,
            orders: Orders::new(t.capacity, t.first_id),
            quoter: Quoter::new(t.can_replace, TimeInForce::Gtx),
            kernels: slots,
            listeners,
            limits: t.limits,
            scratch: Vec::new(),
            flatten_ns: i64::MIN,
            flatten_tries: 0,
            flatten_held: 0,
            stale_ns: i64::MAX,
            calls: 0,
            overruns: VecDeque::new(),
            stopped: false,
            account,
            fills: Vec::new(),
        })
    }
}

impl Lane {
    /// Calls a hook of every kernel that listens to the instrument.
    #[inline]
    pub(super) fn call(&mut self, hook: Hook, instrument: InstrumentId, out: &mut Outbox) {
        let Some(desk) = &self.desk else { return };
        for n in 0..desk.listeners[usize::from(instrument)].len() {
            let Some(desk) = &self.desk else { return };
            let (kernel, index) = desk.listeners[usize::from(instrument)][n];
            if desk.kernels[kernel].kernel.has(hook) {
                self.call_one(hook, kernel, index, out);
            }
        }
    }

    pub(super) fn on_timer(&mut self, out: &mut Outbox) {
        self.pull_stale(out);
        let kernels = self.desk.as_ref().map_or(0, |d| d.kernels.len());
        for k in 0..kernels {
            let Some(desk) = &mut self.desk else { return };
            let slot = &mut desk.kernels[k];
            if slot.due_ns().is_none_or(|due| due > self.now_ns) {
                continue;
            }
            // Ticks that were missed are not made up for.
            let period = slot.kernel.timer_ns();
            slot.due_ns += period * ((self.now_ns - slot.due_ns) / period + 1);
            for index in 0..slot.instruments.len() {
                self.call_one(Hook::Timer, k, index, out);
            }
        }
    }

    fn call_one(&mut self, hook: Hook, k: usize, index: usize, out: &mut Outbox) {
        let now_ns = self.now_ns;
        let Some(desk) = &mut self.desk else { return };
        if desk.stopped || !desk.gate.is_ready() {
            return;
        }
        let Desk { gate, orders, quoter, kernels, limits, scratch, calls, overruns, .. } = desk;
        let slot = &mut kernels[k];
        for (n, id) in slot.instruments.iter().enumerate() {
            let i = &self.instruments[usize::from(*id)];
            let view = &mut slot.views[n];
            view.now_ns = now_ns;
            let age_ms = limits.instrument[usize::from(*id)].max_book_age_ms;
            let stale = now_ns - i.sync.applied_ns() > age_ms * 1_000_000;
            let shown = &mut slot.shown[n];
            if shown.market != i.market_version || stale {
                i.show_market(view, shown.book != i.book_version || stale, stale);
                // What a stale book shows is no version of it: it is written anew until there is a fresh one.
                (shown.market, shown.book) = if stale { (0, 0) } else { (i.market_version, i.book_version) };
            }
            if shown.orders != i.orders_version {
                show_orders(view, orders, gate, k as KernelId, *id);
                shown.orders = i.orders_version;
            }
            view.state = gate.state() as i64;
        }
        self.marks.enter_kernel();
        let mut result = slot.kernel.call(hook, &slot.views, index, &mut slot.outs);
        self.marks.leave_kernel();
        *calls += 1;
        let mut told = false;
        if overruns.front().is_some_and(|o| o.call == *calls)
            && let Some(overrun) = overruns.pop_front()
            && overrun.kernel == slot.kernel.name()
        {
            told = true; // and its frame will come by itself
            result = Err(HookError::Overrun { ns: overrun.ns });
        }
        if let Err(error) = result {
            let text = format!("kernel {} {}: {error}", slot.kernel.name(), hook.name());
            if let HookError::Overrun { ns } = error
                && !told
            {
                let overrun = Overrun { call: *calls, ns, kernel: slot.kernel.name().to_string() };
                let frame = Frame {
                    source: Source::Fault,
                    connection: 0,
                    tag: k as u16,
                    recv_ns: now_ns,
                    bytes: &overrun.bytes(),
                };
                self.journal.frame(&frame);
            }
            self.trip(SwitchState::Reducing, Cause::Kernel, &text);
            return;
        }
        scratch.clear();
        let mut refused = None;
        let unsendable = &mut self.journal.unsendable;
        for (wish, id) in slot.outs.iter().zip(&slot.instruments) {
            if let Err(error) = collect(wish, orders, quoter, k as KernelId, *id, now_ns, scratch, unsendable) {
                refused = Some((*id, error));
            }
        }
        if let Some((id, error)) = refused {
            let symbol = &self.instruments[usize::from(id)].spec.symbol;
            let text = format!("kernel {} {} ({symbol}): {error}", slot.kernel.name(), hook.name());
            self.trip(SwitchState::Reducing, Cause::Kernel, &text);
            return;
        }
        let mut intents = std::mem::take(scratch);
        for intent in intents.drain(..) {
            self.submit(intent, out);
        }
        if let Some(desk) = &mut self.desk {
            desk.scratch = intents;
        }
    }

    /// The one way out: Intent, verdict, and only with a Permit a request. What could not be recorded as sent is no
    /// Intent, so that every Intent has a verdict.
    pub(super) fn submit(&mut self, mut intent: Intent, out: &mut Outbox) {
        let now_ns = self.now_ns;
        let i = &mut self.instruments[usize::from(intent.instrument)];
        let market = Market { top: i.top, book_ns: i.sync.applied_ns() };
        let Some(desk) = &mut self.desk else { return };
        if intent.action == Action::Place {
            intent.id = desk.orders.next_id();
        }
        if desk.orders.admits(&intent).is_err() {
            self.journal.unsendable += 1;
            return;
        }
        self.journal.intent(&intent);
        let verdict = desk.gate.judge(&intent, &market, now_ns);
        if desk.gate.has_switch_changes() {
            self.journal.switch(desk.gate.take_switch_changes(), now_ns);
        }
        let permit = match verdict {
            Ok(permit) => permit,
            Err(refusal) => {
                self.journal.refusal(&refusal);
                if intent.action == Action::Cancel {
                    self.on_cancel_refused(intent.id);
                }
                return;
            }
        };
        desk.orders.record(&intent);
        let verdict = desk.gate.redeem(permit, now_ns);
        if desk.gate.has_switch_changes() {
            self.journal.switch(desk.gate.take_switch_changes(), now_ns);
        }
        match verdict {
            Ok(request) => {
                self.journal.permit(&intent);
                if let Some(account) = &mut desk.account {
                    account.on_sent(&intent, now_ns);
                }
                if intent.action == Action::Place {
                    desk.stale_ns = desk.stale_ns.min(desk.stale_at_ns(intent.instrument, market.book_ns));
                }
                out.requests.push(request);
            }
            Err(refusal) => {
                self.journal.refusal(&refusal);
                desk.orders.on_receipt(&unsent(&intent, now_ns), now_ns);
            }
        }
        i.orders_version += 1;
    }

    /// `fee`: of a fill, what the venue took, where it says so.
    pub(super) fn on_receipt(&mut self, receipt: &Receipt, fee: Option<Fee>, out: &mut Outbox) {
        self.journal.receipt(receipt, self.now_ns);
        let now_ns = self.now_ns;
        let Some(desk) = &mut self.desk else { return };
        let Some(i) = self.instruments.get_mut(usize::from(receipt.instrument)) else {
            self.counts.malformed += 1;
            return desk.gate.on_receipt(receipt, now_ns); // it trips
        };
        i.orders_version += 1;
        let half_ticks = i.top.map(|t| t.half_ticks());
        let charge = desk.charge(receipt, fee.as_ref());
        let (kernel, filled) = match desk.booking(receipt) {
            Booking::Known => return,
            Booking::PositionOnly => {
                desk.gate.on_charged(&Receipt { id: 0, ..*receipt }, charge, now_ns);
                (None, Some(0))
            }
            Booking::Usual => {
                let applied = desk.orders.on_receipt(receipt, now_ns);
                // What cannot be true (a mismatch) the gate must see, for it trips.
                if !matches!(applied.ignored, Some(Ignored::Duplicate | Ignored::Late)) {
                    desk.gate.on_charged(receipt, charge, now_ns);
                }
                let stranger = receipt.kind == ReceiptKind::Filled && applied.ignored == Some(Ignored::UnknownId);
                let kernel = desk.orders.get(receipt.id).map(|o| usize::from(o.kernel));
                (kernel, applied.filled.map(|f| f.since_accepted_ns).or(stranger.then_some(0)))
            }
        };
        if let Some(since_accepted_ns) = filled {
            if desk.account.is_some() {
                desk.after_fill(receipt, fee.as_ref(), &self.instruments, now_ns);
            }
            if kernel.is_some() {
                desk.fills.push(LaneFill { receipt: *receipt, recv_ns: now_ns, since_accepted_ns, half_ticks });
            }
        }
        if receipt.kind == ReceiptKind::ChangeRejected {
            self.on_cancel_refused(receipt.id);
        }
        let Some(desk) = &mut self.desk else { return };
        // Receipts concern the kernel whose order it is, and no other.
        let Some((k, index)) =
            kernel.and_then(|k| desk.listeners[usize::from(receipt.instrument)].iter().find(|l| l.0 == k).copied())
        else {
            return;
        };
        let slot = &mut desk.kernels[k];
        if slot.kernel.has(Hook::Receipt) {
            let view = &mut slot.views[index];
            view.receipt_kind = receipt.kind as i64;
            view.receipt_id = receipt.id;
            view.receipt_side = receipt.side.sign();
            (view.receipt_px, view.receipt_qty) = (receipt.px.0, receipt.qty.0);
            view.receipt_leaves = receipt.leaves.0;
            self.call_one(Hook::Receipt, k, index, out);
        }
    }
}

/// Adds what one out wishes to `into`; a cancel of what is no order of this kernel only counts.
#[allow(clippy::too_many_arguments)] // whose wish it is, what it is compared with, and where it goes
fn collect(
    wish: &Out,
    orders: &Orders,
    quoter: &mut Quoter,
    kernel: KernelId,
    instrument: InstrumentId,
    now_ns: i64,
    into: &mut Vec<Intent>,
    unsendable: &mut u64,
) -> Result<(), crate::cex::quoter::LadderError> {
    if let Some(ladder) = wish.ladder() {
        let desired = Desired { bids: ladder.bids(), asks: ladder.asks() };
        quoter.diff(orders, kernel, instrument, desired, now_ns, into)?;
    }
    for action in wish.actions() {
        match action {
            OutAction::Place { side, px, qty, tif, reduce_only } => into.push(Intent {
                id: 0,
                kernel,
                instrument,
                action: Action::Place,
                side,
                tif,
                reduce_only,
                px,
                qty,
                decided_ns: now_ns,
            }),
            OutAction::Cancel { id } => match orders.get(id) {
                Some(o) if o.kernel == kernel && o.instrument == instrument => into.push(o.cancel(now_ns)),
                _ => *unsendable += 1,
            },
        }
    }
    Ok(())
}

fn show_orders(view: &mut View, orders: &Orders, gate: &Gate, kernel: KernelId, id: InstrumentId) {
    let exposure = gate.exposure(id);
    view.position = exposure.position().0;
    let pnl = exposure.pnl();
    let total = pnl.spread + pnl.drift - pnl.fees + pnl.rebates;
    view.pnl = total.0 as f64 * 0.5e-8 * view.tick_size * view.lot_size;
    let (mut n, mut open) = (0, [0i64; 2]);
    for side in [Side::Buy, Side::Sell] {
        for o in orders.side(id, side).filter(|o| o.kernel == kernel) {
            open[side as usize] += o.worst_leaves().0;
            if n < VIEW_ORDERS {
                view.order_id[n] = o.id;
                view.order_side[n] = side.sign();
                view.order_px[n] = o.px().0;
                view.order_leaves[n] = o.leaves.0;
                view.order_state[n] = o.state() as i64;
                n += 1;
            }
        }
    }
    view.n_orders = n as i64;
    (view.open_buy_qty, view.open_sell_qty) = (open[0], open[1]);
}

/// What the order record is told of a request that was never sent.
fn unsent(intent: &Intent, now_ns: i64) -> Receipt {
    Receipt {
        kind: if intent.action == Action::Place { ReceiptKind::Rejected } else { ReceiptKind::ChangeRejected },
        id: intent.id,
        instrument: intent.instrument,
        side: intent.side,
        maker: false,
        exch_ns: now_ns,
        px: intent.px,
        qty: Lots(0),
        leaves: if intent.action == Action::Place { Lots(0) } else { intent.qty },
        trade_id: 0,
        queue_joined: -1,
        queue_ahead: -1,
    }
}
