//! Uniswap V2 and its forks: `Sync` comes with every change of the reserves (`UniswapV2Pair._update`), and carries both.
//! `Swap`, `Mint`, `Burn` and the share token's own events add nothing to it.
use alloy_primitives::U256;

use super::super::super::abi::word;
use super::super::block::ChainLog;
use super::{Change, topics};

topics! {
    SYNC = "Sync(uint112,uint112)", "1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1";
}

pub(super) fn read(log: &ChainLog) -> Change {
    if log.topics.first() != Some(&SYNC) {
        return Change::Nothing;
    }
    match (uint112(&log.data, 0), uint112(&log.data, 1)) {
        (Some(reserve0), Some(reserve1)) if log.data.len() == 64 => Change::Reserves([reserve0, reserve1]),
        _ => Change::Untold,
    }
}

fn uint112(data: &[u8], n: usize) -> Option<u128> {
    let value = word(data, n)?;
    (value >> 112 == U256::ZERO).then(|| value.to::<u128>())
}
