//! The switch: a memory-mapped file that any process can trip and that only a person with a reason can reset.
use std::path::Path;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u8)]
pub enum SwitchState {
    Active = 0,
    Reducing = 1,
    Halted = 2,
}
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u32)]
pub enum Cause {
    Person = 1,
    Panic = 2,
    Kernel = 3,
    Drawdown = 4,
    FeedLatency = 5,
    RejectRate = 6,
    StrayReceipt = 7,
    BadReceipt = 8,
    BadFile = 9,
    Unfinished = 10,
}
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    pub cause: Cause,
    pub text: String,
    pub at_ns: i64,
    pub pid: u32,
}
pub struct Switch {}
impl Switch {
    pub fn open(_path: &Path) -> Result<Switch, String> {
        unimplemented!()
    }
    pub fn anonymous() -> Switch {
        unimplemented!()
    }
    pub fn state(&self) -> SwitchState {
        unimplemented!()
    }
    /// True if the state moved.
    pub fn trip(&self, _to: SwitchState, _cause: Cause, _text: &str, _now_ns: i64) -> bool {
        unimplemented!()
    }
    pub fn reason(&self) -> Option<Reason> {
        unimplemented!()
    }
    pub fn reset(&self, _who: &str, _reason: &str, _now_ns: i64) -> Result<(), String> {
        unimplemented!()
    }
}
