//! How much any trade whatever could earn: the convex dual of network arbitrage.
//!
//! Diamandis, Resnick, Chitra, Angeris, "An Efficient Algorithm for Optimal Routing Through Constant Function Market Makers"
//! (2023). Of all trades, one with each pool, that leave nobody owing anything, the best one earns, in units of one token,
//! at most
//!
//! ```text
//! sum over pools of  max over its trades of  (prices . what the trade gives)
//! ```
//!
//! for *any* prices with 1 for that token and none below 0. So whatever prices the search in here ends with, the sum at
//! them is a bound; a better search only makes it lower. Each maximum is a closed form for a constant-product pair,
//! `(sqrt(p_out Y) - sqrt(p_in X / f))^2`, and a sum of such for the pieces of concentrated liquidity. Rounding down and gas only take from what it allows, trading with a pool in
//! several steps gives no more than one trade where fees stay in the pool or go out of it, and the sum itself is raised by
//! more than floats can be wrong.
use std::collections::{BinaryHeap, VecDeque};

use alloy_primitives::U256;
use rustc_hash::FxHashMap;

use super::super::pools::{PoolId, Pools, Side, TokenId};
use super::market::Market;

/// What no set of trades exceeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// In smallest units of the token, rounded up.
    pub at_most: U256,
    /// The prices it was found at: smallest units of the token for one of each other's. Those of tokens that no pool
    /// connects to it are left out.
    pub prices: Vec<(TokenId, f64)>,
    /// The best trade with each pool at these prices, where there is one: what goes in, about, and which token.
    pub trades: Vec<(PoolId, Side, f64)>,
}

/// A pool of the network and the places of its two tokens in the list of prices.
struct Edge {
    id: PoolId,
    market: Market,
    ends: [usize; 2],
}

struct Network {
    edges: Vec<Edge>,
    /// Edges at each token.
    at: Vec<Vec<u32>>,
    tokens: Vec<TokenId>,
}

/// Most rounds of the search; each is some sweeps over the prices one by one, then some steps with all at once.
const ROUNDS: usize = 24;
const SWEEPS: usize = 3;
const STEPS: usize = 40;
/// The search ends when a round lowers the sum by less than this part.
const ENOUGH: f64 = 1e-5;

/// A bound on the profit, in `token`, of any trades through these pools before gas; none where a pool has more than two
/// tokens or is of a protocol without a bound for a single pool.
#[must_use]
pub fn upper_bound(pools: &Pools, ids: impl IntoIterator<Item = PoolId>, token: TokenId) -> Option<Bound> {
    let network = Network::of(pools, ids, token)?;
    let mut prices = network.first_prices();
    let mut last = network.value(&prices);
    for _ in 0..ROUNDS {
        for _ in 0..SWEEPS {
            // The token itself is first and keeps its price of 1.
            for n in 1..prices.len() {
                prices[n] = network.balanced(&prices, n);
            }
        }
        network.descend(&mut prices);
        let value = network.value(&prices);
        if last - value <= ENOUGH * last {
            break;
        }
        last = value;
    }
    let at_most = rounded_up(network.value(&prices));
    let trades = network.trades(&prices);
    Some(Bound { at_most, trades, prices: network.tokens.iter().copied().zip(prices).collect() })
}

fn rounded_up(value: f64) -> U256 {
    U256::from(value.ceil() as u128) // a cast saturates
}

impl Network {
    fn of(pools: &Pools, ids: impl IntoIterator<Item = PoolId>, token: TokenId) -> Option<Network> {
        let mut network = Network { edges: Vec::new(), at: vec![Vec::new()], tokens: vec![token] };
        let mut places = FxHashMap::from_iter([(token, 0)]);
        for id in ids {
            let &[a, b] = pools.tokens(id) else { return None };
            let ends = [a, b].map(|token| {
                *places.entry(token).or_insert_with(|| {
                    network.tokens.push(token);
                    network.at.push(Vec::new());
                    network.tokens.len() - 1
                })
            });
            let Some(market) = Market::of(pools.get(id))? else { continue };
            let n = u32::try_from(network.edges.len()).ok()?;
            network.edges.push(Edge { id, market, ends });
            for end in ends {
                network.at[end].push(n);
            }
        }
        Some(network)
    }

    /// Prices from the token outwards, over the deepest pools first. A token that is not reached has the price 0: its pools
    /// can then give nothing.
    fn first_prices(&self) -> Vec<f64> {
        let mut prices = vec![0.0; self.tokens.len()];
        let mut reached = vec![false; self.tokens.len()];
        let mut heap = BinaryHeap::from([(u64::MAX, 0usize, 1.0f64.to_bits())]);
        while let Some((_, place, bits)) = heap.pop() {
            if std::mem::replace(&mut reached[place], true) {
                continue;
            }
            prices[place] = f64::from_bits(bits);
            for &n in &self.at[place] {
                let edge = &self.edges[n as usize];
                let here = usize::from(edge.ends[1] == place);
                let other = edge.ends[1 - here];
                if !reached[other] {
                    let (price, depth) = edge.market.look(here);
                    let depth = (prices[place] * depth).max(0.0); // bits of floats from 0 up are in the floats' order
                    heap.push((depth.to_bits(), other, (prices[place] / price).to_bits()));
                }
            }
        }
        prices
    }

    /// The sum over all pools, raised by more than its roundings.
    fn value(&self, prices: &[f64]) -> f64 {
        let each = self.edges.iter().map(|edge| edge.market.most(edge.ends.map(|end| prices[end])).value);
        each.sum::<f64>() * (1.0 + self.edges.len() as f64 * f64::EPSILON)
    }

    fn trades(&self, prices: &[f64]) -> Vec<(PoolId, Side, f64)> {
        let each = self.edges.iter().filter_map(|edge| {
            let gets = edge.market.most(edge.ends.map(|end| prices[end])).gets;
            let side = if gets[0] < 0.0 { Side::ZERO_FOR_ONE } else { Side::ONE_FOR_ZERO };
            let paid = -gets[usize::from(side.from)];
            (paid > 0.0).then_some((edge.id, side, paid))
        });
        each.collect()
    }

    /// What the trader gets of a token at this price of it, all its pools at their best.
    fn flow(&self, prices: &[f64], place: usize, price: f64) -> f64 {
        let each = self.at[place].iter().map(|&n| {
            let edge = &self.edges[n as usize];
            let here = usize::from(edge.ends[1] == place);
            let mut pair = edge.ends.map(|end| prices[end]);
            pair[here] = price;
            edge.market.most(pair).gets[here]
        });
        each.sum()
    }

    /// The price at which the trader gets nothing of a token and owes nothing, all other prices kept: there the sum is least,
    /// as what the trader gets is its derivative and never falls with the price.
    fn balanced(&self, prices: &[f64], place: usize) -> f64 {
        let now = prices[place];
        let flow = self.flow(prices, place, now);
        if flow == 0.0 || now <= 0.0 {
            return now;
        }
        let at = |log: f64| (log, self.flow(prices, place, now * log.exp()));
        let mut step = -flow.signum() * 1e-4;
        let (mut near, mut far) = ((0.0, flow), at(step));
        while far.1 * flow > 0.0 {
            if step.abs() > 64.0 {
                return now; // nothing takes it back
            }
            step *= 4.0;
            (near, far) = (far, at(far.0 + step));
        }
        // Regula falsi, every third time by halves: one end alone would hardly move.
        for round in 0..60 {
            let between = if round % 3 == 2 { 0.5 } else { near.1 / (near.1 - far.1) };
            let log = near.0 + (far.0 - near.0) * between;
            if far.1 == 0.0 || (far.0 - near.0).abs() < 1e-14 || log == near.0 || log == far.0 {
                break;
            }
            let next = at(log);
            if next.1 * near.1 > 0.0 { near = next } else { far = next }
        }
        now * far.0.exp()
    }

    /// The sum and its derivatives by the logarithms of the prices; 0 for the token's own, which stays.
    fn slope(&self, prices: &[f64]) -> (f64, Vec<f64>) {
        let (mut value, mut slope) = (0.0, vec![0.0; prices.len()]);
        for edge in &self.edges {
            let most = edge.market.most(edge.ends.map(|end| prices[end]));
            value += most.value;
            for (&end, gets) in edge.ends.iter().zip(most.gets) {
                slope[end] += gets * prices[end];
            }
        }
        slope[0] = 0.0;
        (value, slope)
    }

    /// How stiff the sum is in each price's logarithm, if all its pools were traded with.
    fn stiffness(&self, prices: &[f64]) -> Vec<f64> {
        let mut stiff = vec![0.0; prices.len()];
        for edge in &self.edges {
            let depth = edge.market.look(0).1 * prices[edge.ends[0]];
            for end in edge.ends {
                stiff[end] += depth;
            }
        }
        stiff
    }

    /// Lowers the sum by limited-memory BFGS in the logarithms of the prices (Nocedal, 1980): none of them falls to 0, so
    /// that no bound has to be kept, and where the derivatives by the logarithms are 0 those by the prices are.
    fn descend(&self, prices: &mut [f64]) {
        let stiff = self.stiffness(prices);
        let (mut value, mut slope) = self.slope(prices);
        let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
        for _ in 0..STEPS {
            let way = direction(&slope, &stiff, &memory);
            let fall = -dot(&way, &slope);
            if fall <= 0.0 {
                return;
            }
            let mut length = 1.0;
            let next = loop {
                let tried: Vec<f64> = prices.iter().zip(&way).map(|(price, d)| price * (d * length).exp()).collect();
                let (next, next_slope) = self.slope(&tried);
                if next <= value - 1e-4 * length * fall {
                    break Some((tried, next, next_slope));
                }
                length *= 0.5;
                if length < 1e-6 {
                    break None;
                }
            };
            let Some((tried, next, next_slope)) = next else { return };
            let moved: Vec<f64> = way.iter().map(|d| d * length).collect();
            let turned: Vec<f64> = next_slope.iter().zip(&slope).map(|(a, b)| a - b).collect();
            if dot(&moved, &turned) > 0.0 {
                memory.push_front((moved, turned));
                memory.truncate(MEMORY);
            }
            prices.copy_from_slice(&tried);
            (value, slope) = (next, next_slope);
        }
    }
}

/// Pairs of steps and turns that are remembered.
const MEMORY: usize = 12;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Down the slope, bent by what the last steps told of the curvature (the two loops of L-BFGS).
fn direction(slope: &[f64], stiff: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut way: Vec<f64> = slope.iter().map(|s| -s).collect();
    let mut parts = Vec::with_capacity(memory.len());
    for (moved, turned) in memory {
        let part = dot(moved, &way) / dot(moved, turned);
        way.iter_mut().zip(turned).for_each(|(w, t)| *w -= part * t);
        parts.push(part);
    }
    let scaled = |v: &[f64]| -> Vec<f64> {
        v.iter().zip(stiff).map(|(v, stiff)| if *stiff > 0.0 { v / stiff } else { 0.0 }).collect()
    };
    let scale = memory.front().map_or(1.0, |(moved, turned)| dot(moved, turned) / dot(turned, &scaled(turned)));
    way = scaled(&way).iter().map(|w| w * scale).collect();
    for ((moved, turned), part) in memory.iter().zip(parts).rev() {
        let back = part - dot(turned, &way) / dot(moved, turned);
        way.iter_mut().zip(moved).for_each(|(w, m)| *w += back * m);
    }
    way
}
