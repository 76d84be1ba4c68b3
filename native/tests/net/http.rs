//! HTTP over real sockets: kept connections, torn answers, stale connections, deadlines.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;

use _core::net::{Endpoint, HttpOptions, HttpRequest, QueueFull, Tls};

use crate::net_support::{Asker, read_request, serve};

fn asker(endpoint: Endpoint) -> Asker {
    let options = HttpOptions { max_body_bytes: 1000, max_queue: 3, ..HttpOptions::default() };
    Asker::new(endpoint, Tls::new(None).expect("roots"), options)
}

fn answer(tcp: &mut TcpStream, text: &str) {
    tcp.write_all(text.as_bytes()).expect("answer");
}

fn with_length(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn requests_are_answered_in_order_over_one_connection() {
    let endpoint = serve("http", "/", |n, mut tcp| {
        for k in 0.. {
            let request = read_request(&mut tcp);
            if request.is_empty() {
                return;
            }
            let target = request.split(' ').nth(1).expect("target");
            answer(&mut tcp, &with_length(&format!("{n} {k} {target}")));
        }
    });
    let mut asker = asker(endpoint);
    for token in [7, 8, 9] {
        asker.submit(token, &format!("/t{token}"));
    }
    let request = HttpRequest { method: "GET".into(), target: "/".into(), ..HttpRequest::default() };
    assert_eq!(asker.client.submit(10, request, i64::MAX), Err(QueueFull));
    for (k, token) in [(0, 7), (1, 8), (2, 9)] {
        let done = asker.wait();
        let body = done.result.expect("answer").body;
        assert_eq!((done.token, body), (token, format!("0 {k} /t{token}").into_bytes()));
    }
    asker.skipped_ns += 30_000_000_000;
    assert_eq!((asker.once(), asker.client.due_ns()), (None, None));
    assert_eq!(asker.get("/again"), Ok((200, "1 0 /again".into())), "an idle connection is closed");
}

#[test]
fn a_post_carries_its_body_and_a_refusal_its_headers() {
    let endpoint = serve("http", "/", |_, mut tcp| {
        let head = read_request(&mut tcp);
        assert!(head.starts_with("POST /order?x=1 HTTP/1.1\r\n") && head.contains("Content-Length: 5\r\n"), "{head}");
        let mut body = [0; 5];
        std::io::Read::read_exact(&mut tcp, &mut body).expect("body");
        assert_eq!(&body, b"a=b&c");
        answer(&mut tcp, "HTTP/1.1 418 I'm a teapot\r\nRetry-After: 9\r\nContent-Length: 2\r\n\r\n{}");
    });
    let mut asker = asker(endpoint);
    let request = HttpRequest {
        method: "POST".into(),
        target: "/order?x=1".into(),
        headers: vec![("X-MBX-APIKEY".into(), "k".into())],
        body: b"a=b&c".to_vec(),
    };
    asker.client.submit(1, request, i64::MAX).expect("room");
    let done = asker.wait().result.expect("an answer of any status");
    assert_eq!((done.status, done.header("retry-after"), &done.body[..]), (418, Some("9"), &b"{}"[..]));
}

#[test]
fn answers_in_all_forms_and_pieces_are_read_whole() {
    let answers = [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\none\r\n11\r\n, two and three..\r\n0\r\nT: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none",
        "HTTP/1.1 200 OK\r\n\r\nup to the end",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ];
    let endpoint = serve("http", "/", move |_, mut tcp| {
        loop {
            let request = read_request(&mut tcp);
            let Some(n) = request.chars().find(char::is_ascii_digit) else { return };
            let n = n.to_digit(10).expect("digit") as usize;
            for byte in answers[n].bytes() {
                tcp.write_all(&[byte]).expect("byte");
            }
            if n == 2 {
                return;
            }
        }
    });
    let mut asker = asker(endpoint);
    let bodies = ["one, two and three..", "one", "up to the end"];
    for (n, body) in bodies.into_iter().enumerate() {
        assert_eq!(asker.get(&format!("/{n}")), Ok((200, body.into())));
    }
    assert_eq!(asker.get("/3"), Ok((204, String::new())));
}

#[test]
fn a_torn_answer_is_a_failure_that_may_have_been_acted_on_and_the_next_request_works() {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let endpoint = serve("http", "/", move |_, mut tcp| {
        let request = read_request(&mut tcp);
        let mut numbers = request.split(['/', '?', ' ']).filter_map(|w| w.parse::<usize>().ok());
        let (form, cut) = (numbers.next().expect("form"), numbers.next().expect("cut"));
        answer(&mut tcp, &[length, chunks][form][..cut]);
    });
    let mut asker = asker(endpoint);
    for (form, text) in [length, chunks].into_iter().enumerate() {
        for cut in 0..text.len() {
            let (why, maybe_sent) = asker.get(&format!("/{form}?{cut}")).expect_err("torn");
            // A reset: the request met a kept connection that the server was just closing.
            let named = ["cut off", "hung up", "reset"].iter().any(|word| why.contains(word));
            assert!(maybe_sent && named, "{cut}: {why}");
        }
        assert_eq!(asker.get(&format!("/{form}?{}", text.len())), Ok((200, "hello".into())));
    }
}

#[test]
fn wrong_answers_are_failures_with_a_reason_and_no_secret() {
    let cases = [
        ("SSH-2.0-x\r\n\r\n", "no HTTP"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "longer than 1000 bytes"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "longer than 1000 bytes"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no size"),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "no number"),
        ("HTTP/1.1 101 x\r\n\r\n", "another protocol"),
    ];
    let endpoint = serve("http", "/", move |n, mut tcp| {
        read_request(&mut tcp);
        answer(&mut tcp, cases[n].0);
        read_request(&mut tcp);
    });
    let mut asker = asker(endpoint);
    for (_, word) in cases {
        let (why, maybe_sent) = asker.get("/?signature=SECRET").expect_err(word);
        assert!(maybe_sent && why.contains(word) && !why.contains("SECRET"), "{why}");
    }
}

#[test]
fn a_stale_connection_is_replaced_and_one_that_spoke_unasked_too() {
    let (tell, told) = channel();
    let endpoint = serve("http", "/", move |n, mut tcp| {
        read_request(&mut tcp);
        answer(&mut tcp, &with_length(&n.to_string()));
        match n {
            0 => tcp.shutdown(Shutdown::Both).expect("shutdown"),
            _ => answer(&mut tcp, "HTTP/1.1 408 Request Timeout\r\n\r\n"),
        }
        tell.send(()).expect("test waits");
    });
    let mut asker = asker(endpoint);
    for n in 0..4 {
        assert_eq!(asker.get("/"), Ok((200, n.to_string())));
        told.recv().expect("closed by the server");
    }
}

#[test]
fn a_request_sent_into_the_void_is_not_repeated() {
    let (tell, told) = channel();
    let endpoint = serve("http", "/", move |n, mut tcp| {
        read_request(&mut tcp);
        if n == 0 {
            answer(&mut tcp, &with_length("first"));
            read_request(&mut tcp);
        }
        tell.send(n).expect("test waits");
    });
    let mut asker = asker(endpoint);
    assert_eq!(asker.get("/"), Ok((200, "first".into())));
    let (why, maybe_sent) = asker.get("/").expect_err("hung up on");
    assert!(maybe_sent && why.contains("hung up after 0 bytes"), "{why}");
    assert_eq!(told.recv(), Ok(0));
    assert!(told.try_recv().is_err(), "no second connection was made");
}

#[test]
fn deadlines_fail_what_waits_and_what_is_under_way() {
    let (hold, held) = channel::<()>();
    let endpoint = serve("http", "/", move |_, mut tcp| {
        read_request(&mut tcp);
        let _until_the_end = held.recv();
    });
    let mut asker = asker(endpoint);
    asker.submit(1, "/");
    asker.submit(2, "/");
    while asker.client.fd().is_none() || asker.client.wants_write() {
        assert_eq!(asker.once(), None);
    }
    asker.skipped_ns += 6_000_000_000;
    let failures: Vec<_> = [asker.wait(), asker.wait()].map(|d| (d.token, d.result.expect_err("late"))).into();
    assert!(failures[0].0 == 1 && failures[0].1.maybe_sent && failures[0].1.text.contains("no answer in time"));
    assert!(failures[1].0 == 2 && !failures[1].1.maybe_sent && failures[1].1.text.contains("not asked in time"));
    assert_eq!((asker.client.due_ns(), asker.client.fd()), (None, None));
    drop(hold);
}

#[test]
fn without_a_connection_each_request_fails_unsent() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("address").port();
    drop(listener);
    let mut asker = asker(Endpoint::parse(&format!("http://127.0.0.1:{port}")).expect("endpoint"));
    asker.submit(1, "/?signature=SECRET");
    asker.submit(2, "/");
    for token in [1, 2] {
        let done = asker.wait();
        let failure = done.result.expect_err("refused");
        assert!(done.token == token && !failure.maybe_sent && failure.text.contains("refused"), "{failure:?}");
    }
    asker.submit(3, "/a b");
    let failure = asker.wait().result.expect_err("no target");
    assert!(!failure.maybe_sent && failure.text.contains("target"), "{failure:?}");
}
