//! How much to put into a cycle: the exact integer optimum.
//!
//! Floats give the first guess, exact integers the answer. [`solve`] gives an amount whose neighbours are no better and
//! proves over all amounts how much more any could earn; [`solve_exactly`] goes on until that is nothing.
use alloy_primitives::U256;

use super::cycle::{Cycle, MAX_HOPS};
use super::pools::Pool;

mod big;
mod costs;
pub mod dual;
mod guess;
mod hops;
pub mod joint;
mod market;
mod path;
mod pieces;
mod proof;
mod wide;

pub use costs::{Costs, Sized};
pub use path::View;
pub use proof::Proof;

use hops::Hops;
use path::Legs;
use wide::Wide;

/// The amount that earns most in `cycle` after `costs`, and what is proven of it; none where nothing is left.
///
/// Its neighbours are no better, and the proof says how much more any amount could earn: mostly nothing, otherwise a few
/// units. A hop that gives no quote at an amount makes that amount impossible, nothing else.
#[must_use]
pub fn solve<V: View>(pools: &V, cycle: &Cycle, costs: &Costs) -> Option<Sized> {
    solve_exactly(pools, cycle, costs, 0)
}

/// As [`solve`], and then up to `steps` steps of exact search for the greatest gross profit over all amounts and, of the
/// amounts that have it, the least. The proof says how far it came: with 18 decimals on all sides it can take millions of
/// steps to rule out a single unit.
#[must_use]
pub fn solve_exactly<V: View>(pools: &V, cycle: &Cycle, costs: &Costs, mut steps: u64) -> Option<Sized> {
    let Some(legs) = Legs::of(pools, cycle) else { return of_any(pools, cycle, costs, steps) };
    let guess = guess::constant_product(legs.all())?;
    let wide = Wide::of(legs.all());
    let mut found = proof::near(&legs, &wide, guess.or_else(|| wide.best_in())?)?;
    if steps > 0 {
        found = proof::exactly(&legs, &wide, found, &mut steps);
    }
    told(pools, cycle, costs, found.0.amount_in, found.1)
}

/// A round whose prices multiply to less than this earns nothing, whatever the floats' error.
const NOTHING: f64 = 1.0 - 1e-9;

fn of_any<V: View>(pools: &V, cycle: &Cycle, costs: &Costs, steps: u64) -> Option<Sized> {
    let hops = Hops::of(pools, cycle);
    let price: f64 = hops.all().map(|(pool, side)| pool.spot_price(side)).product();
    if price < NOTHING {
        return None;
    }
    let (guess, crossed) = match pieces::best_in(&hops) {
        Some(found) => found,
        None => (hops::golden(&hops)?, Vec::new()),
    };
    let (corner, proof) = proof::nearby(&hops, guess, U256::MAX, steps)?;
    let best = told(pools, cycle, costs, corner.amount_in, proof);
    if costs.gas_price_wei.is_zero() {
        return best;
    }
    before_ticks(pools, cycle, costs, steps, best, corner.amount_in, &crossed)
}

/// The best amount so far, or one that stops before a tick if the gas of crossing it costs more than what lies behind it
/// earns. From the last tick back, as far as stopping earlier gets better: each costs about the same, so that behind some
/// that are worse there is none that is better. With `steps`, every rise of gas is looked at, not that of ticks alone.
fn before_ticks<V: View>(
    pools: &V,
    cycle: &Cycle,
    costs: &Costs,
    steps: u64,
    mut best: Option<Sized>,
    from: U256,
    crossed: &[U256],
) -> Option<Sized> {
    let hops = Hops::of(pools, cycle);
    let (mut worse, mut next) = (0, from);
    let mut ticks = crossed.iter().rev();
    while worse < 4 {
        let stop = if steps > 0 {
            hops.last_cheaper(U256::ONE, next)
        } else {
            let Some(&tick) = ticks.next() else { break };
            let around = (tick >> 36) + U256::from(8); // floats and roundings of each step
            hops.last_cheaper(tick.saturating_sub(around), tick + around)
        };
        let Some(stop) = stop else { if steps > 0 { break } else { continue } };
        next = stop;
        let found = proof::nearby(&hops, stop, stop, steps);
        let stopped = found.and_then(|(corner, proof)| told(pools, cycle, costs, corner.amount_in, proof));
        if stopped.map(|s| s.net) > best.map(|s| s.net) {
            (best, worse) = (stopped, 0);
        } else {
            worse += 1;
        }
    }
    best
}

/// An amount as the pools themselves quote it, with its costs; none where nothing is left.
fn told<V: View>(pools: &V, cycle: &Cycle, costs: &Costs, amount_in: U256, proof: Proof) -> Option<Sized> {
    let mut amounts = [U256::ZERO; MAX_HOPS + 1];
    amounts[0] = amount_in;
    let mut gas = 0u64;
    for (n, hop) in cycle.hops().iter().enumerate() {
        let pool = pools.pool(hop.pool);
        amounts[n + 1] = pool.quote_in(hop.side, amounts[n]).ok()?;
        gas = gas.saturating_add(pool.gas(hop.side, amounts[n]));
    }
    let amount_out = amounts[cycle.hops().len()];
    let gross = amount_out.checked_sub(amount_in)?;
    let (gas_cost, builder_payment) = (costs.gas_cost(gas), costs.builder_payment(gross));
    let net = (gross - builder_payment).checked_sub(gas_cost).filter(|net| !net.is_zero())?;
    Some(Sized {
        amount_in,
        amounts,
        amount_out,
        gross,
        gas: gas.saturating_add(costs.flat_gas),
        gas_cost,
        builder_payment,
        net,
        proof,
    })
}

#[cfg(test)]
mod tests;
