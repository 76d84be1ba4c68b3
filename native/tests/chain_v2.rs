//! Our V2 pair beside the bytecode of Uniswap's: what we quote is what it pays, and one unit more reverts.
mod chain_support;

use _core::searcher::abi;
use _core::searcher::evm::Sandbox;
use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::{Pool, Side};
use alloy_primitives::{Address, U256};
use chain_support::{CALLER, Seeded, artifact, cases, deploy, with_arguments};

struct Pair {
    chain: Sandbox,
    tokens: [Address; 2],
    pair: Address,
}

fn made() -> Option<Pair> {
    let token = artifact("@uniswap/v2-core/build/ERC20.json")?;
    let pair = artifact("@uniswap/v2-core/build/UniswapV2Pair.json")?;
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
        let mut words = [U256::ZERO, U256::ZERO, abi::address_word(CALLER), U256::from(128), U256::ZERO];
        words[usize::from(side.to)] = out;
        let data = abi::call("swap(uint256,uint256,address,bytes)", &words);
        self.chain.transact(CALLER, self.pair, data, U256::ZERO).success
    }
}

#[test]
fn what_is_quoted_is_paid_and_one_more_is_not() {
    let Some(mut real) = made() else { return };
    let mut random = Seeded(7);
    let mut swapped = 0;
    for case in 0..cases(2_000) {
        let reserves = [(); 2].map(|()| random.of_any_size(111).to::<u128>());
        let mut ours = V2Pool::uniswap(reserves[0], reserves[1]);
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
    assert!(swapped > cases(2_000) / 2, "{swapped} of the cases were swaps");
}
