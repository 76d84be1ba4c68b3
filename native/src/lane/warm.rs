//! Memory that the next message will need, asked for while there is none. It changes nothing and decides nothing.

use super::Lane;
use crate::bytes::fetch;
use crate::event::{InstrumentId, Side};

impl Lane {
    /// Asks for what a depth message of the instrument, and the orders that follow from it, will touch.
    pub fn warm(&self, id: InstrumentId) {
        let Some(i) = self.instruments.get(usize::from(id)) else { return };
        fetch(i);
        for side in [Side::Buy, Side::Sell] {
            i.book.expect(side, i.best(side));
            i.best(side).iter().for_each(fetch);
        }
        let Some(desk) = &self.desk else { return };
        desk.gate.warm(id);
        desk.orders.warm(id);
        for (kernel, index) in &desk.listeners[usize::from(id)] {
            desk.kernels[*kernel].warm(*index);
        }
    }
}
