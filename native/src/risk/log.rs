//! The switch's log: one line a trip or reset, appended beside the switch file. Tab-separated: UTC time, from, to,
//! who, cause, reason.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The log of the switch at `path`: the same name with `.log` added.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".log");
    PathBuf::from(name)
}

pub(super) fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(beside(path))
}

/// One `write` a line, so that lines of several processes do not mix; then to the disk.
pub(super) fn append(file: &mut File, now_ns: i64, fields: [&str; 5]) -> std::io::Result<()> {
    let mut line = utc(now_ns);
    for field in fields {
        line.push('\t');
        line.extend(field.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    line.push('\n');
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// The state that the last whole line ends in, if there is a log.
pub(super) fn last_state(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(beside(path)).ok()?;
    text.lines().rev().find_map(|l| l.split('\t').nth(2).map(str::to_owned))
}

/// `2026-08-01T00:00:00.000000000Z`. Days to civil date: Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `civil_from_days`.
#[must_use]
pub fn utc(ns: i64) -> String {
    const SECOND: i64 = 1_000_000_000;
    let (s, frac) = (ns.div_euclid(SECOND), ns.rem_euclid(SECOND));
    let (days, s) = (s.div_euclid(86_400), s.rem_euclid(86_400));
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let y = yoe + era * 400 + i64::from(m <= 2);
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{frac:09}Z", s / 3_600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(utc(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(utc(951_827_696_789_000_000), "2000-02-29T12:34:56.789000000Z");
        assert_eq!(utc(i64::MAX), "2262-04-11T23:47:16.854775807Z");
    }
}
