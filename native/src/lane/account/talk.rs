//! Where the round of an instrument stands, and what it asks next.

use rustc_hash::FxHashSet;

use super::{Account, MS};
use crate::cex::reconcile::Round;
use crate::event::{Ask, InstrumentId};
use crate::units::Lots;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Phase {
    #[default]
    Idle,
    Open,
    Orders,
    Trades,
    Names,
    Position,
}

/// Where an instrument's round stands.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub phase: Phase,
    pub round: Round,
    /// Orders, or venue orders, whose answers this phase waits for.
    pub awaited: FxHashSet<u64>,
    /// What the venue's position would be, at each moment since it was asked for.
    pub expected: Vec<i128>,
    /// Fills were booked since the round began.
    pub moved: bool,
    /// A connection was lost meanwhile: the round proves nothing.
    pub void: bool,
    /// Another round is wanted as soon as this one is over.
    pub more: bool,
    /// Something has agreed since the last loss of a connection.
    ready: bool,
    /// The next round, unless one is wanted earlier.
    pub again_ns: i64,
    pub failed: u32,
    /// The last difference, and how many rounds in a row had it.
    pub difference: (i128, u32),
}

impl Default for Talk {
    fn default() -> Talk {
        Talk {
            phase: Phase::Idle,
            round: Round::default(),
            awaited: FxHashSet::default(),
            expected: Vec::new(),
            moved: false,
            void: false,
            more: false,
            ready: false,
            again_ns: i64::MAX,
            failed: 0,
            difference: (0, 0),
        }
    }
}

impl Account {
    /// Wants a round as soon as none is under way.
    pub fn want_round(&mut self, instrument: InstrumentId, now_ns: i64) {
        let talk = &mut self.talks[usize::from(instrument)];
        if talk.phase != Phase::Idle {
            talk.more = true;
            return;
        }
        let round = Round { asked_ns: now_ns, ..Round::default() };
        (talk.phase, talk.round, talk.moved, talk.void, talk.more) = (Phase::Open, round, false, false, false);
        talk.again_ns = i64::MAX;
        talk.awaited.clear();
        talk.expected.clear();
        self.asks.want(instrument, Ask::OpenOrders);
    }

    pub fn want_rounds(&mut self, now_ns: i64) {
        for id in 0..self.talks.len() {
            self.want_round(id as InstrumentId, now_ns);
        }
        self.round_ns = now_ns + i64::from(self.rules.reconcile_every_ms) * MS;
    }

    /// Our position has moved.
    pub fn note_position(&mut self, instrument: InstrumentId, position: Lots) {
        let at = usize::from(instrument);
        self.talks[at].moved = true;
        if self.talks[at].phase == Phase::Position {
            let expected = self.ledgers[at].expected_e8(position);
            self.talks[at].expected.push(expected);
        }
    }

    /// No round is under way or wanted, and no question is open.
    pub fn is_quiet(&self) -> bool {
        self.talks.iter().all(|t| t.phase == Phase::Idle && t.again_ns == i64::MAX) && self.asks.open() == 0
    }

    pub(super) fn unsettle(&mut self) {
        for talk in &mut self.talks {
            (talk.ready, talk.void) = (false, true);
            talk.difference = (0, 0);
        }
        self.unready = self.talks.len();
    }

    pub(super) fn settle(&mut self, at: usize) {
        if !std::mem::replace(&mut self.talks[at].ready, true) {
            self.unready -= 1;
        }
    }

    /// The next phase of a round once nothing is awaited.
    pub(super) fn go_on(&mut self, id: InstrumentId, position: Lots) {
        let at = usize::from(id);
        let (talk, ledger) = (&mut self.talks[at], &self.ledgers[at]);
        if !talk.awaited.is_empty() {
            return;
        }
        match talk.phase {
            Phase::Orders => {
                talk.phase = Phase::Trades;
                let from_id = if ledger.checked == 0 { 0 } else { ledger.checked + 1 };
                self.asks.want(id, Ask::Trades { from_id });
            }
            Phase::Names => {
                talk.phase = Phase::Position;
                talk.expected.push(ledger.expected_e8(position));
                self.asks.want(id, Ask::Position);
            }
            _ => {}
        }
    }
}
