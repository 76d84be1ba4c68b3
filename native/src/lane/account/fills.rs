//! A fill where a venue stands behind the lane: booked once by its trade id, with the fee that was taken, and kept.

use super::Ledger;
use crate::cex::reconcile::Named;
use crate::cex::venues::binance::Market;
use crate::event::{Ask, Fee, InstrumentId, PrivateNotes, Receipt, ReceiptKind};
use crate::lane::carry::{KeptFill, KeptTrade};
use crate::lane::{Desk, Instrument, Lane, Outbox};
use crate::risk::intake::Charge;

/// What is to be done with a receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::lane) enum Booking {
    /// As with any receipt.
    Usual,
    /// It is booked already.
    Known,
    /// Part of what an adopted order had filled, or of an order that is forgotten: it moves the position alone.
    PositionOnly,
}

impl Desk {
    /// Whether a fill is new.
    pub(in crate::lane) fn booking(&mut self, r: &Receipt) -> Booking {
        let Some(account) = &mut self.account else { return Booking::Usual };
        if r.kind != ReceiptKind::Filled {
            return Booking::Usual;
        }
        let Some(ledger) = account.ledgers.get_mut(usize::from(r.instrument)) else { return Booking::Usual };
        if !ledger.book(r.trade_id) {
            return Booking::Known;
        }
        let counted = self.orders.get(r.id).is_some_and(|o| o.adopted_ns.is_some_and(|at| r.exch_ns <= at));
        if counted || r.id == 0 { Booking::PositionOnly } else { Booking::Usual }
    }

    /// What a fill cost, as the gate books it.
    pub(in crate::lane) fn charge(&self, r: &Receipt, fee: Option<&Fee>) -> Charge {
        let ledger = self.account.as_ref().and_then(|a| a.ledgers.get(usize::from(r.instrument)));
        match (ledger, fee) {
            (Some(ledger), Some(fee)) if fee.asset == ledger.base && ledger.base != [0; 8] => Charge::InKind,
            (Some(ledger), Some(fee)) => ledger.in_quote(fee).map_or(Charge::Rate, Charge::Exact),
            _ => Charge::Rate,
        }
    }

    /// After a fill is booked: fees that were taken out of a position, what the venue's position must be, and a line to
    /// keep.
    pub(in crate::lane) fn after_fill(&mut self, r: &Receipt, fee: Option<&Fee>, i: &[Instrument], now_ns: i64) {
        let Some(account) = &mut self.account else { return };
        let mut other = None;
        let taken_of = |l: &Ledger| fee.is_some_and(|f| f.asset == l.base && l.base != [0; 8]);
        if let Some(fee) = fee
            && let Some(at) = account.ledgers.iter().position(taken_of)
        {
            let lots = account.ledgers[at].pay(fee.amount_e8);
            if lots != 0 {
                self.gate.pay_lots(at as InstrumentId, lots, now_ns);
            }
            self.gate.set_dust(at as InstrumentId, account.ledgers[at].dust());
            if at != usize::from(r.instrument) {
                account.note_position(at as InstrumentId, self.gate.exposure(at as InstrumentId).position());
                other = Some(at as InstrumentId);
            }
        }
        account.note_position(r.instrument, self.gate.exposure(r.instrument).position());
        let trade = KeptTrade { receipt: *r, fee: fee.copied() };
        self.keep(r.instrument, &i[usize::from(r.instrument)].spec.symbol, Some(trade), now_ns);
        if let Some(id) = other {
            self.keep(id, &i[usize::from(id)].spec.symbol, None, now_ns);
        }
    }

    /// A line to keep: a fill, or how things stand.
    pub(in crate::lane) fn keep(&mut self, id: InstrumentId, symbol: &str, trade: Option<KeptTrade>, now_ns: i64) {
        let Some(account) = &mut self.account else { return };
        let (exposure, ledger) = (self.gate.exposure(id), &account.ledgers[usize::from(id)]);
        account.kept.push(KeptFill {
            instrument: id,
            symbol: symbol.to_owned(),
            recv_ns: now_ns,
            trade,
            position: exposure.position(),
            cash: exposure.cash(),
            pnl: *exposure.pnl(),
            mark: exposure.mark(),
            baseline_e8: ledger.baseline_e8,
            rest_e8: ledger.rest_e8,
            base_fees_e8: ledger.base_fees_e8,
            floor: ledger.floor(),
            checked: ledger.checked,
            day: self.gate.day(),
        });
    }
}

impl Lane {
    /// A receipt of a private connection, with what lies beside it.
    pub(in crate::lane) fn on_private(&mut self, receipt: &Receipt, notes: &PrivateNotes, out: &mut Outbox) {
        let now_ns = self.now_ns;
        self.on_notes(notes);
        let Some(desk) = &mut self.desk else { return };
        let known = desk.orders.get(receipt.id).is_some();
        let Some(account) = &mut desk.account else { return self.on_receipt(receipt, notes.fee, out) };
        let at = usize::from(receipt.instrument);
        let ours = receipt.id != 0 && (receipt.id >> 48) as u16 == desk.orders.lane();
        let Some(ledger) = account.ledgers.get_mut(at) else {
            self.counts.malformed += 1;
            return;
        };
        ledger.learn(notes.venue_order, if ours { Named::Ours(receipt.id) } else { Named::Foreign });
        if !ours {
            ledger.foreign += 1;
            let nets = account.market == Market::UsdM;
            match receipt.kind {
                // Where positions net, whoever trades moves ours; elsewhere the next round tells.
                ReceiptKind::Filled if nets => self.on_receipt(&Receipt { id: 0, ..*receipt }, notes.fee, out),
                ReceiptKind::Filled => account.want_round(receipt.instrument, now_ns),
                _ => {}
            }
            return;
        }
        if !known && receipt.kind != ReceiptKind::Filled {
            return; // of an order of an earlier run: the round finds it
        }
        let before = desk.orders.get(receipt.id).copied();
        let mut receipt = *receipt;
        if let Some(o) = &before {
            // An answer to a request does not repeat everything.
            receipt.px = if receipt.px.0 == 0 { o.px() } else { receipt.px };
            if matches!(receipt.kind, ReceiptKind::ChangeRejected | ReceiptKind::Unknown) && receipt.leaves.0 > 0 {
                receipt.leaves.0 = o.leaves.0.max(1);
            }
            // "No such order", and nobody ever said that there was: its place may still be on its way.
            let young = now_ns.saturating_sub(o.placed_ns) < account.proof_ns && o.accepted_ns.is_none();
            if receipt.kind == ReceiptKind::ChangeRejected && receipt.leaves.0 == 0 && young && !o.is_closed() {
                (receipt.kind, receipt.leaves) = (ReceiptKind::Unknown, o.leaves);
            }
        }
        self.on_receipt(&receipt, notes.fee, out);
        if receipt.kind == ReceiptKind::Unknown
            && let Some(account) = self.desk.as_mut().and_then(|d| d.account.as_mut())
        {
            account.asks.want(receipt.instrument, Ask::Order(receipt.id));
        }
    }

    /// What the venue counted, and what it wants.
    pub(in crate::lane) fn on_notes(&mut self, notes: &PrivateNotes) {
        let now_ns = self.now_ns;
        let Some(governor) = self.desk.as_mut().and_then(|d| d.gate.governor()) else { return };
        for used in notes.used.iter().flatten() {
            governor.on_used(used, now_ns);
        }
        if let Some(ms) = notes.throttled_ms {
            governor.block(now_ns.saturating_add(i64::from(ms) * super::MS));
        }
    }
}
