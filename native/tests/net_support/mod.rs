//! Servers in threads, and a client driven by the real clock.

use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use _core::net::{Endpoint, Poller, WsClient, WsEvent};

/// What a client said, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Opened,
    Message(Vec<u8>),
    Closed(String),
}

/// A client and the clock it lives by: the wall's, plus what a test skips.
pub struct Driven {
    pub client: WsClient,
    poller: Poller,
    start: Instant,
    skipped_ns: i64,
}

impl Driven {
    pub fn new(client: WsClient) -> Driven {
        Driven { client, poller: Poller::new().expect("poller"), start: Instant::now(), skipped_ns: 0 }
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
                WsEvent::Closed { why, .. } => Said::Closed(why),
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

    pub fn send(&mut self, text: &[u8]) {
        let now_ns = self.now_ns();
        self.client.send_text(text, now_ns).expect("sent");
    }
}

/// Serves connections one after the other, each as the function says; the endpoint is on loopback.
pub fn serve(scheme: &str, path: &str, serve: impl Fn(usize, TcpStream) + Send + 'static) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("address").port();
    let _server: JoinHandle<()> = std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            serve(n, stream.expect("accept"));
        }
    });
    Endpoint::parse(&format!("{scheme}://127.0.0.1:{port}{path}")).expect("endpoint")
}
