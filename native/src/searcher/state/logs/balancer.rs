//! Balancer V2: the vault's logs, which name a pool by its id, and the pool's own.
//! Sources: `balancer/balancer-v2-monorepo pkg/interfaces/contracts/vault/IVault.sol`, `pkg/vault/contracts/PoolBalances.sol`.
//!
//! Balances follow from the vault alone: `Swap`, `PoolBalanceChanged` (amounts, and protocol fees that leave the pool with
//! them) and `PoolBalanceManaged`. Of the pool's own events the fee and the ramp of A are whole; a token's new rate, weights
//! that move and every event that is not named here are not enough: the pool has to be read from storage. The pool's own
//! token counts in no balance; it is not one of the pool's tokens here.
use alloy_primitives::{Address, B256, I256, U256};

use super::super::super::abi::{address, word};
use super::super::super::pools::AnyPool;
use super::super::super::pools::curve::Ramp;
use super::super::block::ChainLog;
use super::{Change, SHARES, topics};

topics! {
    SWAP = "Swap(bytes32,address,address,uint256,uint256)",
        "2170c741c41531aec20e7c107c24eecfdd15e69c9bb0a8dd37b1840b9e0b207b";
    POOL_BALANCE_CHANGED = "PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])",
        "e5ce249087ce04f05a957192435400fd97868dba0e6a4b4c049abf8af80dae78";
    POOL_BALANCE_MANAGED = "PoolBalanceManaged(bytes32,address,address,int256,int256)",
        "6edcaf6241105b4c94c2efdbf3a6b12458eb3d07be3a0e81d24b13c44045fe7a";
    SWAP_FEE_PERCENTAGE_CHANGED = "SwapFeePercentageChanged(uint256)",
        "a9ba3ffe0b6c366b81232caab38605a0699ad5398d6cce76f91ee809e322dafc";
    AMP_UPDATE_STARTED = "AmpUpdateStarted(uint256,uint256,uint256,uint256)",
        "1835882ee7a34ac194f717a35e09bb1d24c82a3b9d854ab6c9749525b714cdf2";
    AMP_UPDATE_STOPPED = "AmpUpdateStopped(uint256)", "a0d01593e47e69d07e0ccd87bece09411e07dd1ed40ca8f2e7af2976542a0233";
    /// The protocol's part of fees is minted as the pool's own token.
    PROTOCOL_FEE_CACHE_UPDATED = "ProtocolFeePercentageCacheUpdated(uint256,uint256)",
        "6bfb689528fa96ec1ad670ad6d6064be1ae96bfd5d2ee35c837fd0fe0c11959a";
    POOL_REGISTERED = "PoolRegistered(bytes32,address,uint8)",
        "3c13bc30b8e878c53fd2a36b679409c073afd75950be43d8858768e956fbc20e";
    TOKENS_REGISTERED = "TokensRegistered(bytes32,address[],address[])",
        "f5847d3f2197b16cdcd2098ec95d0905cd1abdaf415f07bb7cef2bba8ac5dec4";
}

const QUIET: [B256; 3] = [PROTOCOL_FEE_CACHE_UPDATED, POOL_REGISTERED, TOKENS_REGISTERED];

/// `place` gives a token's place in the pool.
pub(super) fn read(log: &ChainLog, pool: &AnyPool, place: impl Fn(Address) -> Option<usize>) -> Change {
    if log.topics.first().is_some_and(|topic| QUIET.contains(topic) || SHARES.contains(topic)) {
        return Change::Nothing;
    }
    let mut after = pool.clone();
    match change(log, &mut after, place) {
        Some(()) => Change::Becomes(Box::new(after)),
        None => Change::Untold,
    }
}

fn change(log: &ChainLog, pool: &mut AnyPool, place: impl Fn(Address) -> Option<usize>) -> Option<()> {
    let (balances, fee, amp) = match pool {
        AnyPool::BalancerWeighted(pool) => (&mut pool.balances, &mut pool.fee, None),
        AnyPool::BalancerStable(pool) => (&mut pool.balances, &mut pool.fee, Some(&mut pool.amp)),
        _ => return None,
    };
    match *log.topics.first()? {
        SWAP => {
            let [from, to] = [2, 3].map(|n| log.topics.get(n).and_then(|t| place(Address::from_word(*t))));
            if from.is_none() && to.is_none() {
                return None;
            }
            if let Some(balance) = from.and_then(|n| balances.get_mut(n)) {
                *balance = balance.checked_add(word(&log.data, 0)?)?;
            }
            if let Some(balance) = to.and_then(|n| balances.get_mut(n)) {
                *balance = balance.checked_sub(word(&log.data, 1)?)?;
            }
        }
        POOL_BALANCE_CHANGED => {
            let [tokens, deltas, fees] = [list(&log.data, 0)?, list(&log.data, 1)?, list(&log.data, 2)?];
            for (k, token) in tokens.iter().enumerate() {
                let Some(n) = place(Address::from_word(B256::from(*token))) else { continue };
                let with_delta = plus(*balances.get(n)?, *deltas.get(k)?)?;
                *balances.get_mut(n)? = with_delta.checked_sub(*fees.get(k)?)?;
            }
        }
        POOL_BALANCE_MANAGED => {
            let n = place(Address::from_word(*log.topics.get(3)?))?;
            let balance = plus(*balances.get(n)?, word(&log.data, 0)?)?;
            *balances.get_mut(n)? = plus(balance, word(&log.data, 1)?)?;
        }
        SWAP_FEE_PERCENTAGE_CHANGED => *fee = word(&log.data, 0)?,
        AMP_UPDATE_STARTED => {
            let [from, to] = [2, 3].map(|k| word(&log.data, k).and_then(|t| u64::try_from(t).ok()));
            let (initial, future) = (word(&log.data, 0)?, word(&log.data, 1)?);
            *amp? = Ramp { initial, future, initial_time_s: from?, future_time_s: to? };
        }
        AMP_UPDATE_STOPPED => *amp? = Ramp::still(word(&log.data, 0)?),
        _ => return None,
    }
    Some(())
}

/// A balance with a signed word added.
fn plus(balance: U256, delta: U256) -> Option<U256> {
    let delta = I256::from_raw(delta);
    if delta.is_negative() {
        balance.checked_sub(delta.unsigned_abs())
    } else {
        balance.checked_add(delta.unsigned_abs())
    }
}

/// The words of the `n`-th argument, a list.
pub(in super::super) fn list(data: &[u8], n: usize) -> Option<Vec<U256>> {
    let offset = usize::try_from(word(data, n)?).ok()?;
    let tail = data.get(offset..)?;
    let length = usize::try_from(word(tail, 0)?).ok()?;
    if length > tail.len() / 32 {
        return None;
    }
    (1..=length).map(|k| word(tail, k)).collect()
}

/// A pool's id and tokens in a `TokensRegistered`.
pub(in super::super) fn registered(log: &ChainLog) -> Option<(B256, Vec<Address>)> {
    if log.topics.first() != Some(&TOKENS_REGISTERED) {
        return None;
    }
    let count = list(&log.data, 0)?.len();
    let first = usize::try_from(word(&log.data, 0)?).ok()?;
    let tokens = (0..count).map(|k| address(&log.data[first..], k + 1)).collect::<Option<Vec<Address>>>()?;
    Some((*log.topics.get(1)?, tokens))
}
