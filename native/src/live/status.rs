//! What a lane's status page says, as JSON. Its keys are stable: keys are added, not changed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::cex::orders::State;
use crate::event::{Action, InstrumentId, Level, Side};
use crate::lane::account::AccountStatus;
use crate::lane::{Instrument, Lane};
use crate::risk::switch::Reason;
use crate::units::{Decimal, Lots};

/// Version of the keys.
const SCHEMA: u32 = 1;

/// One connection of the lane.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConnectionStatus {
    /// `market 0`, `orders`, `user`.
    pub name: String,
    /// Usable: subscribed, or logged on.
    pub up: bool,
    /// Since when it is as it is, ns since 1970.
    pub since_ns: i64,
    /// How often it came up.
    pub connects: u64,
    pub messages: u64,
    pub bytes: u64,
    /// Why it was closed the last time.
    pub why: Option<String>,
}

impl ConnectionStatus {
    /// It has come up.
    pub fn came(&mut self, now_ns: i64) {
        (self.up, self.since_ns) = (true, now_ns);
        self.connects += 1;
    }

    /// It is gone.
    pub fn went(&mut self, why: &str, now_ns: i64) {
        if self.up {
            (self.up, self.since_ns) = (false, now_ns);
        }
        self.why = Some(why.to_string());
    }

    /// A message came.
    #[inline]
    pub fn heard(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

#[derive(Serialize)]
struct ReasonStatus<'a> {
    cause: &'static str,
    text: &'a str,
    at_ns: i64,
    pid: u32,
}

impl<'a> From<&'a Reason> for ReasonStatus<'a> {
    fn from(r: &'a Reason) -> ReasonStatus<'a> {
        ReasonStatus { cause: r.cause.name(), text: &r.text, at_ns: r.at_ns, pid: r.pid }
    }
}

#[derive(Serialize)]
struct FramesStatus {
    depth: u64,
    quote: u64,
    trade: u64,
    snapshot: u64,
    order: u64,
    timer: u64,
    fault: u64,
    answer: u64,
    ignored: u64,
    malformed: u64,
    backwards: u64,
    outliers: u64,
}

#[derive(Serialize)]
struct PnlStatus {
    total: Decimal,
    spread: Decimal,
    drift: Decimal,
    fees: Decimal,
    rebates: Decimal,
}

#[derive(Serialize)]
struct InstrumentStatus<'a> {
    symbol: &'a str,
    /// Price and quantity; null without a Top.
    bid: Option<(Decimal, Decimal)>,
    ask: Option<(Decimal, Decimal)>,
    blind_ns: i64,
    /// `recv_ns` of the last depth event that was applied.
    last_depth_ns: i64,
    gaps: u64,
    resyncs: u64,
    position: Decimal,
    /// What of the position orders can bring to zero: fees may have taken a part of the last lot, and once the lane is
    /// getting out, what is worth less than the venue's least order stays.
    closable: Decimal,
    open_orders: usize,
    fills: u64,
    pnl: PnlStatus,
}

/// What the lane's thread knows beside the lane.
#[derive(Serialize)]
pub struct Session<'a> {
    pub name: &'a str,
    pub lane: u16,
    pub mode: &'static str,
    pub venue: &'static str,
    pub started_ns: i64,
    /// The lane's own time.
    pub now_ns: i64,
    /// null, `stop` or `stop_flat`: what was asked of it.
    pub stopping: Option<&'static str>,
    /// Panics of the thread itself; the lane's are in `panic`.
    pub panics: u64,
    pub connections: &'a [ConnectionStatus],
    pub tape: TapeStatus<'a>,
    pub clock: ClockStatus,
    /// Requests that were decided and could not be sent.
    pub unsent: u64,
    /// REST requests: waiting, sent, and those that got no good answer.
    pub rest: RestStatus,
    /// Histograms by part: see `Meter`.
    pub latency_ns: Value,
}

#[derive(Serialize)]
pub struct TapeStatus<'a> {
    pub path: &'a str,
    pub records: u64,
    pub bytes: u64,
    pub lost: u64,
}

#[derive(Serialize)]
pub struct ClockStatus {
    /// What the venue's clock is ahead of ours, ns; null before it was asked.
    pub venue_offset_ns: Option<i64>,
    /// How often the system's clock was stepped.
    pub steps: u64,
    pub poll: &'static str,
    pub cpu: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct RestStatus {
    pub waiting: usize,
    pub sent: u64,
    pub failed: u64,
    /// Weight used in the current minute, as counted here.
    pub weight: u32,
}

#[derive(Serialize)]
struct Status<'a> {
    schema: u32,
    #[serde(flatten)]
    session: &'a Session<'a>,
    /// The worse of the lane's own latch and the switch.
    state: &'static str,
    /// Why the lane itself left active.
    reason: Option<ReasonStatus<'a>>,
    switch: Option<SwitchStatus>,
    panic: Option<&'a str>,
    /// The account is known to be as the venue has it, or no venue stands behind the lane.
    reconciled: bool,
    account: Option<AccountPart>,
    frames: FramesStatus,
    first_malformed: Option<&'static str>,
    intents: u64,
    permits: u64,
    refused: u64,
    receipts: u64,
    unsendable: u64,
    messages: BTreeMap<&'static str, u64>,
    /// By limit, those above 0.
    refusals: BTreeMap<&'static str, u64>,
    open_orders: usize,
    unknown_orders: usize,
    equity: Option<Decimal>,
    instruments: Vec<InstrumentStatus<'a>>,
}

/// How the account stands at its venue.
#[derive(Serialize)]
struct AccountPart {
    /// Instruments not reconciled since the last loss of a private connection.
    unready: usize,
    orders_up: bool,
    user_data_up: bool,
    rounds: u64,
    /// Rounds in which a fill was missing, and in which the position differed.
    missing: u64,
    differing: u64,
    unanswered: u64,
    recovered: u64,
    adopted: u64,
    questions: usize,
    refused_questions: u64,
    last_refusal: Option<String>,
    duplicates: u64,
    foreign: u64,
}

impl From<AccountStatus> for AccountPart {
    fn from(a: AccountStatus) -> AccountPart {
        AccountPart {
            unready: a.unready,
            orders_up: a.orders_up,
            user_data_up: a.user_data_up,
            rounds: a.counts.rounds,
            missing: a.counts.missing,
            differing: a.counts.differing,
            unanswered: a.counts.unanswered,
            recovered: a.counts.recovered,
            adopted: a.counts.adopted,
            questions: a.questions,
            refused_questions: a.refused,
            last_refusal: a.last_refusal,
            duplicates: a.duplicates,
            foreign: a.foreign,
        }
    }
}

#[derive(Serialize)]
struct SwitchStatus {
    state: &'static str,
    cause: Option<&'static str>,
    text: Option<String>,
}

/// Writes the status to `out`. `fills`: their number by instrument.
pub fn write(lane: &Lane, session: &Session<'_>, fills: &[u64], out: &mut Vec<u8>) {
    let (c, j) = (&lane.counts, &lane.journal);
    let gate = lane.gate();
    let account = lane.account_status();
    let message = |a: Action| j.messages[a as usize];
    let status = Status {
        schema: SCHEMA,
        session,
        state: gate.map_or("active", |g| g.state().name()),
        reason: gate.and_then(|g| g.reason()).map(ReasonStatus::from),
        switch: gate.map(|g| {
            let reason = g.switch().reason();
            SwitchStatus {
                state: g.switch().state().name(),
                cause: reason.as_ref().map(|r| r.cause.name()),
                text: reason.map(|r| r.text),
            }
        }),
        panic: lane.panicked.as_deref(),
        reconciled: account.as_ref().is_none_or(|a| a.unready == 0 && a.orders_up && a.user_data_up),
        account: account.map(AccountPart::from),
        frames: FramesStatus {
            depth: c.depth,
            quote: c.quote,
            trade: c.trade,
            snapshot: c.snapshot,
            order: c.order,
            timer: c.timer,
            fault: c.fault,
            answer: c.answer,
            ignored: c.ignored,
            malformed: c.malformed,
            backwards: c.backwards,
            outliers: c.outliers,
        },
        first_malformed: lane.first_malformed,
        intents: j.intents,
        permits: j.permits,
        refused: j.refusals,
        receipts: j.receipts,
        unsendable: j.unsendable,
        messages: [
            ("place", message(Action::Place)),
            ("cancel", message(Action::Cancel)),
            ("replace", message(Action::Replace)),
        ]
        .into(),
        refusals: gate.map_or_else(BTreeMap::new, |g| {
            g.refusals().filter(|(_, n)| *n > 0).map(|(limit, n)| (limit.name(), n)).collect()
        }),
        open_orders: lane.orders().map_or(0, |o| o.alive()),
        unknown_orders: unknown_orders(lane),
        equity: gate.map(|g| g.equity()),
        instruments: lane
            .instruments()
            .iter()
            .enumerate()
            .map(|(n, i)| instrument(lane, n, i, fills.get(n).copied().unwrap_or(0), session.now_ns))
            .collect(),
    };
    out.clear();
    // Strings, numbers and lists only: nothing of it cannot be written, and a vector takes everything.
    let _ = serde_json::to_writer(out, &status);
}

fn unknown_orders(lane: &Lane) -> usize {
    let all = |id| {
        [Side::Buy, Side::Sell]
            .into_iter()
            .flat_map(move |s| lane.orders().into_iter().flat_map(move |o| o.side(id, s)))
    };
    (0..lane.instruments().len()).flat_map(|id| all(id as InstrumentId)).filter(|o| o.state() == State::Unknown).count()
}

fn instrument<'a>(lane: &Lane, n: usize, i: &'a Instrument, fills: u64, now_ns: i64) -> InstrumentStatus<'a> {
    let id = n as InstrumentId;
    let level = |l: Level| (i.spec.price(l.px), i.spec.quantity(l.qty));
    let exposure = lane.gate().map(|g| g.exposure(id));
    let pnl = exposure.map(|e| *e.pnl()).unwrap_or_default();
    let open = |side| lane.orders().map_or(0, |o| o.side(id, side).count());
    InstrumentStatus {
        symbol: &i.spec.symbol,
        bid: i.top.map(|t| level(t.bid)),
        ask: i.top.map(|t| level(t.ask)),
        blind_ns: i.sync.blind_ns(now_ns),
        last_depth_ns: i.sync.applied_ns(),
        gaps: i.sync.counts.gaps,
        resyncs: i.sync.counts.syncs.saturating_sub(1),
        position: i.spec.quantity(exposure.map_or(Lots(0), |e| e.position())),
        closable: i.spec.quantity(Lots(exposure.map_or(0, |e| e.closable()))),
        open_orders: open(Side::Buy) + open(Side::Sell),
        fills,
        pnl: PnlStatus {
            total: i.spec.value(pnl.total()),
            spread: i.spec.value(pnl.spread),
            drift: i.spec.value(pnl.drift),
            fees: i.spec.value(pnl.fees),
            rebates: i.spec.value(pnl.rebates),
        },
    }
}
