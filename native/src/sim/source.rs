//! Where a replay's frames come from: a raw capture or a Tape, read twice where it must be looked over first.

use std::path::{Path, PathBuf};

use crate::capture::{Capture, CaptureError};
use crate::event::{Frame, ORDERS, Source, USER_DATA};
use crate::tape::{TapeError, TapeReader};

/// A recording. Only what came from outside is read of a Tape: market data, snapshots and faults; the rest is what a
/// replay decides anew.
pub enum Recording {
    Capture(Box<Capture>),
    Tape { path: PathBuf, reader: Box<TapeReader> },
}

/// What comes next in a recording.
pub enum Next<'a> {
    Frame(Frame<'a>),
    /// A record that a replay makes anew.
    Skip,
    End,
}

#[derive(Debug)]
pub enum RecordingError {
    Capture(CaptureError),
    Tape(TapeError),
}

impl std::fmt::Display for RecordingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RecordingError::Capture(e) => e.fmt(f),
            RecordingError::Tape(e) => e.fmt(f),
        }
    }
}
impl std::error::Error for RecordingError {}

impl From<CaptureError> for RecordingError {
    fn from(e: CaptureError) -> RecordingError {
        RecordingError::Capture(e)
    }
}
impl From<TapeError> for RecordingError {
    fn from(e: TapeError) -> RecordingError {
        RecordingError::Tape(e)
    }
}

impl Recording {
    /// A directory or a segment file is a Tape, anything else a raw capture.
    pub fn open(path: &Path, salvage: bool) -> Result<Recording, RecordingError> {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() || name.ends_with(".seg") || name.ends_with(".seg.zst") {
            let reader = Box::new(TapeReader::open(path)?);
            return Ok(Recording::Tape { path: path.to_path_buf(), reader });
        }
        Ok(Recording::Capture(Box::new(Capture::open(path, salvage)?)))
    }

    /// The Tape's own header, JSON.
    #[must_use]
    pub fn meta(&self) -> Option<&str> {
        match self {
            Recording::Capture(_) => None,
            Recording::Tape { reader, .. } => Some(reader.meta()),
        }
    }

    pub fn rewind(&mut self) -> Result<(), RecordingError> {
        match self {
            Recording::Capture(c) => c.rewind()?,
            Recording::Tape { path, reader } => **reader = TapeReader::open(&*path)?,
        }
        Ok(())
    }

    /// The next record.
    #[inline(always)]
    pub fn read(&mut self) -> Result<Next<'_>, RecordingError> {
        match self {
            Recording::Capture(c) => Ok(c.next_frame()?.map_or(Next::End, Next::Frame)),
            Recording::Tape { reader, .. } => Ok(match reader.next()? {
                None => Next::End,
                Some(record) => match record.frame() {
                    // What befell a live session's account befalls no other.
                    Some(f) if f.source == Source::Fault && matches!(f.connection, ORDERS | USER_DATA) => Next::Skip,
                    Some(f) if matches!(f.source, Source::Market | Source::Snapshot | Source::Fault) => Next::Frame(f),
                    _ => Next::Skip,
                },
            }),
        }
    }

    /// How much has been read, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        match self {
            Recording::Capture(c) => c.progress(),
            Recording::Tape { reader, .. } => {
                let (done, all) = reader.progress();
                if all == 0 { 1.0 } else { done as f64 / all as f64 }
            }
        }
    }

    /// What is to be said of its end: a torn tail, or a cut that was salvaged.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        match self {
            Recording::Capture(c) => c.cut().map(|n| format!("the capture is cut off after {n} whole lines")),
            Recording::Tape { reader, .. } => reader.torn().map(ToString::to_string),
        }
    }
}
