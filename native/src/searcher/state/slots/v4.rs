//! Uniswap V4: all pools are in the manager's storage, in the mapping of slot 6 by id.
//! Source: `@uniswap/v4-core src/libraries/StateLibrary.sol`, `src/libraries/Pool.sol` (`State`), `src/types/Slot0.sol`.
use alloy_primitives::{Address, B256, U256};

use super::super::super::abi::mapping_slot;
use super::super::super::pools::v3::{BadState, Concentrated};
use super::super::super::pools::v4::V4Pool;
use super::super::super::pools::v4::hooks::SafeHooks;
use super::super::source::StorageSource;
use super::v3::{self, LoadError};

/// `PoolManager.protocolFeesAccrued`, a mapping by currency.
pub(in super::super) const FEES_ACCRUED: U256 = U256::from_limbs([1, 0, 0, 0]);
const POOLS: U256 = U256::from_limbs([6, 0, 0, 0]);

/// The slots of one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// `sqrtPriceX96` (uint160), `tick` (int24), `protocolFee` (uint24), `lpFee` (uint24); both fee growths are behind it.
    pub slot0: U256,
    /// Active liquidity.
    pub liquidity: U256,
    /// Mapping of ticks.
    pub ticks: U256,
    /// Mapping of words of 256 ticks.
    pub bitmap: U256,
}

impl Slots {
    /// Those of the pool with this id.
    #[must_use]
    pub fn of(id: B256) -> Slots {
        let slot0 = mapping_slot(U256::from_be_bytes(id.0), POOLS);
        let [liquidity, ticks, bitmap] = [3u64, 4, 5].map(|n| slot0.wrapping_add(U256::from(n)));
        Slots { slot0, liquidity, ticks, bitmap }
    }
}

/// The protocol's fee (12 bits a direction) and the providers' of a `slot0` word.
pub(in super::super) fn fees(word: U256) -> (u32, u32) {
    let [protocol, lp] = [184usize, 208].map(|from| (word >> from).wrapping_to::<u32>() & 0xff_ffff);
    (protocol, lp)
}

/// A pool as the manager's storage has it. The tick spacing and the hooks are parts of its key, which its id is the hash of.
///
/// # Errors
/// See [`LoadError`].
pub fn load<S: StorageSource>(
    source: &mut S,
    manager: Address,
    id: B256,
    tick_spacing: i32,
    hooks: Address,
    safe: &SafeHooks,
) -> Result<V4Pool, LoadError<S::Error>> {
    if !(1..=32_767).contains(&tick_spacing) {
        return Err(LoadError::State(BadState::Spacing(tick_spacing)));
    }
    let slots = Slots::of(id);
    let word = source.storage(manager, slots.slot0).map_err(LoadError::Source)?;
    let liquidity = source.storage(manager, slots.liquidity).map_err(LoadError::Source)?;
    let ticks =
        v3::load_ticks(source, manager, (slots.ticks, slots.bitmap), tick_spacing).map_err(LoadError::Source)?;
    let (sqrt_price, tick) = v3::price(word);
    let (protocol_fee, lp_fee) = fees(word);
    let state = Concentrated::new(sqrt_price, tick, v3::liquidity(liquidity), tick_spacing, ticks);
    let state = state.map_err(LoadError::State)?;
    V4Pool::new(state, lp_fee, protocol_fee, hooks, safe).map_err(LoadError::State)
}
