//! The state that V3 and V4 share: a price, the liquidity active there, and the ticks where it changes.
//! Source: `@uniswap/v3-core contracts/UniswapV3Pool.sol` (`_modifyPosition`), `libraries/Tick.sol`.
use std::fmt;

use alloy_primitives::U256;

use super::sqrt_price::{amount0, amount1};
use super::swap_math::PIPS;
use super::tick_math::{self, MAX_SQRT_PRICE, MAX_TICK, MIN_SQRT_PRICE, MIN_TICK};
use super::ticks::{Stop, Tick, Ticks};
use super::wide::as_f64;

/// Why a state or a change of it is refused: no contract could be in it, so something before it was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadState {
    /// The root price is below that of tick -887272 or not below that of 887272; zero is a pool before its initialisation.
    Price(U256),
    /// The tick is not the price's.
    Tick(i32),
    /// The tick spacing is not from 1 to 32767, or a tick is no multiple of it.
    Spacing(i32),
    /// A tick is there twice, outside of -887272 to 887272, without liquidity, or the lower of two is not the lower.
    Order(i32),
    /// More liquidity is taken away than there is, or more added than 128 bits hold.
    Liquidity,
    /// The fee is above what the protocol allows.
    Fee(u32),
}

impl fmt::Display for BadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadState::Price(price) if price.is_zero() => {
                f.write_str("root price 0: add the pool once it is initialised")
            }
            BadState::Price(price) => write!(f, "root price {price} is out of range; it is Q64.96, as slot0 has it"),
            BadState::Tick(tick) => write!(f, "tick {tick} is not the price's; take both from one slot0 or one Swap"),
            BadState::Spacing(tick) => {
                write!(f, "{tick} is no tick spacing from 1 to 32767, or no multiple of the pool's")
            }
            BadState::Order(tick) => write!(f, "tick {tick} is there twice, empty, out of range or not in order"),
            BadState::Liquidity => {
                f.write_str("liquidity does not add up: a change before this one was missed; reload the pool")
            }
            BadState::Fee(pips) => write!(f, "a fee of {pips} pips; 1000000 are all of the amount"),
        }
    }
}

impl std::error::Error for BadState {}

/// The end of the first step in a direction, with what it takes and gives; kept because most swaps end within it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Near {
    pub stop: Stop,
    pub price: U256,
    pub amount_in: U256,
    pub amount_out: U256,
}

/// Where a swap is.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub price: U256,
    pub tick: i32,
    pub liquidity: u128,
    pub place: usize,
}

/// Price, active liquidity and ticks of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Concentrated {
    sqrt_price: U256,
    liquidity: u128,
    tick: i32,
    tick_spacing: i32,
    place: u32,
    ticks: Ticks,
    near: [Near; 2],
}

/// Input of a move from one price to another without its fee, rounded up. `down` is token 0 in.
#[inline]
pub(super) fn taken(down: bool, from: U256, to: U256, liquidity: u128) -> U256 {
    if down { amount0(to, from, liquidity, true) } else { amount1(from, to, liquidity, true) }
}

/// Output of a move from one price to another, rounded down.
#[inline]
pub(super) fn given(down: bool, from: U256, to: U256, liquidity: u128) -> U256 {
    if down { amount1(to, from, liquidity, false) } else { amount0(from, to, liquidity, false) }
}

impl Concentrated {
    /// A pool's state as its contract keeps it; ticks in any order.
    ///
    /// # Errors
    /// Where no contract could be in this state.
    pub fn new(
        sqrt_price: U256,
        tick: i32,
        liquidity: u128,
        tick_spacing: i32,
        ticks: Vec<Tick>,
    ) -> Result<Concentrated, BadState> {
        if !(1..=32_767).contains(&tick_spacing) {
            return Err(BadState::Spacing(tick_spacing));
        }
        for one in &ticks {
            check(one.tick, tick_spacing)?;
            if one.gross == 0 {
                return Err(BadState::Order(one.tick));
            }
        }
        let ticks = Ticks::new(ticks).map_err(BadState::Order)?;
        let near = [Near::default(); 2];
        let mut made = Concentrated { sqrt_price, liquidity, tick, tick_spacing, place: 0, ticks, near };
        made.set_price(sqrt_price, tick, liquidity)?;
        Ok(made)
    }

    /// Root price, Q64.96.
    #[must_use]
    pub fn sqrt_price(&self) -> U256 {
        self.sqrt_price
    }

    /// The tick as slot0 has it: one below the price's where a falling swap ended on an initialised tick.
    #[must_use]
    pub fn tick(&self) -> i32 {
        self.tick
    }

    /// Active liquidity.
    #[must_use]
    pub fn liquidity(&self) -> u128 {
        self.liquidity
    }

    /// Ticks are multiples of this.
    #[must_use]
    pub fn tick_spacing(&self) -> i32 {
        self.tick_spacing
    }

    /// Initialised ticks.
    #[must_use]
    pub fn ticks(&self) -> &Ticks {
        &self.ticks
    }

    /// Takes over what a `Swap` or an `Initialize` says.
    ///
    /// # Errors
    /// Where the tick is not the price's; then the state is as it was.
    pub fn set_price(&mut self, sqrt_price: U256, tick: i32, liquidity: u128) -> Result<(), BadState> {
        if !(MIN_SQRT_PRICE..MAX_SQRT_PRICE).contains(&sqrt_price) {
            return Err(BadState::Price(sqrt_price));
        }
        let fits = (MIN_TICK..MAX_TICK).contains(&tick)
            && tick_math::at(tick) <= sqrt_price
            && sqrt_price <= tick_math::at(tick + 1);
        if !fits {
            return Err(BadState::Tick(tick));
        }
        self.settle(sqrt_price, tick, liquidity);
        Ok(())
    }

    /// As [`Concentrated::set_price`] for a price and tick that belong together.
    pub(in crate::searcher::pools) fn settle(&mut self, sqrt_price: U256, tick: i32, liquidity: u128) {
        (self.sqrt_price, self.tick, self.liquidity) = (sqrt_price, tick, liquidity);
        self.look_around();
    }

    /// Adds to (or takes from) a position, as a mint or burn does.
    ///
    /// # Errors
    /// Where the contract would have refused it; then the state is as it was.
    pub fn modify_liquidity(&mut self, lower: i32, upper: i32, delta: i128) -> Result<(), BadState> {
        check(lower, self.tick_spacing)?;
        check(upper, self.tick_spacing)?;
        if lower >= upper {
            return Err(BadState::Order(lower));
        }
        if delta == 0 {
            return Ok(()); // a burn of nothing collects fees alone
        }
        let at_lower = self.changed(lower, delta, Some(delta))?;
        let at_upper = self.changed(upper, delta, delta.checked_neg())?;
        if (lower..upper).contains(&self.tick) {
            self.liquidity = self.liquidity.checked_add_signed(delta).ok_or(BadState::Liquidity)?;
        }
        self.ticks.set(at_lower);
        self.ticks.set(at_upper);
        self.look_around();
        Ok(())
    }

    fn changed(&self, tick: i32, gross: i128, net: Option<i128>) -> Result<Tick, BadState> {
        let old = self.ticks.get(tick).unwrap_or(Tick { tick, gross: 0, net: 0 });
        let gross = old.gross.checked_add_signed(gross).ok_or(BadState::Liquidity)?;
        let net = net.and_then(|n| old.net.checked_add(n)).ok_or(BadState::Liquidity)?;
        Ok(Tick { tick, gross, net })
    }

    /// Recomputes what is kept of the two nearest stops.
    fn look_around(&mut self) {
        self.place = self.ticks.place(self.tick) as u32; // at most 1,774,545 ticks
        let at = self.start();
        self.near = [true, false].map(|down| {
            let (stop, price) = self.stop::<true>(&at, down);
            let amount_in = taken(down, at.price, price, at.liquidity);
            Near { stop, price, amount_in, amount_out: given(down, at.price, price, at.liquidity) }
        });
    }

    /// Out per in of an infinitely small swap, in smallest units; 0 where no liquidity lies ahead. A guide, not an amount.
    #[must_use]
    pub fn spot_price(&self, down: bool, fee_pips: u32) -> f64 {
        let mut at = self.start();
        while at.liquidity == 0 {
            let (stop, price) = self.stop::<true>(&at, down);
            if !stop.initialized || self.reach(&mut at, stop, price, down).is_none() {
                return 0.0;
            }
        }
        let root = as_f64(at.price) / 79_228_162_514_264_337_593_543_950_336.0; // 2^96
        let price = if down { root * root } else { 1.0 / (root * root) };
        price * f64::from(PIPS - fee_pips) / f64::from(PIPS)
    }

    #[inline]
    pub(super) fn start(&self) -> At {
        At { price: self.sqrt_price, tick: self.tick, liquidity: self.liquidity, place: self.place as usize }
    }

    #[inline]
    pub(super) fn near(&self, down: bool) -> &Near {
        &self.near[usize::from(!down)]
    }

    /// Where the next step ends and its root price. Without liquidity every step is empty, so that word edges may be passed
    /// over: nothing is there to be rounded.
    #[inline]
    pub(super) fn stop<const WORDS: bool>(&self, at: &At, down: bool) -> (Stop, U256) {
        let words = WORDS && at.liquidity != 0;
        let stop = self.ticks.next(at.tick, at.place, self.tick_spacing, down, words);
        (stop, tick_math::at(stop.tick))
    }

    /// Moves onto a stop that was reached; gives whether a tick was crossed. None where liquidity does not add up.
    #[inline]
    pub(super) fn reach(&self, at: &mut At, stop: Stop, price: U256, down: bool) -> Option<bool> {
        at.price = price;
        at.tick = if down { stop.tick - 1 } else { stop.tick };
        if !stop.initialized {
            return Some(false);
        }
        let net = self.ticks.net(if down { at.place - 1 } else { at.place });
        at.place = if down { at.place - 1 } else { at.place + 1 };
        at.liquidity = at.liquidity.checked_add_signed(if down { net.checked_neg()? } else { net })?;
        Some(true)
    }
}

fn check(tick: i32, spacing: i32) -> Result<(), BadState> {
    if !(MIN_TICK..=MAX_TICK).contains(&tick) {
        return Err(BadState::Order(tick));
    }
    if tick % spacing != 0 { Err(BadState::Spacing(tick)) } else { Ok(()) }
}
