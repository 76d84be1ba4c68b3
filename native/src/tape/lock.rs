//! One writer a Tape: an advisory lock on its directory, which the system drops when the process ends, however it ends.
#![allow(unsafe_code)] // flock(2) has no safe form in the standard library of our minimum Rust version

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Opens the directory `dir` and locks it for as long as the file is open.
pub(super) fn lock(dir: &Path) -> io::Result<File> {
    let file = File::open(dir)?;
    // SAFETY: flock takes a descriptor and flags, no memory; `file` keeps the descriptor open during the call.
    if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(file);
    }
    let e = io::Error::last_os_error();
    if e.kind() == io::ErrorKind::WouldBlock {
        return Err(io::Error::new(e.kind(), "another writer has this Tape open; stop it first"));
    }
    Err(e)
}
