//! The lane and its ways out: every frame goes through [`Core::step`], and what the lane decided on it leaves before the
//! next one is looked at.

mod asking;

use std::collections::VecDeque;
use std::sync::Arc;

use memchr::memmem;
use serde_json::json;

use super::account::{Account, Incoming, Sending, WRONG_TIME, Which};
use super::meter::{Meter, Part};
use super::notices::Notices;
use super::paper::Paper;
use super::rest::{RestClient, Snapshots};
use crate::cex::venues::binance_rest::Rest;
use crate::clock::{WallClock, stopwatch_ns};
use crate::event::{
    Call, ConnectionId, Control, Decoded, Fault, Frame, InstrumentId, ORDERS, Receipt, Side, Source, Wire,
};
use crate::lane::{CarryFile, Decoder, KeptFill, Lane, LaneFill, Outbox};
use crate::risk::switch::{Cause, Switch, SwitchState};
use crate::sim::backtest::turned_away;

const NS_PER_MS: i64 = 1_000_000;
const SECOND_NS: i64 = 1_000 * NS_PER_MS;
/// The venue's time is asked this often.
const TIME_EVERY_NS: i64 = 60 * SECOND_NS;
/// Requests that could not be sent are told to the lane at most this many at a time, so that a kernel that answers
/// each with a new one cannot keep the thread from its sockets.
const REFUSED_AT_ONCE: usize = 64;

/// Where requests go.
pub enum Way {
    /// Nowhere: the lane only records.
    Nowhere,
    Paper(Box<Paper>),
    Venue(Box<Account>),
}

pub struct Core {
    pub lane: Lane,
    decoder: Decoder,
    decoded: Decoded,
    outbox: Outbox,
    pub clock: WallClock,
    pub way: Way,
    pub meter: Meter,
    pub notices: Arc<Notices>,
    /// Makes REST requests.
    make: Rest,
    /// Snapshots and time; and what concerns the account, so that neither waits for the other.
    pub public: RestClient,
    pub private: RestClient,
    pub snapshots: Snapshots,
    /// By instrument: its feed is up. A snapshot without a feed would make a book that nothing keeps.
    fed: Vec<bool>,
    /// Weight that snapshots may use in a minute.
    snapshot_weight: u32,
    /// The venue wants no request before this.
    throttled_ns: i64,
    time_due_ns: i64,
    time_asked_ns: i64,
    asking_time: bool,
    /// Calls that wait until the venue's time is known.
    calls: VecDeque<Call>,
    calls_under_way: usize,
    /// Requests that never left.
    refused: VecDeque<Receipt>,
    pub unsent: u64,
    /// What survives this process; mode live has it.
    carry: Option<CarryFile>,
    kept: Vec<KeptFill>,
    switch: Arc<Switch>,
    fills: Vec<LaneFill>,
    /// By instrument.
    pub fill_counts: Vec<u64>,
    wire: Vec<u8>,
    buffer: Vec<u8>,
}

/// What a core is made of.
pub struct Parts {
    pub lane: Lane,
    pub clock: WallClock,
    pub way: Way,
    pub notices: Arc<Notices>,
    pub make: Rest,
    pub public: RestClient,
    pub private: RestClient,
    pub snapshot_weight: u32,
    pub carry: Option<CarryFile>,
    pub switch: Arc<Switch>,
}

impl Core {
    #[must_use]
    pub fn new(p: Parts) -> Core {
        Core {
            decoder: p.lane.decoder(),
            decoded: Decoded::default(),
            outbox: Outbox::default(),
            clock: p.clock,
            way: p.way,
            meter: Meter::default(),
            notices: p.notices,
            make: p.make,
            public: p.public,
            private: p.private,
            snapshots: Snapshots::default(),
            fed: vec![false; p.lane.instruments().len()],
            snapshot_weight: p.snapshot_weight,
            throttled_ns: i64::MIN,
            time_due_ns: i64::MIN,
            time_asked_ns: i64::MIN,
            asking_time: false,
            calls: VecDeque::new(),
            calls_under_way: 0,
            refused: VecDeque::new(),
            unsent: 0,
            carry: p.carry,
            kept: Vec::new(),
            switch: p.switch,
            fills: Vec::new(),
            fill_counts: vec![0; p.lane.instruments().len()],
            wire: Vec::with_capacity(256),
            buffer: Vec::with_capacity(64 << 10),
            lane: p.lane,
        }
    }

    /// Steps the lane and sends what it decided. `read_ns`: stopwatch just before the bytes were read.
    #[inline]
    pub fn step(&mut self, frame: &Frame<'_>, read_ns: i64) {
        if let Way::Paper(paper) = &mut self.way
            && matches!(frame.source, Source::Market | Source::Snapshot)
        {
            self.decoder.decode(frame, &mut self.decoded);
            paper.on_market(&self.decoded, frame.recv_ns);
        }
        let begun = stopwatch_ns();
        self.lane.step(frame, &mut self.outbox);
        if !self.outbox.requests.is_empty() {
            let stepped = stopwatch_ns();
            let took = self.send(frame.recv_ns);
            self.measure(read_ns, begun, stepped, took);
        }
        if self.lane.has_kept() {
            self.keep(frame.recv_ns);
        }
        if self.lane.has_fills() {
            self.count_fills();
        }
        if !self.outbox.calls.is_empty() || !self.outbox.snapshots_wanted.is_empty() {
            self.note_wishes(frame.recv_ns);
        }
    }

    fn measure(&mut self, read_ns: i64, begun: i64, stepped: i64, took: Sending) {
        let (marks, meter) = (&self.lane.marks, &mut self.meter);
        // Requests that no kernel asked for (cancels of a stale book, say) have no kernel's time.
        let kernel_ns = if marks.kernel_ns == 0 { stepped } else { marks.kernel_ns };
        meter.add(Part::Total, stopwatch_ns() - read_ns);
        meter.add(Part::Wait, begun - read_ns);
        meter.add(Part::Decode, marks.decoded_ns - begun);
        meter.add(Part::Book, kernel_ns - marks.decoded_ns);
        meter.add(Part::Kernel, marks.in_kernels_ns);
        meter.add(Part::Gate, stepped - kernel_ns - marks.in_kernels_ns);
        meter.add(Part::Encode, took.encode_ns);
        meter.add(Part::Write, took.write_ns);
    }

    fn send(&mut self, now_ns: i64) -> Sending {
        let mut took = Sending::default();
        for request in self.outbox.requests.drain(..) {
            let intent = request.intent();
            let sent = match &mut self.way {
                Way::Nowhere => Err("nothing is sent in this mode".to_string()),
                Way::Paper(paper) => {
                    paper.send(intent, now_ns);
                    Ok(())
                }
                Way::Venue(account) => account.send(intent, now_ns, &self.make, Some(&mut self.private), &mut took),
            };
            if let Err(why) = sent {
                self.unsent += 1;
                if self.unsent == 1 {
                    self.notices.say(now_ns, "request not sent", json!({"order": intent.id, "why": why}));
                }
                self.refused.push_back(turned_away(intent, now_ns));
            }
        }
        took
    }

    /// Writes what must survive this process. Where that fails nothing more is risked: what is not kept could be booked
    /// twice, or not at all, by the next run.
    fn keep(&mut self, now_ns: i64) {
        self.lane.take_kept(&mut self.kept);
        let Some(file) = &mut self.carry else { return self.kept.clear() };
        for kept in self.kept.drain(..) {
            if let Err(why) = file.append(&kept) {
                self.switch.trip(SwitchState::Reducing, Cause::Tape, &why, now_ns);
                self.notices.say(now_ns, "fill not kept", json!({"why": why}));
            }
        }
    }

    fn count_fills(&mut self) {
        self.lane.take_fills(&mut self.fills);
        for fill in self.fills.drain(..) {
            if let Some(count) = self.fill_counts.get_mut(usize::from(fill.receipt.instrument)) {
                *count += 1;
            }
        }
    }

    fn note_wishes(&mut self, now_ns: i64) {
        for instrument in self.outbox.snapshots_wanted.drain(..) {
            if self.fed.get(usize::from(instrument)).is_some_and(|fed| *fed) {
                self.snapshots.want(instrument, now_ns);
            }
        }
        self.calls.extend(self.outbox.calls.drain(..));
    }

    /// The feed of these books has come up, or is gone. Events are buffered while the snapshot is on its way.
    pub fn feed(&mut self, books: &[InstrumentId], up: bool, now_ns: i64) {
        for book in books {
            if let Some(fed) = self.fed.get_mut(usize::from(*book)) {
                *fed = up;
            }
            if up { self.snapshots.want(*book, now_ns) } else { self.snapshots.forget(*book) }
        }
    }

    /// Steps the lane with a frame of this thread's own making.
    pub fn own(&mut self, source: Source, connection: ConnectionId, bytes: &[u8], now_ns: i64) {
        let frame = Frame { source, connection, tag: Frame::UNTAGGED, recv_ns: now_ns, bytes };
        self.step(&frame, stopwatch_ns());
    }

    pub fn fault(&mut self, fault: Fault, connection: ConnectionId, now_ns: i64) {
        self.own(Source::Fault, connection, &[fault as u8], now_ns);
    }

    pub fn control(&mut self, control: Control, now_ns: i64) {
        self.own(Source::Control, 0, &[control as u8], now_ns);
    }

    /// Tells the lane of requests that never left.
    pub fn settle(&mut self, now_ns: i64) {
        for _ in 0..REFUSED_AT_ONCE {
            let Some(receipt) = self.refused.pop_front() else { return };
            self.order(&receipt, now_ns);
        }
    }

    fn order(&mut self, receipt: &Receipt, now_ns: i64) {
        let mut wire = std::mem::take(&mut self.wire);
        wire.clear();
        receipt.put(&mut wire);
        self.own(Source::Order, ORDERS, &wire, now_ns);
        self.wire = wire;
    }

    /// Receipts of the simulated exchange that have come back.
    pub fn paper_turn(&mut self, now_ns: i64) {
        while let Way::Paper(paper) = &mut self.way
            && let Some(receipt) = paper.receipt(now_ns)
        {
            self.order(&receipt, now_ns);
        }
    }

    pub fn timer_turn(&mut self, now_ns: i64) {
        if self.lane.next_timer_ns().is_some_and(|due| due <= now_ns) {
            self.own(Source::Timer, 0, &[], now_ns);
        }
    }

    /// Reads the private connections.
    pub fn account_turn(&mut self, now_ns: i64) {
        for which in [Which::Orders, Which::User] {
            let Way::Venue(account) = &mut self.way else { return };
            let Some(link) = account.link(which) else { continue };
            let read_ns = stopwatch_ns();
            link.ws.drive(now_ns);
            let (serves, recv_ns) = (link.serves, self.clock.now_ns());
            if which == Which::Orders && account.greet(now_ns) {
                self.came_up(which, serves, recv_ns);
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            while let Way::Venue(account) = &mut self.way
                && let Some(incoming) = account.next(which, recv_ns, &mut buffer, &self.notices)
            {
                match incoming {
                    Incoming::Message => {
                        let (source, connection, tag) = (Source::Private, serves[0], Frame::UNTAGGED);
                        self.step(&Frame { source, connection, tag, recv_ns, bytes: &buffer }, read_ns);
                        self.look_for_wrong_time(&buffer, recv_ns);
                    }
                    Incoming::Up => self.came_up(which, serves, recv_ns),
                    Incoming::Down => {
                        for connection in serves {
                            self.fault(Fault::Disconnected, *connection, recv_ns);
                        }
                    }
                    Incoming::Nothing => {}
                }
            }
            self.buffer = buffer;
            // A logon was refused for its time.
            if matches!(&self.way, Way::Venue(account) if account.offset_ns.is_none()) {
                self.want_time(now_ns);
            }
        }
    }

    fn came_up(&mut self, which: Which, serves: &[ConnectionId], now_ns: i64) {
        if let Way::Venue(account) = &mut self.way
            && let Some(link) = account.link(which)
        {
            self.notices.say(now_ns, "connected", json!({"connection": link.status.name}));
        }
        for connection in serves {
            self.fault(Fault::Connected, *connection, now_ns);
        }
    }

    /// A request was refused for its time.
    fn look_for_wrong_time(&mut self, bytes: &[u8], now_ns: i64) {
        if memmem::find(bytes, b"-1021").is_some() {
            debug_assert_eq!(WRONG_TIME, -1021);
            self.want_time(now_ns);
        }
    }

    /// The venue is asked for its time at once, before what is refused meanwhile is a wave of rejects; though not more
    /// than once a second.
    fn want_time(&mut self, now_ns: i64) {
        if self.asking_time {
            return; // the answer is on its way
        }
        let earliest_ns = self.time_asked_ns.saturating_add(SECOND_NS).max(now_ns);
        self.time_due_ns = self.time_due_ns.min(earliest_ns);
    }

    /// When something is due though every socket is silent.
    #[must_use]
    pub fn due_ns(&self) -> Option<i64> {
        let snapshots = if self.public.has_room() { self.snapshots.due_ns() } else { None };
        let way = match &self.way {
            Way::Nowhere => None,
            Way::Paper(paper) => paper.due_ns(),
            Way::Venue(account) => account.due_ns(),
        };
        let listen = match &self.way {
            Way::Venue(account) => account.listen_ns(),
            _ => None,
        };
        // Where the venue wants no request these wait.
        let asked =
            [snapshots, listen, Some(self.time_due_ns)].into_iter().flatten().map(|due| due.max(self.throttled_ns));
        let now = (!self.refused.is_empty()).then_some(i64::MIN);
        let clients = [self.public.client().due_ns(), self.private.client().due_ns()];
        let due = [self.lane.next_timer_ns(), way, now];
        due.into_iter().chain(clients).flatten().chain(asked).min()
    }

    /// The lane is done, and nothing of it is under way.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.lane.is_done() && self.refused.is_empty() && self.open_calls() == 0
    }

    /// What is left of the lane: orders that are not proven dead, and positions.
    #[must_use]
    pub fn summary(&self) -> serde_json::Value {
        let mut orders = Vec::new();
        let mut positions = serde_json::Map::new();
        for (n, i) in self.lane.instruments().iter().enumerate() {
            let id = n as InstrumentId;
            for side in [Side::Buy, Side::Sell] {
                for o in self.lane.orders().into_iter().flat_map(|all| all.side(id, side)) {
                    orders.push(json!({
                        "symbol": i.spec.symbol,
                        "order": o.id,
                        "side": if side == Side::Buy { "buy" } else { "sell" },
                        "price": i.spec.price(o.px()),
                        "quantity": i.spec.quantity(o.worst_leaves()),
                        "state": format!("{:?}", o.state()).to_lowercase(),
                    }));
                }
            }
            if let Some(gate) = self.lane.gate() {
                let position = gate.exposure(id).position();
                positions.insert(i.spec.symbol.clone(), json!(i.spec.quantity(position)));
            }
        }
        json!({"orders": orders, "positions": positions, "fills": self.fill_counts.iter().sum::<u64>()})
    }
}
