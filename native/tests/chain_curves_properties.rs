//! What holds of every Curve, Balancer and Solidly pool: no state and no amount makes it panic, an input found for an
//! output is the smallest that gives it, and the price that guides searches is that of a small swap.
mod chain_support;

use _core::searcher::pools::balancer::{BalancerStable, BalancerWeighted, PowVersion, StableForm};
use _core::searcher::pools::curve::{CryptoPool, Invariant, Ramp, StablePool, View};
use _core::searcher::pools::solidly::{Curve, SolidlyPool};
use _core::searcher::pools::{AnyPool, NoQuote, Pool, Side};
use alloy_primitives::U256;
use chain_support::{Seeded, cases};

fn ten_to(power: u64) -> U256 {
    U256::from(10).pow(U256::from(power))
}

fn pick<T: Copy>(random: &mut Seeded, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

const INVARIANTS: [Invariant; 3] = [Invariant::Original, Invariant::Precise, Invariant::Ng];
const CURVES: [Curve; 3] = [Curve::Volatile, Curve::StableOriginal, Curve::StableRounded];

/// Any numbers at all, and lists whose lengths need not fit.
fn garbage(random: &mut Seeded) -> AnyPool {
    let number = |random: &mut Seeded| if random.below(6) == 0 { U256::ZERO } else { random.of_any_size(256) };
    let n = random.below(10) as usize;
    let list = |random: &mut Seeded| {
        let n = if random.below(8) == 0 { random.below(10) as usize } else { n };
        (0..n).map(|_| number(random)).collect::<Vec<_>>()
    };
    let ramp = |random: &mut Seeded| Ramp {
        initial: number(random),
        future: number(random),
        initial_time_s: random.below(100),
        future_time_s: random.below(100),
    };
    let time_s = random.below(100);
    match random.below(5) {
        0 => AnyPool::CurveStable(Box::new(StablePool {
            invariant: pick(random, &INVARIANTS),
            view: View::UnitsFirst,
            balances: list(random),
            rates: list(random),
            amp: ramp(random),
            fee: number(random),
            admin_fee: number(random),
            offpeg_fee_multiplier: number(random),
            time_s,
        })),
        1 => AnyPool::CurveCrypto(Box::new(CryptoPool {
            balances: list(random),
            precisions: list(random),
            price_scale: list(random).into_iter().skip(1).collect(),
            d: number(random),
            amp: if random.below(2) == 0 { Ramp::still(U256::from(400_000)) } else { ramp(random) },
            gamma: if random.below(2) == 0 { Ramp::still(ten_to(14)) } else { ramp(random) },
            mid_fee: number(random),
            out_fee: number(random),
            fee_gamma: number(random),
            time_s,
            moved: false,
        })),
        2 => AnyPool::BalancerWeighted(Box::new(BalancerWeighted {
            balances: list(random),
            scaling: list(random),
            weights: list(random),
            fee: number(random),
            pow_version: pick(random, &[PowVersion::V1, PowVersion::V2]),
        })),
        3 => AnyPool::BalancerStable(Box::new(BalancerStable {
            form: pick(random, &[StableForm::RoundsUp, StableForm::RoundsDown]),
            balances: list(random),
            scaling: list(random),
            amp: ramp(random),
            fee: number(random),
            time_s,
        })),
        _ => AnyPool::Solidly(Box::new(SolidlyPool {
            curve: pick(random, &CURVES),
            reserves: [number(random), number(random)],
            units: [number(random), number(random)],
            fee_num: [random.next(), random.below(3)],
            fee_den: random.below(3),
            fee_leaves: random.below(3),
        })),
    }
}

#[test]
fn no_state_and_no_amount_panics() {
    let mut random = Seeded(21);
    for _ in 0..cases(20_000) {
        let mut pool = garbage(&mut random);
        let side = Side { from: random.below(4) as u8, to: random.below(4) as u8 };
        let amount = if random.below(9) == 0 { U256::ZERO } else { random.of_any_size(256) };
        let price = pool.spot_price(side);
        assert!(price.is_finite() && price >= 0.0, "{price} of {pool:?}");
        let (quoted, asked) = (pool.quote_in(side, amount), pool.quote_out(side, amount));
        assert!(!amount.is_zero() || (quoted.is_err() && asked.is_err()), "something for nothing: {pool:?}");
        assert!(pool.gas(side, amount) > 0);
        let before = pool.clone();
        assert_eq!(pool.apply(side, amount), quoted);
        assert!(quoted.is_ok() || pool == before, "refused and changed: {before:?}");
    }
}

/// A pool as there could be one, of about 1e6 whole units of each of its two tokens, and how deep it is in units of
/// token 0.
fn sensible(random: &mut Seeded) -> (AnyPool, U256) {
    let decimals = [pick(random, &[18, 6, 8]), pick(random, &[18, 6, 8])];
    let whole = [(); 2].map(|()| U256::from(400_000 + random.below(1_200_000)));
    let balances = [0, 1].map(|k| whole[k] * ten_to(decimals[k]));
    let rates: Vec<U256> = decimals.iter().map(|d| ten_to(36 - d)).collect();
    let scaling: Vec<U256> = decimals.iter().map(|d| ten_to(18 - d)).collect();
    let amp = U256::from(10 + random.below(2000));
    let pool = match random.below(5) {
        0 => {
            let invariant = pick(random, &INVARIANTS);
            let precision = if invariant == Invariant::Original { 1 } else { 100 };
            AnyPool::CurveStable(Box::new(StablePool {
                invariant,
                view: View::FeeFirst,
                balances: balances.to_vec(),
                rates,
                amp: Ramp::still(amp * U256::from(precision)),
                fee: U256::from(4_000_000),
                admin_fee: U256::from(5_000_000_000u64),
                offpeg_fee_multiplier: U256::from(20_000_000_000u64),
                time_s: 0,
            }))
        }
        1 => {
            let mut pool = CryptoPool {
                balances: balances.to_vec(),
                precisions: scaling,
                price_scale: vec![ten_to(18)],
                d: U256::ZERO,
                amp: Ramp { future_time_s: 1, ..Ramp::still(U256::from(400_000 + random.below(4_000_000))) },
                gamma: Ramp::still(ten_to(14) + U256::from(random.below(1_000_000_000_000_000))),
                mid_fee: U256::from(26_000_000),
                out_fee: U256::from(45_000_000),
                fee_gamma: ten_to(14),
                time_s: 1,
                moved: false,
            };
            pool.gamma.future_time_s = 1;
            AnyPool::CurveCrypto(Box::new(pool))
        }
        2 => {
            let weight = U256::from(10 + random.below(80)) * ten_to(16);
            AnyPool::BalancerWeighted(Box::new(BalancerWeighted {
                balances: balances.to_vec(),
                scaling,
                weights: vec![weight, ten_to(18) - weight],
                fee: ten_to(15),
                pow_version: PowVersion::V2,
            }))
        }
        3 => AnyPool::BalancerStable(Box::new(BalancerStable {
            form: StableForm::RoundsDown,
            balances: balances.to_vec(),
            scaling: rates,
            amp: Ramp::still(amp * U256::from(1000)),
            fee: ten_to(14),
            time_s: 0,
        })),
        _ => AnyPool::Solidly(Box::new(SolidlyPool {
            curve: pick(random, &[Curve::Volatile, Curve::StableOriginal]),
            reserves: balances,
            units: decimals.map(ten_to),
            fee_num: [5, 5],
            fee_den: 10_000,
            fee_leaves: 10_000,
        })),
    };
    (pool, balances[0])
}

#[test]
fn an_input_for_an_output_is_the_smallest() {
    let mut random = Seeded(22);
    let mut found = [0; 2];
    for _ in 0..cases(2_000) {
        let (pool, depth) = sensible(&mut random);
        let amount = depth / U256::from(4 + random.below(1_000_000));
        let Ok(out) = pool.quote_in(Side::ZERO_FOR_ONE, amount) else { continue };
        let Ok(needed) = pool.quote_out(Side::ZERO_FOR_ONE, out) else { continue };
        let at = |amount_in| pool.quote_in(Side::ZERO_FOR_ONE, amount_in);
        if matches!(pool, AnyPool::BalancerWeighted(_) | AnyPool::BalancerStable(_)) {
            // the vault's own formulas, one for each direction: they meet but for their roundings and a unit of each
            // token
            let noise = amount / U256::from(1_000_000) + U256::from(2) * amount / out + U256::from(2);
            assert!(needed.abs_diff(amount) <= noise, "{needed}, not {amount}, for {out}: {pool:?}");
            found[0] += 1;
            continue;
        }
        assert!(at(needed).is_ok_and(|enough| enough >= out), "{needed} for {out} of {pool:?}");
        let less = at(needed - U256::ONE);
        assert!(less == Err(NoQuote::TooSmall) || less.is_ok_and(|less| less < out), "{needed} for {out} of {pool:?}");
        // crypto pools stop iterating at 1e-14 of D: within that, more in can give less out
        let noise = amount / U256::from(1_000_000_000) + U256::from(1000);
        assert!(needed <= amount + noise, "{needed} found where {amount} is enough");
        found[1] += 1;
    }
    assert!(found[0] > cases(2_000) / 5 && found[1] > cases(2_000) / 4, "{found:?}");
}

#[test]
fn the_price_is_that_of_a_small_swap() {
    let mut random = Seeded(23);
    let mut near = 0;
    for _ in 0..cases(2_000) {
        let (pool, _) = sensible(&mut random);
        for side in [Side::ZERO_FOR_ONE, Side::ONE_FOR_ZERO] {
            let price = pool.spot_price(side);
            // about ten whole units of a million: its own slippage is some 1e-5
            let balance = match &pool {
                AnyPool::CurveStable(p) => p.balances[usize::from(side.from)],
                AnyPool::CurveCrypto(p) => p.balances[usize::from(side.from)],
                AnyPool::BalancerWeighted(p) => p.balances[usize::from(side.from)],
                AnyPool::BalancerStable(p) => p.balances[usize::from(side.from)],
                AnyPool::Solidly(p) => p.reserves[usize::from(side.from)],
                other => panic!("not of these: {other:?}"),
            };
            let amount = balance / U256::from(100_000);
            let Ok(out) = pool.quote_in(side, amount) else { continue };
            let real = f64::from(out) / f64::from(amount);
            assert!((price / real - 1.0).abs() < 2e-3, "{price} is not {real}: {pool:?}");
            near += 1;
        }
    }
    assert!(near > cases(2_000), "{near}");
}

#[test]
fn a_crypto_pool_is_unknown_after_a_swap() {
    let mut random = Seeded(24);
    let mut pool = loop {
        if let (pool @ AnyPool::CurveCrypto(_), _) = sensible(&mut random) {
            break pool;
        }
    };
    let amount = ten_to(8);
    assert!(pool.apply(Side::ZERO_FOR_ONE, amount).is_ok());
    assert_eq!(pool.quote_in(Side::ZERO_FOR_ONE, amount), Err(NoQuote::Unknown));
    assert_eq!(pool.quote_out(Side::ZERO_FOR_ONE, amount), Err(NoQuote::Unknown));
    assert_eq!(pool.apply(Side::ZERO_FOR_ONE, amount), Err(NoQuote::Unknown));
}
