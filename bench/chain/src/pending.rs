//! A pending transaction: executed on a forked state, the pools it touched taken from its difference, and searched.
use std::hint::black_box;

use _core::searcher::evm::{decode, touched};
use _core::searcher::graph::{Found, Graph, Search, Want};
use _core::searcher::pools::{Pool, TokenId};
use revm::context::TxEnv;

use crate::chain_support::Seeded;
use crate::chain_support::market::{Market, ether, market};
use crate::race::{Contender, Row, race};
use crate::synthetic;

pub fn all(rounds: usize, rows: &mut Vec<Row>) {
    let Some(mut real) = market() else { return };
    // The real pools stand between the greatest hubs of a market of 100,000: its first three tokens are theirs.
    let synthetic = synthetic::Market { pools: 100_000, noise_ppm: 2_500 }.pools(&mut Seeded(6));
    let (mut world, _) = real.world();
    let hash = world.head().hash;
    for id in synthetic.ids() {
        let token = |t: &TokenId| *real.tokens.get(t.0 as usize).unwrap_or(&synthetic.token_address(*t));
        let tokens: Vec<_> = synthetic.tokens(id).iter().map(token).collect();
        world.adopt(synthetic.key(id), &tokens, synthetic.get(id).clone(), hash).expect("a pool of the head");
    }
    let mut graph = Graph::of(world.pools());
    let (_, cache) = real.fork();
    let mut sim = Market::simulator(&cache);
    let [a, b, c] = real.tokens;
    let victim = real.people[0];
    let raw = victim.call(0, real.router2, Market::swap2(ether(5), &[a, b, c, a], victim.address));
    let one = victim.call(0, real.router2, Market::swap2(ether(5), &[a, b], victim.address));
    let want = Want { max_cycles: 64, ..Want::default() };
    let (mut search, mut found) = (Search::new(), Found::default());
    let mut given = 0;
    let mut whole = |tx: TxEnv| {
        let done = sim.run(tx).expect("a state in memory");
        assert!(done.success);
        let after = touched(&world, &done);
        assert!(!after.is_empty());
        let mut ids = Vec::with_capacity(after.len());
        for pool in &after {
            let state = pool.pool.as_ref().expect("a pair's state is in its storage");
            graph.set_prices(pool.id, world.pools().tokens(pool.id), |side| state.spot_price(side));
            ids.push(pool.id);
        }
        graph.cycles_through(&ids, &want, &mut search, &mut found);
        given = found.cycles.len();
        for id in ids {
            graph.update(world.pools(), id); // the transaction is pending: its prices are not the head's
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
    let what = "pending transaction executed on a fork, its pools among 100,004 searched, all undone";
    let mut row = race(what, "p50 200 us", 10 * rounds, contenders);
    row.notes.push(("cycles given", given as f64));
    rows.push(row);
}
