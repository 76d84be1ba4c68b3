//! What a gate begins with when it is not the first run: positions, money, the day, and the ids that are used up.

use crate::event::{InstrumentId, Intent};
use crate::units::{Decimal, Lots, Money};

use super::exposure::Pnl;
use super::gate::Gate;

/// Equity of the account, quote currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayOpening {
    pub equity: Decimal,
    /// Of the UTC day that ends at `day_end_ns`: highest equity, and the equity that it opened with.
    pub peak: Decimal,
    pub day_open: Decimal,
    pub day_end_ns: i64,
}

/// One instrument's part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InstrumentOpening {
    pub position: Lots,
    pub cash: Money,
    pub pnl: Pnl,
    /// Mid at the last mark in half ticks; 0 where there was none.
    pub mark: i64,
}

impl Gate {
    /// Continues where an earlier run stopped. `last_id`: ids up to it are that run's, and may be cancelled.
    ///
    /// # Errors
    /// Numbers that the account does not hold.
    pub fn open_with(
        &mut self,
        day: Option<&DayOpening>,
        instruments: &[(InstrumentId, InstrumentOpening)],
        last_id: u64,
    ) -> Result<(), String> {
        if let Some(day) = day {
            self.account.open_with(day)?;
        }
        for (id, opening) in instruments {
            let slot = self.slots.get_mut(usize::from(*id)).ok_or("an instrument that the lane does not have")?;
            slot.exposure.open_with(opening);
        }
        self.last_id = self.last_id.max(last_id);
        Ok(())
    }

    /// Takes over a position that was there before the lane's first run, without a price: it is valued by the first
    /// mark.
    pub fn adopt_position(&mut self, instrument: InstrumentId, position: Lots) {
        if let Some(slot) = self.slots.get_mut(usize::from(instrument)) {
            slot.exposure.adopt_position(position);
        }
    }

    /// An order of an earlier run is still open, `filled` of its `qty`: it counts, may be cancelled, and no new order
    /// gets an id below its own.
    pub fn adopt_order(&mut self, order: &Intent, filled: Lots) {
        self.last_id = self.last_id.max(order.id);
        if let Some(slot) = self.slots.get_mut(usize::from(order.instrument)) {
            slot.exposure.adopt(order, filled);
        }
    }

    /// Lots of the position that cannot be sold, because fees took a part of the last one: with no more than these it
    /// is flat.
    pub fn set_dust(&mut self, instrument: InstrumentId, lots: i64) {
        if let Some(slot) = self.slots.get_mut(usize::from(instrument)) {
            slot.exposure.dust = lots;
        }
    }

    /// The fewest lots that the venue takes an order of, as prices are now: with fewer than these it is flat, because
    /// nothing brings them to zero.
    pub fn set_least(&mut self, instrument: InstrumentId, lots: i64) {
        if let Some(slot) = self.slots.get_mut(usize::from(instrument)) {
            slot.exposure.least = lots;
        }
    }

    /// The day as it stands, to be kept; `None` before the first receipt or mark.
    #[must_use]
    pub fn day(&self) -> Option<DayOpening> {
        self.account.day()
    }
}
