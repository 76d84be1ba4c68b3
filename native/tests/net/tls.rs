//! Both clients over TLS, served by rustls with a certificate of the test's own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use _core::net::{Endpoint, HttpOptions, Tls, WsClient};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use tungstenite::accept;

use crate::net_support::{Asker, Driven, Said, options, read_request, serve};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("searcher-net-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("folder");
        Folder(path)
    }

    fn file(&self, text: &str) -> PathBuf {
        let path = self.0.join("ca.pem");
        std::fs::write(&path, text).expect("file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("folder goes");
    }
}

fn certified(names: &[&str], versions: &[&'static SupportedProtocolVersion]) -> (Arc<ServerConfig>, String) {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).expect("certificate");
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("certificate");
    (Arc::new(config), made.cert.pem())
}

fn over_tls(config: &Arc<ServerConfig>, tcp: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(config.clone()).expect("server"), tcp)
}

fn client(endpoint: Endpoint, tls: Tls) -> Driven {
    Driven::new(WsClient::new(endpoint, options(), Arc::new(tls), 7))
}

#[test]
fn messages_of_all_lengths_come_back_over_both_versions() {
    for version in rustls::ALL_VERSIONS {
        let (config, pem) = certified(&["127.0.0.1"], &[version]);
        let folder = Folder::new(&format!("{:?}", version.version));
        let endpoint = serve("wss", "/", move |n, tcp| {
            let Ok(mut socket) = accept(over_tls(&config, tcp)) else { return };
            while let Ok(message) = socket.read() {
                if message.is_text() {
                    socket.send(message).expect("echo");
                }
                if n == 0 {
                    return;
                }
            }
        });
        let mut driven = client(endpoint, Tls::new(Some(&folder.file(&pem))).expect("roots"));
        driven.until_open();
        driven.send(b"first");
        let said = driven.until(|said| matches!(said.last(), Some(Said::Closed(_))));
        assert_eq!(said[0], Said::Message(b"first".to_vec()));
        driven.until_open();
        for length in [0, 1, 125, 126, 16_384, 65_536, 900_000] {
            let text = "x".repeat(length).into_bytes();
            driven.send(&text);
            assert_eq!(driven.until(|said| !said.is_empty()), [Said::Message(text)], "{length}");
        }
    }
}

#[test]
fn many_small_messages_arrive_in_order() {
    let (config, pem) = certified(&["localhost"], rustls::ALL_VERSIONS);
    let folder = Folder::new("many");
    let endpoint = serve("wss", "/", move |_, tcp| {
        let mut socket = accept(over_tls(&config, tcp)).expect("handshake");
        for n in 0..20_000 {
            socket.write(tungstenite::Message::text(n.to_string())).expect("write");
        }
        socket.flush().expect("flush");
        let _end = socket.read();
    });
    let endpoint = Endpoint { host: "localhost".into(), ..endpoint };
    let mut driven = client(endpoint, Tls::new(Some(&folder.file(&pem))).expect("roots"));
    let said = driven.until(|said| said.len() > 20_000);
    for (n, message) in said[1..].iter().enumerate() {
        assert_eq!(message, &Said::Message(n.to_string().into_bytes()));
    }
}

#[test]
fn nobody_else_is_trusted() {
    let (config, pem) = certified(&["elsewhere.example"], rustls::ALL_VERSIONS);
    let folder = Folder::new("trust");
    let endpoint = serve("wss", "/SECRET", move |_, tcp| {
        let mut stream = over_tls(&config, tcp);
        let _alert = stream.read(&mut [0; 64]);
    });
    let why = client(endpoint.clone(), Tls::new(None).expect("roots")).until_closed();
    assert!(why.contains("UnknownIssuer") && !why.contains("SECRET"), "{why}");
    let why = client(endpoint, Tls::new(Some(&folder.file(&pem))).expect("roots")).until_closed();
    assert!(why.contains("not valid for name"), "{why}");
}

#[test]
fn a_server_without_tls_or_one_that_hangs_up_is_named() {
    let endpoint = serve("wss", "/", |n, mut tcp| {
        tcp.read_exact(&mut [0; 64]).expect("hello");
        match n {
            0 => tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("answer"),
            _ => tcp.write_all(&[22, 3, 3]).expect("half a record"),
        }
    });
    let mut driven = client(endpoint, Tls::new(None).expect("roots"));
    let why = driven.until_closed();
    assert!(why.contains("TLS: received corrupt message"), "{why}");
    let why = driven.until_closed();
    assert!(why.contains("hung up during the TLS handshake") || why.contains("reset"), "{why}");
}

#[test]
fn a_wrong_ca_file_says_what_is_missing() {
    let folder = Folder::new("pem");
    let error = |text: &str| match Tls::new(Some(&folder.file(text))) {
        Err(error) => error,
        Ok(_) => panic!("{text} was taken"),
    };
    assert!(error("").contains("ca.pem: holds no certificate (a block that begins with"));
    assert!(error("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").contains("ca.pem: "));
    assert!(Tls::new(Some(&folder.0.join("none"))).is_err_and(|e| e.contains("none: ")));
}

#[test]
fn https_keeps_its_connection_and_a_body_to_the_end_needs_the_closing_alert() {
    let (config, pem) = certified(&["127.0.0.1"], rustls::ALL_VERSIONS);
    let folder = Folder::new("https");
    let endpoint = serve("https", "/", move |n, tcp| {
        let mut stream = over_tls(&config, tcp);
        loop {
            let request = read_request(&mut stream);
            let body = format!("connection {n}");
            if request.contains("/kept") {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).expect("answer");
                continue;
            }
            if !request.is_empty() {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("head");
                stream.write_all(body.as_bytes()).expect("body");
            }
            if request.contains("/whole") {
                stream.conn.send_close_notify();
                stream.flush().expect("alert");
            }
            return;
        }
    });
    let mut asker = Asker::new(endpoint, Tls::new(Some(&folder.file(&pem))).expect("roots"), HttpOptions::default());
    for _ in 0..3 {
        assert_eq!(asker.get("/kept"), Ok((200, "connection 0".into())));
    }
    assert_eq!(asker.get("/whole"), Ok((200, "connection 0".into())));
    let (why, maybe_sent) = asker.get("/torn").expect_err("cut");
    assert!(maybe_sent && why.contains("cut off after 12 bytes"), "{why}");
}
