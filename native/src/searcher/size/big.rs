//! Integers of up to 640 bits that know their length: products of a few reserves, faster than a fixed width that fits all.
use std::cmp::Ordering;

/// Products here have up to 390 bits, their factors together up to 9 limbs (see [`super::wide`]).
const LIMBS: usize = 10;

/// A whole number of up to 10 limbs: `limbs[..len]`, least first, the last of them not zero.
#[derive(Clone, Debug)]
pub(super) struct Big {
    limbs: [u64; LIMBS],
    len: usize,
}

impl From<u128> for Big {
    fn from(n: u128) -> Big {
        let mut limbs = [0; LIMBS];
        limbs[0] = n as u64;
        limbs[1] = (n >> 64) as u64;
        Big { limbs, len: 2 - usize::from(limbs[1] == 0) - usize::from(n == 0) }
    }
}

impl Big {
    /// The product of a reserve and a fee.
    pub fn product(a: u128, b: u32) -> Big {
        a.checked_mul(b.into()).map_or_else(|| Big::from(a).times(&Big::from(u128::from(b))), Big::from)
    }

    pub fn limbs(&self) -> &[u64] {
        &self.limbs[..self.len]
    }

    pub fn bits(&self) -> usize {
        self.limbs().last().map_or(0, |last| 64 * self.len - last.leading_zeros() as usize)
    }

    fn trim(&mut self) {
        while self.len > 0 && self.limbs[self.len - 1] == 0 {
            self.len -= 1;
        }
    }

    /// This by 2^`shift`, rounded down or up.
    pub fn shifted(&self, shift: usize, up: bool) -> Big {
        let (whole, part) = (shift / 64, shift % 64);
        let lost = self.limbs().iter().take(whole).any(|&limb| limb != 0)
            || self.limbs().get(whole).is_some_and(|limb| limb & ((1 << part) - 1) != 0);
        let mut limbs = [0; LIMBS];
        for (to, n) in limbs.iter_mut().zip(whole..self.len) {
            let above = if part == 0 || n + 1 == LIMBS { 0 } else { self.limbs[n + 1] << (64 - part) };
            *to = self.limbs[n] >> part | above;
        }
        let mut shifted = Big { limbs, len: self.len.saturating_sub(whole) };
        shifted.trim();
        if lost && up { shifted.plus(&Big::from(1)) } else { shifted }
    }

    /// The product; the lengths of both must together fit.
    pub fn times(&self, other: &Big) -> Big {
        let mut product = Big { limbs: [0; LIMBS], len: self.len + other.len };
        for (i, &a) in self.limbs().iter().enumerate() {
            let mut carry = 0u128;
            let row = &mut product.limbs[i..=i + other.len];
            for (to, &b) in row.iter_mut().zip(other.limbs()) {
                carry += u128::from(a) * u128::from(b) + u128::from(*to);
                *to = carry as u64;
                carry >>= 64;
            }
            row[other.len] = carry as u64;
        }
        product.trim();
        product
    }

    /// The sum; it must fit.
    pub fn plus(&self, other: &Big) -> Big {
        let mut sum = self.clone();
        let mut carry = false;
        sum.len = self.len.max(other.len) + 1;
        for (to, &b) in sum.limbs[..sum.len].iter_mut().zip(&other.limbs) {
            let (partial, over) = to.overflowing_add(b);
            let (full, again) = partial.overflowing_add(u64::from(carry));
            (*to, carry) = (full, over | again);
        }
        sum.trim();
        sum
    }

    /// The difference; none where it is negative.
    pub fn minus(&self, other: &Big) -> Option<Big> {
        let mut rest = self.clone();
        let mut borrow = false;
        rest.len = self.len.max(other.len);
        for (to, &b) in rest.limbs[..rest.len].iter_mut().zip(&other.limbs) {
            let (partial, under) = to.overflowing_sub(b);
            let (full, again) = partial.overflowing_sub(u64::from(borrow));
            (*to, borrow) = (full, under | again);
        }
        rest.trim();
        (!borrow).then_some(rest)
    }
}

impl PartialEq for Big {
    fn eq(&self, other: &Big) -> bool {
        self.limbs() == other.limbs()
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Big) -> Option<Ordering> {
        let by_length = self.len.cmp(&other.len);
        Some(by_length.then_with(|| self.limbs().iter().rev().cmp(other.limbs().iter().rev())))
    }
}

/// `a * b / d` rounded down, and whether something was left; none where the quotient has more than 128 bits or `d` is 0.
/// Division of two words by one after Knuth, "The Art of Computer Programming" 2, 4.3.1, algorithm D.
pub(super) fn mul_div(a: u128, b: u128, d: u128) -> Option<(u128, bool)> {
    let (high, low) = product(a, b);
    if high >= d {
        return None;
    }
    if high == 0 {
        return Some((low / d, low % d != 0));
    }
    let shift = d.leading_zeros();
    let d = d << shift;
    let high = if shift == 0 { high } else { high << shift | low >> (128 - shift) };
    let low = low << shift;
    let (first, rest) = digit(high, (low >> 64) as u64, d);
    let (second, rest) = digit(rest, low as u64, d);
    Some((u128::from(first) << 64 | u128::from(second), rest != 0))
}

fn product(a: u128, b: u128) -> (u128, u128) {
    let halves = |n: u128| ((n >> 64), n & u128::from(u64::MAX));
    let ((a1, a0), (b1, b0)) = (halves(a), halves(b));
    let (low, cross, other) = (a0 * b0, a0 * b1, a1 * b0);
    let middle = (low >> 64) + (cross & u128::from(u64::MAX)) + (other & u128::from(u64::MAX));
    (a1 * b1 + (cross >> 64) + (other >> 64) + (middle >> 64), middle << 64 | low & u128::from(u64::MAX))
}

/// `(n 2^64 + next) / d` and its rest, for n < d and d with its top bit set: the quotient has 64 bits.
fn digit(n: u128, next: u64, d: u128) -> (u64, u128) {
    let (d1, d0) = (d >> 64, d & u128::from(u64::MAX));
    // From the leading parts the digit is right or up to two too great.
    let mut digit = (n / d1).min(u128::from(u64::MAX));
    let mut rest = n - digit * d1;
    while rest >> 64 == 0 && digit * d0 > (rest << 64 | u128::from(next)) {
        digit -= 1;
        rest += d1;
    }
    // The rest is below d, so arithmetic modulo 2^128 gives it.
    (digit as u64, (n << 64 | u128::from(next)).wrapping_sub(digit.wrapping_mul(d)))
}
