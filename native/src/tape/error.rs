//! What can be wrong with a Tape, said with the file, the byte and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::format::{MAX_PAYLOAD, VERSION};

/// An incomplete record at the end of the last segment: the writer (or the machine) stopped in the middle of it.
/// Everything before it is whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Torn {
    pub segment: u32,
    /// Where the incomplete record begins, bytes from the start of the (uncompressed) segment.
    pub offset: u64,
    /// How many bytes follow from there.
    pub bytes: u64,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Torn { segment, offset, bytes } = self;
        write!(f, "segment {segment:06}: torn tail of {bytes} bytes at byte {offset}; every record before it is whole")
    }
}

/// Why the bytes at a place are not a Tape's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Flaw {
    NotATape,
    NoSegments,
    /// Not a directory `NAME.tape`.
    Name,
    Version(u16),
    SegmentHeader,
    SegmentFlags(u16),
    SegmentNumber {
        expected: u32,
        found: u32,
    },
    MissingSegment(u32),
    /// The only segment ends before its first record is whole.
    Empty,
    Meta,
    MetaMisplaced,
    MetaDiffers,
    RecordHeader,
    Payload,
    Length(u32),
    Kind(u8),
    RecordFlags(u8),
    Sequence {
        expected: u64,
        found: u64,
    },
    /// An incomplete record, and segments after it.
    TornInside,
    Compressed(String),
}

/// Said where the bytes are not those that were written.
const RESTORE: &str = "restore this segment from a copy; what is before this byte is whole and can be read";

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::NotATape => {
                write!(f, "not a Tape segment (wrong magic bytes); give a NAME.tape directory or its .seg files")
            }
            Flaw::NoSegments => {
                write!(f, "no segments here; give a NAME.tape directory, which holds 000001.seg or 000001.seg.zst")
            }
            Flaw::Name => write!(f, "a Tape is a directory whose name ends in .tape; give it such a name"),
            Flaw::Version(v) => {
                write!(
                    f,
                    "format version {v}, and this build reads version {VERSION}; use the build that wrote it, or a newer one"
                )
            }
            Flaw::SegmentHeader => write!(f, "the segment header's checksum is wrong: a byte was changed; {RESTORE}"),
            Flaw::SegmentFlags(v) => write!(f, "segment flags {v:#06x} are not known to this build; use a newer one"),
            Flaw::SegmentNumber { expected, found } => {
                write!(f, "this is segment {found:06}, named {expected:06}; give the file its own name back")
            }
            Flaw::MissingSegment(n) => {
                write!(f, "segment {n:06} is missing; put it back, or read the segments one by one, each as a file")
            }
            Flaw::Empty => write!(f, "ends before its first record is whole: nothing is recorded here; delete it"),
            Flaw::Meta => write!(f, "the Meta record is not UTF-8; {RESTORE}"),
            Flaw::MetaMisplaced => {
                write!(f, "a segment opens with exactly one Meta record, and this one does not; {RESTORE}")
            }
            Flaw::MetaDiffers => {
                write!(
                    f,
                    "Meta is not that of the first segment: this segment is from another Tape; put the right one here"
                )
            }
            Flaw::RecordHeader => write!(f, "the record header's checksum is wrong: a byte was changed; {RESTORE}"),
            Flaw::Payload => write!(f, "the record's checksum is wrong: a byte was changed; {RESTORE}"),
            Flaw::Length(n) => write!(f, "a record of {n} bytes, and the longest is {MAX_PAYLOAD}; {RESTORE}"),
            Flaw::Kind(k) => write!(f, "record kind {k} is not known to this build; use a newer one"),
            Flaw::RecordFlags(v) => write!(f, "record flags {v:#04x} are not known to this build; use a newer one"),
            Flaw::Sequence { expected, found } => {
                write!(f, "sequence number {found} where {expected} follows: records are missing or doubled; {RESTORE}")
            }
            Flaw::TornInside => write!(f, "an incomplete record in the middle of the Tape; {RESTORE}"),
            Flaw::Compressed(why) => write!(f, "the compressed segment is damaged ({why}); {RESTORE}"),
        }
    }
}

/// A Tape that cannot be read on.
#[derive(Debug)]
pub enum TapeError {
    /// The file system said no.
    Io { path: PathBuf, source: io::Error },
    /// The bytes are wrong; `offset` counts from the start of the (uncompressed) segment.
    Corrupt { path: PathBuf, offset: u64, flaw: Flaw },
}

impl TapeError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> TapeError {
        let path = path.to_owned();
        move |source| TapeError::Io { path, source }
    }
    pub(super) fn corrupt(path: &Path, offset: u64, flaw: Flaw) -> TapeError {
        TapeError::Corrupt { path: path.to_owned(), offset, flaw }
    }
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TapeError::Io { path, source } => write!(f, "{}: {source}", path.display()),
            TapeError::Corrupt { path, offset, flaw } => write!(f, "{}, byte {offset}: {flaw}", path.display()),
        }
    }
}

impl std::error::Error for TapeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TapeError::Io { source, .. } => Some(source),
            TapeError::Corrupt { .. } => None,
        }
    }
}
