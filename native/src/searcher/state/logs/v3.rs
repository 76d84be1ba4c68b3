//! Uniswap V3 and its forks. Source: `@uniswap/v3-core contracts/interfaces/pool/IUniswapV3PoolEvents.sol`,
//! `IUniswapV3PoolOwnerActions.sol`; PancakeSwap V3's `Swap` ends with two more words (the protocol's parts of the fee).
//!
//! `Flash`, `Collect`, `CollectProtocol` and `IncreaseObservationCardinalityNext` change nothing that a quote depends on.
use alloy_primitives::U256;

use super::super::super::pools::v3::{ProtocolFee, V3Pool};
use super::super::block::ChainLog;
use super::{Change, int24, int24_word, topics, uint_fits};

topics! {
    INITIALIZE = "Initialize(uint160,int24)", "98636036cb66a9c19a37435efc1e90142190214e8abeb821bdba3f2990dd4c95";
    MINT = "Mint(address,address,int24,int24,uint128,uint256,uint256)",
        "7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde";
    BURN = "Burn(address,int24,int24,uint128,uint256,uint256)",
        "0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c";
    SWAP = "Swap(address,address,int256,int256,uint160,uint128,int24)",
        "c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67";
    /// PancakeSwap V3.
    SWAP_WITH_PROTOCOL_FEES = "Swap(address,address,int256,int256,uint160,uint128,int24,uint128,uint128)",
        "19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83";
    SET_FEE_PROTOCOL = "SetFeeProtocol(uint8,uint8,uint8,uint8)",
        "973d8d92bb299f4af6ce49b52a8adb85ae46b9f214c4c4fc06ac77401237b133";
    /// PancakeSwap V3.
    SET_FEE_PROTOCOL_32 = "SetFeeProtocol(uint32,uint32,uint32,uint32)",
        "b3159fed3ddfba67bae294599eafe2d0ec98c08bb38e0e5fb87d33154b6e05aa";
}

pub(super) fn read(log: &ChainLog, pool: &V3Pool) -> Change {
    let Some(topic) = log.topics.first() else { return Change::Nothing };
    let read = match *topic {
        SWAP | SWAP_WITH_PROTOCOL_FEES => price(log, 2),
        INITIALIZE => initialized(log).map(|(sqrt_price, tick)| Change::Price { sqrt_price, tick, liquidity: 0 }),
        MINT => position(log, 1, 1),
        BURN => position(log, 0, -1),
        SET_FEE_PROTOCOL => protocol_fee(log, |parts| ProtocolFee::Nth(parts.map(|p| p as u8))),
        SET_FEE_PROTOCOL_32 => protocol_fee(log, |parts| ProtocolFee::Of10000(parts.map(|p| p as u16))),
        _ => return Change::Nothing,
    };
    match read {
        Some(Change::Position { delta: 0, .. }) => Change::Nothing,
        Some(Change::Protocol(fee)) if fee == pool.protocol_fee() => Change::Nothing,
        Some(change) => change,
        None => Change::Untold,
    }
}

/// Price and tick of an `Initialize`.
pub(in super::super) fn initialized(log: &ChainLog) -> Option<(U256, i32)> {
    if log.topics.first() != Some(&INITIALIZE) || log.data.len() != 64 {
        return None;
    }
    Some((uint_fits(&log.data, 0, 160)?, int24_word(&log.data, 1)?))
}

/// `sqrtPriceX96, liquidity, tick` from the `n`-th word on.
fn price(log: &ChainLog, n: usize) -> Option<Change> {
    let liquidity = uint_fits(&log.data, n + 1, 128)?.to::<u128>();
    Some(Change::Price { sqrt_price: uint_fits(&log.data, n, 160)?, tick: int24_word(&log.data, n + 2)?, liquidity })
}

/// The amount of a position is its `n`-th word; the ticks are indexed behind the owner.
fn position(log: &ChainLog, n: usize, sign: i128) -> Option<Change> {
    let amount = i128::try_from(uint_fits(&log.data, n, 128)?.to::<u128>()).ok()?;
    let [lower, upper] = [2, 3].map(|k| log.topics.get(k).and_then(|topic| int24((*topic).into())));
    Some(Change::Position { lower: lower?, upper: upper?, delta: sign * amount })
}

fn protocol_fee(log: &ChainLog, of: impl Fn([u32; 2]) -> ProtocolFee) -> Option<Change> {
    let parts = [uint_fits(&log.data, 2, 16)?.to::<u32>(), uint_fits(&log.data, 3, 16)?.to::<u32>()];
    Some(Change::Protocol(of(parts)))
}
