//! One pool as the dual sees it: the most that a trade with it is worth at given prices.
use super::super::pools::AnyPool;

/// The best trade with one pool at given prices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    /// What it is worth, never less than it is.
    pub value: f64,
    /// What the trader gets of each token; negative where the trader gives.
    pub gets: [f64; 2],
}

impl Most {
    const NOTHING: Most = Most { value: 0.0, gets: [0.0; 2] };
}

/// A pool of two tokens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Market {
    /// Reserves, and what is left of an input after the fee, by which token goes in.
    Product {
        /// In smallest units.
        reserves: [f64; 2],
        /// As a part of 1.
        fees: [f64; 2],
    },
}

/// More than the roundings of a root of a product of two numbers that were rounded themselves.
const SLACK: f64 = 8.0 * f64::EPSILON;

impl Market {
    /// None where there is no bound for this protocol; Some(None) where nothing can be traded.
    #[allow(clippy::option_option)]
    pub fn of(pool: &AnyPool) -> Option<Option<Market>> {
        let AnyPool::V2(pair) = pool else { return None };
        if pair.reserves.contains(&0) || pair.fee_den == 0 {
            return Some(None);
        }
        let fees = pair.fee_num.map(|fee| f64::from(fee) / f64::from(pair.fee_den));
        Some(Some(Market::Product { reserves: pair.reserves.map(|reserve| reserve as f64), fees }))
    }

    /// The price of the token at this place in units of the other, and its reserve: for a first look.
    pub fn look(&self, place: usize) -> (f64, f64) {
        let Market::Product { reserves, .. } = self;
        (reserves[1 - place] / reserves[place], reserves[place])
    }

    /// The most a trade is worth at these prices of its two tokens.
    pub fn most(&self, prices: [f64; 2]) -> Most {
        let Market::Product { reserves, fees } = self;
        let mut best = Most::NOTHING;
        for from in [0, 1] {
            let to = 1 - from;
            if fees[from] <= 0.0 {
                continue;
            }
            // Out: worth p Y; in: worth p X / f. The best trade moves both to the same, their geometric mean.
            let (out, paid) = ((prices[to] * reserves[to]).sqrt(), (prices[from] * reserves[from] / fees[from]).sqrt());
            let root = out - paid + SLACK * (out + paid);
            if root > 0.0 && paid > 0.0 {
                let ratio = out / paid;
                let mut gets = [0.0; 2];
                gets[from] = -reserves[from] / fees[from] * (ratio - 1.0).max(0.0);
                gets[to] = reserves[to] * (1.0 - 1.0 / ratio).max(0.0);
                let value = root * root * (1.0 + SLACK);
                if value > best.value {
                    best = Most { value, gets };
                }
            }
        }
        best
    }
}
