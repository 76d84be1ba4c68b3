//! V3 pools of real bytecode without their factory: any fee, spacing and state, and who pays for what they are asked.
use _core::searcher::abi;
use _core::searcher::evm::{Outcome, Sandbox};
use _core::searcher::pools::v3::{
    Concentrated, Exact, MAX_SQRT_PRICE, MAX_TICK, MIN_SQRT_PRICE, MIN_TICK, Swapped, Tick, sqrt_price_at,
};
use _core::searcher::pools::{NoQuote, Pool, Side};
use alloy_primitives::{Address, Bytes, U256, hex};

use super::{CALLER, Seeded, artifact, deploy, with_arguments};

/// Runtime code, written by hand. Called by the transaction's sender: calls the address in the first word with the rest as
/// data. Called by anyone else (a pool's callback): sends its caller each of the first two arguments that is above zero, of the
/// tokens in the sixth and seventh word behind the selector.
const PAYER: [u8; 148] = hex!(
    "323314606757600435600081131560345763a9059cbb60e01b60005233600452806024526020600060446000600060843\
     55af1505b50602435600081131560645763a9059cbb60e01b60005233600452806024526020600060446000600060a4355\
     af1505b50005b6020360360206000376000600060203603600060006000355af13d600060003e608f573d6000fd5b3d600\
     0f3"
);

/// Runtime code, written by hand. Called by the transaction's sender: creates a contract of the calldata and returns its
/// address. Called by anyone else (a pool's constructor, for its parameters): returns its storage words 0 to 4.
const MAKER: [u8; 62] = hex!(
    "32331460295760005460005260015460205260025460405260035460605260045460805260a06000f35b3660006000373660006000f0600052\
     60206000f3"
);

/// Whose pool.
#[derive(Clone, Copy, PartialEq)]
pub enum Fork {
    Uniswap,
    Pancake,
}

/// Where a fork keeps what.
impl Fork {
    pub fn bytecode(self) -> Option<Bytes> {
        artifact(match self {
            Fork::Uniswap => "@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json",
            Fork::Pancake => "@pancakeswap/v3-core/artifacts/contracts/PancakeV3Pool.sol/PancakeV3Pool.json",
        })
    }

    /// The slot before `feeGrowthGlobal0X128`: PancakeSwap's slot0 takes two words.
    fn shift(self) -> u64 {
        u64::from(self == Fork::Pancake)
    }
}

/// A chain with two tokens, someone who pays, and pools.
pub struct Chain {
    pub evm: Sandbox,
    pub tokens: [Address; 2],
    pub payer: Address,
    maker: Address,
}

const RICH: U256 = U256::from_limbs([0, 0, 0, 1 << 58]); // 2^250: no sum of balances overflows

impl Chain {
    pub fn new() -> Option<Chain> {
        let token = artifact("@uniswap/v2-core/build/ERC20.json")?;
        let mut evm = Sandbox::new();
        let mut tokens = [(); 2].map(|()| deploy(&mut evm, with_arguments(&token, &[U256::ONE])));
        tokens.sort();
        let [payer, maker] = [0xaa, 0xbb].map(Address::with_last_byte);
        evm.set_code(payer, PAYER.to_vec().into());
        evm.set_code(maker, MAKER.to_vec().into());
        let mut chain = Chain { evm, tokens, payer, maker };
        chain.enrich(payer);
        Some(chain)
    }

    fn enrich(&mut self, who: Address) {
        for token in self.tokens {
            self.evm.set_storage(token, Sandbox::mapping_slot(abi::address_word(who), U256::ONE), RICH);
        }
    }

    /// Creates a pool at a price and fills its purse.
    pub fn pool(&mut self, fork: Fork, code: Bytes, fee_pips: u32, spacing: i32, sqrt_price: U256) -> Address {
        let words = [self.maker, self.tokens[0], self.tokens[1]].map(abi::address_word);
        for (slot, word) in words.into_iter().chain([U256::from(fee_pips), U256::from(spacing)]).enumerate() {
            self.evm.set_storage(self.maker, U256::from(slot), word);
        }
        let made = self.evm.transact(CALLER, self.maker, code, U256::ZERO);
        let pool = abi::address(&made.output, 0).filter(|a| !a.is_zero()).expect("a pool");
        let began = self.evm.transact(CALLER, pool, abi::call("initialize(uint160)", &[sqrt_price]), U256::ZERO);
        assert!(began.success, "initialize: {}", began.output);
        if fork == Fork::Pancake {
            // what it begins with in some of its fee tiers; tests set their own
            self.set_fee_protocol(fork, pool, U256::ZERO);
        }
        self.enrich(pool);
        pool
    }

    pub fn set_fee_protocol(&mut self, fork: Fork, pool: Address, value: U256) {
        let (slot, at) = if fork == Fork::Pancake { (1, 0) } else { (0, 232) };
        let mask: U256 = U256::from(if fork == Fork::Pancake { u32::MAX } else { 0xff }) << at;
        let word = self.evm.storage(pool, U256::from(slot)) & !mask;
        self.evm.set_storage(pool, U256::from(slot), word | value << at);
    }

    /// Calls a pool through the payer, with both tokens as the callback's data behind the arguments.
    pub fn through(&mut self, pool: Address, signature: &str, arguments: &[U256], keep: bool) -> Outcome {
        let mut words = arguments.to_vec();
        words.push(U256::from(32 * (arguments.len() + 1)));
        words.push(U256::from(64));
        words.extend(self.tokens.map(abi::address_word));
        let mut data = pool.into_word().to_vec();
        data.extend_from_slice(&abi::call(signature, &words));
        if keep {
            self.evm.transact(CALLER, self.payer, data.into(), U256::ZERO)
        } else {
            self.evm.call(CALLER, self.payer, data.into())
        }
    }

    /// Root price, tick and liquidity.
    pub fn slot0(&mut self, fork: Fork, pool: Address) -> (U256, i32, u128) {
        let word = self.evm.storage(pool, U256::ZERO);
        let tick = ((word >> 160_usize).as_limbs()[0] as u32) << 8;
        let liquidity = self.evm.storage(pool, U256::from(4 + fork.shift()));
        (word & ((U256::ONE << 160) - U256::ONE), tick as i32 >> 8, liquidity.to())
    }

    /// Accrued protocol fees of both tokens.
    pub fn protocol_fees(&mut self, fork: Fork, pool: Address) -> [u128; 2] {
        let word = self.evm.storage(pool, U256::from(3 + fork.shift()));
        [word << 128 >> 128, word >> 128].map(|w: U256| w.to())
    }

    /// A tick as the pool has it.
    pub fn tick(&mut self, fork: Fork, pool: Address, tick: i32) -> Tick {
        let slot = Sandbox::mapping_slot(signed(tick), U256::from(5 + fork.shift()));
        let word = self.evm.storage(pool, slot);
        let [gross, net]: [U256; 2] = [word << 128 >> 128, word >> 128];
        Tick { tick, gross: gross.to(), net: net.to::<u128>() as i128 }
    }
}

/// A tick as an argument.
pub fn signed(tick: i32) -> U256 {
    if tick < 0 { U256::ZERO.wrapping_sub(U256::from(tick.unsigned_abs())) } else { U256::from(tick) }
}

/// An `int256` of an output: its magnitude and whether it is below zero.
pub fn magnitude(word: U256) -> (U256, bool) {
    if word.bit(255) { (word.wrapping_neg(), true) } else { (word, false) }
}

/// A random tick spacing, and a root price to begin at: mostly in the middle, at times near an end of all prices.
pub fn random_start(random: &mut Seeded) -> (i32, U256) {
    let spacing = match random.below(6) {
        0 => 1 + random.below(16_383) as i32,
        n => [1, 10, 60, 200, 1][n as usize - 1],
    };
    let tick = match random.below(8) {
        0 => MIN_TICK + random.below(2 * MAX_TICK as u64) as i32,
        1 => MIN_TICK + random.below(3_000) as i32,
        2 => MAX_TICK - 1 - random.below(3_000) as i32,
        _ => random.below(400_000) as i32 - 200_000,
    };
    let (at, next) = (sqrt_price_at(tick).unwrap(), sqrt_price_at(tick + 1).unwrap());
    (spacing, at + if random.below(4) == 0 { U256::ZERO } else { random.u256() % (next - at) })
}

/// A random range for a position, mostly around the present tick.
pub fn random_range(random: &mut Seeded, state: &Concentrated) -> (i32, i32) {
    let spacing = state.tick_spacing();
    let top = MAX_TICK / spacing;
    let now = state.tick() / spacing;
    let width = [2, 20, 600, 5_000, 2 * top as u64][random.below(5) as usize];
    let [a, b] = [(); 2].map(|()| (now + random.below(2 * width + 1) as i32 - width as i32).clamp(-top, top));
    if a == b { (-top * spacing, top * spacing) } else { (a.min(b) * spacing, a.max(b) * spacing) }
}

/// A random swap: side, amount and limit; none where no price is left on that side. A walk over all words of a narrow spacing
/// takes the EVM long, so it is seldom; now and then the limit is one that the contract must refuse.
pub fn random_swap(random: &mut Seeded, state: &Concentrated) -> Option<(Side, Exact, Option<U256>)> {
    let side = if random.below(2) == 0 { Side::ZERO_FOR_ONE } else { Side::ONE_FOR_ZERO };
    let down = side == Side::ZERO_FOR_ONE;
    let spacing = state.tick_spacing();
    let free = random.below(if spacing < 60 { 200 } else { 4 }) == 0;
    let limit = match random.below(50) {
        _ if free => None,
        0 => Some([MIN_SQRT_PRICE, MAX_SQRT_PRICE, state.sqrt_price()][random.below(3) as usize]),
        _ => Some(price_ahead(random, state, down, 256 * 6 * spacing as u64)?),
    };
    let bits = if random.below(20) == 0 { 255 } else { 110 };
    let amount = random.of_any_size(bits);
    Some((side, if random.below(2) == 0 { Exact::In(amount) } else { Exact::Out(amount) }, limit))
}

/// A random price within so many ticks of the present one, strictly on one side of it.
fn price_ahead(random: &mut Seeded, state: &Concentrated, down: bool, ticks: u64) -> Option<U256> {
    let (tick, now) = (state.tick(), state.sqrt_price());
    let by = random.below(ticks) as i32;
    let mut price = sqrt_price_at(if down { tick - by } else { tick + 1 + by })?;
    match random.below(3) {
        0 => price += U256::from(random.below(1_000)),
        1 => price -= U256::from(random.below(1_000)),
        _ => {}
    }
    let fits = if down { price < now && price > MIN_SQRT_PRICE } else { price > now && price < MAX_SQRT_PRICE };
    fits.then_some(price)
}

/// What happened in a run of random cases.
#[derive(Debug, Default)]
pub struct Counts {
    pub swaps: u64,
    pub refused: u64,
    pub partial: u64,
    pub crossed: u64,
    pub steps: u64,
    pub mints: u64,
    pub burns: u64,
}

impl Counts {
    pub fn add(&mut self, asked: Exact, swapped: &Swapped) {
        let whole = match asked {
            Exact::In(amount) => amount == swapped.amount_in,
            Exact::Out(amount) => amount == swapped.amount_out,
        };
        self.swaps += 1;
        self.partial += u64::from(!whole);
        self.crossed += u64::from(swapped.ticks_crossed);
        self.steps += u64::from(swapped.steps);
    }

    /// Prints them, and fails where the cases were not what they are meant to be.
    pub fn check(&self, wanted: u64) {
        println!("{self:?}");
        assert!(self.crossed > wanted / 4 && self.partial > wanted / 10 && self.mints > wanted / 20, "{self:?}");
        assert!(self.refused < wanted / 3, "{self:?}");
    }
}

/// Quotes say what the swap did where its limit did not matter, and refuse what is not taken or given whole.
pub fn check_quotes(pool: &impl Pool, side: Side, asked: Exact, limit: Option<U256>, swapped: &Swapped, about: &str) {
    let (whole, other) = match asked {
        Exact::In(a) => (swapped.amount_in == a, swapped.amount_out),
        Exact::Out(a) => (swapped.amount_out == a, swapped.amount_in),
    };
    if limit.is_some_and(|limit| !whole || swapped.sqrt_price == limit) {
        return;
    }
    let quoted = match asked {
        Exact::In(a) => pool.quote_in(side, a),
        Exact::Out(a) => pool.quote_out(side, a),
    };
    assert_eq!(quoted, if whole { Ok(other) } else { Err(NoQuote::NoLiquidity) }, "{about}");
}

/// The state loaded anew is the same, and it keeps exactly the ticks that positions need.
pub fn check_state(state: &Concentrated, positions: &[(i32, i32, u128)]) {
    let mut named: Vec<i32> = positions.iter().flat_map(|p| [p.0, p.1]).collect();
    named.sort_unstable();
    named.dedup();
    let kept: Vec<Tick> = state.ticks().iter().collect();
    assert_eq!(kept.iter().map(|t| t.tick).collect::<Vec<_>>(), named);
    let (price, tick, liquidity) = (state.sqrt_price(), state.tick(), state.liquidity());
    assert_eq!(Concentrated::new(price, tick, liquidity, state.tick_spacing(), kept).as_ref(), Ok(state));
}
