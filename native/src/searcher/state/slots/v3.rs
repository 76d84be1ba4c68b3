//! Uniswap V3 and PancakeSwap V3: `slot0`, the active liquidity, the words of the tick bitmap and the ticks that they show.
//! Source: the order of state variables in `@uniswap/v3-core contracts/UniswapV3Pool.sol`, and in PancakeSwap's
//! `v3-core contracts/PancakeV3Pool.sol`, whose `feeProtocol` of 32 bits does not fit into the first word.
use std::fmt;

use alloy_primitives::{Address, U256};

use super::super::super::abi::mapping_slot;
use super::super::super::pools::v3::{BadState, Concentrated, MAX_TICK, MIN_TICK, ProtocolFee, Tick, V3Pool};
use super::super::source::StorageSource;

/// Where a fork keeps what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `sqrtPriceX96` (uint160), `tick` (int24), then what quotes do not need.
    pub slot0: U256,
    /// The word with `feeProtocol`, and its lowest bit there.
    pub fee_protocol: (U256, usize),
    /// Whether `feeProtocol` is PancakeSwap's.
    pub pancake: bool,
    /// Active liquidity (uint128).
    pub liquidity: U256,
    /// Mapping of ticks; the first word of one is `liquidityGross` (uint128), `liquidityNet` (int128).
    pub ticks: U256,
    /// Mapping of words of 256 ticks.
    pub bitmap: U256,
}

const fn slot(n: u64) -> U256 {
    U256::from_limbs([n, 0, 0, 0])
}

/// Uniswap V3.
pub const UNISWAP: Layout = Layout {
    slot0: slot(0),
    fee_protocol: (slot(0), 232),
    pancake: false,
    liquidity: slot(4),
    ticks: slot(5),
    bitmap: slot(6),
};

/// PancakeSwap V3.
pub const PANCAKE: Layout = Layout {
    slot0: slot(0),
    fee_protocol: (slot(1), 0),
    pancake: true,
    liquidity: slot(5),
    ticks: slot(6),
    bitmap: slot(7),
};

/// Why a pool could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError<E> {
    /// The source had no answer.
    Source(E),
    /// The words are no state of such a pool: another contract, or not initialised.
    State(BadState),
}

impl<E: fmt::Display> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Source(why) => why.fmt(f),
            LoadError::State(why) => write!(f, "not the storage of such a pool: {why}"),
        }
    }
}

impl<E: fmt::Display + fmt::Debug> std::error::Error for LoadError<E> {}

/// The layout of a pool, known from how the protocol's part of its fee is written; none of a fork that is neither.
pub(in super::super) fn layout_of(pool: &V3Pool) -> Option<&'static Layout> {
    match pool.protocol_fee() {
        ProtocolFee::Nth(_) => Some(&UNISWAP),
        ProtocolFee::Of10000(_) => Some(&PANCAKE),
        ProtocolFee::None => None,
    }
}

/// Root price and tick of a `slot0` word.
pub(in super::super) fn price(word: U256) -> (U256, i32) {
    let sqrt_price = word & ((U256::ONE << 160) - U256::ONE);
    let tick = (word >> 160usize).wrapping_to::<u32>();
    (sqrt_price, ((tick << 8) as i32) >> 8)
}

/// A word of active liquidity.
pub(in super::super) fn liquidity(word: U256) -> u128 {
    word.wrapping_to()
}

/// A tick from its first word.
pub(in super::super) fn tick(tick: i32, word: U256) -> Tick {
    Tick { tick, gross: word.wrapping_to(), net: (word >> 128usize).wrapping_to::<u128>() as i128 }
}

/// The protocol's part from the word it is in.
pub(in super::super) fn protocol_fee(layout: &Layout, word: U256) -> ProtocolFee {
    let bits = word >> layout.fee_protocol.1;
    if layout.pancake { ProtocolFee::pancake(bits.wrapping_to()) } else { ProtocolFee::uniswap(bits.wrapping_to()) }
}

/// A signed key of a mapping (`int24`, `int16`).
fn signed(key: i32) -> U256 {
    let low = U256::from(key.unsigned_abs());
    if key < 0 { low.wrapping_neg() } else { low }
}

/// The slot of a tick's first word.
pub(in super::super) fn tick_slot(ticks: U256, tick: i32) -> U256 {
    mapping_slot(signed(tick), ticks)
}

/// The slot of a bitmap word.
pub(in super::super) fn word_slot(bitmap: U256, word: i32) -> U256 {
    mapping_slot(signed(word), bitmap)
}

/// The numbers of all bitmap words that can have a tick.
pub(in super::super) fn words(tick_spacing: i32) -> impl Iterator<Item = i32> {
    MIN_TICK.div_euclid(tick_spacing) >> 8..=MAX_TICK.div_euclid(tick_spacing) >> 8
}

/// The ticks whose bits are set in a bitmap word.
pub(in super::super) fn ticks_in(word: i32, bits: U256, tick_spacing: i32) -> impl Iterator<Item = i32> {
    (0..256).filter(move |n| bits.bit(*n as usize)).map(move |n| ((word << 8) + n) * tick_spacing)
}

/// All initialised ticks under two mappings: a word of the bitmap for each 256 multiples of the spacing (6,932 with a spacing
/// of 1, 116 with 60), then a word for each tick.
///
/// # Errors
/// As the source has them.
pub(in super::super) fn load_ticks<S: StorageSource>(
    source: &mut S,
    address: Address,
    (ticks, bitmap): (U256, U256),
    tick_spacing: i32,
) -> Result<Vec<Tick>, S::Error> {
    let mut all = Vec::new();
    for word in words(tick_spacing) {
        let bits = source.storage(address, word_slot(bitmap, word))?;
        for n in ticks_in(word, bits, tick_spacing) {
            all.push(tick(n, source.storage(address, tick_slot(ticks, n))?));
        }
    }
    Ok(all)
}

/// A pool as its storage has it. Fee (pips, 1e-6) and tick spacing are in its code, not in its storage.
///
/// # Errors
/// See [`LoadError`].
pub fn load<S: StorageSource>(
    source: &mut S,
    address: Address,
    fee_pips: u32,
    tick_spacing: i32,
    layout: &Layout,
) -> Result<V3Pool, LoadError<S::Error>> {
    if !(1..=32_767).contains(&tick_spacing) {
        return Err(LoadError::State(BadState::Spacing(tick_spacing)));
    }
    let mut read = |slot| source.storage(address, slot).map_err(LoadError::Source);
    let (sqrt_price, tick) = price(read(layout.slot0)?);
    let active = liquidity(read(layout.liquidity)?);
    let fee = protocol_fee(layout, read(layout.fee_protocol.0)?);
    let ticks = load_ticks(source, address, (layout.ticks, layout.bitmap), tick_spacing).map_err(LoadError::Source)?;
    let state = Concentrated::new(sqrt_price, tick, active, tick_spacing, ticks).map_err(LoadError::State)?;
    V3Pool::new(state, fee_pips, fee).map_err(LoadError::State)
}
