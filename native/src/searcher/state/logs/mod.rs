//! What the logs of pools say, a file a protocol. A log is first read against the pool as it is, which gives a [`Change`]; only
//! then is the change made, so that what it overwrites can be recorded between the two.
//!
//! What cannot be decoded, or tells less than the new state, is [`Change::Untold`]: the pool is stale until it is read from
//! storage. Each file says for which events that is so.
use alloy_primitives::{B256, U256};

use super::super::abi::word;
use super::super::pools::v3::ProtocolFee;
use super::super::pools::{AnyPool, PoolId, Pools};
use super::block::ChainLog;

mod balancer;
mod curve;
mod solidly;
mod v2;
mod v3;
mod v4;

pub(super) use balancer::registered as balancer_registered;
pub(super) use solidly::SET_CUSTOM_FEE;
pub(super) use v3::{INITIALIZE as V3_INITIALIZE, initialized as v3_initialized};
pub(super) use v4::initialized as v4_initialized;

/// What one log does to one pool.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// Nothing that a quote depends on.
    Nothing,
    /// Something that the log does not tell: the pool has to be read from storage.
    Untold,
    /// A pair's reserves.
    Reserves([u128; 2]),
    /// Price and active liquidity.
    Price { sqrt_price: U256, tick: i32, liquidity: u128 },
    /// Liquidity added to (or taken from) a position.
    Position { lower: i32, upper: i32, delta: i128 },
    /// What of the fee goes to the protocol.
    Protocol(ProtocolFee),
    /// Price, active liquidity and the providers' fee, of V4.
    PriceAndFee { sqrt_price: U256, tick: i32, liquidity: u128, lp_fee: u32 },
    /// The protocol's fee as V4's manager writes it.
    ManagerFee(u32),
    /// The whole pool.
    Becomes(Box<AnyPool>),
}

/// Reads a log that a pool left in a block of this time in seconds.
pub(super) fn read(pools: &Pools, id: PoolId, log: &ChainLog, timestamp_s: u64) -> Change {
    let pool = pools.get(id);
    match pool {
        AnyPool::V2(_) => v2::read(log),
        AnyPool::V3(pool) => v3::read(log, pool),
        AnyPool::V4(pool) => v4::read(log, pool),
        AnyPool::CurveStable(stable) => curve::read_stable(log, stable, timestamp_s),
        AnyPool::CurveCrypto(crypto) => curve::read_crypto(log, crypto),
        AnyPool::BalancerWeighted(_) | AnyPool::BalancerStable(_) => balancer::read(log, pool, |token| {
            pools.tokens(id).iter().position(|held| pools.token_address(*held) == token)
        }),
        AnyPool::Solidly(pair) => solidly::read(log, pair),
    }
}

impl Change {
    /// The position that it adds to: lower tick, upper tick, liquidity.
    pub fn position(&self) -> Option<(i32, i32, i128)> {
        match self {
            Change::Position { lower, upper, delta } => Some((*lower, *upper, *delta)),
            _ => None,
        }
    }

    /// Makes the change; false where the pool cannot have it, and its state is not known any more.
    pub fn make(self, pool: &mut AnyPool) -> bool {
        match (self, pool) {
            (Change::Nothing, _) => true,
            (Change::Reserves(reserves), AnyPool::V2(pair)) => {
                pair.reserves = reserves;
                true
            }
            (Change::Price { sqrt_price, tick, liquidity }, AnyPool::V3(pool)) => {
                pool.set_price(sqrt_price, tick, liquidity).is_ok()
            }
            (Change::Position { lower, upper, delta }, AnyPool::V3(pool)) => {
                pool.modify_liquidity(lower, upper, delta).is_ok()
            }
            (Change::Protocol(fee), AnyPool::V3(pool)) => {
                pool.set_protocol_fee(fee);
                true
            }
            (Change::Price { sqrt_price, tick, liquidity }, AnyPool::V4(pool)) => {
                pool.set_price(sqrt_price, tick, liquidity).is_ok()
            }
            (Change::PriceAndFee { sqrt_price, tick, liquidity, lp_fee }, AnyPool::V4(pool)) => {
                pool.set_price(sqrt_price, tick, liquidity).is_ok() && pool.set_lp_fee(lp_fee).is_ok()
            }
            (Change::Position { lower, upper, delta }, AnyPool::V4(pool)) => {
                pool.modify_liquidity(lower, upper, delta).is_ok()
            }
            (Change::ManagerFee(fee), AnyPool::V4(pool)) => pool.set_protocol_fee(fee).is_ok(),
            (Change::Becomes(after), pool) => {
                *pool = *after;
                true
            }
            _ => false,
        }
    }
}

/// The `n`-th word as a number of at most so many bits.
fn uint_fits(data: &[u8], n: usize, bits: usize) -> Option<U256> {
    word(data, n).filter(|value| value.bit_len() <= bits)
}

/// The `n`-th word as an `int24`.
pub(super) fn int24_word(data: &[u8], n: usize) -> Option<i32> {
    int24(word(data, n)?)
}

/// A word as an `int24`; none where it is not one.
fn int24(word: U256) -> Option<i32> {
    let low = ((word.wrapping_to::<u32>() << 8) as i32) >> 8;
    let whole = if low < 0 { U256::MAX - U256::from(low.unsigned_abs() - 1) } else { U256::from(low.unsigned_abs()) };
    (whole == word).then_some(low)
}

/// The topics of events as constants, each checked against the hash of its signature by a test.
macro_rules! topics {
    ($($(#[$doc:meta])* $name:ident = $signature:literal, $hash:literal;)+) => {
        $($(#[$doc])* pub(in super::super) const $name: alloy_primitives::B256 = alloy_primitives::b256!($hash);)+

        #[cfg(test)]
        #[test]
        fn topics_are_the_hashes_of_their_signatures() {
            $(assert_eq!($name, alloy_primitives::keccak256($signature), "{}", $signature);)+
        }
    };
}
pub(super) use topics;

topics! {
    TRANSFER = "Transfer(address,address,uint256)", "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
    APPROVAL = "Approval(address,address,uint256)", "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925";
}

/// The logs of a pool's share token.
const SHARES: [B256; 2] = [TRANSFER, APPROVAL];
