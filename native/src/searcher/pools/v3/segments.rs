//! What lies ahead of a swap: the pieces of constant liquidity, in the order in which it would use them up.
use alloy_primitives::U256;

use super::concentrated::{At, Concentrated, given, taken};
use super::swap_math::fee_on;

/// A piece of constant liquidity between two prices. Within it a swap follows `x * y = L^2` of the virtual reserves
/// `x = L / sqrt(P)` and `y = L * sqrt(P)`, but for roundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Liquidity, never zero: where there is none the price jumps to the next segment.
    pub liquidity: u128,
    /// Root price where it begins, Q64.96.
    pub sqrt_from: U256,
    /// Root price where it ends.
    pub sqrt_to: U256,
    /// Input, with the fee, from its beginning to its end: exactly what the contract takes of a swap that goes on behind it.
    pub amount_in: U256,
    /// Output from its beginning to its end, exactly.
    pub amount_out: U256,
    /// The fee on the input, in pips (1e-6).
    pub fee_pips: u32,
}

/// The segments from the present price in one direction to the end of all prices.
#[derive(Debug)]
pub struct Segments<'a> {
    of: &'a Concentrated,
    at: At,
    down: bool,
    fee_pips: u32,
}

impl Concentrated {
    /// The segments ahead of a swap with this fee; `down` is token 0 in.
    #[must_use]
    pub fn segments(&self, down: bool, fee_pips: u32) -> Segments<'_> {
        Segments { of: self, at: self.start(), down, fee_pips }
    }
}

impl Segments<'_> {
    fn ahead(&self, last: U256) -> bool {
        if self.down { self.at.price > last } else { self.at.price < last }
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let last = Concentrated::last_price(self.down);
        while self.ahead(last) {
            let (sqrt_from, liquidity) = (self.at.price, self.at.liquidity);
            let (mut amount_in, mut amount_out) = (U256::ZERO, U256::ZERO);
            let mut crossed = false;
            while !crossed && self.ahead(last) {
                let from = self.at.price;
                let (stop, price) = self.of.stop::<true>(&self.at, self.down);
                let to = if self.down { price.max(last) } else { price.min(last) };
                let net = taken(self.down, from, to, liquidity);
                amount_in += net + fee_on(net, self.fee_pips);
                amount_out += given(self.down, from, to, liquidity);
                self.at.price = to;
                crossed = to == price && self.of.reach(&mut self.at, stop, price, self.down)?;
            }
            if liquidity != 0 && sqrt_from != self.at.price {
                let (sqrt_to, fee_pips) = (self.at.price, self.fee_pips);
                return Some(Segment { liquidity, sqrt_from, sqrt_to, amount_in, amount_out, fee_pips });
            }
        }
        None
    }
}
