//! The lane's own record of its orders. It survives acks that come late, twice, in another order or not at all: what
//! counts is evidence (a fill proves that an order lived), and what is not proven counts at its worst.
//!
//! Quantities: `qty` is the order's total, `filled + leaves == qty` while it lives. A replace asks for a new *total*
//! (what is filled already is part of it), as Binance's `PUT /fapi/v1/order` does: a fill that crosses the replace on
//! the wire then makes the new order smaller, never larger than was meant.
//!
//! Memory is bounded: `capacity` live orders, as many closed ones remembered for their late fills, and the last
//! [`SEEN`] trade ids of each order. A duplicate of an older fill than that is not recognised as one; it ends in
//! `contradictions` once more is filled than the order had.

use rustc_hash::FxHashMap;

use crate::bytes::fetch;
use crate::cex::reconcile::VenueOrder;
use crate::event::{Action, ClientId, InstrumentId, Intent, KernelId, Receipt, ReceiptKind, Side};
use crate::units::Lots;

mod order;
pub use order::{Applied, CANCEL_AGAIN_NS, Counts, Fill, Ignored, Order, RequestError, State, Terms};

/// Trade ids remembered per order.
pub const SEEN: usize = 32;

/// A quantity above this is no quantity, so that no sum of quantities overflows.
pub const MOST: i64 = 1 << 53;

#[derive(Clone)]
struct Seen {
    ids: [u64; SEEN],
    count: usize,
}

impl Seen {
    const NONE: Seen = Seen { ids: [0; SEEN], count: 0 };
    /// False when it is there already; the oldest makes room.
    fn insert(&mut self, id: u64) -> bool {
        if self.ids[..self.count.min(SEEN)].contains(&id) {
            return false;
        }
        self.ids[self.count % SEEN] = id;
        self.count += 1;
        true
    }
}

/// First id of a lane whose `counter` (48 bits) continues where an earlier run stopped; never zero.
///
/// # Panics
/// When `counter` needs more than 48 bits.
#[must_use]
pub fn first_id(lane: u16, counter: u64) -> ClientId {
    assert!(counter >> 48 == 0, "the order counter {counter} needs more than 48 bits");
    u64::from(lane) << 48 | counter.max(1)
}

pub struct Orders {
    orders: Vec<Order>,
    seen: Vec<Seen>,
    index: FxHashMap<ClientId, u32>,
    /// Slots of live orders by instrument, then side; `position` is a slot's place in its list.
    live: Vec<[Vec<u32>; 2]>,
    position: Vec<u32>,
    /// Slots of closed orders, oldest first.
    closed: std::collections::VecDeque<u32>,
    capacity: usize,
    alive: usize,
    next: ClientId,
    counts: Counts,
}

impl Orders {
    /// A record of at most `capacity` live orders whose ids start at `first` (see [`first_id`]).
    ///
    /// # Panics
    /// When `capacity` is zero or above 2³⁰, or `first` is zero.
    #[must_use]
    pub fn new(capacity: usize, first: ClientId) -> Orders {
        assert!((1..=1 << 30).contains(&capacity) && first != 0, "capacity 1 to 2^30 and a first id above zero");
        let slots = 2 * capacity;
        Orders {
            orders: Vec::with_capacity(slots),
            seen: Vec::with_capacity(slots),
            index: FxHashMap::with_capacity_and_hasher(2 * slots, rustc_hash::FxBuildHasher),
            live: Vec::new(),
            position: Vec::with_capacity(slots),
            closed: std::collections::VecDeque::with_capacity(slots),
            capacity,
            alive: 0,
            next: first,
            counts: Counts::default(),
        }
    }

    /// A new order id: unique, rising, never zero.
    ///
    /// # Panics
    /// When the lane has used its 2⁴⁸ ids.
    pub fn next_id(&mut self) -> ClientId {
        let id = self.next;
        assert!((id + 1) >> 48 == id >> 48, "the lane has used all its order ids");
        self.next += 1;
        id
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }
    #[must_use]
    pub fn alive(&self) -> usize {
        self.alive
    }
    /// Orders that can still be placed.
    #[must_use]
    pub fn room(&self) -> usize {
        self.capacity - self.alive
    }
    /// An order that is alive, or closed and still remembered.
    #[must_use]
    pub fn get(&self, id: ClientId) -> Option<&Order> {
        self.index.get(&id).map(|&slot| &self.orders[slot as usize])
    }
    /// Live orders of one side of an instrument, in no order.
    pub fn side(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = &Order> + Clone {
        let slots = self.live.get(usize::from(instrument)).map_or(&[][..], |lists| &lists[side as usize]);
        slots.iter().map(|&slot| &self.orders[slot as usize])
    }

    /// Asks for the memory of an instrument's live orders, and of those that will be placed next.
    pub fn warm(&self, instrument: InstrumentId) {
        for side in [Side::Buy, Side::Sell] {
            self.side(instrument, side).for_each(fetch);
        }
        let next = if self.orders.len() < 2 * self.capacity {
            self.orders.len().wrapping_sub(1)
        } else {
            self.closed.front().map_or(0, |slot| *slot as usize)
        };
        for slot in next..next.saturating_add(4) {
            if let (Some(order), Some(seen)) = (self.orders.get(slot), self.seen.get(slot)) {
                fetch(order);
                fetch(seen);
            }
        }
    }

    /// Whether [`Orders::record`] can take an intent. A cancel of a live order always, as often as wanted; a replace
    /// only of an open order without another request; a place while there is room.
    ///
    /// # Errors
    /// Why not: such an intent must not be sent.
    pub fn admits(&self, intent: &Intent) -> Result<(), RequestError> {
        if intent.action == Action::Place {
            return if !(1..=MOST).contains(&intent.qty.0) {
                Err(RequestError::Quantity)
            } else if intent.id == 0 || self.index.contains_key(&intent.id) {
                Err(RequestError::IdTaken)
            } else if self.room() == 0 {
                Err(RequestError::Full)
            } else {
                Ok(())
            };
        }
        let order = self.get(intent.id).filter(|o| !o.closed).ok_or(RequestError::NotAlive)?;
        if intent.action == Action::Cancel {
            Ok(())
        } else if order.state() != State::Open {
            Err(RequestError::InFlight)
        } else if intent.qty.0 <= order.filled.0 || intent.qty.0 > MOST {
            Err(RequestError::Quantity)
        } else {
            Ok(())
        }
    }

    /// Records an intent as it is sent: one that [`Orders::admits`] takes as the record is now.
    ///
    /// # Panics
    /// On a cancel or replace of an order that was never placed here.
    pub fn record(&mut self, intent: &Intent) {
        if intent.action == Action::Place {
            return self.place(intent);
        }
        let order = &mut self.orders[self.index[&intent.id] as usize];
        if intent.action == Action::Cancel {
            order.cancelling += 1;
            order.cancel_ns = intent.decided_ns;
        } else {
            order.replacing = true;
            order.asked_ns = intent.decided_ns;
            order.asked = Terms { px: intent.px, qty: intent.qty, base: order.filled };
        }
    }

    fn place(&mut self, intent: &Intent) {
        let terms = Terms { px: intent.px, qty: intent.qty, base: Lots(0) };
        let order = Order {
            id: intent.id,
            terms,
            asked: terms,
            filled: Lots(0),
            leaves: intent.qty,
            kernel: intent.kernel,
            instrument: intent.instrument,
            side: intent.side,
            tif: intent.tif,
            reduce_only: intent.reduce_only,
            cancelling: 0,
            replacing: false,
            unsure: false,
            closed: false,
            closed_ns: None,
            placed_ns: intent.decided_ns,
            cancel_ns: i64::MIN,
            asked_ns: intent.decided_ns,
            held_ns: i64::MIN,
            adopted_ns: None,
            accepted_ns: None,
            queue_joined: -1,
            replaced_ns: i64::MIN,
            refused_ns: i64::MIN,
            latest_ns: i64::MIN,
        };
        self.insert(order);
    }

    /// Takes over an order of an earlier run that the venue still has open; it belongs to no kernel. False where there is
    /// no room.
    pub fn adopt(&mut self, v: &VenueOrder, id: ClientId, now_ns: i64) -> bool {
        if self.room() == 0 || self.index.contains_key(&id) || !(1..=MOST).contains(&v.qty.0) || v.filled >= v.qty {
            return false;
        }
        let terms = Terms { px: v.px, qty: v.qty, base: Lots(0) };
        self.insert(Order {
            id,
            terms,
            asked: terms,
            filled: v.filled,
            leaves: Lots(v.qty.0 - v.filled.0),
            kernel: KernelId::MAX,
            instrument: v.instrument,
            side: v.side,
            tif: v.tif,
            reduce_only: v.reduce_only,
            cancelling: 0,
            replacing: false,
            unsure: false,
            closed: false,
            closed_ns: None,
            placed_ns: now_ns,
            cancel_ns: i64::MIN,
            asked_ns: i64::MIN,
            held_ns: i64::MIN,
            adopted_ns: Some(v.exch_ns),
            accepted_ns: Some(now_ns),
            queue_joined: -1,
            replaced_ns: i64::MIN,
            refused_ns: i64::MIN,
            latest_ns: v.exch_ns,
        });
        if id >> 48 == self.next >> 48 {
            self.next = self.next.max(id + 1);
        }
        true
    }

    /// Remembers an order that is closed no more, so that it can be taken over anew. One that is alive stays.
    pub fn forget(&mut self, id: ClientId) {
        let Some(&slot) = self.index.get(&id).filter(|&&slot| self.orders[slot as usize].closed) else { return };
        self.index.remove(&id);
        self.orders[slot as usize].id = 0; // no order has this id: the slot waits for its turn in `closed`
    }

    /// The ids from here on are this run's.
    pub fn start_at(&mut self, first: ClientId) {
        self.next = self.next.max(first);
    }

    /// The lane that these ids are of.
    #[must_use]
    pub fn lane(&self) -> u16 {
        (self.next >> 48) as u16
    }

    /// No cancel of the order is wanted before `until_ns`.
    pub fn hold_cancel(&mut self, id: ClientId, until_ns: i64) {
        if let Some(&slot) = self.index.get(&id) {
            self.orders[slot as usize].held_ns = until_ns;
        }
    }

    fn insert(&mut self, order: Order) {
        let (id, instrument, side) = (order.id, usize::from(order.instrument), order.side);
        let slot = self.free_slot(order);
        if self.live.len() <= instrument {
            self.live.resize_with(instrument + 1, Default::default);
        }
        let list = &mut self.live[instrument][side as usize];
        self.position[slot as usize] = list.len() as u32;
        list.push(slot);
        self.index.insert(id, slot);
        self.alive += 1;
    }

    /// Puts `order` into an unused slot, or else into that of the order that closed longest ago.
    fn free_slot(&mut self, order: Order) -> u32 {
        if self.orders.len() < 2 * self.capacity {
            self.orders.push(order);
            self.seen.push(Seen::NONE);
            self.position.push(0);
            return self.orders.len() as u32 - 1;
        }
        // There are 2 × capacity slots and fewer than capacity are alive, so more than capacity are closed.
        let slot = self.closed.pop_front().expect("every slot that is not alive is in `closed`");
        self.index.remove(&self.orders[slot as usize].id);
        self.orders[slot as usize] = order;
        self.seen[slot as usize] = Seen::NONE;
        slot
    }

    fn close(&mut self, slot: u32) {
        let order = &mut self.orders[slot as usize];
        if order.replacing {
            order.terms.qty = order.terms.qty.max(order.asked.qty); // fills of either terms may still be on their way
        }
        order.closed = true;
        order.leaves = Lots(0);
        let list = &mut self.live[usize::from(order.instrument)][order.side as usize];
        let at = self.position[slot as usize] as usize;
        list.swap_remove(at);
        if let Some(&moved) = list.get(at) {
            self.position[moved as usize] = at as u32;
        }
        self.closed.push_back(slot);
        self.alive -= 1;
    }

    /// Applies what came back. `recv_ns` is that of its frame.
    pub fn on_receipt(&mut self, r: &Receipt, recv_ns: i64) -> Applied {
        let Some(&slot) = self.index.get(&r.id) else {
            self.counts.unknown_ids += 1;
            return Applied::ignored(Ignored::UnknownId);
        };
        let order = &self.orders[slot as usize];
        let sound = (0..=MOST).contains(&r.leaves.0) && (0..=MOST).contains(&r.qty.0);
        let nonsense = !sound || (r.kind == ReceiptKind::Filled && r.qty.0 == 0);
        let applied = if nonsense || r.instrument != order.instrument || r.side != order.side {
            Applied { contradiction: true, ..Applied::ignored(Ignored::Mismatch) }
        } else if r.kind == ReceiptKind::Filled {
            self.fill(slot, r, recv_ns)
        } else if order.closed {
            Applied::ignored(Ignored::Late)
        } else {
            self.answer(slot, r, recv_ns)
        };
        self.counts.contradictions += u64::from(applied.contradiction);
        self.counts.late += u64::from(applied.ignored == Some(Ignored::Late));
        self.counts.duplicates += u64::from(applied.ignored == Some(Ignored::Duplicate));
        if applied.closed {
            self.orders[slot as usize].closed_ns = Some(recv_ns);
            self.close(slot);
        }
        applied
    }

    fn fill(&mut self, slot: u32, r: &Receipt, recv_ns: i64) -> Applied {
        if !self.seen[slot as usize].insert(r.trade_id) {
            return Applied::ignored(Ignored::Duplicate);
        }
        let o = &mut self.orders[slot as usize];
        let mut applied = Applied { opened: o.acknowledge(recv_ns) && !o.closed, ..Applied::default() };
        let first = o.filled.0 == 0;
        o.filled.0 += r.qty.0;
        if o.closed {
            self.counts.late_fills += 1;
            applied.contradiction = o.filled > o.terms.qty;
            o.terms.qty = o.terms.qty.max(o.filled);
        } else {
            // Full and yet open at the venue, or more than full: an unanswered replace may have been granted.
            if o.filled > o.terms.qty || (o.filled == o.terms.qty && r.leaves.0 > 0) {
                if o.filled <= o.asked.qty && o.asked.qty > o.terms.qty {
                    applied.contradiction = !o.replacing; // it was thought to be refused
                    o.adopt();
                } else {
                    applied.contradiction = true;
                    o.set_total(o.filled.0 + r.leaves.0);
                }
            } else {
                o.leaves.0 -= r.qty.0;
            }
            self.counts.missing += u64::from(r.leaves.0 < o.least_leaves());
            applied.closed = r.leaves.0 == 0 || o.leaves.0 == 0;
            o.settle();
        }
        o.latest_ns = o.latest_ns.max(r.exch_ns);
        let since_accepted_ns = recv_ns - o.accepted_ns.unwrap_or(recv_ns);
        applied.filled = Some(Fill { qty: r.qty, first, last: applied.closed, since_accepted_ns });
        applied
    }

    /// A receipt other than a fill, for an order that is alive.
    fn answer(&mut self, slot: u32, r: &Receipt, recv_ns: i64) -> Applied {
        let o = &mut self.orders[slot as usize];
        let mut applied = Applied::default();
        match r.kind {
            ReceiptKind::Cancelled | ReceiptKind::Expired => applied.closed = true,
            ReceiptKind::ChangeRejected if r.leaves.0 == 0 => applied.closed = true,
            ReceiptKind::Rejected if o.accepted_ns.is_none() => {
                (o.replacing, o.terms.qty) = (false, o.filled); // it never lived: a fill would be a contradiction
                applied.closed = true;
            }
            ReceiptKind::Rejected => {
                o.unsure = true; // refused and yet seen alive: neither is proof
                applied.contradiction = true;
            }
            ReceiptKind::Unknown if !o.unsure => o.unsure = true,
            ReceiptKind::Accepted if o.accepted_ns.is_none() => {
                applied.opened = o.acknowledge(recv_ns);
                o.queue_joined = r.queue_joined;
                o.settle();
            }
            // Asked again, the venue says that it is open: whatever was unanswered is answered by its terms.
            ReceiptKind::Accepted if o.unsure && newer(r, o.latest_ns) => {
                if o.replacing && r.px == o.asked.px && (r.px != o.terms.px || o.asked.qty > o.terms.qty) {
                    o.adopt();
                }
                (o.replacing, o.cancelling, o.unsure) = (false, 0, false);
                (o.replaced_ns, o.refused_ns) = (o.replaced_ns.max(r.exch_ns), o.refused_ns.max(r.exch_ns));
            }
            // Also when the replace was thought to be refused: the venue knows better.
            ReceiptKind::Replaced
                if r.px == o.asked.px && (o.replacing || o.asked != o.terms) && newer(r, o.replaced_ns) =>
            {
                applied.opened = o.acknowledge(recv_ns);
                applied.replaced = true;
                o.adopt();
                o.replacing = false;
                (o.replaced_ns, o.queue_joined) = (r.exch_ns, r.queue_joined);
                applied.contradiction = r.leaves > o.asked.original();
                applied.closed = r.leaves.0 == 0;
                o.settle();
            }
            // A replace and a cancel without an answer: the refusal may be of either, so the cancel is given up first;
            // whether the replace was granted stays open, and counts at its worst.
            ReceiptKind::ChangeRejected if newer(r, o.refused_ns) && (o.replacing || o.cancelling > 0 || o.unsure) => {
                applied.opened = o.acknowledge(recv_ns);
                o.replacing &= o.cancelling > 0;
                o.cancelling = o.cancelling.saturating_sub(1);
                o.refused_ns = r.exch_ns;
                o.settle();
            }
            _ => {
                if r.kind == ReceiptKind::Accepted && o.queue_joined < 0 {
                    o.queue_joined = r.queue_joined; // a fill came before this ack
                }
                return Applied::ignored(Ignored::Late);
            }
        }
        if matches!(r.kind, ReceiptKind::Accepted | ReceiptKind::Replaced) {
            if r.leaves > o.terms.qty || (o.leaves.0 == 0 && r.leaves.0 > 0) || applied.contradiction {
                applied.contradiction = true;
                o.set_total(o.filled.0 + r.leaves.0);
            }
            self.counts.missing += u64::from(r.leaves.0 < o.least_leaves());
        }
        o.latest_ns = o.latest_ns.max(r.exch_ns);
        applied
    }
}

/// Not an answer that was given already; venues that say no time have it as 0.
fn newer(r: &Receipt, than_ns: i64) -> bool {
    r.exch_ns == 0 || r.exch_ns > than_ns
}
