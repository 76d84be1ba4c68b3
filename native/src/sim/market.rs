//! One instrument of the simulated venue: its recorded book, our resting orders and our position.

use crate::event::{ClientId, Decoded, InstrumentId, Intent, Level, Receipt, ReceiptKind, Side, TimeInForce};
use crate::sim::exchange::{Resting, SimConfig};
use crate::sim::queue::{Estimator, QueueModel, QueuePos};
use crate::sim::venue_book::VenueBook;
use crate::units::{InstrumentSpec, Lots, Ticks};

/// What one call of the exchange carries: its rules, its time, and where its receipts go.
pub(super) struct Clock<'a> {
    pub(super) config: &'a SimConfig,
    pub(super) exch_ns: i64,
    pub(super) last_trade_id: &'a mut u64,
    pub(super) out: &'a mut Vec<Receipt>,
}

/// An order of ours at the venue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) id: ClientId,
    pub(super) side: Side,
    pub(super) tif: TimeInForce,
    pub(super) reduce_only: bool,
    pub(super) px: Ticks,
    pub(super) leaves: Lots,
    /// Lots of an arriving reduce-only IOC that go beyond the position: open for the venue's answers, never to fill.
    pub(super) beyond: Lots,
    pub(super) filled: Lots,
    pub(super) queue: QueuePos,
    /// Lots that the event being worked on gives the order.
    pub(super) due: Lots,
}

impl Order {
    pub(super) fn new(i: &Intent, qty: Lots) -> Order {
        let (queue, none) = (QueuePos::NONE, Lots(0));
        let Intent { id, side, tif, reduce_only, px, .. } = *i;
        Order { id, side, tif, reduce_only, px, leaves: qty, beyond: none, filled: none, queue, due: none }
    }
}

impl Clock<'_> {
    pub(super) fn push(&mut self, kind: ReceiptKind, instrument: InstrumentId, o: &Order) {
        let leaves = match kind {
            ReceiptKind::Expired | ReceiptKind::Cancelled => Lots(0),
            _ => o.leaves,
        };
        self.out.push(Receipt {
            kind,
            id: o.id,
            instrument,
            side: o.side,
            maker: false,
            exch_ns: self.exch_ns,
            px: o.px,
            qty: Lots(0),
            leaves,
            trade_id: 0,
            queue_joined: o.queue.joined(),
            queue_ahead: o.queue.ahead(),
        });
    }

    /// An answer about an order that the venue does not have.
    pub(super) fn refuse(&mut self, kind: ReceiptKind, i: &Intent) {
        self.push(kind, i.instrument, &Order::new(i, Lots(0)));
    }
}

/// Our resting orders of one side, best price first, then in order of arrival.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    pub(super) orders: Vec<Order>,
    /// Lowest and highest price, so that a level of no interest costs one compare; empty: lo > hi.
    lo: i64,
    hi: i64,
}

impl Ladder {
    fn new() -> Ladder {
        Ladder { orders: Vec::new(), lo: i64::MAX, hi: i64::MIN }
    }

    pub(super) fn insert(&mut self, o: Order) {
        let sign = o.side.sign();
        let at = self.orders.partition_point(|r| sign * r.px.0 >= sign * o.px.0);
        self.orders.insert(at, o);
        self.measure();
    }

    pub(super) fn remove(&mut self, at: usize) -> Order {
        let o = self.orders.remove(at);
        self.measure();
        o
    }

    fn measure(&mut self) {
        let (first, last) = (self.orders.first(), self.orders.last());
        let (a, b) = (first.map_or(i64::MAX, |o| o.px.0), last.map_or(i64::MIN, |o| o.px.0));
        (self.lo, self.hi) = if self.orders.is_empty() { (a, b) } else { (a.min(b), a.max(b)) };
    }
}

#[derive(Clone, Debug)]
pub(super) struct Market {
    pub(super) id: InstrumentId,
    pub(super) venue: VenueBook,
    /// By side.
    pub(super) ladders: [Ladder; 2],
    pub(super) position: Lots,
    estimator: Estimator,
}

impl Market {
    pub(super) fn new(id: InstrumentId, spec: &InstrumentSpec, model: QueueModel) -> Market {
        let estimator = Estimator::new(model, spec.lot);
        let (venue, ladders) = (VenueBook::default(), [Ladder::new(), Ladder::new()]);
        Market { id, venue, ladders, position: Lots(0), estimator }
    }

    pub(super) fn resting(&self) -> impl Iterator<Item = Resting> + '_ {
        self.ladders.iter().flat_map(|l| &l.orders).map(|o| {
            let Order { id, side, px, leaves, .. } = *o;
            Resting { id, side, px, leaves, queue_ahead: o.queue.ahead() }
        })
    }

    /// Side and place of an open order.
    pub(super) fn find(&self, id: ClientId) -> Option<(usize, usize)> {
        let on = |side: usize| self.ladders[side].orders.iter().position(|o| o.id == id).map(|at| (side, at));
        on(0).or_else(|| on(1))
    }

    pub(super) fn on_depth(&mut self, d: &Decoded, ids: (u64, u64, u64), clock: &mut Clock<'_>) {
        if !self.venue.admit(ids, d) {
            return;
        }
        self.apply(Side::Buy, d.bids(), clock);
        self.apply(Side::Sell, d.asks(), clock);
    }

    /// Rules 4, 7, 8: one side's changed levels.
    #[inline(always)]
    fn apply(&mut self, side: Side, levels: &[Level], clock: &mut Clock<'_>) {
        let (sign, ladder) = (side.sign(), &mut self.ladders[side as usize]);
        let mut best = i64::MIN;
        for l in levels {
            let prev = self.venue.book.set(side, l.px, l.qty);
            if l.px.0 >= ladder.lo && l.px.0 <= ladder.hi {
                for o in ladder.orders.iter_mut().filter(|o| o.px == l.px) {
                    o.queue.depth(&self.estimator, prev, l.qty);
                }
            }
            best = best.max(if l.qty.0 > 0 { sign * l.px.0 } else { i64::MIN });
        }
        if best > i64::MIN {
            let best = Ticks(sign * best);
            self.crossed_by(side, best, clock);
            self.venue.uncross(side.opposite(), best);
        }
    }

    /// Rule 8: `side` of the recorded book has come to `best`; our orders it stands at or beyond are filled whole.
    fn crossed_by(&mut self, side: Side, best: Ticks, clock: &mut Clock<'_>) {
        let sign = side.sign();
        let ladder = &mut self.ladders[side.opposite() as usize];
        for o in ladder.orders.iter_mut().take_while(|o| sign * o.px.0 <= sign * best.0) {
            o.due = o.leaves;
        }
        self.settle(side.opposite(), clock);
    }

    /// Rule 9.
    pub(super) fn on_snapshot(&mut self, d: &Decoded, id: u64, clock: &mut Clock<'_>) {
        if !self.venue.snapshot(d, id) {
            return;
        }
        for (side, levels) in [(Side::Buy, d.bids()), (Side::Sell, d.asks())] {
            let sign = side.sign();
            let Some(worst) = levels.iter().map(|l| sign * l.px.0).min() else { continue };
            for o in self.ladders[side as usize].orders.iter_mut().filter(|o| sign * o.px.0 >= worst) {
                o.queue.snapshot(self.venue.book.qty(side, o.px));
            }
        }
        for side in [Side::Buy, Side::Sell] {
            if let Some(best) = self.venue.book.best(side) {
                self.crossed_by(side, best.px, clock);
            }
        }
    }

    /// Rules 5, 6, 10: `side` is the aggressor's.
    pub(super) fn on_trade(&mut self, px: Ticks, qty: Lots, side: Side, clock: &mut Clock<'_>) {
        let sign = side.sign();
        let ladder = &mut self.ladders[side.opposite() as usize];
        let mut ours = Lots(0);
        for o in ladder.orders.iter_mut().take_while(|o| sign * o.px.0 <= sign * px.0) {
            if o.px != px {
                o.due = o.leaves;
                continue;
            }
            let offered = o.queue.trade(qty);
            o.due = match clock.config.partial_fills {
                true => Lots((offered.0 - ours.0).clamp(0, o.leaves.0)),
                false if offered.0 > 0 => o.leaves,
                false => Lots(0),
            };
            ours.0 += o.due.0;
        }
        self.settle(side.opposite(), clock);
    }

    /// Fills what is due on `side`, in order of priority.
    fn settle(&mut self, side: Side, clock: &mut Clock<'_>) {
        while let Some(at) = self.ladders[side as usize].orders.iter().position(|o| o.due.0 > 0) {
            let ladder = &mut self.ladders[side as usize];
            let o = &mut ladder.orders[at];
            let qty = Lots(std::mem::take(&mut o.due).0.min(o.leaves.0));
            let (px, mut order) = (o.px, *o);
            book_fill(&mut order, &mut self.position, self.id, (px, qty, true), clock);
            if order.leaves.0 == 0 {
                ladder.remove(at);
            } else {
                ladder.orders[at] = order;
            }
            self.trim(clock);
        }
    }

    /// Lots by which an order on `side` may reduce the position.
    pub(super) fn reducible(&self, side: Side) -> Lots {
        Lots((-side.sign() * self.position.0).max(0))
    }

    /// Rule 17: after a fill, no resting reduce-only order is larger than what is left to reduce.
    pub(super) fn trim(&mut self, clock: &mut Clock<'_>) {
        for side in [Side::Buy, Side::Sell] {
            let most = self.reducible(side);
            let ladder = &mut self.ladders[side as usize];
            while let Some(at) = ladder.orders.iter().position(|o| o.reduce_only && o.leaves > most) {
                if most.0 == 0 {
                    let o = ladder.remove(at);
                    clock.push(ReceiptKind::Expired, self.id, &o);
                } else {
                    ladder.orders[at].leaves = most;
                    clock.push(ReceiptKind::Replaced, self.id, &ladder.orders[at]);
                }
            }
        }
    }

    /// A taker's fill: rule 12.
    pub(super) fn take(&mut self, o: &mut Order, px: Ticks, qty: Lots, clock: &mut Clock<'_>) {
        book_fill(o, &mut self.position, self.id, (px, qty, false), clock);
    }
}

fn book_fill(
    o: &mut Order,
    position: &mut Lots,
    instrument: InstrumentId,
    (px, qty, maker): (Ticks, Lots, bool),
    clock: &mut Clock<'_>,
) {
    o.leaves.0 -= qty.0;
    o.filled.0 += qty.0;
    position.0 += o.side.sign() * qty.0;
    *clock.last_trade_id += 1;
    clock.out.push(Receipt {
        kind: ReceiptKind::Filled,
        id: o.id,
        instrument,
        side: o.side,
        maker,
        exch_ns: clock.exch_ns,
        px,
        qty,
        leaves: Lots(o.leaves.0 + o.beyond.0),
        trade_id: *clock.last_trade_id,
        queue_joined: o.queue.joined(),
        queue_ahead: o.queue.ahead(),
    });
}
