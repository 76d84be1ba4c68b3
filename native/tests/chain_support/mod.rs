//! Real contract bytecode for the differential tests, from npm packages that `make test` installs in `tests/chain`.
#![allow(dead_code)] // each test uses its part

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
