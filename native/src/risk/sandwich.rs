//! Sandwiches in an ordered list of swaps: one pure function, for research on recorded blocks and for the Gate's own rule.
//!
//! A sandwich: an actor trades in a pool in one direction (front), others then trade there in the same direction, at the
//! worse price that this left them (victims), and the actor then trades back (back). flashbots/mev-inspect-py
//! `sandwiches.py` has the same definition, with the account that pays as the actor.
//!
//! Caught beyond that: other transactions, contracts and accounts of one signer; other signers, where the tokens stay in
//! the same hands or the proceeds do, or the same contract is called, and what is sold fits what was bought; a front or a
//! back in several parts; several pools at once (one sandwich each); a back in another pool of the same two tokens
//! (`same_pool` is false); a front whose tokens are sold elsewhere at once, so that the actor holds nothing in between
//! (`held` is false: two arbitrages around somebody look the same, and the somebody pays the same).
//!
//! Not caught: signers, accounts and contracts that share nothing (tokens handed on in between, amounts that do not
//! fit); a back by way of a third token or in a later block; liquidity placed around a swap (just-in-time liquidity);
//! a front in one pool that moves the price of another. An account that many use (a router, an aggregator) links
//! nobody by itself: amounts must fit, to 1 %.

use alloy_primitives::{Address, B256, U256};
use rustc_hash::FxHashSet;

/// One swap as it was, or would be, executed. Amounts in the tokens' smallest units; WETH should stand for ether.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traded {
    /// Place of its transaction in the block or bundle; swaps of one transaction follow each other.
    pub tx_index: u32,
    /// The pool: an address (20 bytes, zeros before it), or an id of 32 bytes that begins with the address.
    pub pool: B256,
    /// Who signed the transaction.
    pub signer: Address,
    /// What the transaction called.
    pub called: Address,
    /// The account that the pool was paid by.
    pub payer: Address,
    /// The account that the pool paid.
    pub recipient: Address,
    pub token_in: Address,
    pub token_out: Address,
    pub amount_in: U256,
    pub amount_out: U256,
}

/// A sandwich as indexes of the list, ascending. None is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandwich {
    pub fronts: Vec<usize>,
    pub victims: Vec<usize>,
    pub backs: Vec<usize>,
    /// The fronts' transactions kept what they bought (to 1 %).
    pub held: bool,
    /// The backs are in the fronts' pool.
    pub same_pool: bool,
}

/// Every sandwich in `swaps`, which are in the order of execution; a swap is a front or a back of at most one. Backs are
/// looked for in the fronts' pools first, then, for fronts that are left, in other pools. Quadratic in the number of
/// swaps.
#[must_use]
pub fn sandwiches(swaps: &[Traded]) -> Vec<Sandwich> {
    let pools: FxHashSet<Address> = swaps.iter().map(|s| address_of(&s.pool)).collect();
    let mut used = FxHashSet::default();
    let mut found = Vec::new();
    for same_pool in [true, false] {
        for first in 0..swaps.len() {
            if used.contains(&first) {
                continue;
            }
            if let Some(sandwich) = starting_with(first, swaps, &pools, &used, same_pool) {
                used.extend(sandwich.fronts.iter().chain(&sandwich.backs).copied());
                found.push(sandwich);
            }
        }
    }
    found.sort_by_key(|s| s.fronts[0]);
    found
}

fn starting_with(
    first: usize,
    swaps: &[Traded],
    pools: &FxHashSet<Address>,
    used: &FxHashSet<usize>,
    same_pool: bool,
) -> Option<Sandwich> {
    let front = &swaps[first];
    let (mut fronts, mut victims, mut backs) = (vec![first], Vec::<usize>::new(), Vec::new());
    let mut waiting = Vec::<usize>::new(); // victims, if the actor comes back after them
    let (mut bought, mut sold) = (front.amount_out, U256::ZERO);
    let mut must_fit = false;
    for (j, s) in swaps.iter().enumerate().skip(first + 1) {
        if s.pool == front.pool && s.token_in == front.token_in && s.token_out == front.token_out {
            if !is_one_actor(front, s) {
                waiting.push(j);
            } else if backs.is_empty() && !used.contains(&j) {
                fronts.push(j);
                bought = bought.saturating_add(s.amount_out);
            }
            continue;
        }
        let back = s.token_in == front.token_out && s.token_out == front.token_in && !used.contains(&j);
        let after_a_victim = waiting.iter().chain(&victims).any(|v| swaps[*v].tx_index < s.tx_index);
        if !back || !after_a_victim || (s.pool == front.pool) != same_pool {
            continue;
        }
        let after = sold.saturating_add(s.amount_in);
        if s.signer != front.signer {
            if !shares_hands(front, s, pools) || after > with_margin(bought) {
                continue;
            }
            must_fit = true;
        }
        let (between, later) = waiting.into_iter().partition(|v| swaps[*v].tx_index < s.tx_index);
        victims.extend::<Vec<usize>>(between);
        waiting = later;
        backs.push(j);
        sold = after;
        if sold >= bought {
            break;
        }
    }
    // What the actor bought after the last victim is no front.
    let last = swaps[*victims.last()?].tx_index;
    fronts.retain(|f| swaps[*f].tx_index < last);
    if must_fit && with_margin(sold) < bought {
        return None;
    }
    let held = keeps(&fronts, swaps);
    Some(Sandwich { fronts, victims, backs, held, same_pool })
}

/// A second trade in the same direction by whoever traded first.
fn is_one_actor(front: &Traded, s: &Traded) -> bool {
    s.signer == front.signer || (s.called == front.called && s.payer == front.payer && s.recipient == front.recipient)
}

/// Whether the tokens, the proceeds or the contract are the same in both. A pool is nobody's hands.
fn shares_hands(front: &Traded, back: &Traded, pools: &FxHashSet<Address>) -> bool {
    let own = |a: &Address| *a != Address::ZERO && !pools.contains(a);
    let links = [
        (front.recipient, back.payer),
        (front.payer, back.recipient),
        (front.payer, back.payer),
        (front.recipient, back.recipient),
        (front.called, back.called),
    ];
    links.iter().any(|(a, b)| a == b && own(a))
}

/// Whether the fronts' transactions, over all their swaps, end with what the fronts bought.
fn keeps(fronts: &[usize], swaps: &[Traded]) -> bool {
    let token = swaps[fronts[0]].token_out;
    let inside = |s: &&Traded| fronts.iter().any(|f| swaps[*f].tx_index == s.tx_index);
    let sum = |of: fn(&Traded) -> (Address, U256)| {
        let amounts = swaps.iter().filter(inside).map(of).filter(|(t, _)| *t == token);
        amounts.fold(U256::ZERO, |sum, (_, amount)| sum.saturating_add(amount))
    };
    let got = sum(|s| (s.token_out, s.amount_out));
    let given = sum(|s| (s.token_in, s.amount_in));
    let bought = fronts.iter().fold(U256::ZERO, |sum, f| sum.saturating_add(swaps[*f].amount_out));
    with_margin(got.saturating_sub(given)) >= bought
}

/// 1 % more, rounded down.
fn with_margin(amount: U256) -> U256 {
    amount.saturating_add(amount / U256::from(100))
}

fn address_of(pool: &B256) -> Address {
    if pool[..12].iter().all(|b| *b == 0) { Address::from_slice(&pool[12..]) } else { Address::from_slice(&pool[..20]) }
}

#[cfg(test)]
mod tests;
