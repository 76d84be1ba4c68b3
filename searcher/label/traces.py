"""A recorded block: its transactions, and each one's calls as a tree. What a call did is undone when it, or a call that
it was made from, failed."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from searcher.errors import RunError
from searcher.label.fields import Fields

LEAST_GAS = 10_500  # of any transaction: 21,000 (yellow paper), of which refunds gave back half before EIP-3529
MOST_GAS = 1 << 40  # no block has that much
ETHER = (
    "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"  # stands for ether where a token is named, as Aave V1 and Bancor do
)
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"  # WETH9, mainnet


@dataclass(frozen=True, slots=True)
class Call:
    """One call, creation or self-destruction. `path` is its trace address; `end` is the index, in the transaction's
    `calls`, behind its last descendant. `data` and `output` are hexadecimal without `0x`, the selector first.

    `failed`: it ended in an error itself; `undone`: it, or a call around it, did. `kind` is `call`, `delegatecall`,
    `staticcall`, `callcode`, `create` or `suicide`."""

    path: tuple[int, ...]
    end: int
    kind: str
    sender: str
    to: str
    value_wei: int
    data: str
    output: str
    failed: bool
    undone: bool


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction and its calls in the order in which they began (a call stands before the calls that it made).

    `sender` signed it; `to` is what it called, or the contract that it created. `gas_price_wei` is what a unit of gas
    cost in the end, base fee included (EIP-1559's effective gas price). `gas` is None where the receipt says what no
    transaction uses: some nodes once wrote 1, 0 or 2^64 - 1 there."""

    index: int
    hash: str
    sender: str
    to: str
    gas: int | None
    gas_price_wei: int
    calls: tuple[Call, ...]

    def below(self, i: int) -> range:
        """Indexes of all calls that call `i` led to."""
        return range(i + 1, self.calls[i].end)

    def children(self, i: int) -> Iterator[Call]:
        """The calls that call `i` made itself. A proxy's delegate call is looked through: it is the same account."""
        at, end = i + 1, self.calls[i].end
        while at < end:
            call = self.calls[at]
            if call.kind == "delegatecall":
                yield from self.children(at)
            else:
                yield call
            at = call.end


@dataclass(frozen=True, slots=True)
class Block:
    """A block: who is paid for it (`miner`: the fee recipient, since the merge the builder), what a unit of gas burns,
    and its transactions in order."""

    number: int
    miner: str
    base_fee_wei: int
    transactions: tuple[Transaction, ...]


def read_block(path: Path) -> Block:
    """Reads a block file: JSON, or JSON in gzip.

    An object with `block_number`, `miner`, `base_fee_per_gas`, `traces` (parity form, as `trace_block` answers) and
    `receipts` (as `eth_getBlockReceipts` answers; only gas used and its price are read). Names may be in snake_case or
    in camelCase, numbers may be hexadecimal strings. RunError names the file, the field and what is wrong with it.
    """
    raw = path.read_bytes()
    try:
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        value = orjson.loads(raw)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RunError(f"{path}: the gzip file is damaged ({error}); fetch the block again") from None
    except orjson.JSONDecodeError as error:
        raise RunError(f"{path}: no JSON ({error}); a block file is one JSON object") from None
    return parse_block(value, str(path))


def parse_block(value: object, name: str) -> Block:
    """A block from what JSON gave; `name` opens every error."""
    top = Fields(value, name)
    traces = [Fields(t, f"{name}: traces[{i}]") for i, t in enumerate(top.items("traces"))]
    receipts = [Fields(r, f"{name}: receipts[{i}]") for i, r in enumerate(top.items("receipts"))]
    paid = {r.text("transaction_hash"): (_gas(r.number("gas_used")), r.number("effective_gas_price")) for r in receipts}
    of: dict[int, list[Fields]] = {}
    for t in traces:
        if not t.absent("transaction_hash") and t.text("type") != "reward":
            of.setdefault(t.number("transaction_position"), []).append(t)
    transactions = []
    for index in sorted(of):
        tx_hash = of[index][0].text("transaction_hash")
        if tx_hash not in paid:
            raise RunError(f"{name}: no receipt of transaction {tx_hash}: traces and receipts must be of one block")
        transactions.append(_transaction(index, tx_hash, of[index], *paid[tx_hash]))
    return Block(
        top.number("block_number"),
        top.text("miner"),
        top.number("base_fee_per_gas", default=0),
        tuple(transactions),
    )


def _gas(used: int) -> int | None:
    return used if LEAST_GAS <= used < MOST_GAS else None


def _transaction(index: int, tx_hash: str, traces: list[Fields], gas: int | None, gas_price_wei: int) -> Transaction:
    by_path = {t.path("trace_address"): t for t in traces}
    paths = sorted(by_path)
    if paths[0] or len(paths) != len(traces):
        raise RunError(f"{traces[0].name}: transaction {tx_hash} has no outermost call, or one call twice")
    end = dict.fromkeys(paths, len(paths))
    open_paths: list[tuple[int, ...]] = []
    undone: set[tuple[int, ...]] = set()
    for at, path in enumerate(paths):
        while open_paths and path[: len(open_paths[-1])] != open_paths[-1]:
            end[open_paths.pop()] = at
        if path and (not open_paths or open_paths[-1] != path[:-1]):
            raise RunError(f"{by_path[path].name}: the call that made it ({list(path[:-1])}) is missing")
        open_paths.append(path)
        if not by_path[path].absent("error") or (path[:-1] in undone and path):
            undone.add(path)
    calls = tuple(_call(by_path[p], p, end[p], p in undone) for p in paths)
    return Transaction(index, tx_hash, calls[0].sender, calls[0].to, gas, gas_price_wei, calls)


def _call(t: Fields, path: tuple[int, ...], end: int, undone: bool) -> Call:
    kind, action = t.text("type"), t.table("action")
    result = t.table("result") if not t.absent("result") else Fields({}, t.name)
    failed = not t.absent("error")
    if kind == "call":
        return Call(path, end, action.text("call_type"), action.text("from"), action.text("to"),
                    action.number("value"), action.text("input", default="0x")[2:],
                    result.text("output", default="0x")[2:], failed, undone)  # fmt: skip
    if kind == "create":
        created = result.text("address", default="")
        return Call(path, end, kind, action.text("from"), created, action.number("value"), "", "", failed, undone)
    if kind == "suicide":
        return Call(path, end, kind, action.text("address"), action.text("refund_address"),
                    action.number("balance"), "", "", failed, undone)  # fmt: skip
    raise RunError(f"{t.name}: a trace of type {kind!r} is not known")
