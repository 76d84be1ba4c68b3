//! One pool as the dual sees it: the most that a trade with it is worth at given prices.
use super::super::pools::AnyPool;
use super::super::pools::v3::{Segment, Segments};
use super::pieces::{Q96, float};

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

/// Constant product between two amounts in: all of a pair, or a piece of concentrated liquidity with its virtual reserves.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Reserves of what goes in and of what comes out where it begins, and where it ends.
    x: [f64; 2],
    y: [f64; 2],
    /// What is left of an input after the fee, as a part of 1.
    left: f64,
}

/// A pool of two tokens.
#[derive(Clone, Debug)]
pub(super) struct Market {
    /// What lies ahead where token 0 goes in, and where token 1 does.
    sides: [Vec<Stretch>; 2],
}

/// More than the roundings of a root of a product of two numbers that were rounded themselves.
const SLACK: f64 = 8.0 * f64::EPSILON;

impl Market {
    /// None where there is no bound for this protocol; Some(None) where nothing can be traded.
    #[allow(clippy::option_option)]
    pub fn of(pool: &AnyPool) -> Option<Option<Market>> {
        let sides = match pool {
            AnyPool::V2(pair) => {
                if pair.reserves.contains(&0) || pair.fee_num.contains(&0) || pair.fee_den == 0 {
                    return Some(None);
                }
                [0, 1].map(|from| {
                    let (x, y) = (pair.reserves[from] as f64, pair.reserves[1 - from] as f64);
                    let left = f64::from(pair.fee_num[from]) / f64::from(pair.fee_den);
                    vec![Stretch { x: [x, f64::INFINITY], y: [y, 0.0], left }]
                })
            }
            AnyPool::V3(pool) => {
                [true, false].map(|down| stretches(pool.state().segments(down, pool.fee_pips()), down))
            }
            AnyPool::V4(pool) if pool.hook().is_safe() => [true, false]
                .map(|down| stretches(pool.state().segments(down, pool.swap_fee()[usize::from(!down)]), down)),
            _ => return None,
        };
        Some(sides.iter().any(|side| !side.is_empty()).then_some(Market { sides }))
    }

    /// The price of the token at this place in units of the other, and its reserve: for a first look.
    pub fn look(&self, place: usize) -> (f64, f64) {
        let here = self.sides[place].first().map(|s| (s.y[0] / s.x[0], s.x[0]));
        let there = || self.sides[1 - place].first().map(|s| (s.x[0] / s.y[0], s.y[0]));
        here.or_else(there).unwrap_or((1.0, 0.0))
    }

    /// The most a trade is worth at these prices of its two tokens.
    pub fn most(&self, prices: [f64; 2]) -> Most {
        let mut best = Most::NOTHING;
        for from in [0, 1] {
            let mut all = Most::NOTHING;
            for stretch in &self.sides[from] {
                let Some((value, paid, out)) = stretch.most(prices[from], prices[1 - from]) else { break };
                all.value += value;
                all.gets[from] -= paid;
                all.gets[1 - from] += out;
            }
            if all.value > best.value {
                best = all;
            }
        }
        best
    }
}

fn stretches(segments: Segments<'_>, down: bool) -> Vec<Stretch> {
    let one = |segment: Segment| {
        let (liquidity, left) = (segment.liquidity as f64, 1.0 - f64::from(segment.fee_pips) / 1e6);
        let roots = [segment.sqrt_from, segment.sqrt_to].map(|root| float(root) / Q96);
        let (low, high) = (roots.map(|root| liquidity / root), roots.map(|root| liquidity * root));
        if down { Stretch { x: low, y: high, left } } else { Stretch { x: high, y: low, left } }
    };
    segments.map(one).filter(|s| s.left > 0.0 && s.x[0] > 0.0 && s.y[0] > 0.0).collect()
}

impl Stretch {
    /// The most it is worth at these prices of what goes in and what comes out, with what is paid and what comes out; none
    /// where it, and so all behind it, is worth nothing.
    fn most(&self, price_in: f64, price_out: f64) -> Option<(f64, f64, f64)> {
        // Out: worth p Y; in: worth p X / f. The best trade moves both to the same, their geometric mean.
        let (out, paid) = ((price_out * self.y[0]).sqrt(), (price_in * self.x[0] / self.left).sqrt());
        let root = out - paid + SLACK * (out + paid);
        if root <= 0.0 || paid <= 0.0 {
            return None;
        }
        let ratio = (out / paid).max(1.0);
        if self.x[0] * ratio <= self.x[1] {
            let amounts = (self.x[0] / self.left * (ratio - 1.0), self.y[0] * (1.0 - 1.0 / ratio));
            return Some((root * root * (1.0 + SLACK), amounts.0, amounts.1));
        }
        // All of it. Both differences are of rounded numbers.
        let (paid, out) = ((self.x[1] - self.x[0]) / self.left, self.y[0] - self.y[1]);
        let slack = SLACK * (price_out * self.y[0] + price_in * self.x[1] / self.left);
        Some(((price_out * out - price_in * paid).max(0.0) + slack, paid, out))
    }
}
