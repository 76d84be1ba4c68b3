//! A venue of two dozen lines for one spot instrument: streams, snapshots, time, an empty account, and a websocket API
//! that takes the user data subscription and says nothing to orders. Real sockets, one thread a connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tungstenite::{Message, accept};

#[derive(Default)]
pub struct Seen {
    /// Messages on the websocket API, in order.
    pub asked: Mutex<Vec<serde_json::Value>>,
    /// REST requests, method and path without its query.
    pub paths: Mutex<Vec<String>>,
    /// The websocket API is closed, and takes no connection any more.
    pub shut: AtomicBool,
    /// Market connections that were opened.
    pub streams: AtomicU64,
    /// Market connections are cut at the next event.
    pub cut: AtomicBool,
    /// The book's last update id.
    update: AtomicU64,
}

pub struct Venue {
    pub port: u16,
    pub seen: Arc<Seen>,
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

impl Venue {
    pub fn open() -> Venue {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        seen.update.store(100, Ordering::SeqCst);
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &seen));
            }
        });
        Venue { port, seen }
    }
}

fn serve(stream: TcpStream, seen: &Seen) {
    let mut head = [0; 256];
    let n = stream.peek(&mut head).unwrap_or(0);
    let text = String::from_utf8_lossy(&head[..n]).to_string();
    if text.starts_with("GET /stream") {
        feed(stream, seen);
    } else if text.starts_with("GET /ws-api") {
        api(stream, seen);
    } else {
        rest(stream, seen);
    }
}

/// A depth event every 5 ms; the best bid wanders between two prices.
fn feed(stream: TcpStream, seen: &Seen) {
    let Ok(mut ws) = accept(stream) else { return };
    seen.streams.fetch_add(1, Ordering::SeqCst);
    loop {
        std::thread::sleep(Duration::from_millis(5));
        if seen.cut.swap(false, Ordering::SeqCst) {
            return;
        }
        let id = seen.update.fetch_add(1, Ordering::SeqCst) + 1;
        let qty = if id.is_multiple_of(2) { "3.000" } else { "0.000" };
        let text = format!(
            r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{},"s":"BTCUSDT","U":{id},"u":{id},"b":[["100.1","{qty}"]],"a":[]}}}}"#,
            now_ms()
        );
        if ws.send(Message::text(text)).is_err() {
            return;
        }
    }
}

impl Seen {
    /// How often this was asked over REST.
    pub fn requests(&self, what: &str) -> usize {
        self.paths.lock().unwrap().iter().filter(|p| *p == what).count()
    }
}

fn api(stream: TcpStream, seen: &Seen) {
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    if seen.shut.load(Ordering::SeqCst) {
        return;
    }
    let Ok(mut ws) = accept(stream) else { return };
    while !seen.shut.load(Ordering::SeqCst) {
        let text = match ws.read() {
            Ok(Message::Text(text)) => text,
            Ok(_) => continue,
            Err(tungstenite::Error::Io(e)) if e.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return,
        };
        let asked: serde_json::Value = serde_json::from_str(&text).unwrap();
        if asked["method"] == "userDataStream.subscribe.signature" {
            let answer = format!(r#"{{"id":{},"status":200,"result":{{"subscriptionId":0}}}}"#, asked["id"]);
            ws.send(Message::text(answer)).unwrap();
        }
        seen.asked.lock().unwrap().push(asked);
    }
}

fn rest(mut stream: TcpStream, seen: &Seen) {
    let mut buffer = [0; 8192];
    while let Ok(n) = stream.read(&mut buffer) {
        if n == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&buffer[..n]).to_string();
        let path = text.split(' ').nth(1).unwrap_or("").split('?').next().unwrap_or("").to_string();
        let body = match path.as_str() {
            "/api/v3/time" => format!(r#"{{"serverTime":{}}}"#, now_ms()),
            "/api/v3/depth" => {
                let id = seen.update.load(Ordering::SeqCst);
                format!(r#"{{"lastUpdateId":{id},"bids":[["100.0","5.000"]],"asks":[["100.5","5.000"]]}}"#)
            }
            "/api/v3/account" => r#"{"balances":[{"asset":"BTC","free":"10.0","locked":"0.0"}]}"#.to_string(),
            _ => "[]".to_string(),
        };
        let method = text.split(' ').next().unwrap_or("");
        seen.paths.lock().unwrap().push(format!("{method} {path}"));
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}
