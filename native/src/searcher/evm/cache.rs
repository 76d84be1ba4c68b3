//! The state of the head, shared by all threads that simulate on it.
//!
//! Read-mostly: a map in shards, each behind a lock that readers share. A value that is missing is fetched once, by the
//! thread that misses it, blocking; the others wait for it and nobody holds a lock meanwhile. That is why the trouble
//! of asynchronous databases behind a synchronous EVM (bluealloy/revm issues 1549, 1056, 1089, 2927: executors that
//! wait for themselves, caches that cannot be shared) cannot arise: there is no executor below the EVM.
//!
//! A [`View`] belongs to one head. When the cache moves on, a view that reads a part that moved gets
//! [`SourceError::Gone`], so that no simulation ever mixes two heads.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use revm::database_interface::DatabaseRef;
use revm::state::{AccountInfo, Bytecode};
use rustc_hash::{FxHashMap, FxHashSet};

use super::diff::StateDiff;
use super::flight::Flights;
use super::source::{AccountState, At, Got, SourceError, StateSource, Want, unexpected};

const SHARDS: usize = 64;

/// An account of the cache: what is known of it.
#[derive(Default)]
struct Held {
    info: Option<AccountInfo>,
    slots: FxHashMap<U256, U256>,
    /// The generation in which it was last read.
    used: AtomicU64,
}

#[derive(Default)]
struct Shard {
    generation: u64,
    accounts: FxHashMap<Address, Held>,
}

/// A shard with its own cache lines, so that threads in different shards do not slow each other down.
#[derive(Default)]
#[repr(align(128))]
struct Cell {
    shard: RwLock<Shard>,
    hits: AtomicU64,
}

/// Hashes of blocks, with the generation in which they were last forgotten.
#[derive(Default)]
struct Hashes {
    since: u64,
    by_number: FxHashMap<u64, B256>,
}

#[derive(Clone, Copy)]
struct Head {
    generation: u64,
    at: At,
}

/// Counts since the cache was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Reads that found their value.
    pub hits: u64,
    /// Reads that did not, with those that waited for another thread's fetch.
    pub misses: u64,
    /// Values that the source was asked for, by misses and prefetches.
    pub fetched: u64,
    /// Questions to the source: one may be for many values.
    pub questions: u64,
    /// Accounts dropped to keep within the limit.
    pub evicted: u64,
}

#[derive(Default)]
struct Counters {
    misses: AtomicU64,
    fetched: AtomicU64,
    questions: AtomicU64,
    evicted: AtomicU64,
}

/// What is known of the blocks between the cache's head and the next one.
pub enum Change<'d> {
    /// All that changed: values are set, nothing has to be fetched again.
    Diff(&'d StateDiff),
    /// Which accounts changed, with their slots; they are forgotten.
    Touched(&'d [Address]),
    /// Nothing, as after a reorg or a gap: all values are forgotten, code stays.
    Unknown,
}

/// See the module.
pub struct Cache {
    source: Arc<dyn StateSource>,
    head: RwLock<Head>,
    cells: [Cell; SHARDS],
    hashes: RwLock<Hashes>,
    codes: RwLock<FxHashMap<B256, Bytecode>>,
    flights: Flights,
    counters: Counters,
    max_accounts: usize,
}

// What a lock guards is whole after every statement that changes it, so a lock behind a panic is good.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn place(address: &Address) -> usize {
    usize::from(address[19]) % SHARDS
}

impl Cache {
    /// An empty cache of the state at `at`. It holds about `max_accounts` accounts: when it moves on with more, those
    /// are dropped that were not read for longest.
    #[must_use]
    pub fn new(source: Arc<dyn StateSource>, at: At, max_accounts: usize) -> Arc<Cache> {
        Arc::new(Cache {
            source,
            head: RwLock::new(Head { generation: 0, at }),
            cells: std::array::from_fn(|_| Cell::default()),
            hashes: RwLock::default(),
            codes: RwLock::default(),
            flights: Flights::default(),
            counters: Counters::default(),
            max_accounts,
        })
    }

    /// The head's state as it is now.
    #[must_use]
    pub fn view(self: &Arc<Cache>) -> View {
        let head = *read(&self.head);
        View { cache: Arc::clone(self), head }
    }

    /// The block whose state this is.
    #[must_use]
    pub fn at(&self) -> At {
        read(&self.head).at
    }

    /// The source behind it.
    #[must_use]
    pub fn source(&self) -> &Arc<dyn StateSource> {
        &self.source
    }

    /// Its counts.
    #[must_use]
    pub fn counts(&self) -> CacheCounts {
        let c = &self.counters;
        CacheCounts {
            hits: self.cells.iter().map(|cell| cell.hits.load(Relaxed)).sum(),
            misses: c.misses.load(Relaxed),
            fetched: c.fetched.load(Relaxed),
            questions: c.questions.load(Relaxed),
            evicted: c.evicted.load(Relaxed),
        }
    }

    /// How many accounts it holds.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.cells.iter().map(|cell| read(&cell.shard).accounts.len()).sum()
    }

    /// Moves to another block. Views made before get [`SourceError::Gone`].
    pub fn advance(&self, at: At, change: &Change) {
        let mut head = write(&self.head); // no new view until every shard has moved
        head.generation += 1;
        head.at = at;
        for (n, cell) in self.cells.iter().enumerate() {
            let mut shard = write(&cell.shard);
            shard.generation = head.generation;
            match change {
                Change::Diff(diff) => {
                    for (address, change) in diff.iter().filter(|(address, _)| place(address) == n) {
                        shard.follow(address, change);
                    }
                }
                Change::Touched(addresses) => {
                    for address in addresses.iter().filter(|address| place(address) == n) {
                        shard.accounts.remove(address);
                    }
                }
                Change::Unknown => shard.accounts.clear(),
            }
            let evicted = shard.shrink(self.max_accounts / SHARDS);
            self.counters.evicted.fetch_add(evicted, Relaxed);
        }
        if read(&self.codes).len() > self.max_accounts {
            self.forget_codes();
        }
        if matches!(change, Change::Unknown) {
            *write(&self.hashes) = Hashes { since: head.generation, by_number: FxHashMap::default() };
        }
    }

    /// How many different codes it holds.
    #[must_use]
    pub fn codes(&self) -> usize {
        read(&self.codes).len()
    }

    /// Drops the code of no account that is held.
    fn forget_codes(&self) {
        let mut used = FxHashSet::default();
        for cell in &self.cells {
            let shard = read(&cell.shard);
            used.extend(shard.accounts.values().filter_map(|held| held.info.as_ref()).map(|info| info.code_hash));
        }
        write(&self.codes).retain(|hash, _| used.contains(hash));
    }

    /// Analysed code: the same bytes at two addresses are kept once.
    fn bytecode(&self, code: Bytes) -> (B256, Bytecode) {
        let hash = keccak256(&code);
        if let Some(known) = read(&self.codes).get(&hash) {
            return (hash, known.clone());
        }
        // Code that begins like a delegation but is none is old code that runs as it is.
        let analysed = Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code));
        write(&self.codes).entry(hash).or_insert_with(|| analysed.clone());
        (hash, analysed)
    }

    fn info(&self, account: AccountState) -> AccountInfo {
        let (code_hash, code) = self.bytecode(account.code);
        AccountInfo::new(account.balance, account.nonce, code_hash, code)
    }
}

impl Shard {
    fn follow(&mut self, address: &Address, change: &super::diff::AccountDiff) {
        if change.code_changed {
            self.accounts.remove(address); // created or destroyed: nothing that was known holds
            return;
        }
        let Some(held) = self.accounts.get_mut(address) else { return };
        if let Some(info) = &mut held.info {
            info.balance = change.balance.map_or(info.balance, |(_, after)| after);
            info.nonce = change.nonce.map_or(info.nonce, |(_, after)| after);
        }
        for (&slot, &(_, after)) in &change.storage {
            held.slots.insert(slot, after);
        }
    }

    /// Drops accounts that were not read for longest until at most `limit` are left; how many.
    fn shrink(&mut self, limit: usize) -> u64 {
        if self.accounts.len() <= limit {
            return 0;
        }
        let mut ages: Vec<u64> = self.accounts.values().map(|held| held.used.load(Relaxed)).collect();
        let excess = ages.len() - limit;
        let (_, &mut oldest_kept, _) = ages.select_nth_unstable(excess);
        let before = self.accounts.len();
        self.accounts.retain(|_, held| held.used.load(Relaxed) >= oldest_kept);
        (before - self.accounts.len()) as u64
    }
}

/// The state of one head through the cache: cheap to make and to clone, good for one thread at a time.
#[derive(Clone)]
pub struct View {
    cache: Arc<Cache>,
    head: Head,
}

impl View {
    /// The block whose state this is.
    #[must_use]
    pub fn at(&self) -> At {
        self.head.at
    }

    fn moved(&self) -> SourceError {
        SourceError::Gone(format!("the cache has moved on from {}", self.head.at))
    }

    fn shard(&self, address: &Address) -> Result<RwLockReadGuard<'_, Shard>, SourceError> {
        let shard = read(&self.cache.cells[place(address)].shard);
        if shard.generation == self.head.generation { Ok(shard) } else { Err(self.moved()) }
    }

    fn hash(&self, number: u64) -> Result<Option<B256>, SourceError> {
        let hashes = read(&self.cache.hashes);
        if self.head.generation < hashes.since { Err(self.moved()) } else { Ok(hashes.by_number.get(&number).copied()) }
    }

    fn used(&self, address: &Address, held: &Held) {
        if held.used.load(Relaxed) != self.head.generation {
            held.used.store(self.head.generation, Relaxed);
        }
        self.cache.cells[place(address)].hits.fetch_add(1, Relaxed);
    }

    /// Whether the cache has this value, without counting.
    fn knows(&self, want: Want) -> Result<bool, SourceError> {
        Ok(match want {
            Want::Account(address) => self.shard(&address)?.accounts.get(&address).is_some_and(|h| h.info.is_some()),
            Want::Slot(address, slot) => {
                self.shard(&address)?.accounts.get(&address).is_some_and(|h| h.slots.contains_key(&slot))
            }
            Want::BlockHash(number) => self.hash(number)?.is_some(),
        })
    }

    fn keep(&self, want: Want, got: Got) -> Result<(), SourceError> {
        let (address, info, slot) = match (want, got) {
            (Want::BlockHash(number), Got::BlockHash(hash)) => {
                let mut hashes = write(&self.cache.hashes);
                if self.head.generation < hashes.since {
                    return Err(self.moved());
                }
                hashes.by_number.insert(number, hash);
                return Ok(());
            }
            (Want::Account(address), Got::Account(account)) => (address, Some(self.cache.info(account)), None),
            (Want::Slot(address, slot), Got::Slot(value)) => (address, None, Some((slot, value))),
            (want, got) => return Err(unexpected(want, Some(&got))),
        };
        let mut shard = write(&self.cache.cells[place(&address)].shard);
        if shard.generation != self.head.generation {
            return Err(self.moved());
        }
        let held = shard.accounts.entry(address).or_default();
        held.used.store(self.head.generation, Relaxed);
        if info.is_some() {
            held.info = info;
        }
        held.slots.extend(slot);
        Ok(())
    }

    /// Fetches those of `wants` that the cache has not, in one question, and waits for those that others are fetching.
    /// How many this call fetched.
    ///
    /// # Errors
    /// As [`StateSource::fetch`]; the cache then holds nothing more than before.
    pub fn load(&self, wants: &[Want]) -> Result<usize, SourceError> {
        let mut absent = Vec::new();
        for &want in wants {
            if !self.knows(want)? {
                absent.push(want);
            }
        }
        if absent.is_empty() {
            return Ok(0);
        }
        let claim = self.cache.flights.claim(&absent);
        // Another thread may have landed one between the look above and the claim.
        let mut ours = Vec::with_capacity(claim.wants.len());
        for &want in &claim.wants {
            if !self.knows(want)? {
                ours.push(want);
            }
        }
        if !ours.is_empty() {
            self.cache.counters.questions.fetch_add(1, Relaxed);
            self.cache.counters.fetched.fetch_add(ours.len() as u64, Relaxed);
            let answers = self.cache.source.fetch(self.head.at, &ours)?;
            if answers.len() != ours.len() {
                let (asked, got) = (ours.len(), answers.len());
                return Err(SourceError::Bug(format!("asked for {asked} values, the source answered {got}")));
            }
            for (&want, got) in ours.iter().zip(answers) {
                self.keep(want, got)?;
            }
        }
        absent.retain(|want| !claim.wants.contains(want));
        drop(claim); // before waiting: two threads that wait for each other's claims would wait for ever
        for want in absent {
            self.cache.flights.wait(want);
        }
        Ok(ours.len())
    }

    fn miss(&self, want: Want) -> Result<(), SourceError> {
        self.cache.counters.misses.fetch_add(1, Relaxed);
        // One that waited for another thread whose fetch failed fetches by itself.
        while !self.knows(want)? {
            self.load(&[want])?;
        }
        Ok(())
    }
}

impl DatabaseRef for View {
    type Error = SourceError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, SourceError> {
        loop {
            if let Some(held) = self.shard(&address)?.accounts.get(&address)
                && let Some(info) = &held.info
            {
                self.used(&address, held);
                return Ok((!info.is_empty()).then(|| info.clone()));
            }
            self.miss(Want::Account(address))?;
        }
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, SourceError> {
        let known = read(&self.cache.codes).get(&code_hash).cloned();
        known.ok_or_else(|| SourceError::Bug(format!("code {code_hash} asked for before its account")))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, SourceError> {
        loop {
            if let Some(held) = self.shard(&address)?.accounts.get(&address)
                && let Some(&value) = held.slots.get(&slot)
            {
                self.used(&address, held);
                return Ok(value);
            }
            self.miss(Want::Slot(address, slot))?;
        }
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, SourceError> {
        loop {
            if let Some(hash) = self.hash(number)? {
                return Ok(hash);
            }
            self.miss(Want::BlockHash(number))?;
        }
    }
}
