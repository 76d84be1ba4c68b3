"""Every order that a live Tape permitted, and what the Tape says became of it, in plain Python."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from native._core import TapeReader

PLACE, REPLACE = 1, 3
REJECTED, CANCELLED, EXPIRED, FILLED, CHANGE_REJECTED = 3, 4, 5, 2, 7


@dataclass
class Orders:
    """Client ids of a Tape's permitted places, and those that a receipt of the Tape ended."""

    placed: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    receipts: int = 0


def orders_of(tape: Path) -> Orders:
    """Reads a Tape's permits and receipts (encodings: `native/src/lane/journal.rs`, `native/src/event.rs`)."""
    found = Orders()
    for record in TapeReader(tape):
        if record.kind == "permit":
            number, action = struct.unpack("<QB", record.payload)
            if action == PLACE:
                found.placed.add(client(number))
        elif record.kind == "receipt":
            found.receipts += 1
            kind, number = struct.unpack_from("<BQ", record.payload)
            (leaves,) = struct.unpack_from("<q", record.payload, 37)
            gone = kind in (REJECTED, CANCELLED, EXPIRED)
            if gone or (kind in (FILLED, CHANGE_REJECTED) and leaves == 0):
                found.ended.add(client(number))
    return found


def permitted_ns(tapes: list[Path], order: str) -> int | None:
    """When the lane last permitted a place or a replace of this client id, by its own clock (that of the frame on which
    it decided); None where no Tape has one. A Tape that is being written says what it has."""
    found = None
    for tape in tapes:
        for record in TapeReader(tape):
            if record.kind == "permit":
                number, action = struct.unpack("<QB", record.payload)
                if action in (PLACE, REPLACE) and client(number) == order:
                    found = record.time_ns
    return found


def client(number: int) -> str:
    """The client order id of an order's number (`client_id_text` in `native/src/cex/venues/binance_orders.rs`)."""
    return f"se-{number:016x}"
