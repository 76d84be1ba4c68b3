//! Powers of numbers with 18 decimals, with the roundings of the contract:
//! `pkg/solidity-utils/contracts/math/LogExpMath.sol` (Fernando Martinelli, Sergio Yuhjtman, Daniel Fernandez).
use alloy_primitives::{I256, U256};

use super::super::NoQuote;
use super::super::checked::E18;

const fn int(value: u128) -> I256 {
    I256::from_raw(U256::from_limbs([value as u64, (value >> 64) as u64, 0, 0]))
}

const ONE_18: I256 = int(E18 as u128);
const ONE_20: I256 = int(100 * E18 as u128);
const ONE_36: I256 = int(E18 as u128 * E18 as u128);
/// e^128 without decimals: 38877084059945950922200 times 1e33.
const E_128: I256 =
    I256::from_raw(U256::from_limbs([0x0262_8270_0000_0000, 0xf53a_2717_2fa9_ec63, 0x0195_e54c_5dd4_2177, 0]));
/// e^64 without decimals.
const E_64: I256 = int(6_235_149_080_811_616_882_910_000_000);
/// x_n = 2^(7-n) and e^(x_n) for n from 2, with 20 decimals.
const POWERS: [(I256, I256); 10] = [
    (int(3_200_000_000_000_000_000_000), int(7_896_296_018_268_069_516_100_000_000_000_000)),
    (int(1_600_000_000_000_000_000_000), int(888_611_052_050_787_263_676_000_000)),
    (int(800_000_000_000_000_000_000), int(298_095_798_704_172_827_474_000)),
    (int(400_000_000_000_000_000_000), int(5_459_815_003_314_423_907_810)),
    (int(200_000_000_000_000_000_000), int(738_905_609_893_065_022_723)),
    (int(100_000_000_000_000_000_000), int(271_828_182_845_904_523_536)),
    (int(50_000_000_000_000_000_000), int(164_872_127_070_012_814_685)),
    (int(25_000_000_000_000_000_000), int(128_402_541_668_774_148_407)),
    (int(12_500_000_000_000_000_000), int(113_314_845_306_682_631_683)),
    (int(6_250_000_000_000_000_000), int(106_449_445_891_785_942_956)),
];
const X_128: I256 = int(128 * E18 as u128);
const X_64: I256 = int(64 * E18 as u128);

fn small(value: u64) -> I256 {
    int(u128::from(value))
}

/// x^y. The contract multiplies unchecked; its bounds on x and y, kept here, keep every product within 255 bits.
///
/// # Errors
/// [`NoQuote::Overflow`] where x, y or the result are out of the contract's bounds.
pub(super) fn pow(x: U256, y: U256) -> Result<U256, NoQuote> {
    if y.is_zero() {
        return Ok(U256::from(E18));
    }
    if x.is_zero() {
        return Ok(U256::ZERO);
    }
    let mild_exponent = (U256::ONE << 254) / U256::from(100 * u128::from(E18));
    if x.bit(255) || y >= mild_exponent {
        return Err(NoQuote::Overflow);
    }
    let (x, y) = (I256::from_raw(x), I256::from_raw(y));
    let tenth = int(u128::from(E18) / 10);
    let power = if ONE_18 - tenth < x && x < ONE_18 + tenth {
        let ln = ln_36(x);
        ln / ONE_18 * y + ln % ONE_18 * y / ONE_18
    } else {
        ln(x) * y
    } / ONE_18;
    if power < -(small(41) * ONE_18) || power > small(130) * ONE_18 {
        return Err(NoQuote::Overflow);
    }
    Ok(exp(power).into_raw())
}

fn exp(x: I256) -> I256 {
    if x.is_negative() {
        return ONE_18 * ONE_18 / exp(-x);
    }
    let (mut x, first) = if x >= X_128 {
        (x - X_128, E_128)
    } else if x >= X_64 {
        (x - X_64, E_64)
    } else {
        (x, I256::ONE)
    };
    x *= small(100);
    let mut product = ONE_20;
    for (x_n, a_n) in &POWERS[..8] {
        if x >= *x_n {
            x -= *x_n;
            product = product * *a_n / ONE_20;
        }
    }
    let mut sum = ONE_20 + x;
    let mut term = x;
    for n in 2..=12 {
        term = term * x / ONE_20 / small(n);
        sum += term;
    }
    product * sum / ONE_20 * first / small(100)
}

fn ln(a: I256) -> I256 {
    if a < ONE_18 {
        return -ln(ONE_18 * ONE_18 / a);
    }
    let mut a = a;
    let mut sum = I256::ZERO;
    for (x_n, a_n) in [(X_128, E_128), (X_64, E_64)] {
        if a / ONE_18 >= a_n {
            a /= a_n;
            sum += x_n;
        }
    }
    sum *= small(100);
    a *= small(100);
    for (x_n, a_n) in POWERS {
        if a >= a_n {
            a = a * ONE_20 / a_n;
            sum += x_n;
        }
    }
    let z = (a - ONE_20) * ONE_20 / (a + ONE_20);
    (sum + series(z, ONE_20, 11) * small(2)) / small(100)
}

/// ln with 36 decimals, of an x near one.
fn ln_36(x: I256) -> I256 {
    let x = x * ONE_18;
    let z = (x - ONE_36) * ONE_36 / (x + ONE_36);
    series(z, ONE_36, 15) * small(2)
}

/// z + z³/3 + z⁵/5 + … up to `last`, of numbers with `one` as one.
fn series(z: I256, one: I256, last: u64) -> I256 {
    let square = z * z / one;
    let mut power = z;
    let mut sum = z;
    for n in (3..=last).step_by(2) {
        power = power * square / one;
        sum += power / small(n);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_those_of_the_source() {
        assert_eq!(E_128.to_string(), "38877084059945950922200000000000000000000000000000000000");
        assert_eq!(E_64.to_string(), "6235149080811616882910000000");
    }

    #[test]
    fn powers_are_near_the_true_ones_over_the_whole_range() {
        for (x, y) in [(0.5, 2.0), (0.93, 0.25), (1.4, 3.3), (2.0e4, 0.125), (1e-6, 0.5), (1.0999, 40.0), (1e18, 3.0)] {
            let fixed = |v: f64| U256::from((v * 1e9) as u128) * U256::from(1_000_000_000u64);
            let exact = f64::from(pow(fixed(x), fixed(y)).expect("in bounds")) / 1e18;
            assert!((exact / x.powf(y) - 1.0).abs() < 1e-9, "{x}^{y} = {exact}");
        }
    }

    #[test]
    fn out_of_bounds_is_refused() {
        let one = U256::from(E18);
        assert_eq!(pow(one << 1, one * U256::from(200)), Err(NoQuote::Overflow));
        assert_eq!(pow(U256::MAX, one), Err(NoQuote::Overflow));
        assert_eq!(pow(one, U256::MAX), Err(NoQuote::Overflow));
        assert_eq!(pow(U256::ZERO, one), Ok(U256::ZERO));
        assert_eq!(pow(U256::ZERO, U256::ZERO), Ok(one));
    }
}
