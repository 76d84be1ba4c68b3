//! Curve's factories. Sources: `curvefi/tricrypto-ng contracts/main/CurveTricryptoFactory.vy`, `curvefi/twocrypto-ng
//! contracts/main/CurveTwocryptoFactory.vy`, `curvefi/curve-factory contracts/Factory.vy`, `curvefi/stableswap-ng
//! contracts/main/CurveStableSwapFactoryNG.vy`. The stable ones' events do not say where the pool is: it is the last of the
//! factory's `pool_list`.
use alloy_primitives::Address;

use super::super::super::abi::address;
use super::super::super::pools::PoolKey;
use super::super::block::ChainLog;
use super::super::logs::topics;
use super::{Discovery, Found};

topics! {
    TRICRYPTO_POOL_DEPLOYED =
        "TricryptoPoolDeployed(address,string,string,address,address[3],address,bytes32,uint256,uint256,uint256,uint256,uint256,address)",
        "a307f5d0802489baddec443058a63ce115756de9020e2b07d3e2cd2f21269e2a";
    TWOCRYPTO_POOL_DEPLOYED =
        "TwocryptoPoolDeployed(address,string,string,address[2],address,bytes32,uint256[2],uint256,uint256,uint256,uint256,address)",
        "8152a3037e3dc54154ad0d2cadb1cf7e1d1b9e2b625faa3dfb4fe03d609102ca";
    PLAIN_POOL_DEPLOYED = "PlainPoolDeployed(address[4],uint256,uint256,address)",
        "5b4a28c940282b5bf183df6a046b8119cf6edeb62859f75e835eb7ba834cce8d";
    PLAIN_POOL_DEPLOYED_NG = "PlainPoolDeployed(address[],uint256,uint256,address)",
        "d1d60d4611e4091bb2e5f699eeb79136c21ac2305ad609f3de569afc3471eecc";
}

pub(super) fn read(log: &ChainLog) -> Option<Discovery> {
    let coins = |first: usize, count: usize| -> Option<Vec<Address>> {
        let all: Option<Vec<Address>> = (first..first + count).map(|n| address(&log.data, n)).collect();
        Some(all?.into_iter().filter(|coin| *coin != Address::ZERO).collect())
    };
    let (pool, tokens) = match *log.topics.first()? {
        TRICRYPTO_POOL_DEPLOYED => (Some(address(&log.data, 0)?), coins(4, 3)?),
        TWOCRYPTO_POOL_DEPLOYED => (Some(address(&log.data, 0)?), coins(3, 2)?),
        PLAIN_POOL_DEPLOYED => (None, coins(0, 4)?),
        PLAIN_POOL_DEPLOYED_NG => (None, coins(5, log.data.len().checked_div(32)?.checked_sub(5)?)?),
        _ => return None,
    };
    Some(Discovery::Found(Found { factory: log.address, key: pool.map(PoolKey::from), tokens }))
}
