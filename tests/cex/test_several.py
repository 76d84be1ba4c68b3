"""A recorded capture of four symbols, replayed whole; the oracle is a book of plain dictionaries."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from searcher.__main__ import main


def lines(http: Path, ws: Path) -> list[tuple[int, str, dict[str, Any]]]:
    """Receive time, symbol and message of cryptofeed's raw capture; snapshots as `@depthSnapshot` streams."""
    found = []
    for line in gzip.decompress(http.read_bytes()).decode().splitlines():
        if " -> " in line:
            url, rest = line.split(" -> ", 1)
            seconds, body = rest.split(": ", 1)
            symbol = url.split("symbol=")[1].split("&")[0]
            message = {"stream": f"{symbol.lower()}@depthSnapshot", "generated": True, "data": json.loads(body)}
            found.append((nanoseconds(seconds), symbol, message))
    for line in gzip.decompress(ws.read_bytes()).decode().splitlines():
        if line[:1].isdigit():
            seconds, body = line.split(": ", 1)
            message = json.loads(body)
            found.append((nanoseconds(seconds), message["data"]["s"], message))
    return sorted(found, key=lambda f: f[0])


def nanoseconds(seconds: str) -> int:
    whole, _, fraction = seconds.partition(".")
    return int(whole) * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))


def best(messages: list[dict[str, Any]]) -> tuple[int, list[tuple[float, float]]]:
    """Depth events applied to one symbol's book by the venue's rules, and its best bid and ask at the end."""
    sides: list[dict[float, float]] = [{}, {}]
    snapshot = next(m["data"] for m in messages if m["stream"].endswith("@depthSnapshot"))
    for side, key in enumerate(("bids", "asks")):
        sides[side] = {float(px): float(qty) for px, qty in snapshot[key]}
    applied, last = 0, None
    for event in (m["data"] for m in messages if "@depth@" in m["stream"]):
        if last is None and event["u"] < snapshot["lastUpdateId"]:
            continue
        assert last is None or event["pu"] == last
        applied, last = applied + 1, event["u"]
        for side, key in enumerate("ba"):
            for px, qty in event[key]:
                sides[side].pop(float(px), None)
                if float(qty):
                    sides[side][float(px)] = float(qty)
    bid, ask = max(sides[0]), min(sides[1])
    return applied, [(bid, sides[0][bid]), (ask, sides[1][ask])]


def test_four_symbols_of_one_capture_are_four_books(recorded: Callable[[str], Path], tmp_path: Path) -> None:
    captures = [recorded(f"captures/BINANCE_FUTURES.{name}.gz") for name in ("http.0.0", "ws.1.0")]
    found = lines(*captures)
    path, out = tmp_path / "four.gz", tmp_path / "out.json"
    with gzip.open(path, "wt") as f:
        f.writelines(f"{ns} {json.dumps(message, separators=(',', ':'))}\n" for ns, _, message in found)
    assert main(["replay", str(path), "--json", str(out)]) == 0
    report = json.loads(out.read_text())
    assert report["frames"]["malformed"] == 0
    assert report["frames"]["snapshot"] == 4
    assert len(report["instruments"]) == 4
    for instrument in report["instruments"]:
        book = instrument["book"]
        applied, (bid, ask) = best([m for _, symbol, m in found if symbol == instrument["symbol"]])
        assert (book["applied"], book["gaps"], book["crossed"]) == (applied, 0, 0)
        assert book["matched"] == book["checked"] > 0
        assert [tuple(map(float, level)) for level in (book["bid"], book["ask"])] == [bid, ask]


def test_a_snapshot_that_does_not_say_whose_it_is_is_not_guessed(
    recorded: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    captures = [recorded(f"captures/BINANCE_FUTURES.{name}.gz") for name in ("http.0.0", "ws.1.0")]
    path, out = tmp_path / "four.gz", tmp_path / "out.json"
    with gzip.open(path, "wt") as f:
        for ns, _, message in lines(*captures):
            bare = message["data"] if message.get("generated") else message
            f.write(f"{ns} {json.dumps(bare, separators=(',', ':'))}\n")
    assert main(["replay", str(path), "--json", str(out)]) == 0
    report = json.loads(out.read_text())
    assert report["frames"]["malformed"] == 4
    assert all(i["book"]["applied"] == 0 and i["book"]["bid"] is None for i in report["instruments"])
    assert "@depthSnapshot" in capsys.readouterr().out
