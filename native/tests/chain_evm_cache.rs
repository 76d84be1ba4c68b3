//! The shared state: fetched once, equal over threads, never two heads in one simulation.
mod chain_support;

use std::sync::{Arc, Barrier};

use _core::searcher::evm::{
    At, Cache, Change, Footprints, Sandbox, SimError, Simulated, SourceError, StateSource, Want, decode, named,
};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, U256};
use chain_support::Seeded;
use chain_support::market::{Counting, HEAD, Market, ether, market};
use revm::context::TxEnv;
use revm::database_interface::DatabaseRef;

/// Independent swaps: each on the head's state, none on another's.
fn swaps(market: &Market, count: u64) -> Vec<TxEnv> {
    let [a, b, c] = market.tokens;
    let mut random = Seeded(11);
    (0..count)
        .map(|_| {
            let person = market.people[random.below(2) as usize];
            let amount = random.of_any_size(68) + U256::from(1_000_000);
            let (to, data) = match random.below(4) {
                0 => (market.router3, Market::swap3(amount, a, b, person.address)),
                1 => (market.router2, Market::swap2(amount, &[a, b, c, a], person.address)),
                2 => (market.router2, Market::swap2(amount, &[c, b], person.address)),
                _ => (market.router2, Market::swap2(ether(9_000_000), &[b, a], person.address)), // reverts
            };
            decode(&person.call(0, to, data)).expect("as the test made it").env
        })
        .collect()
}

fn asked_once(source: &Counting) {
    for (want, count) in source.asked.lock().expect("as the test made it").iter() {
        assert_eq!(*count, 1, "{want:?}");
    }
}

#[test]
fn threads_on_one_cache_give_what_one_thread_gives_and_fetch_each_value_once() {
    let Some(mut market) = market() else { return };
    let txs = swaps(&market, 200);
    let (source, cache) = market.fork();
    let mut sim = Market::simulator(&cache);
    let alone: Vec<Simulated> = txs.iter().map(|tx| sim.run(tx.clone()).unwrap()).collect();
    assert!(alone.iter().any(|done| done.success) && alone.iter().any(|done| !done.success));
    asked_once(&source);
    let fetched = cache.counts().fetched;

    let (source, cache) = market.fork();
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (cache, txs, alone, start) = (&cache, &txs, &alone, &start);
            scope.spawn(move || {
                let mut sim = Market::simulator(cache);
                start.wait();
                for i in 0..txs.len() {
                    let i = (i * 7 + n * 13) % txs.len(); // each in another order
                    assert_eq!(sim.run(txs[i].clone()).unwrap(), alone[i], "transaction {i} on thread {n}");
                }
            });
        }
    });
    asked_once(&source);
    let counts = cache.counts();
    assert_eq!(counts.fetched, fetched);
    assert!(counts.hits > 100 * counts.misses && counts.misses >= counts.fetched, "{counts:?}");
}

#[test]
fn a_prefetch_is_one_question_and_leaves_nothing_to_fetch() {
    let Some(mut market) = market() else { return };
    let txs = swaps(&market, 40);
    let (_, cache) = market.fork();
    let mut sim = Market::simulator(&cache);
    let mut footprints = Footprints::new(16);
    for tx in &txs {
        let done = sim.run(tx.clone()).unwrap();
        footprints.learn(tx, &done.footprint);
    }

    for tx in &txs {
        let (_, cold) = market.fork();
        let done = sim.run(tx.clone()).unwrap();
        let wants = footprints.recall(tx);
        assert!(wants.len() < 128, "{} for {}", wants.len(), done.footprint.len());
        assert_eq!(cold.view().load(&wants).unwrap(), wants.len());
        assert_eq!(cold.counts().questions, 1);
        assert_eq!(Market::simulator(&cold).run(tx.clone()).unwrap(), done);
        let later = cold.counts().fetched - wants.len() as u64;
        assert!(later * 4 <= done.footprint.len() as u64, "{later} of {} one by one", done.footprint.len());
        assert_eq!(cold.view().load(&wants).unwrap(), 0, "nothing twice");
    }

    // A transaction's own list, complete: nothing is left but what the block brings (its coinbase).
    let mut tx = txs[0].clone();
    let done = sim.run(tx.clone()).unwrap();
    let mut items: Vec<AccessListItem> = Vec::new();
    for want in &done.footprint {
        match *want {
            Want::Account(address) => items.push(AccessListItem { address, storage_keys: Vec::new() }),
            Want::Slot(address, slot) => {
                items.push(AccessListItem { address, storage_keys: vec![B256::from(slot)] });
            }
            Want::BlockHash(_) => {}
        }
    }
    tx.access_list = AccessList(items);
    let (_, cold) = market.fork();
    cold.view().load(&named(&tx)).unwrap();
    let before = cold.counts().fetched;
    Market::simulator(&cold).run(txs[0].clone()).unwrap();
    assert_eq!(cold.counts().fetched, before);
}

#[test]
fn a_head_that_moves_is_never_mixed() {
    let Some(mut market) = market() else { return };
    let txs = swaps(&market, 8);
    let (_, cache) = market.fork();
    let mut sim = Market::simulator(&cache);
    let (tx, first) = txs.iter().map(|tx| (tx, sim.run(tx.clone()).unwrap())).find(|(_, done)| done.success).unwrap();

    // The next block holds that transaction and no other.
    let next = At::Number(HEAD + 1);
    let stale = cache.view();
    cache.advance(next, &Change::Diff(&first.diff));
    let moved = |error| matches!(error, SourceError::Gone(_));
    assert!(moved(stale.basic_ref(market.tokens[0]).unwrap_err()));
    assert!(moved(stale.storage_ref(market.pairs[0], U256::from(8)).unwrap_err()));
    assert!(matches!(sim.run(txs[0].clone()), Err(SimError::Source(SourceError::Gone(_)))));

    // Without a fetch the values are those after it: what an overlay has that executed it.
    let (_, fresh) = market.fork();
    let mut other = Market::simulator(&fresh);
    other.run_and_keep(tx.clone()).unwrap();
    let before = cache.counts().fetched;
    let view = cache.view();
    for (address, change) in &first.diff {
        for (slot, (_, after)) in &change.storage {
            assert_eq!(view.storage_ref(*address, *slot).unwrap(), *after);
            assert_eq!(revm::Database::storage(other.overlay(), *address, *slot).unwrap(), *after);
        }
        let info = view.basic_ref(*address).unwrap().unwrap_or_default();
        let expected = revm::Database::basic(other.overlay(), *address).unwrap().unwrap_or_default();
        assert_eq!((info.balance, info.nonce), (expected.balance, expected.nonce));
    }
    assert_eq!(cache.counts().fetched, before);

    // Touched accounts are forgotten and asked for again, of the new block alone: the record has only the old one.
    let touched = [market.pairs[0]];
    cache.advance(next, &Change::Touched(&touched));
    let error = cache.view().storage_ref(market.pairs[0], U256::from(8)).unwrap_err();
    assert!(error.to_string().contains("block 1001"), "{error}");
    assert!(cache.view().basic_ref(market.tokens[0]).is_ok(), "others are kept");
    cache.advance(At::Number(HEAD), &Change::Unknown);
    assert_eq!(cache.accounts(), 0);
    assert!(cache.view().storage_ref(market.pairs[0], U256::from(8)).is_ok());
}

#[test]
fn it_keeps_within_its_limit_and_drops_what_was_not_read_for_longest() {
    let Some(mut market) = market() else { return };
    let source: Arc<dyn StateSource> = Arc::new(market.record());
    let cache = Cache::new(source, At::Number(HEAD), 128); // two accounts a shard
    let mut old = Vec::new();
    for n in 0..4u8 {
        let mut address = Address::repeat_byte(0x40);
        address[0] = n;
        old.push(address);
        cache.view().basic_ref(address).unwrap();
        cache.advance(At::Number(HEAD), &Change::Touched(&[]));
    }
    assert_eq!(cache.counts().evicted, 2);
    let before = cache.counts().fetched;
    cache.view().basic_ref(old[3]).unwrap();
    assert_eq!(cache.counts().fetched, before, "the last is kept");
    cache.view().basic_ref(old[0]).unwrap();
    assert_eq!(cache.counts().fetched, before + 1, "the first is not");
}

#[test]
fn code_is_kept_once_and_goes_with_its_last_account() {
    let mut chain = Sandbox::new();
    let at = |n: u8| Address::repeat_byte(n);
    for n in 0..250 {
        chain.set_code(at(n), vec![0x60, n / 2, 0x00].into()); // each code at two addresses
    }
    let cache = Cache::new(Arc::new(chain.record(HEAD)), At::Number(HEAD), 64);
    for n in 0..250 {
        let info = cache.view().basic_ref(at(n)).unwrap().unwrap();
        assert_eq!(cache.view().code_by_hash_ref(info.code_hash).unwrap(), info.code.unwrap());
    }
    assert_eq!((cache.accounts(), cache.codes()), (250, 125));
    cache.advance(At::Number(HEAD), &Change::Touched(&[]));
    cache.advance(At::Number(HEAD), &Change::Unknown);
    assert_eq!((cache.accounts(), cache.codes()), (0, 0));
}

#[test]
fn a_source_that_fails_is_asked_again_and_no_thread_waits_for_ever() {
    struct Flaky(std::sync::atomic::AtomicU32, _core::searcher::evm::RecordedState);
    impl StateSource for Flaky {
        fn fetch(&self, at: At, wanted: &[Want]) -> Result<Vec<_core::searcher::evm::Got>, SourceError> {
            if self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3 {
                return Err(SourceError::Retry("connection lost".to_owned()));
            }
            self.1.fetch(at, wanted)
        }
    }
    let Some(mut market) = market() else { return };
    let cache = Cache::new(Arc::new(Flaky(0.into(), market.record())), At::Number(HEAD), 1_000);
    let tx = swaps(&market, 3)[1].clone();
    let failed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (cache, tx) = (&cache, &tx);
                scope.spawn(move || {
                    let mut sim = Market::simulator(cache);
                    let mut failed = 0;
                    while let Err(error) = sim.run(tx.clone()) {
                        assert!(matches!(error, SimError::Source(SourceError::Retry(_))), "{error}");
                        failed += 1;
                    }
                    failed
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(failed, 3, "each failure was told to one thread");
}
