//! Binance's REST requests, spot and USD-M futures: what is asked, and signed.
//!
//! | what | spot, `/api/v3` (rest-api.md) | weight | USD-M (developers.binance.com) | weight |
//! |---|---|---|---|---|
//! | snapshot | `depth?limit=1000` | 50 | `/fapi/v1/depth?limit=1000` | 20 |
//! | open orders | `openOrders` | 6 | `/fapi/v1/openOrders` | 1 |
//! | one order | `order` | 4 | `/fapi/v1/order` | 1 |
//! | trades | `myTrades?limit=1000` | 20 | `/fapi/v1/userTrades?limit=1000` | 5 |
//! | position | `account` | 20 | `/fapi/v3/positionRisk` | 5 |
//! | countdown | none: spot has no dead-man switch | | `/fapi/v1/countdownCancelAll` | 10 |
//! | account | `account` | 20 | `/fapi/v3/account` | 5 |
//! | rules | `exchangeInfo` | 20 | `/fapi/v1/exchangeInfo` | 1 |
//! | time | `time` | 1 | `/fapi/v1/time` | 1 |
//! | place | `order` | 1 | `/fapi/v1/order` | 0, and an order |
//! | cancel | `order` | 1 | `/fapi/v1/order` | 1 |
//! | replace | `order/cancelReplace` | 1 | `/fapi/v1/order` | 0, and an order |
//! | listen key | gone (2026-02-20): the websocket API has the user data stream | | `/fapi/v1/listenKey` | 1 |
//!
//! Paths and weights as read on 2026-11-22. A spot snapshot could have 5,000 levels, for a weight of 250: of the 6,000
//! a minute that would leave a lane of a hundred instruments out of sync for four minutes after a reconnect, and beyond
//! the first thousand levels nothing is decided.

use crate::cex::venues::binance::Market;
use crate::cex::venues::binance_orders::{Encoder, Unsupported, percent_encoded};
use crate::cex::venues::binance_sign::Credentials;
use crate::event::{Action, Ask, InstrumentId, Intent};
use crate::units::InstrumentSpec;

mod envelope;
pub use envelope::{order_answer, used};

/// One request, whole but for the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestRequest {
    pub method: &'static str,
    /// Path and query, signed where the venue wants it.
    pub target: String,
    /// The header `X-MBX-APIKEY` goes with it.
    pub keyed: bool,
    /// What the venue counts for it against the request weight.
    pub weight: u32,
}

/// What is done with a listen key (USD-M user data stream).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListenKey {
    Start,
    KeepAlive,
    Close,
}

/// Makes the requests of one account at one venue.
pub struct Rest {
    market: Market,
    encoders: Vec<Encoder>,
    /// As they stand in a query.
    symbols: Vec<String>,
    recv_window_ms: u32,
}

impl Rest {
    /// `recv_window_ms`: how old a request may be when the venue reads it.
    ///
    /// # Errors
    /// A symbol or step that cannot be written.
    pub fn new(market: Market, specs: &[InstrumentSpec], recv_window_ms: u32) -> Result<Rest, String> {
        let encoder = |s| Encoder::new(market, s).map(|e| e.with_recv_window(recv_window_ms));
        let encoders = specs.iter().map(encoder).collect::<Result<_, _>>()?;
        let symbols = specs.iter().map(|s| text(percent_encoded(s.symbol.to_uppercase().as_bytes()))).collect();
        Ok(Rest { market, encoders, symbols, recv_window_ms })
    }

    fn by_market<T>(&self, spot: T, usdm: T) -> T {
        match self.market {
            Market::Spot => spot,
            Market::UsdM => usdm,
        }
    }

    /// # Panics
    /// For an instrument that the lane has not; so do all that follow.
    #[must_use]
    pub fn snapshot(&self, instrument: InstrumentId) -> RestRequest {
        let symbol = &self.symbols[usize::from(instrument)];
        let (path, weight) = self.by_market(("/api/v3/depth", 50), ("/fapi/v1/depth", 20));
        open("GET", format!("{path}?symbol={symbol}&limit=1000"), weight)
    }

    /// `timestamp_ms` is the venue's time. A countdown on spot, which has none, becomes a ping; its answer is an error.
    #[must_use]
    pub fn ask(&self, ask: Ask, instrument: InstrumentId, timestamp_ms: i64, keys: &Credentials) -> RestRequest {
        let symbol = &self.symbols[usize::from(instrument)];
        let of_symbol = format!("symbol={symbol}");
        let order = self.by_market(("/api/v3/order", 4), ("/fapi/v1/order", 1));
        let ((path, weight), query, method) = match ask {
            Ask::OpenOrders => {
                (self.by_market(("/api/v3/openOrders", 6), ("/fapi/v1/openOrders", 1)), of_symbol, "GET")
            }
            Ask::Order(id) => {
                let id = crate::cex::venues::binance_orders::client_id_text(id).to_vec();
                (order, format!("{of_symbol}&origClientOrderId={}", text(id)), "GET")
            }
            Ask::VenueOrder(id) => (order, format!("{of_symbol}&orderId={id}"), "GET"),
            Ask::Trades { from_id } => {
                // Without a trade to begin at the venue gives the last ones, and not those of years ago.
                let from = if from_id == 0 { String::new() } else { format!("&fromId={from_id}") };
                let path = self.by_market(("/api/v3/myTrades", 20), ("/fapi/v1/userTrades", 5));
                (path, format!("{of_symbol}{from}&limit=1000"), "GET")
            }
            Ask::Position if self.market == Market::Spot => {
                (("/api/v3/account", 20), "omitZeroBalances=true".to_owned(), "GET")
            }
            Ask::Position => (("/fapi/v3/positionRisk", 5), of_symbol, "GET"),
            Ask::Countdown { .. } if self.market == Market::Spot => return open("GET", "/api/v3/ping".to_owned(), 1),
            Ask::Countdown { ms } => {
                (("/fapi/v1/countdownCancelAll", 10), format!("countdownTime={ms}&{of_symbol}"), "POST")
            }
        };
        self.signed(method, path, query, timestamp_ms, keys, weight)
    }

    /// An order request where the websocket API is not used.
    ///
    /// # Errors
    /// What the venue cannot do.
    pub fn order(&self, intent: &Intent, timestamp_ms: i64, keys: &Credentials) -> Result<RestRequest, Unsupported> {
        let mut query = Vec::with_capacity(384);
        self.encoders[usize::from(intent.instrument)].query(intent, timestamp_ms, &mut query)?;
        let (method, path, weight) = match (intent.action, self.market) {
            (Action::Place, Market::Spot) => ("POST", "/api/v3/order", 1),
            (Action::Cancel, Market::Spot) => ("DELETE", "/api/v3/order", 1),
            (Action::Replace, Market::Spot) => ("POST", "/api/v3/order/cancelReplace", 1),
            (Action::Place, Market::UsdM) => ("POST", "/fapi/v1/order", 0),
            (Action::Cancel, Market::UsdM) => ("DELETE", "/fapi/v1/order", 1),
            (Action::Replace, Market::UsdM) => ("PUT", "/fapi/v1/order", 0),
        };
        let target = with_signature(path, &text(query), keys);
        Ok(RestRequest { method, target, keyed: true, weight })
    }

    /// Only USD-M has listen keys; what spot answers to this is an error.
    #[must_use]
    pub fn listen_key(&self, what: ListenKey) -> RestRequest {
        let method = match what {
            ListenKey::Start => "POST",
            ListenKey::KeepAlive => "PUT",
            ListenKey::Close => "DELETE",
        };
        let path = self.by_market("/api/v3/userDataStream", "/fapi/v1/listenKey");
        RestRequest { method, target: path.to_owned(), keyed: true, weight: 1 }
    }

    #[must_use]
    pub fn time(&self) -> RestRequest {
        open("GET", self.by_market("/api/v3/time", "/fapi/v1/time").to_owned(), 1)
    }

    /// The venue's rules for the lane's instruments (spot), or for all (USD-M, which gives no choice).
    #[must_use]
    pub fn exchange_info(&self) -> RestRequest {
        match self.market {
            Market::Spot => {
                let symbols = self.symbols.join("%22%2C%22");
                open("GET", format!("/api/v3/exchangeInfo?symbols=%5B%22{symbols}%22%5D"), 20)
            }
            Market::UsdM => open("GET", "/fapi/v1/exchangeInfo".to_owned(), 1),
        }
    }

    /// The account: its balances, and whether it may trade (`canTrade`) and withdraw (`canWithdraw`).
    #[must_use]
    pub fn account(&self, timestamp_ms: i64, keys: &Credentials) -> RestRequest {
        let (path, weight) = self.by_market(("/api/v3/account", 20), ("/fapi/v3/account", 5));
        self.signed("GET", path, String::new(), timestamp_ms, keys, weight)
    }

    /// What the key itself may do (`enableWithdrawals` and others; developers.binance.com, wallet, "Get API Key
    /// Permission"). It is answered by the spot host only, for keys of both markets.
    #[must_use]
    pub fn key_permissions(&self, timestamp_ms: i64, keys: &Credentials) -> RestRequest {
        self.signed("GET", "/sapi/v1/account/apiRestrictions", String::new(), timestamp_ms, keys, 1)
    }

    fn signed(
        &self,
        method: &'static str,
        path: &str,
        mut query: String,
        timestamp_ms: i64,
        keys: &Credentials,
        weight: u32,
    ) -> RestRequest {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&format!("recvWindow={}&timestamp={timestamp_ms}", self.recv_window_ms));
        RestRequest { method, target: with_signature(path, &query, keys), keyed: true, weight }
    }
}

fn open(method: &'static str, target: String, weight: u32) -> RestRequest {
    RestRequest { method, target, keyed: false, weight }
}

/// The signature comes last (USD-M, "General Info") and, being base64, percent-encoded.
fn with_signature(path: &str, query: &str, keys: &Credentials) -> String {
    let signature = text(percent_encoded(keys.signature(query.as_bytes()).bytes()));
    format!("{path}?{query}&signature={signature}")
}

/// Bytes that are ASCII by how they were made.
fn text(ascii: Vec<u8>) -> String {
    String::from_utf8(ascii).expect("percent-encoded, a client id or a query of such")
}
