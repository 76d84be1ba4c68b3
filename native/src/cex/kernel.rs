//! The kernel: a strategy compiled to C functions ("hooks") that a lane calls without the GIL.
//!
//! A hook reads views and its own state and writes outs; it returns 0, or anything else when it raised. What it
//! wrote is checked before the lane sees it, so that a price that is not a price goes no further than here.
#![allow(unsafe_code)] // calls functions that were compiled elsewhere

mod ladder;
mod view;

use std::any::Any;
use std::fmt;

pub use ladder::{Ladder, OutAction};
pub use view::{ACTIONS, BUY, CANCEL, DEPTH, Field, LADDER, Out, PLACE, SELL, VIEW_ORDERS, View, layout_json};

use crate::clock::Budget;

/// A compiled hook. `views` and `outs` are arrays of `n`, one per instrument of the kernel; `index` is the instrument
/// that the call is about.
pub type HookFn = unsafe extern "C" fn(state: *mut u8, views: *const View, n: i64, index: i64, outs: *mut Out) -> i32;

/// Which hook.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Hook {
    Book = 0,
    Quote = 1,
    Trade = 2,
    Receipt = 3,
    Timer = 4,
}

impl Hook {
    pub const ALL: [Hook; 5] = [Hook::Book, Hook::Quote, Hook::Trade, Hook::Receipt, Hook::Timer];

    /// The method's name in the strategy class.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["on_book", "on_quote", "on_trade", "on_receipt", "on_timer"][self as usize]
    }
}

/// The hooks that a strategy has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hooks {
    pub book: Option<HookFn>,
    pub quote: Option<HookFn>,
    pub trade: Option<HookFn>,
    pub receipt: Option<HookFn>,
    pub timer: Option<HookFn>,
}

impl Hooks {
    #[must_use]
    pub fn get(&self, hook: Hook) -> Option<HookFn> {
        match hook {
            Hook::Book => self.book,
            Hook::Quote => self.quote,
            Hook::Trade => self.trade,
            Hook::Receipt => self.receipt,
            Hook::Timer => self.timer,
        }
    }
}

/// What a hook did wrong. Each trips the switch. `instrument` is the index in the kernel's own list.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum HookError {
    /// It raised an exception (an index out of range, a division by zero, the user's own).
    Raised,
    /// Not a price: NaN, infinite, zero, negative, under one tick for a bid, or 2⁵³ and more.
    BadPrice { instrument: usize, value: f64 },
    /// Not a quantity: NaN, infinite, negative, or 2⁵³ and more.
    BadQty { instrument: usize, value: f64 },
    /// An action of a kind, side, time in force or order id that does not exist.
    BadAction { instrument: usize, index: usize },
    /// More levels or actions than there is room for, or a negative number of them.
    TooMany { instrument: usize, count: i64 },
    /// It used more CPU time than its budget: at least `ns`.
    Overrun { ns: i64 },
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            HookError::Raised => f.write_str("raised an exception"),
            HookError::BadPrice { instrument, value } => {
                write!(f, "wrote {value} as a price (ticks) for instrument {instrument}")
            }
            HookError::BadQty { instrument, value } => {
                write!(f, "wrote {value} as a quantity (lots) for instrument {instrument}")
            }
            HookError::BadAction { instrument, index } => write!(
                f,
                "wrote action {index} of instrument {instrument} with a kind, side, time in force or order id that \
                 does not exist"
            ),
            HookError::TooMany { instrument, count } => write!(
                f,
                "wrote {count} levels or actions for instrument {instrument} (room for {LADDER} levels a side and \
                 {ACTIONS} actions)"
            ),
            HookError::Overrun { ns } => write!(f, "used at least {ns} ns of CPU time, more than its budget"),
        }
    }
}
impl std::error::Error for HookError {}

/// A strategy ready to be called: hooks, and the memory of its parameters and state.
pub struct Kernel {
    name: String,
    hooks: Hooks,
    /// Words, so that the state is aligned for every type it may hold.
    state: Box<[u64]>,
    state_len: usize,
    timer_ns: i64,
    budget: Budget,
    /// Whatever owns the code of the hooks; never read, only kept.
    _code: Box<dyn Any + Send>,
}

impl Kernel {
    /// `state` is copied: the initial state stays the caller's, so one compiled strategy serves many kernels.
    /// `timer_ns` is the period of the timer hook (0: none). `code` is kept alive as long as the kernel.
    ///
    /// # Safety
    /// Each hook must be a function of the type [`HookFn`] that stays valid while `code` lives, that accesses only
    /// `state.len()` bytes of state, `n` views (reading) and `n` outs, and that does not unwind.
    #[must_use]
    pub unsafe fn new(
        name: impl Into<String>,
        hooks: Hooks,
        state: &[u8],
        timer_ns: i64,
        code: Box<dyn Any + Send>,
    ) -> Kernel {
        let mut words = vec![0u64; state.len().div_ceil(8)];
        for (word, bytes) in words.iter_mut().zip(state.chunks(8)) {
            let mut raw = [0u8; 8];
            raw[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_ne_bytes(raw);
        }
        let (state, state_len) = (words.into_boxed_slice(), state.len());
        Kernel { name: name.into(), hooks, state, state_len, timer_ns, budget: Budget::new(0), _code: code }
    }

    /// Limits the CPU time of each call. 0 does not measure: so in a replay, whose overruns are frames of the Tape.
    #[must_use]
    pub fn with_budget(mut self, budget_ns: i64) -> Kernel {
        self.budget = Budget::new(budget_ns);
        self
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Period of the timer hook, ns; 0 without one.
    #[must_use]
    pub fn timer_ns(&self) -> i64 {
        self.timer_ns
    }

    #[must_use]
    pub fn has(&self, hook: Hook) -> bool {
        self.hooks.get(hook).is_some()
    }

    /// Parameters and state as they are now.
    #[must_use]
    pub fn state(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.state.iter().flat_map(|w| w.to_ne_bytes()).collect();
        bytes.truncate(self.state_len);
        bytes
    }

    /// Calls a hook about instrument `index`; a hook that the strategy does not have wishes nothing. `outs` are reset
    /// first. On an error they are reset again: a faulty hook wishes nothing.
    ///
    /// # Panics
    /// If `views` and `outs` differ in length or `index` is not one of them: a bug of the caller.
    pub fn call(&mut self, hook: Hook, views: &[View], index: usize, outs: &mut [Out]) -> Result<(), HookError> {
        assert!(views.len() == outs.len() && index < views.len(), "one view and one out per instrument");
        outs.iter_mut().for_each(Out::reset);
        let Some(function) = self.hooks.get(hook) else { return Ok(()) };
        let started = self.budget.start();
        // SAFETY: `new` demands a valid function; state, views and outs are live, aligned, and of the stated lengths.
        let code = unsafe {
            function(
                self.state.as_mut_ptr().cast(),
                views.as_ptr(),
                views.len() as i64,
                index as i64,
                outs.as_mut_ptr(),
            )
        };
        let overrun = self.budget.stop(started);
        let verdict = if code != 0 {
            Err(HookError::Raised)
        } else if let Some(ns) = overrun {
            Err(HookError::Overrun { ns })
        } else {
            outs.iter().enumerate().try_for_each(|(instrument, out)| out.check(instrument))
        };
        if verdict.is_err() {
            outs.iter_mut().for_each(Out::reset);
        }
        verdict
    }
}

#[cfg(test)]
mod tests;
