//! What a hook reads and writes. The structs here are the only definition of the layout: [`layout_json`] exports
//! their offsets, and Python builds its record types from that.

use crate::cex::features::{FEATURE_FIELDS, FeatureValues};
use crate::event::{ReceiptKind as Kind, TimeInForce};

/// Depth of the book in a view, levels a side.
pub const DEPTH: usize = 10;
/// Levels a side of a desired ladder.
pub const LADDER: usize = 8;
/// Open orders shown in a view, oldest first.
pub const VIEW_ORDERS: usize = 16;
/// Explicit orders and cancels of one call.
pub const ACTIONS: usize = 16;

/// Sides as a kernel sees them: the sign of what a fill does to the position.
pub const BUY: i64 = 1;
pub const SELL: i64 = -1;
/// `Out::action_kind`, numbered as [`crate::event::Action`].
pub const PLACE: i64 = 1;
pub const CANCEL: i64 = 2;

/// One field of a struct that hooks see.
pub struct Field {
    pub name: &'static str,
    /// A numpy type string, or `features` for a nested [`FeatureValues`].
    pub dtype: &'static str,
    pub offset: usize,
    /// Elements of an array; 0 for a scalar.
    pub count: usize,
}

/// A type that may stand in a struct that hooks see.
trait Shared {
    const DTYPE: &'static str;
    const COUNT: usize = 0;
}
impl Shared for i64 {
    const DTYPE: &'static str = "<i8";
}
impl Shared for u64 {
    const DTYPE: &'static str = "<u8";
}
impl Shared for f64 {
    const DTYPE: &'static str = "<f8";
}
impl Shared for FeatureValues {
    const DTYPE: &'static str = "features";
}
impl<T: Shared, const N: usize> Shared for [T; N] {
    const DTYPE: &'static str = T::DTYPE;
    const COUNT: usize = N;
}

/// Defines a struct together with the table of its fields, so that none can be missing from the table.
macro_rules! shared {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$fdoc:meta])* pub $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty,)* }
        impl $name {
            pub const FIELDS: &[Field] = &[$(Field {
                name: stringify!($field),
                dtype: <$ty as Shared>::DTYPE,
                offset: std::mem::offset_of!($name, $field),
                count: <$ty as Shared>::COUNT,
            },)*];
        }
    };
}

shared! {
    /// One instrument as a hook sees it. Prices in ticks, quantities in lots, unless the name says otherwise.
    pub struct View {
        /// `recv_ns` of the frame that is answered: the kernel's only clock.
        pub now_ns: i64,
        /// Currency units of one tick and of one lot.
        pub tick_size: f64,
        pub lot_size: f64,
        /// Fractions of the traded value; negative is a rebate.
        pub maker_fee: f64,
        pub taker_fee: f64,
        /// 1 when the book is in sync; otherwise the four numbers below are 0 and there is no price.
        pub has_top: i64,
        pub bid_px: i64,
        pub bid_qty: i64,
        pub ask_px: i64,
        pub ask_qty: i64,
        /// 1 when the venue's best bid and offer message is newer than the book.
        pub quote_fresh: i64,
        pub quote_bid_px: i64,
        pub quote_bid_qty: i64,
        pub quote_ask_px: i64,
        pub quote_ask_qty: i64,
        /// Levels filled in below, best first; the rest is 0.
        pub n_bids: i64,
        pub n_asks: i64,
        pub bid_pxs: [i64; DEPTH],
        pub bid_qtys: [i64; DEPTH],
        pub ask_pxs: [i64; DEPTH],
        pub ask_qtys: [i64; DEPTH],
        /// The last trade. Side of the aggressor: [`BUY`], [`SELL`], or 0 before the first trade.
        pub trade_px: i64,
        pub trade_qty: i64,
        pub trade_side: i64,
        pub features: FeatureValues,
        /// Lots, signed.
        pub position: i64,
        /// Lots that could still be bought and sold by our open orders.
        pub open_buy_qty: i64,
        pub open_sell_qty: i64,
        /// Open orders below; those beyond [`VIEW_ORDERS`] are not shown but count in the two sums above.
        pub n_orders: i64,
        pub order_id: [u64; VIEW_ORDERS],
        pub order_side: [i64; VIEW_ORDERS],
        pub order_px: [i64; VIEW_ORDERS],
        pub order_leaves: [i64; VIEW_ORDERS],
        pub order_state: [i64; VIEW_ORDERS],
        /// The last receipt, for the receipt hook: `ReceiptKind` as a number, 0 before the first.
        pub receipt_kind: i64,
        pub receipt_id: u64,
        pub receipt_side: i64,
        pub receipt_px: i64,
        pub receipt_qty: i64,
        pub receipt_leaves: i64,
        /// Quote currency. A statistic: money is kept in integers elsewhere.
        pub pnl: f64,
        /// The gate's state: 0 active, 1 reducing, 2 halted.
        pub state: i64,
    }
}

shared! {
    /// A hook's answer for one instrument. Prices are floats in ticks and quantities floats in lots: the kernel
    /// computes in floats, and the way to integers is in `ladder.rs`, in one place and by a stated rounding.
    pub struct Out {
        /// 1 when the ladder below is the new desire; 0 leaves the previous desire standing.
        pub has_ladder: i64,
        pub n_bids: i64,
        pub n_asks: i64,
        pub n_actions: i64,
        pub bid_px: [f64; LADDER],
        pub bid_qty: [f64; LADDER],
        pub ask_px: [f64; LADDER],
        pub ask_qty: [f64; LADDER],
        /// [`PLACE`] or [`CANCEL`].
        pub action_kind: [i64; ACTIONS],
        pub action_side: [i64; ACTIONS],
        /// As [`TimeInForce`].
        pub action_tif: [i64; ACTIONS],
        pub action_reduce_only: [i64; ACTIONS],
        pub action_px: [f64; ACTIONS],
        pub action_qty: [f64; ACTIONS],
        /// The order to cancel.
        pub action_id: [u64; ACTIONS],
    }
}

impl Out {
    /// Nothing wished. Only the counts are reset: what lies beyond a count is never read.
    pub fn reset(&mut self) {
        self.has_ladder = 0;
        self.n_bids = 0;
        self.n_asks = 0;
        self.n_actions = 0;
    }
}

/// [`FEATURE_FIELDS`] with the runs `ofi_event_1`, `ofi_event_2`, … taken together as the arrays that they are.
fn feature_fields() -> impl Iterator<Item = Field> {
    let levels_of = |name: &'static str| name.rsplit_once('_').filter(|(_, n)| n.parse::<usize>().is_ok());
    FEATURE_FIELDS.into_iter().filter_map(move |(name, offset)| {
        let dtype = <f64 as Shared>::DTYPE;
        match levels_of(name) {
            None => Some(Field { name, dtype, offset, count: 0 }),
            Some((array, "1")) => {
                let same = |(n, _): &&(&'static str, usize)| levels_of(n).is_some_and(|(a, _)| a == array);
                Some(Field { name: array, dtype, offset, count: FEATURE_FIELDS.iter().filter(same).count() })
            }
            Some(_) => None,
        }
    })
}

/// The layout as JSON: `{"view": {"size": bytes, "fields": [{"name", "dtype", "offset", "count"}]}, "out": …,
/// "features": …, "const": {"DEPTH": 10, …}}`. A `count` of 0 is a scalar; offsets and sizes are bytes.
#[must_use]
pub fn layout_json() -> String {
    let table = |size: usize, fields: &[Field]| {
        let fields: Vec<_> = fields
            .iter()
            .map(|f| serde_json::json!({"name": f.name, "dtype": f.dtype, "offset": f.offset, "count": f.count}))
            .collect();
        serde_json::json!({"size": size, "fields": fields})
    };
    let features: Vec<_> = feature_fields().collect();
    serde_json::json!({
        "view": table(size_of::<View>(), View::FIELDS),
        "out": table(size_of::<Out>(), Out::FIELDS),
        "features": table(size_of::<FeatureValues>(), &features),
        "const": {
            "DEPTH": DEPTH, "LADDER": LADDER, "VIEW_ORDERS": VIEW_ORDERS, "ACTIONS": ACTIONS,
            "BUY": BUY, "SELL": SELL, "PLACE": PLACE, "CANCEL": CANCEL,
            "GTC": TimeInForce::Gtc as i64, "IOC": TimeInForce::Ioc as i64,
            "FOK": TimeInForce::Fok as i64, "GTX": TimeInForce::Gtx as i64,
            "ACCEPTED": Kind::Accepted as i64, "FILLED": Kind::Filled as i64, "REJECTED": Kind::Rejected as i64,
            "CANCELLED": Kind::Cancelled as i64, "EXPIRED": Kind::Expired as i64, "REPLACED": Kind::Replaced as i64,
            "CHANGE_REJECTED": Kind::ChangeRejected as i64, "UNKNOWN": Kind::Unknown as i64,
        },
    })
    .to_string()
}
