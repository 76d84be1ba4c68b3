//! Cycles through touched pools.
//!
//! A cycle through a pool from `u` to `v` is a way back from `v` to `u` of one to three legs. From a token that is no hub
//! the search walks over its few neighbours; between hubs it reads the tops of [`Ways`](super::ways::Ways) and the hubs'
//! own mesh. So its time depends on what it finds, and hardly on how many pools there are.
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Graph;
use super::found::{Found, FoundCycle, Keep, Want};
use super::net::{Edge, NONE};
use crate::searcher::cycle::{Cycle, Hop, MAX_HOPS};
use crate::searcher::pools::{PoolId, TokenId};

/// Sums of the same log prices in another order differ by less: bounds must not cut what they equal.
const ROUNDING: f64 = 1e-9;

/// A place in a heap of ways, by the way's price.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    log_price: f64,
    at: usize,
}

impl Ord for Ahead {
    fn cmp(&self, other: &Ahead) -> Ordering {
        self.log_price.total_cmp(&other.log_price).then(other.at.cmp(&self.at))
    }
}

impl PartialOrd for Ahead {
    fn partial_cmp(&self, other: &Ahead) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ahead {
    fn eq(&self, other: &Ahead) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ahead {}

/// The memory of a search, kept between searches so that they allocate nothing. One a thread.
#[derive(Clone, Debug, Default)]
pub struct Search {
    keep: Keep,
    ahead: BinaryHeap<Ahead>,
    /// By pool: when it was touched in this search, counted over all searches.
    touched: Vec<u64>,
    clock: u64,
}

impl Search {
    /// Memory for searches; it grows at the first ones.
    #[must_use]
    pub fn new() -> Search {
        Search::default()
    }
}

/// The search for ways back from one touched edge.
struct Back<'a> {
    graph: &'a Graph,
    search: &'a mut Search,
    want: &'a Want<'a>,
    edge: Edge,
    from: u32,
    /// Pools touched before this time in this search have given their cycles already.
    began: u64,
    now: u64,
}

impl Graph {
    /// All cycles of two to `want.max_hops` hops through at least one of the pools whose log gain is more than
    /// `want.min_log_gain`, each once: no pool and no token is in it twice; the same pools in the other direction are
    /// another cycle. Where there are more than `want.max_cycles`, the first of the order, and [`Found::truncated`].
    ///
    /// Pools that are not live or not known have no cycles. `out` is overwritten.
    pub fn cycles_through(&self, touched: &[PoolId], want: &Want, search: &mut Search, out: &mut Found) {
        out.cycles.clear();
        out.truncated = false;
        search.touched.resize(self.pool_count().max(search.touched.len()), 0);
        for hops in 2..=want.max_hops.min(MAX_HOPS) {
            search.keep.open(want.max_cycles - out.cycles.len() + 1);
            let began = search.clock + 1;
            for pool in touched.iter().filter(|p| (p.0 as usize) < self.pool_count()) {
                if search.touched[pool.0 as usize] >= began {
                    continue; // named twice
                }
                search.clock += 1;
                let now = search.clock;
                search.touched[pool.0 as usize] = now;
                for (leg, _) in self.net.places(pool.0).flat_map(|n| self.net.place(n).sides()) {
                    let Some(&edge) = self.net.edge_of(leg, pool.0) else { continue };
                    let (from, to) = (self.net.from(leg), self.net.to(leg));
                    let mut back = Back { graph: self, search, want, edge, from, began, now };
                    match hops {
                        2 => back.take(&[leg ^ 1]),
                        3 => back.two(to, from, NONE, edge.log_price, Around { before: NONE, after: NONE }),
                        _ => back.three(to, from),
                    }
                }
            }
            if search.keep.close(&mut out.cycles) {
                out.truncated = true;
                return;
            }
        }
    }
}

/// Legs around a way, [`NONE`] where there is none.
#[derive(Clone, Copy)]
struct Around {
    before: u32,
    after: u32,
}

impl Back<'_> {
    /// What a sum of log prices must reach to be of use.
    fn limit(&self) -> f64 {
        self.want.min_log_gain.max(self.search.keep.floor()) - ROUNDING
    }

    /// Ways of three legs from `a` to `b`.
    fn three(&mut self, a: u32, b: u32) {
        let net = &self.graph.net;
        let sum = self.edge.log_price;
        if !net.is_hub(a) {
            for x in net.near(a).iter().filter(|x| x.token != b) {
                self.two(x.token, b, a, sum + net.best(x.leg), Around { before: x.leg, after: NONE });
            }
        } else if !net.is_hub(b) {
            for y in net.near(b).iter().filter(|y| y.token != a) {
                self.two(a, y.token, b, sum + net.best(y.leg ^ 1), Around { before: NONE, after: y.leg ^ 1 });
            }
        } else {
            self.ready(a, b, true, NONE, sum, Around { before: NONE, after: NONE });
            for x in net.hubs_near(a).iter().filter(|x| x.token != b) {
                self.two(x.token, b, a, sum + net.best(x.leg), Around { before: x.leg, after: NONE });
            }
            for y in net.hubs_near(b).iter().filter(|y| y.token != a) {
                self.ready(
                    a,
                    y.token,
                    false,
                    NONE,
                    sum + net.best(y.leg ^ 1),
                    Around { before: NONE, after: y.leg ^ 1 },
                );
            }
        }
    }

    /// Ways of two legs from `a` to `b` whose middle is not `but`. `sum` is the log price of all other legs.
    fn two(&mut self, a: u32, b: u32, but: u32, sum: f64, around: Around) {
        let net = &self.graph.net;
        if !net.is_hub(a) {
            for x in net.near(a).iter().filter(|x| x.token != b && x.token != but) {
                if let Some(last) = net.leg(x.token, b) {
                    self.way(&[x.leg, last], sum, around);
                }
            }
        } else if !net.is_hub(b) {
            for x in net.near(b).iter().filter(|x| x.token != a && x.token != but) {
                if let Some(first) = net.leg(a, x.token) {
                    self.way(&[first, x.leg ^ 1], sum, around);
                }
            }
        } else {
            self.ready(a, b, false, but, sum, around);
            for (&first, &last) in net.mesh(a).iter().zip(net.mesh(b)) {
                if first != NONE && last != NONE && net.to(first) != but {
                    self.way(&[first, last ^ 1], sum, around);
                }
            }
        }
    }

    /// Ways that are kept ready between two hubs, best first.
    fn ready(&mut self, a: u32, b: u32, three: bool, but: u32, sum: f64, around: Around) {
        let Graph { net, ways } = self.graph;
        let heap = ways.heap(a, b, three);
        self.search.ahead.clear();
        let mut children = 0..1;
        loop {
            for at in children {
                if let Some(way) = heap.get(at).filter(|w| sum + w.log_price >= self.limit()) {
                    self.search.ahead.push(Ahead { log_price: way.log_price, at });
                }
            }
            let Some(Ahead { log_price, at }) = self.search.ahead.pop() else { return };
            if sum + log_price < self.limit() {
                return;
            }
            let legs = ways.legs(heap[at]);
            if net.to(legs[0]) != but {
                self.way(if three { &legs } else { &legs[..2] }, sum, around);
            }
            children = 2 * at + 1..2 * at + 3;
        }
    }

    /// A way and what is around it: a cycle, if its legs' best prices are good enough.
    fn way(&mut self, legs: &[u32], sum: f64, around: Around) {
        let net = &self.graph.net;
        if sum + legs.iter().map(|&l| net.best(l)).sum::<f64>() < self.limit() {
            return;
        }
        let mut all = [NONE; MAX_HOPS];
        let mut len = 0;
        let sides = [around.before, around.after];
        for &leg in sides[..1].iter().chain(legs).chain(&sides[1..]).filter(|&&l| l != NONE) {
            all[len] = leg;
            len += 1;
        }
        self.take(&all[..len]);
    }

    /// All choices of pools on the way back.
    fn take(&mut self, legs: &[u32]) {
        let mut rest = [0.0; MAX_HOPS];
        for n in (0..legs.len()).rev() {
            rest[n] = rest[n + 1] + self.graph.net.best(legs[n]);
        }
        let mut chosen = [self.edge; MAX_HOPS];
        self.choose(legs, &rest, 1, self.edge.log_price, &mut chosen);
    }

    fn choose(&mut self, legs: &[u32], rest: &[f64], n: usize, sum: f64, chosen: &mut [Edge; MAX_HOPS]) {
        if n > legs.len() {
            self.give(legs, &chosen[..n]);
            return;
        }
        let net = &self.graph.net;
        for edge in net.edges(legs[n - 1]) {
            if sum + edge.log_price + rest[n] < self.limit() {
                return;
            }
            let at = self.search.touched[edge.pool as usize];
            let given = at >= self.began && at < self.now;
            if !given && chosen[..n].iter().all(|c| c.pool != edge.pool) {
                chosen[n] = *edge;
                self.choose(legs, rest, n + 1, sum + edge.log_price, chosen);
            }
        }
    }

    fn give(&mut self, legs: &[u32], chosen: &[Edge]) {
        let mut tokens = [self.from; MAX_HOPS];
        for (token, &leg) in tokens[1..].iter_mut().zip(legs) {
            *token = self.graph.net.from(leg);
        }
        let len = chosen.len();
        let Some(start) = self.want.bases.start(&tokens[..len]) else { return };
        let mut hops = [Hop { pool: PoolId(self.edge.pool), side: self.edge.side }; MAX_HOPS];
        let mut log_gain = 0.0;
        for (n, hop) in hops[..len].iter_mut().enumerate() {
            let edge = chosen[(start + n) % len];
            *hop = Hop { pool: PoolId(edge.pool), side: edge.side };
            log_gain += edge.log_price;
        }
        if let Some(cycle) = Cycle::new(TokenId(tokens[start]), &hops[..len])
            && log_gain > self.want.min_log_gain
        {
            self.search.keep.offer(FoundCycle { cycle, log_gain });
        }
    }
}
