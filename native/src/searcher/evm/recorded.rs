//! A recorded state as a source: our own form, a node's `prestateTracer`, or `anvil --dump-state`.
use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::{Map, Value, json};

use super::source::{AccountState, At, Got, SourceError, StateSource, Want};

/// What a value is that is not in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Zero: the record is a whole state.
    Zero,
    /// Not known: the record holds what somebody touched and nothing else; asking for more is an error.
    Unknown,
}

/// An account with its storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedAccount {
    /// Balance, nonce, code.
    pub state: AccountState,
    /// Words by slot.
    pub storage: BTreeMap<U256, U256>,
}

/// A state of one block in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedState {
    /// The number of the block after which the state is; none where the record does not say.
    pub number: Option<u64>,
    /// That block's hash; none where the record does not say.
    pub hash: Option<B256>,
    /// What a value is that is not here.
    pub missing: Missing,
    /// The accounts.
    pub accounts: BTreeMap<Address, RecordedAccount>,
    /// Hashes of earlier blocks by number.
    pub block_hashes: BTreeMap<u64, B256>,
}

impl RecordedState {
    /// No accounts.
    #[must_use]
    pub fn empty(missing: Missing) -> RecordedState {
        let (accounts, block_hashes) = (BTreeMap::new(), BTreeMap::new());
        RecordedState { number: None, hash: None, missing, accounts, block_hashes }
    }

    /// Reads a record. Its form is seen from its keys:
    /// - ours: `{"number", "hash", "missing": "zero" | "unknown", "accounts": {…}, "block_hashes": {…}}`;
    /// - `anvil --dump-state`: `{"block", "accounts": {…}, "best_block_number"}`; a whole state, so what is missing is
    ///   zero;
    /// - `debug_traceTransaction` with `prestateTracer`: `{address: {…}}`, bare or under `result`, with `diffMode`
    ///   under `pre`; what is missing is unknown;
    /// - the same of a whole block: a list of `{"result": …}`; the first value of each account and slot is taken.
    ///
    /// An account is `{"balance", "nonce", "code", "storage": {slot: word}}`, all optional; numbers are JSON integers,
    /// decimal strings or `0x` strings.
    ///
    /// # Errors
    /// A line that names the place in the file and what is wrong there.
    pub fn from_json(text: &[u8]) -> Result<RecordedState, String> {
        let root: Value = serde_json::from_slice(text).map_err(|e| format!("a recorded state is JSON: {e}"))?;
        if let Value::Array(transactions) = &root {
            let mut all = RecordedState::empty(Missing::Unknown);
            for (n, one) in transactions.iter().enumerate() {
                all.take(prestate(one), &format!("[{n}]"))?;
            }
            return Ok(all);
        }
        if root.get("accounts").is_none() {
            let mut all = RecordedState::empty(Missing::Unknown);
            all.take(prestate(&root), "result")?;
            return Ok(all);
        }
        let anvil = root.get("best_block_number").is_some() || root.get("block").is_some();
        let missing = match root.get("missing").and_then(Value::as_str) {
            Some("zero") => Missing::Zero,
            Some("unknown") => Missing::Unknown,
            Some(other) => return Err(format!("missing: \"zero\" or \"unknown\" expected, not {other:?}")),
            None if anvil => Missing::Zero,
            None => return Err("a record with `accounts` says what is `missing`: \"zero\" or \"unknown\"".to_owned()),
        };
        let mut all = RecordedState::empty(missing);
        let number = if anvil { root.get("best_block_number") } else { root.get("number") };
        all.number = number.filter(|v| !v.is_null()).map(|v| small(v, "number")).transpose()?;
        all.hash = root.get("hash").filter(|v| !v.is_null()).map(|v| hash(v, "hash")).transpose()?;
        all.take(&root["accounts"], "accounts")?;
        if let Some(hashes) = root.get("block_hashes") {
            for (number, value) in object(hashes, "block_hashes")? {
                let at = format!("block_hashes.{number}");
                all.block_hashes.insert(small(&Value::String(number.clone()), &at)?, hash(value, &at)?);
            }
        }
        Ok(all)
    }

    /// The record in our own form.
    #[must_use]
    pub fn to_json(&self) -> String {
        let accounts: Map<String, Value> =
            self.accounts.iter().map(|(at, a)| (format!("{at:#x}"), written(a))).collect();
        let hashes: Map<String, Value> = self.block_hashes.iter().map(|(n, h)| (n.to_string(), json!(h))).collect();
        let missing = if self.missing == Missing::Zero { "zero" } else { "unknown" };
        let all = json!({ "number": self.number, "hash": self.hash, "missing": missing, "accounts": accounts,
                          "block_hashes": hashes });
        all.to_string()
    }

    /// Takes accounts and words that are not here yet.
    fn take(&mut self, accounts: &Value, at: &str) -> Result<(), String> {
        for (key, value) in object(accounts, at)? {
            let at = format!("{at}.{key}");
            let address: Address = key.parse().map_err(|e| format!("{at}: an address expected: {e}"))?;
            let fields = object(value, &at)?;
            let mut read = RecordedAccount::default();
            for (name, value) in fields {
                let at = format!("{at}.{name}");
                match name.as_str() {
                    "balance" => read.state.balance = number(value, &at)?,
                    "nonce" => read.state.nonce = small(value, &at)?,
                    "code" => read.state.code = bytes(value, &at)?,
                    "storage" => {
                        for (slot, word) in object(value, &at)? {
                            let at = format!("{at}.{slot}");
                            read.storage.insert(digits(slot, &at)?, number(word, &at)?);
                        }
                    }
                    "codeHash" | "root" | "key" | "address" => {}
                    _ => return Err(format!("{at}: not known; balance, nonce, code and storage are")),
                }
            }
            match self.accounts.entry(address) {
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(read);
                }
                std::collections::btree_map::Entry::Occupied(mut place) => {
                    for (slot, word) in read.storage {
                        place.get_mut().storage.entry(slot).or_insert(word);
                    }
                }
            }
        }
        Ok(())
    }

    fn one(&self, want: Want) -> Result<Got, SourceError> {
        let zero = self.missing == Missing::Zero;
        let found = match want {
            Want::Account(address) => match self.accounts.get(&address) {
                Some(account) => Some(Got::Account(account.state.clone())),
                None => zero.then(|| Got::Account(AccountState::default())),
            },
            Want::Slot(address, slot) => match self.accounts.get(&address).and_then(|a| a.storage.get(&slot)) {
                Some(&word) => Some(Got::Slot(word)),
                None => zero.then_some(Got::Slot(U256::ZERO)),
            },
            Want::BlockHash(number) => self.block_hashes.get(&number).map(|&hash| Got::BlockHash(hash)),
        };
        found.ok_or_else(|| SourceError::Gone(format!("{want:?} is not in the recorded state")))
    }
}

impl StateSource for RecordedState {
    fn fetch(&self, at: At, wanted: &[Want]) -> Result<Vec<Got>, SourceError> {
        let other = match at {
            At::Number(number) => self.number.is_some_and(|mine| mine != number),
            At::Hash(hash) => self.hash.is_some_and(|mine| mine != hash),
        };
        if other {
            let mine = (self.number, self.hash);
            return Err(SourceError::Gone(format!("the record is of block {mine:?}, not of {at}")));
        }
        wanted.iter().map(|&want| self.one(want)).collect()
    }
}

fn prestate(value: &Value) -> &Value {
    let inner = value.get("result").unwrap_or(value);
    inner.get("pre").unwrap_or(inner)
}

fn written(account: &RecordedAccount) -> Value {
    let storage: Map<String, Value> =
        account.storage.iter().map(|(slot, word)| (format!("{slot:#x}"), json!(format!("{word:#x}")))).collect();
    let state = &account.state;
    json!({ "balance": format!("{:#x}", state.balance), "nonce": state.nonce, "code": state.code, "storage": storage })
}

fn object<'v>(value: &'v Value, at: &str) -> Result<&'v Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{at}: an object expected"))
}

fn digits(text: &str, at: &str) -> Result<U256, String> {
    text.parse().map_err(|e| format!("{at}: a number of at most 256 bits expected, not {text:?}: {e}"))
}

fn number(value: &Value, at: &str) -> Result<U256, String> {
    match value {
        Value::String(text) => digits(text, at),
        Value::Number(n) if n.is_u64() => Ok(U256::from(n.as_u64().unwrap_or_default())),
        other => Err(format!("{at}: a whole number or a string of digits expected, not {other}")),
    }
}

fn small(value: &Value, at: &str) -> Result<u64, String> {
    let wide = number(value, at)?;
    u64::try_from(wide).map_err(|_| format!("{at}: at most 64 bits expected, not {wide}"))
}

fn hash(value: &Value, at: &str) -> Result<B256, String> {
    let text = value.as_str().ok_or_else(|| format!("{at}: a hash expected, not {value}"))?;
    text.parse().map_err(|e| format!("{at}: a hash expected, not {text:?}: {e}"))
}

fn bytes(value: &Value, at: &str) -> Result<Bytes, String> {
    let text = value.as_str().ok_or_else(|| format!("{at}: 0x digits expected, not {value}"))?;
    text.parse().map_err(|e| format!("{at}: 0x digits expected: {e}"))
}
