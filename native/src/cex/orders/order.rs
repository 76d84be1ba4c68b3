//! One order as the lane knows it, and what a receipt may change of it.

use crate::cex::reconcile::Held;
use crate::event::{Action, ClientId, InstrumentId, Intent, KernelId, Side, TimeInForce};
use crate::units::{Lots, Ticks};

/// An order of unknown fate is cancelled again after so long.
pub const CANCEL_AGAIN_NS: i64 = 100_000_000;

/// Where an order stands. The last request that is unanswered wins: a cancel over a replace over a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum State {
    PendingNew = 1,
    Open = 2,
    PendingCancel = 3,
    /// [`Order::target`] says what it is to become.
    PendingReplace = 4,
    /// Nobody answered: it counts at its worst until it is proven dead.
    Unknown = 5,
    /// Remembered only for fills that are late.
    Closed = 6,
}

/// What an order is, or is asked to become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    pub px: Ticks,
    /// Total, with `base` in it.
    pub qty: Lots,
    /// Lots that were filled when these terms were asked for.
    pub base: Lots,
}

impl Terms {
    /// The quantity that was to rest at `px` when these terms were asked for.
    #[must_use]
    pub fn original(&self) -> Lots {
        Lots(self.qty.0 - self.base.0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    pub id: ClientId,
    pub terms: Terms,
    /// Of the last place or replace, whatever its answer; see [`Order::target`].
    pub(super) asked: Terms,
    pub filled: Lots,
    pub leaves: Lots,
    pub kernel: KernelId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub tif: TimeInForce,
    pub reduce_only: bool,
    /// Cancels without an answer.
    pub(super) cancelling: u32,
    pub(super) replacing: bool,
    pub(super) unsure: bool,
    pub(super) closed: bool,
    /// `recv_ns` of the proof that it is no more.
    pub closed_ns: Option<i64>,
    pub placed_ns: i64,
    /// When its last cancel, and its last place or replace, were decided.
    pub(super) cancel_ns: i64,
    pub(super) asked_ns: i64,
    /// No cancel is wanted before this.
    pub(super) held_ns: i64,
    /// Of an order of an earlier run: the venue's time of its last change when it was found; what had filled by then is
    /// in `filled`.
    pub adopted_ns: Option<i64>,
    /// `recv_ns` of the first proof that the venue has it.
    pub accepted_ns: Option<i64>,
    /// Lots ahead when it joined its level; −1 where the venue does not say.
    pub queue_joined: i64,
    /// Matching-engine times of the last replace, the last refused change and the last receipt of any kind: an older
    /// answer is no answer to a later request.
    pub(super) replaced_ns: i64,
    pub(super) refused_ns: i64,
    pub(super) latest_ns: i64,
}

impl Order {
    #[must_use]
    pub fn state(&self) -> State {
        match self {
            Order { closed: true, .. } => State::Closed,
            Order { unsure: true, .. } => State::Unknown,
            Order { cancelling: 1.., .. } => State::PendingCancel,
            Order { replacing: true, .. } => State::PendingReplace,
            Order { accepted_ns: None, .. } => State::PendingNew,
            _ => State::Open,
        }
    }
    #[must_use]
    pub fn px(&self) -> Ticks {
        self.terms.px
    }
    /// Total quantity: `filled + leaves` while it lives.
    #[must_use]
    pub fn qty(&self) -> Lots {
        self.terms.qty
    }
    /// The most that may still fill, whichever unanswered request is granted.
    #[must_use]
    pub fn worst_leaves(&self) -> Lots {
        if self.closed { Lots(0) } else { Lots(self.terms.qty.0.max(self.target().qty.0) - self.filled.0) }
    }
    /// What it is once an unanswered replace is granted; `terms` where there is none.
    #[must_use]
    pub fn target(&self) -> Terms {
        if self.replacing { self.asked } else { self.terms }
    }
    /// The least that is open at the venue unless it filled more than has come.
    pub(super) fn least_leaves(&self) -> i64 {
        self.terms.qty.0.min(self.target().qty.0) - self.filled.0
    }

    /// It may rest at the venue and no cancel of it is under way; or its fate is unknown, and a cancel, whose answer
    /// tells it, has not been sent for [`CANCEL_AGAIN_NS`]. An immediate order is gone by itself.
    #[must_use]
    pub fn cancel_wanted(&self, now_ns: i64) -> bool {
        let rests = matches!(self.tif, TimeInForce::Gtc | TimeInForce::Gtx);
        let waited = now_ns.saturating_sub(self.cancel_ns) >= CANCEL_AGAIN_NS;
        !self.closed && now_ns >= self.held_ns && if self.unsure { waited } else { rests && self.cancelling == 0 }
    }
    /// Whether the request of this kind that was decided at `sent_ns` is still without an answer, and nobody has said so.
    #[must_use]
    pub fn awaits(&self, action: Action, sent_ns: i64) -> bool {
        let open = match action {
            Action::Place => self.accepted_ns.is_none() && self.asked_ns == sent_ns,
            Action::Replace => self.replacing && self.asked_ns == sent_ns,
            Action::Cancel => self.cancelling > 0 && self.cancel_ns == sent_ns,
        };
        open && !self.closed
    }
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }
    #[must_use]
    pub fn is_unsure(&self) -> bool {
        self.unsure && !self.closed
    }
    /// Whether a cancel of it has no answer.
    #[must_use]
    pub fn is_cancelling(&self) -> bool {
        self.cancelling > 0
    }
    /// As a comparison with the venue needs it.
    #[must_use]
    pub fn held(&self) -> Held {
        Held {
            id: self.id,
            instrument: self.instrument,
            side: self.side,
            terms: (self.terms.px, self.terms.qty),
            asked: (self.asked.px, self.asked.qty),
            filled: self.filled,
            accepted: self.accepted_ns.is_some(),
            cancelling: self.cancelling,
            replacing: self.replacing,
            unsure: self.unsure,
            sent_ns: self.asked_ns.max(self.cancel_ns),
            adopted_ns: self.adopted_ns,
        }
    }
    /// The intent that cancels it.
    #[must_use]
    pub fn cancel(&self, now_ns: i64) -> Intent {
        Intent {
            id: self.id,
            kernel: self.kernel,
            instrument: self.instrument,
            action: Action::Cancel,
            side: self.side,
            tif: self.tif,
            reduce_only: self.reduce_only,
            px: self.px(),
            qty: self.qty(),
            decided_ns: now_ns,
        }
    }

    /// True the first time.
    pub(super) fn acknowledge(&mut self, recv_ns: i64) -> bool {
        let first = self.accepted_ns.is_none();
        self.accepted_ns = self.accepted_ns.or(Some(recv_ns));
        first
    }
    /// The replace is granted.
    pub(super) fn adopt(&mut self) {
        self.terms = self.asked;
        self.set_total(self.asked.qty.0);
    }
    pub(super) fn set_total(&mut self, total: i64) {
        self.terms.qty = Lots(total.max(self.filled.0));
        self.leaves = Lots(self.terms.qty.0 - self.filled.0);
    }
    /// The fate is known again once no request is unanswered.
    pub(super) fn settle(&mut self) {
        self.unsure &= self.cancelling > 0 || self.replacing;
    }
}

/// Why an intent is not admitted; it must not be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestError {
    /// `capacity` orders are alive.
    Full,
    /// Zero, or the id of an order that is remembered.
    IdTaken,
    /// Not positive, or for a replace not more than is filled already.
    Quantity,
    /// No such order is alive.
    NotAlive,
    /// A replace of an order with an unanswered request.
    InFlight,
}

impl std::fmt::Display for RequestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            RequestError::Full => "as many orders are alive as the record holds: raise its capacity or cancel some",
            RequestError::IdTaken => "the order id is zero or in use: take it from next_id",
            RequestError::Quantity => "the quantity must be positive, and of a replace more than is filled already",
            RequestError::NotAlive => "no such order is alive",
            RequestError::InFlight => "the order has an unanswered request: replace it once it is answered",
        })
    }
}
impl std::error::Error for RequestError {}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    pub qty: Lots,
    /// The order's first fill.
    pub first: bool,
    /// The order is no more after it.
    pub last: bool,
    /// Since the first proof that the venue has it.
    pub since_accepted_ns: i64,
}

/// Why a receipt changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Ignored {
    /// A fill with a trade id that is counted already.
    Duplicate = 1,
    /// It says what is known already, or answers what was answered.
    Late = 2,
    UnknownId = 3,
    /// Another instrument or side than the order's, or a quantity that is none.
    Mismatch = 4,
}

/// What a receipt changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Applied {
    /// First proof that the venue has it.
    pub opened: bool,
    pub replaced: bool,
    pub filled: Option<Fill>,
    pub closed: bool,
    pub ignored: Option<Ignored>,
    /// It cannot be true together with what was known; a fill in it is counted in full all the same.
    pub contradiction: bool,
}

impl Applied {
    pub(super) fn ignored(why: Ignored) -> Applied {
        Applied { ignored: Some(why), ..Applied::default() }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub duplicates: u64,
    pub late: u64,
    /// Fills of orders that were closed before them: counted in full.
    pub late_fills: u64,
    pub unknown_ids: u64,
    /// Receipts whose `leaves` prove a fill that has not come.
    pub missing: u64,
    pub contradictions: u64,
}
