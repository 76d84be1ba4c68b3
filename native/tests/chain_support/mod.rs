//! Real contract bytecode for the differential tests, from npm packages that `make test` installs in `tests/chain`.
#![allow(dead_code)] // each test uses its part
#![allow(clippy::unwrap_used)] // a test file, helpers included

pub mod clmm;
pub mod market;

use std::path::PathBuf;

use _core::searcher::evm::Sandbox;
use alloy_primitives::{Address, Bytes, U256, address};

mod seeded;
pub use seeded::Seeded;

/// Who calls in the tests.
pub const CALLER: Address = address!("00000000000000000000000000000000000ca11e");

/// The creation code of a contract in an npm package, as `@uniswap/v2-core/build/UniswapV2Pair.json`; none, with a reason
/// printed, where the packages are not installed.
pub fn artifact(path: &str) -> Option<Bytes> {
    let modules = std::env::var_os("SEARCHER_ARTIFACTS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/chain/node_modules"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(modules.join(path)) else {
        println!("skipped: needs {path}; `make test` installs it where Node 20+ and npm are present");
        return None;
    };
    let json: serde_json::Value = serde_json::from_str(&text).expect("an artifact is JSON");
    let code = json["bytecode"].as_str().or_else(|| json["bytecode"]["object"].as_str()).expect("a bytecode");
    let digits = code.trim_start_matches("0x");
    Some(alloy_primitives::hex::decode(digits).expect("linked bytecode").into())
}

/// Creation code with its arguments behind it.
pub fn with_arguments(code: &Bytes, words: &[U256]) -> Bytes {
    let mut all = code.to_vec();
    for word in words {
        all.extend_from_slice(&word.to_be_bytes::<32>());
    }
    all.into()
}

/// Deploys, or says why not.
pub fn deploy(chain: &mut Sandbox, code: Bytes) -> Address {
    let made = chain.deploy(CALLER, code);
    assert!(made.success, "creation failed: {}", made.output);
    made.created.expect("a creation has an address")
}

/// How many random cases a test runs: `SEARCHER_CASES`, or what the test says.
pub fn cases(usual: u64) -> u64 {
    std::env::var("SEARCHER_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// A file of the recorded data, from `$SEARCHER_DATA` or `../shared/data` beside the project; none, with a reason printed,
/// where it is absent. Whole numbers in it become text: the parser would make floats of those above 64 bits.
pub fn recorded(path: &str) -> Option<serde_json::Value> {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = std::env::var_os("SEARCHER_DATA").map_or_else(|| project.join("../shared/data"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(data.join(path)) else {
        println!("skipped: needs recorded {path}; set SEARCHER_DATA to where the recorded data is");
        return None;
    };
    Some(serde_json::from_str(&with_text_for_integers(&text)).expect("recorded files are JSON"))
}

fn with_text_for_integers(json: &str) -> String {
    let (mut all, mut word, mut quoted) = (String::new(), String::new(), false);
    for c in json.chars() {
        if !quoted && (c.is_ascii_alphanumeric() || "+-.".contains(c)) {
            word.push(c);
            continue;
        }
        let whole = word.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()) && !word.is_empty();
        all.push_str(&if whole { format!("\"{word}\"") } else { word.clone() });
        word.clear();
        quoted ^= c == '"'; // no recorded file has an escaped quote
        all.push(c);
    }
    all + &word
}
