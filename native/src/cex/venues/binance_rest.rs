//! Binance's REST requests, spot and USD-M futures: what is asked, and signed.

use crate::cex::venues::binance::Market;
use crate::cex::venues::binance_sign::Credentials;
use crate::event::{Ask, InstrumentId, Intent};
use crate::units::InstrumentSpec;

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
pub struct Rest {}

impl Rest {
    /// `recv_window_ms`: how old a request may be when the venue reads it.
    ///
    /// # Errors
    /// A symbol or step that cannot be written.
    pub fn new(_market: Market, _specs: &[InstrumentSpec], _recv_window_ms: u32) -> Result<Rest, String> {
        unimplemented!()
    }
    #[must_use]
    pub fn snapshot(&self, _instrument: InstrumentId) -> RestRequest {
        unimplemented!()
    }
    /// `timestamp_ms` is the venue's time.
    #[must_use]
    pub fn ask(&self, _ask: Ask, _instrument: InstrumentId, _timestamp_ms: i64, _keys: &Credentials) -> RestRequest {
        unimplemented!()
    }
    /// An order request where the websocket API is not used.
    ///
    /// # Errors
    /// What the venue cannot do.
    pub fn order(
        &self,
        _intent: &Intent,
        _timestamp_ms: i64,
        _keys: &Credentials,
    ) -> Result<RestRequest, crate::cex::venues::binance_orders::Unsupported> {
        unimplemented!()
    }
    #[must_use]
    pub fn listen_key(&self, _what: ListenKey) -> RestRequest {
        unimplemented!()
    }
    #[must_use]
    pub fn time(&self) -> RestRequest {
        unimplemented!()
    }
}
