//! A chain of real contracts whose blocks can be taken back: what `chain_reorg` and `chain_holes` follow.
#![allow(dead_code)] // each test uses its part

mod v2;
mod v3;
mod v4;

use _core::searcher::abi;
use _core::searcher::evm::{RecordedState, Sandbox};
use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::v4::hooks::SafeHooks;
use _core::searcher::pools::{AnyPool, PoolId, PoolKey, Status};
use _core::searcher::state::slots;
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

/// A node with V2's and V3's factories, V4's manager, some tokens, and a history.
pub struct Node {
    genesis: BlockId,
    /// The chain after the genesis block, where the history is short enough to go back to it.
    first: Sandbox,
    chain: Sandbox,
    pub blocks: Vec<Block>,
    tokens: Vec<Address>,
    v2: Address,
    v2_hash: B256,
    v3: Address,
    v3_hash: B256,
    positions: Address,
    router: Address,
    manager: Address,
    keeper: Address,
    swapper: Address,
    random: Seeded,
    mined: u64,
}

const KEPT: usize = 24;
/// Fees of V3 with their tick spacings.
const FEES: [(u64, i32); 2] = [(3_000, 60), (10_000, 200)];

impl Node {
    pub fn new(seed: u64) -> Option<Node> {
        let token = artifact("@uniswap/v2-core/build/ERC20.json")?;
        let pair = artifact("@uniswap/v2-core/build/UniswapV2Pair.json")?;
        let factory = artifact("@uniswap/v2-core/build/UniswapV2Factory.json")?;
        let v3 = |what: &str| artifact(&format!("@uniswap/v3-{what}.json"));
        let v3_factory = v3("core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory")?;
        let v3_pool = v3("core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool")?;
        let router = v3("periphery/artifacts/contracts/SwapRouter.sol/SwapRouter")?;
        let manager = "periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager";
        let manager = v3(manager)?;
        let v4 = |name: &str| artifact(&format!("@uniswap/v4-core/out/{name}.sol/{name}.json"));
        let (v4_manager, swapper) = (v4("PoolManager")?, v4("PoolSwapTest")?);
        let keeper = v4("PoolModifyLiquidityTestNoChecks")?;
        let mut chain = Sandbox::new();
        chain.set_block(1, 1_000);
        let supply = U256::MAX >> 1;
        let mut tokens: Vec<Address> = (0..4).map(|_| deploy(&mut chain, with_arguments(&token, &[supply]))).collect();
        tokens.sort();
        let v2 = deploy(&mut chain, with_arguments(&factory, &[abi::address_word(CALLER)]));
        let v3 = deploy(&mut chain, v3_factory);
        let no_weth = abi::address_word(CALLER);
        let router = deploy(&mut chain, with_arguments(&router, &[abi::address_word(v3), no_weth]));
        let arguments = [abi::address_word(v3), no_weth, no_weth];
        let positions = deploy(&mut chain, with_arguments(&manager, &arguments));
        let pool_manager = deploy(&mut chain, with_arguments(&v4_manager, &[abi::address_word(CALLER)]));
        let [swapper, keeper] =
            [swapper, keeper].map(|code| deploy(&mut chain, with_arguments(&code, &[abi::address_word(pool_manager)])));
        let data = abi::call("setProtocolFeeController(address)", &[abi::address_word(CALLER)]);
        assert!(chain.transact(CALLER, pool_manager, data, U256::ZERO).success);
        for token in &tokens {
            for spender in [router, positions, swapper, keeper] {
                let data = abi::call("approve(address,uint256)", &[abi::address_word(spender), U256::MAX]);
                assert!(chain.transact(CALLER, *token, data, U256::ZERO).success);
            }
        }
        Some(Node {
            genesis: BlockId { number: 1, hash: keccak256(b"genesis") },
            first: chain.clone(),
            chain,
            blocks: Vec::new(),
            tokens,
            v2,
            v2_hash: keccak256(&pair),
            v3,
            v3_hash: keccak256(&v3_pool),
            positions,
            router,
            manager: pool_manager,
            keeper,
            swapper,
            random: Seeded(seed),
            mined: 0,
        })
    }

    pub fn head(&self) -> BlockId {
        self.blocks.last().map_or(self.genesis, |b| b.header.id())
    }

    /// The factories whose logs are followed.
    pub fn factories(&self) -> Factories {
        let v2 = Maker::V2 { fee_num: 997, fee_den: 1000, init_code_hash: Some(self.v2_hash) };
        let v3 = Maker::V3 { deployer: None, init_code_hash: Some(self.v3_hash), pancake: false };
        let v4 = Maker::V4 { safe_hooks: Vec::new() };
        Factories::new(
            &[(self.v2, v2), (self.v3, v3), (self.manager, v4)].map(|(address, maker)| Factory { address, maker }),
        )
    }

    /// A world that knows the factories and no block yet.
    pub fn world(&self) -> World {
        World::new(self.genesis, 32, self.factories())
    }

    /// A world that saw the present branch alone.
    pub fn replayed(&self) -> World {
        let mut world = self.world();
        for block in &self.blocks {
            world.apply_block(&block.header, &block.logs).expect("the next block");
        }
        world
    }

    /// The block of the present branch with this number.
    pub fn block(&self, number: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(number - self.genesis.number - 1).ok()?)
    }

    /// The whole state after the head.
    pub fn record(&mut self) -> RecordedState {
        self.chain.record(self.head().number)
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
        match self.random.below(3) {
            0 => self.on_v2(logs),
            1 => self.on_v3(logs),
            _ => self.on_v4(logs),
        }
    }

    /// The pools that exist, as their storage says: key, tokens, state.
    pub fn stored(&mut self) -> Vec<(PoolKey, Vec<Address>, AnyPool)> {
        let mut all = Vec::new();
        for a in 0..self.tokens.len() {
            for b in a + 1..self.tokens.len() {
                let tokens = [self.tokens[a], self.tokens[b]];
                let pair = self.read(self.v2, "getPair(address,address)", &tokens.map(abi::address_word), 0);
                let pair = Address::from_word(pair.into());
                if pair != Address::ZERO {
                    let [x, y] = slots::v2::load(&mut self.chain, pair).expect("no source in memory fails");
                    all.push((PoolKey::from(pair), tokens.to_vec(), AnyPool::V2(V2Pool::uniswap(x, y))));
                }
                for (fee, spacing) in FEES {
                    let id = Self::v4_id(Self::v4_key(tokens, (fee, spacing)));
                    let (none, safe) = (Address::ZERO, SafeHooks::default());
                    if let Ok(pool) = slots::v4::load(&mut self.chain, self.manager, id, spacing, none, &safe) {
                        all.push((PoolKey(id), tokens.to_vec(), AnyPool::V4(pool)));
                    }
                    let pool = self.v3_pool(tokens, fee);
                    if pool == Address::ZERO || self.read(pool, "slot0()", &[], 0).is_zero() {
                        continue;
                    }
                    let read = slots::v3::load(&mut self.chain, pool, fee as u32, spacing, &slots::v3::UNISWAP)
                        .expect("a pool");
                    all.push((PoolKey::from(pool), tokens.to_vec(), AnyPool::V3(read)));
                }
            }
        }
        all.sort_by_key(|(key, _, _)| *key);
        all
    }

    /// Every pool that exists is live and as its storage says; every other is stale.
    pub fn assert_equal_to_storage(&mut self, world: &World) {
        assert_eq!(world.head(), self.head());
        assert_eq!(live(world), self.stored());
    }

    /// Every pool that may be searched is as its storage says; there may be others.
    pub fn assert_live_is_true(&mut self, world: &World) {
        assert_eq!(world.head(), self.head());
        let stored = self.stored();
        for one in live(world) {
            assert!(stored.contains(&one), "{one:?} is live");
        }
    }
}

/// A tick as an argument.
fn signed(tick: i32) -> U256 {
    let low = U256::from(tick.unsigned_abs());
    if tick < 0 { low.wrapping_neg() } else { low }
}

/// The live pools of a world, by key.
pub fn live(world: &World) -> Vec<(PoolKey, Vec<Address>, AnyPool)> {
    let pools = world.pools();
    let mut all: Vec<PoolId> = pools.ids().filter(|id| pools.status(*id) == Status::Live).collect();
    all.sort_by_key(|id| pools.key(*id));
    let tokens = |id: PoolId| pools.tokens(id).iter().map(|t| pools.token_address(*t)).collect();
    all.into_iter().map(|id| (pools.key(id), tokens(id), pools.get(id).clone())).collect()
}

/// Two worlds hold the same live pools in the same state. Numbers may differ: orphaned pools keep theirs.
pub fn same(a: &World, b: &World) {
    assert_eq!(a.head(), b.head());
    assert_eq!(live(a), live(b));
}
