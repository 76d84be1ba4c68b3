//! What becomes of a connection: handshakes that fail, silence, age, ends, and the waits between attempts.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use _core::net::{Endpoint, WsOptions};
use tungstenite::{Message, accept};

use crate::net_support::{Said, client, options, read_request, serve};

fn echo(tcp: TcpStream) {
    let mut socket = accept(tcp).expect("handshake");
    while let Ok(message) = socket.read() {
        if message.is_text() {
            socket.send(message).expect("echo");
        }
    }
}

#[test]
fn a_lost_connection_comes_back() {
    let endpoint = serve("ws", "/", |n, tcp| {
        let mut socket = accept(tcp).expect("handshake");
        socket.send(Message::text(format!("connection {n}"))).expect("send");
        if n == 2 {
            let _end = socket.read();
        }
    });
    let mut driven = client(endpoint, options());
    let said = driven.until(|said| said.contains(&Said::Message(b"connection 2".to_vec())));
    let end = Said::Closed("the peer hung up without a close frame".into());
    let whole = |n| [Said::Opened, Said::Message(format!("connection {n}").into_bytes())];
    assert_eq!(
        said,
        [&whole(0)[..], std::slice::from_ref(&end), &whole(1), std::slice::from_ref(&end), &whole(2)].concat()
    );
    let counts = driven.client.counts();
    assert_eq!((counts.opened, counts.reconnects), (3, 2));
}

#[test]
fn silence_gets_a_ping_and_an_answer_keeps_the_connection() {
    let endpoint = serve("ws", "/", |_, tcp| echo(tcp));
    let mut driven = client(endpoint, WsOptions { idle_timeout_ms: 1000, ..options() });
    driven.until_open();
    for pings in 1..=3 {
        driven.skip_ms(1000);
        assert_eq!(driven.once(), []);
        assert_eq!(driven.client.counts().pings_out, pings);
        // The pong moves the time at which silence is too long.
        let due_ns = driven.client.due_ns();
        driven.until_due_moves(due_ns);
    }
    driven.send(b"still here");
    assert_eq!(driven.until(|said| !said.is_empty()), [Said::Message(b"still here".to_vec())]);
}

#[test]
fn a_ping_without_an_answer_is_death() {
    let (hold, held) = channel::<()>();
    let endpoint = serve("ws", "/", move |_, tcp| {
        let _socket = accept(tcp).expect("handshake");
        let _until_the_end = held.recv();
    });
    let mut driven = client(endpoint, WsOptions { idle_timeout_ms: 1000, ..options() });
    driven.until_open();
    driven.skip_ms(1000);
    assert_eq!(driven.once(), []);
    driven.skip_ms(1000);
    assert_eq!(driven.once(), [Said::Closed("nothing was read for 2000 ms, a ping had no answer".into())]);
    drop(hold);
}

#[test]
fn an_old_connection_is_renewed_at_once_and_another_address_is_taken_when_wanted() {
    let first = serve("ws", "/", |_, tcp| echo(tcp));
    let second = serve("ws", "/", |_, tcp| {
        let mut socket = accept(tcp).expect("handshake");
        socket.send(Message::text("second")).expect("send");
        let _end = socket.read();
    });
    let mut driven = client(first, WsOptions { max_age_ms: 1000, idle_timeout_ms: 0, ..options() });
    driven.until_open();
    driven.skip_ms(1000);
    assert_eq!(driven.until_closed(), "planned reconnect at the age of 1000 ms");
    assert_eq!(driven.retry_ns, 0);
    driven.until_open();
    driven.client.set_endpoint(second);
    assert!(driven.client.is_open());
    driven.client.reconnect("the listen key changed");
    assert_eq!(driven.until_closed(), "the listen key changed");
    driven.until(|said| said.contains(&Said::Message(b"second".to_vec())));
}

#[test]
fn a_refused_upgrade_shows_its_status_and_body_and_waits_as_long_as_it_says() {
    let endpoint = serve("ws", "/ws/SECRET", |n, mut tcp| {
        if n > 0 {
            return echo(tcp);
        }
        assert!(read_request(&mut tcp).contains("X-MBX-APIKEY: KEY\r\n"));
        let answer = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 32\r\n\r\n";
        tcp.write_all(answer.as_bytes()).expect("head");
        tcp.write_all(b"{\"code\":-1003,\"msg\":\"slow down\"}").expect("body");
    });
    let headers = vec![("X-MBX-APIKEY".into(), "KEY".into())];
    let mut driven = client(endpoint, WsOptions { headers, ..options() });
    let why = driven.until_closed();
    assert_eq!(why, r#"HTTP 429 Too Many Requests in place of the websocket: {"code":-1003,"msg":"slow down"}"#);
    assert_eq!(driven.retry_ns, 5_000_000_000);
    driven.once();
    assert!(driven.client.fd().is_none());
    driven.skip_ms(5000);
    driven.until_open();
}

#[test]
fn torn_and_wrong_handshakes_are_named_and_tried_again() {
    let answers = ["", "HTTP/1.1 10", "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n", "220 smtp ready\r\n", "ACCEPT"];
    let endpoint = serve("ws", "/", move |n, mut tcp| {
        let Some(answer) = answers.get(n) else { return echo(tcp) };
        read_request(&mut tcp);
        let wrong = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";
        tcp.write_all(if *answer == "ACCEPT" { wrong } else { answer }.as_bytes()).expect("answer");
    });
    let mut driven = client(endpoint, options());
    let said = driven.until(|said| said.contains(&Said::Opened));
    let whys: Vec<_> =
        said.iter().filter_map(|s| if let Said::Closed(why) = s { Some(why.as_str()) } else { None }).collect();
    assert_eq!(
        whys,
        [
            "the handshake was cut off after 0 bytes",
            "the handshake was cut off after 11 bytes",
            "the handshake was cut off after 36 bytes",
            "the answer to the handshake is no HTTP: invalid HTTP version",
            "the answer to the handshake has a wrong Sec-WebSocket-Accept",
        ]
    );
}

#[test]
fn a_server_that_never_answers_is_given_up_after_the_time_for_a_connection() {
    let (hold, held) = channel::<()>();
    let endpoint = serve("ws", "/", move |_, _tcp| {
        let _until_the_end = held.recv();
    });
    let mut driven = client(endpoint, WsOptions { connect_timeout_ms: 1000, ..options() });
    for _ in 0..5 {
        assert_eq!(driven.once(), []);
        std::thread::sleep(Duration::from_millis(2));
    }
    driven.skip_ms(1000);
    assert_eq!(driven.until_closed(), "the handshake was cut off after 0 bytes within the time for a connection");
    drop(hold);
}

#[test]
fn a_port_nobody_listens_on_is_tried_again_ever_more_rarely() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("address").port();
    drop(listener);
    let endpoint = Endpoint::parse(&format!("ws://localhost:{port}/SECRET")).expect("endpoint");
    let mut driven = client(endpoint, WsOptions { backoff_min_ms: 1000, backoff_max_ms: 4000, ..options() });
    for wait_ms in [1000, 2000, 4000, 4000] {
        let why = driven.until_closed();
        assert!(why.starts_with(&format!("localhost:{port}: Connection refused")), "{why}");
        assert!((wait_ms * 500_000..=wait_ms * 1_000_000).contains(&driven.retry_ns), "{}", driven.retry_ns);
        driven.skip_ms(wait_ms);
    }
}

#[test]
fn a_name_that_is_none_is_an_error_and_no_wait_for_the_caller() {
    let endpoint = Endpoint::parse("ws://no-such-host.invalid/").expect("endpoint");
    let mut driven = client(endpoint, options());
    let why = driven.until_closed();
    assert!(why.starts_with("no-such-host.invalid:80: name lookup failed"), "{why}");
}
