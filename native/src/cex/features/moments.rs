//! Means and standard deviations: exponentially weighted by time, and over a window.

/// Weights older than this many half-lives are dropped: 2⁻⁶⁴ of a new observation is lost in an `f64` beside it.
const FORGET_HALFLIVES: f64 = 64.0;

/// The time of one stream of events, and what it does to weights.
///
/// An observation of age `t` has the weight `exp(−t · ln 2 / halflife) = 2^(−t / halflife)`: irregular sampling as in
/// pandas, `DataFrame.ewm(halflife=…, times=…)`. After a silence of 64 half-lives or more what came before is
/// forgotten: its weight is 0.
#[derive(Clone, Debug)]
pub(super) struct DecayClock {
    last_ns: Option<i64>,
    per_ns: f64,
    backward: u64,
}

impl DecayClock {
    pub(super) fn new(halflife_ms: i64) -> DecayClock {
        DecayClock { last_ns: None, per_ns: 1.0 / (halflife_ms as f64 * 1e6), backward: 0 }
    }

    /// How often time went backwards.
    pub(super) fn backward(&self) -> u64 {
        self.backward
    }

    /// Moves to `now_ns`; returns the nanoseconds since the last event and the factor by which they shrink every
    /// weight. Time that goes backwards stands still, and is counted.
    #[inline]
    pub(super) fn advance(&mut self, now_ns: i64) -> (f64, f64) {
        let last_ns = self.last_ns.unwrap_or(now_ns);
        if now_ns <= last_ns {
            self.backward += u64::from(now_ns < last_ns);
            self.last_ns = Some(last_ns);
            return (0.0, 1.0);
        }
        self.last_ns = Some(now_ns);
        let elapsed_ns = now_ns.abs_diff(last_ns) as f64;
        let halflives = elapsed_ns * self.per_ns;
        let decay = if halflives < FORGET_HALFLIVES { (-halflives).exp2() } else { 0.0 };
        (elapsed_ns, decay)
    }
}

/// The weights of an exponentially weighted sample in which every event adds an observation of weight 1. Shared by
/// all means that are taken at the same events.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EwWeights {
    /// Σw.
    total: f64,
    /// (Σw)² − Σw², kept as a sum of positive terms: the difference would cancel.
    pairs: f64,
}

/// What one event does to an [`EwMoment`].
#[derive(Clone, Copy, Debug)]
pub(super) struct EwStep {
    decay: f64,
    /// Share of the new observation in Σw.
    gain: f64,
    /// Share of the older ones; not 1 − gain, which would lose a small one.
    kept: f64,
    /// Σw / ((Σw)² − Σw²); NaN with one observation.
    unbias: f64,
}

impl EwWeights {
    #[inline]
    pub(super) fn step(&mut self, decay: f64) -> EwStep {
        let old = decay * self.total;
        self.pairs = decay * decay * self.pairs + 2.0 * old;
        self.total = old + 1.0;
        let unbias = if self.pairs > 0.0 { self.total / self.pairs } else { f64::NAN };
        let gain = 1.0 / self.total;
        EwStep { decay, gain, kept: old * gain, unbias }
    }
}

/// Exponentially weighted mean and standard deviation of one quantity, sampled at every event.
///
/// `mean = Σwx / Σw`; `variance = Σw(x − mean)² · Σw / ((Σw)² − Σw²)`, the estimator without bias for independent
/// observations with such weights (GNU Scientific Library, "Weighted Samples"; pandas `ewm(…).var(bias=False)`).
/// Updated by West, "Updating mean and variance estimates: an improved method", CACM 22 (1979) 532–535. The weights
/// forget rounding errors as they forget observations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EwMoment {
    mean: f64,
    /// Σw(x − mean)².
    scatter: f64,
}

impl EwMoment {
    /// Takes `x` in; returns mean and standard deviation.
    #[inline]
    pub(super) fn update(&mut self, x: f64, step: &EwStep) -> (f64, f64) {
        if step.kept == 0.0 {
            // nothing older weighs anything: exactly x, without the rounding of mean + (x − mean)
            *self = EwMoment { mean: x, scatter: 0.0 };
        } else {
            let error = x - self.mean;
            self.mean += error * step.gain;
            self.scatter = step.decay * self.scatter + error * error * step.kept;
        }
        (self.mean, (self.scatter * step.unbias).sqrt())
    }
}

/// Exponentially weighted realised volatility: `√(Σw·Δx² / Σw·Δt)` over the changes `Δx` of `x` and the times `Δt`
/// they took, per √second.
///
/// Realised variance is the sum of squared changes (Andersen, Bollerslev, Diebold, Labys, "Modeling and Forecasting
/// Realized Volatility", Econometrica 71 (2003) 579–625), weighted as in RiskMetrics (Technical Document, 4th ed.,
/// 1996) but by age; divided by the time observed it estimates, without bias, the σ² of `dS = σ dW`, which is the mid
/// of Avellaneda and Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8 (2008) 217–224.
/// It takes the mid as it is: bid–ask bounce that moves the mid counts as volatility.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Volatility {
    /// Σw·Δx².
    squares: f64,
    /// Σw·Δt, ns.
    observed_ns: f64,
}

impl Volatility {
    /// Lets time pass in which nothing was observed.
    #[inline]
    pub(super) fn age(&mut self, decay: f64) {
        self.squares *= decay;
        self.observed_ns *= decay;
    }

    /// Takes in a change that took `elapsed_ns`.
    #[inline]
    pub(super) fn update(&mut self, change: f64, elapsed_ns: f64, decay: f64) {
        self.squares = decay * self.squares + change * change;
        self.observed_ns = decay * self.observed_ns + elapsed_ns;
    }

    /// Per √second; NaN unless at least a nanosecond, weighted, was observed.
    #[inline]
    pub(super) fn value(&self) -> f64 {
        if self.observed_ns < 1.0 {
            return f64::NAN;
        }
        (self.squares / self.observed_ns * 1e9).sqrt()
    }
}
