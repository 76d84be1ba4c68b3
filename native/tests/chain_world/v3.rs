//! Transactions against V3: pools created and initialised, positions through the position manager, swaps through the router.
use _core::searcher::abi;
use _core::searcher::state::slots::v3;
use alloy_primitives::{Address, Log, U256};

use super::super::chain_support::CALLER;
use super::{FEES, Node, signed};

impl Node {
    pub(super) fn v3_pool(&mut self, [a, b]: [Address; 2], fee: u64) -> Address {
        let words = [abi::address_word(a), abi::address_word(b), U256::from(fee)];
        Address::from_word(self.read(self.v3, "getPool(address,address,uint24)", &words, 0).into())
    }

    pub(super) fn on_v3(&mut self, logs: &mut Vec<Log>) {
        let tokens = self.two_tokens();
        let (fee, spacing) = FEES[self.random.below(2) as usize];
        let [a, b] = tokens.map(abi::address_word);
        let pool = self.v3_pool(tokens, fee);
        if pool == Address::ZERO {
            assert!(self.send(self.v3, "createPool(address,address,uint24)", &[a, b, U256::from(fee)], logs));
            return;
        }
        if self.read(pool, "slot0()", &[], 0).is_zero() {
            let price = (U256::ONE << 96) * U256::from(50 + self.random.below(100)) / U256::from(100);
            assert!(self.send(pool, "initialize(uint160)", &[price], logs));
            return;
        }
        let (to, never) = (abi::address_word(CALLER), U256::MAX);
        let any = self.random.below(10);
        match any {
            0..=2 => {
                let tick =
                    v3::load(&mut self.chain, pool, fee as u32, spacing, &v3::UNISWAP).expect("a pool").state().tick();
                let middle = tick.div_euclid(spacing) + self.random.below(21) as i32 - 10;
                let [lower, upper] = [-1, 1].map(|way| (middle + way * (1 + self.random.below(12) as i32)) * spacing);
                let [lower, upper] = [lower, upper].map(signed);
                let amounts = [(); 2].map(|()| U256::from(1_000_000) + self.random.of_any_size(70));
                let zero = U256::ZERO;
                let words = [a, b, U256::from(fee), lower, upper, amounts[0], amounts[1], zero, zero, to, never];
                let signature =
                    "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))";
                self.send(self.positions, signature, &words, logs);
            }
            3 | 4 => {
                let count = self.read(self.positions, "totalSupply()", &[], 0).to::<u64>();
                let id = U256::from(1 + self.random.below(count));
                let position = self.chain.call(CALLER, self.positions, abi::call("positions(uint256)", &[id]));
                let Some(held) = abi::word(&position.output, 7) else { return };
                let some = held * U256::from(1 + self.random.below(100)) / U256::from(100);
                let words = [id, some, U256::ZERO, U256::ZERO, never];
                self.send(self.positions, "decreaseLiquidity((uint256,uint128,uint256,uint256,uint256))", &words, logs);
                let all = U256::from(u128::MAX);
                self.send(self.positions, "collect((uint256,address,uint128,uint128))", &[id, to, all, all], logs);
            }
            5 => {
                let fees = [(); 2].map(|()| U256::from([0, 4, 7, 10][self.random.below(4) as usize]));
                self.send(pool, "setFeeProtocol(uint8,uint8)", &fees, logs);
            }
            _ => {
                let [from, to_token] = if any.is_multiple_of(2) { [a, b] } else { [b, a] };
                let amount = self.random.of_any_size(60);
                let words = [from, to_token, U256::from(fee), to, never, amount, U256::ZERO, U256::ZERO];
                let signature = "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))";
                self.send(self.router, signature, &words, logs);
            }
        }
    }
}
