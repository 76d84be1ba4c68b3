//! A hook's overrun of its time budget as a frame of the Tape: the one thing a lane learns from a clock of its own, and
//! so the one thing that a replay must be told. It names the call, because what the hook wished in it came to nothing.

/// The payload after the [`crate::event::Fault`] byte: call and time, then the kernel's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overrun {
    /// Number of the hook call in its lane, from 1.
    pub call: u64,
    /// CPU time that it used, at least.
    pub ns: i64,
    /// Another strategy on the same Tape has no part in it.
    pub kernel: String,
}

impl Overrun {
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![crate::event::Fault::Overrun as u8];
        out.extend_from_slice(&self.call.to_le_bytes());
        out.extend_from_slice(&self.ns.to_le_bytes());
        out.extend_from_slice(self.kernel.as_bytes());
        out
    }

    /// `None` for any other fault.
    #[must_use]
    pub fn read(fault: &[u8]) -> Option<Overrun> {
        let (kind, rest) = fault.split_first()?;
        let (call, rest) = rest.split_first_chunk()?;
        let (ns, name) = rest.split_first_chunk()?;
        let kernel = std::str::from_utf8(name).ok()?.to_string();
        (*kind == crate::event::Fault::Overrun as u8).then(|| Overrun {
            call: u64::from_le_bytes(*call),
            ns: i64::from_le_bytes(*ns),
            kernel,
        })
    }
}
