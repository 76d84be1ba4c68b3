//! Uniswap V4: V3's integers in one manager for all pools, with a fee of two parts and hooks.
//! Source: `@uniswap/v4-core src/libraries/Pool.sol`, `SwapMath.sol`, `ProtocolFeeLibrary.sol`, `LPFeeLibrary.sol`.
//!
//! A token of address zero is the chain's own coin. What differs from V3 in a swap: the protocol's fee is a part of the input,
//! taken before the liquidity providers' fee, so that it changes the amounts; amounts are cut to `int128`; the input of a last
//! step is what is left after the fee and not that of the price's move, which changes the split of the fee alone.
use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

pub mod hooks;

use super::v3::swap_math::PIPS;
use super::v3::{BadState, Concentrated, Exact, RawTick, Segment, Split, Swapped, Tick, Unsplit, asked, down, gas};
use super::{NoQuote, Pool, Side, words};
use hooks::{Hook, SafeHooks};

/// A pool key's fee that says: it changes, and slot0 has its present value.
pub const DYNAMIC_FEE: u32 = 0x80_0000;

/// The most that may go to the protocol, in pips of the input.
pub const MAX_PROTOCOL_FEE: u16 = 1_000;

/// A pool of the manager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct V4Pool {
    state: Concentrated,
    lp_fee: u32,
    protocol_fee: [u16; 2],
    /// The fees of both directions together: what a swap pays.
    swap_fee: [u32; 2],
    hook: Hook,
}

/// The protocol's part, of the direction whose fees these are.
struct Part {
    protocol_fee: u16,
    swap_fee: u32,
}

impl Split for Part {
    const WANTED: bool = true;
    const BY_PRICE: bool = false;

    fn part(&self, amount_in: U256, fee: U256) -> U256 {
        if self.swap_fee == u32::from(self.protocol_fee) {
            return fee;
        }
        (amount_in + fee).wrapping_mul(U256::from(self.protocol_fee)) / U256::from(PIPS)
    }
}

/// Both fees together: the protocol's is taken first, the providers' of the rest; `calculateSwapFee`. In pips.
#[must_use]
pub fn swap_fee(protocol_fee: u16, lp_fee: u32) -> u32 {
    let protocol = u32::from(protocol_fee);
    protocol + lp_fee - (u64::from(protocol) * u64::from(lp_fee) / u64::from(PIPS)) as u32
}

impl V4Pool {
    /// A pool in this state: `lp_fee` in pips, for a dynamic fee its present value; `protocol_fee` as slot0 has it, 12 bits for
    /// token 0 coming in and 12 above them for token 1; the hook of its key, and which hooks are known to be safe.
    ///
    /// # Errors
    /// Where a fee is more than the manager allows.
    pub fn new(
        state: Concentrated,
        lp_fee: u32,
        protocol_fee: u32,
        hooks: Address,
        safe: &SafeHooks,
    ) -> Result<V4Pool, BadState> {
        let hook = Hook::new(hooks, safe);
        let mut pool = V4Pool { state, lp_fee: 0, protocol_fee: [0; 2], swap_fee: [0; 2], hook };
        pool.set_lp_fee(lp_fee)?;
        pool.set_protocol_fee(protocol_fee)?;
        Ok(pool)
    }

    /// Price, liquidity and ticks.
    #[must_use]
    pub fn state(&self) -> &Concentrated {
        &self.state
    }

    /// The liquidity providers' fee in pips, at present where it is dynamic.
    #[must_use]
    pub fn lp_fee(&self) -> u32 {
        self.lp_fee
    }

    /// The protocol's fee in pips of the input, by which token comes in.
    #[must_use]
    pub fn protocol_fee(&self) -> [u16; 2] {
        self.protocol_fee
    }

    /// Its hook, and what is known of it.
    #[must_use]
    pub fn hook(&self) -> Hook {
        self.hook
    }

    /// What a swap pays in pips of the input, by which token comes in: both fees together.
    #[must_use]
    pub fn swap_fee(&self) -> [u32; 2] {
        self.swap_fee
    }

    /// Puts another price, liquidity and ticks; fees and hook stay.
    pub fn set_state(&mut self, state: Concentrated) {
        self.state = state;
    }

    /// Takes over what a `Swap` or an `Initialize` says.
    ///
    /// # Errors
    /// Where the tick is not the price's; then the state is as it was.
    pub fn set_price(&mut self, sqrt_price: U256, tick: i32, liquidity: u128) -> Result<(), BadState> {
        self.state.set_price(sqrt_price, tick, liquidity)
    }

    /// Adds to (or takes from) a position, as `ModifyLiquidity` says.
    ///
    /// # Errors
    /// Where the manager would have refused it; then the state is as it was.
    pub fn modify_liquidity(&mut self, lower: i32, upper: i32, delta: i128) -> Result<(), BadState> {
        self.state.modify_liquidity(lower, upper, delta)
    }

    /// Sets the providers' fee: a dynamic one has no event of its own, but each `Swap` tells the fee it took and slot0 the
    /// present one.
    ///
    /// # Errors
    /// Where it is more than all.
    pub fn set_lp_fee(&mut self, lp_fee: u32) -> Result<(), BadState> {
        if lp_fee > PIPS {
            return Err(BadState::Fee(lp_fee));
        }
        self.lp_fee = lp_fee;
        self.swap_fee = self.protocol_fee.map(|protocol| swap_fee(protocol, lp_fee));
        Ok(())
    }

    /// Sets the protocol's fee as `ProtocolFeeUpdated` and slot0 have it: 12 bits a direction.
    ///
    /// # Errors
    /// Where one is more than [`MAX_PROTOCOL_FEE`].
    pub fn set_protocol_fee(&mut self, packed: u32) -> Result<(), BadState> {
        let fees = [packed & 0xfff, packed >> 12];
        if fees.iter().any(|&fee| fee > u32::from(MAX_PROTOCOL_FEE)) {
            return Err(BadState::Fee(packed));
        }
        self.protocol_fee = fees.map(|fee| fee as u16);
        self.set_lp_fee(self.lp_fee)
    }

    /// What a swap would do, hooks or not: the manager's own arithmetic. Without a limit it goes to the end of all prices.
    ///
    /// # Errors
    /// Where the manager would revert.
    pub fn swap(&self, side: Side, amount: Exact, sqrt_price_limit: Option<U256>) -> Result<Swapped, NoQuote> {
        let down = self.ready(side, amount)?;
        let limit = self.state.limit(down, sqrt_price_limit)?;
        let n = usize::from(side.from);
        let part = Part { protocol_fee: self.protocol_fee[n], swap_fee: self.swap_fee[n] };
        let swapped = self.state.run::<_, true>(down, amount, limit, self.swap_fee[n], &part)?.swapped(amount);
        fits(swapped.amount_in, swapped.amount_out)?;
        Ok(swapped)
    }

    /// Makes a swap of [`V4Pool::swap`] the pool's state.
    pub fn settle(&mut self, swapped: &Swapped) {
        self.state.settle(swapped.sqrt_price, swapped.tick, swapped.liquidity);
    }

    /// The pieces of constant liquidity ahead of a swap; none of a pair that the pool does not have, or where its hook is not
    /// known to be safe.
    pub fn segments(&self, side: Side) -> impl Iterator<Item = Segment> + '_ {
        let down = if self.hook.is_safe() { down(side).ok() } else { None };
        let fee_pips = self.swap_fee[usize::from(side.from & 1)];
        down.map(|down| self.state.segments(down, fee_pips)).into_iter().flatten()
    }

    fn ready(&self, side: Side, amount: Exact) -> Result<bool, NoQuote> {
        let down = down(side)?;
        let (Exact::In(asked_for) | Exact::Out(asked_for)) = amount;
        asked(asked_for)?;
        if matches!(amount, Exact::Out(_)) && self.swap_fee[usize::from(side.from)] >= PIPS {
            return Err(NoQuote::NoLiquidity);
        }
        Ok(down)
    }

    fn whole(&self, side: Side, amount: Exact) -> Result<U256, NoQuote> {
        if !self.hook.is_safe() {
            return Err(NoQuote::Unknown);
        }
        let down = self.ready(side, amount)?;
        let limit = self.state.limit(down, None)?;
        let fee_pips = self.swap_fee[usize::from(side.from)];
        let run = self.state.run::<_, true>(down, amount, limit, fee_pips, &Unsplit)?;
        if !run.left.is_zero() {
            return Err(NoQuote::NoLiquidity);
        }
        match amount {
            Exact::In(amount_in) => fits(amount_in, run.other)?,
            Exact::Out(amount_out) => fits(run.other, amount_out)?,
        }
        Ok(run.other)
    }
}

/// Amounts go through `int128`: the input below zero, the output above it.
fn fits(amount_in: U256, amount_out: U256) -> Result<(), NoQuote> {
    let end = U256::ONE << 127;
    if amount_in <= end && amount_out < end { Ok(()) } else { Err(NoQuote::Overflow) }
}

impl Pool for V4Pool {
    fn quote_in(&self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        let down = down(side)?;
        if self.hook.is_safe() {
            let fee_pips = self.swap_fee[usize::from(side.from)];
            if let Some(out) = self.state.quick_out(down, asked(amount_in)?, fee_pips) {
                return fits(amount_in, out).map(|()| out);
            }
        }
        self.whole(side, Exact::In(amount_in))
    }

    fn quote_out(&self, side: Side, amount_out: U256) -> Result<U256, NoQuote> {
        self.whole(side, Exact::Out(amount_out))
    }

    fn apply(&mut self, side: Side, amount_in: U256) -> Result<U256, NoQuote> {
        if !self.hook.is_safe() {
            return Err(NoQuote::Unknown);
        }
        let swapped = self.swap(side, Exact::In(amount_in), None)?;
        if swapped.amount_in != amount_in {
            return Err(NoQuote::NoLiquidity);
        }
        self.settle(&swapped);
        Ok(swapped.amount_out)
    }

    fn spot_price(&self, side: Side) -> f64 {
        match down(side) {
            Ok(down) if self.hook.is_safe() => self.state.spot_price(down, self.swap_fee[usize::from(side.from)]),
            _ => 0.0,
        }
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
    lp_fee: u32,
    /// As slot0 has it.
    #[serde(default)]
    protocol_fee: u32,
    #[serde(default)]
    hooks: Address,
    /// Whether the hook was on the list of the known-safe; by its flags it may be safe without.
    #[serde(default)]
    listed: bool,
    ticks: Vec<RawTick>,
}

impl TryFrom<Raw> for V4Pool {
    type Error = BadState;

    fn try_from(raw: Raw) -> Result<V4Pool, BadState> {
        let ticks = raw.ticks.into_iter().map(Tick::from).collect();
        let state = Concentrated::new(raw.sqrt_price, raw.tick, raw.liquidity, raw.tick_spacing, ticks)?;
        let mut safe = SafeHooks::default();
        if raw.listed {
            safe.insert(raw.hooks);
        }
        V4Pool::new(state, raw.lp_fee, raw.protocol_fee, raw.hooks, &safe)
    }
}

impl From<V4Pool> for Raw {
    fn from(pool: V4Pool) -> Raw {
        let state = &pool.state;
        Raw {
            sqrt_price: state.sqrt_price(),
            tick: state.tick(),
            liquidity: state.liquidity(),
            tick_spacing: state.tick_spacing(),
            lp_fee: pool.lp_fee,
            protocol_fee: u32::from(pool.protocol_fee[0]) | u32::from(pool.protocol_fee[1]) << 12,
            hooks: pool.hook.address(),
            listed: pool.hook.is_listed(),
            ticks: state.ticks().iter().map(RawTick::from).collect(),
        }
    }
}
