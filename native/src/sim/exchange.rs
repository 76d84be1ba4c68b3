//! One simulated venue: any number of instruments, our orders in them, and a recorded market around them.
//!
//! It reads no clock: what happens, and when, are arguments. The fill rules it keeps are numbered in the README
//! ("Fill rules"); the branch that keeps a rule names it.

use serde::{Deserialize, Serialize};

use crate::event::{Action, ClientId, Decoded, Event, InstrumentId, Intent, Receipt, ReceiptKind, Side};
use crate::sim::market::{Clock, Market};
use crate::sim::queue::QueueModel;
use crate::units::{InstrumentSpec, Lots};

/// What becomes of the two orders when an order of ours would trade with another of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfTradePrevention {
    /// Our orders do not see each other (hftbacktest's rule).
    None,
    /// The arriving order's remainder expires.
    ExpireTaker,
    /// The resting order expires; the arriving one goes on.
    ExpireMaker,
    /// Both expire.
    ExpireBoth,
}

/// How the simulated venue matches.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimConfig {
    pub queue_model: QueueModel,
    /// Fill what a trade or a level offers (`true`), or the whole order as soon as it is reached (`false`).
    pub partial_fills: bool,
    pub self_trade_prevention: SelfTradePrevention,
    /// A smaller quantity at the same price loses the place in the queue too (Binance USD-M), or keeps it (Binance
    /// spot's keep-priority amend; the default).
    #[serde(default)]
    pub amend_requeues: bool,
}

/// The simulated venue. The same calls give the same receipts.
#[derive(Clone, Debug)]
pub struct SimExchange {
    config: SimConfig,
    markets: Vec<Market>,
    last_trade_id: u64,
}

impl SimExchange {
    /// Instrument `i` of the lane is `instruments[i]`.
    #[must_use]
    pub fn new(config: SimConfig, instruments: Vec<InstrumentSpec>) -> SimExchange {
        let markets = instruments.iter().zip(0..).map(|(spec, i)| Market::new(i, spec, config.queue_model)).collect();
        SimExchange { config, markets, last_trade_id: 0 }
    }

    /// The recorded market moves at matching-engine time `exch_ns`; receipts of what that does to our orders are
    /// appended to `out`. Quotes and what is not of a market are ignored (rule 3).
    pub fn on_market(&mut self, decoded: &Decoded, exch_ns: i64, out: &mut Vec<Receipt>) {
        let (Event::Depth { instrument, .. } | Event::Snapshot { instrument, .. } | Event::Trade { instrument, .. }) =
            decoded.event
        else {
            return;
        };
        let Some(market) = self.markets.get_mut(usize::from(instrument)) else { return };
        let mut clock = Clock { config: &self.config, exch_ns, last_trade_id: &mut self.last_trade_id, out };
        match decoded.event {
            Event::Depth { first_id, last_id, prev_id, .. } => {
                market.on_depth(decoded, (first_id, last_id, prev_id), &mut clock);
            }
            Event::Snapshot { last_id, .. } => market.on_snapshot(decoded, last_id, &mut clock),
            Event::Trade { px, qty, side, .. } => market.on_trade(px, qty, side, &mut clock),
            _ => {}
        }
    }

    /// A request of ours arrives at matching-engine time `exch_ns`; the answer is appended to `out`.
    pub fn on_intent(&mut self, intent: &Intent, exch_ns: i64, out: &mut Vec<Receipt>) {
        let known = intent.id != 0 && self.is_open(intent.id);
        let mut clock = Clock { config: &self.config, exch_ns, last_trade_id: &mut self.last_trade_id, out };
        let Some(market) = self.markets.get_mut(usize::from(intent.instrument)) else {
            // rule 21: no such instrument
            let kind = if intent.action == Action::Place { ReceiptKind::Rejected } else { ReceiptKind::ChangeRejected };
            return clock.refuse(kind, intent);
        };
        match intent.action {
            // rule 21: an id is used once at a time
            Action::Place if known || intent.id == 0 => clock.refuse(ReceiptKind::Rejected, intent),
            Action::Place => market.place(intent, &mut clock),
            Action::Cancel => market.cancel(intent, &mut clock),
            Action::Replace => market.replace(intent, &mut clock),
        }
    }

    /// Our position as the venue knows it, in lots; 0 for an instrument it does not have.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> Lots {
        self.markets.get(usize::from(instrument)).map_or(Lots(0), |m| m.position)
    }

    /// Our resting orders in `instrument`: id, side, price, open lots and lots ahead, best price first.
    pub fn resting(&self, instrument: InstrumentId) -> impl Iterator<Item = Resting> + '_ {
        self.markets.get(usize::from(instrument)).into_iter().flat_map(Market::resting)
    }

    fn is_open(&self, id: ClientId) -> bool {
        self.markets.iter().any(|m| m.find(id).is_some())
    }
}

/// A resting order as [`SimExchange::resting`] shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resting {
    pub id: ClientId,
    pub side: Side,
    pub px: crate::units::Ticks,
    pub leaves: Lots,
    pub queue_ahead: i64,
}
