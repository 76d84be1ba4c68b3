//! Our V3 pool beside the bytecode of Uniswap's and PancakeSwap's: random positions and swaps, amounts and state equal.
#![allow(clippy::unwrap_used)] // a test file, helpers included

mod chain_support;

use _core::searcher::abi;
use _core::searcher::pools::Side;
use _core::searcher::pools::v3::{Concentrated, Exact, ProtocolFee, V3Pool, tick_at};
use alloy_primitives::{Address, Bytes, U256};
use chain_support::clmm::{
    Chain, Counts, Fork, check_quotes, check_state, magnitude, random_range, random_start, random_swap, signed,
};
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

fn made<'a>(chain: &'a mut Chain, fork: Fork, code: &Bytes, random: &mut Seeded, counts: &'a mut Counts) -> Both<'a> {
    let fee_pips = match random.below(8) {
        0 => random.below(1_000_000) as u32,
        n => [0, 1, 100, 500, 3_000, 10_000, 999_999][n as usize - 1],
    };
    let (spacing, price) = random_start(random);
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
    fn mint(&mut self, random: &mut Seeded) {
        let (lower, upper) = random_range(random, self.ours.state());
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

    fn compare(&mut self, side: Side, amount: Exact, limit: Option<U256>) {
        let down = side == Side::ZERO_FOR_ONE;
        let ours = self.ours.swap(side, amount, limit);
        let specified = match amount {
            Exact::In(a) => a,
            Exact::Out(a) => a.wrapping_neg(),
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
        check_quotes(&self.ours, side, amount, limit, &ours, &about);
        self.ours.settle(&ours);
        self.counts.add(amount, &ours);
    }

    fn ends_equal(&mut self) {
        for (lower, upper, _) in self.positions.clone() {
            for tick in [lower, upper] {
                let ours = self.ours.state().ticks().get(tick).unwrap();
                assert_eq!(ours, self.chain.tick(self.fork, self.pool, tick));
            }
        }
        check_state(self.ours.state(), &self.positions);
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

#[test]
fn random_pools_and_swaps_equal_uniswaps() {
    run(Fork::Uniswap, 3, 3_000);
}

#[test]
fn random_pools_and_swaps_equal_pancakes() {
    run(Fork::Pancake, 4, 1_000);
}
