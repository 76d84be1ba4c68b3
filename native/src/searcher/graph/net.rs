//! Tokens, links and legs: who neighbours whom, and the sorted pools between them.
use rustc_hash::FxHashMap;

use super::ways::Ways;
use crate::searcher::pools::{Side, TokenId};

/// No leg, no hub.
pub const NONE: u32 = u32::MAX;
/// A pool in one direction of a link.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    pub log_price: f64,
    pub pool: u32,
    pub side: Side,
}

/// A neighbour and the leg to it.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    pub token: u32,
    pub leg: u32,
}

/// Where a pool lies: on this leg from place `from` to place `to`, and on the leg's reverse the other way round.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub leg: u32,
    from: u8,
    to: u8,
}

impl Place {
    pub fn sides(self) -> [(u32, Side); 2] {
        let there = Side { from: self.from, to: self.to };
        [(self.leg, there), (self.leg ^ 1, Side { from: self.to, to: self.from })]
    }
}

#[derive(Clone, Debug)]
struct Node {
    /// Its neighbours, hubs first.
    near: Vec<Near>,
    hubs_near: u32,
    /// Its number among hubs.
    hub: u32,
}

/// A leg's number is twice its link's, plus one where it leads from the higher token to the lower.
#[derive(Clone, Debug, Default)]
pub struct Net {
    nodes: Vec<Node>,
    ends: Vec<[u32; 2]>,
    link_ids: FxHashMap<u64, u32>,
    /// By leg: usable pools, best first.
    edges: Vec<Vec<Edge>>,
    /// By leg: the best log price; -inf where no pool is usable.
    best: Vec<f64>,
    places: Vec<Place>,
    starts: Vec<u32>,
    hub_tokens: Vec<u32>,
    /// Legs between hubs: `mesh[from][to]`, both hub numbers.
    mesh: Vec<Vec<u32>>,
    /// A token with more neighbours is a hub: searches do not walk over its neighbours, they use [`Ways`].
    hub_degree: usize,
}

fn number(n: usize) -> u32 {
    // NONE is not a number; memory ends long before.
    u32::try_from(n).ok().filter(|&n| n < NONE).expect("fewer than 2^32 - 1 of them")
}

impl Net {
    pub fn new(hub_degree: usize) -> Net {
        Net { hub_degree, ..Net::default() }
    }

    pub fn pool_count(&self) -> u32 {
        number(self.starts.len().saturating_sub(1))
    }

    pub fn link_count(&self) -> usize {
        self.ends.len()
    }

    pub fn token_count(&self) -> usize {
        self.nodes.len()
    }

    pub fn hub_count(&self) -> usize {
        self.hub_tokens.len()
    }

    pub fn places(&self, pool: u32) -> std::ops::Range<usize> {
        self.starts[pool as usize] as usize..self.starts[pool as usize + 1] as usize
    }

    pub fn place(&self, n: usize) -> Place {
        self.places[n]
    }

    pub fn from(&self, leg: u32) -> u32 {
        self.ends[(leg >> 1) as usize][(leg & 1) as usize]
    }

    pub fn to(&self, leg: u32) -> u32 {
        self.ends[(leg >> 1) as usize][(leg & 1 ^ 1) as usize]
    }

    pub fn best(&self, leg: u32) -> f64 {
        self.best[leg as usize]
    }

    pub fn edges(&self, leg: u32) -> &[Edge] {
        &self.edges[leg as usize]
    }

    pub fn edge_of(&self, leg: u32, pool: u32) -> Option<&Edge> {
        self.edges(leg).iter().find(|e| e.pool == pool)
    }

    pub fn is_hub(&self, token: u32) -> bool {
        self.nodes[token as usize].hub != NONE
    }

    pub fn near(&self, token: u32) -> &[Near] {
        &self.nodes[token as usize].near
    }

    pub fn hubs_near(&self, token: u32) -> &[Near] {
        let node = &self.nodes[token as usize];
        &node.near[..node.hubs_near as usize]
    }

    pub fn lows_near(&self, token: u32) -> &[Near] {
        let node = &self.nodes[token as usize];
        &node.near[node.hubs_near as usize..]
    }

    /// The legs from a hub to each hub, by hub number; [`NONE`] where there is none.
    pub fn mesh(&self, hub: u32) -> &[u32] {
        &self.mesh[self.nodes[hub as usize].hub as usize]
    }

    /// The leg from one token to another.
    pub fn leg(&self, from: u32, to: u32) -> Option<u32> {
        let (low, high) = (from.min(to), from.max(to));
        let link = *self.link_ids.get(&(u64::from(low) << 32 | u64::from(high)))?;
        Some(link << 1 | u32::from(from > to))
    }

    /// Adds the next pool, without prices.
    pub fn add_pool(&mut self, tokens: &[TokenId], ways: &mut Ways) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        // A pool has at most 256 tokens: places are bytes.
        for (i, from) in (0..=u8::MAX).zip(tokens) {
            for (j, to) in (0..=u8::MAX).zip(tokens).skip(usize::from(i) + 1).filter(|(_, to)| *to != from) {
                let leg = self.leg(from.0, to.0).unwrap_or_else(|| self.add_link(from.0, to.0, ways));
                self.places.push(Place { leg, from: i, to: j });
            }
        }
        self.starts.push(number(self.places.len()));
    }

    fn add_link(&mut self, from: u32, to: u32, ways: &mut Ways) -> u32 {
        let (low, high) = (from.min(to), from.max(to));
        while self.nodes.len() <= high as usize {
            self.nodes.push(Node { near: Vec::new(), hubs_near: 0, hub: NONE });
        }
        let link = number(self.ends.len());
        assert!(link < 1 << 31, "fewer than 2^31 pairs of tokens");
        self.ends.push([low, high]);
        self.link_ids.insert(u64::from(low) << 32 | u64::from(high), link);
        self.edges.extend([Vec::new(), Vec::new()]);
        self.best.extend([f64::NEG_INFINITY; 2]);
        for leg in [link << 1, link << 1 | 1] {
            let (from, to) = (self.from(leg), self.to(leg));
            let near = &mut self.nodes[from as usize].near;
            if near.len() == near.capacity() {
                near.reserve_exact(1 + near.len() / 2); // most tokens have one neighbour
            }
            near.push(Near { token: to, leg });
            if self.is_hub(to) {
                self.move_to_front(from, near_last(&self.nodes[from as usize]));
                if self.is_hub(from) {
                    self.put_in_mesh(leg);
                }
            }
        }
        for token in [low, high] {
            if !self.is_hub(token) && self.near(token).len() > self.hub_degree {
                self.promote(token, ways);
            }
        }
        link << 1 | u32::from(from > to)
    }

    fn move_to_front(&mut self, token: u32, at: usize) {
        let node = &mut self.nodes[token as usize];
        node.near.swap(at, node.hubs_near as usize);
        node.hubs_near += 1;
    }

    fn put_in_mesh(&mut self, leg: u32) {
        let (from, to) = (self.nodes[self.from(leg) as usize].hub, self.nodes[self.to(leg) as usize].hub);
        self.mesh[from as usize][to as usize] = leg;
    }

    /// Makes a token a hub; it stays one.
    fn promote(&mut self, token: u32, ways: &mut Ways) {
        let legs: Vec<u32> = self.near(token).iter().map(|n| n.leg).collect();
        for &leg in &legs {
            ways.forget(self, leg);
        }
        self.nodes[token as usize].hub = number(self.hub_tokens.len());
        self.hub_tokens.push(token);
        for row in &mut self.mesh {
            row.push(NONE);
        }
        self.mesh.push(vec![NONE; self.hub_tokens.len()]);
        for &leg in &legs {
            let neighbour = self.to(leg);
            let found = self.near(neighbour).iter().position(|n| n.token == token);
            if let Some(at) = found {
                self.move_to_front(neighbour, at);
            }
            if self.is_hub(neighbour) {
                self.put_in_mesh(leg);
                self.put_in_mesh(leg ^ 1);
            }
        }
        for &leg in &legs {
            ways.refresh(self, leg);
        }
    }

    /// Sets a pool's price on a leg. Gives whether the leg's best price changed.
    pub fn set_edge(&mut self, leg: u32, pool: u32, side: Side, log_price: f64) -> bool {
        let edges = &mut self.edges[leg as usize];
        if let Some(at) = edges.iter().position(|e| e.pool == pool) {
            edges.remove(at);
        }
        if log_price.is_finite() {
            // Equal prices by pool number, so that the order says nothing of what came before.
            let at = edges.partition_point(|e| e.log_price > log_price || e.log_price == log_price && e.pool < pool);
            if edges.len() == edges.capacity() {
                edges.reserve_exact(1 + edges.len() / 2); // most legs have one pool
            }
            edges.insert(at, Edge { log_price, pool, side });
        }
        let best = edges.first().map_or(f64::NEG_INFINITY, |e| e.log_price);
        let changed = best != self.best[leg as usize];
        self.best[leg as usize] = best;
        changed
    }
}

fn near_last(node: &Node) -> usize {
    node.near.len() - 1
}
