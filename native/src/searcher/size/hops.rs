//! A cycle through pools of any protocol, by what the pools themselves quote.
use alloy_primitives::{I256, U256};

use super::super::cycle::{Cycle, MAX_HOPS};
use super::super::pools::{AnyPool, NoQuote, Pool, Side};
use super::path::{Path, View};

/// The pools of a cycle in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hops<'a> {
    hops: [Option<(&'a AnyPool, Side)>; MAX_HOPS],
}

impl<'a> Hops<'a> {
    pub fn of<V: View>(pools: &'a V, cycle: &Cycle) -> Hops<'a> {
        let mut hops = [None; MAX_HOPS];
        for (to, hop) in hops.iter_mut().zip(cycle.hops()) {
            *to = Some((pools.pool(hop.pool), hop.side));
        }
        Hops { hops }
    }

    pub fn all(&self) -> impl DoubleEndedIterator<Item = (&'a AnyPool, Side)> + '_ {
        self.hops.iter().flatten().copied()
    }

    /// Gas of all hops; none where one gives no quote.
    fn gas(&self, amount_in: U256) -> Option<u64> {
        let mut amount = amount_in;
        let mut gas = 0u64;
        for (pool, side) in self.all() {
            gas = gas.saturating_add(pool.gas(side, amount));
            amount = pool.quote_in(side, amount).ok()?;
        }
        Some(gas)
    }

    /// The greatest amount from `low` on with less gas than `high` takes; none where even `low` takes as much. What is too
    /// small for a quote takes less.
    pub fn last_cheaper(&self, mut low: U256, mut high: U256) -> Option<U256> {
        let dear = self.gas(high)?;
        let cheaper = |amount_in: U256| self.gas(amount_in).is_none_or(|gas| gas < dear);
        if !cheaper(low) {
            return None;
        }
        while high - low > U256::ONE {
            let middle = low + ((high - low) >> 1);
            if cheaper(middle) { low = middle } else { high = middle }
        }
        Some(low)
    }

    /// What comes out less what goes in; none where a hop gives no quote.
    pub fn profit(&self, amount_in: U256) -> Option<I256> {
        I256::try_from(self.forward(amount_in)?).ok()?.checked_sub(I256::try_from(amount_in).ok()?)
    }
}

impl Path for Hops<'_> {
    fn forward(&self, amount_in: U256) -> Option<U256> {
        self.all().try_fold(amount_in, |amount, (pool, side)| pool.quote_in(side, amount).ok())
    }

    fn back(&self, amount_out: U256) -> Option<U256> {
        self.all().rev().try_fold(amount_out, |amount, (pool, side)| least_in(pool, side, amount))
    }
}

/// The least amount in that gives at least `wanted`, from the one that the contract would ask for: a contract may ask for
/// a little more than the least. Where a pool's iterations make it give less for one unit more, the least nearby.
fn least_in(pool: &AnyPool, side: Side, wanted: U256) -> Option<U256> {
    let gives = |amount_in: U256| match pool.quote_in(side, amount_in) {
        Ok(out) => Some(out >= wanted),
        Err(NoQuote::TooSmall) => Some(false),
        Err(_) => None,
    };
    let mut high = pool.quote_out(side, wanted.max(U256::ONE)).ok()?.max(U256::ONE);
    let mut step = U256::ONE;
    while !gives(high)? {
        high = high.checked_add(step)?;
        step <<= 1;
    }
    let mut low; // gives less
    step = U256::ONE;
    loop {
        low = high.saturating_sub(step);
        if low.is_zero() || !gives(low)? {
            break;
        }
        high = low;
        step <<= 1;
    }
    while high - low > U256::ONE {
        let middle = low + ((high - low) >> 1);
        if gives(middle)? { high = middle } else { low = middle }
    }
    Some(high)
}

/// Amounts of a first look: powers of this many twos.
const RUNG: usize = 3;
/// Amounts above this are no token's.
const MOST_BITS: usize = 120;

/// The amount that earns most, nearly, from powers of two and then by [`section`]; none where nothing earns.
pub(super) fn golden(hops: &Hops<'_>) -> Option<U256> {
    let mut at = |amount_in: U256| hops.profit(amount_in);
    let rungs = (0..MOST_BITS).step_by(RUNG).map(|bits| U256::ONE << bits);
    let best = rungs.max_by_key(|&rung| at(rung))?;
    at(best)?;
    section(&mut at, best >> RUNG, best << RUNG).filter(|&amount_in| at(amount_in) > Some(I256::ZERO))
}

/// The amount between two at which `earned` is greatest, nearly, by golden section on exact integers (Kiefer, 1953). What is
/// looked at is concave but for rounding, and what rounding hides no method finds. None earned is less than anything.
pub(super) fn section(earned: &mut impl FnMut(U256) -> Option<I256>, mut low: U256, mut high: U256) -> Option<U256> {
    // 0.618 of a span, in 64 bits.
    let inner = |span: U256| (span * U256::from(11_400_714_819_323_198_485u64)) >> 64;
    let (mut left, mut right) = (high - inner(high - low), low + inner(high - low));
    let (mut at_left, mut at_right) = (earned(left), earned(right));
    while high - low > U256::from(3) && (high - low) > (high >> 40) {
        if at_left >= at_right && at_left.is_some() || at_right.is_none() {
            (high, right, at_right) = (right, left, at_left);
            left = high - inner(high - low);
            at_left = earned(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + inner(high - low);
            at_right = earned(right);
        }
    }
    let last = [low, left, right, high].map(|x| (earned(x), x));
    let (found, amount_in) = last.into_iter().filter(|(_, x)| !x.is_zero()).max_by_key(|(found, _)| *found)?;
    found.map(|_| amount_in)
}
