"""V2 swaps with rebuilt reserves, and circles of V2 pairs, in the recorded blocks."""

import json
from collections.abc import Iterator
from decimal import Decimal

from searcher.label import V2Cycle, V2Swap, abi, find_swaps, read_block, v2_cycles, v2_swaps
from searcher.label.reserves import amount_out
from tests.searcher.blocks import NUMBERS, Recorded


def swaps(recorded: Recorded) -> list[V2Swap]:
    return [s for n in NUMBERS for s in v2_swaps(read_block(recorded(f"mainnet/blocks/{n}.json.gz")))]


def test_every_swap_is_at_most_the_formula_and_mostly_equal(recorded: Recorded) -> None:
    """Uniswap V2's `getAmountOut`, to the wei. Those that ask for less set their own amount."""
    found = swaps(recorded)
    short = [amount_out(s.amount_in, s.reserve_in, s.reserve_out) - s.amount_out for s in found]
    assert min(short) == 0
    assert (len(short), sum(x == 0 for x in short), sum(x > 0 for x in short)) == (245, 227, 18)


def test_every_swap_that_was_not_undone_is_rebuilt(recorded: Recorded) -> None:
    called = 0
    for n in NUMBERS:
        block = read_block(recorded(f"mainnet/blocks/{n}.json.gz"))
        called += sum(abi.selector(c) == abi.V2_SWAP and c.kind == "call" and not c.undone
                      for tx in block.transactions for c in tx.calls)  # fmt: skip
    assert called == len(swaps(recorded)) == 245


def test_reserves_that_were_heard_chain_from_swap_to_swap(recorded: Recorded) -> None:
    """Where nothing but swaps touches a pair, its reserves are those that the swap before left."""
    chained = 0
    for n in NUMBERS:
        last: dict[str, V2Swap] = {}
        block = read_block(recorded(f"mainnet/blocks/{n}.json.gz"))
        others = (abi.V2_MINT, abi.V2_BURN, abi.V2_SYNC)
        touched = {c.to for tx in block.transactions for c in tx.calls if abi.selector(c) in others}
        for s in v2_swaps(block):
            before = last.get(s.pool)
            if before and s.pool not in touched:
                assert (s.reserve0, s.reserve1) == (
                    before.reserve0 + before.amount0_in - before.amount0_out,
                    before.reserve1 + before.amount1_in - before.amount1_out,
                )
                chained += 1
            last[s.pool] = s
    assert chained == 45


def best(cycle: V2Cycle) -> tuple[int, int]:
    """Size and profit of the best plain size, by search on integers (the profit is concave but for rounding)."""

    def profit(size: int) -> int:
        amount = size
        for hop in cycle.hops:
            amount = amount_out(amount, hop.reserve_in, hop.reserve_out)
        return amount - size

    low, high = 1, 10**22
    while high - low > 2:
        third = (high - low) // 3
        low, high = (low + third, high) if profit(low + third) < profit(high - third) else (low, high - third)
    return max(((s, profit(s)) for s in (low, low + 1, high, cycle.size_taken)), key=lambda p: p[1])


def cycles(recorded: Recorded) -> Iterator[V2Cycle]:
    for n in NUMBERS:
        yield from v2_cycles(read_block(recorded(f"mainnet/blocks/{n}.json.gz")))


def test_cycles_are_those_of_the_labels(recorded: Recorded) -> None:
    rows = json.loads(recorded("mainnet/labels/labels.json").read_text())["v2_cycles"]
    found = {c.tx_hash: c for c in cycles(recorded)}
    for row in rows[:4]:
        cycle = found[row["tx"]]
        assert (cycle.block, len(cycle.hops)) == (row["block"], row["legs"])
        assert abs(Decimal(cycle.size_taken).scaleb(-18) - Decimal(row["weth_in"])) < Decimal("0.000001")
        assert abs(Decimal(cycle.profit_taken).scaleb(-18) - Decimal(row["profit_taken"])) < Decimal("0.000001")
        assert abs(Decimal(best(cycle)[1]).scaleb(-18) - Decimal(row["optimum"])) < Decimal("0.000001")


def test_the_row_that_is_no_plain_cycle_lumps_two_transactions(recorded: Recorded) -> None:
    """The last row's size is what this transaction and the one before it put into the same pair; by itself this one is
    a circle with a profit."""
    rows = json.loads(recorded("mainnet/labels/labels.json").read_text())["v2_cycles"]
    found = {c.tx_hash: c for c in cycles(recorded)}
    cycle, before = found[rows[4]["tx"]], found[rows[2]["tx"]]
    assert cycle.hops[0].pool == before.hops[0].pool
    both = Decimal(cycle.size_taken + before.size_taken).scaleb(-18)
    assert abs(both - Decimal(rows[4]["weth_in"])) < Decimal("0.000001")
    assert cycle.profit_taken == 114759323109787116


def test_every_hop_is_the_formula_and_no_cycle_takes_more_than_there_was(recorded: Recorded) -> None:
    found = list(cycles(recorded))
    assert len(found) == 6
    for c in found:
        assert all(h.amount_out <= amount_out(h.amount_in, h.reserve_in, h.reserve_out) for h in c.hops)
        assert c.profit_taken == c.hops[-1].amount_out - c.hops[0].amount_in > 0
        assert c.profit_taken <= best(c)[1]


def test_what_was_sent_to_a_pair_is_what_it_found(recorded: Recorded) -> None:
    """Two readings of one swap: transfers in the calls, and balances against reserves. They differ for tokens that take
    a fee on transfer, of which less arrives."""
    same = less = more = 0
    for n in NUMBERS:
        block = read_block(recorded(f"mainnet/blocks/{n}.json.gz"))
        sent = {(s.tx_index, s.path): s for tx in block.transactions for s in find_swaps(n, tx) if s.protocol == "v2"}
        for found in v2_swaps(block):
            s = sent.pop((found.tx_index, found.path))
            assert (s.token_in == found.token0) == found.zero_for_one
            assert s.amount_out == found.amount_out
            same += found.amount_in == s.amount_in
            less += found.amount_in < s.amount_in
            more += found.amount_in > s.amount_in
        assert sent == {}
    assert (same, less, more) == (227, 18, 0)
