//! A Tape from its first record to its last.

use std::path::Path;

use super::directory::{SegmentFile, segments, single};
use super::error::{Flaw, TapeError, Torn};
use super::format::{Kind, Record};
use super::segment::{Place, SegmentReader};

/// Reads a Tape, or one segment of it, record by record. Memory stays at a fixed window (or the longest record).
pub struct TapeReader {
    files: Vec<SegmentFile>,
    /// Which of `files` is open.
    at: usize,
    segment: SegmentReader,
    meta: String,
    last_kind: Kind,
    /// Bytes of the files before `at`.
    done: u64,
}

impl TapeReader {
    /// Opens a `NAME.tape` directory, or a single `.seg` or `.seg.zst` file, and reads the first Meta record.
    ///
    /// # Errors
    /// [`TapeError`] if there is nothing there, a segment is missing, or the first one is not a Tape's.
    pub fn open(path: impl AsRef<Path>) -> Result<TapeReader, TapeError> {
        let path = path.as_ref();
        let in_directory = path.is_dir();
        let files = if in_directory { segments(path)? } else { vec![single(path)?] };
        let place = Place {
            expected: in_directory.then_some((files[0].number, super::format::FIRST_SEQ)),
            last: files.len() == 1,
        };
        let segment = SegmentReader::open(&files[0].path, files[0].compressed, place)?;
        let Some(meta) = segment.meta.clone() else {
            return Err(TapeError::corrupt(&files[0].path, 0, Flaw::Empty));
        };
        Ok(TapeReader { files, at: 0, segment, meta, last_kind: Kind::Meta, done: 0 })
    }

    /// The session's header, JSON as it was written.
    #[must_use]
    pub fn meta(&self) -> &str {
        &self.meta
    }

    /// The next record, all kinds, in sequence; `None` at the end.
    ///
    /// # Errors
    /// [`TapeError`] at the first byte that is not what was written. It stays: reading on gives it again.
    #[allow(clippy::should_implement_trait)] // an iterator's items may not borrow from it
    pub fn next(&mut self) -> Result<Option<Record<'_>>, TapeError> {
        while !self.segment.advance()? {
            if self.at + 1 == self.files.len() {
                return Ok(None);
            }
            self.open_next()?;
        }
        let record = self.segment.record();
        self.last_kind = record.kind;
        Ok(Some(record))
    }

    #[cold]
    fn open_next(&mut self) -> Result<(), TapeError> {
        self.files[self.at + 1].find();
        let file = &self.files[self.at + 1];
        let place =
            Place { expected: Some((file.number, self.segment.next_seq)), last: self.at + 2 == self.files.len() };
        let segment = SegmentReader::open(&file.path, file.compressed, place)?;
        if segment.meta.as_ref().is_some_and(|meta| *meta != self.meta) {
            return Err(TapeError::corrupt(&file.path, super::format::SEGMENT_HEADER as u64, Flaw::MetaDiffers));
        }
        self.done += self.files[self.at].bytes;
        self.at += 1;
        self.segment = segment;
        Ok(())
    }

    /// After the end: the incomplete record that the Tape ends with, if it does.
    #[must_use]
    pub fn torn(&self) -> Option<&Torn> {
        self.segment.torn_tail()
    }

    /// After the end: whether the writer closed the Tape. If not, it was cut, or it is still being written.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.last_kind == Kind::End
    }

    /// Bytes read off the disk and bytes there are.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let total = self.files.iter().map(|f| f.bytes).sum::<u64>();
        (total.min(self.done + self.segment.bytes_read()), total)
    }
}
