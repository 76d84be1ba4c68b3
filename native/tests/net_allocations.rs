//! In the steady state of a plain websocket, sending and receiving take no memory from the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::TcpListener;
use std::sync::Arc;

use _core::net::{Endpoint, Tls, WsClient, WsEvent, WsOptions};

thread_local!(static TAKEN: Cell<u64> = const { Cell::new(0) });

struct Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches only a thread's own cell.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.with(|taken| taken.set(taken.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`; `at` came from `alloc` above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_message_there_and_back_takes_no_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("address").port();
    std::thread::spawn(move || {
        let mut socket = tungstenite::accept(listener.accept().expect("accept").0).expect("handshake");
        while let Ok(message) = socket.read() {
            if message.is_text() {
                socket.send(message).expect("echo");
            }
        }
    });
    let endpoint = Endpoint::parse(&format!("ws://127.0.0.1:{port}")).expect("endpoint");
    let tls = Arc::new(Tls::new(None).expect("roots"));
    let mut client = WsClient::new(endpoint, WsOptions::default(), tls, 7);
    while !client.is_open() {
        client.drive(0);
        std::thread::yield_now();
    }
    assert_eq!(client.next(), Some(WsEvent::Opened));
    let payload = [b'x'; 2000];
    let mut taken_before = 0;
    for n in 0..2000 {
        if n == 10 {
            taken_before = TAKEN.with(Cell::get);
            assert!(taken_before > 0, "the count counts");
        }
        client.send_text(&payload, n).expect("sent");
        loop {
            client.drive(n);
            match client.next() {
                Some(WsEvent::Message(bytes)) => break assert_eq!(bytes, payload),
                Some(other) => panic!("{other:?}"),
                None => std::thread::yield_now(),
            }
        }
    }
    assert_eq!(TAKEN.with(Cell::get), taken_before);
}
