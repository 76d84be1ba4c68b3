//! How far a book built from depth agrees with the venue's own best bid and offer.
//!
//! bookTicker and depth come on streams of their own, so either may be ahead. A Top after depth event `u` is compared
//! with the last bookTicker whose id is at most `u`, once a bookTicker beyond `u` (or the end) shows that no other
//! can come.

use std::collections::VecDeque;

use crate::bytes::fetch;
use crate::event::{Level, Top};

/// Quotes or Tops kept while the other stream is behind: at most 160 KiB an instrument.
const KEEP: usize = 2048;

#[derive(Clone, Copy, Debug)]
struct Mark {
    id: u64,
    bid: Level,
    ask: Level,
}

/// Agreement of one book with its bookTicker. What a bookTicker looks at stands first.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Agreement {
    quotes: VecDeque<Mark>,
    tops: VecDeque<Mark>,
    /// The last quote that is older than all in `quotes`.
    before: Option<Mark>,
    /// Tops compared, and those equal in price and quantity on both sides.
    pub checked: u64,
    pub matched: u64,
    /// Tops that no bookTicker precedes, or that waited too long for one.
    pub unchecked: u64,
}

impl Agreement {
    /// Its first bytes, which each bookTicker looks at.
    pub const HOT: usize = std::mem::offset_of!(Agreement, before);

    /// A bookTicker is about to come: asks for the memory that it will change.
    #[inline(always)]
    pub fn expect(&self) {
        fetch(&self.quotes);
        fetch(&self.tops);
        if let Some(last) = self.quotes.back() {
            fetch(last);
        }
    }

    /// A bookTicker.
    #[inline(always)]
    pub fn on_quote(&mut self, id: u64, bid: Level, ask: Level) {
        if self.quotes.back().is_some_and(|q| q.id > id) {
            return; // older than one we have: it changes nothing
        }
        if self.quotes.len() == KEEP {
            self.before = self.quotes.pop_front();
        }
        self.quotes.push_back(Mark { id, bid, ask });
        if !self.tops.is_empty() {
            self.settle(id);
        }
    }

    /// The book's Top after the depth event `id`.
    pub fn on_top(&mut self, id: u64, top: &Top) {
        if self.tops.len() == KEEP {
            self.tops.pop_front();
            self.unchecked += 1;
        }
        self.tops.push_back(Mark { id, bid: top.bid, ask: top.ask });
        if let Some(last) = self.quotes.back() {
            self.settle(last.id);
        }
    }

    /// Compares the Tops that no later bookTicker can concern: those before `newest`.
    fn settle(&mut self, newest: u64) {
        while let Some(top) = self.tops.front().copied().filter(|t| t.id < newest) {
            self.tops.pop_front();
            self.compare(top);
        }
    }

    fn compare(&mut self, top: Mark) {
        while let Some(quote) = self.quotes.front().copied().filter(|q| q.id <= top.id) {
            self.before = Some(quote);
            self.quotes.pop_front();
        }
        match self.before.filter(|q| q.id <= top.id) {
            Some(q) => {
                self.checked += 1;
                self.matched += u64::from(q.bid == top.bid && q.ask == top.ask);
            }
            None => self.unchecked += 1,
        }
    }

    /// No more will come: compares what is left.
    pub fn finish(&mut self) {
        while let Some(top) = self.tops.pop_front() {
            self.compare(top);
        }
    }
}
