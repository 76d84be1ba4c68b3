//! Single flight: of several threads that miss the same value one fetches it and the others wait for it.
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashSet;

use super::source::Want;

/// The values that are being fetched.
#[derive(Default)]
pub(super) struct Flights {
    under_way: Mutex<FxHashSet<Want>>,
    landed: Condvar,
}

/// The values that this thread fetches; they are free again when it is dropped, after an error or a panic too.
pub(super) struct Claim<'f> {
    flights: &'f Flights,
    /// What was claimed, in the order it was asked for.
    pub(super) wants: Vec<Want>,
}

impl Flights {
    fn set(&self) -> MutexGuard<'_, FxHashSet<Want>> {
        // The set is whole after every statement that changes it, so one behind a panic is good.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims those of `wants` that no other thread is fetching.
    pub(super) fn claim(&self, wants: &[Want]) -> Claim<'_> {
        let mut set = self.set();
        let wants = wants.iter().copied().filter(|&want| set.insert(want)).collect();
        Claim { flights: self, wants }
    }

    /// Waits until nobody fetches this value.
    pub(super) fn wait(&self, want: Want) {
        let mut set = self.set();
        while set.contains(&want) {
            set = self.landed.wait(set).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.wants.is_empty() {
            return;
        }
        let mut set = self.flights.set();
        for want in &self.wants {
            set.remove(want);
        }
        drop(set);
        self.flights.landed.notify_all();
    }
}
