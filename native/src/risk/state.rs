//! The three states of lane and switch, and why one left active.

/// Ordered: larger is more restrictive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u8)]
pub enum SwitchState {
    /// Everything within the limits.
    Active = 0,
    /// Cancels and orders that can only bring a position nearer to zero.
    Reducing = 1,
    /// Cancels.
    Halted = 2,
}

impl SwitchState {
    const ALL: [SwitchState; 3] = [SwitchState::Active, SwitchState::Reducing, SwitchState::Halted];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SwitchState::Active => "active",
            SwitchState::Reducing => "reducing",
            SwitchState::Halted => "halted",
        }
    }
    #[must_use]
    pub fn from_u8(v: u8) -> Option<SwitchState> {
        SwitchState::ALL.into_iter().find(|s| *s as u8 == v)
    }
    #[must_use]
    pub fn from_name(name: &str) -> Option<SwitchState> {
        SwitchState::ALL.into_iter().find(|s| s.name() == name)
    }
    /// In the file: the state and its complement, so that zeros, ones and most damage are no state.
    #[inline]
    pub(super) fn word(self) -> u32 {
        let code = self as u32 + 1;
        code | (!code << 16)
    }
    #[inline]
    pub(super) fn from_word(word: u32) -> Option<SwitchState> {
        SwitchState::ALL.into_iter().find(|s| s.word() == word)
    }
}

/// Why a switch or a lane left active.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u32)]
pub enum Cause {
    /// A person said so.
    Person = 1,
    /// A panic in a lane.
    Panic = 2,
    /// A kernel's hook raised, returned what is no price or quantity, or overran its time.
    Kernel = 3,
    Drawdown = 4,
    FeedLatency = 5,
    RejectRate = 6,
    /// A receipt whose numbers cannot be, or that the account cannot hold.
    BadReceipt = 7,
    /// The switch file is damaged, of another version, removed or replaced.
    BadFile = 8,
    /// Tripped; the reason was not, or not yet, written.
    Unfinished = 9,
    /// A person asks every lane of the node to bring its positions to zero.
    Flatten = 10,
    /// The lane was told to stop.
    Stop = 11,
    /// The account at the venue is not what the lane's own fills make of it.
    Position = 12,
    /// Records are missing on a lane's Tape: what it does could not be verified any more.
    Tape = 13,
}

impl Cause {
    pub const ALL: [Cause; 13] = [
        Cause::Person,
        Cause::Panic,
        Cause::Kernel,
        Cause::Drawdown,
        Cause::FeedLatency,
        Cause::RejectRate,
        Cause::BadReceipt,
        Cause::BadFile,
        Cause::Unfinished,
        Cause::Flatten,
        Cause::Stop,
        Cause::Position,
        Cause::Tape,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cause::Person => "person",
            Cause::Panic => "panic",
            Cause::Kernel => "kernel",
            Cause::Drawdown => "drawdown",
            Cause::FeedLatency => "feed_latency",
            Cause::RejectRate => "reject_rate",
            Cause::BadReceipt => "bad_receipt",
            Cause::BadFile => "bad_file",
            Cause::Unfinished => "unfinished",
            Cause::Flatten => "flatten",
            Cause::Stop => "stop",
            Cause::Position => "position",
            Cause::Tape => "tape",
        }
    }
    #[must_use]
    pub fn from_name(name: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|c| c.name() == name)
    }
    pub(super) fn from_u32(v: u32) -> Option<Cause> {
        Cause::ALL.into_iter().find(|c| *c as u32 == v)
    }
    /// Whether a lane that trips for this trips the node's switch too: its code or its money went wrong, so that a
    /// restart must not begin again. A late feed, a rejecting venue or an end of work concerns the lane that has it.
    #[must_use]
    pub fn is_node_wide(self) -> bool {
        !matches!(self, Cause::FeedLatency | Cause::RejectRate | Cause::Stop)
    }
}

/// Who tripped, when and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    pub cause: Cause,
    pub text: String,
    /// Nanoseconds since 1970; 0 where it is not known.
    pub at_ns: i64,
    /// The process; 0 where it is not known.
    pub pid: u32,
}
