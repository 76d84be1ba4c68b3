//! Our V3 pool beside the bytecode of Uniswap's and PancakeSwap's: random positions and swaps, amounts and state equal.
mod chain_support;

use _core::searcher::abi;
use _core::searcher::pools::v3::{
    Concentrated, Exact, MAX_TICK, MIN_TICK, ProtocolFee, V3Pool, sqrt_price_at, tick_at,
};
use _core::searcher::pools::{NoQuote, Pool, Side};
use alloy_primitives::{Address, Bytes, U256};
use chain_support::clmm::{Chain, Fork, magnitude, price_ahead, signed};
use chain_support::{CALLER, Seeded, cases};

/// One pool on both sides, and what happened to it.
struct Both<'a> {
    chain: &'a mut Chain,
    fork: Fork,
    pool: Address,
    ours: V3Pool,
    positions: Vec<(i32, i32, u128)>,
    counts: &'a mut Counts,
}

#[derive(Debug, Default)]
struct Counts {
    swaps: u64,
    refused: u64,
    partial: u64,
    crossed: u64,
    steps: u64,
    mints: u64,
    burns: u64,
}

fn made<'a>(chain: &'a mut Chain, fork: Fork, code: &Bytes, random: &mut Seeded, counts: &'a mut Counts) -> Both<'a> {
    let fee_pips = match random.below(8) {
        0 => random.below(1_000_000) as u32,
        n => [0, 1, 100, 500, 3_000, 10_000, 999_999][n as usize - 1],
    };
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
    let gap = sqrt_price_at(tick + 1).unwrap() - sqrt_price_at(tick).unwrap();
    let price = sqrt_price_at(tick).unwrap() + if random.below(4) == 0 { U256::ZERO } else { random.u256() % gap };
    let pool = chain.pool(fork, code.clone(), fee_pips, spacing, price);
    let (fee, word) = match fork {
        Fork::Uniswap => {
            let of = [(); 2].map(|()| if random.below(2) == 0 { 0 } else { 4 + random.below(7) as u8 });
            (ProtocolFee::uniswap(of[0] | of[1] << 4), U256::from(of[0] | of[1] << 4))
        }
        Fork::Pancake => {
            let of = [(); 2].map(|()| if random.below(2) == 0 { 0 } else { 1_000 + random.below(3_001) as u32 });
            (ProtocolFee::pancake(of[0] | of[1] << 16), U256::from(of[0] | of[1] << 16))
        }
    };
    chain.set_fee_protocol(fork, pool, word);
    let state = Concentrated::new(price, tick_at(price).unwrap(), 0, spacing, Vec::new()).unwrap();
    let ours = V3Pool::new(state, fee_pips, fee).unwrap();
    Both { chain, fork, pool, ours, positions: Vec::new(), counts }
}

impl Both<'_> {
    fn range(&self, random: &mut Seeded) -> (i32, i32) {
        let spacing = self.ours.state().tick_spacing();
        let top = MAX_TICK / spacing;
        let now = self.ours.state().tick() / spacing;
        let width = [2, 20, 600, 5_000, 2 * top as u64][random.below(5) as usize];
        let near = |random: &mut Seeded| (now + random.below(2 * width + 1) as i32 - width as i32).clamp(-top, top);
        let (a, b) = (near(random), near(random));
        match a.cmp(&b) {
            std::cmp::Ordering::Equal => (-top * spacing, top * spacing),
            _ => (a.min(b) * spacing, a.max(b) * spacing),
        }
    }

    fn mint(&mut self, random: &mut Seeded) {
        let (lower, upper) = self.range(random);
        let amount = random.of_any_size(100).to::<u128>();
        let words = [abi::address_word(self.chain.payer), signed(lower), signed(upper), U256::from(amount)];
        let done = self.chain.through(self.pool, "mint(address,int24,int24,uint128,bytes)", &words, true);
        if done.success {
            self.ours.modify_liquidity(lower, upper, amount as i128).unwrap();
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
        let words = [signed(lower), signed(upper), U256::from(amount)];
        let mut data = self.pool.into_word().to_vec();
        data.extend_from_slice(&abi::call("burn(int24,int24,uint128)", &words));
        let done = self.chain.evm.transact(CALLER, self.chain.payer, data.into(), U256::ZERO);
        if done.success {
            self.ours.modify_liquidity(lower, upper, -(amount as i128)).unwrap();
            self.positions[n].2 -= amount;
            if amount == all {
                self.positions.swap_remove(n);
            }
            self.counts.burns += 1;
        }
    }

    fn swap(&mut self, random: &mut Seeded) {
        let side = if random.below(2) == 0 { Side::ZERO_FOR_ONE } else { Side::ONE_FOR_ZERO };
        let down = side == Side::ZERO_FOR_ONE;
        let spacing = self.ours.state().tick_spacing();
        // a walk over all words of a narrow spacing takes the EVM long: seldom, but it must be right as well
        let free = random.below(if spacing < 60 { 200 } else { 4 }) == 0;
        let limit = if free { None } else { price_ahead(random, &self.ours, down, 256 * 6 * spacing as u64) };
        if limit.is_none() && !free {
            return;
        }
        let bits = if random.below(20) == 0 { 255 } else { 110 };
        let amount = random.of_any_size(bits);
        let amount = if random.below(2) == 0 { Exact::In(amount) } else { Exact::Out(amount) };
        self.compare(side, amount, limit);
    }

    fn compare(&mut self, side: Side, amount: Exact, limit: Option<U256>) {
        let down = side == Side::ZERO_FOR_ONE;
        let ours = self.ours.swap(side, amount, limit);
        let (specified, exact_in) = match amount {
            Exact::In(a) => (a, true),
            Exact::Out(a) => (a.wrapping_neg(), false),
        };
        let words = [
            abi::address_word(self.chain.payer),
            U256::from(down),
            specified,
            limit.unwrap_or_else(|| Concentrated::last_price(down)),
        ];
        let fees = self.chain.protocol_fees(self.fork, self.pool);
        let real = self.chain.through(self.pool, "swap(address,bool,int256,uint160,bytes)", &words, true);
        let about = format!("{side:?} {amount:?} {limit:?} {:?}", self.ours);
        let Ok(ours) = ours else {
            assert!(!real.success, "ours {ours:?}, the contract swaps: {about}");
            self.counts.refused += 1;
            return;
        };
        assert!(real.success, "the contract reverts with {}: {about}", real.output);
        let place = |n: u8| abi::word(&real.output, usize::from(n)).unwrap();
        let (taken, paid) = (magnitude(place(side.from)), magnitude(place(side.to)));
        assert!(!taken.1 && (paid.1 || paid.0.is_zero()), "{about}");
        assert_eq!((ours.amount_in, ours.amount_out), (taken.0, paid.0), "{about}");
        let after = self.chain.slot0(self.fork, self.pool);
        assert_eq!((ours.sqrt_price, ours.tick, ours.liquidity), after, "{about}");
        let now = self.chain.protocol_fees(self.fork, self.pool);
        let gained = [0, 1].map(|n| now[n].wrapping_sub(fees[n]));
        let mut expected = [0; 2];
        expected[usize::from(side.from)] = ours.protocol_fee;
        assert_eq!(gained, expected, "{about}");
        self.whole(side, amount, limit, &ours, &about);
        self.ours.settle(&ours);
        self.counts.swaps += 1;
        let whole = if exact_in { Exact::In(ours.amount_in) } else { Exact::Out(ours.amount_out) };
        self.counts.partial += u64::from(whole != amount);
        self.counts.crossed += u64::from(ours.ticks_crossed);
        self.counts.steps += u64::from(ours.steps);
    }

    /// Without a limit the trait's quotes say the same, and refuse what is not taken or given whole.
    fn whole(
        &self,
        side: Side,
        amount: Exact,
        limit: Option<U256>,
        swapped: &_core::searcher::pools::v3::Swapped,
        about: &str,
    ) {
        if limit.is_some() {
            return;
        }
        let (quoted, whole, other) = match amount {
            Exact::In(a) => (self.ours.quote_in(side, a), swapped.amount_in == a, swapped.amount_out),
            Exact::Out(a) => (self.ours.quote_out(side, a), swapped.amount_out == a, swapped.amount_in),
        };
        assert_eq!(quoted, if whole { Ok(other) } else { Err(NoQuote::NoLiquidity) }, "{about}");
    }

    fn ends_equal(&mut self) {
        for (lower, upper, _) in self.positions.clone() {
            for tick in [lower, upper] {
                let ours = self.ours.state().ticks().get(tick).unwrap();
                assert_eq!(ours, self.chain.tick(self.fork, self.pool, tick));
            }
        }
        let mut named: Vec<i32> = self.positions.iter().flat_map(|p| [p.0, p.1]).collect();
        named.sort_unstable();
        named.dedup();
        let kept: Vec<i32> = self.ours.state().ticks().iter().map(|t| t.tick).collect();
        assert_eq!(kept, named, "a tick is kept exactly as long as a position needs it");
        let state = self.ours.state();
        let fresh = Concentrated::new(
            state.sqrt_price(),
            state.tick(),
            state.liquidity(),
            state.tick_spacing(),
            state.ticks().iter().collect(),
        );
        assert_eq!(fresh.as_ref(), Ok(state), "a fresh load of it is the same");
    }
}

fn run(fork: Fork, seed: u64, usual: u64) {
    let Some(code) = fork.bytecode() else { return };
    let (mut random, mut counts) = (Seeded(seed), Counts::default());
    let wanted = cases(usual);
    while counts.swaps < wanted {
        let Some(mut chain) = Chain::new() else { return };
        for _ in 0..10 {
            let mut both = made(&mut chain, fork, &code, &mut random, &mut counts);
            for _ in 0..60 {
                match random.below(10) {
                    0..2 => both.mint(&mut random),
                    2 => both.burn(&mut random),
                    _ => both.swap(&mut random),
                }
            }
            both.ends_equal();
        }
    }
    println!("{counts:?}");
    assert!(counts.crossed > wanted / 4 && counts.partial > wanted / 10 && counts.mints > wanted / 20, "{counts:?}");
    assert!(counts.refused < wanted / 4, "{counts:?}");
}

#[test]
fn random_pools_and_swaps_equal_uniswaps() {
    run(Fork::Uniswap, 3, 3_000);
}

#[test]
fn random_pools_and_swaps_equal_pancakes() {
    run(Fork::Pancake, 4, 1_000);
}
