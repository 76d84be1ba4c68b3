//! What the gate learns: receipts, ticks, latencies and marks. Some of it trips.

use crate::event::{InstrumentId, Receipt, ReceiptKind};

use super::gate::Gate;
use super::limits::{Limit, MAX_PX, MAX_QTY};
use super::switch::{Cause, SwitchState};
use crate::units::Money;

/// What a fill cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Charge {
    /// The instrument's own rate: the venue has not said, or took it in another currency.
    Rate,
    /// What the venue took, in the quote currency.
    Exact(Money),
    /// It was taken out of what was bought: see [`Gate::pay_lots`].
    InKind,
}

impl Gate {
    /// Takes over what a receipt says; call it with what the order manager did not set aside as a duplicate. A fill
    /// moves position and cash, also one that comes after its order's death; an order counts until a receipt proves
    /// it dead; first answers feed the reject rate. A receipt whose numbers cannot be (no price, no quantity, more
    /// than was ever asked for, the order's other side) halts.
    pub fn on_receipt(&mut self, r: &Receipt, now_ns: i64) {
        self.on_charged(r, Charge::Rate, now_ns);
    }

    /// Fees took so many lots of the position (negative: rebates brought them).
    pub fn pay_lots(&mut self, instrument: InstrumentId, lots: i64, now_ns: i64) {
        let at = usize::from(instrument);
        let Some(slot) = self.slots.get_mut(at) else { return };
        let paid = slot.exposure.pay_lots(lots).and_then(|change| self.account.book(at, change));
        if paid.is_none() {
            self.trip(SwitchState::Halted, Cause::BadReceipt, "the fees are out of range", now_ns);
        }
        self.watch_drawdown(instrument, now_ns);
    }

    /// [`Gate::on_receipt`] of a fill whose cost is known.
    pub fn on_charged(&mut self, r: &Receipt, charge: Charge, now_ns: i64) {
        if now_ns >= self.account.day_end_ns {
            self.account.roll(now_ns);
        }
        let at = usize::from(r.instrument);
        let Some(slot) = self.slots.get_mut(at) else { return self.distrust(r, now_ns) };
        let known = slot.exposure.find(r.id).copied();
        let sound = (0..=MAX_QTY).contains(&r.leaves.0)
            && (r.kind != ReceiptKind::Replaced || (1..=MAX_PX).contains(&r.px.0))
            && known.is_none_or(|o| o.side == r.side);
        if r.kind == ReceiptKind::Filled {
            let rate_e8 = if r.maker { slot.caps.maker_fee_e8 } else { slot.caps.taker_fee_e8 };
            let fee = || match charge {
                Charge::Rate => Money::fee(r.px, r.qty, rate_e8),
                Charge::Exact(fee) => fee,
                Charge::InKind => Money(0),
            };
            let booked = slot.exposure.fill(r.side, r.px, r.qty, fee);
            let booked = booked.and_then(|change| self.account.book(at, change)).is_some();
            self.watch_drawdown(r.instrument, now_ns);
            if !booked || known.is_some_and(|o| !o.covers(r.qty)) {
                return self.distrust(r, now_ns);
            }
        }
        if !sound {
            return self.distrust(r, now_ns);
        }
        if let Some(order) = known {
            self.slots[at].exposure.answer(r);
            if !order.answered && r.kind != ReceiptKind::Unknown {
                self.watch_rejects(r.instrument, r.kind == ReceiptKind::Rejected, now_ns);
            }
        }
    }

    /// What the receipt says of its order is not taken over: the order goes on counting as it stood.
    fn distrust(&mut self, r: &Receipt, now_ns: i64) {
        let text = format!(
            "order {}, instrument {}: {:?} {:?} of {} at {}, {} left",
            r.id, r.instrument, r.kind, r.side, r.qty.0, r.px.0, r.leaves.0
        );
        self.trip(SwitchState::Halted, Cause::BadReceipt, &text, now_ns);
    }

    fn watch_rejects(&mut self, instrument: InstrumentId, rejected: bool, now_ns: i64) {
        self.rejects.push(rejected);
        if rejected && self.own == SwitchState::Active && self.rejects.exceeds(self.lane.max_reject_rate_bps) {
            self.count(instrument, Limit::RejectRate);
            let text = format!(
                "{} bps of the last {} orders rejected, {} allowed",
                self.rejects.bps(),
                self.lane.reject_window,
                self.lane.max_reject_rate_bps
            );
            self.trip(SwitchState::Reducing, Cause::RejectRate, &text, now_ns);
        }
    }

    fn watch_drawdown(&mut self, instrument: InstrumentId, now_ns: i64) {
        if !self.flatten && self.account.is_drawn_down() {
            self.flatten = true;
            self.count(instrument, Limit::Drawdown);
            let (seen, allowed) = (self.account.drawdown_bps(), self.lane.max_drawdown_bps);
            let text = format!("equity {}: {seen} bps below the day's peak, {allowed} allowed", self.account.equity());
            self.trip(SwitchState::Reducing, Cause::Drawdown, &text, now_ns);
        }
    }

    /// A tick of the instrument, bid + ask in ticks. False: it is an outlier, ignore it; it is counted. See
    /// [`InstrumentLimits::outlier_bps`](super::limits::InstrumentLimits).
    pub fn on_tick(&mut self, instrument: InstrumentId, half_ticks: i64, _now_ns: i64) -> bool {
        let Some(slot) = self.slots.get_mut(usize::from(instrument)) else { return false };
        let ok = slot.ticks.accept(half_ticks, slot.caps.outlier_bps);
        if !ok {
            self.count(instrument, Limit::Outlier);
        }
        ok
    }

    /// Age of market data at its receipt. More than the limit on so many ticks of an instrument in a row halts.
    pub fn on_feed_latency(&mut self, instrument: InstrumentId, latency_ns: i64, now_ns: i64) {
        let Some(slot) = self.slots.get_mut(usize::from(instrument)) else { return };
        if latency_ns <= self.lane.max_feed_latency_ms * 1_000_000 {
            slot.late_ticks = 0;
            return;
        }
        slot.late_ticks += 1;
        if slot.late_ticks >= self.lane.feed_latency_ticks && self.own != SwitchState::Halted {
            self.count(instrument, Limit::FeedLatency);
            let text = format!(
                "instrument {instrument}: {latency_ns} ns old, {} ticks in a row above {} ms",
                self.lane.feed_latency_ticks, self.lane.max_feed_latency_ms
            );
            self.trip(SwitchState::Halted, Cause::FeedLatency, &text, now_ns);
        }
    }

    /// Marks the instrument to its mid, bid + ask in ticks. A fall of equity beyond the limit trips to reducing and
    /// asks to flatten. What is no price is ignored.
    pub fn on_mark(&mut self, instrument: InstrumentId, half_ticks: i64, now_ns: i64) {
        if now_ns >= self.account.day_end_ns {
            self.account.roll(now_ns);
        }
        let at = usize::from(instrument);
        let Some(slot) = self.slots.get_mut(at) else { return };
        if slot.exposure.mark() == half_ticks || !(1..=2 * MAX_PX).contains(&half_ticks) {
            return;
        }
        let Some(change) = slot.exposure.remark(half_ticks) else {
            self.trip(SwitchState::Halted, Cause::BadReceipt, "the drift is out of range", now_ns);
            return;
        };
        if change.0 == 0 {
            return;
        }
        if self.account.book(at, change).is_none() {
            self.trip(SwitchState::Halted, Cause::BadReceipt, "the equity is out of range", now_ns);
        }
        self.watch_drawdown(instrument, now_ns);
    }
}
