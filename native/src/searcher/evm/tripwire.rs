//! The divergence tripwire: what was predicted must be what the EVM gives, to the wei. Where it is not, our arithmetic
//! of a pool is not its contract's, and the pool is not traded again until somebody has looked.
use std::collections::VecDeque;

use alloy_primitives::{Address, B256, I256, Log, U256};
use serde::{Deserialize, Serialize};

use super::bundle::BundleRun;
use crate::searcher::abi;
use crate::searcher::pools::{Ban, PoolId, Pools};
use crate::searcher::state::World;

/// One swap as it was predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PredictedHop {
    /// The pool.
    pub pool: PoolId,
    /// What it is given.
    pub amount_in: U256,
    /// What it gives.
    pub amount_out: U256,
}

/// What a bundle was predicted to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The block it is for.
    pub block: u64,
    /// The pending transaction it follows; zero where it follows none.
    pub tx: B256,
    /// Which transaction of the bundle is ours.
    pub ours: usize,
    /// The swaps of ours in order.
    pub hops: Vec<PredictedHop>,
    /// What we gain: the change of the holding that the bundle is executed with, before any cost that is not in it.
    pub profit_wei: I256,
}

/// A prediction that was not what the EVM gave. As JSON: amounts as decimal strings, pools by their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// The block it was for.
    pub block: u64,
    /// The pending transaction it followed.
    pub tx: B256,
    /// In wei, signed.
    #[serde(with = "decimal")]
    pub predicted_wei: I256,
    /// In wei, signed; none where ours reverted.
    #[serde(with = "maybe_decimal")]
    pub simulated_wei: Option<I256>,
    /// Why ours reverted; none where it did not.
    pub reverted: Option<String>,
    /// The pools of the path, by where they live.
    pub path: Vec<B256>,
    /// Those that are not traded again.
    pub tripped: Vec<B256>,
}

impl Divergence {
    /// As one line of JSON, without its end.
    ///
    /// # Panics
    /// Never: there is nothing in it that JSON cannot say.
    #[must_use]
    pub fn to_json_line(&self) -> String {
        serde_json::to_string(self).expect("strings, numbers and lists")
    }
}

/// Whether a bundle may be proposed.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It did what was predicted, to the wei.
    Equal,
    /// It did not. Its pools were tripped; it must not be proposed.
    Diverged(Divergence),
    /// Another transaction than ours failed: that says nothing of our pools. It must not be proposed either.
    NotRun(String),
}

/// The tripwire with the last divergences it saw.
#[derive(Clone, Debug)]
pub struct Tripwire {
    seen: VecDeque<Divergence>,
    keep: usize,
    count: u64,
}

impl Tripwire {
    /// Keeps the last `keep` divergences; older ones are counted only. The caller writes each down as it gets it.
    #[must_use]
    pub fn new(keep: usize) -> Tripwire {
        Tripwire { seen: VecDeque::with_capacity(keep), keep, count: 0 }
    }

    /// The last divergences, oldest first.
    pub fn seen(&self) -> impl Iterator<Item = &Divergence> {
        self.seen.iter()
    }

    /// How many there were in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Holds a prediction against the bundle's execution. `delta`: which of the run's holdings is the profit. One wei
    /// of difference, or a revert of ours, trips: see [`diverged`] for which pools.
    pub fn check(&mut self, world: &mut World, predicted: &Prediction, run: &BundleRun, delta: usize) -> Verdict {
        let ours = run.results.get(predicted.ours);
        let simulated_wei = match (&run.failure, run.deltas.get(delta)) {
            (None, Some(&wei)) => Some(wei),
            (None, None) => return Verdict::NotRun(format!("the run has no holding {delta}")),
            (Some(_), _) => None,
        };
        let reverted = match &run.failure {
            Some(failure @ super::bundle::BundleFailure::Reverted { index, .. }) if *index == predicted.ours => {
                Some(failure.to_string())
            }
            Some(failure) => return Verdict::NotRun(failure.to_string()),
            None => None,
        };
        if simulated_wei == Some(predicted.profit_wei) {
            return Verdict::Equal;
        }
        let tripped = diverged(world.pools(), &predicted.hops, ours.map_or(&[], |done| &done.logs));
        for &pool in &tripped {
            world.refuse(pool, Ban::Diverged);
        }
        let key = |pool: PoolId| world.pools().key(pool).0;
        let record = Divergence {
            block: predicted.block,
            tx: predicted.tx,
            predicted_wei: predicted.profit_wei,
            simulated_wei,
            reverted,
            path: predicted.hops.iter().map(|hop| key(hop.pool)).collect(),
            tripped: tripped.into_iter().map(key).collect(),
        };
        self.count += 1;
        if self.keep > 0 {
            if self.seen.len() == self.keep {
                self.seen.pop_front();
            }
            self.seen.push_back(record.clone());
        }
        Verdict::Diverged(record)
    }
}

/// Which pools of a path did otherwise than predicted, by the logs of the execution: the first hop that was given what
/// was predicted and gave something else; or, where a hop was given something else than predicted although the one
/// before gave what was predicted, both of them (what is between them, a token with a fee, is theirs). Where the logs
/// do not tell, all.
#[must_use]
pub fn diverged(pools: &Pools, hops: &[PredictedHop], logs: &[Log]) -> Vec<PoolId> {
    let mut before: Option<PoolId> = None;
    for hop in hops {
        let Some((amount_in, amount_out)) = swapped(pools, hop.pool, logs) else { break };
        if amount_in != hop.amount_in {
            return before.into_iter().chain([hop.pool]).collect();
        }
        if amount_out != hop.amount_out {
            return vec![hop.pool];
        }
        before = Some(hop.pool);
    }
    let mut all: Vec<PoolId> = hops.iter().map(|hop| hop.pool).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What a pool was given and gave in its only swap, from its log: V2's `Swap`, V3's, V4's, Balancer's, Curve's
/// `TokenExchange`. None where there is no such log, or more than one.
fn swapped(pools: &Pools, pool: PoolId, logs: &[Log]) -> Option<(U256, U256)> {
    let key = pools.key(pool).0;
    let own = Address::from_word(key);
    let shared = key[..12] != [0; 12];
    let mut found = logs.iter().filter_map(|log| {
        let mine = if shared { log.topics().get(1) == Some(&key) } else { log.address == own };
        if mine { amounts(log) } else { None }
    });
    let one = found.next()?;
    found.next().is_none().then_some(one)
}

fn amounts(log: &Log) -> Option<(U256, U256)> {
    let topic = *log.topics().first()?;
    let word = |n| abi::word(&log.data.data, n);
    let is = |signature| topic == abi::topic(signature);
    if is("Swap(address,uint256,uint256,uint256,uint256,address)") {
        let [in0, in1, out0, out1] = [word(0)?, word(1)?, word(2)?, word(3)?];
        return match (in0.is_zero(), in1.is_zero()) {
            (false, true) => Some((in0, out1)),
            (true, false) => Some((in1, out0)),
            _ => None,
        };
    }
    if is("Swap(address,address,int256,int256,uint160,uint128,int24)") {
        // The pool's side: what it gets is positive.
        return signed(I256::from_raw(word(0)?), I256::from_raw(word(1)?));
    }
    if is("Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)") {
        // The swapper's side: what it pays is negative.
        return signed(I256::from_raw(word(0)?).wrapping_neg(), I256::from_raw(word(1)?).wrapping_neg());
    }
    if is("Swap(bytes32,address,address,uint256,uint256)") {
        return Some((word(0)?, word(1)?));
    }
    if is("TokenExchange(address,int128,uint256,int128,uint256)")
        || is("TokenExchange(address,uint256,uint256,uint256,uint256)")
    {
        return Some((word(1)?, word(3)?));
    }
    None
}

fn signed(amount0: I256, amount1: I256) -> Option<(U256, U256)> {
    match (amount0.is_negative(), amount1.is_negative()) {
        (false, true) => Some((amount0.into_raw(), amount1.unsigned_abs())),
        (true, false) => Some((amount1.into_raw(), amount0.unsigned_abs())),
        _ => None,
    }
}

mod decimal {
    use alloy_primitives::I256;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(wei: &I256, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(wei)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<I256, D::Error> {
        let text = String::deserialize(from)?;
        I256::from_dec_str(&text).map_err(serde::de::Error::custom)
    }
}

mod maybe_decimal {
    use alloy_primitives::I256;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(wei: &Option<I256>, to: S) -> Result<S::Ok, S::Error> {
        match wei {
            Some(wei) => to.collect_str(wei),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<I256>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| I256::from_dec_str(&text).map_err(serde::de::Error::custom)).transpose()
    }
}
