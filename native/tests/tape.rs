//! The Tape from the side that users are on: files on a disk, and everything that can befall them.
#![allow(clippy::unwrap_used)] // a test file, helpers included

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use _core::event::{Frame, Source};
use _core::tape::{Flaw, Head, Kind, MAX_PAYLOAD, TapeError, TapeOptions, TapeReader, TapeWriter, Torn};
use proptest::prelude::*;
use support::{Dir, META, head, read};

mod support;

const BIG: TapeOptions = TapeOptions { segment_bytes: 1 << 30, compress: true };

const HEADER: usize = 28;
const FIRST_RECORD: usize = HEADER + 36 + META.len();

fn segment(dir: &Dir, name: &str) -> PathBuf {
    dir.tape().join(name)
}

/// A closed Tape of one small segment.
fn small(dir: &Dir) -> Vec<u8> {
    let mut w = TapeWriter::create(dir.tape(), META, BIG).unwrap();
    for (i, kind) in [Kind::Market, Kind::Timer, Kind::Intent, Kind::Receipt].into_iter().enumerate() {
        w.append(&head(kind, i as i64), &vec![i as u8 * 40; i * 9]).unwrap();
    }
    w.close().unwrap();
    fs::read(segment(dir, "000001.seg")).unwrap()
}

fn flaw(e: TapeError) -> Flaw {
    match e {
        TapeError::Corrupt { flaw, .. } => flaw,
        TapeError::Io { .. } => panic!("{e}"),
    }
}

#[test]
fn what_is_written_is_read_through_rotation_and_compression() {
    for compress in [false, true] {
        let dir = Dir::new();
        let mut w = TapeWriter::create(dir.tape(), META, TapeOptions { segment_bytes: 4096, compress }).unwrap();
        let mut expected = Vec::new();
        for i in 0..200u16 {
            let kind = Kind::ALL[usize::from(i) % 10];
            let h = Head { kind, lane: i, connection: i ^ 1, tag: i ^ 2, time_ns: i64::from(i) - 100 };
            // One longer than a segment and than the writer's buffer.
            let payload = vec![i as u8; if i == 90 { 300_000 } else { usize::from(i) }];
            let seq = w.append(&h, &payload).unwrap();
            expected.push((h, seq, payload));
        }
        w.close().unwrap();

        let (records, end) = read(&dir.tape());
        assert_eq!(end.unwrap(), (None, true));
        let seqs: Vec<u64> = records.iter().map(|r| r.1).collect();
        assert_eq!(seqs, (1..=records.len() as u64).collect::<Vec<_>>(), "no gap through all segments");
        let (own, written): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|r| matches!(r.0.kind, Kind::Meta | Kind::End));
        assert_eq!(written, expected);
        assert!(own.len() > 4 && own[..own.len() - 1].iter().all(|r| r.2 == META.as_bytes()));

        let names: Vec<String> =
            fs::read_dir(dir.tape()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(names.len(), own.len() - 1, "one file a segment, nothing left over: {names:?}");
        assert_eq!(
            names.iter().filter(|n| n.ends_with(".seg.zst")).count(),
            if compress { names.len() - 1 } else { 0 }
        );

        let second = segment(&dir, if compress { "000002.seg.zst" } else { "000002.seg" });
        let (alone, end) = read(&second);
        assert_eq!((end.unwrap(), alone[0].0.kind), ((None, false), Kind::Meta), "each segment stands alone");
    }
}

#[test]
fn a_record_is_the_frame_that_was_received() {
    let dir = Dir::new();
    let frame = Frame { source: Source::Snapshot, connection: 4, tag: 9, recv_ns: -5, bytes: b"{}" };
    let mut w = TapeWriter::create(dir.tape(), META, BIG).unwrap();
    let head = Head { kind: frame.source.into(), lane: 6, connection: 4, tag: 9, time_ns: -5 };
    w.append(&head, frame.bytes).unwrap();
    w.flush().unwrap();
    let mut reader = TapeReader::open(dir.tape()).unwrap();
    assert_eq!(reader.meta(), META);
    assert!(reader.next().unwrap().unwrap().frame().is_none(), "Meta is no frame");
    let r = reader.next().unwrap().unwrap();
    let f = r.frame().unwrap();
    assert_eq!(
        (r.lane, f.source, f.connection, f.tag, f.recv_ns, f.bytes),
        (6, frame.source, frame.connection, frame.tag, frame.recv_ns, frame.bytes)
    );
    assert!(reader.next().unwrap().is_none() && !reader.ended(), "still being written");
    assert_eq!(reader.progress().0, reader.progress().1);
}

#[test]
fn every_changed_byte_is_found() {
    let dir = Dir::new();
    let bytes = small(&dir);
    let (whole, _) = read(&dir.tape());
    let path = segment(&dir, "000001.seg");
    for at in 0..bytes.len() {
        for mask in [1 << (at % 8), 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= mask;
            fs::write(&path, &changed).unwrap();
            let (records, end) = read(&dir.tape());
            let e = end.expect_err(&format!("byte {at} changed by {mask:#x}, and nobody saw it"));
            assert!(e.to_string().contains("000001.seg, byte "), "{e}");
            assert_eq!(records, whole[..records.len()], "what is read before it is what was written");
            let refused = TapeWriter::open_append(dir.tape(), BIG).err().expect("nothing is appended to it");
            assert_eq!(refused.to_string(), e.to_string());
            assert_eq!(fs::read(&path).unwrap(), changed, "and nothing is cut");
        }
    }
}

#[test]
fn every_cut_is_said_and_everything_before_it_is_read() {
    let dir = Dir::new();
    let bytes = small(&dir);
    let (whole, _) = read(&dir.tape());
    let path = segment(&dir, "000001.seg");
    let mut ends = vec![HEADER];
    for r in &whole {
        ends.push(ends[ends.len() - 1] + 36 + r.2.len());
    }
    assert_eq!(ends[1], FIRST_RECORD);
    for cut in 0..bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let (records, end) = read(&dir.tape());
        if cut < FIRST_RECORD {
            assert_eq!(flaw(end.unwrap_err()), Flaw::Empty, "at {cut}");
            continue;
        }
        let complete = ends.iter().filter(|e| **e <= cut).count() - 1;
        let offset = ends[complete];
        let torn = Torn { segment: 1, offset: offset as u64, bytes: (cut - offset) as u64 };
        let expected = (cut > offset).then_some(torn);
        assert_eq!(end.unwrap(), (expected.clone(), false), "at {cut}");
        assert_eq!(records, whole[..complete], "at {cut}");
        if cut % 9 != 0 && cut != offset {
            continue; // every sync waits for the disk
        }

        let (mut w, said) = TapeWriter::open_append(dir.tape(), BIG).unwrap();
        assert_eq!(said, expected);
        assert_eq!(w.append(&head(Kind::Trip, 9), b"again").unwrap(), complete as u64 + 1);
        w.close().unwrap();
        let (records, end) = read(&dir.tape());
        assert_eq!(end.unwrap(), (None, true));
        assert_eq!(records[..complete], whole[..complete]);
        assert_eq!(records[complete].2, b"again");
    }
}

#[test]
fn sectors_that_were_never_written_are_a_torn_tail() {
    let dir = Dir::new();
    let mut w = TapeWriter::create(dir.tape(), META, BIG).unwrap();
    w.append(&head(Kind::Market, 1), &[b'x'; 900]).unwrap();
    w.append(&head(Kind::Market, 2), &[b'y'; 900]).unwrap();
    drop(w);
    let path = segment(&dir, "000001.seg");
    let bytes = fs::read(&path).unwrap();
    let second = FIRST_RECORD + 936;
    // (file, the tail is torn and not changed)
    let zeros = |from: usize, len: usize| {
        let mut b = bytes.clone();
        b.resize(len, 0);
        b[from..].fill(0);
        b
    };
    let n = bytes.len();
    let mut changed = zeros(n, n + 5000);
    changed[second + 40] ^= 1;
    let cases = [
        ("zeros after the last record", zeros(n, n + 5000), Some((n, 5000))),
        ("fewer zeros than a record", zeros(n, n + 7), Some((n, 7))),
        ("from a record's first byte", zeros(second, n), Some((second, n - second))),
        ("from a sector's first byte", zeros(1536, n), Some((second, n - second))),
        ("from a sector's first byte, longer", zeros(1536, n + 4096), Some((second, n - second + 4096))),
        ("from the middle of a sector", zeros(1600, n), None),
        ("a changed byte in a record, and zeros after it", changed, None),
    ];
    for (what, file, torn) in cases {
        fs::write(&path, &file).unwrap();
        let (records, end) = read(&dir.tape());
        match torn {
            Some((offset, bytes)) => {
                let torn = Torn { segment: 1, offset: offset as u64, bytes: bytes as u64 };
                assert_eq!(end.unwrap().0, Some(torn), "{what}");
                assert_eq!(records.len(), if offset == n { 3 } else { 2 }, "{what}");
            }
            None => assert_eq!(flaw(end.expect_err(what)), Flaw::Payload, "{what}"),
        }
    }
}

/// A Tape of several plain segments, and their bytes.
fn several(dir: &Dir) -> Vec<Vec<u8>> {
    let mut w = TapeWriter::create(dir.tape(), META, TapeOptions { segment_bytes: 300, compress: false }).unwrap();
    for i in 0..6 {
        w.append(&head(Kind::Market, i), &[i as u8; 100]).unwrap();
    }
    w.close().unwrap();
    (1..).map_while(|n| fs::read(segment(dir, &format!("{n:06}.seg"))).ok()).collect()
}

#[test]
fn damage_between_segments_is_an_error_that_names_it() {
    let dir = Dir::new();
    let segments = several(&dir);
    assert!(segments.len() > 3);
    let name = |n: usize| segment(&dir, &format!("{n:06}.seg"));

    fs::remove_file(name(2)).unwrap();
    assert_eq!(flaw(read(&dir.tape()).1.unwrap_err()), Flaw::MissingSegment(2));
    fs::write(name(2), &segments[2]).unwrap();
    assert_eq!(flaw(read(&dir.tape()).1.unwrap_err()), Flaw::SegmentNumber { expected: 2, found: 3 });
    for cut in 0..segments[1].len() {
        fs::write(name(2), &segments[1][..cut]).unwrap();
        let e = read(&dir.tape()).1.expect_err("cut in the middle of the Tape");
        assert!(matches!(flaw(e), Flaw::TornInside | Flaw::Sequence { .. }), "at {cut}");
    }
    fs::write(name(2), &segments[1]).unwrap();

    let other = Dir::new();
    let mut w = TapeWriter::create(other.tape(), "{}", TapeOptions { segment_bytes: 300, compress: false }).unwrap();
    for i in 0..6 {
        w.append(&head(Kind::Market, i), &[i as u8; 100]).unwrap();
    }
    drop(w);
    let theirs = (2..).find_map(|n| {
        let bytes = fs::read(segment(&other, &format!("{n:06}.seg"))).unwrap();
        (bytes[16..24] == segments[n - 1][16..24]).then_some((n, bytes))
    });
    let (n, bytes) = theirs.unwrap();
    fs::write(name(n), bytes).unwrap();
    assert_eq!(flaw(read(&dir.tape()).1.unwrap_err()), Flaw::MetaDiffers);

    let mut newer = segments[0].clone();
    newer[8] = 2;
    fs::write(name(1), newer).unwrap();
    assert_eq!(flaw(read(&dir.tape()).1.unwrap_err()), Flaw::Version(2));
    fs::write(name(1), b"1723075200 {\"stream\":\"btcusdt@depth\"}\n").unwrap();
    assert_eq!(flaw(read(&dir.tape()).1.unwrap_err()), Flaw::NotATape);
    assert_eq!(flaw(read(&dir.0).1.unwrap_err()), Flaw::NoSegments);
    assert!(matches!(read(&dir.0.join("no.tape")).1.unwrap_err(), TapeError::Io { .. }));
}

#[test]
fn a_writer_that_died_while_opening_a_segment_is_continued() {
    let dir = Dir::new();
    let segments = several(&dir);
    let last = segments.len();
    let name = segment(&dir, &format!("{last:06}.seg"));
    let options = TapeOptions { segment_bytes: 300, compress: false };
    for cut in (0..FIRST_RECORD).step_by(9) {
        fs::write(&name, &segments[last - 1][..cut]).unwrap();
        let (before, end) = read(&dir.tape());
        let torn = end.unwrap().0.expect("said even when the file is empty");
        assert_eq!(torn.segment, last as u32);
        let (mut w, said) = TapeWriter::open_append(dir.tape(), options).unwrap();
        assert_eq!(said, Some(torn));
        w.append(&head(Kind::Trip, 9), b"again").unwrap();
        w.close().unwrap();
        let (after, end) = read(&dir.tape());
        assert_eq!(end.unwrap(), (None, true));
        assert_eq!((&after[..before.len()], after.len()), (&before[..], before.len() + 3));
    }
}

#[test]
fn changed_bytes_in_a_compressed_segment_change_nothing_that_is_read() {
    let dir = Dir::new();
    several(&dir);
    // What is half done is done by the next writer: plain segments, an unfinished compressed one.
    fs::write(segment(&dir, "000001.seg.zst.tmp"), b"half").unwrap();
    let (w, torn) = TapeWriter::open_append(dir.tape(), BIG).unwrap();
    assert_eq!(torn, None);
    w.close().unwrap();
    assert!(!segment(&dir, "000001.seg").exists() && !segment(&dir, "000001.seg.zst.tmp").exists());
    let path = segment(&dir, "000001.seg.zst");
    let bytes = fs::read(&path).unwrap();
    let (whole, end) = read(&dir.tape());
    end.unwrap();
    let mut found = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(&path, &changed).unwrap();
        let (records, end) = read(&dir.tape());
        // zstd's own headers have bits that carry nothing (unused ones, the window's size): then all is as written.
        assert!(end.is_err() || records == whole, "byte {at}");
        found += usize::from(end.is_err());
        fs::write(&path, &bytes[..at]).unwrap();
        assert!(read(&dir.tape()).1.is_err(), "cut at {at}");
    }
    assert!(found * 20 > bytes.len() * 19, "{found} of {} found", bytes.len());
}

#[test]
fn a_tape_is_read_on_while_its_writer_compresses_it() {
    let dir = Dir::new();
    several(&dir);
    let (whole, _) = read(&dir.tape());
    let mut reader = TapeReader::open(dir.tape()).unwrap();
    TapeWriter::open_append(dir.tape(), BIG).unwrap().0.close().unwrap();
    assert!(!segment(&dir, "000002.seg").exists());
    let mut records = 0;
    while reader.next().unwrap().is_some() {
        records += 1;
    }
    assert_eq!((records, reader.torn(), reader.ended()), (whole.len() + 1, None, true));
    assert_eq!(reader.progress().0, reader.progress().1);
}

#[test]
fn nothing_is_lost_by_a_wrong_call() {
    let dir = Dir::new();
    assert_eq!(flaw(TapeWriter::create(dir.0.join("day"), META, BIG).err().unwrap()), Flaw::Name);
    assert!(TapeWriter::create(dir.tape(), "{", BIG).err().unwrap().to_string().contains("meta must be JSON"));
    assert!(!dir.tape().exists());
    let mut w = TapeWriter::create(dir.tape(), META, BIG).unwrap();
    assert!(matches!(TapeWriter::create(dir.tape(), META, BIG), Err(TapeError::Io { .. })), "exists");
    let second = TapeWriter::open_append(dir.tape(), BIG).err().unwrap();
    assert!(second.to_string().contains("another writer has this Tape open"), "{second}");
    assert!(w.append(&head(Kind::Market, 1), &vec![0; MAX_PAYLOAD + 1]).is_err());
    assert!(w.append(&head(Kind::Meta, 1), b"{}").is_err());
    assert!(w.append(&head(Kind::End, 1), b"").is_err());
    assert_eq!(w.append(&head(Kind::Market, 1), b"ok").unwrap(), 2, "a refused record uses up no number");
    w.close().unwrap();
    assert_eq!(read(&dir.tape()).0.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(
        junk in prop::collection::vec(any::<u8>(), 0..400),
        keep in 0..=FIRST_RECORD + 100,
        length in prop::option::of(any::<u32>()),
        compressed: bool,
    ) {
        static SMALL: OnceLock<Vec<u8>> = OnceLock::new();
        let mut bytes = SMALL.get_or_init(|| small(&Dir::new())).clone();
        let dir = Dir::new();
        bytes.truncate(keep);
        bytes.extend(junk);
        if let (Some(length), true) = (length, bytes.len() >= FIRST_RECORD + 36) {
            // A length that the header's checksum vouches for, and that is a lie.
            let b = &mut bytes[FIRST_RECORD..FIRST_RECORD + 36];
            b[..4].copy_from_slice(&length.to_le_bytes());
            let check = crc32c::crc32c(&b[..28]).to_le_bytes();
            b[28..32].copy_from_slice(&check);
        }
        let path = dir.0.join(if compressed { "junk.seg.zst" } else { "junk.seg" });
        fs::write(&path, if compressed { zstd::encode_all(&bytes[..], 1).unwrap() } else { bytes.clone() }).unwrap();
        let (records, end) = read(&path);
        prop_assert!(records.len() <= 6);
        if let Ok((None, _)) = end {
            // Only whole records, back to back, end without a torn tail.
            let length: usize = records.iter().map(|r| 36 + r.2.len()).sum();
            prop_assert_eq!(HEADER + length, bytes.len());
        }
        fs::write(&path, &bytes).unwrap(); // as the wrong form
        let _ = read(&path);
    }
}
