//! Quotes: our arithmetic, other people's, and revm executing the real bytecode. All give the same before any is timed.
use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;

use _core::searcher::abi;
use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::v3::{Concentrated, ProtocolFee, V3Pool, sqrt_price_at};
use _core::searcher::pools::{Pool, Side};
use alloy_primitives::U256;

use crate::chain_support::clmm::{Chain, Fork, magnitude, signed};
use crate::chain_support::market::{Market, market, ordered};
use crate::chain_support::{CALLER, Seeded};
use crate::race::{Contender, Row, race};

const MANY: usize = 1024;

/// `getAmountsOut` of Uniswap's router over a pair that its factory made.
fn by_router(real: &mut Market, amount: U256, path: [alloy_primitives::Address; 2]) -> U256 {
    let words = [amount, U256::from(64), U256::from(2), abi::address_word(path[0]), abi::address_word(path[1])];
    let data = abi::call("getAmountsOut(uint256,address[])", &words);
    let done = real.chain.call(CALLER, real.router2, data);
    abi::word(&done.output, 3).expect("an amount")
}

pub fn v2(rounds: usize, rows: &mut Vec<Row>) {
    let mut random = Seeded(1);
    let pools: Vec<V2Pool> = (0..MANY)
        .map(|_| {
            let reserves = [(); 2].map(|()| (1_u128 << (60 + random.below(30))) + u128::from(random.next()));
            V2Pool::uniswap(reserves[0], reserves[1])
        })
        .collect();
    let amounts: Vec<U256> = pools.iter().map(|p| U256::from(p.reserves[0] >> (2 + random.below(14)))).collect();
    let ours = || {
        for (pool, &amount) in pools.iter().zip(&amounts) {
            let _ = black_box(black_box(pool).quote_in(Side::ZERO_FOR_ONE, black_box(amount)));
        }
    };
    let mut contenders = vec![Contender { name: "ours, V2Pool::quote_in", each: MANY as u64, work: Box::new(ours) }];
    #[cfg(feature = "peers")]
    {
        use degenbot_math::v2::IntHopState;
        let theirs: Vec<IntHopState> = pools
            .iter()
            .map(|p| IntHopState::new(U256::from(p.reserves[0]), U256::from(p.reserves[1]), 997, 1000))
            .collect();
        for ((pool, theirs), &amount) in pools.iter().zip(&theirs).zip(&amounts) {
            assert_eq!(pool.quote_in(Side::ZERO_FOR_ONE, amount).ok(), theirs.swap(amount).ok());
        }
        let amounts = amounts.clone();
        let work = move || {
            for (pool, &amount) in theirs.iter().zip(&amounts) {
                let _ = black_box(black_box(pool).swap(black_box(amount)));
            }
        };
        contenders.push(Contender {
            name: "degenbot-math, IntHopState::swap",
            each: MANY as u64,
            work: Box::new(work),
        });
    }
    if let Some(mut real) = market() {
        let (world, ids) = real.world();
        let path = ordered(real.tokens[0], real.tokens[1]);
        for n in 1..100_u64 {
            let amount = U256::from(n) * U256::from(10_u64.pow(16));
            let ours = world.pools().get(ids[0]).quote_in(Side::ZERO_FOR_ONE, amount);
            assert_eq!(ours, Ok(by_router(&mut real, amount, path)));
        }
        let payer = real.people[0].address;
        let real = Rc::new(RefCell::new(real));
        let (asked, swapped) = (Rc::clone(&real), real);
        let mut n = 0;
        let work = move || {
            for _ in 0..16 {
                n += 1;
                black_box(by_router(&mut asked.borrow_mut(), U256::from(1_000_000 + n), path));
            }
        };
        contenders.push(Contender { name: "revm, router's getAmountsOut", each: 16, work: Box::new(work) });
        let mut n = 0;
        let work = move || {
            let mut real = swapped.borrow_mut();
            for _ in 0..16 {
                n += 1;
                let router = real.router2;
                let done = real.chain.call(payer, router, Market::swap2(U256::from(1_000_000 + n), &path, payer));
                assert!(done.success);
                black_box(done);
            }
        };
        contenders.push(Contender { name: "revm, router's and pair's swap, not kept", each: 16, work: Box::new(work) });
    }
    rows.push(race("V2 quote", "revm x 500", rounds, contenders));
}

/// A pool with one position around its price, ours and as a contract.
fn one_tick() -> Option<(Chain, alloy_primitives::Address, V3Pool)> {
    let mut chain = Chain::new()?;
    let code = Fork::Uniswap.bytecode()?;
    let price = sqrt_price_at(100).expect("a price");
    let pool = chain.pool(Fork::Uniswap, code, 3_000, 60, price);
    let liquidity = 10_u128.pow(24);
    let words = [abi::address_word(chain.payer), signed(-6_000), signed(6_000), U256::from(liquidity)];
    assert!(chain.through(pool, "mint(address,int24,int24,uint128,bytes)", &words, true).success);
    let state = Concentrated::new(price, 100, 0, 60, Vec::new()).expect("a state");
    let mut ours = V3Pool::new(state, 3_000, ProtocolFee::None).expect("a pool");
    ours.modify_liquidity(-6_000, 6_000, liquidity as i128).expect("a position");
    Some((chain, pool, ours))
}

fn by_pool(chain: &mut Chain, pool: alloy_primitives::Address, amount: U256) -> U256 {
    let words = [abi::address_word(chain.payer), U256::ONE, amount, Concentrated::last_price(true)];
    let done = chain.through(pool, "swap(address,bool,int256,uint160,bytes)", &words, false);
    magnitude(abi::word(&done.output, 1).expect("amounts")).0
}

pub fn v3(rounds: usize, rows: &mut Vec<Row>) {
    let Some((mut chain, pool, ours)) = one_tick() else { return };
    let mut random = Seeded(2);
    let amounts: Vec<U256> = (0..MANY).map(|_| U256::from(10_u128.pow(15) + u128::from(random.next() >> 4))).collect();
    for &amount in &amounts[..100] {
        assert_eq!(ours.quote_in(Side::ZERO_FOR_ONE, amount), Ok(by_pool(&mut chain, pool, amount)));
    }
    let many = MANY as u64;
    let work = || {
        for &amount in &amounts {
            let _ = black_box(black_box(&ours).quote_in(Side::ZERO_FOR_ONE, black_box(amount)));
        }
    };
    let mut contenders = vec![Contender { name: "ours, V3Pool::quote_in", each: many, work: Box::new(work) }];
    #[cfg(feature = "peers")]
    {
        use alloy_primitives::I256;
        let (price, target) = (ours.state().sqrt_price(), sqrt_price_at(-6_000).expect("a price"));
        let liquidity = ours.state().liquidity();
        let exact: Vec<I256> = amounts.iter().map(|&a| I256::from_raw(a)).collect();
        for (&amount, &signed) in amounts.iter().zip(&exact) {
            let quoted = ours.quote_in(Side::ZERO_FOR_ONE, amount).expect("a quote");
            let other = uniswap_v3_math::swap_math::compute_swap_step(price, target, liquidity, signed, 3_000);
            assert_eq!(other.expect("a step").2, quoted);
            let fee = U256::from(3_000);
            let other =
                degenbot_math::cl::swap_math::compute_swap_step_v3(price, target, liquidity as i128, signed, fee);
            assert_eq!(other.expect("a step").amount_out, quoted);
        }
        let (one, two) = (exact.clone(), exact);
        let work = move || {
            for &amount in &one {
                let step = uniswap_v3_math::swap_math::compute_swap_step;
                let _ = black_box(step(black_box(price), target, liquidity, black_box(amount), 3_000));
            }
        };
        contenders.push(Contender { name: "uniswap_v3_math, the step alone", each: many, work: Box::new(work) });
        let work = move || {
            for &amount in &two {
                let step = degenbot_math::cl::swap_math::compute_swap_step_v3;
                let fee = U256::from(3_000);
                let _ = black_box(step(black_box(price), target, liquidity as i128, black_box(amount), fee));
            }
        };
        contenders.push(Contender { name: "degenbot-math, the step alone", each: many, work: Box::new(work) });
    }
    let work = {
        let mut n = 0;
        move || {
            for _ in 0..16 {
                n += 1;
                black_box(by_pool(&mut chain, pool, U256::from(10_u128.pow(15) + n)));
            }
        }
    };
    contenders.push(Contender { name: "revm, the pool's swap, not kept", each: 16, work: Box::new(work) });
    rows.push(race("V3 quote within one tick", "revm x 50", rounds, contenders));
}
