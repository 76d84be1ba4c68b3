//! Waiting for sockets and for other threads.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};

use super::sys;

/// Waits for a handful of descriptors and for its [`Waker`]s.
pub struct Poller {
    wake: Arc<OwnedFd>,
    fds: Vec<libc::pollfd>,
}

/// Ends a wait of its [`Poller`] from another thread; the next one if none is under way.
#[derive(Clone)]
pub struct Waker(Arc<OwnedFd>);

impl Waker {
    pub fn wake(&self) {
        // Fails only when the counter is full, and then the poller is awake already.
        let _full = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}

impl Poller {
    pub fn new() -> io::Result<Poller> {
        let wake = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Poller { wake: Arc::new(wake), fds: Vec::with_capacity(16) })
    }

    pub fn waker(&self) -> Waker {
        Waker(self.wake.clone())
    }

    /// Waits until a descriptor can be read (or written, where its `bool` says so), a waker calls, or the time is over;
    /// without a timeout for as long as it takes. True when something is ready, false after the timeout or a signal.
    pub fn wait(&mut self, fds: &[(RawFd, bool)], timeout: Option<Duration>) -> io::Result<bool> {
        self.fds.clear();
        self.fds.push(libc::pollfd { fd: self.wake.as_raw_fd(), events: libc::POLLIN, revents: 0 });
        self.fds.extend(fds.iter().map(|&(fd, write)| libc::pollfd {
            fd,
            events: libc::POLLIN | if write { libc::POLLOUT } else { 0 },
            revents: 0,
        }));
        let ready = sys::poll(&mut self.fds, timeout)?;
        if self.fds[0].revents != 0 {
            rustix::io::read(&*self.wake, &mut [0_u8; 8])?;
        }
        Ok(ready > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_before_the_wait_is_kept_and_used_up() {
        let mut poller = Poller::new().expect("eventfd");
        let waker = poller.waker();
        waker.wake();
        waker.clone().wake();
        assert!(poller.wait(&[], None).expect("poll"));
        assert!(!poller.wait(&[], Some(Duration::from_millis(1))).expect("poll"));
    }

    #[test]
    fn another_thread_ends_the_wait_and_a_descriptor_does() {
        let mut poller = Poller::new().expect("eventfd");
        let (waker, other) = (poller.waker(), eventfd(0, EventfdFlags::NONBLOCK).expect("eventfd"));
        let fds = [(other.as_raw_fd(), false)];
        assert!(!poller.wait(&fds, Some(Duration::ZERO)).expect("poll"));
        assert!(poller.wait(&[(other.as_raw_fd(), true)], None).expect("poll"));
        let thread = std::thread::spawn(move || waker.wake());
        assert!(poller.wait(&fds, None).expect("poll"));
        thread.join().expect("thread");
        rustix::io::write(&other, &1_u64.to_ne_bytes()).expect("write");
        assert!(poller.wait(&fds, None).expect("poll"));
    }
}
