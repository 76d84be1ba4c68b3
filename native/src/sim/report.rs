//! The report of a replay, as JSON. Its keys are documented in the README and stable; money is decimal strings.

use serde_json::{Map, Value, json};

use crate::event::{Action, InstrumentId, Side};
use crate::lane::{Instrument, Lane};
use crate::risk::limits::Limit;
use crate::sim::plan::Venue;
use crate::sim::replay::Replay;
use crate::sim::stats::{FillRecord, HORIZONS_S};
use crate::units::{Decimal, InstrumentSpec, Money};

/// Version of the report's keys.
pub const SCHEMA: u32 = 1;

/// Exact sum of values that may differ in their decimals.
fn sum(values: impl Iterator<Item = Decimal>) -> Decimal {
    values.fold(Decimal::new(0, 0), |a, b| {
        let scale = a.scale.max(b.scale);
        let up = |d: Decimal| d.mantissa * 10i128.pow(u32::from(scale - d.scale));
        Decimal::new(up(a) + up(b), scale).normalized()
    })
}

fn pnl_parts(lane: &Lane, n: usize) -> [Money; 5] {
    let pnl = *lane.gate().map(|g| g.exposure(n as InstrumentId).pnl()).unwrap_or(&Default::default());
    [pnl.total(), pnl.spread, pnl.drift, pnl.fees, pnl.rebates]
}

const PNL_KEYS: [&str; 5] = ["total", "spread", "drift", "fees", "rebates"];

fn pnl_json(values: [Decimal; 5]) -> Value {
    Value::Object(PNL_KEYS.iter().zip(values).map(|(k, v)| ((*k).to_string(), json!(v))).collect())
}

fn level(i: &Instrument, side: Side) -> Value {
    match i.top.and(i.book.best(side)) {
        Some(l) => json!([i.spec.price(l.px), i.spec.quantity(l.qty)]),
        None => Value::Null,
    }
}

fn book_json(i: &Instrument, now_ns: i64) -> Value {
    let c = &i.sync.counts;
    json!({
        "checked": i.agreement.checked,
        "matched": i.agreement.matched,
        "unchecked": i.agreement.unchecked,
        "applied": c.applied,
        "stale": c.stale,
        "gaps": c.gaps,
        "crossed": c.crossed,
        "resyncs": c.syncs.saturating_sub(1),
        "old_snapshots": c.old_snapshots,
        "overflowed": c.overflowed,
        "blind_ns": i.sync.blind_ns(now_ns),
        "levels": i.book.len(),
        "bid": level(i, Side::Buy),
        "ask": level(i, Side::Sell),
    })
}

/// One instrument's book as it is; of several, sums of counts and no prices.
fn books(instruments: &[Value]) -> Value {
    if let [one] = instruments {
        return one["book"].clone();
    }
    let mut all = Map::new();
    for i in instruments {
        for (key, value) in i["book"].as_object().into_iter().flatten() {
            match value.as_i64() {
                Some(n) => {
                    let so_far = all.get(key).and_then(Value::as_i64).unwrap_or(0);
                    all.insert(key.clone(), json!(so_far + n));
                }
                None => {
                    all.insert(key.clone(), Value::Null);
                }
            }
        }
    }
    Value::Object(all)
}

/// Half ticks as ticks, exactly.
fn ticks(half_ticks: i64) -> Decimal {
    Decimal::new(i128::from(half_ticks) * 5, 1)
}

fn fill_json(specs: &[InstrumentSpec], r: &FillRecord) -> Value {
    let f = &r.fill.receipt;
    let spec = &specs[usize::from(f.instrument)];
    // -1: nothing is known of it, as of an order that never rested
    let queue = |lots: i64| (lots >= 0).then(|| spec.quantity(crate::units::Lots(lots)));
    let markouts: Map<String, Value> =
        HORIZONS_S.iter().zip(r.markout).map(|(h, m)| (h.to_string(), json!(m.map(ticks)))).collect();
    json!({
        "time_ns": r.fill.recv_ns,
        "exch_ns": f.exch_ns,
        "order": f.id,
        "symbol": spec.symbol,
        "side": if f.side == Side::Buy { "buy" } else { "sell" },
        "price": spec.price(f.px),
        "quantity": spec.quantity(f.qty),
        "leaves": spec.quantity(f.leaves),
        "maker": f.maker,
        "mid": r.fill.half_ticks.map(|h| spec.tick.product(ticks(h)).normalized()),
        "queue_joined": queue(f.queue_joined),
        "queue_ahead": queue(f.queue_ahead),
        "time_to_fill_ns": r.fill.since_accepted_ns,
        "markout_ticks": markouts,
    })
}

/// Means are rounded down to the given decimals; they are statistics, not money.
fn mean(total: i128, count: usize, decimals: u8) -> Value {
    if count == 0 {
        return Value::Null;
    }
    let scale = 10i128.pow(u32::from(decimals));
    json!(Decimal::new((total * scale).div_euclid(count as i128), decimals))
}

fn markouts_json(fills: &[FillRecord]) -> Value {
    let rows = HORIZONS_S.iter().enumerate().map(|(h, seconds)| {
        let known: Vec<(i64, i64)> =
            fills.iter().filter_map(|r| r.markout[h].map(|m| (m, r.fill.receipt.px.0))).collect();
        let half: i128 = known.iter().map(|k| i128::from(k.0)).sum();
        // half ticks over a price in ticks: × 10 000 / 2 for basis points, × 10 000 to keep four decimals
        let bps_e4: i128 = known.iter().map(|k| i128::from(k.0) * 50_000_000 / i128::from(k.1.max(1))).sum();
        json!({
            "horizon_s": seconds,
            "fills": known.len(),
            "missing": fills.len() - known.len(),
            "mean_ticks": mean(half * 5, known.len() * 10, 4),
            "mean_bps": mean(bps_e4, known.len() * 10_000, 4),
        })
    });
    Value::Array(rows.collect())
}

/// Nearest-rank percentiles of whole numbers.
fn percentiles(mut values: Vec<i64>) -> Value {
    values.sort_unstable();
    let at = |p: usize| values.get((values.len() * p).div_ceil(100).saturating_sub(1)).copied();
    json!({"count": values.len(), "p10": at(10), "p50": at(50), "p90": at(90), "max": values.last()})
}

impl Replay {
    /// What a reader must know before any figure: an end that is not the recording's own, a book that never was,
    /// messages that could not be read (with the first one's reason).
    fn notice(&self) -> Option<String> {
        let never = |i: &Instrument| i.sync.counts.applied == 0;
        let unsynced = || {
            let symbols: Vec<&str> =
                self.backtest.lane.instruments().iter().filter(|i| never(i)).map(|i| i.spec.symbol.as_str()).collect();
            let rules = self.plan.venue.map_or("the venue", Venue::name);
            (!symbols.is_empty()).then(|| {
                format!(
                    "no book of {}: no snapshot and depth update joined by the rules of {rules}",
                    symbols.join(", ")
                )
            })
        };
        let lane = &self.backtest.lane;
        let malformed =
            lane.first_malformed.map(|why| format!("{} messages cannot be read: {why}", lane.counts.malformed));
        let all = [self.backtest.notice().or_else(unsynced), malformed];
        let all: Vec<String> = all.into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// What was assumed of the venue; of a recorded latency, how many rows it has.
    fn simulation(&self) -> Value {
        let s = &self.plan.simulation;
        let mut latency = json!(s.latency);
        if let Some(rows) = latency.get_mut("rows") {
            *rows = json!(rows.as_array().map_or(0, Vec::len));
        }
        json!({
            "equity": self.plan.equity,
            "exchange": s.exchange,
            "latency": latency,
            "feed_latency_ns": s.feed_latency_ns,
        })
    }

    /// The report; before the end, of what has been replayed so far.
    #[must_use]
    pub fn report(&self) -> Value {
        let b = &self.backtest;
        let lane = &b.lane;
        let specs = &self.plan.instruments;
        let fills = &b.stats.fills;
        let by_name = |counts: &mut dyn Iterator<Item = (Limit, u64)>| -> Map<String, Value> {
            counts.map(|(limit, n)| (limit.name().to_string(), json!(n))).collect()
        };
        let instruments: Vec<Value> = lane
            .instruments()
            .iter()
            .enumerate()
            .map(|(n, i)| {
                let parts = pnl_parts(lane, n).map(|m| i.spec.value(m));
                let position = lane.gate().map_or(0, |g| g.exposure(n as InstrumentId).position().0);
                json!({
                    "symbol": i.spec.symbol,
                    "tick": i.spec.tick,
                    "lot": i.spec.lot,
                    // 10⁻⁸ of the value as basis points
                    "maker_fee_bps": Decimal::new(i.spec.maker_fee_e8.into(), 4).normalized(),
                    "taker_fee_bps": Decimal::new(i.spec.taker_fee_e8.into(), 4).normalized(),
                    "book": book_json(i, b.last_ns),
                    "position": i.spec.quantity(crate::units::Lots(position)),
                    "fills": fills.iter().filter(|r| usize::from(r.fill.receipt.instrument) == n).count(),
                    "pnl": pnl_json(parts),
                    "refusals": lane.gate().map_or_else(Map::new, |g| by_name(&mut g.refusals_of(n as InstrumentId))),
                })
            })
            .collect();
        let mut totals = [Decimal::new(0, 0); 5];
        for (part, total) in totals.iter_mut().enumerate() {
            *total = sum(lane.instruments().iter().enumerate().map(|(n, i)| i.spec.value(pnl_parts(lane, n)[part])));
        }
        let c = &lane.counts;
        let levels: u64 = lane.instruments().iter().map(|i| i.level_updates).sum();
        let refusals = lane.gate().map_or_else(Map::new, |g| by_name(&mut g.refusals()));
        let maker = fills.iter().filter(|r| r.fill.receipt.maker);
        let queue = |f: fn(&FillRecord) -> i64| percentiles(maker.clone().map(f).filter(|q| *q >= 0).collect());
        json!({
            "schema": SCHEMA,
            "path": self.path,
            "build": env!("CARGO_PKG_VERSION"),
            "venue": self.plan.venue,
            "kernels": self.kernel_names,
            "rows": levels + c.trade,
            "seconds": self.run_ns as f64 * 1e-9,
            "load_seconds": self.load_ns as f64 * 1e-9,
            "recorded_seconds": (b.last_ns - b.first_ns) as f64 * 1e-9,
            "clock_offset_ns": self.plan.clock_offset_ns,
            "notice": self.notice(),
            "frames": {
                "depth": c.depth, "quote": c.quote, "trade": c.trade, "snapshot": c.snapshot, "order": c.order,
                "timer": c.timer, "fault": c.fault, "ignored": c.ignored, "malformed": c.malformed,
                "backwards": c.backwards, "outliers": c.outliers,
            },
            "first_malformed": lane.first_malformed,
            "book": books(&instruments),
            "instruments": instruments,
            "fills": fills.len(),
            "fill_log": fills.iter().map(|r| fill_json(specs, r)).collect::<Vec<_>>(),
            "pnl": pnl_json(totals),
            "markouts": markouts_json(fills),
            "queue": {
                "joined_lots": queue(|r| r.fill.receipt.queue_joined),
                "ahead_lots": queue(|r| r.fill.receipt.queue_ahead),
            },
            "time_to_fill_ns": percentiles(maker.clone().map(|r| r.fill.since_accepted_ns).collect()),
            "intents": lane.journal.intents,
            "permits": lane.journal.permits,
            "refused": lane.journal.refusals,
            "receipts": lane.journal.receipts,
            "unsendable": lane.journal.unsendable,
            "messages": {
                "place": lane.journal.messages[Action::Place as usize],
                "cancel": lane.journal.messages[Action::Cancel as usize],
                "replace": lane.journal.messages[Action::Replace as usize],
            },
            "refusals": refusals,
            "limits": self.plan.limits.as_ref().filter(|_| lane.gate().is_some()),
            "simulation": lane.gate().map(|_| self.simulation()),
            "switch": match lane.gate() {
                None => Value::Null,
                Some(g) => json!({
                    "state": format!("{:?}", g.state()).to_lowercase(),
                    "cause": g.reason().map(|r| format!("{:?}", r.cause)),
                    "reason": g.reason().map(|r| r.text.clone()),
                }),
            },
            "sha256": lane.journal.sha256().iter().map(|b| format!("{b:02x}")).collect::<String>(),
        })
    }

    /// The sampled path, for charts: parallel lists by instrument. Floats: nothing is computed from them.
    #[must_use]
    pub fn series(&self) -> Value {
        let lists = self.plan.instruments.iter().enumerate().map(|(n, spec)| {
            let points = || self.backtest.stats.samples.iter().filter(move |s| usize::from(s.instrument) == n);
            let value = |m: Money| spec.value(m).to_f64();
            json!({
                "symbol": spec.symbol,
                "t_ns": points().map(|s| s.time_ns).collect::<Vec<_>>(),
                "mid": points().map(|s| s.half_ticks.map(|h| spec.tick.product(ticks(h)).to_f64())).collect::<Vec<_>>(),
                "position": points().map(|s| spec.quantity(crate::units::Lots(s.position)).to_f64()).collect::<Vec<_>>(),
                "pnl": points().map(|s| value(s.spread + s.drift - s.fees + s.rebates)).collect::<Vec<_>>(),
                "spread": points().map(|s| value(s.spread)).collect::<Vec<_>>(),
                "drift": points().map(|s| value(s.drift)).collect::<Vec<_>>(),
                "fees": points().map(|s| value(s.fees)).collect::<Vec<_>>(),
                "rebates": points().map(|s| value(s.rebates)).collect::<Vec<_>>(),
            })
        });
        Value::Array(lists.collect())
    }
}
