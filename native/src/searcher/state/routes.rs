//! Which pool a log is about.
use super::super::pools::{AnyPool, PoolId, PoolKey, Pools};
use super::block::ChainLog;
use super::discovery::Factories;

/// What it takes to find a log's pool beside the pools' own keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {}

impl Routes {
    pub fn new(_factories: &Factories) -> Routes {
        Routes::default()
    }

    pub fn add(&mut self, _key: PoolKey, _id: PoolId, _pool: &AnyPool) {}

    pub fn pool(&self, pools: &Pools, log: &ChainLog) -> Option<PoolId> {
        pools.id(PoolKey::from(log.address))
    }
}
