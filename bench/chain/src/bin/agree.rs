//! Curve, Balancer and Solidly beside degenbot's arithmetic (BowTiedDevil/degenbot, crate `degenbot-math`): on how many
//! random swaps both give the same integers, every one that differs told apart, and the time a quote takes in each.
//!
//! `agree [CASES]`. Time: nanoseconds a quote, the tenth of 50-quote batches in ascending order, on the same swaps.
use std::collections::BTreeMap;
use std::time::Instant;

use _core::searcher::pools::balancer::{BalancerStable, BalancerWeighted, PowVersion, StableForm};
use _core::searcher::pools::curve::{Invariant, Ramp, StablePool, View};
use _core::searcher::pools::solidly::{Curve, SolidlyPool};
use _core::searcher::pools::{Pool, Side};
use alloy_primitives::U256;
use degenbot_math::balancer::constants::PowVersion as TheirPow;
use degenbot_math::balancer::{fixed_point, stable_math, weighted_math};
use degenbot_math::curve::{DVariant, YVariant, stableswap_get_y};
use degenbot_math::solidly::{calc_exact_in_stable_camelot, calc_exact_in_stable_solidly, calc_exact_in_volatile};

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn decimals(&mut self) -> u64 {
        [18, 6, 8][self.below(3) as usize]
    }

    /// From 1,000 whole units to 100 million, of that many decimals.
    fn balance(&mut self, decimals: u64) -> U256 {
        ten_to(decimals - 3) * U256::from(1_000_000u64) * U256::from(1 + self.below(100_000))
    }

    /// Up to a fifth of the balance, small and large ones alike.
    fn part(&mut self, balance: U256) -> U256 {
        (balance / U256::from(5) >> self.below(30) as usize).max(U256::ONE)
    }
}

fn ten_to(power: u64) -> U256 {
    U256::from(10).pow(U256::from(power))
}

const SIDE: Side = Side::ZERO_FOR_ONE;

/// Curve's view of a swap of two to four coins, as their `get_y` and the template's `get_dy` make it.
fn their_curve(pool: &StablePool, amount_in: U256) -> Option<U256> {
    let e18 = ten_to(18);
    let xp: Vec<U256> = pool.balances.iter().zip(&pool.rates).map(|(b, r)| *b * *r / e18).collect();
    let x = xp[0] + amount_in * pool.rates[0] / e18;
    let original = pool.invariant == Invariant::Original;
    let (precision, d, y) = if original {
        (1, DVariant::VariantAlpha, YVariant::Variant0)
    } else {
        (100, DVariant::Standard, YVariant::Standard)
    };
    let n = U256::from(xp.len());
    let y = stableswap_get_y(0, 1, x, &xp, pool.amp.future, n, U256::from(precision), y, d).ok()?;
    let dy = xp[1].checked_sub(y)?.checked_sub(U256::ONE)?;
    let fee = U256::from(10_000_000_000u64);
    if original {
        let dy = dy * e18 / pool.rates[1];
        return Some(dy - pool.fee * dy / fee);
    }
    Some((dy - pool.fee * dy / fee) * e18 / pool.rates[1])
}

fn their_weighted(pool: &BalancerWeighted, amount_in: U256) -> Option<U256> {
    let (b, w, s) = (&pool.balances, &pool.weights, &pool.scaling);
    let taken = weighted_math::subtract_swap_fee_amount(amount_in, pool.fee).ok()? * s[0];
    let version = if pool.pow_version == PowVersion::V1 { TheirPow::V1 } else { TheirPow::V2 };
    Some(weighted_math::calc_out_given_in(b[0] * s[0], w[0], b[1] * s[1], w[1], taken, version).ok()? / s[1])
}

fn their_stable(pool: &BalancerStable, amount_in: U256) -> Option<U256> {
    let scale = |amount: U256, k: usize| fixed_point::mul_down(amount, pool.scaling[k]).ok();
    let balances = (0..pool.balances.len()).map(|k| scale(pool.balances[k], k)).collect::<Option<Vec<_>>>()?;
    let taken = scale(weighted_math::subtract_swap_fee_amount(amount_in, pool.fee).ok()?, 0)?;
    let amp = pool.amp.future;
    let d = match pool.form {
        StableForm::RoundsUp => stable_math::calculate_invariant_deployed(amp, &balances, true),
        StableForm::RoundsDown => stable_math::calculate_invariant(amp, &balances),
    };
    let out = stable_math::calc_out_given_in(amp, &balances, 0, 1, taken, d.ok()?).ok()?;
    fixed_point::div_down(out, pool.scaling[1]).ok()
}

fn their_solidly(pool: &SolidlyPool, amount_in: U256) -> Option<U256> {
    let ([a, b], [u, v]) = (pool.reserves, pool.units);
    let (fee, of) = (U256::from(pool.fee_num[0]), U256::from(pool.fee_den));
    match pool.curve {
        Curve::Volatile => calc_exact_in_volatile(amount_in, 0, a, b, fee, of).ok(),
        Curve::StableOriginal => calc_exact_in_stable_camelot(amount_in, 0, a, b, u, v, fee, of).ok(),
        Curve::StableRounded => calc_exact_in_stable_solidly(amount_in, 0, a, b, u, v, fee, of).ok(),
    }
}

/// What was seen of one protocol.
#[derive(Default)]
struct Seen {
    same: u64,
    both_refuse: u64,
    only_ours: u64,
    only_theirs: u64,
    differ: u64,
    example: Option<String>,
    batches: [Vec<f64>; 2],
}

/// Compares a pool's quotes with theirs, and times both.
fn run<P: std::fmt::Debug>(
    seen: &mut Seen,
    pool: &P,
    amounts: &[U256],
    ours: impl Fn(&P, U256) -> Option<U256>,
    theirs: impl Fn(&P, U256) -> Option<U256>,
) {
    let start = Instant::now();
    let mine: Vec<_> = amounts.iter().map(|amount| ours(pool, *amount)).collect();
    let middle = Instant::now();
    let other: Vec<_> = amounts.iter().map(|amount| theirs(pool, *amount)).collect();
    let n = amounts.len() as f64;
    seen.batches[0].push((middle - start).as_nanos() as f64 / n);
    seen.batches[1].push(middle.elapsed().as_nanos() as f64 / n);
    for (amount, pair) in amounts.iter().zip(mine.into_iter().zip(other)) {
        let count = match pair {
            (Some(mine), Some(other)) if mine == other => &mut seen.same,
            (None, None) => &mut seen.both_refuse,
            (Some(_), Some(_)) => &mut seen.differ,
            (Some(_), None) => &mut seen.only_ours,
            (None, Some(_)) => &mut seen.only_theirs,
        };
        *count += 1;
        if pair.0 != pair.1 && seen.example.is_none() {
            seen.example = Some(format!("{amount} in: ours {:?}, theirs {:?}, of {pool:?}", pair.0, pair.1));
        }
    }
}

fn main() {
    let cases = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(20_000u64);
    let mut random = Random(1);
    let mut all: BTreeMap<&str, Seen> = BTreeMap::new();
    for _ in 0..cases.div_ceil(50) {
        let n = 2 + random.below(3) as usize;
        let decimals: Vec<u64> = (0..n).map(|_| random.decimals()).collect();
        let balances: Vec<U256> = decimals.iter().map(|d| random.balance(*d)).collect();
        let rates: Vec<U256> = decimals.iter().map(|d| ten_to(36 - d)).collect();
        let scaling: Vec<U256> = decimals.iter().map(|d| ten_to(18 - d)).collect();
        let amounts: Vec<U256> = (0..50).map(|_| random.part(balances[0])).collect();
        for (name, invariant, view, precision) in [
            ("curve stable, original", Invariant::Original, View::UnitsFirst, 1),
            ("curve stable, precise", Invariant::Precise, View::FeeFirst, 100),
        ] {
            let pool = StablePool {
                invariant,
                view,
                balances: balances.clone(),
                rates: rates.clone(),
                amp: Ramp::still(U256::from((10 + random.below(5000)) * precision)),
                fee: U256::from(random.below(40_000_000)),
                admin_fee: U256::ZERO,
                offpeg_fee_multiplier: U256::ZERO,
                time_s: 0,
            };
            run(all.entry(name).or_default(), &pool, &amounts, |p, a| p.get_dy(SIDE, a).ok(), their_curve);
        }
        let weight = U256::from([20, 50, 80, 33][random.below(4) as usize]) * ten_to(16);
        let name = ["balancer weighted, v1", "balancer weighted, v2"];
        for (name, pow_version) in name.into_iter().zip([PowVersion::V1, PowVersion::V2]) {
            let pool = BalancerWeighted {
                balances: balances[..2].to_vec(),
                scaling: scaling[..2].to_vec(),
                weights: vec![weight, ten_to(18) - weight],
                fee: ten_to(13) * U256::from(1 + random.below(1000)),
                pow_version,
            };
            run(all.entry(name).or_default(), &pool, &amounts, |p, a| p.quote_in(SIDE, a).ok(), their_weighted);
        }
        let name = ["balancer stable, 2021", "balancer stable, 2022"];
        for (name, form) in name.into_iter().zip([StableForm::RoundsUp, StableForm::RoundsDown]) {
            let pool = BalancerStable {
                form,
                balances: balances.clone(),
                scaling: rates.clone(),
                amp: Ramp::still(U256::from((1 + random.below(5000)) * 1000)),
                fee: ten_to(12) * U256::from(1 + random.below(1000)),
                time_s: 0,
            };
            run(all.entry(name).or_default(), &pool, &amounts, |p, a| p.quote_in(SIDE, a).ok(), their_stable);
        }
        for (name, curve) in [
            ("solidly volatile", Curve::Volatile),
            ("solidly stable, original", Curve::StableOriginal),
            ("solidly stable, rounded", Curve::StableRounded),
        ] {
            let pool = SolidlyPool {
                curve,
                reserves: [balances[0], balances[1]],
                units: [ten_to(decimals[0]), ten_to(decimals[1])],
                fee_num: [1 + random.below(100); 2],
                fee_den: 10_000,
                fee_leaves: 10_000,
            };
            run(all.entry(name).or_default(), &pool, &amounts, |p, a| p.get_amount_out(SIDE, a).ok(), their_solidly);
        }
    }
    println!("| protocol | equal | both refuse | only ours | only theirs | differ | ours ns | theirs ns |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, seen) in &mut all {
        let [ours, theirs] = &mut seen.batches;
        let times = [ours, theirs].map(|times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 10]
        });
        println!(
            "| {name} | {} | {} | {} | {} | {} | {:.0} | {:.0} |",
            seen.same, seen.both_refuse, seen.only_ours, seen.only_theirs, seen.differ, times[0], times[1]
        );
    }
    for (name, seen) in &all {
        if let Some(example) = &seen.example {
            println!("{name}: {example}");
        }
    }
}
