//! Our Balancer pools beside the bytecode of the vault, its factories and their pools: amounts both ways, limits, and
//! the vault's balances after.
mod chain_support;

use _core::searcher::abi;
use _core::searcher::evm::Sandbox;
use _core::searcher::pools::balancer::{BalancerStable, BalancerWeighted, PowVersion, StableForm};
use _core::searcher::pools::curve::Ramp;
use _core::searcher::pools::{NoQuote, Pool, Side};
use alloy_primitives::{Address, Bytes, U256};
use chain_support::{CALLER, Seeded, artifact, cases, deploy};

const ROOT: &str = "@balancer-labs/v2-deployments/dist/tasks";
const NOW_S: u64 = 1_770_000_000;

/// An argument of a call.
enum Arg {
    Word(U256),
    Words(Vec<U256>),
    Text(&'static str),
}

/// Arguments with the dynamic ones behind the others.
fn encode(arguments: &[Arg]) -> Vec<u8> {
    let mut head = Vec::new();
    let mut tail: Vec<u8> = Vec::new();
    let put = |bytes: &mut Vec<u8>, word: U256| bytes.extend_from_slice(&word.to_be_bytes::<32>());
    for argument in arguments {
        let offset = U256::from(arguments.len() * 32 + tail.len());
        match argument {
            Arg::Word(word) => put(&mut head, *word),
            Arg::Words(words) => {
                put(&mut head, offset);
                put(&mut tail, U256::from(words.len()));
                words.iter().for_each(|word| put(&mut tail, *word));
            }
            Arg::Text(text) => {
                put(&mut head, offset);
                put(&mut tail, U256::from(text.len()));
                let mut padded = text.as_bytes().to_vec();
                padded.resize(text.len().div_ceil(32) * 32, 0);
                tail.extend(padded);
            }
        }
    }
    [head, tail].concat()
}

fn data(signature: &str, arguments: &[Arg]) -> Bytes {
    [abi::selector(signature).to_vec(), encode(arguments)].concat().into()
}

fn created(code: &Bytes, arguments: &[Arg]) -> Bytes {
    [code.to_vec(), encode(arguments)].concat().into()
}

fn words(addresses: &[Address]) -> Vec<U256> {
    addresses.iter().map(|a| abi::address_word(*a)).collect()
}

/// A token that says its decimals and that every transfer went well.
fn token(chain: &mut Sandbox, number: u8, decimals: u8) -> Address {
    let at = Address::repeat_byte(0x40 + number);
    let code = format!("5f3560e01c63313ce56714601857600160005260206000f35b60{decimals:02x}60005260206000f3");
    chain.set_code(at, alloy_primitives::hex::decode(code).expect("hex").into());
    at
}

/// A contract that answers every call with one number: a rate provider, a provider of protocol fees.
fn oracle(chain: &mut Sandbox, number: u8, answer: U256) -> Address {
    let at = Address::repeat_byte(0x80 + number);
    let code = format!("7f{answer:064x}60005260206000f3");
    chain.set_code(at, alloy_primitives::hex::decode(code).expect("hex").into());
    at
}

struct Chain {
    chain: Sandbox,
    vault: Address,
}

fn made() -> Option<Chain> {
    let code = artifact(&format!("{ROOT}/20210418-vault/artifact/Vault.json"))?;
    let mut chain = Sandbox::new();
    chain.set_block(1, NOW_S);
    let somewhere = abi::address_word(Address::repeat_byte(9));
    let zero = Arg::Word(U256::ZERO);
    let arguments = [Arg::Word(somewhere), Arg::Word(somewhere), zero, Arg::Word(U256::ZERO)];
    let vault = deploy(&mut chain, created(&code, &arguments));
    Some(Chain { chain, vault })
}

impl Chain {
    /// Deploys a factory, with the later ones' provider of protocol fees and version texts.
    fn factory(&mut self, path: &str, later: bool) -> Option<Address> {
        let code = artifact(&format!("{ROOT}/{path}"))?;
        let vault = Arg::Word(abi::address_word(self.vault));
        if !later {
            return Some(deploy(&mut self.chain, created(&code, &[vault])));
        }
        let provider = oracle(&mut self.chain, 0, U256::ZERO);
        let provider = Arg::Word(abi::address_word(provider));
        Some(deploy(&mut self.chain, created(&code, &[vault, provider, Arg::Text("factory"), Arg::Text("pool")])))
    }

    /// Asks a factory for a pool: its address and its id in the vault.
    fn pool(&mut self, factory: Address, call: Bytes) -> (Address, U256) {
        let made = self.chain.transact(CALLER, factory, call, U256::ZERO);
        assert!(made.success, "no pool: {}", made.output);
        let pool = abi::address(&made.output, 0).expect("an address");
        let id = self.chain.call(CALLER, pool, abi::call("getPoolId()", &[]));
        (pool, abi::word(&id.output, 0).expect("an id"))
    }

    fn ask(&mut self, from: Address, to: Address, call: Bytes) -> Result<U256, String> {
        let answer = self.chain.call(from, to, call);
        if answer.success {
            return Ok(abi::word(&answer.output, 0).expect("an amount"));
        }
        // Error(string) with BAL#nnn
        Err(String::from_utf8_lossy(answer.output.get(68..75).unwrap_or_default()).into_owned())
    }

    /// The pool's own answer, as the vault asks it.
    fn on_swap(&mut self, at: &At, kind: Kind, side: Side, amount: U256, balances: &[U256]) -> Result<U256, String> {
        let (from, to) = (at.place(side.from), at.place(side.to));
        let request = "(uint8,address,address,uint256,bytes32,uint256,address,address,bytes)";
        let someone = abi::address_word(CALLER);
        let mut request_words = vec![U256::from(kind as u8)];
        request_words.extend(words(&[at.tokens[from], at.tokens[to]]));
        request_words.extend([amount, at.id, U256::ZERO, someone, someone, U256::from(9 * 32), U256::ZERO]);
        let (signature, mut all) = if at.general {
            let head = [128, 128 + 32 * request_words.len()].map(U256::from);
            let head = [head.to_vec(), vec![U256::from(from), U256::from(to)]].concat();
            (format!("onSwap({request},uint256[],uint256,uint256)"), head)
        } else {
            (format!("onSwap({request},uint256,uint256)"), vec![U256::from(96), balances[from], balances[to]])
        };
        all.extend(request_words);
        if at.general {
            all.push(U256::from(balances.len()));
            all.extend_from_slice(balances);
        }
        self.ask(self.vault, at.pool, abi::call(&signature, &all))
    }

    /// Gives a new pool its first balances.
    fn join(&mut self, at: &At, balances: &[U256]) {
        let user_data = encode(&[Arg::Word(U256::ZERO), Arg::Words(balances.to_vec())]);
        let (n, caller) = (at.tokens.len(), abi::address_word(CALLER));
        let mut all = vec![at.id, caller, caller, U256::from(128)];
        let lists = 32 * (n + 1);
        all.extend([128, 128 + lists, 128 + 2 * lists, 0].map(U256::from));
        for list in [words(&at.tokens), balances.to_vec()] {
            all.push(U256::from(n));
            all.extend(list);
        }
        all.push(U256::from(user_data.len()));
        all.extend(user_data.chunks(32).map(U256::from_be_slice));
        let signature = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))";
        let joined = self.chain.transact(CALLER, self.vault, abi::call(signature, &all), U256::ZERO);
        assert!(joined.success, "cannot join: {}", String::from_utf8_lossy(&joined.output));
    }

    /// A whole swap through the vault: the other amount, and the gas.
    fn swap(&mut self, at: &At, kind: Kind, side: Side, amount: U256) -> Option<(U256, u64)> {
        let caller = abi::address_word(CALLER);
        let limit = if kind == Kind::GivenIn { U256::ZERO } else { U256::MAX };
        let mut all = vec![U256::from(224), caller, U256::ZERO, caller, U256::ZERO, limit, U256::MAX];
        all.extend([at.id, U256::from(kind as u8)]);
        all.extend(words(&[at.tokens[at.place(side.from)], at.tokens[at.place(side.to)]]));
        all.extend([amount, U256::from(192), U256::ZERO]);
        let signature =
            "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)";
        let done = self.chain.transact(CALLER, self.vault, abi::call(signature, &all), U256::ZERO);
        done.success.then(|| (abi::word(&done.output, 0).expect("an amount"), done.gas_used - 21_000))
    }

    fn balances(&mut self, at: &At) -> Vec<U256> {
        let told = self.chain.call(CALLER, self.vault, abi::call("getPoolTokens(bytes32)", &[at.id])).output;
        let start = abi::word(&told, 1).expect("an offset").to::<usize>() / 32;
        (1..=at.tokens.len()).map(|n| abi::word(&told, start + n).expect("a balance")).collect()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    GivenIn = 0,
    GivenOut = 1,
}

/// A pool on the chain. `own` is the place of its own token among the vault's, where it has one.
struct At {
    pool: Address,
    id: U256,
    tokens: Vec<Address>,
    general: bool,
    own: Option<usize>,
}

impl At {
    /// The vault's place of our token.
    fn place(&self, ours: u8) -> usize {
        let ours = usize::from(ours);
        ours + usize::from(self.own.is_some_and(|own| ours >= own))
    }

    /// The vault's list of balances from ours.
    fn all(&self, balances: &[U256]) -> Vec<U256> {
        let mut all = balances.to_vec();
        if let Some(own) = self.own {
            all.insert(own, U256::from(1u128 << 111));
        }
        all
    }
}

fn side_of(random: &mut Seeded, n: usize) -> Side {
    let from = random.below(n as u64) as u8;
    let to = (from + 1 + random.below(n as u64 - 1) as u8) % n as u8;
    Side { from, to }
}

/// Compares one quote both ways. Counts what was compared: quoted, refused.
fn compare(
    chain: &mut Chain,
    at: &At,
    ours: &impl Pool,
    balances: &[U256],
    side: Side,
    amount: U256,
    seen: &mut [u64; 2],
) {
    for kind in [Kind::GivenIn, Kind::GivenOut] {
        let mine = if kind == Kind::GivenIn { ours.quote_in(side, amount) } else { ours.quote_out(side, amount) };
        let real = chain.on_swap(at, kind, side, amount, &at.all(balances));
        match (mine, real) {
            (Ok(mine), Ok(real)) => {
                assert_eq!(mine, real, "{side:?} of {amount} at {balances:?}");
                seen[0] += 1;
            }
            (Err(NoQuote::Limit), Err(real)) => {
                assert!(real == "BAL#304" || real == "BAL#305", "{real} is not a limit"); // MAX_IN_RATIO, MAX_OUT_RATIO
                seen[1] += 1;
            }
            (Err(_), Err(real)) => {
                assert!(real != "BAL#304" && real != "BAL#305", "{real} is a limit");
                seen[1] += 1;
            }
            // the vault would refuse what the pool alone answers: a balance above uint112, or more than there is
            (Err(NoQuote::Overflow | NoQuote::NoLiquidity), Ok(other)) => {
                let (came, went) = if kind == Kind::GivenIn { (amount, other) } else { (other, amount) };
                let after = balances[usize::from(side.from)].saturating_add(came);
                assert!(after.bit_len() > 112 || went > balances[usize::from(side.to)], "refused {amount} for {other}");
                seen[1] += 1;
            }
            (mine, real) => panic!("{mine:?} is not {real:?}: {side:?} of {amount} at {balances:?}"),
        }
    }
}

const DECIMALS: [u8; 4] = [18, 6, 8, 18];

fn fee(random: &mut Seeded) -> U256 {
    U256::from(1_000_000_000_000 + random.below(99_000_000_000_000_000)) // 0.0001 % to 10 %
}

fn weighted(path: &str, pow_version: PowVersion) {
    let Some(mut chain) = made() else { return };
    let later = pow_version == PowVersion::V2;
    let Some(factory) = chain.factory(path, later) else { return };
    let mut random = Seeded(11);
    let mut seen = [0; 2];
    let mut gas = (0, 0);
    let all = cases(2_000);
    for _ in 0..all.div_ceil(100) {
        let n = 2 + random.below(3) as usize;
        let tokens: Vec<Address> = (0..n).map(|k| token(&mut chain.chain, k as u8, DECIMALS[k])).collect();
        let mut weights: Vec<U256> = (1..n).map(|_| U256::from(1 + random.below(24))).collect();
        if random.below(2) == 0 {
            weights = (1..n).map(|_| U256::from([50, 20, 25, 10][random.below(4) as usize] / (n as u64 - 1))).collect();
        }
        let rest = U256::from(100) - weights.iter().sum::<U256>();
        weights.push(rest);
        let weights: Vec<U256> = weights.iter().map(|w| *w * U256::from(10_000_000_000_000_000u64)).collect();
        let fee = fee(&mut random);
        let mut arguments = vec![Arg::Text("a pool"), Arg::Text("POOL"), Arg::Words(words(&tokens))];
        arguments.push(Arg::Words(weights.clone()));
        if later {
            arguments.push(Arg::Words(vec![U256::ZERO; n]));
        }
        arguments.extend([Arg::Word(fee), Arg::Word(abi::address_word(CALLER))]);
        let rates = if later { "address[]," } else { "" };
        let signature = format!("create(string,string,address[],uint256[],{rates}uint256,address)");
        let (pool, id) = chain.pool(factory, data(&signature, &arguments));
        let at = At { pool, id, tokens, general: false, own: None };
        let scaling = (0..n).map(|k| U256::from(10).pow(U256::from(18 - DECIMALS[k]))).collect();
        let mut ours = BalancerWeighted { balances: vec![], scaling, weights, fee, pow_version };
        for _ in 0..100 {
            ours.balances = (0..n).map(|_| random.of_any_size(104)).collect();
            let side = side_of(&mut random, n);
            let part = U256::from(1 + random.below(400));
            let some = ours.balances[usize::from(side.from)] * part / U256::from(1000);
            let amount = if random.below(3) == 0 { random.of_any_size(100) } else { some.max(U256::ONE) };
            compare(&mut chain, &at, &ours, &ours.balances, side, amount, &mut seen);
        }
        // and for real, one swap after the other
        ours.balances = (0..n)
            .map(|k| (random.of_any_size(20) + U256::from(9)) * U256::from(10).pow(U256::from(DECIMALS[k])))
            .collect();
        chain.join(&at, &ours.balances);
        for _ in 0..10 {
            let side = side_of(&mut random, n);
            let amount = ours.balances[usize::from(side.from)] * U256::from(1 + random.below(290)) / U256::from(1000);
            let mine = ours.apply(side, amount);
            let real = chain.swap(&at, Kind::GivenIn, side, amount);
            assert_eq!(mine.ok(), real.map(|(out, _)| out), "{side:?} of {amount}");
            assert_eq!(ours.balances, chain.balances(&at));
            gas = (gas.0 + real.map_or(0, |(_, used)| used), gas.1 + 1);
        }
        seen[0] += 10;
    }
    println!("{path}: {} quotes equal, {} refused by both; {} gas a swap", seen[0], seen[1], gas.0 / gas.1);
    assert!(seen[0] > all && seen[1] > all / 20, "{seen:?}");
}

#[test]
fn weighted_pools_of_2021() {
    weighted("deprecated/20210418-weighted-pool/artifact/WeightedPoolFactory.json", PowVersion::V1);
}

#[test]
fn weighted_pools_of_2022_and_after() {
    weighted("20230206-weighted-pool-v3/artifact/WeightedPoolFactory.json", PowVersion::V2);
}

/// Which factory makes a stable pool.
#[derive(Clone, Copy, PartialEq)]
enum Make {
    Stable,
    Composable,
}

fn stable(path: &str, form: StableForm, make: Make) {
    let Some(mut chain) = made() else { return };
    let Some(factory) = chain.factory(path, make == Make::Composable) else { return };
    let mut random = Seeded(12);
    let mut seen = [0; 2];
    let mut gas = (0, 0);
    let all = cases(2_000);
    for _ in 0..all.div_ceil(100) {
        let n = 2 + random.below(3) as usize;
        let tokens: Vec<Address> = (0..n).map(|k| token(&mut chain.chain, k as u8, DECIMALS[k])).collect();
        let amp = U256::from(1 + random.below(5000));
        let fee = fee(&mut random);
        let mut arguments = vec![Arg::Text("a pool"), Arg::Text("POOL"), Arg::Words(words(&tokens)), Arg::Word(amp)];
        let mut scaling: Vec<U256> = (0..n).map(|k| U256::from(10).pow(U256::from(36 - DECIMALS[k]))).collect();
        if make == Make::Composable {
            let one = U256::from(10).pow(U256::from(18));
            let rates: Vec<U256> = (0..n).map(|_| one + U256::from(random.below(500_000_000_000_000_000))).collect();
            let providers: Vec<Address> =
                rates.iter().enumerate().map(|(k, rate)| oracle(&mut chain.chain, 1 + k as u8, *rate)).collect();
            arguments.push(Arg::Words(words(&providers)));
            arguments.push(Arg::Words(vec![U256::from(86_400); n]));
            arguments.push(Arg::Words(vec![U256::ZERO; n]));
            scaling = scaling.iter().zip(&rates).map(|(s, rate)| *s * *rate / one).collect();
        }
        arguments.extend([Arg::Word(fee), Arg::Word(abi::address_word(CALLER))]);
        let more = if make == Make::Composable { "address[],uint256[],bool[]," } else { "" };
        let signature = format!("create(string,string,address[],uint256,{more}uint256,address)");
        let (pool, id) = chain.pool(factory, data(&signature, &arguments));
        let mut tokens = tokens;
        let own = (make == Make::Composable).then(|| {
            tokens.push(pool);
            tokens.sort();
            tokens.iter().position(|t| *t == pool).expect("it is there")
        });
        let at = At { pool, id, tokens, general: true, own };
        let amp = Ramp::still(amp * U256::from(1000));
        let mut ours = BalancerStable { form, balances: vec![], scaling, amp, fee, time_s: NOW_S };
        for _ in 0..100 {
            // worth about the same, or anything
            let about = random.of_any_size(80);
            let near = random.below(3) > 0;
            let worth = |random: &mut Seeded| about * U256::from(1 + random.below(40)) / U256::from(20);
            ours.balances = (0..n)
                .map(|k| {
                    let less = U256::from(10).pow(U256::from(18 - DECIMALS[k]));
                    (if near { worth(&mut random) / less } else { random.of_any_size(90) }).max(U256::ONE)
                })
                .collect();
            let side = side_of(&mut random, n);
            let part = U256::from(1 + random.below(1500));
            let some = ours.balances[usize::from(side.from)] * part / U256::from(1000);
            let amount = if random.below(3) == 0 { random.of_any_size(90) } else { some.max(U256::ONE) };
            compare(&mut chain, &at, &ours, &ours.balances, side, amount, &mut seen);
        }
        if make == Make::Composable {
            continue;
        }
        ours.balances = (0..n)
            .map(|k| U256::from(1000 + random.below(3000)) * U256::from(10).pow(U256::from(DECIMALS[k])))
            .collect();
        chain.join(&at, &ours.balances);
        for _ in 0..10 {
            let side = side_of(&mut random, n);
            let amount = ours.balances[usize::from(side.from)] * U256::from(1 + random.below(900)) / U256::from(1000);
            let mine = ours.apply(side, amount);
            let real = chain.swap(&at, Kind::GivenIn, side, amount);
            assert_eq!(mine.ok(), real.map(|(out, _)| out), "{side:?} of {amount}");
            assert_eq!(ours.balances, chain.balances(&at));
            gas = (gas.0 + real.map_or(0, |(_, used)| used), gas.1 + 1);
            seen[0] += 1;
        }
    }
    println!("{path}: {} quotes equal, {} refused by both; {} gas a swap", seen[0], seen[1], gas.0 / gas.1.max(1));
    assert!(seen[0] > all * 4 / 5, "{seen:?}");
}

#[test]
fn stable_pools_of_2021() {
    stable("deprecated/20210624-stable-pool/artifact/StablePoolFactory.json", StableForm::RoundsUp, Make::Stable);
}

#[test]
fn stable_pools_of_2022() {
    stable("20220609-stable-pool-v2/artifact/StablePoolFactory.json", StableForm::RoundsDown, Make::Stable);
}

#[test]
fn composable_stable_pools_with_rates() {
    let path = "20230206-composable-stable-pool-v3/artifact/ComposableStablePoolFactory.json";
    stable(path, StableForm::RoundsDown, Make::Composable);
}
