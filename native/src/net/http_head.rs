//! Requests as bytes, and the head of a response (RFC 9112).

use super::handshake::{HEAD_MAX, HEADERS_MAX, one_line};
use super::http_body::Body;
use super::url::Endpoint;

/// What to ask. Has no `Debug`: headers hold a key, the target a signature.
#[derive(Clone, Default)]
pub struct HttpRequest {
    /// `GET`, `POST`, `PUT`, `DELETE`.
    pub method: String,
    /// Path and query, as signed.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer of any status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    /// Names as the server wrote them.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first header of a name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The bytes of a request on a connection to be kept.
pub(super) fn encode(request: &HttpRequest, endpoint: &Endpoint) -> Result<Vec<u8>, String> {
    let token =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !token(&request.method)
        || !request.target.starts_with('/')
        || !request.target.bytes().all(|b| b.is_ascii_graphic())
    {
        return Err("a request needs a method, and a target that begins with / and is written in %xx".to_owned());
    }
    if !request.headers.iter().all(|(name, value)| token(name) && one_line(value)) {
        return Err("a request's header holds a control character or has no name".to_owned());
    }
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target, endpoint.authority());
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // RFC 9110, 8.6: a method that gives its content a meaning sends a Content-Length even when that is 0.
    if !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
        head.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&request.body);
    Ok(bytes)
}

/// A response whose head is complete.
pub(super) struct Head {
    pub response: HttpResponse,
    pub head_bytes: usize,
    pub body: Body,
    /// The connection may carry another request after this response.
    pub keep: bool,
}

/// Reads the head of a response; `None` while more bytes are needed. `no_body` is true for a HEAD request.
pub(super) fn parse(bytes: &[u8], no_body: bool, max_body_bytes: usize) -> Result<Option<Head>, String> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut headers);
    let head_bytes = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(n)) => n,
        Ok(httparse::Status::Partial) if bytes.len() > HEAD_MAX => {
            return Err("the answer's head has no end".to_owned());
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(e) => return Err(format!("the answer is no HTTP: {e}")),
    };
    let owned = |h: &httparse::Header<'_>| (h.name.to_owned(), String::from_utf8_lossy(h.value).trim().to_owned());
    let status = parsed.code.unwrap_or(0);
    let response = HttpResponse { status, headers: parsed.headers.iter().map(owned).collect(), body: Vec::new() };
    // RFC 9112, 9.3: HTTP/1.1 persists unless the `close` option is there, 1.0 does not unless agreed on.
    let close = all(&response, "connection").flat_map(|v| v.split(',')).any(|v| v.trim().eq_ignore_ascii_case("close"));
    // RFC 9112, 6.3: 1xx, 204 and 304 and any answer to HEAD have no content.
    let no_body = no_body || matches!(status, 100..=199 | 204 | 304);
    let body = if no_body { Body::of_length(0) } else { framing(&response, max_body_bytes)? };
    let keep = !close && parsed.version == Some(1) && !body.until_close();
    Ok(Some(Head { response, head_bytes, body, keep }))
}

fn all<'a>(response: &'a HttpResponse, name: &'a str) -> impl Iterator<Item = &'a str> {
    response.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn framing(response: &HttpResponse, max_body_bytes: usize) -> Result<Body, String> {
    let mut lengths = all(response, "content-length").flat_map(|v| v.split(',')).map(str::trim);
    let mut codings = all(response, "transfer-encoding").flat_map(|v| v.split(',')).map(str::trim);
    match (lengths.next(), codings.next(), codings.next()) {
        // RFC 9112, 6.3: both together "ought to be handled as an error".
        (Some(_), Some(_), _) => Err("the answer has both Content-Length and Transfer-Encoding".to_owned()),
        (None, Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Body::chunked()),
        (None, Some(_), _) => Err("the answer has a transfer coding other than chunked".to_owned()),
        (None, None, _) => Ok(Body::to_the_end()),
        (Some(first), None, _) => {
            let digits = !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit());
            // RFC 9112, 6.3: a list of differing or invalid lengths is an unrecoverable error.
            if !digits || lengths.any(|other| other != first) {
                return Err("the answer's Content-Length is no number".to_owned());
            }
            match first.parse::<usize>() {
                Ok(length) if length <= max_body_bytes => Ok(Body::of_length(length)),
                _ => Err(format!("the answer's body is longer than {max_body_bytes} bytes")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(head: &str) -> String {
        match parse(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes(), false, 100) {
            Err(why) => why,
            Ok(_) => panic!("{head} was taken"),
        }
    }

    #[test]
    fn a_request_is_written_as_signed_and_refused_when_it_could_break_its_line() {
        let endpoint = Endpoint::parse("https://h").expect("valid");
        let mut request = HttpRequest {
            method: "POST".into(),
            target: "/a?b=c".into(),
            headers: vec![("X-K".into(), "v".into())],
            body: vec![],
        };
        let bytes = encode(&request, &endpoint).expect("lawful");
        assert_eq!(bytes, b"POST /a?b=c HTTP/1.1\r\nHost: h\r\nX-K: v\r\nContent-Length: 0\r\n\r\n");
        request.target = "/a b".into();
        assert!(encode(&request, &endpoint).is_err());
        request.target = "/".into();
        request.headers[0].1 = "v\r\nX: y".into();
        assert!(!encode(&request, &endpoint).expect_err("refused").contains("v\r"));
    }

    #[test]
    fn the_frame_of_a_body_is_unambiguous_or_refused() {
        assert!(wrong("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n").contains("both"));
        assert!(wrong("Transfer-Encoding: gzip, chunked\r\n").contains("coding"));
        assert!(wrong("Content-Length: 1\r\nContent-Length: 2\r\n").contains("no number"));
        assert!(wrong("Content-Length: +1\r\n").contains("no number"));
        assert!(wrong("Content-Length: 101\r\n").contains("longer than 100"));
    }

    #[test]
    fn a_connection_is_kept_only_when_that_is_safe() {
        let keep = |text: &str| parse(text.as_bytes(), false, 100).expect("lawful").expect("complete").keep;
        assert!(keep("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
        assert!(keep("HTTP/1.1 204 x\r\n\r\n"));
        assert!(!keep("HTTP/1.1 200 OK\r\n\r\n"));
        assert!(!keep("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
        assert!(!keep("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n"));
    }
}
