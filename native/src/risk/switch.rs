//! The switch: a memory-mapped file that every process of the node can trip and none can un-trip; only a person with
//! a reason resets it. Three states, latched downward: active → reducing → halted. It survives restarts.
//!
//! A file that is short, of another version, or damaged reads as halted, and [`Switch::reason`] says so. The file
//! must not be deleted or cut while processes run: see [`Switch::verify`]. (A process that reads a mapping whose file
//! was cut away is killed by the system, which sends nothing either.)
#![allow(unsafe_code)] // a shared mapping has no safe face: other processes write to it at any time

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use memmap2::{MmapMut, MmapOptions};

use super::log;
pub use super::state::{Cause, Reason, SwitchState};

/// "SRCHSWCH" in the file's first eight bytes.
const MAGIC: u64 = u64::from_le_bytes(*b"SRCHSWCH");
const VERSION: u32 = 1;
const TEXT_WORDS: usize = 32;
/// Longest reason kept in the file, bytes; the log keeps all of it.
pub const MAX_TEXT: usize = TEXT_WORDS * 8;

/// The file, little-endian hosts only. Everything in it is atomic, because other processes write to it.
#[repr(C)]
struct Page {
    magic: AtomicU64,
    version: AtomicU32,
    state: AtomicU32,
    /// 2 while the reason below is whole, else 0.
    written: AtomicU32,
    cause: AtomicU32,
    pid: AtomicU32,
    len: AtomicU32,
    at_ns: AtomicI64,
    /// CRC-32C of the reason.
    check: AtomicU32,
    /// Not 0: a person asks for positions of zero ([`Cause::Flatten`]), whatever tripped first.
    flatten: AtomicU32,
    text: [AtomicU64; TEXT_WORDS],
}

const SIZE: usize = size_of::<Page>();
const WHOLE: u32 = 2;

/// A handle on the switch; any number of threads may share it.
#[derive(Debug)]
pub struct Switch {
    map: MmapMut,
    /// Absent for [`Switch::anonymous`].
    path: Option<PathBuf>,
    /// Device and inode of the mapped file.
    file: (u64, u64),
    /// Why the file could not be read as a switch; `map` is then private and halted.
    broken: Option<String>,
    log_error: Mutex<Option<String>>,
}

impl Switch {
    /// Opens the switch at `path`. Where there is no file it is created: active, unless the log beside it ends in
    /// another state (then someone removed a tripped switch, and it starts halted). A file that is no switch reads as
    /// halted.
    ///
    /// # Errors
    /// The file cannot be created, opened for writing, or mapped.
    pub fn open(path: &Path) -> Result<Switch, String> {
        let said = |what: &str, e: std::io::Error| format!("switch {}: {what}: {e}", path.display());
        if !path.exists() {
            create(path).map_err(|e| said("cannot be created", e))?;
        }
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|e| said("cannot be opened", e))?;
        let meta = file.metadata().map_err(|e| said("cannot be read", e))?;
        let id = (meta.dev(), meta.ino());
        if meta.len() != SIZE as u64 {
            let text = format!("{} is {} bytes long, a switch has {SIZE}", path.display(), meta.len());
            return Ok(Switch::broken(path, id, text));
        }
        // SAFETY: the mapping is shared with other processes; it is read and written through atomics only.
        let map = unsafe { MmapOptions::new().len(SIZE).map_mut(&file) }.map_err(|e| said("cannot be mapped", e))?;
        let switch = Switch { map, path: Some(path.to_owned()), file: id, broken: None, log_error: Mutex::new(None) };
        let (magic, version) = {
            let page = switch.page();
            (page.magic.load(Ordering::Relaxed), page.version.load(Ordering::Relaxed))
        };
        if magic != MAGIC {
            return Ok(Switch::broken(path, id, format!("{} is not a switch", path.display())));
        }
        if version != VERSION {
            let text = format!("{} is a switch of version {version}, not {VERSION}", path.display());
            return Ok(Switch::broken(path, id, text));
        }
        Ok(switch)
    }

    /// A switch of this process alone, active: for replays and tests.
    ///
    /// # Panics
    /// If the system has no page of memory left.
    #[must_use]
    pub fn anonymous() -> Switch {
        let map = MmapMut::map_anon(SIZE).expect("a page of memory");
        let switch = Switch { map, path: None, file: (0, 0), broken: None, log_error: Mutex::new(None) };
        switch.page().state.store(SwitchState::Active.word(), Ordering::Release);
        switch
    }

    fn broken(path: &Path, file: (u64, u64), text: String) -> Switch {
        let mut switch = Switch::anonymous();
        switch.page().state.store(SwitchState::Halted.word(), Ordering::Release);
        (switch.path, switch.file, switch.broken) = (Some(path.to_owned()), file, Some(text));
        switch
    }

    fn page(&self) -> &Page {
        // SAFETY: the mapping is SIZE bytes long, page-aligned, lives as long as `self`, and `Page` is made of
        // atomics only, for which every bit pattern is valid and concurrent change by others is defined.
        unsafe { &*self.map.as_ptr().cast::<Page>() }
    }

    /// One load. A state word that is no state reads as halted.
    #[must_use]
    #[inline]
    pub fn state(&self) -> SwitchState {
        SwitchState::from_word(self.page().state.load(Ordering::Acquire)).unwrap_or(SwitchState::Halted)
    }

    /// Whether a person asks for positions of zero; until the next reset.
    #[must_use]
    #[inline]
    pub fn asks_flat(&self) -> bool {
        self.page().flatten.load(Ordering::Acquire) != 0
    }

    /// Moves the state down to `to`, never up; true if it moved. The trip that leaves active also leaves its cause
    /// and text; all of them go to the log. First the state, then the words: whatever fails afterwards, it is tripped.
    /// [`Cause::Flatten`] is also remembered where the state is as low already.
    pub fn trip(&self, to: SwitchState, cause: Cause, text: &str, now_ns: i64) -> bool {
        let asks = cause == Cause::Flatten && self.page().flatten.swap(1, Ordering::AcqRel) == 0;
        let lower = |word: u32| SwitchState::from_word(word).filter(|s| *s < to).map(|_| to.word());
        let Ok(word) = self.page().state.fetch_update(Ordering::AcqRel, Ordering::Acquire, lower) else {
            if asks {
                let (state, pid) = (self.state().name(), format!("pid {}", std::process::id()));
                self.record(now_ns, [state, state, &pid, cause.name(), text]);
            }
            return false;
        };
        let from = SwitchState::from_word(word).unwrap_or(SwitchState::Halted);
        if from == SwitchState::Active {
            self.write_reason(cause, text, now_ns);
        }
        let pid = format!("pid {}", std::process::id());
        self.record(now_ns, [from.name(), to.name(), &pid, cause.name(), text]);
        true
    }

    /// Only the one trip that left active comes here, so there is one writer.
    fn write_reason(&self, cause: Cause, text: &str, now_ns: i64) {
        let page = self.page();
        let mut len = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(len) {
            len -= 1;
        }
        let mut bytes = [0u8; MAX_TEXT];
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        for (word, chunk) in page.text.iter().zip(bytes.chunks_exact(8)) {
            let mut eight = [0u8; 8];
            eight.copy_from_slice(chunk);
            word.store(u64::from_le_bytes(eight), Ordering::Relaxed);
        }
        let (pid, cause, len) = (std::process::id(), cause as u32, len as u32);
        page.pid.store(pid, Ordering::Relaxed);
        page.cause.store(cause, Ordering::Relaxed);
        page.len.store(len, Ordering::Relaxed);
        page.at_ns.store(now_ns, Ordering::Relaxed);
        page.check.store(checksum(cause, pid, len, now_ns, &bytes), Ordering::Relaxed);
        page.written.store(WHOLE, Ordering::Release);
    }

    /// To the disk: the mapping and a line of the log. A failure is kept for [`Switch::log_error`].
    fn record(&self, now_ns: i64, fields: [&str; 5]) {
        let Some(path) = &self.path else { return };
        let done =
            self.map.flush().and_then(|()| log::open(path)).and_then(|mut f| log::append(&mut f, now_ns, fields));
        if let (Err(e), Ok(mut slot)) = (done, self.log_error.lock()) {
            *slot = Some(format!("{}: {e}", log::beside(path).display()));
        }
    }

    /// Why the last line could not be written to the log or the disk, if it could not. The trip itself stands.
    #[must_use]
    pub fn log_error(&self) -> Option<String> {
        self.log_error.lock().ok().and_then(|e| e.clone())
    }

    /// Why the switch first left active; `None` while it is active.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        if self.state() == SwitchState::Active {
            return None;
        }
        let bad = |cause, text: &str| Some(Reason { cause, text: text.to_owned(), at_ns: 0, pid: 0 });
        if let Some(text) = &self.broken {
            return bad(Cause::BadFile, text);
        }
        let page = self.page();
        if SwitchState::from_word(page.state.load(Ordering::Acquire)).is_none() {
            return bad(Cause::BadFile, "the state in the file is none");
        }
        let unfinished = || bad(Cause::Unfinished, "who tripped it has not said why: see the log beside the switch");
        if page.written.load(Ordering::Acquire) != WHOLE {
            return unfinished();
        }
        let mut bytes = [0u8; MAX_TEXT];
        for (word, chunk) in page.text.iter().zip(bytes.chunks_exact_mut(8)) {
            chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        let (pid, cause) = (page.pid.load(Ordering::Relaxed), page.cause.load(Ordering::Relaxed));
        let (len, at_ns) = (page.len.load(Ordering::Relaxed), page.at_ns.load(Ordering::Relaxed));
        let text = bytes.get(..len as usize).and_then(|b| std::str::from_utf8(b).ok());
        match (text, Cause::from_u32(cause)) {
            (Some(text), Some(cause_))
                if page.check.load(Ordering::Relaxed) == checksum(cause, pid, len, at_ns, &bytes) =>
            {
                Some(Reason { cause: cause_, text: text.to_owned(), at_ns, pid })
            }
            _ => unfinished(),
        }
    }

    /// Back to active: for a person alone, who says who they are and why. A damaged file is written anew in place;
    /// processes that met it damaged stay halted until they open it again (this handle too).
    ///
    /// # Errors
    /// Nobody or no reason is named; the log cannot be written (then nothing changes); or it was tripped again
    /// meanwhile.
    pub fn reset(&self, who: &str, reason: &str, now_ns: i64) -> Result<(), String> {
        if who.trim().is_empty() || reason.trim().is_empty() {
            return Err("a reset needs a name and a reason: who resets the switch, and why is it safe".to_owned());
        }
        let mut log_file = match &self.path {
            Some(p) => Some(log::open(p).map_err(|e| format!("{}: {e}; nothing was reset", log::beside(p).display()))?),
            None => None,
        };
        let page = self.page();
        let word = page.state.load(Ordering::Acquire);
        let from = SwitchState::from_word(word).unwrap_or(SwitchState::Halted);
        match (&self.broken, &self.path) {
            (Some(_), Some(path)) => repair(path).map_err(|e| format!("switch {}: {e}", path.display()))?,
            _ => {
                page.written.store(0, Ordering::Release);
                page.flatten.store(0, Ordering::Release);
                let active = SwitchState::Active.word();
                if page.state.compare_exchange(word, active, Ordering::AcqRel, Ordering::Acquire).is_err() {
                    return Err("the switch was tripped again meanwhile: look at it and decide anew".to_owned());
                }
                self.map.flush().map_err(|e| format!("reset, but not yet on the disk: {e}"))?;
            }
        }
        if let Some(file) = &mut log_file {
            log::append(file, now_ns, [from.name(), SwitchState::Active.name(), who, "reset", reason])
                .map_err(|e| format!("reset, but not logged: {e}"))?;
        }
        Ok(())
    }

    /// Whether the path still leads to the mapped file, at its full length; if not, halts this handle, because trips
    /// of others would no longer reach it. For a watcher that may touch the disk, about once a second; not for a lane.
    pub fn verify(&self, now_ns: i64) -> bool {
        let Some(path) = &self.path else { return true };
        let same = std::fs::metadata(path).is_ok_and(|m| (m.dev(), m.ino()) == self.file);
        if !same {
            let text = format!("{} was removed or replaced", path.display());
            self.trip(SwitchState::Halted, Cause::BadFile, &text, now_ns);
        }
        same
    }
}

fn checksum(cause: u32, pid: u32, len: u32, at_ns: i64, text: &[u8]) -> u32 {
    let mut head = Vec::with_capacity(20);
    for v in [cause, pid, len] {
        head.extend_from_slice(&v.to_le_bytes());
    }
    head.extend_from_slice(&at_ns.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&head), text)
}

fn image(state: SwitchState) -> [u8; SIZE] {
    let mut bytes = [0u8; SIZE];
    bytes[..8].copy_from_slice(&MAGIC.to_le_bytes());
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&state.word().to_le_bytes());
    bytes
}

/// Whole or not at all: written under another name, then linked to its own; who comes second finds the first's.
fn create(path: &Path) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let state = match log::last_state(path) {
        Some(name) if name != SwitchState::Active.name() => SwitchState::Halted,
        _ => SwitchState::Active,
    };
    static NEXT: AtomicU32 = AtomicU32::new(0); // a name of its own for each thread that creates
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.{}.new", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let new = PathBuf::from(name);
    let mut file = File::create(&new)?;
    file.write_all(&image(state))?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&new, path);
    std::fs::remove_file(&new)?;
    match linked {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// In place, so that processes that have it mapped see it.
fn repair(path: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(SIZE as u64)?;
    file.write_all_at(&image(SwitchState::Active), 0)?;
    file.sync_all()
}
