//! The floor of the wire benchmark: what a machine takes for "read a packet, write a packet". A thread polls a market
//! connection and answers each burst on another connection with bytes that were made beforehand, as soon as it has
//! read the burst's first packet. Nothing is decoded and nothing decided, so no engine can be faster.
#![allow(unsafe_code)] // recv and send on descriptors that the caller has opened

use std::io;
use std::os::fd::RawFd;

use crate::clock::stopwatch_ns;

/// Polls without data after which answers on the order connection are read away.
const IDLE: u32 = 256;

/// What is there now, without waiting; 0 when there is nothing.
fn receive(fd: RawFd, into: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of `into`, which outlives the call.
    let n = unsafe { libc::recv(fd, into.as_mut_ptr().cast(), into.len(), libc::MSG_DONTWAIT) };
    match n {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the exchange has closed the connection")),
        n if n > 0 => Ok(n as usize),
        _ => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::WouldBlock || e.kind() == io::ErrorKind::Interrupted => Ok(0),
            e => Err(e),
        },
    }
}

fn write(fd: RawFd, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of `bytes`, which outlives the call.
    let n = unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) };
    match n {
        n if n == bytes.len() as isize => Ok(()),
        n if n >= 0 => Err(io::Error::new(io::ErrorKind::WriteZero, "the order connection is full")),
        _ => Err(io::Error::last_os_error()),
    }
}

/// For `run_ns`: whenever something comes on `market` after `quiet_ns` without anything, writes `request` to `orders`.
/// Returns how often.
///
/// # Errors
/// Of the two connections.
pub fn answer_bursts(market: RawFd, orders: RawFd, request: &[u8], quiet_ns: i64, run_ns: i64) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let (mut last_ns, mut idle, mut answers) = (stopwatch_ns(), 0, 0);
    let end_ns = last_ns + run_ns;
    loop {
        if receive(market, &mut buffer)? > 0 {
            let now_ns = stopwatch_ns();
            if now_ns - last_ns >= quiet_ns {
                write(orders, request)?;
                answers += 1;
            }
            (last_ns, idle) = (now_ns, 0);
            continue;
        }
        idle += 1;
        if idle == IDLE {
            idle = 0;
            while receive(orders, &mut buffer)? > 0 {}
            if stopwatch_ns() >= end_ns {
                return Ok(answers);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    }

    #[test]
    fn a_burst_is_answered_once_and_a_closed_connection_is_an_error() {
        let ((market, mut venue), (orders, mut desk)) = (pair(), pair());
        let (m, o) = (market.as_raw_fd(), orders.as_raw_fd());
        let loop_ = std::thread::spawn(move || answer_bursts(m, o, b"order", 20_000_000, 10_000_000_000));
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(60));
            venue.write_all(b"depth").unwrap();
            std::thread::sleep(Duration::from_millis(1));
            venue.write_all(b"quote").unwrap();
        }
        let mut got = [0; 15];
        desk.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"orderorderorder");
        drop(venue);
        let error = loop_.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        desk.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        assert!(desk.read(&mut got).is_err(), "more than one answer to a burst");
    }
}
