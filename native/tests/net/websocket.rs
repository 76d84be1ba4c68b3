//! A plain websocket: messages, fragments, control frames, ends.

use std::sync::Arc;
use std::sync::mpsc::channel;

use _core::net::{Endpoint, Tls, WsClient, WsOptions};
use tungstenite::{Message, accept};

use crate::net_support::{Driven, Said, serve};

fn options() -> WsOptions {
    WsOptions { backoff_min_ms: 1, backoff_max_ms: 4, ..WsOptions::default() }
}

fn client(endpoint: Endpoint, options: WsOptions) -> Driven {
    Driven::new(WsClient::new(endpoint, options, Arc::new(Tls::new(None).expect("roots")), 7))
}

#[test]
fn messages_of_all_lengths_come_back_as_they_were_sent() {
    let endpoint = serve("ws", "/ws", |_, tcp| {
        let mut socket = accept(tcp).expect("handshake");
        while let Ok(message) = socket.read() {
            if message.is_text() {
                socket.send(message).expect("echo");
            }
        }
    });
    let mut driven = client(endpoint, options());
    driven.until_open();
    for length in [0, 1, 7, 8, 125, 126, 65_535, 65_536, 700_000] {
        let text = "x".repeat(length).into_bytes();
        driven.send(&text);
        let said = driven.until(|said| !said.is_empty());
        assert_eq!(said, [Said::Message(text)], "{length}");
    }
    let counts = driven.client.counts();
    assert_eq!((counts.opened, counts.reconnects, counts.messages_in, counts.messages_out), (1, 0, 9, 9));
}

#[test]
fn the_servers_pings_are_answered_and_its_close_is_told() {
    let (tell, told) = channel();
    let endpoint = serve("ws", "/", move |_, tcp| {
        let mut socket = accept(tcp).expect("handshake");
        socket.send(Message::Ping("are you there".into())).expect("ping");
        tell.send(socket.read()).expect("test waits");
        let frame = tungstenite::protocol::CloseFrame { code: 1001.into(), reason: "maintenance".into() };
        socket.close(Some(frame)).expect("close");
        tell.send(socket.read()).expect("test waits");
    });
    let mut driven = client(endpoint, options());
    assert_eq!(driven.until_closed(), "the peer closed with 1001: maintenance");
    assert_eq!(told.recv().expect("told").expect("pong"), Message::Pong("are you there".into()));
    assert!(told.recv().expect("told").expect("answer").is_close());
    assert_eq!(driven.client.counts().pings_in, 1);
}
