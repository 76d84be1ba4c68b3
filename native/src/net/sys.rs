#![allow(unsafe_code)] // two system calls of Linux that no safe crate here offers: ppoll on plain numbers, SO_BUSY_POLL
//! System calls.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// ppoll(2). Sets `revents` and says how many descriptors are ready: 0 after the timeout or a signal.
pub(super) fn poll(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<usize> {
    let limit = timeout.map(|t| libc::timespec {
        tv_sec: t.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: t.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `fds` is a valid array of its own length and `limit` null or a live timespec; a number in `fds` that is
    // no open descriptor makes ppoll set POLLNVAL, it touches no memory through it.
    let ready = unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, limit, std::ptr::null()) };
    match usize::try_from(ready) {
        Ok(ready) => Ok(ready),
        Err(_) => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::Interrupted => {
                fds.iter_mut().for_each(|fd| fd.revents = 0);
                Ok(0)
            }
            e => Err(e),
        },
    }
}

/// Lets the kernel poll the network card for so many microseconds in a read that finds nothing (socket(7)). More than
/// the system's default needs CAP_NET_ADMIN, so a refusal is no error.
pub(super) fn busy_poll(socket: BorrowedFd<'_>, us: libc::c_int) {
    // SAFETY: the descriptor is borrowed and so open, the value a live c_int of the size that is passed.
    let _refused = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BUSY_POLL,
            std::ptr::from_ref(&us).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
}
