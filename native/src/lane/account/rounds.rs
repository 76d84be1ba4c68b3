//! Rounds: how the account stands at the venue, instrument by instrument. A round asks for the open orders, for each
//! live order of ours that is not among them, for the trades since the last round, for the orders of trades that name
//! none of ours, and for the position; then [`merge`] says what follows.
//!
//! Until a round has agreed since the start, or since the last loss of a private connection, nothing is placed or
//! replaced and no kernel is called.

use super::asks::patience_ns;
use super::talk::Phase;
use super::{Account, BLIND_AGAIN_NS, Ledger, MS, Question};
use crate::cex::reconcile::{
    Answer, Fate, Held, Merged, Named, Ours, VenueOrder, VenueTrade, Verdict, adoptable, fate, merge,
};
use crate::cex::venues::binance::Market;
use crate::event::{Action, Ask, ClientId, ConnectionId, Frame, InstrumentId, Intent, KernelId, Side};
use crate::lane::{Lane, Outbox};
use crate::risk::switch::{Cause, SwitchState};
use crate::units::Lots;

/// Rounds in a row whose positions differ by the same before the lane stops.
const DIFFERENT: u32 = 3;
/// A venue's answers may lag its events by so much: an order that died later than this before the question proves
/// nothing by being open.
const LAG_NS: i64 = 1_000 * MS;

impl Lane {
    /// A private connection came up: the account is to be compared anew.
    pub(in crate::lane) fn on_connected(&mut self, connection: ConnectionId) {
        let now_ns = self.now_ns;
        let Some(account) = self.desk.as_mut().and_then(|d| d.account.as_mut()) else { return };
        let Some(place) = Account::place(connection) else { return };
        account.up[place] = true;
        account.unsettle();
        account.want_rounds(now_ns);
        if account.is_up() {
            account.blind_ns = i64::MAX;
        }
        self.after_account();
    }

    /// A private connection is lost: what rests is cancelled as far as that is possible, and nothing is placed.
    pub(in crate::lane) fn on_disconnected(&mut self, connection: ConnectionId, out: &mut Outbox) {
        let now_ns = self.now_ns;
        let Some(account) = self.desk.as_mut().and_then(|d| d.account.as_mut()) else { return };
        let Some(place) = Account::place(connection) else { return };
        account.up[place] = false;
        account.unsettle();
        account.blind_ns = now_ns + BLIND_AGAIN_NS;
        self.after_account();
        self.pull_all(out);
    }

    /// What time brings: questions due, rounds due, requests overdue, cancels while blind.
    pub(in crate::lane) fn on_account_timer(&mut self, out: &mut Outbox) {
        let now_ns = self.now_ns;
        let Some(account) = self.desk.as_mut().and_then(|d| d.account.as_mut()) else { return };
        account.asks.on_timer(now_ns);
        if now_ns >= account.round_ns {
            account.want_rounds(now_ns);
        }
        if now_ns >= account.again_ns {
            for at in 0..account.talks.len() {
                if now_ns >= account.talks[at].again_ns {
                    account.want_round(at as InstrumentId, now_ns);
                }
            }
            account.again_ns = account.talks.iter().map(|t| t.again_ns).min().unwrap_or(i64::MAX);
        }
        let blind = now_ns >= account.blind_ns;
        if blind {
            account.blind_ns = now_ns + BLIND_AGAIN_NS;
        }
        self.on_unanswered(out);
        self.on_countdown();
        if blind {
            self.pull_all(out);
        }
    }

    pub(in crate::lane) fn pull_all(&mut self, out: &mut Outbox) {
        for id in 0..self.instruments.len() {
            self.pull(id as InstrumentId, out);
        }
    }

    /// After every frame: what the order record has counted against itself wants a round, and what is wanted is asked.
    #[inline(always)]
    pub(in crate::lane) fn tend_account(&mut self, out: &mut Outbox) {
        let Some(desk) = &mut self.desk else { return };
        let Some(account) = &mut desk.account else { return };
        let counts = desk.orders.counts();
        if (counts.contradictions, counts.missing) != (account.seen.contradictions, account.seen.missing) {
            account.seen = counts;
            account.want_rounds(self.now_ns);
        }
        account.asks.pump(desk.gate.governor(), self.now_ns, &mut out.calls);
    }

    /// The gate learns whether the account is known.
    pub(in crate::lane) fn after_account(&mut self) {
        let Some(desk) = &mut self.desk else { return };
        if let Some(account) = &desk.account {
            desk.gate.set_ready(account.is_ready());
        }
    }

    /// The answer to a call.
    pub(in crate::lane) fn on_answer(&mut self, frame: &Frame<'_>, out: &mut Outbox) {
        let now_ns = self.now_ns;
        let private = self.decoder.private.clone();
        let Some(account) = self.desk.as_mut().and_then(|d| d.account.as_mut()) else { return };
        let Some(question) = account.asks.answered(frame.tag) else {
            self.counts.ignored += 1;
            return;
        };
        let answer = match private.answer(question.ask, question.instrument, frame.connection, frame.bytes) {
            Ok(answer) => answer,
            Err(error) => {
                let stale =
                    matches!(question.ask, Ask::Countdown { ms } if !account.wants_countdown(question.instrument, ms));
                if !stale {
                    account.asks.again(question, Some(error.to_string()), now_ns);
                }
                return;
            }
        };
        match (question.ask, answer) {
            (_, Answer::OpenOrders(open)) => self.on_open_orders(question.instrument, open, out),
            (Ask::Order(id), Answer::Order(found)) => self.on_order(&question, id, found, out),
            (Ask::VenueOrder(venue), Answer::Order(found)) => self.on_name(question.instrument, venue, found),
            (Ask::Trades { from_id }, Answer::Trades(trades)) => self.on_trades(question.instrument, from_id, trades),
            (_, Answer::Position { base_e8 }) => self.on_position(question.instrument, base_e8, out),
            _ => {}
        }
    }

    fn on_open_orders(&mut self, id: InstrumentId, open: Vec<VenueOrder>, out: &mut Outbox) {
        let (now_ns, at) = (self.now_ns, usize::from(id));
        let Some(desk) = &mut self.desk else { return };
        let Some(account) = &mut desk.account else { return };
        if account.talks[at].phase != Phase::Open {
            return;
        }
        let asked_ns = account.talks[at].round.asked_ns;
        let remembers = |id| desk.orders.get(id).is_some_and(|o| o.closed_ns.is_none_or(|ns| ns + LAG_NS > asked_ns));
        let (adopt, foreign) = adoptable(&open, desk.orders.lane(), &remembers);
        account.ledgers[at].foreign += u64::from(foreign);
        for v in &open {
            account.ledgers[at].learn(v.venue_id, Ledger::whose(v.id, desk.orders.lane()));
        }
        let live = |side| desk.orders.side(id, side).copied();
        let missing: Vec<ClientId> = live(Side::Buy)
            .chain(live(Side::Sell))
            .filter(|o| o.placed_ns < asked_ns && !open.iter().any(|v| v.id == Some(o.id)))
            .map(|o| o.id)
            .collect();
        let talk = &mut account.talks[at];
        talk.phase = Phase::Orders;
        talk.round.open = open;
        talk.awaited.extend(&missing);
        for order in missing {
            account.asks.want(id, Ask::Order(order));
        }
        let mut cancels = Vec::new();
        for (order, v) in adopt {
            desk.orders.forget(order);
            if !desk.orders.adopt(&v, order, now_ns) {
                continue;
            }
            account.counts.adopted += 1;
            let intent = Intent {
                id: order,
                kernel: KernelId::MAX,
                instrument: id,
                action: Action::Place,
                side: v.side,
                tif: v.tif,
                reduce_only: v.reduce_only,
                px: v.px,
                qty: v.qty,
                decided_ns: now_ns,
            };
            desk.gate.adopt_order(&intent, v.filled);
            cancels.push(Intent { action: Action::Cancel, ..intent });
        }
        let position = desk.gate.exposure(id).position();
        account.go_on(id, position);
        for cancel in cancels {
            self.submit(cancel, out);
        }
    }

    /// The answer about one order: part of a round, or of the proof of its fate.
    fn on_order(&mut self, question: &Question, order: ClientId, found: Option<VenueOrder>, out: &mut Outbox) {
        let (id, now_ns) = (question.instrument, self.now_ns);
        let at = usize::from(id);
        let Some(desk) = &mut self.desk else { return };
        let Some(account) = &mut desk.account else { return };
        if let Some(v) = &found {
            account.ledgers[at].learn(v.venue_id, Named::Ours(order));
        }
        let position = desk.gate.exposure(id).position();
        let held = desk.orders.get(order).map(|o| (o.held(), o.is_closed()));
        if account.talks[at].awaited.remove(&order) && account.talks[at].phase == Phase::Orders {
            account.talks[at].round.asked.push((order, question.asked_ns, found));
            account.go_on(id, position);
        }
        let Some((held, false)) = held else { return };
        match fate(&held, found.as_ref(), question.asked_ns, held.filled, account.proof_ns) {
            Fate::Proven(receipts) => {
                for receipt in receipts {
                    self.on_receipt(&receipt, None, out);
                }
            }
            Fate::Missing => account.want_round(id, now_ns),
            Fate::Open => {}
        }
        let Some(desk) = &mut self.desk else { return };
        let unsure = desk.orders.get(order).is_some_and(|o| o.is_unsure());
        if unsure && let Some(account) = &mut desk.account {
            account.asks.later(*question, now_ns);
            self.cancel_again(order, out);
        }
    }

    fn on_trades(&mut self, id: InstrumentId, from_id: u64, mut trades: Vec<VenueTrade>) {
        let at = usize::from(id);
        let Some(desk) = &mut self.desk else { return };
        let Some(account) = &mut desk.account else { return };
        let (talk, ledger) = (&mut account.talks[at], &mut account.ledgers[at]);
        if talk.phase != Phase::Trades {
            return;
        }
        trades.retain(|t| t.trade_id >= from_id); // a venue that does not heed it would never end
        if let Some(last) = trades.last() {
            let from_id = last.trade_id + 1;
            talk.round.trades.extend(trades);
            account.asks.want(id, Ask::Trades { from_id });
            return;
        }
        // Before the first run's baseline is known, what was traded is part of it.
        if ledger.baseline_e8.is_none() {
            if let Some(last) = talk.round.trades.last() {
                ledger.raise_floor(last.trade_id);
            }
            talk.round.trades.clear();
        }
        talk.phase = Phase::Names;
        for t in &talk.round.trades {
            if ledger.knows(t.trade_id) {
                continue;
            }
            match ledger.name(t.venue_order) {
                Some(named) => {
                    talk.round.names.insert(t.venue_order, named);
                }
                None if talk.awaited.insert(t.venue_order) => account.asks.want(id, Ask::VenueOrder(t.venue_order)),
                None => {}
            }
        }
        let position = desk.gate.exposure(id).position();
        account.go_on(id, position);
    }

    fn on_name(&mut self, id: InstrumentId, venue: u64, found: Option<VenueOrder>) {
        let at = usize::from(id);
        let Some(desk) = &mut self.desk else { return };
        let lane = desk.orders.lane();
        let Some(account) = &mut desk.account else { return };
        let named = found.map_or(Named::Forgotten, |v| Ledger::whose(v.id, lane));
        account.ledgers[at].learn(venue, named);
        if account.talks[at].awaited.remove(&venue) && account.talks[at].phase == Phase::Names {
            account.talks[at].round.names.insert(venue, named);
            let position = desk.gate.exposure(id).position();
            account.go_on(id, position);
        }
    }

    /// The last answer of a round.
    fn on_position(&mut self, id: InstrumentId, base_e8: i128, out: &mut Outbox) {
        let at = usize::from(id);
        let Some(desk) = &mut self.desk else { return };
        let Some(account) = &mut desk.account else { return };
        if account.talks[at].phase != Phase::Position {
            return;
        }
        account.talks[at].phase = Phase::Idle;
        account.talks[at].round.base_e8 = base_e8;
        let round = std::mem::take(&mut account.talks[at].round);
        let live = |side| desk.orders.side(id, side).map(|o| o.held()).collect::<Vec<Held>>();
        let held = [live(Side::Buy), live(Side::Sell)].concat();
        let ledger = &account.ledgers[at];
        let ours = Ours {
            orders: &held,
            knows: &|trade_id| ledger.knows(trade_id),
            expected: &account.talks[at].expected,
            lot_e8: ledger.lot_e8,
            base: ledger.base,
            nets: account.market == Market::UsdM,
            proof_ns: account.proof_ns,
        };
        let merged = merge(&ours, &round);
        let first = ledger.baseline_e8.is_none();
        let quiet = held.is_empty() && !account.talks[at].moved && merged.fills.is_empty();
        account.counts.recovered += merged.fills.len() as u64;
        account.ledgers[at].foreign += u64::from(merged.foreign_trades);
        if let Some(last) = round.trades.last() {
            let ledger = &mut account.ledgers[at];
            ledger.checked = ledger.checked.max(last.trade_id);
        }
        self.apply_merged(&merged, out);
        let verdict = match merged.verdict {
            _ if first && !quiet => Verdict::Missing, // a baseline is taken while nothing moves
            _ if first => {
                self.adopt_baseline(id, base_e8);
                Verdict::Agrees
            }
            verdict => verdict,
        };
        self.conclude(id, verdict, base_e8);
        self.after_account();
    }

    fn apply_merged(&mut self, merged: &Merged, out: &mut Outbox) {
        for (fill, fee) in &merged.fills {
            self.on_receipt(fill, Some(*fee), out);
        }
        for receipt in &merged.receipts {
            self.on_receipt(receipt, None, out);
        }
    }

    /// The venue's position before our first trade: on futures it is ours from now on, on spot it is left alone.
    fn adopt_baseline(&mut self, id: InstrumentId, base_e8: i128) {
        let now_ns = self.now_ns;
        let symbol = self.instruments[usize::from(id)].spec.symbol.clone();
        let Some(desk) = &mut self.desk else { return };
        let Some(account) = &mut desk.account else { return };
        let position = desk.gate.exposure(id).position();
        let ledger = &mut account.ledgers[usize::from(id)];
        if account.market == Market::UsdM {
            let lots = i64::try_from(base_e8.div_euclid(ledger.lot_e8)).unwrap_or(0);
            ledger.baseline_e8 = Some(base_e8 - i128::from(lots) * ledger.lot_e8);
            desk.gate.adopt_position(id, Lots(lots));
        } else {
            ledger.baseline_e8 = Some(base_e8 - ledger.expected_e8(position));
            desk.gate.set_dust(id, ledger.dust());
        }
        desk.keep(id, &symbol, None, now_ns);
    }

    /// Ends a round: what it proved, and when the next one is.
    fn conclude(&mut self, id: InstrumentId, verdict: Verdict, base_e8: i128) {
        let (now_ns, at) = (self.now_ns, usize::from(id));
        let symbol = self.instruments[at].spec.symbol.clone();
        let Some(desk) = &mut self.desk else { return };
        let Some(account) = &mut desk.account else { return };
        let (void, more) = (account.talks[at].void, account.talks[at].more);
        match verdict {
            Verdict::Agrees => {
                account.counts.rounds += 1;
                account.talks[at].failed = 0;
                account.talks[at].difference = (0, 0);
                if !void {
                    account.settle(at);
                }
            }
            Verdict::Missing => account.counts.missing += 1,
            Verdict::Differs { base_e8: by } => {
                account.counts.differing += 1;
                let (last, n) = account.talks[at].difference;
                account.talks[at].difference = if last == by { (by, n + 1) } else { (by, 1) };
            }
        }
        if verdict != Verdict::Agrees {
            let again_ns = now_ns + patience_ns(account.talks[at].failed);
            account.talks[at].again_ns = again_ns;
            account.again_ns = account.again_ns.min(again_ns);
            account.talks[at].failed += 1;
        }
        let (by, times) = account.talks[at].difference;
        if void || (more && verdict == Verdict::Agrees) {
            account.want_round(id, now_ns);
        }
        let day = desk.gate.day().map(|d| (d.peak, d.day_end_ns));
        if verdict == Verdict::Agrees && account.kept_day != day {
            account.kept_day = day;
            desk.keep(id, &symbol, None, now_ns);
        }
        if times >= DIFFERENT {
            let text = format!(
                "{symbol}: the venue holds {base_e8} x 10^-8, our fills make it {}, in {times} rounds in a row",
                base_e8 - by
            );
            self.trip(SwitchState::Halted, Cause::Position, &text);
        }
    }
}
