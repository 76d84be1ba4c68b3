//! What a cycle costs beside what it swaps, and what is left of it.
use alloy_primitives::U256;

use super::super::cycle::MAX_HOPS;
use super::proof::Proof;

/// What is paid for a cycle. Amounts of a cycle are in its own token, so gas has to be turned into that token: `wei`
/// wei are worth `units` of its smallest units (1 and 1 for WETH).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// Base fee and priority fee together, for one gas.
    pub gas_price_wei: U256,
    /// Gas beside the pools' own: the transaction's 21,000, its calldata, the executor.
    pub flat_gas: u64,
    /// The part of the gross profit that the builder is paid, in hundredths of a percent; rounded up.
    pub builder_bps: u32,
    /// The caller's price of the token: so many wei...
    pub wei: U256,
    /// ...are worth so many of its smallest units.
    pub units: U256,
}

const BPS: U256 = U256::from_limbs([10_000, 0, 0, 0]);

impl Costs {
    /// Nothing is paid: the net profit is the gross.
    pub const FREE: Costs =
        Costs { gas_price_wei: U256::ZERO, flat_gas: 0, builder_bps: 0, wei: U256::ONE, units: U256::ONE };

    /// Costs of a cycle that starts in WETH.
    #[must_use]
    pub fn in_wei(gas_price_wei: U256, flat_gas: u64, builder_bps: u32) -> Costs {
        Costs { gas_price_wei, flat_gas, builder_bps, ..Costs::FREE }
    }

    /// What `gas` of the pools and the flat gas cost in the cycle's token, rounded up; the greatest number where it
    /// does not fit or the price is 0.
    #[must_use]
    pub fn gas_cost(&self, gas: u64) -> U256 {
        let in_wei = self.gas_price_wei.checked_mul(U256::from(gas) + U256::from(self.flat_gas));
        if self.wei == self.units && !self.wei.is_zero() {
            return in_wei.unwrap_or(U256::MAX);
        }
        let Some(scaled) = in_wei.and_then(|wei| wei.checked_mul(self.units)) else { return U256::MAX };
        if self.wei.is_zero() { U256::MAX } else { scaled.div_ceil(self.wei) }
    }

    /// What an amount of the token is worth in wei, rounded down; none where it does not fit.
    #[must_use]
    pub fn worth(&self, amount: U256) -> Option<U256> {
        if self.wei == self.units { Some(amount) } else { amount.checked_mul(self.wei)?.checked_div(self.units) }
    }

    /// The builder's part of a gross profit, rounded up; never more than all of it.
    #[must_use]
    pub fn builder_payment(&self, gross: U256) -> U256 {
        if self.builder_bps == 0 {
            return U256::ZERO;
        }
        let bps = U256::from(self.builder_bps);
        gross.checked_mul(bps).map_or(gross, |scaled| scaled.div_ceil(BPS).min(gross))
    }
}

/// A cycle with the amount that earns most. All amounts are in smallest units: `amounts[0]` and those of the profit of
/// the cycle's token, the others of what each hop gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sized {
    /// What goes in.
    pub amount_in: U256,
    /// What goes into the first hop and then what comes out of each, in order; zeros behind the last.
    pub amounts: [U256; MAX_HOPS + 1],
    /// What the last hop gives.
    pub amount_out: U256,
    /// `amount_out - amount_in`.
    pub gross: U256,
    /// Estimated gas of the pools and the flat gas of [`Costs`].
    pub gas: u64,
    /// What that gas costs, in the cycle's token.
    pub gas_cost: U256,
    /// What the builder is paid, in the cycle's token.
    pub builder_payment: U256,
    /// What is left: more than zero.
    pub net: U256,
    /// What is proven of `amount_in`.
    pub proof: Proof,
}
