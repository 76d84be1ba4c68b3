//! Where to connect to.

use std::fmt;

/// One address a client connects to. `Debug` and `Display` leave the path out: it may hold a listen key.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub tls: bool,
    /// A name or an IP literal, IPv6 without its brackets.
    pub host: String,
    pub port: u16,
    /// Begins with `/` and includes the query.
    pub path: String,
}

const FORM: &str = "write wss://host[:port]/path (or ws, https, http)";

impl Endpoint {
    /// Reads `wss://host[:port]/path?query`, also with `ws`, `https` and `http`. Errors say what to write; they show
    /// nothing that stands after the host.
    pub fn parse(text: &str) -> Result<Endpoint, String> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| format!("an endpoint has no scheme: {FORM}"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "wss" | "https" => true,
            "ws" | "http" => false,
            _ => return Err(format!("an endpoint's scheme is none of ws, wss, http, https: {FORM}")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(format!("an endpoint holds a user name; keys go into the key file: {FORM}"));
        }
        let (host, port) = split_port(authority)?;
        let default = if tls { 443 } else { 80 };
        let port = match port {
            None => default,
            Some(digits) => digits
                .parse::<u16>()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| format!("endpoint {scheme}://{authority}: the port is a number from 1 to 65535"))?,
        };
        let v6 = host.parse::<core::net::Ipv6Addr>().is_ok();
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if host.is_empty() || !(v6 || host.chars().all(named)) {
            return Err(format!("endpoint {scheme}://{authority}: not a host name: {FORM}"));
        }
        if path.contains('#') {
            return Err(format!("endpoint {scheme}://{authority}: a # has no meaning here: {FORM}"));
        }
        if !path.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(format!("endpoint {scheme}://{authority}: the path has characters to be written as %xx"));
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Endpoint { tls, host: host.to_ascii_lowercase(), port, path })
    }

    /// The value of the Host header (RFC 9110, 7.2): the port only where it is not the scheme's own.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or("an endpoint's IPv6 address has no closing bracket")?;
        return match port.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if port.is_empty() => Ok((host, None)),
            None => Err("an endpoint's IPv6 address is followed by something that is no port".to_owned()),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => {
            Err("an endpoint's IPv6 address stands in brackets: wss://[::1]:9443/".to_owned())
        }
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{}{host}:{}", if self.tls { "TLS to " } else { "" }, self.port)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_with_their_defaults() {
        let read = |text| Endpoint::parse(text).expect(text);
        let e = read("wss://Stream.Binance.com:9443/stream?streams=a/b");
        assert_eq!((e.tls, e.host.as_str(), e.port), (true, "stream.binance.com", 9443));
        assert_eq!((e.path.as_str(), e.authority().as_str()), ("/stream?streams=a/b", "stream.binance.com:9443"));
        let e = read("https://api.binance.com");
        assert_eq!((e.port, e.path.as_str(), e.authority().as_str()), (443, "/", "api.binance.com"));
        let e = read("ws://[::1]:80?x=1");
        assert_eq!((e.tls, e.host.as_str(), e.path.as_str(), e.authority().as_str()), (false, "::1", "/?x=1", "[::1]"));
        assert_eq!(read("http://127.0.0.1:8080").authority(), "127.0.0.1:8080");
    }

    #[test]
    fn a_wrong_endpoint_says_what_to_write_and_shows_no_path() {
        for text in ["host/SECRET", "ftp://host/SECRET", "wss://", "wss://a b/SECRET", "wss://u:p@host/SECRET"] {
            let error = Endpoint::parse(text).expect_err(text);
            assert!(error.contains("wss://host[:port]/path"), "{error}");
            assert!(!error.contains("SECRET"), "{error}");
        }
        for text in [
            "ws://h:0/",
            "ws://h:70000/",
            "ws://h:/",
            "ws://::1/",
            "ws://[::1/",
            "ws://[::1]x/",
            "ws://h/a b",
            "ws://h/#x",
            "ws://h/\r\nX: y",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
        let e = Endpoint::parse("wss://h/ws/SECRET").expect("valid");
        assert_eq!((format!("{e}"), format!("{e:?}")), ("TLS to h:443".into(), "Endpoint(TLS to h:443)".into()));
    }
}
