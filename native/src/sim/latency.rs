//! How long a request of ours takes to the matching engine, and its answer back.

use serde::{Deserialize, Serialize};

/// One recorded request: when it was sent, matched and answered. `exch_ns <= 0` says that the venue turned it away.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyRow {
    pub req_ns: i64,
    pub exch_ns: i64,
    pub resp_ns: i64,
}

/// In JSON: `{"kind": "constant", "entry_ns": …, "response_ns": …}` or
/// `{"kind": "interpolated", "rows": [{"req_ns": …, "exch_ns": …, "resp_ns": …}, …], "latency_offset_ns": 0}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum LatencyModel {
    Constant { entry_ns: i64, response_ns: i64 },
    Interpolated(Recorded),
}

/// A checked recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    rows: Vec<LatencyRow>,
    /// `(exch_ns, response_ns)` of the rows that were matched, in order of `exch_ns`.
    responses: Vec<(i64, i64)>,
    offset_ns: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Written {
    Constant {
        entry_ns: i64,
        response_ns: i64,
    },
    Interpolated {
        rows: Vec<LatencyRow>,
        #[serde(default)]
        latency_offset_ns: i64,
    },
}

impl TryFrom<Written> for LatencyModel {
    type Error = String;
    fn try_from(w: Written) -> Result<LatencyModel, String> {
        match w {
            Written::Constant { entry_ns, response_ns } => LatencyModel::constant(entry_ns, response_ns),
            Written::Interpolated { rows, latency_offset_ns } => LatencyModel::interpolated(rows, latency_offset_ns),
        }
    }
}

impl From<LatencyModel> for Written {
    fn from(m: LatencyModel) -> Written {
        match m {
            LatencyModel::Constant { entry_ns, response_ns } => Written::Constant { entry_ns, response_ns },
            LatencyModel::Interpolated(r) => Written::Interpolated { rows: r.rows, latency_offset_ns: r.offset_ns },
        }
    }
}

impl LatencyModel {
    /// Errors: a latency below 0.
    pub fn constant(entry_ns: i64, response_ns: i64) -> Result<LatencyModel, String> {
        if entry_ns < 0 || response_ns < 0 {
            return Err(format!("latency: entry_ns {entry_ns} and response_ns {response_ns} must not be below 0"));
        }
        Ok(LatencyModel::Constant { entry_ns, response_ns })
    }

    /// Straight lines between recorded rows, plus `latency_offset_ns` a way (another site is nearer or farther).
    ///
    /// Errors, each with its row: no row; `req_ns` not rising; an answer before the request; a way that with the
    /// offset takes less than no time; nothing but rejections.
    pub fn interpolated(rows: Vec<LatencyRow>, latency_offset_ns: i64) -> Result<LatencyModel, String> {
        let bad = |i: usize, why: &str| Err(format!("latency row {}: {why}", i + 1));
        for (i, r) in rows.iter().enumerate() {
            if i > 0 && r.req_ns <= rows[i - 1].req_ns {
                return bad(i, "req_ns must be later than in the row before; sort the recording and drop doubles");
            }
            let (there, back) = match r.exch_ns {
                1.. => (r.exch_ns - r.req_ns, r.resp_ns - r.exch_ns),
                _ => ((r.resp_ns - r.req_ns) / 2, (r.resp_ns - r.req_ns) / 2),
            };
            if there < 0 || back < 0 {
                return bad(i, "times must not run backwards (req_ns, exch_ns, resp_ns); correct the clocks first");
            }
            if there.min(back) + latency_offset_ns < 0 {
                return bad(i, "latency_offset_ns would make a latency negative; choose a smaller offset");
            }
        }
        let mut responses: Vec<_> =
            rows.iter().filter(|r| r.exch_ns > 0).map(|r| (r.exch_ns, r.resp_ns - r.exch_ns)).collect();
        if responses.is_empty() {
            return Err("latency: the recording has no row with exch_ns above 0; record at least one answer".into());
        }
        responses.sort_unstable();
        Ok(LatencyModel::Interpolated(Recorded { rows, responses, offset_ns: latency_offset_ns }))
    }

    /// From `now_ns` (local) to the matching engine; `None`: the venue turns the request away, and says so after
    /// [`LatencyModel::rejection_ns`].
    #[must_use]
    pub fn entry_ns(&mut self, now_ns: i64) -> Option<i64> {
        match self {
            LatencyModel::Constant { entry_ns, .. } => Some(*entry_ns),
            LatencyModel::Interpolated(r) => r.entry(now_ns, |row| row.exch_ns > 0, |row| row.exch_ns - row.req_ns),
        }
    }

    /// From `now_ns` (local) to the news, back here, that the request was turned away.
    #[must_use]
    pub fn rejection_ns(&mut self, now_ns: i64) -> i64 {
        match self {
            LatencyModel::Constant { entry_ns, response_ns } => *entry_ns + *response_ns,
            LatencyModel::Interpolated(r) => {
                // the offset lies on the way there and on the way back; `entry` has added it once
                r.entry(now_ns, |_| true, |row| row.resp_ns - row.req_ns).unwrap_or_default() + r.offset_ns
            }
        }
    }

    /// From `now_ns` (matching engine) back to us.
    #[must_use]
    pub fn response_ns(&mut self, now_ns: i64) -> i64 {
        match self {
            LatencyModel::Constant { response_ns, .. } => *response_ns,
            LatencyModel::Interpolated(r) => {
                let after = r.responses.partition_point(|(at, _)| *at <= now_ns);
                let (a, b) = neighbours(&r.responses, after);
                between(now_ns, *a, *b) + r.offset_ns
            }
        }
    }
}

impl Recorded {
    /// The way of a request at `now_ns`; `None` when a row beside it is not `whole`.
    fn entry(&self, now_ns: i64, whole: fn(&LatencyRow) -> bool, way: fn(&LatencyRow) -> i64) -> Option<i64> {
        let after = self.rows.partition_point(|r| r.req_ns <= now_ns);
        let (a, b) = neighbours(&self.rows, after);
        let line = |r: &LatencyRow| (r.req_ns, way(r));
        (whole(a) && whole(b)).then(|| between(now_ns, line(a), line(b)) + self.offset_ns)
    }
}

/// The items on both sides of the gap before `after`; outside the list, its end twice. The list is not empty.
fn neighbours<T>(list: &[T], after: usize) -> (&T, &T) {
    (&list[after.saturating_sub(1)], &list[after.min(list.len() - 1)])
}

/// The line through two points at `x`, rounded towards the first; the first's height outside.
fn between(x: i64, (x1, y1): (i64, i64), (x2, y2): (i64, i64)) -> i64 {
    if x <= x1 || x2 <= x1 {
        return y1;
    }
    let rise = i128::from(y2 - y1) * i128::from(x - x1) / i128::from(x2 - x1);
    // |rise| <= |y2 - y1|, because x lies between x1 and x2
    y1 + rise as i64
}
