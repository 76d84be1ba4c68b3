"""Each proof at a small count. The full ones: `make chaos`."""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import countdown, fastmm, halts, kill9, storm
from tests.chaos.harness import BUSY, VENUES, lab
from tests.chaos.orders import permitted_ns
from tests.chaos.tapes import verify_all
from tests.chaos.truth import agree, differences

pytestmark = pytest.mark.chaos


def clean(wrong: list[str], folder: Path, least_tapes: int) -> None:
    """Nothing is wrong, and every Tape of the folder is what its session decided."""
    assert not wrong, "\n".join(wrong)  # as text, because of a list pytest shows the ends
    tapes, bad = verify_all(folder)
    assert not bad, "\n".join(bad)
    assert tapes >= least_tapes


@pytest.mark.parametrize("venue", VENUES)
def test_killed_at_any_moment_nothing_is_lost(venue: str, tmp_path: Path) -> None:
    found = kill9.run(venue, 4, 3, tmp_path)
    clean(found.wrong, tmp_path, 4)
    assert found.fills > 0


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_that_misbehaves_makes_no_false_top_and_loses_no_order(venue: str, tmp_path: Path) -> None:
    found = storm.Stormed()
    storm.storm(venue, 6.0, 5, tmp_path, found)
    clean(found.wrong, tmp_path, 1)
    assert found.tops > 0
    assert found.arrived > 10
    assert found.faults


@pytest.mark.parametrize("venue", VENUES)
def test_halted_in_any_way_nothing_but_cancels_and_reduce_only_is_accepted(venue: str, tmp_path: Path) -> None:
    found = halts.run(venue, 5, 2, tmp_path)
    clean(found.wrong, tmp_path, 6)
    assert len(found.after_ns) == 7, list(found.after_ns)


def test_cut_off_for_longer_than_the_countdown_the_exchange_cancels_by_itself(tmp_path: Path) -> None:
    found = countdown.run("binance_usdm", 1, 1, tmp_path)
    clean(found.wrong, tmp_path, 1)
    assert found.cancelled > 0


@pytest.mark.skipif(fastmm.command() is None, reason="needs FastMM: `make bench` installs it, or FASTMM names it")
def test_on_an_exchange_that_nobody_here_wrote_the_daemon_trades_unchanged(tmp_path: Path) -> None:
    found = fastmm.run("binance_spot", 1, 1, tmp_path)
    clean(found.wrong, tmp_path, 2)
    assert found.fills > 0


def test_the_comparisons_see_what_is_missing_doubled_or_altered(tmp_path: Path) -> None:
    with lab("binance_usdm", tmp_path, *BUSY) as made:
        made.start()
        made.until("there are fills", lambda s: s["instruments"][0]["fills"] > 1)
        assert made.stop() == 0
        assert agree(made) == []
        kept = made.lane / "fills.jsonl"
        text = kept.read_text()
        fills = [line for line in text.splitlines(keepends=True) if '"t":"fill"' in line]
        first = fills[0]
        for altered in ("", first * 2, first.replace('"fee":"', '"fee":"1'), first.replace('"qty":"', '"qty":"1')):
            altered = text.replace(first, altered)
            assert altered != text
            kept.write_text(altered)
            assert differences(made) != []
        kept.write_text(text)
        made.exchange.end()
        found = storm.Stormed()
        assert storm.false_tops(made, found) == []
        assert found.tops > 0
        tops = made.exchange.tops_path
        tops.write_text("".join(_a_tick_off(line) for line in tops.read_text().splitlines()))
        assert storm.false_tops(made, found) != []


def _a_tick_off(line: str) -> str:
    symbol, update, bid, *rest = json.loads(line)
    return json.dumps([symbol, update, f"{Decimal(bid) - Decimal('0.1')}", *rest]) + "\n"


def test_an_order_is_late_only_where_it_was_decided_after_the_halt(tmp_path: Path) -> None:
    with lab("binance_spot", tmp_path, *BUSY) as made:
        made.start()
        made.until("it trades", lambda s: s["messages"]["place"] > 5)
        size, not_halted_ns = made.exchange.size(), time.time_ns()
        made.until("it goes on", lambda s: s["now_ns"] > not_halted_ns + 2e9)
        found = halts.Halts()
        halts.judge(made, found, "none", not_halted_ns, size)
        assert found.wrong
        assert all("; decided " in line for line in found.wrong)
        order = next(filter(halts.asked, made.exchange.log_from(size)))["client"]
        decided_ns = permitted_ns(made.tapes(), order)
        assert decided_ns is not None
        assert halts.decided_after(made, order, decided_ns - 1)
        assert halts.decided_after(made, order, decided_ns) is None
        assert made.stop() == 0


def test_an_order_that_adds_to_a_position_is_told_from_one_that_reduces_it() -> None:
    def line(number: int, side: str, qty: str, what: str = "accepted", act: str = "place") -> dict[str, Any]:
        order = {"order": number, "side": side, "qty": qty, "act": act, "by": "request", "reduce_only": False}
        return {"what": what, "client": str(number), **order}

    bought = [line(1, "BUY", "2"), line(1, "BUY", "2", "fill")]

    def adding(*more: dict[str, Any], usdm: bool = False) -> list[str]:
        return [order["client"] for order in halts.adding([*bought, *more], usdm)]

    assert adding(line(2, "SELL", "2")) == ["1"]
    assert adding(line(2, "SELL", "3")) == ["1", "2"]
    assert adding(line(2, "SELL", "1"), line(3, "SELL", "2")) == ["1", "3"]
    assert adding(line(2, "BUY", "1")) == ["1", "2"]
    assert adding(line(2, "SELL", "2"), usdm=True) == ["1", "2"]
    assert adding(line(2, "SELL", "2") | {"reduce_only": True}, usdm=True) == ["1"]
