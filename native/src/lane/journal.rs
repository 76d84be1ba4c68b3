//! What a lane decided: a SHA-256 over every Intent, verdict and Receipt, and the same on the Tape.

use sha2::{Digest, Sha256};

use crate::event::{Frame, Intent, Receipt, Refusal, Source, Wire};
use crate::risk::gate::SwitchSeen;
use crate::tape::Kind;

/// Where records go; the Tape's writer behind a ring, or straight to a file.
pub trait Record: Send {
    /// A record that cannot be taken is counted by the taker, which puts that count on the Tape.
    fn record(&mut self, kind: Kind, connection: u16, tag: u16, time_ns: i64, payload: &[u8]);
}

#[derive(Default)]
pub struct Journal {
    sha: Sha256,
    /// Encoded and not yet hashed.
    pending: Vec<u8>,
    tape: Option<Box<dyn Record>>,
    scratch: Vec<u8>,
    pub intents: u64,
    pub permits: u64,
    pub refusals: u64,
    pub receipts: u64,
    /// Wishes that the record of orders does not admit (it is full, the order is another kernel's, dead or has an
    /// unanswered request): no Intents, so neither hashed nor on the Tape.
    pub unsendable: u64,
    /// Permits by [`crate::event::Action`].
    pub messages: [u64; 4],
}

impl Journal {
    pub fn set_tape(&mut self, tape: Option<Box<dyn Record>>) {
        self.tape = tape;
    }

    #[inline(always)]
    pub fn frame(&mut self, frame: &Frame<'_>) {
        if let Some(tape) = &mut self.tape {
            tape.record(Kind::from(frame.source), frame.connection, frame.tag, frame.recv_ns, frame.bytes);
        }
    }

    fn write(&mut self, kind: Kind, now_ns: i64, encode: impl FnOnce(&mut Vec<u8>)) {
        self.scratch.clear();
        encode(&mut self.scratch);
        self.pending.push(kind as u8);
        self.pending.extend_from_slice(&self.scratch);
        if self.pending.len() >= 1 << 14 {
            self.sha.update(&self.pending);
            self.pending.clear();
        }
        if let Some(tape) = &mut self.tape {
            tape.record(kind, 0, Frame::UNTAGGED, now_ns, &self.scratch);
        }
    }

    pub fn intent(&mut self, intent: &Intent) {
        self.intents += 1;
        self.write(Kind::Intent, intent.decided_ns, |out| intent.put(out));
    }

    /// The Permit of `intent`, redeemed at once.
    pub fn permit(&mut self, intent: &Intent) {
        self.permits += 1;
        self.messages[intent.action as usize] += 1;
        self.write(Kind::Permit, intent.decided_ns, |out| {
            out.extend_from_slice(&intent.id.to_le_bytes());
            out.push(intent.action as u8);
        });
    }

    pub fn refusal(&mut self, refusal: &Refusal) {
        self.refusals += 1;
        self.write(Kind::Refusal, refusal.intent.decided_ns, |out| refusal.put(out));
    }

    pub fn receipt(&mut self, receipt: &Receipt, recv_ns: i64) {
        self.receipts += 1;
        self.write(Kind::Receipt, recv_ns, |out| receipt.put(out));
    }

    /// What the gate saw of the switch, on the Tape only: a replay meets it at the same look.
    #[cold]
    pub fn switch(&mut self, changes: Vec<SwitchSeen>, now_ns: i64) {
        for seen in changes {
            let frame = Frame {
                source: Source::Switch,
                connection: 0,
                tag: Frame::UNTAGGED,
                recv_ns: now_ns,
                bytes: &seen.bytes(),
            };
            self.frame(&frame);
        }
    }

    /// The switch's trip, in words; on the Tape only.
    pub fn trip(&mut self, text: &str, now_ns: i64) {
        if let Some(tape) = &mut self.tape {
            tape.record(Kind::Trip, 0, Frame::UNTAGGED, now_ns, text.as_bytes());
        }
    }

    /// The hash of everything so far.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        let mut sha = self.sha.clone();
        sha.update(&self.pending);
        sha.finalize().into()
    }
}
