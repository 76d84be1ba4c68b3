//! A recorded mainnet pool and what the chain itself quoted for it: all 80 equal, to the last unit.
mod chain_support;

use _core::searcher::pools::v3::{Concentrated, Exact, ProtocolFee, Tick, V3Pool};
use _core::searcher::pools::{NoQuote, Pool, Side};
use alloy_primitives::U256;
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
