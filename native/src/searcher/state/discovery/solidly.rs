//! `PoolCreated` of Velodrome V2 and Aerodrome (`aerodrome-finance/contracts contracts/interfaces/factories/IPoolFactory.sol`) and
//! `PairCreated` of Solidly and Velodrome V1.
use super::super::super::abi::address;
use super::super::super::pools::PoolKey;
use super::super::block::ChainLog;
use super::super::logs::topics;
use super::{Discovery, Found, indexed_address};

topics! {
    POOL_CREATED = "PoolCreated(address,address,bool,address,uint256)",
        "2128d88d14c80cb081c1252a5acff7a264671bf199ce226b53788fb26065005e";
    PAIR_CREATED = "PairCreated(address,address,bool,address,uint256)",
        "c4805696c66d7cf352fc1d6bb633ad5ee82f6cb577c453024b6e0eb8306c6fc9";
}

pub(super) fn read(log: &ChainLog) -> Option<Discovery> {
    // Aerodrome indexes `stable`, Solidly has it as the first word.
    let pool = match *log.topics.first()? {
        POOL_CREATED => address(&log.data, 0)?,
        PAIR_CREATED => address(&log.data, 1)?,
        _ => return None,
    };
    let tokens = vec![indexed_address(log, 0)?, indexed_address(log, 1)?];
    Some(Discovery::Found(Found { factory: log.address, key: Some(PoolKey::from(pool)), tokens }))
}
