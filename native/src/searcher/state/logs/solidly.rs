//! Solidly and its line. `Sync` comes with every change of the reserves and carries both: as uint256 at Solidly, Velodrome and
//! Aerodrome (`aerodrome-finance/contracts contracts/interfaces/IPool.sol`), as uint112 at Camelot (`CamelotPair.sol`).
//!
//! Fees: Aerodrome's factory says a pair's own in `SetCustomFee` (420 is none; 0 is the factory's default again, which the log
//! does not tell), Camelot's pair in `FeePercentUpdated`. A change of the factory's default leaves no log: the caller has to
//! reload. `SetStableSwap` turns a Camelot pair into another curve, which is not told enough either.
use alloy_primitives::U256;

use super::super::super::abi::word;
use super::super::super::pools::AnyPool;
use super::super::super::pools::solidly::SolidlyPool;
use super::super::block::ChainLog;
use super::{Change, topics, uint_fits};

topics! {
    SYNC = "Sync(uint256,uint256)", "cf2aa50876cdfbb541206f89af0ee78d44a2abf8d328e37fa4917f982149848a";
    SYNC_112 = "Sync(uint112,uint112)", "1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1";
    /// Left by the factory, the pair is indexed.
    SET_CUSTOM_FEE = "SetCustomFee(address,uint256)", "ae468ce586f9a87660fdffc1448cee942042c16ae2f02046b134b5224f31936b";
    FEE_PERCENT_UPDATED = "FeePercentUpdated(uint16,uint16)",
        "a4877b8ecb5a00ba277e4bceeeb187a669e7113649774dfbea05c259ce27f17b";
    SET_STABLE_SWAP = "SetStableSwap(bool,bool)", "b6a86710bde53aa7fb1b3856279e2af5b476d53e2dd0902cf17a0911b5a43a8b";
}

/// `ZERO_FEE_INDICATOR` of Velodrome V2's and Aerodrome's factories.
const NO_FEE: u64 = 420;

pub(super) fn read(log: &ChainLog, pool: &SolidlyPool) -> Change {
    let Some(topic) = log.topics.first() else { return Change::Nothing };
    let mut after = *pool;
    let read = match *topic {
        SYNC => reserves(log, 256).map(|new| after.reserves = new),
        SYNC_112 => reserves(log, 112).map(|new| after.reserves = new),
        SET_CUSTOM_FEE => custom_fee(log).map(|fee| after.fee_num = [fee; 2]),
        FEE_PERCENT_UPDATED => both_fees(log).map(|fees| after.fee_num = fees),
        SET_STABLE_SWAP => None,
        _ => return Change::Nothing,
    };
    match read {
        Some(()) => Change::Becomes(Box::new(AnyPool::Solidly(Box::new(after)))),
        None => Change::Untold,
    }
}

fn reserves(log: &ChainLog, bits: usize) -> Option<[U256; 2]> {
    if log.data.len() != 64 {
        return None;
    }
    Some([uint_fits(&log.data, 0, bits)?, uint_fits(&log.data, 1, bits)?])
}

fn custom_fee(log: &ChainLog) -> Option<u64> {
    let fee = u64::try_from(word(&log.data, 0)?).ok()?;
    match fee {
        0 => None,
        NO_FEE => Some(0),
        _ => Some(fee),
    }
}

fn both_fees(log: &ChainLog) -> Option<[u64; 2]> {
    Some([uint_fits(&log.data, 0, 16)?.to::<u64>(), uint_fits(&log.data, 1, 16)?.to::<u64>()])
}
