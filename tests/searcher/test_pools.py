"""Recorded pools through the Python face, beside what the chain itself said of them."""

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from native import Cycle, Graph, NoQuote, Pools, solve, solve_jointly, upper_bound
from searcher.errors import RunError
from searcher.label import read_block, v2_cycles, v2_swaps
from searcher.label.reserves import amount_out
from searcher.pools import RecordedPool, Token, add, load, read, v2

Recorded = Callable[[str], Path]
A, B, C = (f"0x{n:040x}" for n in (10, 11, 12))
BLOCKS = [
    10921991, 12412732, 12775690, 12914944, 13179291, 13207907,
    13244807, 13298725, 13323642, 13370850, 13666312, 15049646,
]  # fmt: skip


def quotes(path: Path) -> Iterator[tuple[list[str], int]]:
    """Function, direction and amount of each recorded quote, and what the chain gave."""
    for key, entry in json.loads(path.read_text())["entries"].items():
        yield key.split("|")[1:], entry["value"]


def addresses(path: Path) -> dict[str, str]:
    return {token.symbol: token.address for token in read(path)[0].tokens}


def test_every_recorded_v3_quote_is_ours(recorded: Recorded) -> None:
    state = recorded("mainnet/pools/uniswap_v3_wbtc_weth_block_24407242.json")
    pools, tokens, seen, whole = load(state), addresses(state), 0, 0
    for (function, direction, amount), value in quotes(recorded("mainnet/pools/quotes_v3_wbtc_weth_24407242.json")):
        here, there = (tokens[name] for name in direction.split("->"))
        exact_out = function == "quoteExactOutputSingle"
        taken, given = pools.swap_part(0, here, there, int(amount), exact_out=exact_out)
        assert (taken if exact_out else given) == value, (function, direction, amount)
        quote = pools.quote_out if exact_out else pools.quote_in
        if (given if exact_out else taken) == int(amount):
            assert quote(0, here, there, int(amount)) == value
            whole += 1
        else:
            with pytest.raises(NoQuote):
                quote(0, here, there, int(amount))
        seen += 1
    assert seen == 80
    assert 50 < whole < 80


@pytest.mark.parametrize(
    ("state", "said", "count"),
    [
        ("curve_tripool_24407242", "quotes_curve_tripool", 18),
        ("balancer_weighted_usdc_weth", "quotes_balancer_usdc_weth", 18),
    ],
)
def test_every_recorded_curve_and_balancer_quote_is_ours(state: str, said: str, count: int, recorded: Recorded) -> None:
    path = recorded(f"mainnet/pools/{state}.json")
    pools, tokens, seen = load(path), addresses(path), 0
    for (*how, direction, amount), value in quotes(recorded(f"mainnet/pools/{said}.json")):
        here, there = (tokens[name] for name in direction.split("->"))
        quote = pools.get_dy if how == ["get_dy"] else pools.quote_in
        assert quote(0, here, there, int(amount)) == value, (how, direction, amount)
        seen += 1
    assert seen == count


def test_every_v2_swap_of_the_recorded_blocks_asks_for_what_the_pair_gives_or_less(recorded: Recorded) -> None:
    equal = less = 0
    for block in BLOCKS:
        for swap in v2_swaps(read_block(recorded(f"mainnet/blocks/{block}.json.gz"))):
            pools = Pools()
            pool = RecordedPool(swap.pool, (Token(A), Token(B)), block, v2(swap.reserve0, swap.reserve1))
            here, there = (A, B) if swap.zero_for_one else (B, A)
            ours = pools.quote_in(add(pools, pool), here, there, swap.amount_in)
            assert ours == amount_out(swap.amount_in, swap.reserve_in, swap.reserve_out)
            assert swap.amount_out <= ours, swap
            equal, less = equal + (swap.amount_out == ours), less + (swap.amount_out < ours)
    assert (equal, less) == (227, 18)


def test_the_optimum_of_the_recorded_cycles_is_no_less_than_what_was_taken(recorded: Recorded) -> None:
    table = json.loads(recorded("mainnet/labels/labels.json").read_text())["v2_cycles"][:4]
    found = {}
    for block in {row["block"] for row in table}:
        for cycle in v2_cycles(read_block(recorded(f"mainnet/blocks/{block}.json.gz"))):
            found[cycle.tx_hash] = cycle
    for row in table:
        cycle = found[row["tx"]]
        pools, walk = Pools(), []
        for n, hop in enumerate(cycle.hops):
            names = (Token(f"0x{n + 1:040x}"), Token(f"0x{(n + 1) % len(cycle.hops) + 1:040x}"))
            state = v2(hop.reserve_in, hop.reserve_out)
            walk.append((add(pools, RecordedPool(f"0x{n + 100:040x}", names, None, state)), names[1].address))
        sized = solve(pools, Cycle(pools, f"0x{1:040x}", walk))
        assert sized is not None
        assert sized.gross >= cycle.profit_taken
        assert abs(Fraction(sized.gross, 10**18) - Fraction(row["optimum"])) <= Fraction(1, 10**6)
        # with few decimals on the way, many amounts earn the same: the table's is one of them
        assert abs(Fraction(sized.amount_in, 10**18) / Fraction(row["optimal_in"]) - 1) < Fraction(1, 10_000)


def test_the_plan_that_reverted_on_chain_is_seen_to_give_less(recorded: Recorded) -> None:
    path = recorded("mainnet/pools/failed_arb_path110302.json")
    told = json.loads(path.read_text())
    pools = load(path)
    usdc, usdt, weth = (pools.tokens(1)[0], pools.tokens(1)[1], pools.tokens(2)[0])
    plan = told["recorded_solve"]
    first = pools.quote_in(0, weth, usdc, int(plan["optimal_input"]))
    second = pools.quote_in(1, usdc, usdt, first)
    third = pools.quote_in(2, usdt, weth, second)
    assert first == int(plan["hop_outputs"][0])
    assert second == int(plan["v2_input"])
    assert third == int(plan["v2_actual"]) < int(plan["v2_predicted"])
    assert pools.quote_out(2, usdt, weth, int(plan["v2_predicted"])) > second


def triangle(price: int = 1_100) -> Pools:
    """Three pairs; the one from C to A pays `price` for 1,000."""
    pools = Pools()
    for n, (tokens, reserves) in enumerate(
        [((A, B), (10**21, 10**21)), ((B, C), (10**21, 10**21)), ((C, A), (10**21, price * 10**18))]
    ):
        add(pools, RecordedPool(f"0x{n + 1:040x}", (Token(tokens[0]), Token(tokens[1])), 1, v2(*reserves)))
    return pools


def test_a_cycle_is_found_sized_and_gone_once_it_is_taken() -> None:
    pools = triangle()
    graph = Graph(pools)
    cycles, truncated = graph.cycles_through(pools, [0], bases=[A])
    assert (len(cycles), truncated) == (1, False)
    (cycle,) = cycles
    assert cycle.token.lower() == A
    assert [pool for pool, _, _ in cycle.hops] == [0, 1, 2]
    assert cycle.log_gain > 0
    sized = solve(pools, cycle)
    assert sized is not None
    assert sized.gross == sized.net == sized.amounts[-1] - sized.amounts[0] > 0
    assert sized.at_most is not None
    assert sized.at_most >= sized.gross
    paid = solve(pools, cycle, gas_price_wei=10**9, flat_gas=21_000, builder_bps=9_000)
    assert paid is not None
    assert paid.net == paid.gross - paid.builder_payment - paid.gas_cost
    assert paid.builder_payment == -(-paid.gross * 9_000 // 10_000)
    assert solve(pools, cycle, gas_price_wei=10**18) is None, "gas eats it"
    amount = sized.amount_in
    for pool, here, there in cycle.hops:
        amount = pools.apply(pool, here, there, amount)
        graph.update(pools, pool)
    assert amount == sized.amounts[-1]
    assert graph.cycles_through(pools, [0]) == ([], False)
    assert graph.scan(pools) == []


def test_a_search_is_bounded_and_says_so() -> None:
    pools = triangle()
    for n in range(5):
        add(pools, RecordedPool(f"0x{n + 50:040x}", (Token(C), Token(A)), 1, v2(10**21, 11 * 10**20)))
    cycles, truncated = Graph(pools).cycles_through(pools, [0], max_cycles=3)
    assert (len(cycles), truncated) == (3, True)
    assert Graph(pools).cycles_through(pools, [0], bases=[C], only_bases=True)[0][0].token.lower() == C


def test_what_cannot_be_says_what_to_do(tmp_path: Path) -> None:
    pools = triangle()
    with pytest.raises(KeyError, match="there is no pool 7: there are 3"):
        pools.quote_in(7, A, B, 1)
    with pytest.raises(KeyError, match="is not a token of the pool"):
        pools.quote_in(0, A, C, 1)
    with pytest.raises(ValueError, match="is not an address of 20 bytes"):
        pools.quote_in(0, "WETH", B, 1)
    with pytest.raises(OverflowError, match="from 0 to 2\\*\\*256 - 1"):
        pools.quote_in(0, A, B, -1)
    with pytest.raises(OverflowError):
        pools.quote_in(0, A, B, 2**256)
    with pytest.raises(NoQuote, match="zero"):
        pools.quote_in(0, A, B, 0)
    with pytest.raises(NoQuote, match="more than"):
        pools.quote_out(0, A, B, 10**21)
    with pytest.raises(ValueError, match="cannot be read"):
        pools.add(A, [A, B], '{"v9": {}}')
    with pytest.raises(ValueError, match="ends in the token"):
        Cycle(pools, A, [(0, B), (1, C)])
    assert len(pools) == 3
    for text, said in [
        ("[]", "a JSON object"), ("{", "no JSON"), ("{}", "no form of a recorded pool"),
        ('{"reserve0": 1}', "the field 'fee_gamma' is missing"),
        ('{"address": "0x1", "reserves_token0": 1, "fee_token0": "x"}', "Invalid literal"),
    ]:  # fmt: skip
        path = tmp_path / "pool.json"
        path.write_text(text)
        with pytest.raises(RunError, match=f"pool.json: .*{said}"):
            read(path)
    with pytest.raises(RunError, match="No such file"):
        read(tmp_path / "nothing.json")


def test_a_state_goes_out_and_in_again() -> None:
    pools, again = triangle(), Pools()
    for n in range(len(pools)):
        again.add(pools.key(n), pools.tokens(n), pools.state(n))
    assert [again.state(n) for n in range(3)] == [pools.state(n) for n in range(3)]
    assert again.number(f"0x{2:040x}") == 1
    assert again.status(0) == "live"


def test_several_cycles_over_shared_pools_are_solved_together_and_stay_below_the_bound() -> None:
    pools = triangle()
    for n in range(3):
        last = v2(10**21, (11 + n) * 10**20)
        add(pools, RecordedPool(f"0x{n + 50:040x}", (Token(C), Token(A)), 1, last))
    cycles, _ = Graph(pools).cycles_through(pools, [0], bases=[A], only_bases=True)
    assert len(cycles) == 4
    best = max(sized.net for cycle in cycles if (sized := solve(pools, cycle)))
    plan, net_wei = solve_jointly(pools, cycles)
    assert len(plan) > 1
    assert net_wei == sum(sized.net for _, sized in plan) > best
    for cycle, sized in plan:
        amount = sized.amount_in
        for pool, here, there in cycle.hops:
            amount = pools.apply(pool, here, there, amount)
        assert amount - sized.amount_in == sized.gross, "each on what those before leave"
    pools = triangle()
    bound = upper_bound(pools, A)
    sized = solve(pools, Graph(pools).cycles_through(pools, [0], bases=[A])[0][0])
    assert bound is not None
    assert sized is not None
    assert sized.gross <= bound < sized.gross * 1001 // 1000
    assert upper_bound(pools, A, only=[0, 1]) in (0, 1), "a tree has no cycle"
