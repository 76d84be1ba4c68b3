//! A plain websocket: messages, fragments, control frames, slow peers.

use std::io::Write;
use std::sync::mpsc::channel;

use _core::net::{SendError, WsOptions};
use tungstenite::{Message, accept};

use crate::net_support::{Said, client, options, serve};

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

#[test]
fn fragments_are_joined_and_what_came_before_the_end_is_told_before_it() {
    let endpoint = serve("ws", "/", |_, tcp| {
        let mut socket = accept(tcp).expect("handshake");
        for byte in b"\x01\x02ab\x89\x00\x00\x00\x80\x02cd\x82\x01e" {
            socket.get_mut().write_all(&[*byte]).expect("byte");
        }
        assert!(socket.read().expect("the answer to the ping between").is_pong());
    });
    let mut driven = client(endpoint, options());
    let said = driven.until(|said| matches!(said.last(), Some(Said::Closed(_))));
    let told = |text: &str| Said::Message(text.as_bytes().to_vec());
    let end = Said::Closed("the peer hung up without a close frame".into());
    assert_eq!(said, [Said::Opened, told("abcd"), told("e"), end]);
}

#[test]
fn a_slow_peer_fills_the_queue_and_nothing_is_torn() {
    let (go, wait) = channel();
    let (tell, told) = channel();
    let endpoint = serve("ws", "/", move |_, tcp| {
        let mut socket = accept(tcp).expect("handshake");
        wait.recv().expect("test says");
        while let Ok(message) = socket.read() {
            if message.is_text() {
                tell.send(message.into_data()).expect("test waits");
            }
        }
    });
    let mut driven = client(endpoint, WsOptions { max_unsent_bytes: 300_000, ..options() });
    driven.until_open();
    let text = |n: u32| vec![b'a' + (n % 26) as u8; 100_000];
    let mut sent = 0;
    let refused = loop {
        let now_ns = driven.now_ns();
        match driven.client.send_text(&text(sent), now_ns) {
            Ok(()) => sent += 1,
            Err(e) => break e,
        }
        assert!(sent < 1000, "the kernel takes everything");
    };
    assert_eq!((refused, driven.client.wants_write()), (SendError::Full, true));
    assert_eq!(driven.client.counts().messages_out, u64::from(sent));
    go.send(()).expect("server waits");
    driven.until_flushed();
    for n in 0..sent {
        assert_eq!(told.recv().expect("told"), text(n), "{n}");
    }
    driven.send(b"last");
    assert_eq!(&told.recv().expect("told")[..], b"last");
}

#[test]
fn what_no_server_may_send_closes_with_its_name_and_code() {
    let cases: [(&'static [u8], u16, &str); 5] = [
        (b"\x81\x81\x00\x00\x00\x00a", 1002, "the server sent a masked frame"),
        (b"\xc1\x01a", 1002, "a frame uses an extension that was not agreed on"),
        (b"\x81\x7e\x03\xe9", 1009, "a message is longer than 1000 bytes"),
        (b"\x88\x03\x03\xe8\xff", 1007, "a close frame's reason is not UTF-8"),
        (b"\x80\x00", 1002, "a continuation frame continues nothing"),
    ];
    for (bytes, code, why) in cases {
        let (tell, told) = channel();
        let endpoint = serve("ws", "/", move |_, tcp| {
            let mut socket = accept(tcp).expect("handshake");
            socket.get_mut().write_all(bytes).expect("bytes");
            let _first_only = tell.send(socket.read());
        });
        let mut driven = client(endpoint, WsOptions { max_message_bytes: 1000, ..options() });
        assert_eq!(driven.until_closed(), why);
        match told.recv().expect("told").expect("close frame") {
            Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), code),
            other => panic!("{other:?}"),
        }
        driven.until_open();
    }
}

#[test]
fn a_client_that_is_not_open_sends_nothing() {
    let endpoint = serve("ws", "/", |_, tcp| {
        let mut socket = accept(tcp).expect("handshake");
        let _end = socket.read();
    });
    let mut driven = client(endpoint, options());
    assert_eq!(driven.client.send_text(b"x", 0), Err(SendError::NotOpen));
    driven.until_open();
    driven.client.close();
    assert!(!driven.client.is_open() && driven.client.due_ns().is_none() && driven.client.fd().is_none());
    assert_eq!(driven.client.send_text(b"x", 0), Err(SendError::NotOpen));
    assert_eq!(driven.once(), []);
    driven.client.reconnect("wanted again");
    driven.until_open();
}
