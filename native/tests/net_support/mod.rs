//! Servers in threads, and a client driven by the real clock.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use _core::net::{Endpoint, HttpClient, HttpDone, HttpOptions, HttpRequest, Poller, Tls, WsClient, WsEvent, WsOptions};

/// What a client said, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Opened,
    Message(Vec<u8>),
    Closed(String),
}

/// A client and the clock it lives by: the wall's, plus what a test skips.
pub struct Driven {
    /// Of the last `Closed`.
    pub retry_ns: i64,
    pub client: WsClient,
    poller: Poller,
    start: Instant,
    skipped_ns: i64,
}

impl Driven {
    pub fn new(client: WsClient) -> Driven {
        Driven { retry_ns: 0, client, poller: Poller::new().expect("poller"), start: Instant::now(), skipped_ns: 0 }
    }

    pub fn now_ns(&self) -> i64 {
        self.start.elapsed().as_nanos() as i64 + self.skipped_ns
    }

    /// Lets time pass without waiting.
    pub fn skip_ms(&mut self, ms: i64) {
        self.skipped_ns += ms * 1_000_000;
    }

    /// One drive and all events after it, without waiting.
    pub fn once(&mut self) -> Vec<Said> {
        self.client.drive(self.now_ns());
        let mut said = Vec::new();
        while let Some(event) = self.client.next() {
            said.push(match event {
                WsEvent::Opened => Said::Opened,
                WsEvent::Message(bytes) => Said::Message(bytes.to_vec()),
                WsEvent::Closed { why, retry_ns } => {
                    self.retry_ns = retry_ns;
                    Said::Closed(why)
                }
            });
        }
        said
    }

    /// Drives and waits as the lane's thread does, until the condition holds; 5 s at most.
    pub fn until(&mut self, mut done: impl FnMut(&[Said]) -> bool) -> Vec<Said> {
        let (mut said, limit) = (Vec::new(), Instant::now() + Duration::from_secs(5));
        loop {
            said.extend(self.once());
            if done(&said) {
                return said;
            }
            assert!(Instant::now() < limit, "nothing more after {said:?}");
            let due_ns = self.client.due_ns().map_or(i64::MAX, |due_ns| due_ns.saturating_sub(self.now_ns()));
            let timeout = Duration::from_nanos(due_ns.clamp(0, 100_000_000) as u64);
            let fds: Vec<_> = self.client.fd().map(|fd| (fd, self.client.wants_write())).into_iter().collect();
            self.poller.wait(&fds, Some(timeout)).expect("poll");
        }
    }

    pub fn until_open(&mut self) {
        self.until(|said| said.contains(&Said::Opened));
    }

    pub fn until_closed(&mut self) -> String {
        let said = self.until(|said| matches!(said.last(), Some(Said::Closed(_))));
        match said.last() {
            Some(Said::Closed(why)) => why.clone(),
            other => panic!("no end but {other:?}"),
        }
    }

    /// Drives until a timer was set anew.
    pub fn until_due_moves(&mut self, from: Option<i64>) {
        for _ in 0..5000 {
            self.once();
            if self.client.due_ns() != from {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("nothing came");
    }

    pub fn until_flushed(&mut self) {
        for _ in 0..5000 {
            self.once();
            if !self.client.wants_write() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the peer took nothing");
    }

    pub fn send(&mut self, text: &[u8]) {
        let now_ns = self.now_ns();
        self.client.send_text(text, now_ns).expect("sent");
    }
}

/// Serves connections one after the other, each as the function says; the endpoint is on loopback.
pub fn serve(scheme: &str, path: &str, serve: impl Fn(usize, TcpStream) + Send + 'static) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("address").port();
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            serve(n, stream.expect("accept"));
        }
    });
    Endpoint::parse(&format!("{scheme}://127.0.0.1:{port}{path}")).expect("endpoint")
}

/// Waits of a few milliseconds, everything else as it ships.
pub fn options() -> WsOptions {
    WsOptions { backoff_min_ms: 1, backoff_max_ms: 4, ..WsOptions::default() }
}

pub fn client(endpoint: Endpoint, options: WsOptions) -> Driven {
    Driven::new(WsClient::new(endpoint, options, Arc::new(Tls::new(None).expect("roots")), 7))
}

/// An HTTP client driven by the real clock.
pub struct Asker {
    pub client: HttpClient,
    poller: Poller,
    start: Instant,
    pub skipped_ns: i64,
}

impl Asker {
    pub fn new(endpoint: Endpoint, tls: Tls, options: HttpOptions) -> Asker {
        let client = HttpClient::new(endpoint, Arc::new(tls), options);
        Asker { client, poller: Poller::new().expect("poller"), start: Instant::now(), skipped_ns: 0 }
    }

    pub fn now_ns(&self) -> i64 {
        self.start.elapsed().as_nanos() as i64 + self.skipped_ns
    }

    /// Queues a GET with 5 s to answer.
    pub fn submit(&mut self, token: u64, target: &str) {
        let request = HttpRequest { method: "GET".into(), target: target.into(), ..HttpRequest::default() };
        let deadline_ns = self.now_ns() + 5_000_000_000;
        self.client.submit(token, request, deadline_ns).expect("room in the queue");
    }

    pub fn once(&mut self) -> Option<HttpDone> {
        self.client.drive(self.now_ns());
        self.client.next()
    }

    pub fn wait(&mut self) -> HttpDone {
        let limit = Instant::now() + Duration::from_secs(6);
        loop {
            if let Some(done) = self.once() {
                return done;
            }
            assert!(Instant::now() < limit, "no answer and no failure");
            let due_ns = self.client.due_ns().map_or(i64::MAX, |due_ns| due_ns.saturating_sub(self.now_ns()));
            let timeout = Duration::from_nanos(due_ns.clamp(0, 100_000_000) as u64);
            let fds: Vec<_> = self.client.fd().map(|fd| (fd, self.client.wants_write())).into_iter().collect();
            self.poller.wait(&fds, Some(timeout)).expect("poll");
        }
    }

    /// Asks and gives status and body, or the failure and whether the request may have left.
    pub fn get(&mut self, target: &str) -> Result<(u16, String), (String, bool)> {
        self.submit(1, target);
        let done = self.wait();
        assert_eq!(done.token, 1);
        match done.result {
            Ok(answer) => Ok((answer.status, String::from_utf8(answer.body).expect("text"))),
            Err(failure) => Err((failure.text, failure.maybe_sent)),
        }
    }
}

/// Reads one request's head; empty at the end of the connection.
pub fn read_request(tcp: &mut impl std::io::Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match tcp.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return String::new(),
        }
    }
    String::from_utf8(head).expect("text")
}
