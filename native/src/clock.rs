//! The stopwatch: the only file that reads a clock. It measures how long a hook took; no time read here is ever an
//! input of a decision on the market, whose time is an argument (`Frame::recv_ns`).
//!
//! # Why wall time alone does not convict
//!
//! A thread that is preempted in the middle of a hook shows a long wall time and no fault of the hook. Were that an
//! overrun, a busy machine would halt a healthy strategy. So a wall time over the budget is only a suspicion, and
//! the thread's CPU time has to prove it. Reading CPU time is a system call of some 200 ns, too much for each call;
//! therefore a checkpoint (CPU time, wall time) is kept and refreshed every [`REFRESH`] calls. Between checkpoint and
//! the hook's start the thread used at most as much CPU as wall time went by, so
//!
//! `cpu_now − cpu_checkpoint − (wall_start − wall_checkpoint)`
//!
//! is a lower bound of the hook's own CPU time; an overrun is reported only if that bound exceeds the budget. When
//! the thread slept since the checkpoint, the bound is weak and proves nothing; the [`WATCHED`] calls after an
//! unproven suspicion are therefore measured with a checkpoint of their own, so that a hook that is always slow is
//! convicted at its second call. A hook that never returns cannot be seen from its own thread: that is the guard's
//! heartbeat.
#![allow(unsafe_code)] // the time stamp counter and clock_gettime

use std::sync::OnceLock;
use std::time::Instant;

/// Calls after which the checkpoint is refreshed.
const REFRESH: u32 = 1024;
/// Calls with their own checkpoint after an unproven suspicion.
const WATCHED: u32 = 16;

/// A monotonic clock of about 10 ns a reading.
#[derive(Clone, Copy)]
enum Source {
    /// Invariant time stamp counter: ns = ticks × `mul` / 2³².
    #[cfg(target_arch = "x86_64")]
    Tsc {
        mul: u64,
    },
    Std(Instant),
}

static SOURCE: OnceLock<Source> = OnceLock::new();

#[cfg(target_arch = "x86_64")]
fn tsc() -> u64 {
    // SAFETY: every x86_64 processor has rdtsc; it touches no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Chooses the clock: the time stamp counter where it is invariant (CPUID 8000_0007h EDX bit 8, Intel SDM 18.17.1),
/// calibrated against [`Instant`] for 5 ms; [`Instant`] elsewhere.
fn source() -> Source {
    *SOURCE.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            #[allow(unused_unsafe)]
            // SAFETY: CPUID exists on every x86_64 processor.
            let invariant = unsafe {
                core::arch::x86_64::__cpuid(0x8000_0000).eax >= 0x8000_0007
                    && core::arch::x86_64::__cpuid(0x8000_0007).edx & (1 << 8) != 0
            };
            if invariant {
                let (start, ticks) = (Instant::now(), tsc());
                while start.elapsed().as_millis() < 5 {
                    std::hint::spin_loop();
                }
                let (ns, ticks) = (start.elapsed().as_nanos() as u64, tsc().wrapping_sub(ticks));
                if ticks > 0 {
                    return Source::Tsc { mul: ((u128::from(ns) << 32) / u128::from(ticks)) as u64 };
                }
            }
        }
        Source::Std(Instant::now())
    })
}

/// Nanoseconds of a monotonic clock with an arbitrary origin.
#[must_use]
pub fn stopwatch_ns() -> i64 {
    match source() {
        #[cfg(target_arch = "x86_64")]
        Source::Tsc { mul } => ((u128::from(tsc()) * u128::from(mul)) >> 32) as i64,
        Source::Std(origin) => origin.elapsed().as_nanos() as i64,
    }
}

/// CPU time of the calling thread, ns.
#[must_use]
pub fn thread_cpu_ns() -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `t` is a valid timespec that outlives the call; on failure it stays zero.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) };
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}

/// The time budget of a hook. A budget of 0 is not measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    budget_ns: i64,
    cpu_checkpoint: i64,
    wall_checkpoint: i64,
    until_refresh: u32,
    watched: u32,
}

impl Budget {
    #[must_use]
    pub fn new(budget_ns: i64) -> Budget {
        Budget { budget_ns, ..Budget::default() }
    }

    /// Call before the hook; hand the answer to [`Budget::stop`].
    pub fn start(&mut self) -> i64 {
        if self.budget_ns == 0 {
            return 0;
        }
        if self.until_refresh == 0 || self.watched > 0 {
            self.watched = self.watched.saturating_sub(1);
            self.until_refresh = REFRESH;
            // Wall time first: CPU time used between the two readings then counts for neither hook nor prelude.
            self.wall_checkpoint = stopwatch_ns();
            self.cpu_checkpoint = thread_cpu_ns();
        }
        self.until_refresh -= 1;
        stopwatch_ns()
    }

    /// The hook's own CPU time in ns (a lower bound), if it is proven to exceed the budget.
    pub fn stop(&mut self, started: i64) -> Option<i64> {
        if self.budget_ns == 0 || stopwatch_ns() - started <= self.budget_ns {
            return None;
        }
        self.convict(thread_cpu_ns(), started)
    }

    #[cold]
    fn convict(&mut self, cpu_now: i64, started: i64) -> Option<i64> {
        let proven = (cpu_now - self.cpu_checkpoint) - (started - self.wall_checkpoint);
        if proven > self.budget_ns {
            return Some(proven);
        }
        self.watched = WATCHED;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin(ns: i64) {
        let start = thread_cpu_ns();
        while thread_cpu_ns() - start < ns {}
    }

    #[test]
    fn the_stopwatch_keeps_time() {
        let outer = Instant::now();
        let a = stopwatch_ns();
        let inner = Instant::now();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let inner = inner.elapsed().as_nanos() as i64;
        let b = stopwatch_ns();
        let outer = outer.elapsed().as_nanos() as i64;
        assert!(inner * 98 / 100 <= b - a && b - a <= outer * 102 / 100, "{inner} ≤ {} ≤ {outer}", b - a);
    }

    #[test]
    fn only_cpu_time_convicts() {
        let at = |cpu_checkpoint, wall_checkpoint| Budget {
            budget_ns: 100,
            cpu_checkpoint,
            wall_checkpoint,
            ..Budget::default()
        };
        // checkpoint at (cpu 1000, wall 5000), hook from wall 5010
        assert_eq!(at(1000, 5000).convict(1111, 5010), Some(101), "10 ns may be the prelude's, 101 are the hook's");
        assert_eq!(at(1000, 5000).convict(1110, 5010), None);
        assert_eq!(at(1000, 5000).convict(1050, 5010), None, "preempted");
        assert_eq!(at(1000, 5000).convict(9000, 99_000), None, "the bound is weak after idling");
    }

    #[test]
    fn sleeping_is_no_overrun() {
        let mut budget = Budget::new(2_000_000);
        let t = budget.start();
        std::thread::sleep(std::time::Duration::from_millis(6));
        assert_eq!(budget.stop(t), None, "a thread that was not running did not overrun");
    }

    #[test]
    fn a_hook_that_is_always_slow_is_convicted_even_when_the_lane_idles() {
        let mut budget = Budget::new(500_000);
        let convicted = (0..8).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(4));
            let t = budget.start();
            spin(1_500_000);
            budget.stop(t) // a preemption just after the checkpoint weakens the bound: hence more than one try
        });
        assert!(convicted.is_some_and(|ns| ns > 500_000), "{convicted:?}");
    }

    #[test]
    fn no_budget_no_measure() {
        let mut budget = Budget::new(0);
        let t = budget.start();
        spin(1_000_000);
        assert_eq!((t, budget.stop(t)), (0, None));
    }
}
