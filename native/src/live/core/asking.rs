//! What the lane's thread asks over REST, and what becomes of the answers.

use serde_json::json;

use super::{Core, NS_PER_MS, SECOND_NS, TIME_EVERY_NS, Way};
use crate::cex::venues::binance_rest::order_answer;
use crate::clock::stopwatch_ns;
use crate::event::{Call, Fault, Frame, InstrumentId, ORDERS, Source};
use crate::live::rest::{Answered, What};
use crate::sim::backtest::turned_away;

impl Core {
    /// Sends REST requests that are due and takes answers.
    pub fn rest_turn(&mut self, now_ns: i64) {
        self.public.drive(now_ns);
        while let Some(answered) = self.public.next(now_ns) {
            self.answered(answered);
        }
        self.private.drive(now_ns);
        while let Some(answered) = self.private.next(now_ns) {
            self.answered(answered);
        }
        self.ask_calls(now_ns);
        if now_ns < self.throttled_ns {
            return;
        }
        if now_ns >= self.time_due_ns && !self.asking_time {
            self.asking_time = self.public.ask(What::Time { sent_ns: now_ns }, self.make.time(), now_ns);
            self.time_asked_ns = now_ns;
            self.time_due_ns = now_ns + if self.asking_time { TIME_EVERY_NS } else { SECOND_NS };
        }
        while self.public.has_room()
            && let Some(instrument) = self.snapshots.due(now_ns)
        {
            let request = self.make.snapshot(instrument);
            if self.public.weight(now_ns) + request.weight > self.snapshot_weight {
                // Over the share of snapshots: the next minute is another.
                self.snapshots.postpone(instrument, (now_ns / (60 * SECOND_NS) + 1) * 60 * SECOND_NS);
            } else if !self.public.ask(What::Snapshot(instrument), request, now_ns) {
                self.snapshots.postpone(instrument, now_ns + SECOND_NS);
                break;
            }
        }
        if let Way::Venue(account) = &mut self.way
            && account.offset_ns.is_some()
            && let Some((what, listen_key)) = account.listen(now_ns)
        {
            // Where it cannot be queued it is asked for again.
            let _ = self.private.ask(what, self.make.listen_key(listen_key), now_ns);
        }
    }

    fn ask_calls(&mut self, now_ns: i64) {
        while let Way::Venue(account) = &mut self.way
            && !self.calls.is_empty()
            && self.private.has_room()
            && let Some(timestamp_ms) = account.timestamp_ms(now_ns)
            && let Some(call) = self.calls.pop_front()
        {
            let request = self.make.ask(call.ask, call.instrument, timestamp_ms, account.keys());
            if self.private.ask(What::Call(call), request, now_ns) {
                self.calls_under_way += 1;
            } else {
                self.answer(call, 0, &[], now_ns);
            }
        }
    }

    /// Calls that have no answer yet.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.calls.len() + self.calls_under_way
    }

    fn answer(&mut self, call: Call, status: u16, body: &[u8], now_ns: i64) {
        let frame =
            Frame { source: Source::Answer, connection: status, tag: call.number, recv_ns: now_ns, bytes: body };
        self.step(&frame, stopwatch_ns());
    }

    fn answered(&mut self, a: Answered) {
        let now_ns = self.clock.now_ns();
        if let Some(ms) = a.throttled_ms {
            self.throttled(ms, now_ns);
        }
        match a.what {
            What::Snapshot(instrument) => self.snapshot(instrument, &a, now_ns),
            What::Call(call) => {
                self.calls_under_way -= 1;
                self.answer(call, a.status, &a.body, now_ns);
                self.look_for_wrong_time(&a.body, now_ns);
            }
            What::Time { sent_ns } => self.time(sent_ns, &a, now_ns),
            What::StartListenKey | What::KeepListenKey => {
                if let Way::Venue(account) = &mut self.way
                    && let Err(e) = account.listening(a.what, a.status, &a.body, now_ns)
                {
                    let why = a.failure.unwrap_or(e.text);
                    let details = json!({"status": a.status, "code": e.code, "why": why});
                    self.notices.say(now_ns, "listen key refused", details);
                }
            }
            What::Order(intent) => {
                // Without an answer its fate is unknown, and the lane asks for it when its time is over.
                if !a.maybe_sent {
                    self.unsent += 1;
                    self.refused.push_back(turned_away(&intent, now_ns));
                } else if a.status != 0 {
                    let retry_after_s = a.throttled_ms.map(|ms| ms / 1000);
                    let mut message = Vec::with_capacity(a.body.len() + 256);
                    order_answer(&intent, a.status, retry_after_s, &a.used, &a.body, &mut message);
                    self.own(Source::Private, ORDERS, &message, now_ns);
                    self.look_for_wrong_time(&a.body, now_ns);
                }
            }
        }
    }

    fn snapshot(&mut self, instrument: InstrumentId, a: &Answered, now_ns: i64) {
        if !self.fed.get(usize::from(instrument)).is_some_and(|fed| *fed) {
            return self.snapshots.forget(instrument);
        }
        if a.status == 200 {
            let (source, recv_ns) = (Source::Snapshot, now_ns);
            let frame = Frame { source, connection: 0, tag: instrument, recv_ns, bytes: &a.body };
            self.step(&frame, stopwatch_ns());
        } else {
            let why = a.failure.clone().unwrap_or_else(|| format!("HTTP status {}", a.status));
            let symbol = self.lane.instruments().get(usize::from(instrument)).map(|i| i.spec.symbol.clone());
            self.notices.say(now_ns, "snapshot failed", json!({"symbol": symbol, "why": why}));
        }
        let served = self.lane.instruments().get(usize::from(instrument)).is_none_or(|i| !i.sync.wants_snapshot());
        self.snapshots.answered(instrument, served, now_ns);
    }

    fn time(&mut self, sent_ns: i64, a: &Answered, now_ns: i64) {
        self.asking_time = false;
        let body: Option<serde_json::Value> = serde_json::from_slice(&a.body).ok();
        let server_ms = body.as_ref().and_then(|b| b.get("serverTime")).and_then(serde_json::Value::as_i64);
        let Some(server_ms) = server_ms.filter(|_| a.status == 200) else {
            let why = a.failure.clone().unwrap_or_else(|| format!("HTTP status {}", a.status));
            self.notices.say(now_ns, "venue's time unknown", json!({"why": why}));
            self.time_due_ns = now_ns + SECOND_NS;
            return;
        };
        // The middle of the millisecond, seen from the middle of the way there and back.
        let offset_ns = server_ms * NS_PER_MS + NS_PER_MS / 2 - (sent_ns + (now_ns - sent_ns) / 2);
        if let Way::Venue(account) = &mut self.way {
            account.offset_ns = Some(offset_ns);
        }
    }

    fn throttled(&mut self, ms: u32, now_ns: i64) {
        self.throttled_ns = self.throttled_ns.max(now_ns + i64::from(ms) * NS_PER_MS);
        self.notices.say(now_ns, "throttled", json!({"ms": ms}));
        let mut bytes = vec![Fault::Throttled as u8];
        bytes.extend_from_slice(&ms.to_le_bytes());
        self.own(Source::Fault, ORDERS, &bytes, now_ns);
    }
}
