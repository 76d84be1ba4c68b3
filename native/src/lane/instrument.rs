//! What a lane keeps of one instrument.

use super::quality::Agreement;
use crate::cex::book::Book;
use crate::cex::features::{FeatureConfig, Features, MAX_LEVELS};
use crate::cex::kernel::{DEPTH, View};

const _: () = assert!(MAX_LEVELS <= DEPTH);
const _: () = assert!(std::mem::offset_of!(Instrument, agreement) + Agreement::HOT <= 128);
use crate::bytes::fetch;
use crate::cex::sync::{ChainRules, Synchroniser};
use crate::cex::venues::binance::Kind;
use crate::event::{ConnectionId, Level, Side, Top};
use crate::units::{InstrumentSpec, Lots, Ticks};

/// The venue's best bid and offer message, newest first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    pub id: u64,
    pub bid: Level,
    pub ask: Level,
}

/// In this order, what a bookTicker changes is the first two cache lines: see [`Instrument::expect`].
#[repr(C, align(64))]
pub struct Instrument {
    /// Raised whenever something a view shows of the market, or of our orders, has changed.
    pub market_version: u64,
    pub quote: Option<Quote>,
    pub agreement: Agreement,
    pub last_trade: Option<(Ticks, Lots, Side)>,
    /// The same for the book alone.
    pub book_version: u64,
    pub orders_version: u64,
    /// Present only while the book is in sync and not crossed.
    pub top: Option<Top>,
    /// Depth levels seen (bids and asks, snapshots not counted).
    pub level_updates: u64,
    /// Where its depth comes from, once some has.
    pub connection: Option<ConnectionId>,
    pub sync: Synchroniser,
    pub book: Book,
    /// The best levels of bids and of asks as of the last change of the book, up to [`DEPTH`] each.
    best: [Vec<Level>; 2],
    levels: usize,
    pub features: Features,
    pub spec: InstrumentSpec,
}

impl Instrument {
    pub fn new(spec: &InstrumentSpec, rules: ChainRules, features: &FeatureConfig) -> Result<Instrument, String> {
        Ok(Instrument {
            spec: spec.clone(),
            book: Book::new(),
            sync: Synchroniser::new(rules),
            features: Features::new(features)?,
            levels: features.levels,
            connection: None,
            top: None,
            best: [Vec::with_capacity(DEPTH), Vec::with_capacity(DEPTH)],
            quote: None,
            agreement: Agreement::default(),
            last_trade: None,
            level_updates: 0,
            market_version: 1,
            book_version: 1,
            orders_version: 1,
        })
    }

    /// A message of a kind is about to be applied: asks for the memory that it will change. Where many instruments share
    /// the caches, it is then on its way while the message's numbers are read.
    #[inline(always)]
    pub fn expect(&self, kind: Kind) {
        fetch(&self.market_version);
        self.agreement.expect();
        match kind {
            Kind::Trade => {
                fetch(&self.last_trade);
                self.features.expect_trade();
            }
            Kind::Depth => {
                fetch(&self.sync);
                fetch(&self.book);
                fetch(&self.best);
                fetch(&self.features);
                fetch(&self.top);
            }
            _ => {}
        }
    }

    /// The best levels of a side as of the last change of the book.
    #[must_use]
    pub fn best(&self, side: Side) -> &[Level] {
        &self.best[side as usize]
    }

    /// Updates the features from a book in sync.
    pub fn update_features(&mut self, now_ns: i64) {
        let [bids, asks] = [&self.best[0], &self.best[1]].map(|side| &side[..side.len().min(self.levels)]);
        self.features.on_book(now_ns, bids, asks);
    }

    /// Takes the book's Top and best levels after it has changed.
    pub fn take_best(&mut self) {
        self.top = self.book.top();
        for (side, best) in [Side::Buy, Side::Sell].into_iter().zip(&mut self.best) {
            best.resize(DEPTH, Level::default());
            let n = self.book.copy_best(side, best);
            best.truncate(n);
        }
        self.market_version += 1;
        self.book_version += 1;
    }

    /// The book has lost its Top: nothing that is shown or computed may bridge the hole.
    pub fn lose_top(&mut self) {
        self.top = None;
        self.features.reset_book();
        self.market_version += 1;
        self.book_version += 1;
    }

    /// Writes the market's part of a view: the book's levels only when `book` says they have changed. `stale`: the
    /// book is older than its limit, so it has no Top.
    pub fn show_market(&self, view: &mut View, book: bool, stale: bool) {
        let top = if stale { None } else { self.top };
        let none = Level::default();
        if book {
            view.has_top = i64::from(top.is_some());
            let (bid, ask) = top.map_or((none, none), |t| (t.bid, t.ask));
            (view.bid_px, view.bid_qty, view.ask_px, view.ask_qty) = (bid.px.0, bid.qty.0, ask.px.0, ask.qty.0);
            for (side, best) in self.best.iter().enumerate() {
                let levels: &[Level] = if top.is_some() { best } else { &[] };
                let (count, pxs, qtys) = match side {
                    0 => (&mut view.n_bids, &mut view.bid_pxs, &mut view.bid_qtys),
                    _ => (&mut view.n_asks, &mut view.ask_pxs, &mut view.ask_qtys),
                };
                *count = levels.len() as i64;
                for (i, (px, qty)) in pxs.iter_mut().zip(qtys).enumerate() {
                    let level = levels.get(i).copied().unwrap_or(none);
                    (*px, *qty) = (level.px.0, level.qty.0);
                }
            }
        }
        let fresh = match (self.quote, self.sync.last_id()) {
            (Some(q), Some(id)) => q.id > id && top.is_some(),
            _ => false,
        };
        view.quote_fresh = i64::from(fresh);
        let (bid, ask) = self.quote.map_or((none, none), |q| (q.bid, q.ask));
        (view.quote_bid_px, view.quote_bid_qty) = (bid.px.0, bid.qty.0);
        (view.quote_ask_px, view.quote_ask_qty) = (ask.px.0, ask.qty.0);
        let (px, qty, side) = self.last_trade.map_or((0, 0, 0), |(p, q, s)| (p.0, q.0, s.sign()));
        (view.trade_px, view.trade_qty, view.trade_side) = (px, qty, side);
        view.features = *self.features.values();
    }
}
