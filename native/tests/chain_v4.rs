//! Our V4 pool beside the bytecode of Uniswap's manager: random pools, fees, hooks, positions and swaps, all equal.
#![allow(clippy::unwrap_used)] // a test file, helpers included

mod chain_support;

use _core::searcher::abi;
use _core::searcher::evm::Sandbox;
use _core::searcher::pools::v3::{Concentrated, Exact, Tick, sqrt_price_at, tick_at};
use _core::searcher::pools::v4::hooks::SafeHooks;
use _core::searcher::pools::v4::{DYNAMIC_FEE, V4Pool};
use _core::searcher::pools::{NoQuote, Pool, Side};
use alloy_primitives::{Address, U256, address, hex, keccak256};
use chain_support::clmm::{Counts, check_quotes, check_state, random_range, random_start, random_swap, signed};
use chain_support::{CALLER, Seeded, artifact, cases, deploy, with_arguments};

const KEY: &str = "(address,address,uint24,int24,address)";
/// A hook without permissions, for dynamic fees.
const QUIET: Address = address!("00000000000000000000000000000000000f0000");
/// A hook that is called before and after swaps and answers with its selector alone.
const OBSERVER: Address = address!("00000000000000000000000000000000000f00c0");
const OBSERVES: [u8; 45] =
    hex!("6000357fffffffff000000000000000000000000000000000000000000000000000000001660005260606000f3");

struct Chain {
    evm: Sandbox,
    tokens: [Address; 2],
    manager: Address,
    swapper: Address,
    keeper: Address,
}

const RICH: U256 = U256::from_limbs([0, 0, 0, 1 << 58]);

impl Chain {
    fn new() -> Option<Chain> {
        let code = |name: &str| artifact(&format!("@uniswap/v4-core/out/{name}.sol/{name}.json"));
        let token = artifact("@uniswap/v2-core/build/ERC20.json")?;
        let (manager, swapper, keeper) =
            (code("PoolManager")?, code("PoolSwapTest")?, code("PoolModifyLiquidityTestNoChecks")?);
        let mut evm = Sandbox::new();
        let mut tokens = [(); 2].map(|()| deploy(&mut evm, with_arguments(&token, &[U256::ONE])));
        tokens.sort();
        let manager = deploy(&mut evm, with_arguments(&manager, &[abi::address_word(CALLER)]));
        let [swapper, keeper] =
            [swapper, keeper].map(|c| deploy(&mut evm, with_arguments(&c, &[abi::address_word(manager)])));
        for token in tokens {
            for rich in [CALLER, manager] {
                evm.set_storage(token, Sandbox::mapping_slot(abi::address_word(rich), U256::ONE), RICH);
            }
            for router in [swapper, keeper] {
                let words = [abi::address_word(router), U256::MAX];
                assert!(evm.transact(CALLER, token, abi::call("approve(address,uint256)", &words), U256::ZERO).success);
            }
        }
        evm.set_balance(manager, RICH);
        evm.set_code(OBSERVER, OBSERVES.to_vec().into());
        Some(Chain { evm, tokens, manager, swapper, keeper })
    }
}

struct Both<'a> {
    chain: &'a mut Chain,
    key: [U256; 5],
    slot: U256,
    ours: V4Pool,
    positions: Vec<(i32, i32, u128)>,
    counts: &'a mut Counts,
}

impl<'a> Both<'a> {
    fn new(chain: &'a mut Chain, random: &mut Seeded, counts: &'a mut Counts) -> Option<Both<'a>> {
        let (spacing, price) = random_start(random);
        let lp_fee = match random.below(8) {
            0 => random.below(1_000_001) as u32,
            n => [0, 1, 100, 500, 3_000, 10_000, 1_000_000][n as usize - 1],
        };
        let (hook, dynamic) = match random.below(4) {
            0 => (QUIET, true),
            1 => (OBSERVER, random.below(2) == 0),
            _ => (Address::ZERO, false),
        };
        let mut tokens = chain.tokens;
        if random.below(4) == 0 {
            tokens[0] = Address::ZERO; // the chain's own coin
        }
        let fee = if dynamic { DYNAMIC_FEE } else { lp_fee };
        let [a, b, h] = [tokens[0], tokens[1], hook].map(abi::address_word);
        let key = [a, b, U256::from(fee), U256::from(spacing), h];
        let mut words = key.to_vec();
        words.push(price);
        let data = abi::call(&format!("initialize({KEY},uint160)"), &words);
        if !chain.evm.transact(CALLER, chain.manager, data, U256::ZERO).success {
            return None; // a key that is there already
        }
        if dynamic {
            let mut words = key.to_vec();
            words.push(U256::from(lp_fee));
            let data = abi::call(&format!("updateDynamicLPFee({KEY},uint24)"), &words);
            assert!(chain.evm.transact(hook, chain.manager, data, U256::ZERO).success);
        }
        let id: Vec<u8> = key.iter().flat_map(U256::to_be_bytes::<32>).collect();
        let slot = Sandbox::mapping_slot(U256::from_be_bytes(keccak256(id).0), U256::from(6));
        let [zero, one] = [(); 2].map(|()| if random.below(2) == 0 { 0 } else { random.below(1_001) as u32 });
        let protocol = zero | one << 12;
        let slot0 = chain.evm.storage(chain.manager, slot);
        chain.evm.set_storage(chain.manager, slot, slot0 | U256::from(protocol) << 184);
        let state = Concentrated::new(price, tick_at(price)?, 0, spacing, Vec::new()).unwrap();
        let mut safe = SafeHooks::default();
        let unknown = V4Pool::new(state.clone(), lp_fee, protocol, hook, &safe).unwrap();
        if hook == OBSERVER {
            assert_eq!(unknown.quote_in(Side::ZERO_FOR_ONE, U256::ONE), Err(NoQuote::Unknown));
            assert_eq!(unknown.quote_out(Side::ZERO_FOR_ONE, U256::ONE), Err(NoQuote::Unknown));
            assert_eq!(unknown.segments(Side::ZERO_FOR_ONE).count(), 0);
            safe.insert(hook);
        }
        let ours = V4Pool::new(state, lp_fee, protocol, hook, &safe).unwrap();
        Some(Both { chain, key, slot, ours, positions: Vec::new(), counts })
    }

    /// Calls a router with the key, the arguments and no further data; sends enough of the chain's coin where it is a token.
    fn call(&mut self, router: Address, signature: &str, arguments: &[U256]) -> Option<U256> {
        let mut words = self.key.to_vec();
        words.extend_from_slice(arguments);
        words.push(U256::from(32 * (words.len() + 1)));
        words.push(U256::ZERO);
        let value = if self.key[0].is_zero() { U256::ONE << 200 } else { U256::ZERO };
        self.chain.evm.set_balance(CALLER, RICH);
        let done = self.chain.evm.transact(CALLER, router, abi::call(signature, &words), value);
        if done.success { abi::word(&done.output, 0) } else { None }
    }

    fn modify(&mut self, lower: i32, upper: i32, delta: i128) -> bool {
        let signature = format!("modifyLiquidity({KEY},(int24,int24,int256,bytes32),bytes)");
        let magnitude = U256::from(delta.unsigned_abs());
        let word = if delta < 0 { magnitude.wrapping_neg() } else { magnitude };
        let done = self.call(self.chain.keeper, &signature, &[signed(lower), signed(upper), word, U256::ZERO]);
        if done.is_some() {
            self.ours.modify_liquidity(lower, upper, delta).unwrap();
        }
        done.is_some()
    }

    fn mint(&mut self, random: &mut Seeded) {
        let (lower, upper) = random_range(random, self.ours.state());
        let amount = random.of_any_size(100).to::<u128>();
        if self.modify(lower, upper, amount as i128) {
            self.positions.push((lower, upper, amount));
            self.counts.mints += 1;
        }
    }

    fn burn(&mut self, random: &mut Seeded) {
        if self.positions.is_empty() {
            return;
        }
        let n = random.below(self.positions.len() as u64) as usize;
        let (lower, upper, all) = self.positions[n];
        let amount = if random.below(2) == 0 { all } else { random.u128() % (all + 1) };
        if self.modify(lower, upper, -(amount as i128)) {
            self.positions[n].2 -= amount;
            if amount == all {
                self.positions.swap_remove(n);
            }
            self.counts.burns += 1;
        }
    }

    fn accrued(&mut self) -> [U256; 2] {
        [self.key[0], self.key[1]].map(|token| {
            let data = abi::call("protocolFeesAccrued(address)", &[token]);
            abi::word(&self.chain.evm.call(CALLER, self.chain.manager, data).output, 0).unwrap()
        })
    }

    fn compare(&mut self, side: Side, amount: Exact, limit: Option<U256>) {
        let down = side == Side::ZERO_FOR_ONE;
        let ours = self.ours.swap(side, amount, limit);
        let specified = match amount {
            Exact::In(a) => a.wrapping_neg(),
            Exact::Out(a) => a,
        };
        let stop = limit.unwrap_or_else(|| Concentrated::last_price(down));
        let before = self.accrued();
        let signature = format!("swap({KEY},(bool,int256,uint160),(bool,bool),bytes)");
        let words = [U256::from(down), specified, stop, U256::ZERO, U256::ZERO];
        let real = self.call(self.chain.swapper, &signature, &words);
        let about = format!("{side:?} {amount:?} {limit:?} {:?}", self.ours);
        let (ours, real) = match (ours, real) {
            (Ok(ours), Some(real)) => (ours, real),
            (Err(_), None) => {
                self.counts.refused += 1;
                return;
            }
            (ours, real) => panic!("ours {ours:?}, the contract {real:?}: {about}"),
        };
        let delta: [U256; 2] = [real >> 128, real << 128 >> 128];
        let delta = delta.map(|d| d.to::<u128>() as i128);
        let (taken, paid) = (delta[usize::from(side.from)], delta[usize::from(side.to)]);
        assert!(taken <= 0 && paid >= 0, "{about}");
        let amounts = (U256::from(taken.unsigned_abs()), U256::from(paid.unsigned_abs()));
        assert_eq!((ours.amount_in, ours.amount_out), amounts, "{about}");
        let mut expected = before;
        expected[usize::from(side.from)] += U256::from(ours.protocol_fee);
        assert_eq!(self.accrued(), expected, "{about}");
        check_quotes(&self.ours, side, amount, limit, &ours, &about);
        self.ours.settle(&ours);
        let slot0 = self.chain.evm.storage(self.chain.manager, self.slot);
        let word = self.chain.evm.storage(self.chain.manager, self.slot + U256::from(3));
        let tick = ((slot0 >> 160_usize).as_limbs()[0] as u32) << 8;
        let state = self.ours.state();
        assert_eq!(state.sqrt_price(), slot0 & ((U256::ONE << 160) - U256::ONE), "{about}");
        assert_eq!((state.tick(), state.liquidity()), (tick as i32 >> 8, word.to::<u128>()), "{about}");
        self.counts.add(amount, &ours);
    }

    fn ends_equal(&mut self) {
        for (lower, upper, _) in self.positions.clone() {
            for tick in [lower, upper] {
                let slot = Sandbox::mapping_slot(signed(tick), self.slot + U256::from(4));
                let word = self.chain.evm.storage(self.chain.manager, slot);
                let [gross, net]: [U256; 2] = [word << 128 >> 128, word >> 128];
                let real = Tick { tick, gross: gross.to(), net: net.to::<u128>() as i128 };
                assert_eq!(self.ours.state().ticks().get(tick), Some(real));
            }
        }
        check_state(self.ours.state(), &self.positions);
        let text = serde_json::to_string(&self.ours).unwrap();
        assert_eq!(serde_json::from_str::<V4Pool>(&text).unwrap(), self.ours);
    }
}

#[test]
fn random_pools_and_swaps_equal_the_managers() {
    let (mut random, mut counts) = (Seeded(5), Counts::default());
    let wanted = cases(3_000);
    while counts.swaps < wanted {
        let Some(mut chain) = Chain::new() else { return };
        for _ in 0..10 {
            let Some(mut both) = Both::new(&mut chain, &mut random, &mut counts) else { continue };
            for _ in 0..60 {
                match random.below(10) {
                    0..2 => both.mint(&mut random),
                    2 => both.burn(&mut random),
                    _ => {
                        if let Some((side, amount, limit)) = random_swap(&mut random, both.ours.state()) {
                            both.compare(side, amount, limit);
                        }
                    }
                }
            }
            both.ends_equal();
        }
    }
    counts.check(wanted);
}

/// `cargo test --release --test chain_v4 -- --ignored --nocapture`
#[test]
#[ignore = "a measurement: run it alone and in release"]
fn quotes_beside_the_manager_in_revm() {
    let Some(mut chain) = Chain::new() else { return };
    let key = [
        abi::address_word(chain.tokens[0]),
        abi::address_word(chain.tokens[1]),
        U256::from(500),
        U256::from(10),
        U256::ZERO,
    ];
    let price = sqrt_price_at(105).unwrap();
    let mut words = key.to_vec();
    words.push(price);
    let data = abi::call(&format!("initialize({KEY},uint160)"), &words);
    assert!(chain.evm.transact(CALLER, chain.manager, data, U256::ZERO).success);
    let state = Concentrated::new(price, 105, 0, 10, Vec::new()).unwrap();
    let ours = V4Pool::new(state, 500, 0, Address::ZERO, &SafeHooks::default()).unwrap();
    let id: Vec<u8> = key.iter().flat_map(U256::to_be_bytes::<32>).collect();
    let slot = Sandbox::mapping_slot(U256::from_be_bytes(keccak256(id).0), U256::from(6));
    let mut counts = Counts::default();
    let mut both = Both { chain: &mut chain, key, slot, ours, positions: Vec::new(), counts: &mut counts };
    assert!(both.modify(-1_000, 1_000, 1_000_000_000_000_000_000_000));
    let amount = U256::from(1_000_000_000_000_000_000_u64);
    let signature = format!("swap({KEY},(bool,int256,uint160),(bool,bool),bytes)");
    let mut words = both.key.to_vec();
    words.extend([U256::ONE, amount.wrapping_neg(), Concentrated::last_price(true), U256::ZERO, U256::ZERO]);
    words.extend([U256::from(32 * 11), U256::ZERO]);
    let data = abi::call(&signature, &words);
    let least = |rounds: u32, calls: u32, one: &mut dyn FnMut()| {
        let round = |_| {
            let start = std::time::Instant::now();
            (0..calls).for_each(|_| one());
            start.elapsed().as_secs_f64() / f64::from(calls)
        };
        (0..rounds).map(round).fold(f64::INFINITY, f64::min)
    };
    let fast = least(2_000, 500, &mut || {
        std::hint::black_box(both.ours.quote_in(Side::ZERO_FOR_ONE, std::hint::black_box(amount))).unwrap();
    });
    let swapper = both.chain.swapper;
    let slow = least(200, 5, &mut || {
        assert!(both.chain.evm.call(CALLER, swapper, data.clone()).success);
    });
    println!("one tick: {:.0} ns, revm {:.1} us, {:.0} x", fast * 1e9, slow * 1e6, slow / fast);
}
