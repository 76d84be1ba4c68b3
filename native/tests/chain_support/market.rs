//! A small market of real contracts: Uniswap V2 and V3 with their routers, three tokens, and people who sign.

use std::sync::Arc;
use std::sync::Mutex;

use _core::searcher::abi;
use _core::searcher::evm::{
    At, Cache, Got, Head, RecordedState, Rules, Sandbox, Simulator, SourceError, StateSource, Want,
};
use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::v3::V3Pool;
use _core::searcher::pools::{AnyPool, PoolId, PoolKey};
use _core::searcher::state::{BlockId, Factories, StorageSource, World, slots};
use alloy_consensus::crypto::secp256k1::{recover_signer, sign_message};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use revm::primitives::hardfork::SpecId;
use rustc_hash::FxHashMap;

use super::{CALLER, artifact, deploy, with_arguments};

/// The number of the block after which the market is.
pub const HEAD: u64 = 1_000;
/// Its time.
pub const HEAD_S: u64 = 1_750_000_000;
/// Later than any block of a test.
pub const DEADLINE: U256 = U256::from_limbs([u32::MAX as u64, 0, 0, 0]);

pub fn ether(n: u64) -> U256 {
    U256::from(n) * U256::from(10).pow(U256::from(18))
}

/// Somebody with a key.
#[derive(Clone, Copy)]
pub struct Person {
    key: B256,
    pub address: Address,
}

impl Person {
    pub fn new(n: u8) -> Person {
        let key = B256::repeat_byte(n);
        let hash = B256::repeat_byte(1);
        let signature = sign_message(key, hash).expect("as the test made it");
        Person { key, address: recover_signer(&signature, hash).expect("as the test made it") }
    }

    pub fn sign<T>(&self, tx: T) -> Vec<u8>
    where
        T: SignableTransaction<alloy_primitives::Signature>,
        TxEnvelope: From<alloy_consensus::Signed<T>>,
    {
        let signature = sign_message(self.key, tx.signature_hash()).expect("as the test made it");
        TxEnvelope::from(tx.into_signed(signature)).encoded_2718()
    }

    /// A signed call, with a tip of 1 gwei.
    pub fn call(&self, nonce: u64, to: Address, data: Bytes) -> Vec<u8> {
        self.sign(TxEip1559 {
            chain_id: 1,
            nonce,
            gas_limit: 1_000_000,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(to),
            input: data,
            ..TxEip1559::default()
        })
    }
}

pub struct Market {
    pub chain: Sandbox,
    pub weth: Address,
    pub tokens: [Address; 3],
    pub factory2: Address,
    pub router2: Address,
    /// Of tokens 0 and 1, 1 and 2, 2 and 0.
    pub pairs: [Address; 3],
    pub router3: Address,
    /// Of tokens 0 and 1 at 0.3 %.
    pub pool3: Address,
    pub people: [Person; 2],
}

pub fn word(address: Address) -> U256 {
    abi::address_word(address)
}

/// Two tokens in the order of their addresses.
pub fn ordered(a: Address, b: Address) -> [Address; 2] {
    if a < b { [a, b] } else { [b, a] }
}

impl Market {
    pub fn done(&mut self, from: Address, to: Address, data: Bytes) -> Bytes {
        let done = self.chain.transact(from, to, data, U256::ZERO);
        assert!(done.success, "{}", done.output);
        done.output
    }

    /// `swapExactTokensForTokens` along a path of tokens.
    pub fn swap2(amount: U256, path: &[Address], to: Address) -> Bytes {
        let mut words = vec![amount, U256::ZERO, U256::from(160), word(to), DEADLINE, U256::from(path.len())];
        words.extend(path.iter().map(|token| word(*token)));
        abi::call("swapExactTokensForTokens(uint256,uint256,address[],address,uint256)", &words)
    }

    /// `exactInputSingle` at 0.3 %.
    pub fn swap3(amount: U256, from: Address, to: Address, recipient: Address) -> Bytes {
        let fee = U256::from(3000);
        let words = [word(from), word(to), fee, word(recipient), DEADLINE, amount, U256::ZERO, U256::ZERO];
        abi::call("exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))", &words)
    }

    /// The pools as we see them: the three pairs, then the V3 pool.
    pub fn world(&mut self) -> (World, [PoolId; 4]) {
        let at = BlockId { number: HEAD, hash: Market::head().hash };
        let mut world = World::new(at, 4, Factories::new(&[]));
        let mut ids = [0, 1, 2, 0].map(|n: usize| {
            let tokens = ordered(self.tokens[n], self.tokens[(n + 1) % 3]);
            let pair = self.pairs[n];
            let state = AnyPool::V2(unpacked(self.chain.storage(pair, U256::from(8))));
            world.adopt(PoolKey::from(pair), &tokens, state, at.hash).expect("as the test made it")
        });
        let state = AnyPool::V3(
            slots::v3::load(&mut self.chain, self.pool3, 3_000, 60, &slots::v3::UNISWAP).expect("as the test made it"),
        );
        let tokens = ordered(self.tokens[0], self.tokens[1]);
        ids[3] = world.adopt(PoolKey::from(self.pool3), &tokens, state, at.hash).expect("as the test made it");
        (world, ids)
    }

    /// The V3 pool as some storage has it.
    pub fn v3<S: StorageSource>(&self, source: &mut S) -> V3Pool
    where
        S::Error: std::fmt::Debug,
    {
        slots::v3::load(source, self.pool3, 3_000, 60, &slots::v3::UNISWAP).expect("as the test made it")
    }

    pub fn head() -> Head {
        Head {
            number: HEAD,
            hash: B256::repeat_byte(7),
            timestamp_s: HEAD_S,
            coinbase: Address::repeat_byte(0xcb),
            prevrandao: B256::repeat_byte(9),
            gas_limit: 30_000_000,
            gas_used: 15_000_000,
            base_fee_wei: 1_000_000_000,
            excess_blob_gas: 0,
            blob_gas_used: 0,
        }
    }

    pub fn rules() -> Rules {
        Rules { spec: SpecId::PRAGUE, ..Rules::mainnet(23_000_000, HEAD_S) }
    }

    /// The market's state; nobody has sent a transaction yet.
    pub fn record(&mut self) -> RecordedState {
        let mut all = self.chain.record(HEAD);
        for person in self.people {
            all.accounts.entry(person.address).or_default().state.nonce = 0;
        }
        all
    }

    /// The market as a source that counts, and a cache of it.
    pub fn fork(&mut self) -> (Arc<Counting>, Arc<Cache>) {
        let source = Arc::new(Counting { of: self.record(), asked: Mutex::default() });
        let cache = Cache::new(Arc::clone(&source) as Arc<dyn StateSource>, At::Number(HEAD), 10_000);
        (source, cache)
    }

    pub fn simulator(cache: &Arc<Cache>) -> Simulator {
        Simulator::new(cache, &Market::rules(), Market::head().next(&Market::rules()))
    }
}

/// A pair's reserves from its slot 8.
pub fn unpacked(packed: U256) -> V2Pool {
    let mask = (U256::ONE << 112) - U256::ONE;
    let [a, b] = [packed & mask, (packed >> 112) & mask].map(|r: U256| r.to::<u128>());
    V2Pool::uniswap(a, b)
}

/// A recorded state that counts how often each value is asked for.
pub struct Counting {
    of: RecordedState,
    pub asked: Mutex<FxHashMap<Want, u32>>,
}

impl StateSource for Counting {
    fn fetch(&self, at: At, wanted: &[Want]) -> Result<Vec<Got>, SourceError> {
        let mut asked = self.asked.lock().expect("as the test made it");
        for want in wanted {
            *asked.entry(*want).or_default() += 1;
        }
        drop(asked);
        self.of.fetch(at, wanted)
    }
}

/// Deploys it all; none, with a reason printed, where the packages are not installed.
pub fn market() -> Option<Market> {
    let erc20 = artifact("@uniswap/v2-core/build/ERC20.json")?;
    let weth9 = artifact("@uniswap/v2-periphery/build/WETH9.json")?;
    let factory2 = artifact("@uniswap/v2-core/build/UniswapV2Factory.json")?;
    let router2 = artifact("@uniswap/v2-periphery/build/UniswapV2Router02.json")?;
    let factory3 = artifact("@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json")?;
    let router3 = artifact("@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json")?;
    let manager =
        "@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json";
    let manager = artifact(manager)?;

    let mut chain = Sandbox::new();
    chain.set_block(HEAD, HEAD_S);
    let weth = deploy(&mut chain, weth9);
    let tokens = [(); 3].map(|()| deploy(&mut chain, with_arguments(&erc20, &[ether(1_000_000_000)])));
    let factory2 = deploy(&mut chain, with_arguments(&factory2, &[word(CALLER)]));
    let router2 = deploy(&mut chain, with_arguments(&router2, &[word(factory2), word(weth)]));
    let factory3 = deploy(&mut chain, factory3);
    let router3 = deploy(&mut chain, with_arguments(&router3, &[word(factory3), word(weth)]));
    let manager = deploy(&mut chain, with_arguments(&manager, &[word(factory3), word(weth), U256::ZERO]));
    let none = [Address::ZERO; 3];
    let people = [Person::new(0x11), Person::new(0x22)];
    let pool3 = Address::ZERO;
    let mut market = Market { chain, weth, tokens, factory2, router2, pairs: none, router3, pool3, people };

    for token in tokens {
        for spender in [router2, router3, manager] {
            for owner in [CALLER, people[0].address, people[1].address] {
                market.done(owner, token, abi::call("approve(address,uint256)", &[word(spender), U256::MAX]));
            }
        }
        for person in people {
            let data = abi::call("transfer(address,uint256)", &[word(person.address), ether(1_000_000)]);
            market.done(CALLER, token, data);
        }
    }
    for person in people {
        market.chain.set_balance(person.address, ether(1_000));
    }
    for n in 0..3 {
        let (a, b) = (tokens[n], tokens[(n + 1) % 3]);
        // Prices that leave something to earn: 1 : 2, 1 : 3, and 1 : 5 back.
        let (for_a, for_b) = [(10_000, 20_000), (20_000, 60_000), (30_000, 5_100)][n];
        let words = [word(a), word(b), ether(for_a), ether(for_b), U256::ZERO, U256::ZERO, word(CALLER), DEADLINE];
        let signature = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)";
        market.done(CALLER, router2, abi::call(signature, &words));
        let pair = market.done(CALLER, factory2, abi::call("getPair(address,address)", &[word(a), word(b)]));
        market.pairs[n] = abi::address(&pair, 0).expect("as the test made it");
    }
    let [a, b] = ordered(tokens[0], tokens[1]);
    let fee = U256::from(3000);
    let made = market.done(CALLER, factory3, abi::call("createPool(address,address,uint24)", &[word(a), word(b), fee]));
    market.pool3 = abi::address(&made, 0).expect("as the test made it");
    let one = U256::ONE << 96;
    market.done(CALLER, market.pool3, abi::call("initialize(uint160)", &[one]));
    let low = U256::ZERO.wrapping_sub(U256::from(60_000));
    let words = [
        word(a),
        word(b),
        fee,
        low,
        U256::from(60_000),
        ether(50_000),
        ether(50_000),
        U256::ZERO,
        U256::ZERO,
        word(CALLER),
        DEADLINE,
    ];
    let signature = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))";
    market.done(CALLER, manager, abi::call(signature, &words));
    Some(market)
}
