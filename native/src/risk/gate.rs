//! The one gate. Only it makes a [`Permit`], and only a permit, redeemed, makes the [`Request`] that a sender takes.
//! The rules are in [`super::rules`]; time is an argument; every number is an integer.

use std::sync::Arc;

use crate::bytes::fetch;
use crate::event::{Action, InstrumentId, Intent, Refusal, Top};
use crate::units::{Decimal, InstrumentSpec};

use super::account::Account;
use super::exposure::{Exposure, Phase};
use super::governor::{Full, Governor, Message};
use super::limits::{Caps, LaneLimits, Limit, Limits};
use super::look::Looks;
pub use super::look::SwitchSeen;
use super::rules::{self, Breach};
use super::switch::{Cause, Reason, Switch, SwitchState};
use super::watch::{RateWindow, RejectWindow, TickWatch};

/// The gate's yes to one intent: single-use, made by [`Gate::judge`] and by nothing else, used up by [`Gate::redeem`].
///
/// It cannot be built or copied:
/// ```compile_fail
/// fn twice(p: _core::risk::gate::Permit) -> (_core::risk::gate::Permit, _core::risk::gate::Permit) { (p.clone(), p) }
/// ```
/// ```compile_fail
/// fn forge(intent: _core::event::Intent) -> _core::risk::gate::Permit { _core::risk::gate::Permit { intent } }
/// ```
#[derive(Debug)]
#[must_use = "a permit that is neither redeemed nor withdrawn counts as an open order"]
pub struct Permit {
    intent: Intent,
}

/// A redeemed permit: what a sender accepts. Made by [`Gate::redeem`] and by nothing else.
#[derive(Debug)]
#[must_use = "a redeemed order counts as sent"]
pub struct Request {
    intent: Intent,
}

impl Request {
    #[must_use]
    pub fn intent(&self) -> &Intent {
        &self.intent
    }
}

/// What the gate must know of an instrument's book.
#[derive(Clone, Copy, Debug)]
pub struct Market {
    pub top: Option<Top>,
    /// `recv_ns` of the last book event that was applied.
    pub book_ns: i64,
}

/// One instrument's limits, exposure and watches.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub caps: Caps,
    pub exposure: Exposure,
    pub rate: RateWindow,
    pub(super) ticks: TickWatch,
    pub(super) late_ticks: i64,
    counts: [u64; Limit::COUNT],
}

/// Judges intents, keeps the exposure by the receipts, and latches down: active → reducing → halted.
pub struct Gate {
    pub(super) slots: Vec<Slot>,
    pub(super) lane: LaneLimits,
    pub(super) account: Account,
    pub(super) rejects: RejectWindow,
    /// The lane's own latch; the state is the worse of it and the switch's.
    pub(super) own: SwitchState,
    reason: Option<Reason>,
    pub(super) flatten: bool,
    pub(super) last_id: u64,
    counts: [u64; Limit::COUNT],
    looks: Looks,
    /// Absent where no venue stands behind the lane.
    governor: Option<Governor>,
    /// The account is known to be as the venue has it.
    ready: bool,
}

impl Gate {
    /// `limits.instrument` is in the order of `specs`; `equity` is the lane's at the start, quote currency (all
    /// instruments of a lane have the same one).
    ///
    /// # Errors
    /// A limit outside its range, by its name; an instrument without limits; numbers that the account cannot hold.
    pub fn new(
        specs: &[InstrumentSpec],
        limits: &Limits,
        equity: Decimal,
        switch: Arc<Switch>,
    ) -> Result<Gate, String> {
        if specs.len() != limits.instrument.len() {
            let (n, m) = (specs.len(), limits.instrument.len());
            return Err(format!("{n} instruments and limits for {m}: each instrument needs its own"));
        }
        if specs.len() > usize::from(InstrumentId::MAX) {
            return Err(format!("{} instruments: a lane holds at most {}", specs.len(), InstrumentId::MAX));
        }
        limits.lane.check()?;
        let slot = |(spec, limits)| {
            let caps = Caps::new(spec, limits)?;
            Ok(Slot {
                rate: RateWindow::new(caps.orders_per_second),
                caps,
                exposure: Exposure::default(),
                ticks: TickWatch::default(),
                late_ticks: 0,
                counts: [0; Limit::COUNT],
            })
        };
        Ok(Gate {
            slots: specs.iter().zip(&limits.instrument).map(slot).collect::<Result<_, String>>()?,
            account: Account::new(specs, equity, limits.lane.max_drawdown_bps)?,
            rejects: RejectWindow::new(limits.lane.reject_window),
            lane: limits.lane.clone(),
            own: SwitchState::Active,
            reason: None,
            flatten: false,
            last_id: 0,
            counts: [0; Limit::COUNT],
            looks: Looks::new(switch),
            governor: None,
            ready: true,
        })
    }

    /// Judges one intent. A permit reserves its exposure at once, so that two intents cannot both use the same room.
    ///
    /// # Errors
    /// The first rule broken, in the order of [`super::rules`].
    pub fn judge(&mut self, intent: &Intent, market: &Market, now_ns: i64) -> Result<Permit, Refusal> {
        let (state, ready) = (self.look(), self.ready);
        let Some(slot) = self.slots.get_mut(usize::from(intent.instrument)) else {
            let (observed, allowed) = (i64::from(intent.instrument), self.slots.len() as i64 - 1);
            return Err(self.refuse(intent, Breach { limit: Limit::UnknownInstrument, observed, allowed }));
        };
        let verdict = match intent.action {
            Action::Cancel => rules::judge_cancel(self.last_id, intent),
            Action::Place | Action::Replace => rules::judge(slot, state, ready, self.last_id, intent, market, now_ns),
        };
        if let Err(breach) = verdict.and_then(|()| govern(&mut self.governor, intent, state, now_ns)) {
            return Err(self.refuse(intent, breach));
        }
        match intent.action {
            Action::Place => {
                slot.exposure.place(intent);
                slot.rate.push(now_ns);
                self.last_id = intent.id;
            }
            Action::Replace => {
                slot.rate.push(now_ns);
                if let Some(o) = slot.exposure.find_mut(intent.id) {
                    o.replace(intent);
                }
            }
            Action::Cancel => {
                if let Some(o) = slot.exposure.find_mut(intent.id) {
                    o.cancels = o.cancels.saturating_add(1);
                }
            }
        }
        Ok(Permit { intent: *intent })
    }

    /// Turns a permit into the request that may be sent, if the switch still allows it. The state is read again, and
    /// in `reducing` the position too: either may have changed since the verdict.
    ///
    /// # Errors
    /// `halted`, `reduce_only`, or `unknown_order` for a permit whose order this gate does not hold (it has died
    /// since, or the permit is another gate's). What the permit reserved is freed.
    pub fn redeem(&mut self, permit: Permit, _now_ns: i64) -> Result<Request, Refusal> {
        let intent = permit.intent;
        let verdict = match intent.action {
            Action::Cancel => {
                self.look();
                Ok(())
            }
            Action::Place | Action::Replace => self.still(&intent),
        };
        match verdict {
            Ok(()) => Ok(Request { intent }),
            Err(breach) => {
                self.withdraw(permit);
                Err(self.refuse(&intent, breach))
            }
        }
    }

    fn still(&mut self, i: &Intent) -> Result<(), Breach> {
        let (state, id) = (self.look(), i64::try_from(i.id).unwrap_or(i64::MAX));
        let gone = Breach { limit: Limit::UnknownOrder, observed: id, allowed: 0 };
        let slot = self.slots.get_mut(usize::from(i.instrument)).ok_or(gone)?;
        let order = *slot.exposure.find(i.id).ok_or(gone)?;
        let reserved = match i.action {
            Action::Place => {
                order.phase == Phase::Reserved && (order.side, order.px, order.leaves) == (i.side, i.px, i.qty)
            }
            Action::Replace | Action::Cancel => order.side == i.side && order.replaces > 0,
        };
        if !reserved {
            return Err(gone);
        }
        match state {
            SwitchState::Active => {}
            SwitchState::Reducing => {
                let others = slot.exposure.worst_but(i.id);
                rules::reduces(slot, &others, i.side, order.worst(), order.reduce_only && i.reduce_only)?;
            }
            SwitchState::Halted => {
                let (observed, allowed) = (SwitchState::Halted as i64, SwitchState::Reducing as i64);
                return Err(Breach { limit: Limit::Halted, observed, allowed });
            }
        }
        if let (Action::Place, Some(o)) = (i.action, slot.exposure.find_mut(i.id)) {
            o.phase = Phase::Sent;
        }
        Ok(())
    }

    /// The permit will not be used: what it reserved is freed. (Its place in the order rate is not.)
    pub fn withdraw(&mut self, permit: Permit) {
        let Permit { intent: i } = permit;
        let Some(slot) = self.slots.get_mut(usize::from(i.instrument)) else { return };
        let Some(o) = slot.exposure.find_mut(i.id) else { return };
        match i.action {
            Action::Place if o.phase == Phase::Reserved => slot.exposure.remove(i.id),
            Action::Place => {}
            Action::Replace => o.end_replace(),
            Action::Cancel => o.cancels = o.cancels.saturating_sub(1),
        }
    }

    fn refuse(&mut self, intent: &Intent, b: Breach) -> Refusal {
        self.count(intent.instrument, b.limit);
        Refusal { intent: *intent, limit: b.limit as u8, observed: b.observed, allowed: b.allowed }
    }

    pub(super) fn count(&mut self, instrument: InstrumentId, limit: Limit) {
        self.counts[limit.index()] += 1;
        if let Some(slot) = self.slots.get_mut(usize::from(instrument)) {
            slot.counts[limit.index()] += 1;
        }
    }

    /// Latches the lane down to `to`, and the switch with it where the cause concerns the node
    /// ([`Cause::is_node_wide`]). Never climbs. True if the lane's own state moved.
    pub fn trip(&mut self, to: SwitchState, cause: Cause, text: &str, now_ns: i64) -> bool {
        if cause.is_node_wide() {
            self.looks.switch().trip(to, cause, text, now_ns);
        }
        self.latch(to, cause, text, now_ns)
    }

    fn latch(&mut self, to: SwitchState, cause: Cause, text: &str, now_ns: i64) -> bool {
        if to <= self.own {
            return false;
        }
        self.own = to;
        if self.reason.is_none() {
            self.reason = Some(Reason { cause, text: text.to_owned(), at_ns: now_ns, pid: std::process::id() });
        }
        true
    }

    /// Looks at the switch and says the state. What a look meets is told by [`Gate::take_switch_changes`].
    #[inline(always)]
    pub fn look(&mut self) -> SwitchState {
        self.own.max(self.looks.look())
    }
    /// The worse of the lane's own latch and the switch as it was last looked at.
    #[must_use]
    #[inline]
    pub fn state(&self) -> SwitchState {
        self.own.max(self.looks.state())
    }
    /// The lane's own latch: only a restart brings it back to active.
    #[must_use]
    pub fn own(&self) -> SwitchState {
        self.own
    }
    /// Why the lane itself first left active, if it did. Why the switch did is the switch's to say.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }
    /// Cause and text of the switch as it was last looked at; `None` while it was active.
    #[must_use]
    pub fn switch_reason(&self) -> Option<(Cause, &str)> {
        self.looks.cause().map(|c| (c, self.looks.text()))
    }
    #[must_use]
    pub fn switch(&self) -> &Switch {
        self.looks.switch()
    }
    /// What the looks met since the last call, in order.
    #[must_use]
    pub fn take_switch_changes(&mut self) -> Vec<SwitchSeen> {
        self.looks.take_changes()
    }
    #[must_use]
    #[inline(always)]
    pub fn has_switch_changes(&self) -> bool {
        self.looks.has_changes()
    }
    /// The changes that a Tape tells of: from now on each is met at its look, and the switch itself is not read.
    pub fn set_switch_script(&mut self, script: Vec<SwitchSeen>) {
        self.looks.follow(script);
    }

    /// Keeps the venue's rate limits from now on.
    pub fn set_governor(&mut self, governor: Governor) {
        self.governor = Some(governor);
    }
    /// `None` where no venue stands behind the lane.
    pub fn governor(&mut self) -> Option<&mut Governor> {
        self.governor.as_mut()
    }
    /// Whether the account is known to be as the venue has it: until it is, nothing is placed or replaced.
    pub fn set_ready(&mut self, ready: bool) {
        self.ready = ready;
    }
    #[must_use]
    #[inline(always)]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Positions are to be zero: by a drawdown, or because somebody asks for it.
    #[must_use]
    pub fn wants_flat(&self) -> bool {
        self.flatten || self.looks.cause() == Some(Cause::Flatten)
    }
    /// Brings the positions to zero once the state is reducing.
    pub fn ask_flat(&mut self) {
        self.flatten = true;
    }

    /// It is wanted and the state allows it: cancel what is open, bring the positions to zero with reduce-only orders,
    /// then call [`Gate::finish_flatten`].
    #[must_use]
    pub fn should_flatten(&self) -> bool {
        self.wants_flat() && self.state() == SwitchState::Reducing
    }

    /// Halts the lane if it was flattening, the account is known, and nothing is left: no open order, and no position
    /// but what no order brings nearer to zero. True if it did. The switch stays at reducing, because other lanes of the
    /// node may have something left to reduce.
    pub fn finish_flatten(&mut self, now_ns: i64) -> bool {
        if !self.should_flatten() || !self.ready || !self.slots.iter().all(|s| s.exposure.is_flat()) {
            return false;
        }
        let cause = if self.flatten { Cause::Drawdown } else { Cause::Flatten };
        self.latch(SwitchState::Halted, cause, "flattened", now_ns)
    }

    /// Lots held over all instruments, long or short.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.slots.iter().fold(0, |sum, slot| sum.saturating_add(slot.exposure.position().0.unsigned_abs()))
    }

    /// Asks for the memory that judging an intent of the instrument will touch.
    pub fn warm(&self, instrument: InstrumentId) {
        fetch(&self.account);
        if let Some(slot) = self.slots.get(usize::from(instrument)) {
            fetch(slot);
            slot.exposure.open.iter().for_each(fetch);
        }
    }

    /// # Panics
    /// For an instrument that the lane does not have.
    #[must_use]
    pub fn exposure(&self, instrument: InstrumentId) -> &Exposure {
        &self.slots[usize::from(instrument)].exposure
    }
    /// Starting equity and all PnL since, quote currency, exactly.
    #[must_use]
    pub fn equity(&self) -> Decimal {
        self.account.equity()
    }
    /// How often each limit refused, ignored a tick, or tripped; also the zeros.
    pub fn refusals(&self) -> impl Iterator<Item = (Limit, u64)> + '_ {
        Limit::ALL.into_iter().zip(self.counts)
    }
    /// The same of one instrument.
    ///
    /// # Panics
    /// For an instrument that the lane does not have.
    pub fn refusals_of(&self, instrument: InstrumentId) -> impl Iterator<Item = (Limit, u64)> + '_ {
        Limit::ALL.into_iter().zip(self.slots[usize::from(instrument)].counts)
    }
}

/// The venue's own limits, where there is a venue, for an intent that the rules allow in this state.
fn govern(governor: &mut Option<Governor>, i: &Intent, state: SwitchState, now_ns: i64) -> Result<(), Breach> {
    let Some(governor) = governor else { return Ok(()) };
    let message = match i.action {
        Action::Cancel => Message::Cancel,
        _ if state == SwitchState::Reducing => Message::Reduce,
        _ => Message::Order,
    };
    let breach = |f: Full| Breach { limit: Limit::VenueRate, observed: f.observed, allowed: f.allowed };
    governor.admit(message, now_ns).map_err(breach)
}
