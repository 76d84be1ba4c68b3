//! `a * b / d` of 128-bit numbers, for pools whose products stay below 256 bits and whose quotients below 128.
//! Source: Möller and Granlund, "Improved division by invariant integers", IEEE Transactions on Computers 60 (2011),
//! algorithms 4 (three words by two) and 6 (the reciprocal of two words).
//!
//! One hardware division makes a reciprocal, and each 64-bit word of the quotient costs two multiplications.

const WORD: u32 = 64;

fn high(n: u128) -> u64 {
    (n >> WORD) as u64
}

fn low(n: u128) -> u64 {
    n as u64
}

fn product(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

/// `a * b` as high and low 128 bits.
#[inline]
fn wide(a: u128, b: u128) -> (u128, u128) {
    let (low_low, high_high) = (product(low(a), low(b)), product(high(a), high(b)));
    let (cross, other) = (product(high(a), low(b)), product(low(a), high(b)));
    // Each of these sums is below 3 * 2^64.
    let middle = u128::from(high(low_low)) + u128::from(low(cross)) + u128::from(low(other));
    let above = high_high + u128::from(high(cross)) + u128::from(high(other)) + u128::from(high(middle));
    (above, u128::from(low(low_low)) | middle << WORD)
}

/// `floor((2^192 - 1) / d) - 2^64` of a `d` whose highest bit is set (algorithm 6).
#[inline]
fn reciprocal(d: u128) -> u64 {
    let (d1, d0) = (high(d), low(d));
    // Below 2^64, because d1 has its highest bit set.
    let mut v = ((u128::from(!d1) << WORD | u128::from(u64::MAX)) / u128::from(d1)) as u64;
    let mut p = d1.wrapping_mul(v).wrapping_add(d0);
    if p < d0 {
        v = v.wrapping_sub(1);
        if p >= d1 {
            v = v.wrapping_sub(1);
            p = p.wrapping_sub(d1);
        }
        p = p.wrapping_sub(d1);
    }
    let t = product(v, d0);
    let sum = p.wrapping_add(high(t));
    if sum < p {
        v = v.wrapping_sub(1);
        if u128::from(sum) << WORD | u128::from(low(t)) >= d {
            v = v.wrapping_sub(1);
        }
    }
    v
}

/// Quotient and rest of `above * 2^64 + next` by `d`, where `above < d` (algorithm 4).
#[inline]
fn step(above: u128, next: u64, d: u128, v: u64) -> (u64, u128) {
    // v * u2 + (u2, u1) is below 2^128 for above < d.
    let q = product(v, high(above)).wrapping_add(above);
    let mut digit = high(q).wrapping_add(1);
    let r1 = low(above).wrapping_sub(high(q).wrapping_mul(high(d)));
    let mut rest = (u128::from(r1) << WORD | u128::from(next)).wrapping_sub(product(low(d), high(q))).wrapping_sub(d);
    if high(rest) >= low(q) {
        digit = digit.wrapping_sub(1);
        rest = rest.wrapping_add(d);
    }
    if rest >= d {
        digit = digit.wrapping_add(1);
        rest -= d;
    }
    (digit, rest)
}

/// `a * b / d` rounded down; none where `d` is zero or the quotient does not fit 128 bits.
#[inline]
pub(in super::super) fn mul_div(a: u128, b: u128, d: u128) -> Option<u128> {
    let (above, below) = wide(a, b);
    if above == 0 {
        return below.checked_div(d);
    }
    if above >= d {
        return None;
    }
    // Shifted so that d has its highest bit set; above < d stays so, and nothing is shifted out of it.
    let shift = d.leading_zeros();
    let d = d << shift;
    let above = above << shift | (below >> 1) >> (127 - shift);
    let below = below << shift;
    let v = reciprocal(d);
    let (q1, rest) = if above >> WORD == 0 && u128::from(high(below)) | above << WORD < d {
        (0, above << WORD | u128::from(high(below))) // half of all quotients are one word
    } else {
        step(above, high(below), d, v)
    };
    let (q0, _) = step(rest, low(below), d, v);
    Some(u128::from(q1) << WORD | u128::from(q0))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;
    use proptest::prelude::*;

    use super::mul_div;

    fn plain(a: u128, b: u128, d: u128) -> Option<u128> {
        if d == 0 {
            return None;
        }
        u128::try_from(U256::from(a) * U256::from(b) / U256::from(d)).ok()
    }

    /// Numbers of every length, and those around powers of two.
    fn numbers() -> impl Strategy<Value = u128> {
        let near = (0u32..128, 0u128..3, any::<bool>()).prop_map(|(bit, by, below)| {
            if below { (1 << bit) - by.min(1 << bit) } else { (1u128 << bit).saturating_add(by) }
        });
        let ends = (0u32..128, any::<u64>()).prop_map(|(bit, word)| u128::MAX << bit ^ u128::from(word));
        prop_oneof![4 => (any::<u128>(), 0u32..128).prop_map(|(n, by)| n >> by), 2 => near, 1 => ends]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(
            std::env::var("SEARCHER_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000)
        ))]

        #[test]
        fn a_product_divided_is_what_256_bits_say(a in numbers(), b in numbers(), d in numbers()) {
            prop_assert_eq!(mul_div(a, b, d), plain(a, b, d));
        }

        /// Quotients that nearly fit: the numerator is just below, at and above a multiple of the divisor.
        #[test]
        fn so_it_does_at_multiples(q in numbers(), d in numbers(), by in 0u128..3) {
            let d = d.max(1);
            prop_assert_eq!(mul_div(q, d, d), Some(q));
            prop_assert_eq!(mul_div(d, d.saturating_sub(by).max(1), d), plain(d, d.saturating_sub(by).max(1), d));
            prop_assert_eq!(mul_div(q.saturating_sub(by), d, d), plain(q.saturating_sub(by), d, d));
        }
    }
}
