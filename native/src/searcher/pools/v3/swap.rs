//! The loop of a swap, step by step to each tick or word edge.
//! Source: `@uniswap/v3-core contracts/UniswapV3Pool.sol` (`swap`), `v4-core src/libraries/Pool.sol` (`swap`).
use alloy_primitives::U256;

use super::concentrated::{At, Concentrated, given, taken};
use super::sqrt_price::{next_from_amount0, next_from_amount1};
use super::swap_math::{after_fee, fee_on};
use super::tick_math::{self, MAX_SQRT_PRICE, MIN_SQRT_PRICE};
use super::ticks::Stop;
use crate::searcher::pools::NoQuote;

/// Which amount of a swap is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exact {
    /// The input, fee and all.
    In(U256),
    /// The output.
    Out(U256),
}

/// What a swap did, or would do. Where the price limit stopped it, less was taken or given than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// What came in, with the fee.
    pub amount_in: U256,
    /// What went out.
    pub amount_out: U256,
    /// Root price afterwards, Q64.96.
    pub sqrt_price: U256,
    /// The tick as slot0 has it afterwards.
    pub tick: i32,
    /// Active liquidity afterwards.
    pub liquidity: u128,
    /// Initialised ticks crossed.
    pub ticks_crossed: u32,
    /// Steps, each to a tick, a word's edge, the limit or the end of the amount; gas grows with them.
    pub steps: u32,
    /// What of the input went to the protocol; as its counter, it begins anew at 2^128.
    pub protocol_fee: u128,
}

/// How the protocol's part of the fee is computed.
pub(in crate::searcher::pools) trait Split {
    /// Whether it is asked for; where not, nothing is computed for it.
    const WANTED: bool;
    /// Whether a last step's input without fee is that of the price's move (V3), or what is left after the fee (V4).
    const BY_PRICE: bool;
    /// The protocol's part of one step: its input without fee, and its fee.
    fn part(&self, amount_in: U256, fee: U256) -> U256;
}

/// Nothing is asked of the protocol's part.
pub(in crate::searcher::pools) struct Unsplit;

impl Split for Unsplit {
    const WANTED: bool = false;
    const BY_PRICE: bool = false;

    fn part(&self, _: U256, _: U256) -> U256 {
        U256::ZERO
    }
}

/// What a run of the loop leaves.
pub(in crate::searcher::pools) struct Run {
    at: At,
    /// What is left of the amount that was given.
    pub left: U256,
    /// The other amount: output of an exact input, input of an exact output.
    pub other: U256,
    crossed: u32,
    steps: u32,
    protocol_fee: U256,
    /// It ended between two stops: the tick follows from the price.
    inside: bool,
}

impl Run {
    pub fn swapped(&self, exact: Exact) -> Swapped {
        let tick = if self.inside { tick_math::tick_at(self.at.price).unwrap_or(self.at.tick) } else { self.at.tick };
        let (amount_in, amount_out) = match exact {
            Exact::In(amount) => (amount - self.left, self.other),
            Exact::Out(amount) => (self.other, amount - self.left),
        };
        Swapped {
            amount_in,
            amount_out,
            sqrt_price: self.at.price,
            tick,
            liquidity: self.at.liquidity,
            ticks_crossed: self.crossed,
            steps: self.steps,
            protocol_fee: (self.protocol_fee & U256::from(u128::MAX)).to::<u128>(),
        }
    }
}

impl Concentrated {
    /// The root price limit that stops a swap at the end of all prices, as the routers set it.
    #[must_use]
    pub fn last_price(down: bool) -> U256 {
        if down { MIN_SQRT_PRICE + U256::ONE } else { MAX_SQRT_PRICE - U256::ONE }
    }

    /// The limit as the contract checks it.
    pub(in crate::searcher::pools) fn limit(&self, down: bool, limit: Option<U256>) -> Result<U256, NoQuote> {
        let Some(limit) = limit else {
            let last = Self::last_price(down);
            let room = if down { self.sqrt_price() > last } else { self.sqrt_price() < last };
            return if room { Ok(last) } else { Err(NoQuote::NoLiquidity) };
        };
        let fits = if down {
            limit < self.sqrt_price() && limit > MIN_SQRT_PRICE
        } else {
            limit > self.sqrt_price() && limit < MAX_SQRT_PRICE
        };
        if fits { Ok(limit) } else { Err(NoQuote::Limit) }
    }

    /// The word edge, among those that were passed over for want of liquidity, that lies exactly on the limit: the contract
    /// arrives on it as on any stop and leaves the tick one below. (Going up, the tick is the same either way.)
    #[cold]
    fn edge_on(&self, at: &At, limit: U256) -> Option<(Stop, U256)> {
        let stop = self.ticks().next(tick_math::tick_at(limit)?, at.place, self.tick_spacing(), true, true);
        (tick_math::at(stop.tick) == limit).then_some((stop, limit))
    }

    /// Runs the loop. With `WORDS` false it passes over word edges: no contract does, and a test shows what that breaks.
    #[inline]
    pub(in crate::searcher::pools) fn run<S: Split, const WORDS: bool>(
        &self,
        down: bool,
        exact: Exact,
        limit: U256,
        fee_pips: u32,
        split: &S,
    ) -> Result<Run, NoQuote> {
        let (exact_in, amount) = match exact {
            Exact::In(amount) => (true, amount),
            Exact::Out(amount) => (false, amount),
        };
        let at = self.start();
        let mut run =
            Run { at, left: amount, other: U256::ZERO, crossed: 0, steps: 0, protocol_fee: U256::ZERO, inside: false };
        while !run.left.is_zero() && run.at.price != limit {
            let first = WORDS && run.steps == 0;
            let near = self.near(down);
            let (mut stop, mut stop_price) =
                if first { (near.stop, near.price) } else { self.stop::<WORDS>(&run.at, down) };
            run.steps += 1;
            if run.at.liquidity == 0 && down && stop_price < limit {
                (stop, stop_price) = self.edge_on(&run.at, limit).unwrap_or((stop, stop_price));
            }
            let limited = if down { stop_price < limit } else { stop_price > limit };
            let target = if limited { limit } else { stop_price };
            let (from, liquidity) = (run.at.price, run.at.liquidity);
            let kept = first && !limited; // then the amounts to the stop are known
            let to = if exact_in {
                let whole = if kept { near.amount_in } else { taken(down, from, target, liquidity) };
                let less = after_fee(run.left, fee_pips);
                if less >= whole {
                    let fee = fee_on(whole, fee_pips);
                    if S::WANTED {
                        run.protocol_fee += split.part(whole, fee);
                    }
                    run.left -= whole + fee;
                    run.other += if kept { near.amount_out } else { given(down, from, target, liquidity) };
                    target
                } else {
                    let next = if down {
                        next_from_amount0(from, liquidity, less, true)
                    } else {
                        next_from_amount1(from, liquidity, less, true)
                    };
                    let next = next.ok_or(NoQuote::Overflow)?;
                    if S::WANTED {
                        let net = if S::BY_PRICE { taken(down, from, next, liquidity) } else { less };
                        run.protocol_fee += split.part(net, run.left - net);
                    }
                    run.left = U256::ZERO;
                    run.other += given(down, from, next, liquidity);
                    next
                }
            } else {
                let whole = if kept { near.amount_out } else { given(down, from, target, liquidity) };
                let (next, out) = if run.left >= whole {
                    (target, whole)
                } else {
                    let next = if down {
                        next_from_amount1(from, liquidity, run.left, false)
                    } else {
                        next_from_amount0(from, liquidity, run.left, false)
                    };
                    (next.ok_or(NoQuote::Overflow)?, run.left)
                };
                let net = if kept && next == target { near.amount_in } else { taken(down, from, next, liquidity) };
                let fee = fee_on(net, fee_pips);
                if S::WANTED {
                    run.protocol_fee += split.part(net, fee);
                }
                run.left -= out;
                run.other += net + fee;
                next
            };
            if to == stop_price {
                run.inside = false;
                run.crossed += u32::from(self.reach(&mut run.at, stop, to, down).ok_or(NoQuote::Overflow)?);
            } else if to != from {
                run.inside = true;
                run.at.price = to;
            }
        }
        Ok(run)
    }
}
