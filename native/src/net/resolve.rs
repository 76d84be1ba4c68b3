//! From a host name to addresses, without blocking the caller.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// A question to the system's resolver, which only knows how to block and so gets a thread for as long as it takes.
pub(super) enum Resolver {
    Known(Vec<SocketAddr>),
    Asking(Receiver<Result<Vec<SocketAddr>, String>>),
}

impl Resolver {
    /// IP literals and `localhost` are known at once.
    pub fn ask(host: &str, port: u16) -> Resolver {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Resolver::Known(vec![SocketAddr::new(ip, port)]);
        }
        if host == "localhost" {
            let (v4, v6) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
            return Resolver::Known(vec![SocketAddr::new(v4, port), SocketAddr::new(v6, port)]);
        }
        let (answer, question) = channel();
        let host = host.to_owned();
        let started = std::thread::Builder::new().name("resolve".to_owned()).spawn({
            let answer = answer.clone();
            move || {
                let found = (host.as_str(), port).to_socket_addrs();
                let found = found.map(Iterator::collect).map_err(|e| format!("name lookup failed: {e}"));
                // Nobody waits any more when the attempt ran out of time.
                let _late = answer.send(found);
            }
        });
        if let Err(e) = started {
            let _kept = answer.send(Err(format!("no thread for the name lookup: {e}")));
        }
        Resolver::Asking(question)
    }

    /// The addresses, once they are known; an error has no address.
    pub fn poll(&mut self) -> Option<Result<Vec<SocketAddr>, String>> {
        let found = match self {
            Resolver::Known(found) => Ok(std::mem::take(found)),
            Resolver::Asking(answer) => match answer.try_recv() {
                Ok(found) => found,
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => Err("name lookup gave no answer".to_owned()),
            },
        };
        Some(found.and_then(|f| if f.is_empty() { Err("the name has no address".to_owned()) } else { Ok(f) }))
    }
}
