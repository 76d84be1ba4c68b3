//! The lane thread's network clients: websocket and HTTP over plain TCP or TLS. They own no thread, block never and read
//! no clock: the caller passes the time, so backoff and timeouts are tested without waiting. A peer's wrong bytes close
//! the connection with a reason in words and never panic.
//!
//! Reasons and `Debug` outputs name the host only: a path may hold a listen key, a query a signature.

mod backoff;
mod buffer;
mod client;
mod frames;
mod handshake;
mod http;
mod http_body;
mod http_head;
mod link;
mod messages;
mod opening;
mod options;
mod poller;
mod resolve;
mod stream;
mod sys;
mod tls;
mod url;

pub use client::WsClient;
pub use http::{HttpClient, HttpDone, HttpFailure, HttpOptions, QueueFull};
pub use http_head::{HttpRequest, HttpResponse};
pub use options::{NetCounts, SendError, WsEvent, WsOptions};
pub use poller::{Poller, Waker};
pub use tls::Tls;
pub use url::Endpoint;

const NS_PER_MS: i64 = 1_000_000;

/// Milliseconds later than a time; 0 stands for never.
fn after(now_ns: i64, ms: u64) -> i64 {
    if ms == 0 {
        return i64::MAX;
    }
    now_ns.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(NS_PER_MS))
}
