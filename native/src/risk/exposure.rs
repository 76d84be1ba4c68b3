//! What one instrument has at stake: its position, its open orders at their worst, and where its PnL is from.

use crate::event::{ClientId, Intent, Receipt, ReceiptKind, Side};
use crate::units::{Lots, Money, RATE_ONE, Ticks};

use super::limits::{MAX_PX, MAX_QTY};
use super::opening::InstrumentOpening;

/// A position beyond this many lots is a broken account; the bound keeps position × mid inside an `i128`.
const MAX_POSITION: i64 = 1 << 52;

/// How far an order is on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Permitted, the permit not yet redeemed.
    Reserved,
    /// Sent, no answer yet.
    Sent,
    /// The venue has it.
    Live,
    /// Nobody answered in time.
    Unknown,
}

/// An order that is not proven dead. The quantity of a place or a replace is the order's total: what is filled is part
/// of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Open {
    pub id: ClientId,
    pub side: Side,
    pub px: Ticks,
    pub leaves: Lots,
    pub filled: Lots,
    pub reduce_only: bool,
    pub phase: Phase,
    /// Replaces and cancels without an answer.
    pub(super) replaces: u32,
    pub(super) cancels: u32,
    /// The largest total and the keenest price of the replaces in flight; 0 and `px` if there are none.
    far_total: i64,
    far_px: i64,
    /// The largest total that was ever asked for.
    most: i64,
    /// The venue has answered its place.
    pub(super) answered: bool,
}

impl Open {
    fn new(i: &Intent) -> Open {
        Open {
            id: i.id,
            side: i.side,
            px: i.px,
            leaves: i.qty,
            filled: Lots(0),
            reduce_only: i.reduce_only,
            phase: Phase::Reserved,
            replaces: 0,
            cancels: 0,
            far_total: 0,
            far_px: i.px.0,
            most: i.qty.0,
            answered: false,
        }
    }

    /// Most lots that may still trade: the larger of what is left and what any replace in flight would leave.
    #[must_use]
    pub fn worst(&self) -> i64 {
        self.leaves.0.max(self.far_total - self.filled.0)
    }
    /// The most aggressive price that it may have.
    #[must_use]
    pub fn keenest(&self) -> i64 {
        self.keener(self.px.0, self.far_px)
    }
    fn keener(&self, a: i64, b: i64) -> i64 {
        match self.side {
            Side::Buy => a.max(b),
            Side::Sell => a.min(b),
        }
    }

    /// Whether a fill of so many lots is within what was ever asked for.
    pub(super) fn covers(&self, qty: Lots) -> bool {
        self.filled.0.checked_add(qty.0).is_some_and(|total| total <= self.most)
    }

    pub(super) fn replace(&mut self, intent: &Intent) {
        self.far_total = self.far_total.max(intent.qty.0);
        self.far_px = self.keener(self.far_px, intent.px.0);
        self.most = self.most.max(intent.qty.0);
        self.replaces = self.replaces.saturating_add(1);
    }

    /// One replace less in flight. While others remain, the worst of all of them stays.
    pub(super) fn end_replace(&mut self) {
        self.replaces = self.replaces.saturating_sub(1);
        if self.replaces == 0 {
            (self.far_total, self.far_px) = (0, self.px.0);
        }
    }
}

/// Open orders of both sides at their worst.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worst {
    pub buys: i64,
    pub sells: i64,
    /// Highest price at which we may be buying, `i64::MIN` if we are not; lowest selling price, `i64::MAX` if not.
    pub bid: i64,
    pub ask: i64,
}

/// Where the PnL of one instrument is from. Every part is a sum of exact integers, and they add up:
/// `total = spread + drift − fees + rebates = cash + position × mid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pnl {
    /// Σ ±(mid − price) × quantity over fills, + for a buy; mid is the last valid one when the receipt came.
    pub spread: Money,
    /// Σ position × change of mid.
    pub drift: Money,
    /// Σ of fees paid, and of rebates got; neither is negative.
    pub fees: Money,
    pub rebates: Money,
}

impl Pnl {
    #[must_use]
    pub fn total(&self) -> Money {
        self.spread + self.drift - self.fees + self.rebates
    }
}

/// Position, open orders and PnL of one instrument.
#[derive(Clone, Debug, Default)]
pub struct Exposure {
    position: Lots,
    /// Mid at the last mark in half ticks; 0 before the first.
    mark: i64,
    cash: Money,
    pnl: Pnl,
    pub(super) open: Vec<Open>,
    /// Lots held that cannot be sold; see [`Gate::set_dust`](super::gate::Gate::set_dust).
    pub(super) dust: i64,
    /// The venue takes no order of fewer lots; see [`Gate::set_least`](super::gate::Gate::set_least).
    pub(super) least: i64,
}

impl Exposure {
    /// Lots held; negative is short.
    #[must_use]
    pub fn position(&self) -> Lots {
        self.position
    }
    /// Money got for what was sold less money paid for what was bought, fees and rebates included.
    #[must_use]
    pub fn cash(&self) -> Money {
        self.cash
    }
    #[must_use]
    pub fn pnl(&self) -> &Pnl {
        &self.pnl
    }
    /// Mid of the last mark in half ticks (bid + ask); 0 before the first.
    #[must_use]
    pub fn mark(&self) -> i64 {
        self.mark
    }
    /// Orders not proven dead.
    #[must_use]
    pub fn open(&self) -> &[Open] {
        &self.open
    }
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.holds_nothing() && self.open.is_empty()
    }
    /// Nothing is held that could be brought nearer to zero.
    #[must_use]
    pub fn holds_nothing(&self) -> bool {
        self.closable() == 0
    }
    /// Lots that orders of the other side can bring to zero; negative is short.
    #[must_use]
    pub fn closable(&self) -> i64 {
        let whole = if self.position.0 > 0 { (self.position.0 - self.dust).max(0) } else { self.position.0 };
        if whole.abs() < self.least { 0 } else { whole }
    }

    /// Fewest lots of an order that the venue takes; 0 where it takes every one.
    #[must_use]
    pub fn least(&self) -> i64 {
        self.least
    }

    pub(super) fn open_with(&mut self, o: &InstrumentOpening) {
        (self.position, self.cash, self.pnl, self.mark) = (o.position, o.cash, o.pnl, o.mark);
    }

    pub(super) fn adopt_position(&mut self, position: Lots) {
        if self.mark != 0 {
            self.cash.0 -= Money::of(self.mark, Lots(position.0 - self.position.0)).0;
        }
        self.position = position;
    }

    /// The first mark values what was held before it: as if it had been bought there.
    fn first_mark(&mut self, half_ticks: i64) {
        self.cash.0 -= Money::of(half_ticks, self.position).0;
        self.mark = half_ticks;
    }

    /// Fees that were taken out of the position: so many lots less, worth the mark. Returns by how much that changed
    /// the total.
    pub(super) fn pay_lots(&mut self, lots: i64) -> Option<Money> {
        let position = self.position.0.checked_sub(lots).filter(|p| p.abs() <= MAX_POSITION)?;
        let worth = Money::of(self.mark, Lots(lots)).0;
        let mut pnl = self.pnl;
        pnl.fees = Money(pnl.fees.0.checked_add(worth.max(0))?);
        pnl.rebates = Money(pnl.rebates.0.checked_add((-worth).max(0))?);
        (self.position, self.pnl) = (Lots(position), pnl);
        Some(Money(-worth))
    }

    pub(super) fn find(&self, id: ClientId) -> Option<&Open> {
        self.open.iter().find(|o| o.id == id)
    }
    pub(super) fn find_mut(&mut self, id: ClientId) -> Option<&mut Open> {
        self.open.iter_mut().find(|o| o.id == id)
    }
    pub(super) fn remove(&mut self, id: ClientId) {
        self.open.retain(|o| o.id != id);
    }
    pub(super) fn place(&mut self, intent: &Intent) {
        self.open.push(Open::new(intent));
    }
    /// An order that is open at the venue and was not permitted by this gate.
    pub(super) fn adopt(&mut self, intent: &Intent, filled: Lots) {
        let leaves = Lots(intent.qty.0 - filled.0);
        self.open.push(Open { leaves, filled, phase: Phase::Live, answered: true, ..Open::new(intent) });
    }

    /// All open orders but `except`, at their worst. Sums saturate, so that no receipt can make them wrap.
    pub(super) fn worst_but(&self, except: ClientId) -> Worst {
        let mut w = Worst { buys: 0, sells: 0, bid: i64::MIN, ask: i64::MAX };
        for o in self.open.iter().filter(|o| o.id != except) {
            match o.side {
                Side::Buy => {
                    w.buys = w.buys.saturating_add(o.worst());
                    w.bid = w.bid.max(o.keenest());
                }
                Side::Sell => {
                    w.sells = w.sells.saturating_add(o.worst());
                    w.ask = w.ask.min(o.keenest());
                }
            }
        }
        w
    }

    /// What a receipt says of an order that is open. Receipts may overtake each other on the way, so of two readings
    /// the one that leaves more to trade is kept, until the order is proven dead. Position and cash are
    /// [`Exposure::fill`]'s.
    pub(super) fn answer(&mut self, r: &Receipt) {
        let Some(o) = self.find_mut(r.id) else { return };
        o.phase = if r.kind == ReceiptKind::Unknown { Phase::Unknown } else { Phase::Live };
        o.answered |= r.kind != ReceiptKind::Unknown;
        match r.kind {
            ReceiptKind::Filled => {
                o.filled.0 += r.qty.0;
                o.leaves.0 = (o.leaves.0 - r.qty.0).max(r.leaves.0);
            }
            ReceiptKind::Replaced => {
                // of a single replace the total is known: a fill from before it may still be on its way
                let asked = if o.replaces == 1 { o.far_total - o.filled.0 } else { 0 };
                (o.px, o.leaves.0) = (r.px, r.leaves.0.max(asked));
                o.end_replace();
            }
            // It does not say which change was refused. While a cancel is in flight it is taken for the cancel, so
            // that a replace still counts at its worst.
            ReceiptKind::ChangeRejected if o.cancels > 0 => o.cancels -= 1,
            ReceiptKind::ChangeRejected => o.end_replace(),
            _ => {}
        }
        if r.is_final() {
            self.remove(r.id);
        }
    }

    /// Books a fill and returns by how much it changed the total, or `None` where the account would leave the range
    /// of its integers (then nothing is booked). `fee` is only asked for a price and a quantity that can be. Before the first mark the fill's own price is the mid.
    pub(super) fn fill(&mut self, side: Side, px: Ticks, qty: Lots, fee: impl FnOnce() -> Money) -> Option<Money> {
        if !(1..=MAX_PX).contains(&px.0) || !(1..=MAX_QTY).contains(&qty.0) {
            return None;
        }
        let sign = i128::from(side.sign());
        let position = self.position.0.checked_add(side.sign() * qty.0).filter(|p| p.abs() <= MAX_POSITION)?;
        if self.mark == 0 {
            self.first_mark(2 * px.0);
        }
        let (mark, fee) = (self.mark, fee().0);
        let spread = sign * Money::of(mark - 2 * px.0, qty).0;
        let cash = self.cash.0.checked_sub(sign * Money::of(2 * px.0, qty).0)?.checked_sub(fee)?;
        let mut pnl = self.pnl;
        pnl.spread = Money(pnl.spread.0.checked_add(spread)?);
        pnl.fees = Money(pnl.fees.0.checked_add(fee.max(0))?);
        pnl.rebates = Money(pnl.rebates.0.checked_add((-fee).max(0))?);
        (self.position, self.cash, self.pnl) = (Lots(position), Money(cash), pnl);
        Some(Money(spread - fee))
    }

    /// Moves the mark and returns by how much that changed the total; `None` where the drift would leave its range.
    /// `half_ticks` must be in `1..=2 * MAX_PX`.
    pub(super) fn remark(&mut self, half_ticks: i64) -> Option<Money> {
        if self.mark == 0 {
            self.first_mark(half_ticks);
        }
        let change = half_ticks - self.mark;
        let drift = i128::from(self.position.0) * i128::from(change) * i128::from(RATE_ONE);
        self.pnl.drift = Money(self.pnl.drift.0.checked_add(drift)?);
        self.mark = half_ticks;
        Some(Money(drift))
    }
}
