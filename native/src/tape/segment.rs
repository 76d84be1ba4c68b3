//! One segment, record by record: the only place that decides whether bytes are a Tape's.

use std::io;
use std::path::{Path, PathBuf};

use super::error::{Flaw, TapeError, Torn};
use super::format::{
    Head, Kind, MAGIC, MAX_PAYLOAD, RECORD_HEADER, Record, SEGMENT_HEADER, VERSION, u16_at, u32_at, u64_at,
};
use super::window::Window;

/// Disks write whole sectors, so what a crash left unwritten begins at a multiple of this.
const SECTOR: u64 = 512;
/// Fewer zeros than this at the end of the file are taken for a payload's own.
const UNWRITTEN_BYTES: u64 = 64;

/// What the directory says of a segment.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    /// Number and first sequence number that it must have; `None` for a file that is read alone.
    pub(super) expected: Option<(u32, u64)>,
    /// The last one may have a torn tail.
    pub(super) last: bool,
}

/// Why there is no further record.
#[derive(Clone)]
enum Stop {
    End,
    Torn(Torn),
    /// Kept, so that reading on after an error gives the same error and never an end that looks clean.
    Flaw(u64, Flaw),
}

pub(super) struct SegmentReader {
    path: PathBuf,
    compressed: bool,
    window: Window,
    last: bool,
    pub(super) number: u32,
    pub(super) next_seq: u64,
    /// `None`: torn before the Meta record was whole.
    pub(super) meta: Option<String>,
    head: Head,
    /// Bytes of the current record, which is where the window begins.
    current: usize,
    /// The Meta record was read to open the segment, and not yet handed out.
    pending: bool,
    stop: Option<Stop>,
}

impl SegmentReader {
    /// Reads the header and the Meta record.
    pub(super) fn open(path: &Path, compressed: bool, place: Place) -> Result<SegmentReader, TapeError> {
        let window = Window::open(path, compressed).map_err(TapeError::io(path))?;
        let mut s = SegmentReader {
            path: path.to_owned(),
            compressed,
            window,
            last: place.last,
            number: place.expected.map_or(0, |(number, _)| number),
            next_seq: place.expected.map_or(0, |(_, seq)| seq),
            meta: None,
            head: Head { kind: Kind::Meta, lane: 0, connection: 0, tag: 0, time_ns: 0 },
            current: 0,
            pending: false,
            stop: None,
        };
        s.read_header(place.expected)?;
        if s.stop.is_none() && s.read_record()? {
            let payload = &s.window.bytes()[RECORD_HEADER..s.current];
            let Ok(meta) = std::str::from_utf8(payload) else { return Err(s.flaw(Flaw::Meta)) };
            s.meta = Some(meta.to_owned());
            s.pending = true;
        }
        Ok(s)
    }

    fn read_header(&mut self, expected: Option<(u32, u64)>) -> Result<(), TapeError> {
        let have = self.fill(SEGMENT_HEADER)?;
        let known = have.min(MAGIC.len());
        if self.window.bytes()[..known] != MAGIC[..known] {
            return self.damaged(have.min(SEGMENT_HEADER), Flaw::NotATape).map(drop);
        }
        if have < SEGMENT_HEADER {
            return self.torn().map(drop);
        }
        let b = &self.window.bytes()[..SEGMENT_HEADER];
        let (version, flags, number, first_seq) = (u16_at(b, 8), u16_at(b, 10), u32_at(b, 12), u64_at(b, 16));
        let check = crc32c::crc32c(&b[..24]) == u32_at(b, 24);
        let (expected_number, expected_seq) = expected.unwrap_or((number, first_seq));
        if version != VERSION {
            return Err(self.flaw(Flaw::Version(version)));
        }
        if !check {
            return self.damaged(SEGMENT_HEADER, Flaw::SegmentHeader).map(drop);
        }
        if flags != 0 {
            return Err(self.flaw(Flaw::SegmentFlags(flags)));
        }
        if number != expected_number {
            return Err(self.flaw(Flaw::SegmentNumber { expected: expected_number, found: number }));
        }
        if first_seq != expected_seq {
            return Err(self.flaw(Flaw::Sequence { expected: expected_seq, found: first_seq }));
        }
        self.number = number;
        self.next_seq = first_seq;
        self.window.skip(SEGMENT_HEADER);
        Ok(())
    }

    /// Goes to the next record; `false` at the end (see [`SegmentReader::torn_tail`]).
    #[inline]
    pub(super) fn advance(&mut self) -> Result<bool, TapeError> {
        if std::mem::take(&mut self.pending) {
            return Ok(true);
        }
        self.window.skip(std::mem::take(&mut self.current));
        self.read_record()
    }

    #[inline]
    fn read_record(&mut self) -> Result<bool, TapeError> {
        if self.stop.is_some() {
            return self.stopped();
        }
        let have = self.fill(RECORD_HEADER)?;
        if have < RECORD_HEADER {
            return self.cut();
        }
        let b = &self.window.bytes()[..RECORD_HEADER];
        let head_check = crc32c::crc32c(&b[..28]);
        if head_check != u32_at(b, 28) {
            return self.damaged(RECORD_HEADER, Flaw::RecordHeader);
        }
        let (length, seq, check) = (u32_at(b, 0), u64_at(b, 8), u32_at(b, 32));
        let (kind, flags) = (b[4], b[5]);
        let (lane, connection, tag, time_ns) = (u16_at(b, 6), u16_at(b, 24), u16_at(b, 26), u64_at(b, 16) as i64);
        if flags != 0 {
            return Err(self.flaw(Flaw::RecordFlags(flags)));
        }
        let Some(kind) = Kind::from_u8(kind) else { return Err(self.flaw(Flaw::Kind(kind))) };
        if seq != self.next_seq {
            return Err(self.flaw(Flaw::Sequence { expected: self.next_seq, found: seq }));
        }
        if length as usize > MAX_PAYLOAD {
            return Err(self.flaw(Flaw::Length(length)));
        }
        let whole = RECORD_HEADER + length as usize;
        if self.fill(whole)? < whole {
            return self.cut();
        }
        if crc32c::crc32c_append(head_check, &self.window.bytes()[RECORD_HEADER..whole]) != check {
            return self.damaged(whole, Flaw::Payload);
        }
        if (kind == Kind::Meta) != self.meta.is_none() {
            return Err(self.flaw(Flaw::MetaMisplaced));
        }
        self.head = Head { kind, lane, connection, tag, time_ns };
        self.current = whole;
        self.next_seq = seq.wrapping_add(1);
        Ok(true)
    }

    /// The record that [`SegmentReader::advance`] went to.
    #[inline]
    pub(super) fn record(&self) -> Record<'_> {
        let Head { kind, lane, connection, tag, time_ns } = self.head;
        let payload = &self.window.bytes()[RECORD_HEADER..self.current];
        Record { kind, lane, connection, tag, seq: self.next_seq.wrapping_sub(1), time_ns, payload }
    }

    /// After the end: what is torn off it.
    pub(super) fn torn_tail(&self) -> Option<&Torn> {
        match &self.stop {
            Some(Stop::Torn(torn)) => Some(torn),
            _ => None,
        }
    }

    /// Kind and time of the record last read.
    pub(super) fn last_head(&self) -> Head {
        self.head
    }

    /// After the end: where the whole records end, bytes from the start of the segment.
    pub(super) fn whole_bytes(&self) -> u64 {
        self.torn_tail().map_or(self.window.offset(), |torn| torn.offset)
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.window.bytes_read()
    }

    fn stopped(&self) -> Result<bool, TapeError> {
        match &self.stop {
            Some(Stop::Flaw(offset, flaw)) => Err(TapeError::corrupt(&self.path, *offset, flaw.clone())),
            _ => Ok(false),
        }
    }

    #[cold]
    fn flaw(&mut self, flaw: Flaw) -> TapeError {
        self.flaw_at(self.window.offset(), flaw)
    }

    fn flaw_at(&mut self, offset: u64, flaw: Flaw) -> TapeError {
        self.stop = Some(Stop::Flaw(offset, flaw.clone()));
        TapeError::corrupt(&self.path, offset, flaw)
    }

    /// The file ends inside the record that begins here, or just before it.
    #[cold]
    fn cut(&mut self) -> Result<bool, TapeError> {
        if self.window.bytes().is_empty() && self.meta.is_some() {
            self.stop = Some(Stop::End);
            return Ok(false);
        }
        self.torn()
    }

    /// The file ends inside the bytes that begin here.
    fn torn(&mut self) -> Result<bool, TapeError> {
        if !self.last {
            return Err(self.flaw(Flaw::TornInside));
        }
        let bytes = self.window.bytes().len() as u64;
        self.stop = Some(Stop::Torn(Torn { segment: self.number, offset: self.window.offset(), bytes }));
        Ok(false)
    }

    /// The `whole` bytes that begin here fail their checksum: changed, or never written?
    ///
    /// After a crash a file may already have its length while its last sectors were never written and read as zeros.
    /// So this is a torn tail if everything from here on is zero, or everything from a sector boundary inside these
    /// bytes; and a changed byte otherwise. Nothing is read after either.
    #[cold]
    fn damaged(&mut self, whole: usize, flaw: Flaw) -> Result<bool, TapeError> {
        let offset = self.window.offset();
        let zeros_from = self.window.bytes()[..whole].iter().rposition(|b| *b != 0).map_or(0, |p| p as u64 + 1);
        let unwritten_from = if zeros_from == 0 { offset } else { (offset + zeros_from).next_multiple_of(SECTOR) };
        if !self.last || unwritten_from >= offset + whole as u64 {
            return Err(self.flaw_at(offset, flaw));
        }
        self.window.skip(whole);
        while self.fill(1)? > 0 {
            if self.window.bytes().iter().any(|b| *b != 0) {
                return Err(self.flaw_at(offset, flaw));
            }
            self.window.skip(self.window.bytes().len());
        }
        if zeros_from != 0 && self.window.offset() - unwritten_from < UNWRITTEN_BYTES {
            return Err(self.flaw_at(offset, flaw));
        }
        self.stop = Some(Stop::Torn(Torn { segment: self.number, offset, bytes: self.window.offset() - offset }));
        Ok(false)
    }

    #[inline]
    fn fill(&mut self, need: usize) -> Result<usize, TapeError> {
        match self.window.fill(need) {
            Ok(have) => Ok(have),
            Err(e) => Err(self.unreadable(e)),
        }
    }

    /// A decoder reports damaged input as an I/O error without an operating-system code.
    #[cold]
    fn unreadable(&mut self, e: io::Error) -> TapeError {
        if self.compressed && e.raw_os_error().is_none() {
            self.flaw(Flaw::Compressed(e.to_string()))
        } else {
            TapeError::Io { path: self.path.clone(), source: e }
        }
    }
}
