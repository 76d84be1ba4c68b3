//! How an account stands at its venue, and what that means for our own record of it.

use crate::event::{ClientId, Fee, InstrumentId, Side, TimeInForce};
use crate::units::{Lots, Ticks};

/// An order as the venue has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VenueOrder {
    /// Our id; `None` for an order that this engine did not place.
    pub id: Option<ClientId>,
    /// The venue's.
    pub venue_id: u64,
    pub instrument: InstrumentId,
    pub side: Side,
    pub tif: TimeInForce,
    pub reduce_only: bool,
    pub px: Ticks,
    /// Total, with what is filled in it.
    pub qty: Lots,
    pub filled: Lots,
    pub status: VenueStatus,
    /// Last change, ns since 1970.
    pub exch_ns: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VenueStatus {
    /// New or partially filled.
    Open,
    Filled,
    Cancelled,
    Rejected,
    Expired,
}

/// A trade of ours as the venue has it. It names the order by the venue's id only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VenueTrade {
    pub trade_id: u64,
    pub venue_order: u64,
    pub instrument: InstrumentId,
    pub side: Side,
    pub px: Ticks,
    pub qty: Lots,
    pub maker: bool,
    pub exch_ns: i64,
    pub fee: Fee,
}

/// What the venue said to an [`crate::event::Ask`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    OpenOrders(Vec<VenueOrder>),
    /// `None`: the venue has no such order, and may never have had it or have forgotten it.
    Order(Option<VenueOrder>),
    /// By rising trade id; at most as many as the venue gives at once: ask again from the last one's id + 1 until none
    /// comes.
    Trades(Vec<VenueTrade>),
    /// In 10⁻⁸ of the base currency, as the venue has it (spot: the whole balance of the base asset, locked included).
    Position {
        base_e8: i128,
    },
    Countdown,
}

/// A live order of ours, as far as we know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    pub id: ClientId,
    pub instrument: InstrumentId,
    pub side: Side,
    /// Price and total quantity, and those last asked for.
    pub terms: (Ticks, Lots),
    pub asked: (Ticks, Lots),
    pub filled: Lots,
    /// The venue has answered its place.
    pub accepted: bool,
    /// Cancels without an answer.
    pub cancelling: u32,
    /// A replace is without an answer.
    pub replacing: bool,
    /// Its fate is unknown.
    pub unsure: bool,
    /// When its last request was decided.
    pub sent_ns: i64,
    /// See [`crate::cex::orders::Order::adopted_ns`].
    pub adopted_ns: Option<i64>,
}

/// Whose order a venue's order id is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Named {
    /// Of this lane, alive or not.
    Ours(ClientId),
    /// Somebody else's.
    Foreign,
    /// The venue has forgotten it.
    Forgotten,
}

mod merge;
pub use merge::{Fate, Merged, Ours, Round, Verdict, adoptable, fate, merge};
