"""The report as people see it, from a literal report: every figure that is shown is one that was given."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from native._core import limits as limits_
from searcher import charts, page, replay, report, starter
from searcher.config import INSTRUMENT_LIMITS, LANE_LIMITS, Config, load, with_strategy

START = 1_700_000_000_000_000_000


def sample(fills: int = 40, symbols: tuple[str, ...] = ("BTCUSDT",)) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A report and series in the native shape, of a lane that traded; with 0 fills, of one that only watched."""
    log = [
        {
            "time_ns": START + i * 7_000_000_000,
            "exch_ns": START + i * 7_000_000_000 - 10_000_000,
            "order": 1 + i,
            "symbol": symbols[i % len(symbols)],
            "side": "buy" if i % 2 else "sell",
            "price": str(60_000 + i % 9),
            "quantity": "0.001",
            "leaves": "0.000",
            "maker": i % 5 != 0,
            "mid": None if i == 3 else "60000.05",
            "queue_joined": f"0.0{i % 7}" if i % 5 else None,
            "queue_ahead": "0.000" if i % 5 else None,
            "time_to_fill_ns": (i % 11) * 300_000_000,
            "markout_ticks": {"1": str(0.5 - i % 3), "10": str(1 - i % 4), "60": None if i > 30 else "-0.5"},
        }
        for i in range(fills)
    ]
    book = {"checked": 6547, "matched": 6547, "unchecked": 0, "applied": 6547, "stale": 4, "gaps": 3, "crossed": 0,
            "old_snapshots": 0, "overflowed": 0, "blind_ns": 231_400_000, "resyncs": 1, "levels": 2104,
            "bid": ["61659.7", "1.486"], "ask": ["61659.8", "0.981"]}  # fmt: skip
    pnl = {"total": "-1.25", "spread": "2.5", "drift": "-3.05", "fees": "0.9", "rebates": "0.2"}
    counted = {"price_collar": 2, "position": 17, "self_trade": 1}
    refusals = {name: counted.get(name, 0) for name, _, _ in limits_()}
    kinds = dict.fromkeys(("timer", "fault", "ignored", "malformed", "backwards", "outliers"), 0)
    spread = {"count": 32, "p10": 0, "p50": 3, "p90": 6, "max": 6}
    limits = {n: "0.05" if n.endswith(("_qty", "_notional")) else 10 for n in INSTRUMENT_LIMITS}
    given = {
        "schema": 1, "path": "day.gz", "build": "0.1.0", "venue": "binance_usdm", "rows": 464834, "seconds": 0.05,
        "load_seconds": 0.2, "recorded_seconds": 344.8, "clock_offset_ns": -1_272_402_468, "notice": None,
        "frames": {"depth": 6551, "quote": 66089, "trade": 21313, "snapshot": 1, "order": 90, **kinds},
        "first_malformed": None, "book": book,
        "instruments": [{"symbol": s, "tick": "0.1", "lot": "0.001", "maker_fee_bps": "-0.5", "taker_fee_bps": "5",
                         "book": book, "position": "0.002", "fills": fills, "pnl": pnl, "refusals": refusals}
                        for s in symbols],
        "fills": fills, "fill_log": log, "pnl": pnl,
        "markouts": [{"horizon_s": h, "fills": fills, "missing": 0, "mean_ticks": f"{0.123 * h:.4f}",
                      "mean_bps": "0.0100"} for h in (1, 10, 60)],
        "queue": {"joined_lots": spread, "ahead_lots": spread},
        "time_to_fill_ns": {"count": 32, "p10": 0, "p50": 900_000_000, "p90": 2_700_000_000, "max": 15_143_000_000},
        "intents": 3 * fills, "permits": 2 * fills, "refused": fills, "receipts": 4 * fills, "unsendable": 0,
        "messages": {"place": 50, "cancel": 20, "replace": 10},
        "refusals": refusals,
        "limits": {"instrument": [limits for _ in symbols], "lane": dict.fromkeys(LANE_LIMITS, 50)},
        "simulation": {
            "equity": "100000",
            "exchange": {"queue_model": {"kind": "power_prob3", "n": 3.0}, "partial_fills": True,
                         "self_trade_prevention": "expire_taker", "amend_requeues": True},
            "latency": {"kind": "constant", "entry_ns": 10_000_000, "response_ns": 2_500_000},
            "feed_latency_ns": None,
        },
        "kernels": ["MarketMaker"], "parameters": [{"gamma": 0.01, "levels": 1}],
        "switch": {"state": "reducing", "cause": "Drawdown", "reason": "<2 % of equity>"}, "sha256": "ab" * 32,
    }  # fmt: skip
    if not fills:
        given |= {"kernels": [], "parameters": [], "limits": None, "simulation": None, "switch": None,
                  "clock_offset_ns": None}  # fmt: skip
    series = [
        {
            "symbol": symbol,
            "t_ns": [START + i * 1_000_000_000 for i in range(300)],
            "mid": [None if i in (0, 5) else 60_000 + (i % 50) / 10 for i in range(300)],
            "position": [round((i % 20 - 10) / 1000, 3) for i in range(300)],
            "pnl": [-i / 240 for i in range(300)],
            "spread": [i / 120 for i in range(300)],
            "drift": [-i / 60 for i in range(300)],
            "fees": [0.0 if symbol == "BTCUSDT" else i / 300 for i in range(300)],
            "rebates": [i / 240 for i in range(300)],
        }
        for symbol in symbols
    ]
    return given, series


def shape(value: object) -> object:
    """Keys and kinds of a document; lists by their first element. What may be null is a text."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(v) for v in value[:1]]
    return "number" if isinstance(value, (int, float)) else "text"


def test_the_literal_report_is_shaped_like_a_real_one(synthetic: Path, tmp_path: Path) -> None:
    starter.write(tmp_path / "p")
    config = with_strategy(load(tmp_path / "p" / "config.toml"), "cex.strategies.market_maker:MarketMaker")
    real = replay.run(synthetic, config)
    given, series = sample()
    given["parameters"] = [real.report["parameters"][0]]
    assert real.report["fills"] > 0
    assert shape(given) == shape(real.report)
    assert shape(series) == shape(real.series)
    quality = replay.run(synthetic, Config())
    assert {k: v is None for k, v in quality.report.items()} == {k: v is None for k, v in sample(0)[0].items()}
    assert page.render(quality.report, quality.series, "day.gz", "c").count('class="plotly-graph-div"') == 1


def test_every_key_is_in_the_readme(synthetic: Path, tmp_path: Path) -> None:
    starter.write(tmp_path / "p")
    real = replay.run(synthetic, load(tmp_path / "p" / "config.toml")).report
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    section = readme.partition("## The report as JSON")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z0-9_]+)`", section))
    tables = [
        real[k] for k in ("frames", "book", "pnl", "messages", "simulation", "switch", "queue", "time_to_fill_ns")
    ]
    keys = {
        key for part in (real, *tables, *(real[k][0] for k in ("instruments", "fill_log", "markouts"))) for key in part
    }
    assert sorted(keys - named) == []


def test_wishes_that_could_not_be_sent_are_said() -> None:
    given, _ = sample()
    assert "could not be sent" not in shown(given)
    assert "3 wishes could not be sent" in shown(given | {"unsendable": 3})


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
    assert text.count("none: not in sync") == 2
    assert "0 of 0" in text


def test_the_trading_report_has_what_was_traded() -> None:
    text = shown(sample()[0])
    for wanted in ("40 (32 as maker)", "120 → 80 permits, 40 refusals", "reducing: Drawdown <2 % of equity>", "−0.9",
                   "-1.25", "+1.230", "max_position_qty", "median 900.0 ms", "most 15.1 s", "maker rebate 0.5 bps",
                   "10 ms there, 2.5 ms back", "power_prob3, exponent 3", "gamma 0.01, levels 1",
                   "ab" * 32):  # fmt: skip
        assert wanted in text
    assert "Notice" not in text


def test_every_limit_is_shown_with_its_number_and_what_it_did() -> None:
    rows = report.limit_rows(sample()[0])
    assert ("max_position_qty", "0.05", "17") in rows
    assert ("max_order_qty", "0.05", "0") in rows
    assert rows[-1] == ("self_trade", "–", "1")
    assert {row[0] for row in rows} == {*INSTRUMENT_LIMITS, *LANE_LIMITS, "self_trade"}
    assert set(report.WRITTEN_AS) <= {name for name, _, _ in limits_()}
    assert set(report.WRITTEN_AS.values()) <= {*INSTRUMENT_LIMITS, *LANE_LIMITS}


def test_a_strategy_that_never_wanted_anything_still_has_its_switch_shown() -> None:
    given, series = sample()
    given |= {"fills": 0, "fill_log": [], "intents": 0, "permits": 0, "refused": 0}
    assert "reducing: Drawdown" in shown(given)
    assert page.render(given, series, "day.gz", "c").count('class="plotly-graph-div"') == 1


def test_a_notice_comes_first() -> None:
    given, series = sample(0)
    given["notice"] = "the capture is cut off after <9> whole lines"
    assert shown(given).startswith("Notice: the capture is cut off after <9> whole lines")
    assert "cut off after &lt;9&gt; whole lines" in page.render(given, series, "day.gz", "c")


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
    assert "maker rebate 0.5 bps, taker 5 bps" in text[: text.index('class="figures"')]


def test_the_page_of_a_quality_report_has_no_trading_in_it() -> None:
    given, series = sample(0)
    text = page.render(given, series, "day.gz", "searcher replay day.gz")
    assert "<h2>Trading</h2>" not in text
    assert "<h2>Quality of the data</h2>" in text
    assert page.render(given, [{**series[0], "t_ns": []}], "day.gz", "c").count("<script") == 0


def test_markouts_are_of_makers_and_takers_apart() -> None:
    given, _ = sample()
    figure = charts.markouts(given)
    assert [t.name for t in figure.data] == ["maker", "taker"]
    makers = [float(f["markout_ticks"]["1"]) for f in given["fill_log"] if f["maker"]]
    assert figure.data[0].y[0] == pytest.approx(sum(makers) / len(makers))


def test_the_parts_of_the_waterfall_add_up_to_the_total() -> None:
    given, _ = sample()
    values = [v for v in charts.pnl_parts(given).data[0].y if v is not None]
    assert sum(values) == pytest.approx(float(given["pnl"]["total"]))


def test_several_instruments_share_a_pnl_and_have_a_price_each() -> None:
    given, series = sample(symbols=("BTCUSDT", "ETHUSDT"))
    figures = charts.all_of(given, series)
    titles = [figure.layout.title.text for _, figure in figures]
    assert titles == ["BTCUSDT: mid price and fills", "ETHUSDT: mid price and fills", "PnL and its parts",
                      "BTCUSDT: position", "ETHUSDT: position", "PnL by part", "Markouts", "Queue ahead when joining",
                      "Time to fill"]  # fmt: skip
    lines = {line.name: line.y for line in figures[2][1].data}
    assert list(lines) == ["total", "spread", "drift", "fees", "rebates"]
    assert lines["total"][240] == pytest.approx(-2.0)
    assert lines["fees"][150] == pytest.approx(-0.5)  # paid, so below zero
    assert "ETHUSDT" in page.render(given, series, "day.gz", "c")
    for text in (shown(given), page.render(given, series, "day.gz", "c")):
        assert "agreed" in text
        assert text.count("61659.7") == 2  # the best bid of each, and none of both
    assert "Books" not in shown(sample()[0])


def test_a_pnl_part_that_never_was_has_no_line() -> None:
    assert [line.name for line in charts.pnl(sample()[1]).data] == ["total", "spread", "drift", "rebates"]
