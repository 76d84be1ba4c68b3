//! A forked state over JSON-RPC from a real node (anvil, from npm): what we execute is what it executes.
mod chain_support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use _core::live::provider::HttpProvider;
use _core::net::{Endpoint, Tls};
use _core::searcher::evm::{
    At, Cache, Change, Head, RecordedState, RpcSource, Rules, SimError, Simulator, SourceError, StateSource, Want,
    asked, decode,
};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use chain_support::Seeded;
use chain_support::market::{Market, Person, ether, market};
use serde_json::{Value, json};

type Rpc = RpcSource<HttpProvider>;

fn provider(port: u16, timeout_ms: u64) -> HttpProvider {
    let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{port}/")).expect("the node or the test made it so");
    HttpProvider::new(endpoint, Arc::new(Tls::new(None).expect("the node or the test made it so")), timeout_ms)
}

/// A node of its own, gone at the end of the test.
struct Anvil {
    child: Child,
    rpc: Arc<Rpc>,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.child.kill().expect("the node or the test made it so");
        self.child.wait().expect("the node or the test made it so");
    }
}

impl Anvil {
    /// None, with a reason printed, where it is not installed.
    fn start() -> Option<Anvil> {
        let modules = std::env::var_os("SEARCHER_ARTIFACTS").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/chain/node_modules"),
            PathBuf::from,
        );
        let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let program = modules.join(format!("@foundry-rs/anvil-{os}-{arch}/bin/anvil"));
        if !program.exists() {
            println!("skipped: needs anvil; `make test` installs it where Node 20+ and npm are present");
            return None;
        }
        let mut child = Command::new(program)
            .args(["--port", "0", "--chain-id", "1", "--hardfork", "prague", "--accounts", "1", "--no-mining"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the node or the test made it so");
        let mut lines = BufReader::new(child.stdout.take().expect("the node or the test made it so")).lines();
        let port = loop {
            let line = lines.next().expect("anvil says where it listens").expect("the node or the test made it so");
            if let Some(at) = line.strip_prefix("Listening on 127.0.0.1:") {
                break at.trim().parse().expect("the node or the test made it so");
            }
        };
        std::thread::spawn(move || lines.for_each(drop)); // it stops where nobody reads
        Some(Anvil { child, rpc: Arc::new(RpcSource::new(provider(port, 10_000), 500)) })
    }

    fn ask(&self, method: &str, params: Value) -> Value {
        self.rpc.batch(&[(method, params)]).unwrap_or_else(|e| panic!("{method}: {e}")).remove(0)
    }

    /// Makes the node's state the market's.
    fn load(&self, market: &mut Market) {
        let state = market.record();
        let mut calls = Vec::new();
        for (address, account) in &state.accounts {
            calls.push(("anvil_setBalance", json!([address, account.state.balance])));
            calls.push(("anvil_setNonce", json!([address, format!("{:#x}", account.state.nonce)])));
            if !account.state.code.is_empty() {
                calls.push(("anvil_setCode", json!([address, account.state.code])));
            }
            for (slot, word) in &account.storage {
                calls.push(("anvil_setStorageAt", json!([address, slot, B256::from(*word)])));
            }
        }
        calls.push(("anvil_setCoinbase", json!([Market::head().coinbase])));
        calls.push(("evm_mine", json!([])));
        self.rpc.batch(&calls).expect("the node or the test made it so");
    }

    fn head(&self) -> Head {
        let block = self.ask("eth_getBlockByNumber", json!(["latest", false]));
        let number = |name: &str| small(&block[name]);
        Head {
            number: number("number"),
            hash: block["hash"]
                .as_str()
                .expect("the node or the test made it so")
                .parse()
                .expect("the node or the test made it so"),
            timestamp_s: number("timestamp"),
            coinbase: block["miner"]
                .as_str()
                .expect("the node or the test made it so")
                .parse()
                .expect("the node or the test made it so"),
            prevrandao: block["mixHash"]
                .as_str()
                .expect("the node or the test made it so")
                .parse()
                .expect("the node or the test made it so"),
            gas_limit: number("gasLimit"),
            gas_used: number("gasUsed"),
            base_fee_wei: number("baseFeePerGas"),
            excess_blob_gas: number("excessBlobGas"),
            blob_gas_used: number("blobGasUsed"),
        }
    }

    /// Has the node mine it one slot after the head; its receipt.
    fn mine(&self, raw: &[u8], head: &Head) -> Value {
        self.ask("evm_setNextBlockTimestamp", json!([head.timestamp_s + 12]));
        let hash = self.ask("eth_sendRawTransaction", json!([Bytes::copy_from_slice(raw)]));
        self.ask("evm_mine", json!([]));
        self.ask("eth_getTransactionReceipt", json!([hash]))
    }
}

fn small(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap_or_else(|| panic!("{value}")).trim_start_matches("0x"), 16)
        .expect("the node or the test made it so")
}

fn logs(receipt: &Value) -> Vec<Log> {
    let logs = receipt["logs"].as_array().expect("the node or the test made it so");
    let topics = |log: &Value| -> Vec<B256> {
        log["topics"]
            .as_array()
            .expect("the node or the test made it so")
            .iter()
            .map(|t| {
                t.as_str().expect("the node or the test made it so").parse().expect("the node or the test made it so")
            })
            .collect()
    };
    logs.iter()
        .map(|log| {
            let data: Bytes = log["data"]
                .as_str()
                .expect("the node or the test made it so")
                .parse()
                .expect("the node or the test made it so");
            Log::new_unchecked(
                log["address"]
                    .as_str()
                    .expect("the node or the test made it so")
                    .parse()
                    .expect("the node or the test made it so"),
                topics(log),
                data,
            )
        })
        .collect()
}

/// Swaps of all kinds; some revert.
fn transaction(market: &Market, random: &mut Seeded, person: Person, nonce: u64) -> Vec<u8> {
    let [a, b, c] = market.tokens;
    let amount = random.of_any_size(68) + U256::from(1_000_000);
    match random.below(6) {
        0 => person.call(nonce, market.router3, Market::swap3(amount, a, b, person.address)),
        1 => person.call(nonce, market.router3, Market::swap3(amount, b, a, person.address)),
        2 => person.call(nonce, market.router2, Market::swap2(amount, &[a, b, c, a], person.address)),
        3 => person.call(nonce, market.router2, Market::swap2(ether(9_000_000), &[b, a], person.address)),
        4 => person.call(nonce, market.weth, Bytes::new()),
        _ => person.call(nonce, market.router2, Market::swap2(amount, &[c, b], person.address)),
    }
}

#[test]
fn what_we_execute_on_its_state_is_what_the_node_executes() {
    let (Some(mut market), Some(node)) = (market(), Anvil::start()) else { return };
    node.load(&mut market);
    let rules = Market::rules();
    let mut head = node.head();
    let cache = Cache::new(Arc::clone(&node.rpc) as Arc<dyn StateSource>, At::Hash(head.hash), 10_000);
    let mut sim = Simulator::new(&cache, &rules, head.next(&rules));
    let mut random = Seeded(5);
    let mut reverted = 0;
    for nonce in 0..60 {
        let raw = transaction(&market, &mut random, market.people[0], nonce);
        let tx = decode(&raw).expect("the node or the test made it so");
        let ours = sim.run(tx.env).expect("the node or the test made it so");
        let receipt = node.mine(&raw, &head);
        assert_eq!(
            receipt["transactionHash"]
                .as_str()
                .expect("the node or the test made it so")
                .parse::<B256>()
                .expect("the node or the test made it so"),
            tx.hash
        );
        assert_eq!(small(&receipt["status"]) == 1, ours.success, "transaction {nonce}");
        assert_eq!(small(&receipt["gasUsed"]), ours.gas_used, "transaction {nonce}");
        assert_eq!(logs(&receipt), ours.logs, "transaction {nonce}");
        reverted += u32::from(!ours.success);

        let next = node.head();
        let expected = head.next(&rules);
        assert_eq!((U256::from(next.number), next.base_fee_wei), (expected.number, expected.basefee));
        let wants: Vec<Want> = ours.diff.keys().map(|address| Want::Account(*address)).collect();
        for (address, change) in &ours.diff {
            let account = node.rpc.account(At::Hash(next.hash), *address).expect("the node or the test made it so");
            assert!(change.balance.is_none_or(|(_, after)| after == account.balance), "balance of {address}");
            assert!(change.nonce.is_none_or(|(_, after)| after == account.nonce), "nonce of {address}");
            for (slot, (before, after)) in &change.storage {
                assert_eq!(
                    node.rpc.storage(At::Hash(head.hash), *address, *slot).expect("the node or the test made it so"),
                    *before
                );
                assert_eq!(
                    node.rpc.storage(At::Hash(next.hash), *address, *slot).expect("the node or the test made it so"),
                    *after
                );
            }
        }
        assert!(wants.len() >= 2, "the sender and the coinbase at least");
        // The cache follows by the difference alone: no value is fetched twice.
        head = next;
        cache.advance(At::Hash(head.hash), &Change::Diff(&ours.diff));
        sim.advance(head.next(&rules));
    }
    assert!((1..30).contains(&reverted), "{reverted} of 60 reverted");
    let counts = cache.counts();
    println!("60 transactions: {counts:?}");
    assert!(counts.fetched < 120, "{counts:?}");
}

#[test]
fn a_node_tells_what_a_transaction_will_touch() {
    let (Some(mut market), Some(node)) = (market(), Anvil::start()) else { return };
    node.load(&mut market);
    let head = node.head();
    let [a, b, c] = market.tokens;
    let [person, _] = market.people;
    let raw = person.call(0, market.router2, Market::swap2(ether(3), &[a, b, c, a], person.address));
    let tx = decode(&raw).expect("the node or the test made it so").env;
    let cache = Cache::new(Arc::clone(&node.rpc) as Arc<dyn StateSource>, At::Hash(head.hash), 10_000);
    let wants = asked(&node.rpc, At::Hash(head.hash), &tx).expect("the node or the test made it so");
    cache.view().load(&wants).expect("the node or the test made it so");
    assert_eq!(cache.counts().questions, 1);
    let mut sim = Simulator::new(&cache, &Market::rules(), head.next(&Market::rules()));
    let done = sim.run(tx).expect("the node or the test made it so");
    assert!(done.success);
    // Pairs call tokens whose accounts the list may leave out; their words are in it.
    let later = cache.counts().questions - 1;
    println!("{} values in one question, {later} one by one", wants.len());
    assert!(later <= 6, "{later} of {}", done.footprint.len());
}

#[test]
fn what_the_node_dumps_is_a_state_to_fork_from() {
    let (Some(mut market), Some(node)) = (market(), Anvil::start()) else { return };
    node.load(&mut market);
    let head = node.head();
    let dump: Bytes = node
        .ask("anvil_dumpState", json!([]))
        .as_str()
        .expect("the node or the test made it so")
        .parse()
        .expect("the node or the test made it so");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&dump[..]).read_to_end(&mut text).expect("the node or the test made it so");
    let state = RecordedState::from_json(&text).expect("the node or the test made it so");
    assert_eq!(state.number, Some(head.number));
    let cache = Cache::new(Arc::new(state), At::Number(head.number), 10_000);
    let mut sim = Simulator::new(&cache, &Market::rules(), head.next(&Market::rules()));
    let raw = transaction(&market, &mut Seeded(1), market.people[0], 0);
    let ours =
        sim.run(decode(&raw).expect("the node or the test made it so").env).expect("the node or the test made it so");
    let receipt = node.mine(&raw, &head);
    assert_eq!((small(&receipt["gasUsed"]), logs(&receipt)), (ours.gas_used, ours.logs));
}

#[test]
fn a_block_that_the_node_does_not_have_is_gone_and_a_wrong_question_is_a_bug() {
    let Some(node) = Anvil::start() else { return };
    let nowhere = At::Hash(B256::repeat_byte(0x99));
    let error = node.rpc.account(nowhere, Address::ZERO).unwrap_err();
    assert!(matches!(error, SourceError::Gone(_)), "{error}");
    let error = node.rpc.account(At::Number(1_000_000), Address::ZERO).unwrap_err();
    assert!(matches!(error, SourceError::Gone(_)), "{error}");
    let error = node.rpc.batch(&[("eth_noSuchMethod", json!([]))]).unwrap_err();
    assert!(matches!(error, SourceError::Bug(_)), "{error}");
    assert_eq!(
        node.rpc.account(At::Number(0), Address::repeat_byte(5)).expect("the node or the test made it so"),
        Default::default()
    );
}

/// Answers one connection's request with these bytes, then hangs up.
fn saying(answer: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the node or the test made it so");
    let port = listener.local_addr().expect("the node or the test made it so").port();
    std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("the node or the test made it so");
        let mut heard = [0; 4096];
        assert!(tcp.read(&mut heard).expect("the node or the test made it so") > 0);
        tcp.write_all(answer.as_bytes()).expect("the node or the test made it so");
    });
    port
}

#[test]
fn a_provider_that_fails_has_a_consequence_by_its_type() {
    let limited = r#"{"jsonrpc":"2.0","error":{"code":-32005,"message":"limit exceeded"}}"#;
    let pruned = r#"[{"id":0,"error":{"code":-32000,"message":"missing trie node 00"}}]"#;
    let good = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let consequence = |error: &SourceError| match error {
        SourceError::Retry(_) => "retry",
        SourceError::Gone(_) => "gone",
        SourceError::Bug(_) => "bug",
    };
    for (answer, expected) in [
        ("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n".to_owned(), "retry"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[".to_owned(), "retry"),
        (good(limited), "retry"),
        (good(pruned), "gone"),
        (good("no"), "bug"),
        (good("[]"), "bug"),
        (good(r#"[{"id":7,"result":"0x1"}]"#), "bug"),
        (good(r#"[{"id":0,"result":"12"}]"#), "bug"),
    ] {
        let rpc = RpcSource::new(provider(saying(answer.clone()), 2_000), 100);
        let error = rpc.storage(At::Number(1), Address::ZERO, U256::ZERO).unwrap_err();
        assert_eq!(consequence(&error), expected, "{answer}: {error}");
    }
    // Nobody there, and nobody who answers.
    let rpc = RpcSource::new(provider(1, 2_000), 100);
    assert!(matches!(rpc.storage(At::Number(1), Address::ZERO, U256::ZERO), Err(SourceError::Retry(_))));
    let silent = TcpListener::bind("127.0.0.1:0").expect("the node or the test made it so");
    let rpc = Arc::new(RpcSource::new(
        provider(silent.local_addr().expect("the node or the test made it so").port(), 200),
        100,
    ));
    let cache = Cache::new(rpc, At::Number(1), 100);
    let rules = Rules::mainnet(1, 1);
    let mut sim = Simulator::new(&cache, &rules, Market::head().next(&rules));
    let error = sim.call(Address::ZERO, Address::ZERO, Bytes::new()).unwrap_err();
    assert!(matches!(error, SimError::Source(SourceError::Retry(_))), "{error}");
}
