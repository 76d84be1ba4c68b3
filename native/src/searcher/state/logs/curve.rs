//! Curve's pools. Sources: the events of `curvefi/curve-contract contracts/pool-templates/base/SwapTemplateBase.vy` and
//! `contracts/pools/3pool/StableSwap3Pool.vy`.
//!
//! What logs tell of a stable pool:
//! - `TokenExchange` names what came in and went out, not the admin's part of the fee. That part follows from the pool's own
//!   arithmetic; the log is believed only where that arithmetic gives the amount that went out to the unit.
//! - `AddLiquidity` and `RemoveLiquidityImbalance` name amounts and fees, of which `admin_fee` parts leave the balances;
//!   `RemoveLiquidity` names amounts.
//! - `RampA`, `StopRampA` and `NewFee` are whole.
//! - `RemoveLiquidityOne`, swaps of a metapool's underlying coins, liquidity events with lists (stableswap-ng) and every event
//!   that is not named here are not enough: the pool has to be read from storage.
//!
//! A crypto pool's swap also moves its price scale and D, which no log names: after any event but those of its share token
//! it has to be read from storage.
use alloy_primitives::{B256, U256};

use super::super::super::abi::word;
use super::super::super::pools::curve::{CryptoPool, Ramp, StablePool};
use super::super::super::pools::{AnyPool, Pool, Side};
use super::super::block::ChainLog;
use super::{Change, SHARES, topics};

topics! {
    TOKEN_EXCHANGE = "TokenExchange(address,int128,uint256,int128,uint256)",
        "8b3e96f2b889fa771c53c981b40daf005f63f637f1869f707052d15a3dd97140";
    ADD_LIQUIDITY_2 = "AddLiquidity(address,uint256[2],uint256[2],uint256,uint256)",
        "26f55a85081d24974e85c6c00045d0f0453991e95873f52bff0d21af4079a768";
    ADD_LIQUIDITY_3 = "AddLiquidity(address,uint256[3],uint256[3],uint256,uint256)",
        "423f6495a08fc652425cf4ed0d1f9e37e571d9b9529b1c1c23cce780b2e7df0d";
    ADD_LIQUIDITY_4 = "AddLiquidity(address,uint256[4],uint256[4],uint256,uint256)",
        "3f1915775e0c9a38a57a7bb7f1f9005f486fb904e1f84aa215364d567319a58d";
    REMOVE_LIQUIDITY_2 = "RemoveLiquidity(address,uint256[2],uint256[2],uint256)",
        "7c363854ccf79623411f8995b362bce5eddff18c927edc6f5dbbb5e05819a82c";
    REMOVE_LIQUIDITY_3 = "RemoveLiquidity(address,uint256[3],uint256[3],uint256)",
        "a49d4cf02656aebf8c771f5a8585638a2a15ee6c97cf7205d4208ed7c1df252d";
    REMOVE_LIQUIDITY_4 = "RemoveLiquidity(address,uint256[4],uint256[4],uint256)",
        "9878ca375e106f2a43c3b599fc624568131c4c9a4ba66a14563715763be9d59d";
    REMOVE_IMBALANCE_2 = "RemoveLiquidityImbalance(address,uint256[2],uint256[2],uint256,uint256)",
        "2b5508378d7e19e0d5fa338419034731416c4f5b219a10379956f764317fd47e";
    REMOVE_IMBALANCE_3 = "RemoveLiquidityImbalance(address,uint256[3],uint256[3],uint256,uint256)",
        "173599dbf9c6ca6f7c3b590df07ae98a45d74ff54065505141e7de6c46a624c2";
    REMOVE_IMBALANCE_4 = "RemoveLiquidityImbalance(address,uint256[4],uint256[4],uint256,uint256)",
        "b964b72f73f5ef5bf0fdc559b2fab9a7b12a39e47817a547f1f0aee47febd602";
    RAMP_A = "RampA(uint256,uint256,uint256,uint256)", "a2b71ec6df949300b59aab36b55e189697b750119dd349fcfa8c0f779e83c254";
    STOP_RAMP_A = "StopRampA(uint256,uint256)", "46e22fb3709ad289f62ce63d469248536dbc78d82b84a3d7e74ad606dc201938";
    NEW_FEE = "NewFee(uint256,uint256)", "be12859b636aed607d5230b2cc2711f68d70e51060e6cca1f575ef5d2fcc95d1";
    COMMIT_NEW_FEE = "CommitNewFee(uint256,uint256,uint256)",
        "351fc5da2fbf480f2225debf3664a4bc90fa9923743aad58b4603f648e931fe0";
    COMMIT_NEW_ADMIN = "CommitNewAdmin(uint256,address)",
        "181aa3aa17d4cbf99265dd4443eba009433d3cde79d60164fde1d1a192beb935";
    NEW_ADMIN = "NewAdmin(address)", "71614071b88dee5e0b2ae578a9dd7b2ebbe9ae832ba419dc0242cd065a290b6c";
}

/// What the logs of both kinds say without changing a quote.
const QUIET: [B256; 3] = [COMMIT_NEW_FEE, COMMIT_NEW_ADMIN, NEW_ADMIN];
const FEE_DENOMINATOR: u64 = 10_000_000_000;

fn is_quiet(log: &ChainLog) -> bool {
    log.topics.first().is_some_and(|topic| QUIET.contains(topic) || SHARES.contains(topic))
}

pub(super) fn read_crypto(log: &ChainLog, _: &CryptoPool) -> Change {
    if is_quiet(log) { Change::Nothing } else { Change::Untold }
}

pub(super) fn read_stable(log: &ChainLog, pool: &StablePool, timestamp_s: u64) -> Change {
    if is_quiet(log) {
        return Change::Nothing;
    }
    match stable_after(log, pool, timestamp_s) {
        Some(after) => Change::Becomes(Box::new(AnyPool::CurveStable(Box::new(after)))),
        None => Change::Untold,
    }
}

fn stable_after(log: &ChainLog, pool: &StablePool, timestamp_s: u64) -> Option<StablePool> {
    let mut after = pool.clone();
    let n = pool.balances.len();
    let words = |first: usize| (first..first + n).map(|k| word(&log.data, k)).collect::<Option<Vec<U256>>>();
    match (*log.topics.first()?, n) {
        (TOKEN_EXCHANGE, _) => {
            let [from, to] = [0, 2].map(|k| word(&log.data, k).and_then(|place| u8::try_from(place).ok()));
            let (sold, bought) = (word(&log.data, 1)?, word(&log.data, 3)?);
            after.time_s = timestamp_s;
            let paid = after.apply(Side { from: from?, to: to? }, sold).ok()?;
            after.time_s = pool.time_s;
            if paid != bought {
                return None;
            }
        }
        (ADD_LIQUIDITY_2, 2) | (ADD_LIQUIDITY_3, 3) | (ADD_LIQUIDITY_4, 4) => {
            after.balances = moved(pool, &words(0)?, &words(n)?, U256::checked_add)?;
        }
        (REMOVE_LIQUIDITY_2, 2) | (REMOVE_LIQUIDITY_3, 3) | (REMOVE_LIQUIDITY_4, 4) => {
            after.balances = moved(pool, &words(0)?, &vec![U256::ZERO; n], U256::checked_sub)?;
        }
        (REMOVE_IMBALANCE_2, 2) | (REMOVE_IMBALANCE_3, 3) | (REMOVE_IMBALANCE_4, 4) => {
            after.balances = moved(pool, &words(0)?, &words(n)?, U256::checked_sub)?;
        }
        (RAMP_A, _) => {
            let [initial, future] = [word(&log.data, 0)?, word(&log.data, 1)?];
            let [from, to] = [2, 3].map(|k| word(&log.data, k).and_then(|t| u64::try_from(t).ok()));
            after.amp = Ramp { initial, future, initial_time_s: from?, future_time_s: to? };
        }
        (STOP_RAMP_A, _) => {
            let (amp, at) = (word(&log.data, 0)?, u64::try_from(word(&log.data, 1)?).ok()?);
            after.amp = Ramp { initial: amp, future: amp, initial_time_s: at, future_time_s: at };
        }
        (NEW_FEE, _) => (after.fee, after.admin_fee) = (word(&log.data, 0)?, word(&log.data, 1)?),
        _ => return None,
    }
    Some(after)
}

/// Balances with amounts added or taken, less the admin's part of the fees.
fn moved(
    pool: &StablePool,
    amounts: &[U256],
    fees: &[U256],
    by: impl Fn(U256, U256) -> Option<U256>,
) -> Option<Vec<U256>> {
    let one = |((balance, amount), fee): ((&U256, &U256), &U256)| {
        let admin = fee.checked_mul(pool.admin_fee)? / U256::from(FEE_DENOMINATOR);
        by(*balance, *amount)?.checked_sub(admin)
    };
    pool.balances.iter().zip(amounts).zip(fees).map(one).collect()
}
