"""Recorded blocks for tests, and small ones written by hand."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from searcher.label.traces import Block, parse_block

NUMBERS = (10921991, 12412732, 12775690, 12914944, 13179291, 13207907, 13244807, 13298725, 13323642, 13370850, 13666312,
           15049646)  # fmt: skip
Recorded = Callable[[str], Path]
MINER = "0x" + "99" * 20


def raw(recorded: Recorded, number: int) -> dict[str, Any]:
    """The JSON of a recorded block."""
    found: dict[str, Any] = orjson.loads(gzip.decompress(recorded(f"mainnet/blocks/{number}.json.gz").read_bytes()))
    return found


def account(n: int) -> str:
    """An address of one's own."""
    return f"0x{n:040x}"


def words(*values: int | str) -> str:
    """ABI words of numbers, and of addresses as hexadecimal."""
    return "".join(f"{int(v, 16) if isinstance(v, str) else v:064x}" for v in values)


def call(path: list[int], sender: str, to: str, data: str = "", output: str = "", **more: Any) -> dict[str, Any]:
    """A trace of transaction 0 in parity's form; `value`, `kind`, `error` and `tx` may be given."""
    tx = more.get("tx", 0)
    action = {"from": sender, "to": to, "callType": more.get("kind", "call"), "input": "0x" + data, "gas": "0x0",
              "value": hex(more.get("value", 0))}  # fmt: skip
    return {"action": action, "type": "call", "traceAddress": path, "transactionPosition": tx,
            "transactionHash": f"0x{tx:064x}", "error": more.get("error"),
            "result": {"gasUsed": "0x0", "output": "0x" + output}}  # fmt: skip


def block(*traces: dict[str, Any], gas: int = 100_000, gas_price_wei: int = 0, base_fee_wei: int = 0) -> Block:
    """A block of these traces, named in camelCase with hexadecimal numbers, as nodes answer."""
    hashes = sorted({t["transactionHash"] for t in traces})
    receipts = [{"transactionHash": h, "gasUsed": hex(gas), "effectiveGasPrice": hex(gas_price_wei)} for h in hashes]
    top = {"blockNumber": "0x7b", "miner": MINER, "baseFeePerGas": hex(base_fee_wei)}
    return parse_block(top | {"traces": list(traces), "receipts": receipts}, "here")
