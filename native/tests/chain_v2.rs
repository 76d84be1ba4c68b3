//! Our V2 pair beside the bytecode of Uniswap's pair and router: what we quote is what it pays, one unit more reverts, and
//! the router's amounts both ways are ours. Forks' fees are the same bytecode with its two constants replaced.
mod chain_support;

use _core::searcher::abi;
use _core::searcher::evm::Sandbox;
use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::{Pool, Side};
use alloy_primitives::{Address, Bytes, U256, hex};
use chain_support::{CALLER, Seeded, artifact, cases, deploy, with_arguments};

struct Pair {
    chain: Sandbox,
    tokens: [Address; 2],
    pair: Address,
}

/// The pair's creation code with another fee in its check of the product, of at most 255 in 4,095 parts: as long as the
/// constants of the source, so that nothing else moves. No package of a fork ships bytecode that could be used instead.
fn with_fee(pair: &Bytes, fee: u8, parts: u16) -> Bytes {
    let mut code = hex::encode(pair);
    let times = "63ffffffff6121e8"; // SafeMath.mul of v2-core 1.0.1
    let squared = u32::from(parts).pow(2);
    for (was, is, count) in [
        (format!("6003{times}"), format!("60{fee:02x}{times}"), 2), // amountIn.mul(3)
        (format!("6103e8{times}"), format!("61{parts:04x}{times}"), 1), // balance.mul(1000), shared by both
        ("620f4240610c4d".into(), format!("62{squared:06x}610c4d"), 1), // mul(1000**2)
    ] {
        assert_eq!(code.matches(&was).count(), count, "the constants of the pair are not where they were");
        code = code.replace(&was, &is);
    }
    hex::decode(code).expect("the bytecode is hexadecimal").into()
}

fn made(fee: u8, parts: u16) -> Option<Pair> {
    let token = artifact("@uniswap/v2-core/build/ERC20.json")?;
    let pair = with_fee(&artifact("@uniswap/v2-core/build/UniswapV2Pair.json")?, fee, parts);
    let mut chain = Sandbox::new();
    let supply = U256::MAX >> 1; // what is paid out must not overflow a balance
    let mut tokens = [(); 2].map(|()| deploy(&mut chain, with_arguments(&token, &[supply])));
    tokens.sort();
    let pair = deploy(&mut chain, pair); // the deployer is its factory
    let words = tokens.map(abi::address_word);
    assert!(chain.transact(CALLER, pair, abi::call("initialize(address,address)", &words), U256::ZERO).success);
    Some(Pair { chain, tokens, pair })
}

impl Pair {
    /// Writes reserves and balances as storage: slot 8 of the pair, slot 1 (balanceOf) of the tokens.
    fn set(&mut self, pool: &V2Pool) {
        let [a, b] = pool.reserves.map(U256::from);
        self.chain.set_storage(self.pair, U256::from(8), a | b << 112);
        self.chain.set_storage(self.pair, U256::from(12), U256::ONE); // unlocked
        for (token, balance) in self.tokens.into_iter().zip([a, b]) {
            let slot = Sandbox::mapping_slot(abi::address_word(self.pair), U256::ONE);
            self.chain.set_storage(token, slot, balance);
        }
    }

    fn pay(&mut self, side: Side, amount: U256) {
        let data = abi::call("transfer(address,uint256)", &[abi::address_word(self.pair), amount]);
        assert!(self.chain.transact(CALLER, self.tokens[usize::from(side.from)], data, U256::ZERO).success);
    }

    fn swap(&mut self, side: Side, out: U256) -> bool {
        let data = Self::swap_call(side, out);
        self.chain.transact(CALLER, self.pair, data, U256::ZERO).success
    }

    /// Gas of a swap as a transaction of its own, without the 21,000 and without its calldata.
    fn swap_gas(&mut self, side: Side, out: U256) -> u64 {
        let data = Self::swap_call(side, out);
        let calldata: u64 = data.iter().map(|&byte| if byte == 0 { 4 } else { 16 }).sum();
        let done = self.chain.transact(CALLER, self.pair, data, U256::ZERO);
        assert!(done.success);
        done.gas_used - 21_000 - calldata
    }

    fn swap_call(side: Side, out: U256) -> Bytes {
        let mut words = [U256::ZERO, U256::ZERO, abi::address_word(CALLER), U256::from(128), U256::ZERO];
        words[usize::from(side.to)] = out;
        abi::call("swap(uint256,uint256,address,bytes)", &words)
    }
}

/// Random reserves, amounts and directions; gives how many swapped.
fn swaps_are_ours(real: &mut Pair, fee_num: u32, fee_den: u32, seed: u64, cases: u64) -> u64 {
    let mut random = Seeded(seed);
    let mut swapped = 0;
    for case in 0..cases {
        let reserves = [(); 2].map(|()| random.of_any_size(111).to::<u128>());
        let mut ours = V2Pool::with_fee(reserves, fee_num, fee_den);
        let side = if random.below(2) == 0 { Side::ZERO_FOR_ONE } else { Side::ONE_FOR_ZERO };
        let amount = random.of_any_size(111);
        real.set(&ours);
        let Ok(out) = ours.quote_in(side, amount) else { continue };
        real.pay(side, amount);
        assert!(!real.swap(side, out + U256::ONE), "case {case}: it pays more than {out}");
        assert_eq!(real.swap(side, out), !out.is_zero(), "case {case}: it does not pay {out}");
        if out.is_zero() {
            continue;
        }
        swapped += 1;
        assert_eq!(ours.apply(side, amount), Ok(out));
        let packed = real.chain.storage(real.pair, U256::from(8));
        let mask = (U256::ONE << 112) - U256::ONE;
        let after = [packed & mask, (packed >> 112) & mask].map(|r: U256| r.to::<u128>());
        assert_eq!(ours.reserves, after, "case {case}");
    }
    swapped
}

#[test]
fn what_is_quoted_is_paid_and_one_more_is_not() {
    let Some(mut real) = made(3, 1000) else { return };
    let cases = cases(2_000);
    let swapped = swaps_are_ours(&mut real, 997, 1000, 7, cases);
    println!("{swapped} of {cases} cases were swaps");
    assert!(swapped > cases / 2, "{swapped} of the cases were swaps");
}

#[test]
fn forks_fees_are_data() {
    // PancakeSwap's 25 of 10,000 are 5 of 2,000: the fraction, and so the quotient, is the same.
    for (fee, parts, num, den) in
        [(5, 2000, 9_975, 10_000), (2, 1000, 998, 1000), (0, 1000, 1000, 1000), (255, 4095, 3840, 4095)]
    {
        let Some(mut real) = made(fee, parts) else { return };
        let cases = cases(2_000) / 4;
        let swapped = swaps_are_ours(&mut real, num, den, 8 + u64::from(fee), cases);
        assert!(swapped > cases / 2, "{swapped} of the cases were swaps");
    }
}

#[test]
fn amounts_both_ways_are_the_router_s() {
    let Some(code) = artifact("@uniswap/v2-periphery/build/UniswapV2Router02.json") else { return };
    let mut chain = Sandbox::new();
    let router = deploy(&mut chain, with_arguments(&code, &[U256::ONE, U256::from(2)]));
    let mut random = Seeded(9);
    let (mut given, mut refused) = (0, 0);
    for case in 0..cases(2_000) {
        let [a, b] = [(); 2].map(|()| random.of_any_size(112).to::<u128>());
        let ours = V2Pool::uniswap(a, b);
        let amount = random.of_any_size(112);
        for (function, quote) in [
            ("getAmountOut(uint256,uint256,uint256)", ours.quote_in(Side::ZERO_FOR_ONE, amount)),
            ("getAmountIn(uint256,uint256,uint256)", ours.quote_out(Side::ZERO_FOR_ONE, amount)),
        ] {
            let data = abi::call(function, &[amount, U256::from(a), U256::from(b)]);
            let theirs = chain.call(CALLER, router, data);
            let theirs = if theirs.success { abi::word(&theirs.output, 0) } else { None };
            // The library knows no limit of the pair: what the pair could not hold afterwards is ours to refuse.
            let room = U256::from((1_u128 << 112) - 1 - a);
            let (theirs, held) = match function {
                "getAmountOut(uint256,uint256,uint256)" => (theirs, amount),
                _ => (theirs, theirs.unwrap_or_default()),
            };
            let expected = theirs.filter(|_| held <= room);
            assert_eq!(quote.ok(), expected, "case {case}: {function} {amount} {a} {b}");
            given += u64::from(expected.is_some());
            refused += u64::from(expected.is_none());
        }
    }
    println!("{given} amounts equal, {refused} refused by both");
    assert!(given > cases(2_000) / 2 && refused > cases(2_000) / 20);
}

#[test]
fn gas_is_that_of_a_real_swap() {
    let Some(mut real) = made(3, 1000) else { return };
    let mut ours = V2Pool::uniswap(10_u128.pow(22), 10_u128.pow(13));
    for side in [Side::ZERO_FOR_ONE, Side::ONE_FOR_ZERO, Side::ZERO_FOR_ONE] {
        real.set(&ours);
        for accumulator in [9, 10] {
            real.chain.set_storage(real.pair, U256::from(accumulator), U256::ONE); // as in any pair that traded before
        }
        let amount = U256::from(ours.reserves[usize::from(side.from)] / 1000);
        real.pay(side, amount);
        let out = ours.apply(side, amount).unwrap();
        let gas = real.swap_gas(side, out);
        let estimate = ours.gas(side, amount);
        println!("a swap costs {gas} gas, estimated {estimate}");
        assert!(gas.abs_diff(estimate) < estimate / 10, "{gas} gas, estimated {estimate}");
    }
}
