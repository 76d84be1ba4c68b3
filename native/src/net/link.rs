//! From an endpoint to a connection that can carry requests: name, TCP, TLS.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use super::after;
use super::buffer::Buffer;
use super::resolve::Resolver;
use super::stream::Stream;
use super::tls::{Session, Tls};
use super::url::Endpoint;

/// How often the resolver's thread is asked for its answer.
const RESOLVE_POLL_MS: u64 = 5;

enum Stage {
    Resolving(Resolver),
    Connecting(Stream),
    Securing(Stream),
    Failed,
}

/// A connection under way.
pub(super) struct Link {
    stage: Stage,
    /// Addresses not tried yet.
    addresses: VecDeque<SocketAddr>,
    attempt: usize,
    session: Option<Box<Session>>,
    busy: bool,
    deadline_ns: i64,
    polled_ns: i64,
    to: String,
}

impl Link {
    /// Begins. `attempt` counts the connections of this client, so that each begins with another of several addresses.
    pub fn begin(endpoint: &Endpoint, tls: &Tls, busy: bool, attempt: usize, deadline_ns: i64) -> Result<Link, String> {
        let session = if endpoint.tls { Some(Box::new(tls.session(&endpoint.host)?)) } else { None };
        Ok(Link {
            stage: Stage::Resolving(Resolver::ask(&endpoint.host, endpoint.port)),
            addresses: VecDeque::new(),
            attempt,
            session,
            busy,
            deadline_ns,
            polled_ns: 0,
            to: endpoint.to_string(),
        })
    }

    /// Goes as far as it can; gives the stream once it stands, or why there will be none.
    pub fn drive(&mut self, now_ns: i64, plain: &mut Buffer) -> Result<Option<Stream>, String> {
        self.polled_ns = now_ns;
        loop {
            self.stage = match std::mem::replace(&mut self.stage, Stage::Failed) {
                Stage::Resolving(mut resolver) => match resolver.poll() {
                    Some(found) => {
                        self.addresses = found.map_err(|e| format!("{}: {e}", self.to))?.into();
                        self.addresses.rotate_left(self.attempt % self.addresses.len());
                        self.dial("no address")?
                    }
                    None => return self.wait(Stage::Resolving(resolver), now_ns),
                },
                Stage::Connecting(mut stream) => match stream.connected() {
                    Ok(false) => return self.wait(Stage::Connecting(stream), now_ns),
                    Ok(true) => match self.session.take() {
                        None => return Ok(Some(stream)),
                        Some(session) => {
                            stream.secure(session);
                            Stage::Securing(stream)
                        }
                    },
                    Err(e) => self.dial(&e.to_string())?,
                },
                Stage::Securing(mut stream) => match stream.shake(plain) {
                    Ok(true) => return Ok(Some(stream)),
                    Ok(false) => return self.wait(Stage::Securing(stream), now_ns),
                    Err(e) => return Err(format!("{}: {e}", self.to)),
                },
                Stage::Failed => return Err(format!("{}: no connection", self.to)),
            };
        }
    }

    fn wait(&mut self, stage: Stage, now_ns: i64) -> Result<Option<Stream>, String> {
        if now_ns >= self.deadline_ns {
            let doing = match stage {
                Stage::Resolving(_) => "looking up the name",
                Stage::Connecting(_) => "connecting",
                Stage::Securing(_) | Stage::Failed => "the TLS handshake",
            };
            return Err(format!("{}: {doing} took longer than the time for a connection", self.to));
        }
        self.stage = stage;
        Ok(None)
    }

    fn dial(&mut self, last: &str) -> Result<Stage, String> {
        let mut last = last.to_owned();
        while let Some(address) = self.addresses.pop_front() {
            match Stream::connect(address, self.busy) {
                Ok(stream) => return Ok(Stage::Connecting(stream)),
                Err(e) => last = e.to_string(),
            }
        }
        Err(format!("{}: {last}", self.to))
    }

    pub fn fd(&self) -> Option<RawFd> {
        match &self.stage {
            Stage::Connecting(stream) | Stage::Securing(stream) => Some(stream.fd()),
            Stage::Resolving(_) | Stage::Failed => None,
        }
    }

    pub fn wants_write(&self) -> bool {
        match &self.stage {
            Stage::Connecting(_) => true,
            Stage::Securing(stream) => stream.unsent() > 0,
            Stage::Resolving(_) | Stage::Failed => false,
        }
    }

    pub fn due_ns(&self) -> i64 {
        match &self.stage {
            Stage::Resolving(_) => after(self.polled_ns, RESOLVE_POLL_MS).min(self.deadline_ns),
            _ => self.deadline_ns,
        }
    }
}
