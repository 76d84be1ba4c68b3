//! What is known of one instrument's trades: which are booked, what fees took of its base currency, and what the venue
//! held before us.

use std::collections::{BTreeSet, VecDeque};

use rustc_hash::FxHashMap;

use crate::cex::reconcile::Named;
use crate::event::{ClientId, Fee};
use crate::units::{InstrumentSpec, Lots, Money};

/// Trade ids remembered above the one below which all are known.
const KEEP: usize = 8_192;
/// Venue order ids remembered.
const NAMES: usize = 16_384;

#[derive(Debug)]
pub struct Ledger {
    /// The base currency as a [`Fee`] names it, zeros where it is not known; and the quote currency.
    pub base: [u8; 8],
    quote: [u8; 8],
    pub lot_e8: i128,
    /// Money that is 10⁻⁸ of the quote currency, as a fraction.
    money: (i128, i128),
    /// Every trade up to this id is booked, or was before us.
    floor: u64,
    known: BTreeSet<u64>,
    /// The venue has been asked for the trades up to this id.
    pub checked: u64,
    names: FxHashMap<u64, Named>,
    named: VecDeque<u64>,
    /// What the venue's position is without our fills, 10⁻⁸ of the base currency; absent until it is known.
    pub baseline_e8: Option<i128>,
    /// Fees in the base currency that are less than a lot and so not yet taken from the position, 10⁻⁸.
    pub rest_e8: i128,
    /// Fees in the base currency so far, 10⁻⁸.
    pub base_fees_e8: i128,
    /// Fills that were booked once and came again; trades and orders of somebody else.
    pub duplicates: u64,
    pub foreign: u64,
}

/// An asset as a [`Fee`] names it.
#[must_use]
pub fn asset(name: &str) -> [u8; 8] {
    let mut out = [0; 8];
    let n = name.len().min(8);
    out[..n].copy_from_slice(&name.as_bytes()[..n]);
    out
}

impl Ledger {
    /// `base`: the instrument's base currency, where it is known.
    #[must_use]
    pub fn new(spec: &InstrumentSpec, base: Option<&str>) -> Ledger {
        let quote = base.and_then(|b| spec.symbol.strip_prefix(b)).unwrap_or("");
        // Money is 5 × tick × lot × 10⁻⁹, so 10⁻⁸ of the quote currency is 10 / (5 × tick × lot) = 2 / unit of it.
        let unit = spec.tick.product(spec.lot).normalized();
        let scale = 10i128.checked_pow(u32::from(unit.scale)).unwrap_or(0);
        Ledger {
            base: base.map_or([0; 8], asset),
            quote: asset(quote),
            lot_e8: spec.lot.floor_scaled(8).max(1),
            money: (2 * scale, unit.mantissa.max(1)),
            floor: 0,
            known: BTreeSet::new(),
            checked: 0,
            names: FxHashMap::default(),
            named: VecDeque::new(),
            baseline_e8: None,
            rest_e8: 0,
            base_fees_e8: 0,
            duplicates: 0,
            foreign: 0,
        }
    }

    #[must_use]
    pub fn knows(&self, trade_id: u64) -> bool {
        trade_id <= self.floor || self.known.contains(&trade_id)
    }

    /// Books a trade id; false where it is booked already.
    pub fn book(&mut self, trade_id: u64) -> bool {
        if trade_id <= self.floor || !self.known.insert(trade_id) {
            self.duplicates += 1;
            return false;
        }
        if self.known.len() > KEEP
            && let Some(oldest) = self.known.pop_first()
        {
            self.floor = self.floor.max(oldest);
        }
        true
    }

    /// Every trade up to `trade_id` is from before us, or booked.
    pub fn raise_floor(&mut self, trade_id: u64) {
        self.floor = self.floor.max(trade_id);
        self.known = self.known.split_off(&(self.floor + 1));
        self.checked = self.checked.max(trade_id);
    }

    #[must_use]
    pub fn floor(&self) -> u64 {
        self.floor
    }
    /// Trade ids above the floor.
    pub fn recent(&self) -> impl Iterator<Item = u64> + '_ {
        self.known.iter().copied()
    }

    pub fn learn(&mut self, venue_order: u64, whose: Named) {
        if venue_order == 0 || self.names.insert(venue_order, whose).is_some() {
            return;
        }
        self.named.push_back(venue_order);
        if self.named.len() > NAMES
            && let Some(oldest) = self.named.pop_front()
        {
            self.names.remove(&oldest);
        }
    }

    #[must_use]
    pub fn name(&self, venue_order: u64) -> Option<Named> {
        self.names.get(&venue_order).copied()
    }

    /// Whose order it is, by its client id.
    #[must_use]
    pub fn whose(id: Option<ClientId>, lane: u16) -> Named {
        id.filter(|id| (id >> 48) as u16 == lane).map_or(Named::Foreign, Named::Ours)
    }

    /// What our position makes of the venue's, 10⁻⁸ of the base currency.
    #[must_use]
    pub fn expected_e8(&self, position: Lots) -> i128 {
        self.baseline_e8.unwrap_or(0) + i128::from(position.0) * self.lot_e8 - self.rest_e8
    }

    /// A fee in the quote currency; `None` for another one, or where it is no whole number of [`Money`].
    #[must_use]
    pub fn in_quote(&self, fee: &Fee) -> Option<Money> {
        let amount = i128::from(fee.amount_e8) * self.money.0;
        (fee.asset == self.quote && self.quote != [0; 8] && amount % self.money.1 == 0)
            .then(|| Money(amount / self.money.1))
    }

    /// A fee in the base currency: by how many whole lots the position falls for it.
    pub fn pay(&mut self, amount_e8: i64) -> i64 {
        self.base_fees_e8 += i128::from(amount_e8);
        self.rest_e8 += i128::from(amount_e8);
        let lots = self.rest_e8.div_euclid(self.lot_e8);
        self.rest_e8 -= lots * self.lot_e8;
        i64::try_from(lots).unwrap_or(0)
    }

    /// Lots of a position that cannot be sold: the part of a lot that fees took, unless the venue's balance has it from
    /// before.
    #[must_use]
    pub fn dust(&self) -> i64 {
        i64::from(self.rest_e8 > self.baseline_e8.unwrap_or(0).max(0))
    }
}
