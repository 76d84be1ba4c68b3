//! One recorded instrument as many: the frames of a window of its day under other names, each name a little later than
//! the recording by a seeded offset of its own, in the order in which a socket would bring them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use memchr::memmem;

use crate::capture::{self, Capture};
use crate::cex::venues::binance::{Binance, Market};
use crate::event::{Decoded, Event, Frame, InstrumentId, Source};
use crate::units::InstrumentSpec;

/// Depth before the snapshot that is kept, so that a book can join on to it.
const BEFORE_NS: i64 = 2_000_000_000;
/// An instrument is later than the recording by less than this.
const SPREAD_NS: u64 = 100_000_000;
/// Characters of a symbol that number it.
const DIGITS: usize = 3;

struct Recorded {
    at_ns: i64,
    source: Source,
    /// Its bytes in `Crowd::bytes`.
    start: usize,
    end: usize,
    /// Where the symbol stands in it, up to twice; `usize::MAX` is nowhere.
    names: [usize; 2],
}

/// The window, and what it is a window of.
pub struct Crowd {
    bytes: Vec<u8>,
    frames: Vec<Recorded>,
    /// The first frame after the snapshot.
    first: usize,
    pub market: Market,
    pub spec: InstrumentSpec,
}

/// A frame to come: whose, and which.
type Due = Reverse<(i64, InstrumentId, usize)>;

/// The frames of so many instruments one after the other.
pub struct Stream<'a> {
    crowd: &'a Crowd,
    due: BinaryHeap<Due>,
}

impl Crowd {
    /// The `window_ns` after the snapshot of a capture of one instrument.
    ///
    /// # Errors
    /// The capture cannot be read, holds several instruments or no snapshot, or ends within the window.
    pub fn load(path: &str, window_ns: i64) -> Result<Crowd, String> {
        let mut capture = Capture::open(Path::new(path), false).map_err(|e| e.to_string())?;
        let found = capture::discover(&mut capture).map_err(|e| e.to_string())??;
        let [spec] = found.instruments.as_slice() else {
            return Err(format!("{path} holds {} instruments; one is wanted", found.instruments.len()));
        };
        if spec.symbol.len() < DIGITS {
            return Err(format!("{} is too short to be numbered", spec.symbol));
        }
        let dialect = Binance::new(found.market, &found.instruments)?;
        let upper = memmem::Finder::new(spec.symbol.as_bytes());
        let lower = spec.symbol.to_lowercase();
        let lower = memmem::Finder::new(lower.as_bytes());
        let mut crowd =
            Crowd { bytes: Vec::new(), frames: Vec::new(), first: 0, market: found.market, spec: spec.clone() };
        let (mut decoded, mut end_ns) = (Decoded::default(), None);
        while let Some(frame) = capture.next_frame().map_err(|e| e.to_string())? {
            dialect.decode(&frame, &mut decoded);
            let depth = matches!(decoded.event, Event::Depth { .. });
            match (frame.source, end_ns) {
                (Source::Snapshot, None) => {
                    crowd.frames.retain(|f| f.at_ns >= frame.recv_ns - BEFORE_NS);
                    end_ns = Some(frame.recv_ns + window_ns);
                    crowd.first = crowd.frames.len() + 1;
                }
                (Source::Market, None) if depth => {}
                (Source::Market, Some(end_ns)) if frame.recv_ns < end_ns => {}
                (Source::Market, Some(_)) => return Ok(crowd),
                _ => continue,
            }
            let start = crowd.bytes.len();
            crowd.bytes.extend_from_slice(frame.bytes);
            let place = |f: &memmem::Finder<'_>| f.find(frame.bytes).unwrap_or(usize::MAX);
            crowd.frames.push(Recorded {
                at_ns: frame.recv_ns,
                source: frame.source,
                start,
                end: crowd.bytes.len(),
                names: [place(&lower), place(&upper)],
            });
        }
        Err(match end_ns {
            None => format!("{path} has no snapshot"),
            Some(_) => format!("{path} ends less than {} s after its snapshot", window_ns / 1_000_000_000),
        })
    }

    /// Frames of the window.
    pub fn window(&self) -> usize {
        self.frames.len() - self.first
    }

    /// What instrument `id` is called: the symbol with a number for its first letters.
    pub fn specs(&self, count: usize) -> Result<Vec<InstrumentSpec>, String> {
        if count == 0 || count > 10usize.pow(DIGITS as u32) {
            return Err(format!("{count} instruments; from 1 to {} can be named", 10usize.pow(DIGITS as u32)));
        }
        let name = |id| format!("{id:0DIGITS$}{}", &self.spec.symbol[DIGITS..]);
        Ok((0..count).map(|id| InstrumentSpec { symbol: name(id), ..self.spec.clone() }).collect())
    }

    /// Puts frame `n` under the name of `id` behind what is in `into`, and says what it is.
    fn write(&self, n: usize, id: InstrumentId, into: &mut Vec<u8>) -> (Source, u16) {
        let recorded = &self.frames[n];
        let start = into.len();
        into.extend_from_slice(&self.bytes[recorded.start..recorded.end]);
        let digits = [id / 100, id / 10 % 10, id % 10].map(|d| b'0' + d as u8);
        for at in recorded.names.into_iter().filter(|at| *at != usize::MAX) {
            into[start + at..start + at + DIGITS].copy_from_slice(&digits);
        }
        let tag = if recorded.source == Source::Snapshot { id } else { Frame::UNTAGGED };
        (recorded.source, tag)
    }

    /// What brings an instrument's book into sync, its snapshot last; `take` gets each frame.
    pub fn opening(&self, id: InstrumentId, mut take: impl FnMut(&Frame<'_>)) {
        let mut bytes = Vec::new();
        for n in 0..self.first {
            bytes.clear();
            let (source, tag) = self.write(n, id, &mut bytes);
            take(&Frame { source, connection: 0, tag, recv_ns: self.frames[n].at_ns, bytes: &bytes });
        }
    }

    /// The window as `count` instruments.
    pub fn stream(&self, count: usize, seed: u64) -> Stream<'_> {
        let at_ns = |id: usize| self.frames[self.first].at_ns + offset_ns(seed, id);
        Stream { crowd: self, due: (0..count).map(|id| Reverse((at_ns(id), id as InstrumentId, self.first))).collect() }
    }
}

/// A hash of seed and instrument (splitmix64's finalizer), as a time.
fn offset_ns(seed: u64, id: usize) -> i64 {
    let mut x = seed.wrapping_add((id as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) % SPREAD_NS) as i64
}

/// Frames that lie in one buffer, as a socket's reader leaves them.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    frames: Vec<(i64, usize)>,
}

impl Batch {
    pub fn len(&self) -> usize {
        self.frames.len()
    }
    pub fn iter(&self) -> impl Iterator<Item = Frame<'_>> {
        let starts = std::iter::once(0).chain(self.frames.iter().map(|f| f.1));
        starts.zip(&self.frames).map(|(start, (recv_ns, end))| Frame {
            source: Source::Market,
            connection: 0,
            tag: Frame::UNTAGGED,
            recv_ns: *recv_ns,
            bytes: &self.bytes[start..*end],
        })
    }
}

impl Stream<'_> {
    /// The next frames, up to `most`; false at the end.
    pub fn fill(&mut self, batch: &mut Batch, most: usize) -> bool {
        batch.bytes.clear();
        batch.frames.clear();
        while batch.frames.len() < most {
            let Some(Reverse((at_ns, id, n))) = self.due.pop() else { break };
            self.crowd.write(n, id, &mut batch.bytes);
            batch.frames.push((at_ns, batch.bytes.len()));
            if let Some(next) = self.crowd.frames.get(n + 1) {
                let delay_ns = at_ns - self.crowd.frames[n].at_ns;
                self.due.push(Reverse((next.at_ns + delay_ns, id, n + 1)));
            }
        }
        !batch.frames.is_empty()
    }
}
