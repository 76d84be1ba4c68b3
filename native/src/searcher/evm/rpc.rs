//! A provider's JSON-RPC as a source: one batch a question, over whatever carries bytes.
//! Source: the Ethereum execution APIs (`eth_getBalance`, `eth_getTransactionCount`, `eth_getCode`, `eth_getStorageAt`,
//! `eth_getBlockByNumber`), EIP-1898 for the block, JSON-RPC 2.0 for batches and errors.
use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::{Value, json};

use super::source::{AccountState, At, Got, SourceError, StateSource, Want};

/// What carries a request to the provider and its answer back. It blocks; several threads may use it at once.
pub trait Transport: Send + Sync {
    /// Posts a JSON body and gives the body of the answer.
    ///
    /// # Errors
    /// A line that says why there is none: then the question may be asked again.
    fn post(&self, body: &[u8]) -> Result<Vec<u8>, String>;
}

/// A provider.
pub struct RpcSource<T> {
    transport: T,
    max_batch: usize,
}

impl<T: Transport> RpcSource<T> {
    /// `max_batch`: how many calls the provider takes in one batch (an account is three of them); at least 3.
    #[must_use]
    pub fn new(transport: T, max_batch: usize) -> RpcSource<T> {
        RpcSource { transport, max_batch: max_batch.max(3) }
    }

    /// Any calls as one batch; the results in their order.
    ///
    /// # Errors
    /// As [`StateSource::fetch`]; the first call that failed decides.
    pub fn batch(&self, calls: &[(&str, Value)]) -> Result<Vec<Value>, SourceError> {
        let mut results = Vec::with_capacity(calls.len());
        for part in calls.chunks(self.max_batch) {
            let requests: Vec<Value> = part
                .iter()
                .enumerate()
                .map(|(id, (method, params))| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
                .collect();
            let body = Value::Array(requests).to_string();
            let answer = self.transport.post(body.as_bytes()).map_err(SourceError::Retry)?;
            results.extend(self.results(part, &answer)?);
        }
        Ok(results)
    }

    fn results(&self, part: &[(&str, Value)], answer: &[u8]) -> Result<Vec<Value>, SourceError> {
        let answer: Value = serde_json::from_slice(answer)
            .map_err(|e| SourceError::Bug(format!("the provider's answer is no JSON: {e}")))?;
        let Value::Array(answers) = answer else {
            // One error for the whole batch, as a provider gives that limits or does not know batches.
            return Err(failed("batch", &answer["error"]));
        };
        let mut results = vec![None; part.len()];
        for mut one in answers {
            let id = one["id"].as_u64().and_then(|id| usize::try_from(id).ok()).filter(|&id| id < part.len());
            let Some(id) = id else {
                return Err(SourceError::Bug(format!("the provider answered what was not asked: {one}")));
            };
            if one.get("error").is_some_and(|e| !e.is_null()) {
                return Err(failed(part[id].0, &one["error"]));
            }
            results[id] = Some(one["result"].take());
        }
        let missing = || SourceError::Bug("the provider left calls of a batch without an answer".to_owned());
        results.into_iter().map(|one| one.ok_or_else(missing)).collect()
    }
}

/// Which consequence an error of a provider has. Codes: EIP-1474 and JSON-RPC 2.0; texts: geth, erigon, reth,
/// nethermind, anvil.
fn failed(method: &str, error: &Value) -> SourceError {
    const GONE: [&str; 10] = [
        "missing trie node",
        "header not found",
        "header for hash not found",
        "block not found",
        "unknown block",
        "blockoutofrange",
        "not canonical",
        "pruned",
        "state is not available",
        "historical state",
    ];
    let code = error["code"].as_i64().unwrap_or_default();
    let text = error["message"].as_str().unwrap_or("no message");
    let why = format!("{method}: {text} ({code})");
    let lower = text.to_ascii_lowercase();
    if code == -32001 || GONE.iter().any(|part| lower.contains(part)) {
        return SourceError::Gone(why);
    }
    match code {
        -32700 | -32600 | -32601 | -32602 => SourceError::Bug(why),
        _ => SourceError::Retry(why),
    }
}

/// A block as a parameter.
pub(super) fn block(at: At) -> Value {
    match at {
        At::Number(number) => json!(format!("{number:#x}")),
        At::Hash(hash) => json!({ "blockHash": hash }),
    }
}

impl<T: Transport> StateSource for RpcSource<T> {
    fn fetch(&self, at: At, wanted: &[Want]) -> Result<Vec<Got>, SourceError> {
        let at = block(at);
        let mut calls = Vec::with_capacity(wanted.len() * 2);
        for want in wanted {
            match want {
                Want::Account(address) => {
                    for method in ["eth_getBalance", "eth_getTransactionCount", "eth_getCode"] {
                        calls.push((method, json!([address, at])));
                    }
                }
                Want::Slot(address, slot) => {
                    calls.push(("eth_getStorageAt", json!([address, format!("{slot:#x}"), at])));
                }
                Want::BlockHash(number) => {
                    calls.push(("eth_getBlockByNumber", json!([format!("{number:#x}"), false])));
                }
            }
        }
        let mut results = self.batch(&calls)?.into_iter();
        let mut next = || results.next().unwrap_or_default(); // as many as calls
        wanted
            .iter()
            .map(|want| match want {
                Want::Account(address) => Ok(Got::Account(AccountState {
                    balance: quantity(*address, &next())?,
                    nonce: u64::try_from(quantity(*address, &next())?)
                        .map_err(|_| SourceError::Bug(format!("{address}: a nonce of more than 64 bits")))?,
                    code: code(*address, &next())?,
                })),
                Want::Slot(address, _) => Ok(Got::Slot(quantity(*address, &next())?)),
                Want::BlockHash(number) => {
                    let hash = next()["hash"].as_str().and_then(|h| h.parse::<B256>().ok());
                    hash.map(Got::BlockHash).ok_or_else(|| SourceError::Gone(format!("no block {number}")))
                }
            })
            .collect()
    }
}

fn quantity(of: Address, value: &Value) -> Result<U256, SourceError> {
    let number = value.as_str().filter(|text| text.starts_with("0x")).and_then(|text| text.parse().ok());
    number.ok_or_else(|| SourceError::Bug(format!("{of}: a 0x number expected, not {value}")))
}

fn code(of: Address, value: &Value) -> Result<Bytes, SourceError> {
    let bytes = value.as_str().and_then(|text| text.parse().ok());
    bytes.ok_or_else(|| SourceError::Bug(format!("{of}: code as 0x digits expected, not {value}")))
}
