//! The bytes of a Tape, version 1. Everything is little-endian.
//!
//! Segment header, 28 bytes:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `\x89TAPE\r\n\x1a` (as PNG's: a copy in text mode destroys it) |
//! | 8 | 2 | version |
//! | 10 | 2 | flags: 0; a reader refuses any that it does not know |
//! | 12 | 4 | number of this segment, from 1 |
//! | 16 | 8 | sequence number of its first record |
//! | 24 | 4 | CRC32C of bytes 0..24 |
//!
//! Record, 36 bytes and the payload:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 4 | payload length |
//! | 4 | 1 | kind |
//! | 5 | 1 | flags: 0; a reader refuses any that it does not know |
//! | 6 | 2 | lane |
//! | 8 | 8 | sequence number, without gaps through all segments, from 1 |
//! | 16 | 8 | time, ns since 1970 |
//! | 24 | 2 | connection |
//! | 26 | 2 | tag |
//! | 28 | 4 | CRC32C of bytes 0..28 |
//! | 32 | 4 | CRC32C of bytes 0..28 and the payload |
//! | 36 | | payload |
//!
//! The first checksum makes the length trustworthy before the payload is there. Without it a changed length in the
//! middle of a file would look like a torn tail, and everything after it would be cut in good faith.

use crate::event::{Frame, Source};

/// Version of the format that is written, and the only one that is read.
pub const VERSION: u16 = 1;
/// Longest payload of one record, bytes. Longer is refused when written and an error when read.
pub const MAX_PAYLOAD: usize = 64 << 20;

pub(super) const MAGIC: [u8; 8] = *b"\x89TAPE\r\n\x1a";
pub(super) const SEGMENT_HEADER: usize = 28;
pub(super) const RECORD_HEADER: usize = 36;
pub(super) const FIRST_SEGMENT: u32 = 1;
pub(super) const FIRST_SEQ: u64 = 1;

/// What a record is. 1 to 10 are Frames, by [`Source`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Kind {
    Market = 1,
    Snapshot = 2,
    Order = 3,
    Timer = 4,
    Fault = 5,
    Private = 6,
    Answer = 7,
    Switch = 8,
    Carry = 9,
    Control = 10,
    /// [`crate::event::Intent`], in its `Wire` encoding; as the next three.
    Intent = 16,
    Permit = 17,
    Refusal = 18,
    Receipt = 19,
    /// The switch was tripped: UTF-8 text says why.
    Trip = 20,
    /// The session's header, JSON; the first record of each segment, and the same in all of them.
    Meta = 32,
    /// Records that could not be written here: their number, u64.
    Lost = 33,
    /// The writer closed the Tape.
    End = 34,
}

impl Kind {
    pub const ALL: [Kind; 18] = [
        Kind::Market,
        Kind::Snapshot,
        Kind::Order,
        Kind::Timer,
        Kind::Fault,
        Kind::Private,
        Kind::Answer,
        Kind::Switch,
        Kind::Carry,
        Kind::Control,
        Kind::Intent,
        Kind::Permit,
        Kind::Refusal,
        Kind::Receipt,
        Kind::Trip,
        Kind::Meta,
        Kind::Lost,
        Kind::End,
    ];

    #[must_use]
    #[inline]
    pub fn from_u8(v: u8) -> Option<Kind> {
        BY_CODE[v as usize]
    }

    /// Lower-case name, as shown to people and to Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Market => "market",
            Kind::Snapshot => "snapshot",
            Kind::Order => "order",
            Kind::Timer => "timer",
            Kind::Fault => "fault",
            Kind::Private => "private",
            Kind::Answer => "answer",
            Kind::Switch => "switch",
            Kind::Carry => "carry",
            Kind::Control => "control",
            Kind::Intent => "intent",
            Kind::Permit => "permit",
            Kind::Refusal => "refusal",
            Kind::Receipt => "receipt",
            Kind::Trip => "trip",
            Kind::Meta => "meta",
            Kind::Lost => "lost",
            Kind::End => "end",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Kind> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// Of a Frame: where its bytes are from.
    #[must_use]
    pub fn source(self) -> Option<Source> {
        Source::from_u8(self as u8)
    }
}

/// [`Kind::ALL`] by code: read once a record.
const BY_CODE: [Option<Kind>; 256] = {
    let mut table = [None; 256];
    let mut i = 0;
    while i < Kind::ALL.len() {
        table[Kind::ALL[i] as usize] = Some(Kind::ALL[i]);
        i += 1;
    }
    table
};

impl From<Source> for Kind {
    fn from(source: Source) -> Kind {
        match source {
            Source::Market => Kind::Market,
            Source::Snapshot => Kind::Snapshot,
            Source::Order => Kind::Order,
            Source::Timer => Kind::Timer,
            Source::Fault => Kind::Fault,
            Source::Private => Kind::Private,
            Source::Answer => Kind::Answer,
            Source::Switch => Kind::Switch,
            Source::Carry => Kind::Carry,
            Source::Control => Kind::Control,
        }
    }
}

/// What a record says about its payload, apart from its place on the Tape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    pub kind: Kind,
    pub lane: u16,
    pub connection: u16,
    pub tag: u16,
    /// Nanoseconds since 1970.
    pub time_ns: i64,
}

/// One record; the payload lies in the reader's buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    pub kind: Kind,
    pub lane: u16,
    pub connection: u16,
    pub tag: u16,
    pub seq: u64,
    /// Nanoseconds since 1970.
    pub time_ns: i64,
    pub payload: &'a [u8],
}

impl<'a> Record<'a> {
    /// The Frame that this record is, if it is one.
    #[must_use]
    pub fn frame(&self) -> Option<Frame<'a>> {
        let source = self.kind.source()?;
        Some(Frame { source, connection: self.connection, tag: self.tag, recv_ns: self.time_ns, bytes: self.payload })
    }
}

/// A segment's header, encoded.
pub(super) fn segment_header(number: u32, first_seq: u64) -> [u8; SEGMENT_HEADER] {
    let mut out = [0; SEGMENT_HEADER];
    out[..8].copy_from_slice(&MAGIC);
    out[8..10].copy_from_slice(&VERSION.to_le_bytes());
    out[12..16].copy_from_slice(&number.to_le_bytes());
    out[16..24].copy_from_slice(&first_seq.to_le_bytes());
    let check = crc32c::crc32c(&out[..24]);
    out[24..].copy_from_slice(&check.to_le_bytes());
    out
}

/// A record's header, encoded, with both checksums.
pub(super) fn record_header(head: &Head, seq: u64, payload: &[u8]) -> [u8; RECORD_HEADER] {
    let mut out = [0; RECORD_HEADER];
    // A writer refuses payloads above MAX_PAYLOAD, so the length fits.
    out[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    out[4] = head.kind as u8;
    out[6..8].copy_from_slice(&head.lane.to_le_bytes());
    out[8..16].copy_from_slice(&seq.to_le_bytes());
    out[16..24].copy_from_slice(&head.time_ns.to_le_bytes());
    out[24..26].copy_from_slice(&head.connection.to_le_bytes());
    out[26..28].copy_from_slice(&head.tag.to_le_bytes());
    let check = crc32c::crc32c(&out[..28]);
    out[28..32].copy_from_slice(&check.to_le_bytes());
    out[32..].copy_from_slice(&crc32c::crc32c_append(check, payload).to_le_bytes());
    out
}

/// The little-endian integer at `at`: `bytes` must reach that far (the callers pass arrays of fixed size).
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
