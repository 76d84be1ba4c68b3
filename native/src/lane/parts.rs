//! What a lane is made of and what it hands out.

use std::sync::Arc;

use super::LiveRules;
use crate::cex::features::FeatureConfig;
use crate::cex::venues::binance::Market as Dialect;
use crate::event::{Call, InstrumentId, Receipt};
use crate::risk::gate::Request;
use crate::risk::limits::Limits;
use crate::risk::switch::Switch;
use crate::units::{Decimal, InstrumentSpec};

/// What a step wants done: requests to encode and write, in order, and books that need a snapshot.
#[derive(Default)]
pub struct Outbox {
    pub requests: Vec<Request>,
    pub snapshots_wanted: Vec<InstrumentId>,
    /// What to ask the venue beside the orders, in order.
    pub calls: Vec<Call>,
}

/// A fill as the lane saw it.
#[derive(Clone, Copy, Debug)]
pub struct LaneFill {
    pub receipt: Receipt,
    pub recv_ns: i64,
    pub since_accepted_ns: i64,
    /// Twice the mid when it was learnt of; absent when the book had no Top.
    pub half_ticks: Option<i64>,
}

/// Frames by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    pub depth: u64,
    pub quote: u64,
    pub trade: u64,
    pub snapshot: u64,
    pub order: u64,
    pub timer: u64,
    pub fault: u64,
    /// Answers to calls.
    pub answer: u64,
    pub ignored: u64,
    pub malformed: u64,
    /// Frames that came with an earlier time than the one before; they count at that one's time.
    pub backwards: u64,
    /// Ticks that the gate called outliers: they reached no feature and no kernel.
    pub outliers: u64,
}

pub struct LaneConfig {
    pub dialect: Dialect,
    pub instruments: Vec<InstrumentSpec>,
    pub features: FeatureConfig,
    /// Added to the venue's times to bring them to our clock.
    pub clock_offset_ns: i64,
    /// What trading needs; a lane without it only keeps books.
    pub trading: Option<Trading>,
}

pub struct Trading {
    pub limits: Limits,
    /// Starting equity, quote currency.
    pub equity: Decimal,
    pub switch: Arc<Switch>,
    /// Live orders the lane has room for, and the first order id.
    pub capacity: usize,
    pub first_id: u64,
    /// The venue can replace an order in one message.
    pub can_replace: bool,
    /// A real venue stands behind the lane.
    pub live: Option<LiveRules>,
}
