//! What the one who runs a lane wants of it: to stop, flat or not, and to be told what is left.

use super::Lane;
use super::account::LastWord;
use crate::event::{ClientId, Control, InstrumentId};
use crate::risk::switch::{Cause, SwitchState};
use crate::units::Lots;

/// What a lane that is to stop still has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Left {
    /// Orders that are alive or of unknown fate.
    pub orders: Vec<(InstrumentId, ClientId)>,
    /// Positions that are not flat.
    pub positions: Vec<(InstrumentId, Lots)>,
}

impl Lane {
    pub(super) fn on_control(&mut self, control: Control) {
        let now_ns = self.now_ns;
        let Some(desk) = &mut self.desk else { return };
        match control {
            Control::Stop => desk.gate.trip(SwitchState::Halted, Cause::Stop, "told to stop", now_ns),
            Control::StopFlat => {
                desk.gate.ask_flat();
                desk.gate.trip(SwitchState::Reducing, Cause::Stop, "told to stop flat", now_ns)
            }
        };
    }

    /// The venue wants no request for a while.
    pub(super) fn on_throttled(&mut self, fault: &[u8]) {
        let now_ns = self.now_ns;
        if let Some(ms) = fault.get(1..).and_then(|b| b.first_chunk())
            && let Some(governor) = self.desk.as_mut().and_then(|d| d.gate.governor())
        {
            governor.block(now_ns.saturating_add(i64::from(u32::from_le_bytes(*ms)) * 1_000_000));
        }
    }

    /// A private message that cannot be read.
    pub(super) fn on_unreadable(&mut self) {
        let now_ns = self.now_ns;
        if let Some(account) = self.desk.as_mut().and_then(|d| d.account.as_mut()) {
            account.want_rounds(now_ns);
        }
    }

    /// Once everything is stopped and no order is alive, the account is asked for a last time: a fill may have come
    /// before the last cancel and its event not yet.
    pub(super) fn ask_last(&mut self) {
        let now_ns = self.now_ns;
        let Some(desk) = &mut self.desk else { return };
        let Some(account) = &mut desk.account else { return };
        let dead = desk.orders.alive() == 0;
        account.last_word = match account.last_word {
            _ if !dead => LastWord::NotAsked,
            LastWord::NotAsked => {
                account.want_rounds(now_ns);
                LastWord::Asked
            }
            LastWord::Asked if account.is_quiet() => LastWord::Said,
            word => word,
        };
    }

    /// It has stopped, no order is alive or of unknown fate, a last look at the account agreed, and what was to be flat
    /// is. Where flattening is impossible (no Top, the switch halted) it stays false.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let Some(desk) = &self.desk else { return true };
        let said = desk.account.as_ref().is_none_or(|a| a.last_word == LastWord::Said && a.is_ready());
        let left = self.left();
        desk.stopped && said && left.orders.is_empty() && (left.positions.is_empty() || !desk.gate.wants_flat())
    }

    /// What is left, for people.
    #[must_use]
    pub fn left(&self) -> Left {
        let mut left = Left::default();
        let Some(desk) = &self.desk else { return left };
        for id in 0..self.instruments.len() {
            let id = id as InstrumentId;
            let exposure = desk.gate.exposure(id);
            left.orders.extend(exposure.open().iter().map(|o| (id, o.id)));
            if !exposure.holds_nothing() {
                left.positions.push((id, exposure.position()));
            }
        }
        left
    }

    /// How the account stands: instruments not yet reconciled, counts, questions open, and the last refusal of one.
    #[must_use]
    pub fn account_status(&self) -> Option<super::account::AccountStatus> {
        Some(self.desk.as_ref()?.account.as_ref()?.status())
    }
}
