//! The levels of one instrument.
//!
//! Each side is a directory of pages of 64 consecutive ticks, one bit a level, with two summary bitmaps above the pages.
//! Setting a level is two dependent loads; the next best level after a removal is found by counting zeros in at most a
//! few words. Pages that empty go back to
//! the pool once they are many, so memory follows the levels that exist and not the prices seen.
//! Prices further than [`MAX_PAGES`] pages from the first one (a venue's absurd bids and asks) lie in an ordered map.

use std::collections::BTreeMap;

use crate::bytes::fetch;
use crate::event::{Level, Side, Top};
use crate::units::{Lots, Ticks};

const PAGE_BITS: u32 = 6;
const PAGE: usize = 1 << PAGE_BITS;
/// Directory entries a side may have: 2²⁰ pages are 67 million ticks, 4 MiB.
const MAX_PAGES: usize = 1 << 20;
/// Entries it may grow by at once, or as many as it has if they are more: a price beyond that is nobody's next price.
const REACH: usize = 1 << 12;

#[derive(Clone, Debug)]
struct Page {
    occupied: u64,
    qty: [i64; PAGE],
}

/// One side. Keys are ticks for asks and negated ticks for bids, so that the best level has the lowest key.
#[derive(Clone, Debug)]
struct HalfBook {
    pages: Vec<Page>,
    free: Vec<u32>,
    /// Page number of `directory[0]`.
    base: i64,
    /// 1 + index into `pages`; 0 for a page without levels.
    directory: Vec<u32>,
    /// One bit for each occupied page, and one for each word of `words` that is not zero.
    words: Vec<u64>,
    summary: Vec<u64>,
    far: BTreeMap<i64, i64>,
    /// Lowest occupied key; [`NONE`] without levels.
    best: i64,
    len: usize,
    /// Pages in the directory that hold no level: kept, because a level that went often comes back.
    vacant: usize,
}

/// Above every key.
const NONE: i64 = i64::MAX;
/// Vacant pages that a side may keep, beside one for every sixteen levels.
const VACANT: usize = 32;

impl Default for HalfBook {
    fn default() -> HalfBook {
        HalfBook {
            pages: Vec::new(),
            free: Vec::new(),
            base: 0,
            directory: Vec::new(),
            words: Vec::new(),
            summary: Vec::new(),
            far: BTreeMap::new(),
            best: NONE,
            len: 0,
            vacant: 0,
        }
    }
}

impl HalfBook {
    fn slot(&self, key: i64) -> Option<usize> {
        let index = (key >> PAGE_BITS).wrapping_sub(self.base);
        usize::try_from(index).ok().filter(|i| *i < self.directory.len())
    }

    /// Makes the directory cover the page of `key`; false when that would make it too large.
    #[cold]
    fn cover(&mut self, key: i64) -> bool {
        let page = key >> PAGE_BITS;
        if self.directory.is_empty() {
            self.base = (page - 512) & !63;
            self.resize(0, 1024);
            return true;
        }
        let below = self.base.saturating_sub(page).max(0);
        let above = page.saturating_sub(self.base + self.directory.len() as i64 - 1).max(0);
        let needed = below.max(above);
        if needed == 0 || needed > self.directory.len().max(REACH) as i64 {
            return needed == 0;
        }
        // Grow by at least half, in whole summary words.
        let grow = ((needed as usize).max(self.directory.len() / 2) + 63) & !63;
        if self.directory.len() + grow > MAX_PAGES {
            return false;
        }
        if below > 0 {
            self.resize(grow, 0)
        } else {
            self.resize(0, grow)
        }
        true
    }

    fn resize(&mut self, front: usize, back: usize) {
        let entries = front + self.directory.len() + back;
        let mut directory = Vec::with_capacity(entries);
        directory.resize(front, 0);
        directory.extend_from_slice(&self.directory);
        directory.resize(entries, 0);
        self.base -= front as i64;
        self.words = vec![0; directory.len() / 64];
        self.summary = vec![0; self.words.len().div_ceil(64)];
        self.directory = directory;
        for i in 0..self.directory.len() {
            if self.directory[i] != 0 && self.pages[self.directory[i] as usize - 1].occupied != 0 {
                self.mark(i);
            }
        }
    }

    fn mark(&mut self, i: usize) {
        self.words[i / 64] |= 1 << (i % 64);
        self.summary[i / 4096] |= 1 << (i / 64 % 64);
    }

    fn unmark(&mut self, i: usize) {
        self.words[i / 64] &= !(1 << (i % 64));
        if self.words[i / 64] == 0 {
            self.summary[i / 4096] &= !(1 << (i / 64 % 64));
        }
    }

    fn get(&self, key: i64) -> i64 {
        match self.slot(key) {
            Some(i) => match self.directory[i] {
                0 => 0,
                page => self.pages[page as usize - 1].qty[(key & 63) as usize],
            },
            None => self.far.get(&key).copied().unwrap_or(0),
        }
    }

    /// Asks for the memory of a level that is about to be set.
    #[inline(always)]
    fn expect(&self, key: i64) {
        if let Some(i) = self.slot(key)
            && let Some(page) = self.pages.get((self.directory[i] as usize).wrapping_sub(1))
        {
            fetch(&page.occupied);
            fetch(&page.qty[(key & 63) as usize]);
        }
    }

    /// Sets a level (0 removes it); returns what it was.
    ///
    /// Whether a level comes, goes or changes is a coin toss to a branch predictor, so nothing here branches on it.
    #[inline(always)]
    fn set(&mut self, key: i64, qty: i64) -> i64 {
        let Some(i) = self.slot(key) else { return self.set_outside(key, qty) };
        let entry = self.directory[i];
        let page = match entry {
            0 if qty == 0 => return 0,
            0 => self.new_page(i),
            page => &mut self.pages[page as usize - 1],
        };
        let offset = (key & 63) as usize;
        let was = std::mem::replace(&mut page.qty[offset], qty);
        let (had, has) = (u64::from(was != 0), u64::from(qty != 0));
        let before = page.occupied;
        page.occupied = (before & !(1 << offset)) | has << offset;
        let turned = (before == 0) != (page.occupied == 0);
        self.len = self.len + has as usize - had as usize;
        if turned {
            self.turn(i, before == 0);
        }
        if key <= self.best {
            self.touch(key, qty != 0);
        }
        was
    }

    /// A page has got its first level, or lost its last.
    fn turn(&mut self, i: usize, occupied: bool) {
        if occupied {
            self.vacant -= 1;
            self.mark(i);
        } else {
            self.vacant += 1;
            self.unmark(i);
        }
    }

    /// A level at or before the best one has changed.
    #[inline]
    fn touch(&mut self, key: i64, has: bool) {
        if has {
            self.best = key;
        } else if key == self.best {
            self.best = self.next_from(key).unwrap_or(NONE);
        }
    }

    /// Attaches a page without levels at `i`.
    #[cold]
    fn new_page(&mut self, i: usize) -> &mut Page {
        if self.free.is_empty() && self.vacant > VACANT + self.len / 16 {
            self.sweep();
        }
        let entry = self.free.pop().unwrap_or_else(|| {
            if self.pages.len() == self.pages.capacity() {
                self.pages.reserve_exact(16 + self.pages.len() / 8); // doubling would leave half of it empty
            }
            self.pages.push(Page { occupied: 0, qty: [0; PAGE] });
            self.pages.len() as u32
        });
        self.directory[i] = entry;
        self.vacant += 1;
        &mut self.pages[entry as usize - 1]
    }

    /// Gives the vacant pages back to the pool.
    #[cold]
    fn sweep(&mut self) {
        for entry in &mut self.directory {
            if *entry != 0 && self.pages[*entry as usize - 1].occupied == 0 {
                self.free.push(std::mem::take(entry));
            }
        }
        self.vacant = 0;
    }

    #[cold]
    fn set_outside(&mut self, key: i64, qty: i64) -> i64 {
        if qty != 0 && !self.far.contains_key(&key) && self.cover(key) {
            // The directory has grown: levels it now covers move in, so that a level has one place.
            let low = self.base << PAGE_BITS;
            let high = (self.base + self.directory.len() as i64) << PAGE_BITS;
            let moved: Vec<(i64, i64)> = self.far.range(low..high).map(|(k, q)| (*k, *q)).collect();
            for (k, q) in moved {
                self.far.remove(&k);
                self.len -= 1;
                self.set(k, q);
            }
            return self.set(key, qty);
        }
        let was = if qty == 0 { self.far.remove(&key) } else { self.far.insert(key, qty) }.unwrap_or(0);
        self.len = self.len + usize::from(qty != 0) - usize::from(was != 0);
        if key <= self.best {
            self.touch(key, qty != 0);
        }
        was
    }

    /// The lowest occupied key that is at least `key`.
    fn next_from(&self, key: i64) -> Option<i64> {
        let near = self.next_near(key);
        let far = if self.far.is_empty() { None } else { self.far.range(key..).next().map(|(k, _)| *k) };
        match (near, far) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn next_near(&self, key: i64) -> Option<i64> {
        let first = (self.base) << PAGE_BITS;
        let key = key.max(first);
        let start = self.slot(key)?;
        if self.directory[start] != 0 {
            let rest = self.pages[self.directory[start] as usize - 1].occupied & (u64::MAX << (key & 63));
            if rest != 0 {
                return Some((key & !63) + i64::from(rest.trailing_zeros()));
            }
        }
        let page = self.next_page(start + 1)?;
        let occupied = self.pages[self.directory[page] as usize - 1].occupied;
        Some(((self.base + page as i64) << PAGE_BITS) + i64::from(occupied.trailing_zeros()))
    }

    fn next_page(&self, from: usize) -> Option<usize> {
        let word = from / 64;
        let rest = self.words.get(word)? & (u64::MAX << (from % 64));
        if rest != 0 {
            return Some(word * 64 + rest.trailing_zeros() as usize);
        }
        let from = word + 1;
        let mut s = from / 64;
        let mut bits = self.summary.get(s)? & (u64::MAX << (from % 64));
        while bits == 0 {
            s += 1;
            bits = *self.summary.get(s)?;
        }
        let word = s * 64 + bits.trailing_zeros() as usize;
        Some(word * 64 + self.words[word].trailing_zeros() as usize)
    }

    fn clear(&mut self) {
        // Keeps the directory and the pool: a resynchronised book is about as large as it was.
        for i in 0..self.directory.len() {
            let entry = std::mem::take(&mut self.directory[i]);
            if entry != 0 {
                self.pages[entry as usize - 1] = Page { occupied: 0, qty: [0; PAGE] };
                self.free.push(entry);
            }
        }
        self.words.fill(0);
        self.summary.fill(0);
        self.far.clear();
        self.best = NONE;
        self.len = 0;
        self.vacant = 0;
    }

    fn memory_bytes(&self) -> usize {
        self.pages.capacity() * size_of::<Page>()
            + (self.directory.capacity() + self.free.capacity()) * 4
            + (self.words.capacity() + self.summary.capacity()) * 8
            + self.far.len() * 32
    }
}

/// Bids and asks of one instrument, in ticks and lots. Whether it is true is for its synchroniser to say.
#[derive(Clone, Debug, Default)]
pub struct Book {
    bids: HalfBook,
    asks: HalfBook,
}

#[inline(always)]
fn key(side: Side, px: Ticks) -> i64 {
    match side {
        Side::Buy => -px.0,
        Side::Sell => px.0,
    }
}

impl Book {
    #[must_use]
    pub fn new() -> Book {
        Book::default()
    }

    #[inline(always)]
    fn half(&self, side: Side) -> &HalfBook {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// Asks for the memory of levels that are about to be set. It pays where many books share the caches.
    pub fn expect(&self, side: Side, levels: &[Level]) {
        let half = self.half(side);
        levels.iter().for_each(|l| half.expect(key(side, l.px)));
    }

    /// Sets a level's absolute quantity (0 removes it); returns what it was.
    #[inline(always)]
    pub fn set(&mut self, side: Side, px: Ticks, qty: Lots) -> Lots {
        Lots(match side {
            Side::Buy => self.bids.set(-px.0, qty.0),
            Side::Sell => self.asks.set(px.0, qty.0),
        })
    }

    #[must_use]
    pub fn qty(&self, side: Side, px: Ticks) -> Lots {
        Lots(self.half(side).get(key(side, px)))
    }

    /// Best level of a side.
    #[inline(always)]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Level> {
        let half = self.half(side);
        let best = half.best;
        (best != NONE).then(|| Level { px: Ticks(best * -side.sign()), qty: Lots(half.get(best)) })
    }

    /// Best bid and ask, if both exist and do not cross.
    #[must_use]
    pub fn top(&self) -> Option<Top> {
        let (bid, ask) = (self.best(Side::Buy)?, self.best(Side::Sell)?);
        (bid.px < ask.px).then_some(Top { bid, ask })
    }

    /// Both sides exist and the best bid is at or above the best ask.
    #[must_use]
    pub fn crossed(&self) -> bool {
        self.bids.best != NONE && self.asks.best != NONE && -self.bids.best >= self.asks.best
    }

    /// Copies the best levels of a side, best first; returns how many there were room and levels for.
    pub fn copy_best(&self, side: Side, out: &mut [Level]) -> usize {
        let half = self.half(side);
        let mut n = 0;
        let mut key = half.best;
        while n < out.len() && key != NONE {
            // All of a page's levels at once; a far one alone.
            let page = half.slot(key).map(|i| half.directory[i]).filter(|entry| *entry != 0 && half.far.is_empty());
            let Some(entry) = page else {
                out[n] = Level { px: Ticks(key * -side.sign()), qty: Lots(half.get(key)) };
                n += 1;
                key = half.next_from(key + 1).unwrap_or(NONE);
                continue;
            };
            let page = &half.pages[entry as usize - 1];
            let mut bits = page.occupied & (u64::MAX << (key & 63));
            while bits != 0 && n < out.len() {
                let offset = bits.trailing_zeros() as usize & 63;
                let px = ((key & !63) + offset as i64) * -side.sign();
                out[n] = Level { px: Ticks(px), qty: Lots(page.qty[offset]) };
                bits &= bits - 1;
                n += 1;
            }
            key = half.next_from((key | 63) + 1).unwrap_or(NONE);
        }
        n
    }

    /// Number of levels on both sides.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bids.len + self.asks.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// Heap held by this book.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.bids.memory_bytes() + self.asks.memory_bytes()
    }
}

#[cfg(test)]
mod tests;
