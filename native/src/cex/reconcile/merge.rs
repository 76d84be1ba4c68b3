//! The pure function from what we hold and what the venue answered in one round to what follows. Its rules:
//!
//! | # | rule |
//! |---|---|
//! | 1 | A trade whose id is known is not booked again, whether it came as an event or in an answer. |
//! | 2 | A trade is booked for the order that the venue's order id names; for id 0, which moves the position alone, where the venue has forgotten the order. One of somebody else's order is counted; where positions net (futures) it moves the account's one position and is booked for id 0, else it is none of ours. |
//! | 3 | A trade of an adopted order that is no later than the order's last change when it was adopted is part of what it had filled: it moves the position alone. |
//! | 4 | An open order of this lane that we have no record of is of an earlier run: it is adopted. |
//! | 5 | An open order of anybody else is counted and left alone. |
//! | 6 | A place without an answer whose order the venue has open is accepted. |
//! | 7 | An order that the venue has with the terms last asked for is replaced, whatever we thought of the replace. |
//! | 8 | Requests that have been without an answer for longer than they can live, while the venue has the order open, were refused or lost. |
//! | 9 | An order that the venue says is dead is closed once as much is booked as the venue says was filled; fills go first. |
//! | 10 | Until then, and where an open order has more filled than is booked, a fill is missing: another round. |
//! | 11 | An order that the venue does not have, asked later than its last request can live, never came to be, or is forgotten: closed. Asked earlier it proves nothing. |
//! | 12 | The position agrees if the venue's is one that ours has been since the question was sent. |

use rustc_hash::FxHashMap;

use super::{Held, Named, VenueOrder, VenueStatus, VenueTrade};
use crate::event::{ClientId, Fee, Receipt, ReceiptKind};
use crate::units::{Lots, Ticks};

/// What we hold of one instrument.
pub struct Ours<'a> {
    /// Live orders.
    pub orders: &'a [Held],
    /// Whether a trade id is booked already.
    pub knows: &'a dyn Fn(u64) -> bool,
    /// What the venue's position would be, 10⁻⁸ of the base currency, at each moment since the question was sent.
    pub expected: &'a [i128],
    /// One lot in 10⁻⁸ of the base currency, and that currency as a [`Fee`] names it.
    pub lot_e8: i128,
    pub base: [u8; 8],
    /// The account has one position in the instrument, whoever trades.
    pub nets: bool,
    /// A request that is older can no longer reach the venue.
    pub proof_ns: i64,
}

impl Ours<'_> {
    /// By how much a fill moves the venue's position.
    fn moved(&self, r: &Receipt, fee: &Fee) -> i128 {
        let paid = if fee.asset == self.base { i128::from(fee.amount_e8) } else { 0 };
        i128::from(r.side.sign() * r.qty.0) * self.lot_e8 - paid
    }
}

/// What the venue answered in one round about one instrument.
#[derive(Clone, Default, Debug)]
pub struct Round {
    /// When its first question was sent.
    pub asked_ns: i64,
    pub open: Vec<VenueOrder>,
    /// Orders that were asked for by id, and when.
    pub asked: Vec<(ClientId, i64, Option<VenueOrder>)>,
    /// By rising id.
    pub trades: Vec<VenueTrade>,
    /// Whose the orders of the trades are.
    pub names: FxHashMap<u64, Named>,
    pub base_e8: i128,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Everything agrees.
    Agrees,
    /// A fill is known of but not yet here.
    Missing,
    /// The venue's position less ours, 10⁻⁸ of the base currency.
    Differs { base_e8: i128 },
}

/// What follows from a round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Merged {
    /// To be applied in order, before `receipts`.
    pub fills: Vec<(Receipt, Fee)>,
    pub receipts: Vec<Receipt>,
    pub foreign_orders: u32,
    pub foreign_trades: u32,
    pub verdict: Verdict,
}

/// What the venue's word on an order means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// These receipts, none where all is as we have it.
    Proven(Vec<Receipt>),
    /// More was filled than is booked.
    Missing,
    /// It proves nothing yet: ask again.
    Open,
}

/// Rules 4 and 5: the open orders that are this lane's and that `remembers` says we have no record of, and how many are
/// somebody else's.
#[must_use]
pub fn adoptable(
    open: &[VenueOrder],
    lane: u16,
    remembers: &dyn Fn(ClientId) -> bool,
) -> (Vec<(ClientId, VenueOrder)>, u32) {
    let (mut adopt, mut foreign) = (Vec::new(), 0);
    for v in open {
        match v.id.filter(|id| (id >> 48) as u16 == lane) {
            None => foreign += 1,
            Some(id) if !remembers(id) => adopt.push((id, *v)),
            Some(_) => {}
        }
    }
    (adopt, foreign)
}

fn receipt(h: &Held, kind: ReceiptKind, px: Ticks, leaves: Lots, exch_ns: i64) -> Receipt {
    Receipt {
        kind,
        id: h.id,
        instrument: h.instrument,
        side: h.side,
        maker: false,
        exch_ns,
        px,
        qty: Lots(0),
        leaves,
        trade_id: 0,
        queue_joined: -1,
        queue_ahead: -1,
    }
}

/// What an answer to the question for one order means, rules 6 to 11. `booked` lots are booked for it, `asked_ns` is when
/// the question was sent.
#[must_use]
pub fn fate(h: &Held, found: Option<&VenueOrder>, asked_ns: i64, booked: Lots, proof_ns: i64) -> Fate {
    let expired = asked_ns.saturating_sub(h.sent_ns) >= proof_ns;
    let Some(v) = found else {
        if !expired {
            return Fate::Open; // rule 11: it may still be on its way
        }
        let kind = if h.accepted || booked.0 > 0 { ReceiptKind::Cancelled } else { ReceiptKind::Expired };
        return Fate::Proven(vec![receipt(h, kind, h.terms.0, Lots(0), 0)]);
    };
    if v.filled > booked {
        return Fate::Missing; // rule 10
    }
    let kind = match v.status {
        VenueStatus::Open => return Fate::open(h, v, expired, booked),
        VenueStatus::Filled => ReceiptKind::ChangeRejected, // its fills are booked: nothing is left of it
        VenueStatus::Cancelled => ReceiptKind::Cancelled,
        VenueStatus::Rejected if !h.accepted && booked.0 == 0 => ReceiptKind::Rejected,
        VenueStatus::Rejected | VenueStatus::Expired => ReceiptKind::Expired,
    };
    Fate::Proven(vec![receipt(h, kind, v.px, Lots(0), v.exch_ns)]) // rule 9
}

impl Fate {
    /// The venue has the order open.
    fn open(h: &Held, v: &VenueOrder, expired: bool, booked: Lots) -> Fate {
        let leaves = Lots(v.qty.0 - v.filled.0);
        let mut said = Vec::new();
        if !h.accepted && booked.0 == 0 {
            said.push(receipt(h, ReceiptKind::Accepted, v.px, leaves, v.exch_ns)); // rule 6
        }
        let mut replacing = h.replacing;
        if h.asked != h.terms && (v.px, v.qty) == h.asked {
            said.push(receipt(h, ReceiptKind::Replaced, v.px, leaves, v.exch_ns)); // rule 7
            replacing = false;
        }
        let requests = h.cancelling + u32::from(replacing);
        if requests == 0 && h.unsure && h.accepted {
            said.push(receipt(h, ReceiptKind::Accepted, v.px, leaves, 0));
        } else if requests > 0 && expired {
            for _ in 0..requests {
                said.push(receipt(h, ReceiptKind::ChangeRejected, v.px, leaves, 0)); // rule 8
            }
        } else if requests > 0 && h.unsure && said.is_empty() {
            return Fate::Open;
        }
        Fate::Proven(said)
    }
}

/// The whole round, by the rules above.
#[must_use]
pub fn merge(ours: &Ours<'_>, round: &Round) -> Merged {
    let held: FxHashMap<ClientId, &Held> = ours.orders.iter().map(|h| (h.id, h)).collect();
    let open = round.open.iter().filter_map(|v| Some((v.id?, (round.asked_ns, Some(v)))));
    let asked = round.asked.iter().map(|(id, asked_ns, v)| (*id, (*asked_ns, v.as_ref())));
    let said: FxHashMap<ClientId, (i64, Option<&VenueOrder>)> = open.chain(asked).collect(); // the later answer counts
    let mut booked: FxHashMap<ClientId, i64> = held.values().map(|h| (h.id, h.filled.0)).collect();
    let (mut fills, mut foreign_trades) = (Vec::new(), 0);
    for t in round.trades.iter().filter(|t| !(ours.knows)(t.trade_id)) {
        let id = match round.names.get(&t.venue_order) {
            Some(Named::Ours(id)) => *id,
            Some(Named::Foreign) => {
                foreign_trades += 1;
                if !ours.nets {
                    continue;
                }
                0
            }
            Some(Named::Forgotten) | None => 0,
        };
        let counted = held.get(&id).is_some_and(|h| h.adopted_ns.is_some_and(|at| t.exch_ns <= at)); // rule 3
        let total = booked.entry(id).or_default();
        *total += if counted { 0 } else { t.qty.0 };
        let whole = match (said.get(&id), held.get(&id)) {
            (Some((_, Some(v))), _) => v.qty.0,
            (_, Some(h)) => h.terms.1.0.max(h.asked.1.0),
            _ => 0,
        };
        let fill = Receipt {
            kind: ReceiptKind::Filled,
            id,
            instrument: t.instrument,
            side: t.side,
            maker: t.maker,
            exch_ns: t.exch_ns,
            px: t.px,
            qty: t.qty,
            leaves: Lots((whole - *total).max(0)),
            trade_id: t.trade_id,
            queue_joined: -1,
            queue_ahead: -1,
        };
        fills.push((fill, t.fee));
    }
    let (mut receipts, mut missing) = (Vec::new(), false);
    for h in ours.orders {
        let Some((asked_ns, found)) = said.get(&h.id) else { continue };
        let total = Lots(booked.get(&h.id).copied().unwrap_or(0));
        let is_filled = found.is_some_and(|v| v.status == VenueStatus::Filled) && total > h.filled;
        match fate(h, *found, *asked_ns, total, ours.proof_ns) {
            Fate::Proven(_) if is_filled => {} // its last fill says so itself
            Fate::Proven(said) => receipts.extend(said),
            Fate::Missing => missing = true,
            Fate::Open => {}
        }
    }
    let foreign_orders = round.open.iter().filter(|v| v.id.is_none()).count() as u32;
    let moved: i128 = fills.iter().map(|(r, fee)| ours.moved(r, fee)).sum();
    let verdict = match ours.expected.last() {
        _ if missing => Verdict::Missing,
        Some(last) if ours.expected.iter().all(|e| e + moved != round.base_e8) => {
            Verdict::Differs { base_e8: round.base_e8 - last - moved }
        }
        _ => Verdict::Agrees, // rule 12
    };
    Merged { fills, receipts, foreign_orders, foreign_trades, verdict }
}
