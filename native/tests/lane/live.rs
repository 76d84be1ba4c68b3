//! A lane with a venue behind it: lost answers, lost events, rounds, what is carried over.

use super::venue::Venue;
use super::*;
use _core::cex::orders::first_id;
use _core::event::{Ask, Call, Control, ORDERS, RateKind, USER_DATA};
use _core::lane::{Carry, KeptFill, RateLimit};

pub fn rules() -> LiveRules {
    LiveRules {
        ack_timeout_ms: 500,
        reconcile_every_ms: 60_000,
        countdown_ms: None,
        rates: vec![
            RateLimit { kind: RateKind::Orders, interval_ms: 10_000, limit: 3_000 },
            RateLimit { kind: RateKind::Weight, interval_ms: 60_000, limit: 24_000 },
        ],
        cancel_reserve_bps: 1_000,
        recv_window_ms: 5_000,
        min_notional: vec![],
    }
}

/// A lane, its venue, and what is under way between them.
pub struct Live {
    pub rig: Rig,
    pub venue: Venue,
    pub kept: Vec<KeptFill>,
    /// Calls that nobody has answered, and requests that have not arrived.
    pub calls: Vec<Call>,
    pub requests: Vec<Intent>,
    /// Questions so far.
    pub asked: Vec<Ask>,
}

impl Live {
    pub fn new(rules: LiveRules, kernels: Vec<(Kernel, Vec<InstrumentId>)>) -> Live {
        Live::carrying(rules, &Carry { first_id: first_id(1, 1), ..Carry::default() }, Venue::default(), kernels)
    }

    /// Begins with its opening balance, at a venue that is there already.
    pub fn carrying(rules: LiveRules, carry: &Carry, venue: Venue, kernels: Vec<(Kernel, Vec<InstrumentId>)>) -> Live {
        Live::carrying_at(START, rules, carry, venue, kernels)
    }

    /// The same at another time.
    pub fn carrying_at(
        now: i64,
        rules: LiveRules,
        carry: &Carry,
        venue: Venue,
        kernels: Vec<(Kernel, Vec<InstrumentId>)>,
    ) -> Live {
        let mut rig = Rig::behind(Market::UsdM, 1, limits(1), first_id(1, 1), Some(rules), kernels);
        rig.now = now;
        let (kept, calls, requests, asked) = (vec![], vec![], vec![], vec![]);
        let mut live = Live { rig, venue, kept, calls, requests, asked };
        let bytes = serde_json::to_vec(carry).unwrap();
        live.frame(Source::Carry, 0, &bytes);
        live
    }

    pub fn frame(&mut self, source: Source, connection: u16, bytes: &[u8]) {
        self.tagged(source, connection, Frame::UNTAGGED, bytes);
    }

    fn tagged(&mut self, source: Source, connection: u16, tag: u16, bytes: &[u8]) {
        let asked = self.rig.frame(source, connection, tag, bytes);
        self.requests.extend(asked);
        self.gather();
    }

    fn gather(&mut self) {
        self.asked.extend(self.rig.out.calls.iter().map(|c| c.ask));
        self.calls.append(&mut self.rig.out.calls);
        self.rig.lane.take_kept(&mut self.kept);
    }

    pub fn connect(&mut self) {
        for connection in [ORDERS, USER_DATA] {
            self.frame(Source::Fault, connection, &[Fault::Connected as u8]);
        }
    }

    pub fn private(&mut self, text: &str) {
        self.frame(Source::Private, USER_DATA, text.as_bytes());
    }

    /// Every question is answered, and those that follow.
    pub fn answer_calls(&mut self) {
        while !self.calls.is_empty() {
            for call in std::mem::take(&mut self.calls) {
                let (status, body) = self.venue.on_call(&call);
                self.tagged(Source::Answer, status, call.number, body.as_bytes());
            }
        }
    }

    /// Requests arrive and everything the venue says comes back.
    pub fn settle(&mut self) {
        while !self.requests.is_empty() || !self.calls.is_empty() {
            for i in std::mem::take(&mut self.requests) {
                let (answer, events) = self.venue.on_request(&i);
                self.private(&answer);
                for event in events {
                    self.private(&event);
                }
            }
            self.answer_calls();
        }
    }

    /// Time passes, with every timer that the lane asks for.
    pub fn pass(&mut self, ms: i64, settle: bool) {
        let until = self.rig.now + ms * MS;
        while self.rig.now < until {
            let due = self.rig.lane.next_timer_ns().unwrap_or(i64::MAX).max(self.rig.now + 1);
            self.rig.now = due.min(until);
            self.venue.now_ms = self.rig.now / MS;
            self.frame(Source::Timer, 0, &[]);
            if settle {
                self.settle();
            }
        }
    }

    pub fn book(&mut self) {
        let placed = self.rig.sync(0);
        self.requests.extend(placed);
        self.gather();
    }

    pub fn nudge(&mut self) {
        let placed = self.rig.depth(0, &[(9_000, 1)], &[]);
        self.requests.extend(placed);
        self.gather();
    }

    pub fn ready(&self) -> bool {
        self.rig.lane.gate().unwrap().is_ready()
    }

    /// Our live orders: id, price, what is left.
    pub fn open(&self) -> Vec<(u64, i64, i64)> {
        let orders = self.rig.lane.orders().unwrap();
        let both = [Side::Buy, Side::Sell].into_iter().flat_map(|s| orders.side(0, s));
        let mut open: Vec<_> = both.map(|o| (o.id, o.px().0, o.leaves.0)).collect();
        open.sort_unstable();
        open
    }

    pub fn trades(&self) -> Vec<u64> {
        let mut ids: Vec<_> = self.kept.iter().filter_map(|k| Some(k.trade?.receipt.trade_id)).collect();
        ids.sort_unstable();
        ids
    }
}

/// Connected, reconciled, with a bid and an ask of the maker at the venue.
pub fn quoting(rules: LiveRules) -> Live {
    let mut live = Live::new(rules, vec![(maker(), vec![0])]);
    live.venue.now_ms = START / MS;
    live.connect();
    live.settle();
    assert!(live.ready());
    live.book();
    live.settle();
    assert_eq!(live.open().len(), 2);
    assert_eq!(live.open(), live.venue.open());
    live
}

#[test]
fn nothing_is_placed_before_the_account_is_known() {
    let mut live = Live::new(rules(), vec![(maker(), vec![0])]);
    assert_eq!(live.asked, [Ask::OpenOrders], "asked before anything else");
    live.book();
    assert!(live.requests.is_empty() && !live.ready());
    live.answer_calls();
    live.nudge();
    assert!(live.requests.is_empty(), "no private connection is up");
    live.connect();
    live.nudge();
    assert!(live.requests.is_empty(), "the account was asked for before they came up");
    live.answer_calls();
    live.nudge();
    assert_eq!((live.requests.len(), live.ready()), (2, true));
    live.settle();
    // A lost connection: what rests is cancelled, and nothing placed.
    live.frame(Source::Fault, USER_DATA, &[Fault::Disconnected as u8]);
    assert!(only_cancels(&live.requests) && live.requests.len() == 2);
    live.settle();
    live.nudge();
    assert!(live.requests.is_empty() && !live.ready());
    live.frame(Source::Fault, USER_DATA, &[Fault::Connected as u8]);
    live.settle();
    live.nudge();
    assert_eq!((live.requests.len(), live.ready()), (2, true));
}

#[test]
fn an_order_whose_answer_is_lost_is_asked_for() {
    let mut live = Live::new(rules(), vec![(maker(), vec![0])]);
    live.connect();
    live.settle();
    live.book();
    let placed = std::mem::take(&mut live.requests);
    live.venue.now_ms = live.rig.now / MS;
    live.venue.on_request(&placed[0]); // it arrives, its answer does not; the other one never arrives
    live.pass(499, false);
    assert!(live.calls.is_empty());
    live.pass(2, false);
    let asked: Vec<Ask> = live.calls.iter().map(|c| c.ask).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked.contains(&Ask::Order(placed[0].id)) && asked.contains(&Ask::Order(placed[1].id)));
    live.answer_calls();
    let state = |live: &Live, i: &Intent| live.rig.lane.orders().unwrap().get(i.id).unwrap().state();
    use _core::cex::orders::State;
    assert_eq!(state(&live, &placed[0]), State::Open, "the venue has it");
    assert_eq!(state(&live, &placed[1]), State::Unknown, "it may still be on its way");
    live.pass(7_000, true);
    assert_eq!(state(&live, &placed[1]), State::Closed, "it can no longer come");
    assert_eq!(live.open(), live.venue.open());
}

#[test]
fn a_cancel_that_overtakes_its_place_proves_nothing() {
    let mut live = Live::new(rules(), vec![(maker(), vec![0])]);
    live.connect();
    live.settle();
    live.book();
    let placed = std::mem::take(&mut live.requests);
    live.frame(Source::Control, 0, &[Control::Stop as u8]);
    for cancel in std::mem::take(&mut live.requests) {
        live.private(&Venue::refused(&cancel, -2011, "Unknown order sent."));
    }
    assert_eq!((live.open().len(), live.rig.lane.is_done()), (2, false), "they may still come");
    live.venue.now_ms = live.rig.now / MS;
    live.venue.on_request(&placed[0]); // and one does
    live.pass(9_000, true);
    assert!(live.venue.orders.len() == 1 && live.venue.open().is_empty());
    assert!(live.rig.lane.is_done(), "{:?}", live.rig.lane.left());
}

#[test]
fn a_fill_whose_event_is_lost_is_booked_once() {
    let mut live = quoting(rules());
    let event = live.venue.fill(0, 1);
    live.pass(60_000, true);
    assert_eq!((live.rig.position(0), live.trades()), (1, vec![3]));
    live.private(&event);
    assert_eq!((live.rig.position(0), live.trades()), (1, vec![3]), "late, and known");
    // The other way round: the event first, the answer after it.
    let event = live.venue.fill(1, 1);
    live.private(&event);
    live.pass(60_000, true);
    assert_eq!((live.rig.position(0), live.trades()), (0, vec![3, 6]));
    assert_eq!((live.open(), live.rig.state()), (live.venue.open(), SwitchState::Active));
}

#[test]
fn an_order_of_an_earlier_run_is_taken_over_and_cancelled() {
    let mut venue = Venue { now_ms: START / MS, ..Venue::default() };
    let old = venue.add(first_id(1, 7), Side::Buy, 9_990, 5);
    venue.fill(old, 2);
    venue.add(0, Side::Sell, 10_100, 1); // a person's
    let carry = Carry { first_id: first_id(1, 1 + (1 << 30)), ..Carry::default() };
    let mut live = Live::carrying(rules(), &carry, venue, vec![(maker(), vec![0])]);
    live.connect();
    let answered: Vec<Call> = std::mem::take(&mut live.calls);
    for call in answered {
        let (status, body) = live.venue.on_call(&call);
        live.tagged(Source::Answer, status, call.number, body.as_bytes());
    }
    assert_eq!(said(&live.requests), [(Action::Cancel, Side::Buy, 9_990, 5)]);
    live.pass(3_000, true);
    assert!(live.ready());
    assert_eq!(live.rig.position(0), 2, "what the venue held before us is ours from now on");
    assert_eq!((live.open().len(), live.venue.open().len()), (0, 1), "the person's order is left alone");
    let status = live.rig.lane.account_status().unwrap();
    assert!(status.counts.adopted == 1 && status.foreign >= 1);
    live.book();
    assert!(live.requests.iter().all(|i| i.id >= carry.first_id));
}

#[test]
fn a_position_that_differs_three_times_halts() {
    let mut live = quoting(rules());
    live.venue.position += 4;
    live.pass(59_900, true);
    assert_eq!(live.rig.state(), SwitchState::Active);
    live.pass(5_000, true);
    assert_eq!((live.rig.state(), live.rig.cause()), (SwitchState::Halted, Some(Cause::Position)));
    assert_eq!(live.rig.switch.state(), SwitchState::Halted);
    assert!(live.rig.lane.gate().unwrap().reason().unwrap().text.contains("400000 x 10^-8"));
    assert!(live.open().is_empty() && live.venue.open().is_empty());
}

#[test]
fn a_venue_that_refuses_to_answer_is_asked_again() {
    let mut live = Live::new(rules(), vec![(maker(), vec![0])]);
    live.connect();
    for (n, status) in [0u16, 503, 429, 400].into_iter().enumerate() {
        let call = live.calls.pop().unwrap();
        let body = if status == 400 { "{\"code\":-1021,\"msg\":\"Timestamp for this request\"}" } else { "" };
        live.tagged(Source::Answer, status, call.number, body.as_bytes());
        assert!(live.calls.is_empty());
        live.pass(100 << n, false);
        assert_eq!(live.calls.len(), 1, "after {status}");
    }
    live.pass(100, true);
    live.settle();
    assert!(live.ready());
    assert_eq!(live.rig.lane.account_status().unwrap().refused, 4);
}
