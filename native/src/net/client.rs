//! One websocket connection and its reconnects (RFC 6455).

use std::os::fd::RawFd;
use std::sync::Arc;

use super::backoff::{Backoff, Random};
use super::buffer::Buffer;
use super::frames::{CONTROL_MAX, HEADER_MAX, Opcode, Violation, encode};
use super::handshake::{Refusal, quote};
use super::messages::{Farewell, Found, Messages};
use super::opening::Opening;
use super::options::{NetCounts, SendError, WsEvent, WsOptions};
use super::stream::{Fill, Stream};
use super::tls::Tls;
use super::url::Endpoint;
use super::{NS_PER_MS, after};

/// What a buffer for received bytes begins with; it grows to hold a longer message.
const READ_BYTES: usize = 512 * 1024;

enum State {
    /// Closed by the caller.
    Off,
    Waiting(i64),
    Opening(Opening),
    Open(Stream),
}

/// See the module. The caller calls `drive`, then `next` until it is `None`, and waits on `fd` until `due_ns`.
pub struct WsClient {
    endpoint: Endpoint,
    options: WsOptions,
    tls: Arc<Tls>,
    random: Random,
    backoff: Backoff,
    state: State,
    buffer: Buffer,
    messages: Messages,
    frame: Vec<u8>,
    opened: bool,
    closed: Option<(String, i64)>,
    now_ns: i64,
    opened_ns: i64,
    /// When silence gets a ping or, after one, is death.
    idle_ns: i64,
    pinged: bool,
    attempts: usize,
    counts: NetCounts,
}

impl WsClient {
    /// Connects at the first `drive`. The seed makes masks, handshake keys and the jitter of the waits.
    pub fn new(endpoint: Endpoint, options: WsOptions, tls: Arc<Tls>, seed: u64) -> WsClient {
        WsClient {
            backoff: Backoff::new(options.backoff_min_ms, options.backoff_max_ms),
            messages: Messages::new(options.max_message_bytes),
            endpoint,
            options,
            tls,
            random: Random::new(seed),
            state: State::Waiting(0),
            buffer: Buffer::new(READ_BYTES),
            frame: Vec::with_capacity(4096),
            opened: false,
            closed: None,
            now_ns: 0,
            opened_ns: 0,
            idle_ns: 0,
            pinged: false,
            attempts: 0,
            counts: NetCounts::default(),
        }
    }

    /// Does all that can be done now without waiting: connecting, timers, unsent bytes, and at most one read(2) of an
    /// open connection. `now_ns` is any clock that does not go back.
    pub fn drive(&mut self, now_ns: i64) {
        self.now_ns = now_ns;
        match &mut self.state {
            State::Open(stream) => {
                let read = stream.fill(&mut self.buffer, self.messages.missing());
                self.drive_open(read);
            }
            State::Off => {}
            // What was received before the end is handed out before a new connection uses the buffer.
            State::Waiting(_) if self.closed.is_some() => {}
            State::Waiting(until_ns) if now_ns < *until_ns => {}
            State::Waiting(_) => self.begin(),
            State::Opening(_) => self.drive_opening(),
        }
    }

    fn drive_open(&mut self, read: std::io::Result<Fill>) {
        let State::Open(stream) = &mut self.state else { return };
        match read {
            Ok(Fill::Some) => {
                (self.idle_ns, self.pinged) = (after(self.now_ns, self.options.idle_timeout_ms), false);
            }
            Ok(Fill::Nothing) => {}
            Ok(Fill::End { .. }) => return self.fail("the peer hung up without a close frame".to_owned()),
            Err(e) => return self.fail(format!("reading failed: {e}")),
        }
        if let Err(e) = stream.flush() {
            return self.fail(format!("writing failed: {e}"));
        }
        if self.now_ns >= self.idle_ns {
            if self.pinged {
                let silent_ms = self.options.idle_timeout_ms.saturating_mul(2);
                return self.fail(format!("nothing was read for {silent_ms} ms, a ping had no answer"));
            }
            (self.idle_ns, self.pinged) = (after(self.now_ns, self.options.idle_timeout_ms), true);
            self.counts.pings_out += 1;
            self.control(Opcode::Ping, b"");
        }
        if self.now_ns >= after(self.opened_ns, self.options.max_age_ms) {
            self.farewell(1000);
            self.fail(format!("planned reconnect at the age of {} ms", self.options.max_age_ms));
            self.retry_in(0);
        }
    }

    fn begin(&mut self) {
        self.buffer.clear();
        self.messages.reset();
        let opening =
            Opening::begin(&self.endpoint, &self.options, &self.tls, self.attempts, &mut self.random, self.now_ns);
        self.counts.reconnects += u64::from(self.attempts > 0);
        self.attempts += 1;
        match opening {
            Ok(opening) => {
                self.state = State::Opening(opening);
                self.drive_opening();
            }
            Err(why) => self.fail(why),
        }
    }

    fn drive_opening(&mut self) {
        let State::Opening(opening) = &mut self.state else { return };
        match opening.drive(self.now_ns, &mut self.buffer) {
            Ok(None) => {}
            Ok(Some(stream)) => {
                self.state = State::Open(stream);
                self.opened_ns = self.now_ns;
                (self.idle_ns, self.pinged) = (after(self.now_ns, self.options.idle_timeout_ms), false);
                self.opened = true;
                self.counts.opened += 1;
            }
            Err(Refusal { why, retry_after_ms }) => {
                self.fail(why);
                if let Some(ms) = retry_after_ms {
                    self.retry_in(i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(NS_PER_MS));
                }
            }
        }
    }

    /// Drops the connection and plans the next attempt. What was received before stays to be read.
    fn fail(&mut self, why: String) {
        match std::mem::replace(&mut self.state, State::Off) {
            State::Open(mut stream) => {
                self.backoff.lived(self.now_ns.saturating_sub(self.opened_ns));
                stream.end();
            }
            // Bytes of a handshake are no messages.
            _ => self.buffer.clear(),
        }
        let wait_ns = self.backoff.wait_ns(&mut self.random);
        self.state = State::Waiting(self.now_ns.saturating_add(wait_ns));
        self.closed = Some((why, wait_ns));
    }

    /// Moves the planned attempt: at once for 0, otherwise no earlier than asked.
    fn retry_in(&mut self, wait_ns: i64) {
        if let (State::Waiting(until_ns), Some((_, planned_ns))) = (&mut self.state, &mut self.closed) {
            *planned_ns = if wait_ns == 0 { 0 } else { wait_ns.max(*planned_ns) };
            *until_ns = self.now_ns.saturating_add(*planned_ns);
        }
    }

    /// The next event; a message lies in the client's own buffer until the next call.
    #[allow(clippy::should_implement_trait)] // an event borrows from the client, which no Iterator can say
    pub fn next(&mut self) -> Option<WsEvent<'_>> {
        if std::mem::take(&mut self.opened) {
            return Some(WsEvent::Opened);
        }
        match self.next_message() {
            Some(Some(place)) => Some(WsEvent::Message(self.buffer.at(place))),
            Some(None) => Some(WsEvent::Message(self.messages.joined())),
            None => self.closed.take().map(|(why, retry_ns)| WsEvent::Closed { why, retry_ns }),
        }
    }

    /// The place of the next message, or `None` within for the joined one. Answers control frames on the way.
    fn next_message(&mut self) -> Option<Option<std::ops::Range<usize>>> {
        // A handshake's bytes are no frames.
        if matches!(self.state, State::Opening(_)) || self.buffer.is_empty() {
            return None;
        }
        loop {
            let before = self.buffer.len();
            let found = self.messages.next(&mut self.buffer);
            self.counts.bytes_in += (before - self.buffer.len()) as u64;
            match found {
                Ok(None) => return None,
                Ok(Some(Found::Whole(place))) => {
                    self.counts.messages_in += 1;
                    return Some(Some(place));
                }
                Ok(Some(Found::Joined)) => {
                    self.counts.messages_in += 1;
                    return Some(None);
                }
                Ok(Some(Found::Pong)) => {}
                Ok(Some(Found::Ping(place))) => {
                    self.counts.pings_in += 1;
                    let mut copy = [0; CONTROL_MAX];
                    let payload = &mut copy[..place.len()];
                    payload.copy_from_slice(self.buffer.at(place));
                    // 5.5.3: "A Pong frame sent in response to a Ping frame must have identical 'Application data'".
                    self.control(Opcode::Pong, payload);
                }
                Ok(Some(Found::Close(Farewell { code, reason }))) => {
                    // 5.5.1: "If an endpoint receives a Close frame and did not previously send a Close frame, the
                    // endpoint MUST send a Close frame in response", typically echoing the status code.
                    self.end_by(code, format!("the peer closed with {code}{}", quote(reason.as_bytes())));
                    return None;
                }
                Err(Violation { code, text }) => {
                    self.end_by(code, text);
                    return None;
                }
            }
        }
    }

    fn end_by(&mut self, code: u16, why: String) {
        self.buffer.clear();
        if matches!(self.state, State::Open(_)) {
            self.farewell(code);
            self.fail(why);
        } else if let Some((known, _)) = &mut self.closed {
            // The connection was lost already; what the peer said before is the better reason.
            *known = why;
        }
    }

    fn farewell(&mut self, code: u16) {
        match code {
            // 7.4.1: 1005 stands for a frame without a code and is never sent.
            1005 => self.control(Opcode::Close, b""),
            code => self.control(Opcode::Close, &code.to_be_bytes()),
        }
    }

    /// Sends a control frame if there is room; one that finds none is left out, since the peer does not read.
    fn control(&mut self, opcode: Opcode, payload: &[u8]) {
        // A write that fails shows at the next read.
        let _left_out = self.write(opcode, payload);
    }

    /// Sends a text message with one write(2). What the kernel does not take is kept and written by `drive`, up to
    /// `max_unsent_bytes`. An error means that nothing was written.
    pub fn send_text(&mut self, payload: &[u8], now_ns: i64) -> Result<(), SendError> {
        self.now_ns = self.now_ns.max(now_ns);
        match self.write(Opcode::Text, payload) {
            Ok(()) => {
                self.counts.messages_out += 1;
                Ok(())
            }
            Err(Some(e)) => {
                self.fail(format!("writing failed: {e}"));
                Err(SendError::Broken)
            }
            Err(None) if self.is_open() => Err(SendError::Full),
            Err(None) => Err(SendError::NotOpen),
        }
    }

    fn write(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), Option<std::io::Error>> {
        let State::Open(stream) = &mut self.state else { return Err(None) };
        if stream.unsent() + HEADER_MAX + payload.len() > self.options.max_unsent_bytes {
            return Err(None);
        }
        // 5.3 wants masks that a script in a browser cannot foresee, so that it cannot forge bytes for a proxy. No
        // stranger chooses our payloads, so a fast generator will do.
        encode(&mut self.frame, opcode, payload, (self.random.draw() as u32).to_ne_bytes());
        stream.send(&self.frame)?;
        self.counts.bytes_out += self.frame.len() as u64;
        Ok(())
    }

    /// True between `Opened` and `Closed`.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// The socket to wait for, while there is one.
    pub fn fd(&self) -> Option<RawFd> {
        match &self.state {
            State::Off | State::Waiting(_) => None,
            State::Opening(opening) => opening.fd(),
            State::Open(stream) => Some(stream.fd()),
        }
    }

    /// True when `drive` is to be called as soon as the socket takes bytes.
    pub fn wants_write(&self) -> bool {
        match &self.state {
            State::Off | State::Waiting(_) => false,
            State::Opening(opening) => opening.wants_write(),
            State::Open(stream) => stream.unsent() > 0,
        }
    }

    /// When `drive` must be called though the socket is silent.
    pub fn due_ns(&self) -> Option<i64> {
        let due_ns = match &self.state {
            State::Off => i64::MAX,
            State::Waiting(until_ns) => *until_ns,
            State::Opening(opening) => opening.due_ns(),
            State::Open(_) => self.idle_ns.min(after(self.opened_ns, self.options.max_age_ms)),
        };
        (due_ns != i64::MAX).then_some(due_ns)
    }

    /// Where the next connection goes; the present one stays.
    pub fn set_endpoint(&mut self, endpoint: Endpoint) {
        self.endpoint = endpoint;
    }

    /// Closes an open connection, or gives up an attempt, and begins anew after the wait that is due. A client that was
    /// closed comes back at its next `drive`; one that waits already goes on waiting.
    pub fn reconnect(&mut self, why: &str) {
        match self.state {
            State::Off => self.state = State::Waiting(self.now_ns),
            State::Waiting(_) => {}
            State::Opening(_) | State::Open(_) => {
                self.farewell(1000);
                self.fail(why.to_owned());
            }
        }
    }

    /// Closes for good, without a `Closed`. What was sent and the kernel did not take yet is lost.
    pub fn close(&mut self) {
        self.farewell(1000);
        if let State::Open(stream) = &mut self.state {
            stream.end();
        }
        self.state = State::Off;
        self.buffer.clear();
        (self.opened, self.closed) = (false, None);
    }

    pub fn counts(&self) -> NetCounts {
        self.counts
    }
}
