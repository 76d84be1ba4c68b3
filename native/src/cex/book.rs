//! A price-level map with best tracking.
use std::collections::BTreeMap;

use crate::event::{Level, Side};
use crate::units::{Lots, Ticks};

/// Levels of one instrument; quantities are absolute and 0 removes.
#[derive(Clone, Debug, Default)]
pub struct Book {
    sides: [BTreeMap<i64, i64>; 2],
}

impl Book {
    #[must_use]
    pub fn new() -> Book {
        Book::default()
    }

    /// Sets the quantity at a price and returns what was there before.
    pub fn set(&mut self, side: Side, px: Ticks, qty: Lots) -> Lots {
        let map = &mut self.sides[side as usize];
        Lots(if qty.0 == 0 { map.remove(&px.0) } else { map.insert(px.0, qty.0) }.unwrap_or(0))
    }

    #[must_use]
    pub fn best(&self, side: Side) -> Option<Level> {
        let map = &self.sides[side as usize];
        let entry = if side == Side::Buy { map.last_key_value() } else { map.first_key_value() };
        entry.map(|(px, qty)| Level { px: Ticks(*px), qty: Lots(*qty) })
    }

    #[must_use]
    pub fn qty(&self, side: Side, px: Ticks) -> Lots {
        Lots(self.sides[side as usize].get(&px.0).copied().unwrap_or(0))
    }

    pub fn clear(&mut self) {
        self.sides.iter_mut().for_each(BTreeMap::clear);
    }
}
