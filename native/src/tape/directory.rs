//! The names in a Tape's directory.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Flaw, TapeError};
use super::format::FIRST_SEGMENT;

/// What a compressed segment is called until it has been read back.
pub(super) const UNFINISHED: &str = "zst.tmp";

/// One segment's file.
#[derive(Clone, Debug)]
pub(super) struct SegmentFile {
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) compressed: bool,
    /// Size on disk, bytes.
    pub(super) bytes: u64,
}

pub(super) fn plain_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:06}.seg"))
}

/// Number, and whether it is compressed, of a file that is named as a segment is.
fn parse_name(name: &str) -> Option<(u32, bool)> {
    let (stem, compressed) = match name.strip_suffix(".seg.zst") {
        Some(stem) => (stem, true),
        None => (name.strip_suffix(".seg")?, false),
    };
    let number = stem.parse().ok()?;
    (stem == format!("{number:06}")).then_some((number, compressed))
}

/// A segment that is read alone. Its name only says whether it is compressed.
pub(super) fn single(path: &Path) -> Result<SegmentFile, TapeError> {
    let bytes = fs::metadata(path).map_err(TapeError::io(path))?.len();
    let compressed = path.extension().is_some_and(|e| e == "zst");
    Ok(SegmentFile { number: FIRST_SEGMENT, path: path.to_owned(), compressed, bytes })
}

impl SegmentFile {
    /// Where the segment is now: its writer may have compressed it since the directory was read.
    pub(super) fn find(&mut self) {
        let finished = self.path.with_extension("seg.zst");
        if !self.compressed && !self.path.exists() && finished.exists() {
            self.path = finished;
            self.compressed = true;
            self.bytes = fs::metadata(&self.path).map_or(self.bytes, |m| m.len());
        }
    }
}

/// The segments of `dir` in order, from the first, none missing. Where one is there twice, because a writer died
/// before it could remove the plain one, the plain one is taken.
pub(super) fn segments(dir: &Path) -> Result<Vec<SegmentFile>, TapeError> {
    let mut found: Vec<SegmentFile> = Vec::new();
    for entry in fs::read_dir(dir).map_err(TapeError::io(dir))? {
        let entry = entry.map_err(TapeError::io(dir))?;
        let Some((number, compressed)) = entry.file_name().to_str().and_then(parse_name) else { continue };
        let path = entry.path();
        let bytes = entry.metadata().map_err(TapeError::io(&path))?.len();
        found.push(SegmentFile { number, path, compressed, bytes });
    }
    found.sort_by_key(|s| (s.number, s.compressed));
    found.dedup_by_key(|s| s.number);
    if found.is_empty() {
        return Err(TapeError::corrupt(dir, 0, Flaw::NoSegments));
    }
    for (expected, s) in (FIRST_SEGMENT..).zip(&found) {
        if s.number != expected {
            return Err(TapeError::corrupt(dir, 0, Flaw::MissingSegment(expected)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::parse_name;

    #[test]
    fn only_segment_names_are_segments() {
        assert_eq!(parse_name("000007.seg"), Some((7, false)));
        assert_eq!(parse_name("1000000.seg.zst"), Some((1_000_000, true)));
        for name in ["7.seg", "000007.seg.zst.tmp", "+00007.seg", "0000007.seg", "notes.txt", "99999999999.seg"] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }
}
