//! `Initialize` of Uniswap V4's manager: the pool's key and its price at once. The id in the log has to be the key's hash.
//! Source: `@uniswap/v4-core src/PoolManager.sol` (`initialize`), `src/types/PoolId.sol`.
use alloy_primitives::{Address, B256, U256, keccak256};

use super::super::super::abi::address_word;
use super::super::super::pools::v3::Concentrated;
use super::super::super::pools::v4::hooks::SafeHooks;
use super::super::super::pools::v4::{DYNAMIC_FEE, V4Pool};
use super::super::super::pools::{AnyPool, PoolKey};
use super::super::block::ChainLog;
use super::super::logs::v4_initialized;
use super::{Discovery, Found, indexed_address};

pub(super) fn read(log: &ChainLog, safe: &SafeHooks) -> Option<Discovery> {
    let (fee, tick_spacing, hooks, sqrt_price, tick) = v4_initialized(log)?;
    let id = *log.topics.get(1)?;
    let tokens = [indexed_address(log, 1)?, indexed_address(log, 2)?];
    if id_of(tokens, fee, tick_spacing, hooks) != id {
        return None; // not the manager's: it hashes the key itself
    }
    if fee == DYNAMIC_FEE {
        return Some(Discovery::Found(Found { factory: log.address, key: Some(PoolKey(id)), tokens: tokens.to_vec() }));
    }
    let state = Concentrated::new(sqrt_price, tick, 0, tick_spacing, Vec::new()).ok()?;
    let hooks = Address::from_word(B256::from(hooks));
    // The protocol's fee of a new pool comes in a log of its own (`ProtocolFeeUpdated`).
    let pool = V4Pool::new(state, fee, 0, hooks, safe).ok()?;
    Some(Discovery::New { key: PoolKey(id), tokens: tokens.to_vec(), pool: Box::new(AnyPool::V4(pool)) })
}

/// `keccak256(abi.encode(currency0, currency1, fee, tickSpacing, hooks))`.
fn id_of([token0, token1]: [Address; 2], fee: u32, tick_spacing: i32, hooks: U256) -> B256 {
    let spacing = U256::from(tick_spacing.unsigned_abs()); // at least 1, `MIN_TICK_SPACING`
    let words = [address_word(token0), address_word(token1), U256::from(fee), spacing, hooks];
    keccak256(words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect::<Vec<u8>>())
}
