//! Appending to a Tape.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use super::archive::Compressor;
use super::directory::{UNFINISHED, plain_path, segments};
use super::error::{Flaw, TapeError, Torn};
use super::format::{
    FIRST_SEGMENT, FIRST_SEQ, Head, Kind, MAX_PAYLOAD, RECORD_HEADER, SEGMENT_HEADER, record_header, segment_header,
};
use super::lock::lock;
use super::segment::{Place, SegmentReader};

const BUFFER_BYTES: usize = 256 << 10;

/// How a Tape is laid out in files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TapeOptions {
    /// A segment is finished before it would grow beyond this (it always takes one record), bytes.
    pub segment_bytes: u64,
    /// Compress finished segments.
    pub compress: bool,
}

impl Default for TapeOptions {
    fn default() -> TapeOptions {
        TapeOptions { segment_bytes: 256 << 20, compress: true }
    }
}

/// Appends records. They are on the Tape when [`TapeWriter::flush`] returns, and survive a power cut when
/// [`TapeWriter::sync`] does. After a failed call nothing is lost but what that call says: the writer keeps what it
/// could not write, takes no more than its buffer, and the next call tries again.
///
/// Dropped without [`TapeWriter::close`] it flushes what it can and writes no End record.
pub struct TapeWriter {
    path: PathBuf,
    /// Open for its lock and to sync names.
    dir: File,
    file: File,
    options: TapeOptions,
    meta: String,
    number: u32,
    /// Bytes of the segment, those in the buffer included.
    segment_bytes: u64,
    next_seq: u64,
    /// The segment holds more than its Meta record.
    has_records: bool,
    last_time_ns: i64,
    buf: Vec<u8>,
    compressor: Compressor,
}

impl TapeWriter {
    /// Makes the directory `path`, whose name must end in `.tape` and which must not exist, and writes the header
    /// `meta_json`, a JSON value, into its first segment.
    ///
    /// # Errors
    /// [`TapeError`] if the name or the JSON is wrong, something is there already, or the disk says no.
    pub fn create(path: impl AsRef<Path>, meta_json: &str, options: TapeOptions) -> Result<TapeWriter, TapeError> {
        let path = path.as_ref();
        if path.extension().is_none_or(|e| e != "tape") {
            return Err(TapeError::corrupt(path, 0, Flaw::Name));
        }
        let bad = |why: String| TapeError::io(path)(io::Error::new(io::ErrorKind::InvalidInput, why));
        if let Err(e) = serde_json::from_str::<IgnoredAny>(meta_json) {
            return Err(bad(format!("meta must be JSON: {e}")));
        }
        if meta_json.len() > MAX_PAYLOAD {
            return Err(bad(format!("meta has {} bytes, and at most {MAX_PAYLOAD} fit", meta_json.len())));
        }
        Self::create_files(path, meta_json, options).map_err(TapeError::io(path))
    }

    fn create_files(path: &Path, meta: &str, options: TapeOptions) -> io::Result<TapeWriter> {
        fs::create_dir(path)?;
        let dir = lock(path)?;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
        let file = new_segment(path, &dir, FIRST_SEGMENT)?;
        let mut w = Self::on(path, dir, file, FIRST_SEGMENT, FIRST_SEQ, meta.to_owned(), options);
        w.open_segment();
        w.flush()?;
        Ok(w)
    }

    fn on(
        path: &Path,
        dir: File,
        file: File,
        number: u32,
        next_seq: u64,
        meta: String,
        options: TapeOptions,
    ) -> TapeWriter {
        TapeWriter {
            path: path.to_owned(),
            dir,
            file,
            options,
            meta,
            number,
            segment_bytes: 0,
            next_seq,
            has_records: false,
            last_time_ns: 0,
            buf: Vec::with_capacity(BUFFER_BYTES),
            compressor: Compressor::default(),
        }
    }

    /// Opens the Tape `path` to continue it. A torn tail is cut off, on the disk, and reported. Reads the last segment
    /// whole; those before it are not looked at.
    ///
    /// # Errors
    /// [`TapeError`] if the last segment has a changed byte (nothing is cut then), another writer has the Tape, or the
    /// disk says no.
    pub fn open_append(path: impl AsRef<Path>, options: TapeOptions) -> Result<(TapeWriter, Option<Torn>), TapeError> {
        let path = path.as_ref();
        let dir = lock(path).map_err(TapeError::io(path))?;
        let mut files = segments(path)?;
        // `segments` gives at least one.
        let Some(last) = files.pop() else { return Err(TapeError::corrupt(path, 0, Flaw::NoSegments)) };
        let mut end = scan(&last.path, last.compressed, !last.compressed, None)?;
        let torn = end.torn_tail().cloned().map(|t| Torn { segment: last.number, ..t });
        let restart = end.meta.is_none();
        if restart {
            // The machine stopped before the segment had its Meta record: what continues is the segment before.
            let Some(before) = files.last() else { return Err(TapeError::corrupt(&last.path, 0, Flaw::Empty)) };
            end = scan(&before.path, before.compressed, false, Some(before.number))?;
        } else if end.number != last.number {
            let flaw = Flaw::SegmentNumber { expected: last.number, found: end.number };
            return Err(TapeError::corrupt(&last.path, 0, flaw));
        }
        let open = || {
            if last.compressed {
                return new_segment(path, &dir, last.number + 1);
            }
            let mut file = OpenOptions::new().write(true).open(&last.path)?;
            file.set_len(if restart { 0 } else { end.whole_bytes() })?;
            file.sync_all()?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().map_err(TapeError::io(&last.path))?;
        let meta = end.meta.clone().unwrap_or_default();
        let number = last.number + u32::from(last.compressed);
        let mut w = Self::on(path, dir, file, number, end.next_seq, meta, options);
        w.last_time_ns = end.last_head().time_ns;
        if restart || last.compressed {
            w.open_segment();
            w.flush().map_err(TapeError::io(path))?;
        } else {
            w.segment_bytes = end.whole_bytes();
            w.has_records = end.last_head().kind != Kind::Meta;
        }
        let plain = files.into_iter().filter(|f| !f.compressed).map(|f| f.path).collect();
        w.tidy(plain).map_err(TapeError::io(path))?;
        Ok((w, torn))
    }

    /// Ends what a writer that died left half done.
    fn tidy(&mut self, plain: Vec<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(&format!(".seg.{UNFINISHED}")) {
                fs::remove_file(path)?;
            }
        }
        if self.options.compress { self.compressor.start(&self.dir, plain) } else { Ok(()) }
    }

    /// Appends a record and gives its sequence number. One copy into the buffer; allocates only for a record that is
    /// longer than the buffer.
    ///
    /// # Errors
    /// `InvalidInput` for a payload above [`MAX_PAYLOAD`] and for Meta and End records, which the writer makes itself;
    /// else what the disk said. The record is then not on the Tape, and no sequence number is used up.
    pub fn append(&mut self, head: &Head, payload: &[u8]) -> io::Result<u64> {
        let bad = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if payload.len() > MAX_PAYLOAD {
            return bad(format!("a record holds at most {MAX_PAYLOAD} bytes, and this has {}", payload.len()));
        }
        if matches!(head.kind, Kind::Meta | Kind::End) {
            return bad(format!("{} records are written by create and close", head.kind.name()));
        }
        self.put(head, payload)
    }

    fn put(&mut self, head: &Head, payload: &[u8]) -> io::Result<u64> {
        let bytes = RECORD_HEADER + payload.len();
        if self.has_records && self.segment_bytes + bytes as u64 > self.options.segment_bytes {
            self.rotate()?;
        }
        if self.buf.len() + bytes > BUFFER_BYTES {
            self.flush()?;
        }
        self.has_records = true;
        Ok(self.buffer(head, payload))
    }

    fn buffer(&mut self, head: &Head, payload: &[u8]) -> u64 {
        let seq = self.next_seq;
        self.buf.extend_from_slice(&record_header(head, seq, payload));
        self.buf.extend_from_slice(payload);
        self.segment_bytes += (RECORD_HEADER + payload.len()) as u64;
        self.next_seq += 1;
        self.last_time_ns = head.time_ns;
        seq
    }

    /// Header and Meta record of a segment of which nothing is written.
    fn open_segment(&mut self) {
        self.buf.extend_from_slice(&segment_header(self.number, self.next_seq));
        self.segment_bytes = SEGMENT_HEADER as u64;
        self.has_records = false;
        let meta = std::mem::take(&mut self.meta);
        self.buffer(&self.own(Kind::Meta), meta.as_bytes());
        self.meta = meta;
    }

    /// Head of a record that the writer makes: it reads no clock, so the time is the last record's.
    fn own(&self, kind: Kind) -> Head {
        Head { kind, lane: 0, connection: 0, tag: u16::MAX, time_ns: self.last_time_ns }
    }

    /// Finishes the segment and opens the next. After an error the next append tries again.
    #[cold]
    fn rotate(&mut self) -> io::Result<()> {
        self.sync()?;
        self.compressor.join()?;
        let file = new_segment(&self.path, &self.dir, self.number + 1)?;
        let finished = plain_path(&self.path, self.number);
        self.file = file;
        self.number += 1;
        self.open_segment();
        if self.options.compress {
            self.compressor.start(&self.dir, vec![finished])?;
        }
        Ok(())
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// What the disk said; the part that was not written stays in the buffer.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        let mut result = Ok(());
        while written < self.buf.len() && result.is_ok() {
            match self.file.write(&self.buf[written..]) {
                Ok(0) => result = Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => written += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => result = Err(e),
            }
        }
        self.buf.drain(..written);
        self.buf.shrink_to(BUFFER_BYTES);
        result
    }

    /// Flushes, and returns when the disk has it.
    ///
    /// # Errors
    /// What the disk said.
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_data()
    }

    /// Writes the End record, syncs, and waits for segments that are being compressed.
    ///
    /// # Errors
    /// What the disk said, or why a segment could not be compressed (it is then still there as it was).
    pub fn close(mut self) -> io::Result<()> {
        self.put(&self.own(Kind::End), &[])?;
        self.sync()?;
        self.compressor.join()
    }

    /// The session's header, JSON.
    #[must_use]
    pub fn meta(&self) -> &str {
        &self.meta
    }
}

impl Drop for TapeWriter {
    fn drop(&mut self) {
        // Whoever wants to know calls flush or close. The lock must outlive the thread that compresses.
        let _ = self.flush();
        let _ = self.compressor.join();
    }
}

fn new_segment(path: &Path, dir: &File, number: u32) -> io::Result<File> {
    let name = plain_path(path, number);
    let file = OpenOptions::new().write(true).create_new(true).open(&name)?;
    if let Err(e) = dir.sync_all() {
        fs::remove_file(&name)?; // so that the next try finds its place free
        return Err(e);
    }
    Ok(file)
}

/// Reads a segment to its end.
fn scan(path: &Path, compressed: bool, last: bool, number: Option<u32>) -> Result<SegmentReader, TapeError> {
    let mut s = SegmentReader::open(path, compressed, Place { expected: None, last })?;
    while s.advance()? {}
    match number {
        Some(expected) if s.number != expected => {
            Err(TapeError::corrupt(path, 0, Flaw::SegmentNumber { expected, found: s.number }))
        }
        _ => Ok(s),
    }
}
