//! What a world says to blocks that cannot be right, and what it keeps.
use alloy_primitives::{Address, B256, U256, address, keccak256};

use super::super::abi::{address_word, topic};
use super::super::pools::balancer::{BalancerWeighted, PowVersion};
use super::super::pools::curve::{Invariant, Ramp, StablePool, View};
use super::super::pools::v2::V2Pool;
use super::super::pools::{AnyPool, Ban, Pool, PoolKey, Side, Status};
use super::{BlockId, ChainLog, Factories, Factory, Header, Maker, StateError, World};

const PAIR: Address = address!("00000000000000000000000000000000000000aa");
const TOKENS: [Address; 2] =
    [address!("0000000000000000000000000000000000000001"), address!("0000000000000000000000000000000000000002")];
const VAULT: Address = address!("ba12222222228d8ba445958a75a0704d566bf2c8");

fn genesis() -> BlockId {
    BlockId { number: 10, hash: keccak256(b"genesis") }
}

fn child(parent: BlockId, branch: u64) -> Header {
    let number = parent.number + 1;
    let hash = keccak256([&parent.hash.0[..], &branch.to_be_bytes()].concat());
    Header { number, hash, parent_hash: parent.hash, timestamp_s: 12 * number }
}

fn log(address: Address, topics: &[B256], words: &[U256], log_index: u64) -> ChainLog {
    let data: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
    ChainLog { address, topics: topics.to_vec(), data: data.into(), log_index }
}

fn sync(reserves: [u64; 2], log_index: u64) -> ChainLog {
    log(PAIR, &[topic("Sync(uint112,uint112)")], &reserves.map(U256::from), log_index)
}

fn world() -> World {
    let mut world = World::new(genesis(), 3, Factories::default());
    let pool = AnyPool::V2(V2Pool::uniswap(1_000, 1_000));
    world.adopt(PoolKey::from(PAIR), &TOKENS, pool, genesis().hash).unwrap();
    world
}

fn reserves(world: &World) -> [u128; 2] {
    let AnyPool::V2(pair) = world.pools().get(world.pools().id(PoolKey::from(PAIR)).unwrap()) else { panic!() };
    pair.reserves
}

fn status(world: &World) -> Status {
    world.pools().status(world.pools().id(PoolKey::from(PAIR)).unwrap())
}

#[test]
fn what_cannot_be_right_changes_nothing() {
    let mut world = world();
    let one = child(genesis(), 0);
    world.apply_block(&one, &[sync([5, 7], 3)]).unwrap();
    let before = world.clone();
    let two = child(one.id(), 0);
    let refused = |header: &Header, logs: &[ChainLog]| {
        let mut world = before.clone();
        let why = world.apply_block(header, logs).unwrap_err();
        assert_eq!(world, before, "{why}");
        why
    };
    let [early, late] = [sync([1, 2], 4), sync([1, 2], 9)];
    assert_eq!(refused(&two, &[late.clone(), early.clone()]), StateError::LogOrder { before: 9, after: 4 });
    assert_eq!(refused(&two, &[early.clone(), early]), StateError::LogOrder { before: 4, after: 4 });
    let topics = ChainLog { topics: vec![B256::ZERO; 5], ..late };
    assert_eq!(refused(&two, &[topics]), StateError::Topics { log_index: 9 });
    assert_eq!(refused(&one, &[]), StateError::Known(one.id()));
    assert_eq!(
        refused(&Header { hash: genesis().hash, ..two }, &[]),
        StateError::Known(BlockId { number: 12, ..genesis() })
    );
    let high = Header { number: 13, ..two };
    assert_eq!(refused(&high, &[]), StateError::Number { block: high.id(), parent: one.id() });
    let mut same = before.clone();
    assert_eq!(same.backfill(&two, &[]), Err(StateError::NoHole));
    let id = same.pools().id(PoolKey::from(PAIR)).unwrap();
    let pool = same.pools().get(id).clone();
    assert_eq!(same.reload(id, pool.clone(), two.hash), Err(StateError::NotKept(two.hash)));
    let other = [TOKENS[1], TOKENS[0]];
    assert_eq!(same.adopt(PoolKey::from(PAIR), &other, pool, one.hash), Err(StateError::OtherTokens(id)));
    assert_eq!(same, before);
}

#[test]
fn what_cannot_be_read_makes_its_pool_stale_and_a_reorg_or_a_reload_mends_it() {
    let mut world = world();
    let one = child(genesis(), 0);
    let torn = ChainLog { data: vec![0; 63].into(), ..sync([5, 7], 0) };
    let touched = world.apply_block(&one, &[torn, sync([9, 9], 1)]).unwrap();
    let id = world.pools().id(PoolKey::from(PAIR)).unwrap();
    assert_eq!((touched.became_stale, status(&world)), (vec![id], Status::Stale { since_block: 10 }));
    assert_eq!((world.to_reload(), reserves(&world)), (vec![id], [1_000, 1_000]));
    let mut reorged = world.clone();
    let other = child(genesis(), 1);
    assert_eq!(reorged.apply_block(&other, &[]).unwrap().became_live, vec![id]);
    // Read at block one, while block two came in.
    let two = child(one.id(), 0);
    world.apply_block(&two, &[sync([50, 70], 0)]).unwrap();
    let touched = world.reload(id, AnyPool::V2(V2Pool::uniswap(9, 9)), one.hash).unwrap();
    assert_eq!((touched.became_live, reserves(&world)), (vec![id], [50, 70]));
    // Back to the block at which it was read it is known, and before that it is not.
    let mut again = world.clone();
    again.apply_block(&child(one.id(), 1), &[]).unwrap();
    assert_eq!((status(&again), reserves(&again)), (Status::Live, [9, 9]));
    again.apply_block(&child(genesis(), 2), &[]).unwrap();
    assert_eq!((status(&again), again.to_reload()), (Status::Stale { since_block: 10 }, vec![id]));
}

#[test]
fn below_what_is_kept_everything_is_stale_until_it_is_read() {
    let mut world = world();
    let mut at = genesis();
    let mut hashes = vec![at];
    for n in 0..5u64 {
        let next = child(at, 0);
        world.apply_block(&next, &[sync([n + 1, n + 1], 0)]).unwrap();
        at = next.id();
        hashes.push(at);
    }
    assert_eq!(world.oldest(), hashes[2]);
    let deep = child(hashes[1], 9);
    let why = world.apply_block(&deep, &[]).unwrap_err();
    assert_eq!(why, StateError::TooDeep { block: deep.id(), oldest: hashes[2] });
    let id = world.to_reload()[0];
    assert!(matches!(status(&world), Status::Stale { .. }));
    assert_eq!(world.head(), deep.id());
    world.reload(id, AnyPool::V2(V2Pool::uniswap(4, 4)), deep.hash).unwrap();
    world.apply_block(&child(deep.id(), 0), &[sync([6, 6], 0)]).unwrap();
    assert_eq!((status(&world), reserves(&world)), (Status::Live, [6, 6]));
}

#[test]
fn a_hole_is_filled_in_order_and_a_refused_pool_stays_refused_over_it() {
    let mut world = world();
    let id = world.pools().id(PoolKey::from(PAIR)).unwrap();
    world.refuse(id, Ban::Token);
    let one = child(genesis(), 0);
    let two = child(one.id(), 0);
    let three = child(two.id(), 0);
    assert!(world.apply_block(&three, &[sync([3, 3], 0)]).unwrap().hole);
    assert_eq!(world.hole(), Some((genesis(), two.id())));
    assert_eq!(status(&world), Status::Refused(Ban::Token));
    world.admit(id);
    assert!(matches!(status(&world), Status::Stale { .. }));
    assert_eq!(world.backfill(&two, &[]), Err(StateError::NotNext { block: two.id(), after: genesis() }));
    assert!(world.backfill(&one, &[sync([1, 1], 0)]).unwrap().hole);
    let wrong = child(one.id(), 5);
    assert_eq!(world.backfill(&wrong, &[]), Err(StateError::OtherBranch { block: wrong.id(), missing: two.id() }));
    let touched = world.backfill(&two, &[sync([2, 2], 0)]).unwrap();
    assert_eq!((touched.became_live, touched.hole), (vec![id], false));
    assert_eq!((reserves(&world), world.head()), ([3, 3], three.id()));
    world.apply_block(&child(two.id(), 1), &[]).unwrap();
    assert_eq!(reserves(&world), [2, 2]);
}

#[test]
fn what_is_given_up_has_to_be_read() {
    let mut world = world();
    let far = Header { number: 20, ..child(genesis(), 3) };
    let far = Header { parent_hash: B256::ZERO, ..far };
    world.apply_block(&far, &[]).unwrap();
    world.give_up_hole();
    assert_eq!((world.hole(), world.to_reload().len()), (None, 1));
    let id = world.to_reload()[0];
    world.reload(id, AnyPool::V2(V2Pool::uniswap(8, 8)), far.hash).unwrap();
    assert_eq!(status(&world), Status::Live);
}

fn stable() -> StablePool {
    StablePool {
        invariant: Invariant::Original,
        view: View::UnitsFirst,
        balances: [1_000u64, 1_100, 900].map(|n| U256::from(n) * U256::from(10).pow(U256::from(18))).to_vec(),
        rates: vec![U256::from(10).pow(U256::from(18)); 3],
        amp: Ramp::still(U256::from(2_000)),
        fee: U256::from(1_000_000),
        admin_fee: U256::from(5_000_000_000u64),
        offpeg_fee_multiplier: U256::ZERO,
        time_s: 0,
    }
}

#[test]
fn a_curve_swap_is_believed_where_the_pool_gives_the_same_and_not_one_unit_beside_it() {
    let address = PAIR;
    let tokens = [TOKENS[0], TOKENS[1], VAULT];
    let amount = U256::from(10).pow(U256::from(19));
    let mut after = stable();
    let paid = after.apply(Side { from: 0, to: 2 }, amount).unwrap();
    let exchange = |paid: U256| {
        let words = [U256::ZERO, amount, U256::from(2), paid];
        log(address, &[topic("TokenExchange(address,int128,uint256,int128,uint256)"), B256::ZERO], &words, 0)
    };
    for (paid, live) in [(paid, true), (paid + U256::ONE, false)] {
        let mut world = World::new(genesis(), 3, Factories::default());
        let pool = AnyPool::CurveStable(Box::new(stable()));
        let id = world.adopt(PoolKey::from(address), &tokens, pool, genesis().hash).unwrap();
        world.apply_block(&child(genesis(), 0), &[exchange(paid)]).unwrap();
        assert_eq!(world.pools().status(id) == Status::Live, live);
        if live {
            assert_eq!(world.pools().get(id), &AnyPool::CurveStable(Box::new(after.clone())));
        }
        world.apply_block(&child(genesis(), 1), &[]).unwrap();
        assert_eq!(world.pools().status(id), Status::Live);
        assert_eq!(world.pools().get(id), &AnyPool::CurveStable(Box::new(stable())));
    }
}

#[test]
fn balancer_balances_follow_the_vault() {
    let vault = Factory { address: VAULT, maker: Maker::BalancerVault };
    let mut world = World::new(genesis(), 3, Factories::new(&[vault]));
    let e18 = U256::from(10).pow(U256::from(18));
    let pool = BalancerWeighted {
        balances: vec![e18 * U256::from(100), e18 * U256::from(50)],
        scaling: vec![U256::ONE; 2],
        weights: vec![e18 / U256::from(2); 2],
        fee: U256::from(1_000_000_000_000_000u64),
        pow_version: PowVersion::V2,
    };
    let mut key = PAIR.into_word();
    key.0.rotate_left(12); // the pool's address comes first in its id
    let any = AnyPool::BalancerWeighted(Box::new(pool));
    let id = world.adopt(PoolKey(key), &TOKENS, any, genesis().hash).unwrap();
    let [a, b] = TOKENS.map(|token| B256::from(address_word(token)));
    let swap =
        log(VAULT, &[topic("Swap(bytes32,address,address,uint256,uint256)"), key, a, b], &[e18, U256::from(7)], 0);
    let lists = [3u64, 6, 9].map(|n| U256::from(32 * n));
    let mut words = lists.to_vec();
    let two = U256::from(2);
    words.extend([
        two,
        a.into(),
        b.into(),
        two,
        U256::from(5),
        U256::from(3).wrapping_neg(),
        two,
        U256::ONE,
        U256::ONE,
    ]);
    let joined =
        log(VAULT, &[topic("PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])"), key, a], &words, 1);
    let fee = log(PAIR, &[topic("SwapFeePercentageChanged(uint256)")], &[U256::from(9)], 2);
    let spoof = ChainLog { address: TOKENS[0], log_index: 3, ..swap.clone() };
    world.apply_block(&child(genesis(), 0), &[swap, joined, fee, spoof]).unwrap();
    let AnyPool::BalancerWeighted(now) = world.pools().get(id) else { panic!() };
    let expected = [e18 * U256::from(101) + U256::from(4), e18 * U256::from(50) - U256::from(11)];
    assert_eq!((now.balances.clone(), now.fee), (expected.to_vec(), U256::from(9)));
    let weights = log(PAIR, &[topic("GradualWeightUpdateScheduled(uint256,uint256,uint256[],uint256[])")], &[], 0);
    world.apply_block(&child(world.head(), 0), &[weights]).unwrap();
    assert_eq!(world.to_reload(), vec![id]);
}
