//! Long division of up to 384 bits by up to 256, for the quotients that decide a swap's amounts.
//! Source: Knuth, The Art of Computer Programming, volume 2, section 4.3.1, algorithm D.
//!
//! The general integers' division moves and compares slices of unknown length; with lengths known when compiling it is several
//! times as fast, and a quote is little else than two divisions.

use alloy_primitives::U256;

/// A numerator, lowest limb first.
pub(super) type Six = [u64; 6];
/// A divisor or a product of two 128-bit integers.
pub(super) type Four = [u64; 4];

/// The product of two integers of 128 bits.
#[inline]
pub(super) fn product(a: u128, b: u128) -> Four {
    let wide = |x: u64, y: u64| u128::from(x) * u128::from(y);
    let (a0, a1, b0, b1) = (a as u64, (a >> 64) as u64, b as u64, (b >> 64) as u64);
    let (low, high) = (wide(a0, b0), wide(a1, b1));
    let (mid, over) = wide(a0, b1).overflowing_add(wide(a1, b0));
    let (low, carry) = low.overflowing_add(mid << 64);
    let high = high + (mid >> 64) + (u128::from(over) << 64) + u128::from(carry);
    [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64]
}

/// Times 2^96.
#[inline]
pub(super) fn shifted(n: Four) -> Six {
    [0, n[0] << 32, n[1] << 32 | n[0] >> 32, n[2] << 32 | n[1] >> 32, n[3] << 32 | n[2] >> 32, n[3] >> 32]
}

/// An integer of 128 bits as limbs.
#[inline]
pub(super) fn limbs(n: u128) -> Four {
    [n as u64, (n >> 64) as u64, 0, 0]
}

/// An integer of at most 128 bits; none where it has more.
#[inline]
pub(super) fn short(n: U256) -> Option<u128> {
    let limbs = n.as_limbs();
    (limbs[2] | limbs[3] == 0).then(|| u128::from(limbs[1]) << 64 | u128::from(limbs[0]))
}

/// A liquidity times 2^96.
#[inline]
pub(super) fn liquidity_q96(liquidity: u128) -> Four {
    let (low, high) = (liquidity as u64, (liquidity >> 64) as u64);
    [0, low << 32, high << 32 | low >> 32, high >> 32]
}

/// By 2^96, rounded down.
#[inline]
pub(super) fn by_q96(n: Four) -> Four {
    [n[1] >> 32 | n[2] << 32, n[2] >> 32 | n[3] << 32, n[3] >> 32, 0]
}

/// `n / d` rounded down, and whether there is a rest; none where the quotient does not fit 128 bits or `d` is zero.
#[inline]
pub(super) fn quotient(n: &Six, d: &Four) -> Option<(u128, bool)> {
    if d[3] != 0 {
        by::<4>(n, *d)
    } else if d[2] != 0 {
        by::<3>(n, [d[0], d[1], d[2]])
    } else if d[1] != 0 {
        by::<2>(n, [d[0], d[1]])
    } else if d[0] != 0 {
        // as two limbs: both times 2^64, which changes neither the quotient nor whether there is a rest
        if n[5] != 0 {
            return None;
        }
        by::<2>(&[0, n[0], n[1], n[2], n[3], n[4]], [0, d[0]])
    } else {
        None
    }
}

/// By a divisor of `M` limbs, its highest not zero.
#[inline]
fn by<const M: usize>(n: &Six, d: [u64; M]) -> Option<(u128, bool)> {
    let shift = d[M - 1].leading_zeros();
    let up = |high: u64, low: u64| if shift == 0 { high } else { high << shift | low >> (64 - shift) };
    let mut u =
        [n[0] << shift, up(n[1], n[0]), up(n[2], n[1]), up(n[3], n[2]), up(n[4], n[3]), up(n[5], n[4]), up(0, n[5])];
    let mut v = d;
    for i in (1..M).rev() {
        v[i] = up(d[i], d[i - 1]);
    }
    v[0] = d[0] << shift;
    let mut q = 0_u128;
    for j in (0..7 - M).rev() {
        if q >> 64 != 0 {
            return None;
        }
        q = q << 64 | u128::from(digit(&mut u, &v, j));
    }
    Some((q, u[..M].iter().any(|&limb| limb != 0)))
}

/// One digit of the quotient: takes `digit * v * 2^(64 j)` off `u`, which is then below `v * 2^(64 j)`.
#[inline]
fn digit<const M: usize>(u: &mut [u64; 7], v: &[u64; M], j: usize) -> u64 {
    let (top, second) = (v[M - 1], u128::from(v[M - 2]));
    if u[j + M] == 0 && u[j + M - 1] < top {
        return 0;
    }
    let head = u128::from(u[j + M]) << 64 | u128::from(u[j + M - 1]);
    let mut guess = if u[j + M] >= top { u128::from(u64::MAX) } else { head / u128::from(top) };
    let mut rest = head - guess * u128::from(top);
    while rest >> 64 == 0 && guess * second > (rest << 64 | u128::from(u[j + M - 2])) {
        guess -= 1; // at most twice
        rest += u128::from(top);
    }
    let (mut carry, mut borrow) = (0_u128, false);
    for i in 0..M {
        carry += guess * u128::from(v[i]);
        let (less, under) = u[j + i].overflowing_sub(carry as u64);
        let (less, again) = less.overflowing_sub(u64::from(borrow));
        u[j + i] = less;
        borrow = under | again;
        carry >>= 64;
    }
    let (less, under) = u[j + M].overflowing_sub(carry as u64);
    let (less, again) = less.overflowing_sub(u64::from(borrow));
    u[j + M] = less;
    if under | again {
        guess -= 1; // one too many, about once in 2^63
        let mut carry = 0_u128;
        for i in 0..M {
            carry += u128::from(u[j + i]) + u128::from(v[i]);
            u[j + i] = carry as u64;
            carry >>= 64;
        }
        u[j + M] = u[j + M].wrapping_add(carry as u64);
    }
    guess as u64
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;
    use alloy_primitives::ruint::Uint;
    use proptest::prelude::*;

    use super::*;

    type U384 = Uint<384, 6>;

    fn check(n: Six, d: Four) {
        if d == [0; 4] {
            assert_eq!(quotient(&n, &d), None);
            return;
        }
        let divisor = U384::from_limbs([d[0], d[1], d[2], d[3], 0, 0]);
        let (whole, rest) = U384::from_limbs(n).div_rem(divisor);
        let expected = (whole.bit_len() <= 128).then(|| (whole.to::<u128>(), !rest.is_zero()));
        assert_eq!(quotient(&n, &d), expected, "{n:x?} / {d:x?}");
    }

    /// Limbs that make a first guess wrong are near the ends of their range.
    fn limb() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            Just(0),
            Just(u64::MAX),
            Just(1 << 63),
            Just((1 << 63) - 1),
            0..4_u64,
            Just(u64::MAX - 1)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn it_is_the_general_division(n in any::<[u64; 6]>(), d in any::<[u64; 4]>(), a in 0..385_usize, b in 0..257_usize) {
            let n = U384::from_limbs(n).checked_shr(a).unwrap_or_default();
            let d = U256::from_limbs(d).checked_shr(b).unwrap_or_default();
            check(*n.as_limbs(), *d.as_limbs());
        }

        #[test]
        fn also_where_a_digit_is_guessed_wrong(n in prop::array::uniform6(limb()), d in prop::array::uniform4(limb()),
            cut in 0..4_usize, top in 0..6_usize) {
            let (mut n, mut d) = (n, d);
            d[4 - cut..].fill(0);
            n[6 - top..].fill(0);
            check(n, d);
        }

        #[test]
        fn products_are_whole(a in any::<u128>(), b in any::<u128>()) {
            let whole = U256::from(a) * U256::from(b);
            prop_assert_eq!(product(a, b), *whole.as_limbs());
            let wide: U384 = (U384::from(a) * U384::from(b)) << 96;
            prop_assert_eq!(shifted(product(a, b)), *wide.as_limbs());
        }
    }
}
