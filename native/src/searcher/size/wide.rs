//! A path of constant-product hops as one function `K x / (M + N x)` with integers, and what that proves.
//!
//! Each hop takes x to `f Y x / (d X + f x)` before it rounds down (X, Y the reserves, f/d what is left after the fee),
//! so hops compose to `K x / (M + N x)`. Rounding down only ever loses and no hop falls as more goes in, so what the
//! chain pays for x is at most that. From there, with real x:
//! - the profit `K x / (M + N x) - x` is concave, its maximum at `(sqrt(K M) - M) / N` is `(sqrt K - sqrt M)^2 / N`;
//! - it is at least w exactly where `N x^2 - B x + M w <= 0` with `B = K - M - N w`.
//!
//! All of it is decided on integers. Four hops would make K and M of up to 576 bits and their products of 1,152; K, M
//! and N are kept to 192 bits by a common shift instead, K rounded up, M and N down. That only raises the function, so
//! that what is proven stays proven, and by less than one in 2^100 for reserves and profits as they are: no bound of a
//! whole number of units is known to have changed by it. Up to 192 bits (every reserve below 2^48, for example) nothing
//! is rounded.
use std::cell::OnceCell;

use alloy_primitives::{U256, Uint};

use super::big::Big;
use super::path::Leg;

/// `K x / (M + N x)`.
#[derive(Clone, Debug)]
pub(super) struct Wide {
    k: Big,
    m: Big,
    n: Big,
    four_n_m: Big,
    most: OnceCell<Option<U256>>,
}

/// Of this many bits K, M and N are at most.
const KEPT: usize = 192;

impl Wide {
    pub fn of(legs: &[Leg]) -> Wide {
        let (mut k, mut m, mut n) = (Big::from(1), Big::from(1), Big::from(0));
        for leg in legs {
            let down = Big::product(leg.reserve_in, leg.fee_den);
            n = n.times(&down).plus(&k.times(&Big::from(u128::from(leg.fee_num))));
            k = k.times(&Big::product(leg.reserve_out, leg.fee_num));
            m = m.times(&down);
            let most = k.bits().max(m.bits()).max(n.bits());
            if most > KEPT {
                // One bit less, as rounding up can add one.
                let shift = most - (KEPT - 1);
                (k, m, n) = (k.shifted(shift, true), m.shifted(shift, false), n.shifted(shift, false));
            }
        }
        let four_n_m = n.times(&m).times(&Big::from(4));
        Wide { k, m, n, four_n_m, most: OnceCell::new() }
    }

    /// `K - M - N w`; none where that is not above zero.
    fn b(&self, profit: &Big) -> Option<Big> {
        let gain = self.k.minus(&self.m)?;
        if self.n.bits() + profit.bits() > gain.bits() + 1 {
            return None;
        }
        gain.minus(&self.n.times(profit)).filter(|b| b.bits() > 0)
    }

    /// Whether any real amount has a profit of at least this. If not, no whole amount has.
    pub fn earns(&self, profit: U256) -> bool {
        let Ok(profit) = u128::try_from(profit) else { return false }; // K / N is at most a reserve
        let profit = Big::from(profit);
        self.b(&profit).is_some_and(|b| b.times(&b) >= self.four_n_m.times(&profit))
    }

    /// Whether this amount has a profit of at least `profit` before rounding.
    pub fn earns_at(&self, amount_in: U256, profit: U256) -> bool {
        let (Ok(x), Ok(out)) = (u128::try_from(amount_in), u128::try_from(amount_in.saturating_add(profit))) else {
            return false;
        };
        let x = Big::from(x);
        self.k.times(&x) >= self.m.plus(&self.n.times(&x)).times(&Big::from(out))
    }

    /// The whole part of the amount that earns most in reals; none where nothing earns.
    pub fn best_in(&self) -> Option<U256> {
        let [k, m, n] = self.uints();
        Some(isqrt(k * m).checked_sub(m)?.checked_div(n)?.saturating_to())
    }

    /// No amount earns more than this. None: no amount earns anything.
    pub fn most(&self) -> Option<U256> {
        *self.most.get_or_init(|| {
            let [k, m, n] = self.uints();
            if k <= m {
                return None;
            }
            // (sqrt K - sqrt M)^2 = K + M - sqrt(4 K M), the root rounded up so that the profit is rounded down.
            let square = (k * m) << 2usize;
            let root = isqrt(square);
            let root = if root * root < square { root + Uint::from(1u64) } else { root };
            Some((k + m - root).checked_div(n).map_or(U256::MAX, |most| most.saturating_to()))
        })
    }

    /// All amounts that could earn `profit` (above 0) are from the first to the second; none where there is none.
    pub fn window(&self, profit: U256) -> Option<(U256, U256)> {
        let profit = Big::from(u128::try_from(profit).ok()?);
        let b = self.b(&profit)?;
        let root = isqrt(uint(&b.times(&b).minus(&self.four_n_m.times(&profit))?));
        let (b, twice) = (uint(&b), uint(&self.n) << 1usize);
        if twice.is_zero() {
            return Some((U256::ONE, U256::MAX));
        }
        let (from, to) = ((b - root).div_ceil(twice), (b + root) / twice);
        (from <= to).then(|| (from.saturating_to(), to.saturating_to()))
    }

    fn uints(&self) -> [Uint640; 3] {
        [uint(&self.k), uint(&self.m), uint(&self.n)]
    }
}

type Uint640 = Uint<640, 10>;

fn uint(n: &Big) -> Uint640 {
    Uint640::from_limbs_slice(n.limbs())
}

/// The square root, rounded down (Newton's method from above).
fn isqrt(n: Uint640) -> Uint640 {
    if n.is_zero() {
        return n;
    }
    // The first guess: the root of the leading 62 bits, rounded up, so that it is not below the root.
    let shift = n.bit_len().saturating_sub(62).next_multiple_of(2);
    let mut root = Uint640::from((n >> shift).to::<u64>().isqrt() + 1) << (shift / 2);
    loop {
        let next = (root + n / root) >> 1usize;
        if next >= root {
            return root;
        }
        root = next;
    }
}
