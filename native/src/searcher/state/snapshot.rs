//! A world on disk: everything it knows, its journal too, so that a restart can still unwind.
//!
//! One file: the magic bytes, the version of the format, the length of what follows, a checksum (CRC-32C, RFC 3720) over all
//! of the file but itself, then the world as JSON compressed by zstd (RFC 8878). The pools are in their serde form, which
//! is also what recorded files hold.
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::super::pools::{AnyPool, PoolId, PoolKey, Pools, Status, TokenId};
use super::discovery::{Drafts, Factories};
use super::journal::Journal;
use super::routes::Routes;
use super::world::{Missing, World};

const MAGIC: [u8; 8] = *b"SRCHWRLD";
const VERSION: u32 = 1;
/// Magic, version, length, checksum.
const HEAD: usize = 8 + 4 + 8 + 4;
const LEVEL: i32 = 3;

/// Why a snapshot was not loaded or not saved.
#[derive(Debug)]
pub enum SnapshotError {
    /// The file system.
    Io(PathBuf, io::Error),
    /// Not a snapshot.
    Foreign,
    /// A version that this program does not know.
    Version(u32),
    /// It ends too early, or goes on behind its end.
    Length {
        /// Bytes that its head asks for.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// Bytes are not those that were written.
    Damaged,
    /// Whole, but it holds what no world can.
    Content(String),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Io(path, why) => write!(f, "{}: {why}", path.display()),
            SnapshotError::Foreign => f.write_str("not a snapshot of pools: check the path"),
            SnapshotError::Version(version) => {
                write!(
                    f,
                    "snapshot of format {version}, this program reads {VERSION}: load it with the program that wrote it"
                )
            }
            SnapshotError::Length { expected, found } => {
                write!(
                    f,
                    "snapshot of {found} bytes where {expected} were written: it was cut or added to; take an older one"
                )
            }
            SnapshotError::Damaged => f.write_str("the snapshot's checksum does not fit: take an older one"),
            SnapshotError::Content(why) => write!(f, "the snapshot holds what no world can: {why}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

#[derive(Serialize, Deserialize)]
struct OnePool {
    key: PoolKey,
    /// Places in the list of tokens.
    tokens: Vec<u32>,
    pool: AnyPool,
    status: Status,
    missing: Option<Missing>,
    /// Whether its key leads to it (not where another came to live there).
    at_key: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    depth: usize,
    tokens: Vec<Address>,
    pools: Vec<OnePool>,
    drafts: Drafts,
    below: Option<Journal>,
    journal: Journal,
}

impl World {
    /// The snapshot's bytes.
    ///
    /// # Errors
    /// [`SnapshotError::Content`] where a pool cannot be written; none of ours is so.
    pub fn encode(&self) -> Result<Vec<u8>, SnapshotError> {
        let pools = self
            .pools
            .ids()
            .map(|id| OnePool {
                key: self.pools.key(id),
                tokens: self.pools.tokens(id).iter().map(|t| t.0).collect(),
                pool: self.pools.get(id).clone(),
                status: self.pools.status(id),
                missing: self.missing.get(&id).copied(),
                at_key: self.pools.id(self.pools.key(id)) == Some(id),
            })
            .collect();
        let stored = Stored {
            depth: self.depth,
            tokens: tokens(&self.pools),
            pools,
            drafts: self.drafts.clone(),
            below: self.below.clone(),
            journal: self.journal.clone(),
        };
        let content = |why: &dyn fmt::Display| SnapshotError::Content(why.to_string());
        let mut packed = zstd::stream::Encoder::new(vec![0; HEAD], LEVEL).map_err(|why| content(&why))?;
        serde_json::to_writer(io::BufWriter::with_capacity(1 << 16, &mut packed), &stored)
            .map_err(|why| content(&why))?;
        let mut bytes = packed.finish().map_err(|why| content(&why))?;
        let length = (bytes.len() - HEAD) as u64;
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&length.to_le_bytes());
        let sum = checksum(&bytes);
        bytes[20..HEAD].copy_from_slice(&sum.to_le_bytes());
        Ok(bytes)
    }

    /// A world from a snapshot's bytes. The factories are not part of it: they are the caller's data, as with
    /// [`World::new`].
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn decode(bytes: &[u8], factories: Factories) -> Result<World, SnapshotError> {
        let content = |why: &dyn fmt::Display| SnapshotError::Content(why.to_string());
        let stored: Stored = {
            let plain = zstd::stream::decode_all(checked(bytes)?).map_err(|why| content(&why))?;
            serde_json::from_slice(&plain).map_err(|why| content(&why))?
        };
        let mut pools = Pools::default();
        let mut routes = Routes::new(&factories);
        let mut missing = FxHashMap::default();
        for token in &stored.tokens {
            pools.token(*token);
        }
        for one in stored.pools {
            let tokens: Option<Vec<Address>> =
                one.tokens.iter().map(|n| stored.tokens.get(*n as usize).copied()).collect();
            let tokens = tokens.ok_or_else(|| SnapshotError::Content("a token that is not listed".to_owned()))?;
            if pools.id(one.key).is_some() {
                return Err(SnapshotError::Content("two pools with one key".to_owned()));
            }
            routes.add(one.key, PoolId(pools.len() as u32), &one.pool);
            let id = pools.add(one.key, &tokens, one.pool);
            pools.set_status(id, one.status);
            if !one.at_key {
                pools.forget_key(one.key);
            }
            if let Some(why) = one.missing {
                missing.insert(id, why);
            }
            if one.missing.is_some() == (one.status == Status::Live) {
                return Err(SnapshotError::Content("a live pool that is not at the head".to_owned()));
            }
        }
        let (depth, drafts) = (stored.depth.max(1), stored.drafts);
        let (below, journal) = (stored.below, stored.journal);
        for id in below.iter().chain([&journal]).flat_map(|j| &j.entries).flat_map(|entry| entry.undo.keys()) {
            if id.0 as usize >= pools.len() {
                return Err(SnapshotError::Content("the journal of a pool that is not listed".to_owned()));
            }
        }
        Ok(World { pools, factories, drafts, routes, journal, below, missing, depth })
    }

    /// Writes a snapshot: beside the file first, to disk, then in its place, so that there is always a whole one.
    ///
    /// # Errors
    /// See [`SnapshotError`]; an older file at this path is as it was.
    pub fn save(&self, path: &Path) -> Result<(), SnapshotError> {
        let bytes = self.encode()?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let beside = path.with_file_name(name);
        let written = (|| {
            let mut file = File::create(&beside)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&beside, path)?;
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder)?.sync_all()
        })();
        written.map_err(|why| SnapshotError::Io(path.to_owned(), why))
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn load(path: &Path, factories: Factories) -> Result<World, SnapshotError> {
        let bytes = fs::read(path).map_err(|why| SnapshotError::Io(path.to_owned(), why))?;
        World::decode(&bytes, factories)
    }
}

fn tokens(pools: &Pools) -> Vec<Address> {
    (0..pools.token_count()).map(|n| pools.token_address(TokenId(n as u32))).collect()
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..20]), &bytes[HEAD..])
}

/// What is behind the head of a file that is whole.
fn checked(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    if bytes.len() < 12 || bytes[..8] != MAGIC {
        return Err(SnapshotError::Foreign);
    }
    let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let found = bytes.len() as u64;
    let Some(head) = bytes.get(..HEAD) else { return Err(SnapshotError::Length { expected: HEAD as u64, found }) };
    let length = head[12..20].iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
    let expected = length.saturating_add(HEAD as u64);
    if expected != found {
        return Err(SnapshotError::Length { expected, found });
    }
    let sum = head[20..].iter().rev().fold(0, |n, byte| n << 8 | u32::from(*byte));
    if sum != checksum(bytes) {
        return Err(SnapshotError::Damaged);
    }
    Ok(&bytes[HEAD..])
}
