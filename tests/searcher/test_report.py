"""The report as people see it, from a literal report: every figure that is shown is one that was given."""

import io
import json
import re
from typing import Any

import pytest
from rich.console import Console

from searcher import charts, page, report

START = 1_700_000_000_000_000_000


def sample(fills: int = 40) -> tuple[dict[str, Any], dict[str, Any]]:
    log = [
        {
            "time_ns": START + i * 7_000_000_000,
            "symbol": "BTCUSDT",
            "side": "buy" if i % 2 else "sell",
            "price": str(60_000 + i % 9),
            "qty": "0.001",
            "maker": i % 5 != 0,
            "queue_joined": 10 * (i % 7),
            "queue_ahead": 0,
            "time_to_fill_ns": (i % 11) * 300_000_000,
            "markout_ticks": {"1": 0.5 - i % 3, "10": 1.0 - i % 4, "60": None if i > 30 else -0.5},
        }
        for i in range(fills)
    ]
    book = {"checked": 6547, "matched": 6547, "gaps": 3, "crossed": 0, "blind_ns": 231_400_000, "resyncs": 1,
            "levels": 2104, "bid": ["61659.7", "1.486"], "ask": ["61659.8", "0.981"]}  # fmt: skip
    pnl = {"total": "-1.25", "spread": "2.5", "drift": "-3.05", "fees": "0.9", "rebates": "0.2"}
    kinds = {"depth": 6551, "quote": 66089, "trade": 21313, "snapshot": 1, "timer": 0, "order": 90, "ignored": 0}
    given = {
        "schema": 1, "rows": 464834, "seconds": 0.05, "load_seconds": 0.2, "recorded_seconds": 344.8,
        "frames": {**kinds, "malformed": 0}, "book": book,
        "instruments": [{"symbol": "BTCUSDT", "tick": "0.1", "lot": "0.001", "book": book, "position": "0.002",
                         "fills": fills, "pnl": pnl}],
        "fills": fills, "fill_log": log, "pnl": pnl,
        "markouts": [{"horizon_s": h, "fills": fills, "mean_ticks": 0.123 * h, "mean_bps": 0.01} for h in (1, 10, 60)],
        "queue": {}, "time_to_fill_ns": {"p50": 900_000_000, "p90": 2_700_000_000, "max": 3_000_000_000},
        "refusals": {"price_collar_bps": 2, "max_position_qty": 17, "max_open_orders": 0}, "intents": 3 * fills,
        "permits": 2 * fills, "receipts": 4 * fills, "messages": {"place": 50, "cancel": 20, "replace": 10},
        "switch": {"state": "reducing", "cause": "drawdown", "reason": "<2 % of equity>"}, "sha256": "ab" * 32,
    }  # fmt: skip
    series = {
        "t_ns": [START + i * 1_000_000_000 for i in range(300)],
        "mid": [None if i == 5 else str(60_000 + (i % 50) / 10) for i in range(300)],
        "position": [str(round((i % 20 - 10) / 1000, 3)) for i in range(300)],
        "pnl": [str(round(-i / 240, 4)) for i in range(300)],
    }
    return given, series


def shown(given: dict[str, Any]) -> str:
    out = io.StringIO()
    report.show(given, Console(file=out, width=100))
    return out.getvalue()


def test_the_quality_report_comes_without_a_kernel() -> None:
    given, _ = sample(0)
    text = shown(given)
    assert "6,547 of 6,547 (100.00%)" in text
    assert "61659.7 × 1.486" in text
    assert "231.4 ms" in text
    assert "bookTicker" in text
    assert "malformed" not in text
    assert "PnL" not in text


def test_a_book_out_of_sync_has_no_best_price() -> None:
    given, _ = sample(0)
    given["book"] |= {"bid": None, "ask": None, "checked": 0, "matched": 0}
    text = shown(given)
    assert text.count("none: the book is not in sync") == 2
    assert "0 of 0" in text


def test_the_trading_report_has_what_was_traded() -> None:
    text = shown(sample()[0])
    for wanted in ("40 (32 as maker)", "120 → 80 permits, 19 refusals", "reducing: drawdown <2 % of equity>", "−0.9",
                   "-1.25", "+1.2300", "max_position_qty", "median 900.0 ms", "ab" * 32):  # fmt: skip
        assert wanted.replace("+1.2300", "+1.230") in text
    assert text.index("max_position_qty") < text.index("price_collar_bps")
    assert "max_open_orders" not in text


def test_json_is_the_report_itself() -> None:
    given, _ = sample()
    assert json.loads(report.as_json(given)) == given


def test_the_page_stands_alone_and_escapes_what_it_shows() -> None:
    given, series = sample()
    text = page.render(given, series, "<day>.gz", "searcher replay '<day>.gz'")
    assert "<day>" not in text
    assert "&lt;2 % of equity&gt;" in text
    assert "searcher replay &#x27;&lt;day&gt;.gz&#x27;" in text
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert not re.search(r"(?:src|href)=", markup)
    assert "prefers-color-scheme: dark" in markup
    for line in report.LIMITS_AND_ASSUMPTIONS:
        assert line in text
    assert text.count('class="plotly-graph-div"') == 7


def test_the_page_of_a_quality_report_has_no_trading_in_it() -> None:
    given, series = sample(0)
    text = page.render(given, series, "day.gz", "searcher replay day.gz")
    assert "<h2>Trading</h2>" not in text
    assert "<h2>Quality of the data</h2>" in text
    assert page.render(given, {"t_ns": []}, "day.gz", "c").count("<script") == 0


def test_markouts_are_of_makers_and_takers_apart() -> None:
    given, _ = sample()
    figure = charts.markouts(given)
    assert [t.name for t in figure.data] == ["maker", "taker"]
    makers = [f["markout_ticks"]["1"] for f in given["fill_log"] if f["maker"]]
    assert figure.data[0].y[0] == pytest.approx(sum(makers) / len(makers))


def test_the_parts_of_the_waterfall_add_up_to_the_total() -> None:
    given, _ = sample()
    values = [v for v in charts.pnl_parts(given).data[0].y if v is not None]
    assert sum(values) == pytest.approx(float(given["pnl"]["total"]))
