//! Order flow: what changes in the queues of the book, and the signs of the trades.

use super::values::{FeatureValues, MAX_LEVELS};
use crate::event::{Level, Side};
use crate::units::{Lots, Ticks};

/// One side of the book as flow sees it: best first, [`NO_BID`] or [`NO_ASK`] beyond its depth.
type Queues = [Level; MAX_LEVELS];

/// Multi-level order-flow imbalance.
///
/// Level by level, from one book to the next (Cont, Kukanov, Stoikov, "The Price Impact of Order Book Events", Journal
/// of Financial Econometrics 12 (2014) 47–88, for the best level; Xu, Gould, Howison, "Multi-Level Order-Flow Imbalance
/// in a Limit Order Book", Market Microstructure and Liquidity 4 (2018), for level m = 1 … n), with bid `b`, `q` and
/// ask `a`, `r` (price, size) before and `b'`, `q'`, `a'`, `r'` after:
///
/// `e = 1{b' ≥ b}·q' − 1{b' ≤ b}·q − 1{a' ≤ a}·r' + 1{a' ≥ a}·r`
///
/// Positive is pressure to buy. A level that a side does not have counts as infinitely far with size 0, so its coming
/// adds its size and its going takes it. A book made of several venue events at once (100 ms depth streams) gives the
/// flow of their net effect. Sums are exact while they stay below 2⁵³ lots.
#[derive(Clone, Debug)]
pub(super) struct OrderFlow {
    levels: usize,
    bids: Queues,
    asks: Queues,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// No book to compare with.
    Empty,
    /// One book, no flow yet.
    Primed,
    /// The sums exist; they live in the values that are published.
    Flowing,
}

const NO_BID: Level = Level { px: Ticks(i64::MIN), qty: Lots(0) };
const NO_ASK: Level = Level { px: Ticks(i64::MAX), qty: Lots(0) };

impl OrderFlow {
    pub(super) fn new(levels: usize) -> OrderFlow {
        OrderFlow { levels, bids: [NO_BID; MAX_LEVELS], asks: [NO_ASK; MAX_LEVELS], state: State::Empty }
    }

    /// Forgets the book and the sums: the flow of a hole is unknown.
    pub(super) fn reset(&mut self, out: &mut FeatureValues) {
        self.state = State::Empty;
        (out.ofi, out.ofi_ew) = (f64::NAN, f64::NAN);
        let none = [f64::NAN; MAX_LEVELS];
        (out.ofi_event, out.mlofi, out.mlofi_ew) = (none, none, none);
    }

    /// Compares the book with the last one; `decay` is what the time between takes from `mlofi_ew`.
    #[inline]
    pub(super) fn update(&mut self, bids: &[Level], asks: &[Level], decay: f64, out: &mut FeatureValues) {
        for m in 0..self.levels {
            let bid = bids.get(m).copied().unwrap_or(NO_BID);
            let ask = asks.get(m).copied().unwrap_or(NO_ASK);
            let (old_bid, old_ask) = (self.bids[m], self.asks[m]);
            (self.bids[m], self.asks[m]) = (bid, ask);
            if self.state == State::Empty {
                continue;
            }
            let bought =
                if bid.px >= old_bid.px { bid.qty.0 } else { 0 } - if bid.px <= old_bid.px { old_bid.qty.0 } else { 0 };
            let sold =
                if ask.px <= old_ask.px { ask.qty.0 } else { 0 } - if ask.px >= old_ask.px { old_ask.qty.0 } else { 0 };
            let event = bought as f64 - sold as f64;
            let (sum, decayed) = if self.state == State::Primed { (0.0, 0.0) } else { (out.mlofi[m], out.mlofi_ew[m]) };
            out.ofi_event[m] = event;
            out.mlofi[m] = sum + event;
            out.mlofi_ew[m] = decay * decayed + event;
        }
        (out.ofi, out.ofi_ew) = (out.mlofi[0], out.mlofi_ew[0]);
        self.state = if self.state == State::Empty { State::Primed } else { State::Flowing };
    }
}

/// Depth imbalance of the given levels: `(ΣQb − ΣQa) / (ΣQb + ΣQa)` (Cartea, Donnelly, Jaimungal, "Enhancing Trading
/// Strategies with Order Book Signals", Applied Mathematical Finance 25 (2018) 1–35, summed over levels as in Cao,
/// Hansch, Wang, "The Information Content of an Open Limit-Order Book", Journal of Futures Markets 29 (2009) 16–41).
#[inline]
pub(super) fn depth_imbalance(bids: &[Level], asks: &[Level]) -> f64 {
    let depth = |side: &[Level]| side.iter().map(|level| level.qty.0 as f64).sum::<f64>();
    let (bid, ask) = (depth(bids), depth(asks));
    (bid - ask) / (bid + ask)
}

/// The micro-price of Gatheral and Oomen, "Zero-Intelligence Realized Variance Estimation", Finance and Stochastics 14
/// (2010) 249–283: the size-weighted mid `(b·Qa + a·Qb) / (Qb + Qa)`, in ticks. It is what Stoikov, "The Micro-Price",
/// Quantitative Finance 18 (2018) 1959–1966, calls the weighted mid; his own micro-price is another quantity, which
/// needs a fitted transition matrix.
#[inline]
pub(super) fn microprice(bid: Level, ask: Level) -> f64 {
    let (bid_qty, ask_qty) = (bid.qty.0 as f64, ask.qty.0 as f64);
    bid.px.0 as f64 + (ask.px.0 - bid.px.0) as f64 * (bid_qty / (bid_qty + ask_qty))
}

/// Exponentially weighted mean of trade signs `Σwε / Σw`, `ε` = +1 where the aggressor bought, −1 where it sold (the
/// sign of Lillo and Farmer, "The Long Memory of the Efficient Market", Studies in Nonlinear Dynamics & Econometrics 8
/// (2004)). Counts trades, not volume.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TradeSigns {
    signs: f64,
    weights: f64,
}

impl TradeSigns {
    #[inline]
    pub(super) fn update(&mut self, side: Side, decay: f64) -> f64 {
        self.signs = decay * self.signs + side.sign() as f64;
        self.weights = decay * self.weights + 1.0;
        self.signs / self.weights
    }
}
