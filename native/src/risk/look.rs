//! What the gate saw of the Switch. It looks at every frame, at every verdict and at every redemption; a change is told
//! with the number of the look that met it, so that a replay, which reads no Switch, meets it at the same look.

use std::collections::VecDeque;
use std::sync::Arc;

use super::switch::{Cause, Switch, SwitchState};

/// A change of the Switch as a gate saw it: the payload of a [`Source::Switch`](crate::event::Source) frame. Look (u64),
/// state (u8), cause (u32), little-endian, then the reason's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchSeen {
    /// Number of the look, from 1.
    pub look: u64,
    pub state: SwitchState,
    /// [`Cause::Flatten`] whenever flattening is asked for; absent while active.
    pub cause: Option<Cause>,
    pub text: String,
}

impl SwitchSeen {
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.look.to_le_bytes().to_vec();
        out.push(self.state as u8);
        out.extend_from_slice(&self.cause.map_or(0, |c| c as u32).to_le_bytes());
        out.extend_from_slice(self.text.as_bytes());
        out
    }

    /// `None` where the bytes are no such payload.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<SwitchSeen> {
        let (look, rest) = bytes.split_first_chunk()?;
        let (state, rest) = rest.split_first()?;
        let (cause, text) = rest.split_first_chunk()?;
        let cause = match u32::from_le_bytes(*cause) {
            0 => None,
            code => Some(Cause::ALL.into_iter().find(|c| *c as u32 == code)?),
        };
        Some(SwitchSeen {
            look: u64::from_le_bytes(*look),
            state: SwitchState::from_u8(*state)?,
            cause,
            text: std::str::from_utf8(text).ok()?.to_string(),
        })
    }
}

/// The Switch behind a gate, and what it last saw of it.
pub(super) struct Looks {
    switch: Arc<Switch>,
    count: u64,
    state: SwitchState,
    cause: Option<Cause>,
    text: String,
    /// Changes that nobody has taken yet.
    changes: Vec<SwitchSeen>,
    /// The changes that a Tape tells of; then the Switch is not read.
    script: Option<VecDeque<SwitchSeen>>,
}

impl Looks {
    pub fn new(switch: Arc<Switch>) -> Looks {
        let (state, cause, text) = (SwitchState::Active, None, String::new());
        Looks { switch, count: 0, state, cause, text, changes: Vec::new(), script: None }
    }

    pub fn switch(&self) -> &Switch {
        &self.switch
    }
    pub fn state(&self) -> SwitchState {
        self.state
    }
    pub fn cause(&self) -> Option<Cause> {
        self.cause
    }
    pub fn text(&self) -> &str {
        &self.text
    }
    pub fn follow(&mut self, script: Vec<SwitchSeen>) {
        self.script = Some(script.into());
    }
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }
    pub fn take_changes(&mut self) -> Vec<SwitchSeen> {
        std::mem::take(&mut self.changes)
    }

    /// One look: a counter and one load, while nothing changes and the state is active.
    #[inline(always)]
    pub fn look(&mut self) -> SwitchState {
        self.count += 1;
        match &self.script {
            None if self.switch.state() == SwitchState::Active && self.state == SwitchState::Active => self.state,
            None => self.look_closer(),
            Some(script) if script.front().is_some_and(|s| s.look <= self.count) => self.obey(),
            Some(_) => self.state,
        }
    }

    /// The state is not active, or has just become so. The words may be written after the state, and flattening may be
    /// asked for later: each is a change of its own.
    #[cold]
    fn look_closer(&mut self) -> SwitchState {
        let state = self.switch.state();
        let asks_flat = state != SwitchState::Active && self.switch.asks_flat();
        let unsaid = self.cause.is_none() || self.cause == Some(Cause::Unfinished);
        let news = asks_flat && self.cause != Some(Cause::Flatten);
        if state == self.state && !(state != SwitchState::Active && (unsaid || news)) {
            return state;
        }
        let reason = if state == SwitchState::Active { None } else { self.switch.reason() };
        let cause = if asks_flat { Some(Cause::Flatten) } else { reason.as_ref().map(|r| r.cause) };
        let text = reason.map_or(String::new(), |r| r.text);
        if (state, cause) != (self.state, self.cause) {
            (self.state, self.cause, self.text) = (state, cause, text.clone());
            self.changes.push(SwitchSeen { look: self.count, state, cause, text });
        }
        state
    }

    #[cold]
    fn obey(&mut self) -> SwitchState {
        if let Some(seen) = self.script.as_mut().and_then(VecDeque::pop_front) {
            (self.state, self.cause, self.text) = (seen.state, seen.cause, seen.text.clone());
            self.changes.push(SwitchSeen { look: self.count, ..seen });
        }
        self.state
    }
}
