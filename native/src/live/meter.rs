//! How long it takes from a socket read to an order written, and its parts: HDR histograms, nanoseconds.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

/// Longest time kept apart, ns; longer counts as this.
const MOST_NS: u64 = 60_000_000_000;

/// What is measured. Every part is of events that sent something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Part {
    /// From just before the read that brought the last byte to the end of the last request's write.
    Total = 0,
    /// Up to the start of this message's decoding: the read itself, decryption, unframing, messages of the same read
    /// before it.
    Wait = 1,
    Decode = 2,
    /// Book and features, up to the kernel's call.
    Book = 3,
    Kernel = 4,
    /// Quoter, Gate and order record.
    Gate = 5,
    /// Encoding and signing.
    Encode = 6,
    Write = 7,
}

impl Part {
    pub const ALL: [Part; 8] =
        [Part::Total, Part::Wait, Part::Decode, Part::Book, Part::Kernel, Part::Gate, Part::Encode, Part::Write];

    #[must_use]
    pub fn name(self) -> &'static str {
        ["total", "wait", "decode", "book", "kernel", "gate", "encode", "write"][self as usize]
    }
}

pub struct Meter(Vec<Histogram<u64>>);

impl Default for Meter {
    fn default() -> Meter {
        let fresh = || Histogram::new_with_bounds(1, MOST_NS, 2).expect("the bounds are in range: 1 < 2 × 1 < MOST_NS");
        Meter(Part::ALL.iter().map(|_| fresh()).collect())
    }
}

impl Meter {
    #[inline]
    pub fn add(&mut self, part: Part, ns: i64) {
        self.0[part as usize].saturating_record(u64::try_from(ns).unwrap_or(0));
    }

    /// Of each part: count, quantiles and the largest, ns.
    #[must_use]
    pub fn json(&self) -> Value {
        let one = |h: &Histogram<u64>| {
            let at = |q: f64| h.value_at_quantile(q);
            json!({"count": h.len(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": h.max()})
        };
        let all: Map<String, Value> =
            Part::ALL.iter().zip(&self.0).map(|(part, h)| (part.name().to_string(), one(h))).collect();
        Value::Object(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_found_again() {
        let mut meter = Meter::default();
        for ns in 1..=1000 {
            meter.add(Part::Total, ns * 1000);
        }
        meter.add(Part::Write, -5);
        meter.add(Part::Write, i64::MAX);
        let json = meter.json();
        let near = |v: &Value, ns: f64| (v.as_f64().unwrap() / ns - 1.0).abs() < 0.02;
        assert_eq!(json["total"]["count"], 1000);
        assert!(near(&json["total"]["p50"], 500_000.0) && near(&json["total"]["p99"], 990_000.0), "{json}");
        assert!(near(&json["write"]["max"], MOST_NS as f64), "too long counts as the longest");
        assert_eq!(json["gate"]["count"], 0);
    }
}
