//! Orders and quoter: nothing is allocated in the steady state. What they do is tested from Python
//! (`tests/native/test_orders.py`, `test_quoter.py`).
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use _core::cex::orders::{Orders, RequestError, first_id};
use _core::cex::quoter::{Desired, Quoter};
use _core::event::{Action, Intent, Level, Receipt, ReceiptKind, Side, TimeInForce};
use _core::units::{Lots, Ticks};

thread_local!(static ALLOCATIONS: Cell<u64> = const { Cell::new(0) });

struct Counting;

// SAFETY: every call is handed to the system allocator unchanged; the counter is a thread-local without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { System.dealloc(at, layout) }
    }
    // `realloc` and `alloc_zeroed` come from the trait and call `alloc`.
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn receipt(kind: ReceiptKind, intent: &Intent, leaves: i64) -> Receipt {
    Receipt {
        kind,
        id: intent.id,
        instrument: intent.instrument,
        side: intent.side,
        maker: true,
        exch_ns: 0,
        px: intent.px,
        qty: Lots(0),
        leaves: Lots(leaves),
        trade_id: 0,
        queue_joined: 3,
        queue_ahead: 3,
    }
}

/// Sends what the quoter wants; the venue grants it, and in every third round fills it whole.
fn round(orders: &mut Orders, quoter: &mut Quoter, out: &mut Vec<Intent>, n: i64) {
    let mid = 1_000 + (n * 7 % 13);
    let level = |px, qty| Level { px: Ticks(px), qty: Lots(qty) };
    let bids = [level(mid - 1, 5), level(mid - 2, 4 + n % 2)];
    let asks = [level(mid + 1, 5), level(mid + 2, 4)];
    out.clear();
    quoter.diff(orders, 0, 0, Desired { bids: &bids, asks: &asks }, n, out).expect("not crossed");
    for intent in out {
        if intent.action == Action::Place {
            intent.id = orders.next_id();
        }
        orders.admits(intent).expect("there is room");
        orders.record(intent);
        let kind = match intent.action {
            Action::Place => ReceiptKind::Accepted,
            Action::Cancel => ReceiptKind::Cancelled,
            Action::Replace => ReceiptKind::Replaced,
        };
        let open = if intent.action == Action::Cancel { 0 } else { intent.qty.0 };
        orders.on_receipt(&receipt(kind, intent, open), n);
        if n % 3 == 0 && open > 0 {
            let fill = Receipt { qty: Lots(open), trade_id: n as u64, ..receipt(ReceiptKind::Filled, intent, 0) };
            assert!(orders.on_receipt(&fill, n).closed);
        }
    }
}

#[test]
fn nothing_is_allocated_in_the_steady_state() {
    for can_replace in [true, false] {
        let mut orders = Orders::new(16, first_id(1, 1));
        let mut quoter = Quoter::new(can_replace, TimeInForce::Gtx);
        let mut out = Vec::new();
        for n in 0..2_000 {
            round(&mut orders, &mut quoter, &mut out, n);
        }
        let (before, id) = (ALLOCATIONS.get(), orders.next_id());
        for n in 2_000..20_000 {
            round(&mut orders, &mut quoter, &mut out, n);
        }
        assert_eq!(ALLOCATIONS.get(), before);
        assert!(orders.next_id() > id + 1_000, "orders were placed all the while");
        assert_eq!(orders.counts().contradictions, 0);
    }
}

#[test]
fn a_full_record_admits_no_place() {
    let mut orders = Orders::new(1, first_id(0, 0));
    let intent = Intent {
        id: orders.next_id(),
        kernel: 0,
        instrument: 700,
        action: Action::Place,
        side: Side::Sell,
        tif: TimeInForce::Gtc,
        reduce_only: false,
        px: Ticks(1),
        qty: Lots(1),
        decided_ns: 1,
    };
    assert_eq!(orders.admits(&intent), Ok(()));
    orders.record(&intent);
    assert_eq!(orders.admits(&Intent { id: 9, ..intent }), Err(RequestError::Full));
    assert_eq!(orders.admits(&Intent { action: Action::Cancel, ..intent }), Ok(()));
    let replace = Intent { action: Action::Replace, ..intent };
    assert_eq!(orders.admits(&replace), Err(RequestError::InFlight), "its place is not answered yet");
    assert_eq!(orders.admits(&Intent { id: 9, ..replace }), Err(RequestError::NotAlive));
    assert_eq!((orders.side(700, Side::Sell).count(), orders.side(701, Side::Buy).count()), (1, 0));
}
