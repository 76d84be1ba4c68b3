//! What the simulated venue does with a request: place, cancel, replace.

use crate::event::{Intent, Level, ReceiptKind, Side, TimeInForce};
use crate::sim::exchange::SelfTradePrevention as Stp;
use crate::sim::market::{Clock, Market, Order};
use crate::sim::queue::QueuePos;
use crate::units::{Lots, Ticks};

/// What an arriving order meets first.
enum Met {
    /// `qty` lots of the recorded book.
    Level(Level, Lots),
    /// The order of ours at the head of the other side.
    Own,
    Nothing,
}

impl Market {
    /// Rules 11 to 16 and 21.
    pub(super) fn place(&mut self, i: &Intent, clock: &mut Clock<'_>) {
        let most = if i.reduce_only { self.reducible(i.side) } else { i.qty };
        // rule 16: what would do more than reduce is rejected; an IOC is cut to what there is to reduce
        let fits = most >= i.qty || (i.tif == TimeInForce::Ioc && most.0 > 0);
        if i.qty.0 <= 0 || i.px.0 <= 0 || !fits {
            return clock.refuse(ReceiptKind::Rejected, i);
        }
        let mut order = Order::new(i, i.qty.min(most));
        order.beyond = Lots(i.qty.0 - order.leaves.0);
        self.enter(&mut order, ReceiptKind::Accepted, clock);
        if order.beyond.0 > 0 && order.leaves.0 == 0 {
            clock.push(ReceiptKind::Expired, self.id, &order);
        }
    }

    /// Rule 18.
    pub(super) fn cancel(&mut self, i: &Intent, clock: &mut Clock<'_>) {
        match self.find(i.id) {
            Some((side, at)) => {
                let o = self.ladders[side].remove(at);
                clock.push(ReceiptKind::Cancelled, self.id, &o);
            }
            None => clock.refuse(ReceiptKind::ChangeRejected, i),
        }
    }

    /// Rules 19 and 20.
    pub(super) fn replace(&mut self, i: &Intent, clock: &mut Clock<'_>) {
        let Some((side, at)) = self.find(i.id) else { return clock.refuse(ReceiptKind::ChangeRejected, i) };
        let was = self.ladders[side].orders[at];
        let mut order = Order { px: i.px, leaves: Lots(i.qty.0.saturating_sub(was.filled.0)), ..was };
        if i.qty.0 <= 0 || i.px.0 <= 0 || (was.reduce_only && order.leaves > self.reducible(was.side)) {
            return clock.push(ReceiptKind::ChangeRejected, self.id, &was);
        }
        if order.leaves.0 <= 0 {
            self.ladders[side].remove(at);
            return clock.push(ReceiptKind::Cancelled, self.id, &was);
        }
        if order.px == was.px && order.leaves <= was.leaves && !clock.config.amend_requeues {
            self.ladders[side].orders[at] = order;
            return clock.push(ReceiptKind::Replaced, self.id, &order);
        }
        self.ladders[side].remove(at);
        self.enter(&mut order, ReceiptKind::Replaced, clock);
    }

    /// An order comes to the book: it takes, it rests (`rested` is the receipt for that), or it expires.
    fn enter(&mut self, o: &mut Order, rested: ReceiptKind, clock: &mut Clock<'_>) {
        let takes = !matches!(self.meets(o, 0, clock), Met::Nothing);
        // rule 13: post-only; rule 14: all or nothing
        let dies = match o.tif {
            TimeInForce::Gtx => takes,
            TimeInForce::Fok => !self.fills_whole(o, clock),
            TimeInForce::Gtc | TimeInForce::Ioc => false,
        };
        if dies {
            return clock.push(ReceiptKind::Expired, self.id, o);
        }
        if takes && rested == ReceiptKind::Replaced {
            o.queue = QueuePos::NONE;
            clock.push(rested, self.id, o);
        }
        let (mut last_px, mut stopped) = (None, false);
        while o.leaves.0 > 0 && !stopped {
            match self.meets(o, 0, clock) {
                Met::Level(level, qty) => {
                    self.venue.lift(o.side.opposite(), level, Lots(qty.0.min(level.qty.0)));
                    self.take(o, level.px, qty, clock);
                    last_px = Some(level.px);
                }
                Met::Own => stopped = self.prevent(o, clock),
                Met::Nothing => break,
            }
        }
        self.venue.restore();
        if o.leaves.0 > 0 && !stopped {
            self.remainder(o, rested, last_px.is_some(), clock);
        }
        if last_px.is_some() {
            self.trim(clock);
        }
    }

    /// Rules 11, 12, 14: what is left of an order when nothing stands in its way any more.
    fn remainder(&mut self, o: &mut Order, rested: ReceiptKind, took: bool, clock: &mut Clock<'_>) {
        match o.tif {
            TimeInForce::Ioc | TimeInForce::Fok => clock.push(ReceiptKind::Expired, self.id, o),
            TimeInForce::Gtc if took => self.take(o, o.px, o.leaves, clock),
            TimeInForce::Gtc | TimeInForce::Gtx => {
                o.queue = QueuePos::join(self.venue.book.qty(o.side, o.px));
                self.ladders[o.side as usize].insert(*o);
                clock.push(rested, self.id, o);
            }
        }
    }

    /// What stands first in the way of `o`, our first `passed` orders of the other side apart: a level (with how much
    /// of it `o` gets), an order of ours, or nothing.
    fn meets(&self, o: &Order, passed: usize, clock: &Clock<'_>) -> Met {
        let other = o.side.opposite();
        let reach = |px: Ticks| o.side.sign() * px.0 <= o.side.sign() * o.px.0;
        let level = self.venue.crossing(other, o.px);
        let own = match clock.config.self_trade_prevention {
            Stp::None => None,
            _ => self.ladders[other as usize].orders.get(passed).filter(|r| reach(r.px)),
        };
        // with partial fills a level gives what it shows, otherwise whatever is asked
        let shown = |l: &Level| if clock.config.partial_fills { o.leaves.min(l.qty) } else { o.leaves };
        match (level, own) {
            (None, None) => Met::Nothing,
            (Some(l), None) => Met::Level(l, shown(&l)),
            (None, Some(_)) => Met::Own,
            (Some(l), Some(r)) if l.px == r.px => {
                let ahead = r.queue.ahead() - self.venue.lifted_at(l.px).0;
                match ahead {
                    ..=0 => Met::Own,
                    _ if clock.config.partial_fills => Met::Level(l, shown(&l).min(Lots(ahead))),
                    _ => Met::Level(l, shown(&l)),
                }
            }
            (Some(l), Some(r)) if better(other, l.px, r.px) => Met::Level(l, shown(&l)),
            (Some(_), Some(_)) => Met::Own,
        }
    }

    /// Rule 15: `o` has met the order of ours at the head of the other side. `true`: `o` is no more.
    fn prevent(&mut self, o: &Order, clock: &mut Clock<'_>) -> bool {
        let mode = clock.config.self_trade_prevention;
        if mode != Stp::ExpireTaker {
            let own = self.ladders[o.side.opposite() as usize].remove(0);
            clock.push(ReceiptKind::Expired, self.id, &own);
        }
        let stops = mode != Stp::ExpireMaker;
        if stops {
            clock.push(ReceiptKind::Expired, self.id, o);
        }
        stops
    }

    /// Rule 14: walks `o` through the book as it would be filled, without filling it.
    fn fills_whole(&mut self, o: &Order, clock: &Clock<'_>) -> bool {
        let mut left = *o;
        let mut passed = 0;
        while left.leaves.0 > 0 {
            match self.meets(&left, passed, clock) {
                Met::Level(level, qty) => {
                    self.venue.lift(o.side.opposite(), level, Lots(qty.0.min(level.qty.0)));
                    left.leaves.0 -= qty.0;
                }
                Met::Own if clock.config.self_trade_prevention == Stp::ExpireMaker => passed += 1,
                Met::Own | Met::Nothing => break,
            }
        }
        self.venue.restore();
        left.leaves.0 == 0
    }
}

fn better(side: Side, a: Ticks, b: Ticks) -> bool {
    side.sign() * a.0 > side.sign() * b.0
}
