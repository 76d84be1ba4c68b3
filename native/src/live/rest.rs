//! What a lane's thread asks over REST: snapshots, the lane's calls, the venue's time, listen keys, and orders where the
//! websocket API is not used. One request, one answer; what is tried again is said at each.

use rustc_hash::FxHashMap;

use crate::cex::venues::binance_rest::{RestRequest, used};
use crate::event::{Call, InstrumentId, Intent, RateKind, RateUse};
use crate::live::status::RestStatus;
use crate::net::{HttpClient, HttpDone, HttpRequest};

const NS_PER_MS: i64 = 1_000_000;
/// A request without an answer for so long has none.
const TIMEOUT_MS: i64 = 10_000;
/// Requests handed to a connection at once; it asks one after the other.
const AT_ONCE: usize = 4;
const MINUTE_MS: u32 = 60_000;
const MINUTE_NS: i64 = MINUTE_MS as i64 * NS_PER_MS;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub enum What {
    Snapshot(InstrumentId),
    Call(Call),
    Time { sent_ns: i64 },
    StartListenKey,
    KeepListenKey,
    Order(Intent),
}

/// An answer, or why there is none.
pub struct Answered {
    pub what: What,
    /// HTTP status; 0: no answer came.
    pub status: u16,
    pub body: Vec<u8>,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// The venue may have had the request.
    pub maybe_sent: bool,
    /// The venue wants no request for so long (429 and 418), ms.
    pub throttled_ms: Option<u32>,
    /// What the venue has counted, by its headers.
    pub used: Vec<RateUse>,
}

/// The connection that waits for answers, and its counts.
pub struct RestClient {
    client: HttpClient,
    api_key: Option<String>,
    under_way: FxHashMap<u64, What>,
    next_token: u64,
    /// Weight used in this minute, by our count and by the venue's, whichever is more.
    minute: i64,
    weight: u32,
    sent: u64,
    failed: u64,
}

impl RestClient {
    #[must_use]
    pub fn new(client: HttpClient, api_key: Option<String>) -> RestClient {
        RestClient {
            client,
            api_key,
            under_way: FxHashMap::default(),
            next_token: 1,
            minute: 0,
            weight: 0,
            sent: 0,
            failed: 0,
        }
    }

    /// Sends a request; the answer comes from [`RestClient::next`]. False: it could not even be queued.
    #[must_use]
    pub fn ask(&mut self, what: What, request: RestRequest, now_ns: i64) -> bool {
        let mut headers = Vec::new();
        if let (true, Some(key)) = (request.keyed, &self.api_key) {
            headers.push(("X-MBX-APIKEY".to_string(), key.clone()));
        }
        let token = self.next_token;
        let http = HttpRequest { method: request.method.into(), target: request.target, headers, body: Vec::new() };
        if self.client.submit(token, http, now_ns + TIMEOUT_MS * NS_PER_MS).is_err() {
            self.failed += 1;
            return false;
        }
        self.next_token += 1;
        self.sent += 1;
        self.count_weight(request.weight, now_ns);
        self.under_way.insert(token, what);
        true
    }

    fn count_weight(&mut self, weight: u32, now_ns: i64) {
        let minute = now_ns.div_euclid(MINUTE_NS);
        if minute != self.minute {
            (self.minute, self.weight) = (minute, 0);
        }
        self.weight = self.weight.saturating_add(weight);
    }

    /// Weight used in the minute of `now_ns`.
    #[must_use]
    pub fn weight(&self, now_ns: i64) -> u32 {
        if now_ns.div_euclid(MINUTE_NS) == self.minute { self.weight } else { 0 }
    }

    /// Moves what can be moved now.
    pub fn drive(&mut self, now_ns: i64) {
        self.client.drive(now_ns);
    }

    /// The next answer.
    pub fn next(&mut self, now_ns: i64) -> Option<Answered> {
        loop {
            let HttpDone { token, result } = self.client.next()?;
            let Some(what) = self.under_way.remove(&token) else { continue };
            let answered = match result {
                Ok(response) => {
                    let header = |name| response.header(name).and_then(|v| v.trim().parse::<u32>().ok());
                    let used: Vec<RateUse> =
                        response.headers.iter().filter_map(|(name, value)| used(name, value)).collect();
                    self.count_weight(0, now_ns);
                    for u in used.iter().filter(|u| u.kind == RateKind::Weight && u.interval_ms == MINUTE_MS) {
                        self.weight = self.weight.max(u.count);
                    }
                    let throttled = matches!(response.status, 418 | 429);
                    // Without the header a minute: the longest of the venue's short intervals.
                    let wait = throttled.then(|| header("retry-after").unwrap_or(60).saturating_mul(1000));
                    let (status, body) = (response.status, response.body);
                    Answered { what, status, body, failure: None, maybe_sent: true, throttled_ms: wait, used }
                }
                Err(failure) => {
                    let maybe_sent = failure.maybe_sent;
                    let failure = Some(failure.text);
                    Answered {
                        what,
                        status: 0,
                        body: Vec::new(),
                        failure,
                        maybe_sent,
                        throttled_ms: None,
                        used: Vec::new(),
                    }
                }
            };
            if answered.status != 200 {
                self.failed += 1;
            }
            return Some(answered);
        }
    }

    /// Another request may be handed in; what waits here has its time running already.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.under_way.len() < AT_ONCE
    }

    #[must_use]
    pub fn client(&self) -> &HttpClient {
        &self.client
    }

    #[must_use]
    pub fn status(&self, now_ns: i64) -> RestStatus {
        RestStatus { waiting: self.under_way.len(), sent: self.sent, failed: self.failed, weight: self.weight(now_ns) }
    }
}

/// Which books want a snapshot, and when each is asked for again: at once, then after 250 ms, doubling up to 8 s.
#[derive(Default)]
pub struct Snapshots {
    wanted: Vec<Wanted>,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    instrument: InstrumentId,
    due_ns: i64,
    tries: u32,
    under_way: bool,
}

const FIRST_WAIT_NS: i64 = 250 * NS_PER_MS;
const MOST_DOUBLINGS: u32 = 5;

impl Snapshots {
    /// The book wants one, not before `due_ns`.
    pub fn want(&mut self, instrument: InstrumentId, due_ns: i64) {
        match self.wanted.iter_mut().find(|w| w.instrument == instrument) {
            // One that is under way may be older than the gap: whether it was, its answer shows.
            Some(_) => {}
            None => self.wanted.push(Wanted { instrument, due_ns, tries: 0, under_way: false }),
        }
    }

    /// The next one to ask for.
    pub fn due(&mut self, now_ns: i64) -> Option<InstrumentId> {
        let w = self.wanted.iter_mut().find(|w| !w.under_way && w.due_ns <= now_ns)?;
        w.under_way = true;
        Some(w.instrument)
    }

    /// It is not wanted any more.
    pub fn forget(&mut self, instrument: InstrumentId) {
        self.wanted.retain(|w| w.instrument != instrument);
    }

    /// It was not asked for after all: not before `due_ns`.
    pub fn postpone(&mut self, instrument: InstrumentId, due_ns: i64) {
        if let Some(w) = self.wanted.iter_mut().find(|w| w.instrument == instrument) {
            (w.under_way, w.due_ns) = (false, due_ns);
        }
    }

    /// It came, or did not. `served`: the book has what it needs; else it is asked for again later.
    pub fn answered(&mut self, instrument: InstrumentId, served: bool, now_ns: i64) {
        if served {
            self.wanted.retain(|w| w.instrument != instrument);
        } else if let Some(w) = self.wanted.iter_mut().find(|w| w.instrument == instrument) {
            w.under_way = false;
            w.due_ns = now_ns + (FIRST_WAIT_NS << w.tries.min(MOST_DOUBLINGS));
            w.tries += 1;
        }
    }

    /// When the next one is due.
    #[must_use]
    pub fn due_ns(&self) -> Option<i64> {
        self.wanted.iter().filter(|w| !w.under_way).map(|w| w.due_ns).min()
    }
}
