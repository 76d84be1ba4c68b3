//! A path of constant-product hops as one function `K x / (M + N x)` with exact integers, and what that proves.
//!
//! Each hop takes x to `f Y x / (d X + f x)` before it rounds down (X, Y the reserves, f/d what is left after the fee), so
//! hops compose to `K x / (M + N x)`. Rounding down only ever loses and no hop falls as more goes in, so what the chain
//! pays for x is at most that. From there, with real x:
//! - the profit `K x / (M + N x) - x` is concave, its maximum at `(sqrt(K M) - M) / N` is `(sqrt K - sqrt M)^2 / N`;
//! - it is at least w exactly where `N x^2 - B x + M w <= 0` with `B = K - M - N w`.
//!
//! Both are decided here on integers: no whole x outside of that range earns w.
use alloy_primitives::{U256, Uint};

use super::path::Leg;

/// `K x / (M + N x)`; the products fit where twice the length of each of the three is less than `B` bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide<const B: usize, const L: usize> {
    k: Uint<B, L>,
    m: Uint<B, L>,
    n: Uint<B, L>,
}

/// The real maximum and where profits of at least an amount lie, all of it proven.
pub(super) trait Bounds {
    /// The whole part of the amount that earns most in reals; none where nothing earns.
    fn best_in(&self) -> Option<U256>;
    /// No whole amount earns more than this. None: no amount earns anything.
    fn most(&self) -> Option<U256>;
    /// All amounts that could earn `profit` are from the first to the second; none where there is none.
    fn window(&self, profit: U256) -> Option<(U256, U256)>;
}

/// The square root, rounded down (Newton's method from above).
fn isqrt<const B: usize, const L: usize>(n: Uint<B, L>) -> Uint<B, L> {
    if n.is_zero() {
        return n;
    }
    // The first guess: the root of the leading 64 bits, rounded up, so that it is not below the root.
    let shift = n.bit_len().saturating_sub(62).next_multiple_of(2);
    let top: u64 = (n >> shift).to::<u64>();
    let mut root = (Uint::<B, L>::from(top.isqrt() + 1)) << (shift / 2);
    loop {
        let next = (root + n / root) >> 1usize;
        if next >= root {
            return root;
        }
        root = next;
    }
}

impl<const B: usize, const L: usize> Wide<B, L> {
    fn of(legs: &[Leg]) -> Wide<B, L> {
        let wide = Uint::<B, L>::from::<u128>;
        let (mut k, mut m, mut n) = (wide(1), wide(1), wide(0));
        for leg in legs {
            let fee = wide(u128::from(leg.fee_num));
            let down = wide(leg.reserve_in) * wide(u128::from(leg.fee_den));
            n = n * down + k * fee;
            k = k * fee * wide(leg.reserve_out);
            m *= down;
        }
        Wide { k, m, n }
    }
}

impl<const B: usize, const L: usize> Bounds for Wide<B, L> {
    fn best_in(&self) -> Option<U256> {
        let root = isqrt(self.k * self.m);
        Some(((root.checked_sub(self.m)?) / self.n).saturating_to())
    }

    fn most(&self) -> Option<U256> {
        if self.k <= self.m {
            return None;
        }
        let square = self.k * self.m;
        let root = isqrt(square);
        // (sqrt K - sqrt M)^2 = K + M - 2 sqrt(K M); the root of 4 K M rounded up, as the profit is to be rounded down.
        let mut twice = root << 1usize;
        let mut rest = (square - root * root) << 2usize; // 4 K M - twice^2, at most 8 root
        while !rest.is_zero() {
            let step = (twice << 1usize) + Uint::from(1u64);
            twice += Uint::from(1u64);
            rest = rest.saturating_sub(step);
        }
        Some(((self.k + self.m - twice) / self.n).saturating_to())
    }

    fn window(&self, profit: U256) -> Option<(U256, U256)> {
        let w = Uint::<B, L>::from(profit);
        let gain = self.k.checked_sub(self.m)?;
        if self.n.leading_zeros() + w.leading_zeros() < B || self.n * w >= gain {
            return None;
        }
        let b = gain - self.n * w;
        let inside = (b * b).checked_sub((self.n * self.m * w) << 2usize)?;
        let root = isqrt(inside);
        let twice = self.n << 1usize;
        let (from, to) = ((b - root).div_ceil(twice), (b + root) / twice);
        (from <= to).then(|| (from.saturating_to(), to.saturating_to()))
    }
}

fn bits(n: u128) -> usize {
    128 - n.leading_zeros() as usize
}

/// What is proven of these hops, in integers just wide enough.
pub(super) fn with_bounds<T>(legs: &[Leg], then: impl FnOnce(&dyn Bounds) -> T) -> T {
    // K, M and each part of N are at most the product of the greater of each hop's two factors; N has at most four parts.
    let of_leg = |leg: &Leg| {
        let (up, down) =
            (bits(leg.reserve_out) + bits(leg.fee_num.into()), bits(leg.reserve_in) + bits(leg.fee_den.into()));
        up.max(down)
    };
    let most: usize = legs.iter().map(of_leg).sum::<usize>() + 3;
    match 2 * most + 4 {
        ..=512 => then(&Wide::<512, 8>::of(legs)),
        ..=768 => then(&Wide::<768, 12>::of(legs)),
        ..=1024 => then(&Wide::<1024, 16>::of(legs)),
        _ => then(&Wide::<1280, 20>::of(legs)), // four hops of uint112 and 32-bit fees: 2 * (4 * 144 + 3) + 4 = 1162
    }
}
