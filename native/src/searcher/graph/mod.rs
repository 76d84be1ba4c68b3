//! The graph of tokens and pools, and the cycles in it.
//!
//! A *link* is a pair of tokens with all pools that hold both; a *leg* is a link in one direction, and carries its pools
//! sorted by the logarithm of their spot price after fees. A cycle's log gain is the sum over its hops, and a cycle with a
//! positive one pays for small enough amounts. Logarithms guide the search alone: amounts are sized on integers.
//!
//! Two searches: [`Graph::cycles_through`] gives the cycles through pools that were touched, all of them up to
//! [`MAX_HOPS`](super::cycle::MAX_HOPS) hops, or the first of a stated order; [`Graph::scan`] looks for a cycle of any length
//! anywhere.
mod found;
mod net;
mod scan;
mod search;
mod ways;

pub use found::{Bases, Found, FoundCycle, Want};
pub use scan::{Ring, Scan, Scanned};
pub use search::Search;

use super::pools::{Pool, PoolId, Pools, Side, Status, TokenId};
use net::Net;
use ways::Ways;

/// Tokens and live pools. Only pools whose [`Status`] is `Live` have legs.
#[derive(Clone, Debug)]
pub struct Graph {
    net: Net,
    ways: Ways,
}

/// Tokens with more neighbours are hubs, unless said otherwise: of mainnet's tokens some hundred.
pub const HUB_DEGREE: usize = 32;

impl Default for Graph {
    fn default() -> Graph {
        Graph::with_hub_degree(HUB_DEGREE)
    }
}

impl Graph {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Graph {
        Graph::default()
    }

    /// An empty graph in which a token with more than `degree` neighbours is a hub. Searches give the same whatever it is: a
    /// greater one keeps fewer ways ready and walks over more neighbours.
    #[must_use]
    pub fn with_hub_degree(degree: usize) -> Graph {
        Graph { net: Net::new(degree), ways: Ways::default() }
    }

    /// The graph of all pools.
    #[must_use]
    pub fn of(pools: &Pools) -> Graph {
        let mut graph = Graph::new();
        for id in pools.ids() {
            graph.update(pools, id);
        }
        graph
    }

    /// Takes over a pool's prices and status after either changed; adds it, and pools with smaller numbers, where they are
    /// not known yet. Touches nothing but this pool's legs and the ways that lead over them.
    pub fn update(&mut self, pools: &Pools, id: PoolId) {
        while self.net.pool_count() < id.0 {
            let earlier = PoolId(self.net.pool_count());
            self.update_from(pools, earlier);
        }
        self.update_from(pools, id);
    }

    fn update_from(&mut self, pools: &Pools, id: PoolId) {
        let pool = pools.get(id);
        let live = pools.status(id) == Status::Live;
        self.set_prices(id, pools.tokens(id), |side| if live { pool.spot_price(side) } else { 0.0 });
    }

    /// Sets what a pool gives per unit, by side, after fees and in smallest units; a side whose price is zero, negative or
    /// not finite is not searched. For callers that know a better price than the spot price (one at a smallest sensible
    /// amount keeps pools with next to nothing in them out of the answers). `tokens` in the pool's own order; it is the
    /// same at each call for a pool.
    ///
    /// # Panics
    /// If a new pool's number is not the next one, or with more than 2^31 pairs of tokens.
    pub fn set_prices(&mut self, id: PoolId, tokens: &[TokenId], price: impl Fn(Side) -> f64) {
        if id.0 == self.net.pool_count() {
            self.net.add_pool(tokens, &mut self.ways);
        }
        for n in self.net.places(id.0) {
            let place = self.net.place(n);
            let mut changed = false;
            for (leg, side) in place.sides() {
                changed |= self.net.set_edge(leg, id.0, side, price(side).ln());
            }
            if changed {
                self.ways.refresh(&self.net, place.leg);
            }
        }
    }

    /// The log price of a pool's side as it is searched; none where that side is not.
    #[must_use]
    pub fn log_price(&self, id: PoolId, side: Side) -> Option<f64> {
        let places = if id.0 < self.net.pool_count() { self.net.places(id.0) } else { 0..0 };
        let legs = places.flat_map(|n| self.net.place(n).sides());
        legs.into_iter().find(|&(_, s)| s == side).and_then(|(leg, _)| self.net.edge_of(leg, id.0)).map(|e| e.log_price)
    }

    /// How many pools are known, searched or not.
    #[must_use]
    pub fn pool_count(&self) -> usize {
        self.net.pool_count() as usize
    }

    /// How many pairs of tokens have a pool.
    #[must_use]
    pub fn link_count(&self) -> usize {
        self.net.link_count()
    }

    /// How many tokens are hubs, between which ways are kept ready.
    #[must_use]
    pub fn hub_count(&self) -> usize {
        self.net.hub_count()
    }

    /// How many ways between hubs are kept ready.
    #[must_use]
    pub fn way_count(&self) -> usize {
        self.ways.len()
    }
}
