//! Sums over the last n events, in integers: nothing drifts, however long the run.

use super::{MAX_WINDOW, PRICE_LIMIT};
use crate::bytes::fetch;

// Why the sums cannot overflow: |x| < 2⁴⁷ half ticks and n ≤ 2¹⁶, so |Σx| < 2⁶³, n·Σx² < 2¹²⁶ and (Σx)² < 2¹²⁶.
const _: () = assert!(PRICE_LIMIT <= 1 << 46 && MAX_WINDOW <= 1 << 16);

/// The last `n` values, oldest overwritten first.
#[derive(Clone, Debug)]
struct Ring<T> {
    slots: Box<[T]>,
    next: usize,
    len: usize,
}

impl<T: Copy + Default> Ring<T> {
    fn new(n: usize) -> Ring<T> {
        Ring { slots: vec![T::default(); n].into_boxed_slice(), next: 0, len: 0 }
    }

    /// Puts `value` in; returns the value that it pushed out, or the default while the ring fills.
    #[inline]
    fn push(&mut self, value: T) -> T {
        let old = std::mem::replace(&mut self.slots[self.next], value);
        self.next += 1;
        if self.next == self.slots.len() {
            self.next = 0;
        }
        self.len = self.slots.len().min(self.len + 1);
        old
    }
}

/// Mean and sample standard deviation of the last n mids.
///
/// `mean = Σx / n`; `variance = (n·Σx² − (Σx)²) / (n(n − 1))` (the textbook formula, with Bessel's n − 1). It is
/// infamous in floating point and exact here: mids are whole half ticks, the sums and the difference are integers, and
/// only the last division and the root are rounded.
#[derive(Clone, Debug)]
pub(super) struct WindowMoment {
    ring: Ring<i64>,
    sum: i64,
    squares: i128,
}

impl WindowMoment {
    pub(super) fn new(n: usize) -> WindowMoment {
        WindowMoment { ring: Ring::new(n), sum: 0, squares: 0 }
    }

    /// Takes in a mid in half ticks; returns mean and standard deviation (NaN with one mid) in ticks.
    #[inline]
    pub(super) fn update(&mut self, half_ticks: i64) -> (f64, f64) {
        let old = self.ring.push(half_ticks);
        self.sum += half_ticks - old;
        self.squares += square(half_ticks) - square(old);
        let n = self.ring.len as i64;
        let scatter = i128::from(n) * self.squares - square(self.sum);
        let mean = self.sum as f64 / (2 * n) as f64;
        if n < 2 {
            return (mean, f64::NAN);
        }
        // half ticks to ticks: a quarter of the variance
        (mean, (to_f64(scatter) / (4 * n * (n - 1)) as f64).sqrt())
    }
}

/// Volume-weighted average price of the last n trades: `Σ px·qty / Σ qty` (Berkowitz, Logue, Noser, "The Total Cost of
/// Transactions on the NYSE", Journal of Finance 43 (1988) 97–112). Integer sums; one rounded division.
#[derive(Clone, Debug)]
pub(super) struct Vwap {
    ring: Ring<(i64, i64)>,
    value: i128,
    volume: i128,
}

impl Vwap {
    pub(super) fn new(n: usize) -> Vwap {
        Vwap { ring: Ring::new(n), value: 0, volume: 0 }
    }

    /// Asks for the memory that the next trade will change.
    #[inline(always)]
    pub(super) fn expect(&self) {
        fetch(self);
        fetch(&self.ring.slots[self.ring.next]);
    }

    /// Takes in a trade of `qty > 0` lots; returns the average in ticks.
    #[inline]
    pub(super) fn update(&mut self, px: i64, qty: i64) -> f64 {
        let (old_px, old_qty) = self.ring.push((px, qty));
        self.value += i128::from(px) * i128::from(qty) - i128::from(old_px) * i128::from(old_qty);
        self.volume += i128::from(qty) - i128::from(old_qty);
        to_f64(self.value) / to_f64(self.volume)
    }
}

#[inline]
fn square(x: i64) -> i128 {
    i128::from(x) * i128::from(x)
}

/// The nearest `f64`; the common small case without a call into the runtime.
#[inline]
fn to_f64(x: i128) -> f64 {
    i64::try_from(x).map_or_else(|_| x as f64, |small| small as f64)
}
