//! Contenders take turns: each round times all of them one after the other, so that what slows the machine slows all.
use std::time::Instant;

use serde_json::{Value, json};

/// One who does something `each` times when called.
pub struct Contender<'a> {
    pub name: &'static str,
    pub each: u64,
    pub work: Box<dyn FnMut() + 'a>,
}

/// Nanoseconds of one time, over the rounds.
pub struct Times {
    pub name: &'static str,
    pub min: f64,
    pub median: f64,
    pub p99: f64,
    pub max: f64,
}

impl Times {
    pub fn of(name: &'static str, mut ns: Vec<f64>) -> Times {
        ns.sort_by(f64::total_cmp);
        let last = ns.len() - 1;
        Times { name, min: ns[0], median: ns[last / 2], p99: ns[last * 99 / 100], max: ns[last] }
    }
}

/// A line of the table: the first contender is ours.
pub struct Row {
    pub what: String,
    pub aim: &'static str,
    pub times: Vec<Times>,
    /// What else was measured.
    pub notes: Vec<(&'static str, f64)>,
}

fn human(ns: f64) -> String {
    match ns {
        _ if ns < 1e3 => format!("{ns:.1} ns"),
        _ if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        _ => format!("{:.2} ms", ns / 1e6),
    }
}

impl Row {
    pub fn print(&self) {
        println!(
            "{}{}",
            self.what,
            if self.aim.is_empty() { String::new() } else { format!("   (aim: {})", self.aim) }
        );
        for t in &self.times {
            let ratio = t.median / self.times[0].median;
            println!(
                "    {:<44} min {:>10}  median {:>10}  p99 {:>10}  max {:>10}  x {ratio:.1}",
                t.name,
                human(t.min),
                human(t.median),
                human(t.p99),
                human(t.max)
            );
        }
        for (name, value) in &self.notes {
            println!("    {name}: {value:.2}");
        }
    }

    pub fn json(&self) -> Value {
        let times = self.times.iter().map(|t| {
            json!({"name": t.name, "min_ns": t.min, "median_ns": t.median, "p99_ns": t.p99, "max_ns": t.max,
                   "ratio": t.median / self.times[0].median})
        });
        let notes: serde_json::Map<_, _> = self.notes.iter().map(|(n, v)| ((*n).to_string(), json!(v))).collect();
        json!({"what": self.what, "aim": self.aim, "times": times.collect::<Vec<_>>(), "notes": notes})
    }
}

/// Times all contenders over `rounds` rounds, after one that does not count.
pub fn race(what: &str, aim: &'static str, rounds: usize, mut contenders: Vec<Contender>) -> Row {
    let mut ns = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, ns) in contenders.iter_mut().zip(&mut ns) {
            let start = Instant::now();
            (contender.work)();
            let took = start.elapsed().as_nanos() as f64 / contender.each as f64;
            if round > 0 {
                ns.push(took);
            }
        }
    }
    let times = contenders.iter().zip(ns).map(|(c, ns)| Times::of(c.name, ns)).collect();
    Row { what: what.into(), aim, times, notes: Vec::new() }
}
