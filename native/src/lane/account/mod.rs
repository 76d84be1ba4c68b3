//! A lane's dealings with its venue beside the orders: whether requests were answered, whether the account is as we
//! think, and the venue's dead-man switch. It decides from frames alone, as everything in a lane.

mod asks;
mod countdown;
mod fills;
mod ledger;
mod requests;
mod rounds;
mod talk;

use std::collections::VecDeque;

pub use asks::{Asks, Question, weight};
pub(super) use fills::Booking;
pub use ledger::{Ledger, asset};
use talk::Talk;

use super::LiveRules;
use super::carry::KeptFill;
use crate::cex::orders::Counts;
use crate::cex::venues::binance::Market;
use crate::event::{Action, ClientId, ConnectionId, InstrumentId, ORDERS, USER_DATA};
use crate::risk::governor::Governor;
use crate::units::{Decimal, InstrumentSpec};

const MS: i64 = 1_000_000;
/// Clocks may differ by so much from the venue's: a request lives for the receive window and this.
const SKEW_NS: i64 = 1_000 * MS;
/// While a private connection is down, what may rest is cancelled so often.
const BLIND_AGAIN_NS: i64 = 100 * MS;

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Sent {
    due_ns: i64,
    sent_ns: i64,
    id: ClientId,
    action: Action,
}

/// How the account stands, in numbers for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountCounts {
    /// Rounds in which everything agreed, and in which a fill was missing or the position differed.
    pub rounds: u64,
    pub missing: u64,
    pub differing: u64,
    /// Requests that nobody answered in time.
    pub unanswered: u64,
    /// Fills that a round or a question brought, not an event.
    pub recovered: u64,
    /// Orders of an earlier run that were found open, and cancelled.
    pub adopted: u64,
}

/// How the account stands, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountStatus {
    /// Instruments of which nothing has agreed since the last loss of a private connection.
    pub unready: usize,
    pub orders_up: bool,
    pub user_data_up: bool,
    pub counts: AccountCounts,
    /// Questions without an answer, answers that were refusals, and the last one's text.
    pub questions: usize,
    pub refused: u64,
    pub last_refusal: Option<String>,
    /// Trades that came twice, and orders and trades of somebody else.
    pub duplicates: u64,
    pub foreign: u64,
}

/// The part of a lane that has a venue behind it.
pub(super) struct Account {
    rules: LiveRules,
    market: Market,
    proof_ns: i64,
    /// Whether [`ORDERS`] and [`USER_DATA`] are up.
    up: [bool; 2],
    sent: VecDeque<Sent>,
    pub asks: Asks,
    pub ledgers: Vec<Ledger>,
    talks: Vec<Talk>,
    /// Instruments of which nothing has agreed since the start or the last loss of a connection.
    unready: usize,
    round_ns: i64,
    /// The earliest round that is wanted again.
    again_ns: i64,
    blind_ns: i64,
    /// What the order record had counted when it was last looked at.
    seen: Counts,
    pub counts: AccountCounts,
    pub kept: Vec<KeptFill>,
    /// Peak and end of the day as they were last kept.
    kept_day: Option<(Decimal, i64)>,
    armed: Vec<bool>,
    /// Instruments whose dead-man switch is armed, and when it is said again.
    arm_ns: VecDeque<(i64, InstrumentId)>,
    /// Once the lane has stopped and nothing is alive, a last round tells whether that is so.
    pub last_word: LastWord,
}

/// The last round before the lane is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LastWord {
    NotAsked,
    Asked,
    Said,
}

impl Account {
    /// `bases`: the instruments' base currencies, where known.
    pub fn new(
        rules: LiveRules,
        market: Market,
        specs: &[InstrumentSpec],
        bases: &[Option<String>],
    ) -> Result<(Account, Governor), String> {
        let limits: Vec<_> = rules.rates.iter().map(|r| (r.kind, r.interval_ms, r.limit)).collect();
        let governor = Governor::new(&limits, rules.cancel_reserve_bps)?;
        if rules.ack_timeout_ms == 0 || rules.reconcile_every_ms == 0 || rules.countdown_ms == Some(0) {
            return Err("ack_timeout_ms, reconcile_every_ms and countdown_ms must be above 0".to_owned());
        }
        if market == Market::Spot && rules.countdown_ms.is_some() {
            return Err("spot has no dead-man switch: countdown_ms must be null".to_owned());
        }
        let ledger = |(spec, base): (&InstrumentSpec, &Option<String>)| Ledger::new(spec, base.as_deref());
        let account = Account {
            proof_ns: i64::from(rules.recv_window_ms) * MS + SKEW_NS,
            rules,
            market,
            up: [false; 2],
            sent: VecDeque::new(),
            asks: Asks::new(market),
            ledgers: specs.iter().zip(bases).map(ledger).collect(),
            talks: vec![Talk::default(); specs.len()],
            unready: specs.len(),
            round_ns: i64::MAX,
            blind_ns: i64::MAX,
            seen: Counts::default(),
            counts: AccountCounts::default(),
            kept: Vec::new(),
            kept_day: None,
            again_ns: i64::MAX,
            armed: vec![false; specs.len()],
            arm_ns: VecDeque::new(),
            last_word: LastWord::NotAsked,
        };
        Ok((account, governor))
    }

    /// The venue takes no order that reduces a position and is worth less, quote currency; 0 where it takes every one.
    /// USD-M exempts what is reduce-only ("Error codes", -4164), spot nothing (filters.md, `NOTIONAL`).
    #[must_use]
    pub fn min_notional(&self, id: InstrumentId) -> Decimal {
        let min = self.rules.min_notional.get(usize::from(id)).filter(|_| self.market == Market::Spot);
        min.copied().unwrap_or(Decimal::ZERO)
    }

    /// Place of a private connection in `up`; `None` for the others.
    fn place(connection: ConnectionId) -> Option<usize> {
        match connection {
            ORDERS => Some(0),
            USER_DATA => Some(1),
            _ => None,
        }
    }

    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up == [true; 2]
    }

    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.unready == 0 && self.is_up()
    }

    #[must_use]
    pub fn status(&self) -> AccountStatus {
        AccountStatus {
            unready: self.unready,
            orders_up: self.up[0],
            user_data_up: self.up[1],
            counts: self.counts,
            questions: self.asks.open(),
            refused: self.asks.refused,
            last_refusal: self.asks.last_refusal.clone(),
            duplicates: self.ledgers.iter().map(|l| l.duplicates).sum(),
            foreign: self.ledgers.iter().map(|l| l.foreign).sum(),
        }
    }

    /// When the next timer frame is wanted.
    #[must_use]
    pub fn next_ns(&self) -> i64 {
        let sent_ns = self.sent.front().map_or(i64::MAX, |s| s.due_ns);
        let arm_ns = self.arm_ns.front().map_or(i64::MAX, |a| a.0);
        [sent_ns, arm_ns, self.again_ns, self.asks.next_ns(), self.round_ns, self.blind_ns]
            .into_iter()
            .fold(i64::MAX, i64::min)
    }
}
