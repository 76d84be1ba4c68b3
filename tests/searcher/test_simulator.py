"""The EVM in process through the Python face: EIP-155's own example transaction, on a state that is written here."""

import json

import pytest

from native import Simulator

SENDER = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"
TAKER = "0x3535353535353535353535353535353535353535"
MINER = "0x00000000000000000000000000000000000000aa"
CONTRACT = "0x00000000000000000000000000000000000000cc"
# EIP-155, "Example": nonce 9, 20 gwei a gas, 1 ether, signed by the key 0x4646…46
RAW = bytes.fromhex(
    "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe53"
    "7567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
)
GWEI, ETHER = 10**9, 10**18
# slot 0 goes out; where it is zero, the contract reverts
CODE = "0x" + "6000548060085700" + "5b" + "60005260206000f3"


def simulator(balance: int = 10 * ETHER, word: int = 42) -> Simulator:
    accounts = {
        SENDER: {"balance": str(balance), "nonce": 9},
        CONTRACT: {"code": CODE, "storage": {"0": word}},
    }
    state = json.dumps({"number": 20_000_000, "missing": "zero", "accounts": accounts})
    # half of the gas was used, so the base fee stays
    return Simulator(state, number=20_000_000, timestamp_s=1_718_000_000, base_fee_wei=5 * GWEI, coinbase=MINER)


def test_a_transaction_is_executed_in_the_next_block_and_forgotten() -> None:
    sim = simulator()
    for keep in (False, False, True):
        done = sim.run(RAW, keep=keep)
        assert done.success
        assert done.reason is None
        assert done.gas_used == 21_000
        assert done.coinbase_wei == 21_000 * 15 * GWEI, "the base fee is burnt"
        assert (done.logs, done.storage) == ([], [])
    with pytest.raises(ValueError, match="not valid in the next block"):
        sim.run(RAW)


def test_a_bundle_is_executed_whole_and_says_why_it_is_not_good() -> None:
    sim = simulator()
    results, failure, coinbase_wei, deltas = sim.bundle([RAW], [(TAKER, None), (SENDER, None)])
    assert failure is None
    assert [done.success for done in results] == [True]
    assert coinbase_wei == 21_000 * 15 * GWEI
    assert deltas == [ETHER, -ETHER - 21_000 * 20 * GWEI]
    results, failure, _, deltas = sim.bundle([RAW, RAW], [(TAKER, None)])
    assert failure is not None
    assert failure.startswith("transaction 1 is not valid")
    assert deltas == [0]
    assert "transaction 0 is not valid" in str(simulator(balance=ETHER).bundle([RAW])[1])


def test_contracts_are_called_and_their_storage_is_read() -> None:
    sim = simulator()
    assert sim.storage(CONTRACT, 0) == 42
    done = sim.call(SENDER, CONTRACT, b"")
    assert done.success
    assert int.from_bytes(done.output) == 42
    decimals, refusal, *_ = sim.token_facts(CONTRACT)
    assert decimals == 42
    assert refusal is not None


def test_what_cannot_be_executed_says_why() -> None:
    with pytest.raises(ValueError, match="transaction"):
        simulator().run(b"\x02nonsense")
    with pytest.raises(ValueError, match="JSON"):
        Simulator("{", number=1, timestamp_s=1, base_fee_wei=1)
    with pytest.raises(ValueError, match=r"accounts\.0x1: an address expected"):
        Simulator('{"missing": "zero", "accounts": {"0x1": {}}}', number=1, timestamp_s=1, base_fee_wei=1)
    with pytest.raises(ValueError, match="recorded after block 7, not after 8"):
        Simulator('{"missing": "zero", "number": 7, "accounts": {}}', number=8, timestamp_s=1, base_fee_wei=1)
    unknown = Simulator('{"missing": "unknown", "accounts": {}}', number=1, timestamp_s=1, base_fee_wei=1)
    with pytest.raises(ValueError, match="not in the recorded state"):
        unknown.storage(CONTRACT, 0)
