//! Random markets and requests: what must hold whatever happens, and a naive model that must say the same.
mod sim_support;

use std::collections::{BTreeMap, HashMap};

use _core::event::*;
use _core::sim::exchange::{SelfTradePrevention as Stp, SimConfig};
use _core::sim::queue::QueueModel;
use ReceiptKind::{Accepted, Cancelled, ChangeRejected, Expired, Filled, Rejected, Replaced, Unknown};
use proptest::prelude::*;
use sim_support::*;

#[derive(Clone, Debug)]
enum Step {
    /// Level changes around the middle: (bid side, distance from it, quantity).
    Depth(Vec<(bool, i64, i64)>),
    /// The middle moves by so many ticks; levels that it passes go.
    Shift(i64),
    Trade(Side, i64, i64),
    Place {
        side: Side,
        px: i64,
        qty: i64,
        tif: TimeInForce,
        reduce_only: bool,
    },
    Cancel(u64),
    Replace(u64, i64, i64),
}

fn step() -> impl Strategy<Value = Step> {
    let side = || prop_oneof![Just(Buy), Just(Sell)];
    let tif = prop_oneof![4 => Just(Gtc), 3 => Just(Gtx), 1 => Just(Ioc), 1 => Just(Fok)];
    let levels = prop::collection::vec((any::<bool>(), 1i64..6, 0i64..12), 1..5);
    prop_oneof![
        4 => levels.prop_map(Step::Depth),
        1 => (-3i64..4).prop_map(Step::Shift),
        4 => (side(), -1i64..4, 1i64..15).prop_map(|(s, d, q)| Step::Trade(s, d, q)),
        4 => (side(), -3i64..5, 0i64..12, tif, prop::bool::weighted(0.2))
            .prop_map(|(side, px, qty, tif, reduce_only)| Step::Place { side, px, qty, tif, reduce_only }),
        1 => (1u64..40).prop_map(Step::Cancel),
        1 => (1u64..40, -3i64..4, 0i64..12).prop_map(|(id, px, qty)| Step::Replace(id, px, qty)),
    ]
}

/// Plays steps against an exchange, keeping the recorded book uncrossed as a venue's is.
struct Player {
    sim: Sim,
    mid: i64,
    /// By side, then price.
    book: [BTreeMap<i64, i64>; 2],
    placed: u64,
}

/// What one step was in absolute terms, and what came of it.
enum Played {
    Depth(Vec<(i64, i64)>, Vec<(i64, i64)>),
    Trade(Side, i64, i64),
    Place(Intent),
    Cancel(u64),
    Replace,
}

impl Player {
    fn new(config: SimConfig) -> Player {
        let book = [BTreeMap::from([(100, 10), (99, 20)]), BTreeMap::from([(102, 10), (103, 20)])];
        Player { sim: Sim::new(config), mid: 101, book, placed: 0 }
    }

    fn play(&mut self, step: &Step) -> (Played, Vec<Receipt>) {
        match step {
            Step::Depth(levels) => {
                let mut changes = [BTreeMap::new(), BTreeMap::new()];
                for &(bid, d, qty) in levels {
                    changes[usize::from(!bid)].insert(if bid { self.mid - d } else { self.mid + d }, qty);
                }
                self.depth(changes)
            }
            Step::Shift(by) => {
                self.mid += by;
                let gone = |side: usize| {
                    let passed = |px: &&i64| if side == 0 { **px >= self.mid } else { **px <= self.mid };
                    self.book[side].keys().filter(passed).map(|px| (*px, 0)).collect::<BTreeMap<_, _>>()
                };
                let mut changes = [gone(0), gone(1)];
                changes[0].insert(self.mid - 1, 3);
                changes[1].insert(self.mid + 1, 4);
                self.depth(changes)
            }
            Step::Trade(side, d, qty) => {
                let px = self.mid + side.sign() * d;
                (Played::Trade(*side, px, *qty), self.sim.trade(*side, px, *qty))
            }
            Step::Place { side, px, qty, tif, reduce_only } => {
                self.placed += 1;
                let px = self.mid - side.sign() * px;
                let i = Intent { reduce_only: *reduce_only, ..order(self.placed, *side, px, *qty, *tif) };
                (Played::Place(i), self.sim.intent(i))
            }
            Step::Cancel(id) => (Played::Cancel(*id), self.sim.cancel(*id)),
            Step::Replace(id, d, qty) => (Played::Replace, self.sim.replace(*id, self.mid + d, *qty)),
        }
    }

    fn depth(&mut self, changes: [BTreeMap<i64, i64>; 2]) -> (Played, Vec<Receipt>) {
        for (book, changed) in self.book.iter_mut().zip(&changes) {
            for (&px, &qty) in changed {
                let _ = if qty == 0 { book.remove(&px) } else { book.insert(px, qty) };
            }
        }
        let [bids, asks] = changes.map(|c| c.into_iter().collect::<Vec<_>>());
        let receipts = self.sim.depth(&bids, &asks);
        (Played::Depth(bids, asks), receipts)
    }
}

fn any_config() -> impl Strategy<Value = SimConfig> {
    let models = prop_oneof![
        Just(QueueModel::RiskAverse),
        (0.3f64..4.0).prop_map(|n| QueueModel::PowerProb { n }),
        (0.3f64..4.0).prop_map(|n| QueueModel::PowerProb2 { n }),
        (0.3f64..4.0).prop_map(|n| QueueModel::PowerProb3 { n }),
        Just(QueueModel::LogProb),
        Just(QueueModel::LogProb2),
    ];
    let stps = prop_oneof![Just(Stp::None), Just(Stp::ExpireTaker), Just(Stp::ExpireMaker), Just(Stp::ExpireBoth)];
    (models, any::<bool>(), stps, any::<bool>()).prop_map(|(queue_model, partial_fills, stp, amend_requeues)| {
        SimConfig { queue_model, partial_fills, self_trade_prevention: stp, amend_requeues }
    })
}

/// An order as its receipts tell it.
struct Told {
    side: Side,
    leaves: i64,
    ahead: i64,
    reduce_only: bool,
    over: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn receipts_conserve(config in any_config(), steps in prop::collection::vec(step(), 1..120)) {
        let mut p = Player::new(config);
        let mut told: HashMap<u64, Told> = HashMap::new();
        let (mut position, mut trade_id) = (0i64, 0u64);
        for s in &steps {
            let (played, receipts) = p.play(s);
            if let Played::Place(i) = &played {
                let t = Told { side: i.side, leaves: i.qty.0, ahead: i64::MAX, reduce_only: i.reduce_only, over: false };
                told.insert(i.id, t);
                prop_assert!(!receipts.is_empty(), "a request is answered");
            }
            for r in &receipts {
                let Some(t) = told.get_mut(&r.id) else {
                    prop_assert_eq!((r.kind, r.leaves.0), (ChangeRejected, 0));
                    continue;
                };
                prop_assert!(!t.over || r.kind == ChangeRejected, "nothing after the final receipt: {r:?}");
                prop_assert!(r.leaves.0 >= 0);
                match r.kind {
                    Accepted => prop_assert!(r.leaves.0 == t.leaves && r.queue_joined == r.queue_ahead),
                    Filled => {
                        prop_assert!(r.qty.0 > 0 && r.qty.0 <= t.leaves && r.trade_id > trade_id);
                        prop_assert_eq!(r.leaves.0, t.leaves - r.qty.0);
                        if t.reduce_only {
                            prop_assert!(r.qty.0 <= (-t.side.sign() * position).max(0));
                        }
                        trade_id = r.trade_id;
                        position += t.side.sign() * r.qty.0;
                    }
                    Cancelled | Expired | Rejected => prop_assert_eq!(r.leaves.0, 0),
                    Replaced => t.ahead = i64::MAX,
                    ChangeRejected => prop_assert!(t.over || r.leaves.0 == t.leaves),
                    Unknown => prop_assert!(false, "a simulated venue knows"),
                }
                t.leaves = r.leaves.0;
                t.over = t.over || r.is_final();
            }
            prop_assert_eq!(p.sim.position(), position);
            let mut open = 0;
            for r in p.sim.exchange.resting(0) {
                open += 1;
                let t = told.get_mut(&r.id).unwrap();
                prop_assert!(!t.over && r.leaves.0 == t.leaves && r.leaves.0 > 0);
                prop_assert!(r.queue_ahead >= 0 && r.queue_ahead <= t.ahead, "nobody gets back in line");
                t.ahead = r.queue_ahead;
            }
            let alive = |t: &&Told| !t.over && t.leaves > 0;
            prop_assert_eq!(told.values().filter(alive).count(), open);
        }
    }

    #[test]
    fn a_naive_model_says_the_same(partial: bool, steps in prop::collection::vec(step(), 1..120)) {
        let mut p = Player::new(SimConfig { partial_fills: partial, ..config() });
        let mut naive = Naive { partial, resting: Vec::new() };
        for s in &steps {
            let s = match s.clone() {
                Step::Place { side, px, qty, .. } => Step::Place { side, px, qty, tif: Gtx, reduce_only: false },
                Step::Replace(..) => continue,
                s => s,
            };
            let before = p.book.clone();
            let (played, receipts) = p.play(&s);
            let got: Vec<_> = receipts.iter().map(|r| (r.kind, r.id, r.qty.0, r.leaves.0)).collect();
            prop_assert_eq!(got, naive.answer(&played, &before, &p.book));
        }
    }
}

/// Post-only orders under the risk-averse model, written down as plainly as possible: one list, one pass an event.
struct Naive {
    partial: bool,
    resting: Vec<NaiveOrder>,
}

#[derive(Clone)]
struct NaiveOrder {
    id: u64,
    side: Side,
    px: i64,
    leaves: i64,
    ahead: i64,
}

type Answer = (ReceiptKind, u64, i64, i64);

impl Naive {
    fn answer(
        &mut self,
        played: &Played,
        before: &[BTreeMap<i64, i64>; 2],
        after: &[BTreeMap<i64, i64>; 2],
    ) -> Vec<Answer> {
        let mut out = Vec::new();
        match played {
            Played::Place(i) => {
                let crosses = match i.side {
                    Buy => before[1].keys().next().is_some_and(|ask| i.px.0 >= *ask),
                    Sell => before[0].keys().last().is_some_and(|bid| i.px.0 <= *bid),
                };
                if i.qty.0 == 0 {
                    return vec![(Rejected, i.id, 0, 0)];
                } else if crosses {
                    return vec![(Expired, i.id, 0, 0)];
                }
                let ahead = before[i.side as usize].get(&i.px.0).copied().unwrap_or(0);
                self.resting.push(NaiveOrder { id: i.id, side: i.side, px: i.px.0, leaves: i.qty.0, ahead });
                out.push((Accepted, i.id, 0, i.qty.0));
            }
            Played::Cancel(id) => {
                let open = self.resting.iter().any(|o| o.id == *id);
                self.resting.retain(|o| o.id != *id);
                out.push((if open { Cancelled } else { ChangeRejected }, *id, 0, 0));
            }
            Played::Depth(bids, asks) => {
                for (side, changed) in [(Buy, bids), (Sell, asks)] {
                    for (px, qty) in changed {
                        for o in self.resting.iter_mut().filter(|o| o.side == side && o.px == *px) {
                            o.ahead = o.ahead.min(*qty);
                        }
                    }
                }
                let (bid, ask) = (after[0].keys().last().copied(), after[1].keys().next().copied());
                let crossed = |o: &NaiveOrder| match o.side {
                    Sell => bid.is_some_and(|b| b >= o.px),
                    Buy => ask.is_some_and(|a| a <= o.px),
                };
                // sells first, because the bids of a message are applied first
                for side in [Sell, Buy] {
                    self.fill(side, &mut out, |o| if crossed(o) { o.leaves } else { 0 });
                }
            }
            Played::Trade(side, px, qty) => {
                let (partial, mut taken) = (self.partial, 0);
                self.fill(side.opposite(), &mut out, |o| {
                    if side.sign() * o.px < side.sign() * px {
                        return o.leaves;
                    } else if o.px != *px {
                        return 0;
                    }
                    let reached = (qty - o.ahead).max(0);
                    o.ahead = (o.ahead - qty).max(0);
                    let mine = if partial { (reached - taken).clamp(0, o.leaves) } else { o.leaves * reached.min(1) };
                    taken += mine;
                    mine
                });
            }
            Played::Replace => unreachable!("not asked of the naive model"),
        }
        out
    }

    fn fill(&mut self, side: Side, out: &mut Vec<Answer>, mut gives: impl FnMut(&mut NaiveOrder) -> i64) {
        self.resting.sort_by_key(|o| (-o.side.sign() * o.px, o.id));
        for o in self.resting.iter_mut().filter(|o| o.side == side) {
            let qty = gives(o);
            if qty > 0 {
                o.leaves -= qty;
                out.push((Filled, o.id, qty, o.leaves));
            }
        }
        self.resting.retain(|o| o.leaves > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn risk_averse_fills_at_its_price_only_after_the_queue_has_traded(
        joined in 1i64..40,
        events in prop::collection::vec((any::<bool>(), 1i64..20), 1..40),
    ) {
        let mut s = Sim::new(config());
        s.depth(&[(100, joined)], &[]);
        s.place(1, Buy, 100, 7, Gtc);
        // the least that can be ahead: the smallest the level ever was, less what traded
        let (mut smallest, mut traded) = (joined, 0);
        for (is_trade, qty) in events {
            let got = if is_trade { s.trade(Sell, 100, qty) } else { s.depth(&[(100, qty)], &[]) };
            traded += if is_trade { qty } else { 0 };
            smallest = if is_trade { smallest } else { smallest.min(qty) };
            prop_assert!(got.is_empty() || traded > smallest);
            if is_trade && smallest == joined {
                prop_assert_eq!(!got.is_empty(), traded > joined);
            }
            if s.position() == 7 {
                break;
            }
        }
    }
}
