//! The private side of a lane's venue: the order connection and the user data stream, logging on, signing, sending.
//!
//! | venue | orders | user data |
//! |---|---|---|
//! | spot | websocket API | the same connection: `userDataStream.subscribe.signature` (HMAC), or `session.logon` and `userDataStream.subscribe` (Ed25519) |
//! | USD-M | websocket API, after `session.logon` with an Ed25519 key | `<user endpoint>/ws/<listen key>` |
//!
//! Nothing is signed before the venue's time is known. While the order connection is down, cancels go over REST; other
//! orders are turned away.

use std::sync::Arc;

use serde_json::json;

use super::notices::Notices;
use super::plan::{LivePlan, OrderEntry};
use super::rest::{RestClient, What};
use super::status::ConnectionStatus;
use crate::cex::venues::binance::Market;
use crate::cex::venues::binance_orders::Encoder;
use crate::cex::venues::binance_private::{Private, Session, VenueError};
use crate::cex::venues::binance_rest::{ListenKey, Rest};
use crate::cex::venues::binance_session as session;
use crate::cex::venues::binance_sign::{Credentials, KeyKind};
use crate::clock::stopwatch_ns;
use crate::event::{Action, ConnectionId, Intent, ORDERS, USER_DATA};
use crate::net::{Endpoint, Tls, WsClient, WsEvent, WsOptions};

const NS_PER_MS: i64 = 1_000_000;
/// A greeting without an answer for so long is said anew on a new connection.
const GREETING_NS: i64 = 10_000 * NS_PER_MS;

/// How far a private connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Closed,
    /// Open, and nothing said.
    Open,
    LogonAsked,
    StreamAsked,
    /// Usable.
    Up,
}

/// A private connection.
pub struct Link {
    pub ws: WsClient,
    pub status: ConnectionStatus,
    /// What the lane is told of: a connection may be both.
    pub serves: &'static [ConnectionId],
    stage: Stage,
    greeted_ns: i64,
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    Orders,
    User,
}

/// What a private connection had to say.
pub enum Incoming {
    /// A message for the lane; its bytes are in the buffer that was handed in.
    Message,
    /// It is usable now.
    Up,
    /// It was usable and is no more.
    Down,
    /// It concerns the connection only.
    Nothing,
}

pub struct Account {
    market: Market,
    entry: OrderEntry,
    keys: Credentials,
    private: Private,
    encoders: Vec<Encoder>,
    pub orders: Option<Link>,
    pub user: Option<Link>,
    /// Of a venue whose user data come by a listen key: where, and when the key is to be kept alive or asked for.
    user_url: Option<String>,
    listen_due_ns: i64,
    has_listen_key: bool,
    /// What the venue's clock is ahead of ours, ns; nothing is signed without.
    pub offset_ns: Option<i64>,
    bytes: Vec<u8>,
    recv_window_ms: u32,
}

/// How long the parts of a sending took, ns.
#[derive(Clone, Copy, Default)]
pub struct Sending {
    pub encode_ns: i64,
    pub write_ns: i64,
}

/// A listen key lives for an hour without being kept alive (USD-M, "Start User Data Stream": 60 minutes).
const KEEP_ALIVE_NS: i64 = 30 * 60_000 * NS_PER_MS;
const LISTEN_RETRY_NS: i64 = 2_000 * NS_PER_MS;
const BOTH: &[ConnectionId] = &[ORDERS, USER_DATA];

impl Link {
    fn new(name: &str, url: &str, serves: &'static [ConnectionId], net: &NetSetup) -> Result<Link, String> {
        let endpoint = Endpoint::parse(url).map_err(|e| format!("endpoints.{name}: {e}"))?;
        let seed = net.seed.wrapping_add(u64::from(serves[0]));
        Ok(Link {
            ws: WsClient::new(endpoint, net.options.clone(), Arc::clone(&net.tls), seed),
            status: ConnectionStatus { name: name.into(), ..ConnectionStatus::default() },
            serves,
            stage: Stage::Closed,
            greeted_ns: 0,
        })
    }

    /// The connection may be used.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.stage == Stage::Up
    }

    fn up(&mut self, now_ns: i64) -> Incoming {
        self.stage = Stage::Up;
        self.status.came(now_ns);
        Incoming::Up
    }

    fn refused(&mut self, what: &str, e: &VenueError, now_ns: i64, notices: &Notices) {
        let details = json!({"connection": self.status.name, "code": e.code, "why": e.text});
        notices.say(now_ns, what, details);
        self.ws.reconnect(&format!("{what}: {} {}", e.code, e.text));
    }
}

/// What all connections of a lane have in common.
pub struct NetSetup {
    pub options: WsOptions,
    pub tls: Arc<Tls>,
    pub seed: u64,
}

impl Account {
    /// # Errors
    /// An endpoint that is none, or an instrument that cannot be written.
    pub fn new(plan: &LivePlan, keys: Credentials, net: &NetSetup) -> Result<Account, String> {
        let market = Market::from(plan.venue());
        let specs = &plan.plan.instruments;
        let encoder = |spec| Ok::<_, String>(Encoder::new(market, spec)?.with_recv_window(plan.recv_window_ms));
        let e = &plan.endpoints;
        let (mut orders, mut user, mut user_url) = (None, None, None);
        match (market, plan.order_entry) {
            (Market::Spot, _) => {
                orders = e.orders.as_deref().map(|url| Link::new("orders", url, BOTH, net)).transpose()?;
            }
            (Market::UsdM, entry) => {
                let by_websocket = entry == OrderEntry::Websocket;
                if by_websocket {
                    orders = e.orders.as_deref().map(|url| Link::new("orders", url, &[ORDERS], net)).transpose()?;
                }
                user_url = e.user.as_deref().map(|u| u.trim_end_matches('/').to_string());
                let serves: &[ConnectionId] = if by_websocket { &[USER_DATA] } else { BOTH };
                user = user_url.as_deref().map(|url| Link::new("user", url, serves, net)).transpose()?;
                // It has nowhere to go before there is a listen key.
                user.iter_mut().for_each(|link| link.ws.close());
            }
        }
        Ok(Account {
            market,
            entry: plan.order_entry,
            keys,
            private: Private::new(market, specs)?,
            encoders: specs.iter().map(encoder).collect::<Result<_, _>>()?,
            orders,
            user,
            user_url,
            listen_due_ns: i64::MIN,
            has_listen_key: false,
            offset_ns: None,
            bytes: Vec::with_capacity(1024),
            recv_window_ms: plan.recv_window_ms,
        })
    }

    pub fn link(&mut self, which: Which) -> Option<&mut Link> {
        match which {
            Which::Orders => self.orders.as_mut(),
            Which::User => self.user.as_mut(),
        }
    }

    #[must_use]
    pub fn keys(&self) -> &Credentials {
        &self.keys
    }

    /// The venue's time at `now_ns`, ms; `None` before it was asked.
    #[must_use]
    pub fn timestamp_ms(&self, now_ns: i64) -> Option<i64> {
        self.offset_ns.map(|offset| (now_ns + offset) / NS_PER_MS)
    }

    /// Encodes, signs and writes a request.
    ///
    /// # Errors
    /// Why it has certainly not left.
    pub fn send(
        &mut self,
        intent: &Intent,
        now_ns: i64,
        make: &Rest,
        rest: Option<&mut RestClient>,
        took: &mut Sending,
    ) -> Result<(), String> {
        let timestamp_ms = self.timestamp_ms(now_ns).ok_or("the venue's time is not known yet")?;
        // What must leave the venue leaves by the other door when the first one is shut.
        let shut = intent.action == Action::Cancel && !self.orders.as_ref().is_some_and(Link::is_up);
        if self.entry == OrderEntry::Rest || shut {
            let begun = stopwatch_ns();
            let request = make.order(intent, timestamp_ms, &self.keys).map_err(|e| e.to_string())?;
            let encoded = stopwatch_ns();
            let queued = rest.is_some_and(|rest| rest.ask(What::Order(*intent), request, now_ns));
            took.encode_ns += encoded - begun;
            took.write_ns += stopwatch_ns() - encoded;
            return if queued { Ok(()) } else { Err("too many REST requests wait".into()) };
        }
        let link = self.orders.as_mut().filter(|l| l.is_up()).ok_or("the order connection is not open")?;
        let encoder = self.encoders.get(usize::from(intent.instrument)).ok_or("no such instrument")?;
        let begun = stopwatch_ns();
        self.bytes.clear();
        match self.keys.kind() {
            KeyKind::Ed25519 => encoder.encode(intent, timestamp_ms, &mut self.bytes),
            KeyKind::Hmac => encoder.encode_signed(intent, timestamp_ms, &self.keys, &mut self.bytes),
        }
        .map_err(|e| e.to_string())?;
        let encoded = stopwatch_ns();
        let sent = link.ws.send_text(&self.bytes, now_ns);
        took.encode_ns += encoded - begun;
        took.write_ns += stopwatch_ns() - encoded;
        sent.map_err(|e| format!("{e:?}"))
    }

    /// Encodes and signs as [`Account::send`] does, and throws it away.
    pub fn rehearse(&mut self, intent: &Intent, now_ns: i64) {
        let Some(encoder) = self.encoders.get(usize::from(intent.instrument)) else { return };
        let timestamp_ms = now_ns / NS_PER_MS;
        self.bytes.clear();
        // What cannot be encoded takes its time, too.
        let _ = match self.keys.kind() {
            KeyKind::Ed25519 => encoder.encode(intent, timestamp_ms, &mut self.bytes),
            KeyKind::Hmac => encoder.encode_signed(intent, timestamp_ms, &self.keys, &mut self.bytes),
        };
    }

    /// The next thing on a connection; a message's bytes go to `buffer`.
    pub fn next(&mut self, which: Which, now_ns: i64, buffer: &mut Vec<u8>, notices: &Notices) -> Option<Incoming> {
        let private = &self.private;
        let link = match which {
            Which::Orders => self.orders.as_mut(),
            Which::User => self.user.as_mut(),
        }?;
        let meaning = match link.ws.next()? {
            WsEvent::Opened => {
                link.stage = Stage::Open;
                // A stream by listen key is all there is to it.
                return Some(if which == Which::User { link.up(now_ns) } else { Incoming::Nothing });
            }
            WsEvent::Closed { why, retry_ns } => {
                let was_up = link.is_up();
                link.stage = Stage::Closed;
                link.status.went(&why, now_ns);
                let details = json!({"connection": link.status.name, "why": why, "retry_ms": retry_ns / NS_PER_MS});
                notices.say(now_ns, "disconnected", details);
                if which == Which::User {
                    self.listen_due_ns = i64::MIN; // the key may be the reason
                }
                return Some(if was_up { Incoming::Down } else { Incoming::Nothing });
            }
            WsEvent::Message(bytes) => {
                link.status.heard(bytes.len());
                buffer.clear();
                buffer.extend_from_slice(bytes);
                private.session(buffer)
            }
        };
        Some(match meaning {
            None => Incoming::Message,
            Some(Session::Ending) => {
                link.ws.reconnect("the venue ends this connection");
                Incoming::Nothing
            }
            Some(Session::Logon(Ok(()))) if self.market == Market::Spot => {
                self.subscribe(now_ns);
                Incoming::Nothing
            }
            Some(Session::Logon(Ok(())) | Session::UserData(Ok(()))) => link.up(now_ns),
            Some(Session::Logon(Err(e))) => {
                self.refuse(which, "logon refused", &e, now_ns, notices);
                Incoming::Nothing
            }
            Some(Session::UserData(Err(e))) => {
                self.refuse(which, "user data refused", &e, now_ns, notices);
                Incoming::Nothing
            }
        })
    }

    fn refuse(&mut self, which: Which, what: &str, e: &VenueError, now_ns: i64, notices: &Notices) {
        if e.code == WRONG_TIME {
            self.offset_ns = None; // it is asked for again before the next greeting
        }
        if let Some(link) = self.link(which) {
            link.refused(what, e, now_ns, notices);
        }
    }

    /// Says what an open order connection begins with, once the venue's time is known. True: it is up by that.
    pub fn greet(&mut self, now_ns: i64) -> bool {
        let Some(timestamp_ms) = self.timestamp_ms(now_ns) else { return false };
        let Some(link) = &mut self.orders else { return false };
        match link.stage {
            Stage::Open => {}
            Stage::LogonAsked | Stage::StreamAsked if now_ns - link.greeted_ns > GREETING_NS => {
                link.ws.reconnect("the venue did not answer the logon");
                return false;
            }
            _ => return false,
        }
        link.greeted_ns = now_ns;
        match (self.keys.kind(), self.market) {
            (KeyKind::Ed25519, _) => {
                self.bytes.clear();
                session::logon(self.recv_window_ms, timestamp_ms, &self.keys, &mut self.bytes);
                link.stage = Stage::LogonAsked;
                // Where it fails the connection is over, and that will be said.
                let _ = link.ws.send_text(&self.bytes, now_ns);
                false
            }
            (KeyKind::Hmac, Market::Spot) => {
                self.subscribe(now_ns);
                false
            }
            (KeyKind::Hmac, Market::UsdM) => {
                link.up(now_ns);
                true
            }
        }
    }

    fn subscribe(&mut self, now_ns: i64) {
        let Some(timestamp_ms) = self.timestamp_ms(now_ns) else { return };
        self.bytes.clear();
        session::subscribe(self.recv_window_ms, timestamp_ms, &self.keys, &mut self.bytes);
        if let Some(link) = &mut self.orders {
            (link.stage, link.greeted_ns) = (Stage::StreamAsked, now_ns);
            let _ = link.ws.send_text(&self.bytes, now_ns); // as above
        }
    }

    /// What is to be asked about the listen key now, if this venue has one.
    pub fn listen(&mut self, now_ns: i64) -> Option<(What, ListenKey)> {
        if self.user_url.is_none() || now_ns < self.listen_due_ns {
            return None;
        }
        self.listen_due_ns = now_ns + LISTEN_RETRY_NS; // unless it is answered
        let down = self.user.as_ref().is_some_and(|l| !l.ws.is_open());
        Some(if down || !self.has_listen_key {
            (What::StartListenKey, ListenKey::Start)
        } else {
            (What::KeepListenKey, ListenKey::KeepAlive)
        })
    }

    /// The answer to that.
    ///
    /// # Errors
    /// What the venue said; it is asked again.
    pub fn listening(&mut self, what: What, status: u16, body: &[u8], now_ns: i64) -> Result<(), VenueError> {
        match (what, self.private.listen_key(status, body)) {
            (What::StartListenKey, Ok(key)) => {
                let url = format!("{}/ws/{key}", self.user_url.as_deref().unwrap_or_default());
                let bad = |text| VenueError { status, code: 0, text };
                let endpoint = Endpoint::parse(&url).map_err(bad)?;
                if let Some(link) = self.user.as_mut() {
                    link.ws.set_endpoint(endpoint);
                    if !link.ws.is_open() {
                        link.ws.reconnect("a listen key");
                    }
                }
            }
            // The answer to a renewal need not repeat the key.
            _ if status == 200 => {}
            (_, Ok(_)) => {}
            (_, Err(e)) => {
                self.has_listen_key = false;
                return Err(e);
            }
        }
        (self.has_listen_key, self.listen_due_ns) = (true, now_ns + KEEP_ALIVE_NS);
        Ok(())
    }

    /// When something is due though every socket is silent.
    #[must_use]
    pub fn due_ns(&self) -> Option<i64> {
        let links = self.links().filter_map(|l| l.ws.due_ns()).min();
        let greeting = self.orders.as_ref().filter(|l| matches!(l.stage, Stage::LogonAsked | Stage::StreamAsked));
        let greeting = greeting.map(|l| l.greeted_ns.saturating_add(GREETING_NS));
        [links, greeting].into_iter().flatten().min()
    }

    /// When the listen key is to be asked for or kept alive.
    #[must_use]
    pub fn listen_ns(&self) -> Option<i64> {
        (self.user_url.is_some() && self.offset_ns.is_some()).then_some(self.listen_due_ns)
    }

    /// Closes the connections. The listen key stays: it is the account's, and other lanes may use it.
    pub fn close(&mut self) {
        for link in self.orders.iter_mut().chain(&mut self.user) {
            link.ws.close();
        }
    }

    /// The connections, orders first.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.orders.iter().chain(&self.user)
    }
}

/// The venue's error for a request whose time is not the venue's (errors.md, -1021 INVALID_TIMESTAMP).
pub const WRONG_TIME: i32 = -1021;
