//! What a live lane is to do, as the Python side writes it: JSON. It is also the header of the session's Tape, from which
//! a replay makes the same lane again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cex::kernel::Kernel;
use crate::cex::orders::first_id;
use crate::cex::venues::binance_sign::KeyKind;
use crate::event::InstrumentId;
use crate::lane::{Lane, LaneConfig, LiveRules, Trading};
use crate::risk::switch::Switch;
use crate::sim::plan::{Plan, Venue};

/// Live orders a lane has room for.
pub const CAPACITY: usize = 4096;
/// Streams of one connection (web-socket-streams.md: "A single connection can listen to a maximum of 1024 streams").
const MOST_STREAMS: usize = 1024;
/// Largest `recvWindow` (rest-api.md, "Timing security").
const MOST_RECV_WINDOW_MS: u32 = 60_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Trades.
    Live,
    /// The venue's market, a simulated exchange for the orders.
    Paper,
    /// Keeps books and writes the Tape.
    Record,
}

impl Mode {
    /// As it is written in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Live => "live",
            Mode::Paper => "paper",
            Mode::Record => "record",
        }
    }
}

/// URLs of the venue, with whatever path stands before the venue's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// `/stream?streams=…` is appended.
    pub market: String,
    /// The websocket API, whole.
    pub orders: Option<String>,
    /// `/ws/<listen key>` is appended (USD-M).
    pub user: Option<String>,
    /// The REST paths are appended.
    pub rest: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyName {
    Hmac,
    Ed25519,
}

impl From<KeyName> for KeyKind {
    fn from(name: KeyName) -> KeyKind {
        match name {
            KeyName::Hmac => KeyKind::Hmac,
            KeyName::Ed25519 => KeyKind::Ed25519,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderEntry {
    Websocket,
    Rest,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Poll {
    /// The thread never sleeps: the least latency, a whole core.
    Busy,
    /// The thread sleeps until a socket or a timer wakes it.
    Sleep,
}

/// `now = origin + (wall − origin) × speed`; above 1 for tests against a simulated exchange alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    pub origin_ns: i64,
    pub speed: i64,
}

/// What a kernel was made of, so that a replay can make it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategyPlan {
    pub strategy: String,
    pub params: Value,
    pub source_sha256: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LivePlan {
    pub plan: Plan,
    pub mode: Mode,
    /// Number of the lane at its venue account; the first four digits of its order ids.
    pub lane: u16,
    pub name: String,
    /// The lane's folder: Tape, fills, status page.
    pub state: String,
    /// The node's switch; `null`: one of this process alone.
    pub switch: Option<String>,
    pub endpoints: Endpoints,
    /// Stream names, one list a connection.
    pub streams: Vec<Vec<String>>,
    pub key_kind: Option<KeyName>,
    pub order_entry: OrderEntry,
    /// `null` where no order is sent to the venue.
    pub rules: Option<LiveRules>,
    pub recv_window_ms: u32,
    pub poll: Poll,
    /// Core that the thread is bound to.
    pub cpu: Option<u16>,
    pub clock: Clock,
    /// Certificates to trust instead of the system's, PEM.
    pub ca_file: Option<String>,
    pub strategies: Vec<StrategyPlan>,
}

/// Whether a URL leads to this host.
fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or("", |(_, rest)| rest).split(['/', ':']).next();
    matches!(host, Some("localhost" | "127.0.0.1"))
}

impl LivePlan {
    /// Reads and checks a plan.
    ///
    /// # Errors
    /// One line: what is wrong, and where.
    pub fn parse(json: &str) -> Result<LivePlan, String> {
        let plan: LivePlan = serde_json::from_str(json).map_err(|e| format!("the live plan: {e}"))?;
        plan.check().map_err(|e| format!("the live plan: {e}"))?;
        Ok(plan)
    }

    fn check(&self) -> Result<(), String> {
        let venue = self.plan.venue.ok_or("plan.venue is null; a live lane must know its venue")?;
        let kernels = self.plan.kernels.len();
        if self.name.is_empty() || self.state.is_empty() {
            return Err("name and state must not be empty".into());
        }
        if self.plan.instruments.is_empty() {
            return Err("plan.instruments is empty; a live lane finds none by itself".into());
        }
        if self.streams.is_empty() {
            return Err("streams is empty; each connection needs a list of streams".into());
        }
        for (n, list) in self.streams.iter().enumerate() {
            if list.is_empty() || list.len() > MOST_STREAMS {
                return Err(format!("streams[{n}] has {} streams; a connection takes 1 to {MOST_STREAMS}", list.len()));
            }
        }
        if self.streams.len() >= usize::from(crate::event::ORDERS) {
            return Err(format!(
                "{} market connections; below {} are allowed",
                self.streams.len(),
                crate::event::ORDERS
            ));
        }
        if !self.plan.faults.is_empty() && !is_loopback(&self.endpoints.market) {
            return Err("plan.faults is for tests against an exchange on this host; remove it".into());
        }
        if self.clock.speed < 1 {
            return Err(format!("clock.speed is {}; it must be 1 or more", self.clock.speed));
        }
        if !(1..=MOST_RECV_WINDOW_MS).contains(&self.recv_window_ms) {
            return Err(format!("recv_window_ms is {}; 1 to {MOST_RECV_WINDOW_MS} are allowed", self.recv_window_ms));
        }
        if self.strategies.len() != kernels {
            return Err(format!("{} strategies for {kernels} kernels; each kernel has one", self.strategies.len()));
        }
        match self.mode {
            Mode::Record if kernels > 0 => return Err("mode record runs no kernels; remove them or trade".into()),
            Mode::Record => return Ok(()),
            Mode::Live | Mode::Paper if kernels == 0 => {
                return Err(format!("mode {} needs a kernel; to only record, use mode record", self.mode.name()));
            }
            Mode::Live | Mode::Paper if self.plan.limits.is_none() => {
                return Err("plan.limits is null; a strategy needs limits".into());
            }
            Mode::Paper => return Ok(()),
            Mode::Live => {}
        }
        if self.key_kind.is_none() {
            return Err("key_kind is null; mode live signs its requests".into());
        }
        let Some(rules) = &self.rules else {
            return Err("rules is null; mode live needs the venue's limits and its own timeouts".into());
        };
        let (least, instruments) = (rules.min_notional.len(), self.plan.instruments.len());
        if least != 0 && least != instruments {
            return Err(format!("rules.min_notional has {least} amounts for {instruments} instruments"));
        }
        let (orders, user) = (self.endpoints.orders.is_some(), self.endpoints.user.is_some());
        if !orders && (self.order_entry == OrderEntry::Websocket || venue == Venue::BinanceSpot) {
            return Err("endpoints.orders is null; orders (and on spot the user data) go over the websocket API".into());
        }
        if !user && venue == Venue::BinanceUsdm {
            return Err("endpoints.user is null; USD-M sends user data on a stream of its own".into());
        }
        Ok(())
    }

    /// The venue; `check` has seen that it is there.
    #[must_use]
    pub fn venue(&self) -> Venue {
        self.plan.venue.unwrap_or(Venue::BinanceSpot)
    }

    /// The lane of this plan; kernels in the plan's order. Live session and replay make it here, so that they have the
    /// same one. `measured`: hooks are held to their time budgets (a Tape says itself where one overran).
    ///
    /// # Errors
    /// One line for a person.
    pub fn lane(&self, kernels: Vec<Kernel>, switch: Arc<Switch>, measured: bool) -> Result<Lane, String> {
        if kernels.len() != self.plan.kernels.len() {
            return Err("the plan and the compiled kernels differ in number".into());
        }
        let mut bound = Vec::with_capacity(kernels.len());
        for (kernel, p) in kernels.into_iter().zip(&self.plan.kernels) {
            let ids = p.instruments.iter().map(|symbol| self.instrument(symbol)).collect::<Result<Vec<_>, _>>()?;
            bound.push((kernel.with_budget(if measured { p.budget_ns } else { 0 }), ids));
        }
        let rules = self.rules.clone().map(|r| LiveRules { recv_window_ms: self.recv_window_ms, ..r });
        let trading = match &self.plan.limits {
            Some(limits) if !bound.is_empty() => Some(Trading {
                limits: limits.clone(),
                equity: self.plan.equity,
                switch,
                capacity: CAPACITY,
                first_id: first_id(self.lane, 1), // until the opening balance says
                can_replace: self.venue().can_replace(),
                live: rules.filter(|_| self.mode == Mode::Live),
            }),
            _ => None,
        };
        let config = LaneConfig {
            dialect: self.venue().into(),
            instruments: self.plan.instruments.clone(),
            features: self.plan.features,
            clock_offset_ns: self.plan.clock_offset_ns.unwrap_or(0),
            trading,
        };
        Lane::new(config, bound)
    }

    fn instrument(&self, symbol: &str) -> Result<InstrumentId, String> {
        let at = self.plan.instruments.iter().position(|i| i.symbol == symbol);
        at.and_then(|i| InstrumentId::try_from(i).ok())
            .ok_or_else(|| format!("the strategy's instrument {symbol} is not one of the lane's"))
    }
}
