//! A recorded mainnet pool and what the chain itself quoted for it: all 80 equal, to the last unit.
#![allow(clippy::unwrap_used)] // a test file, helpers included

mod chain_support;

use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::v3::{Concentrated, Exact, ProtocolFee, Tick, V3Pool};
use _core::searcher::pools::v4::V4Pool;
use _core::searcher::pools::v4::hooks::SafeHooks;
use _core::searcher::pools::{AnyPool, NoQuote, Pool, PoolKey, Pools, Side};
use alloy_primitives::{Address, U256};
use chain_support::recorded;
use serde_json::Value;

const BLOCK: &str = "mainnet/pools/uniswap_v3_wbtc_weth_block_24407242.json";
const QUOTES: &str = "mainnet/pools/quotes_v3_wbtc_weth_24407242.json";

fn pool(file: &Value) -> V3Pool {
    let scalar = |name: &str| file["scalars"][name].as_str().expect("a scalar");
    let ticks = file["tick_data"].as_object().expect("ticks by number");
    let ticks = ticks.iter().map(|(tick, row)| Tick {
        tick: tick.parse().unwrap(),
        gross: row[0].as_str().unwrap().parse().unwrap(),
        net: row[1].as_str().unwrap().parse().unwrap(),
    });
    let state = Concentrated::new(
        scalar("sqrt_price_x96").parse().unwrap(),
        scalar("tick").parse().unwrap(),
        scalar("liquidity").parse().unwrap(),
        scalar("tick_spacing").parse().unwrap(),
        ticks.collect(),
    );
    V3Pool::new(state.unwrap(), scalar("fee").parse().unwrap(), ProtocolFee::uniswap(0x44)).unwrap()
}

/// Of `<pool>|<function>|<from>-><to>|<amount>`: the direction and the amount. The pool is WBTC/WETH.
fn asked(key: &str) -> (Side, Exact) {
    let parts: Vec<&str> = key.split('|').collect();
    let amount: U256 = parts[3].parse().unwrap();
    let side = if parts[2] == "WBTC->WETH" { Side::ZERO_FOR_ONE } else { Side::ONE_FOR_ZERO };
    (side, if parts[1] == "quoteExactInputSingle" { Exact::In(amount) } else { Exact::Out(amount) })
}

#[test]
fn every_recorded_quote_is_ours() {
    let (Some(state), Some(quotes)) = (recorded(BLOCK), recorded(QUOTES)) else { return };
    let pool = pool(&state);
    let mut whole = 0;
    for (key, entry) in quotes["entries"].as_object().unwrap() {
        let chain: U256 = entry["value"].as_str().unwrap().parse().unwrap();
        let (side, amount) = asked(key);
        let ours = pool.swap(side, amount, None).unwrap();
        // the quote tells the other amount, also where liquidity ended before the amount did
        let (other, done, quoted) = match amount {
            Exact::In(a) => (ours.amount_out, ours.amount_in == a, pool.quote_in(side, a)),
            Exact::Out(a) => (ours.amount_in, ours.amount_out == a, pool.quote_out(side, a)),
        };
        assert_eq!(other, chain, "{key}");
        assert_eq!(quoted, if done { Ok(chain) } else { Err(NoQuote::NoLiquidity) }, "{key}");
        whole += usize::from(done);
    }
    assert_eq!(quotes["entries"].as_object().unwrap().len(), 80);
    assert!((50..80).contains(&whole), "{whole} of the amounts are taken or given whole");
}

#[test]
fn a_snapshot_of_it_reads_back_the_same() {
    let Some(state) = recorded(BLOCK) else { return };
    let pool = pool(&state);
    let text = serde_json::to_string(&pool).unwrap();
    assert_eq!(serde_json::from_str::<V3Pool>(&text).unwrap(), pool);
}

#[test]
fn its_segments_are_what_swaps_use_up() {
    let Some(state) = recorded(BLOCK) else { return };
    let pool = pool(&state);
    for side in [Side::ZERO_FOR_ONE, Side::ONE_FOR_ZERO] {
        let (mut amount_in, mut amount_out, mut many) = (U256::ZERO, U256::ZERO, 0);
        for segment in pool.segments(side) {
            amount_in += segment.amount_in;
            amount_out += segment.amount_out;
            let ours = pool.swap(side, Exact::In(amount_in), Some(segment.sqrt_to)).unwrap();
            assert_eq!((ours.amount_in, ours.amount_out), (amount_in, amount_out), "segment {many}");
            assert_eq!(ours.sqrt_price, segment.sqrt_to, "segment {many}");
            many += 1;
        }
        assert!(many > 20, "{many} segments");
        let all = pool.swap(side, Exact::In(U256::MAX >> 1), None).unwrap();
        assert_eq!((all.amount_in, all.amount_out), (amount_in, amount_out));
    }
}

/// A real three-hop arbitrage through PancakeSwap V3, Uniswap V4 and V2 that reverted with `UniswapV2: K`.
#[test]
fn the_recorded_arbitrage_is_predicted_to_revert() {
    let Some(file) = recorded("mainnet/pools/failed_arb_path110302.json") else { return };
    let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_string();
    let state = |of: &Value| {
        let ticks = of["tick_data"].as_object().unwrap().iter().map(|(tick, row)| Tick {
            tick: tick.parse().unwrap(),
            gross: text(row, "liquidity_gross").parse().unwrap(),
            net: text(row, "liquidity_net").parse().unwrap(),
        });
        let number = |name: &str| text(of, name).parse().unwrap();
        let price = text(of, "sqrt_price_x96").parse().unwrap();
        let liquidity = text(of, "liquidity").parse().unwrap();
        Concentrated::new(price, number("tick"), liquidity, number("tick_spacing"), ticks.collect()).unwrap()
    };
    let [first, second, third] = ["v3_0", "v4", "v2_2"].map(|name| &file["pools"][name]);
    let mut pools = Pools::default();
    let fee = text(first, "fee_token0").parse().unwrap();
    let v3 = V3Pool::new(state(first), fee, ProtocolFee::pancake(0)).unwrap();
    let [lp_fee, protocol_fee] = ["lp_fee", "protocol_fee"].map(|name| text(second, name).parse().unwrap());
    // the key of its id has no hook: it is the hash of both currencies, 8 pips, spacing 1 and address zero
    let v4 = V4Pool::new(state(second), lp_fee, protocol_fee, Address::ZERO, &SafeHooks::default()).unwrap();
    let [reserve0, reserve1] = ["reserve0", "reserve1"].map(|name| text(third, name).parse().unwrap());
    let v2 = V2Pool::uniswap(reserve0, reserve1);
    let address = |of: &Value, name: &str| text(of, name).parse::<Address>().unwrap();
    let id = second["pool_id"].as_str().unwrap().parse().unwrap();
    let path = [
        (PoolKey::from(address(first, "address")), first, ["token0", "token1"], AnyPool::V3(v3), Side::ONE_FOR_ZERO),
        (PoolKey(id), second, ["currency0", "currency1"], AnyPool::V4(v4), Side::ZERO_FOR_ONE),
        (PoolKey::from(address(third, "address")), third, ["token0", "token1"], AnyPool::V2(v2), Side::ONE_FOR_ZERO),
    ];
    let solve = &file["recorded_solve"];
    let mut amount: U256 = text(solve, "optimal_input").parse().unwrap();
    let (mut outputs, mut held) = (Vec::new(), None);
    for (key, row, names, pool, side) in path {
        let id = pools.add(key, &names.map(|name| address(row, name)), pool);
        let tokens = pools.tokens(id);
        assert!(held.is_none_or(|token| token == tokens[usize::from(side.from)]), "each hop takes what the last gave");
        held = Some(tokens[usize::from(side.to)]);
        amount = pools.get(id).quote_in(side, amount).unwrap();
        outputs.push(amount.to_string());
    }
    let planned: Vec<&str> = solve["hop_outputs"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    assert_eq!(outputs[..2], planned[..2], "V3 and V4 give what the plan says");
    assert_eq!(outputs[2], text(solve, "v2_actual"));
    // the plan asks the pair for more than it pays for this input: it reverts
    let asked: U256 = planned[2].parse().unwrap();
    assert!(amount < asked);
    let needed = v2.quote_out(Side::ONE_FOR_ZERO, asked).unwrap();
    assert!(needed > outputs[1].parse::<U256>().unwrap(), "it would take {needed}");
}
