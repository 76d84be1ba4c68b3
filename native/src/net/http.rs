//! HTTP requests one at a time over one kept connection (RFC 9112).

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::Arc;

use super::after;
use super::buffer::Buffer;
use super::http_body::Body;
use super::http_head::{self, HttpRequest, HttpResponse};
use super::link::Link;
use super::stream::{Fill, Stream};
use super::tls::Tls;
use super::url::Endpoint;

/// What a buffer for answers begins with.
const READ_BYTES: usize = 64 * 1024;

/// How the client behaves. Times are in milliseconds.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// For name, TCP and TLS together.
    pub connect_timeout_ms: u64,
    /// A connection without a request for so long is closed; 0 means never.
    pub idle_timeout_ms: u64,
    /// Requests that may wait, with the one under way.
    pub max_queue: usize,
    pub max_body_bytes: usize,
}

impl Default for HttpOptions {
    fn default() -> HttpOptions {
        HttpOptions { connect_timeout_ms: 5000, idle_timeout_ms: 30_000, max_queue: 64, max_body_bytes: 64 << 20 }
    }
}

/// The queue holds `max_queue` requests; this one was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

/// A request that had no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFailure {
    pub text: String,
    /// False only when provably no byte of the request left: then the server cannot have acted on it.
    pub maybe_sent: bool,
}

/// What became of the request of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpDone {
    pub token: u64,
    pub result: Result<HttpResponse, HttpFailure>,
}

struct Pending {
    token: u64,
    bytes: Vec<u8>,
    no_body: bool,
    deadline_ns: i64,
}

/// The request under way on the connection.
struct Exchange {
    request: Pending,
    answer: Option<(HttpResponse, Body, bool)>,
}

enum State {
    Off,
    Linking(Link),
    /// `used` says that an answer came over this connection already.
    Up {
        stream: Stream,
        used: bool,
        idle_ns: i64,
    },
}

/// Connects when there is something to ask. Never repeats a request of which a byte may have left; the caller knows
/// which requests can be asked twice.
pub struct HttpClient {
    endpoint: Endpoint,
    tls: Arc<Tls>,
    options: HttpOptions,
    state: State,
    queue: VecDeque<Pending>,
    current: Option<Exchange>,
    done: VecDeque<HttpDone>,
    buffer: Buffer,
    attempts: usize,
    now_ns: i64,
}

impl HttpClient {
    pub fn new(endpoint: Endpoint, tls: Arc<Tls>, options: HttpOptions) -> HttpClient {
        HttpClient {
            endpoint,
            tls,
            state: State::Off,
            queue: VecDeque::with_capacity(options.max_queue),
            current: None,
            done: VecDeque::new(),
            buffer: Buffer::new(READ_BYTES),
            attempts: 0,
            now_ns: 0,
            options,
        }
    }

    /// Queues a request; `drive` writes it. Without an answer by `deadline_ns` it fails. The token comes back with the
    /// answer. A request that cannot be written fails in its turn, with `maybe_sent` false.
    pub fn submit(&mut self, token: u64, request: HttpRequest, deadline_ns: i64) -> Result<(), QueueFull> {
        if self.queue.len() + usize::from(self.current.is_some()) >= self.options.max_queue {
            return Err(QueueFull);
        }
        match http_head::encode(&request, &self.endpoint) {
            Ok(bytes) => {
                let no_body = request.method == "HEAD";
                self.queue.push_back(Pending { token, bytes, no_body, deadline_ns });
            }
            Err(text) => self.failed(token, text, false),
        }
        Ok(())
    }

    /// Does all that can be done now without waiting, with at most one read(2) for an answer.
    pub fn drive(&mut self, now_ns: i64) {
        self.now_ns = now_ns;
        self.expire();
        if self.current.is_some() {
            self.receive();
        }
        if self.current.is_none() && !self.queue.is_empty() {
            self.ask();
        }
        match &mut self.state {
            State::Up { stream, idle_ns, .. } if self.current.is_none() && now_ns >= *idle_ns => {
                stream.end();
                self.state = State::Off;
            }
            // The requests it was for ran out of time.
            State::Linking(_) if self.queue.is_empty() => self.state = State::Off,
            _ => {}
        }
    }

    /// The next finished request.
    #[allow(clippy::should_implement_trait)] // named as in the websocket client
    pub fn next(&mut self) -> Option<HttpDone> {
        self.done.pop_front()
    }

    fn failed(&mut self, token: u64, text: String, maybe_sent: bool) {
        self.done.push_back(HttpDone { token, result: Err(HttpFailure { text, maybe_sent }) });
    }

    fn expire(&mut self) {
        let now_ns = self.now_ns;
        if self.current.as_ref().is_some_and(|c| now_ns >= c.request.deadline_ns) {
            // A late answer could be taken for that of the next request, so the connection goes too.
            self.lose(format!("{}: no answer in time", self.endpoint));
        }
        let late: Vec<u64> = self.queue.iter().filter(|p| now_ns >= p.deadline_ns).map(|p| p.token).collect();
        if !late.is_empty() {
            self.queue.retain(|p| now_ns < p.deadline_ns);
            late.into_iter().for_each(|t| self.failed(t, format!("{}: not asked in time", self.endpoint), false));
        }
    }

    /// Drops the connection, and with it the request under way.
    fn lose(&mut self, text: String) {
        self.state = State::Off;
        if let Some(exchange) = self.current.take() {
            self.failed(exchange.request.token, text, true);
        }
    }

    /// Writes the first request of the queue, connecting first where needed.
    fn ask(&mut self) {
        loop {
            match &mut self.state {
                State::Off => {
                    let deadline_ns = after(self.now_ns, self.options.connect_timeout_ms);
                    self.buffer.clear();
                    self.attempts += 1;
                    match Link::begin(&self.endpoint, &self.tls, false, self.attempts - 1, deadline_ns) {
                        Ok(link) => self.state = State::Linking(link),
                        Err(why) => return self.unasked(why),
                    }
                }
                State::Linking(link) => match link.drive(self.now_ns, &mut self.buffer) {
                    Ok(Some(stream)) => self.state = State::Up { stream, used: false, idle_ns: i64::MAX },
                    Ok(None) => return,
                    Err(why) => return self.unasked(why),
                },
                State::Up { stream, used, .. } => {
                    // A server may close a kept connection at any time (RFC 9112, 9.5). One that did, or that says
                    // something unasked, is of no use; nothing of the request has left, so it may take a new one.
                    if *used {
                        // With TLS something may come that is no answer, such as a session ticket.
                        let read = stream.fill(&mut self.buffer, 0);
                        if !matches!(read, Ok(Fill::Nothing | Fill::Some)) || !self.buffer.is_empty() {
                            self.state = State::Off;
                            continue;
                        }
                    } else if !self.buffer.is_empty() {
                        return self.unasked(format!("{}: the server spoke before it was asked", self.endpoint));
                    }
                    let Some(request) = self.queue.pop_front() else { return };
                    match stream.send(&request.bytes) {
                        Ok(()) => self.current = Some(Exchange { request, answer: None }),
                        Err(_) if *used => {
                            self.queue.push_front(request);
                            self.state = State::Off;
                            continue;
                        }
                        Err(e) => {
                            self.queue.push_front(request);
                            self.unasked(format!("{}: writing failed: {e}", self.endpoint));
                        }
                    }
                    return;
                }
            }
        }
    }

    /// No connection: the first request fails, the next ones try anew.
    fn unasked(&mut self, why: String) {
        self.state = State::Off;
        if let Some(request) = self.queue.pop_front() {
            self.failed(request.token, why, false);
        }
    }

    fn receive(&mut self) {
        let State::Up { stream, .. } = &mut self.state else { return };
        let read = stream.flush().and_then(|()| stream.fill(&mut self.buffer, 0));
        let parsed = self.parse();
        let end = match (parsed, read) {
            (Err(why), _) => Err(why),
            (Ok(true), _) => Ok(()),
            (Ok(false), Ok(Fill::Some | Fill::Nothing)) => return,
            (Ok(false), Ok(Fill::End { clean })) => self.is_whole_at_end(clean),
            (Ok(false), Err(e)) => Err(format!("reading failed: {e}")),
        };
        match end {
            Ok(()) => self.complete(),
            Err(why) => self.lose(format!("{}: {why}", self.endpoint)),
        }
    }

    /// Reads on in the answer; true when it is complete.
    fn parse(&mut self) -> Result<bool, String> {
        let Some(exchange) = &mut self.current else { return Ok(false) };
        while exchange.answer.is_none() {
            let no_body = exchange.request.no_body;
            let Some(head) = http_head::parse(self.buffer.filled(), no_body, self.options.max_body_bytes)? else {
                return Ok(false);
            };
            self.buffer.take(head.head_bytes);
            // RFC 9110, 15.2: a client reads past 1xx answers it did not ask for; 101 would leave HTTP.
            match head.response.status {
                101 => return Err("the server changed to another protocol unasked".to_owned()),
                100..=199 => {}
                _ => exchange.answer = Some((head.response, head.body, head.keep)),
            }
        }
        match &mut exchange.answer {
            Some((answer, body, _)) => body.feed(&mut self.buffer, &mut answer.body, self.options.max_body_bytes),
            None => Ok(false),
        }
    }

    /// Whether an answer ends where the connection did.
    fn is_whole_at_end(&self, clean: bool) -> Result<(), String> {
        match self.current.as_ref().and_then(|c| c.answer.as_ref()) {
            // RFC 9112, 8: over TLS such a body is whole only if the closure alert came.
            Some((_, body, _)) if body.until_close() && clean => Ok(()),
            Some((answer, ..)) => Err(format!(
                "the answer (HTTP {}) was cut off after {} bytes of its body",
                answer.status,
                answer.body.len()
            )),
            None => Err(format!("the server hung up after {} bytes of an answer", self.buffer.len())),
        }
    }

    fn complete(&mut self) {
        let Some(Exchange { request, answer: Some((answer, _, keep)) }) = self.current.take() else { return };
        let in_step = keep && self.buffer.is_empty();
        match &mut self.state {
            State::Up { used, idle_ns, stream } if in_step && stream.unsent() == 0 => {
                (*used, *idle_ns) = (true, after(self.now_ns, self.options.idle_timeout_ms));
            }
            _ => self.state = State::Off,
        }
        self.done.push_back(HttpDone { token: request.token, result: Ok(answer) });
    }

    /// The socket to wait for while something is under way; an idle connection is not watched.
    pub fn fd(&self) -> Option<RawFd> {
        match &self.state {
            State::Linking(link) => link.fd(),
            State::Up { stream, .. } if self.current.is_some() => Some(stream.fd()),
            State::Off | State::Up { .. } => None,
        }
    }

    /// True when `drive` is to be called as soon as the socket takes bytes.
    pub fn wants_write(&self) -> bool {
        match &self.state {
            State::Off => false,
            State::Linking(link) => link.wants_write(),
            State::Up { stream, .. } => stream.unsent() > 0,
        }
    }

    /// When `drive` must be called though the socket is silent: at once when a request waits and none is under way.
    pub fn due_ns(&self) -> Option<i64> {
        let deadlines = self.queue.iter().chain(self.current.iter().map(|c| &c.request)).map(|p| p.deadline_ns);
        let due_ns = deadlines.min().unwrap_or(i64::MAX).min(match &self.state {
            State::Linking(link) => link.due_ns(),
            State::Off | State::Up { .. } if self.current.is_none() && !self.queue.is_empty() => self.now_ns,
            State::Up { idle_ns, .. } if self.current.is_none() => *idle_ns,
            State::Off | State::Up { .. } => i64::MAX,
        });
        (due_ns != i64::MAX).then_some(due_ns)
    }
}
