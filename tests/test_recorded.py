"""Recorded days of a real exchange, against a book in plain Python that was written from the venue's rules."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from native import Replay
from searcher import replay
from searcher.config import Config
from searcher.plan import plan_json
from tests.naive_book import NaiveBook, Top, agreement, is_depth, is_snapshot, lines_of, message, quotes, recv_ns

USDM, SPOT = "binance/usdm_btcusdt_20240808.gz", "binance/spot_btcusdt_20240808.gz"
SECOND = 1_000_000_000


def top_of(book: dict[str, Any]) -> Top:
    (bid, bid_qty), (ask, ask_qty) = book["bid"], book["ask"]
    return (Decimal(bid), Decimal(bid_qty)), (Decimal(ask), Decimal(ask_qty))


def whole(path: Path, futures: bool) -> tuple[dict[str, Any], NaiveBook, list[str]]:
    lines = lines_of(path)
    naive = NaiveBook(futures)
    for line in lines:
        naive.feed(line)
    return replay.run(path, Config()).report, naive, lines


@pytest.mark.parametrize(("name", "futures", "agreed"), [(USDM, True, 6547), (SPOT, False, 3449)], ids=["usdm", "spot"])
def test_a_recorded_day_agrees_with_its_own_best_prices(
    recorded: Callable[[str], Path], name: str, futures: bool, agreed: int
) -> None:
    report, naive, lines = whole(recorded(name), futures)
    book, frames = report["book"], report["frames"]
    assert (book["checked"], book["matched"], book["unchecked"]) == (agreed, agreed, 0)
    assert (book["gaps"], book["crossed"], book["resyncs"]) == (0, 0, 0)
    # The plain book comes to the same counts, the same top and as many levels.
    tickers = quotes(lines)
    assert agreement(naive.tops, tickers) == (agreed, agreed)
    assert top_of(book) == naive.top()
    assert book["levels"] == len(naive.bids.quantities) + len(naive.asks.quantities)
    last_id, last_top = naive.tops[-1]
    assert [top for u, top in tickers if u <= last_id][-1] == last_top
    # Every line is a frame, and every level and trade a row.
    depth = [message(line) for line in lines if is_depth(line)]
    trades = sum("@trade" in line[:60] for line in lines)
    updates = sum(len(m["b"]) + len(m["a"]) for m in depth)
    assert report["rows"] == updates + trades
    counted = {"depth": len(depth), "quote": len(tickers), "trade": trades, "snapshot": 1}
    assert {kind: n for kind, n in frames.items() if n} == counted
    assert sum(counted.values()) == len(lines)
    assert report["recorded_seconds"] == pytest.approx((recv_ns(lines[-1]) - recv_ns(lines[0])) / 1e9)


def test_the_usdm_day_ends_where_the_exchange_did(recorded: Callable[[str], Path]) -> None:
    report = replay.run(recorded(USDM), Config()).report
    assert (report["book"]["bid"], report["book"]["ask"]) == (["61659.7", "1.486"], ["61659.8", "0.981"])
    assert report["rows"] == 464_834
    assert report["notice"] is None


class Start:
    """The first seconds of a day, and where its depth lines and its snapshot are."""

    def __init__(self, path: Path, futures: bool) -> None:
        self.lines = lines_of(path, 20 * SECOND)
        self.futures = futures
        self.depth = [n for n, line in enumerate(self.lines) if is_depth(line)]
        snapshot = next(n for n, line in enumerate(self.lines) if is_snapshot(line))
        snapshot_id = message(self.lines[snapshot])["lastUpdateId"]
        ids = [message(self.lines[n])["u"] for n in self.depth]
        #: Of the depth lines: the first that the snapshot needs, and the first one received after it.
        self.joins = next(k for k, u in enumerate(ids) if u >= snapshot_id + (not futures))
        self.after = next(k for k, n in enumerate(self.depth) if n > snapshot)
        # The book comes into sync at the later of the two.
        self.synced_ns = recv_ns(self.lines[max(snapshot, self.depth[self.joins])])

    def sample(self, count: int) -> list[int]:
        """Depth lines to cut: the first ones, those around the snapshot, the last ones, and some between."""
        last = len(self.depth) - 1
        around = range(min(self.joins, self.after) - 3, max(self.joins, self.after) + 5)
        between = range(0, last, max(1, last // count))
        return sorted({k for k in (0, 1, *around, *between, last - 2, last - 1, last) if 0 <= k <= last})


def stepwise(path: Path, lines: list[str], stops: list[int]) -> list[dict[str, Any]]:
    """Reports of a capture of `lines` after each number of them in `stops`, and at its end."""
    path.write_text("".join(lines), encoding="utf-8")
    running = Replay(str(path), plan_json(Config()), [])
    reports, done = [], 0
    for stop in stops:
        running.advance(stop - done)
        done = stop
        reports.append(json.loads(running.report()))
    running.run()
    return [*reports, json.loads(running.report())]


@pytest.mark.parametrize(("name", "futures"), [(USDM, True), (SPOT, False)], ids=["usdm", "spot"])
def test_a_depth_line_cut_out_is_missed_at_the_very_next_one(
    recorded: Callable[[str], Path], tmp_path: Path, name: str, futures: bool
) -> None:
    start = Start(recorded(name), futures)
    end_ns, cuts = recv_ns(start.lines[-1]), start.sample(30)
    assert len(cuts) >= 36
    for k in cuts:
        without = start.lines[: start.depth[k]] + start.lines[start.depth[k] + 1 :]
        following = start.depth[k + 1] - 1 if k + 1 < len(start.depth) else len(without)
        before, at, end = stepwise(tmp_path / "cut", without, [following, min(following + 1, len(without))])
        assert before["book"]["gaps"] == 0, k
        if k == len(start.depth) - 1:
            # Nothing came after it: nobody can tell, and the book was right when the recording ended.
            assert (end["book"]["gaps"], end["book"]["matched"]) == (0, end["book"]["checked"])
            assert end["book"]["bid"] is not None
        elif k < start.joins:
            # Older than the snapshot, which therefore contains it. A hole between two such lines is one all the same.
            assert at["book"]["gaps"] == (k > 0)
            assert end["book"]["bid"] is not None
            assert end["book"]["matched"] == end["book"]["checked"] > 0
        else:
            assert (at["book"]["gaps"], end["book"]["gaps"]) == (1, 1), k
            assert at["book"]["bid"] is at["book"]["ask"] is end["book"]["bid"] is end["book"]["ask"] is None
            assert (end["book"]["matched"], end["book"]["resyncs"]) == (end["book"]["checked"], 0)
            if k > start.joins and start.depth[k - 1] > start.depth[start.after]:
                # Blind before the first sync, and again since the last line that was taken.
                first_ns = start.synced_ns - recv_ns(start.lines[start.depth[0]])
                assert end["book"]["blind_ns"] == first_ns + end_ns - recv_ns(start.lines[start.depth[k - 1]])
                assert before["book"]["bid"] is not None


@pytest.mark.parametrize(("name", "futures"), [(USDM, True), (SPOT, False)], ids=["usdm", "spot"])
def test_a_second_snapshot_brings_the_book_back(
    recorded: Callable[[str], Path], tmp_path: Path, name: str, futures: bool
) -> None:
    start = Start(recorded(name), futures)
    last = len(start.depth) - 1
    (uncut,) = stepwise(tmp_path / "uncut", start.lines, [])
    for k in range(start.after + 2, last - 12, max(1, last // 6)):
        again = start.depth[k + 8]
        naive = NaiveBook(futures)
        for line in start.lines[: again + 1]:
            naive.feed(line)
        back_ns = recv_ns(start.lines[again])
        with_snapshot = [*start.lines[: again + 1], naive.snapshot(back_ns), *start.lines[again + 1 :]]
        del with_snapshot[start.depth[k]]
        blind, synced, end = stepwise(tmp_path / "back", with_snapshot, [again, start.depth[k + 9] + 1])
        assert blind["book"]["bid"] is None
        assert synced["book"]["bid"] is not None
        book = end["book"]
        assert (book["gaps"], book["resyncs"], book["crossed"]) == (1, 1, 0)
        assert (book["bid"], book["ask"], book["levels"]) == tuple(uncut["book"][x] for x in ("bid", "ask", "levels"))
        # Never in the book by themselves: the line that is cut out, and those after it that the snapshot contains.
        # USD-M takes up the line that ends where the snapshot does (U3), spot the one after (S3, S4).
        assert book["matched"] == book["checked"] == uncut["book"]["checked"] - (8 if futures else 9)
        was_ns = recv_ns(start.lines[start.depth[k - 1]])
        joined_ns = back_ns if futures else recv_ns(start.lines[start.depth[k + 9]])
        assert book["blind_ns"] - uncut["book"]["blind_ns"] == joined_ns - was_ns
