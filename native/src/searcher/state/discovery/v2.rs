//! `PairCreated` of Uniswap V2 and its forks.
//! Source: `@uniswap/v2-core contracts/UniswapV2Factory.sol`; the pair's address as in `UniswapV2Library.pairFor`.
use alloy_primitives::{Address, B256, keccak256};

use super::super::super::abi::address;
use super::super::super::pools::v2::V2Pool;
use super::super::super::pools::{AnyPool, PoolKey};
use super::super::block::ChainLog;
use super::super::logs::topics;
use super::{Discovery, impostor, indexed_address};

topics! {
    PAIR_CREATED = "PairCreated(address,address,address,uint256)",
        "0d3648bd0f6ba80134a33ba9275ac585d9d315f0ad8355cddefde31afa28d0e9";
}

pub(super) fn read(log: &ChainLog, fee: [u32; 2], init_code_hash: Option<B256>) -> Option<Discovery> {
    if log.topics.first() != Some(&PAIR_CREATED) {
        return None;
    }
    let tokens = [indexed_address(log, 0)?, indexed_address(log, 1)?];
    let named = address(&log.data, 0)?;
    let expected = init_code_hash.map(|hash| pair_for(log.address, tokens, hash));
    let pool = Box::new(AnyPool::V2(V2Pool { reserves: [0, 0], fee_num: [fee[0]; 2], fee_den: fee[1] }));
    let new = Discovery::New { key: PoolKey::from(named), tokens: tokens.to_vec(), pool };
    Some(impostor(log.address, named, expected).unwrap_or(new))
}

fn pair_for(factory: Address, [token0, token1]: [Address; 2], init_code_hash: B256) -> Address {
    let mut packed = [0; 40];
    packed[..20].copy_from_slice(token0.as_slice());
    packed[20..].copy_from_slice(token1.as_slice());
    factory.create2(keccak256(packed), init_code_hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, b256};

    #[test]
    fn a_recorded_pair_is_where_the_factory_makes_it() {
        let factory = address!("5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f");
        let wbtc = address!("2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599");
        let weth = address!("C02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2");
        let hash = b256!("96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f");
        let pair = address!("Bb2b8038a1640196FbE3e38816F3e67Cba72D940");
        assert_eq!(pair_for(factory, [wbtc, weth], hash), pair);
        let log = |pair: Address| ChainLog {
            address: factory,
            topics: vec![PAIR_CREATED, wbtc.into_word(), weth.into_word()],
            data: [pair.into_word().0, [0; 32]].concat().into(),
            log_index: 0,
        };
        assert!(matches!(read(&log(pair), [997, 1000], Some(hash)), Some(Discovery::New { .. })));
        assert!(
            matches!(read(&log(wbtc), [997, 1000], Some(hash)), Some(Discovery::Impostor(i)) if i.expected == pair)
        );
        assert!(matches!(read(&log(wbtc), [997, 1000], None), Some(Discovery::New { .. })));
    }
}
