//! The on-chain half beside its peers in one run: `make bench-chain`, or here
//! `SEARCHER_ARTIFACTS=../../tests/chain/node_modules cargo run --release -- [--json FILE] [--rounds N]`.
#[path = "../../../native/tests/chain_support/mod.rs"]
mod chain_support;
mod paths;
mod pending;
mod quotes;
mod race;
mod search;
mod seeded {
    pub use crate::chain_support::Seeded;
}
#[path = "../../../native/tests/chain_support/synthetic.rs"]
mod synthetic;

use race::Row;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut json, mut rounds) = (None, 200);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap_or_else(|| panic!("{argument} wants a value"));
        match argument.as_str() {
            "--json" => json = Some(value),
            "--rounds" => rounds = value.parse().expect("--rounds wants a number"),
            _ => panic!("unknown argument {argument}; there are --json FILE and --rounds N"),
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    let parts = [quotes::v2, quotes::v3, paths::all, search::all, pending::all];
    for part in parts {
        let from = rows.len();
        part(rounds, &mut rows);
        for row in &rows[from..] {
            row.print();
        }
    }
    if let Some(file) = json {
        let all = serde_json::Value::Array(rows.iter().map(Row::json).collect());
        std::fs::write(&file, format!("{all:#}\n")).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
}
