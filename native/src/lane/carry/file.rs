//! `fills.jsonl` in a lane's state folder: one line a fill and one a start, appended whole, so that a process that is
//! killed loses at most what the venue can tell again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::line::Line;
use super::{CarriedSymbol, Carry, KeptFill};
use crate::cex::orders::first_id;
use crate::units::InstrumentSpec;

/// Order ids of one run.
const BLOCK: u64 = 1 << 30;
/// Trade ids of each symbol that go into the opening balance; those below them count as known.
const RECENT: usize = 4_096;

/// The open file; its lane's thread alone writes to it.
#[derive(Debug)]
pub struct CarryFile {
    file: File,
    path: PathBuf,
    specs: Vec<InstrumentSpec>,
    /// A line was not written whole: another one after it would hide that.
    broken: bool,
}

/// What the lines read so far add up to.
#[derive(Default)]
struct Sum {
    starts: u64,
    carry: Carry,
    symbols: BTreeMap<String, (CarriedSymbol, BTreeSet<u64>)>,
}

impl CarryFile {
    /// Reads the file, cuts off an end that was not written whole, and reserves order ids for this run, which are on
    /// the disk before it returns. `lane` is the number in the order ids.
    ///
    /// # Errors
    /// The folder or file cannot be used; a line other than the last is damaged or holds a trade a second time: the text
    /// names the line and what to do.
    pub fn open(dir: &Path, lane: u16, specs: &[InstrumentSpec]) -> Result<(CarryFile, Carry), String> {
        let path = dir.join("fills.jsonl");
        let said = |what: &str, e: std::io::Error| format!("{}: {what}: {e}", path.display());
        std::fs::create_dir_all(dir).map_err(|e| said("its folder cannot be made", e))?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(|e| said("cannot be opened", e))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| said("cannot be read", e))?;
        let (mut sum, whole) = read(&path, &bytes)?;
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(|e| said("its torn end cannot be cut", e))?;
            sum.carry.cut = Some(format!(
                "{}: {} bytes at its end were not written whole and are cut off",
                path.display(),
                bytes.len() - whole
            ));
        }
        let counter = 1 + sum.starts * BLOCK;
        if counter >> 48 != 0 {
            return Err(format!("{}: all order ids of lane {lane} are used; give it another number", path.display()));
        }
        sum.carry.first_id = first_id(lane, counter);
        sum.carry.symbols = sum.symbols.into_values().map(|(s, known)| with_recent(s, known)).collect();
        let mut opened = CarryFile { file, path, specs: specs.to_vec(), broken: false };
        opened.write(&Line::Start { first_id: sum.carry.first_id })?;
        let synced = opened.file.sync_all().and_then(|()| File::open(dir)?.sync_all());
        synced.map_err(|e| format!("{}: cannot be brought to the disk: {e}", opened.path.display()))?;
        Ok((opened, sum.carry))
    }

    /// Writes one line, whole, with one write.
    ///
    /// # Errors
    /// What the system said: what is not kept must not be traded on.
    pub fn append(&mut self, kept: &KeptFill) -> Result<(), String> {
        let spec = self.specs.get(usize::from(kept.instrument)).ok_or("an instrument that the file does not know")?;
        let line = Line::new(kept, spec);
        self.write(&line)
    }

    fn write(&mut self, line: &Line) -> Result<(), String> {
        if self.broken {
            return Err(format!(
                "{}: an earlier line was not written; see to the disk and start again",
                self.path.display()
            ));
        }
        let text = line.text()?;
        let written = self.file.write(text.as_bytes());
        self.broken = !matches!(written, Ok(n) if n == text.len());
        match written {
            Ok(n) if n == text.len() => Ok(()),
            Ok(n) => Err(format!("{}: only {n} of {} bytes were written", self.path.display(), text.len())),
            Err(e) => Err(format!("{}: {e}", self.path.display())),
        }
    }
}

fn with_recent(mut s: CarriedSymbol, known: BTreeSet<u64>) -> CarriedSymbol {
    let skip = known.len().saturating_sub(RECENT);
    if let Some(last) = skip.checked_sub(1).and_then(|n| known.iter().nth(n)) {
        s.floor = s.floor.max(*last);
    }
    s.recent = known.into_iter().skip(skip).filter(|id| *id > s.floor).collect();
    s
}

/// What the lines say, and how many bytes of them are whole.
fn read(path: &Path, bytes: &[u8]) -> Result<(Sum, usize), String> {
    let mut sum = Sum::default();
    let mut at = 0;
    let mut number = 0;
    while at < bytes.len() {
        number += 1;
        let end = bytes[at..].iter().position(|b| *b == b'\n').map(|n| at + n);
        let last = end.is_none_or(|end| end + 1 == bytes.len());
        let wrong = |e: String| {
            format!(
                "{} line {number}: {e}. Fills from there on cannot be trusted: compare the file with the venue's trades, \
                 repair the line, or flatten by hand and start with another state folder",
                path.display()
            )
        };
        let line = match end {
            None => Err("it is not whole".to_owned()),
            Some(end) => std::str::from_utf8(&bytes[at..end]).map_err(|e| e.to_string()).and_then(Line::read),
        };
        match (line, end) {
            (Ok(line), Some(end)) => {
                sum.add(line).map_err(wrong)?;
                at = end + 1;
            }
            (Err(_), _) if last => break,
            (Err(e), _) => return Err(wrong(e)),
            (Ok(_), None) => break,
        }
    }
    Ok((sum, at))
}

impl Sum {
    fn add(&mut self, line: Line) -> Result<(), String> {
        let (state, fill) = match line {
            Line::Start { .. } => {
                self.starts += 1;
                return Ok(());
            }
            Line::Fill { fill, state } => (state, Some(fill)),
            Line::State { state } => (state, None),
        };
        self.carry.day = state.day.or(self.carry.day);
        let new = state.carried();
        let entry = self.symbols.entry(state.symbol.clone());
        let (carried, known) = entry.or_insert_with(|| (new.clone(), BTreeSet::new()));
        let fills = carried.fills;
        *carried = CarriedSymbol { fills, ..new };
        if let Some(fill) = fill {
            if !known.insert(fill.trade_id) {
                return Err(format!("{} trade {} is there a second time", state.symbol, fill.trade_id));
            }
            carried.fills += 1;
        }
        Ok(())
    }
}
