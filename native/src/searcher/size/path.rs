//! A cycle as one function from what goes in to what comes out, on exact integers.
use alloy_primitives::U256;

use super::super::cycle::{Cycle, Hop, MAX_HOPS};
use super::super::pools::{AnyPool, PoolId, Pools, mul_div};

/// Where pools are looked up: [`Pools`], or those with some swaps applied on top ([`super::joint`]).
pub trait View {
    /// The pool of this number.
    fn pool(&self, id: PoolId) -> &AnyPool;
}

impl View for Pools {
    fn pool(&self, id: PoolId) -> &AnyPool {
        self.get(id)
    }
}

/// What comes out for what goes in; it never falls as more goes in.
pub(super) trait Path {
    /// What comes out; none where a hop gives no quote.
    fn forward(&self, amount_in: U256) -> Option<U256>;

    /// The least that must go in for at least `amount_out`; none where no amount gives that.
    fn back(&self, amount_out: U256) -> Option<U256>;
}

/// A hop through a Uniswap V2 pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    pub reserve_in: u128,
    pub reserve_out: u128,
    pub fee_num: u32,
    pub fee_den: u32,
}

const UINT112_MAX: u128 = (1 << 112) - 1;

impl Leg {
    const NONE: Leg = Leg { reserve_in: 0, reserve_out: 0, fee_num: 0, fee_den: 0 };

    fn of(pool: &AnyPool, hop: Hop) -> Option<Leg> {
        let AnyPool::V2(pair) = pool else { return None };
        let (from, to) = (usize::from(hop.side.from), usize::from(hop.side.to));
        let leg = Leg {
            reserve_in: *pair.reserves.get(from)?,
            reserve_out: *pair.reserves.get(to)?,
            fee_num: pair.fee_num[from],
            fee_den: pair.fee_den,
        };
        (from != to && leg.reserve_in > 0 && leg.reserve_out > 0 && leg.fee_num > 0 && leg.fee_den > 0).then_some(leg)
    }

    /// `UniswapV2Library.getAmountOut`, within what the pair's uint112 can hold.
    fn forward(&self, amount_in: u128) -> Option<u128> {
        if amount_in == 0 || amount_in > UINT112_MAX.checked_sub(self.reserve_in)? {
            return None;
        }
        let narrow = || {
            let with_fee = amount_in.checked_mul(self.fee_num.into())?;
            let down = self.reserve_in.checked_mul(self.fee_den.into())?.checked_add(with_fee)?;
            mul_div(with_fee, self.reserve_out, down)
        };
        if let Some(out) = narrow() {
            return Some(out);
        }
        let with_fee = U256::from(amount_in) * U256::from(self.fee_num);
        let down = U256::from(self.reserve_in) * U256::from(self.fee_den) + with_fee;
        u128::try_from(with_fee * U256::from(self.reserve_out) / down).ok()
    }

    /// The least x with `floor(x f Y / (X d + x f)) >= t`, that is `x f (Y - t) >= t X d`.
    fn back(&self, amount_out: u128) -> Option<u128> {
        let left = self.reserve_out.checked_sub(amount_out).filter(|&left| left > 0)?;
        let up = self.reserve_in.checked_mul(self.fee_den.into());
        let least = match (up, left.checked_mul(self.fee_num.into())) {
            (Some(up), Some(down)) => {
                let whole = mul_div(amount_out, up, down)?;
                // What is left is below `down`, so 128 bits of it are all.
                let rest = amount_out.wrapping_mul(up).wrapping_sub(whole.wrapping_mul(down));
                whole.checked_add(u128::from(rest != 0))?
            }
            _ => {
                let up = U256::from(amount_out) * U256::from(self.reserve_in) * U256::from(self.fee_den);
                u128::try_from(up.div_ceil(U256::from(left) * U256::from(self.fee_num))).ok()?
            }
        };
        (least <= UINT112_MAX.checked_sub(self.reserve_in)?).then_some(least.max(1))
    }
}

/// A cycle of constant-product pairs alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Legs {
    legs: [Leg; MAX_HOPS],
    len: usize,
}

impl Legs {
    /// None where a hop is not such a pair, or the pair is empty.
    pub fn of<V: View>(pools: &V, cycle: &Cycle) -> Option<Legs> {
        let hops = cycle.hops();
        let mut legs = [Leg::NONE; MAX_HOPS];
        for (leg, hop) in legs.iter_mut().zip(hops) {
            *leg = Leg::of(pools.pool(hop.pool), *hop)?;
        }
        Some(Legs { legs, len: hops.len() })
    }

    pub fn all(&self) -> &[Leg] {
        &self.legs[..self.len]
    }
}

impl Path for Legs {
    fn forward(&self, amount_in: U256) -> Option<U256> {
        let amount_in = u128::try_from(amount_in).ok()?;
        self.all().iter().try_fold(amount_in, |amount, leg| leg.forward(amount)).map(U256::from)
    }

    fn back(&self, amount_out: U256) -> Option<U256> {
        let amount_out = u128::try_from(amount_out).ok()?;
        self.all().iter().rev().try_fold(amount_out, |amount, leg| leg.back(amount)).map(U256::from)
    }
}
