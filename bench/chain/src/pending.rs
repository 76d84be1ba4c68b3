//! A pending transaction from its bytes to cycles: decoded, executed on a forked state, its pools updated, searched.
use std::hint::black_box;

use _core::searcher::evm::{SlotIndex, decode, touched};
use _core::searcher::graph::{Found, Graph, Search, Want};
use _core::searcher::pools::{AnyPool, PoolKey};
use alloy_primitives::U256;
use revm::context::TxEnv;

use crate::chain_support::Seeded;
use crate::chain_support::market::{Market, ether, market, ordered, unpacked};
use crate::race::{Contender, Row, race};
use crate::synthetic;

pub fn all(rounds: usize, rows: &mut Vec<Row>) {
    let Some(mut real) = market() else { return };
    // The three real pairs stand between the greatest hubs of a market of 100,000 pools.
    let mut pools = synthetic::Market { pools: 100_000, noise_ppm: 2_500 }.pools(&mut Seeded(6));
    let (known, ids) = real.pools();
    for (n, id) in ids.into_iter().enumerate() {
        let tokens = ordered(real.tokens[n], real.tokens[(n + 1) % 3]);
        let hubs = tokens.map(|token| {
            let hub = real.tokens.iter().position(|t| *t == token).expect("one of the three");
            pools.token_address(_core::searcher::pools::TokenId(hub as u32))
        });
        pools.add(PoolKey::from(real.pairs[n]), &hubs, known.get(id).clone());
    }
    let mut graph = Graph::of(&pools);
    let (_, cache) = real.fork();
    let mut sim = Market::simulator(&cache);
    let [a, b, c] = real.tokens;
    let victim = real.people[0];
    let raw = victim.call(0, real.router2, Market::swap2(ether(5), &[a, b, c, a], victim.address));
    let one = victim.call(0, real.router2, Market::swap2(ether(5), &[a, b], victim.address));
    let (index, want) = (SlotIndex::default(), Want { max_cycles: 64, ..Want::default() });
    let (mut search, mut found) = (Search::new(), Found::default());
    let mut given = 0;
    let mut whole = |tx: TxEnv| {
        let done = sim.run(tx).expect("a state in memory");
        assert!(done.success);
        let ids = touched(&pools, &index, &done.diff, &done.logs);
        let before: Vec<_> = ids.iter().map(|id| pools.get(*id).clone()).collect();
        for &id in &ids {
            let at = alloy_primitives::Address::from_word(pools.key(id).0);
            let (_, word) = done.diff[&at].storage[&U256::from(8)];
            *pools.get_mut(id) = AnyPool::V2(unpacked(word));
            graph.update(&pools, id);
        }
        graph.cycles_through(&ids, &want, &mut search, &mut found);
        given = found.cycles.len();
        for (id, before) in ids.into_iter().zip(before) {
            *pools.get_mut(id) = before;
            graph.update(&pools, id);
        }
    };
    let whole = std::cell::RefCell::new(&mut whole);
    let whole = &whole;
    let txs = [&one, &raw].map(|raw| decode(raw).expect("a transaction").env);
    let run = |n: usize| {
        let txs = &txs;
        move || whole.borrow_mut()(txs[n].clone())
    };
    let contenders = vec![
        Contender { name: "one hop by V2 router", each: 1, work: Box::new(run(0)) },
        Contender { name: "three hops by V2 router", each: 1, work: Box::new(run(1)) },
        Contender { name: "the signature's check alone", each: 1, work: Box::new(|| drop(black_box(decode(&one)))) },
    ];
    let what = "pending transaction executed on a fork, its pools among 100,003 searched, all undone";
    let mut row = race(what, "p50 200 us", 10 * rounds, contenders);
    row.notes.push(("cycles given", given as f64));
    rows.push(row);
}
