//! The status page: a memory-mapped file that a lane's thread writes and any process of the machine reads without
//! disturbing it.
//!
//! Header of 64 bytes, little-endian: magic, version (u32), pid (u32), start (i64, ns since 1970), heartbeat (i64, ns
//! since 1970 by the system's clock, whatever clock the lane runs on), number of the newest text (u64), room of one text
//! in bytes (u64), running (u64: 0 or 1). Then two texts, each a sequence number (odd while it is written), a length and
//! the bytes: JSON. Text n stands in place n mod 2, so a reader is disturbed only if two texts were written while it
//! read one; then it reads again.
#![allow(unsafe_code)] // a shared mapping has no safe face: another process reads while this one writes

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering, fence};

use memmap2::{Mmap, MmapMut, MmapOptions};

/// "SRCHPAGE" in the file's first eight bytes.
const MAGIC: u64 = u64::from_le_bytes(*b"SRCHPAGE");
const VERSION: u32 = 1;
/// Reading is given up after so many disturbed tries.
const TRIES: usize = 100;

#[repr(C)]
struct Header {
    magic: AtomicU64,
    version: AtomicU32,
    pid: AtomicU32,
    started_ns: AtomicI64,
    heartbeat_ns: AtomicI64,
    newest: AtomicU64,
    room: AtomicU64,
    running: AtomicU64,
    _pad: AtomicU64,
}

const HEADER: usize = size_of::<Header>();
/// Sequence number and length of a text.
const TEXT_HEADER: usize = 16;

/// Bytes of the file with room for texts of `room` bytes, a multiple of 8.
fn size(room: usize) -> usize {
    HEADER + 2 * (TEXT_HEADER + room)
}

/// The words of a mapping.
///
/// # Safety
/// `base` must be aligned to 8 bytes and valid for `len` bytes as long as the answer lives.
unsafe fn words<'a>(base: *const u8, len: usize) -> &'a [AtomicU64] {
    // SAFETY: the caller vouches for the range; an atomic word takes every bit pattern and every concurrent change.
    unsafe { std::slice::from_raw_parts(base.cast::<AtomicU64>(), len / 8) }
}

/// The writer's end; the page's file is replaced by a new one, so that readers of the old see no mixture.
#[derive(Debug)]
pub struct Page {
    map: MmapMut,
    room: usize,
    newest: u64,
}

impl Page {
    /// Makes the page at `path` with room for texts of at least `room` bytes.
    ///
    /// # Errors
    /// What the system said.
    pub fn create(path: &Path, room: usize, started_ns: i64) -> std::io::Result<Page> {
        let room = room.next_multiple_of(8);
        let new = path.with_extension(format!("{}.new", std::process::id()));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&new)?;
        file.set_len(size(room) as u64)?;
        // SAFETY: the file is ours until it has its name; afterwards it is written by this handle through atomics only.
        let map = unsafe { MmapOptions::new().len(size(room)).map_mut(&file)? };
        let page = Page { map, room, newest: 0 };
        let header = page.header();
        header.version.store(VERSION, Ordering::Relaxed);
        header.pid.store(std::process::id(), Ordering::Relaxed);
        header.started_ns.store(started_ns, Ordering::Relaxed);
        header.room.store(room as u64, Ordering::Relaxed);
        header.running.store(1, Ordering::Relaxed);
        header.magic.store(MAGIC, Ordering::Release);
        std::fs::rename(&new, path)?;
        Ok(page)
    }

    fn header(&self) -> &Header {
        // SAFETY: the mapping is longer than a header, page-aligned, lives as long as `self`, and a header is atomics.
        unsafe { &*self.map.as_ptr().cast::<Header>() }
    }

    /// Bytes that a text may have.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room
    }

    /// The thread is alive at `now_ns`, system's time.
    pub fn beat(&self, now_ns: i64) {
        self.header().heartbeat_ns.store(now_ns, Ordering::Release);
    }

    /// The thread will write no more.
    pub fn end(&self) {
        self.header().running.store(0, Ordering::Release);
    }

    /// Puts a new text in place; one that is too long is refused and the old one stands.
    #[must_use]
    pub fn write(&mut self, text: &[u8]) -> bool {
        if text.len() > self.room {
            return false;
        }
        self.newest += 1;
        let at = HEADER + (self.newest as usize & 1) * (TEXT_HEADER + self.room);
        // SAFETY: the range is within the mapping, which starts on a page; HEADER, TEXT_HEADER and room are multiples
        // of 8.
        let text_words = unsafe { words(self.map.as_ptr().add(at), TEXT_HEADER + self.room) };
        let [sequence, length, bytes @ ..] = text_words else { return false };
        let before = sequence.load(Ordering::Relaxed);
        sequence.store(before | 1, Ordering::Relaxed);
        fence(Ordering::Release);
        length.store(text.len() as u64, Ordering::Relaxed);
        for (word, chunk) in bytes.iter().zip(text.chunks(8)) {
            let mut eight = [0; 8];
            eight[..chunk.len()].copy_from_slice(chunk);
            word.store(u64::from_le_bytes(eight), Ordering::Relaxed);
        }
        sequence.store((before | 1) + 1, Ordering::Release);
        self.header().newest.store(self.newest, Ordering::Release);
        true
    }
}

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub pid: u32,
    pub started_ns: i64,
    /// 0: not yet.
    pub heartbeat_ns: i64,
    pub running: bool,
    /// Number of the text; 0: none yet, and it is empty.
    pub number: u64,
    /// JSON.
    pub text: String,
}

/// Reads the page at `path`; the writer does not notice.
///
/// # Errors
/// One line: there is no page, or it is none of this version.
pub fn read(path: &Path) -> Result<Reading, String> {
    let said = |what: &str| format!("status page {}: {what}", path.display());
    let file = File::open(path).map_err(|e| said(&e.to_string()))?;
    // SAFETY: the mapping is read through atomics only; the file is never cut, only replaced.
    let map = unsafe { Mmap::map(&file) }.map_err(|e| said(&e.to_string()))?;
    if map.len() < HEADER {
        return Err(said("too short; it is not a status page"));
    }
    // SAFETY: as in `Page::header`.
    let header = unsafe { &*map.as_ptr().cast::<Header>() };
    if header.magic.load(Ordering::Acquire) != MAGIC {
        return Err(said("it is not a status page"));
    }
    let version = header.version.load(Ordering::Relaxed);
    if version != VERSION {
        return Err(said(&format!("it is of version {version}, this build reads {VERSION}")));
    }
    let room = header.room.load(Ordering::Relaxed) as usize;
    if !room.is_multiple_of(8) || room > map.len() || map.len() != size(room) {
        return Err(said("its length is not what its header says"));
    }
    for _ in 0..TRIES {
        let number = header.newest.load(Ordering::Acquire);
        let text = match number {
            0 => Some(String::new()),
            _ => {
                let at = HEADER + (number as usize & 1) * (TEXT_HEADER + room);
                // SAFETY: as in `Page::write`.
                let text_words = unsafe { words(map.as_ptr().add(at), TEXT_HEADER + room) };
                take(text_words, room)
            }
        };
        if let Some(text) = text {
            return Ok(Reading {
                pid: header.pid.load(Ordering::Relaxed),
                started_ns: header.started_ns.load(Ordering::Relaxed),
                heartbeat_ns: header.heartbeat_ns.load(Ordering::Acquire),
                running: header.running.load(Ordering::Acquire) != 0,
                number,
                text,
            });
        }
        std::hint::spin_loop();
    }
    Err(said("it was written again and again while it was read; try again"))
}

/// A copy of a text, unless it was changed meanwhile.
fn take(text_words: &[AtomicU64], room: usize) -> Option<String> {
    let [sequence, length, words @ ..] = text_words else { return None };
    let before = sequence.load(Ordering::Acquire);
    let length = length.load(Ordering::Relaxed) as usize;
    if before & 1 == 1 || length > room {
        return None;
    }
    let mut bytes: Vec<u8> =
        words[..length.div_ceil(8)].iter().flat_map(|w| w.load(Ordering::Relaxed).to_le_bytes()).collect();
    bytes.truncate(length);
    fence(Ordering::Acquire);
    if sequence.load(Ordering::Relaxed) != before {
        return None;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("page-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir.join("status")
    }

    #[test]
    fn the_newest_text_is_read() {
        let path = scratch("newest");
        let mut page = Page::create(&path, 20, 7).unwrap();
        assert_eq!(page.room(), 24);
        assert_eq!(read(&path).map(|r| (r.number, r.text)), Ok((0, String::new())));
        for text in ["{}", "{\"a\": 1}", "{\"b\": 22222}"] {
            assert!(page.write(text.as_bytes()));
            assert_eq!(read(&path).unwrap().text, text);
        }
        assert!(!page.write(&[b' '; 25]), "too long");
        page.beat(99);
        page.end();
        let reading = read(&path).unwrap();
        assert_eq!((reading.number, reading.running, reading.heartbeat_ns, reading.started_ns), (3, false, 99, 7));
        assert_eq!(reading.pid, std::process::id());
    }

    #[test]
    fn a_file_that_is_no_page_is_an_error() {
        let path = scratch("none");
        assert!(read(&path).unwrap_err().contains("status page"));
        std::fs::write(&path, [0; 64]).unwrap();
        assert!(read(&path).unwrap_err().contains("not a status page"));
        let page = Page::create(&path, 16, 0).unwrap();
        page.header().version.store(9, Ordering::Relaxed);
        assert!(read(&path).unwrap_err().contains("version 9"));
    }

    #[test]
    fn a_reader_never_sees_half_a_text() {
        let path = scratch("half");
        let mut page = Page::create(&path, 4096, 0).unwrap();
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = stop.clone();
        let writer = std::thread::spawn(move || {
            let mut n = 0u64;
            while !seen.load(Ordering::Relaxed) {
                let text = vec![b'a' + (n % 26) as u8; 64 + (n % 4000) as usize];
                assert!(page.write(&text));
                n += 1;
            }
        });
        let mut whole = 0;
        for _ in 0..2000 {
            if let Ok(r) = read(&path) {
                let bytes = r.text.as_bytes();
                assert!(bytes.iter().all(|b| *b == bytes[0]), "a mixture of two texts");
                whole += 1;
            }
        }
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        assert!(whole > 0);
    }
}
