//! A replay's plan, as the Python side writes it (`searcher/plan.py`): JSON, integers and decimal strings.

use serde::{Deserialize, Serialize};

use crate::cex::features::FeatureConfig;
use crate::cex::venues::binance::Market;
use crate::risk::limits::Limits;
use crate::sim::exchange::SimConfig;
use crate::sim::latency::LatencyModel;
use crate::units::{Decimal, InstrumentSpec};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Venue {
    BinanceSpot,
    BinanceUsdm,
}

impl Venue {
    /// As it is written in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Venue::BinanceSpot => "binance_spot",
            Venue::BinanceUsdm => "binance_usdm",
        }
    }
}

impl From<Venue> for Market {
    fn from(v: Venue) -> Market {
        match v {
            Venue::BinanceSpot => Market::Spot,
            Venue::BinanceUsdm => Market::UsdM,
        }
    }
}

impl Venue {
    /// An order is changed in one message. Spot's `order.cancelReplace` cannot change one that is partly filled without
    /// risking to buy too much, so there an order is cancelled and placed anew.
    #[must_use]
    pub fn can_replace(self) -> bool {
        self == Venue::BinanceUsdm
    }
}

impl From<Market> for Venue {
    fn from(m: Market) -> Venue {
        match m {
            Market::Spot => Venue::BinanceSpot,
            Market::UsdM => Venue::BinanceUsdm,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    pub exchange: SimConfig,
    /// Of requests and their answers.
    pub latency: LatencyModel,
    /// Of market data: `null` is as recorded, a number is the same for every frame.
    #[serde(default)]
    pub feed_latency_ns: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelPlan {
    /// Symbols.
    pub instruments: Vec<String>,
    /// Period of the timer hook; 0 leaves the strategy's own.
    #[serde(default)]
    pub timer_ns: i64,
    /// CPU time a hook may use; 0 does not measure.
    pub budget_ns: i64,
}

/// Something that befalls the lane, for fault simulation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    Panic,
    Disconnected,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// After so many frames of the recording.
    pub after_frames: u64,
    pub kind: FaultKind,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `null`: find out.
    pub venue: Option<Venue>,
    /// Added to the venue's times to bring them to the recorder's clock; `null`: so that the least feed latency is 0 if
    /// it would be negative.
    pub clock_offset_ns: Option<i64>,
    /// Starting equity, quote currency.
    pub equity: Decimal,
    /// Empty: find out.
    pub instruments: Vec<InstrumentSpec>,
    /// `null` where no kernel runs.
    pub limits: Option<Limits>,
    pub features: FeatureConfig,
    pub simulation: Simulation,
    pub kernels: Vec<KernelPlan>,
    /// Where to write a Tape.
    pub tape: Option<String>,
    /// Replay a capture that is cut off up to the cut.
    #[serde(default)]
    pub salvage: bool,
    #[serde(default)]
    pub faults: Vec<FaultPlan>,
}
