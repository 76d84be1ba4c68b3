//! What a report says of fills: markouts, queue positions, times to fill, and a sampled path of the PnL.

use std::collections::VecDeque;

use crate::event::InstrumentId;
use crate::lane::{Lane, LaneFill};
use crate::units::Money;

/// Markout horizons, seconds.
pub const HORIZONS_S: [i64; 3] = [1, 10, 60];
const SAMPLE_NS: i64 = 1_000_000_000;

pub struct FillRecord {
    pub fill: LaneFill,
    /// Half ticks in our favour between the fill's price and the mid so much later; absent when the recording ended
    /// before, or the book had no Top then.
    pub markout: [Option<i64>; HORIZONS_S.len()],
}

/// One point of the path.
#[derive(Clone, Copy)]
pub struct Sample {
    pub time_ns: i64,
    pub instrument: InstrumentId,
    pub half_ticks: Option<i64>,
    pub position: i64,
    pub spread: Money,
    pub drift: Money,
    pub fees: Money,
    pub rebates: Money,
}

#[derive(Default)]
pub struct Stats {
    pub fills: Vec<FillRecord>,
    /// Fills that wait for each horizon, oldest first.
    waiting: [VecDeque<usize>; HORIZONS_S.len()],
    pub samples: Vec<Sample>,
    next_sample_ns: i64,
    /// Nothing is due before this time.
    due_ns: i64,
}

impl Stats {
    /// Before the lane takes what happens at `now_ns`: what fell due since is measured on the lane as it stands.
    #[inline(always)]
    pub fn advance(&mut self, lane: &Lane, now_ns: i64) {
        if now_ns > self.due_ns {
            self.measure(lane, now_ns);
        }
    }

    #[cold]
    fn measure(&mut self, lane: &Lane, now_ns: i64) {
        for (h, waiting) in self.waiting.iter_mut().enumerate() {
            while let Some(&n) = waiting.front() {
                let record = &mut self.fills[n];
                if record.fill.recv_ns + HORIZONS_S[h] * SAMPLE_NS >= now_ns {
                    break;
                }
                waiting.pop_front();
                let r = &record.fill.receipt;
                let top = lane.instruments()[usize::from(r.instrument)].top;
                record.markout[h] = top.map(|t| r.side.sign() * (t.half_ticks() - 2 * r.px.0));
            }
        }
        if now_ns > self.next_sample_ns {
            self.sample(lane, now_ns);
            self.next_sample_ns = now_ns - now_ns.rem_euclid(SAMPLE_NS) + SAMPLE_NS;
        }
        self.schedule();
    }

    fn schedule(&mut self) {
        let waiting = self.waiting.iter().zip(HORIZONS_S);
        let due = waiting.filter_map(|(w, h)| w.front().map(|&n| self.fills[n].fill.recv_ns + h * SAMPLE_NS)).min();
        self.due_ns = due.map_or(self.next_sample_ns, |d| d.min(self.next_sample_ns));
    }

    /// The mid, and the lane's position and PnL (zero in a lane that only watches), now.
    pub fn sample(&mut self, lane: &Lane, now_ns: i64) {
        for (n, i) in lane.instruments().iter().enumerate() {
            let exposure = lane.gate().map(|g| g.exposure(n as InstrumentId));
            let pnl = exposure.map(|e| *e.pnl()).unwrap_or_default();
            self.samples.push(Sample {
                time_ns: now_ns,
                instrument: n as InstrumentId,
                half_ticks: i.top.map(|t| t.half_ticks()),
                position: exposure.map_or(0, |e| e.position().0),
                spread: pnl.spread,
                drift: pnl.drift,
                fees: pnl.fees,
                rebates: pnl.rebates,
            });
        }
    }

    pub fn on_fill(&mut self, fill: LaneFill) {
        for waiting in &mut self.waiting {
            waiting.push_back(self.fills.len());
        }
        self.fills.push(FillRecord { fill, markout: [None; HORIZONS_S.len()] });
        self.schedule();
    }
}
