//! Compression of finished segments, on a thread of its own so that recording does not wait for it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::directory::UNFINISHED;
use super::segment::{Place, SegmentReader};

/// zstd's own default: about 300 MB/s a core, and a tenth of the size for JSON.
const LEVEL: i32 = 3;
const CHUNK_BYTES: usize = 256 << 10;

/// Compresses `plain` to `plain.zst`. The plain file is removed only after the compressed one is on the disk and has
/// been read back from there, every checksum.
fn compress(dir: &File, plain: &Path) -> io::Result<()> {
    let (unfinished, finished) = (plain.with_extension(format!("seg.{UNFINISHED}")), plain.with_extension("seg.zst"));
    let mut input = File::open(plain)?;
    let mut encoder = zstd::Encoder::new(File::create(&unfinished)?, LEVEL)?;
    encoder.include_checksum(true)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => encoder.write_all(&chunk[..n])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    encoder.finish()?.sync_all()?;
    let (was, is) = (extent(plain, false)?, extent(&unfinished, true)?);
    if was != is {
        let name = unfinished.display();
        return Err(io::Error::other(format!("{name}: read back {is:?} (sequence, bytes), and {was:?} was written")));
    }
    fs::rename(&unfinished, &finished)?;
    dir.sync_all()?;
    fs::remove_file(plain)?;
    dir.sync_all()
}

/// Reads a whole segment: the sequence number after its last record, and its bytes.
fn extent(path: &Path, compressed: bool) -> io::Result<(u64, u64)> {
    let mut s = SegmentReader::open(path, compressed, Place::default()).map_err(io::Error::other)?;
    while s.advance().map_err(io::Error::other)? {}
    Ok((s.next_seq, s.whole_bytes()))
}

/// At most one thread that compresses; what went wrong there is said at the next start or at the join.
#[derive(Default)]
pub(super) struct Compressor(Option<JoinHandle<io::Result<()>>>);

impl Compressor {
    /// Compresses `plain` segments, after those of the last start.
    pub(super) fn start(&mut self, dir: &File, plain: Vec<PathBuf>) -> io::Result<()> {
        self.join()?;
        if !plain.is_empty() {
            let dir = dir.try_clone()?;
            let work = move || plain.iter().try_for_each(|p| compress(&dir, p));
            self.0 = Some(std::thread::Builder::new().name("tape-compress".into()).spawn(work)?);
        }
        Ok(())
    }

    pub(super) fn join(&mut self) -> io::Result<()> {
        match self.0.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the thread that compresses segments panicked")),
        }
    }
}
