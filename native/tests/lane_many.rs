//! A thousand instruments in one lane: what each costs while nothing happens, and that the busiest does not pay for
//! the others.
#![allow(unsafe_code, clippy::unwrap_used)] // counts what is allocated

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use _core::cex::features::FeatureConfig;
use _core::cex::venues::binance::Market;
use _core::event::{Frame, Source};
use _core::lane::{Lane, LaneConfig, Outbox, Trading};
use _core::risk::limits::{InstrumentLimits, LaneLimits, Limits};
use _core::risk::switch::Switch;
use _core::units::{Decimal, InstrumentSpec};

static HELD: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: the system's allocator does the work; only its sizes are added up.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MANY: usize = 1_000;

fn d(s: &str) -> Decimal {
    Decimal::parse(s.as_bytes()).unwrap()
}

fn lane(n: usize) -> Lane {
    let limits = InstrumentLimits {
        max_order_qty: d("1"),
        max_order_notional: d("1000"),
        max_position_qty: d("1"),
        max_open_orders: 16,
        price_collar_bps: 100,
        max_book_age_ms: 1_000,
        max_orders_per_second: 50,
        outlier_bps: 500,
    };
    let limits = Limits {
        instrument: vec![limits; n],
        lane: LaneLimits {
            max_feed_latency_ms: 50,
            feed_latency_ticks: 3,
            max_drawdown_bps: 200,
            max_reject_rate_bps: 2_000,
            reject_window: 100,
        },
    };
    let instruments = (0..n).map(|i| InstrumentSpec {
        symbol: format!("C{i}USDT"),
        tick: d("0.1"),
        lot: d("0.001"),
        maker_fee_e8: 0,
        taker_fee_e8: 0,
    });
    let config = LaneConfig {
        dialect: Market::UsdM,
        instruments: instruments.collect(),
        features: FeatureConfig { ew_halflife_ms: 1_000, window: 100, vwap_trades: 100, levels: 5 },
        clock_offset_ns: 0,
        trading: Some(Trading {
            limits,
            equity: d("1000"),
            switch: Arc::new(Switch::anonymous()),
            capacity: 256,
            first_id: 1,
            can_replace: true,
            live: None,
        }),
    };
    Lane::new(config, Vec::new()).unwrap()
}

fn step(lane: &mut Lane, source: Source, tag: u16, text: &str) {
    lane.step(
        &Frame { source, connection: 0, tag, recv_ns: 1_000_000, bytes: text.as_bytes() },
        &mut Outbox::default(),
    );
}

/// Twenty levels a side, and the event that joins on.
fn sync(lane: &mut Lane, id: usize) {
    let levels = |from: usize| {
        let each = (0..20).map(|n| format!("[\"{}.0\",\"1.000\"]", from + n));
        each.collect::<Vec<_>>().join(",")
    };
    let snapshot = format!("{{\"lastUpdateId\":10,\"bids\":[{}],\"asks\":[{}]}}", levels(1_000), levels(1_100));
    step(lane, Source::Snapshot, id as u16, &snapshot);
    depth(lane, id, 10);
}

fn depth(lane: &mut Lane, id: usize, prev: u64) {
    let text = format!(
        "{{\"stream\":\"c{id}usdt@depth@0ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":1,\"T\":1,\"s\":\"C{id}USDT\",\
         \"U\":{},\"u\":{},\"pu\":{prev},\"b\":[[\"1019.0\",\"{}.000\"]],\"a\":[]}}}}",
        prev + 1,
        prev + 1,
        1 + prev % 7,
    );
    step(lane, Source::Market, Frame::UNTAGGED, &text);
}

#[test]
fn a_thousand_instruments_cost_what_they_hold() {
    let before = HELD.load(Ordering::Relaxed);
    let one = lane(1);
    let fixed = HELD.load(Ordering::Relaxed) - before;
    drop(one);
    let before = HELD.load(Ordering::Relaxed);
    let mut many = lane(MANY);
    let idle = (HELD.load(Ordering::Relaxed) - before - fixed) / MANY;
    for id in 0..MANY {
        sync(&mut many, id);
    }
    let live = (HELD.load(Ordering::Relaxed) - before - fixed) / MANY;
    assert!(many.instruments().iter().all(|i| i.top.is_some()));
    println!("memory: {fixed} bytes a lane, {idle} an instrument without a book, {live} with twenty levels a side");
    assert!(idle < 16 << 10, "{idle} bytes for an instrument of which nothing is known yet");
    assert!(live < 64 << 10, "{live} bytes for an instrument with a small book");
    // A busy one grows no further: what it reuses, it has.
    for prev in 11..2_000 {
        depth(&mut many, 7, prev);
    }
    let grown = (HELD.load(Ordering::Relaxed) - before - fixed) / MANY;
    assert_eq!(many.instruments()[7].sync.counts.applied, 1_990);
    assert!(grown < live + 1_024, "{grown} bytes an instrument after two thousand events of one");
}
