//! A world that follows a real node: anvil, its newest header, logs asked for by block hash, and its own reorgs.
mod chain_support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use _core::searcher::abi;
use _core::searcher::pools::{AnyPool, Status};
use _core::searcher::state::slots::v2;
use _core::searcher::state::{BlockId, ChainLog, Factories, Factory, Header, Maker, World};
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use chain_support::{Seeded, artifact, with_arguments};
use serde_json::{Value, json};

struct Node {
    process: Child,
    port: u16,
    account: Address,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it is ours");
    }
}

impl Node {
    fn new() -> Option<Node> {
        let modules = std::env::var_os("SEARCHER_ARTIFACTS").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/chain/node_modules"),
            PathBuf::from,
        );
        let binary = modules.join("@foundry-rs/anvil-linux-amd64/bin/anvil");
        if !binary.exists() {
            println!("skipped: needs anvil; `make test` installs it where Node 20+ and npm are present");
            return None;
        }
        let mut process = Command::new(binary)
            .args(["--port", "0", "--no-mining", "--order", "fifo"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let listening = lines.find_map(|line| Some(line.ok()?.strip_prefix("Listening on 127.0.0.1:")?.to_owned()));
        let port = listening.expect("anvil listens").trim().parse().expect("a port");
        std::thread::spawn(move || lines.for_each(drop)); // so that its output never fills
        let mut node = Node { process, port, account: Address::ZERO };
        node.account = serde_json::from_value(node.ask("eth_accounts", json!([]))[0].clone()).expect("an account");
        Some(node)
    }

    fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("anvil listens");
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("a question");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (_, json) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let from = json.find('{').expect("a body");
        let to = json.rfind('}').expect("a body");
        let value: Value = serde_json::from_str(&json[from..=to]).expect("JSON");
        assert!(value.get("error").is_none(), "{method}: {value}");
        value["result"].clone()
    }

    fn send(&self, to: Option<Address>, data: &Bytes) -> B256 {
        let mut tx = json!({"from": self.account, "data": data, "gas": "0x989680"});
        if let Some(to) = to {
            tx["to"] = json!(to);
        }
        serde_json::from_value(self.ask("eth_sendTransaction", json!([tx]))).expect("a hash")
    }

    fn deploy(&self, code: &Bytes) -> Address {
        let hash = self.send(None, code);
        self.ask("evm_mine", json!([]));
        let receipt = self.ask("eth_getTransactionReceipt", json!([hash]));
        serde_json::from_value(receipt["contractAddress"].clone()).expect("a contract")
    }

    fn call(&self, to: Address, data: &Bytes) -> Bytes {
        serde_json::from_value(self.ask("eth_call", json!([{"to": to, "data": data}, "latest"]))).expect("bytes")
    }

    fn header(&self, method: &str, of: Value) -> Header {
        let block = self.ask(method, json!([of, false]));
        let number = |name: &str| serde_json::from_value::<U256>(block[name].clone()).expect("a number").to::<u64>();
        let hash = |name: &str| serde_json::from_value::<B256>(block[name].clone()).expect("a hash");
        let (hash, parent_hash) = (hash("hash"), hash("parentHash"));
        Header { number: number("number"), hash, parent_hash, timestamp_s: number("timestamp") }
    }

    fn latest(&self) -> Header {
        self.header("eth_getBlockByNumber", json!("latest"))
    }

    fn logs(&self, hash: B256, of: &[Address]) -> Vec<ChainLog> {
        let all = self.ask("eth_getLogs", json!([{"blockHash": hash, "address": of}]));
        let one = |log: &Value| ChainLog {
            address: serde_json::from_value(log["address"].clone()).expect("an address"),
            topics: serde_json::from_value(log["topics"].clone()).expect("topics"),
            data: serde_json::from_value(log["data"].clone()).expect("bytes"),
            log_index: serde_json::from_value::<U256>(log["logIndex"].clone()).expect("a number").to::<u64>(),
        };
        all.as_array().expect("a list").iter().map(one).collect()
    }

    /// Brings a world to the node's head: the newest block first, then what is missing below it.
    fn follow(&self, world: &mut World) {
        let head = self.latest();
        if head.hash == world.head().hash {
            return;
        }
        // A pair that a block creates may leave logs in the same block: nothing is filtered here.
        world.apply_block(&head, &self.logs(head.hash, &[])).expect("a head");
        let mut missing = Vec::new();
        while let Some((below, last)) = world.hole() {
            if missing.is_empty() {
                let mut hash = last.hash;
                loop {
                    let header = self.header("eth_getBlockByHash", json!(hash));
                    missing.push(header);
                    hash = header.parent_hash;
                    if hash == below.hash || header.number <= world.oldest().number + 1 {
                        break;
                    }
                }
            }
            let header = missing.pop().expect("as long as there is a hole");
            // Blocks from below the fork are known already; the first that is not branches off from them.
            let _ = world.backfill(&header, &self.logs(header.hash, &[]));
        }
    }
}

#[test]
fn a_world_follows_a_node_over_its_reorgs() {
    let (Some(token), Some(pair), Some(factory)) = (
        artifact("@uniswap/v2-core/build/ERC20.json"),
        artifact("@uniswap/v2-core/build/UniswapV2Pair.json"),
        artifact("@uniswap/v2-core/build/UniswapV2Factory.json"),
    ) else {
        return;
    };
    let Some(node) = Node::new() else { return };
    let mut tokens: Vec<Address> = (0..3).map(|_| node.deploy(&with_arguments(&token, &[U256::ONE << 200]))).collect();
    tokens.sort();
    let v2_factory = node.deploy(&with_arguments(&factory, &[abi::address_word(node.account)]));
    let maker = Maker::V2 { fee_num: 997, fee_den: 1000, init_code_hash: Some(keccak256(&pair)) };
    let at: BlockId = node.latest().id();
    let mut world = World::new(at, 64, Factories::new(&[Factory { address: v2_factory, maker }]));
    let mut random = Seeded(3);
    let (mut reorgs, mut live) = (0, 0);
    let to = abi::address_word(node.account);
    for _ in 0..60 {
        let head = node.latest();
        let depth = (1 + random.below(20)).min(head.number - at.number);
        if random.below(4) == 0 && depth > 0 {
            node.ask("anvil_reorg", json!([depth, []]));
            reorgs += 1;
        }
        for _ in 0..1 + random.below(4) {
            for _ in 0..random.below(4) {
                let n = random.below(3) as usize;
                let two = [tokens[n.min((n + 1) % 3)], tokens[n.max((n + 1) % 3)]];
                let words = two.map(abi::address_word);
                let made = node.call(v2_factory, &abi::call("getPair(address,address)", &words));
                let pair = abi::address(&made, 0).expect("an address");
                if pair == Address::ZERO {
                    node.send(Some(v2_factory), &abi::call("createPair(address,address)", &words));
                    continue;
                }
                for token in two {
                    let amount = U256::from(1_000_000) + random.of_any_size(60);
                    let words = [abi::address_word(pair), amount];
                    node.send(Some(token), &abi::call("transfer(address,uint256)", &words));
                }
                let how = ["mint(address)", "sync()"][random.below(2) as usize];
                node.send(Some(pair), &abi::call(how, &[to][..usize::from(how != "sync()")]));
            }
            node.ask("evm_mine", json!([]));
        }
        node.follow(&mut world);
        assert_eq!(world.head(), node.latest().id());
        live = 0;
        for id in world.pools().ids() {
            let address = Address::from_word(world.pools().key(id).0);
            let code = node.ask("eth_getCode", json!([address, "latest"]));
            let exists = code.as_str().is_some_and(|code| code.len() > 2);
            assert_eq!(world.pools().status(id) == Status::Live, exists);
            let AnyPool::V2(ours) = world.pools().get(id) else { panic!("a pair") };
            let mut source = |address: Address, slot: U256| {
                let word = node.ask("eth_getStorageAt", json!([address, slot, "latest"]));
                serde_json::from_value::<B256>(word).map(|word| U256::from_be_bytes(word.0))
            };
            if exists {
                live += 1;
                assert_eq!(ours.reserves, v2::load(&mut source, address).expect("a word"), "{}", hex::encode(address));
            }
        }
        let count = node.call(v2_factory, &abi::call("allPairsLength()", &[]));
        assert_eq!(abi::word(&count, 0), Some(U256::from(live)));
    }
    println!("{} blocks, {reorgs} reorgs, {live} pairs", world.head().number);
    assert!(reorgs > 5);
}
