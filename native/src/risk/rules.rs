//! The rules, one by one and in the order in which they are judged; the first that is broken is the one named.
//!
//! | # | limit | a place or a replace is refused if |
//! |---|---|---|
//! | 0 | `unknown_instrument` | the lane has no such instrument (one of those that also bind cancels, with 5 and 21) |
//! | 1 | `halted` | the state is halted |
//! | 20 | `unreconciled` | the account is not yet known to be as the venue has it, or a private connection is down |
//! | 2 | `bad_price` | the price is not in 1 to [`MAX_PX`] ticks |
//! | 3 | `bad_qty` | the quantity is not in 1 to [`MAX_QTY`] lots |
//! | 4 | `duplicate_id` | a place's id is not above every id placed before in this lane |
//! | 5 | `unknown_order` | a replace names no open order of this instrument and side; a cancel an id never placed |
//! | 6 | `reduce_only` | the state is reducing, and the order is not marked reduce-only, or it and all other open orders of its side together exceed the position they reduce |
//! | 7 | `order_qty` | quantity > `max_order_qty` |
//! | 8 | `order_notional` | price × quantity > `max_order_notional` |
//! | 9 | `no_top` | the book has no Top, or one that is no market (bid ≥ ask, or not prices) |
//! | 10 | `stale_book` | the last book event is older than `max_book_age_ms` |
//! | 11 | `price_collar` | the price is further than `price_collar_bps` from the mid, either way |
//! | 12 | `open_orders` | a place would make more than `max_open_orders` |
//! | 13 | `position` | position and all open orders of the side, filled, would exceed `max_position_qty` on that side; a replace is judged only if it adds to what may trade |
//! | 14 | `self_trade` | the price meets an open order of ours on the other side |
//! | 15 | `order_rate` | `max_orders_per_second` places and replaces were permitted in the second before |
//! | 21 | `venue_rate` | one of the venue's own rate limits, less the part kept for cancels, is used up, or the venue wants no request now (this also binds cancels, which may use all of it): see [`super::governor`] |
//!
//! An open order is one that is not proven dead: permitted, sent, resting, or of unknown fate. It counts with the
//! larger of what is left and what any replace in flight would leave, and at the keenest of those prices. The quantity
//! of a replace is the order's new total, what is filled included (Binance USD-M, "Modify Order": `PUT /fapi/v1/order`).

use crate::event::{Action, Intent, Side, Top};

use super::exposure::Worst;
use super::gate::{Market, Slot};
use super::limits::{Limit, MAX_PX, MAX_QTY};
use super::switch::SwitchState;

/// A broken rule: what was seen and what is allowed, in [`Limit::unit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Breach {
    pub limit: Limit,
    pub observed: i64,
    pub allowed: i64,
}

fn refuse<T>(limit: Limit, observed: i64, allowed: i64) -> Result<T, Breach> {
    Err(Breach { limit, observed, allowed })
}

fn clip(v: i128) -> i64 {
    i64::try_from(v).unwrap_or(i64::MAX)
}

/// A place or a replace. `last_id` is the highest id placed in the lane.
pub(super) fn judge(
    slot: &Slot,
    state: SwitchState,
    ready: bool,
    last_id: u64,
    i: &Intent,
    market: &Market,
    now_ns: i64,
) -> Result<(), Breach> {
    let (caps, px, qty) = (&slot.caps, i.px.0, i.qty.0);
    if state == SwitchState::Halted {
        return refuse(Limit::Halted, SwitchState::Halted as i64, SwitchState::Reducing as i64);
    }
    if !ready {
        return refuse(Limit::Unreconciled, 0, 1);
    }
    if !(1..=MAX_PX).contains(&px) {
        return refuse(Limit::BadPrice, px, MAX_PX);
    }
    if !(1..=MAX_QTY).contains(&qty) {
        return refuse(Limit::BadQty, qty, MAX_QTY);
    }
    // what the order may already trade, and has traded: nothing for a place
    let (before, filled, reduce_only) = match i.action {
        Action::Place if i.id <= last_id => return refuse(Limit::DuplicateId, id(i.id), id(last_id)),
        Action::Place => (0, 0, i.reduce_only),
        Action::Replace | Action::Cancel => match slot.exposure.find(i.id) {
            Some(o) if o.side == i.side => (o.worst(), o.filled.0, o.reduce_only && i.reduce_only),
            _ => return refuse(Limit::UnknownOrder, id(i.id), id(last_id)),
        },
    };
    let after = before.max(qty - filled);
    let others = slot.exposure.worst_but(i.id);
    if state == SwitchState::Reducing {
        reduces(slot, &others, i.side, after, reduce_only)?;
    }
    if qty > caps.order_qty {
        return refuse(Limit::OrderQty, qty, caps.order_qty);
    }
    let notional = i128::from(px) * i128::from(qty);
    if notional > caps.order_notional {
        return refuse(Limit::OrderNotional, clip(notional), clip(caps.order_notional));
    }
    let Some(mid2) = market.top.and_then(mid2) else { return refuse(Limit::NoTop, 0, 1) };
    let age_ns = now_ns.saturating_sub(market.book_ns);
    if age_ns > caps.book_age_ns {
        return refuse(Limit::StaleBook, age_ns, caps.book_age_ns);
    }
    // both products stay below 2^62: twice a price is at most 2^44, a collar at most 100 000 bps
    let away = (2 * px - mid2).abs() * 10_000;
    if away > caps.collar_bps * mid2 {
        return refuse(Limit::PriceCollar, (away - 1) / mid2 + 1, caps.collar_bps);
    }
    let open = slot.exposure.open.len() as i64;
    if i.action == Action::Place && open >= caps.open_orders {
        return refuse(Limit::OpenOrders, open + 1, caps.open_orders);
    }
    let position = slot.exposure.position().0;
    let reach = match i.side {
        Side::Buy => position.saturating_add(others.buys).saturating_add(after),
        Side::Sell => (-position).saturating_add(others.sells).saturating_add(after),
    };
    if after > before && reach > caps.position {
        return refuse(Limit::Position, reach, caps.position);
    }
    match i.side {
        Side::Buy if px >= others.ask => return refuse(Limit::SelfTrade, px, others.ask - 1),
        Side::Sell if px <= others.bid => return refuse(Limit::SelfTrade, px, others.bid + 1),
        _ => {}
    }
    if slot.rate.is_full(now_ns) {
        return refuse(Limit::OrderRate, caps.orders_per_second + 1, caps.orders_per_second);
    }
    Ok(())
}

/// The rule of the state reducing: `after` lots of this order and all `others` of its side, if every one of them
/// were filled, still leave the position on its side of zero. Orders of the other side are no help: they may not fill.
pub(super) fn reduces(slot: &Slot, others: &Worst, side: Side, after: i64, reduce_only: bool) -> Result<(), Breach> {
    let position = slot.exposure.position().0;
    let (room, taken) = match side {
        Side::Buy => (-position, others.buys),
        Side::Sell => (position, others.sells),
    };
    let wanted = taken.saturating_add(after);
    if !reduce_only || wanted > room {
        return refuse(Limit::ReduceOnly, wanted, if reduce_only { room.max(0) } else { 0 });
    }
    Ok(())
}

/// A cancel: any id that was ever placed in this lane. An order that we hold dead may still be cancelled, in case we
/// are mistaken.
pub(super) fn judge_cancel(last_id: u64, i: &Intent) -> Result<(), Breach> {
    if i.id == 0 || i.id > last_id { refuse(Limit::UnknownOrder, id(i.id), id(last_id)) } else { Ok(()) }
}

/// Twice the mid in ticks, of a top that is a market.
fn mid2(top: Top) -> Option<i64> {
    let (bid, ask) = (top.bid.px.0, top.ask.px.0);
    if bid > 0 && bid < ask && ask <= MAX_PX { Some(bid + ask) } else { None }
}

fn id(v: u64) -> i64 {
    i64::try_from(v).unwrap_or(i64::MAX)
}
