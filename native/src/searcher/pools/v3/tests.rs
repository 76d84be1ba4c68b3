//! A stepping that passes over empty words, and fast paths beside the contract's own steps.
use std::collections::BTreeMap;
use std::path::PathBuf;

use alloy_primitives::{U256, uint};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::sqrt_price::{amount0, amount1, next_from_amount0, next_from_amount1};
use super::swap_math::{PIPS, after_fee, fee_on};
use super::wide::{div_up, mul_div, mul_div_up};
use super::*;
use crate::searcher::pools::Side;

/// A file of the recorded pools; none, with a reason printed, where it is absent.
fn recorded<T: DeserializeOwned>(name: &str) -> Option<T> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = std::env::var_os("SEARCHER_DATA").map_or(beside, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(data.join("mainnet/pools").join(name)) else {
        println!("skipped: needs recorded {name}; set SEARCHER_DATA to where the recorded data is");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

#[derive(Deserialize)]
struct Recorded {
    scalars: Scalars,
    tick_data: BTreeMap<i32, (u128, i128, u64)>,
}

#[derive(Deserialize)]
struct Scalars {
    fee: u32,
    tick_spacing: i32,
    sqrt_price_x96: u128,
    tick: i32,
    liquidity: u128,
}

#[derive(Deserialize)]
struct Quotes {
    entries: BTreeMap<String, Quote>,
}

#[derive(Deserialize)]
struct Quote {
    value: u128,
}

/// How many of the recorded quotes a stepping gets wrong.
fn wrong<const WORDS: bool>() -> Option<usize> {
    let file: Recorded = recorded("uniswap_v3_wbtc_weth_block_24407242.json")?;
    let quotes: Quotes = recorded("quotes_v3_wbtc_weth_24407242.json")?;
    let ticks = file.tick_data.iter().map(|(&tick, &(gross, net, _))| Tick { tick, gross, net }).collect();
    let Scalars { fee, tick_spacing, sqrt_price_x96, tick, liquidity } = file.scalars;
    let state = Concentrated::new(U256::from(sqrt_price_x96), tick, liquidity, tick_spacing, ticks).unwrap();
    let wrong = quotes.entries.iter().filter(|(key, quote)| {
        let parts: Vec<&str> = key.split('|').collect();
        let (down, amount) = (parts[2] == "WBTC->WETH", parts[3].parse().unwrap());
        let amount = if parts[1] == "quoteExactInputSingle" { Exact::In(amount) } else { Exact::Out(amount) };
        let run = state.run::<_, WORDS>(down, amount, Concentrated::last_price(down), fee, &Unsplit).unwrap();
        run.other != U256::from(quote.value)
    });
    Some(wrong.count())
}

#[test]
fn each_words_edge_is_a_rounding_of_its_own() {
    let (Some(right), Some(mutated)) = (wrong::<true>(), wrong::<false>()) else { return };
    assert_eq!((right, mutated), (0, 18), "wrong of 80: ours, and a stepping that passes over empty words");
}

#[test]
fn prices_of_ticks_are_the_contracts() {
    // `@uniswap/v3-core test/__snapshots__` and TickMath.spec.ts
    let known = [
        (MIN_TICK, MIN_SQRT_PRICE),
        (MIN_TICK + 1, uint!(4295343490_U256)),
        (MAX_TICK - 1, uint!(1461373636630004318706518188784493106690254656249_U256)),
        (MAX_TICK, MAX_SQRT_PRICE),
        (0, U256::ONE << 96),
        (50, uint!(79426470787362580746886972461_U256)),
        (-50, uint!(79030349367926598376800521322_U256)),
        (250_000, uint!(21246587762933397357449903968194344_U256)),
        (-500_000, uint!(1101692437043807371_U256)),
        (738_203, uint!(847134979253254120489401328389043031315994541_U256)),
    ];
    for (tick, price) in known {
        assert_eq!(sqrt_price_at(tick), Some(price), "tick {tick}");
        if tick < MAX_TICK {
            assert_eq!(tick_at(price), Some(tick));
        }
        if tick > MIN_TICK {
            assert_eq!(tick_at(price - U256::ONE), Some(tick - 1));
        }
    }
    assert_eq!([sqrt_price_at(MIN_TICK - 1), sqrt_price_at(MAX_TICK + 1)], [None, None]);
    assert_eq!([tick_at(MIN_SQRT_PRICE - U256::ONE), tick_at(MAX_SQRT_PRICE)], [None, None]);
}

#[test]
fn a_ticks_price_and_the_one_below_it_lie_on_either_side_of_it() {
    for tick in (MIN_TICK + 1..MAX_TICK).step_by(97) {
        let price = sqrt_price_at(tick).unwrap();
        assert_eq!((tick_at(price), tick_at(price - U256::ONE)), (Some(tick), Some(tick - 1)), "tick {tick}");
    }
}

/// `getSqrtRatioAtTick` for ticks up to 0 with a shift and a product at a time, nothing looked up.
fn plain_price(tick: i32) -> U256 {
    let mut exact = U256::ONE << 128;
    for bit in 0..20 {
        if tick.unsigned_abs() >> bit & 1 == 1 {
            // the factor of a bit is what the table has for that bit alone
            let alone = sqrt_price_factor(bit);
            exact = (exact * alone) >> 128;
        }
    }
    (exact + U256::from(u32::MAX)) >> 32
}

fn sqrt_price_factor(bit: usize) -> U256 {
    U256::from(tick_math::FACTORS[bit])
}

#[test]
fn the_table_of_lower_bits_changes_no_price() {
    for tick in (MIN_TICK..=0).step_by(31).chain(-5_000..=0) {
        assert_eq!(sqrt_price_at(tick), Some(plain_price(tick)), "tick {tick}");
    }
}

#[test]
fn known_amounts_of_the_contracts_own_tests() {
    // SqrtPriceMath.spec.ts: between prices 1 and 1.21, and the next price of 0.1 at liquidity 1
    let (one, ether) = (U256::ONE << 96, 1_000_000_000_000_000_000_u128);
    let higher = uint!(87150978765690771352898345369_U256); // encodePriceSqrt(121, 100)
    assert_eq!(amount0(one, higher, ether, true), uint!(90909090909090910_U256));
    assert_eq!(amount0(one, higher, ether, false), uint!(90909090909090909_U256));
    assert_eq!(amount1(one, higher, ether, true), uint!(100000000000000000_U256));
    assert_eq!(amount1(one, higher, ether, false), uint!(99999999999999999_U256));
    let tenth = U256::from(ether / 10);
    assert_eq!(next_from_amount1(one, ether, tenth, true), Some(uint!(87150978765690771352898345369_U256)));
    assert_eq!(next_from_amount0(one, ether, tenth, true), Some(uint!(72025602285694852357767227579_U256)));
    assert_eq!(next_from_amount1(one, ether, tenth, false), Some(uint!(71305346262837903834189555302_U256)));
    assert_eq!(next_from_amount0(one, ether, tenth, false), Some(uint!(88031291682515930659493278152_U256)));
    assert_eq!(next_from_amount1(one, 0, tenth, true), None);
    assert_eq!(next_from_amount0(one, ether, U256::from(ether), false), None, "all of token 0");
    assert_eq!(next_from_amount1(one, ether, U256::from(ether), false), None, "all of token 1");
}

fn sized(bits: usize) -> impl Strategy<Value = U256> {
    (1..=bits, any::<[u64; 4]>()).prop_map(|(keep, limbs)| U256::from_limbs(limbs) >> (256 - keep))
}

proptest! {
    #[test]
    fn one_division_is_the_contracts_two(a in sized(160), b in sized(160), liquidity in sized(128)) {
        let (a, b) = (a.max(U256::ONE), b.max(U256::ONE));
        let (low, high) = (a.min(b), a.max(b));
        let shifted = liquidity << 96;
        let down = mul_div(shifted, high - low, high).unwrap() / low;
        let up = div_up(mul_div_up(shifted, high - low, high).unwrap(), low);
        let liquidity = liquidity.to::<u128>();
        prop_assert_eq!((amount0(a, b, liquidity, false), amount0(b, a, liquidity, true)), (down, up));
        let q96 = U256::ONE << 96;
        let wide = U256::from(liquidity);
        prop_assert_eq!(amount1(a, b, liquidity, false), mul_div(wide, high - low, q96).unwrap());
        prop_assert_eq!(amount1(a, b, liquidity, true), mul_div_up(wide, high - low, q96).unwrap());
    }

    #[test]
    fn short_products_divide_as_long_ones(a in sized(256), b in sized(256), d in sized(256)) {
        let d = d.max(U256::ONE);
        let whole: alloy_primitives::U512 = a.widening_mul(b);
        let (quotient, rest) = whole.div_rem(alloy_primitives::U512::from(d));
        let limbs = quotient.as_limbs();
        let narrow = (limbs[4..] == [0; 4]).then(|| U256::from_limbs([limbs[0], limbs[1], limbs[2], limbs[3]]));
        prop_assert_eq!(mul_div(a, b, d), narrow);
        let up = if rest.is_zero() { narrow } else { narrow.and_then(|n| n.checked_add(U256::ONE)) };
        prop_assert_eq!(mul_div_up(a, b, d), up);
    }

    #[test]
    fn the_fee_is_the_contracts(amount in sized(255), fee_pips in 0..PIPS) {
        let (keep, all) = (U256::from(PIPS - fee_pips), U256::from(PIPS));
        let less = after_fee(amount, fee_pips);
        prop_assert_eq!(less, mul_div(amount, keep, all).unwrap());
        let net = amount >> 32;
        prop_assert_eq!(fee_on(net, fee_pips), mul_div_up(net, U256::from(fee_pips), keep).unwrap());
        prop_assert!(less + fee_on(less, fee_pips) <= amount, "what is taken is never more than was offered");
    }

    #[test]
    fn a_refused_change_leaves_the_state(lower in -20..20_i32, upper in -20..20_i32, delta in -5_000_i128..5_000) {
        let one = U256::ONE << 96;
        let mut pool = Concentrated::new(one, 0, 0, 10, Vec::new()).unwrap();
        pool.modify_liquidity(-100, 100, 1_000).unwrap();
        let before = pool.clone();
        let done = pool.modify_liquidity(lower * 10, upper * 10, delta);
        if done.is_err() {
            prop_assert_eq!(&pool, &before);
        } else {
            pool.modify_liquidity(lower * 10, upper * 10, -delta).unwrap();
            prop_assert_eq!(&pool, &before, "taken back");
        }
        prop_assert!(done.is_ok() || lower >= upper || delta < 0);
    }
}

#[test]
fn a_state_that_no_contract_could_be_in_is_refused() {
    let one = U256::ONE << 96;
    let tick = |tick, gross| Tick { tick, gross, net: 1 };
    let made = |price, at, spacing, ticks| Concentrated::new(price, at, 1, spacing, ticks).map(|_| ());
    assert_eq!(made(one, 0, 10, vec![tick(-10, 1), tick(10, 1)]), Ok(()));
    assert_eq!(made(U256::ZERO, 0, 10, vec![]), Err(BadState::Price(U256::ZERO)));
    assert_eq!(made(MAX_SQRT_PRICE, MAX_TICK, 10, vec![]), Err(BadState::Price(MAX_SQRT_PRICE)));
    assert_eq!(made(one, 1, 10, vec![]), Err(BadState::Tick(1)));
    assert_eq!(made(one, -1, 10, vec![]), Ok(()), "a falling swap that ended on the tick");
    assert_eq!(made(one, -2, 10, vec![]), Err(BadState::Tick(-2)));
    assert_eq!(made(one, 0, 0, vec![]), Err(BadState::Spacing(0)));
    assert_eq!(made(one, 0, 10, vec![tick(5, 1)]), Err(BadState::Spacing(5)));
    assert_eq!(made(one, 0, 10, vec![tick(10, 0)]), Err(BadState::Order(10)));
    assert_eq!(made(one, 0, 10, vec![tick(10, 1), tick(10, 1)]), Err(BadState::Order(10)));
    let state = Concentrated::new(one, 0, 1, 10, vec![]).unwrap();
    assert_eq!(V3Pool::new(state, PIPS, ProtocolFee::None), Err(BadState::Fee(PIPS)));
}

#[test]
fn amounts_no_contract_takes_are_refused() {
    let state = Concentrated::new(U256::ONE << 96, 0, 1_000_000, 10, Vec::new()).unwrap();
    let mut pool = V3Pool::new(state, 3_000, ProtocolFee::uniswap(0)).unwrap();
    assert_eq!(pool.quote_in(Side::ZERO_FOR_ONE, U256::ZERO), Err(NoQuote::TooSmall));
    assert_eq!(pool.quote_out(Side::ZERO_FOR_ONE, U256::ONE << 255), Err(NoQuote::Limit));
    assert_eq!(pool.quote_in(Side { from: 0, to: 2 }, U256::ONE), Err(NoQuote::NoSuchPair));
    let before = pool.clone();
    assert_eq!(pool.apply(Side::ZERO_FOR_ONE, U256::MAX >> 1), Err(NoQuote::NoLiquidity));
    assert_eq!(pool, before);
    assert_eq!(pool.apply(Side::ZERO_FOR_ONE, U256::ONE), Ok(U256::ZERO), "one unit is all fee, and is taken");
}

#[test]
fn numbers_are_read_as_text_or_as_numbers() {
    let text = r#"{"v3": {"sqrt_price": "79228162514264337593543950336", "tick": 0, "liquidity": "0x10", "tick_spacing": 10,
        "fee_pips": 500, "ticks": [[-10, 16, "16"], [10, "0x10", -16]]}}"#;
    let pool: crate::searcher::pools::AnyPool = serde_json::from_str(text).unwrap();
    let written = serde_json::to_string(&pool).unwrap();
    assert!(written.contains(r#""liquidity":"16""#), "{written}");
    assert_eq!(serde_json::from_str::<crate::searcher::pools::AnyPool>(&written).unwrap(), pool);
    let wrong = serde_json::from_str::<crate::searcher::pools::AnyPool>(&text.replace("0x10", "-1"));
    assert!(wrong.unwrap_err().to_string().contains("no 128-bit integer"));
}
