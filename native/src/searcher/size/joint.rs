//! Several cycles over shared pools: which, in which order, and how much into each.
//!
//! Cycles that share pools change each other's prices. The plan starts with the best cycle, applies it, looks again, and so
//! on; or with a part of all cycles at once, and so on; for a few cycles every order is tried; then each amount in turn is moved, all others kept, as long as the plan earns
//! more. Every plan that is compared is one that was swapped through on exact integers, pool after pool.
//!
//! Cycles may start in different tokens: the caller says what each token's costs and its price in wei are, and plans are
//! compared in wei.
use std::collections::BinaryHeap;

use alloy_primitives::{I256, U256};
use rustc_hash::FxHashMap;

use super::super::cycle::{Cycle, Hop};
use super::super::pools::{AnyPool, Pool, PoolId, Side, TokenId};
use super::{Costs, Sized, View, solve as solve_one, told};
use super::{Proof, hops::section, pieces::float};

/// Pools with swaps applied on top; those below stay as they are.
#[derive(Clone, Debug)]
pub struct Overlay<'a, V> {
    below: &'a V,
    changed: FxHashMap<PoolId, AnyPool>,
}

impl<V: View> View for Overlay<'_, V> {
    fn pool(&self, id: PoolId) -> &AnyPool {
        self.changed.get(&id).unwrap_or_else(|| self.below.pool(id))
    }
}

impl<'a, V: View> Overlay<'a, V> {
    /// Nothing applied yet.
    pub fn new(below: &'a V) -> Overlay<'a, V> {
        Overlay { below, changed: FxHashMap::default() }
    }

    /// Swaps `amount_in` through the cycle; what comes out, or none where a hop gives no quote: then the state is of no use.
    pub fn apply(&mut self, cycle: &Cycle, amount_in: U256) -> Option<U256> {
        cycle.hops().iter().try_fold(amount_in, |amount, hop| {
            let pool = self.changed.entry(hop.pool).or_insert_with(|| self.below.pool(hop.pool).clone());
            pool.apply(hop.side, amount).ok()
        })
    }
}

/// A cycle of a plan and its amounts, on the pools as the steps before leave them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The cycle.
    pub cycle: Cycle,
    /// What goes in and what is left; its proof says nothing, as the amount is the plan's, not the cycle's own best.
    pub sized: Sized,
}

/// Cycles to be swapped one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In order. Each leaves something by itself.
    pub steps: Vec<Step>,
    /// What all of them leave together, in wei at the caller's prices, each rounded down.
    pub net_wei: U256,
}

/// What cycles that start in a token cost, and its price; none where such cycles are not wanted.
pub trait Prices: Fn(TokenId) -> Option<Costs> {}

impl<F: Fn(TokenId) -> Option<Costs>> Prices for F {}

/// A cycle's best amount, with what it leaves in wei.
fn priced<V: View>(pools: &V, cycle: &Cycle, prices: &impl Prices) -> Option<(U256, Sized)> {
    let costs = prices(cycle.token)?;
    let sized = solve_one(pools, cycle, &costs)?;
    Some((costs.worth(sized.net)?, sized))
}

/// Swaps amounts through cycles in this order; what leaves nothing is left out. None where a hop gives no quote.
#[must_use]
pub fn in_sequence<V: View>(pools: &V, wanted: &[(Cycle, U256)], prices: &impl Prices) -> Option<Plan> {
    let mut state = Overlay::new(pools);
    let mut plan = Plan::default();
    for &(cycle, amount_in) in wanted {
        let costs = prices(cycle.token)?;
        let Some(sized) = told(&state, &cycle, &costs, amount_in, Proof::NONE) else { continue };
        state.apply(&cycle, amount_in)?;
        plan.net_wei = plan.net_wei.checked_add(costs.worth(sized.net)?)?;
        plan.steps.push(Step { cycle, sized });
    }
    Some(plan)
}

/// The best cycle, then the best on what it leaves, and so on until nothing is left: at least as good as any one of them.
#[must_use]
pub fn greedy<V: View>(pools: &V, cycles: &[Cycle], prices: &impl Prices) -> Plan {
    more(&mut Overlay::new(pools), Plan::default(), cycles, prices)
}

/// A plan that swapped `state` through, continued with the best cycle on what it leaves, and so on.
fn more<V: View>(state: &mut Overlay<'_, V>, mut plan: Plan, cycles: &[Cycle], prices: &impl Prices) -> Plan {
    let mut changes: FxHashMap<PoolId, usize> = FxHashMap::default(); // by which step a pool was changed last
    let mut heap = BinaryHeap::new();
    for round in 0..MOST_ROUNDS {
        let asked_at = plan.steps.len();
        for (n, cycle) in cycles.iter().enumerate() {
            if let Some((net_wei, _)) = priced(state, cycle, prices) {
                heap.push((net_wei, n, asked_at));
            }
        }
        let before = plan.net_wei;
        while let Some((_, n, asked_at)) = heap.pop() {
            let cycle = &cycles[n];
            let stale = cycle.hops().iter().any(|hop| changes.get(&hop.pool).is_some_and(|&at| at > asked_at));
            let Some((net_wei, sized)) = priced(state, cycle, prices) else { continue };
            if stale {
                heap.push((net_wei, n, plan.steps.len()));
                continue;
            }
            if state.apply(cycle, sized.amount_in).is_none() {
                return plan;
            }
            plan.net_wei += net_wei;
            plan.steps.push(Step { cycle: *cycle, sized: Sized { proof: Proof::NONE, ..sized } });
            for hop in cycle.hops() {
                changes.insert(hop.pool, plan.steps.len());
            }
        }
        // What the steps opened up for cycles that had nothing before is seen in another round.
        if plan.net_wei - before <= before >> 20 && round > 0 {
            break;
        }
    }
    plan
}

/// All cycles at once: each round all that earn are swapped for a part of their best amount, the best first, so that none
/// takes what another would make more of. The sums of each cycle's parts are then swapped one after the other, and what is
/// left is looked for as in [`greedy`]. With `room`, no more than that goes into a pool on a side in these rounds, and
/// nothing where there is none.
fn together<V: View>(pools: &V, cycles: &[Cycle], prices: &impl Prices, mut room: Option<Room>) -> Option<Plan> {
    let free = |token| prices(token).map(|costs| Costs { gas_price_wei: U256::ZERO, ..costs });
    let mut state = Overlay::new(pools);
    let mut sums: Vec<(Cycle, U256)> = Vec::new();
    let mut places: FxHashMap<usize, usize> = FxHashMap::default();
    for part in PARTS {
        let allowed = |cycle: &Cycle| {
            let in_room =
                |hop: &Hop| room.as_ref().is_none_or(|room| room.get(&(hop.pool, hop.side)).is_some_and(|r| *r > 0.0));
            cycle.hops().iter().all(in_room)
        };
        let all = cycles.iter().enumerate().filter(|(_, cycle)| allowed(cycle));
        let nets = all.filter_map(|(n, cycle)| Some((priced(&state, cycle, &free)?.0, n)));
        let mut order: Vec<(U256, usize)> = nets.collect();
        order.sort_by(|a, b| b.cmp(a));
        for (_, n) in order {
            let Some((_, sized)) = priced(&state, &cycles[n], &free) else { continue };
            let mut amount_in = sized.amount_in / part;
            if let Some(room) = &room {
                let hops = cycles[n].hops().iter().zip(sized.amounts);
                let share =
                    |(hop, amount): (&Hop, U256)| room.get(&(hop.pool, hop.side)).map_or(0.0, |r| r / float(amount));
                let share = hops.map(share).fold(1.0, f64::min);
                // In 2^-32 parts: floats only say how much to try.
                let most = (sized.amount_in >> 32) * U256::from((share * 4_294_967_296.0) as u64);
                amount_in = amount_in.min(most);
            }
            let Some(told) = told(&state, &cycles[n], &Costs::FREE, amount_in, Proof::NONE) else { continue };
            if let Some(room) = &mut room {
                for (hop, amount) in cycles[n].hops().iter().zip(told.amounts) {
                    room.entry((hop.pool, hop.side)).and_modify(|r| *r -= float(amount));
                }
            }
            state.apply(&cycles[n], amount_in)?;
            let place = *places.entry(n).or_insert_with(|| {
                sums.push((cycles[n], U256::ZERO));
                sums.len() - 1
            });
            sums[place].1 += amount_in;
        }
    }
    let plan = in_sequence(pools, &sums, prices)?;
    let mut state = Overlay::new(pools);
    for step in &plan.steps {
        state.apply(&step.cycle, step.sized.amount_in)?;
    }
    Some(more(&mut state, plan, cycles, prices))
}

/// What may still go into a pool on a side, about.
type Room = FxHashMap<(PoolId, Side), f64>;

/// What part of the best amount each round of [`together`] swaps.
const PARTS: [U256; 8] = {
    const fn part(n: u64) -> U256 {
        U256::from_limbs([n, 0, 0, 0])
    }
    [part(8), part(8), part(6), part(6), part(4), part(4), part(2), part(1)]
};
const MOST_ROUNDS: usize = 16;
/// So many cycles are tried in every order.
const ALL_ORDERS: usize = 4;
/// So many steps have their amounts moved.
const MOVED: usize = 16;
/// At most so many times each.
const MOST_PASSES: usize = 12;

/// The best plan found; empty where nothing is left. It is never worse than [`greedy`], nor than the best single cycle.
#[must_use]
pub fn solve<V: View>(pools: &V, cycles: &[Cycle], prices: &impl Prices) -> Plan {
    solve_towards(pools, cycles, prices, &[])
}

/// As [`solve`], with the trades of the dual bound to work towards ([`super::dual::Bound::trades`]).
#[must_use]
pub fn solve_towards<V: View>(
    pools: &V,
    cycles: &[Cycle],
    prices: &impl Prices,
    trades: &[(PoolId, Side, f64)],
) -> Plan {
    let mut best = greedy(pools, cycles, prices);
    let mut used: Vec<Cycle> = Vec::new();
    for step in &best.steps {
        if !used.contains(&step.cycle) && used.len() <= ALL_ORDERS {
            used.push(step.cycle);
        }
    }
    if (2..=ALL_ORDERS).contains(&used.len()) {
        orders(pools, &mut used, 0, prices, &mut best);
    }
    if best.steps.len() > 1 || !trades.is_empty() {
        let room: Room = trades.iter().map(|&(pool, side, paid)| ((pool, side), paid)).collect();
        let room = if room.is_empty() { None } else { Some(room) };
        best = together(pools, cycles, prices, room).filter(|plan| plan.net_wei > best.net_wei).unwrap_or(best);
    }
    if best.steps.len() > 1 && best.steps.len() <= MOVED {
        best = merged(pools, &best, prices).filter(|plan| plan.net_wei >= best.net_wei).unwrap_or(best);
        best = moved(pools, best, prices);
    }
    best
}

/// Every order of the cycles, each sized for itself on what the ones before leave.
fn orders<V: View>(pools: &V, cycles: &mut [Cycle], fixed: usize, prices: &impl Prices, best: &mut Plan) {
    if fixed == cycles.len() {
        let mut state = Overlay::new(pools);
        let mut plan = Plan::default();
        for cycle in cycles.iter() {
            let Some((net_wei, sized)) = priced(&state, cycle, prices) else { continue };
            if state.apply(cycle, sized.amount_in).is_none() {
                return;
            }
            plan.net_wei += net_wei;
            plan.steps.push(Step { cycle: *cycle, sized: Sized { proof: Proof::NONE, ..sized } });
        }
        if plan.net_wei > best.net_wei {
            *best = plan;
        }
        return;
    }
    for n in fixed..cycles.len() {
        cycles.swap(fixed, n);
        orders(pools, cycles, fixed + 1, prices, best);
        cycles.swap(fixed, n);
    }
}

fn amounts(plan: &Plan) -> Vec<(Cycle, U256)> {
    plan.steps.iter().map(|step| (step.cycle, step.sized.amount_in)).collect()
}

/// The plan with each cycle once: its gas is paid once.
fn merged<V: View>(pools: &V, plan: &Plan, prices: &impl Prices) -> Option<Plan> {
    let mut once: Vec<(Cycle, U256)> = Vec::new();
    for (cycle, amount_in) in amounts(plan) {
        match once.iter_mut().find(|(known, _)| *known == cycle) {
            Some((_, sum)) => *sum += amount_in,
            None => once.push((cycle, amount_in)),
        }
    }
    in_sequence(pools, &once, prices)
}

/// Moves each amount in turn to where the whole plan earns most, as long as that brings anything.
fn moved<V: View>(pools: &V, mut best: Plan, prices: &impl Prices) -> Plan {
    for _ in 0..MOST_PASSES {
        let before = best.net_wei;
        for n in 0..best.steps.len() {
            let mut wanted = amounts(&best);
            let Some(&(_, now)) = wanted.get(n) else { break };
            let mut earned = |amount_in: U256| {
                wanted[n].1 = amount_in;
                let plan = in_sequence(pools, &wanted, prices)?;
                I256::try_from(plan.net_wei).ok()
            };
            let Some(amount_in) = section(&mut earned, now >> 2, now << 1) else { continue };
            wanted[n].1 = amount_in;
            if let Some(plan) = in_sequence(pools, &wanted, prices).filter(|plan| plan.net_wei > best.net_wei) {
                best = plan;
            }
        }
        if best.net_wei - before <= before >> 30 {
            break;
        }
    }
    best
}
