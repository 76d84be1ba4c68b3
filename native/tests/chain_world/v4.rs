//! Transactions against V4's manager, through the test routers of its package.
use _core::searcher::abi;
use alloy_primitives::{Address, B256, Log, U256, keccak256};

use super::{FEES, Node, signed};

const KEY: &str = "(address,address,uint24,int24,address)";
/// Root prices at which a swap ends: the lowest and the highest that the manager takes.
const LIMITS: [&str; 2] = ["4295128740", "1461446703485210103287273052203988822378723970341"];

impl Node {
    pub(super) fn v4_key(tokens: [Address; 2], (fee, spacing): (u64, i32)) -> [U256; 5] {
        let [a, b] = tokens.map(abi::address_word);
        [a, b, U256::from(fee), signed(spacing), U256::ZERO]
    }

    pub(super) fn v4_id(key: [U256; 5]) -> B256 {
        keccak256(key.iter().flat_map(U256::to_be_bytes::<32>).collect::<Vec<u8>>())
    }

    pub(super) fn on_v4(&mut self, logs: &mut Vec<Log>) {
        let tokens = self.two_tokens();
        let (fee, spacing) = FEES[self.random.below(2) as usize];
        let key = Self::v4_key(tokens, (fee, spacing));
        let with = |more: &[U256]| [&key[..], more].concat();
        let slot0 = _core::searcher::state::slots::v4::Slots::of(Self::v4_id(key)).slot0;
        if self.chain.storage(self.manager, slot0).is_zero() {
            let price = (U256::ONE << 96) * U256::from(50 + self.random.below(100)) / U256::from(100);
            assert!(self.send(self.manager, &format!("initialize({KEY},uint160)"), &with(&[price]), logs));
            return;
        }
        let any = self.random.below(10);
        match any {
            0..=4 => {
                let signature = format!("modifyLiquidity({KEY},(int24,int24,int256,bytes32),bytes)");
                // The same few ranges again and again, so that what is taken was often added before.
                let [lower, upper] = [-1, 1].map(|way| signed(way * (1 + self.random.below(3) as i32) * 10 * spacing));
                let amount = self.random.of_any_size(50);
                let delta = if any < 3 { amount } else { amount.wrapping_neg() };
                self.send(
                    self.keeper,
                    &signature,
                    &with(&[lower, upper, delta, U256::ZERO, U256::from(320), U256::ZERO]),
                    logs,
                );
            }
            5 => {
                let fees = self.random.below(1_001) | self.random.below(1_001) << 12;
                assert!(self.send(
                    self.manager,
                    &format!("setProtocolFee({KEY},uint24)"),
                    &with(&[U256::from(fees)]),
                    logs
                ));
            }
            _ => {
                let signature = format!("swap({KEY},(bool,int256,uint160),(bool,bool),bytes)");
                let down = any.is_multiple_of(2);
                let limit = LIMITS[usize::from(!down)].parse().expect("a number");
                let amount = self.random.of_any_size(45).wrapping_neg(); // exactly this comes in
                let no = U256::ZERO;
                self.send(
                    self.swapper,
                    &signature,
                    &with(&[U256::from(down), amount, limit, no, no, U256::from(352), no]),
                    logs,
                );
            }
        }
    }
}
