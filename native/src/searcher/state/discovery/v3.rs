//! `PoolCreated` of Uniswap V3 and PancakeSwap V3, and of Slipstream.
//! Sources: `@uniswap/v3-core contracts/UniswapV3Factory.sol`; PancakeSwap's `v3-core contracts/PancakeV3Factory.sol`, whose
//! pools are made by another contract (`PancakeV3PoolDeployer`) and start with a protocol fee;
//! `aerodrome-finance/slipstream contracts/core/interfaces/ICLFactory.sol`.
//!
//! A pool has no state before its `Initialize`, which is a log of its own: until then it is a [`Draft`].
use alloy_primitives::{Address, B256, U256, keccak256};
use serde::{Deserialize, Serialize};

use super::super::super::abi::{address, address_word};
use super::super::super::pools::v3::{Concentrated, ProtocolFee, V3Pool};
use super::super::super::pools::{AnyPool, PoolKey};
use super::super::block::ChainLog;
use super::super::logs::{int24_word, topics, v3_initialized};
use super::{Discovery, Drafts, Found, impostor, indexed_address};

topics! {
    POOL_CREATED = "PoolCreated(address,address,uint24,int24,address)",
        "783cca1c0412dd0d695e784568c96da2e9c22ff989357a2e8b1d9b2b4e6b7118";
    /// Slipstream.
    POOL_CREATED_BY_SPACING = "PoolCreated(address,address,int24,address)",
        "ab0d57f0df537bb25e80245ef7748fa62353808c54d6e528a9dd20887aed9ac2";
}

/// A pool that was created and has no price yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Draft {
    tokens: [Address; 2],
    fee_pips: u32,
    tick_spacing: i32,
    pancake: bool,
}

/// What the caller says of a V3 factory.
pub(super) struct Of {
    pub deployer: Option<Address>,
    pub init_code_hash: Option<B256>,
    pub pancake: bool,
}

pub(super) fn read(log: &ChainLog, of: &Of, drafts: &mut Drafts) -> Option<Discovery> {
    if log.topics.first() != Some(&POOL_CREATED) {
        return None;
    }
    let tokens = [indexed_address(log, 0)?, indexed_address(log, 1)?];
    let fee_pips = u32::try_from(U256::from_be_bytes(log.topics.get(3)?.0)).ok()?;
    let (tick_spacing, named) = (int24_word(&log.data, 0)?, address(&log.data, 1)?);
    let expected = of.init_code_hash.map(|h| pool_for(of.deployer.unwrap_or(log.address), tokens, fee_pips, h));
    if let Some(impostor) = impostor(log.address, named, expected) {
        return Some(impostor);
    }
    drafts.add(PoolKey::from(named), Draft { tokens, fee_pips, tick_spacing, pancake: of.pancake });
    None
}

/// Slipstream's fees are kept by modules of the factory: the pool is handed out to be read.
pub(super) fn read_slipstream(log: &ChainLog) -> Option<Discovery> {
    if log.topics.first() != Some(&POOL_CREATED_BY_SPACING) {
        return None;
    }
    let tokens = vec![indexed_address(log, 0)?, indexed_address(log, 1)?];
    let key = PoolKey::from(address(&log.data, 0)?);
    Some(Discovery::Found(Found { factory: log.address, key: Some(key), tokens }))
}

/// The pool that a draft becomes with its `Initialize`.
pub(super) fn born(draft: &Draft, log: &ChainLog) -> Option<Discovery> {
    let (sqrt_price, tick) = v3_initialized(log)?;
    let state = Concentrated::new(sqrt_price, tick, 0, draft.tick_spacing, Vec::new()).ok()?;
    let protocol_fee = if draft.pancake { pancake_default(draft.fee_pips) } else { ProtocolFee::uniswap(0) };
    let pool = Box::new(AnyPool::V3(V3Pool::new(state, draft.fee_pips, protocol_fee).ok()?));
    Some(Discovery::New { key: PoolKey::from(log.address), tokens: draft.tokens.to_vec(), pool })
}

/// What `PancakeV3Pool.initialize` sets: parts of 10,000 of the fee, the same for both tokens.
fn pancake_default(fee_pips: u32) -> ProtocolFee {
    let parts = match fee_pips {
        100 => 3300,
        500 => 3400,
        _ => 3200,
    };
    ProtocolFee::Of10000([parts; 2])
}

fn pool_for(deployer: Address, [token0, token1]: [Address; 2], fee_pips: u32, init_code_hash: B256) -> Address {
    let words = [address_word(token0), address_word(token1), U256::from(fee_pips)];
    let packed: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
    deployer.create2(keccak256(packed), init_code_hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, b256};

    #[test]
    fn a_recorded_pool_is_where_the_factory_makes_it() {
        let wbtc = address!("2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599");
        let weth = address!("C02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2");
        let factory = address!("1F98431c8aD98523631AE4a59f267346ea31F984");
        let hash = b256!("e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54");
        let pool = address!("CBCdF9626bC03E24f779434178A73a0B4bad62eD");
        assert_eq!(pool_for(factory, [wbtc, weth], 3000, hash), pool);
        let log = |named: Address| ChainLog {
            address: factory,
            topics: vec![POOL_CREATED, wbtc.into_word(), weth.into_word(), B256::from(U256::from(3000))],
            data: [U256::from(60).to_be_bytes(), named.into_word().0].concat().into(),
            log_index: 0,
        };
        let of = Of { deployer: None, init_code_hash: Some(hash), pancake: false };
        let mut drafts = Drafts::default();
        assert!(matches!(read(&log(wbtc), &of, &mut drafts), Some(Discovery::Impostor(i)) if i.expected == pool));
        assert_eq!(read(&log(pool), &of, &mut drafts), None);
        let expected = Draft { tokens: [wbtc, weth], fee_pips: 3000, tick_spacing: 60, pancake: false };
        assert_eq!(drafts.get(pool), Some(&expected));
    }
}
