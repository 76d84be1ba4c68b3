//! The graph at three sizes: a touched pool's cycles, an update, a whole scan, and what it takes in memory.
use std::time::Instant;

use _core::searcher::graph::{Found, Graph, Scan, Search, Want};
use _core::searcher::pools::{PoolId, Pools};

use crate::chain_support::Seeded;
use crate::race::{Row, Times};
use crate::synthetic::{Market, shift};

/// Resident memory in bytes, where the system says so.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|s| s.split(' ').nth(1).and_then(|n| n.parse::<f64>().ok()));
    pages.unwrap_or(f64::NAN) * 4096.0
}

fn timed<T>(into: &mut Vec<f64>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    into.push(start.elapsed().as_nanos() as f64);
    done
}

/// Moves each pool by one percent, searches, and moves it back.
fn touch(graph: &mut Graph, pools: &mut Pools, touched: &[PoolId], max_cycles: usize) -> (Vec<f64>, Vec<f64>, f64) {
    let (mut search, mut found, mut random) = (Search::new(), Found::default(), Seeded(5));
    let want = Want { max_cycles, ..Want::default() };
    let (mut searches, mut updates, mut given) = (Vec::new(), Vec::new(), 0);
    for &id in touched {
        let before = pools.get(id).clone();
        shift(pools, id, 100, &mut random);
        timed(&mut updates, || graph.update(pools, id));
        timed(&mut searches, || graph.cycles_through(&[id], &want, &mut search, &mut found));
        given += found.cycles.len();
        *pools.get_mut(id) = before;
        graph.update(pools, id);
    }
    (searches, updates, given as f64 / touched.len() as f64)
}

pub fn all(rounds: usize, rows: &mut Vec<Row>) {
    for count in [1_000, 10_000, 100_000] {
        let mut random = Seeded(4);
        let before = resident();
        let mut pools = Market { pools: count, noise_ppm: 2_500 }.pools(&mut random);
        let with_pools = resident();
        let mut build = Vec::new();
        let mut graph = timed(&mut build, || Graph::of(&pools));
        let with_graph = resident();
        let great = |id: &PoolId| pools.tokens(*id).iter().all(|token| token.0 < 5);
        let between: Vec<_> = pools.ids().filter(great).take(10 * rounds).collect();
        let any: Vec<_> = (0..10 * rounds).map(|_| PoolId(random.below(count as u64) as u32)).collect();

        for (where_, touched) in [("any pool", &any), ("a pool between great hubs", &between)] {
            for max_cycles in [16, 256] {
                let (searches, updates, given) = touch(&mut graph, &mut pools, touched, max_cycles);
                rows.push(Row {
                    what: format!("{where_} touched of {count}: the first {max_cycles} cycles up to four hops"),
                    aim: "flat",
                    times: vec![Times::of("cycles_through", searches), Times::of("update", updates)],
                    notes: vec![("cycles given", given)],
                });
            }
        }
        let (mut scan, mut cold, mut warm) = (Scan::new(), Vec::new(), Vec::new());
        timed(&mut cold, || graph.scan(1e-6, 64, &mut scan));
        for n in 0..20 {
            shift(&mut pools, any[n], 1_000, &mut random);
            graph.update(&pools, any[n]);
            timed(&mut warm, || graph.scan(1e-6, 64, &mut scan));
        }
        rows.push(Row {
            what: format!("{count} pools as a graph"),
            aim: if count == 100_000 { "below 500 MB" } else { "" },
            times: vec![
                Times::of("whole scan, potentials kept", warm),
                Times::of("whole scan, the first", cold),
                Times::of("built", build),
            ],
            notes: vec![
                ("MB of pools", (with_pools - before) / 1e6),
                ("MB of graph", (with_graph - with_pools) / 1e6),
                ("MB resident", resident() / 1e6),
                ("tokens", pools.token_count() as f64),
                ("links", graph.link_count() as f64),
                ("hubs", graph.hub_count() as f64),
                ("ways kept ready", graph.way_count() as f64),
            ],
        });
    }
}
