//! What a caller sets about a websocket, and what it hears from it.

/// How one connection behaves. Times are in milliseconds, and 0 means never for `idle_timeout_ms` and `max_age_ms`.
#[derive(Clone)]
pub struct WsOptions {
    /// Sent with the upgrade. May hold a key, so these options have no `Debug`.
    pub headers: Vec<(String, String)>,
    /// For name, TCP, TLS and upgrade together.
    pub connect_timeout_ms: u64,
    pub backoff_min_ms: u64,
    /// A connection that lived longer than this starts the row of waits anew.
    pub backoff_max_ms: u64,
    /// Nothing read for so long: we ping. Nothing for so long again: the connection is dead.
    pub idle_timeout_ms: u64,
    /// Reconnect by ourselves at this age, before the venue cuts the connection.
    pub max_age_ms: u64,
    pub max_message_bytes: usize,
    /// What may wait for the kernel; a message that would exceed it is refused whole.
    pub max_unsent_bytes: usize,
    /// The caller spins: let a read poll the network card (SO_BUSY_POLL) where the system allows it.
    pub busy: bool,
}

impl Default for WsOptions {
    fn default() -> WsOptions {
        WsOptions {
            headers: Vec::new(),
            connect_timeout_ms: 10_000,
            backoff_min_ms: 250,
            backoff_max_ms: 30_000,
            idle_timeout_ms: 30_000,
            max_age_ms: 23 * 3_600_000,
            max_message_bytes: 16 << 20,
            max_unsent_bytes: 1 << 20,
            busy: false,
        }
    }
}

/// What happened on the connection, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum WsEvent<'a> {
    Opened,
    /// A text or binary message.
    Message(&'a [u8]),
    /// The connection ended, or an attempt at one failed (then without an `Opened` before it). The next attempt begins
    /// `retry_ns` after the last `drive`.
    Closed {
        why: String,
        retry_ns: i64,
    },
}

/// Why a message was not sent. Nothing of it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    NotOpen,
    /// It would exceed `max_unsent_bytes`: the peer reads too slowly.
    Full,
    /// The write failed; `next` will give the reason as a `Closed`.
    Broken,
}

/// Counts since the client was made. Bytes are those of frames, without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetCounts {
    /// Connections that opened.
    pub opened: u64,
    /// Connections after the first one, and attempts that failed.
    pub reconnects: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub messages_in: u64,
    pub messages_out: u64,
    /// Pings of the peer, each answered.
    pub pings_in: u64,
    /// Pings of ours, sent when nothing was read for the idle time.
    pub pings_out: u64,
}
