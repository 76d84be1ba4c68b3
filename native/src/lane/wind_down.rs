//! Getting out: what rests is cancelled, and what is held is brought to zero by orders that can only reduce it.

use super::account::LastWord;
use super::{Desk, Lane, Outbox};
use crate::cex::orders::CANCEL_AGAIN_NS;
use crate::event::{Action, InstrumentId, Intent, Side, TimeInForce};
use crate::risk::switch::SwitchState;
use crate::units::{Decimal, Lots, Ticks};

/// Flattening is tried again after so long.
const FLATTEN_RETRY_NS: i64 = 100_000_000;
/// After so many tries that brought the positions no nearer to flat, each wait is twice the one before, this often at
/// most: a venue that refuses every one of them is not to be asked ten times a second.
const FLATTEN_PATIENCE: u32 = 5;
const FLATTEN_DOUBLINGS: u32 = 6;

impl Desk {
    /// The venue takes no order that is worth less, quote currency.
    fn min_notional(&self, id: InstrumentId) -> Decimal {
        self.account.as_ref().map_or(Decimal::ZERO, |account| account.min_notional(id))
    }

    /// The first time at which a book of this age is stale.
    pub(super) fn stale_at_ns(&self, id: InstrumentId, applied_ns: i64) -> i64 {
        applied_ns + self.limits.instrument[usize::from(id)].max_book_age_ms * 1_000_000 + 1
    }
}

/// The fewest `step`s that make `amount`, neither negative.
fn steps_up(amount: Decimal, step: Decimal) -> i64 {
    let whole = amount.floor_steps(step);
    if amount.steps_of(step).is_ok() { whole } else { whole.saturating_add(1) }
}

impl Lane {
    /// After every frame: once the state is not active, kernels are silent, every order is cancelled, and `reducing`
    /// flattens if the gate says so.
    #[inline(always)]
    pub(super) fn supervise(&mut self, out: &mut Outbox) {
        if let Some(desk) = &self.desk {
            if desk.gate.state() != SwitchState::Active || desk.stopped {
                self.wind_down(out);
            }
            self.tend_account(out);
        }
    }

    #[cold]
    fn wind_down(&mut self, out: &mut Outbox) {
        let now_ns = self.now_ns;
        let Some(desk) = &mut self.desk else { return };
        if desk.gate.state() == SwitchState::Active {
            // A person has reset the switch, and the lane itself never tripped: it goes on.
            desk.stopped = false;
            if let Some(account) = &mut desk.account {
                account.last_word = LastWord::NotAsked;
            }
            return self.journal.trip("Active: the switch was reset", now_ns);
        }
        if !desk.stopped {
            desk.stopped = true;
            let own = desk.gate.reason().map(|r| (r.cause, r.text.as_str()));
            let reason = own.or(desk.gate.switch_reason()).map_or(String::new(), |(c, t)| format!("{c:?}: {t}"));
            self.journal.trip(&format!("{:?}: {reason}", desk.gate.state()), now_ns);
        }
        for id in 0..self.instruments.len() {
            self.pull(id as InstrumentId, out);
        }
        self.learn_least();
        let Some(desk) = &mut self.desk else { return };
        if desk.gate.should_flatten() && now_ns >= desk.flatten_ns {
            let held = desk.gate.held();
            let tries = if held == desk.flatten_held { desk.flatten_tries } else { 0 };
            let wait_ns = FLATTEN_RETRY_NS << tries.saturating_sub(FLATTEN_PATIENCE).min(FLATTEN_DOUBLINGS);
            for id in 0..self.instruments.len() {
                if let Some(intent) = self.flatten(id as InstrumentId) {
                    let before = out.requests.len();
                    self.submit(intent, out);
                    if let Some(desk) = &mut self.desk {
                        // What the Gate refused was no try of the venue's patience.
                        let sent = out.requests.len() > before;
                        desk.flatten_ns = now_ns + if sent { wait_ns } else { FLATTEN_RETRY_NS };
                        (desk.flatten_tries, desk.flatten_held) = (tries + u32::from(sent), held);
                    }
                }
            }
        }
        if let Some(desk) = &mut self.desk
            && desk.gate.finish_flatten(now_ns)
        {
            self.journal.trip("Halted: flat, and nothing is open", now_ns);
        }
        self.ask_last();
    }

    /// Tells the gate how small an order the venue takes: what is left of a position may be worth less, and then no
    /// order brings it to zero.
    fn learn_least(&mut self) {
        let Some(desk) = &mut self.desk else { return };
        if !desk.gate.should_flatten() {
            return;
        }
        for (n, i) in self.instruments.iter().enumerate() {
            let (id, min) = (n as InstrumentId, desk.min_notional(n as InstrumentId));
            if let Some(top) = i.top.filter(|_| min.mantissa > 0) {
                desk.gate.set_least(id, steps_up(min, i.spec.price(top.bid.px).product(i.spec.lot)));
            }
        }
    }

    /// The reduce-only order that brings an instrument nearer to flat, as large as the limits allow, once nothing of
    /// ours rests there.
    fn flatten(&self, id: InstrumentId) -> Option<Intent> {
        let desk = self.desk.as_ref()?;
        let i = &self.instruments[usize::from(id)];
        let position = desk.gate.exposure(id).closable();
        let resting = [Side::Buy, Side::Sell].into_iter().any(|s| desk.orders.side(id, s).next().is_some());
        if position == 0 || resting {
            return None;
        }
        let top = i.top?;
        let limits = &desk.limits.instrument[usize::from(id)];
        // Half the collar through the touch, so that it fills, but never outside the collar, which is of the mid: a
        // price beyond it would be refused until the spread is narrow again.
        let (mid2, collar) = (i128::from(top.half_ticks()), i128::from(limits.price_collar_bps));
        let (side, mut px) = if position > 0 {
            let through = top.bid.px.0 - top.bid.px.0 * limits.price_collar_bps / 20_000;
            let lowest = mid2 * (10_000 - collar) + 19_999;
            (Side::Sell, through.max((lowest / 20_000) as i64))
        } else {
            let through = top.ask.px.0 + top.ask.px.0 * limits.price_collar_bps / 20_000;
            (Side::Buy, through.min((mid2 * (10_000 + collar) / 20_000) as i64))
        };
        let most = limits
            .max_order_qty
            .floor_steps(i.spec.lot)
            .min(limits.max_order_notional.floor_steps(i.spec.price(Ticks(px.max(1))).product(i.spec.lot)));
        let least = desk.gate.exposure(id).least();
        let mut qty = position.abs().min(most).max(1);
        // What would be left is to be enough for another order.
        if (1..least).contains(&(position.abs() - qty)) && position.abs() - least >= least {
            qty = position.abs() - least;
        }
        if side == Side::Sell {
            // At the touch it is worth enough, so at its own price it is to be, too.
            let worth = steps_up(desk.min_notional(id), i.spec.tick.product(i.spec.quantity(Lots(qty))));
            px = px.max(worth.min(top.bid.px.0));
        }
        Some(Intent {
            id: 0,
            kernel: 0,
            instrument: id,
            action: Action::Place,
            side,
            tif: TimeInForce::Ioc,
            reduce_only: true,
            px: Ticks(px.max(1)),
            qty: Lots(qty),
            decided_ns: self.now_ns,
        })
    }

    /// Cancels whatever of ours may rest in an instrument.
    pub(super) fn pull(&mut self, id: InstrumentId, out: &mut Outbox) {
        let Some(desk) = &mut self.desk else { return };
        let mut intents = std::mem::take(&mut desk.scratch);
        intents.clear();
        for side in [Side::Buy, Side::Sell] {
            for o in desk.orders.side(id, side) {
                if o.cancel_wanted(self.now_ns) {
                    intents.push(o.cancel(self.now_ns));
                }
            }
        }
        for intent in intents.drain(..) {
            self.submit(intent, out);
        }
        if let Some(desk) = &mut self.desk {
            desk.scratch = intents;
        }
    }

    /// A book that has aged past its limit has no Top: what rests on it is cancelled, and looked after until it is
    /// gone.
    pub(super) fn pull_stale(&mut self, out: &mut Outbox) {
        if self.desk.as_ref().is_none_or(|d| self.now_ns < d.stale_ns) {
            return;
        }
        let mut next_ns = i64::MAX;
        for n in 0..self.instruments.len() {
            let id = n as InstrumentId;
            let Some(desk) = &self.desk else { return };
            if [Side::Buy, Side::Sell].into_iter().all(|s| desk.orders.side(id, s).next().is_none()) {
                continue;
            }
            let due_ns = desk.stale_at_ns(id, self.instruments[n].sync.applied_ns());
            if self.now_ns < due_ns {
                next_ns = next_ns.min(due_ns);
            } else {
                self.pull(id, out);
                next_ns = next_ns.min(self.now_ns + CANCEL_AGAIN_NS);
            }
        }
        if let Some(desk) = &mut self.desk {
            desk.stale_ns = next_ns;
        }
    }
}
