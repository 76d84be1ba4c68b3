//! The lane as its caller sees it: frames in, requests out. Kernels are Rust functions behind the same C face that
//! numba's have.
#![allow(clippy::unwrap_used)] // helpers of tests

mod carry;
mod determinism;
mod faults;
mod flatten;
mod kernels;
mod live;
mod rates;
mod receipts;
mod several;
mod spot;
mod stops;
mod venue;
mod verify;
mod wild;

use std::path::Path;
use std::sync::{Arc, Mutex};

use _core::cex::features::FeatureConfig;
use _core::cex::kernel::{Hook, Hooks, Kernel, Out, View};
use _core::cex::venues::binance::Market;
use _core::event::{Action, Fault, Frame, InstrumentId, Intent, Receipt, ReceiptKind, Side, Source, TimeInForce, Wire};
use _core::lane::{Lane, LaneConfig, LiveRules, Outbox, Record, Trading};
use _core::risk::limits::{InstrumentLimits, LaneLimits, Limit, Limits};
use _core::risk::switch::{Cause, Switch, SwitchState};
use _core::tape::Kind;
use _core::units::{Decimal, InstrumentSpec, Lots, Ticks};

pub const MS: i64 = 1_000_000;
pub const START: i64 = 1_700_000_000_000 * MS;

pub fn d(s: &str) -> Decimal {
    Decimal::parse(s.as_bytes()).unwrap()
}

pub fn specs(n: usize) -> Vec<InstrumentSpec> {
    (0..n)
        .map(|i| InstrumentSpec {
            symbol: format!("C{i}USDT"),
            tick: d("0.1"),
            lot: d("0.001"),
            maker_fee_e8: 20_000,
            taker_fee_e8: 50_000,
        })
        .collect()
}

/// 10 lots an order, 100 lots of position, 8 orders, a collar of 100 bps, books of a second at most, ticks of 5 %.
pub fn limits(n: usize) -> Limits {
    let one = InstrumentLimits {
        max_order_qty: d("0.010"),
        max_order_notional: d("1000"),
        max_position_qty: d("0.100"),
        max_open_orders: 8,
        price_collar_bps: 100,
        max_book_age_ms: 1_000,
        max_orders_per_second: 100,
        outlier_bps: 500,
    };
    let lane = LaneLimits {
        max_feed_latency_ms: 50,
        feed_latency_ticks: 3,
        max_drawdown_bps: 200,
        max_reject_rate_bps: 2_000,
        reject_window: 10,
    };
    Limits { instrument: vec![one; n], lane }
}

pub fn features() -> FeatureConfig {
    FeatureConfig { ew_halflife_ms: 1_000, window: 16, vwap_trades: 16, levels: 3 }
}

/// What a kernel of these tests does: hook, views, the instrument asked about, outs; 0 or an error.
pub type Rule = dyn FnMut(Hook, &[View], usize, &mut [Out]) -> i32 + Send;

macro_rules! hook {
    ($name:ident, $hook:expr) => {
        unsafe extern "C" fn $name(state: *mut u8, views: *const View, n: i64, index: i64, outs: *mut Out) -> i32 {
            // SAFETY: the state is the address of a rule that `kernel` leaked; views and outs are `n` long.
            unsafe {
                let rule = &*state.cast::<*const Mutex<Box<Rule>>>().read();
                let (views, outs) =
                    (std::slice::from_raw_parts(views, n as usize), std::slice::from_raw_parts_mut(outs, n as usize));
                rule.lock().unwrap()($hook, views, index as usize, outs)
            }
        }
    };
}
hook!(on_book, Hook::Book);
hook!(on_trade, Hook::Trade);
hook!(on_receipt, Hook::Receipt);
hook!(on_timer, Hook::Timer);

/// A kernel that follows `rule` in its book, trade and receipt hooks, and every `timer_ns` if that is not 0.
pub fn kernel(
    name: &str,
    timer_ns: i64,
    rule: impl FnMut(Hook, &[View], usize, &mut [Out]) -> i32 + Send + 'static,
) -> Kernel {
    let rule: Box<Mutex<Box<Rule>>> = Box::new(Mutex::new(Box::new(rule)));
    let address = Box::leak(rule) as *const Mutex<Box<Rule>> as usize;
    let hooks = Hooks {
        book: Some(on_book),
        quote: None,
        trade: Some(on_trade),
        receipt: Some(on_receipt),
        timer: (timer_ns > 0).then_some(on_timer as _),
    };
    // SAFETY: the functions above keep to what they are given, and the rule is never freed.
    unsafe { Kernel::new(name, hooks, &address.to_ne_bytes(), timer_ns, Box::new(())) }
}

/// A desired ladder of one level a side, `qty` lots, so many ticks behind the touch; nothing without a Top.
pub fn quote(view: &View, out: &mut Out, behind: f64, qty: f64) {
    out.has_ladder = 1;
    if view.has_top == 1 {
        (out.n_bids, out.n_asks) = (1, 1);
        (out.bid_px[0], out.bid_qty[0]) = (view.bid_px as f64 - behind, qty);
        (out.ask_px[0], out.ask_qty[0]) = (view.ask_px as f64 + behind, qty);
    }
}

pub fn order(out: &mut Out, side: Side, px: f64, qty: f64, tif: TimeInForce, reduce_only: bool) {
    let n = out.n_actions as usize;
    out.n_actions += 1;
    out.action_kind[n] = 1;
    out.action_side[n] = side.sign();
    out.action_tif[n] = tif as i64;
    out.action_reduce_only[n] = i64::from(reduce_only);
    (out.action_px[n], out.action_qty[n]) = (px, qty);
}

/// Keeps a lane's Tape records: kind, time, payload.
#[derive(Clone, Default)]
pub struct Records(pub Arc<Mutex<Vec<Kept>>>, Heads);
/// Connection and tag of each record.
pub type Heads = Arc<Mutex<Vec<(u16, u16)>>>;
pub type Kept = (Kind, i64, Vec<u8>);

impl Record for Records {
    fn record(&mut self, kind: Kind, connection: u16, tag: u16, time_ns: i64, payload: &[u8]) {
        self.1.lock().unwrap().push((connection, tag));
        self.0.lock().unwrap().push((kind, time_ns, payload.to_vec()));
    }
}

impl Records {
    pub fn trips(&self) -> Vec<String> {
        let all = self.0.lock().unwrap();
        let texts = all.iter().filter(|r| r.0 == Kind::Trip);
        texts.map(|r| String::from_utf8_lossy(&r.2).into_owned()).collect()
    }
}

/// A lane that trades USD-M, its clock, and the chain of update ids of each instrument.
pub struct Rig {
    pub lane: Lane,
    pub out: Outbox,
    pub tape: Records,
    pub heads: Heads,
    pub switch: Arc<Switch>,
    pub now: i64,
    ids: Vec<u64>,
    spot: bool,
    last_trade: u64,
}

impl Rig {
    pub fn new(instruments: usize, kernels: Vec<(Kernel, Vec<InstrumentId>)>) -> Rig {
        Rig::with(instruments, limits(instruments), kernels)
    }

    pub fn with(instruments: usize, limits: Limits, kernels: Vec<(Kernel, Vec<InstrumentId>)>) -> Rig {
        let mut rig = Rig::behind(Market::UsdM, instruments, limits, 1, None, kernels);
        rig.lane.start_timers(START);
        rig
    }

    /// With a venue behind it, where `live` says how to deal with it.
    pub fn behind(
        dialect: Market,
        instruments: usize,
        limits: Limits,
        first_id: u64,
        live: Option<LiveRules>,
        kernels: Vec<(Kernel, Vec<InstrumentId>)>,
    ) -> Rig {
        let switch = Arc::new(Switch::anonymous());
        let (equity, capacity) = (d("1000"), 64);
        let trading = Trading { limits, equity, switch: switch.clone(), capacity, first_id, can_replace: true, live };
        let config = LaneConfig {
            dialect,
            instruments: specs(instruments),
            features: features(),
            clock_offset_ns: 0,
            trading: Some(trading),
        };
        let mut lane = Lane::new(config, kernels).unwrap();
        let tape = Records::default();
        lane.journal.set_tape(Some(Box::new(tape.clone())));
        let (out, ids) = (Outbox::default(), vec![10; instruments]);
        let heads = tape.1.clone();
        Rig { lane, out, tape, heads, switch, now: START, ids, spot: dialect == Market::Spot, last_trade: 0 }
    }

    pub fn frame(&mut self, source: Source, connection: u16, tag: u16, bytes: &[u8]) -> Vec<Intent> {
        self.lane.step(&Frame { source, connection, tag, recv_ns: self.now, bytes }, &mut self.out);
        self.out.requests.drain(..).map(|r| *r.intent()).collect()
    }

    /// The next depth event of an instrument, levels in ticks and lots.
    pub fn depth(&mut self, id: InstrumentId, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> Vec<Intent> {
        let text = self.depth_text(id, bids, asks);
        self.frame(Source::Market, 0, Frame::UNTAGGED, text.as_bytes())
    }

    pub fn depth_text(&mut self, id: InstrumentId, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> String {
        let spec = &specs(self.ids.len())[usize::from(id)];
        let side = |levels: &[(i64, i64)]| {
            let each = levels
                .iter()
                .map(|&(px, qty)| format!("[\"{}\",\"{}\"]", spec.price(Ticks(px)), spec.quantity(Lots(qty))));
            each.collect::<Vec<_>>().join(",")
        };
        let last = &mut self.ids[usize::from(id)];
        let (prev, first) = (*last, *last + if self.spot { 1 } else { 2 });
        *last += 5;
        format!(
            "{{\"stream\":\"c{id}usdt@depth@0ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{t},\"T\":{t},\
             \"s\":\"C{id}USDT\",\"U\":{first},\"u\":{last},\"pu\":{prev},\"b\":[{}],\"a\":[{}]}}}}",
            side(bids),
            side(asks),
            t = self.now / MS,
        )
    }

    /// A snapshot at the instrument's last id: bid 10 000 × 50, ask 10 002 × 50.
    pub fn snapshot(&mut self, id: InstrumentId) -> Vec<Intent> {
        let last = self.ids[usize::from(id)];
        let text =
            format!("{{\"lastUpdateId\":{last},\"bids\":[[\"1000.0\",\"0.050\"]],\"asks\":[[\"1000.2\",\"0.050\"]]}}");
        self.frame(Source::Snapshot, 0, id, text.as_bytes())
    }

    /// Snapshot and the event that joins on.
    pub fn sync(&mut self, id: InstrumentId) -> Vec<Intent> {
        let mut asked = self.snapshot(id);
        asked.extend(self.depth(id, &[], &[]));
        asked
    }

    pub fn trade(&mut self, id: InstrumentId, px: i64) -> Vec<Intent> {
        let price = specs(self.ids.len())[0].price(Ticks(px));
        self.last_trade += 1;
        let text = format!(
            "{{\"stream\":\"c{id}usdt@trade\",\"data\":{{\"e\":\"trade\",\"E\":{t},\"T\":{t},\"s\":\"C{id}USDT\",\
             \"t\":{n},\"p\":\"{price}\",\"q\":\"0.001\",\"X\":\"MARKET\",\"m\":true}}}}",
            t = self.now / MS,
            n = self.last_trade,
        );
        self.frame(Source::Market, 0, Frame::UNTAGGED, text.as_bytes())
    }

    pub fn timer(&mut self) -> Vec<Intent> {
        self.frame(Source::Timer, 0, Frame::UNTAGGED, &[])
    }

    pub fn fault(&mut self, fault: Fault, connection: u16) -> Vec<Intent> {
        self.frame(Source::Fault, connection, Frame::UNTAGGED, &[fault as u8])
    }

    pub fn receipt(&mut self, receipt: &Receipt) -> Vec<Intent> {
        let mut bytes = Vec::new();
        receipt.put(&mut bytes);
        self.frame(Source::Order, 0, Frame::UNTAGGED, &bytes)
    }

    /// The venue's answer to a request: accepted, cancelled or replaced, in full.
    pub fn grant(&mut self, i: &Intent) -> Vec<Intent> {
        let (kind, leaves) = match i.action {
            Action::Place => (ReceiptKind::Accepted, i.qty.0),
            Action::Cancel => (ReceiptKind::Cancelled, 0),
            Action::Replace => (ReceiptKind::Replaced, i.qty.0),
        };
        self.receipt(&answer(i, kind, 0, leaves))
    }

    pub fn grant_all(&mut self, intents: &[Intent]) {
        for i in intents {
            assert_eq!(self.grant(i), [], "nothing is wanted yet");
        }
    }

    pub fn fill(&mut self, i: &Intent, qty: i64, leaves: i64) -> Vec<Intent> {
        self.last_trade += 1;
        let receipt = Receipt { trade_id: self.last_trade, ..answer(i, ReceiptKind::Filled, qty, leaves) };
        self.receipt(&receipt)
    }

    pub fn state(&self) -> SwitchState {
        self.lane.gate().unwrap().state()
    }

    pub fn cause(&self) -> Option<Cause> {
        self.lane.gate().unwrap().reason().map(|r| r.cause)
    }

    pub fn position(&self, id: InstrumentId) -> i64 {
        self.lane.gate().unwrap().exposure(id).position().0
    }

    pub fn refused(&self, limit: Limit) -> u64 {
        self.lane.gate().unwrap().refusals().find(|r| r.0 == limit).unwrap().1
    }

    pub fn top(&self, id: InstrumentId) -> Option<(i64, i64)> {
        self.lane.instruments()[usize::from(id)].top.map(|t| (t.bid.px.0, t.ask.px.0))
    }
}

pub fn answer(i: &Intent, kind: ReceiptKind, qty: i64, leaves: i64) -> Receipt {
    Receipt {
        kind,
        id: i.id,
        instrument: i.instrument,
        side: i.side,
        maker: true,
        exch_ns: 0,
        px: i.px,
        qty: Lots(qty),
        leaves: Lots(leaves),
        trade_id: 0,
        queue_joined: -1,
        queue_ahead: -1,
    }
}

/// Action, side, price and quantity of requests.
pub fn said(intents: &[Intent]) -> Vec<(Action, Side, i64, i64)> {
    intents.iter().map(|i| (i.action, i.side, i.px.0, i.qty.0)).collect()
}

pub fn only_cancels(intents: &[Intent]) -> bool {
    !intents.is_empty() && intents.iter().all(|i| i.action == Action::Cancel)
}

/// A maker of two lots a side, five ticks behind the touch.
pub fn maker() -> Kernel {
    kernel("maker", 0, |_, views, i, outs| {
        quote(&views[i], &mut outs[i], 5.0, 2.0);
        0
    })
}

/// A rig whose maker rests a bid at 9995 and an ask at 10007 in instrument 0.
pub fn resting() -> (Rig, Vec<Intent>) {
    let mut rig = Rig::new(1, vec![(maker(), vec![0])]);
    let placed = rig.sync(0);
    let want = [(Action::Place, Side::Buy, 9995, 2), (Action::Place, Side::Sell, 10_007, 2)];
    assert_eq!(said(&placed), want);
    rig.grant_all(&placed);
    (rig, placed)
}

/// Where the recorded data is, if it is.
pub fn data(path: &str) -> Option<std::path::PathBuf> {
    let root = std::env::var_os("SEARCHER_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), Into::into);
    let path = root.join(path);
    if !path.exists() {
        eprintln!("skipped: no {}; set SEARCHER_DATA to the recorded data", path.display());
        return None;
    }
    Some(path)
}
