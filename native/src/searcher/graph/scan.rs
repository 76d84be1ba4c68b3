//! A profitable cycle of any length, anywhere in the graph: Bellman-Ford over the legs' best pools.
//! Source: Cherkassky and Goldberg, "Negative-cycle detection algorithms", Mathematical Programming 85 (1999): a cycle in the
//! graph of parents is a negative cycle, and where there is a negative cycle the graph of parents has one after finitely many
//! steps. Here a longest path is sought, so that signs are the other way round.
use super::Graph;
use super::net::NONE;
use crate::searcher::cycle::{Cycle, Hop};
use crate::searcher::pools::{PoolId, TokenId};

/// A closed walk of any length that no token is in twice. A pool of more than two tokens may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Ring {
    /// Its token with the smallest number, in which it starts and ends.
    pub token: TokenId,
    /// Its hops.
    pub hops: Vec<Hop>,
    /// The sum of its hops' log prices.
    pub log_gain: f64,
}

impl Ring {
    /// The ring as a cycle; none where it has too many hops or a pool twice.
    #[must_use]
    pub fn cycle(&self) -> Option<Cycle> {
        let twice = self.hops.iter().enumerate().any(|(n, hop)| self.hops[..n].iter().any(|h| h.pool == hop.pool));
        if twice { None } else { Cycle::new(self.token, &self.hops) }
    }
}

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scanned {
    /// Profitable rings, in the order they were found; no two use the same pool in the same direction.
    pub rings: Vec<Ring>,
    /// Whether every profitable ring of the graph uses a pool in the same direction as one of `rings`. If false, the scan
    /// ended at the number of rings it was asked for.
    pub complete: bool,
}

/// The memory of scans. It keeps the potentials of the last one, so that the next on a graph that changed little is quick.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// By token: the log price at which the best known walk arrives. Any values are right, good ones are quick.
    potential: Vec<f64>,
    /// By token: the leg over which it does.
    parent: Vec<u32>,
    /// By leg: how many of its best pools are spent in rings already.
    spent: Vec<u32>,
    queue: Vec<u32>,
    next: Vec<u32>,
    queued: Vec<bool>,
    seen: Vec<u32>,
}

impl Scan {
    /// Memory for scans.
    #[must_use]
    pub fn new() -> Scan {
        Scan::default()
    }
}

impl Graph {
    /// Looks for rings whose log gain is more than `per_hop` times their hops, anywhere and of any length: at least one is
    /// given wherever there is one and `max_rings` is not 0. Then the pools of a ring are set aside in its direction and the
    /// search goes on, until there is none or `max_rings` are found.
    ///
    /// `per_hop` is the smallest log gain of a hop that matters; sums are rounded, so that less than 1e-9 means nothing and is
    /// taken for that, and a ring within 1e-11 a hop of the bound may go either way.
    pub fn scan(&self, per_hop: f64, max_rings: usize, scan: &mut Scan) -> Scanned {
        let mut found = Scanned::default();
        let per_hop = per_hop.max(1e-9);
        scan.open(self);
        while found.rings.len() < max_rings {
            if !scan.settle(self, per_hop, max_rings, &mut found.rings) {
                found.complete = true;
                break;
            }
        }
        found
    }
}

impl Scan {
    fn open(&mut self, graph: &Graph) {
        let (tokens, legs) = (graph.net.token_count(), 2 * graph.net.link_count());
        let cold = self.potential.is_empty();
        self.potential.resize(tokens, 0.0);
        self.parent.resize(tokens, NONE);
        self.queued.resize(tokens, false);
        self.seen.resize(tokens, NONE);
        self.spent.clear();
        self.spent.resize(legs, 0);
        if cold {
            self.guess(graph);
        }
    }

    /// Potentials by the mean of both directions along a tree that starts at hubs: near enough that little is left to do.
    fn guess(&mut self, graph: &Graph) {
        let mut reached = vec![false; self.potential.len()];
        let mut order: Vec<u32> = (0..).take(self.potential.len()).collect();
        order.sort_by_key(|&t| std::cmp::Reverse(graph.net.near(t).len()));
        let mut stack = Vec::new();
        for root in order {
            if std::mem::replace(&mut reached[root as usize], true) {
                continue;
            }
            stack.push(root);
            let mut at = 0;
            while let Some(&token) = stack.get(at) {
                at += 1;
                for near in graph.net.near(token) {
                    let (there, back) = (graph.net.best(near.leg), graph.net.best(near.leg ^ 1));
                    if there.is_finite()
                        && back.is_finite()
                        && !std::mem::replace(&mut reached[near.token as usize], true)
                    {
                        self.potential[near.token as usize] = self.potential[token as usize] + (there - back) / 2.0;
                        stack.push(near.token);
                    }
                }
            }
            stack.clear();
        }
    }

    fn price(&self, graph: &Graph, leg: u32) -> f64 {
        match self.spent[leg as usize] as usize {
            0 => graph.net.best(leg), // in one array: what a scan reads most
            spent => graph.net.edges(leg).get(spent).map_or(f64::NEG_INFINITY, |e| e.log_price),
        }
    }

    /// Raises a leg's end to what its start and price say; gives whether it did.
    fn relax(&mut self, graph: &Graph, per_hop: f64, leg: u32) -> bool {
        let (from, to) = (graph.net.from(leg) as usize, graph.net.to(leg));
        let there = self.potential[from] - per_hop + self.price(graph, leg);
        // What rounding alone raises would never end.
        if there <= self.potential[to as usize] + 1e-12 {
            return false;
        }
        self.potential[to as usize] = there;
        self.parent[to as usize] = leg;
        if !std::mem::replace(&mut self.queued[to as usize], true) {
            self.next.push(to);
        }
        true
    }

    /// Raises potentials until none can be raised (then there is no ring, and it gives false) or the parents hold rings
    /// (which it takes, and gives true).
    fn settle(&mut self, graph: &Graph, per_hop: f64, max_rings: usize, rings: &mut Vec<Ring>) -> bool {
        self.parent.fill(NONE);
        self.queued.fill(false);
        self.next.clear();
        // All legs once, in the order of memory; then those of tokens that were raised.
        let mut raised = false;
        for leg in (0..).take(self.spent.len()) {
            raised |= self.relax(graph, per_hop, leg);
        }
        while raised {
            if self.take_rings(graph, per_hop, max_rings, rings) {
                return true;
            }
            std::mem::swap(&mut self.queue, &mut self.next);
            self.next.clear();
            raised = false;
            for n in 0..self.queue.len() {
                let token = self.queue[n];
                self.queued[token as usize] = false;
                for near in graph.net.near(token) {
                    raised |= self.relax(graph, per_hop, near.leg);
                }
            }
        }
        false
    }

    /// Takes the rings among the parents.
    fn take_rings(&mut self, graph: &Graph, per_hop: f64, max_rings: usize, rings: &mut Vec<Ring>) -> bool {
        self.seen.fill(NONE);
        let before = rings.len();
        for root in (0..).take(self.parent.len()) {
            let mut token = root;
            while self.seen[token as usize] == NONE && self.parent[token as usize] != NONE {
                self.seen[token as usize] = root;
                token = graph.net.from(self.parent[token as usize]);
            }
            if self.seen[token as usize] == root && self.parent[token as usize] != NONE && rings.len() < max_rings {
                let ring = self.ring(graph, token);
                // A parent's price is that of now, so a ring of parents gains; only rounding could say otherwise.
                if ring.1.log_gain > per_hop * ring.1.hops.len() as f64 {
                    for leg in ring.0 {
                        self.spent[leg as usize] += 1;
                    }
                    rings.push(ring.1);
                }
            }
        }
        rings.len() > before
    }

    fn ring(&self, graph: &Graph, on: u32) -> (Vec<u32>, Ring) {
        let mut legs = Vec::new();
        let mut token = on;
        loop {
            let leg = self.parent[token as usize];
            legs.push(leg);
            token = graph.net.from(leg);
            if token == on {
                break;
            }
        }
        legs.reverse();
        let start = (0..legs.len()).min_by_key(|&n| graph.net.from(legs[n])).unwrap_or(0);
        legs.rotate_left(start);
        let edges = legs.iter().map(|&l| graph.net.edges(l)[self.spent[l as usize] as usize]);
        let (mut hops, mut log_gain) = (Vec::with_capacity(legs.len()), 0.0);
        for edge in edges {
            hops.push(Hop { pool: PoolId(edge.pool), side: edge.side });
            log_gain += edge.log_price;
        }
        let token = TokenId(graph.net.from(legs[0]));
        (legs, Ring { token, hops, log_gain })
    }
}
