//! Several cycles, and the bound on all.
use alloy_primitives::U256;

use super::super::super::cycle::{Cycle, Hop};
use super::super::super::pools::v2::V2Pool;
use super::super::super::pools::{AnyPool, PoolKey, Pools, Side, TokenId};
use super::super::joint::{self, Overlay, greedy, in_sequence};
use super::super::{Costs, dual, solve};
use super::{Seeded, address};

/// Token 0 with three pools into token 1, and one pool with a good price back: three cycles over one pool.
fn shared(random: &mut Seeded) -> (Pools, Vec<Cycle>) {
    let mut pools = Pools::default();
    let tokens = [address(1), address(2)];
    let mut add = |n: u64, reserves: [u128; 2]| {
        pools.add(PoolKey::from(address(n)), &tokens, AnyPool::V2(V2Pool::uniswap(reserves[0], reserves[1])))
    };
    let mut reserve = |from: u64, to: u64| u128::from(from + random.below(to - from));
    let back = add(100, [reserve(1200, 1500), reserve(900, 1000)]);
    let there = [101, 102, 103].map(|n| add(n, [reserve(300, 1000), reserve(300, 1000)]));
    let token = pools.token(address(1));
    let cycles = there.map(|pool| {
        let hops = [Hop { pool, side: Side::ZERO_FOR_ONE }, Hop { pool: back, side: Side::ONE_FOR_ZERO }];
        Cycle::new(token, &hops).unwrap()
    });
    (pools, cycles.to_vec())
}

#[test]
fn a_plan_is_no_worse_than_its_parts_and_nearly_the_best_of_all_orders_and_amounts() {
    let mut random = Seeded(11);
    let mut shared_out = 0;
    for round in 0..16 {
        let (pools, cycles) = shared(&mut random);
        // 130,000 gas or so at a price that makes a swap cost nothing, or about a unit.
        let gas_price = U256::from(round % 2);
        let costs = Costs { units: U256::ONE, wei: U256::from(130_000), ..Costs::in_wei(gas_price, 0, 0) };
        let prices = |_: TokenId| Some(costs);
        let plan = joint::solve(&pools, &cycles, &prices);
        let single =
            cycles.iter().filter_map(|cycle| solve(&pools, cycle, &costs)).map(|sized| sized.net * costs.wei).max();
        let greedy = greedy(&pools, &cycles, &prices);
        assert!(single.unwrap_or_default() <= greedy.net_wei && greedy.net_wei <= plan.net_wei);
        // What a plan says is what swapping it through gives.
        let mut state = Overlay::new(&pools);
        let mut net = U256::ZERO;
        for step in &plan.steps {
            let out = state.apply(&step.cycle, step.sized.amount_in).unwrap();
            assert_eq!(out, step.sized.amount_out);
            net += out - step.sized.amount_in - step.sized.gas_cost;
        }
        assert_eq!(net * costs.wei, plan.net_wei);
        // Two of the cycles in either order with every amount.
        let mut best = U256::ZERO;
        for (a, b) in [(0, 1), (1, 0)] {
            for x in (0..150u64).step_by(3) {
                for y in (0..150u64).step_by(3) {
                    let wanted = [(cycles[a], U256::from(x)), (cycles[b], U256::from(y))];
                    best = best.max(in_sequence(&pools, &wanted, &prices).map(|plan| plan.net_wei).unwrap_or_default());
                }
            }
        }
        let two = joint::solve(&pools, &cycles[..2], &prices);
        assert!(two.net_wei + U256::from(2) * costs.wei + (best >> 5) >= best, "{} of {best}", two.net_wei);
        shared_out += usize::from(plan.steps.len() > 1);
        let bound = dual::upper_bound(&pools, pools.ids(), pools.token_id(address(1)).unwrap()).unwrap();
        assert!(plan.net_wei <= bound.at_most * costs.wei && best <= bound.at_most * costs.wei);
    }
    assert!(shared_out > 4, "{shared_out}");
}

#[test]
fn a_lone_cycle_earns_what_the_bound_says() {
    let mut random = Seeded(12);
    let mut near = 0;
    for _ in 0..200 {
        let mut reserve = |bits: u64| random.of_any_size(bits) + (1 << 60);
        let pairs = [0; 3].map(|_| V2Pool::uniswap(reserve(80), reserve(80)));
        let (pools, cycle) = super::ring(&pairs);
        let gross = solve(&pools, &cycle, &Costs::FREE).map(|sized| sized.gross).unwrap_or_default();
        let bound = dual::upper_bound(&pools, pools.ids(), cycle.token).unwrap().at_most;
        assert!(gross <= bound);
        if !gross.is_zero() {
            let loose = bound - gross;
            assert!(loose <= (bound >> 16) + U256::from(1u64 << 20), "{gross} of {bound}");
            near += 1;
        }
    }
    assert!(near > 50, "{near}");
}

#[test]
fn any_prices_bound_and_what_is_not_connected_counts_nothing() {
    let (mut pools, _) = super::ring(&[V2Pool::uniswap(1 << 70, 1 << 70), V2Pool::uniswap(1 << 70, 1 << 71)]);
    let token = pools.token(address(1000));
    let before = dual::upper_bound(&pools, pools.ids(), token).unwrap();
    assert!(before.at_most > U256::ZERO);
    // An island with an arbitrage of its own, which nobody can bring home.
    for (n, reserves) in [(50, (1 << 60, 1 << 70)), (51, (1 << 60, 1 << 60))] {
        let pair = AnyPool::V2(V2Pool::uniswap(reserves.0, reserves.1));
        pools.add(PoolKey::from(address(n)), &[address(7), address(8)], pair);
    }
    let after = dual::upper_bound(&pools, pools.ids(), token).unwrap();
    assert!(after.at_most.abs_diff(before.at_most) <= before.at_most >> 40, "but for how floats add up");
    assert_eq!(dual::upper_bound(&pools, [], token).unwrap().at_most, U256::ZERO);
}

#[test]
fn with_ticks_the_bound_is_above_what_is_found_and_near_it() {
    let mut random = Seeded(13);
    let mut near = 0;
    for _ in 0..300 {
        let (pools, cycle) = super::ring_of(&super::mixed(&mut random));
        let Some(sized) = solve(&pools, &cycle, &Costs::FREE) else { continue };
        let bound = dual::upper_bound(&pools, pools.ids(), cycle.token).unwrap().at_most;
        assert!(sized.gross <= bound, "{} of at most {bound}", sized.gross);
        // Amounts are small here: each hop rounds a unit away, which is worth up to e^1.5.
        near += usize::from(bound - sized.gross <= U256::from(20) + (bound >> 10));
        let plan = greedy(&pools, &[cycle], &|_| Some(Costs::FREE));
        assert!(plan.net_wei <= bound);
    }
    assert!(near > 150, "{near}");
}
