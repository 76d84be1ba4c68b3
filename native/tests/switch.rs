//! The switch: latched, one for all who open it, and halted whenever the file is not what it should be.

use std::path::PathBuf;
use std::sync::Arc;

use _core::risk::switch::{Cause, Reason, Switch, SwitchState};

/// A directory of its own for one test, removed at the end.
struct Dir(PathBuf);
impl Dir {
    fn new(name: &str) -> Dir {
        let dir = std::env::temp_dir().join(format!("switch-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Dir(dir)
    }
    fn switch(&self) -> PathBuf {
        self.0.join("state/switch")
    }
    fn log(&self) -> String {
        std::fs::read_to_string(self.0.join("state/switch.log")).unwrap_or_default()
    }
}
impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn it_only_goes_down_and_stays_there() {
    let dir = Dir::new("down");
    let (a, b) = (Switch::open(&dir.switch()).unwrap(), Switch::open(&dir.switch()).unwrap());
    assert_eq!((a.state(), a.reason()), (SwitchState::Active, None));
    assert!(a.trip(SwitchState::Reducing, Cause::Drawdown, "lost\ttoo\nmuch", 5));
    assert_eq!(b.state(), SwitchState::Reducing);
    assert!(!b.trip(SwitchState::Reducing, Cause::Person, "again", 6));
    assert!(b.trip(SwitchState::Halted, Cause::Person, "enough", 7));
    assert!(
        !b.trip(SwitchState::Reducing, Cause::Person, "up?", 8) && !b.trip(SwitchState::Active, Cause::Person, "", 9)
    );
    let first = Reason { cause: Cause::Drawdown, text: "lost\ttoo\nmuch".into(), at_ns: 5, pid: std::process::id() };
    assert_eq!((a.state(), a.reason()), (SwitchState::Halted, Some(first.clone())));
    drop((a, b));
    let again = Switch::open(&dir.switch()).unwrap();
    assert_eq!((again.state(), again.reason()), (SwitchState::Halted, Some(first)));
    let log = dir.log();
    let lines: Vec<Vec<&str>> = log.lines().map(|l| l.split('\t').collect()).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert_eq!(lines[0][1..3], ["active", "reducing"]);
    assert_eq!(lines[0][4..], ["drawdown", "lost too much"]);
    assert_eq!(lines[1][1..3], ["reducing", "halted"]);
    assert_eq!(again.log_error(), None);
}

#[test]
fn only_a_person_with_a_reason_resets() {
    let dir = Dir::new("reset");
    let s = Switch::open(&dir.switch()).unwrap();
    s.trip(SwitchState::Halted, Cause::Panic, "lane 0", 1);
    for (who, reason) in [("", "why"), ("ada", " "), ("ada", "")] {
        assert!(s.reset(who, reason, 2).unwrap_err().contains("reason"));
        assert_eq!(s.state(), SwitchState::Halted);
    }
    s.reset("ada", "the feed is back", 2).unwrap();
    assert_eq!((s.state(), s.reason()), (SwitchState::Active, None));
    assert!(dir.log().lines().last().unwrap().ends_with("halted\tactive\tada\treset\tthe feed is back"));
    assert!(s.trip(SwitchState::Reducing, Cause::Kernel, &"é".repeat(200), 3));
    assert_eq!(s.reason().unwrap().text, "é".repeat(128)); // 256 bytes, cut between characters
}

#[test]
fn a_log_that_cannot_be_written_stops_a_reset_and_not_a_trip() {
    let dir = Dir::new("log");
    let s = Switch::open(&dir.switch()).unwrap();
    std::fs::create_dir(dir.0.join("state/switch.log")).unwrap();
    assert!(s.trip(SwitchState::Halted, Cause::Person, "stop", 1));
    assert_eq!(s.state(), SwitchState::Halted);
    assert!(s.log_error().unwrap().contains("switch.log"));
    assert!(s.reset("ada", "go", 2).unwrap_err().contains("nothing was reset"));
    assert_eq!(s.state(), SwitchState::Halted);
}

#[test]
fn a_file_that_is_no_switch_reads_as_halted() {
    let dir = Dir::new("bad");
    drop(Switch::open(&dir.switch()).unwrap());
    let good = std::fs::read(dir.switch()).unwrap();
    let changed = |at: usize, v: u8| {
        let mut bytes = good.clone();
        bytes[at] = v;
        bytes
    };
    let short = good[..good.len() - 1].to_vec();
    let zeros = vec![0; good.len()];
    for bytes in [vec![], short, zeros, changed(0, b'x'), changed(8, 2), changed(12, 0), changed(14, 0)] {
        std::fs::write(dir.switch(), &bytes).unwrap();
        let s = Switch::open(&dir.switch()).unwrap();
        assert_eq!(s.state(), SwitchState::Halted);
        assert_eq!(s.reason().unwrap().cause, Cause::BadFile);
        assert!(!s.trip(SwitchState::Reducing, Cause::Person, "", 0));
        assert_eq!(s.state(), SwitchState::Halted);
        s.reset("ada", "written anew", 1).unwrap();
        assert_eq!(Switch::open(&dir.switch()).unwrap().state(), SwitchState::Active);
    }
    // a reason whose bytes were changed is not shown
    let s = Switch::open(&dir.switch()).unwrap();
    s.trip(SwitchState::Halted, Cause::Person, "as said", 1);
    let mut bytes = std::fs::read(dir.switch()).unwrap();
    let at = bytes.windows(7).position(|w| w == b"as said").unwrap();
    bytes[at] = b'A';
    std::fs::write(dir.0.join("state/other"), &bytes).unwrap();
    assert_eq!(Switch::open(&dir.0.join("state/other")).unwrap().reason().unwrap().cause, Cause::Unfinished);
}

#[test]
fn removing_a_tripped_switch_does_not_reset_it() {
    let dir = Dir::new("gone");
    let s = Switch::open(&dir.switch()).unwrap();
    assert!(s.verify(0));
    s.trip(SwitchState::Reducing, Cause::Person, "stop", 1);
    std::fs::remove_file(dir.switch()).unwrap();
    let new = Switch::open(&dir.switch()).unwrap();
    assert_eq!(new.state(), SwitchState::Halted);
    new.reset("ada", "moved house", 2).unwrap();
    assert_eq!(new.state(), SwitchState::Active);
    // who has the old file mapped finds out, and halts
    assert!(!s.verify(3));
    assert_eq!((s.state(), new.state()), (SwitchState::Halted, SwitchState::Active));
    std::fs::remove_file(dir.switch()).unwrap();
    std::fs::remove_file(dir.0.join("state/switch.log")).unwrap();
    assert_eq!(Switch::open(&dir.switch()).unwrap().state(), SwitchState::Active);
}

#[test]
fn of_many_who_trip_at_once_one_leaves_its_whole_reason() {
    for round in 0..50 {
        let s = Arc::new(Switch::anonymous());
        let threads: Vec<_> = (0..4)
            .map(|i| {
                let s = s.clone();
                let text = format!("{i}").repeat(200);
                std::thread::spawn(move || s.trip(SwitchState::Halted, Cause::Person, &text, i))
            })
            .collect();
        let moved = threads.into_iter().map(|t| t.join().unwrap()).filter(|m| *m).count();
        let reason = s.reason().unwrap();
        assert_eq!((moved, s.state()), (1, SwitchState::Halted), "round {round}");
        assert_eq!(reason.text, format!("{}", reason.at_ns).repeat(200));
    }
}

#[test]
fn flattening_is_asked_for_whatever_tripped_first() {
    let dir = Dir::new("flat");
    let s = Switch::open(&dir.switch()).unwrap();
    assert!(s.trip(SwitchState::Reducing, Cause::Drawdown, "lost", 1));
    assert!(!s.asks_flat());
    assert!(!s.trip(SwitchState::Reducing, Cause::Flatten, "everything out", 2), "the state has not moved");
    let other = Switch::open(&dir.switch()).unwrap();
    assert!(other.asks_flat() && other.reason().unwrap().cause == Cause::Drawdown);
    assert!(dir.log().lines().last().unwrap().ends_with("flatten\teverything out"), "{}", dir.log());
    s.reset("ada", "flat now", 3).unwrap();
    assert!(!other.asks_flat());
    assert!(s.trip(SwitchState::Reducing, Cause::Flatten, "again", 4));
    assert_eq!((other.asks_flat(), other.reason().unwrap().cause), (true, Cause::Flatten));
}
