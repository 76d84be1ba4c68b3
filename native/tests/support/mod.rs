//! A directory for a Tape, and everything that can be read from there.
#![allow(clippy::unwrap_used)] // part of tests

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use _core::tape::{Head, Kind, Record, TapeError, TapeReader, Torn};

pub const META: &str = r#"{"venue":"binance","note":"é"}"#;

pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new() -> Dir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tape-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Dir(path)
    }
    pub fn tape(&self) -> PathBuf {
        self.0.join("day.tape")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub type Owned = (Head, u64, Vec<u8>);

fn owned(r: &Record<'_>) -> Owned {
    let head = Head { kind: r.kind, lane: r.lane, connection: r.connection, tag: r.tag, time_ns: r.time_ns };
    (head, r.seq, r.payload.to_vec())
}

pub fn head(kind: Kind, time_ns: i64) -> Head {
    Head { kind, lane: 3, connection: 2, tag: 7, time_ns }
}

/// What is torn off the end, and whether the Tape was closed.
pub type End = Result<(Option<Torn>, bool), TapeError>;

/// Everything that can be read, and how it ended.
pub fn read(path: &Path) -> (Vec<Owned>, End) {
    let mut records = Vec::new();
    let mut reader = match TapeReader::open(path) {
        Ok(reader) => reader,
        Err(e) => return (records, Err(e)),
    };
    loop {
        match reader.next() {
            Ok(Some(r)) => records.push(owned(&r)),
            Ok(None) => return (records, Ok((reader.torn().cloned(), reader.ended()))),
            Err(e) => {
                let again = reader.next().map(|r| r.is_none());
                assert_eq!(again.unwrap_err().to_string(), e.to_string(), "an error stays");
                return (records, Err(e));
            }
        }
    }
}
