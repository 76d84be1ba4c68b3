//! Uniswap V3 and its forks: liquidity between ticks, a price kept as its root.
//! Source: `@uniswap/v3-core contracts/UniswapV3Pool.sol`; PancakeSwap V3's pool differs in how the protocol's part of the fee is
//! written, Slipstream's in that the fee may change ([`V3Pool::set_fee`]); the amounts of a swap follow the same integers.
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

mod concentrated;
mod divide;
pub(super) mod gas;
mod quick;
mod segments;
pub mod sqrt_price;
mod swap;
pub mod swap_math;
mod tick_math;
mod ticks;
pub mod wide;

pub use concentrated::{BadState, Concentrated};
pub use segments::{Segment, Segments};
pub use swap::{Exact, Swapped};
pub(super) use swap::{Split, Unsplit};
pub use tick_math::{MAX_SQRT_PRICE, MAX_TICK, MIN_SQRT_PRICE, MIN_TICK, sqrt_price_at, tick_at};
pub use ticks::{Tick, Ticks};

use super::{NoQuote, Pool, Side, words};
use swap_math::PIPS;

/// What of the fee goes to the protocol, by which token comes in. It changes no amount of a swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtocolFee {
    /// Nothing.
    #[default]
    None,
    /// Uniswap: one n-th of the fee; 0 is nothing.
    Nth([u8; 2]),
    /// PancakeSwap: so many of 10,000 parts of the fee.
    Of10000([u16; 2]),
}

impl ProtocolFee {
    /// `slot0.feeProtocol` of Uniswap's pool: token 0 in the lower four bits, token 1 in the upper.
    #[must_use]
    pub fn uniswap(fee_protocol: u8) -> ProtocolFee {
        ProtocolFee::Nth([fee_protocol % 16, fee_protocol >> 4])
    }

    /// `slot0.feeProtocol` of PancakeSwap's pool: token 0 in the lower sixteen bits, token 1 in the upper.
    #[must_use]
    pub fn pancake(fee_protocol: u32) -> ProtocolFee {
        ProtocolFee::Of10000([fee_protocol as u16, (fee_protocol >> 16) as u16])
    }
}

/// [`ProtocolFee`] for the token that comes in.
struct Part(ProtocolFee, usize);

impl Split for Part {
    const WANTED: bool = true;
    const BY_PRICE: bool = true;

    fn part(&self, _: U256, fee: U256) -> U256 {
        match self.0 {
            ProtocolFee::None => U256::ZERO,
            ProtocolFee::Nth(n) => fee.checked_div(U256::from(n[self.1])).unwrap_or_default(),
            ProtocolFee::Of10000(parts) => fee * U256::from(parts[self.1]) / U256::from(10_000),
        }
    }
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct V3Pool {
    state: Concentrated,
    fee_pips: u32,
    protocol_fee: ProtocolFee,
}

/// Whether token 0 comes in.
pub(super) fn down(side: Side) -> Result<bool, NoQuote> {
    match (side.from, side.to) {
        (0, 1) => Ok(true),
        (1, 0) => Ok(false),
        _ => Err(NoQuote::NoSuchPair),
    }
}

/// An amount that the contract can be asked for: an `int256` above zero.
pub(super) fn asked(amount: U256) -> Result<U256, NoQuote> {
    if amount.is_zero() {
        return Err(NoQuote::TooSmall);
    }
    if amount.bit(255) { Err(NoQuote::Limit) } else { Ok(amount) }
}

impl V3Pool {
    /// A pool in this state. The fee is in pips (1e-6), below 1,000,000.
    ///
    /// # Errors
    /// Where the fee is all of the input or more.
    pub fn new(state: Concentrated, fee_pips: u32, protocol_fee: ProtocolFee) -> Result<V3Pool, BadState> {
        let mut pool = V3Pool { state, fee_pips: 0, protocol_fee };
        pool.set_fee(fee_pips)?;
        Ok(pool)
    }

    /// Price, liquidity and ticks.
    #[must_use]
    pub fn state(&self) -> &Concentrated {
        &self.state
    }

    /// The fee in pips (1e-6).
    #[must_use]
    pub fn fee_pips(&self) -> u32 {
        self.fee_pips
    }

    /// What of the fee goes to the protocol.
    #[must_use]
    pub fn protocol_fee(&self) -> ProtocolFee {
        self.protocol_fee
    }

    /// Takes over what a `Swap` or an `Initialize` says.
    ///
    /// # Errors
    /// Where the tick is not the price's; then the state is as it was.
    pub fn set_price(&mut self, sqrt_price: U256, tick: i32, liquidity: u128) -> Result<(), BadState> {
        self.state.set_price(sqrt_price, tick, liquidity)
    }

    /// Adds to (or takes from) a position, as `Mint` and `Burn` say.
    ///
    /// # Errors
    /// Where the contract would have refused it; then the state is as it was.
    pub fn modify_liquidity(&mut self, lower: i32, upper: i32, delta: i128) -> Result<(), BadState> {
        self.state.modify_liquidity(lower, upper, delta)
    }

    /// Sets the fee of a fork whose fee changes.
    ///
    /// # Errors
    /// Where it is all of the input or more.
    pub fn set_fee(&mut self, fee_pips: u32) -> Result<(), BadState> {
        if fee_pips >= PIPS {
            return Err(BadState::Fee(fee_pips));
        }
        self.fee_pips = fee_pips;
        Ok(())
    }

    /// Sets what of the fee goes to the protocol, as `SetFeeProtocol` says.
    pub fn set_protocol_fee(&mut self, protocol_fee: ProtocolFee) {
        self.protocol_fee = protocol_fee;
    }

    /// What a swap would do. Without a limit it goes to the end of all prices, as routers ask; where a limit or that end stops
    /// it, only a part is taken or given.
    ///
    /// # Errors
    /// Where the contract would revert.
    pub fn swap(&self, side: Side, amount: Exact, sqrt_price_limit: Option<U256>) -> Result<Swapped, NoQuote> {
        let down = down(side)?;
        let (Exact::In(asked_for) | Exact::Out(asked_for)) = amount;
        asked(asked_for)?;
        let limit = self.state.limit(down, sqrt_price_limit)?;
        let part = Part(self.protocol_fee, usize::from(side.from));
        Ok(self.state.run::<_, true>(down, amount, limit, self.fee_pips, &part)?.swapped(amount))
    }

    /// Makes a swap of [`V3Pool::swap`] the pool's state.
    pub fn settle(&mut self, swapped: &Swapped) {
        self.state.settle(swapped.sqrt_price, swapped.tick, swapped.liquidity);
    }

    /// The pieces of constant liquidity ahead of a swap; none of a pair that the pool does not have.
    pub fn segments(&self, side: Side) -> impl Iterator<Item = Segment> + '_ {
        down(side).ok().map(|down| self.state.segments(down, self.fee_pips)).into_iter().flatten()
    }

    fn whole(&self, side: Side, amount: Exact) -> Result<U256, NoQuote> {
        let down = down(side)?;
        let (Exact::In(asked_for) | Exact::Out(asked_for)) = amount;
        asked(asked_for)?;
        let limit = self.state.limit(down, None)?;
        let run = self.state.run::<_, true>(down, amount, limit, self.fee_pips, &Unsplit)?;
        if run.left.is_zero() { Ok(run.other) } else { Err(NoQuote::NoLiquidity) }
    }
}

impl Pool for V3Pool {
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let down = down(side)?;
        if let Some(out) = self.state.quick_out(down, asked(amount_in)?, self.fee_pips) {
            return Ok(out);
        }
        self.whole(side, Exact::In(amount_in))
    }

    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        self.whole(side, Exact::Out(amount_out))
    }

    fn apply(&mut self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let swapped = self.swap(side, Exact::In(amount_in), None)?;
        if swapped.amount_in != amount_in {
            return Err(NoQuote::NoLiquidity);
        }
        self.settle(&swapped);
        Ok(swapped.amount_out)
    }

    fn spot_price(&self, side: Side) -> f64 {
        down(side).map_or(0.0, |down| self.state.spot_price(down, self.fee_pips))
    }

    fn gas(&self, side: Side, amount_in: U256) -> u64 {
        self.swap(side, Exact::In(amount_in), None).map_or(gas::BASE, |s| gas::of(&s))
    }
}

/// A pool as snapshots and recorded files have it.
#[derive(Clone, Serialize, Deserialize)]
struct Raw {
    sqrt_price: U256,
    tick: i32,
    #[serde(with = "words")]
    liquidity: u128,
    tick_spacing: i32,
    fee_pips: u32,
    #[serde(default)]
    protocol_fee: ProtocolFee,
    ticks: Vec<RawTick>,
}

/// `[tick, gross, net]`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct RawTick(i32, #[serde(with = "words")] u128, #[serde(with = "words")] i128);

impl From<Tick> for RawTick {
    fn from(tick: Tick) -> RawTick {
        RawTick(tick.tick, tick.gross, tick.net)
    }
}

impl From<RawTick> for Tick {
    fn from(RawTick(tick, gross, net): RawTick) -> Tick {
        Tick { tick, gross, net }
    }
}

impl TryFrom<Raw> for V3Pool {
    type Error = BadState;

    fn try_from(raw: Raw) -> Result<V3Pool, BadState> {
        let ticks = raw.ticks.into_iter().map(Tick::from).collect();
        let state = Concentrated::new(raw.sqrt_price, raw.tick, raw.liquidity, raw.tick_spacing, ticks)?;
        V3Pool::new(state, raw.fee_pips, raw.protocol_fee)
    }
}

impl From<V3Pool> for Raw {
    fn from(pool: V3Pool) -> Raw {
        let state = &pool.state;
        Raw {
            sqrt_price: state.sqrt_price(),
            tick: state.tick(),
            liquidity: state.liquidity(),
            tick_spacing: state.tick_spacing(),
            fee_pips: pool.fee_pips,
            protocol_fee: pool.protocol_fee,
            ticks: state.ticks().iter().map(RawTick::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
