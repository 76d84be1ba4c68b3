//! Uniswap V4: the manager's logs, which name a pool by its id.
//! Source: `@uniswap/v4-core src/interfaces/IPoolManager.sol`, `IProtocolFees.sol`.
//!
//! `Donate` goes to the positions in range and changes nothing that a quote depends on. A dynamic fee has no event of its own:
//! a `Swap` tells the fee that it paid. Where the manager takes no fee of its own that is the providers'; where it does, the two
//! cannot be told apart to the unit, and the pool has to be read from storage. A fee that changed since the last swap is told by
//! no log: pools with a dynamic fee are handed out by discovery rather than added, and whoever adds one simulates its swaps.
use alloy_primitives::{I256, U256};

use super::super::super::abi::word;
use super::super::super::pools::v4::V4Pool;
use super::super::super::pools::v4::hooks::is_called_in_swaps;
use super::super::block::ChainLog;
use super::{Change, int24_word, topics, uint_fits};

topics! {
    INITIALIZE = "Initialize(bytes32,address,address,uint24,int24,address,uint160,int24)",
        "dd466e674ea557f56295e2d0218a125ea4b4f0f6f3307b95f85e6110838d6438";
    MODIFY_LIQUIDITY = "ModifyLiquidity(bytes32,address,int24,int24,int256,bytes32)",
        "f208f4912782fd25c7f114ca3723a2d5dd6f3bcc3ac8db5af63baa85f711d5ec";
    SWAP = "Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)",
        "40e9cecb9f5f1f1c5b9c97dec2917b7ee92e57ba5563708daca94dd84ad7112f";
    PROTOCOL_FEE_UPDATED = "ProtocolFeeUpdated(bytes32,uint24)",
        "e9c42593e71f84403b84352cd168d693e2c9fcd1fdbcc3feb21d92b43e6696f9";
}

pub(super) fn read(log: &ChainLog, pool: &V4Pool) -> Change {
    let Some(topic) = log.topics.first() else { return Change::Nothing };
    let read = match *topic {
        SWAP => swap(log, pool),
        MODIFY_LIQUIDITY => position(log),
        PROTOCOL_FEE_UPDATED => uint_fits(&log.data, 0, 24).map(|fee| Change::ManagerFee(fee.to::<u32>())),
        _ => return Change::Nothing,
    };
    match read {
        Some(Change::Position { delta: 0, .. }) => Change::Nothing,
        Some(change) => change,
        None => Change::Untold,
    }
}

fn swap(log: &ChainLog, pool: &V4Pool) -> Option<Change> {
    let sqrt_price = uint_fits(&log.data, 2, 160)?;
    let liquidity = uint_fits(&log.data, 3, 128)?.to::<u128>();
    let tick = int24_word(&log.data, 4)?;
    let paid = uint_fits(&log.data, 5, 24)?.to::<u32>();
    // What a swapper pays is negative.
    let from = usize::from(!I256::from_raw(word(&log.data, 0)?).is_negative());
    if paid == pool.swap_fee()[from] || is_called_in_swaps(pool.hook().address()) {
        return Some(Change::Price { sqrt_price, tick, liquidity }); // a hook's own fee is that swap's alone
    }
    (pool.protocol_fee()[from] == 0).then_some(Change::PriceAndFee { sqrt_price, tick, liquidity, lp_fee: paid })
}

fn position(log: &ChainLog) -> Option<Change> {
    let delta = i128::try_from(I256::from_raw(word(&log.data, 2)?)).ok()?;
    Some(Change::Position { lower: int24_word(&log.data, 0)?, upper: int24_word(&log.data, 1)?, delta })
}

/// What an `Initialize` says beside the id and the tokens: fee, tick spacing, hooks' word, root price, tick.
pub(in super::super) fn initialized(log: &ChainLog) -> Option<(u32, i32, U256, U256, i32)> {
    if log.topics.first() != Some(&INITIALIZE) {
        return None;
    }
    let fee = uint_fits(&log.data, 0, 24)?.to::<u32>();
    let hooks = uint_fits(&log.data, 2, 160)?;
    Some((fee, int24_word(&log.data, 1)?, hooks, uint_fits(&log.data, 3, 160)?, int24_word(&log.data, 4)?))
}
