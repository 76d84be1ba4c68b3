//! How long a pending transaction takes with a warm cache. Not a proof, so it runs when it is asked for:
//! `cargo test --release --test chain_evm_speed -- --ignored --nocapture`.
mod chain_support;

use std::hint::black_box;
use std::time::Instant;

use _core::searcher::evm::{BundleTx, Holding, decode, run_bundle, touched};
use chain_support::market::{Market, ether, market};

/// Median and 99th percentile of `runs`, in microseconds.
fn timed(name: &str, runs: usize, mut work: impl FnMut()) {
    for _ in 0..runs / 10 {
        work();
    }
    let mut ns: Vec<u128> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_nanos()
        })
        .collect();
    ns.sort_unstable();
    let us = |n: usize| ns[n] as f64 / 1000.0;
    println!("{name:<58} p50 {:8.1} us   p99 {:8.1} us", us(runs / 2), us(runs * 99 / 100));
}

#[test]
#[ignore = "a measurement, for release builds"]
fn how_long_a_pending_transaction_takes() {
    let Some(mut market) = market() else { return };
    let (_, cache) = market.fork();
    let mut sim = Market::simulator(&cache);
    let (world, _) = market.world();
    let [a, b, c] = market.tokens;
    let [victim, us] = market.people;
    let one = victim.call(0, market.router2, Market::swap2(ether(5), &[a, b], victim.address));
    let three = us.call(0, market.router2, Market::swap2(ether(20), &[a, b, c, a], us.address));
    let v3 = victim.call(0, market.router3, Market::swap3(ether(10), a, b, victim.address));

    timed("decode and recover the sender", 2_000, || {
        black_box(decode(&one).unwrap());
    });
    for (name, raw) in [("V2 router, one hop", &one), ("V2 router, three hops", &three), ("V3 router, one hop", &v3)] {
        let tx = decode(raw).unwrap().env;
        let done = sim.run(tx.clone()).unwrap();
        assert!(done.success);
        println!("{name}: {} gas, {} values read", done.gas_used, done.footprint.len());
        timed(&format!("  executed, with its difference ({name})"), 5_000, || {
            black_box(sim.run(tx.clone()).unwrap());
        });
        timed("  and touched pools from the difference", 5_000, || {
            black_box(touched(&world, &done));
        });
        timed("  raw bytes to touched pools, all of it", 5_000, || {
            let done = sim.run(decode(raw).unwrap().env).unwrap();
            black_box(touched(&world, &done));
        });
    }
    timed("a simulator made", 5_000, || {
        black_box(Market::simulator(&cache));
    });
    let back = victim.call(0, market.router2, Market::swap2(ether(500), &[b, a], victim.address));
    let txs = [BundleTx::raw(&back, false).unwrap(), BundleTx::raw(&three, false).unwrap()];
    let holdings = [Holding { owner: us.address, token: Some(a) }];
    timed("a bundle of two with balances before and after", 5_000, || {
        black_box(run_bundle(&mut sim, &txs, &holdings).unwrap());
    });

    let tx = decode(&three).unwrap().env;
    for threads in [1, 2] {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut sim = Market::simulator(&cache);
                    for _ in 0..5_000 {
                        black_box(sim.run(tx.clone()).unwrap());
                    }
                });
            }
        });
        let each_s = 5_000.0 * f64::from(threads) / start.elapsed().as_secs_f64();
        println!("{threads} threads on one cache: {each_s:.0} three-hop transactions a second");
    }
}
