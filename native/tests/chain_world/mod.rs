//! A chain of real contracts whose blocks can be taken back: what `chain_reorg` and `chain_holes` follow.
#![allow(dead_code)] // each test uses its part

use _core::searcher::abi;
use _core::searcher::evm::Sandbox;
use _core::searcher::pools::{AnyPool, PoolId, PoolKey, Status};
use _core::searcher::state::{BlockId, ChainLog, Factories, Factory, Header, Maker, World};
use alloy_primitives::{Address, B256, Log, U256, keccak256};

use super::chain_support::{CALLER, Seeded, artifact, deploy, with_arguments};

/// A mined block.
pub struct Block {
    pub header: Header,
    pub logs: Vec<ChainLog>,
    /// The chain after it; of the newest blocks only.
    after: Option<Sandbox>,
}

/// A node with a V2 factory, some tokens, and a history.
pub struct Node {
    genesis: BlockId,
    /// The chain after the genesis block, where the history is short enough to go back to it.
    first: Sandbox,
    chain: Sandbox,
    pub blocks: Vec<Block>,
    tokens: Vec<Address>,
    v2: Address,
    v2_hash: B256,
    random: Seeded,
    mined: u64,
}

const KEPT: usize = 24;

impl Node {
    pub fn new(seed: u64) -> Option<Node> {
        let token = artifact("@uniswap/v2-core/build/ERC20.json")?;
        let pair = artifact("@uniswap/v2-core/build/UniswapV2Pair.json")?;
        let factory = artifact("@uniswap/v2-core/build/UniswapV2Factory.json")?;
        let mut chain = Sandbox::new();
        chain.set_block(1, 1_000);
        let supply = U256::MAX >> 1;
        let mut tokens: Vec<Address> = (0..5).map(|_| deploy(&mut chain, with_arguments(&token, &[supply]))).collect();
        tokens.sort();
        let v2 = deploy(&mut chain, with_arguments(&factory, &[abi::address_word(CALLER)]));
        Some(Node {
            genesis: BlockId { number: 1, hash: keccak256(b"genesis") },
            first: chain.clone(),
            chain,
            blocks: Vec::new(),
            tokens,
            v2,
            v2_hash: keccak256(&pair),
            random: Seeded(seed),
            mined: 0,
        })
    }

    pub fn head(&self) -> BlockId {
        self.blocks.last().map_or(self.genesis, |b| b.header.id())
    }

    /// A world that knows the factories and no block yet.
    pub fn world(&self) -> World {
        let v2 = Maker::V2 { fee_num: 997, fee_den: 1000, init_code_hash: Some(self.v2_hash) };
        World::new(self.genesis, 32, Factories::new(&[Factory { address: self.v2, maker: v2 }]))
    }

    /// A world that saw the present branch alone.
    pub fn replayed(&self) -> World {
        let mut world = self.world();
        for block in &self.blocks {
            world.apply_block(&block.header, &block.logs).expect("the next block");
        }
        world
    }

    /// Takes up to `depth` blocks back; says how many.
    pub fn back(&mut self, depth: u64) -> u64 {
        let depth = (depth as usize).min(self.blocks.len());
        if depth == 0 {
            return 0;
        }
        self.blocks.truncate(self.blocks.len() - depth);
        self.chain = match self.blocks.last() {
            Some(block) => block.after.clone().expect("kept"),
            None => self.first.clone(),
        };
        depth as u64
    }

    /// Mines a block of up to `most` random transactions.
    pub fn mine(&mut self, most: u64) -> (Header, Vec<ChainLog>) {
        let parent = self.head();
        self.mined += 1;
        let number = parent.number + 1;
        let hash = keccak256([&parent.hash.0[..], &self.mined.to_be_bytes()].concat());
        let header = Header { number, hash, parent_hash: parent.hash, timestamp_s: 1_000 + 12 * number };
        self.chain.set_block(number, header.timestamp_s);
        let mut logs = Vec::new();
        for _ in 0..self.random.below(most + 1) {
            self.transaction(&mut logs);
        }
        let logs: Vec<ChainLog> = logs
            .into_iter()
            .enumerate()
            .map(|(n, log)| ChainLog {
                address: log.address,
                topics: log.topics().to_vec(),
                data: log.data.data.clone(),
                log_index: n as u64,
            })
            .collect();
        self.blocks.push(Block { header, logs: logs.clone(), after: Some(self.chain.clone()) });
        if self.blocks.len() > KEPT {
            let old = self.blocks.len() - KEPT;
            self.blocks[old - 1].after = None;
        }
        (header, logs)
    }

    fn send(&mut self, to: Address, signature: &str, words: &[U256], logs: &mut Vec<Log>) -> bool {
        let outcome = self.chain.transact(CALLER, to, abi::call(signature, words), U256::ZERO);
        logs.extend(outcome.logs);
        outcome.success
    }

    fn read(&mut self, to: Address, signature: &str, words: &[U256], n: usize) -> U256 {
        let outcome = self.chain.call(CALLER, to, abi::call(signature, words));
        abi::word(&outcome.output, n).expect("a word")
    }

    fn two_tokens(&mut self) -> [Address; 2] {
        let n = self.tokens.len() as u64;
        let a = self.random.below(n);
        let b = (a + 1 + self.random.below(n - 1)) % n;
        [self.tokens[a.min(b) as usize], self.tokens[a.max(b) as usize]]
    }

    fn transaction(&mut self, logs: &mut Vec<Log>) {
        let tokens = self.two_tokens();
        let words = tokens.map(abi::address_word);
        let pair = Address::from_word(self.read(self.v2, "getPair(address,address)", &words, 0).into());
        if pair == Address::ZERO {
            assert!(self.send(self.v2, "createPair(address,address)", &words, logs));
            return;
        }
        let reserves = [0, 1].map(|n| self.read(pair, "getReserves()", &[], n));
        let to = abi::address_word(CALLER);
        let pay = |node: &mut Node, token: Address, amount: U256, logs: &mut Vec<Log>| {
            assert!(node.send(token, "transfer(address,uint256)", &[abi::address_word(pair), amount], logs));
        };
        match self.random.below(8) {
            0 | 1 => {
                for token in tokens {
                    let amount = U256::from(100_000) + self.random.of_any_size(80);
                    pay(self, token, amount, logs);
                }
                self.send(pair, "mint(address)", &[to], logs);
            }
            2 => {
                let held = self.read(pair, "balanceOf(address)", &[to], 0);
                let some = held * U256::from(self.random.below(100)) / U256::from(100);
                pay(self, pair, some, logs);
                self.send(pair, "burn(address)", &[to], logs);
            }
            3 => {
                let amount = self.random.of_any_size(70);
                pay(self, tokens[0], amount, logs);
                let how = if self.random.below(2) == 0 { "sync()" } else { "skim(address)" };
                self.send(pair, how, &[to][..usize::from(how != "sync()")], logs);
            }
            _ => {
                let side = self.random.below(2) as usize;
                let amount = (reserves[side] >> (1 + self.random.below(20)) as usize) + U256::from(1_000);
                pay(self, tokens[side], amount, logs);
                let fed = amount * U256::from(997);
                let out = fed * reserves[1 - side] / (reserves[side] * U256::from(1000) + fed);
                let mut words = [U256::ZERO, U256::ZERO, to, U256::from(128), U256::ZERO];
                words[1 - side] = out;
                self.send(pair, "swap(uint256,uint256,address,bytes)", &words, logs);
            }
        }
    }

    /// Every pool that exists is live and as its storage says; every other is stale.
    pub fn assert_equal_to_storage(&mut self, world: &World) {
        let pools = world.pools();
        let mut live = 0;
        for id in pools.ids() {
            let address = Address::from_word(pools.key(id).0);
            let exists = !self.chain.code_is_empty(address);
            assert_eq!(pools.status(id) == Status::Live, exists, "{address} {:?}", pools.status(id));
            if exists {
                live += 1;
                self.assert_pool(address, pools.get(id));
            }
        }
        let made = self.read(self.v2, "allPairsLength()", &[], 0);
        assert_eq!(U256::from(live), made, "every pool that exists is known");
    }

    fn assert_pool(&mut self, address: Address, pool: &AnyPool) {
        match pool {
            AnyPool::V2(pool) => {
                let packed = self.chain.storage(address, U256::from(8));
                let mask = (U256::ONE << 112) - U256::ONE;
                let reserves = [packed & mask, packed >> 112 & mask].map(|r: U256| r.to::<u128>());
                assert_eq!(pool.reserves, reserves);
            }
        }
    }
}

/// Two worlds hold the same live pools in the same state. Numbers may differ: orphaned pools keep theirs.
pub fn same(a: &World, b: &World) {
    let live = |world: &World| -> Vec<(PoolKey, Vec<Address>, AnyPool)> {
        let pools = world.pools();
        let mut all: Vec<PoolId> = pools.ids().filter(|id| pools.status(*id) == Status::Live).collect();
        all.sort_by_key(|id| pools.key(*id));
        let tokens = |id: PoolId| pools.tokens(id).iter().map(|t| pools.token_address(*t)).collect();
        all.into_iter().map(|id| (pools.key(id), tokens(id), pools.get(id).clone())).collect()
    };
    assert_eq!(a.head(), b.head());
    assert_eq!(live(a), live(b));
}
