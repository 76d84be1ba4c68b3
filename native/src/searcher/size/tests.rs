use alloy_primitives::{Address, U256};

use super::super::cycle::{Cycle, Hop};
use super::super::pools::v2::V2Pool;
use super::super::pools::{AnyPool, Pool, PoolKey, Pools, Side};
use super::{Costs, solve, solve_exactly};

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

/// A cycle of these pairs; the first token goes in at `reserves[0]` of each.
pub(super) fn ring(pairs: &[V2Pool]) -> (Pools, Cycle) {
    let mut pools = Pools::default();
    let mut hops = Vec::new();
    let token = |n: usize| address(1000 + (n % pairs.len()) as u64);
    for (n, pair) in pairs.iter().enumerate() {
        let key = PoolKey::from(address(n as u64));
        let pool = pools.add(key, &[token(n), token(n + 1)], AnyPool::V2(*pair));
        hops.push(Hop { pool, side: Side::ZERO_FOR_ONE });
    }
    let token = pools.token(token(0));
    (pools, Cycle::new(token, &hops).unwrap())
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
