//! What a lane does besides when a real venue stands behind it.

use serde::{Deserialize, Serialize};

use crate::event::RateKind;
use crate::units::Decimal;

/// One of the venue's own limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    pub kind: RateKind,
    pub interval_ms: u32,
    pub limit: u32,
}

/// How a lane deals with its venue.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveRules {
    /// A request without an answer for so long is of unknown fate and asked for.
    pub ack_timeout_ms: u32,
    /// The account is compared with the venue's at least this often.
    pub reconcile_every_ms: u32,
    /// The venue's dead-man switch, armed while orders rest; `None` where the venue has none.
    pub countdown_ms: Option<u32>,
    /// The venue's limits.
    pub rates: Vec<RateLimit>,
    /// Part of each limit that is kept for cancels and questions, basis points.
    pub cancel_reserve_bps: u32,
    /// How old a request may be when the venue reads it: one that is older and has no answer can have no effect.
    #[serde(default = "recv_window_ms")]
    pub recv_window_ms: u32,
    /// By instrument, quote currency: the venue takes no order that is worth less; 0 where it takes every one, and none
    /// at all where nothing is known.
    #[serde(default)]
    pub min_notional: Vec<Decimal>,
}

/// The venue's own default.
fn recv_window_ms() -> u32 {
    5_000
}
