use alloy_primitives::{Address, B256, U256};

use super::{Sandwich, Traded, sandwiches};

const BOT: u8 = 1;
const ALICE: u8 = 2;
const BOB: u8 = 3;
const ROUTER: u8 = 9;
const POOL: u8 = 20;
const OTHER_POOL: u8 = 21;
const WETH: u8 = 30;
const TOKEN: u8 = 31;

fn account(n: u8) -> Address {
    Address::with_last_byte(n)
}

/// One's own contract and key, buying or selling `TOKEN` for `WETH`.
fn trade(tx: u32, who: u8, buys: bool, amount_in: u64, amount_out: u64) -> Traded {
    let (token_in, token_out) = if buys { (WETH, TOKEN) } else { (TOKEN, WETH) };
    Traded {
        tx_index: tx,
        pool: B256::with_last_byte(POOL),
        signer: account(who + 100),
        called: account(who),
        payer: account(who),
        recipient: account(who),
        token_in: account(token_in),
        token_out: account(token_out),
        amount_in: U256::from(amount_in),
        amount_out: U256::from(amount_out),
    }
}

fn plain() -> Vec<Traded> {
    vec![trade(0, BOT, true, 10, 1000), trade(1, ALICE, true, 5, 400), trade(2, BOT, false, 1000, 11)]
}

fn only(fronts: &[usize], victims: &[usize], backs: &[usize]) -> Vec<Sandwich> {
    vec![Sandwich {
        fronts: fronts.to_vec(),
        victims: victims.to_vec(),
        backs: backs.to_vec(),
        held: true,
        same_pool: true,
    }]
}

#[test]
fn buy_victim_sell_is_one_and_so_is_its_mirror() {
    assert_eq!(sandwiches(&plain()), only(&[0], &[1], &[2]));
    let mirror = [trade(0, BOT, false, 1000, 11), trade(1, ALICE, false, 400, 4), trade(2, BOT, true, 11, 1001)];
    assert_eq!(sandwiches(&mirror), only(&[0], &[1], &[2]));
}

#[test]
fn none_without_a_victim_between_in_the_same_direction_in_the_same_pool() {
    let mut other_direction = plain();
    other_direction[1] = trade(1, ALICE, false, 400, 5);
    let mut elsewhere = plain();
    elsewhere[1].pool = B256::with_last_byte(OTHER_POOL);
    let mut after = plain();
    after.swap(1, 2);
    let mut own = plain();
    own[1] = trade(1, BOT, true, 5, 400);
    let mut never_back = plain();
    never_back.pop();
    for swaps in [other_direction, elsewhere, after, own, never_back, vec![]] {
        assert_eq!(sandwiches(&swaps), vec![], "{swaps:?}");
    }
}

#[test]
fn another_key_is_caught_when_hands_are_shared_and_the_amount_fits() {
    let mut swaps = plain();
    swaps[2].signer = account(77);
    assert_eq!(sandwiches(&swaps), only(&[0], &[1], &[2]));
    for (left, caught) in [(995, true), (1009, true), (900, false), (1200, false)] {
        swaps[2].amount_in = U256::from(left);
        assert_eq!(!sandwiches(&swaps).is_empty(), caught, "{left}");
    }
}

#[test]
fn another_contract_is_caught_by_its_signer_whatever_the_amount() {
    let mut swaps = plain();
    swaps[2].called = account(50);
    swaps[2].payer = account(50);
    swaps[2].recipient = account(51);
    swaps[2].amount_in = U256::from(300);
    assert_eq!(sandwiches(&swaps), only(&[0], &[1], &[2]));
}

#[test]
fn the_same_beneficiary_is_caught() {
    let mut swaps = plain();
    swaps[2].signer = account(77);
    swaps[2].called = account(50);
    swaps[2].payer = account(50);
    assert_eq!(sandwiches(&swaps), only(&[0], &[1], &[2]));
    swaps[2].recipient = account(51);
    assert_eq!(sandwiches(&swaps), vec![]);
}

#[test]
fn users_of_one_router_or_one_aggregator_are_no_actor() {
    let mut swaps = vec![trade(0, ALICE, true, 10, 1000), trade(1, BOB, true, 5, 400), trade(2, BOT, false, 700, 8)];
    for s in &mut swaps {
        (s.called, s.payer, s.recipient) = (account(ROUTER), account(ROUTER), account(ROUTER));
    }
    assert_eq!(sandwiches(&swaps), vec![]);
}

#[test]
fn a_pool_that_pays_and_is_paid_links_nobody() {
    let mut swaps = vec![trade(0, ALICE, true, 10, 1000), trade(1, BOB, true, 5, 400), trade(2, BOT, false, 1000, 8)];
    swaps[0].recipient = account(OTHER_POOL);
    swaps[2].payer = account(OTHER_POOL);
    assert_eq!(sandwiches(&swaps).len(), 1, "an account");
    let mut hop = trade(0, ALICE, true, 1000, 3);
    hop.pool = B256::with_last_byte(OTHER_POOL);
    (hop.token_in, hop.token_out) = (account(TOKEN), account(40));
    swaps.insert(1, hop);
    assert_eq!(sandwiches(&swaps), vec![], "a pool");
}

#[test]
fn parts_of_a_front_and_of_a_back_are_one_sandwich() {
    let swaps = [
        trade(0, BOT, true, 10, 1000),
        trade(1, BOT, true, 10, 900),
        trade(2, ALICE, true, 5, 400),
        trade(3, BOT, false, 1000, 11),
        trade(4, BOB, true, 5, 400),
        trade(5, BOT, false, 900, 11),
        trade(6, BOB, true, 5, 400),
    ];
    assert_eq!(sandwiches(&swaps), only(&[0, 1], &[2, 4], &[3, 5]));
}

#[test]
fn several_pools_are_several_sandwiches_and_a_pool_may_be_an_id() {
    let mut id = [7_u8; 32];
    id[19] = OTHER_POOL;
    let mut swaps = plain();
    for (at, s) in [(1, swaps[0].clone()), (3, swaps[1].clone()), (5, swaps[2].clone())] {
        swaps.insert(at, Traded { pool: B256::from(id), ..s });
    }
    let found: Vec<_> = sandwiches(&swaps).into_iter().map(|s| (s.fronts, s.victims, s.backs)).collect();
    assert_eq!(found, vec![(vec![0], vec![2], vec![4]), (vec![1], vec![3], vec![5])]);
}

#[test]
fn a_back_in_another_pool_and_a_front_that_holds_nothing_are_marked() {
    let mut elsewhere = plain();
    elsewhere[2].pool = B256::with_last_byte(OTHER_POOL);
    let found = sandwiches(&elsewhere);
    assert_eq!((found.len(), found[0].same_pool, found[0].held), (1, false, true));

    // Two arbitrages around somebody: each sells at once what it buys.
    let other = |t: Traded| Traded { pool: B256::with_last_byte(OTHER_POOL), ..t };
    let swaps = [
        trade(0, BOT, true, 10, 1000),
        other(trade(0, BOT, false, 1000, 11)),
        trade(1, ALICE, true, 5, 400),
        other(trade(2, BOT, true, 10, 900)),
        trade(2, BOT, false, 900, 11),
    ];
    let found = sandwiches(&swaps);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].held, found[0].victims.as_slice()), (false, &[2][..]));
}

#[test]
fn amounts_at_the_end_of_the_range_do_not_wrap() {
    let mut swaps = plain();
    for s in &mut swaps {
        (s.amount_in, s.amount_out) = (U256::MAX, U256::MAX);
    }
    swaps.insert(1, swaps[0].clone());
    assert_eq!(sandwiches(&swaps), only(&[0, 1], &[2], &[3]));
}
