//! What a transaction will need, before it runs: one question to the source instead of one a value.
use alloy_primitives::{Address, TxKind, U256};
use revm::context::TxEnv;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use std::collections::VecDeque;

use super::rpc::{RpcSource, Transport, block};
use super::source::{At, SourceError, Want};

/// What a transaction names itself: its sender, its target, its access list (EIP-2930).
#[must_use]
pub fn named(tx: &TxEnv) -> Vec<Want> {
    let mut all = vec![Want::Account(tx.caller)];
    if let TxKind::Call(to) = tx.kind {
        all.push(Want::Account(to));
    }
    for item in tx.access_list.iter() {
        all.push(Want::Account(item.address));
        all.extend(item.storage_keys.iter().map(|key| Want::Slot(item.address, U256::from_be_bytes(key.0))));
    }
    all
}

/// What the answer to `eth_createAccessList` names: `{"accessList": [{"address", "storageKeys"}], …}`.
///
/// # Errors
/// A line that says what is wrong with it.
pub fn of_access_list(answer: &Value) -> Result<Vec<Want>, String> {
    let items = answer["accessList"].as_array().ok_or_else(|| format!("an access list expected, not {answer}"))?;
    let mut all = Vec::new();
    for item in items {
        let address: Option<Address> = item["address"].as_str().and_then(|text| text.parse().ok());
        let address = address.ok_or_else(|| format!("an access list's item has an address, not {item}"))?;
        all.push(Want::Account(address));
        for key in item["storageKeys"].as_array().into_iter().flatten() {
            let slot: Option<U256> = key.as_str().and_then(|text| text.parse().ok());
            all.push(Want::Slot(address, slot.ok_or_else(|| format!("{address}: a slot expected, not {key}"))?));
        }
    }
    Ok(all)
}

/// What a provider says that a transaction will touch, by running it there on the state at `at`.
///
/// # Errors
/// As the source's; [`SourceError::Bug`] where the provider does not know the method.
pub fn asked<T: Transport>(rpc: &RpcSource<T>, at: At, tx: &TxEnv) -> Result<Vec<Want>, SourceError> {
    let mut call = json!({ "from": tx.caller, "value": format!("{:#x}", tx.value), "data": tx.data,
                           "gas": format!("{:#x}", tx.gas_limit) });
    if let TxKind::Call(to) = tx.kind {
        call["to"] = json!(to);
    }
    let answer = rpc.batch(&[("eth_createAccessList", json!([call, block(at)]))])?;
    let mut all = named(tx);
    all.extend(of_access_list(&answer[0]).map_err(SourceError::Bug)?);
    Ok(all)
}

/// A target: the contract and the function that is called.
type Target = (Address, [u8; 4]);

/// At most so many values are kept of a target.
const KEPT: usize = 512;

#[derive(Clone, Debug, Default)]
struct Seen {
    runs: u32,
    wants: FxHashMap<Want, u32>,
}

/// A value is recalled that one in so many runs of its target looked at: of a router the pools and tokens of its usual
/// paths, not the balances of single senders.
const ONE_IN: u32 = 8;

/// What earlier runs of a target looked at.
#[derive(Clone, Debug)]
pub struct Footprints {
    targets: FxHashMap<Target, Seen>,
    order: VecDeque<Target>,
    max_targets: usize,
}

impl Footprints {
    /// Remembers at most `max_targets` targets; then the oldest is forgotten.
    #[must_use]
    pub fn new(max_targets: usize) -> Footprints {
        Footprints { targets: FxHashMap::default(), order: VecDeque::new(), max_targets: max_targets.max(1) }
    }

    fn target(tx: &TxEnv) -> Option<Target> {
        let TxKind::Call(to) = tx.kind else { return None };
        Some((to, tx.data.first_chunk().copied().unwrap_or_default()))
    }

    /// Takes note of what a run looked at.
    pub fn learn(&mut self, tx: &TxEnv, footprint: &[Want]) {
        let Some(target) = Footprints::target(tx) else { return };
        if !self.targets.contains_key(&target) {
            if self.order.len() == self.max_targets
                && let Some(oldest) = self.order.pop_front()
            {
                self.targets.remove(&oldest);
            }
            self.order.push_back(target);
        }
        let seen = self.targets.entry(target).or_default();
        seen.runs += 1;
        for &want in footprint {
            if seen.wants.len() < KEPT || seen.wants.contains_key(&want) {
                *seen.wants.entry(want).or_default() += 1;
            }
        }
        if seen.wants.len() >= KEPT {
            let runs = seen.runs;
            seen.wants.retain(|_, count| *count * ONE_IN >= runs);
        }
    }

    /// What a transaction is likely to look at: what it names, and what earlier runs of its target looked at.
    #[must_use]
    pub fn recall(&self, tx: &TxEnv) -> Vec<Want> {
        let mut all = named(tx);
        if let Some(seen) = Footprints::target(tx).and_then(|target| self.targets.get(&target)) {
            all.extend(seen.wants.iter().filter(|(_, count)| **count * ONE_IN >= seen.runs).map(|(want, _)| *want));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}
