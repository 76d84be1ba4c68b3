//! The graph's searches beside a naive enumeration of every cycle, on small random graphs that change.
#[path = "chain_support/seeded.rs"]
mod seeded;

use _core::searcher::cycle::{Cycle, Hop};
use _core::searcher::graph::{Bases, Found, FoundCycle, Graph, Scan, Search, Want};
use _core::searcher::pools::{PoolId, Side, TokenId};
use seeded::Seeded;

/// A pool as the model knows it: its tokens and the price of each side.
#[derive(Clone)]
struct Model {
    tokens: Vec<TokenId>,
    prices: Vec<f64>,
    live: bool,
}

impl Model {
    fn price(&self, side: Side) -> f64 {
        let at = usize::from(side.from) * self.tokens.len() + usize::from(side.to);
        if self.live { self.prices[at] } else { 0.0 }
    }

    fn sides(&self) -> impl Iterator<Item = Side> {
        let n = self.tokens.len() as u8;
        (0..n).flat_map(move |from| (0..n).filter(move |&to| to != from).map(move |to| Side { from, to }))
    }

    fn token(&self, place: u8) -> TokenId {
        self.tokens[usize::from(place)]
    }
}

/// Prices around fair ones: the log price of a side is fair, give or take `noise`, less a fee of `0.1 * noise`.
fn prices(random: &mut Seeded, tokens: &[TokenId], noise: f64) -> Vec<f64> {
    let mut one = || random.below(1 << 30) as f64 / f64::from(1 << 30);
    let mut all = Vec::new();
    for from in tokens {
        for to in tokens {
            let fair = (f64::from(from.0) - f64::from(to.0)) * 7.0;
            all.push((fair + noise * (2.0 * one() - 1.1)).exp());
        }
    }
    all
}

fn pool(random: &mut Seeded, tokens: u64, noise: f64) -> Model {
    let size = if random.below(4) == 0 { 3 + random.below(2) } else { 2 };
    let mut of = Vec::new();
    while of.len() < size.min(tokens) as usize {
        let token = TokenId((random.below(tokens) * random.below(tokens + 1) / tokens) as u32); // low numbers more often
        if !of.contains(&token) {
            of.push(token);
        }
    }
    let prices = prices(random, &of, noise);
    Model { tokens: of, prices, live: true }
}

/// Every closed walk of at most `max` hops that has no token twice and, unless `again`, no pool twice; each from each of
/// its tokens.
fn walks(models: &[Model], max: usize, again: bool, on: &mut impl FnMut(TokenId, &[Hop], f64)) {
    fn go(
        models: &[Model],
        max: usize,
        again: bool,
        at: &mut Vec<(TokenId, f64)>,
        hops: &mut Vec<Hop>,
        on: &mut impl FnMut(TokenId, &[Hop], f64),
    ) {
        let (start, last) = (at[0].0, at[at.len() - 1].0);
        for (n, model) in models.iter().enumerate() {
            let pool = PoolId(n as u32);
            if !again && hops.iter().any(|h| h.pool == pool) {
                continue;
            }
            for side in model.sides().filter(|s| model.token(s.from) == last) {
                let (to, price) = (model.token(side.to), model.price(side));
                if price <= 0.0 {
                    continue;
                }
                hops.push(Hop { pool, side });
                let sum = at[at.len() - 1].1 + price.ln();
                if to == start {
                    on(start, hops, sum);
                } else if hops.len() < max && at.iter().all(|&(t, _)| t != to) {
                    at.push((to, sum));
                    go(models, max, again, at, hops, on);
                    at.pop();
                }
                hops.pop();
            }
        }
    }
    let top = models.iter().flat_map(|m| &m.tokens).max().map_or(0, |t| t.0);
    for token in 0..=top {
        go(models, max, again, &mut vec![(TokenId(token), 0.0)], &mut Vec::new(), on);
    }
}

fn naive(models: &[Model], touched: &[PoolId], want: &Want) -> Found {
    let mut cycles = Vec::new();
    walks(models, want.max_hops, false, &mut |token, hops, log_gain| {
        let tokens: Vec<_> = hops.iter().map(|h| models[h.pool.0 as usize].token(h.side.from)).collect();
        let (Bases::Only(list) | Bases::Prefer(list)) = want.bases;
        let base = list.iter().find(|b| tokens.contains(b)).copied();
        let start = match want.bases {
            Bases::Only(_) => base,
            Bases::Prefer(_) => base.or(tokens.iter().min().copied()),
        };
        if start == Some(token) && log_gain > want.min_log_gain && hops.iter().any(|h| touched.contains(&h.pool)) {
            cycles.push(FoundCycle { cycle: Cycle::new(token, hops).expect("at least one"), log_gain });
        }
    });
    cycles.sort_by(FoundCycle::rank);
    let truncated = cycles.len() > want.max_cycles;
    cycles.truncate(want.max_cycles);
    Found { cycles, truncated }
}

fn cases(usual: u64) -> u64 {
    std::env::var("SEARCHER_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn cycles_through_touched_pools_are_those_of_a_naive_enumeration() {
    let mut random = Seeded(11);
    let (mut search, mut found) = (Search::new(), Found::default());
    let (mut given, mut truncated, mut with_ways) = (0, 0, 0);
    for case in 0..cases(400) {
        let tokens = 2 + random.below(11);
        let most = [20, 40][random.below(2) as usize];
        let noise = [0.02, 0.3, 1.0][random.below(3) as usize];
        let mut graph = Graph::with_hub_degree(random.below(4) as usize);
        let mut models: Vec<Model> = Vec::new();
        for step in 0..12 + random.below(most) {
            let at = random.below(models.len() as u64 + 1) as usize;
            match random.below(if models.len() < 8 { 1 } else { 7 }) {
                0..=2 if models.len() < most as usize => models.push(pool(&mut random, tokens, noise)),
                3 if at < models.len() => models[at].live = !models[at].live,
                _ if at < models.len() => {
                    // Away and, as after a reorg, back: only the last price may count.
                    let before = models[at].prices.clone();
                    models[at].prices = prices(&mut random, &models[at].tokens, noise);
                    if random.below(3) == 0 {
                        graph.set_prices(PoolId(at as u32), &models[at].tokens, |side| models[at].price(side));
                        models[at].prices = before;
                    }
                }
                _ => continue,
            }
            let at = at.min(models.len() - 1);
            for n in [at, models.len() - 1] {
                graph.set_prices(PoolId(n as u32), &models[n].tokens, |side| models[n].price(side));
            }
            let touched: Vec<_> = (0..random.below(4)).map(|_| PoolId(random.below(most + 4) as u32)).collect();
            let list = [TokenId(random.below(tokens) as u32), TokenId(0)];
            let bases = match random.below(3) {
                0 => Bases::ANY,
                1 => Bases::Prefer(&list),
                _ => Bases::Only(&list),
            };
            let max_cycles = [1, 5, 40, 1_000_000][random.below(4) as usize];
            let min_log_gain = [0.0, 0.05, -0.2][random.below(3) as usize];
            let want = Want { min_log_gain, max_hops: 2 + random.below(3) as usize, max_cycles, bases };
            graph.cycles_through(&touched, &want, &mut search, &mut found);
            let oracle = naive(&models, &touched, &want);
            assert_eq!(found.cycles, oracle.cycles, "case {case}, step {step}, {touched:?}, {want:?}");
            assert_eq!(found.truncated, oracle.truncated, "case {case}, step {step}");
            given += found.cycles.len();
            truncated += usize::from(found.truncated);
        }
        with_ways += usize::from(graph.way_count() > 0);
    }
    println!("{given} cycles, {truncated} answers truncated, {with_ways} graphs with ways");
    assert!(given > 1_000 && truncated > 100 && with_ways > 50);
}

#[test]
fn a_scan_finds_a_ring_wherever_there_is_one() {
    let mut random = Seeded(12);
    let mut scan = Scan::new();
    let (mut with, mut without, mut long) = (0, 0, 0);
    for case in 0..cases(1_000) {
        let tokens = 2 + random.below(5);
        let noise = [0.02, 0.3][random.below(2) as usize];
        let mut models: Vec<_> = (0..1 + random.below(10)).map(|_| pool(&mut random, tokens, noise)).collect();
        if random.below(2) == 0 {
            // Fees that eat what noise gives, and a ring over all tokens that pays a little, or costs it.
            for price in models.iter_mut().flat_map(|m| &mut m.prices) {
                *price *= (-2.2 * noise).exp();
            }
            let pays = if random.below(2) == 0 { 0.003 } else { -0.003 };
            models.extend((0..tokens as u32).map(|t| {
                let of = vec![TokenId(t), TokenId((t + 1) % tokens as u32)];
                let mut prices = prices(&mut random, &of, 0.0);
                prices[1] *= f64::exp(pays);
                prices[2] *= f64::exp(-0.01);
                Model { tokens: of, prices, live: true }
            }));
        }
        let mut graph = Graph::new();
        for change in 0..3 {
            for (n, model) in models.iter().enumerate() {
                graph.set_prices(PoolId(n as u32), &model.tokens, |side| model.price(side));
            }
            let max_rings = [1, 3, 1_000][random.below(3) as usize];
            let scanned = graph.scan(1e-6, max_rings, &mut scan);
            let taken: Vec<_> = scanned.rings.iter().flat_map(|r| &r.hops).collect();
            assert!(taken.iter().enumerate().all(|(n, hop)| !taken[..n].contains(hop)), "case {case}: a side twice");
            let mut rings = 0;
            let mut matched = 0;
            walks(&models, 6, true, &mut |token, hops, log_gain| {
                matched += scanned.rings.iter().filter(|r| r.token == token && r.hops == hops).count();
                if log_gain > 1e-6 * hops.len() as f64 {
                    rings += 1;
                    let met = hops.iter().any(|h| taken.contains(&h));
                    assert!(met || !scanned.complete, "case {case}.{change}: {hops:?} missed, {log_gain}");
                }
            });
            assert_eq!(matched, scanned.rings.len(), "case {case}: a ring that is no walk");
            assert!(scanned.rings.iter().all(|r| r.log_gain > 1e-6 * r.hops.len() as f64));
            assert_eq!(rings > 0, !scanned.rings.is_empty(), "case {case}.{change}: {rings} rings");
            assert!(scanned.complete || scanned.rings.len() == max_rings);
            long += scanned.rings.iter().filter(|r| r.hops.len() > 4).count();
            with += usize::from(rings > 0);
            without += usize::from(rings == 0);
            let n = random.below(models.len() as u64) as usize;
            models[n].prices = prices(&mut random, &models[n].tokens, noise);
        }
    }
    println!("{with} graphs with rings, {without} without, {long} rings longer than four hops");
    assert!(with > 100 && without > 100 && long > 5);
}
