//! First guesses in floats. They decide nothing: the answer is looked for around them on integers.
use alloy_primitives::U256;

use super::path::Leg;

/// `p x / (1 + q x)`: what a path of constant-product hops gives, in floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub p: f64,
    pub q: f64,
}

/// So near to 1 the price of a round is not known well enough in floats (four hops have 24 roundings of 2^-53).
const UNSURE: f64 = 1e-12;

impl Rate {
    pub const NOTHING: Rate = Rate { p: 1.0, q: 0.0 };

    /// This path and then a hop of `rate`.
    pub fn then(self, rate: Rate) -> Rate {
        Rate { p: self.p * rate.p, q: self.q + self.p * rate.q }
    }

    /// The amount that earns most: `(sqrt p - 1) / q`.
    pub fn best_in(self) -> f64 {
        (self.p - 1.0) / (self.p.sqrt() + 1.0) / self.q
    }
}

impl From<&Leg> for Rate {
    fn from(leg: &Leg) -> Rate {
        let down = leg.reserve_in as f64 * f64::from(leg.fee_den);
        let fee = f64::from(leg.fee_num);
        Rate { p: leg.reserve_out as f64 * fee / down, q: fee / down }
    }
}

/// The amount that earns most, nearly. None: nothing earns. Some(None): floats cannot tell.
#[allow(clippy::option_option)]
pub(super) fn constant_product(legs: &[Leg]) -> Option<Option<U256>> {
    let rate = legs.iter().fold(Rate::NOTHING, |rate, leg| rate.then(leg.into()));
    if rate.p < 1.0 - UNSURE {
        return None;
    }
    Some((rate.p > 1.0 + UNSURE).then(|| whole(rate.best_in())))
}

/// The whole part of a float; at most 2^127.
pub(super) fn whole(amount: f64) -> U256 {
    U256::from((amount as u128).min(1 << 127)) // a cast saturates: NaN and negatives are 0
}
