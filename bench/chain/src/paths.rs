//! Sizing: how many cycles of two and three hops a core solves in a second.
use std::hint::black_box;

use _core::searcher::cycle::Cycle;
use _core::searcher::graph::{Found, Graph, Search, Want};
use _core::searcher::pools::{PoolId, Pools};
use _core::searcher::size::{Costs, solve};

use crate::chain_support::Seeded;
use crate::race::{Contender, Row, race};
use crate::synthetic::{Market, shift};

/// Profitable cycles of a synthetic market, as many of two hops as of three.
fn cycles(of_each: usize) -> (Pools, Vec<Cycle>) {
    let mut random = Seeded(3);
    let mut pools = Market { pools: 5_000, noise_ppm: 2_500 }.pools(&mut random);
    for n in 0..250 {
        shift(&mut pools, PoolId(n * 20), 20, &mut random);
    }
    let graph = Graph::of(&pools);
    let touched: Vec<_> = (0..250).map(|n| PoolId(n * 20)).collect();
    let (mut found, want) = (Found::default(), Want { max_cycles: 100_000, max_hops: 3, ..Want::default() });
    graph.cycles_through(&touched, &want, &mut Search::new(), &mut found);
    let mut all = Vec::new();
    for hops in [2, 3] {
        let mut of = found.cycles.iter().filter(|c| c.cycle.hops().len() == hops).map(|c| c.cycle).collect::<Vec<_>>();
        of.retain(|cycle| solve(&pools, cycle, &Costs::FREE).is_some());
        assert!(!of.is_empty(), "no cycle of {hops} hops");
        all.extend((0..of_each).map(|_| of[random.below(of.len() as u64) as usize]));
    }
    (pools, all)
}

pub fn all(rounds: usize, rows: &mut Vec<Row>) {
    let (pools, cycles) = cycles(256);
    let each = cycles.len() as u64;
    let work = || {
        for cycle in &cycles {
            black_box(solve(black_box(&pools), black_box(cycle), &Costs::FREE));
        }
    };
    let mut contenders = vec![Contender { name: "ours, size::solve, with its proof", each, work: Box::new(work) }];
    #[cfg(feature = "peers")]
    {
        use _core::searcher::pools::AnyPool;
        use alloy_primitives::U256;
        use degenbot_math::v2::IntHopState;
        use degenbot_solvers::mobius_int_exact::exact_mobius_solve;
        let theirs: Vec<Vec<IntHopState>> = cycles
            .iter()
            .map(|cycle| {
                let hop = |hop: &_core::searcher::cycle::Hop| {
                    let AnyPool::V2(pool) = pools.get(hop.pool) else { panic!("the market is of V2 pools") };
                    let [from, to] = [hop.side.from, hop.side.to].map(|n| U256::from(pool.reserves[usize::from(n)]));
                    IntHopState::new(from, to, 997, 1000)
                };
                cycle.hops().iter().map(hop).collect()
            })
            .collect();
        let (mut less, mut more) = (0, 0);
        for (cycle, theirs) in cycles.iter().zip(&theirs) {
            let ours = solve(&pools, cycle, &Costs::FREE).expect("kept because it has a size").gross;
            let other = exact_mobius_solve(theirs).expect("hops").profit;
            less += u32::from(ours < other);
            more += u32::from(ours > other);
        }
        println!("sizes: of {each} cycles ours earns more in {more}, less in {less}, the same in the others");
        let work = move || {
            for path in &theirs {
                let _ = black_box(exact_mobius_solve(black_box(path)));
            }
        };
        contenders.push(Contender { name: "degenbot-solvers, exact_mobius_solve", each, work: Box::new(work) });
    }
    let mut row = race("one path solved (half of two, half of three hops)", "1 M a second", rounds, contenders);
    row.notes.push(("ours, solved in a second", 1e9 / row.times[0].median));
    rows.push(row);
}
