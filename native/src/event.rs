//! Every message on one page. Bytes come in as a [`Frame`], a dialect makes an [`Event`] of it, a kernel answers with
//! an [`Intent`], the gate with a `Permit` or a [`Refusal`], the venue with a [`Receipt`].

use crate::units::{Lots, Ticks};

mod wire;
pub use wire::Wire;

/// Index of an instrument in its lane.
pub type InstrumentId = u16;
/// Index of a connection in its lane.
pub type ConnectionId = u16;
/// Index of a kernel in its lane.
pub type KernelId = u16;
/// Our order id, unique in a lane and never zero; the venue sees it as the client order id.
pub type ClientId = u64;

/// Where a frame's bytes are from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Source {
    /// A message of a market-data connection.
    Market = 1,
    /// The body of a REST depth snapshot; `Frame::tag` is the instrument it was asked for, or [`Frame::UNTAGGED`].
    Snapshot = 2,
    /// A [`Receipt`] in its own encoding (simulated exchange).
    Order = 3,
    /// A timer tick; no payload.
    Timer = 4,
    /// Something that befell the lane from outside its decisions: see [`Fault`].
    Fault = 5,
    /// A message of a private connection as the venue sent it: the answer to an order request, or an event of the user
    /// data stream.
    Private = 6,
    /// The body of the answer to a [`Call`]; `Frame::tag` is the call's number, `Frame::connection` the HTTP status (0:
    /// no answer came).
    Answer = 7,
    /// The Switch as the lane saw it change: see [`SwitchSeen`](crate::risk::gate::SwitchSeen).
    Switch = 8,
    /// What the lane carries over from its earlier runs; the first frame of a live session.
    Carry = 9,
    /// What the one who runs the lane wants of it: see [`Control`].
    Control = 10,
}

impl Source {
    #[must_use]
    pub fn from_u8(v: u8) -> Option<Source> {
        use Source as S;
        [S::Market, S::Snapshot, S::Order, S::Timer, S::Fault, S::Private, S::Answer, S::Switch, S::Carry, S::Control]
            .into_iter()
            .find(|s| *s as u8 == v)
    }
}

/// Bytes as received, with the time and place of their arrival. A lane's output depends on its frames and on nothing
/// else.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub source: Source,
    pub connection: ConnectionId,
    /// For snapshots: the instrument asked for. Otherwise [`Frame::UNTAGGED`].
    pub tag: u16,
    /// Nanoseconds since 1970 at which the last byte was read.
    pub recv_ns: i64,
    pub bytes: &'a [u8],
}

impl Frame<'_> {
    pub const UNTAGGED: u16 = u16::MAX;
}

/// The payload of a [`Source::Fault`] frame: what befell the lane. It is a frame so that a replay meets it too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Fault {
    /// Panic here (fault simulation).
    Panic = 1,
    /// The connection was lost: its books are out of sync.
    Disconnected = 2,
    /// A hook of the kernel `Frame::tag` overran its time budget.
    Overrun = 3,
    /// The connection is ready: subscribed, or logged on. For [`ORDERS`] and [`USER_DATA`] the lane asks how its account
    /// stands before its next order.
    Connected = 4,
    /// The venue wants no request for so long: milliseconds, u32, after this byte (429 and 418).
    Throttled = 5,
}

/// Connection of order requests and their answers.
pub const ORDERS: ConnectionId = 1000;
/// Connection of the user data stream; where orders and events share one, both are told of it.
pub const USER_DATA: ConnectionId = 1001;

/// The payload of a [`Source::Control`] frame: one byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Control {
    /// Place nothing more, cancel everything.
    Stop = 1,
    /// The same, and bring the positions to zero.
    StopFlat = 2,
}

/// What a lane asks the venue beside its orders. None of it can open a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Open orders in the instrument.
    OpenOrders,
    /// One order by its client id.
    Order(ClientId),
    /// One order by the venue's own id.
    VenueOrder(u64),
    /// Our trades in the instrument from this trade id on.
    Trades { from_id: u64 },
    /// Our position in the instrument.
    Position,
    /// Cancel everything in the instrument unless this is said again within so long; 0 disarms. Milliseconds.
    Countdown { ms: u32 },
}

/// An [`Ask`] with the number that its answer carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    pub number: u16,
    pub instrument: InstrumentId,
    pub ask: Ask,
}

/// What the venue took for a trade: units of 10⁻⁸ of `asset` (upper case, zero-padded); negative is a rebate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fee {
    pub amount_e8: i64,
    pub asset: [u8; 8],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Side {
    Buy = 0,
    Sell = 1,
}

impl Side {
    #[must_use]
    pub fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }
    /// +1 for buy, −1 for sell.
    #[must_use]
    pub fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }
    #[must_use]
    pub fn from_u8(v: u8) -> Option<Side> {
        match v {
            0 => Some(Side::Buy),
            1 => Some(Side::Sell),
            _ => None,
        }
    }
}

/// One price level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Level {
    pub px: Ticks,
    pub qty: Lots,
}

/// Best bid and ask of a book that is in sync. There is no "last known" one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Top {
    pub bid: Level,
    pub ask: Level,
}

impl Top {
    /// Twice the mid price, in ticks.
    #[must_use]
    pub fn half_ticks(&self) -> i64 {
        self.bid.px.0 + self.ask.px.0
    }
}

/// A decoded frame. Level lists lie beside it, in [`Decoded::levels`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Event {
    /// Absolute quantities of changed levels; 0 removes. Ids as the venue names them.
    Depth {
        instrument: InstrumentId,
        exch_ns: i64,
        first_id: u64,
        last_id: u64,
        prev_id: u64,
    },
    /// A whole book at `last_id`.
    Snapshot {
        instrument: InstrumentId,
        exch_ns: i64,
        last_id: u64,
    },
    /// Best bid and ask as of update `id`. `exch_ns` is 0 where the venue sends none.
    Quote {
        instrument: InstrumentId,
        exch_ns: i64,
        id: u64,
        bid: Level,
        ask: Level,
    },
    /// `side` is the aggressor's.
    Trade {
        instrument: InstrumentId,
        exch_ns: i64,
        id: u64,
        px: Ticks,
        qty: Lots,
        side: Side,
    },
    Receipt(Receipt),
    Timer,
    Fault(Fault),
    /// The answer to a call, still to be read by what was asked.
    Answer,
    Switch,
    Carry,
    Control(Control),
    /// Well-formed and not for us: another stream, another symbol, a control message.
    #[default]
    Ignored,
    /// Not understood. Counted, and shown with its reason; depth that cannot be read puts the book out of sync.
    Malformed {
        instrument: Option<InstrumentId>,
        reason: &'static str,
    },
}

/// A dialect's output: an event and the levels that belong to it, bids first. Reused, so that decoding allocates
/// nothing in the steady state.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    pub event: Event,
    pub levels: Vec<Level>,
    /// How many of `levels` are bids; the rest are asks.
    pub bids: usize,
    /// Of a private message, and stale after any other: what lies beside its Receipt.
    pub private: PrivateNotes,
}

/// What a private message says beside its [`Receipt`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PrivateNotes {
    /// The venue's own id of the order; 0 where it names none.
    pub venue_order: u64,
    /// Of a fill.
    pub fee: Option<Fee>,
    /// Requests that the venue has counted, by rate limit (limit kind, interval in ms, count).
    pub used: [Option<RateUse>; 4],
    /// The venue wants no request for so long, ms.
    pub throttled_ms: Option<u32>,
    /// The venue's error code; 0 where there is none.
    pub error: i32,
}

/// What a rate limit counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateKind {
    /// Orders placed or changed.
    Orders,
    /// Weight of all requests.
    Weight,
}

/// How much of a rate limit is used, as the venue counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateUse {
    pub kind: RateKind,
    pub interval_ms: u32,
    pub count: u32,
}

impl Decoded {
    #[must_use]
    pub fn bids(&self) -> &[Level] {
        &self.levels[..self.bids]
    }
    #[must_use]
    pub fn asks(&self) -> &[Level] {
        &self.levels[self.bids..]
    }
    pub fn clear(&mut self) {
        self.event = Event::Ignored;
        self.levels.clear();
        self.bids = 0;
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Action {
    Place = 1,
    Cancel = 2,
    /// Price and quantity of the order `target` become `px` and `qty`; the order keeps its id.
    Replace = 3,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum TimeInForce {
    /// Good till cancelled.
    Gtc = 0,
    /// Immediate or cancel.
    Ioc = 1,
    /// Fill or kill.
    Fok = 2,
    /// Post-only: good till crossing (Binance GTX, LIMIT_MAKER).
    Gtx = 3,
}

impl TimeInForce {
    #[must_use]
    pub fn from_u8(v: u8) -> Option<TimeInForce> {
        [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtx].into_iter().find(|t| *t as u8 == v)
    }
}

/// What we would like. Inert data: nothing is sent until the gate has made a Permit of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Intent {
    /// The order this is about: a new id for a place, the order's own id for a cancel or a replace.
    pub id: ClientId,
    pub kernel: KernelId,
    pub instrument: InstrumentId,
    pub action: Action,
    pub side: Side,
    pub tif: TimeInForce,
    /// May only bring the position nearer to zero.
    pub reduce_only: bool,
    /// For a cancel: as the order stands.
    pub px: Ticks,
    pub qty: Lots,
    /// `recv_ns` of the frame that was answered.
    pub decided_ns: i64,
}

/// The gate's no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub intent: Intent,
    /// Which rule refused: index into the gate's table of limits.
    pub limit: u8,
    /// What was seen and what a person allows, in the limit's own unit.
    pub observed: i64,
    pub allowed: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum ReceiptKind {
    /// The venue has the order; it rests.
    Accepted = 1,
    /// `qty` lots traded at `px`; `leaves` remain.
    Filled = 2,
    /// The order was refused and never lived.
    Rejected = 3,
    /// Gone at our request.
    Cancelled = 4,
    /// Gone by the venue's rule: post-only would cross, IOC remainder, FOK, self-trade prevention.
    Expired = 5,
    /// `px` and `leaves` are the order's new ones.
    Replaced = 6,
    /// A cancel or replace was refused; the order stands as it was, or is no more (`leaves` 0).
    ChangeRejected = 7,
    /// Nobody answered in time: the order counts at its worst until it is proven dead.
    Unknown = 8,
}

impl ReceiptKind {
    #[must_use]
    pub fn from_u8(v: u8) -> Option<ReceiptKind> {
        use ReceiptKind as K;
        [K::Accepted, K::Filled, K::Rejected, K::Cancelled, K::Expired, K::Replaced, K::ChangeRejected, K::Unknown]
            .into_iter()
            .find(|k| *k as u8 == v)
    }
}

/// What came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    pub kind: ReceiptKind,
    pub id: ClientId,
    pub instrument: InstrumentId,
    pub side: Side,
    /// Of a fill: we were the maker.
    pub maker: bool,
    /// Matching-engine time, ns.
    pub exch_ns: i64,
    pub px: Ticks,
    /// Filled by this receipt (fills only, else 0).
    pub qty: Lots,
    /// Open afterwards.
    pub leaves: Lots,
    /// The venue's trade id (fills only).
    pub trade_id: u64,
    /// Lots ahead of the order when it joined its level and when this happened; −1 where the venue does not say.
    pub queue_joined: i64,
    pub queue_ahead: i64,
}

impl Receipt {
    /// The order is no more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self.kind {
            ReceiptKind::Rejected | ReceiptKind::Cancelled | ReceiptKind::Expired => true,
            ReceiptKind::Filled | ReceiptKind::ChangeRejected => self.leaves.0 == 0,
            ReceiptKind::Accepted | ReceiptKind::Replaced | ReceiptKind::Unknown => false,
        }
    }
}
