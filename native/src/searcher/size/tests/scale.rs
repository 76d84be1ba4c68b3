//! Amounts as they are on mainnet, where no brute force reaches.
use alloy_primitives::U256;

use super::super::super::pools::balancer::{BalancerWeighted, PowVersion};
use super::super::super::pools::solidly::{Curve, SolidlyPool};
use super::super::super::pools::v2::V2Pool;
use super::super::super::pools::{AnyPool, Pool};
use super::super::{Costs, hops, pieces, solve, solve_exactly};
use super::{Seeded, left, ring, ring_of};

fn uniform(random: &mut Seeded) -> f64 {
    (random.next() >> 11) as f64 / (1u64 << 53) as f64
}

/// Pairs of tokens with 6, 8 and 18 decimals and prices that are a few percent off.
fn pairs(random: &mut Seeded) -> Vec<V2Pool> {
    let hops = 2 + random.below(3) as usize;
    let worth: Vec<f64> =
        (0..hops).map(|n| if n == 0 { 1e18 } else { 10f64.powf(2.0 + 22.0 * uniform(random)) }).collect();
    let one = |random: &mut Seeded, n: usize| {
        let depth = 10f64.powf(3.0 * uniform(random));
        let skew = 1.0 + 0.08 * uniform(random);
        let reserve = |worth: f64| (depth * worth).max(2.0) as u128;
        V2Pool::uniswap(reserve(worth[n]), (reserve(worth[(n + 1) % hops]) as f64 * skew) as u128)
    };
    (0..hops).map(|n| one(random, n)).collect()
}

#[test]
fn no_amount_is_better_than_the_proof_says() {
    let mut random = Seeded(3);
    let (mut earned, mut proven) = (0, 0);
    for _ in 0..3_000 {
        let (pools, cycle) = ring(&pairs(&mut random));
        let Some(sized) = solve(&pools, &cycle, &Costs::FREE) else { continue };
        earned += 1;
        proven += u64::from(sized.proof.is_greatest(sized.gross));
        let at_most = sized.proof.at_most.unwrap();
        assert!(sized.gross <= at_most);
        let x = sized.amount_in;
        let near = [x - U256::ONE, x + U256::ONE];
        for amount in near {
            assert!(left(&pools, &cycle, &Costs::FREE, amount).unwrap_or_default() <= sized.gross, "{sized:?}");
        }
        for _ in 0..40 {
            let far = U256::from((x.to::<u128>() as f64 * 10f64.powf(uniform(&mut random) * 0.002 - 0.001)) as u128);
            let within = x + U256::from(random.below(1 << 20)) - U256::from(random.below(1 << 20)).min(x);
            for amount in [far, within] {
                let gross = left(&pools, &cycle, &Costs::FREE, amount).unwrap_or_default();
                assert!(gross <= at_most);
                let (from, to) = sized.proof.no_better;
                assert!(gross <= sized.gross || amount < from || amount > to, "{amount} beside {sized:?}");
            }
        }
    }
    assert!(earned > 1_000 && proven * 10 > earned * 6, "{proven} proven of {earned}");
}

#[test]
fn more_steps_prove_more_and_the_least_amount_is_found() {
    let mut random = Seeded(4);
    for _ in 0..60 {
        let (pools, cycle) = ring(&pairs(&mut random));
        let Some(quick) = solve(&pools, &cycle, &Costs::FREE) else { continue };
        let exact = solve_exactly(&pools, &cycle, &Costs::FREE, 20_000).unwrap();
        assert!(exact.gross >= quick.gross && exact.proof.at_most <= quick.proof.at_most);
        if exact.proof.is_greatest(exact.gross) && quick.gross == exact.gross {
            assert!(exact.amount_in <= quick.amount_in);
        }
        assert!(exact.proof.all_worse_below <= exact.amount_in);
    }
}

#[test]
fn reserves_and_fees_at_their_limits_are_no_trouble() {
    let most = (1u128 << 112) - 1;
    let sizes = [1, 2, 3, 1000, 1 << 60, 1 << 111, most - 1000, most];
    let fees = [(1, 1), (997, 1000), (1, u32::MAX), (u32::MAX, u32::MAX), (u32::MAX - 1, u32::MAX)];
    let mut random = Seeded(5);
    for _ in 0..20_000 {
        let hops = 2 + random.below(3);
        let mut one = |_| {
            let (fee, fee_den) = fees[random.below(5) as usize];
            let reserves = [sizes[random.below(8) as usize], sizes[random.below(8) as usize]];
            V2Pool { reserves, fee_num: [fee, fee], fee_den }
        };
        let all: Vec<V2Pool> = (0..hops).map(&mut one).collect();
        let (pools, cycle) = ring(&all);
        if let Some(sized) = solve_exactly(&pools, &cycle, &Costs::FREE, 50) {
            assert_eq!(left(&pools, &cycle, &Costs::FREE, sized.amount_in), Some(sized.net));
            assert!(sized.proof.at_most >= Some(sized.gross), "{all:?}");
        }
    }
}

#[test]
fn costs_are_inside() {
    let pairs =
        [V2Pool::uniswap(1_000_000_000_000, 2_100_000_000_000), V2Pool::uniswap(2_000_000_000_000, 1_000_000_000_000)];
    let (pools, cycle) = ring(&pairs);
    let free = solve(&pools, &cycle, &Costs::FREE).unwrap();
    assert_eq!((free.gas_cost, free.builder_payment, free.net), (U256::ZERO, U256::ZERO, free.gross));
    // 7 wei for 2 units of the token; 90 % to the builder, each rounded up.
    let gas_price_wei = U256::from(3);
    let costs =
        Costs { gas_price_wei, flat_gas: 100_000, builder_bps: 9_000, wei: U256::from(7), units: U256::from(2) };
    let paid = solve(&pools, &cycle, &costs).unwrap();
    let gas: u64 = pairs.iter().zip(cycle.hops()).map(|(pair, hop)| pair.gas(hop.side, U256::ONE)).sum();
    assert_eq!(paid.gas, gas + 100_000);
    assert_eq!(paid.gas_cost, (U256::from(paid.gas) * U256::from(3 * 2)).div_ceil(U256::from(7)));
    assert_eq!(paid.builder_payment, (paid.gross * U256::from(9)).div_ceil(U256::from(10)));
    assert_eq!(paid.net, paid.gross - paid.gas_cost - paid.builder_payment);
    assert_eq!(paid.gross, free.gross);
    let dear = Costs { gas_price_wei: U256::MAX, ..costs };
    assert_eq!(solve(&pools, &cycle, &dear), None);
    let worthless = Costs { wei: U256::ZERO, ..costs };
    assert_eq!(solve(&pools, &cycle, &worthless), None);
    let all_to_the_builder = Costs { builder_bps: 10_000, ..Costs::FREE };
    assert_eq!(solve(&pools, &cycle, &all_to_the_builder), None);
}

#[test]
fn pieces_and_golden_section_find_what_the_closed_form_does() {
    let mut random = Seeded(6);
    for _ in 0..300 {
        let mut reserve = || random.of_any_size(24) << 60;
        let all = [0; 3].map(|_| V2Pool::uniswap(reserve(), reserve()));
        let (pools, cycle) = ring(&all);
        let Some(sized) = solve(&pools, &cycle, &Costs::FREE) else { continue };
        let hops = hops::Hops::of(&pools, &cycle);
        let (by_pieces, crossed) = pieces::best_in(&hops).unwrap();
        assert!(crossed.is_empty());
        for amount in [by_pieces, hops::golden(&hops).unwrap_or_default()] {
            let gross = left(&pools, &cycle, &Costs::FREE, amount).unwrap_or_default();
            assert!(gross + (sized.gross >> 30) >= sized.gross, "{gross} {sized:?}");
        }
    }
}

#[test]
fn other_curves_are_sized_by_their_quotes() {
    let mut random = Seeded(7);
    let e18 = |amount: f64| U256::from((amount * 1e18) as u128);
    let mut earned = 0;
    for round in 0..40 {
        let skew = 1.0 + 0.1 * uniform(&mut random);
        let depth = 100.0 + 1000.0 * uniform(&mut random);
        let pair = AnyPool::V2(V2Pool::uniswap((depth * 1e18) as u128, (depth * skew * 1e18) as u128));
        let other = if round % 2 == 0 {
            AnyPool::BalancerWeighted(Box::new(BalancerWeighted {
                balances: vec![e18(800.0), e18(200.0)],
                scaling: vec![U256::ONE; 2],
                weights: vec![e18(0.8), e18(0.2)],
                fee: e18(0.003),
                pow_version: PowVersion::V2,
            }))
        } else {
            let curve = [Curve::StableRounded, Curve::StableOriginal][round / 2 % 2];
            let reserves = [e18(3000.0), e18(2500.0 + 1000.0 * uniform(&mut random))];
            let units = [U256::from(10u64.pow(18)); 2];
            AnyPool::Solidly(Box::new(SolidlyPool {
                curve,
                reserves,
                units,
                fee_num: [5; 2],
                fee_den: 10_000,
                fee_leaves: 5,
            }))
        };
        let (pools, cycle) = ring_of(&[pair, other]);
        let gas_price = U256::from(10_000_000_000u64);
        let costs = Costs::in_wei(gas_price, 50_000, 500);
        let Some(sized) = solve(&pools, &cycle, &costs) else { continue };
        earned += 1;
        assert_eq!(sized.proof.at_most, None);
        let x = sized.amount_in;
        for amount in [x - U256::ONE, x + U256::ONE] {
            assert!(left(&pools, &cycle, &costs, amount).unwrap_or_default() <= sized.net);
        }
        for _ in 0..60 {
            let amount = U256::from((x.to::<u128>() as f64 * 10f64.powf(uniform(&mut random) * 2.0 - 1.0)) as u128);
            let net = left(&pools, &cycle, &costs, amount).unwrap_or_default();
            assert!(net <= sized.net, "{amount} gives {net} more than {sized:?}");
        }
    }
    assert!(earned > 15, "{earned}");
}
