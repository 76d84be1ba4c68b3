//! When a step passed its stations, for the histograms of whoever runs the lane. Nothing in a lane looks at them, so no
//! decision can depend on them; a replay leaves them off.

use crate::clock::stopwatch_ns;

/// Stopwatch readings of the last step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    on: bool,
    /// The frame was decoded.
    pub decoded_ns: i64,
    /// The first kernel was called; 0: none was.
    pub kernel_ns: i64,
    /// Spent in kernels, together.
    pub in_kernels_ns: i64,
    since_ns: i64,
}

impl Marks {
    /// Measures from now on.
    pub fn turn_on(&mut self) {
        self.on = true;
    }

    #[inline(always)]
    pub(super) fn decoded(&mut self) {
        if self.on {
            (self.decoded_ns, self.kernel_ns, self.in_kernels_ns) = (stopwatch_ns(), 0, 0);
        }
    }

    #[inline(always)]
    pub(super) fn enter_kernel(&mut self) {
        if self.on {
            self.since_ns = stopwatch_ns();
            if self.kernel_ns == 0 {
                self.kernel_ns = self.since_ns;
            }
        }
    }

    #[inline(always)]
    pub(super) fn leave_kernel(&mut self) {
        if self.on {
            self.in_kernels_ns += stopwatch_ns() - self.since_ns;
        }
    }
}
