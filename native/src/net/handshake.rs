//! The websocket's opening handshake (RFC 6455, section 4).

use base64ct::{Base64, Encoding};
use sha1::{Digest, Sha1};

use super::backoff::Random;
use super::url::Endpoint;

/// The start of a body that is quoted in a reason.
const QUOTE_BYTES: usize = 200;
/// A response head longer than this is refused.
pub(super) const HEAD_MAX: usize = 64 * 1024;
pub(super) const HEADERS_MAX: usize = 64;

/// Why there is no websocket, and how long the server asks to wait (RFC 9110, 10.2.3).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub why: String,
    pub retry_after_ms: Option<u64>,
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { why: why.into(), retry_after_ms: None })
}

/// A fresh `Sec-WebSocket-Key`. 4.1 wants it random so that no cache can answer; it is no secret, so the seed will do.
pub(super) fn fresh_key(random: &mut Random) -> String {
    let nonce = (u128::from(random.draw()) << 64) | u128::from(random.draw());
    Base64::encode_string(&nonce.to_be_bytes())
}

/// 4.2.2, 5.4: the key and this GUID, hashed by SHA-1 and written as base64.
fn accept_of(key: &str) -> String {
    Base64::encode_string(&Sha1::new_with_prefix(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize())
}

/// True when a text can stand in a request's head without ending its line.
pub(super) fn one_line(text: &str) -> bool {
    !text.bytes().any(|b| b.is_ascii_control())
}

/// The request for an upgrade, as bytes.
pub(super) fn request(endpoint: &Endpoint, headers: &[(String, String)], key: &str) -> Result<Vec<u8>, String> {
    if !one_line(&endpoint.path) || headers.iter().any(|(n, v)| n.is_empty() || !one_line(n) || !one_line(v)) {
        return Err("a header or the path holds a control character; no request can be made of it".to_owned());
    }
    let mut text = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Version: 13\r\n",
        endpoint.path,
        endpoint.authority()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    Ok(text.into_bytes())
}

/// Judges the answer. Gives the length of its head when the websocket is open, `None` while more bytes are needed;
/// `ended` says that none will come.
pub(super) fn judge(bytes: &[u8], key: &str, ended: bool) -> Result<Option<usize>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let head_bytes = match response.parse(bytes) {
        Ok(httparse::Status::Complete(n)) => n,
        Ok(httparse::Status::Partial) if bytes.len() > HEAD_MAX => return refuse("the answer's head has no end"),
        Ok(httparse::Status::Partial) if ended => {
            return refuse(format!("the handshake was cut off after {} bytes", bytes.len()));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(e) => return refuse(format!("the answer to the handshake is no HTTP: {e}")),
    };
    let all = |name: &'static str| {
        let named = response.headers.iter().filter(move |h| h.name.eq_ignore_ascii_case(name));
        named.map(|h| std::str::from_utf8(h.value).unwrap_or("").trim())
    };
    let status = response.code.unwrap_or(0);
    // 4.1: "If the status code received from the server is not 101, the client handles the response per HTTP".
    if status != 101 {
        let body = &bytes[head_bytes..];
        let announced = all("content-length").next().and_then(|v| v.parse::<usize>().ok()).unwrap_or(usize::MAX);
        if !ended && body.len() < announced.min(QUOTE_BYTES) {
            return Ok(None);
        }
        let reason = response.reason.unwrap_or("");
        let retry_after_s = all("retry-after").next().and_then(|v| v.parse::<u64>().ok());
        let why = format!("HTTP {status} {reason} in place of the websocket{}", quote(body));
        return Err(Refusal { why, retry_after_ms: retry_after_s.map(|s| s.saturating_mul(1000)) });
    }
    // 4.1, the client's checks 2 to 6 of the server's response.
    if !all("upgrade").any(|v| v.eq_ignore_ascii_case("websocket")) {
        return refuse("the answer to the handshake upgrades to something that is no websocket");
    }
    if !all("connection").flat_map(|v| v.split(',')).any(|v| v.trim().eq_ignore_ascii_case("upgrade")) {
        return refuse("the answer to the handshake lacks `Connection: Upgrade`");
    }
    let mut accepts = all("sec-websocket-accept");
    if accepts.next() != Some(accept_of(key).as_str()) || accepts.next().is_some() {
        return refuse("the answer to the handshake has a wrong Sec-WebSocket-Accept");
    }
    if all("sec-websocket-extensions").any(|v| !v.is_empty()) {
        return refuse("the server chose an extension that was not offered");
    }
    if all("sec-websocket-protocol").any(|v| !v.is_empty()) {
        return refuse("the server chose a subprotocol that was not offered");
    }
    Ok(Some(head_bytes))
}

/// The start of a body for a reason: printable, one line.
pub(super) fn quote(body: &[u8]) -> String {
    let start = String::from_utf8_lossy(&body[..body.len().min(QUOTE_BYTES)]);
    let start: String = start.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if start.trim().is_empty() { String::new() } else { format!(": {}", start.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 1.3: the key and the accept value of the RFC's own example.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    #[test]
    fn a_lawful_answer_opens_and_a_torn_one_waits_until_the_end() {
        assert_eq!(judge(format!("{GOOD}\u{1}").as_bytes(), KEY, false), Ok(Some(GOOD.len())));
        for cut in 0..GOOD.len() {
            assert_eq!(judge(&GOOD.as_bytes()[..cut], KEY, false), Ok(None), "{cut}");
            let torn = judge(&GOOD.as_bytes()[..cut], KEY, true).expect_err("torn");
            assert_eq!(torn.why, format!("the handshake was cut off after {cut} bytes"));
        }
    }

    #[test]
    fn each_wrong_answer_is_named() {
        for (from, to, word) in [
            ("s3pP", "S3pP", "Sec-WebSocket-Accept"),
            ("Upgrade: WebSocket", "Upgrade: h2c", "no websocket"),
            ("keep-alive, upgrade", "keep-alive", "`Connection: Upgrade`"),
            ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "extension"),
            ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n", "subprotocol"),
            ("HTTP/1.1", "SSH-2.0", "no HTTP"),
        ] {
            let refusal = judge(GOOD.replace(from, to).as_bytes(), KEY, false).expect_err(word);
            assert!(refusal.why.contains(word), "{refusal:?}");
        }
        let endless = format!("HTTP/1.1 101 x\r\nA: {}", "a".repeat(HEAD_MAX));
        assert!(judge(endless.as_bytes(), KEY, false).expect_err("endless").why.contains("no end"));
    }

    #[test]
    fn a_refusal_shows_status_and_the_start_of_its_body_and_the_wait_it_asks_for() {
        let head = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 12\r\n\r\n";
        assert_eq!(judge(format!("{head}slow").as_bytes(), KEY, false), Ok(None));
        let refusal = judge(format!("{head}slow\ndown...").as_bytes(), KEY, false).expect_err("429");
        assert_eq!(refusal.why, "HTTP 429 Too Many Requests in place of the websocket: slow down...");
        assert_eq!(refusal.retry_after_ms, Some(7000));
        assert!(judge(head.as_bytes(), KEY, true).expect_err("429").why.ends_with("the websocket"));
    }

    #[test]
    fn the_request_is_one_no_header_can_break() {
        let endpoint = Endpoint::parse("ws://h:81/ws?x=1").expect("valid");
        let bytes = request(&endpoint, &[("X-Key".into(), "k".into())], KEY).expect("lawful");
        let text = String::from_utf8(bytes).expect("ascii");
        assert!(text.starts_with("GET /ws?x=1 HTTP/1.1\r\nHost: h:81\r\n"), "{text}");
        assert!(text.ends_with("Sec-WebSocket-Version: 13\r\nX-Key: k\r\n\r\n"), "{text}");
        assert!(request(&endpoint, &[("X".into(), "a\r\nY: b".into())], KEY).is_err());
        assert_eq!(fresh_key(&mut Random::new(1)).len(), 24);
    }
}
