//! Signatures; the bodies follow.
use std::sync::Arc;

use super::limits::{Limit, Limits};
use super::switch::{Cause, Reason, Switch, SwitchState};
use crate::event::{InstrumentId, Intent, Receipt, Refusal, Top};
use crate::units::{Decimal, InstrumentSpec, Lots, Money};

#[derive(Debug)]
#[must_use = "a permit that is neither redeemed nor withdrawn counts as an open order for ever"]
pub struct Permit {
    intent: Intent,
}
#[derive(Debug)]
pub struct Request {
    intent: Intent,
}
impl Request {
    #[must_use]
    pub fn intent(&self) -> &Intent {
        &self.intent
    }
}
#[derive(Clone, Copy, Debug)]
pub struct Market {
    pub top: Option<Top>,
    pub book_ns: i64,
}
/// PnL of one instrument: `total = spread + drift - fees + rebates`, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pnl {
    pub spread: Money,
    pub drift: Money,
    pub fees: Money,
    pub rebates: Money,
}
pub struct Exposure {
    position: Lots,
    pnl: Pnl,
}
impl Exposure {
    pub fn position(&self) -> Lots {
        self.position
    }
    pub fn pnl(&self) -> &Pnl {
        &self.pnl
    }
    pub fn open_orders(&self) -> usize {
        unimplemented!()
    }
}
pub struct Gate {}
#[rustfmt::skip]
impl Gate {
    pub fn new(_specs: &[InstrumentSpec], _limits: &Limits, _equity: Decimal, _switch: Arc<Switch>) -> Result<Gate, String> { unimplemented!() }
    pub fn judge(&mut self, intent: &Intent, _market: &Market, _now_ns: i64) -> Result<Permit, Refusal> { Ok(Permit { intent: *intent }) }
    pub fn redeem(&mut self, permit: Permit, _now_ns: i64) -> Result<Request, Refusal> { Ok(Request { intent: permit.intent }) }
    /// The permit will not be used: what it reserved is freed.
    pub fn withdraw(&mut self, _permit: Permit) { unimplemented!() }
    pub fn on_receipt(&mut self, _r: &Receipt, _now_ns: i64) { unimplemented!() }
    pub fn on_tick(&mut self, _instrument: InstrumentId, _half_ticks: i64, _now_ns: i64) -> bool { unimplemented!() }
    pub fn on_feed_latency(&mut self, _instrument: InstrumentId, _latency_ns: i64, _now_ns: i64) { unimplemented!() }
    pub fn on_mark(&mut self, _instrument: InstrumentId, _half_ticks: i64, _now_ns: i64) { unimplemented!() }
    /// Latches the lane down, and the switch too where the cause concerns the node (panic, kernel, drawdown).
    pub fn trip(&mut self, _to: SwitchState, _cause: Cause, _text: &str, _now_ns: i64) -> bool { unimplemented!() }
    pub fn state(&self) -> SwitchState { unimplemented!() }
    /// Why the lane itself is not active, if it is not.
    pub fn reason(&self) -> Option<&Reason> { unimplemented!() }
    pub fn should_flatten(&self) -> bool { unimplemented!() }
    /// Halts the lane if it was flattening, is flat and has nothing open; true if it did.
    pub fn finish_flatten(&mut self, _now_ns: i64) -> bool { unimplemented!() }
    pub fn exposure(&self, _instrument: InstrumentId) -> &Exposure { unimplemented!() }
    /// Quote currency, exactly.
    pub fn equity(&self) -> Decimal { unimplemented!() }
    pub fn refusals(&self) -> impl Iterator<Item = (Limit, u64)> + '_ { Limit::ALL.into_iter().map(|l| (l, 0)) }
    pub fn refusals_of(&self, _instrument: InstrumentId) -> impl Iterator<Item = (Limit, u64)> + '_ { Limit::ALL.into_iter().map(|l| (l, 0)) }
}
