//! All pools and tokens by number, with what is known of them beside their arithmetic.
use alloy_primitives::{Address, B256};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{AnyPool, PoolId, TokenId};

/// Where a pool lives: a contract's address, or the pool's id where many pools share one contract (Uniswap V4's manager,
/// Balancer's vault). An address is padded with zeros on the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PoolKey(pub B256);

impl From<Address> for PoolKey {
    fn from(address: Address) -> PoolKey {
        PoolKey(address.into_word())
    }
}

/// Whether a pool may be searched. Only a live one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Its state is that of the head.
    Live,
    /// Its stream has a hole: nothing is known since this block, until it is backfilled.
    Stale {
        /// The last block whose changes are all known.
        since_block: u64,
    },
    /// It is not traded: a token with a fee, an unknown hook, a divergence.
    Refused(Ban),
}

/// Why a pool is not traded, whatever its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ban {
    /// A token takes a fee on transfer, rebases, or can block an address.
    Token,
    /// A hook that is not on the known-safe list.
    Hook,
    /// Prediction and simulation differed.
    Diverged,
}

/// The pools, densely numbered in the order they were added. A number is never used again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pools {
    pools: Vec<AnyPool>,
    keys: Vec<PoolKey>,
    status: Vec<Status>,
    ids: FxHashMap<PoolKey, PoolId>,
    /// Tokens of all pools one after the other; the pool's are `starts[id]..starts[id + 1]`.
    held: Vec<TokenId>,
    starts: Vec<u32>,
    tokens: Vec<Address>,
    token_ids: FxHashMap<Address, TokenId>,
}

impl Pools {
    /// The number of a token; a new one where it is not known yet.
    ///
    /// # Panics
    /// With more than 2^32 tokens.
    pub fn token(&mut self, address: Address) -> TokenId {
        let next = TokenId(u32::try_from(self.tokens.len()).expect("fewer than 2^32 tokens"));
        let id = *self.token_ids.entry(address).or_insert(next);
        if id == next {
            self.tokens.push(address);
        }
        id
    }

    /// The number of a token that is known.
    #[must_use]
    pub fn token_id(&self, address: Address) -> Option<TokenId> {
        self.token_ids.get(&address).copied()
    }

    /// The address of a token.
    #[must_use]
    pub fn token_address(&self, id: TokenId) -> Address {
        self.tokens[id.0 as usize]
    }

    /// How many tokens are known.
    #[must_use]
    pub fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// Adds a live pool, or replaces the state of the one with this key. `tokens` in the pool's own order.
    ///
    /// # Panics
    /// With more than 2^32 pools.
    pub fn add(&mut self, key: PoolKey, tokens: &[Address], pool: AnyPool) -> PoolId {
        if let Some(&id) = self.ids.get(&key) {
            self.pools[id.0 as usize] = pool;
            return id;
        }
        let id = PoolId(u32::try_from(self.pools.len()).expect("fewer than 2^32 pools"));
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        for &token in tokens {
            let token = self.token(token);
            self.held.push(token);
        }
        self.starts.push(u32::try_from(self.held.len()).expect("fewer than 2^32 places"));
        self.pools.push(pool);
        self.keys.push(key);
        self.status.push(Status::Live);
        self.ids.insert(key, id);
        id
    }

    /// How many pools there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pools.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pools.is_empty()
    }

    /// Every pool's number.
    pub fn ids(&self) -> impl Iterator<Item = PoolId> + use<> {
        (0..u32::try_from(self.pools.len()).unwrap_or(u32::MAX)).map(PoolId)
    }

    /// The number of the pool that lives there.
    #[must_use]
    pub fn id(&self, key: PoolKey) -> Option<PoolId> {
        self.ids.get(&key).copied()
    }

    /// The key leads to no pool any longer: another contract may come to live there, under another number.
    pub fn forget_key(&mut self, key: PoolKey) {
        self.ids.remove(&key);
    }

    /// Where a pool lives.
    #[must_use]
    pub fn key(&self, id: PoolId) -> PoolKey {
        self.keys[id.0 as usize]
    }

    /// The pool.
    #[must_use]
    pub fn get(&self, id: PoolId) -> &AnyPool {
        &self.pools[id.0 as usize]
    }

    /// The pool, to change it.
    pub fn get_mut(&mut self, id: PoolId) -> &mut AnyPool {
        &mut self.pools[id.0 as usize]
    }

    /// A pool's tokens in its own order.
    #[must_use]
    pub fn tokens(&self, id: PoolId) -> &[TokenId] {
        let n = id.0 as usize;
        &self.held[self.starts[n] as usize..self.starts[n + 1] as usize]
    }

    /// Whether it may be searched.
    #[must_use]
    pub fn status(&self, id: PoolId) -> Status {
        self.status[id.0 as usize]
    }

    /// Says whether it may be searched.
    pub fn set_status(&mut self, id: PoolId, status: Status) {
        self.status[id.0 as usize] = status;
    }
}
