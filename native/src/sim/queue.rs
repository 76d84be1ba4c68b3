//! Where in the queue of its level a resting order stands, estimated from trades and level changes.
//!
//! The state and its update are those of R. Rigtorp, "Estimating order queue position" (2013,
//! <https://rigtorp.se/2013/06/08/estimating-order-queue-position.html>), in the families that hftbacktest made known.
//! The estimate is a probability times a quantity, so it is an `f64`; quantities that leave this file are whole lots.

use serde::{Deserialize, Serialize};

use crate::units::{Decimal, Lots};

/// How likely a decrease of a level happened behind our order. In JSON: `{"kind": "risk_averse"}`,
/// `{"kind": "power_prob", "n": 3.0}`, also `power_prob2`, `power_prob3`, `log_prob`, `log_prob2`.
///
/// With `front` and `back` the quantities ahead of and behind the order:
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum QueueModel {
    /// 1: only trades (and a level smaller than our estimate) bring the order forward.
    RiskAverse,
    /// `back^n / (back^n + front^n)`
    PowerProb { n: f64 },
    /// `back^n / (back + front)^n`
    PowerProb2 { n: f64 },
    /// `1 − (front / (front + back))^n`
    PowerProb3 { n: f64 },
    /// `ln(1 + back) / (ln(1 + back) + ln(1 + front))`, quantities in base currency
    LogProb,
    /// `ln(1 + back) / ln(1 + back + front)`, quantities in base currency
    LogProb2,
}

/// The form in a configuration file: every variant has braces, so that an unknown key is an error in each.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Written {
    RiskAverse {},
    PowerProb { n: f64 },
    PowerProb2 { n: f64 },
    PowerProb3 { n: f64 },
    LogProb {},
    LogProb2 {},
}

impl TryFrom<Written> for QueueModel {
    type Error = String;
    fn try_from(w: Written) -> Result<QueueModel, String> {
        let model = match w {
            Written::RiskAverse {} => QueueModel::RiskAverse,
            Written::PowerProb { n } => QueueModel::PowerProb { n },
            Written::PowerProb2 { n } => QueueModel::PowerProb2 { n },
            Written::PowerProb3 { n } => QueueModel::PowerProb3 { n },
            Written::LogProb {} => QueueModel::LogProb,
            Written::LogProb2 {} => QueueModel::LogProb2,
        };
        match model {
            QueueModel::PowerProb { n } | QueueModel::PowerProb2 { n } | QueueModel::PowerProb3 { n }
                if !(n.is_finite() && n > 0.0) =>
            {
                Err(format!("queue model: n is {n}; write a number above 0"))
            }
            m => Ok(m),
        }
    }
}

impl From<QueueModel> for Written {
    fn from(m: QueueModel) -> Written {
        match m {
            QueueModel::RiskAverse => Written::RiskAverse {},
            QueueModel::PowerProb { n } => Written::PowerProb { n },
            QueueModel::PowerProb2 { n } => Written::PowerProb2 { n },
            QueueModel::PowerProb3 { n } => Written::PowerProb3 { n },
            QueueModel::LogProb => Written::LogProb {},
            QueueModel::LogProb2 => Written::LogProb2 {},
        }
    }
}

impl QueueModel {
    /// Probability that a decrease of the level was behind the order, in 0..=1; both quantities in base currency and
    /// not negative. 1 where both are 0.
    #[must_use]
    pub fn probability(&self, front: f64, back: f64) -> f64 {
        let p = match *self {
            QueueModel::RiskAverse => 1.0,
            QueueModel::PowerProb { n } => back.powf(n) / (back.powf(n) + front.powf(n)),
            QueueModel::PowerProb2 { n } => back.powf(n) / (back + front).powf(n),
            QueueModel::PowerProb3 { n } => 1.0 - (front / (front + back)).powf(n),
            QueueModel::LogProb => back.ln_1p() / (back.ln_1p() + front.ln_1p()),
            QueueModel::LogProb2 => back.ln_1p() / (back + front).ln_1p(),
        };
        if p.is_nan() { 1.0 } else { p }
    }
}

/// A queue model and what one lot is in base currency (the logarithmic families are not free of scale).
#[derive(Clone, Copy, Debug)]
pub struct Estimator {
    model: QueueModel,
    lot: f64,
}

impl Estimator {
    #[must_use]
    pub fn new(model: QueueModel, lot: Decimal) -> Estimator {
        Estimator { model, lot: lot.to_f64() }
    }
}

/// Place of one resting order in the queue of its level, in lots.
#[derive(Clone, Copy, Debug)]
pub struct QueuePos {
    /// −1: never joined one.
    joined: i64,
    /// Never negative.
    front: f64,
    /// Traded at the level since its last change: what the next change must not count a second time.
    traded: f64,
}

impl QueuePos {
    /// Of an order that is in no queue.
    pub const NONE: QueuePos = QueuePos { joined: -1, front: 0.0, traded: 0.0 };

    /// Behind everything that the level shows.
    #[must_use]
    pub fn join(level: Lots) -> QueuePos {
        QueuePos { joined: level.0, front: level.0 as f64, traded: 0.0 }
    }

    /// Lots that were ahead when the order joined; −1 in no queue.
    #[must_use]
    pub fn joined(&self) -> i64 {
        self.joined
    }

    /// Lots ahead now, to the nearest lot; −1 in no queue.
    #[must_use]
    pub fn ahead(&self) -> i64 {
        if self.joined < 0 { -1 } else { self.front.round() as i64 }
    }

    /// `qty` traded at the order's price; returns how much of it, to the nearest lot, was left when the queue ahead
    /// was used up: what the trade offers the order.
    pub fn trade(&mut self, qty: Lots) -> Lots {
        let qty = qty.0 as f64;
        let front = self.front - qty;
        self.traded += qty;
        self.front = front.max(0.0);
        Lots((-front).round().max(0.0) as i64)
    }

    /// The level went from `prev` to `new`.
    pub fn depth(&mut self, est: &Estimator, prev: Lots, new: Lots) {
        let (prev, new) = (prev.0 as f64, new.0 as f64);
        let shrunk = prev - new - std::mem::take(&mut self.traded);
        if shrunk > 0.0 {
            let back = (prev - self.front).max(0.0);
            let p = est.model.probability(self.front * est.lot, back * est.lot);
            self.front += (back - p * shrunk).min(0.0) - (1.0 - p) * shrunk;
        }
        self.front = self.front.min(new).max(0.0);
    }

    /// A snapshot shows `level` at the order's price: no more than that can be ahead.
    pub fn snapshot(&mut self, level: Lots) {
        self.traded = 0.0;
        self.front = self.front.min(level.0 as f64);
    }
}
