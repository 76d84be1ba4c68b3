//! A window that slides over a segment's bytes: records are read in place, and memory stays at the size of the
//! window (or of the longest record), however long the segment is.
//!
//! Not a memory map: a segment that its writer cuts or a disk that fails would then be a signal and not an error.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zstd::stream::read::Decoder;

/// Stays in a core's second-level cache, so that the copy from the page cache costs little.
const WINDOW_BYTES: usize = 256 << 10;

/// Counts what comes off the disk, which for a compressed segment is not what comes out.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buf)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

pub(super) struct Window {
    source: Box<dyn Read + Send + Sync>,
    read: Arc<AtomicU64>,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the segment of `buf[start]`.
    offset: u64,
    at_end: bool,
}

impl Window {
    pub(super) fn open(path: &Path, compressed: bool) -> io::Result<Window> {
        let read = Arc::new(AtomicU64::new(0));
        let file = Counted { file: File::open(path)?, read: Arc::clone(&read) };
        let source: Box<dyn Read + Send + Sync> =
            if compressed { Box::new(Decoder::new(file)?) } else { Box::new(file) };
        Ok(Window { source, read, buf: vec![0; WINDOW_BYTES], start: 0, end: 0, offset: 0, at_end: false })
    }

    /// Where in the segment the window begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes taken off the disk so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The bytes that are here, from [`Window::offset`] on.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// Reads until `need` bytes are here or the segment ends; says how many are here. The buffer only grows as bytes
    /// arrive, so a length that is a lie allocates nothing.
    #[inline]
    pub(super) fn fill(&mut self, need: usize) -> io::Result<usize> {
        if self.end - self.start < need && !self.at_end {
            self.refill(need)?;
        }
        Ok(self.end - self.start)
    }

    #[cold]
    fn refill(&mut self, need: usize) -> io::Result<()> {
        self.buf.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < need && !self.at_end {
            if self.end == self.buf.len() {
                self.buf.resize(2 * self.end, 0);
            }
            match self.source.read(&mut self.buf[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Moves the start past `n` bytes, which must be here.
    #[inline]
    pub(super) fn skip(&mut self, n: usize) {
        debug_assert!(n <= self.end - self.start);
        self.start += n;
        self.offset += n as u64;
    }
}
