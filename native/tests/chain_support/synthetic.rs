//! Synthetic markets: tokens around a few hubs, as on mainnet, with prices that agree up to noise.
#![allow(dead_code)] // each user takes its part

use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::{AnyPool, PoolId, PoolKey, Pools};
use alloy_primitives::{Address, B256, U256};

use super::seeded::Seeded;

/// What a market is made of.
#[derive(Clone, Copy, Debug)]
pub struct Market {
    /// How many pools.
    pub pools: usize,
    /// How far a pool's price may be from the fair one, in parts per million. Up to 3,000 (the fee) no cycle pays.
    pub noise_ppm: u64,
}

/// The first tokens are hubs: five great ones, of which the first has half of all, and lesser ones.
const GREAT: usize = 5;
const HUBS: usize = 60;

fn unit(random: &mut Seeded) -> f64 {
    random.below(1 << 30) as f64 / f64::from(1 << 30)
}

impl Market {
    /// Constant-product pools of which about 55 % bring a new token beside a hub, 35 % join a known token with a hub and
    /// 10 % join two known tokens, each chosen as often as it has pools already (preferential attachment: degrees follow a
    /// power law).
    #[must_use]
    pub fn pools(self, random: &mut Seeded) -> Pools {
        let mut pools = Pools::default();
        let mut fair: Vec<f64> = (0..HUBS).map(|n| n as f64 / 6.0).collect(); // logarithm of a token's worth
        let mut ends: Vec<usize> = (0..HUBS).collect(); // a token stands here as often as it has pools
        while pools.len() < self.pools {
            let lesser = GREAT + ((HUBS - GREAT) as f64 * unit(random) * unit(random)) as usize;
            let hub = [0, 0, 0, 0, 0, 1, 1, 2, 3 + random.below(2) as usize, lesser][random.below(10) as usize];
            let any = |random: &mut Seeded| ends[random.below(ends.len() as u64) as usize];
            let (a, b) = match random.below(100) {
                _ if pools.len() < 2 * GREAT => (pools.len() % GREAT, (pools.len() + 1 + pools.len() / GREAT) % GREAT), // a mesh
                0..55 => {
                    fair.push(20.0 * unit(random) - 10.0);
                    (fair.len() - 1, hub)
                }
                55..90 => (random.below(fair.len() as u64) as usize, hub),
                _ => (any(random), any(random)),
            };
            if a == b {
                continue;
            }
            ends.extend([a, b]);
            let worth = (12.0 * unit(random) + 30.0).exp(); // of either side
            let off = (2.0 * unit(random) - 1.0) * self.noise_ppm as f64 / 2e6;
            let (low, high) = (a.min(b), a.max(b));
            let reserves = [worth * (off - fair[low]).exp(), worth * (-off - fair[high]).exp()];
            let [r0, r1] = reserves.map(|r| r as u128 + 1);
            let key = PoolKey(B256::from(U256::from(pools.len() + 1)));
            let tokens = [low, high].map(|t| Address::from_word(B256::from(U256::from(t + 1))));
            pools.add(key, &tokens, AnyPool::V2(V2Pool::uniswap(r0, r1)));
        }
        pools
    }
}

/// A swap of one part in `parts` of a pool's reserve, in a random direction: what a transaction does to it.
pub fn shift(pools: &mut Pools, id: PoolId, parts: u128, random: &mut Seeded) {
    let AnyPool::V2(pool) = pools.get_mut(id) else { return };
    let (i, o) = if random.below(2) == 0 { (0, 1) } else { (1, 0) };
    let more = pool.reserves[i] / parts;
    pool.reserves[o] -= pool.reserves[o] / (parts + 1);
    pool.reserves[i] += more;
}
