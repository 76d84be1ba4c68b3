//! Curve and Solidly pools beside what their published sources computed, compiled and run in an EVM: states of all
//! sizes, what the views said, what the swaps paid, and the balances after; and cases in which the contract reverted.
//!
//! No package ships these contracts' bytecode, so the compiled functions are not here, only their answers. Curve:
//! `StableSwap3Pool.vy`, `SwapTemplateBase.vy`, `CurveStableSwapNG.vy`, `CurveCryptoSwap2.vy`, `CurveCryptoMath3.vy`
//! with vyper 0.3.10, transfers left out. Solidly: the curve and the checks of `swap` in `Pool.sol` of Aerodrome and
//! in `BaseV1-core.sol`, with solc 0.8.19.
use _core::searcher::pools::{AnyPool, Pool, Side};
use alloy_primitives::U256;
use serde::Deserialize;

/// A line of a file.
#[derive(Deserialize)]
struct Vector {
    source: String,
    pool: AnyPool,
    from: u8,
    to: u8,
    amount_in: U256,
    /// What the contract's view said; none where it has no own one here, or reverted.
    view: Option<U256>,
    /// What the swap paid; none where it reverted.
    paid: Option<U256>,
    after: Option<Vec<U256>>,
}

fn compare(lines: &str) -> Vec<String> {
    let mut sources = Vec::new();
    for line in lines.lines() {
        let vector: Vector = serde_json::from_str(line).expect("a vector");
        let Vector { source, mut pool, amount_in, view, paid, .. } = vector;
        let side = Side { from: vector.from, to: vector.to };
        let said = match &pool {
            AnyPool::CurveStable(stable) if !source.starts_with("ng") => Some(stable.get_dy(side, amount_in)),
            AnyPool::Solidly(pair) => Some(pair.get_amount_out(side, amount_in)),
            _ => None,
        };
        if let Some(said) = said {
            assert_eq!(said.ok(), view, "{line}");
        }
        assert_eq!(pool.quote_in(side, amount_in).ok(), paid, "{line}");
        let before = pool.clone();
        assert_eq!(pool.apply(side, amount_in).ok(), paid, "{line}");
        if paid.is_none() {
            assert_eq!(pool, before, "a refused swap changes nothing: {line}");
        }
        if let Some(after) = vector.after {
            let balances = match &pool {
                AnyPool::CurveStable(stable) => stable.balances.clone(),
                AnyPool::Solidly(pair) => pair.reserves.to_vec(),
                other => panic!("no balances known of {other:?}"),
            };
            assert_eq!(balances, after, "{line}");
        }
        sources.push(source);
    }
    sources
}

#[test]
fn curve_pays_what_its_sources_computed() {
    let sources = compare(include_str!("chain_support/vectors/curve.jsonl"));
    for source in ["original3", "precise2", "ng4", "crypto2", "crypto3"] {
        assert_eq!(sources.iter().filter(|s| *s == source).count(), 12, "{source}");
    }
}

#[test]
fn solidly_pays_what_its_sources_computed() {
    let sources = compare(include_str!("chain_support/vectors/solidly.jsonl"));
    for source in ["aero", "old", "volatile"] {
        assert_eq!(sources.iter().filter(|s| *s == source).count(), 12, "{source}");
    }
}
