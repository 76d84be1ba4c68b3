use alloy_primitives::{Address, U256};

use super::super::cycle::{Cycle, Hop};
use super::super::pools::v2::V2Pool;
use super::super::pools::v3::{Concentrated, ProtocolFee, V3Pool, sqrt_price_at};
use super::super::pools::{AnyPool, Pool, PoolKey, Pools, Side};
use super::{Costs, solve, solve_exactly};

mod plans;
mod scale;

/// SplitMix64 (Steele et al. 2014).
pub(super) struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Of any length up to `bits`.
    pub fn of_any_size(&mut self, bits: u64) -> u128 {
        let keep = 1 + self.below(bits);
        let all = u128::from(self.next()) << 64 | u128::from(self.next());
        all >> (128 - keep) | 1 << (keep - 1)
    }
}

fn address(n: u64) -> Address {
    Address::left_padding_from(&n.to_be_bytes())
}

/// A cycle of these pools; of each its token 0 goes in.
pub(super) fn ring_of(all: &[AnyPool]) -> (Pools, Cycle) {
    let mut pools = Pools::default();
    let mut hops = Vec::new();
    let token = |n: usize| address(1000 + (n % all.len()) as u64);
    for (n, one) in all.iter().enumerate() {
        let key = PoolKey::from(address(n as u64));
        let pool = pools.add(key, &[token(n), token(n + 1)], one.clone());
        hops.push(Hop { pool, side: Side::ZERO_FOR_ONE });
    }
    let token = pools.token(token(0));
    (pools, Cycle::new(token, &hops).unwrap())
}

fn ring(pairs: &[V2Pool]) -> (Pools, Cycle) {
    ring_of(&pairs.iter().map(|pair| AnyPool::V2(*pair)).collect::<Vec<_>>())
}

fn out(pairs: &[V2Pool], amount: u64) -> Option<u128> {
    let each = |amount: U256, pair: &V2Pool| pair.quote_in(Side::ZERO_FOR_ONE, amount).ok();
    pairs.iter().try_fold(U256::from(amount), each).map(|out| out.to::<u128>())
}

fn small(random: &mut Seeded) -> Vec<V2Pool> {
    let hops = 2 + random.below(3);
    let bits = 4 + random.below(11);
    let fees = [(997, 1000), (9975, 10_000), (1, 1), (9, 10), (999_000, 1_000_000)];
    let one = |random: &mut Seeded| {
        let (fee, fee_den) = fees[random.below(5) as usize];
        let mut reserve = || random.of_any_size(bits) + 1;
        V2Pool { reserves: [reserve(), reserve()], fee_num: [fee, fee], fee_den }
    };
    (0..hops).map(|_| one(random)).collect()
}

#[test]
fn the_profit_found_is_the_greatest_of_all_amounts_and_the_amount_the_least_that_has_it() {
    let mut random = Seeded(1);
    let mut earned = 0;
    for _ in 0..6_000 {
        let pairs = small(&mut random);
        // What goes in beyond what the last pair holds is lost.
        let most = pairs[pairs.len() - 1].reserves[1] as u64;
        let mut best = (0, 0);
        for amount in 1..most {
            let profit = out(&pairs, amount).unwrap_or(0) as i128 - i128::from(amount);
            if profit > best.0 {
                best = (profit, amount);
            }
        }
        let (pools, cycle) = ring(&pairs);
        let sized = solve_exactly(&pools, &cycle, &Costs::FREE, u64::MAX);
        let found = sized.map_or((0, 0), |s| (s.gross.to::<u128>() as i128, s.amount_in.to::<u64>()));
        assert_eq!(found, best, "{pairs:?}");
        if let Some(sized) = sized {
            earned += 1;
            assert!(sized.proof.is_greatest(sized.gross));
            assert_eq!(sized.proof.all_worse_below, sized.amount_in);
            let quick = solve(&pools, &cycle, &Costs::FREE);
            if let Some(quick) = quick {
                assert!(quick.gross <= sized.gross && quick.proof.at_most.unwrap() >= sized.gross);
            }
        }
    }
    assert!(earned > 1_000, "{earned}");
}

/// What `amount` leaves after going around, with gas at `gas_price` units.
fn left(pools: &Pools, cycle: &Cycle, costs: &Costs, amount: U256) -> Option<U256> {
    let (mut out, mut gas) = (amount, 0);
    for hop in cycle.hops() {
        gas += pools.get(hop.pool).gas(hop.side, out);
        out = pools.get(hop.pool).quote_in(hop.side, out).ok()?;
    }
    let gross = out.checked_sub(amount)?;
    (gross - costs.builder_payment(gross)).checked_sub(costs.gas_cost(gas))
}

/// A small V3 pool of a few positions at about the price `e^log`.
fn concentrated(random: &mut Seeded, log: f64) -> AnyPool {
    let fee = [500, 3000, 10_000][random.below(3) as usize];
    let at = (log / 1.0001f64.ln()) as i32 + random.below(400) as i32 - 200;
    let price = sqrt_price_at(at).unwrap() + U256::from(random.below(1 << 40));
    let state = Concentrated::new(price, at, 0, 60, Vec::new()).unwrap();
    let mut pool = V3Pool::new(state, fee, ProtocolFee::default()).unwrap();
    for _ in 0..1 + random.below(4) {
        let lower = (at / 60 - 1 - random.below(12) as i32) * 60;
        let upper = (at / 60 + 1 + random.below(12) as i32) * 60;
        pool.modify_liquidity(lower, upper, 20_000 + random.below(2_000_000) as i128).unwrap();
    }
    AnyPool::V3(pool)
}

fn mixed(random: &mut Seeded) -> Vec<AnyPool> {
    let log = random.below(300) as f64 / 100.0 - 1.5;
    let pair = |random: &mut Seeded, log: f64| {
        let depth = 10_000.0 + random.below(1_000_000) as f64;
        let skew = random.below(100) as f64 / 1000.0;
        AnyPool::V2(V2Pool::uniswap(depth as u128, (depth * (log + skew).exp()) as u128))
    };
    match random.below(4) {
        0 => vec![concentrated(random, log), pair(random, -log)],
        1 => vec![pair(random, log), concentrated(random, -log)],
        2 => vec![concentrated(random, log), concentrated(random, 0.05 - log)],
        _ => vec![pair(random, 0.0), concentrated(random, log), concentrated(random, -log)],
    }
}

#[test]
fn with_ticks_and_their_gas_the_amount_is_the_best_of_all() {
    let mut random = Seeded(2);
    let (mut earned, mut crossed) = (0, 0);
    for round in 0..30 {
        let (pools, cycle) = ring_of(&mixed(&mut random));
        // With gas at a fraction of a unit, crossing a tick can cost more than it brings.
        let gas_price = if round % 2 == 0 { 0 } else { 1 };
        let costs = Costs { units: U256::ONE, wei: U256::from(10_000), ..Costs::in_wei(U256::from(gas_price), 0, 100) };
        let sized = solve_exactly(&pools, &cycle, &costs, 1000);
        let end = sized.map_or(20_000, |s| 4_000 + 3 * s.amount_in.to::<u64>() / 2);
        let best = (1..end).filter_map(|x| left(&pools, &cycle, &costs, U256::from(x))).max();
        let best = best.filter(|best| !best.is_zero());
        let Some(sized) = sized else {
            assert!(best.unwrap_or_default() <= U256::ZERO, "{best:?} was missed");
            continue;
        };
        earned += 1;
        assert_eq!(left(&pools, &cycle, &costs, sized.amount_in), Some(sized.net));
        let best = best.expect("what is found is there");
        assert_eq!(sized.net, best);
        let free = solve(&pools, &cycle, &Costs::FREE).expect("without gas it earns too");
        crossed += usize::from(sized.gas < free.gas);
    }
    assert!(earned > 20 && crossed > 0, "{earned} earned, {crossed} stopped before a tick");
}
