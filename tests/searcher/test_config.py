"""The configuration: what is written is what runs, and what is wrong is named."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from searcher.config import (
    INSTRUMENT_LIMITS,
    LANE_LIMITS,
    Config,
    Features,
    Instrument,
    Kernel,
    Simulation,
    load,
    parse,
    with_setting,
    with_strategy,
)
from searcher.errors import ConfigError
from searcher.live_config import Connection, Keys, Run, Venue
from searcher.plan import plan_json
from searcher.starter import CONFIG


def starter(old: str = "", new: str = "") -> Config:
    assert old in CONFIG
    return parse(tomllib.loads(CONFIG.replace(old, new, 1)), Path("project"))


def test_the_starter_becomes_a_plan() -> None:
    plan: dict[str, Any] = json.loads(plan_json(starter(), Path("run.tape")))
    assert plan["venue"] == "binance_usdm"
    assert plan["clock_offset_ns"] is None
    assert plan["equity"] == "100000"
    assert plan["instruments"] == [
        {"symbol": "BTCUSDT", "tick": "0.1", "lot": "0.001", "maker_fee_e8": -5_000, "taker_fee_e8": 50_000}
    ]
    assert list(plan["limits"]["instrument"][0]) == list(INSTRUMENT_LIMITS)
    assert list(plan["limits"]["lane"]) == list(LANE_LIMITS)
    assert plan["limits"]["instrument"][0]["max_order_qty"] == "0.05"
    assert plan["limits"]["lane"]["max_drawdown_bps"] == 200
    assert plan["simulation"] == {
        "exchange": {
            "queue_model": {"kind": "power_prob3", "n": 3.0},
            "partial_fills": True,
            "self_trade_prevention": "expire_taker",
            "amend_requeues": True,
        },
        "latency": {"kind": "constant", "entry_ns": 10_000_000, "response_ns": 10_000_000},
        "feed_latency_ns": None,
    }
    assert plan["kernels"] == [{"instruments": ["BTCUSDT"], "budget_ns": 1_000_000}]
    assert plan["tape"] == "run.tape"


def test_without_a_kernel_nothing_is_needed() -> None:
    plan = json.loads(plan_json(Config()))
    assert (plan["venue"], plan["instruments"], plan["limits"], plan["kernels"]) == (None, [], None, [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_order_qty =", "max_ordr_qty =", "instrument[0].limits.max_order_qty is missing"),
        ("tick =", "tik =", "instrument[0].tick is missing"),
        ("equity =", "equty =", "lane.equity is missing"),
        ("[features]", "[feature]", "unknown key feature; did you mean 'features'?"),
        ("reject_window = 100", "reject_window = 100\nmax_drawdown = 1", "did you mean 'max_drawdown_bps'?"),
        ("budget_us = 1000", "budget_ms = 1", "unknown key kernel[0].budget_ms; did you mean 'budget_us'?"),
        ('clock_offset = "auto"', 'clock_ofset = "auto"', "unknown key lane.clock_ofset; did you mean 'clock_offset'?"),
        ('clock_offset = "auto"', 'clock_offset = "later"', 'lane.clock_offset = \'later\': it must be "auto"'),
        ('tick = "0.1"', "tick = 0.1", 'instrument[0].tick = 0.1: write money and quantities in quotes, "0.1"'),
        ('tick = "0.1"', 'tick = "1e-1"', "instrument[0].tick = '1e-1': it must be a decimal in quotes"),
        ('tick = "0.1"', 'tick = "0"', "instrument[0].tick = '0': it must be more than zero"),
        ('equity = "100000"', 'equity = "NaN"', "lane.equity = 'NaN'"),
        ('maker_fee_bps = "-0.5"', 'maker_fee_bps = "2.00001"', "at most four decimals"),
        ("max_open_orders = 10", "max_open_orders = 0", "max_open_orders = 0: it must be at least 1"),
        ("max_open_orders = 10", "max_open_orders = true", "instrument[0].limits.max_open_orders = True"),
        ('venue = "binance_usdm"', 'venue = "binance_usd"', "did you mean 'binance_usdm'?"),
        ('"power_prob3"', '"powerprob3"', "did you mean 'power_prob3'?"),
        ("queue_exponent = 3.0", "queue_exponent = nan", "simulation.queue_exponent = nan"),
        ('instruments = ["BTCUSDT"]', 'instruments = ["ETHUSDT"]', "instruments: ETHUSDT has no [[instrument]]"),
        ("strategy.py:JoinTouch", "strategy.py", "write module:Class or file.py:Class"),
        ("response_latency_us = 10000", 'latency_file = "l.csv"', "not both"),
        ("partial_fills = true", "latency_offset_us = 1", "belongs to a latency_file, and there is none"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        starter(old, new)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_starter_names_every_key() -> None:
    owners = (Instrument, Features, Simulation, Kernel, Run, Venue, Connection, Keys)
    keys = {field.name.replace("_fee_e8", "_fee_bps") for owner in owners for field in fields(owner)}
    assert [key for key in sorted(keys) if not re.search(rf"^(# )?{key} = |^\[.*{key}\]", CONFIG, re.MULTILINE)] == []


@pytest.mark.parametrize("name", INSTRUMENT_LIMITS + LANE_LIMITS)
def test_every_limit_is_a_persons_number(name: str) -> None:
    lines = [line for line in CONFIG.splitlines() if not line.startswith(f"{name} ")]
    with pytest.raises(ConfigError, match=rf"limits\.{name} is missing"):
        parse(tomllib.loads("\n".join(lines)), Path())


def test_a_strategy_without_limits_does_not_run() -> None:
    with pytest.raises(ConfigError, match=r"limits are missing: .*searcher init DIR.*--config"):
        plan_json(with_strategy(Config(), "a:B"))
    with pytest.raises(ConfigError, match=r"instrument\[0\].limits is missing: BTCUSDT needs max_order_qty"):
        plan_json(_without("[instrument.limits]", "[limits]"))
    with pytest.raises(ConfigError, match="limits is missing: the lane needs max_feed_latency_ms"):
        plan_json(_without("[limits]", "[features]"))


def _without(start: str, end: str) -> Config:
    return parse(tomllib.loads(CONFIG[: CONFIG.index(start)] + CONFIG[CONFIG.index(f"\n{end}") :]), Path())


def test_fees_are_exact_and_may_be_rebates() -> None:
    assert starter('maker_fee_bps = "-0.5"', 'maker_fee_bps = "-0.25"').instruments[0].maker_fee_e8 == -2_500


def test_a_strategy_replaces_the_kernel_and_its_parameters() -> None:
    config = with_strategy(starter(), "cex.strategies.market_maker:MarketMaker")
    assert [(k.strategy, k.params, k.budget_us) for k in config.kernels] == [
        ("cex.strategies.market_maker:MarketMaker", {}, 1000)
    ]
    assert Path(with_strategy(Config(), "s.py:A").kernels[0].strategy.rpartition(":")[0]).is_absolute()


def test_a_setting_changes_a_parameter() -> None:
    assert with_setting(starter(), "kernel.qty_lots=3").kernels[0].params["qty_lots"] == 3
    assert with_setting(starter(), "JoinTouch.gamma=0.5").kernels[0].params["gamma"] == 0.5
    for bad in ("kernel.lots", "lots=3", "kernel.lots=abc", "Other.lots=1", "kernel.=1"):
        with pytest.raises(ConfigError, match="--set"):
            with_setting(starter(), bad)


def test_a_file_that_is_not_there_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*nowhere.toml: No such file"):
        load(tmp_path / "nowhere.toml")
    (tmp_path / "bad.toml").write_text("[lane\n")
    with pytest.raises(ConfigError, match=r"bad\.toml is not TOML"):
        load(tmp_path / "bad.toml")


def test_a_latency_recording_is_read(tmp_path: Path) -> None:
    text = CONFIG.replace("entry_latency_us = 10000", 'latency_file = "l.csv"').replace("response_latency_us", "# ")
    path = tmp_path / "l.csv"
    config = parse(tomllib.loads(text), tmp_path)
    path.write_text("req_ns,exch_ns,resp_ns\n1,2,3\n4,5,6\n")
    latency = json.loads(plan_json(config))["simulation"]["latency"]
    assert latency["kind"] == "interpolated"
    assert (latency["rows"][1], latency["latency_offset_ns"]) == ({"req_ns": 4, "exch_ns": 5, "resp_ns": 6}, 0)
    nearer = text.replace("[simulation]\n", "[simulation]\nlatency_offset_us = -2\n")
    moved = json.loads(plan_json(parse(tomllib.loads(nearer), tmp_path)))["simulation"]["latency"]
    assert moved == {**latency, "latency_offset_ns": -2_000}
    header = "req_ns,exch_ns,resp_ns\n"
    for bad in ("", "a,b,c\n1,2,3\n", f"{header}1,2\n", f"{header}1,x,3\n", f"{header}1,2,3,4\n"):
        path.write_text(bad)
        with pytest.raises(ConfigError, match=r"l\.csv"):
            plan_json(config)
    path.write_bytes(b"req_ns,exch_ns,resp_ns\n\xff\n")
    with pytest.raises(ConfigError, match=r"l\.csv is no CSV file"):
        plan_json(config)


def test_only_power_models_have_an_exponent() -> None:
    plan = json.loads(plan_json(starter('"power_prob3"', '"risk_averse"')))
    assert plan["simulation"]["exchange"]["queue_model"] == {"kind": "risk_averse"}
