//! Curve's 3pool and a Balancer pool as recorded from mainnet: every quote the chain gave is ours.
use std::path::PathBuf;

use _core::searcher::pools::balancer::{BalancerWeighted, PowVersion};
use _core::searcher::pools::curve::{Invariant, Ramp, StablePool, View};
use _core::searcher::pools::{AnyPool, Pool, Side};
use alloy_primitives::U256;
use serde_json::Value;

/// A recorded file; none, with a reason printed, where the data is absent.
fn recorded(name: &str) -> Option<Value> {
    let root = std::env::var_os("SEARCHER_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(root.join("mainnet/pools").join(name)) else {
        println!("skipped: {name} is not in {}; set SEARCHER_DATA to where the recorded data is", root.display());
        return None;
    };
    // serde_json would read amounts above 64 bits as floats; as strings they stay exact
    let mut quoted = String::with_capacity(text.len() + 64);
    let mut digits = String::new();
    let mut in_text = false;
    for c in text.chars() {
        if c.is_ascii_digit() && !in_text {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            quoted.push('"');
            quoted.push_str(&digits);
            quoted.push('"');
            digits.clear();
        }
        in_text ^= c == '"';
        quoted.push(c);
    }
    Some(serde_json::from_str(&quoted).expect("recorded files are JSON"))
}

fn number(value: &Value) -> U256 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number")
}

fn numbers(value: &Value) -> Vec<U256> {
    value.as_array().expect("a list").iter().map(number).collect()
}

fn seconds(value: &Value) -> u64 {
    number(value).to()
}

fn ten_to(power: usize) -> U256 {
    U256::from(10).pow(U256::from(power))
}

fn decimals(pool: &Value) -> Vec<usize> {
    pool["tokens"].as_array().expect("tokens").iter().map(|t| number(&t["decimals"]).to()).collect()
}

/// The places of the two tokens named as `DAI->USDC`.
fn side(pool: &Value, direction: &str) -> Side {
    let (from, to) = direction.split_once("->").expect("two tokens");
    let place = |symbol: &str| {
        let tokens = pool["tokens"].as_array().expect("tokens");
        tokens.iter().position(|t| t["symbol"] == symbol).expect("a token of the pool") as u8
    };
    Side { from: place(from), to: place(to) }
}

fn tripool(json: &Value) -> StablePool {
    StablePool {
        invariant: Invariant::Original,
        view: View::UnitsFirst,
        balances: numbers(&json["balances"]),
        rates: decimals(json).into_iter().map(|d| ten_to(36 - d)).collect(),
        amp: Ramp {
            initial: number(&json["initial_a"]),
            future: number(&json["future_a"]),
            initial_time_s: seconds(&json["initial_a_time"]),
            future_time_s: seconds(&json["future_a_time"]),
        },
        fee: number(&json["fee"]),
        admin_fee: number(&json["admin_fee"]),
        offpeg_fee_multiplier: U256::ZERO,
        time_s: seconds(&json["block_timestamp"]),
    }
}

/// Directions, amounts in and the chain's answers.
fn entries(quotes: &Value) -> Vec<(String, U256, U256)> {
    let entries = quotes["entries"].as_object().expect("entries");
    let read = |(key, entry): (&String, &Value)| {
        let mut parts = key.rsplit('|');
        let amount = parts.next().and_then(|text| text.parse().ok()).expect("an amount");
        (parts.next().expect("a direction").to_string(), amount, number(&entry["value"]))
    };
    entries.iter().map(read).collect()
}

#[test]
fn tripool_quotes_are_the_chains() {
    let Some(json) = recorded("curve_tripool_24407242.json") else { return };
    let Some(quotes) = recorded("quotes_curve_tripool.json") else { return };
    let pool = tripool(&json);
    let cases = entries(&quotes);
    assert_eq!(cases.len(), 18);
    for (direction, amount, value) in cases {
        let side = side(&json, &direction);
        assert_eq!(pool.get_dy(side, amount), Ok(value), "{direction} {amount}");
        // the view rounds once more than what is paid: they differ by at most a unit of the coin
        let paid = pool.quote_in(side, amount).expect("it pays");
        assert!(paid <= value + U256::ONE && value <= paid + U256::ONE, "{direction} {amount}: {paid}");
    }
}

#[test]
fn tripool_virtual_price_follows_from_its_invariant() {
    let Some(json) = recorded("curve_tripool_24407242.json") else { return };
    let d = tripool(&json).invariant().expect("it has one");
    let supply = number(&json["lp_token_total_supply"]);
    assert_eq!(d * ten_to(18) / supply, number(&json["virtual_price"]));
}

#[test]
fn weighted_quotes_are_the_chains() {
    let Some(json) = recorded("balancer_weighted_usdc_weth.json") else { return };
    let Some(quotes) = recorded("quotes_balancer_usdc_weth.json") else { return };
    assert_eq!((&json["fee"], &json["pow_version"]), (&Value::from("9/10000"), &Value::from("v1")));
    let pool = BalancerWeighted {
        balances: numbers(&json["balances"]),
        scaling: decimals(&json).into_iter().map(|d| ten_to(18 - d)).collect(),
        weights: numbers(&json["weights"]),
        fee: U256::from(9) * ten_to(14),
        pow_version: PowVersion::V1,
    };
    let cases = entries(&quotes);
    assert_eq!(cases.len(), 18);
    for (direction, amount, value) in cases {
        assert_eq!(pool.quote_in(side(&json, &direction), amount), Ok(value), "{direction} {amount}");
    }
    // the same pool of a later factory multiplies where this one takes logarithms, and gives other amounts
    let later = BalancerWeighted { pow_version: PowVersion::V2, ..pool };
    let differ = |(direction, amount, value): &(String, U256, U256)| {
        later.quote_in(side(&json, direction), *amount) != Ok(*value)
    };
    assert!(entries(&quotes).iter().any(differ));
}

#[test]
fn a_pool_survives_its_file() {
    let Some(json) = recorded("curve_tripool_24407242.json") else { return };
    let pool = AnyPool::CurveStable(Box::new(tripool(&json)));
    let text = serde_json::to_string(&pool).expect("it is written");
    assert!(text.starts_with("{\"curve_stable\":"), "{text}");
    assert_eq!(serde_json::from_str::<AnyPool>(&text).expect("it is read"), pool);
}
