//! What a connection to Binance's websocket API begins with: logging on, and asking for the user data stream
//! (web-socket-api.md, "Log in with API key", "User Data Stream subscription"). USD-M futures have the former; their
//! user data stream is a connection of its own, by a listen key.
//!
//! An Ed25519 key logs on once, and nothing on the connection is signed afterwards. An HMAC key cannot log on: its
//! subscription is signed, and so is each of its orders.

use crate::cex::venues::binance_sign::{Credentials, KeyKind};

/// `id` of the answer to [`logon`].
pub const LOGON_ID: &[u8] = b"l";
/// `id` of the answer to [`subscribe`].
pub const SUBSCRIBE_ID: &[u8] = b"u";
/// `id` of the answer to [`ping`].
pub const PING_ID: &[u8] = b"ping";

/// Appends `session.logon`, for an Ed25519 key. `timestamp_ms` is the venue's time.
pub fn logon(recv_window_ms: u32, timestamp_ms: i64, keys: &Credentials, out: &mut Vec<u8>) {
    signed(LOGON_ID, "session.logon", recv_window_ms, timestamp_ms, keys, out);
}

/// Appends the subscription to the account's user data stream on this connection (spot): signed with an HMAC key; with
/// an Ed25519 key for a connection that has logged on.
pub fn subscribe(recv_window_ms: u32, timestamp_ms: i64, keys: &Credentials, out: &mut Vec<u8>) {
    match keys.kind() {
        KeyKind::Hmac => {
            signed(SUBSCRIBE_ID, "userDataStream.subscribe.signature", recv_window_ms, timestamp_ms, keys, out);
        }
        KeyKind::Ed25519 => out.extend_from_slice(b"{\"id\":\"u\",\"method\":\"userDataStream.subscribe\"}"),
    }
}

/// Appends a request that only shows whether the connection answers.
pub fn ping(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":\"ping\",\"method\":\"ping\"}");
}

fn signed(id: &[u8], method: &str, recv_window_ms: u32, timestamp_ms: i64, keys: &Credentials, out: &mut Vec<u8>) {
    let (key, id) = (keys.api_key(), String::from_utf8_lossy(id));
    let payload = format!("apiKey={key}&recvWindow={recv_window_ms}&timestamp={timestamp_ms}");
    let signature = keys.signature(payload.as_bytes());
    let params = format!("\"apiKey\":\"{key}\",\"recvWindow\":{recv_window_ms},\"timestamp\":{timestamp_ms}");
    out.extend_from_slice(format!("{{\"id\":\"{id}\",\"method\":\"{method}\",\"params\":{{{params},").as_bytes());
    out.extend_from_slice(b"\"signature\":\"");
    out.extend_from_slice(signature.bytes());
    out.extend_from_slice(b"\"}}");
}
