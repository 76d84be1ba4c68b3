//! A pending transaction as the mempool gives it: raw bytes into what the EVM executes.
use std::fmt;

use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Signature};
use revm::context::TxEnv;
use revm::context_interface::either::Either;

/// A decoded transaction.
#[derive(Clone, Debug)]
pub struct PendingTx {
    /// Its hash, as blocks and receipts name it.
    pub hash: B256,
    /// Who signed it.
    pub sender: Address,
    /// What the EVM executes; the caller is the sender.
    pub env: TxEnv,
}

/// Why bytes are no transaction that can be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxError {
    /// There are none.
    Empty,
    /// The type, EIP-2718's first byte, is one that is not known.
    UnknownType(u8),
    /// They are not what the type says.
    Malformed {
        /// The type; 0 is a legacy transaction.
        tx_type: u8,
        /// What is wrong.
        why: String,
    },
    /// The signature is none of secp256k1's, or not the lower of the two (EIP-2).
    Signature,
}

impl fmt::Display for TxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TxError::Empty => write!(f, "a raw transaction has no bytes"),
            TxError::UnknownType(first @ 0x80..=0xbf) => {
                write!(
                    f,
                    "a raw transaction begins with {first:#04x}: bytes wrapped in an RLP string; pass what is within"
                )
            }
            TxError::UnknownType(first) => {
                write!(f, "a raw transaction of type {first:#04x}; known are legacy, 1, 2, 3 and 4")
            }
            TxError::Malformed { tx_type, why } => write!(f, "a raw transaction of type {tx_type} is malformed: {why}"),
            TxError::Signature => write!(f, "a raw transaction's signature gives no sender"),
        }
    }
}

impl std::error::Error for TxError {}

/// Reads a transaction in the form of `eth_sendRawTransaction`: legacy (before and after EIP-155), EIP-2930, 1559, 4844
/// (with a sidecar as it travels, or without as in a block) and 7702. Blobs and proofs are dropped: the EVM sees their
/// hashes only.
///
/// # Errors
/// See [`TxError`].
pub fn decode(raw: &[u8]) -> Result<PendingTx, TxError> {
    let tx_type = match raw.first() {
        None => return Err(TxError::Empty),
        Some(&first @ 1..=4) => first,
        Some(0xc0..) => 0,
        Some(&first) => return Err(TxError::UnknownType(first)),
    };
    let envelope =
        TxEnvelope::decode_2718_exact(raw).map_err(|e| TxError::Malformed { tx_type, why: e.to_string() })?;
    let sender = recovered(envelope.signature(), envelope.signature_hash()).ok_or(TxError::Signature)?;
    let authorizations = envelope.authorization_list().unwrap_or_default();
    let env = TxEnv {
        tx_type,
        caller: sender,
        gas_limit: envelope.gas_limit(),
        gas_price: envelope.max_fee_per_gas(), // the gas price of the types that have one
        kind: envelope.kind(),
        value: envelope.value(),
        data: envelope.input().clone(),
        nonce: envelope.nonce(),
        chain_id: envelope.chain_id(),
        access_list: envelope.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: envelope.max_priority_fee_per_gas(),
        blob_hashes: envelope.blob_versioned_hashes().unwrap_or_default().to_vec(),
        max_fee_per_blob_gas: envelope.max_fee_per_blob_gas().unwrap_or_default(),
        authorization_list: authorizations.iter().cloned().map(Either::Left).collect(),
    };
    Ok(PendingTx { hash: *envelope.tx_hash(), sender, env })
}

/// Who signed a hash, by the EVM's own recovery (libsecp256k1): some four times as fast as the one of alloy-consensus
/// in plain Rust, and the most expensive step of a pending transaction with it.
fn recovered(signature: &Signature, hash: B256) -> Option<Address> {
    if signature.normalize_s().is_some() {
        return None; // the higher of two s: refused since EIP-2
    }
    let bytes = signature.as_bytes();
    let (both, _) = bytes.split_first_chunk::<64>()?;
    let word = revm::precompile::crypto().secp256k1_ecrecover(both, u8::from(signature.v()), &hash.0).ok()?;
    Some(Address::from_word(B256::from(word)))
}
