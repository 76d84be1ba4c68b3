//! Requests without an answer: of unknown fate after a while, and asked for until proven.

use super::{Account, MS, Sent};
use crate::event::{Action, Ask, Intent, Receipt, ReceiptKind};
use crate::lane::{Lane, Outbox};
use crate::units::Lots;

/// A cancel that came to nothing is wished for again after so long.
const CANCEL_REFUSED_NS: i64 = 100 * MS;

impl Account {
    /// A request was put out.
    pub fn on_sent(&mut self, intent: &Intent, now_ns: i64) {
        let due_ns = now_ns + i64::from(self.rules.ack_timeout_ms) * MS;
        self.sent.push_back(Sent { due_ns, sent_ns: intent.decided_ns, id: intent.id, action: intent.action });
        if intent.action == Action::Place {
            self.arm(intent.instrument, now_ns);
        }
    }
}

impl Lane {
    /// Requests whose time is up are of unknown fate: the venue is asked, and a cancel is said again.
    pub(in crate::lane) fn on_unanswered(&mut self, out: &mut Outbox) {
        let now_ns = self.now_ns;
        loop {
            let Some(desk) = &mut self.desk else { return };
            let Some(account) = &mut desk.account else { return };
            let Some(sent) = account.sent.front().copied().filter(|s| s.due_ns <= now_ns) else { return };
            account.sent.pop_front();
            let Some(order) = desk.orders.get(sent.id).copied().filter(|o| o.awaits(sent.action, sent.sent_ns)) else {
                continue;
            };
            account.counts.unanswered += 1;
            account.asks.want(order.instrument, Ask::Order(order.id));
            if order.is_unsure() {
                continue;
            }
            let unknown = Receipt {
                kind: ReceiptKind::Unknown,
                id: order.id,
                instrument: order.instrument,
                side: order.side,
                maker: false,
                exch_ns: 0,
                px: order.px(),
                qty: Lots(0),
                leaves: order.leaves,
                trade_id: 0,
                queue_joined: -1,
                queue_ahead: -1,
            };
            self.on_receipt(&unknown, None, out);
            self.cancel_again(sent.id, out);
        }
    }

    /// A cancel that has no answer is said again: it does no harm, and its answer proves something.
    pub(super) fn cancel_again(&mut self, id: u64, out: &mut Outbox) {
        let now_ns = self.now_ns;
        let Some(order) = self.desk.as_ref().and_then(|d| d.orders.get(id)).copied() else { return };
        if order.is_cancelling() && order.cancel_wanted(now_ns) {
            self.submit(order.cancel(now_ns), out);
        }
    }

    /// The gate or the venue refused a cancel: it is not wished for at once.
    pub(in crate::lane) fn on_cancel_refused(&mut self, id: u64) {
        let now_ns = self.now_ns;
        let Some(desk) = &mut self.desk else { return };
        if desk.account.is_none() {
            return;
        }
        let blocked_ns = desk.gate.governor().map_or(i64::MIN, |g| g.blocked_ns());
        desk.orders.hold_cancel(id, blocked_ns.max(now_ns + CANCEL_REFUSED_NS));
    }
}
