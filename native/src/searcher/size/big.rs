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
