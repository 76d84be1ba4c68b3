//! Raw captures: one frame a line, `<receive_ns> <bytes as received>`, plain or gzip.
//!
//! A REST snapshot is a line like the others, `{"lastUpdateId":…`; where a capture has several symbols it must say
//! whose it is: `{"stream":"btcusdt@depthSnapshot","data":{"lastUpdateId":…}}` (as Tardis records it, too).
//!
//! A capture is read in blocks, so that memory does not follow its length; one that unpacks to no more than
//! [`KEEP_BYTES`] is kept, so that looking it over before the replay does not unpack it twice.

mod discover;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use discover::{Discovered, discover};

use crate::bytes::four_numbers;
use crate::event::{Frame, Source};

/// Unpacked captures up to this size stay in memory between passes.
pub const KEEP_BYTES: usize = 1 << 30;
const BLOCK: usize = 1 << 20;

/// What is wrong with a capture, and where.
#[derive(Debug)]
pub enum CaptureError {
    Io {
        path: PathBuf,
        error: io::Error,
    },
    /// The gzip stream or the last line ends early. `lines` whole lines precede the cut.
    Cut {
        path: PathBuf,
        lines: u64,
    },
    /// A line is not `<receive_ns> <bytes>`.
    Line {
        path: PathBuf,
        line: u64,
    },
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaptureError::Io { path, error } => write!(f, "{}: {error}", path.display()),
            CaptureError::Cut { path, lines } => write!(
                f,
                "{}: cut off after {lines} whole lines; fetch the file again, or replay what is there with --salvage",
                path.display()
            ),
            CaptureError::Line { path, line } => write!(
                f,
                "{}: line {line} is not '<receive_ns> <message>'; expected a raw capture or a Tape",
                path.display()
            ),
        }
    }
}
impl std::error::Error for CaptureError {}

/// Reads the frames of a capture, any number of times.
pub struct Capture {
    path: PathBuf,
    /// Read until the cut, and say it, instead of refusing a capture that is cut off.
    salvage: bool,
    cut: Option<u64>,
    file_bytes: u64,
    /// Unpacked bytes not yet handed out; with the whole file kept, all of it.
    buffer: Vec<u8>,
    at: usize,
    /// `None` when `buffer` holds all that is left.
    input: Option<Box<dyn Read + Send>>,
    consumed: std::sync::Arc<std::sync::atomic::AtomicU64>,
    keep: bool,
    complete: bool,
    line: u64,
}

/// Counts what is read of the file, for the progress bar.
struct Counted<R> {
    inner: R,
    count: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.count.fetch_add(n as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(n)
    }
}

impl Capture {
    /// Opens a capture; `salvage` reads one that is cut off up to the cut.
    pub fn open(path: &Path, salvage: bool) -> Result<Capture, CaptureError> {
        let mut capture = Capture {
            path: path.to_path_buf(),
            salvage,
            cut: None,
            file_bytes: 0,
            buffer: Vec::new(),
            at: 0,
            input: None,
            consumed: std::sync::Arc::default(),
            keep: true,
            complete: false,
            line: 0,
        };
        capture.restart()?;
        Ok(capture)
    }

    fn io(&self, error: io::Error) -> CaptureError {
        CaptureError::Io { path: self.path.clone(), error }
    }

    fn restart(&mut self) -> Result<(), CaptureError> {
        let mut file = File::open(&self.path).map_err(|e| self.io(e))?;
        self.file_bytes = file.metadata().map_err(|e| self.io(e))?.len();
        let mut magic = [0u8; 2];
        let n = file.read(&mut magic).map_err(|e| self.io(e))?;
        io::Seek::rewind(&mut file).map_err(|e| self.io(e))?;
        self.consumed.store(0, std::sync::atomic::Ordering::Relaxed);
        let counted = Counted { inner: file, count: self.consumed.clone() };
        self.input = Some(if n == 2 && magic == [0x1f, 0x8b] {
            Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::with_capacity(1 << 18, counted)))
        } else {
            Box::new(counted)
        });
        (self.at, self.line, self.complete) = (0, 0, false);
        self.buffer.clear();
        Ok(())
    }

    /// Starts again at the first frame.
    pub fn rewind(&mut self) -> Result<(), CaptureError> {
        if self.keep && self.complete {
            (self.at, self.line) = (0, 0);
            return Ok(());
        }
        self.restart()
    }

    /// How much of the file has been handed out, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        let (done, all) = if self.keep && self.complete {
            (self.at as u64, self.buffer.len() as u64)
        } else {
            (self.consumed.load(std::sync::atomic::Ordering::Relaxed), self.file_bytes)
        };
        if all == 0 { 1.0 } else { done as f64 / all as f64 }
    }

    /// With `salvage`: after how many whole lines the capture is cut off, once its end has been read.
    #[must_use]
    pub fn cut(&self) -> Option<u64> {
        self.cut
    }

    /// Reads more; false at the end of the file.
    fn fill(&mut self) -> Result<bool, CaptureError> {
        let Some(input) = self.input.as_mut() else { return Ok(false) };
        if self.keep && self.buffer.len() > KEEP_BYTES {
            self.keep = false;
        }
        if !self.keep {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        let start = self.buffer.len();
        self.buffer.resize(start + BLOCK, 0);
        let read = input.read(&mut self.buffer[start..]);
        self.buffer.truncate(start + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => {
                (self.input, self.complete) = (None, true);
                Ok(false)
            }
            Ok(_) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(e) if matches!(e.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput) => {
                (self.input, self.complete) = (None, true);
                self.cut = Some(self.line);
                if self.salvage { Ok(false) } else { Err(self.cut_error()) }
            }
            Err(e) => Err(self.io(e)),
        }
    }

    fn cut_error(&self) -> CaptureError {
        // Whole lines that were unpacked but not handed out are whole all the same.
        let rest = self.buffer[self.at..].iter().filter(|b| **b == b'\n').count() as u64;
        CaptureError::Cut { path: self.path.clone(), lines: self.line + rest }
    }

    /// The next frame, until the end.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let end = loop {
            match memchr::memchr(b'\n', &self.buffer[self.at..]) {
                Some(n) => break self.at + n,
                None => {
                    if self.fill()? {
                        continue;
                    }
                    if self.at == self.buffer.len() {
                        return Ok(None);
                    }
                    // A recorder ends each message with a newline: a last line without one is torn.
                    self.cut = Some(self.line);
                    if self.salvage {
                        self.at = self.buffer.len();
                        return Ok(None);
                    }
                    return Err(self.cut_error());
                }
            }
        };
        let line = &self.buffer[self.at..end];
        self.at = end + 1;
        self.line += 1;
        let Some((recv_ns, bytes)) = split(line) else {
            return Err(CaptureError::Line { path: self.path.clone(), line: self.line });
        };
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let source = if bytes.starts_with(b"{\"lastUpdateId\"") { Source::Snapshot } else { Source::Market };
        Ok(Some(Frame { source, connection: 0, tag: Frame::UNTAGGED, recv_ns, bytes }))
    }
}

/// The time at the start of a line, and what follows the space behind it.
#[inline(always)]
fn split(line: &[u8]) -> Option<(i64, &[u8])> {
    // Nanoseconds have had 19 digits since 2001 and will have them until 2286.
    if let (Some(head), Some(b' ')) = (line.first_chunk::<19>(), line.get(19)) {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|n| head[at + n]));
        let [a, b, c, _] = four_numbers([word(0), word(8), word(11), 0], [8, 8, 3, 0])?;
        let value = a.checked_mul(100_000_000_000)?.checked_add(b * 1_000 + c)?;
        return Some((i64::try_from(value).ok()?, &line[20..]));
    }
    let space = line.iter().take(20).position(|b| *b == b' ')?;
    let mut value = 0i64;
    for d in &line[..space] {
        let digit = Some(d.wrapping_sub(b'0')).filter(|d| *d < 10)?;
        value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
    }
    (space > 0).then_some((value, &line[space + 1..]))
}
