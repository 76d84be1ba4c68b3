//! Paper trading: a simulated exchange in place of the venue's order entry, driven by the venue's own market as it comes
//! in. Its rules and latencies are those of a replay.

use std::collections::VecDeque;

use crate::event::{Decoded, Intent, Receipt};
use crate::sim::backtest::turned_away;
use crate::sim::exchange::SimExchange;
use crate::sim::latency::LatencyModel;

pub struct Paper {
    exchange: SimExchange,
    latency: LatencyModel,
    /// On their way there and back, with the time of arrival; neither overtakes.
    requests: VecDeque<(i64, Intent)>,
    receipts: VecDeque<(i64, Receipt)>,
    made: Vec<Receipt>,
}

/// Queues an arrival that overtakes none before it.
fn arrive<T>(queue: &mut VecDeque<(i64, T)>, at_ns: i64, what: T) {
    let earliest = queue.back().map_or(i64::MIN, |r| r.0);
    queue.push_back((at_ns.max(earliest), what));
}

impl Paper {
    #[must_use]
    pub fn new(exchange: SimExchange, latency: LatencyModel) -> Paper {
        Paper { exchange, latency, requests: VecDeque::new(), receipts: VecDeque::new(), made: Vec::new() }
    }

    /// The market as it was received at `now_ns`: the exchange is taken to have had it then.
    pub fn on_market(&mut self, decoded: &Decoded, now_ns: i64) {
        self.match_until(now_ns);
        self.exchange.on_market(decoded, now_ns, &mut self.made);
        self.answer(now_ns);
    }

    /// Sends a request on its way.
    pub fn send(&mut self, intent: &Intent, now_ns: i64) {
        match self.latency.entry_ns(now_ns) {
            Some(entry_ns) => arrive(&mut self.requests, now_ns + entry_ns, *intent),
            None => {
                let at_ns = now_ns + self.latency.rejection_ns(now_ns);
                arrive(&mut self.receipts, at_ns, turned_away(intent, at_ns));
            }
        }
    }

    /// The next Receipt that has come back by `now_ns`.
    pub fn receipt(&mut self, now_ns: i64) -> Option<Receipt> {
        self.match_until(now_ns);
        let due = self.receipts.front().is_some_and(|r| r.0 <= now_ns);
        if due { self.receipts.pop_front().map(|r| r.1) } else { None }
    }

    /// When something arrives there or here.
    #[must_use]
    pub fn due_ns(&self) -> Option<i64> {
        let front = |at: Option<i64>| at.unwrap_or(i64::MAX);
        let due = front(self.requests.front().map(|r| r.0)).min(front(self.receipts.front().map(|r| r.0)));
        (due != i64::MAX).then_some(due)
    }

    fn match_until(&mut self, now_ns: i64) {
        while let Some(&(at_ns, intent)) = self.requests.front().filter(|r| r.0 <= now_ns) {
            self.requests.pop_front();
            self.exchange.on_intent(&intent, at_ns, &mut self.made);
            self.answer(at_ns);
        }
    }

    fn answer(&mut self, exch_ns: i64) {
        for receipt in self.made.drain(..) {
            arrive(&mut self.receipts, exch_ns + self.latency.response_ns(exch_ns), receipt);
        }
    }
}
