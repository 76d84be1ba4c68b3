"""Labels of small blocks written by hand: what the recorded ones do not hold, and what must not be labelled."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from native._core import sandwiches
from searcher.__main__ import main
from searcher.errors import RunError
from searcher.label import Arbitrage, Swap, abi, find_liquidations, read_block
from searcher.label.arbitrages import of_transaction
from searcher.label.profits import costs
from searcher.label.traces import ETHER, WETH, parse_block
from searcher.label.transfers import Transfer, find_transfers, gains
from tests.searcher.blocks import MINER, Recorded, account, block, call, words

BOT, USER, ROUTER, SETTLER = (account(n) for n in (1, 2, 3, 4))
POOLS = [account(n) for n in range(20, 30)]
A, B, C = (account(n) for n in (40, 41, 42))


def swap(
    n: int, payer: str, recipient: str, paid: tuple[int, str], got: tuple[int, str], pool: int | None = None
) -> Swap:
    pool_address = POOLS[n if pool is None else pool]
    return Swap(123, 0, "0x0", (n,), "v2", pool_address, payer, recipient, paid[1], got[1], paid[0], got[0])


def arbitrages(*swaps: Swap, passed: tuple[Transfer, ...] = (), to: str = BOT, sender: str = USER) -> list[Arbitrage]:
    one = block(call([], sender, to))
    return of_transaction(one, one.transactions[0], list(swaps), list(passed))


def test_a_circle_is_an_arbitrage_by_whichever_way_the_tokens_go() -> None:
    own = arbitrages(swap(0, BOT, BOT, (100, WETH), (50, A)), swap(1, BOT, BOT, (50, A), (110, WETH)))
    straight = arbitrages(swap(0, BOT, POOLS[1], (100, WETH), (50, A)), swap(1, POOLS[0], BOT, (50, A), (110, WETH)))
    flash = arbitrages(swap(0, BOT, BOT, (50, A), (110, WETH)), swap(1, BOT, POOLS[0], (100, WETH), (50, A)))
    signer = arbitrages(swap(0, BOT, BOT, (100, WETH), (50, A)), swap(1, BOT, USER, (50, A), (110, ETHER)))
    through = arbitrages(
        swap(0, BOT, BOT, (100, WETH), (50, A)),
        swap(1, ROUTER, ROUTER, (50, A), (110, WETH)),
        passed=(Transfer(0, A, BOT, ROUTER, 50), Transfer(1, WETH, ROUTER, BOT, 110)),
    )
    for (found,) in (own, straight, flash, signer, through):
        assert (found.account, found.token, found.amount_in, found.profit, found.surplus) == (BOT, WETH, 100, 10, ())
    assert [leg.payer for leg in through[0].legs] == [BOT, ROUTER]


def test_a_way_split_among_pools_is_one_arbitrage() -> None:
    (found,) = arbitrages(
        swap(0, BOT, BOT, (100, WETH), (50, A)),
        swap(1, BOT, BOT, (30, A), (66, WETH)),
        swap(2, BOT, BOT, (20, A), (44, WETH)),
    )
    assert (len(found.legs), found.amount_in, found.profit) == (3, 100, 10)


def test_two_circles_in_one_transaction_are_two() -> None:
    found = arbitrages(
        swap(0, BOT, BOT, (100, WETH), (50, A)),
        swap(1, BOT, BOT, (50, A), (110, WETH)),
        swap(2, BOT, BOT, (200, WETH), (70, B)),
        swap(3, BOT, BOT, (70, B), (203, WETH)),
    )
    assert [(a.amount_in, a.profit) for a in found] == [(100, 10), (200, 3)]


@pytest.mark.parametrize(
    "swaps",
    [
        # a user's way through several pools
        [swap(0, USER, POOLS[1], (100, A), (50, WETH)), swap(1, POOLS[0], USER, (50, WETH), (70, B))],
        # the same order split by an aggregator, one part of which comes back through the token it began with
        [
            swap(0, ROUTER, ROUTER, (100, A), (50, WETH)),
            swap(1, ROUTER, ROUTER, (20, WETH), (41, A)),
            swap(2, ROUTER, ROUTER, (41, A), (60, B)),
            swap(3, ROUTER, ROUTER, (30, WETH), (50, B)),
        ],
        # two orders settled against pools by one contract
        [
            swap(0, SETTLER, SETTLER, (100, A), (50, B)),
            swap(1, SETTLER, SETTLER, (60, B), (110, A)),
            swap(2, SETTLER, SETTLER, (5, B), (5, C)),
        ],
        # a token that sells its own fee while a user sells it
        [swap(0, A, ROUTER, (10, A), (1, WETH)), swap(1, USER, USER, (100, A), (9, WETH))],
        # a circle that somebody else gets the end of
        [swap(0, BOT, BOT, (100, WETH), (50, A)), swap(1, BOT, SETTLER, (50, A), (110, WETH))],
        # a circle with a loss, and one that comes out even
        [swap(0, BOT, BOT, (100, WETH), (50, A)), swap(1, BOT, BOT, (50, A), (90, WETH))],
        [swap(0, BOT, BOT, (100, WETH), (50, A)), swap(1, BOT, BOT, (50, A), (100, WETH))],
        # in and out of one pool
        [swap(0, BOT, BOT, (100, WETH), (50, A), 0), swap(1, BOT, BOT, (50, A), (110, WETH), 0)],
    ],
)
def test_what_routers_and_traders_do_is_no_arbitrage(swaps: list[Swap]) -> None:
    assert arbitrages(*swaps, to=ROUTER) == []


def test_payments_to_the_fee_recipient_are_found_however_they_are_made() -> None:
    one = block(
        call([], USER, BOT),
        call([0], BOT, MINER, value=5),
        call([1], BOT, ROUTER, value=7),
        call([1, 0], ROUTER, MINER, data="d0e30db0", value=7),  # passed on, with data
        call([2], BOT, account(7)),
        {
            "action": {"address": account(7), "refundAddress": MINER, "balance": "0xb"},
            "type": "suicide",
            "traceAddress": [2, 0],
            "transactionPosition": 0,
            "transactionHash": f"0x{0:064x}",
        },
        call([3], BOT, account(8), error="Reverted"),
        call([3, 0], account(8), MINER, value=1000),
        call([4], BOT, MINER, value=100, kind="delegatecall"),
        gas=50_000,
        gas_price_wei=30,
        base_fee_wei=20,
    )
    paid = costs(one, *one.transactions)
    assert (paid.coinbase_wei, paid.gas_fee_wei, paid.burnt_wei) == (5 + 7 + 11, 1_500_000, 1_000_000)
    assert (paid.total_wei, paid.to_miner_wei) == (1_500_023, 500_023)


def test_transfers_that_did_not_happen_or_are_told_twice_do_not_count() -> None:
    move = abi.TRANSFER + words(BOT, 9)
    one = block(
        call([], USER, ROUTER),
        call([0], USER, A, data=move, output=words(1)),
        call([0, 0], A, B, data=move, output=words(1)),  # a proxy passes it on
        call([0, 1], A, C, data=move, kind="delegatecall", output=words(1)),
        call([1], USER, A, data=move, output=words(0)),  # says no
        call([2], USER, A, data=move, error="Reverted"),
        call([3], USER, B, data=move),  # answers nothing, as USDT
        call([4], USER, WETH, data=abi.DEPOSIT, value=3),
        call([5], USER, WETH, data=abi.WITHDRAW + words(2)),
        call([5, 0], WETH, USER, value=2),
    )
    found = find_transfers(one.transactions[0])
    assert gains(found, frozenset({BOT})) == {A: 9, B: 9}
    assert gains(found, frozenset({USER})) == {A: -9, B: -9}


def liquidation(code: int, comptroller: str, data: str = "", **more: Any) -> list[dict[str, Any]]:
    """CErc20.liquidateBorrow(USER, 10, cToken C) on cToken B by BOT, paid in A."""
    data = data or abi.LIQUIDATE_TOKEN + words(USER, 10, C)
    return [
        call([], BOT, B, data=data, output=words(code), **more),
        call([0], B, comptroller, data=abi.LIQUIDATE_ALLOWED + words(B, C, BOT, USER, 10), output=words(0)),
        call([1], B, A, data=abi.TRANSFER_FROM + words(BOT, B, 10), output=words(1)),
        call([2], B, C, data=abi.SEIZE + words(BOT, USER, 500), output=words(0)),
    ]


CREAM = "0x3d5bc3c8d13dcb8bf317092d84783c2697ae9258"


def test_the_protocol_is_seen_from_the_comptroller() -> None:
    (found,) = find_liquidations(block(*liquidation(0, CREAM)))
    assert (found.protocol, found.debt_token, found.debt_amount, found.received_amount) == ("cream", A, 10, 500)
    assert dict(found.gains) == {A: -10, C: 500}
    assert found.net_wei is None
    assert find_liquidations(block(*liquidation(0, account(77))))[0].protocol == "compound_fork"


def test_a_liquidation_that_was_refused_with_a_code_or_undone_is_none() -> None:
    assert find_liquidations(block(*liquidation(3, CREAM))) == []
    assert find_liquidations(block(*liquidation(0, CREAM, error="Reverted"))) == []


def test_recorded_cream_markets_are_the_ones_of_its_comptroller(recorded: Recorded) -> None:
    """The debt's token comes from what was paid: for every market, the map's underlying is what we say."""
    markets: dict[str, str] = json.loads(recorded("mainnet/labels/cream_markets.json").read_text())
    for ctoken, underlying in markets.items():
        traces = json.loads(json.dumps(liquidation(0, CREAM)).replace(B[2:], ctoken[2:]).replace(A[2:], underlying[2:]))
        (found,) = find_liquidations(block(*traces))
        assert (found.market, found.debt_token, found.protocol) == (ctoken, underlying, "cream")


def written(path: Path, value: object) -> Path:
    path.write_bytes(orjson.dumps(value))
    return path


GOOD: dict[str, Any] = {"block_number": 1, "miner": MINER, "traces": [], "receipts": []}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "must be a JSON object"),
        ({**GOOD, "miner": None}, "miner is missing; it is a string"),
        ({**GOOD, "block_number": "x"}, "block_number = 'x': it must be a whole number"),
        ({**GOOD, "traces": [call([], BOT, USER)]}, "no receipt of transaction"),
        ({**GOOD, "receipts": [{"transactionHash": "0x0", "gasUsed": 21_000}]}, "effective_gas_price is missing"),
        ({**GOOD, "traces": [{**call([], BOT, USER), "type": "odd"}], "receipts": [
            {"transactionHash": f"0x{0:064x}", "gasUsed": 21_000, "effectiveGasPrice": 1}]}, "type 'odd' is not known"),
        ({**GOOD, "traces": [call([], BOT, USER), call([0, 0], BOT, USER)], "receipts": [
            {"transactionHash": f"0x{0:064x}", "gasUsed": 21_000, "effectiveGasPrice": 1}]}, "the call that made it"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_block_is_refused_in_one_line(value: object, says: str, tmp_path: Path) -> None:
    path = written(tmp_path / "block.json", value)
    with pytest.raises(RunError, match=says) as caught:
        read_block(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_said_to_be_damaged(recorded: Recorded, tmp_path: Path) -> None:
    whole = recorded("mainnet/blocks/13323642.json.gz").read_bytes()
    (tmp_path / "cut.json.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.json").write_text("block 13323642")
    for name, says in (("cut.json.gz", "gzip file is damaged"), ("text.json", "no JSON")):
        with pytest.raises(RunError, match=says):
            read_block(tmp_path / name)


def test_names_and_numbers_are_read_as_nodes_write_them() -> None:
    given = parse_block(
        {"block_number": 7, "miner": MINER.upper().replace("X", "x"), "traces": [], "receipts": []}, "here"
    )
    assert (given.number, given.miner, given.base_fee_wei) == (7, MINER, 0)
    one = block(call([], BOT, USER, value=4), gas=0, gas_price_wei=1)
    assert (one.number, one.transactions[0].gas, one.transactions[0].calls[0].value_wei) == (123, None, 4)


def test_the_command_shows_and_writes(recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(recorded("mainnet/blocks/12775690.json.gz"))
    assert main(["label", path, path, "--json", str(tmp_path / "labels.json")]) == 0
    shown = capsys.readouterr().out
    assert "0x91a3abe5f3" in shown
    assert "0.049991" in shown
    blocks = json.loads((tmp_path / "labels.json").read_text())
    assert [b["sandwiches"][0]["profit"] for b in blocks] == ["49991481915322274"] * 2
    assert main(["label", path, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == blocks[:1]
    assert main(["label", str(tmp_path / "none.json")]) == 1
    assert "none.json: No such file" in capsys.readouterr().err


def test_the_native_rule_takes_bytes_of_the_right_length_only() -> None:
    a = bytes(19) + b"\1"
    good = (0, a, a, a, a, a, a, a, 1, 2)
    assert sandwiches([good, (1, bytes(32), a, a, a, a, a, a, 2**256 - 1, 0)]) == []
    with pytest.raises(ValueError, match="a pool is 20 or 32 bytes, not 21"):
        sandwiches([(0, bytes(21), a, a, a, a, a, a, 1, 2)])
    with pytest.raises(ValueError, match="an address is 20 bytes, not 3"):
        sandwiches([(0, a, a, a, a, a, a, bytes(3), 1, 2)])
    for amount in (-1, 2**256):
        with pytest.raises(OverflowError):
            sandwiches([(0, a, a, a, a, a, a, a, amount, 2)])
