//! Watches an execution for what token facts need: which storage words are read, and from which hashes their slots
//! came.
use alloy_primitives::{Address, B256, U256, keccak256};
use revm::bytecode::opcode;
use revm::context::Context;
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::inspector::Inspector;
use revm::interpreter::interpreter_types::{InputsTr, Jumps, MemoryTr};
use revm::interpreter::{CallInputs, CallOutcome, CallScheme, Interpreter};
use rustc_hash::FxHashMap;

use super::overlay::Overlay;

/// At most so many bytes of a hash's input are kept: mappings hash two words, or a few more where keys are packed.
const KEPT_BYTES: usize = 160;

/// What was seen, in order.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    /// Storage words that were read: whose storage, which slot.
    pub reads: Vec<(Address, U256)>,
    /// Inputs of `KECCAK256` by their hash.
    pub hashes: FxHashMap<U256, Vec<u8>>,
    /// Addresses whose code was called, with whether it ran in the caller's storage (`DELEGATECALL`).
    pub called: Vec<(Address, bool)>,
}

impl Probe {
    /// Whether a slot was made from an address: the input of its hash holds the address, or a hash that was made from
    /// it. Slots next to such a hash, as those of a struct's fields, count too.
    #[must_use]
    pub fn is_keyed_by(&self, slot: U256, address: Address) -> bool {
        self.keyed(slot, address, 4)
    }

    fn keyed(&self, slot: U256, address: Address, depth: usize) -> bool {
        let from = (0..8u64).find_map(|field| self.hashes.get(&slot.wrapping_sub(U256::from(field))));
        let Some(input) = from else { return false };
        if input.windows(20).any(|part| part == address.as_slice()) {
            return true;
        }
        depth > 0 && input.chunks_exact(32).any(|word| self.keyed(U256::from_be_slice(word), address, depth - 1))
    }
}

type Watched = Context<BlockEnv, TxEnv, CfgEnv, Overlay>;

impl Inspector<Watched> for Probe {
    fn step(&mut self, interp: &mut Interpreter, _: &mut Watched) {
        match interp.bytecode.opcode() {
            opcode::SLOAD => {
                if let Ok(slot) = interp.stack.peek(0) {
                    self.reads.push((interp.input.target_address(), slot));
                }
            }
            opcode::KECCAK256 => {
                let (Ok(offset), Ok(len)) = (interp.stack.peek(0), interp.stack.peek(1)) else { return };
                let (Ok(offset), Ok(len)) = (usize::try_from(offset), usize::try_from(len)) else { return };
                // Memory that is not there yet is zeros, and no key of a mapping.
                if len <= KEPT_BYTES && offset.saturating_add(len) <= interp.memory.size() {
                    let input = interp.memory.slice(offset..offset + len).to_vec();
                    let hash: B256 = keccak256(&input);
                    self.hashes.insert(U256::from_be_bytes(hash.0), input);
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, _: &mut Watched, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.called.push((inputs.bytecode_address, inputs.scheme == CallScheme::DelegateCall));
        None
    }
}
