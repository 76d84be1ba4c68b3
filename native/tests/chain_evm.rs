//! Pending transactions through real routers on a forked state: touched pools, states after them, whole bundles, the
//! tripwire.
mod chain_support;

use _core::searcher::abi;
use _core::searcher::evm::{
    BundleFailure, BundleTx, Divergence, Holding, PredictedHop, Prediction, Sandbox, SimError, Simulated, Simulator,
    Tripwire, Verdict, decode, run_bundle, touched,
};
use _core::searcher::pools::v2::V2Pool;
use _core::searcher::pools::{AnyPool, Ban, Pool, PoolId, PoolKey, Pools, Side, Status};
use _core::searcher::state::World;
use alloy_primitives::{Address, B256, Bytes, I256, U256};
use chain_support::Seeded;
use chain_support::market::{Market, Person, ether, market, ordered, unpacked, word};

fn side(from: Address, to: Address) -> Side {
    if ordered(from, to)[0] == from { Side::ZERO_FOR_ONE } else { Side::ONE_FOR_ZERO }
}

/// The pair between two of the market's tokens.
fn between(market: &Market, a: Address, b: Address) -> usize {
    (0..3)
        .find(|&n| ordered(market.tokens[n], market.tokens[(n + 1) % 3]) == ordered(a, b))
        .expect("as the test made it")
}

fn storage(sim: &mut Simulator, at: Address, slot: u64) -> U256 {
    revm::Database::storage(sim.overlay(), at, U256::from(slot)).expect("as the test made it")
}

/// Our prediction of a walk; the pools' states are moved by it.
fn predicted(
    market: &Market,
    pools: &mut Pools,
    ids: &[PoolId; 4],
    path: &[Address],
    amount: U256,
) -> Vec<PredictedHop> {
    let mut amount_in = amount;
    path.windows(2)
        .map(|step| {
            let pool = ids[between(market, step[0], step[1])];
            let amount_out = pools.get_mut(pool).apply(side(step[0], step[1]), amount_in).expect("as the test made it");
            let hop = PredictedHop { pool, amount_in, amount_out };
            amount_in = amount_out;
            hop
        })
        .collect()
}

/// Blind to its logs, what a simulation touched: pools with their states after it.
fn blind(world: &World, done: &Simulated) -> Vec<(PoolId, Option<AnyPool>)> {
    let done = Simulated { logs: Vec::new(), ..done.clone() };
    touched(world, &done).into_iter().map(|after| (after.id, after.pool)).collect()
}

#[test]
fn a_swap_touches_exactly_its_pools_and_leaves_them_as_ours() {
    let Some(mut market) = market() else { return };
    let (_, cache) = market.fork();
    let mut sim = Market::simulator(&cache);
    let (world, ids) = market.world();
    let [a, b, c] = market.tokens;
    let paths = [vec![a, b], vec![b, a], vec![a, b, c], vec![c, b, a], vec![b, c, a], vec![a, b, c, a]];
    let person = market.people[0];
    let mut random = Seeded(3);
    for n in 0..400 {
        let amount = random.of_any_size(70) + U256::from(1_000_000);
        let mut pools = world.pools().clone();
        let (data, to, mut hit): (_, _, Vec<PoolId>) = if random.below(2) == 0 {
            let (from, to) = if random.below(2) == 0 { (a, b) } else { (b, a) };
            pools.get_mut(ids[3]).apply(side(from, to), amount).unwrap();
            (Market::swap3(amount, from, to, person.address), market.router3, vec![ids[3]])
        } else {
            let path = &paths[random.below(6) as usize];
            let hops = predicted(&market, &mut pools, &ids, path, amount);
            (Market::swap2(amount, path, person.address), market.router2, hops.iter().map(|hop| hop.pool).collect())
        };
        hit.sort();
        let tx = decode(&person.call(0, to, data)).unwrap();
        let done = sim.run(tx.env).unwrap();
        assert!(done.success, "{n}: {:?}", done.output);
        let expected: Vec<_> = hit.into_iter().map(|id| (id, Some(pools.get(id).clone()))).collect();
        assert_eq!(blind(&world, &done), expected, "transaction {n}");
        assert_eq!(done.coinbase_wei, I256::try_from(done.gas_used * 1_000_000_000).unwrap(), "the tip of 1 gwei");
    }
}

#[test]
fn one_transaction_on_another_moves_the_pools_as_ours() {
    let Some(mut market) = market() else { return };
    let (_, cache) = market.fork();
    let mut sim = Market::simulator(&cache);
    let (world, ids) = market.world();
    let mut pools = world.pools().clone();
    let [a, b, c] = market.tokens;
    let person = market.people[0];
    let mut random = Seeded(4);
    for nonce in 0..200 {
        let amount = random.of_any_size(72) + U256::from(1_000_000);
        let raw = if nonce % 2 == 0 {
            pools.get_mut(ids[3]).apply(side(a, b), amount).unwrap();
            person.call(nonce, market.router3, Market::swap3(amount, a, b, person.address))
        } else {
            predicted(&market, &mut pools, &ids, &[b, c, a], amount);
            person.call(nonce, market.router2, Market::swap2(amount, &[b, c, a], person.address))
        };
        assert!(sim.run_and_keep(decode(&raw).unwrap().env).unwrap().success);
        for (n, pair) in market.pairs.into_iter().enumerate() {
            assert_eq!(*pools.get(ids[n]), AnyPool::V2(unpacked(storage(&mut sim, pair, 8))), "after {nonce}");
        }
        assert_eq!(*pools.get(ids[3]), AnyPool::V3(market.v3(sim.overlay())), "after {nonce}");
    }
}

#[test]
fn no_log_tells_but_the_difference_does() {
    let Some(mut market) = market() else { return };
    let (_, cache) = market.fork();
    let mut sim = Market::simulator(&cache);
    let (world, ids) = market.world();
    let pair = market.pairs[0];
    let token = market.tokens[0];
    let person = market.people[0];

    // A donation moves a balance and no reserve: nothing to search.
    let data = abi::call("transfer(address,uint256)", &[word(pair), ether(1)]);
    let done = sim.run_and_keep(decode(&person.call(0, token, data)).unwrap().env).unwrap();
    assert!(done.success && !done.diff[&token].storage.is_empty());
    assert_eq!(touched(&world, &done), []);

    // `sync` takes it into the reserves.
    let done = sim.run_and_keep(decode(&person.call(1, pair, abi::call("sync()", &[]))).unwrap().env).unwrap();
    let after = unpacked(storage(&mut sim, pair, 8));
    assert_eq!(blind(&world, &done), [(ids[0], Some(AnyPool::V2(after)))]);
    let AnyPool::V2(before) = world.pools().get(ids[0]) else { panic!() };
    let given = (0..2).map(|n| U256::from(after.reserves[n] - before.reserves[n])).max().unwrap();
    assert_eq!(given, ether(1));

    // Shares of the pool change hands: no state of the pool.
    let words = [word(person.address), U256::from(1_000)];
    let done = sim.call(chain_support::CALLER, pair, abi::call("transfer(address,uint256)", &words)).unwrap();
    assert!(done.success && !done.diff[&pair].storage.is_empty());
    assert_eq!(touched(&world, &done), []);

    // A fork of V2 whose operator writes reserves without a log: CALLDATALOAD(0) to slot 8.
    sim.overlay().set_code(pair, Bytes::from_static(&[0x5f, 0x35, 0x60, 8, 0x55, 0x00])).unwrap();
    let words = U256::from(77).to_be_bytes::<32>();
    let done = sim.run(decode(&person.call(2, pair, words.to_vec().into())).unwrap().env).unwrap();
    assert!(done.success && done.logs.is_empty());
    assert_eq!(blind(&world, &done), [(ids[0], Some(AnyPool::V2(V2Pool { reserves: [77, 0], ..*before })))]);

    // A pool that is not live is not searched, so it is not told.
    let mut world = world;
    world.refuse(ids[0], Ban::Token);
    assert_eq!(touched(&world, &done), []);
}

#[test]
fn a_log_names_a_pool_of_a_shared_contract() {
    let Some(mut market) = market() else { return };
    let (mut world, _) = market.world();
    let (vault, id) = (Address::repeat_byte(0x44), B256::repeat_byte(0xab));
    let tokens = ordered(market.tokens[0], market.tokens[2]);
    let state = AnyPool::V2(V2Pool::uniswap(1, 1)); // whichever: its words are not known to be of it
    let pool = world.adopt(PoolKey(id), &tokens, state, Market::head().hash).unwrap();
    let (_, cache) = market.fork();
    let mut sim = Market::simulator(&cache);
    // LOG2(0, 0, 1, id)
    let mut code = vec![0x7f];
    code.extend_from_slice(id.as_slice());
    code.extend_from_slice(&[0x60, 1, 0x5f, 0x5f, 0xa2]);
    sim.overlay().set_code(vault, code.into()).unwrap();
    let done = sim.call(Address::ZERO, vault, Bytes::new()).unwrap();
    let found = touched(&world, &done);
    assert_eq!(found.iter().map(|after| (after.id, after.pool.is_none())).collect::<Vec<_>>(), [(pool, true)]);
}

struct Backrun {
    market: Market,
    sim: Simulator,
    world: World,
    ids: [PoolId; 4],
    txs: Vec<BundleTx>,
    holdings: [Holding; 1],
    prediction: Prediction,
}

/// Somebody buys a lot of token 1; we walk the triangle behind it.
fn backrun() -> Option<Backrun> {
    let mut market = market()?;
    let (_, cache) = market.fork();
    let sim = Market::simulator(&cache);
    let (world, ids) = market.world();
    let mut pools = world.pools().clone();
    let [a, b, c] = market.tokens;
    let [victim, us] = market.people;
    let swap = victim.call(0, market.router2, Market::swap2(ether(500), &[b, a], victim.address));
    predicted(&market, &mut pools, &ids, &[b, a], ether(500));
    let amount = ether(20);
    let hops = predicted(&market, &mut pools.clone(), &ids, &[a, b, c, a], amount);
    let profit_wei = I256::from_raw(hops[2].amount_out) - I256::from_raw(amount);
    assert!(profit_wei.is_positive(), "{profit_wei}");
    let data = Market::swap2(amount, &[a, b, c, a], us.address);
    let ours = decode(&us.call(0, market.router2, data)).expect("as the test made it");
    let txs = vec![BundleTx::raw(&swap, false).expect("as the test made it"), BundleTx::unsigned(ours.env)];
    let holdings = [Holding { owner: us.address, token: Some(a) }];
    let prediction =
        Prediction { block: 1_001, tx: decode(&swap).expect("as the test made it").hash, ours: 1, hops, profit_wei };
    Some(Backrun { market, sim, world, ids, txs, holdings, prediction })
}

#[test]
fn a_whole_bundle_gives_what_was_predicted_to_the_wei() {
    let Some(mut b) = backrun() else { return };
    let run = run_bundle(&mut b.sim, &b.txs, &b.holdings).unwrap();
    assert_eq!(run.failure, None);
    assert_eq!(run.deltas, [b.prediction.profit_wei]);
    assert_eq!(run.results.len(), 2);
    assert_eq!(run.gas_used, run.results[0].gas_used + run.results[1].gas_used);
    let mut tripwire = Tripwire::new(8);
    assert_eq!(tripwire.check(&mut b.world, &b.prediction, &run, 0), Verdict::Equal);
    assert_eq!(tripwire.count(), 0);
    assert!(b.ids.iter().all(|id| b.world.pools().status(*id) == Status::Live));
    // All together changed all three pools; nothing of it was kept.
    let found: Vec<PoolId> = b.world.touched_by(&run.diff).into_iter().map(|after| after.id).collect();
    assert_eq!(found, b.ids[..3]);
    let again = run_bundle(&mut b.sim, &b.txs, &b.holdings).unwrap();
    assert_eq!(again, run);
}

#[test]
fn a_wei_more_in_one_pool_trips_that_pool_and_is_recorded() {
    for altered in 0..3 {
        let Some(mut b) = backrun() else { return };
        // The chain's reserve of what is paid out is a few wei more than we know: as few as change the profit at all.
        let (pair, token) = (b.market.pairs[altered], b.market.tokens[(altered + 1) % 3]);
        let other = b.market.tokens[altered];
        let shift = if ordered(token, other)[0] == token { 0 } else { 112 };
        let kept = Sandbox::mapping_slot(word(pair), U256::ONE);
        let (packed, balance) =
            (storage(&mut b.sim, pair, 8), revm::Database::storage(b.sim.overlay(), token, kept).unwrap());
        let mut wei = U256::ONE;
        let run = loop {
            b.sim.overlay().set_storage(pair, U256::from(8), packed + (wei << shift));
            b.sim.overlay().set_storage(token, kept, balance + wei);
            let run = run_bundle(&mut b.sim, &b.txs, &b.holdings).unwrap();
            if run.deltas != [b.prediction.profit_wei] {
                break run;
            }
            wei <<= 1;
        };
        assert_eq!(run.failure, None);
        assert!((run.deltas[0] - b.prediction.profit_wei).abs() <= I256::try_from(2).unwrap(), "a wei or two");
        let mut tripwire = Tripwire::new(8);
        let Verdict::Diverged(record) = tripwire.check(&mut b.world, &b.prediction, &run, 0) else {
            panic!("pool {altered} was not noticed")
        };
        let id = b.ids[altered];
        assert_eq!(record.tripped, [b.world.pools().key(id).0], "pool {altered}");
        assert_eq!(record.path.len(), 3);
        for other in b.ids {
            let expected = if other == id { Status::Refused(Ban::Diverged) } else { Status::Live };
            assert_eq!(b.world.pools().status(other), expected);
        }
        let line = record.to_json_line();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Divergence>(&line).unwrap(), record);
        assert_eq!(tripwire.seen().collect::<Vec<_>>(), [&record]);
    }
}

#[test]
fn a_wei_of_the_profit_alone_trips_and_without_logs_the_whole_path() {
    let Some(mut b) = backrun() else { return };
    let mut run = run_bundle(&mut b.sim, &b.txs, &b.holdings).unwrap();
    b.prediction.profit_wei += I256::ONE;
    let mut tripwire = Tripwire::new(1);
    assert!(matches!(tripwire.check(&mut b.world, &b.prediction, &run, 0), Verdict::Diverged(_)));
    run.results[1].logs.clear();
    let Verdict::Diverged(record) = tripwire.check(&mut b.world, &b.prediction, &run, 0) else { panic!() };
    assert_eq!(record.tripped.len(), 3);
    assert_eq!((tripwire.count(), tripwire.seen().count()), (2, 1));
}

#[test]
fn a_bundle_that_fails_says_where_and_why() {
    let Some(mut b) = backrun() else { return };
    let [victim, us] = b.market.people;
    let mut tripwire = Tripwire::new(8);

    let mut txs = b.txs.clone();
    txs[0].env.nonce = 5;
    let run = run_bundle(&mut b.sim, &txs, &b.holdings).unwrap();
    assert!(matches!(run.failure, Some(BundleFailure::Invalid { index: 0, .. })), "{:?}", run.failure);
    let verdict = tripwire.check(&mut b.world, &b.prediction, &run, 0);
    assert!(matches!(verdict, Verdict::NotRun(_)), "what another does says nothing of our pools");

    // Ours asks for more than there is: the router's own words.
    let data = Market::swap2(ether(2_000_000), &[b.market.tokens[0], b.market.tokens[1]], us.address);
    let mut txs = b.txs.clone();
    txs[1] = BundleTx::raw(&us.call(0, b.market.router2, data), false).unwrap();
    let run = run_bundle(&mut b.sim, &txs, &b.holdings).unwrap();
    let Some(BundleFailure::Reverted { index: 1, reason }) = &run.failure else { panic!("{:?}", run.failure) };
    assert_eq!(reason, "TransferHelper: TRANSFER_FROM_FAILED");
    let Verdict::Diverged(record) = tripwire.check(&mut b.world, &b.prediction, &run, 0) else { panic!() };
    assert_eq!(record.simulated_wei, None);
    assert_eq!(record.tripped.len(), 3);

    // The same may revert where that is said; its gas is paid all the same.
    txs[1].may_revert = true;
    let run = run_bundle(&mut b.sim, &txs, &b.holdings).unwrap();
    assert_eq!((run.failure, run.deltas), (None, vec![I256::ZERO]));
    assert!(run.diff[&us.address].balance.is_some() && run.diff[&victim.address].nonce == Some((0, 1)));
    assert!(b.sim.run(txs[0].env.clone()).is_ok(), "nothing of the bundles was kept");
    let broke = decode(&Person::new(0x33).call(0, b.market.router2, Bytes::new())).unwrap();
    assert!(matches!(b.sim.run(broke.env), Err(SimError::Invalid(_))));
}
