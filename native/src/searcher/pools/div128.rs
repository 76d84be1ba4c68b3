//! `a * b / d` of 128-bit numbers, for pools whose products stay below 256 bits and whose quotients below 128.
//! Source: Knuth, "The Art of Computer Programming" volume 2, section 4.3.1, algorithm D, with digits of 64 bits: one hardware
//! division and two multiplications for each of the quotient's two digits.

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

/// Quotient and rest of `above * 2^64 + next` by `d`, where `above < d` and d's highest bit is set (Knuth's algorithm D).
#[inline]
fn step(above: u128, next: u64, d: u128) -> (u64, u128) {
    let (d1, d0) = (high(d), low(d));
    let mut digit;
    let r1;
    if high(above) >= d1 {
        // The quotient by d1 alone would not fit: the greatest digit, whose rest by d1 is above - MAX * d1.
        digit = u64::MAX;
        let (sum, carry) = low(above).overflowing_add(d1);
        if carry {
            // That rest has 65 bits, more than digit * d0 can take from it.
            return (digit, (u128::from(sum) << WORD | u128::from(next)).wrapping_sub(product(digit, d0)));
        }
        r1 = sum;
    } else {
        digit = (above / u128::from(d1)) as u64;
        r1 = low(above).wrapping_sub(digit.wrapping_mul(d1));
    }
    let (mut rest, over) = (u128::from(r1) << WORD | u128::from(next)).overflowing_sub(product(digit, d0));
    if over {
        // By d1 alone the digit is at most two too great; it is at least as many then.
        digit -= 1;
        let (sum, enough) = rest.overflowing_add(d);
        rest = sum;
        if !enough {
            digit -= 1;
            rest = rest.wrapping_add(d);
        }
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
    let (q1, rest) = if above >> WORD == 0 && u128::from(high(below)) | above << WORD < d {
        (0, above << WORD | u128::from(high(below))) // half of all quotients are one word
    } else {
        step(above, high(below), d)
    };
    let (q0, _) = step(rest, low(below), d);
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
        #![proptest_config(ProptestConfig::with_cases(20_000))]

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
