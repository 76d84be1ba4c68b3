//! Transactions against V2: pairs created, liquidity added and taken, swaps, donations that are synced or skimmed.
use _core::searcher::abi;
use alloy_primitives::{Address, Log, U256};

use super::super::chain_support::CALLER;
use super::Node;

impl Node {
    pub(super) fn on_v2(&mut self, logs: &mut Vec<Log>) {
        let tokens = self.two_tokens();
        let words = tokens.map(abi::address_word);
        let pair = Address::from_word(self.read(self.v2, "getPair(address,address)", &words, 0).into());
        if pair == Address::ZERO {
            assert!(self.send(self.v2, "createPair(address,address)", &words, logs));
            return;
        }
        let reserves = [0, 1].map(|n| self.read(pair, "getReserves()", &[], n));
        let to = abi::address_word(CALLER);
        let pay = |node: &mut Node, token: Address, amount: U256, logs: &mut Vec<Log>| {
            assert!(node.send(token, "transfer(address,uint256)", &[abi::address_word(pair), amount], logs));
        };
        match self.random.below(8) {
            0 | 1 => {
                for token in tokens {
                    let amount = U256::from(100_000) + self.random.of_any_size(80);
                    pay(self, token, amount, logs);
                }
                self.send(pair, "mint(address)", &[to], logs);
            }
            2 => {
                let held = self.read(pair, "balanceOf(address)", &[to], 0);
                let some = held * U256::from(self.random.below(100)) / U256::from(100);
                pay(self, pair, some, logs);
                self.send(pair, "burn(address)", &[to], logs);
            }
            3 => {
                let amount = self.random.of_any_size(70);
                pay(self, tokens[0], amount, logs);
                let how = if self.random.below(2) == 0 { "sync()" } else { "skim(address)" };
                self.send(pair, how, &[to][..usize::from(how != "sync()")], logs);
            }
            _ => {
                let side = self.random.below(2) as usize;
                let amount = (reserves[side] >> (1 + self.random.below(20)) as usize) + U256::from(1_000);
                pay(self, tokens[side], amount, logs);
                let fed = amount * U256::from(997);
                let out = fed * reserves[1 - side] / (reserves[side] * U256::from(1000) + fed);
                let mut words = [U256::ZERO, U256::ZERO, to, U256::from(128), U256::ZERO];
                words[1 - side] = out;
                self.send(pair, "swap(uint256,uint256,address,bytes)", &words, logs);
            }
        }
    }
}
