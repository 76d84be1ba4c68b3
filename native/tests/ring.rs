//! The ring between a lane and the Tape's thread: what is refused is counted, and said where it is missing.
#![allow(clippy::unwrap_used)] // a test file, helpers included

use std::fs;

use _core::ring::{Full, OVERHEAD_BYTES, ring};
use _core::tape::{Head, Kind, TapeOptions, TapeThread, TapeWriter};
use support::{Dir, META, head, read};

mod support;

fn drain(consumer: &mut _core::ring::RingConsumer) -> Vec<(Kind, i64, Vec<u8>)> {
    let mut out = Vec::new();
    let n = consumer.drain(|r| out.push((r.head.kind, r.head.time_ns, r.payload.to_vec())));
    assert_eq!(n, out.len());
    out
}

#[test]
fn a_full_ring_counts_and_says_where() {
    let (mut p, mut c) = ring(2 * (OVERHEAD_BYTES + 4));
    let m = |t| head(Kind::Market, t);
    let rec = |t: i64| (Kind::Market, t, vec![t as u8; 4]);
    let lost = |t, n: u64| (Kind::Lost, t, n.to_le_bytes().to_vec());
    for t in 1..=2 {
        p.try_push(&m(t), &[t as u8; 4]).unwrap();
    }
    assert_eq!(p.try_push(&m(3), &[3; 4]), Err(Full::Now));
    assert_eq!(p.try_push(&m(4), &[]), Err(Full::Now));
    assert_eq!(p.try_push(&m(5), &[0; 100]), Err(Full::Forever));
    assert_eq!(p.lost(), 3);
    assert_eq!(drain(&mut c), [rec(1), rec(2)]);
    p.try_push(&m(6), &[6; 4]).unwrap();
    p.try_push(&m(7), &[7; 4]).unwrap();
    assert_eq!(drain(&mut c), [lost(6, 3), rec(6), rec(7)], "between what came before and after");
    assert_eq!(p.push_or_wait(&m(8), &[0; 100]), Err(Full::Forever));
    assert_eq!(drain(&mut c), []);
    let mut tail = Vec::new();
    c.drain_lost(|r| tail.push((r.head.kind, r.head.time_ns, r.payload.to_vec())));
    c.drain_lost(|r| tail.push((r.head.kind, r.head.time_ns, r.payload.to_vec())));
    assert_eq!(tail, [lost(7, 1)], "a loss that no record followed, once");
    drop(c);
    assert_eq!(p.push_or_wait(&m(9), &[9; 4]), Ok(()), "there is room");
    p.try_push(&m(9), &[9; 4]).unwrap();
    assert_eq!(p.push_or_wait(&m(9), &[9; 4]), Err(Full::Forever), "and then nobody makes any");
    assert_eq!(p.try_push(&m(9), &[9; 4]), Err(Full::Forever));
}

/// Whatever a lane pushes is on the Tape in order, or counted just where it is missing.
#[test]
fn two_threads_lose_nothing_that_is_not_counted() {
    let dir = Dir::new();
    let writer = TapeWriter::create(dir.tape(), META, TapeOptions { segment_bytes: 64 << 10, compress: true }).unwrap();
    let (mut a, ca) = ring(512);
    let (mut b, cb) = ring(512);
    let thread = TapeThread::spawn(writer, vec![ca, cb]).unwrap();
    const N: u64 = 20_000;
    let lanes = std::thread::scope(|s| {
        let hasty = s.spawn(move || {
            for i in 0..N {
                let payload = [(i % 251) as u8; 60];
                let _ = a.try_push(&Head { lane: 0, ..head(Kind::Market, i as i64) }, &payload[..(i % 61) as usize]);
            }
            a
        });
        let patient = s.spawn(move || {
            for i in 0..N {
                b.push_or_wait(&Head { lane: 1, ..head(Kind::Market, i as i64) }, &i.to_le_bytes()).unwrap();
            }
            b
        });
        [hasty.join().unwrap(), patient.join().unwrap()]
    });
    thread.stop().unwrap();
    assert!(lanes[0].lost() > 0, "the small ring was never full: the test shows nothing");
    assert_eq!(lanes[1].lost(), 0);
    let (records, end) = read(&dir.tape());
    assert_eq!(end.unwrap(), (None, true));
    for lane in 0..2u16 {
        let mut next = 0u64;
        let mut lost = 0;
        for (h, _, payload) in records.iter().filter(|r| r.0.lane == lane) {
            match h.kind {
                Kind::Lost => {
                    let n = u64::from_le_bytes(payload[..].try_into().unwrap());
                    lost += n;
                    next += n;
                }
                Kind::Market => {
                    assert_eq!(h.time_ns as u64, next, "lane {lane}");
                    if lane == 0 {
                        assert_eq!(*payload, vec![(next % 251) as u8; (next % 61) as usize]);
                    }
                    next += 1;
                }
                _ => {}
            }
        }
        assert_eq!((next, lost), (N, lanes[usize::from(lane)].lost()), "lane {lane}");
    }
}

#[test]
fn an_idle_tape_is_flushed_and_a_disk_that_says_no_reaches_the_lane() {
    let dir = Dir::new();
    let writer = TapeWriter::create(dir.tape(), META, TapeOptions { segment_bytes: 300, compress: false }).unwrap();
    let (mut p, c) = ring(1 << 16);
    let thread = TapeThread::spawn(writer, vec![c]).unwrap();
    p.try_push(&head(Kind::Trip, 1), b"operator").unwrap();
    let mut seen = 0;
    for _ in 0..1000 {
        seen = read(&dir.tape()).0.len();
        if seen == 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(seen, 2, "flushed without being told to");
    assert!(!p.failed());

    fs::remove_dir_all(dir.tape()).unwrap(); // the next segment has no place
    for t in 2..10 {
        p.try_push(&head(Kind::Market, t), &[0; 100]).unwrap();
    }
    for _ in 0..1000 {
        if p.failed() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(p.failed());
    assert_eq!(p.push_or_wait(&head(Kind::Market, 10), &[0; 1 << 16]), Err(Full::Forever));
    assert!(thread.stop().is_err());
}
