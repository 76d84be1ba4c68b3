//! Desired ladder → the fewest place, replace and cancel messages.
//!
//! 1. The quoter minds the orders it could have made: those of the kernel on the instrument with its own time in
//!    force and not reduce-only. Explicit orders of other kinds are left alone.
//! 2. An order is the wanted one of a level when its price is the level's and its original quantity is (a partial
//!    fill leaves it wanted: it keeps its place in the queue), or what is left of it is.
//! 3. An order with an unanswered request is not touched again. A place or a replace that asks for a wanted level is
//!    the wanted one. So is an order of unknown fate: it may be there.
//! 4. An order whose cancel is under way is never the wanted one, and nothing waits for it. Any other order with an
//!    unanswered request that is not wanted withholds as many lots of the wanted levels as it may still fill (the
//!    worst levels go first), so that what may fill never exceeds the ladder plus what is being cancelled. Once it is
//!    answered it is replaced, which is also the fewest messages.
//! 5. An open order that is not wanted becomes a level that is missing (`can_replace`), or is cancelled. At the same
//!    price before any other, and there a smaller quantity first: that keeps the queue where the venue keeps it.
//! 6. Cancels, then replaces away from the market, then replaces towards it, then places. In that order on one
//!    connection no message meets an order of ours that an earlier one removes. A level that would meet an order of the
//!    kernel's own other side which no message removes is withheld.
//!
//! The gate has the last word on every intent.

use super::orders::{MOST, Order, Orders, State};
use crate::event::{Action, InstrumentId, Intent, KernelId, Level, Side, TimeInForce};
use crate::units::{Lots, Ticks};

/// What a kernel wants to rest, in any order. Quantities at one price add up; a quantity of 0 is no wish.
#[derive(Clone, Copy, Debug, Default)]
pub struct Desired<'a> {
    pub bids: &'a [Level],
    pub asks: &'a [Level],
}

/// Why a ladder is not quoted; nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LadderError {
    /// The highest bid is not below the lowest ask: it would trade with itself.
    Crossed { bid: Ticks, ask: Ticks },
    /// A negative quantity, or quantities that add up to more than fits.
    Quantity { side: Side, px: Ticks },
}

impl std::fmt::Display for LadderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LadderError::Crossed { bid, ask } => {
                write!(f, "the ladder's bid of {} ticks is not below its ask of {} ticks", bid.0, ask.0)
            }
            LadderError::Quantity { side, px } => {
                write!(f, "the ladder's {side:?} quantity at {} ticks is negative or too large", px.0)
            }
        }
    }
}
impl std::error::Error for LadderError {}

/// What is to be done on one side; its lists are reused.
#[derive(Default)]
struct Plan {
    /// Levels without an order, best first.
    missing: Vec<Level>,
    /// Open orders without a level.
    spare: Vec<Order>,
    /// Orders with an unanswered request, cancels excepted.
    held: Vec<Order>,
    /// The price nearest to the other side at which an order of ours may rest that no message removes.
    wall: Option<Ticks>,
}

pub struct Quoter {
    can_replace: bool,
    tif: TimeInForce,
    plans: [Plan; 2],
    away: Vec<Intent>,
    towards: Vec<Intent>,
    places: Vec<Intent>,
}

impl Quoter {
    /// `can_replace`: the venue amends orders. `tif`: of every place, and of the orders that are minded; post-only
    /// ([`TimeInForce::Gtx`]) unless there is a reason.
    #[must_use]
    pub fn new(can_replace: bool, tif: TimeInForce) -> Quoter {
        let plans = Default::default();
        Quoter { can_replace, tif, plans, away: Vec::new(), towards: Vec::new(), places: Vec::new() }
    }

    /// Appends to `out` what makes the kernel's orders the `desired` ladder. Places have id 0: the lane numbers them
    /// when it submits. On an error nothing is appended.
    pub fn diff(
        &mut self,
        orders: &Orders,
        kernel: KernelId,
        instrument: InstrumentId,
        desired: Desired<'_>,
        now_ns: i64,
        out: &mut Vec<Intent>,
    ) -> Result<(), LadderError> {
        let both = [(Side::Buy, desired.bids), (Side::Sell, desired.asks)];
        let stand = both.iter().all(|&(side, levels)| self.stands(orders, kernel, instrument, side, levels));
        // Sides that stand are sorted and have no level without a quantity.
        let best = |levels: &[Level], side: Side| match stand {
            true => levels.first().map(|l| l.px),
            false => levels.iter().filter(|l| l.qty.0 != 0).map(|l| l.px).min_by_key(|&px| rank(px, side)),
        };
        match (best(desired.bids, Side::Buy), best(desired.asks, Side::Sell)) {
            (Some(bid), Some(ask)) if bid >= ask => return Err(LadderError::Crossed { bid, ask }),
            _ if stand => return Ok(()),
            _ => (),
        }
        for (side, levels) in both {
            self.plans[side as usize].wish(side, levels)?;
            self.survey(orders, kernel, instrument, side);
        }
        let template = Intent {
            id: 0,
            kernel,
            instrument,
            action: Action::Place,
            side: Side::Buy,
            tif: self.tif,
            reduce_only: false,
            px: Ticks(0),
            qty: Lots(0),
            decided_ns: now_ns,
        };
        for side in [Side::Buy, Side::Sell] {
            let wall = self.plans[side.opposite() as usize].wall;
            let withheld = self.plans[side as usize].match_held();
            self.plans[side as usize].withhold(side, withheld, wall);
            self.write(&Intent { side, ..template }, out);
        }
        out.append(&mut self.away);
        out.append(&mut self.towards);
        out.append(&mut self.places);
        Ok(())
    }

    fn minds(&self, o: &Order, kernel: KernelId) -> bool {
        o.kernel == kernel && o.tif == self.tif && !o.reduce_only
    }

    /// The common case: every level has its order and every order its level. False sends it the long way.
    fn stands(&self, orders: &Orders, kernel: KernelId, id: InstrumentId, side: Side, levels: &[Level]) -> bool {
        let sorted = levels.windows(2).all(|w| rank(w[0].px, side) < rank(w[1].px, side));
        if !sorted || levels.len() >= 64 {
            return false;
        }
        let mut taken = 0u64;
        for o in orders.side(id, side).filter(|o| self.minds(o, kernel)) {
            let target = o.target();
            match levels.iter().position(|l| target.px == l.px) {
                Some(i) if taken >> i & 1 == 0 && is_wanted(o, &levels[i]) && o.state() != State::PendingCancel => {
                    taken |= 1 << i;
                }
                _ => return false,
            }
        }
        taken == (1 << levels.len()) - 1
    }

    /// Sorts the orders of a side: matched with a level, spare, held.
    fn survey(&mut self, orders: &Orders, kernel: KernelId, instrument: InstrumentId, side: Side) {
        let (tif, plan) = (self.tif, &mut self.plans[side as usize]);
        plan.spare.clear();
        plan.held.clear();
        plan.wall = None;
        for o in orders.side(instrument, side).filter(|o| o.kernel == kernel) {
            let state = o.state();
            if state == State::PendingCancel {
                continue;
            }
            let minded = o.tif == tif && !o.reduce_only;
            if minded && state == State::Open {
                plan.spare.push(*o);
                continue;
            }
            let at = if state == State::Unknown { nearest(o.px(), o.target().px, side) } else { o.target().px };
            plan.wall = Some(plan.wall.map_or(at, |wall| nearest(wall, at, side)));
            if minded {
                plan.held.push(*o);
            }
        }
        let spare = &mut plan.spare;
        plan.missing.retain(|level| !take(spare, level));
    }

    /// Writes what is left of one side; `like` has its side and all that is common.
    fn write(&mut self, like: &Intent, out: &mut Vec<Intent>) {
        let Plan { missing, spare, .. } = &mut self.plans[like.side as usize];
        let side = like.side;
        spare.sort_unstable_by_key(|o| (rank(o.px(), side), o.id));
        if self.can_replace {
            let (away, towards) = (&mut self.away, &mut self.towards);
            let mut replace = |o: Order, level: &Level| {
                let qty = Lots(o.filled.0 + level.qty.0);
                let fewer = level.px == o.px() && qty < o.qty();
                let list = if fewer || rank(level.px, side) > rank(o.px(), side) { &mut *away } else { &mut *towards };
                list.push(Intent { id: o.id, action: Action::Replace, px: level.px, qty, ..*like });
            };
            // Same price and fewer lots, same price, any price: each takes what the one before left.
            for pass in 0..3 {
                missing.retain(|level| {
                    let at = spare
                        .iter()
                        .position(|o| pass == 2 || (o.px() == level.px && (pass == 1 || level.qty < o.leaves)));
                    at.map(|at| replace(spare.remove(at), level)).is_none()
                });
            }
        }
        let cancel = |o: &Order| Intent { id: o.id, action: Action::Cancel, px: o.px(), qty: o.qty(), ..*like };
        out.extend(spare.iter().map(cancel));
        self.places.extend(missing.iter().map(|level| Intent { px: level.px, qty: level.qty, ..*like }));
    }
}

impl Plan {
    /// `missing` becomes the ladder, merged and best first.
    fn wish(&mut self, side: Side, levels: &[Level]) -> Result<(), LadderError> {
        let wrong = |px| LadderError::Quantity { side, px };
        self.missing.clear();
        self.missing.extend(levels.iter().filter(|l| l.qty.0 != 0));
        self.missing.sort_unstable_by_key(|l| rank(l.px, side));
        let (mut last, mut total) = (0usize, 0i64);
        for i in 0..self.missing.len() {
            let level = self.missing[i];
            total = total.checked_add(level.qty.0).ok_or_else(|| wrong(level.px))?;
            if level.qty.0 < 0 || total > MOST {
                return Err(wrong(level.px));
            }
            if i > 0 && self.missing[last].px == level.px {
                self.missing[last].qty.0 += level.qty.0;
            } else {
                last += usize::from(i > 0);
                self.missing[last] = level;
            }
        }
        self.missing.truncate(last + 1);
        Ok(())
    }

    /// Gives levels to held orders that ask for them; returns the lots that the rest may still fill.
    fn match_held(&mut self) -> i64 {
        let Plan { missing, held, .. } = self;
        let mut excess = 0;
        missing.retain(|level| {
            let unknown = held.iter().filter(|o| o.state() == State::Unknown && is_wanted(o, level));
            let most = unknown.map(|o| o.worst_leaves().0 - level.qty.0).max().unwrap_or(0);
            let taken = take(held, level);
            excess += if taken { most.max(0) } else { 0 };
            !taken
        });
        excess + held.iter().map(|o| o.worst_leaves().0).sum::<i64>()
    }

    /// Drops levels so that `withheld` lots are missing, the best kept, and those that would meet `wall`.
    fn withhold(&mut self, side: Side, withheld: i64, wall: Option<Ticks>) {
        let mut allowed = self.missing.iter().map(|l| l.qty.0).sum::<i64>() - withheld;
        self.missing.retain(|level| {
            let meets = wall.is_some_and(|wall| rank(level.px, side) <= rank(wall, side));
            let keep = !meets && level.qty.0 <= allowed;
            allowed -= if keep { level.qty.0 } else { 0 };
            keep
        });
    }
}

fn is_wanted(o: &Order, level: &Level) -> bool {
    let target = o.target();
    let rest = target.qty.0 - o.filled.0;
    target.px == level.px && level.qty.0 > 0 && (target.original() == level.qty || rest == level.qty.0)
}

/// Removes the order of `level`: by its original quantity before by its rest, and the oldest.
fn take(list: &mut Vec<Order>, level: &Level) -> bool {
    let wanted = list.iter().enumerate().filter(|(_, o)| is_wanted(o, level));
    match wanted.min_by_key(|(_, o)| (o.target().original() != level.qty, o.id)) {
        Some((at, _)) => {
            list.swap_remove(at);
            true
        }
        None => false,
    }
}

/// Lower is nearer to the other side: `!px` falls as `px` rises, for every `i64`.
fn rank(px: Ticks, side: Side) -> i64 {
    if side == Side::Buy { !px.0 } else { px.0 }
}

fn nearest(a: Ticks, b: Ticks, side: Side) -> Ticks {
    if side == Side::Buy { a.max(b) } else { a.min(b) }
}
