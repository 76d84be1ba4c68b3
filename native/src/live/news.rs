//! What has changed in a lane since somebody was told: its state, its account, its books.

use serde_json::json;

use super::notices::Notices;
use crate::lane::Lane;
use crate::risk::switch::SwitchState;

/// What was told the last time.
#[derive(Default)]
pub struct News {
    state: Option<SwitchState>,
    ready: Option<bool>,
    missing: u64,
    differing: u64,
    adopted: u64,
    refusal: Option<String>,
    panicked: bool,
    /// By instrument: times it came into sync, and gaps.
    books: Vec<(u64, u64)>,
}

impl News {
    /// Says what has changed; to be called a few times a second.
    pub fn tell(&mut self, lane: &Lane, notices: &Notices, now_ns: i64) {
        self.tell_state(lane, notices, now_ns);
        self.tell_account(lane, notices, now_ns);
        self.books.resize(lane.instruments().len(), (0, 0));
        for (i, told) in lane.instruments().iter().zip(&mut self.books) {
            let c = &i.sync.counts;
            if (c.syncs, c.gaps) != *told {
                let what = if c.syncs > told.0 { "book in sync" } else { "gap in the book" };
                let blind_ms = i.sync.blind_ns(now_ns) / 1_000_000;
                let details = json!({"symbol": i.spec.symbol, "gaps": c.gaps, "syncs": c.syncs, "blind_ms": blind_ms});
                notices.say(now_ns, what, details);
                *told = (c.syncs, c.gaps);
            }
        }
        if let (false, Some(text)) = (self.panicked, &lane.panicked) {
            self.panicked = true;
            notices.say(now_ns, "panic", json!({"text": text}));
        }
    }

    fn tell_state(&mut self, lane: &Lane, notices: &Notices, now_ns: i64) {
        let Some(gate) = lane.gate() else { return };
        let state = gate.state();
        if self.state.is_some_and(|told| told != state) || (self.state.is_none() && state != SwitchState::Active) {
            // The lane's own reason, else the switch's.
            let own = gate.reason().map(|r| (r.cause.name(), r.text.clone()));
            let switch = gate.switch_reason().map(|(cause, text)| (cause.name(), text.to_string()));
            let (cause, text) = own.or(switch).unwrap_or_default();
            notices.say(now_ns, state.name(), json!({"cause": cause, "text": text}));
        }
        self.state = Some(state);
    }

    fn tell_account(&mut self, lane: &Lane, notices: &Notices, now_ns: i64) {
        let Some(a) = lane.account_status() else { return };
        let ready = a.unready == 0 && a.orders_up && a.user_data_up;
        if self.ready != Some(ready) {
            let what = if ready { "reconciled" } else { "not reconciled" };
            let c = a.counts;
            let details = json!({
                "unready": a.unready, "rounds": c.rounds, "recovered_fills": c.recovered, "adopted_orders": c.adopted,
            });
            notices.say(now_ns, what, details);
            self.ready = Some(ready);
        }
        let c = a.counts;
        let counted = [
            ("a fill was missing", c.missing, &mut self.missing),
            ("the position differs", c.differing, &mut self.differing),
            ("orders of an earlier run cancelled", c.adopted, &mut self.adopted),
        ];
        for (what, count, told) in counted {
            if count > *told {
                notices.say(now_ns, what, json!({"count": count}));
                *told = count;
            }
        }
        if a.last_refusal != self.refusal {
            notices.say(now_ns, "question refused", json!({"why": a.last_refusal, "count": a.refused}));
            self.refusal = a.last_refusal;
        }
    }
}
