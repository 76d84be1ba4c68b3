//! A measurement: our V3 quote beside `QuoterV2` and the pool's bytecode in revm, on the recorded mainnet pool.
//! `cargo test --release --test chain_v3_speed -- --ignored --nocapture`
#![allow(clippy::unwrap_used)] // a test file, helpers included

mod chain_support;

use std::hint::black_box;
use std::time::Instant;

use _core::searcher::abi;
use _core::searcher::evm::Sandbox;
use _core::searcher::pools::v3::{Concentrated, Exact, ProtocolFee, Tick, V3Pool};
use _core::searcher::pools::{Pool, Side};
use alloy_primitives::{Address, U256};
use chain_support::clmm::signed;
use chain_support::{CALLER, artifact, deploy, recorded, with_arguments};

struct Real {
    evm: Sandbox,
    quoter: Address,
    tokens: [Address; 2],
}

/// The recorded pool in its own bytecode: slot0, liquidity, ticks and bitmap written as storage.
fn real(pool: &V3Pool) -> Option<Real> {
    let core = "@uniswap/v3-core/artifacts/contracts";
    let factory = artifact(&format!("{core}/UniswapV3Factory.sol/UniswapV3Factory.json"))?;
    let quoter = artifact("@uniswap/v3-periphery/artifacts/contracts/lens/QuoterV2.sol/QuoterV2.json")?;
    let token = artifact("@uniswap/v2-core/build/ERC20.json")?;
    let mut evm = Sandbox::new();
    let mut tokens = [(); 2].map(|()| deploy(&mut evm, with_arguments(&token, &[U256::MAX >> 1])));
    tokens.sort();
    let factory = deploy(&mut evm, factory);
    let words = [factory, tokens[1]].map(abi::address_word);
    let quoter = deploy(&mut evm, with_arguments(&quoter, &words));
    let words = [abi::address_word(tokens[0]), abi::address_word(tokens[1]), U256::from(pool.fee_pips())];
    let made = evm.transact(CALLER, factory, abi::call("createPool(address,address,uint24)", &words), U256::ZERO);
    let at = abi::address(&made.output, 0).expect("a pool");
    let state = pool.state();
    let tick = signed(state.tick()) & U256::from(0xff_ffff);
    let slot0 = state.sqrt_price() | tick << 160 | U256::ONE << 200 | U256::ONE << 216 | U256::ONE << 240;
    evm.set_storage(at, U256::ZERO, slot0);
    evm.set_storage(at, U256::from(4), U256::from(state.liquidity()));
    evm.set_storage(at, U256::from(8), U256::from(1) | U256::ONE << 248); // observation 0, initialised
    for Tick { tick, gross, net } in state.ticks().iter() {
        let slot = Sandbox::mapping_slot(signed(tick), U256::from(5));
        evm.set_storage(at, slot, U256::from(gross) | U256::from(net as u128) << 128);
        evm.set_storage(at, slot + U256::from(3), U256::ONE << 248);
        let word = tick / state.tick_spacing();
        let slot = Sandbox::mapping_slot(signed(word >> 8), U256::from(6));
        let bits = evm.storage(at, slot) | U256::ONE << (word & 255) as usize;
        evm.set_storage(at, slot, bits);
    }
    for token in tokens {
        evm.set_storage(token, Sandbox::mapping_slot(abi::address_word(at), U256::ONE), U256::ONE << 200);
    }
    evm.set_block(24_407_242, 1_770_000_000);
    Some(Real { evm, quoter, tokens })
}

impl Real {
    fn quote(&mut self, side: Side, amount: Exact) -> Option<(U256, u64)> {
        let [a, b] = [side.from, side.to].map(|n| abi::address_word(self.tokens[usize::from(n)]));
        let (name, amount) = match amount {
            Exact::In(amount) => ("quoteExactInputSingle", amount),
            Exact::Out(amount) => ("quoteExactOutputSingle", amount),
        };
        let words = [a, b, amount, U256::from(3_000), U256::ZERO];
        let data = abi::call(&format!("{name}((address,address,uint256,uint24,uint160))"), &words);
        let done = self.evm.call(CALLER, self.quoter, data);
        if done.success { Some((abi::word(&done.output, 0)?, done.gas_used)) } else { None }
    }
}

fn loaded() -> Option<V3Pool> {
    let file = recorded("mainnet/pools/uniswap_v3_wbtc_weth_block_24407242.json")?;
    let number = |name: &str| file["scalars"][name].as_str().unwrap();
    let ticks = file["tick_data"].as_object().unwrap().iter().map(|(tick, row)| Tick {
        tick: tick.parse().unwrap(),
        gross: row[0].as_str().unwrap().parse().unwrap(),
        net: row[1].as_str().unwrap().parse().unwrap(),
    });
    let (price, tick) = (number("sqrt_price_x96").parse().unwrap(), number("tick").parse().unwrap());
    let state = Concentrated::new(price, tick, number("liquidity").parse().unwrap(), 60, ticks.collect());
    Some(V3Pool::new(state.unwrap(), 3_000, ProtocolFee::uniswap(0)).unwrap())
}

/// Seconds of one call: the least of many short rounds, for a machine on which others work as well.
fn seconds(calls: u32, rounds: u32, mut one: impl FnMut(u32)) -> f64 {
    let round = |_| {
        let start = Instant::now();
        (0..calls).for_each(&mut one);
        start.elapsed().as_secs_f64() / f64::from(calls)
    };
    (0..rounds).map(round).fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "a measurement: run it alone and in release"]
fn quotes_beside_the_quoter_in_revm() {
    let Some(mut pool) = loaded() else { return };
    let Some(mut real) = real(&pool) else { return };
    let wbtc = U256::from(1_000_000_u64); // 0.01
    let weth = U256::from(300_000_000_000_000_000_u64);
    let many = U256::from(1_000_000_000_u64); // 10 WBTC
    let far = U256::from(5_866_257_892_u64);
    let cases = [
        ("one tick, exact in, WBTC", Side::ZERO_FOR_ONE, Exact::In(wbtc)),
        ("one tick, exact in, WETH", Side::ONE_FOR_ZERO, Exact::In(weth)),
        ("one tick, exact out, WETH", Side::ZERO_FOR_ONE, Exact::Out(weth)),
        ("one tick, exact out, WBTC", Side::ONE_FOR_ZERO, Exact::Out(wbtc)),
        ("10 WBTC in", Side::ZERO_FOR_ONE, Exact::In(many)),
        ("328 WETH in", Side::ONE_FOR_ZERO, Exact::In(weth * U256::from(1_093))),
        ("58.7 WBTC in", Side::ZERO_FOR_ONE, Exact::In(far)),
    ];
    for (name, side, amount) in cases {
        let swapped = pool.swap(side, amount, None).unwrap();
        let (theirs, gas) = real.quote(side, amount).unwrap();
        let ours = |n: u32| match amount {
            Exact::In(a) => pool.quote_in(side, black_box(a + U256::from(n & 1023))),
            Exact::Out(a) => pool.quote_out(side, black_box(a + U256::from(n & 1023))),
        };
        assert_eq!(ours(0), Ok(theirs));
        let fast = seconds(500, 2_000, |n| {
            black_box(ours(n)).unwrap();
        });
        let slow = seconds(5, 200, |_| {
            black_box(real.quote(side, amount));
        });
        let (crossed, steps) = (swapped.ticks_crossed, swapped.steps);
        let (ns, us, times) = (fast * 1e9, slow * 1e6, slow / fast);
        println!("{name}: {ns:.0} ns, revm {us:.1} us ({gas} gas), {times:.0} x; {crossed} crossed, {steps} steps");
    }
    let swapped = pool.swap(Side::ZERO_FOR_ONE, Exact::In(wbtc), None).unwrap();
    let back = pool.clone();
    let (price, tick, liquidity) = (back.state().sqrt_price(), back.state().tick(), back.state().liquidity());
    let whole = seconds(500, 2_000, |_| {
        black_box(back.swap(Side::ZERO_FOR_ONE, black_box(Exact::In(wbtc)), None)).unwrap();
    });
    let settled = seconds(500, 500, |n| {
        if n & 1 == 0 { pool.settle(&swapped) } else { pool.set_price(price, tick, liquidity).unwrap() }
    });
    println!("swap with tick and protocol fee: {:.0} ns; a change of price: {:.0} ns", whole * 1e9, settled * 1e9);
}
