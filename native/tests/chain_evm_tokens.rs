//! Token facts found by execution: real tokens, and small ones written by hand that do what bad tokens do.
mod chain_support;

use std::sync::Arc;

use _core::searcher::evm::{At, Cache, Returns, Sandbox, Simulator, TokenFacts, TransferKind, Untradable, study};
use alloy_primitives::{Address, Bytes, U256};
use chain_support::market::{HEAD, HEAD_S, Market, ether, market};
use chain_support::{artifact, deploy, with_arguments};

fn studied(chain: &mut Sandbox, token: Address, pools: &[Address]) -> TokenFacts {
    let cache = Cache::new(Arc::new(chain.record(HEAD)), At::Number(HEAD), 1_000);
    let mut sim: Simulator = Market::simulator(&cache);
    let facts = study(&mut sim, token, pools).expect("as the test made it");
    let again = study(&mut sim, token, pools).expect("as the test made it");
    assert_eq!(facts, again, "nothing of it is kept");
    facts
}

fn chain() -> Sandbox {
    let mut chain = Sandbox::new();
    chain.set_block(HEAD, HEAD_S);
    chain
}

#[test]
fn plain_tokens_are_tradable() {
    let Some(mut market) = market() else { return };
    let pool = [market.pairs[0], market.pool3];
    let facts = studied(&mut market.chain, market.tokens[0], &pool);
    assert_eq!(facts.refusal(), None);
    assert_eq!((facts.decimals, facts.transfer_fee_bps(), facts.rebases), (Some(18), 0, false));
    assert_eq!(facts.transfers.len(), 6);
    assert!(facts.transfers.iter().all(|t| t.is_exact() && t.returns == Some(Returns::True)), "{facts:?}");
    assert_eq!(facts.risk, Default::default());
    let slot = facts.balance_slot.unwrap();
    assert_eq!((slot.contract, slot.is_scaled), (market.tokens[0], false));

    market.chain.set_balance(market.weth, ether(1_000_000));
    let facts = studied(&mut market.chain, market.weth, &[]);
    assert!(facts.tradable() && !facts.can_block() && !facts.risk.can_pause, "{facts:?}");
    assert_eq!(facts.decimals, Some(18));

    // The LP share of a pair is a token too.
    let facts = studied(&mut market.chain, market.pairs[0], &[]);
    assert!(facts.tradable(), "{facts:?}");
}

#[test]
fn a_fee_on_transfer_is_found_and_measured() {
    let Some(code) = artifact("@uniswap/v2-periphery/build/DeflatingERC20.json") else { return };
    let mut chain = chain();
    let token = deploy(&mut chain, with_arguments(&code, &[ether(1_000_000)]));
    let facts = studied(&mut chain, token, &[]);
    assert_eq!(facts.refusal(), Some(Untradable::TakesFee(TransferKind::Plain, 100)));
    assert_eq!(facts.transfer_fee_bps(), 100);
    let plain = facts.transfers[0];
    assert_eq!(plain.given, plain.amount);
    assert_eq!(plain.received, plain.amount - plain.amount / U256::from(100), "1 % is burnt, rounded down");
}

#[test]
fn what_is_no_token_is_not_tradable() {
    let Some(mut market) = market() else { return };
    assert_eq!(studied(&mut market.chain, Address::repeat_byte(9), &[]).refusal(), Some(Untradable::NoToken));
    assert_eq!(studied(&mut market.chain, market.router2, &[]).refusal(), Some(Untradable::NoToken));
    // It gives every account the same balance, from nowhere: 60 07 5f 52 60 20 5f f3, return 7.
    let fake = Address::repeat_byte(0x66);
    market.chain.set_code(fake, Bytes::from_static(&[0x60, 7, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]));
    assert_eq!(studied(&mut market.chain, fake, &[]).refusal(), Some(Untradable::BalanceNotFound));
}

/// A small assembler: bytes, and jumps to labels.
#[derive(Default)]
struct Code {
    bytes: Vec<u8>,
    jumps: Vec<(usize, &'static str)>,
    labels: Vec<(&'static str, usize)>,
}

impl Code {
    fn op(mut self, bytes: &[u8]) -> Code {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn jump_if(mut self, label: &'static str) -> Code {
        self.jumps.push((self.bytes.len() + 1, label));
        self.op(&[0x61, 0, 0, 0x57]) // PUSH2 label JUMPI
    }

    fn label(mut self, label: &'static str) -> Code {
        self.labels.push((label, self.bytes.len()));
        self.op(&[0x5b])
    }

    fn made(mut self) -> Bytes {
        for (at, label) in &self.jumps {
            let (_, to) = self.labels.iter().find(|(name, _)| name == label).expect("as the test made it");
            self.bytes[*at..*at + 2].copy_from_slice(&u16::try_from(*to).expect("as the test made it").to_be_bytes());
        }
        self.bytes.into()
    }

    /// Leaves the slot of the address on the stack in the mapping at `base`: MSTORE(0, address) MSTORE(32, base)
    /// KECCAK(0, 64).
    fn slot(self, base: u8) -> Code {
        self.op(&[0x5f, 0x52, 0x60, base, 0x60, 0x20, 0x52, 0x60, 0x40, 0x5f, 0x20])
    }
}

const CALLER_OP: [u8; 1] = [0x33];
const TO: [u8; 3] = [0x60, 4, 0x35];
const AMOUNT: [u8; 3] = [0x60, 0x24, 0x35];

/// A token with balances at mapping 1: `balanceOf`, `transfer`, and for the rest (`approve`, `transferFrom` by the
/// caller on the holder's behalf is not told apart) `rest`. `check` runs before each transfer, `shown` on a balance
/// before it is returned.
fn token(check: impl Fn(Code) -> Code, shown: &[u8], result: &[u8]) -> Bytes {
    let selector = |code: Code, signature: &str, label| {
        let s = _core::searcher::abi::selector(signature);
        code.op(&[0x80, 0x63]).op(&s).op(&[0x14]).jump_if(label)
    };
    let mut code = Code::default().op(&[0x5f, 0x35, 0x60, 0xe0, 0x1c]); // the selector
    code = selector(code, "balanceOf(address)", "balance");
    code = selector(code, "transfer(address,uint256)", "transfer");
    code = selector(code, "transferFrom(address,address,uint256)", "from");
    code = selector(code, "approve(address,uint256)", "approve");
    code = code.op(&[0x5f, 0x5f, 0xfd]);
    code = code.label("balance").op(&TO).slot(1).op(&[0x54]).op(shown).op(&[0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]);
    code = code.label("approve").op(result);
    // transfer(to, amount) from the caller; transferFrom(from, to, amount) with words one further.
    code = check(code.label("transfer"));
    code = moves(code, &CALLER_OP, &TO, &AMOUNT).op(result);
    code = code.label("from");
    code = moves(code, &TO, &[0x60, 0x24, 0x35], &[0x60, 0x44, 0x35]).op(result);
    code.label("stop").op(&[0x5f, 0x5f, 0xfd]).made()
}

fn moves(code: Code, from: &[u8], to: &[u8], amount: &[u8]) -> Code {
    // balance[from] < amount: stop; then subtract and add.
    let code = code.op(amount).op(from).slot(1).op(&[0x54, 0x10]).jump_if("stop"); // LT(balance, amount)
    let code = code.op(amount).op(from).slot(1).op(&[0x80, 0x54, 0x82, 0x90, 0x03, 0x90, 0x55, 0x50]);
    code.op(amount).op(to).slot(1).op(&[0x80, 0x54, 0x82, 0x01, 0x90, 0x55, 0x50])
}

const TRUE: [u8; 8] = [0x60, 1, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
const STOP: [u8; 1] = [0x00];

fn made(code: Bytes) -> TokenFacts {
    let mut chain = chain();
    let token = Address::repeat_byte(0x77);
    chain.set_code(token, code);
    studied(&mut chain, token, &[])
}

#[test]
fn a_token_that_returns_nothing_is_tradable_and_one_that_says_no_is_not() {
    let facts = made(token(|code| code, &[], &TRUE));
    assert!(facts.tradable(), "{facts:?}");
    assert_eq!(facts.decimals, None, "it has none");
    let facts = made(token(|code| code, &[], &STOP));
    assert!(facts.tradable() && facts.transfers.iter().all(|t| t.returns == Some(Returns::Nothing)), "{facts:?}");
    let no = [0x5f, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
    let facts = made(token(|code| code, &[], &no));
    assert_eq!(facts.refusal(), Some(Untradable::TransferFails(TransferKind::Plain)));
}

#[test]
fn a_list_of_the_blocked_is_found_and_shown_to_block() {
    // blocked[caller] at mapping 5.
    let facts = made(token(|code| code.op(&CALLER_OP).slot(5).op(&[0x54]).jump_if("stop"), &[], &TRUE));
    assert!(facts.tradable() && facts.can_block(), "{facts:?}");
    assert!(facts.risk.reads_sender_flag && !facts.risk.reads_taker_flag && !facts.risk.can_pause);
    // The same of the taker.
    let facts = made(token(|code| code.op(&TO).slot(5).op(&[0x54]).jump_if("stop"), &[], &TRUE));
    assert!(facts.can_block() && facts.risk.reads_taker_flag && !facts.risk.reads_sender_flag);
    // A word of the sender that is read and decides nothing.
    let facts = made(token(|code| code.op(&CALLER_OP).slot(5).op(&[0x54, 0x50]), &[], &TRUE));
    assert!(facts.risk.reads_sender_flag && !facts.can_block(), "{facts:?}");
    // A flag in the highest bit of the balance's own word, as USDC's.
    let flag = |code: Code| code.op(&CALLER_OP).slot(1).op(&[0x54, 0x60, 255, 0x1c]).jump_if("stop");
    let facts = made(token(flag, &[0x60, 1, 0x1b, 0x60, 1, 0x1c], &TRUE));
    assert!(facts.tradable() && facts.can_block() && !facts.risk.reads_sender_flag, "{facts:?}");
}

#[test]
fn a_switch_for_all_and_code_that_can_be_replaced_are_found() {
    // paused at slot 3, in its second byte.
    let paused = |code: Code| code.op(&[0x60, 3, 0x54, 0x60, 8, 0x1c, 0x60, 255, 0x16]).jump_if("stop");
    let facts = made(token(paused, &[], &TRUE));
    assert!(facts.tradable() && facts.risk.can_pause && !facts.can_block() && !facts.risk.can_upgrade, "{facts:?}");

    // A proxy: DELEGATECALL to the address in slot 0x2a, all of the call data, all of the answer.
    let mut chain = chain();
    let (proxy, code) = (Address::repeat_byte(0x78), Address::repeat_byte(0x79));
    chain.set_code(code, token(|code| code, &[], &TRUE));
    let forward = Code::default()
        .op(&[0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x5f, 0x36, 0x5f, 0x60, 0x2a, 0x54, 0x5a, 0xf4])
        .op(&[0x3d, 0x5f, 0x5f, 0x3e])
        .jump_if("good")
        .op(&[0x3d, 0x5f, 0xfd])
        .label("good")
        .op(&[0x3d, 0x5f, 0xf3]);
    chain.set_code(proxy, forward.made());
    chain.set_storage(proxy, U256::from(0x2a), U256::from_be_bytes(code.into_word().0));
    let facts = studied(&mut chain, proxy, &[]);
    assert!(facts.tradable() && facts.risk.can_upgrade && !facts.risk.can_pause && !facts.rebases, "{facts:?}");
    assert_eq!(facts.balance_slot.unwrap().contract, proxy);
}

#[test]
fn balances_that_change_by_themselves_are_found() {
    // Shares of a pot: the balance is twice the word.
    let facts = made(token(|code| code, &[0x60, 1, 0x1b], &TRUE));
    assert_eq!(facts.refusal().map(|_| facts.rebases), Some(true), "{facts:?}");
    assert!(facts.balance_slot.unwrap().is_scaled);
    // The word times a number in slot 7, plus one, that all share: today it is 0, so today nothing shows.
    let facts = made(token(|code| code, &[0x60, 7, 0x54, 0x60, 1, 0x01, 0x02], &TRUE));
    assert!(facts.rebases && !facts.tradable(), "{facts:?}");
    assert!(!facts.balance_slot.unwrap().is_scaled);
    // It grows with time: the word plus the word times the days since 2025-06-15 (TIMESTAMP - 1750000000) / 86400.
    let grows = [0x80, 0x63, 0x68, 0x4e, 0xe1, 0x80, 0x42, 0x03, 0x62, 1, 0x51, 0x80, 0x90, 0x04, 0x02, 0x01];
    let facts = made(token(|code| code, &grows, &TRUE));
    assert!(facts.rebases && !facts.tradable(), "{facts:?}");
}
