//! How far what is found stays from the best possible: plans over cycles beside the convex dual bound, on random networks
//! of 10 to 10,000 pools.
//!
//! `cargo test --release --test chain_size_gaps -- --ignored --nocapture` prints a line of JSON for each network (or writes
//! them to `$SEARCHER_GAPS`); `python -m bench.gaps FILE` draws them.
use std::collections::HashMap;
use std::io::Write;

use _core::searcher::cycle::{Cycle, Hop};
use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::{AnyPool, Pool, PoolId, PoolKey, Pools, Side, TokenId};
use _core::searcher::size::{Costs, View, dual, joint, solve};
use alloy_primitives::{Address, U256};

/// SplitMix64 (Steele et al. 2014).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal, of variance 1: the sum of twelve uniform ones.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.part()).sum::<f64>() - 6.0
    }
}

fn address(n: usize) -> Address {
    Address::left_padding_from(&n.to_be_bytes())
}

struct Token {
    /// Smallest units in one.
    unit: f64,
    /// ETH for one.
    price: f64,
}

/// A network as on mainnet: few hubs with many deep pools between them, and tokens that have one to four pools with hubs,
/// mostly with WETH (token 0). Prices differ by a fraction of the fee, a few by much more.
fn network(random: &mut Seeded, count: usize) -> Pools {
    let mut pools = Pools::default();
    let mut tokens = vec![
        Token { unit: 1e18, price: 1.0 },
        Token { unit: 1e6, price: 1.0 / 3000.0 },
        Token { unit: 1e6, price: 1.0 / 3000.0 },
        Token { unit: 1e18, price: 1.0 / 3000.0 },
        Token { unit: 1e8, price: 20.0 },
    ];
    let hubs = tokens.len();
    let mut add = |random: &mut Seeded, tokens: &[Token], [a, b]: [usize; 2], depth_eth: f64| {
        let spread = if random.below(20) == 0 { 0.03 } else { 0.0015 };
        let skew = (random.normal() * spread).exp();
        let reserve = |n: usize, skew: f64| (depth_eth / tokens[n].price * tokens[n].unit * skew).max(1e4) as u128;
        let fees = [(997, 1000), (997, 1000), (9975, 10_000)];
        let (fee, fee_den) = fees[random.below(3)];
        let reserves = if a < b { [reserve(a, 1.0), reserve(b, skew)] } else { [reserve(b, skew), reserve(a, 1.0)] };
        let pair = V2Pool { reserves, fee_num: [fee, fee], fee_den };
        let key = PoolKey::from(address(1_000_000 + pools.len()));
        pools.add(key, &[address(1 + a.min(b)), address(1 + a.max(b))], AnyPool::V2(pair));
        pools.len()
    };
    let mut made = 0;
    while made < count {
        if made < 4 || made < count / 25 {
            let a = random.below(hubs);
            let b = (a + 1 + random.below(hubs - 1)) % hubs;
            let depth = (6.0 + random.normal()).exp();
            made = add(random, &tokens, [a, b], depth);
            continue;
        }
        let new = tokens.len();
        let unit = [1e18, 1e18, 1e18, 1e9, 1e6][random.below(5)];
        tokens.push(Token { unit, price: (random.normal() * 3.0 - 7.0).exp() });
        let depth = (3.0 + random.normal() * 1.5).exp();
        for _ in 0..[1, 2, 2, 3, 4][random.below(5)] {
            if made < count {
                let hub = [0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4][random.below(11)];
                let share = 0.1 + random.part();
                made = add(random, &tokens, [new, hub], depth * share);
            }
        }
    }
    pools
}

/// Cycles of up to `hops` hops whose prices multiply to more than 1. Each starts at its token with most pools; of the
/// pools between two tokens the four with the best prices are looked at.
struct Walks {
    at: Vec<Vec<(PoolId, Side, TokenId, f64)>>,
    rank: Vec<usize>,
    hops: usize,
    found: Vec<Cycle>,
}

const BESIDE: usize = 4;

impl Walks {
    fn cycles(pools: &Pools, state: &impl View, hops: usize) -> Vec<Cycle> {
        let mut at = vec![Vec::new(); pools.token_count()];
        for id in pools.ids() {
            let &[a, b] = pools.tokens(id) else { continue };
            for (from, to, side) in [(a, b, Side::ZERO_FOR_ONE), (b, a, Side::ONE_FOR_ZERO)] {
                at[from.0 as usize].push((id, side, to, state.pool(id).spot_price(side)));
            }
        }
        let mut order: Vec<usize> = (0..at.len()).collect();
        order.sort_by_key(|&n| std::cmp::Reverse(at[n].len()));
        let mut rank = vec![0; at.len()];
        for (n, &token) in order.iter().enumerate() {
            rank[token] = n;
        }
        for out in &mut at {
            out.sort_by(|a, b| a.2.cmp(&b.2).then(b.3.total_cmp(&a.3)));
            let mut beside = (TokenId(u32::MAX), 0);
            out.retain(|&(_, _, to, _)| {
                beside = if beside.0 == to { (to, beside.1 + 1) } else { (to, 1) };
                beside.1 <= BESIDE
            });
        }
        let mut walks = Walks { at, rank, hops, found: Vec::new() };
        for start in order {
            let first = TokenId(start as u32);
            // Hops back to the start, so as to go nowhere from where there is no way back.
            let mut far = vec![usize::MAX; walks.at.len()];
            let mut reached = vec![first];
            far[start] = 0;
            let mut n = 0;
            while let Some(&here) = reached.get(n) {
                n += 1;
                for &(_, _, to, _) in &walks.at[here.0 as usize] {
                    let next = far[here.0 as usize] + 1;
                    if far[to.0 as usize] == usize::MAX && next < hops && walks.rank[to.0 as usize] > walks.rank[start]
                    {
                        far[to.0 as usize] = next;
                        reached.push(to);
                    }
                }
            }
            if reached.len() > 1 {
                walks.go(&far, &mut vec![first], &mut Vec::new(), 1.0);
            }
        }
        walks.found
    }

    fn go(&mut self, far: &[usize], tokens: &mut Vec<TokenId>, path: &mut Vec<Hop>, price: f64) {
        let here = tokens[tokens.len() - 1];
        for n in 0..self.at[here.0 as usize].len() {
            let (pool, side, to, rate) = self.at[here.0 as usize][n];
            if path.iter().any(|hop| hop.pool == pool) {
                continue;
            }
            path.push(Hop { pool, side });
            if to == tokens[0] {
                if path.len() > 1 && price * rate > 1.0 {
                    self.found.extend(Cycle::new(to, path));
                }
            } else if far[to.0 as usize] <= self.hops - path.len() && !tokens.contains(&to) {
                tokens.push(to);
                self.go(far, tokens, path, price * rate);
                tokens.pop();
            }
            path.pop();
        }
    }
}

fn float(n: U256) -> f64 {
    n.to_string().parse().expect("digits are a number")
}

/// A price as a ratio of whole numbers.
fn costs(price: f64) -> Costs {
    let units = if price >= 1.0 { 1e9 } else { 1e24 };
    Costs { wei: U256::from((price * units) as u128), units: U256::from(units as u128), ..Costs::FREE }
}

/// The most of `weth` that `amount` of a token buys in up to three hops: the hops, and what comes out.
fn sale(pools: &Pools, token: TokenId, amount: U256, weth: TokenId) -> Option<(Vec<Hop>, U256)> {
    let mut best: HashMap<TokenId, (U256, Vec<Hop>)> = HashMap::from([(token, (amount, Vec::new()))]);
    for _ in 0..3 {
        let before = best.clone();
        for id in pools.ids() {
            let &[a, b] = pools.tokens(id) else { continue };
            for (from, to, side) in [(a, b, Side::ZERO_FOR_ONE), (b, a, Side::ONE_FOR_ZERO)] {
                let Some((amount, path)) = before.get(&from) else { continue };
                let Ok(out) = pools.get(id).quote_in(side, *amount) else { continue };
                let new = !path.iter().any(|hop| hop.pool == id);
                if to != token && new && best.get(&to).is_none_or(|(known, _)| *known < out) {
                    best.insert(to, (out, [path.as_slice(), &[Hop { pool: id, side }]].concat()));
                }
            }
        }
    }
    best.remove(&weth).map(|(out, path)| (path, out))
}

/// One network: what is found and what is possible, in wei.
fn gap(seed: u64, count: usize, hops: usize) -> serde_json::Value {
    let mut pools = network(&mut Seeded(seed), count);
    let weth = pools.token(address(1));
    let clock = std::time::Instant::now();
    let bound = dual::upper_bound(&pools, pools.ids(), weth).expect("pairs alone");
    let bound_ms = clock.elapsed().as_secs_f64() * 1e3;
    let known: HashMap<TokenId, f64> = bound.prices.iter().copied().collect();
    let prices = |token: TokenId| known.get(&token).filter(|&&price| price > 0.0).map(|&price| costs(price));
    let clock = std::time::Instant::now();
    let mut after = pools.clone();
    let mut surplus: HashMap<TokenId, U256> = HashMap::new();
    let (mut looked_at, mut steps, mut worth) = (0, 0, U256::ZERO);
    for round in 0..8 {
        let cycles = Walks::cycles(&pools, &after, hops);
        let plan = if round == 0 {
            joint::solve_towards(&after, &cycles, &prices, &bound.trades)
        } else {
            joint::greedy(&after, &cycles, &prices)
        };
        if round == 0 {
            looked_at = cycles.len();
            let single =
                cycles.iter().filter_map(|c| prices(c.token)?.worth(solve(&pools, c, &prices(c.token)?)?.net)).max();
            let greedy = joint::greedy(&pools, &cycles, &prices);
            assert!(single.unwrap_or_default() <= greedy.net_wei && greedy.net_wei <= plan.net_wei);
        }
        // What a plan says is what swapping it through gives.
        for step in &plan.steps {
            let mut amount = step.sized.amount_in;
            for hop in step.cycle.hops() {
                amount = after.get_mut(hop.pool).apply(hop.side, amount).expect("a planned step swaps");
            }
            assert_eq!(amount, step.sized.amount_out);
            *surplus.entry(step.cycle.token).or_default() += amount - step.sized.amount_in;
        }
        steps += plan.steps.len();
        worth += plan.net_wei;
        if plan.net_wei <= worth >> 12 {
            break;
        }
    }
    // Profits in other tokens are sold for WETH.
    let mut found = surplus.remove(&weth).unwrap_or_default();
    for (token, amount) in surplus {
        if let Some((path, out)) = sale(&after, token, amount, weth) {
            let swap = |amount: U256, hop: &Hop| after.get_mut(hop.pool).apply(hop.side, amount).expect("as quoted");
            assert_eq!(path.iter().fold(amount, swap), out);
            found += out;
        }
    }
    let found_ms = clock.elapsed().as_secs_f64() * 1e3;
    assert!(worth <= bound.at_most, "seed {seed} of {count} pools: worth {worth}, at most {}", bound.at_most);
    assert!(found <= bound.at_most, "seed {seed} of {count} pools: {found} is more than {}", bound.at_most);
    let part = if bound.at_most.is_zero() { 0.0 } else { 1.0 - float(found) / float(bound.at_most) };
    serde_json::json!({
        "pools": count, "seed": seed, "cycles": looked_at, "steps": steps, "found_wei": found.to_string(),
        "bound_wei": bound.at_most.to_string(), "gap": part, "found_ms": found_ms, "bound_ms": bound_ms,
    })
}

/// Profits below this are not told apart: a thousandth of what the gas of one swap costs.
const DUST_WEI: f64 = 1e12;

#[test]
fn what_is_found_is_at_most_the_bound_and_mostly_near_it() {
    let part = |seed| {
        let found = gap(seed, 10 + 3 * seed as usize, 4);
        let bound: f64 = found["bound_wei"].as_str()?.parse().ok()?;
        (bound > DUST_WEI).then(|| found["gap"].as_f64()).flatten()
    };
    let mut gaps: Vec<f64> = (0..40).filter_map(part).collect();
    gaps.sort_by(f64::total_cmp);
    assert!(gaps.len() > 30 && gaps[0] >= 0.0, "{gaps:?}");
    assert!(gaps[gaps.len() / 2] < 0.02, "{gaps:?}");
}

#[test]
#[ignore = "minutes; run it to draw the gaps"]
fn gaps_of_10_to_10_000_pools() {
    let mut to: Box<dyn Write> = match std::env::var_os("SEARCHER_GAPS") {
        Some(path) => Box::new(std::fs::File::create(path).expect("a file to write to")),
        None => Box::new(std::io::stdout()),
    };
    for (count, seeds, hops) in
        [(10, 40, 4), (30, 40, 4), (100, 40, 4), (300, 20, 4), (1000, 10, 4), (3000, 5, 4), (10_000, 3, 4)]
    {
        for seed in 0..seeds {
            writeln!(to, "{}", gap(1_000 + seed, count, hops)).expect("written");
        }
    }
}
