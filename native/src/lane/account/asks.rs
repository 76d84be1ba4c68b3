//! Questions to the venue: a few at a time, within its rate limits, each asked again with growing patience until it is
//! answered.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::cex::venues::binance::Market;
use crate::event::{Ask, Call, InstrumentId};
use crate::risk::governor::{Governor, Message};

/// Calls under way at a time.
const MOST: usize = 8;
/// A call without an answer for so long has none: the runner always gives one earlier.
const GIVE_UP_NS: i64 = 15_000_000_000;
/// The first wait before a question is asked again, and the longest; each is twice the one before.
const WAIT_NS: i64 = 100_000_000;
const LONGEST_NS: i64 = 5_000_000_000;

/// What the venue counts for a question (request weights of rest-api.md; USD-M: developers.binance.com, as read on
/// 2026-11-22; the higher figure where two are named).
#[must_use]
pub fn weight(ask: Ask, market: Market) -> u32 {
    match (ask, market) {
        (Ask::OpenOrders, Market::Spot) => 6,
        (Ask::OpenOrders, Market::UsdM) => 1,
        (Ask::Order(_) | Ask::VenueOrder(_), Market::Spot) => 4,
        (Ask::Order(_) | Ask::VenueOrder(_), Market::UsdM) => 1,
        (Ask::Trades { .. }, Market::Spot) => 20,
        (Ask::Trades { .. }, Market::UsdM) => 5,
        (Ask::Position, Market::Spot) => 20,
        (Ask::Position, Market::UsdM) => 5,
        (Ask::Countdown { .. }, _) => 10,
    }
}

/// How long to wait before try number `tries` + 1.
#[must_use]
pub fn patience_ns(tries: u32) -> i64 {
    (WAIT_NS << tries.min(8)).min(LONGEST_NS)
}

/// A question, how often it was asked, and when last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    pub instrument: InstrumentId,
    pub ask: Ask,
    pub tries: u32,
    pub asked_ns: i64,
}

#[derive(Debug)]
pub struct Asks {
    market: Market,
    next: u16,
    waiting: VecDeque<Question>,
    flying: FxHashMap<u16, Question>,
    /// To be asked again, and when.
    later: Vec<(i64, Question)>,
    /// The earliest of `later` and of those under way for too long.
    due_ns: i64,
    /// The venue's limits are used up until then.
    full_ns: i64,
    /// Answers that were refusals, and the last one's text.
    pub refused: u64,
    pub last_refusal: Option<String>,
}

impl Asks {
    #[must_use]
    pub fn new(market: Market) -> Asks {
        Asks {
            market,
            next: 0,
            waiting: VecDeque::new(),
            flying: FxHashMap::default(),
            later: Vec::new(),
            due_ns: i64::MAX,
            full_ns: i64::MIN,
            refused: 0,
            last_refusal: None,
        }
    }

    /// Wants an answer; a question that is on its way already is not asked twice. What cannot wait goes first.
    pub fn want(&mut self, instrument: InstrumentId, ask: Ask) {
        let same = |q: &Question| q.instrument == instrument && q.ask == ask;
        if self.waiting.iter().any(same) || self.later.iter().any(|(_, q)| same(q)) || self.flying.values().any(same) {
            return;
        }
        let question = Question { instrument, ask, tries: 0, asked_ns: 0 };
        match ask {
            Ask::Countdown { .. } | Ask::Order(_) => self.waiting.push_front(question),
            _ => self.waiting.push_back(question),
        }
    }

    /// Drops what is wanted of an instrument and not yet asked, where `which` says so.
    pub fn forget(&mut self, instrument: InstrumentId, which: impl Fn(Ask) -> bool) {
        let keep = |q: &Question| q.instrument != instrument || !which(q.ask);
        self.waiting.retain(keep);
        self.later.retain(|(_, q)| keep(q));
    }

    /// Asks what may be asked now.
    pub fn pump(&mut self, governor: Option<&mut Governor>, now_ns: i64, out: &mut Vec<Call>) {
        let Some(governor) = governor else { return };
        while self.flying.len() < MOST {
            let Some(question) = self.waiting.front_mut() else { return };
            if let Err(full) = governor.admit(Message::Question(weight(question.ask, self.market)), now_ns) {
                self.full_ns = full.until_ns.max(now_ns + 1);
                return;
            }
            question.asked_ns = now_ns;
            let (instrument, ask) = (question.instrument, question.ask);
            while self.flying.contains_key(&self.next) {
                self.next = self.next.wrapping_add(1);
            }
            let number = self.next;
            self.next = self.next.wrapping_add(1);
            if let Some(question) = self.waiting.pop_front() {
                self.flying.insert(number, question);
            }
            self.due_ns = self.due_ns.min(now_ns + GIVE_UP_NS);
            out.push(Call { number, instrument, ask });
        }
    }

    /// The question that an answer's number is of, once.
    pub fn answered(&mut self, number: u16) -> Option<Question> {
        self.flying.remove(&number)
    }

    /// The answer was none: the question is asked again after a while.
    pub fn again(&mut self, mut question: Question, why: Option<String>, now_ns: i64) {
        self.refused += 1;
        self.last_refusal = why.or(self.last_refusal.take());
        let due_ns = now_ns + patience_ns(question.tries);
        question.tries += 1;
        self.later.push((due_ns, question));
        self.due_ns = self.due_ns.min(due_ns);
    }

    /// The same without a refusal: the answer proved nothing yet.
    pub fn later(&mut self, question: Question, now_ns: i64) {
        let refused = self.refused;
        self.again(question, None, now_ns);
        self.refused = refused;
    }

    /// What is due becomes wanted again.
    pub fn on_timer(&mut self, now_ns: i64) {
        if now_ns < self.due_ns {
            return;
        }
        let lost: Vec<u16> =
            self.flying.iter().filter(|(_, q)| now_ns - q.asked_ns >= GIVE_UP_NS).map(|(n, _)| *n).collect();
        for number in lost {
            if let Some(question) = self.flying.remove(&number) {
                self.again(question, Some("no answer came".to_owned()), now_ns);
            }
        }
        self.later.sort_by_key(|(due_ns, _)| *due_ns); // stable: at equal times in their order
        let due = self.later.partition_point(|(due_ns, _)| *due_ns <= now_ns);
        self.waiting.extend(self.later.drain(..due).map(|(_, q)| q));
        let given_up = self.flying.values().map(|q| q.asked_ns + GIVE_UP_NS);
        self.due_ns = self.later.iter().map(|(due_ns, _)| *due_ns).chain(given_up).min().unwrap_or(i64::MAX);
    }

    /// When a timer is wanted.
    #[must_use]
    pub fn next_ns(&self) -> i64 {
        let full_ns = if self.waiting.is_empty() || self.flying.len() >= MOST { i64::MAX } else { self.full_ns };
        self.due_ns.min(full_ns)
    }

    /// Questions without an answer.
    #[must_use]
    pub fn open(&self) -> usize {
        self.waiting.len() + self.later.len() + self.flying.len()
    }
}
