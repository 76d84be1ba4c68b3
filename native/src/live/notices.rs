//! What a lane's thread has to say in words, for Python's log: a bounded queue of JSON lines. Lanes count; what is said
//! here is rare.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

/// Lines that wait for Python at most; more are dropped, and their number said.
const MOST: usize = 1024;

#[derive(Debug, Default)]
struct Queue {
    lines: Vec<String>,
    dropped: u64,
}

/// Shared by the lane's thread, which writes, and Python, which takes.
#[derive(Debug, Default)]
pub struct Notices(Mutex<Queue>);

impl Notices {
    /// Adds a line: `what` in a word or two, and details. Never for what happens per message.
    pub fn say(&self, now_ns: i64, what: &str, details: Value) {
        let mut line = Map::new();
        line.insert("time_ns".into(), json!(now_ns));
        line.insert("event".into(), json!(what));
        if let Value::Object(details) = details {
            line.extend(details);
        }
        // The other side only takes the vector: nobody waits here.
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.lines.len() < MOST {
            queue.lines.push(Value::Object(line).to_string());
        } else {
            queue.dropped += 1;
        }
    }

    /// Takes what was said since the last time, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = std::mem::take(&mut queue.lines);
        let dropped = std::mem::take(&mut queue.dropped);
        drop(queue);
        if dropped > 0 {
            lines.push(json!({"event": "notices dropped", "count": dropped}).to_string());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_once_and_a_flood_is_counted() {
        let notices = Notices::default();
        notices.say(7, "connected", json!({"connection": "market 0"}));
        let line: Value = serde_json::from_str(&notices.take()[0]).unwrap();
        assert_eq!(line, json!({"time_ns": 7, "event": "connected", "connection": "market 0"}));
        assert!(notices.take().is_empty());
        for _ in 0..MOST + 3 {
            notices.say(0, "x", Value::Null);
        }
        let lines = notices.take();
        assert_eq!(lines.len(), MOST + 1);
        let last: Value = serde_json::from_str(&lines[MOST]).unwrap();
        assert_eq!(last["count"], 3);
    }
}
