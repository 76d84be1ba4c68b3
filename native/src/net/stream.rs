//! One TCP connection, with TLS on it where wanted. Reads and writes block never.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, RawFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto};

use super::buffer::Buffer;
use super::sys;
use super::tls::Session;

/// The smallest room a read gets.
const READ_MIN: usize = 16 * 1024;
/// How long a read may poll the network card.
const BUSY_POLL_US: i32 = 50;

/// What one read(2) brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// Bytes came, though with TLS perhaps none of the message yet.
    Some,
    Nothing,
    /// The peer will send no more. `clean` says that nothing can be missing: TLS ended by its own alert.
    End {
        clean: bool,
    },
}

pub(super) struct Stream {
    tcp: TcpStream,
    tls: Option<Box<Session>>,
    /// Written by us, not yet taken by the kernel.
    out: Buffer,
}

fn would_block(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Stream {
    /// Begins to connect.
    pub fn connect(address: SocketAddr, busy: bool) -> io::Result<Stream> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(e) => return Err(e.into()),
        }
        let tcp = TcpStream::from(socket);
        tcp.set_nodelay(true)?;
        if busy {
            sys::busy_poll(tcp.as_fd(), BUSY_POLL_US);
        }
        Ok(Stream { tcp, tls: None, out: Buffer::new(READ_MIN) })
    }

    /// True once the connection stands.
    pub fn connected(&self) -> io::Result<bool> {
        if let Some(e) = self.tcp.take_error()? {
            return Err(e);
        }
        match self.tcp.peer_addr() {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == ErrorKind::NotConnected => Ok(false),
            Err(e) => Err(e),
        }
    }

    pub fn secure(&mut self, session: Box<Session>) {
        self.tls = Some(session);
    }

    /// Takes the TLS handshake as far as it goes; true once it is complete.
    pub fn shake(&mut self, plain: &mut Buffer) -> io::Result<bool> {
        let Some(session) = &mut self.tls else { return Ok(true) };
        session.advance(plain, &mut self.out)?;
        self.flush()?;
        loop {
            match self.fill(plain, 0)? {
                Fill::Some => self.flush()?,
                Fill::Nothing => break,
                Fill::End { .. } => {
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, "the peer hung up during the TLS handshake"));
                }
            }
        }
        Ok(self.tls.as_ref().is_some_and(|s| s.is_ready()) && self.out.is_empty())
    }

    /// One read(2), whose bytes are appended to `plain`; `least` is what the caller knows to be missing.
    pub fn fill(&mut self, plain: &mut Buffer, least: usize) -> io::Result<Fill> {
        let Some(session) = &mut self.tls else {
            return match self.tcp.read(plain.room(least.max(READ_MIN))) {
                Ok(0) => Ok(Fill::End { clean: true }),
                Ok(n) => {
                    plain.added(n);
                    Ok(Fill::Some)
                }
                Err(e) if would_block(&e) => Ok(Fill::Nothing),
                Err(e) => Err(e),
            };
        };
        match self.tcp.read(session.cipher.room(READ_MIN)) {
            Ok(0) => Ok(Fill::End { clean: session.has_ended() }),
            Ok(n) => {
                session.cipher.added(n);
                session.advance(plain, &mut self.out).inspect_err(|_| {
                    // The alert that names the fault to the peer; the connection is over in any case.
                    let _told = self.tcp.write(self.out.filled());
                })?;
                Ok(if session.has_ended() && plain.is_empty() { Fill::End { clean: true } } else { Fill::Some })
            }
            Err(e) if would_block(&e) => Ok(Fill::Nothing),
            Err(e) => Err(e),
        }
    }

    /// Writes at once, with one write(2), what the kernel takes and keeps the rest. After an error nothing of these
    /// bytes has left.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(session) = &mut self.tls {
            session.encrypt(bytes, &mut self.out)?;
        } else if self.out.is_empty() {
            let written = match self.tcp.write(bytes) {
                Ok(n) => n,
                Err(e) if would_block(&e) => 0,
                Err(e) => return Err(e),
            };
            if written < bytes.len() {
                self.out.append(&bytes[written..]);
            }
            return Ok(());
        } else {
            self.out.append(bytes);
        }
        self.flush()
    }

    /// One write(2) for what is kept, if anything is.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        match self.tcp.write(self.out.filled()) {
            Ok(n) => {
                self.out.take(n);
                Ok(())
            }
            Err(e) if would_block(&e) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Bytes the kernel has not taken yet.
    pub fn unsent(&self) -> usize {
        self.out.len()
    }

    /// Says goodbye in TLS and ends our direction, as far as that goes without waiting.
    pub fn end(&mut self) {
        if let Some(session) = &mut self.tls {
            session.farewell(&mut self.out);
        }
        let _gone = self.flush();
        let _gone = self.tcp.shutdown(std::net::Shutdown::Write);
    }

    pub fn fd(&self) -> RawFd {
        self.tcp.as_raw_fd()
    }
}
