//! From a hook's floats to ticks and lots. Rounding never makes a quote more aggressive: a bid's price is rounded
//! down, an ask's up, a quantity down to whole lots; less than one lot is no quote.

use super::HookError;
use super::view::{ACTIONS, BUY, CANCEL, LADDER, Out, PLACE, SELL};
use crate::event::{ClientId, Level, Side, TimeInForce};
use crate::units::{Lots, Ticks};

/// 2⁵³: below it every whole number is a float, so that rounding to ticks is exact.
const LIMIT: f64 = 9_007_199_254_740_992.0;

/// The levels a kernel desires, in the order it wrote them; at most one a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    bids: [Level; LADDER],
    asks: [Level; LADDER],
    n_bids: usize,
    n_asks: usize,
}

impl Ladder {
    #[must_use]
    pub fn bids(&self) -> &[Level] {
        &self.bids[..self.n_bids]
    }
    #[must_use]
    pub fn asks(&self) -> &[Level] {
        &self.asks[..self.n_asks]
    }
}

/// An explicit order or cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutAction {
    Place { side: Side, px: Ticks, qty: Lots, tif: TimeInForce, reduce_only: bool },
    Cancel { id: ClientId },
}

fn price(value: f64, side: Side) -> Ticks {
    Ticks(match side {
        Side::Buy => value.floor(),
        Side::Sell => value.ceil(),
    } as i64)
}

fn quantity(value: f64) -> Lots {
    Lots(value.floor() as i64)
}

fn side(value: i64) -> Option<Side> {
    match value {
        BUY => Some(Side::Buy),
        SELL => Some(Side::Sell),
        _ => None,
    }
}

fn tif(value: i64) -> Option<TimeInForce> {
    u8::try_from(value).ok().and_then(TimeInForce::from_u8)
}

/// Rounds one side; levels that fall on the same price become one.
fn levels(pxs: &[f64], qtys: &[f64], of: Side, into: &mut [Level; LADDER]) -> usize {
    let mut n = 0;
    for (px, qty) in pxs.iter().zip(qtys) {
        let level = Level { px: price(*px, of), qty: quantity(*qty) };
        if level.qty.0 == 0 {
            continue;
        }
        match into[..n].iter_mut().find(|l| l.px == level.px) {
            Some(same) => same.qty.0 = same.qty.0.saturating_add(level.qty.0),
            None => {
                into[n] = level;
                n += 1;
            }
        }
    }
    n
}

impl Out {
    /// Refuses what is not a price, a quantity, an action or a count.
    pub(crate) fn check(&self, instrument: usize) -> Result<(), HookError> {
        let room = |count: i64, max: usize| {
            usize::try_from(count).ok().filter(|n| *n <= max).ok_or(HookError::TooMany { instrument, count })
        };
        let px = |value: f64, of: Side| {
            let least = if of == Side::Buy { value >= 1.0 } else { value > 0.0 }; // false for NaN
            if least && value < LIMIT { Ok(()) } else { Err(HookError::BadPrice { instrument, value }) }
        };
        let qty = |value: f64| {
            if (0.0..LIMIT).contains(&value) { Ok(()) } else { Err(HookError::BadQty { instrument, value }) }
        };
        if self.has_ladder != 0 {
            let (bids, asks) = (room(self.n_bids, LADDER)?, room(self.n_asks, LADDER)?);
            for i in 0..bids {
                px(self.bid_px[i], Side::Buy)?;
                qty(self.bid_qty[i])?;
            }
            for i in 0..asks {
                px(self.ask_px[i], Side::Sell)?;
                qty(self.ask_qty[i])?;
            }
        }
        for index in 0..room(self.n_actions, ACTIONS)? {
            let bad = HookError::BadAction { instrument, index };
            match self.action_kind[index] {
                PLACE => {
                    let side = side(self.action_side[index]).ok_or(bad)?;
                    tif(self.action_tif[index]).ok_or(bad)?;
                    px(self.action_px[index], side)?;
                    qty(self.action_qty[index])?;
                }
                CANCEL if self.action_id[index] != 0 => {}
                _ => return Err(bad),
            }
        }
        Ok(())
    }

    /// The desired ladder; `None` leaves the previous one standing, an empty one pulls every quote. Only of an out
    /// that [`super::Kernel::call`] has returned `Ok` for.
    #[must_use]
    pub fn ladder(&self) -> Option<Ladder> {
        if self.has_ladder == 0 {
            return None;
        }
        let mut l = Ladder::default();
        let (bids, asks) = (self.n_bids as usize, self.n_asks as usize);
        l.n_bids = levels(&self.bid_px[..bids], &self.bid_qty[..bids], Side::Buy, &mut l.bids);
        l.n_asks = levels(&self.ask_px[..asks], &self.ask_qty[..asks], Side::Sell, &mut l.asks);
        Some(l)
    }

    /// The explicit actions in the order they were written; a place of less than one lot is none. Only of an out that
    /// [`super::Kernel::call`] has returned `Ok` for.
    pub fn actions(&self) -> impl Iterator<Item = OutAction> + '_ {
        (0..self.n_actions as usize).filter_map(|i| {
            if self.action_kind[i] == CANCEL {
                return Some(OutAction::Cancel { id: self.action_id[i] });
            }
            let (side, tif) = (side(self.action_side[i])?, tif(self.action_tif[i])?);
            let (px, qty) = (price(self.action_px[i], side), quantity(self.action_qty[i]));
            let reduce_only = self.action_reduce_only[i] != 0;
            (qty.0 > 0).then_some(OutAction::Place { side, px, qty, tif, reduce_only })
        })
    }
}
