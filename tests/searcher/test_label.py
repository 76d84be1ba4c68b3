"""What is labelled in the recorded blocks, held against the labels that came with them."""

import json
from itertools import pairwise
from typing import Any

import pytest

from searcher.label import Block, BlockLabels, Swap, label_block, read_block
from searcher.label.traces import parse_block
from tests.searcher.blocks import NUMBERS, Recorded, raw

#: Every count was looked at by eye: swaps, undone swaps, arbitrages, sandwiches, liquidations.
COUNTS = {
    10921991: (38, 0, 5, 0, 1),
    12412732: (36, 2, 3, 1, 0),
    12775690: (21, 0, 0, 1, 0),
    12914944: (43, 9, 2, 1, 0),
    13179291: (23, 1, 1, 0, 2),
    13207907: (20, 0, 0, 0, 1),
    13244807: (4, 0, 0, 0, 1),
    13298725: (36, 0, 1, 0, 1),
    13323642: (11, 2, 0, 0, 1),
    13370850: (50, 0, 4, 1, 1),
    13666312: (56, 0, 2, 0, 0),
    15049646: (24, 0, 5, 0, 0),
}


def labels(recorded: Recorded, number: int) -> BlockLabels:
    return label_block(read_block(recorded(f"mainnet/blocks/{number}.json.gz")))


def oracle(recorded: Recorded, part: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(recorded("mainnet/labels/labels.json").read_text())[part]
    assert found
    return found


def test_arbitrages_are_those_of_the_labels(recorded: Recorded) -> None:
    for row in oracle(recorded, "arbitrages"):
        block = labels(recorded, row["block"])
        assert len(block.arbitrages) == row["arbitrages_in_block"]
        found = [a for a in block.arbitrages if a.tx_hash == row["tx"]]
        assert [(len(a.legs), a.profit) for a in found] == [(row["legs"], int(row["profit_wei"]))]
        # The labels' count includes swaps that a revert undid, and no Bancor.
        uniswap = sum(s.protocol in ("v2", "v3") for s in block.swaps)
        assert uniswap + block.undone_swaps == row["swaps_in_block"]


def test_liquidations_are_those_of_the_labels(recorded: Recorded) -> None:
    for row in oracle(recorded, "liquidations"):
        found = [x for x in labels(recorded, row["block"]).liquidations if x.tx_hash == row["tx"]]
        if row.get("must_not_be_labelled"):
            assert row["tx"] in {r["transaction_hash"] for r in raw(recorded, row["block"])["receipts"]}
            assert found == []
            continue
        assert len(found) == 1
        for name in ("protocol", "liquidated_user", "liquidator", "debt_token", "received_token"):
            assert getattr(found[0], name) == row[name], name
        assert found[0].debt_amount == int(row["debt_amount"])
        assert found[0].received_amount == int(row["received_amount"])


def test_what_a_ctoken_is_of_is_seen_from_the_traces(recorded: Recorded) -> None:
    markets: dict[str, str] = json.loads(recorded("mainnet/labels/compound_markets.json").read_text())
    seen = [x for n in NUMBERS for x in labels(recorded, n).liquidations if x.protocol == "compound_v2"]
    assert [markets.get(x.market) for x in seen if x.market in markets] == [
        x.debt_token for x in seen if x.market in markets
    ]
    assert sum(x.market in markets for x in seen) == 1
    assert all(x.received_token in markets for x in seen)


def _as_recorded(swap: Swap) -> dict[str, Any]:
    return {
        "transaction_hash": swap.tx_hash,
        "transaction_position": swap.tx_index,
        "trace_address": list(swap.path),
        "contract_address": swap.pool,
        "from_address": swap.payer,
        "to_address": swap.recipient,
        "token_in_address": swap.token_in,
        "token_in_amount": swap.amount_in,
        "token_out_address": swap.token_out,
        "token_out_amount": swap.amount_out,
    }


def test_the_sandwich_is_that_of_the_labels(recorded: Recorded) -> None:
    (row,) = json.loads(recorded("mainnet/labels/sandwich_12775690.json").read_text())
    (found,) = labels(recorded, row["block_number"]).sandwiches
    for ours, theirs in (
        (found.fronts, [row["frontrun_swap"]]),
        (found.victims, row["sandwiched_swaps"]),
        (found.backs, [row["backrun_swap"]]),
    ):
        assert [_as_recorded(s) for s in ours] == [{n: v[n] for n in _as_recorded(ours[0])} for v in theirs]
    assert (found.account, found.token) == (row["sandwicher_address"], row["profit_token_address"])
    assert (found.profit, found.bought == found.sold, found.held, found.same_pool) == (
        row["profit_amount"],
        True,
        True,
        True,
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_counts_of_every_block(number: int, recorded: Recorded) -> None:
    found = labels(recorded, number)
    assert (len(found.swaps), found.undone_swaps, len(found.arbitrages), len(found.sandwiches),
            len(found.liquidations)) == COUNTS[number]  # fmt: skip
    assert all(s.amount_in > 0 and s.amount_out > 0 for s in found.swaps)
    assert all(a.profit > 0 and len({leg.pool for leg in a.legs}) > 1 for a in found.arbitrages)
    # Nobody loses by an arbitrage on purpose; where the gas is known, each of these paid.
    assert all(a.net_wei is None or a.net_wei > 0 for a in found.arbitrages)


def test_circles_close(recorded: Recorded) -> None:
    """Each leg gives what the next takes, and nobody's swaps in the transaction cost a token."""
    for number in NUMBERS:
        for a in labels(recorded, number).arbitrages:
            ether = "0x" + "ee" * 20
            tokens = [(leg.token_in.replace(ether, a.token), leg.token_out.replace(ether, a.token)) for leg in a.legs]
            assert all(out == into for (_, out), (into, _) in pairwise(tokens))
            assert tokens[0][0] == tokens[-1][1] == a.token
            assert all(amount > 0 for _, amount in a.surplus)
            assert (a.amount_in, a.amount_out) == (a.legs[0].amount_in, a.legs[-1].amount_out)


def test_the_attack_through_two_pools_is_one_sandwich(recorded: Recorded) -> None:
    (found,) = labels(recorded, 12914944).sandwiches
    assert [len(part) for part in (found.pools, found.fronts, found.victims, found.backs)] == [2, 2, 2, 2]
    assert found.profit == 1412712206907851634 - 10**18
    assert found.net_wei == found.profit - found.paid.coinbase_wei == 212712206907851634


def _relabelled(block: dict[str, Any], undo: set[str]) -> BlockLabels:
    traces = [dict(t, error="Reverted") if t["transaction_hash"] in undo and not t["trace_address"] else t
              for t in block["traces"]]  # fmt: skip
    return label_block(parse_block(block | {"traces": traces}, "changed"))


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_undone_is_never_labelled(number: int, recorded: Recorded) -> None:
    """The same block in which every labelled transaction failed at its outermost call."""
    before = labels(recorded, number)
    marked = {a.tx_hash for a in before.arbitrages} | {x.tx_hash for x in before.liquidations}
    marked |= {s.tx_hash for x in before.sandwiches for s in x.fronts}
    after = _relabelled(raw(recorded, number), marked)
    assert (after.arbitrages, after.sandwiches, after.liquidations) == ((), (), ())
    assert [s for s in before.swaps if s.tx_hash not in marked] == list(after.swaps)
    assert after.undone_swaps == before.undone_swaps + len(before.swaps) - len(after.swaps)


def test_after_the_merge_no_reward_trace_is_needed(recorded: Recorded) -> None:
    block = raw(recorded, 12914944)
    without = [t for t in block["traces"] if t["type"] != "reward"]
    assert len(without) == len(block["traces"]) - 1
    assert label_block(parse_block(block | {"traces": without}, "merged")) == labels(recorded, 12914944)


def naive_pairs(swaps: tuple[Swap, ...]) -> set[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Sandwiches as mev-inspect defines them, in plain Python: where their front and back are."""
    found = set()
    for i, front in enumerate(swaps):
        victims = 0
        for s in swaps[i + 1 :]:
            if s.tx_index == front.tx_index or s.pool != front.pool:
                continue
            if (s.token_in, s.token_out) == (front.token_in, front.token_out):
                victims += s.payer != front.payer
            elif s.token_out == front.token_in and s.payer == front.payer and victims:
                found.add(((front.tx_index, *front.path), (s.tx_index, *s.path)))
                break
    return found


def test_every_sandwich_of_the_plain_definition_is_found(recorded: Recorded) -> None:
    plain, ours = set(), set()
    for number in NUMBERS:
        found = labels(recorded, number)
        plain |= {(number, *p) for p in naive_pairs(found.swaps)}
        ours |= {
            (number, (f.tx_index, *f.path), (b.tx_index, *b.path))
            for s in found.sandwiches
            for f in s.fronts
            for b in s.backs
        }
    assert len(plain) == 2
    assert plain <= ours
    assert len({n for n, _, _ in ours}) == 4


def test_recorded_gas_that_cannot_be_is_not_reckoned_with(recorded: Recorded) -> None:
    block: Block = read_block(recorded("mainnet/blocks/10921991.json.gz"))
    assert all(tx.gas is None for tx in block.transactions)
    assert all(a.net_wei is None and a.profit > 0 for a in label_block(block).arbitrages)
