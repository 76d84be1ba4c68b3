//! The clocks: the only file that reads one. The stopwatch measures how long something took and is never an input of a
//! decision on the market, whose time is an argument (`Frame::recv_ns`). The [`WallClock`] stamps that argument on what a
//! live lane's thread has read.
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
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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

/// Nanoseconds since 1970, as the system has them. A system call: not for every message.
#[must_use]
pub fn system_ns() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
}

/// Deviations of the system's clock from the stopwatch above this are steps, not drift, ns.
const STEP_NS: i64 = 5_000_000;
/// Least distance of two anchors from which a rate is taken, ns.
const RATE_NS: i64 = 200_000_000;

/// Wall time for the price of a stopwatch reading.
///
/// The stopwatch is anchored to the system's clock, and anchored anew by [`WallClock::anchor`], about once a second: then
/// its rate is corrected too, since a calibration of 5 ms is good to some parts in 10⁴ only. It never runs backwards
/// through a correction; when the system's clock is stepped by more than [`STEP_NS`] it follows, and counts the step.
///
/// For tests against a simulated exchange it can run faster: `now = origin + (wall − origin) × speed`.
#[derive(Clone, Debug)]
pub struct WallClock {
    origin_ns: i64,
    speed: i64,
    anchor_wall_ns: i64,
    anchor_watch_ns: i64,
    /// Wall nanoseconds that a stopwatch nanosecond lacks, × 2³².
    rate: i64,
    latest_ns: i64,
    /// How often the system's clock was stepped.
    pub steps: u64,
}

impl WallClock {
    /// `speed` below 1 is 1.
    #[must_use]
    pub fn new(origin_ns: i64, speed: i64) -> WallClock {
        let (anchor_wall_ns, anchor_watch_ns) = reading();
        WallClock {
            origin_ns,
            speed: speed.max(1),
            anchor_wall_ns,
            anchor_watch_ns,
            rate: 0,
            latest_ns: i64::MIN,
            steps: 0,
        }
    }

    fn wall_ns(&self, watch_ns: i64) -> i64 {
        let elapsed = watch_ns - self.anchor_watch_ns;
        self.anchor_wall_ns + elapsed + ((i128::from(elapsed) * i128::from(self.rate)) >> 32) as i64
    }

    /// The time at a reading of [`stopwatch_ns`], nanoseconds since 1970.
    #[inline]
    pub fn at(&mut self, watch_ns: i64) -> i64 {
        let wall = self.wall_ns(watch_ns);
        let now = if self.speed == 1 { wall } else { self.origin_ns + (wall - self.origin_ns) * self.speed };
        self.latest_ns = self.latest_ns.max(now);
        self.latest_ns
    }

    /// The time now.
    #[inline]
    pub fn now_ns(&mut self) -> i64 {
        self.at(stopwatch_ns())
    }

    /// Real time until `due_ns` of this clock, ns; 0 when it is past.
    #[must_use]
    pub fn until_ns(&self, now_ns: i64, due_ns: i64) -> i64 {
        due_ns.saturating_sub(now_ns).max(0) / self.speed
    }

    /// Compares with the system's clock.
    pub fn anchor(&mut self) {
        let (wall, watch) = reading();
        self.anchor_to(wall, watch);
    }

    fn anchor_to(&mut self, wall: i64, watch: i64) {
        let off = wall - self.wall_ns(watch);
        let elapsed = watch - self.anchor_watch_ns;
        if off.abs() > STEP_NS {
            self.steps += 1;
            self.latest_ns = i64::MIN;
        } else if elapsed >= RATE_NS {
            let lacking = wall - self.anchor_wall_ns - elapsed;
            self.rate = ((i128::from(lacking) << 32) / i128::from(elapsed)) as i64;
        } else {
            return; // too near to tell a rate from
        }
        (self.anchor_wall_ns, self.anchor_watch_ns) = (wall, watch);
    }
}

/// Both clocks at one moment: of three tries the one that took the least time.
fn reading() -> (i64, i64) {
    let once = || {
        let before = stopwatch_ns();
        let wall = system_ns();
        let took = stopwatch_ns() - before;
        (took, wall, before + took / 2)
    };
    let (_, wall, watch) = [once(), once(), once()].into_iter().min_by_key(|r| r.0).unwrap_or_else(once);
    (wall, watch)
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
    fn the_wall_clock_follows_the_systems() {
        let mut clock = WallClock::new(0, 1);
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(220));
            clock.anchor();
            let (before, now, after) = (system_ns(), clock.now_ns(), system_ns());
            assert!(before - 50_000 <= now && now <= after + 50_000, "{before} ≤ {now} ≤ {after}");
        }
        assert_eq!(clock.steps, 0);
    }

    #[test]
    fn a_correction_takes_no_time_back_and_a_step_is_followed() {
        let mut clock = WallClock::new(0, 1);
        let (wall, watch) = (clock.anchor_wall_ns, clock.anchor_watch_ns);
        let second = 1_000_000_000;
        assert_eq!(clock.at(watch + second), wall + second);
        clock.anchor_to(wall + second - 100_000, watch + second); // it runs fast by 100 ppm
        assert_eq!(clock.at(watch + second), wall + second, "not back");
        let later = clock.at(watch + 2 * second);
        assert!((later - (wall + 2 * second - 200_000)).abs() < 10, "{later}");
        clock.anchor_to(wall, watch + 2 * second); // a person sets the clock back by two seconds
        assert_eq!((clock.at(watch + 2 * second), clock.steps), (wall, 1));
    }

    #[test]
    fn a_fast_clock_is_fast_from_its_origin_on() {
        let real = WallClock::new(0, 1);
        let (wall, watch) = (real.anchor_wall_ns, real.anchor_watch_ns);
        let mut clock = WallClock { origin_ns: wall, speed: 60, ..real };
        assert_eq!(clock.at(watch + 1_000), wall + 60_000);
        assert_eq!((clock.until_ns(0, 120), clock.until_ns(120, 0)), (2, 0));
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
