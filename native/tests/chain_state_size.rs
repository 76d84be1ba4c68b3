//! A world of mainnet's size: how fast blocks go in and come back, how large a snapshot is and how long it takes. Prints its
//! figures; the bounds are loose, so that they fail where something is out of proportion and not where a machine is busy.
mod chain_support;

use std::time::{Duration, Instant};

use _core::searcher::abi;
use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::v3::{Concentrated, ProtocolFee, Tick, V3Pool, sqrt_price_at};
use _core::searcher::pools::{AnyPool, PoolKey};
use _core::searcher::state::{BlockId, ChainLog, Factories, Header, World};
use alloy_primitives::{Address, B256, U256, keccak256};
use chain_support::Seeded;

const PAIRS: u64 = 90_000;
const POOLS: u64 = 10_000;
const TICKS: i32 = 100;
const BLOCKS: u64 = 300;
const LOGS: u64 = 300;

fn address(what: &str, n: u64) -> Address {
    Address::from_word(keccak256(format!("{what}{n}")))
}

fn v3(random: &mut Seeded) -> V3Pool {
    let amount = u128::from(random.next()) + 1_000_000;
    let signed = amount as i128;
    // Positions side by side, so that every tick but the first and last ends one and begins another.
    let tick = |n: i32| {
        let net = if n == 0 {
            signed
        } else if n == TICKS - 1 {
            -signed
        } else {
            0
        };
        let gross = if n == 0 || n == TICKS - 1 { amount } else { 2 * amount };
        Tick { tick: (n - TICKS / 2) * 60, gross, net }
    };
    let state = Concentrated::new(U256::ONE << 96, 0, amount, 60, (0..TICKS).map(tick).collect()).expect("a state");
    V3Pool::new(state, 3_000, ProtocolFee::uniswap(0)).expect("a fee")
}

fn made() -> World {
    let mut random = Seeded(1);
    let genesis = BlockId { number: 1, hash: keccak256(b"genesis") };
    let mut world = World::new(genesis, 64, Factories::default());
    for n in 0..PAIRS + POOLS {
        let tokens = [address("token", random.below(50_000)), address("token", 50_000 + random.below(50_000))];
        let pool = if n < PAIRS {
            AnyPool::V2(V2Pool::uniswap(u128::from(random.next()) << 20, u128::from(random.next()) << 20))
        } else {
            AnyPool::V3(v3(&mut random))
        };
        world.adopt(PoolKey::from(address("pool", n)), &tokens, pool, genesis.hash).expect("genesis is kept");
    }
    world
}

fn log(random: &mut Seeded, log_index: u64) -> ChainLog {
    let (signature, pool, words): (&str, u64, Vec<U256>) = if random.below(3) > 0 {
        let reserves = [(); 2].map(|()| U256::from(u128::from(random.next()) << 20)).to_vec();
        ("Sync(uint112,uint112)", random.below(PAIRS), reserves)
    } else {
        let tick = random.below(2_000) as i32;
        let price = sqrt_price_at(tick).expect("in range");
        let words = vec![U256::ONE, U256::ONE, price, U256::from(random.next()), U256::from(tick)];
        ("Swap(address,address,int256,int256,uint160,uint128,int24)", PAIRS + random.below(POOLS), words)
    };
    let data: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
    let topics = vec![abi::topic(signature), B256::ZERO, B256::ZERO];
    ChainLog { address: address("pool", pool), topics, data: data.into(), log_index }
}

fn per_second(n: u64, took: Duration) -> f64 {
    n as f64 / took.as_secs_f64()
}

#[test]
fn a_hundred_thousand_pools_fit() {
    let mut world = made();
    let mut random = Seeded(2);
    let blocks: Vec<(Header, Vec<ChainLog>)> = (0..BLOCKS + 1)
        .scan(world.head(), |parent, n| {
            let (number, hash) = (parent.number + 1, keccak256(n.to_be_bytes()));
            let header = Header { number, hash, parent_hash: parent.hash, timestamp_s: 12 * number };
            *parent = header.id();
            Some((header, (0..LOGS).map(|n| log(&mut random, n)).collect()))
        })
        .collect();
    let (last, followed) = blocks.split_last().expect("there are blocks");
    let start = Instant::now();
    for (header, logs) in followed {
        world.apply_block(header, logs).expect("the next block");
    }
    let took = start.elapsed();
    println!("{:.0} blocks of {LOGS} logs a second", per_second(BLOCKS, took));
    assert!(took < Duration::from_secs(30));

    let start = Instant::now();
    let bytes = world.encode().expect("pools can be written");
    let wrote = start.elapsed();
    let start = Instant::now();
    let again = World::decode(&bytes, Factories::default()).expect("whole");
    let read = start.elapsed();
    println!("snapshot of {} pools: {} bytes, {wrote:?} to write, {read:?} to read", PAIRS + POOLS, bytes.len());
    assert!(world == again && wrote < Duration::from_secs(30) && read < Duration::from_secs(30));

    let ancestor = followed[followed.len() - 21].0;
    let header = Header { parent_hash: ancestor.hash, number: ancestor.number + 1, ..last.0 };
    let start = Instant::now();
    let touched = world.apply_block(&header, &last.1).expect("20 are kept");
    println!("reorg of depth {}: {:?}", touched.unwound, start.elapsed());
    assert_eq!(touched.unwound, 20);

    let start = Instant::now();
    let far = Header { number: header.number + 3, hash: keccak256(b"far"), parent_hash: keccak256(b"?"), ..header };
    let stale = world.apply_block(&far, &[]).expect("a hole").became_stale.len();
    println!("a hole: {stale} pools stale in {:?}", start.elapsed());
    assert_eq!(stale as u64, PAIRS + POOLS);
}
